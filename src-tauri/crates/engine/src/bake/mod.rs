//! The executor: a bake file of our own, one `docker buildx bake`, and its progress as it arrives.

mod ask;
mod contexts;
mod execute;
mod file;
mod folder;
mod log;
mod phases;
mod process;
mod progress;
mod record;
mod sanitise;
mod services;

pub(crate) use ask::{Answer, ask_program};
pub(crate) use execute::{Job, execute};
pub use file::{Context, TargetSpec};
pub(crate) use folder::{FolderJob, docker, execute_folder, push};
pub(crate) use log::{LogIndex, LogWriter};
pub(crate) use phases::phases;
pub(crate) use process::{end_group, kill_group, spawn};
pub use sanitise::sanitise;
pub(crate) use services::{check_builder, check_place, shown_file};
