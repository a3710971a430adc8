use serde::{Deserialize, Serialize};

/// A data repository: files under version control in the artifact store of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DataRepo {
    /// Name: letters, digits, `_` and `-`.
    pub name: String,
    /// What it is for, in the user's words.
    pub description: String,
    /// Datum pipeline that writes it, or whose code it holds; users change only what has none, and source branches.
    pub pipeline: Option<String>,
    /// Its branches, by name.
    pub branches: Vec<DataBranch>,
    /// When it was made, Unix milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub created_at: i64,
}

/// A branch of a data repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DataBranch {
    /// Name.
    pub name: String,
    /// Its newest commit; none while it is empty.
    pub head: Option<DataCommit>,
}

/// One state of a data repository's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DataCommit {
    /// Id: 32 hexadecimal digits.
    pub id: String,
    /// Repository.
    pub repo: String,
    /// Branch it was made on.
    pub branch: String,
    /// The commit before it.
    pub parent: Option<String>,
    /// What was done, one line.
    pub message: String,
    /// Job that wrote it.
    pub job: Option<String>,
    /// Files in it.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub files: u64,
    /// Their sizes together.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
    /// When it was finished, Unix milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub created_at: i64,
}

/// A file or folder of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DataEntry {
    /// Name within its folder.
    pub name: String,
    /// Whole path, beginning with `/`.
    pub path: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// Size; of a folder, of all that is in it.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
    /// Files in it; 1 for a file.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub files: u64,
    /// Digest of the content, 64 hexadecimal digits; none for a folder.
    pub digest: Option<String>,
}

/// A page of what a folder of a commit holds, folders first, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DataListing {
    /// The commit.
    pub commit: String,
    /// The folder, `/` for the top.
    pub path: String,
    /// Entries in all.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub total: u64,
    /// The page.
    pub entries: Vec<DataEntry>,
}

/// What a file shows of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DataContent {
    /// Text.
    Text {
        /// Its beginning, at most 256 KiB.
        text: String,
        /// Whether there is more.
        truncated: bool,
    },
    /// A picture that a window can show.
    Image {
        /// Media type, such as `image/png`.
        media_type: String,
        /// The whole file in base64.
        base64: String,
    },
    /// Anything else.
    Binary {
        /// Its first 256 bytes at most, as hexadecimal digits.
        hex: String,
    },
}

/// A file of a commit, to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DataFile {
    /// The entry.
    pub entry: DataEntry,
    /// What can be shown of it.
    pub content: DataContent,
}

/// What happened to a path between two commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum DataChangeKind {
    /// Only the newer one has it.
    Added,
    /// Both have it, with other content.
    Changed,
    /// Only the older one has it.
    Removed,
}

/// A file that differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DataChange {
    /// Path.
    pub path: String,
    /// What happened.
    pub kind: DataChangeKind,
    /// Size before.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub before: Option<u64>,
    /// Size after.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub after: Option<u64>,
}

/// What differs between two commits, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DataDiff {
    /// Files added in all.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub added: u64,
    /// Files changed in all.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub changed: u64,
    /// Files removed in all.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub removed: u64,
    /// The page asked for.
    pub changes: Vec<DataChange>,
}

/// A file or folder of this machine, and where it goes in a data repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PutSource {
    /// Path on this machine.
    pub from: String,
    /// Where it goes, beginning with `/`; a folder's files go below it.
    pub to: String,
}

/// Files to be added to a branch as one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PutRequest {
    /// Stack whose artifact store has the repository; none for the default one.
    pub stack: Option<String>,
    /// Repository.
    pub repo: String,
    /// Branch; made when it is missing.
    pub branch: String,
    /// What is added. Files that are there already are replaced.
    pub sources: Vec<PutSource>,
    /// Paths that are removed before, with all below them.
    pub remove: Vec<String>,
    /// What the commit says; none for a sentence that says what was done.
    pub message: Option<String>,
}

/// How far a long copy is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CopyProgress {
    /// Files so far.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub files: u64,
    /// Bytes so far.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
}

/// What a commit brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PutReport {
    /// The commit.
    pub commit: DataCommit,
    /// Whether anything differs from the commit before; otherwise no commit was made and `commit` is the one before.
    pub new: bool,
    /// Files copied.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub files: u64,
    /// Bytes copied.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
    /// Bytes that the store did not have.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub stored: u64,
    /// What was left out and why, one sentence each.
    pub warnings: Vec<String>,
}

/// What was, or would be, removed from an artifact store because nothing uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Swept {
    /// Chunks.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub chunks: u64,
    /// Their bytes.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
}
