//! Projects: what was dropped, what is known.

use std::path::PathBuf;

use headstart_engine::{
    Engine, project,
    wire::{Preview, Project, ProjectId},
};
use tauri::State;

use super::{Answer, blocking};

/// Lists the projects.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_projects(engine: State<'_, Engine>) -> Answer<Vec<Project>> {
    let engine = engine.inner().clone();
    blocking(move || project::list(&engine)).await
}

/// Says what a dropped path is; adds nothing.
#[tauri::command]
#[specta::specta]
pub(crate) async fn preview_path(engine: State<'_, Engine>, path: String) -> Answer<Preview> {
    let engine = engine.inner().clone();
    blocking(move || project::preview(&engine, &PathBuf::from(path))).await
}

/// Adds the project at a path.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_project(engine: State<'_, Engine>, path: String) -> Answer<Project> {
    let engine = engine.inner().clone();
    blocking(move || project::add(&engine, &PathBuf::from(path))).await
}

/// Forgets a project; its builds stay in the catalogue, its folder is not touched.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_project(engine: State<'_, Engine>, project: ProjectId) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || project::remove(&engine, &project)).await
}

/// Opens a project's folder in the system's file manager.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_project_folder(engine: State<'_, Engine>, project: ProjectId) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || {
        let folder = project::folder(&engine, &project)?;
        open::that_detached(&folder).map_err(|e| {
            headstart_engine::Error::internal("the folder could not be opened in another program", e)
        })
    })
    .await
}
