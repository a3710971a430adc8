//! Stacks: where and with what builds are made.

use headstart_engine::{
    Engine, stack,
    wire::{ProjectId, Stack, StackCheck},
};
use tauri::State;

use super::{Answer, blocking};

/// Lists the stacks, the default one first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_stacks(engine: State<'_, Engine>) -> Answer<Vec<Stack>> {
    let engine = engine.inner().clone();
    blocking(move || stack::list(&engine)).await
}

/// Checks and stores a stack.
#[tauri::command]
#[specta::specta]
pub(crate) async fn save_stack(engine: State<'_, Engine>, stack: Stack) -> Answer<Stack> {
    let engine = engine.inner().clone();
    blocking(move || stack::save(&engine, stack)).await
}

/// Removes a stack; projects that used it use the default one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_stack(engine: State<'_, Engine>, name: String) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || stack::remove(&engine, &name)).await
}

/// Makes a project use a stack.
#[tauri::command]
#[specta::specta]
pub(crate) async fn use_stack(engine: State<'_, Engine>, project: ProjectId, name: String) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || stack::use_for(&engine, &project, &name)).await
}

/// Tries each part of a stack.
#[tauri::command]
#[specta::specta]
pub(crate) async fn check_stack(engine: State<'_, Engine>, name: String) -> Answer<Vec<StackCheck>> {
    Ok(stack::check(&engine, &name).await?)
}
