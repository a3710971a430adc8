//! Builds: start, watch, cancel, and the catalogue of them.

use headstart_engine::{
    Engine, builds,
    wire::{
        Build, BuildDiff, BuildEvent, BuildFilter, BuildId, BuildList, BuildRequest, DeletePlan, Insights,
        LogPage,
    },
};
use tauri::{State, ipc::Channel};

use super::{Answer, blocking};

/// Starts a build, joins one of the same keys, or answers with the build that can be reused.
#[tauri::command]
#[specta::specta]
pub(crate) async fn start_build(engine: State<'_, Engine>, request: BuildRequest) -> Answer<BuildId> {
    Ok(builds::start(&engine, &request).await?)
}

/// Streams a build: what has happened, then each change until it ends.
#[tauri::command]
#[specta::specta]
pub(crate) async fn watch_build(
    engine: State<'_, Engine>,
    build: BuildId,
    events: Channel<BuildEvent>,
) -> Answer<()> {
    // A window that reloads or closes ends the watch: nobody listens any more, and the build goes on.
    Ok(builds::watch(&engine, &build, move |event| events.send(event).is_ok()).await?)
}

/// Cancels a queued or running build.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel_build(engine: State<'_, Engine>, build: BuildId) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || builds::cancel(&engine, &build)).await
}

/// Returns one build with its steps.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_build(engine: State<'_, Engine>, build: BuildId) -> Answer<Build> {
    let engine = engine.inner().clone();
    blocking(move || builds::get(&engine, &build)).await
}

/// Lists builds that match a filter.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_builds(engine: State<'_, Engine>, filter: BuildFilter) -> Answer<BuildList> {
    let engine = engine.inner().clone();
    blocking(move || builds::list(&engine, &filter)).await
}

/// Returns lines `from .. from + count` of a build's log, of one step or of all.
#[tauri::command]
#[specta::specta]
pub(crate) async fn read_log(
    engine: State<'_, Engine>,
    build: BuildId,
    step: Option<u32>,
    from: u32,
    count: u32,
) -> Answer<LogPage> {
    let engine = engine.inner().clone();
    blocking(move || builds::read_log(&engine, &build, step, from, count)).await
}

/// Returns the numbers of log lines that contain a text, case-insensitive, at most 10,000.
#[tauri::command]
#[specta::specta]
pub(crate) async fn search_log(
    engine: State<'_, Engine>,
    build: BuildId,
    step: Option<u32>,
    text: String,
) -> Answer<Vec<u32>> {
    let engine = engine.inner().clone();
    blocking(move || builds::search_log(&engine, &build, step, &text)).await
}

/// Opens a build's log file in the system's text viewer.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_log(engine: State<'_, Engine>, build: BuildId) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || {
        let file = builds::log_file(&engine, &build)?;
        open::that_detached(&file).map_err(|e| {
            headstart_engine::Error::internal("the log could not be opened in another program", e)
        })
    })
    .await
}

/// Says what deleting builds would do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_plan(engine: State<'_, Engine>, builds: Vec<BuildId>) -> Answer<DeletePlan> {
    Ok(builds::delete_plan(&engine, &builds).await?)
}

/// Deletes builds and their images, except pinned and active ones; answers with what was done.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_builds(engine: State<'_, Engine>, builds: Vec<BuildId>) -> Answer<DeletePlan> {
    Ok(builds::delete(&engine, &builds).await?)
}

/// Pins or unpins a build.
#[tauri::command]
#[specta::specta]
pub(crate) async fn pin_build(engine: State<'_, Engine>, build: BuildId, pinned: bool) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || builds::pin(&engine, &build, pinned)).await
}

/// Compares two builds.
#[tauri::command]
#[specta::specta]
pub(crate) async fn diff_builds(
    engine: State<'_, Engine>,
    left: BuildId,
    right: BuildId,
) -> Answer<BuildDiff> {
    let engine = engine.inner().clone();
    blocking(move || builds::diff(&engine, &left, &right)).await
}

/// Returns what the catalogue shows over time, for one project or all.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_insights(
    engine: State<'_, Engine>,
    project: Option<headstart_engine::wire::ProjectId>,
) -> Answer<Insights> {
    let engine = engine.inner().clone();
    blocking(move || builds::insights(&engine, project.as_ref())).await
}
