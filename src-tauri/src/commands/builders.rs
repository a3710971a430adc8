//! Builders: listing, making, selecting, starting, pruning and removing them.

use headstart_engine::{
    Engine, builders,
    wire::{Builder, BuilderPruned, BuilderUsage, NewBuilder},
};
use tauri::State;

use super::Answer;

/// Lists builders, the selected one first, with what each can do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_builders(engine: State<'_, Engine>) -> Answer<Vec<Builder>> {
    Ok(builders::list(&engine).await?)
}

/// Makes a builder; it is neither started nor selected.
#[tauri::command]
#[specta::specta]
pub(crate) async fn create_builder(engine: State<'_, Engine>, builder: NewBuilder) -> Answer<Builder> {
    Ok(builders::create(&engine, &builder).await?)
}

/// Makes a builder the one that builds go to when they name none.
#[tauri::command]
#[specta::specta]
pub(crate) async fn select_builder(engine: State<'_, Engine>, name: String) -> Answer<Builder> {
    Ok(builders::select(&engine, &name).await?)
}

/// Starts a builder; the first time, its BuildKit image is pulled.
#[tauri::command]
#[specta::specta]
pub(crate) async fn bootstrap_builder(engine: State<'_, Engine>, name: String) -> Answer<Builder> {
    Ok(builders::bootstrap(&engine, &name).await?)
}

/// Removes a builder with its cache; the builder of a docker context stays.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_builder(engine: State<'_, Engine>, name: String) -> Answer<()> {
    Ok(builders::remove(&engine, &name).await?)
}

/// Returns what a running builder keeps on disk, and what each kind of prune would free.
#[tauri::command]
#[specta::specta]
pub(crate) async fn builder_usage(engine: State<'_, Engine>, name: String) -> Answer<BuilderUsage> {
    Ok(builders::usage(&engine, &name).await?)
}

/// Frees a builder's cache: what is prunable, or everything reclaimable with `all`.
#[tauri::command]
#[specta::specta]
pub(crate) async fn prune_builder(
    engine: State<'_, Engine>,
    name: String,
    all: bool,
) -> Answer<BuilderPruned> {
    Ok(builders::prune(&engine, &name, all, None).await?)
}
