//! Compose projects: the files of a request, deploying, what runs.

use headstart_engine::{
    Engine, Error,
    run::deploy as deployments,
    wire::{BuildRequest, ComposeFiles, DeployEvent, Deployment},
};
use tauri::{State, ipc::Channel};

use super::{Answer, blocking};

/// Returns what building and deploying a request would do; writes nothing.
#[tauri::command]
#[specta::specta]
pub(crate) async fn compose_files(engine: State<'_, Engine>, request: BuildRequest) -> Answer<ComposeFiles> {
    Ok(deployments::files(&engine, &request).await?)
}

/// Brings up what a request means, with images that are built already, and streams what compose says.
#[tauri::command]
#[specta::specta]
pub(crate) async fn deploy(
    engine: State<'_, Engine>,
    request: BuildRequest,
    events: Channel<DeployEvent>,
) -> Answer<()> {
    // A page that reloads hears no more of it; compose goes on to its end.
    let on_event = move |event| {
        drop(events.send(event));
        true
    };
    Ok(deployments::deploy(&engine, &request, on_event).await?)
}

/// Lists the compose projects that were deployed and still have containers.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_deployments(engine: State<'_, Engine>) -> Answer<Vec<Deployment>> {
    Ok(deployments::list(&engine).await?)
}

/// Stops and removes a compose project; its volumes stay unless asked.
#[tauri::command]
#[specta::specta]
pub(crate) async fn take_down(
    engine: State<'_, Engine>,
    compose_project: String,
    volumes: bool,
) -> Answer<()> {
    Ok(deployments::take_down(&engine, &compose_project, volumes).await?)
}

/// Streams the log of a deployed service until it ends or nobody listens.
#[tauri::command]
#[specta::specta]
pub(crate) async fn service_log(
    engine: State<'_, Engine>,
    compose_project: String,
    service: String,
    lines: Channel<String>,
) -> Answer<()> {
    Ok(
        deployments::service_log(&engine, &compose_project, &service, move |line| {
            lines.send(line).is_ok()
        })
        .await?,
    )
}

/// Opens a port of something that runs in the browser.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_port(engine: State<'_, Engine>, url: String) -> Answer<()> {
    deployments::check_port(&engine, &url).await?;
    blocking(move || {
        open::that_detached(&url)
            .map_err(|e| Error::internal("the address could not be opened in the browser", e))
    })
    .await
}
