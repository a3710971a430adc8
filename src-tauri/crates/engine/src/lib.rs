//! Headstart's engine: everything the product does, with no window, no terminal, no `$HOME` and no current directory.
//!
//! Clients (the shell and the `headstart` command line) open one [`Engine`] and call plain functions over it. What they
//! see stands in [`wire`]; what can go wrong in [`Error`].
//!
//! ```text
//! config file ─▶ recipe ─┐
//! git commit  ─▶ source ─┼─▶ keys ─▶ plan ─▶ bake ─▶ docker buildx bake ─▶ Build ─▶ run
//! stack ─────────────────┘            ▲                                      │
//!                                 catalogue ◀────────── steps, timings ──────┘
//! ```

pub mod artifacts;
pub mod bake;
pub mod builders;
pub mod builds;
mod catalogue;
mod clock;
pub mod data;
pub mod datums;
mod docker;
mod engine;
mod error;
mod git;
pub mod history;
pub mod inbox;
pub mod plan;
pub mod project;
pub mod recipe;
mod registry;
pub mod repositories;
pub mod run;
mod secrets;
pub mod settings;
pub mod source;
pub mod stack;
mod text;
pub mod wire;

pub use engine::{Config, Engine};
pub use error::{Error, Result};
