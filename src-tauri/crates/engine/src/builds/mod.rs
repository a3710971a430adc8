//! Builds: starting, watching and cancelling them, and the catalogue of those that were.

mod delete;
mod diff;
mod insights;
mod register;
mod start;
mod sync;
mod watch;

use std::path::PathBuf;

use crate::bake::phases;
use crate::clock::now_ms;
use crate::engine::{Engine, lock};
use crate::error::{Error, Result};
use crate::wire::{Build, BuildFilter, BuildId, BuildList, LogPage};

pub use delete::{delete, delete_plan};
pub use diff::diff;
pub use insights::insights;
pub use register::register;
pub use start::{Started, shutdown, start, start_detailed};
pub(crate) use start::{finish, wait_for_turn};
pub use sync::sync;
pub use watch::watch;

/// Returns one build with its steps and phases.
pub fn get(engine: &Engine, id: &BuildId) -> Result<Build> {
    let mut build = engine.catalogue().build(id)?;
    build.log_lines = lock(&*engine.log_index(id)?).len(None);
    if let (true, Some(start), Some(duration)) =
        (build.status.is_final(), build.started_at, build.duration_ms)
    {
        build.phases = phases(&build.steps, start, start + i64::try_from(duration).unwrap_or(0));
    }
    Ok(build)
}

/// Returns the build whose id begins with a prefix; exactly one has to.
pub fn find(engine: &Engine, prefix: &str) -> Result<BuildId> {
    engine.catalogue().build_by_prefix(prefix)
}

/// Lists builds that match a filter, without their steps.
pub fn list(engine: &Engine, filter: &BuildFilter) -> Result<BuildList> {
    let (total, builds) = engine.catalogue().list(filter)?;
    Ok(BuildList { total, builds })
}

/// Cancels a queued or running build; one that has ended stays as it is.
pub fn cancel(engine: &Engine, id: &BuildId) -> Result<()> {
    if engine.catalogue().request_cancel(id, now_ms())? {
        return Ok(());
    }
    let build = engine.catalogue().build(id)?;
    let state = build.status.as_str().replace('_', " ");
    Err(Error::refused(
        format!("the build has {state} already"),
        "there is nothing to cancel",
    ))
}

/// Pins or unpins a build; a pinned one is never deleted.
pub fn pin(engine: &Engine, id: &BuildId, pinned: bool) -> Result<()> {
    engine.catalogue().set_pinned(id, pinned)
}

/// Returns lines `from .. from + count` of a log, of one step or of all; at most 5,000.
pub fn read_log(engine: &Engine, id: &BuildId, step: Option<u32>, from: u32, count: u32) -> Result<LogPage> {
    engine.catalogue().build_value::<String>(id, "id")?;
    let index = engine.log_index(id)?;
    lock(&index).page(&engine.log_path(id), step, from, count)
}

/// Returns the numbers of the lines that contain a text, case-insensitive; at most 10,000.
pub fn search_log(engine: &Engine, id: &BuildId, step: Option<u32>, text: &str) -> Result<Vec<u32>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    engine.catalogue().build_value::<String>(id, "id")?;
    let index = engine.log_index(id)?;
    lock(&index).search(&engine.log_path(id), step, text, 10_000)
}

/// Returns a build's log file, for opening it in another program.
pub fn log_file(engine: &Engine, id: &BuildId) -> Result<PathBuf> {
    engine.catalogue().build_value::<String>(id, "id")?;
    let path = engine.log_path(id);
    if !path.exists() {
        return Err(Error::refused(
            "this build has no log",
            "it ended before anything was written",
        ));
    }
    Ok(path)
}
