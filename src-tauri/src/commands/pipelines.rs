//! Runs of pipelines, the code repositories they fetch from, and other people's builds.

use headstart_engine::{
    Engine, builds, repositories,
    run::pipelines,
    wire::{
        CheckoutState, CodeRepository, LogPage, PipelineRun, ProjectId, RunEvent, RunFilter, RunList,
        RunRequest, SyncReport,
    },
};
use tauri::{State, ipc::Channel};

use super::{Answer, blocking};

/// Starts a run; what is missing is built first. Returns its id.
#[tauri::command]
#[specta::specta]
pub(crate) async fn start_pipeline_run(engine: State<'_, Engine>, request: RunRequest) -> Answer<String> {
    Ok(pipelines::start(&engine, &request).await?)
}

/// Streams a run until it ends.
#[tauri::command]
#[specta::specta]
pub(crate) async fn watch_pipeline_run(
    engine: State<'_, Engine>,
    run: String,
    events: Channel<RunEvent>,
) -> Answer<()> {
    Ok(pipelines::watch(&engine, &run, move |event| events.send(event).is_ok()).await?)
}

/// Cancels a run.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel_pipeline_run(engine: State<'_, Engine>, run: String) -> Answer<()> {
    Ok(pipelines::cancel(&engine, &run)?)
}

/// Returns a run.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_pipeline_run(engine: State<'_, Engine>, run: String) -> Answer<PipelineRun> {
    let engine = engine.inner().clone();
    blocking(move || pipelines::get(&engine, &run)).await
}

/// Lists runs, newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_pipeline_runs(engine: State<'_, Engine>, filter: RunFilter) -> Answer<RunList> {
    let engine = engine.inner().clone();
    blocking(move || pipelines::list(&engine, &filter)).await
}

/// Returns lines of a run's log.
#[tauri::command]
#[specta::specta]
pub(crate) async fn read_run_log(
    engine: State<'_, Engine>,
    run: String,
    step: Option<u32>,
    from: u32,
    count: u32,
) -> Answer<LogPage> {
    let engine = engine.inner().clone();
    blocking(move || pipelines::log(&engine, &run, step, from, count)).await
}

/// Deletes the record and log of a run that has ended.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_pipeline_run(engine: State<'_, Engine>, run: String) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || pipelines::delete(&engine, &run)).await
}

/// Lists the registered code repositories.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_code_repositories(engine: State<'_, Engine>) -> Answer<Vec<CodeRepository>> {
    Ok(repositories::list(&engine)?)
}

/// Registers a code repository, or changes one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn save_code_repository(
    engine: State<'_, Engine>,
    repository: CodeRepository,
) -> Answer<CodeRepository> {
    Ok(repositories::save(&engine, repository)?)
}

/// Removes a code repository.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_code_repository(engine: State<'_, Engine>, name: String) -> Answer<()> {
    Ok(repositories::remove(&engine, &name)?)
}

/// Returns where a project's checkout stands towards the code repositories.
#[tauri::command]
#[specta::specta]
pub(crate) async fn checkout_state(
    engine: State<'_, Engine>,
    project: ProjectId,
    fetch: bool,
) -> Answer<CheckoutState> {
    Ok(repositories::state(&engine, &project, fetch).await?)
}

/// Looks for other people's builds in the registries.
#[tauri::command]
#[specta::specta]
pub(crate) async fn sync_builds(engine: State<'_, Engine>, project: Option<ProjectId>) -> Answer<SyncReport> {
    Ok(builds::sync(&engine, project.as_ref()).await?)
}
