use serde::{Deserialize, Serialize};

use super::{BuildId, BuildStatus, LogLine, Problem};

/// What an update does to data that was processed already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum UpdateChoice {
    /// Code is an input: when it changed, everything is processed again. Without code as an input, like `NewDataOnly`.
    #[default]
    CodeAsInput,
    /// New code and images are used for new data only; what was processed stays.
    NewDataOnly,
    /// Everything is processed again, whatever changed.
    ReprocessAll,
}

/// How the lines of a `.pachignore` are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum IgnoreMeaning {
    /// As Pachyderm reads them: a glob each, without separators, comments or negation.
    #[default]
    Pachyderm,
    /// As git reads a `.gitignore`.
    Gitignore,
}

/// A pipeline spec to be submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(default)]
pub struct SubmitRequest {
    /// File with one or several specs.
    pub path: Option<String>,
    /// The specs themselves, when they come from no file; paths in them are relative to `folder`.
    pub text: Option<String>,
    /// Folder that paths in `text` are relative to.
    pub folder: Option<String>,
    /// Stack to run on; none for the default one.
    pub stack: Option<String>,
    /// What happens to processed data.
    pub choice: UpdateChoice,
    /// Build `transform.dockerfile` and run with that image.
    pub build: bool,
    /// Push `transform.image` as it is under a tag of its own.
    pub push_images: bool,
    /// Registry whose login is used for pushing. It never changes an image's name.
    pub registry: Option<String>,
    /// User name of that login.
    pub username: Option<String>,
    /// How `.pachignore` is read.
    pub ignore: IgnoreMeaning,
    /// Upload `.git` as well.
    pub include_git: bool,
    /// Write the new image into the file.
    pub write_back: bool,
    /// Refuse when a pipeline of this name exists.
    pub create: bool,
}

/// How many datums there are, and what would happen to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DatumCounts {
    /// In all.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub total: u64,
    /// Never processed.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub new: u64,
    /// Processed already; their outputs are used again.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub reused: u64,
    /// Processed already, and to be processed again because code changed or reprocessing was chosen.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub redo: u64,
    /// Processed before whose input is gone: their outputs go too.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub removed: u64,
}

/// What one of the choices would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ChoiceCost {
    /// The choice.
    pub choice: UpdateChoice,
    /// Its datums; none when they cannot be known before another pipeline ran.
    pub datums: Option<DatumCounts>,
}

/// What a node of a pipeline's graph stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum DatumNodeKind {
    /// A repository that is read.
    Input,
    /// The repository branch with the code.
    Source,
    /// The pipeline that builds the code.
    Build,
    /// The pipeline.
    Pipeline,
    /// The repository branch it writes.
    Output,
    /// A clock.
    Cron,
}

/// A node of a pipeline's graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DatumNode {
    /// Id within the graph.
    pub id: String,
    /// What it is.
    pub kind: DatumNodeKind,
    /// Name of the repository or pipeline.
    pub name: String,
    /// Branch, glob or image: one short line.
    pub detail: String,
    /// Datums that this input gives, or that the pipeline has.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub datums: Option<u64>,
    /// Column, from 0 on the left.
    pub column: u32,
}

/// A pipeline with what it reads and writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DatumGraph {
    /// Nodes, by column and then from top to bottom.
    pub nodes: Vec<DatumNode>,
    /// Edges from one node's id to another's.
    pub edges: Vec<(String, String)>,
    /// How the inputs are combined, in words: "cross of source, build and scraper".
    pub combined: String,
}

/// A rule of an ignore file and what it drops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct IgnoredBy {
    /// The rule as it stands, or a sentence for a built-in one.
    pub rule: String,
    /// Line in the ignore file; none for a built-in rule.
    pub line: Option<u32>,
    /// Files it drops.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub files: u64,
    /// Their sizes.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

/// The code that would be uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CodeUpload {
    /// Folder it comes from.
    pub folder: String,
    /// Files.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub files: u64,
    /// Bytes.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
    /// Files that differ from what was uploaded before: added, changed or removed.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub differing: u64,
    /// What is left out, by rule.
    pub ignored: Vec<IgnoredBy>,
}

/// What happens with the image of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ImageAction {
    /// It is there already and used as it is.
    Use,
    /// It has to be pulled from its registry.
    Pull,
    /// An older build of the same Dockerfile and files serves.
    Reuse,
    /// It is built.
    Build,
    /// It gets a tag of its own and is pushed.
    Push,
}

/// An image that a submission needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DatumImage {
    /// What for: "builder" or "pipeline".
    pub role: String,
    /// The name that is used.
    pub reference: String,
    /// What happens.
    pub action: ImageAction,
    /// Why, one sentence.
    pub reason: String,
    /// Build that serves, or that was made.
    pub build: Option<BuildId>,
    /// Whether it is pushed.
    pub push: bool,
}

/// What submitting one spec would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PipelineSubmission {
    /// Pipeline.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// Version it would get; 1 is new.
    pub version: u32,
    /// What differs from the version before, one short line each.
    pub changes: Vec<String>,
    /// Graph, with datum counts as far as they are known.
    pub graph: DatumGraph,
    /// Code to be uploaded, when it has a build step.
    pub code: Option<CodeUpload>,
    /// Images.
    pub images: Vec<DatumImage>,
    /// What each choice costs.
    pub choices: Vec<ChoiceCost>,
    /// Datums with the choice that was made.
    pub datums: Option<DatumCounts>,
    /// How long the datums to process are expected to take, from those processed before.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub expected_ms: Option<u64>,
}

/// What submitting would do. Nothing has been written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SubmitPlan {
    /// Name of the file, or `-`.
    pub file: String,
    /// Stack.
    pub stack: String,
    /// Its artifact store.
    pub store: String,
    /// One per spec, in the order of the file.
    pub pipelines: Vec<PipelineSubmission>,
    /// What is done, in order: "create the repository map_build", …
    pub actions: Vec<String>,
    /// Errors and warnings, in the order of the file.
    pub problems: Vec<Problem>,
    /// Whether it can be submitted.
    pub can_submit: bool,
    /// The spec with everything filled in, as it would be handed to a cluster: JSON, one pipeline after the other.
    pub spec: String,
}

/// What a submission did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Submitted {
    /// Pipelines that were created or updated.
    pub pipelines: Vec<String>,
    /// Jobs that were started, in the order in which they run.
    pub jobs: Vec<String>,
    /// What was done, one sentence each.
    pub done: Vec<String>,
    /// Things worth knowing.
    pub warnings: Vec<String>,
}

/// How far a submission is: one of the plan's actions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SubmitEvent {
    /// An action begins.
    Doing {
        /// The action.
        action: String,
    },
    /// An image is being built, which is watched as any other build.
    Building {
        /// The build.
        build: BuildId,
    },
    /// A copy goes on.
    Copying {
        /// Files so far.
        #[cfg_attr(feature = "bindings", specta(type = u32))]
        files: u64,
        /// Bytes so far.
        #[cfg_attr(feature = "bindings", specta(type = u32))]
        bytes: u64,
    },
}

/// A datum pipeline as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DatumPipeline {
    /// Name.
    pub name: String,
    /// Stack it runs on.
    pub stack: String,
    /// What it says of itself.
    pub description: String,
    /// Version, from 1.
    pub version: u32,
    /// Whether it takes no new data.
    pub stopped: bool,
    /// Pipeline whose code this one builds.
    pub builds_for: Option<String>,
    /// Image.
    pub image: String,
    /// Command.
    pub command: Vec<String>,
    /// Repository and branch it writes, `repo@branch`.
    pub output: String,
    /// Repositories and branches it reads, `repo@branch`.
    pub inputs: Vec<String>,
    /// Graph, with the datum counts of the last job.
    pub graph: DatumGraph,
    /// The spec as submitted, as JSON.
    pub spec: String,
    /// File it was submitted from.
    pub path: Option<String>,
    /// What its code's changes do to processed data.
    pub choice: UpdateChoice,
    /// Last job.
    pub job: Option<Job>,
    /// Jobs in all.
    pub jobs: u32,
    /// When it was made, Unix milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub created_at: i64,
    /// When it was updated, Unix milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub updated_at: i64,
}

/// A commit that a job reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct JobInput {
    /// Name of the input.
    pub name: String,
    /// Repository.
    pub repo: String,
    /// Branch.
    pub branch: String,
    /// Commit; none when the branch is empty.
    pub commit: Option<String>,
}

/// What a worker does now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct JobWorker {
    /// Number from 1.
    pub number: u32,
    /// Datum it works on, by its place.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub datum: Option<u64>,
    /// Since when, Unix milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub since: Option<i64>,
}

/// A run of a datum pipeline over the data of its inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Job {
    /// Id: 16 hexadecimal digits.
    pub id: String,
    /// Pipeline.
    pub pipeline: String,
    /// Its version.
    pub version: u32,
    /// Stack.
    pub stack: String,
    /// Why it runs, one sentence.
    pub reason: String,
    /// Where it stands.
    pub status: BuildStatus,
    /// What it does or waits for now, one short line.
    pub doing: String,
    /// What it reads.
    pub inputs: Vec<JobInput>,
    /// Commit it wrote.
    pub output: Option<String>,
    /// Repository and branch it writes, `repo@branch`.
    pub writes: String,
    /// Image its workers run, by digest once that is known.
    pub image: String,
    /// Datums in all.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub total: u64,
    /// Processed by this job.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub processed: u64,
    /// Processed before, and used again.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub reused: u64,
    /// Failed.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub failed: u64,
    /// Rescued by `err_cmd`: the job goes on without their outputs, and they are tried again next time.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub rescued: u64,
    /// Workers at work.
    pub workers: Vec<JobWorker>,
    /// Bytes that datums read.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes_in: u64,
    /// Bytes that datums wrote.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes_out: u64,
    /// When it was asked for, Unix milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub created_at: i64,
    /// When its first datum began, Unix milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub started_at: Option<i64>,
    /// From the request to the end, or until now.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub duration_ms: u64,
    /// What went wrong, one sentence.
    pub error: Option<String>,
    /// Things worth knowing.
    pub warnings: Vec<String>,
    /// Lines in the log.
    pub log_lines: u32,
}

/// What happens to a job. A watch begins with one `Snapshot` and ends with exactly one `Finished`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum JobEvent {
    /// All that has happened so far.
    Snapshot {
        /// The record.
        job: Job,
    },
    /// The record changed.
    Changed {
        /// The record.
        job: Job,
    },
    /// Lines that datums wrote, in order; a line's step is its datum's place plus 1, and 0 for the job itself.
    Log {
        /// The lines, numbered within the whole log.
        lines: Vec<LogLine>,
    },
    /// It ended.
    Finished {
        /// The record.
        job: Job,
    },
}

/// Where a datum of a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum DatumState {
    /// Its turn has not come.
    Waiting,
    /// A worker has it.
    Running,
    /// Processed by this job.
    Processed,
    /// Processed before, and used again.
    Reused,
    /// Every attempt failed.
    Failed,
    /// Failed, and `err_cmd` succeeded.
    Rescued,
}

/// A file or folder that a datum reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DatumFile {
    /// Name of the input.
    pub input: String,
    /// Repository.
    pub repo: String,
    /// Commit.
    pub commit: String,
    /// Path, beginning with `/`.
    pub path: String,
    /// Size.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
}

/// One unit of a job's work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Datum {
    /// Place within the job, from 0.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub place: u64,
    /// Its hash, 64 hexadecimal digits.
    pub hash: String,
    /// Where it stands.
    pub state: DatumState,
    /// What it reads.
    pub files: Vec<DatumFile>,
    /// Attempts made.
    pub attempts: u32,
    /// Exit code of the last attempt.
    pub exit_code: Option<i32>,
    /// How long the last attempt took.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub duration_ms: Option<u64>,
    /// What went wrong, one sentence.
    pub error: Option<String>,
}

/// Which datums of a job to list, by place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(default)]
pub struct DatumFilter {
    /// Only with one of these states; empty means any.
    pub states: Vec<DatumState>,
    /// Only those with a file whose path contains this.
    pub path: Option<String>,
    /// Rows to pass over.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub offset: u64,
    /// Most rows to return; 0 means 100.
    pub limit: u32,
}

/// Datums that match a filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DatumList {
    /// All that match.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub total: u64,
    /// The slice asked for.
    pub datums: Vec<Datum>,
}

/// Which jobs to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(default)]
pub struct JobFilter {
    /// Only on this stack; none for every stack.
    pub stack: Option<String>,
    /// Only of this pipeline.
    pub pipeline: Option<String>,
    /// Only with one of these states; empty means any.
    pub status: Vec<BuildStatus>,
    /// Rows to pass over.
    pub offset: u32,
    /// Most rows to return; 0 means 100.
    pub limit: u32,
}

/// Jobs that match a filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct JobList {
    /// All that match.
    pub total: u32,
    /// The slice asked for.
    pub jobs: Vec<Job>,
}

/// A builder that was written to a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CodeBuilder {
    /// Language.
    pub language: String,
    /// Folder.
    pub folder: String,
    /// Files written, relative to it.
    pub files: Vec<String>,
    /// Base image its Dockerfile starts from.
    pub base: String,
}
