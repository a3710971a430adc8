use serde::{Deserialize, Serialize};

use super::{BuildId, ProjectId};

/// What is known of the Docker engine now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct EngineStatus {
    /// Whether it answered.
    pub reachable: bool,
    /// Docker context or `DOCKER_HOST`.
    pub context: String,
    /// Address, such as `unix:///var/run/docker.sock`.
    pub endpoint: String,
    /// Engine version.
    pub version: Option<String>,
    /// Its default platform, such as `linux/amd64`.
    pub platform: Option<String>,
    /// Storage driver.
    pub storage: Option<String>,
    /// Whether images live in containerd's store, which lets the default builder export caches.
    pub containerd_store: Option<bool>,
    /// Version of the buildx plugin, absent when it is missing.
    pub buildx: Option<String>,
    /// Builder that builds go to.
    pub builder: Option<String>,
    /// What is wrong, one sentence.
    pub problem: Option<String>,
    /// What to do about it, one sentence.
    pub hint: Option<String>,
}

/// A colour scheme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// When desktop notifications are shown. The inbox keeps them all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct NotificationSettings {
    /// Shown at all.
    pub enabled: bool,
    /// With the window in front, only builds that took at least this long.
    pub focused_threshold_s: u32,
    /// Only when a build failed.
    pub failures_only: bool,
    /// Quiet from this hour of the day (0–23) …
    pub quiet_from: Option<u8>,
    /// … to this one.
    pub quiet_to: Option<u8>,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            focused_threshold_s: 60,
            failures_only: false,
            quiet_from: None,
            quiet_to: None,
        }
    }
}

/// Packages that belong together, by a name that run configs use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Integration {
    /// Name.
    pub name: String,
    /// Python packages.
    pub requirements: Vec<String>,
    /// Debian packages.
    pub apt_packages: Vec<String>,
}

impl Integration {
    /// Returns those that are known without being set.
    pub fn usual() -> Vec<Self> {
        let known: [(&str, &[&str], &[&str]); 12] = [
            (
                "huggingface",
                &["transformers", "datasets", "huggingface_hub>0.19.0"],
                &[],
            ),
            ("lightgbm", &["lightgbm>=1.0.0"], &["libgomp1"]),
            ("mlflow", &["mlflow>=2.1.1,<3"], &[]),
            ("numpy", &["numpy"], &[]),
            ("pandas", &["pandas>=2.0.0"], &[]),
            ("pillow", &["pillow>=9.2.0"], &[]),
            ("polars", &["polars", "pyarrow>=12.0.0"], &[]),
            ("pytorch", &["torch"], &[]),
            ("scipy", &["scipy"], &[]),
            ("sklearn", &["scikit-learn>1.3"], &[]),
            ("tensorflow", &["tensorflow>=2.12"], &[]),
            ("xgboost", &["xgboost>=1.0.0"], &["libgomp1"]),
        ];
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        known
            .iter()
            .map(|(name, requirements, apt)| Self {
                name: (*name).to_owned(),
                requirements: own(requirements),
                apt_packages: own(apt),
            })
            .collect()
    }
}

/// The image that the builder for a language begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuilderImage {
    /// Language: `python`.
    pub language: String,
    /// Image: `python:3`.
    pub image: String,
}

impl BuilderImage {
    /// Returns those that are known without being set.
    pub fn usual() -> Vec<Self> {
        let known = [
            ("go", "golang:latest"),
            ("node", "node:lts"),
            ("python", "python:3"),
            ("rust", "rust:1"),
        ];
        known
            .map(|(language, image)| Self {
                language: language.to_owned(),
                image: image.to_owned(),
            })
            .into()
    }
}

/// What the user can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Settings {
    /// Image of a workspace config that names none.
    pub default_image: String,
    /// Builds at once.
    pub concurrency: u32,
    /// Longest time a build may take, in seconds.
    pub timeout_s: u32,
    /// Ancestors looked at for a base.
    pub history_depth: u32,
    /// Longest chain of incremental builds.
    pub max_chain: u32,
    /// Most image layers a base may have.
    pub max_layers: u32,
    /// What `required_integrations` of a run config stand for.
    pub integrations: Vec<Integration>,
    /// What the builders of datum pipelines' code begin with; a language that is not named has its usual image.
    pub builder_images: Vec<BuilderImage>,
    /// Colour scheme.
    pub theme: Theme,
    /// Desktop notifications.
    pub notifications: NotificationSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_image: "gitpod/workspace-full:latest".into(),
            concurrency: 1,
            timeout_s: 3600,
            history_depth: 100,
            max_chain: 20,
            max_layers: 100,
            integrations: Integration::usual(),
            builder_images: BuilderImage::usual(),
            theme: Theme::System,
            notifications: NotificationSettings::default(),
        }
    }
}

/// What a notice reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A build or run succeeded.
    Succeeded,
    /// A build or run failed.
    Failed,
    /// A build hit its time limit.
    TimedOut,
    /// A build or run was cut off.
    Interrupted,
}

/// An entry of the inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Notice {
    /// Number, rising.
    pub id: u32,
    /// The build it speaks of; none when it speaks of a run.
    pub build: Option<BuildId>,
    /// The run of a pipeline it speaks of.
    pub run: Option<String>,
    /// The job of a datum pipeline it speaks of.
    pub job: Option<String>,
    /// Its project; none for a job, which belongs to none.
    pub project: Option<ProjectId>,
    /// What happened.
    pub kind: NoticeKind,
    /// The outcome: "sample built".
    pub title: String,
    /// Commit, time, saving or failing step.
    pub body: String,
    /// When.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub at: i64,
    /// How long it took.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub duration_ms: u64,
    /// Whether it was seen.
    pub read: bool,
}

/// A container that Headstart started from a build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Run {
    /// Container id.
    pub id: String,
    /// Container name.
    pub name: String,
    /// The build it uses.
    pub build: BuildId,
    /// Its project, as named when it was started.
    pub project_name: String,
    /// Commit of the build.
    pub commit: String,
    /// Since when.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub created_at: i64,
    /// As the Engine says: "Up 2 minutes".
    pub status: String,
}

/// Facts about a built image, from the Engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ImageDetail {
    /// Name and tag.
    pub reference: String,
    /// Digest.
    pub digest: String,
    /// Size.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
    /// Layers.
    pub layers: u32,
    /// Platform.
    pub platform: String,
    /// When it was made, as RFC 3339.
    pub created: Option<String>,
    /// Working directory.
    pub working_dir: Option<String>,
    /// User.
    pub user: Option<String>,
    /// Environment, secret-looking values replaced.
    pub env: Vec<String>,
    /// Labels.
    pub labels: Vec<KeyField>,
    /// A command that opens a shell in it, to copy.
    pub shell_command: String,
}

use super::KeyField;

/// What a shell in a container says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ShellEvent {
    /// It runs; input goes to this id.
    Started {
        /// Container id.
        run: String,
    },
    /// Bytes for the terminal, base64.
    Output {
        /// The bytes.
        base64: String,
    },
    /// It ended.
    Exited {
        /// Exit code, when the Engine told.
        code: Option<i32>,
    },
}

/// Time saved in one week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct WeekSaved {
    /// Monday 00:00 UTC.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub week_at: i64,
    /// Saved by incremental builds against the median full build, those that took longer subtracted.
    #[cfg_attr(feature = "bindings", specta(type = i32))]
    pub saved_ms: i64,
    /// Builds in it.
    pub builds: u32,
}

/// A step name with what it costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SlowStep {
    /// Step name.
    pub name: String,
    /// Median duration when not cached.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub p50_ms: u64,
    /// Times it ran.
    pub runs: u32,
}

/// A field whose change made reuse impossible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Breaker {
    /// Field: `tasks[0].init`.
    pub field: String,
    /// How many builds it made full.
    pub times: u32,
}

/// A build's expectation beside what it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Reality {
    /// The build.
    pub build: BuildId,
    /// Expected.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub expected_ms: u64,
    /// Measured.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub duration_ms: u64,
}

/// What the catalogue shows over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Insights {
    /// Last 12 weeks, oldest first.
    pub weeks: Vec<WeekSaved>,
    /// Slowest steps, slowest first, at most 10.
    pub slow_steps: Vec<SlowStep>,
    /// What breaks reuse most often, at most 10.
    pub breakers: Vec<Breaker>,
    /// Last 50 builds that had an estimate, oldest first.
    pub reality: Vec<Reality>,
}
