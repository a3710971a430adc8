//! Compose projects: what would be built and deployed, deploying, what runs.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use headstart_engine::{
    Engine,
    run::{deploy, deploys},
    wire::{BuildRequest, ComposeFiles, DeployEvent, DeployUnderWay, Deployment},
};
use tauri::{State, ipc::Channel};
use tokio::sync::oneshot;

use super::{Answer, blocking};

/// Returns the services of a compose project, the interim build file and the file that would be deployed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn compose_files(engine: State<'_, Engine>, request: BuildRequest) -> Answer<ComposeFiles> {
    Ok(deploy::files(&engine, &request).await?)
}

/// Builds what is missing of a compose project and deploys it, in the background. Returns the compose project, by which it
/// is watched and cancelled.
#[tauri::command]
#[specta::specta]
pub(crate) async fn start_deploy(engine: State<'_, Engine>, request: BuildRequest) -> Answer<String> {
    Ok(deploys::start(&engine, &request).await?)
}

/// Streams a deploy: what it has said so far, then each line until it ends. How it ended is the last event.
#[tauri::command]
#[specta::specta]
pub(crate) async fn watch_deploy(
    engine: State<'_, Engine>,
    compose_project: String,
    events: Channel<DeployEvent>,
) -> Answer<()> {
    Ok(deploys::watch(&engine, &compose_project, move |event| events.send(event).is_ok()).await?)
}

/// Cancels a deploy.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel_deploy(engine: State<'_, Engine>, compose_project: String) -> Answer<()> {
    Ok(deploys::cancel(&engine, &compose_project)?)
}

/// Lists deploys that have not ended.
#[tauri::command]
#[specta::specta]
pub(crate) async fn list_deploys(engine: State<'_, Engine>) -> Answer<Vec<DeployUnderWay>> {
    Ok(deploys::under_way(&engine))
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

/// Streams the log of a deployed service until it ends or is closed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn service_log(
    engine: State<'_, Engine>,
    open: State<'_, OpenLogs>,
    compose_project: String,
    service: String,
    lines: Channel<String>,
) -> Answer<()> {
    let id = lines.id();
    let closed = open.add(id);
    let send = move |line| lines.send(line).is_ok();
    let ended = tokio::select! {
        ended = deploy::service_log(&engine, &compose_project, &service, send) => ended,
        _ = closed => Ok(()),
    };
    open.close(id);
    Ok(ended?)
}

/// Ends the stream of a log, by the number of its channel.
#[tauri::command]
#[specta::specta]
pub(crate) async fn close_log(open: State<'_, OpenLogs>, id: u32) -> Answer<()> {
    open.close(id);
    Ok(())
}

/// Logs that are followed, by the number of their channel: a service that says nothing would never tell that nobody
/// listens any more.
#[derive(Default)]
pub(crate) struct OpenLogs(Mutex<HashMap<u32, oneshot::Sender<()>>>);

impl OpenLogs {
    /// Adds one; what is returned is ready when it is closed.
    fn add(&self, id: u32) -> oneshot::Receiver<()> {
        let (sender, closed) = oneshot::channel();
        self.all().insert(id, sender);
        closed
    }

    fn close(&self, id: u32) {
        self.all().remove(&id);
    }

    /// Closes all: the page that listened is gone.
    pub(crate) fn close_all(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, HashMap<u32, oneshot::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

#[cfg(test)]
mod tests {
    use super::OpenLogs;

    #[tokio::test]
    async fn a_closed_log_ends_and_others_go_on() {
        let open = OpenLogs::default();
        let (first, mut second) = (open.add(1), open.add(2));
        open.close(1);
        assert!(first.await.is_err(), "its sender is gone, which is the end");
        assert!(
            second
                .try_recv()
                .is_err_and(|error| error == tokio::sync::oneshot::error::TryRecvError::Empty)
        );
        open.close_all();
        assert!(second.await.is_err());
    }
}
