//! The engine's state, settings and the inbox.

use headstart_engine::{
    Engine, inbox, settings, stack,
    wire::{EngineStatus, Notice, Settings},
};
use tauri::State;

use super::{Answer, blocking};

/// Asks the Docker engine how it is.
#[tauri::command]
#[specta::specta]
pub(crate) async fn engine_status(engine: State<'_, Engine>) -> Answer<EngineStatus> {
    Ok(stack::status(&engine).await)
}

/// Returns the settings.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_settings(engine: State<'_, Engine>) -> Answer<Settings> {
    let engine = engine.inner().clone();
    blocking(move || settings::get(&engine)).await
}

/// Stores the settings and returns them as they then are.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_settings(engine: State<'_, Engine>, settings: Settings) -> Answer<Settings> {
    let engine = engine.inner().clone();
    blocking(move || settings::set(&engine, settings)).await
}

/// Lists the inbox, newest first, at most 200.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_notices(engine: State<'_, Engine>) -> Answer<Vec<Notice>> {
    let engine = engine.inner().clone();
    blocking(move || inbox::list(&engine)).await
}

/// Marks notices as read; all when none is named.
#[tauri::command]
#[specta::specta]
pub(crate) async fn mark_read(engine: State<'_, Engine>, notices: Vec<u32>) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || inbox::mark_read(&engine, &notices)).await
}
