//! Commands of the window. Each translates and nothing else: the engine does the work.

pub(crate) mod builders;
pub(crate) mod builds;
pub(crate) mod compose;
pub(crate) mod data;
pub(crate) mod datums;
pub(crate) mod history;
pub(crate) mod pipelines;
pub(crate) mod projects;
pub(crate) mod runs;
pub(crate) mod stacks;
pub(crate) mod system;

use headstart_engine::{Error, wire::WireError};

/// What a command answers.
pub(crate) type Answer<T> = Result<T, WireError>;

/// Runs a blocking engine call away from the window's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Answer<T> {
    match tauri::async_runtime::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(panicked) => Err(WireError::from(Error::internal(
            "a command stopped unexpectedly",
            panicked,
        ))),
    }
}
