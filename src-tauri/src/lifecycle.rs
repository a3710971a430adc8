//! The window's life: it may close while builds and pipelines run; the program ends when nobody needs it any more.

use std::sync::atomic::{AtomicBool, Ordering};

use headstart_engine::wire::{BuildFilter, BuildStatus};
use headstart_engine::{
    Engine, builds, datums,
    run::{deploys, pipelines},
};
use tauri::webview::{PageLoadEvent, PageLoadPayload};
use tauri::{AppHandle, Manager, RunEvent, Webview, Window, WindowEvent};

use crate::commands::compose::OpenLogs;

/// Whether the window was closed while builds were running.
static HIDDEN: AtomicBool = AtomicBool::new(false);

/// Brings the window to the front.
pub(crate) fn show(app: &AppHandle) {
    HIDDEN.store(false, Ordering::Relaxed);
    if let Some(window) = app.get_webview_window("main") {
        drop(window.show());
        drop(window.unminimize());
        drop(window.set_focus());
    }
}

/// Returns whether builds, runs or jobs of any process are under way, or something is being deployed.
fn is_busy(engine: &Engine) -> bool {
    let filter = BuildFilter {
        status: vec![BuildStatus::Queued, BuildStatus::Running],
        limit: 1,
        ..BuildFilter::default()
    };
    !deploys::under_way(engine).is_empty()
        || pipelines::is_busy(engine)
        || datums::is_busy(engine)
        || builds::list(engine, &filter).is_ok_and(|list| list.total > 0)
}

/// Keeps the program running in the background while builds run, and ends it afterwards.
pub(crate) fn on_window_event(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else {
        return;
    };
    let app = window.app_handle().clone();
    let Some(engine) = app.try_state::<Engine>().map(|engine| engine.inner().clone()) else {
        return;
    };
    if !is_busy(&engine) {
        return;
    }
    api.prevent_close();
    drop(window.hide());
    if HIDDEN.swap(true, Ordering::Relaxed) {
        return;
    }
    tauri::async_runtime::spawn(async move {
        while HIDDEN.load(Ordering::Relaxed) {
            if !is_busy(&engine) {
                // The notification of the last build is sent before the end.
                tokio::time::sleep(std::time::Duration::from_secs(2)).await;
                if HIDDEN.load(Ordering::Relaxed) && !is_busy(&engine) {
                    app.exit(0);
                    return;
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    });
}

/// Ends what streams to a page that is gone when it is loaded again.
pub(crate) fn on_page_load(webview: &Webview, payload: &PageLoadPayload<'_>) {
    if payload.event() == PageLoadEvent::Started {
        webview.state::<OpenLogs>().close_all();
    }
}

/// Cancels what still runs when the program ends all the same (logout, quit): nothing of ours stays behind.
pub(crate) fn on_run_event(app: &AppHandle, event: RunEvent) {
    if let RunEvent::Exit = event
        && let Some(engine) = app.try_state::<Engine>()
    {
        tauri::async_runtime::block_on(async {
            deploys::shutdown(engine.inner()).await;
            drop(pipelines::shutdown(engine.inner()).await);
            drop(datums::shutdown(engine.inner()).await);
            drop(builds::shutdown(engine.inner()).await);
        });
    }
}
