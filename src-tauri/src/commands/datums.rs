//! Datum pipelines and their jobs.

use std::path::Path;

use headstart_engine::{
    Engine, datums,
    wire::{
        CodeBuilder, DatumFilter, DatumList, DatumPipeline, Job, JobEvent, JobFilter, JobList, LogPage,
        SubmitEvent, SubmitPlan, SubmitRequest, Submitted,
    },
};
use tauri::{State, ipc::Channel};

use super::{Answer, blocking};

/// Says what submitting a spec would do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn plan_submission(engine: State<'_, Engine>, request: SubmitRequest) -> Answer<SubmitPlan> {
    Ok(datums::plan(&engine, &request).await?)
}

/// Submits a spec.
#[tauri::command]
#[specta::specta]
pub(crate) async fn submit_pipelines(
    engine: State<'_, Engine>,
    request: SubmitRequest,
    events: Channel<SubmitEvent>,
) -> Answer<Submitted> {
    // A window may close meanwhile; a failed send is not an error.
    Ok(datums::submit(&engine, &request, move |event| drop(events.send(event))).await?)
}

/// Lists datum pipelines.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_datum_pipelines(
    engine: State<'_, Engine>,
    stack: Option<String>,
) -> Answer<Vec<DatumPipeline>> {
    let engine = engine.inner().clone();
    blocking(move || datums::pipelines(&engine, stack.as_deref())).await
}

/// Returns a datum pipeline.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_datum_pipeline(
    engine: State<'_, Engine>,
    stack: Option<String>,
    name: String,
) -> Answer<DatumPipeline> {
    let engine = engine.inner().clone();
    blocking(move || datums::pipeline(&engine, stack.as_deref(), &name)).await
}

/// Deletes a datum pipeline.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_datum_pipeline(
    engine: State<'_, Engine>,
    stack: Option<String>,
    name: String,
    with_data: bool,
) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || datums::delete_pipeline(&engine, stack.as_deref(), &name, with_data)).await
}

/// Stops a datum pipeline, or lets it go on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn stop_datum_pipeline(
    engine: State<'_, Engine>,
    stack: Option<String>,
    name: String,
    stopped: bool,
) -> Answer<Vec<String>> {
    Ok(datums::stop_pipeline(&engine, stack.as_deref(), &name, stopped).await?)
}

/// Lets the clocks of a pipeline tick now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn tick_datum_pipeline(
    engine: State<'_, Engine>,
    stack: Option<String>,
    name: String,
) -> Answer<Vec<String>> {
    Ok(datums::tick(&engine, stack.as_deref(), &name).await?)
}

/// Starts what new commits of a branch call for.
#[tauri::command]
#[specta::specta]
pub(crate) async fn process_data(
    engine: State<'_, Engine>,
    stack: Option<String>,
    repo: String,
    branch: String,
) -> Answer<Vec<String>> {
    Ok(datums::process(&engine, stack.as_deref(), &repo, &branch).await?)
}

/// Lists jobs, newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_jobs(engine: State<'_, Engine>, filter: JobFilter) -> Answer<JobList> {
    let engine = engine.inner().clone();
    blocking(move || datums::jobs(&engine, &filter)).await
}

/// Returns a job.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_job(engine: State<'_, Engine>, job: String) -> Answer<Job> {
    let engine = engine.inner().clone();
    blocking(move || datums::job(&engine, &job)).await
}

/// Streams a job until it ends.
#[tauri::command]
#[specta::specta]
pub(crate) async fn watch_job(
    engine: State<'_, Engine>,
    job: String,
    events: Channel<JobEvent>,
) -> Answer<()> {
    Ok(datums::watch(&engine, &job, move |event| events.send(event).is_ok()).await?)
}

/// Cancels a job.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel_job(engine: State<'_, Engine>, job: String) -> Answer<()> {
    Ok(datums::cancel(&engine, &job)?)
}

/// Runs a job that did not succeed once more.
#[tauri::command]
#[specta::specta]
pub(crate) async fn retry_job(engine: State<'_, Engine>, job: String) -> Answer<Vec<String>> {
    Ok(datums::retry(&engine, &job).await?)
}

/// Lists the datums of a job.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_datums(
    engine: State<'_, Engine>,
    job: String,
    filter: DatumFilter,
) -> Answer<DatumList> {
    let engine = engine.inner().clone();
    blocking(move || datums::datums(&engine, &job, &filter)).await
}

/// Returns lines of a job's log.
#[tauri::command]
#[specta::specta]
pub(crate) async fn read_job_log(
    engine: State<'_, Engine>,
    job: String,
    step: Option<u32>,
    from: u32,
    count: u32,
) -> Answer<LogPage> {
    let engine = engine.inner().clone();
    blocking(move || datums::log(&engine, &job, step, from, count)).await
}

/// Writes a builder for a language into a folder.
#[tauri::command]
#[specta::specta]
pub(crate) async fn new_code_builder(
    engine: State<'_, Engine>,
    language: String,
    folder: String,
) -> Answer<CodeBuilder> {
    let engine = engine.inner().clone();
    blocking(move || datums::new_code_builder(&engine, &language, Path::new(&folder))).await
}
