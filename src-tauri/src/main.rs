//! The window: a thin shell around the engine. It translates, and shows notifications.
#![cfg_attr(all(not(debug_assertions), windows), windows_subsystem = "windows")]

mod commands;
mod events;
mod home;
mod ipc;
mod lifecycle;
mod notify;

use headstart_engine::{Engine, wire::WireError};
use tauri::Manager;

fn main() -> anyhow::Result<()> {
    let config = home::config()?;
    let _log = home::log(&config.home)?;
    // Background builds need the runtime before there is a window.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    tauri::async_runtime::set(runtime.handle().clone());
    let builder = ipc::builder();
    let handler = builder.invoke_handler();
    let app = tauri::Builder::default()
        // First, so that a second start only brings this window to the front.
        .plugin(tauri_plugin_single_instance::init(|app, _, _| {
            lifecycle::show(app)
        }))
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .invoke_handler(handler)
        .setup(move |app| {
            builder.mount_events(app);
            match Engine::open(config.clone()) {
                Ok(engine) => {
                    app.manage(engine.clone());
                    events::forward_changes(app.handle().clone(), engine.clone());
                    events::forward_commits(app.handle().clone(), engine.clone());
                    events::keep_time(engine.clone());
                    notify::start(app.handle().clone(), engine);
                    Ok(())
                }
                Err(error) => Err(refused_to_open(WireError::from(error)).into()),
            }
        })
        .manage(commands::compose::OpenLogs::default())
        .on_page_load(lifecycle::on_page_load)
        .on_window_event(lifecycle::on_window_event)
        .build(tauri::generate_context!());
    let app = match app {
        Ok(app) => app,
        Err(error) => {
            eprintln!("error: {error}");
            anyhow::bail!(error);
        }
    };
    app.run(lifecycle::on_run_event);
    Ok(())
}

/// Says in a sentence why there is no window: the usual reason is a catalogue of a newer version.
fn refused_to_open(error: WireError) -> String {
    match error.hint {
        Some(hint) => format!("{}; {hint}", error.message),
        None => error.message,
    }
}
