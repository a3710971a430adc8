//! The commit graph, what is reusable on it, and plans.

use headstart_engine::{
    Engine, history, plan,
    wire::{
        BuildRequest, ChangedFiles, CommitDetail, CommitHits, CommitSearch, CommitState, GraphPage,
        GraphQuery, Plan, ProjectId, Ref,
    },
};
use tauri::State;

use super::{Answer, blocking};

/// Returns rows `from .. from + count` of a project's commit graph.
#[tauri::command]
#[specta::specta]
pub(crate) async fn graph_page(
    engine: State<'_, Engine>,
    project: ProjectId,
    query: GraphQuery,
    from: u32,
    count: u32,
) -> Answer<GraphPage> {
    let engine = engine.inner().clone();
    blocking(move || history::page(&engine, &project, &query, from, count)).await
}

/// Returns the build state of commits, in the order asked.
#[tauri::command]
#[specta::specta]
pub(crate) async fn commit_states(
    engine: State<'_, Engine>,
    project: ProjectId,
    commits: Vec<String>,
) -> Answer<Vec<CommitState>> {
    Ok(history::states(&engine, &project, &commits).await?)
}

/// Searches the history.
#[tauri::command]
#[specta::specta]
pub(crate) async fn search_commits(engine: State<'_, Engine>, search: CommitSearch) -> Answer<CommitHits> {
    let engine = engine.inner().clone();
    blocking(move || history::search(&engine, &search)).await
}

/// Returns everything about one commit.
#[tauri::command]
#[specta::specta]
pub(crate) async fn commit_detail(
    engine: State<'_, Engine>,
    project: ProjectId,
    commit: String,
) -> Answer<CommitDetail> {
    let engine = engine.inner().clone();
    blocking(move || history::detail(&engine, &project, &commit)).await
}

/// Lists the files of a project that differ between a base and a commit, or HEAD's work tree when `dirty`.
#[tauri::command]
#[specta::specta]
pub(crate) async fn changed_files(
    engine: State<'_, Engine>,
    project: ProjectId,
    base: String,
    commit: String,
    dirty: bool,
) -> Answer<ChangedFiles> {
    let engine = engine.inner().clone();
    blocking(move || history::changed_files(&engine, &project, &base, &commit, dirty)).await
}

/// Lists branches and tags.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_refs(engine: State<'_, Engine>, project: ProjectId) -> Answer<Vec<Ref>> {
    let engine = engine.inner().clone();
    blocking(move || history::refs(&engine, &project)).await
}

/// Plans a commit; writes nothing.
#[tauri::command]
#[specta::specta]
pub(crate) async fn plan_commit(engine: State<'_, Engine>, request: BuildRequest) -> Answer<Plan> {
    Ok(plan::plan(&engine, &request).await?)
}
