//! Compose projects: what would be built and deployed, deploying, what runs.

use headstart_engine::{
    Engine,
    run::deploy,
    wire::{BuildRequest, ComposeFiles, DeployEvent, Deployment},
};
use tauri::{State, ipc::Channel};

use super::{Answer, blocking};

/// Returns the services of a compose project, the interim build file and the file that would be deployed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn compose_files(engine: State<'_, Engine>, request: BuildRequest) -> Answer<ComposeFiles> {
    Ok(deploy::files(&engine, &request).await?)
}

/// Brings a compose project up with the images it has and streams what compose says. How it ended is the last event.
#[tauri::command]
#[specta::specta]
pub(crate) async fn deploy(
    engine: State<'_, Engine>,
    request: BuildRequest,
    events: Channel<DeployEvent>,
) -> Answer<()> {
    // The event has told what went wrong, in more detail.
    drop(deploy::deploy(&engine, &request, move |event| events.send(event).is_ok()).await);
    Ok(())
}

/// Lists what runs of compose projects that were deployed from here.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_deployments(engine: State<'_, Engine>) -> Answer<Vec<Deployment>> {
    Ok(deploy::list(&engine).await?)
}

/// Stops and removes what runs of a compose project, with its volumes if they are named.
#[tauri::command]
#[specta::specta]
pub(crate) async fn take_down(
    engine: State<'_, Engine>,
    compose_project: String,
    volumes: bool,
) -> Answer<()> {
    Ok(deploy::take_down(&engine, &compose_project, volumes).await?)
}

/// Streams the log of a deployed service until it ends.
#[tauri::command]
#[specta::specta]
pub(crate) async fn service_log(
    engine: State<'_, Engine>,
    compose_project: String,
    service: String,
    lines: Channel<String>,
) -> Answer<()> {
    let send = move |line| lines.send(line).is_ok();
    Ok(deploy::service_log(&engine, &compose_project, &service, send).await?)
}

/// Opens a published port in the browser; no other address.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_port(engine: State<'_, Engine>, url: String) -> Answer<()> {
    deploy::check_port(&engine, &url).await?;
    blocking(move || {
        open::that_detached(&url)
            .map_err(|e| headstart_engine::Error::internal("the address could not be opened in a browser", e))
    })
    .await
}
