use serde::{Deserialize, Serialize};

use super::{BuildId, BuildRequest, BuildStatus, LogLine, ProjectId, StepStatus};

/// How the code of a step gets into its container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It is part of the image.
    Included,
    /// It is fetched from a code repository.
    CodeRepository,
    /// It is packed, kept in the artifact store, and unpacked in the container.
    ArtifactStore,
    /// Not at all: the image has to have it.
    None,
}

/// One step of a pipeline, before it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PlannedStep {
    /// Name.
    pub name: String,
    /// What it runs: a source such as `train:main`, or a command line.
    pub runs: String,
    /// Target whose image it runs in.
    pub target: String,
    /// How its code gets in.
    pub delivery: Delivery,
    /// Why that way, one sentence.
    pub reason: String,
}

/// Where the source root stands towards the registered code repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CheckoutState {
    /// Registered code repository that this is a checkout of.
    pub repository: Option<String>,
    /// Folder of the checkout, to be opened.
    pub folder: String,
    /// Source root within it.
    pub subdirectory: String,
    /// HEAD's commit.
    pub commit: Option<String>,
    /// Branch; none when HEAD is detached.
    pub branch: Option<String>,
    /// Changes that are not committed.
    pub uncommitted: bool,
    /// Files that git does not know.
    pub untracked: bool,
    /// The commit is on no branch of the remote, as last fetched.
    pub unpushed: bool,
    /// Whether code can be fetched from the repository.
    pub usable: bool,
    /// Why, or why not, one sentence.
    pub reason: String,
}

/// What a plan of a pipeline says beside its images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PipelinePlan {
    /// Name of the pipeline.
    pub name: String,
    /// Its steps, in the order in which they run.
    pub steps: Vec<PlannedStep>,
    /// The checkout.
    pub checkout: CheckoutState,
    /// The build that was asked for by id, instead of one that the keys find.
    pub given: Option<BuildId>,
}

/// Something that has to hold for an older build to be used, and whether it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Condition {
    /// What: "stack", "requirements", "parent image digest".
    pub name: String,
    /// What is wanted.
    pub expected: String,
    /// What the build has.
    pub actual: String,
    /// Whether that is enough.
    pub holds: bool,
}

/// A registered place that code is fetched from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CodeRepository {
    /// Name: lower-case letters, digits and `-`, at most 40.
    pub name: String,
    /// Kind.
    pub kind: RepositoryKind,
    /// Address as git takes it: `https://…`, `ssh://…`, `user@host:path`, `file://…` or a path. Never with a password.
    pub url: String,
}

/// Kinds of code repositories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RepositoryKind {
    /// Any git server.
    #[default]
    Git,
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RunStep {
    /// Number from 1; log lines refer to it.
    pub number: u32,
    /// Name.
    pub name: String,
    /// What it runs.
    pub runs: String,
    /// Image it runs in, by digest.
    pub image: String,
    /// How its code got in.
    pub delivery: Delivery,
    /// Where it stands.
    pub status: StepStatus,
    /// Exit code of one that ended.
    pub exit_code: Option<i32>,
    /// Start, Unix milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub started_at: Option<i64>,
    /// Duration so far or in all.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub duration_ms: Option<u64>,
}

/// A run of a pipeline: a record of what ran, in which images, with which code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PipelineRun {
    /// Id: 16 hexadecimal digits.
    pub id: String,
    /// Project.
    pub project: ProjectId,
    /// Project's name.
    pub project_name: String,
    /// Pipeline.
    pub pipeline: String,
    /// Build whose images it uses; absent until it is known.
    pub build: Option<BuildId>,
    /// Whether that build was there before.
    pub reused: bool,
    /// Stack.
    pub stack: String,
    /// Commit of the code, when the checkout was clean; none says that nobody can get exactly this code back from git.
    pub commit: Option<String>,
    /// Commit that the code is based on.
    pub base_commit: String,
    /// First line of that commit's message.
    pub summary: String,
    /// Branch.
    pub branch: Option<String>,
    /// Code repository the code was fetched from.
    pub repository: Option<String>,
    /// Digest of the code's archive in the artifact store.
    pub archive: Option<String>,
    /// Where it stands.
    pub status: BuildStatus,
    /// Steps, in order.
    pub steps: Vec<RunStep>,
    /// When it was requested, Unix milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub created_at: i64,
    /// From the request to the end, or until now.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub duration_ms: u64,
    /// From the request to the first line that a step wrote.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub first_output_ms: Option<u64>,
    /// What went wrong, one sentence.
    pub error: Option<String>,
    /// Things worth knowing.
    pub warnings: Vec<String>,
    /// What was asked for, to ask for it again.
    #[serde(default)]
    pub request: Option<RunRequest>,
    /// Lines in the log.
    pub log_lines: u32,
}

/// What happens to a run. A watch begins with one `Snapshot` and ends with exactly one `Finished`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunEvent {
    /// All that has happened so far.
    Snapshot {
        /// The record.
        run: PipelineRun,
    },
    /// What is missing is being built first.
    Building {
        /// The build, which is watched as any other.
        build: BuildId,
    },
    /// The record changed.
    Changed {
        /// The record.
        run: PipelineRun,
    },
    /// Lines that steps wrote, in order.
    Log {
        /// The lines, numbered within the whole log.
        lines: Vec<LogLine>,
    },
    /// It ended.
    Finished {
        /// The record.
        run: PipelineRun,
    },
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RunRequest {
    /// What to build, if need be.
    pub build: BuildRequest,
    /// Parameters that replace those of the run config, as `name` and JSON value.
    #[serde(default)]
    pub parameters: Vec<(String, String)>,
}

/// Which runs to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(default)]
pub struct RunFilter {
    /// Only of this project.
    pub project: Option<ProjectId>,
    /// Pipeline: whole name, or `startswith:` and its beginning.
    pub pipeline: Option<String>,
    /// Only with one of these states; empty means any.
    pub status: Vec<BuildStatus>,
    /// Only of this build.
    pub build: Option<BuildId>,
    /// Only with this stack.
    pub stack: Option<String>,
    /// Rows to pass over.
    pub offset: u32,
    /// Most rows to return; 0 means 100.
    pub limit: u32,
}

/// Runs that match a filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RunList {
    /// All that match.
    pub total: u32,
    /// The slice asked for.
    pub runs: Vec<PipelineRun>,
}

/// What looking for other people's builds found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SyncReport {
    /// Keys that the registries were asked for.
    pub asked: u32,
    /// Builds that were new.
    pub imported: Vec<BuildId>,
    /// Builds that were known already.
    pub known: u32,
    /// What could not be asked, one sentence each.
    pub problems: Vec<String>,
}
