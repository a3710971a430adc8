//! Facts about the world that the page hears of: without payload where refetching says more.

use headstart_engine::{Engine, datums, project, wire::BuildId};
use serde::{Deserialize, Serialize};
use tauri::AppHandle;
use tauri_specta::Event;

/// Something in the catalogue or in a repository changed, by this process or another one: refetch what is shown.
#[derive(Clone, Debug, Serialize, Deserialize, specta::Type, Event)]
pub(crate) struct CatalogueChanged;

/// The user asked for a build from outside the window, by clicking its notification.
#[derive(Clone, Debug, Serialize, Deserialize, specta::Type, Event)]
pub(crate) struct OpenBuild {
    /// The build to show.
    pub build: BuildId,
}

/// The user asked for a run from outside the window, by clicking its notification.
#[derive(Clone, Debug, Serialize, Deserialize, specta::Type, Event)]
pub(crate) struct OpenRun {
    /// The run to show.
    pub run: String,
}

/// The user asked for a job from outside the window, by clicking its notification.
#[derive(Clone, Debug, Serialize, Deserialize, specta::Type, Event)]
pub(crate) struct OpenJob {
    /// The job to show.
    pub job: String,
}

/// Tells the page of each change of the catalogue, at most ten times a second.
pub(crate) fn forward_changes(app: AppHandle, engine: Engine) {
    tauri::async_runtime::spawn(async move {
        loop {
            if let Err(error) = engine.changed().await {
                tracing::error!(%error, "changes of the catalogue are not seen any more");
                return;
            }
            // Nobody listens while the window is being built or has gone; the next one refetches anyway.
            drop(CatalogueChanged.emit(&app));
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });
}

/// Tells the page when branches or HEAD of a project moved: a commit made elsewhere shows without a click.
pub(crate) fn forward_commits(app: AppHandle, engine: Engine) {
    tauri::async_runtime::spawn(async move {
        let mut last = None;
        loop {
            let beside = engine.clone();
            let now = tauri::async_runtime::spawn_blocking(move || project::pulse(&beside)).await;
            if let Ok(Ok(now)) = now
                && last.replace(now).is_some_and(|before| before != now)
            {
                drop(CatalogueChanged.emit(&app));
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    });
}

/// Lets the clocks of datum pipelines tick while the program runs.
pub(crate) fn keep_time(engine: Engine) {
    tauri::async_runtime::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            if let Err(error) = datums::tick_due(&engine).await {
                tracing::warn!(%error, "the clocks of pipelines could not be looked at");
            }
        }
    });
}
