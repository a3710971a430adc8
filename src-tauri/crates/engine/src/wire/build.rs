use serde::{Deserialize, Serialize};

use super::{BaseRef, BuildId, Decision, KeyField, ProjectId};

/// Where a build stands. Only `succeeded` may be reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum BuildStatus {
    /// Waiting for a free place.
    Queued,
    /// At work.
    Running,
    /// Done; its image can be used.
    Succeeded,
    /// A step or task failed.
    Failed,
    /// Stopped by the user.
    Cancelled,
    /// Replaced by a newer request.
    Superseded,
    /// Stopped at the time limit.
    TimedOut,
    /// The application or the engine died under it.
    Interrupted,
}

impl BuildStatus {
    /// Returns whether nothing more will happen.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// Returns the word used in the catalogue and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::TimedOut => "timed_out",
            Self::Interrupted => "interrupted",
        }
    }

    /// Reads the word that [`as_str`](Self::as_str) writes.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Superseded,
        Self::TimedOut,
        Self::Interrupted,
    ];
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Known, not begun.
    Pending,
    /// At work.
    Running,
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Stopped.
    Cancelled,
}

/// Which phase of a build a step belongs to. The phases and `other` add up to the wall time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Looking up images and definitions.
    Resolve,
    /// Sending the source.
    Context,
    /// Reading caches.
    CacheImport,
    /// The recipe's own steps and tasks.
    Steps,
    /// Writing the image.
    Export,
    /// Sending the image.
    Push,
    /// Everything else.
    Other,
}

/// One step of a build: a vertex of BuildKit's graph, or a task inside one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Step {
    /// Number within the build, from 1; log lines refer to it.
    pub number: u32,
    /// The step this one runs inside, for tasks.
    pub parent: Option<u32>,
    /// What it does.
    pub name: String,
    /// Whether the result came from cache.
    pub cached: bool,
    /// Start, absent while pending.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub started_at: Option<i64>,
    /// Duration so far or in all.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub duration_ms: Option<u64>,
    /// Where it stands.
    pub status: StepStatus,
    /// Its phase.
    pub phase: Phase,
    /// Exit code, for tasks that ended.
    pub exit_code: Option<i32>,
    /// What went wrong.
    pub error: Option<String>,
    /// Bytes done and in all, for transfers.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub current_bytes: Option<u64>,
    /// See `current_bytes`.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub total_bytes: Option<u64>,
}

/// An image a build made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuiltImage {
    /// Target in the bake file.
    pub target: String,
    /// Name and tag.
    pub reference: String,
    /// `sha256:…` as the Engine knows it.
    pub digest: String,
    /// Size as the Engine reports it.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub bytes: Option<u64>,
}

/// Wall time of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PhaseTime {
    /// Which.
    pub phase: Phase,
    /// How long.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub duration_ms: u64,
}

/// A catalogue record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Build {
    /// Id.
    pub id: BuildId,
    /// Project.
    pub project: ProjectId,
    /// Project's name.
    pub project_name: String,
    /// Recipe file.
    pub recipe: String,
    /// Stack name.
    pub stack: String,
    /// Platform.
    pub platform: String,
    /// Full commit id.
    pub commit: String,
    /// First line of the commit's message.
    pub summary: String,
    /// Branch it was built for.
    pub branch: Option<String>,
    /// Whether uncommitted changes were built too.
    pub dirty: bool,
    /// Where it stands.
    pub status: BuildStatus,
    /// How it was built.
    pub decision: Decision,
    /// Why it was built that way, one sentence.
    pub reason: String,
    /// Base of an incremental build.
    pub base: Option<BaseRef>,
    /// Incremental builds between this one and its last full one; 0 for full.
    pub chain: u32,
    /// Environment key.
    pub environment_key: String,
    /// Code key.
    pub code_key: String,
    /// Fields behind the environment key.
    pub fields: Vec<KeyField>,
    /// Images by digest.
    pub images: Vec<BuiltImage>,
    /// Steps; empty in lists.
    pub steps: Vec<Step>,
    /// Wall time per phase; empty in lists and before the end.
    pub phases: Vec<PhaseTime>,
    /// When it was requested.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub created_at: i64,
    /// When it left the queue.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub started_at: Option<i64>,
    /// From leaving the queue to the end, or until now while running.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub duration_ms: Option<u64>,
    /// Expected duration when it was planned.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub expected_ms: Option<u64>,
    /// Full-build median at the end minus the duration; negative when it took longer. Absent for full builds and without data.
    #[cfg_attr(feature = "bindings", specta(type = Option<i32>))]
    pub saved_ms: Option<i64>,
    /// Whether the image contains the code.
    pub contains_code: bool,
    /// Kept from deletion.
    pub pinned: bool,
    /// How often a request was answered with this build instead of building.
    pub reused: u32,
    /// What went wrong, one sentence.
    pub error: Option<String>,
    /// Name of the step or task that failed.
    pub failed_step: Option<String>,
    /// Number of the step whose log shows the failure.
    pub failed_step_number: Option<u32>,
    /// Lines in the log.
    pub log_lines: u32,
    /// Warnings of the plan.
    pub warnings: Vec<String>,
    /// Pipeline it was made for.
    #[serde(default)]
    pub pipeline: Option<String>,
    /// Who made it, of a build that came from a registry; none for one made here.
    #[serde(default)]
    pub producer: Option<String>,
}

/// One line of a build's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogLine {
    /// Line number within the asked log (whole build or one step), from 0.
    pub number: u32,
    /// Step that wrote it; 0 for Headstart itself.
    pub step: u32,
    /// Milliseconds since the build started.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub at_ms: u64,
    /// Text as written, ANSI colour codes kept, other control characters replaced.
    pub text: String,
}

/// A slice of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogPage {
    /// Lines in the asked log now.
    pub total: u32,
    /// The lines.
    pub lines: Vec<LogLine>,
}

/// What happens to a build. A watch begins with one `Snapshot` and ends with exactly one `Finished`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BuildEvent {
    /// All that has happened so far.
    Snapshot {
        /// The record, with its steps.
        build: Build,
        /// Now, by the clock that the steps' times come from.
        #[cfg_attr(feature = "bindings", specta(type = u32))]
        now: i64,
    },
    /// The record changed; `build.steps` is empty.
    Changed {
        /// The record.
        build: Build,
    },
    /// Steps that are new or changed.
    Steps {
        /// The steps.
        steps: Vec<Step>,
    },
    /// Lines written since the last event, in order; the snapshot counts those before it.
    Log {
        /// The lines, numbered within the whole log.
        lines: Vec<LogLine>,
    },
    /// The build ended.
    Finished {
        /// The record, with its steps.
        build: Build,
    },
}

/// What to list. Conditions are joined with "and".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuildFilter {
    /// Only of this project.
    pub project: Option<ProjectId>,
    /// Only with one of these states; empty means any.
    pub status: Vec<BuildStatus>,
    /// Only for this branch.
    pub branch: Option<String>,
    /// Id: whole, or `startswith:` and a prefix.
    pub id: Option<String>,
    /// Only of this commit: full id or prefix.
    pub commit: Option<String>,
    /// Words that id, commit, summary, branch, project or error contain, case-insensitive.
    pub text: Option<String>,
    /// Only pinned or only not pinned.
    pub pinned: Option<bool>,
    /// Pipeline, by name or by its project's id: whole, or `startswith:` and its beginning.
    #[serde(default)]
    pub pipeline: Option<String>,
    /// Only with this stack.
    #[serde(default)]
    pub stack: Option<String>,
    /// Only with or only without code in their images.
    #[serde(default)]
    pub contains_code: Option<bool>,
    /// Column to order by.
    pub sort: BuildSort,
    /// Smallest first instead of largest first.
    pub ascending: bool,
    /// Rows to pass over.
    pub offset: u32,
    /// Most rows to return; 0 means 100.
    pub limit: u32,
}

/// A column to order builds by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum BuildSort {
    /// When it was requested.
    #[default]
    Created,
    /// How long it took.
    Duration,
    /// State, by name.
    Status,
    /// Branch, by name.
    Branch,
    /// Size of its images.
    Bytes,
    /// Time saved.
    Saved,
}

/// Builds that match a filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuildList {
    /// All that match.
    pub total: u32,
    /// The slice asked for, without steps.
    pub builds: Vec<Build>,
}

/// An image that a deletion would remove.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DoomedImage {
    /// Build it belongs to.
    pub build: BuildId,
    /// Name and tag.
    pub reference: String,
    /// Bytes that no other image uses; absent when the Engine could not be asked.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub bytes: Option<u64>,
}

/// A build that a deletion leaves alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct KeptBuild {
    /// The build.
    pub build: BuildId,
    /// Why: "pinned", "running".
    pub reason: String,
}

/// What deleting builds would do, before it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DeletePlan {
    /// Records to remove.
    pub builds: Vec<BuildId>,
    /// Images to remove.
    pub images: Vec<DoomedImage>,
    /// Bytes freed: images and logs.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
    /// Builds left alone.
    pub kept: Vec<KeptBuild>,
    /// Builds made from one of these, which keep working but lose the record of their base.
    pub dependants: Vec<BuildId>,
    /// Whether the Engine was asked; otherwise only records go and images stay.
    pub engine_checked: bool,
}

/// Whether two builds agree on a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct FieldDiff {
    /// Field.
    pub name: String,
    /// Value in the first.
    pub left: Option<String>,
    /// Value in the second.
    pub right: Option<String>,
    /// Whether they are the same.
    pub equal: bool,
}

/// A step of two builds side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StepDiff {
    /// Step name.
    pub name: String,
    /// In the first.
    pub left: Option<Step>,
    /// In the second.
    pub right: Option<Step>,
}

/// Two builds compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuildDiff {
    /// First.
    pub left: Build,
    /// Second.
    pub right: Build,
    /// Key fields and facts.
    pub fields: Vec<FieldDiff>,
    /// Steps by name.
    pub steps: Vec<StepDiff>,
}
