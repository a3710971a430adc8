//! Commands of the window. Each translates and nothing else: the engine does the work.

pub mod builds;
pub mod history;
pub mod projects;
pub mod runs;
pub mod system;

use headstart_engine::{Error, wire::WireError};

/// What a command answers.
pub type Answer<T> = Result<T, WireError>;

/// Runs a blocking engine call away from the window's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Answer<T> {
    match tauri::async_runtime::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(panicked) => Err(WireError::from(Error::internal("a command stopped unexpectedly", panicked))),
    }
}
