use serde::{Deserialize, Serialize};

use super::{BuildId, BuildOptions, Condition, PipelinePlan, ProjectId};

/// How a commit gets its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// An existing build serves as it is.
    Reuse,
    /// Only the changed files on top of a base, then the tasks again.
    Incremental,
    /// From the recipe's image.
    Full,
}

/// What to plan or build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuildRequest {
    /// The project.
    pub project: ProjectId,
    /// Commit, branch or tag; HEAD if absent.
    pub commit: Option<String>,
    /// Build the work tree with its uncommitted changes on top of HEAD.
    pub dirty: bool,
    /// Start from the recipe's image, whatever could be reused.
    pub full: bool,
    /// Do not use BuildKit's layer cache; implies `full`.
    pub no_cache: bool,
    /// Start from exactly this build: its id, or a prefix that only one has. A pipeline runs in its images.
    pub base: Option<String>,
    /// Services to build, of a recipe that has several; empty for all.
    #[serde(default)]
    pub services: Vec<String>,
    /// The pipeline, when the run config names none or another one: `module.instance`.
    #[serde(default)]
    pub pipeline: Option<String>,
    /// A run config of the project, relative to its source root, instead of the project's recipe.
    #[serde(default)]
    pub config: Option<String>,
    /// What this request changes of the project's stack.
    #[serde(default)]
    pub options: BuildOptions,
}

impl BuildRequest {
    /// Returns a request for a project's HEAD.
    pub fn head(project: ProjectId) -> Self {
        Self {
            project,
            commit: None,
            dirty: false,
            full: false,
            no_cache: false,
            base: None,
            services: Vec::new(),
            pipeline: None,
            config: None,
            options: BuildOptions::default(),
        }
    }
}

/// A duration as half and as four fifths of the recorded builds have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Quantiles {
    /// Median.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub p50: u64,
    /// 80th percentile.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub p80: u64,
    /// Builds this comes from.
    pub samples: u32,
}

/// Expected durations. A figure is absent when no recorded build supports it ("not enough data").
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Estimate {
    /// A full build.
    pub full_ms: Option<Quantiles>,
    /// Getting the base ready: resolving and unpacking its image.
    pub load_ms: Option<Quantiles>,
    /// The incremental build after that.
    pub incremental_ms: Option<Quantiles>,
    /// Full p50 over load + incremental p50.
    pub speedup: Option<f64>,
}

/// The base of an incremental build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BaseRef {
    /// The older build.
    pub build: BuildId,
    /// Its commit.
    pub commit: String,
    /// How many commits back, counted as `git log` lists them.
    pub distance: u32,
    /// Files that differ.
    pub changed_files: u32,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The plan uses it.
    Chosen,
    /// Could be used, another one is better.
    Eligible,
    /// Cannot be used.
    Rejected,
}

/// An older build that was looked at, and why it was or was not usable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Candidate {
    /// The build.
    pub build: BuildId,
    /// Its commit.
    pub commit: String,
    /// How many commits back; absent when it is not among the ancestors looked at.
    pub distance: Option<u32>,
    /// Files that differ, when it was worth counting.
    pub changed_files: Option<u32>,
    /// Expected load + incremental time.
    #[cfg_attr(feature = "bindings", specta(type = Option<u32>))]
    pub expected_ms: Option<u64>,
    /// Chosen, eligible or rejected.
    pub verdict: Verdict,
    /// Reasons, field by field: "image changed: debian:12 → debian:13".
    pub reasons: Vec<String>,
    /// Every condition with what is wanted and what the build has, of recipes that decide by conditions.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Who made it, of a build that came from a registry.
    #[serde(default)]
    pub producer: Option<String>,
}

/// One image the plan produces, with its keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PlannedTarget {
    /// Target name in the bake file.
    pub name: String,
    /// Digest of everything that has to be equal for an older build to serve.
    pub environment_key: String,
    /// Digest of the source the target can see.
    pub code_key: String,
    /// The fields behind the environment key, secret-looking values replaced.
    pub fields: Vec<KeyField>,
    /// How it gets its image.
    pub decision: Decision,
    /// Why, one sentence.
    pub reason: String,
    /// The build whose image is reused.
    pub build: Option<BuildId>,
    /// What its image is used by; absent when that depends on the build's id.
    pub reference: Option<String>,
    /// Names its image gets.
    pub tags: Vec<String>,
    /// Where layers are looked for, first to last, as bake writes it.
    pub cache_from: Vec<String>,
    /// Where layers are kept.
    pub cache_to: Vec<String>,
    /// Steps of a pipeline that run in it.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Dockerfile that was made for it.
    #[serde(default)]
    pub dockerfile: Option<String>,
    /// Whether the code is part of it.
    #[serde(default)]
    pub includes_code: bool,
}

/// One field behind a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct KeyField {
    /// Path of the field: `image.reference`, `tasks[1].init`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The decision for one commit, with reasons and estimates. Making it writes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Plan {
    /// Reuse, incremental or full.
    pub decision: Decision,
    /// Full commit id.
    pub commit: String,
    /// The branch it is planned for, if any.
    pub branch: Option<String>,
    /// Whether uncommitted changes are part of it.
    pub dirty: bool,
    /// Recipe file.
    pub recipe: String,
    /// Stack name.
    pub stack: String,
    /// Platform, such as `linux/amd64`.
    pub platform: String,
    /// The build that is reused.
    pub build: Option<BuildId>,
    /// The base of an incremental build.
    pub base: Option<BaseRef>,
    /// Expected durations.
    pub estimate: Estimate,
    /// Every build that was looked at, best first.
    pub candidates: Vec<Candidate>,
    /// Images and their keys.
    pub targets: Vec<PlannedTarget>,
    /// One sentence that says why this decision.
    pub reason: String,
    /// Things worth knowing before building: submodules not initialised, LFS pointers, unknown keys, image moved.
    pub warnings: Vec<String>,
    /// Whether the Engine was asked for the images; otherwise existence is unknown.
    pub engine_checked: bool,
    /// The running or queued build of the same keys, which a request would join.
    pub active: Option<BuildId>,
    /// Steps and code, of a pipeline.
    #[serde(default)]
    pub pipeline: Option<PipelinePlan>,
}
