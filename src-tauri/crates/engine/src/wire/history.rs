use serde::{Deserialize, Serialize};

use super::{BuildId, ProjectId};

/// Which commits a graph shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GraphQuery {
    /// Only what this branch or tag reaches; all branches and tags if absent.
    pub branch: Option<String>,
}

/// What a name points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RefKind {
    /// A local branch.
    Branch,
    /// A remote-tracking branch.
    Remote,
    /// A tag.
    Tag,
}

/// A branch or tag on a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Ref {
    /// Short name, not valid UTF-8 replaced.
    pub name: String,
    /// What it is.
    pub kind: RefKind,
    /// Whether HEAD is on it.
    pub head: bool,
    /// The commit it points at.
    pub commit: String,
}

/// A line segment between one row and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GraphEdge {
    /// Lane at this row, from 0.
    pub from: u16,
    /// Lane at the next row.
    pub to: u16,
    /// Colour index; a branch line keeps it.
    pub color: u16,
}

/// A commit as a row of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GraphRow {
    /// Row number, from 0.
    pub index: u32,
    /// Full commit id.
    pub commit: String,
    /// Full ids of the parents.
    pub parents: Vec<String>,
    /// Lane of the node, from 0.
    pub lane: u16,
    /// Colour index of the node.
    pub color: u16,
    /// Segments from this row to the next.
    pub edges: Vec<GraphEdge>,
    /// First line of the message.
    pub summary: String,
    /// Author's name.
    pub author: String,
    /// Commit time.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub committed_at: i64,
    /// Branches and tags here.
    pub refs: Vec<Ref>,
    /// Whether HEAD is here.
    pub head: bool,
}

/// A slice of the commit graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GraphPage {
    /// Rows known so far.
    pub known: u32,
    /// Whether `known` is all there is; otherwise the history is still being read.
    pub complete: bool,
    /// Lanes needed to draw these rows.
    pub lanes: u16,
    /// The rows, in order.
    pub rows: Vec<GraphRow>,
    /// Whether HEAD has no commit yet.
    pub unborn: bool,
    /// Whether the history is cut off (shallow clone).
    pub shallow: bool,
}

/// What Headstart can give a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum CommitStateKind {
    /// A build of exactly this environment and code is there.
    Built,
    /// It can start from an ancestor's build.
    Base,
    /// Nothing to start from within reach.
    None,
    /// An ancestor was built, but a change stands between.
    Blocked,
    /// The last build of this commit failed.
    Failed,
    /// A build of this commit is queued or running.
    Running,
    /// The commit has no recipe, or one that cannot be read.
    Unusable,
}

/// What Headstart can give one commit, as shown on its row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CommitState {
    /// Full commit id.
    pub commit: String,
    /// Kind.
    pub kind: CommitStateKind,
    /// The build of this commit that the kind speaks of: built, failed or running.
    pub build: Option<BuildId>,
    /// Commit of the nearest usable base, or of the nearest blocked one.
    pub base_commit: Option<String>,
    /// How many commits back that is.
    pub distance: Option<u32>,
    /// Expected speed-up over a full build, when measured.
    pub speedup: Option<f64>,
    /// Duration of the build, for built and failed.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub duration_ms: Option<u64>,
    /// Short reason for blocked, failed and unusable: "init changed", "failed at make".
    pub reason: Option<String>,
    /// The base this commit's build was made from, for drawing arcs.
    pub built_from: Option<String>,
}

/// A search in the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CommitSearch {
    /// The project.
    pub project: ProjectId,
    /// The graph that row numbers refer to.
    pub query: GraphQuery,
    /// Words looked for in id prefix, branch and tag names, message and author, case-insensitive. Empty finds all.
    pub text: String,
    /// Only commits by authors whose name or e-mail contains this.
    pub author: Option<String>,
    /// Only commits that change this path (file or folder, relative to the repository).
    pub path: Option<String>,
    /// Only commits that have a succeeded build.
    pub only_built: bool,
    /// Most hits to return.
    pub limit: u32,
}

/// Answer to a [`CommitSearch`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CommitHits {
    /// Matching rows, in graph order.
    pub rows: Vec<GraphRow>,
    /// Commits looked at.
    pub searched: u32,
    /// Whether there may be more: the limit or the time budget was reached.
    pub more: bool,
}

/// How a file differs between two commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// New file.
    Added,
    /// Other content.
    Modified,
    /// Gone.
    Deleted,
    /// Moved, possibly with other content.
    Renamed,
    /// Only the executable bit.
    Mode,
    /// Became another kind: file, link, folder, submodule.
    Type,
}

/// One changed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct FileChange {
    /// Path, bytes that are not UTF-8 replaced.
    pub path: String,
    /// Old path of a rename.
    pub from: Option<String>,
    /// How it differs.
    pub kind: ChangeKind,
}

/// The files that differ between two commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ChangedFiles {
    /// By path, at most 2,000.
    pub files: Vec<FileChange>,
    /// All that differ. A file that was moved is one; of a folder that is gone only the folder is named.
    pub total: u32,
}

/// Everything about one commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CommitDetail {
    /// Full commit id.
    pub commit: String,
    /// Full ids of the parents.
    pub parents: Vec<String>,
    /// Whole message.
    pub message: String,
    /// Author's name.
    pub author: String,
    /// Author's e-mail.
    pub email: String,
    /// Author time.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub authored_at: i64,
    /// Commit time.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub committed_at: i64,
    /// Branches and tags here.
    pub refs: Vec<Ref>,
    /// Files changed against the first parent, at most 500.
    pub changes: Vec<FileChange>,
    /// All files changed against the first parent.
    pub changed_files: u32,
}
