//! Everything that can go wrong while reading a repository or writing a checkout, as sentences readable after "failed: ".

use std::io;
use std::path::PathBuf;

use super::id::RepoPath;

/// The result of reading source.
pub type Result<T> = std::result::Result<T, SourceError>;

/// Why source could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no git repository at or above the folder.
    #[error("{} is not inside a git repository", path.display())]
    NotARepository {
        /// The folder that was asked for.
        path: PathBuf,
    },
    /// A repository is there, but cannot be opened (unsupported format, broken configuration, no permission).
    #[error("the git repository of {} cannot be opened: {}", path.display(), source.message())]
    Open {
        /// The folder that was asked for.
        path: PathBuf,
        /// What libgit2 says.
        source: git2::Error,
    },
    /// The repository's configuration puts its work tree somewhere else than the folder that was opened.
    #[error("{} is not inside the work tree {} its repository names", path.display(), workdir.display())]
    ForeignWorkTree {
        /// The folder that was asked for.
        path: PathBuf,
        /// The work tree the repository's configuration names.
        workdir: PathBuf,
    },
    /// The repository has no work tree, and the question is about one.
    #[error("{} is a bare repository without a work tree", path.display())]
    Bare {
        /// The repository.
        path: PathBuf,
    },
    /// The branch HEAD names has no commit yet.
    #[error("the branch {branch:?} has no commit yet")]
    Unborn {
        /// The branch HEAD names.
        branch: String,
    },
    /// Nothing in the repository has this name.
    #[error("{spec:?} is no branch, tag or commit of this repository")]
    UnknownRevision {
        /// What was asked for, shortened when long.
        spec: String,
    },
    /// More than one thing has this name.
    #[error("{spec:?} is ambiguous: {candidates}")]
    Ambiguous {
        /// What was asked for.
        spec: String,
        /// What it could mean and how to say so.
        candidates: String,
    },
    /// The object exists, but is not (a tag of) a commit.
    #[error("{spec:?} names a {kind}, not a commit")]
    NotACommit {
        /// What was asked for.
        spec: String,
        /// The kind of object it names.
        kind: String,
    },
    /// An object that something refers to is not in the repository.
    #[error("{kind} {id} is missing from the repository (a partial clone, or a damaged one)")]
    Missing {
        /// The kind of object.
        kind: &'static str,
        /// Its full id.
        id: git2::Oid,
    },
    /// An object is there, but what it holds makes no sense.
    #[error("{kind} {id} is damaged: {reason}")]
    Corrupt {
        /// The kind of object.
        kind: &'static str,
        /// Its full id.
        id: git2::Oid,
        /// What is wrong with it.
        reason: String,
    },
    /// A path that has to exist in a commit does not.
    #[error("{path} does not exist in {tree}")]
    NoSuchPath {
        /// The path, relative to the repository.
        path: RepoPath,
        /// The tree it was looked up in.
        tree: String,
    },
    /// A path is not relative, or leaves the tree with `..`.
    #[error("{path:?} is not a path inside the repository")]
    BadPath {
        /// The path as given.
        path: String,
    },
    /// A file was asked for, and a directory (or submodule) is there.
    #[error("{path} is a {kind}, not a file")]
    NotAFile {
        /// The path, relative to the repository.
        path: RepoPath,
        /// What is there instead.
        kind: &'static str,
    },
    /// A directory was asked for, and something else is there.
    #[error("{path} is a {kind}, not a directory")]
    NotADirectory {
        /// The path, relative to the repository.
        path: RepoPath,
        /// What is there instead.
        kind: &'static str,
    },
    /// A symbolic link leads out of the tree, in circles, or nowhere.
    #[error("{path} is a symbolic link {problem}")]
    BadLink {
        /// The path of the link, relative to the repository.
        path: RepoPath,
        /// How it misleads, as the end of a sentence.
        problem: &'static str,
    },
    /// A file is larger than its reader accepts.
    #[error("{path} is too large: {bytes} bytes, at most {max_bytes} are read")]
    TooLarge {
        /// The path, relative to the repository.
        path: RepoPath,
        /// Its size.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The tree nests deeper than any checkout needs.
    #[error("{path} nests deeper than {max_depth} directories")]
    TooDeep {
        /// The path at which it was noticed.
        path: RepoPath,
        /// The limit.
        max_depth: usize,
    },
    /// The tree has more entries than any checkout should have.
    #[error("the tree has more than {max_entries} entries")]
    TooManyEntries {
        /// The limit.
        max_entries: usize,
    },
    /// The work was cancelled by its caller.
    #[error("cancelled")]
    Cancelled,
    /// A file of ours could not be written, or one of the work tree not be read.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// libgit2 failed in a way that has no sentence of its own.
    #[error("cannot {action}: {}", source.message())]
    Git {
        /// What was tried, as a verb phrase.
        action: &'static str,
        /// What libgit2 says.
        source: git2::Error,
    },
}

impl SourceError {
    /// Returns a wrapper for a libgit2 error met while doing `action`.
    pub(crate) fn git(action: &'static str) -> impl FnOnce(git2::Error) -> Self {
        move |source| Self::Git { action, source }
    }

    /// Returns a wrapper for a system error met while doing `action` to `path`.
    pub(crate) fn io<E: Into<io::Error>>(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Io {
            action,
            path: path.into(),
            source: source.into(),
        }
    }
}

/// Returns `spec` as it may stand in a sentence: at most 80 characters.
pub(crate) fn shown(spec: &str) -> String {
    if spec.chars().count() <= 80 {
        return spec.to_owned();
    }
    spec.chars().take(79).chain(['…']).collect()
}
