//! Runs: containers started from a build, shells in them, details of images.

use headstart_engine::{
    Engine, run,
    wire::{BuildId, ImageDetail, Run, ShellEvent},
};
use tauri::{State, ipc::Channel};

use super::Answer;

/// Lists running containers that came from Headstart's builds.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_runs(engine: State<'_, Engine>) -> Answer<Vec<Run>> {
    Ok(run::list(&engine).await?)
}

/// Opens a shell in a new container of a build's image and streams it until it ends.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_shell(
    engine: State<'_, Engine>,
    build: BuildId,
    columns: u16,
    rows: u16,
    events: Channel<ShellEvent>,
) -> Answer<()> {
    Ok(run::shell(&engine, &build, (columns, rows), move |event| {
        events.send(event).is_ok()
    })
    .await?)
}

/// Sends typed text to a shell.
#[tauri::command]
#[specta::specta]
pub(crate) async fn write_shell(engine: State<'_, Engine>, run: String, text: String) -> Answer<()> {
    Ok(run::write(&engine, &run, text.as_bytes()).await?)
}

/// Tells a shell the size of its terminal.
#[tauri::command]
#[specta::specta]
pub(crate) async fn resize_shell(
    engine: State<'_, Engine>,
    run: String,
    columns: u16,
    rows: u16,
) -> Answer<()> {
    Ok(run::resize(&engine, &run, (columns, rows)).await?)
}

/// Stops and removes a run's container.
#[tauri::command]
#[specta::specta]
pub(crate) async fn stop_run(engine: State<'_, Engine>, run: String) -> Answer<()> {
    Ok(run::stop(&engine, &run).await?)
}

/// Returns what the Engine knows of a build's image.
#[tauri::command]
#[specta::specta]
pub(crate) async fn image_detail(engine: State<'_, Engine>, build: BuildId) -> Answer<ImageDetail> {
    Ok(run::image_detail(&engine, &build).await?)
}
