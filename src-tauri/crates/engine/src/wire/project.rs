use serde::{Deserialize, Serialize};

use super::ProjectId;

/// The file formats a recipe can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `.gitpod.yml`: one image with the source and the results of its tasks.
    Workspace,
    /// `compose.yaml`: an image for each service that is built.
    Compose,
    /// A run config: images with what a pipeline's steps need, and the code delivered to them.
    Pipeline,
}

/// A source root that Headstart knows, with the recipe it builds by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Project {
    /// Id in the catalogue.
    pub id: ProjectId,
    /// Name shown; the folder's name unless changed.
    pub name: String,
    /// Source root on disk, for display only.
    pub root: String,
    /// Recipe file, relative to the source root.
    pub recipe: String,
    /// Format of the recipe.
    pub dialect: Dialect,
    /// Stack it is built with.
    pub stack: String,
    /// When it was added.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub added_at: i64,
    /// Builds recorded for it.
    pub builds: u32,
    /// Builds queued or running now.
    pub active: u32,
    /// Branch that HEAD is on, if any.
    pub branch: Option<String>,
    /// Why the project cannot be used now (folder moved, repository broken), as a sentence.
    pub problem: Option<String>,
}

/// How grave a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used; something in it has no effect or is unusual.
    Warning,
}

/// Something wrong in a config file, at its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// File, relative to the source root.
    pub file: String,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1.
    pub column: Option<u32>,
    /// One sentence: what is wrong.
    pub message: String,
    /// One sentence: what to do.
    pub hint: Option<String>,
    /// The line itself.
    pub snippet: Option<String>,
}

/// One config file that was recognised by its content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Recognised {
    /// Format.
    pub dialect: Dialect,
    /// File, relative to the source root.
    pub file: String,
    /// A short line such as "Workspace config, 2 tasks, image debian:12".
    pub summary: String,
    /// More lines worth seeing before it is added: image, tasks, ports.
    pub details: Vec<String>,
}

/// What a dropped path is and what adding it would do. Nothing has been written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Preview {
    /// The path as given.
    pub path: String,
    /// Source root that would be added.
    pub root: String,
    /// Name the project would get.
    pub name: String,
    /// The recipe found, if any.
    pub recognised: Option<Recognised>,
    /// Short description of the repository: branch, head commit, "bare", "no commits yet".
    pub repository: Option<String>,
    /// Errors and warnings, in the order of the file.
    pub problems: Vec<Problem>,
    /// The project that already stands for this source root.
    pub already: Option<ProjectId>,
    /// Datum pipelines, when the path is a spec of some: it is submitted instead of added.
    #[serde(default)]
    pub datum_pipelines: Vec<String>,
    /// Whether `add` would succeed.
    pub can_add: bool,
}
