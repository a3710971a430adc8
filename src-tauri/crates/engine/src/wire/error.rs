use serde::{Deserialize, Serialize};

use super::Problem;

/// What kind of trouble it was. A code exists only if some client acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The thing named does not exist (any more).
    NotFound,
    /// What was asked for makes no sense or cannot be done now.
    BadRequest,
    /// A config file cannot be used; `problems` says where.
    Config,
    /// A git repository cannot be read.
    Repository,
    /// The Docker engine cannot be reached, or its answer was an error.
    Engine,
    /// The catalogue was written by a newer Headstart.
    NewerCatalogue,
    /// Something broke; the log has more.
    Internal,
}

/// An error as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct WireError {
    /// Kind.
    pub code: ErrorCode,
    /// What happened, one sentence without a full stop.
    pub message: String,
    /// What to do, one sentence.
    pub hint: Option<String>,
    /// The chain of causes, to fold out and copy.
    pub detail: Option<String>,
    /// For `config`: each problem with its place.
    pub problems: Vec<Problem>,
}
