//! What can go wrong in the engine, as clients have to tell it apart.

use std::error::Error as StdError;
use std::path::PathBuf;

use thiserror::Error;

use crate::recipe::RecipeError;
use crate::source::SourceError;
use crate::text;
use crate::wire::{BuildId, ErrorCode, ProjectId, WireError};

/// The result of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed engine call. Messages are readable after "failed: ".
#[derive(Debug, Error)]
pub enum Error {
    /// No project has this id.
    #[error("there is no project {0}")]
    NoProject(ProjectId),
    /// No build has this id.
    #[error("there is no build {0}")]
    NoBuild(BuildId),
    /// No builder has this name.
    #[error("there is no builder {0}")]
    NoBuilder(String),
    /// More than one build begins with this prefix.
    #[error("{prefix} is the beginning of {count} build ids")]
    AmbiguousBuild {
        /// What was given.
        prefix: String,
        /// How many match.
        count: u32,
    },
    /// What was asked for cannot be done; says why, and what to do instead.
    #[error("{message}")]
    Refused {
        /// Why.
        message: String,
        /// A way out.
        hint: Option<String>,
    },
    /// Nothing that Headstart can build from was found at this path.
    #[error("nothing to build from was found at {}", path.display())]
    NotRecognised {
        /// The path given.
        path: PathBuf,
    },
    /// A recipe cannot be used.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A repository cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The Docker engine cannot be reached.
    #[error("the Docker engine at {endpoint} cannot be reached")]
    EngineUnreachable {
        /// Where it was looked for.
        endpoint: String,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The Docker engine answered with an error.
    #[error("the Docker engine refused: {message}")]
    EngineRefused {
        /// Its message.
        message: String,
    },
    /// A builder did not do what was asked of it.
    #[error("{message}")]
    Builder {
        /// What, and why as far as is known.
        message: String,
        /// What to do.
        hint: String,
        /// What buildx said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A program that Headstart calls is missing.
    #[error("{program} was not found")]
    MissingProgram {
        /// The program.
        program: String,
        /// What to do.
        hint: String,
    },
    /// The catalogue was written by a newer Headstart.
    #[error(
        "the catalogue {} was written by a newer Headstart (schema {found}, this one knows {known})",
        path.display()
    )]
    NewerCatalogue {
        /// The database file.
        path: PathBuf,
        /// Its schema version.
        found: usize,
        /// The newest schema this program knows.
        known: usize,
    },
    /// The catalogue cannot be read or written.
    #[error("the catalogue could not be read or written")]
    Catalogue(#[from] rusqlite::Error),
    /// A file of ours cannot be read or written.
    #[error("{action} {} failed", path.display())]
    File {
        /// What was tried: "writing".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something that should not happen.
    #[error("{message}")]
    Internal {
        /// What.
        message: String,
        /// Why.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
}

impl Error {
    /// Returns an error for something that broke.
    pub fn internal(message: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal {
            message: message.into(),
            source: Some(source.into()),
        }
    }

    /// Returns a calm "you cannot do that now".
    pub fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    /// Returns a function that names the file an input/output error happened to.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    /// Returns what kind of trouble this is for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoProject(_) | Self::NoBuild(_) | Self::NoBuilder(_) => ErrorCode::NotFound,
            Self::AmbiguousBuild { .. } | Self::Refused { .. } => ErrorCode::BadRequest,
            Self::NotRecognised { .. } | Self::Recipe(_) => ErrorCode::Config,
            Self::Source(_) => ErrorCode::Repository,
            Self::EngineUnreachable { .. }
            | Self::EngineRefused { .. }
            | Self::Builder { .. }
            | Self::MissingProgram { .. } => ErrorCode::Engine,
            Self::NewerCatalogue { .. } => ErrorCode::NewerCatalogue,
            Self::Catalogue(_) | Self::File { .. } | Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Refused { hint, .. } => return hint.clone(),
            Self::MissingProgram { hint, .. } | Self::Builder { hint, .. } => hint.as_str(),
            Self::NoProject(_) => "list the projects to see which there are",
            Self::NoBuild(_) => "it may have been deleted; list the builds to see which there are",
            Self::NoBuilder(_) => "list the builders to see which there are",
            Self::AmbiguousBuild { .. } => "give more characters of the id",
            Self::NotRecognised { .. } => "give a repository folder with a .gitpod.yml, or that file itself",
            Self::EngineUnreachable { .. } => {
                "start Docker, or check DOCKER_HOST and the docker context that is in use"
            }
            Self::NewerCatalogue { .. } => {
                "update this program, or set HEADSTART_HOME to another folder to start a new catalogue"
            }
            Self::Recipe(_)
            | Self::Source(_)
            | Self::EngineRefused { .. }
            | Self::Catalogue(_)
            | Self::File { .. }
            | Self::Internal { .. } => return None,
        };
        Some(text.to_owned())
    }
}

impl From<Error> for WireError {
    fn from(error: Error) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(inner) = cause {
            causes.push(text::sentence(&inner.to_string()));
            cause = inner.source();
        }
        let problems = match &error {
            Error::Recipe(recipe) => recipe.problems().to_vec(),
            _ => Vec::new(),
        };
        Self {
            code: error.code(),
            message: text::sentence(&error.to_string()),
            hint: error.hint().map(|hint| text::sentence(&hint)),
            detail: (!causes.is_empty()).then(|| causes.join("\ncaused by: ")),
            problems,
        }
    }
}
