//! Recipes: declared ways to build, read from config files.
//!
//! A dialect knows two things: how to read its file, and how to resolve itself for a commit and stack into keys and bake
//! targets. It knows nothing of the catalogue, of planning or of Docker. To add one: a module here that implements
//! [`Dialect`] and [`Recipe`], a variant of [`wire::Dialect`](crate::wire::Dialect), and its entry in [`DIALECTS`].

pub mod compose;
mod context;
pub mod datum;
pub(crate) mod dockerfile;
mod environment;
mod json;
pub mod pipeline;
mod valid;
pub mod workspace;
pub(crate) mod yaml;

use std::collections::BTreeMap;

use thiserror::Error;

use crate::bake::TargetSpec;
use crate::source::SourceError;
use crate::wire::{self, Problem, Severity};

pub use environment::Environment;

/// Every dialect, in the order in which a folder is searched for their files.
pub(crate) const DIALECTS: [&dyn Dialect; 3] =
    [&workspace::Workspace, &compose::Compose, &pipeline::Pipeline];

/// Returns the dialect of a kind.
pub(crate) fn dialect(kind: wire::Dialect) -> &'static dyn Dialect {
    match kind {
        wire::Dialect::Workspace => &workspace::Workspace,
        wire::Dialect::Compose => &compose::Compose,
        wire::Dialect::Pipeline => &pipeline::Pipeline,
    }
}

/// What a recipe may need to know that does not stand in its file.
#[derive(Clone, Debug)]
pub struct Options {
    /// Image of a recipe that names none.
    pub default_image: String,
    /// Name of the repository's folder.
    pub repository: String,
    /// Path of the source root within the repository, `/`-separated; empty for the whole repository.
    pub prefix: String,
}

/// A commit's files as a dialect sees them; paths are relative to the source root.
pub trait SourceView {
    /// Reads a file; none when it does not exist.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;
    /// Returns the content key of a file or folder (`""` is the source root); none when it does not exist.
    fn key(&self, path: &str) -> Result<Option<String>, SourceError>;
    /// Reads a file, its path relative to the repository; none when it does not exist.
    fn read_whole(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;
    /// Returns the content key of a file or folder, its path relative to the repository.
    fn key_whole(&self, path: &str) -> Result<Option<String>, SourceError>;
    /// Lists the files below a folder of the repository, with paths relative to it and their content keys; none when it
    /// does not exist.
    fn files(&self, folder: &str) -> Result<Option<Vec<(String, String)>>, SourceError>;
    /// Asks the tools that own the format what a compose file means. The error is a sentence.
    fn compose(&self, file: &str) -> Result<compose::Resolved, String>;
}

/// A way to read one kind of config file.
pub trait Dialect: Send + Sync {
    /// Its kind.
    fn kind(&self) -> wire::Dialect;
    /// Names of its files, relative to the source root, most usual first.
    fn files(&self) -> &'static [&'static str];
    /// Says what a file is, for people, with its problems; reads nothing else.
    fn recognise(&self, file: &str, bytes: &[u8], options: &Options) -> (wire::Recognised, Vec<Problem>);
    /// Reads the recipe of a commit.
    fn read(
        &self,
        file: &str,
        view: &dyn SourceView,
        options: &Options,
    ) -> Result<Box<dyn Recipe>, RecipeError>;
}

/// What is known of an image that a recipe starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// `sha256:…`, when it could be resolved.
    pub digest: Option<String>,
    /// The image's user, when known and not root.
    pub user: Option<String>,
}

/// Facts by image reference.
pub type Images = BTreeMap<String, ImageFacts>;

/// How a build starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// From the recipe's image, with the whole source.
    Image,
    /// From an older build's image, with what changed.
    Base {
        /// The image.
        reference: String,
        /// Whether something has to be removed first.
        removals: bool,
        /// Which of the additional repositories differ, by their place.
        moved: Vec<usize>,
    },
}

/// One image a recipe produces, resolved for a commit and stack.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Target name.
    pub name: String,
    /// Everything that has to be equal for an older build to serve.
    pub environment: Environment,
    /// What of the source its build can see.
    pub code: Code,
}

/// What of the source a build can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// All of the source root, and the additional repositories.
    Source,
    /// What has this key.
    Key(String),
    /// Something that may change without anybody knowing: never reused.
    Unknown {
        /// Key of what is known of it.
        key: String,
        /// Why, as the end of a sentence.
        why: String,
    },
}

/// Another repository whose files are laid beside the recipe's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraRepository {
    /// Where it is fetched from.
    pub url: String,
    /// Where its files lie in the image, an absolute path.
    pub folder: String,
}

/// How the lines of several tasks in one step are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskMarks {
    /// Word at the beginning of each line, see [`workspace::tasks::read_marked`].
    pub mark: String,
    /// Names of the tasks, in the order of their numbers.
    pub names: Vec<String>,
}

/// A recipe read from a commit.
pub trait Recipe: Send + Sync {
    /// Lists the images whose digests belong to the environment.
    fn images(&self) -> Vec<String>;
    /// Resolves the targets for a stack's images and platform.
    fn resolve(&self, images: &Images, platform: &str) -> Vec<Resolved>;
    /// Lists the repositories that are laid beside the recipe's own.
    fn repositories(&self) -> Vec<ExtraRepository>;
    /// Returns the bake targets of a build.
    fn targets(&self, start: &Start, images: &Images) -> Vec<TargetSpec>;
    /// Returns how the tasks mark their log lines; none when there are no tasks.
    fn tasks(&self) -> Option<TaskMarks>;
    /// Lists warnings of its file.
    fn warnings(&self) -> Vec<Problem>;
    /// Returns the compose project, of a recipe that is one: its targets are services, each with an image of its own.
    fn compose(&self) -> Option<&compose::ComposeProject> {
        None
    }
    /// Returns the pipeline, of a recipe that is one: what its steps need, and how their code gets in.
    fn pipeline(&self) -> Option<&pipeline::PipelineRecipe> {
        None
    }
}

/// Why a commit has no usable recipe.
#[derive(Debug, Error)]
pub enum RecipeError {
    /// The file does not exist at the commit.
    #[error("there is no {file} in this commit")]
    Missing {
        /// The recipe's file.
        file: String,
    },
    /// The file has errors.
    #[error("{}", first_error(.problems))]
    Invalid {
        /// Errors and warnings, in the order of the file.
        problems: Vec<Problem>,
    },
    /// The file cannot be read from the repository.
    #[error("{file} cannot be used: {source}")]
    Unreadable {
        /// The recipe's file.
        file: String,
        /// Why.
        #[source]
        source: SourceError,
    },
}

impl RecipeError {
    /// Returns the problems with their places.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems } => problems,
            Self::Missing { .. } | Self::Unreadable { .. } => &[],
        }
    }
}

fn first_error(problems: &[Problem]) -> String {
    let Some(problem) = problems
        .iter()
        .find(|problem| problem.severity == Severity::Error)
    else {
        return "the recipe cannot be used".to_owned();
    };
    match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}: {}", problem.file, problem.message),
        (Some(line), None) => format!("{}:{line}: {}", problem.file, problem.message),
        _ => format!("{}: {}", problem.file, problem.message),
    }
}
