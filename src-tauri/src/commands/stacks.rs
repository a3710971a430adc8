//! Stacks: what there is, which project uses which, what works.

use headstart_engine::{
    Engine, stack,
    wire::{ProjectId, Stack, StackCheck},
};
use tauri::State;

use super::{Answer, blocking};

/// Lists the stacks.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_stacks(engine: State<'_, Engine>) -> Answer<Vec<Stack>> {
    let engine = engine.inner().clone();
    blocking(move || stack::list(&engine)).await
}

/// Stores a stack, replacing the one of its name; answers with it as it then is.
#[tauri::command]
#[specta::specta]
pub(crate) async fn save_stack(engine: State<'_, Engine>, stack: Stack) -> Answer<Stack> {
    let engine = engine.inner().clone();
    blocking(move || stack::save(&engine, stack)).await
}

/// Removes a stack that no project uses.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_stack(engine: State<'_, Engine>, name: String) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || stack::remove(&engine, &name)).await
}

/// Returns the name of the stack that a project uses.
#[tauri::command]
#[specta::specta]
pub(crate) async fn project_stack(engine: State<'_, Engine>, project: ProjectId) -> Answer<String> {
    let engine = engine.inner().clone();
    blocking(move || stack::of_project(&engine, &project)).await
}

/// Makes a project use a stack.
#[tauri::command]
#[specta::specta]
pub(crate) async fn use_stack(engine: State<'_, Engine>, project: ProjectId, name: String) -> Answer<()> {
    let engine = engine.inner().clone();
    blocking(move || stack::use_for(&engine, &project, &name)).await
}

/// Tries every part of a stack.
#[tauri::command]
#[specta::specta]
pub(crate) async fn check_stack(engine: State<'_, Engine>, name: String) -> Answer<Vec<StackCheck>> {
    Ok(stack::check(&engine, &name).await?)
}
