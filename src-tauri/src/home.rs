//! Where the window's data is, and its log. The command line computes the same directory.

use std::path::{Path, PathBuf};

use anyhow::Context;
use headstart_engine::Config;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// Returns the engine's configuration from the environment.
pub(crate) fn config() -> anyhow::Result<Config> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let home = match variable("HEADSTART_HOME") {
        Some(home) => PathBuf::from(home),
        None => dirs::data_dir()
            .context("this system names no data directory; set HEADSTART_HOME")?
            .join("headstart"),
    };
    let docker_config = match variable("DOCKER_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None => dirs::home_dir().unwrap_or_default().join(".docker"),
    };
    Ok(Config {
        home,
        docker_host: variable("DOCKER_HOST"),
        docker_context: variable("DOCKER_CONTEXT"),
        docker_config,
    })
}

/// Writes the program's own log into the data directory, a file a day, seven kept.
pub(crate) fn log(home: &Path) -> anyhow::Result<WorkerGuard> {
    let folder = home.join("app-log");
    std::fs::create_dir_all(&folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let file = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("headstart")
        .filename_suffix("log")
        .max_log_files(7)
        .build(&folder)?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(writer)
        .init();
    Ok(guard)
}
