//! Datum pipelines: what submitting a spec would do, doing it, and the jobs that process data.
//!
//! Owns the state of pipelines and jobs (their tables lie beside the data, in the artifact store), which datums there are,
//! which of them are processed, and the containers that do it. Refuses to touch data repositories but through commits.

mod chain;
mod clocks;
mod combine;
mod enumerate;
mod graph;
mod heads;
mod history;
mod jobs;
mod pipelines;
mod records;
mod secrets;
mod submit;
mod triggers;
mod waves;
mod work;

pub use chain::{Chain, Next};
pub use clocks::{tick, tick_due};
pub use combine::{Datums, Leaf, Matched, Part, Shape};
pub use history::{cancel, datums, job, jobs, log, retry, watch};
pub(crate) use jobs::{Chains, reconcile};
pub use jobs::{is_busy, shutdown};
pub use pipelines::{delete_pipeline, pipeline, pipelines, process, stop_pipeline};
pub use submit::{finished_spec, plan, submit};

pub mod builders;
pub mod images;

use std::path::Path;

use crate::engine::Engine;
use crate::error::Result;
use crate::wire::CodeBuilder;

/// Writes a builder for a language into a folder: Dockerfile, build.sh and run.sh. Files that are there stay, and it is refused.
pub fn new_code_builder(engine: &Engine, language: &str, folder: &Path) -> Result<CodeBuilder> {
    builders::create(engine, language, None, folder)
}
