//! Data repositories.

use std::path::Path;

use headstart_engine::{
    Engine, data,
    wire::{
        CopyProgress, DataCommit, DataDiff, DataFile, DataListing, DataRepo, PutReport, PutRequest, Swept,
    },
};
use tauri::{State, ipc::Channel};

use super::{Answer, blocking};

/// Lists the data repositories of a stack.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_data_repos(
    engine: State<'_, Engine>,
    stack: Option<String>,
) -> Answer<Vec<DataRepo>> {
    let engine = engine.inner().clone();
    blocking(move || data::list(&engine, stack.as_deref())).await
}

/// Returns a data repository.
#[tauri::command]
#[specta::specta]
pub(crate) async fn get_data_repo(
    engine: State<'_, Engine>,
    stack: Option<String>,
    repo: String,
) -> Answer<DataRepo> {
    let engine = engine.inner().clone();
    blocking(move || data::get(&engine, stack.as_deref(), &repo)).await
}

/// Makes a data repository.
#[tauri::command]
#[specta::specta]
pub(crate) async fn create_data_repo(
    engine: State<'_, Engine>,
    stack: Option<String>,
    repo: String,
    description: String,
) -> Answer<DataRepo> {
    let engine = engine.inner().clone();
    blocking(move || data::create(&engine, stack.as_deref(), &repo, &description)).await
}

/// Deletes a data repository.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_data_repo(
    engine: State<'_, Engine>,
    stack: Option<String>,
    repo: String,
) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || data::delete(&engine, stack.as_deref(), &repo)).await
}

/// Makes a branch of a data repository.
#[tauri::command]
#[specta::specta]
pub(crate) async fn create_data_branch(
    engine: State<'_, Engine>,
    stack: Option<String>,
    repo: String,
    branch: String,
    from: Option<String>,
) -> Answer<DataRepo> {
    let engine = engine.inner().clone();
    blocking(move || data::create_branch(&engine, stack.as_deref(), &repo, &branch, from.as_deref())).await
}

/// Deletes a branch of a data repository.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_data_branch(
    engine: State<'_, Engine>,
    stack: Option<String>,
    repo: String,
    branch: String,
) -> Answer<DataRepo> {
    let engine = engine.inner().clone();
    blocking(move || data::delete_branch(&engine, stack.as_deref(), &repo, &branch)).await
}

/// Lists commits of a branch, newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_data_commits(
    engine: State<'_, Engine>,
    stack: Option<String>,
    repo: String,
    branch: String,
    offset: u32,
    limit: u32,
) -> Answer<Vec<DataCommit>> {
    let engine = engine.inner().clone();
    blocking(move || data::history(&engine, stack.as_deref(), &repo, &branch, offset, limit)).await
}

/// Lists a folder of a commit.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_data_entries(
    engine: State<'_, Engine>,
    stack: Option<String>,
    revision: String,
    path: String,
    offset: u32,
    limit: u32,
) -> Answer<DataListing> {
    let engine = engine.inner().clone();
    blocking(move || data::entries(&engine, stack.as_deref(), &revision, &path, offset.into(), limit)).await
}

/// Returns what a file shows of itself.
#[tauri::command]
#[specta::specta]
pub(crate) async fn preview_data_file(
    engine: State<'_, Engine>,
    stack: Option<String>,
    revision: String,
    path: String,
) -> Answer<DataFile> {
    let engine = engine.inner().clone();
    blocking(move || data::preview(&engine, stack.as_deref(), &revision, &path)).await
}

/// Adds files to a branch and removes others, as one commit.
#[tauri::command]
#[specta::specta]
pub(crate) async fn put_data_files(
    engine: State<'_, Engine>,
    request: PutRequest,
    progress: Channel<CopyProgress>,
) -> Answer<PutReport> {
    let engine = engine.inner().clone();
    blocking(move || data::put(&engine, &request, |at| progress.send(at).is_ok())).await
}

/// Compares two commits.
#[tauri::command]
#[specta::specta]
pub(crate) async fn diff_data_commits(
    engine: State<'_, Engine>,
    stack: Option<String>,
    from: Option<String>,
    to: String,
    offset: u32,
    limit: u32,
) -> Answer<DataDiff> {
    let engine = engine.inner().clone();
    blocking(move || {
        data::diff(
            &engine,
            stack.as_deref(),
            from.as_deref(),
            &to,
            offset.into(),
            limit,
        )
    })
    .await
}

/// Writes a file or folder of a commit into a folder of this machine.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_data(
    engine: State<'_, Engine>,
    stack: Option<String>,
    revision: String,
    path: String,
    folder: String,
    progress: Channel<CopyProgress>,
) -> Answer<CopyProgress> {
    let engine = engine.inner().clone();
    blocking(move || {
        data::export(
            &engine,
            stack.as_deref(),
            &revision,
            &path,
            Path::new(&folder),
            |at| progress.send(at).is_ok(),
        )
    })
    .await
}

/// Removes what nothing uses any more, or says what that would be.
#[tauri::command]
#[specta::specta]
pub(crate) async fn sweep_data(
    engine: State<'_, Engine>,
    stack: Option<String>,
    only_look: bool,
) -> Answer<Swept> {
    let engine = engine.inner().clone();
    blocking(move || data::sweep(&engine, stack.as_deref(), only_look)).await
}
