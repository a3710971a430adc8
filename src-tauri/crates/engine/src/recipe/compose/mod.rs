//! The compose dialect's names and directives: registries, image references, tags, caches and the model that bake gets.
//!
//! Pure: no file, no Docker, no clock; what files mean is asked through the view of the commit. Where Preevy is the model, `DESIGN.md` and the module say what is done differently.

mod dialect;
mod keys;
mod names;
mod project;

pub mod build_model;
pub mod caches;
pub mod dockerignore;
pub mod flags;
pub mod reference;
pub mod registry;
pub mod tags;

pub use dialect::{Compose, ROOT, Resolved, overrides};
pub(crate) use names::is_component;
pub use names::{environment_id, normalised};
pub use project::{ComposeProject, target_name};
