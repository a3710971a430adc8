//! Datum pipelines: specs of pipelines that process data repositories, one datum at a time.
//!
//! Reads specs, globs and ignore files, says what they mean, and turns a spec with a build step into what is submitted.
//! Knows nothing of stores, jobs or Docker, and reads no file.

mod amounts;
pub mod edit;
mod fields;
pub mod glob;
pub mod ignore;
pub mod image;
pub mod input;
pub mod names;
pub mod pattern;
mod read;
mod read_input;
mod recognise;
mod rest;
pub mod schedule;
pub mod spec;
mod syntax;
mod transform;
pub mod transformation;
pub mod world;

pub use recognise::looks_like;

#[cfg(test)]
mod tests;
