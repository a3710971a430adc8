use serde::{Deserialize, Serialize};

use super::{BuildId, BuildRequest, ProjectId, WireError};

/// A service of a compose file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ComposeService {
    /// Name.
    pub name: String,
    /// Whether its image is built.
    pub built: bool,
    /// Image that the file names.
    pub image: Option<String>,
    /// Build context, relative to the repository, or an address.
    pub context: Option<String>,
    /// Dockerfile, relative to the context; absent when it stands in the compose file.
    pub dockerfile: Option<String>,
    /// Profiles it belongs to.
    pub profiles: Vec<String>,
    /// Services it waits for.
    pub depends_on: Vec<String>,
    /// Published ports as `8080:80`.
    pub ports: Vec<String>,
}

/// What building and deploying a compose project would do, to look at and copy. Secrets are replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ComposeFiles {
    /// Name of the compose project.
    pub compose_project: String,
    /// Services, by name.
    pub services: Vec<ComposeService>,
    /// The interim build file, JSON as bake reads it; empty when nothing has to be built.
    pub build_file: String,
    /// The compose file that would be deployed, YAML.
    pub deploy_file: String,
    /// The command that builds, word by word; empty when nothing has to be built.
    pub command: Vec<String>,
    /// `load` into the engine or `push` to the registry.
    pub output: String,
    /// What that follows from, one sentence.
    pub output_reason: String,
    /// Things worth knowing before.
    pub warnings: Vec<String>,
}

/// A port of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PublishedPort {
    /// In the container.
    pub target: u16,
    /// On the engine's machine, when published.
    pub published: Option<u16>,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// Address to open, for published TCP ports.
    pub url: Option<String>,
}

/// A container of a deployed service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DeployedService {
    /// Service name.
    pub name: String,
    /// Container id.
    pub container: String,
    /// `running`, `exited`, `restarting`, …
    pub state: String,
    /// `starting`, `healthy` or `unhealthy`, with a health check.
    pub health: Option<String>,
    /// As the Engine says: "Up 2 minutes".
    pub status: String,
    /// Image reference.
    pub image: String,
    /// Exit code of one that has ended.
    pub exit_code: Option<i32>,
    /// Ports.
    pub ports: Vec<PublishedPort>,
}

/// A compose project that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Deployment {
    /// Name of the compose project.
    pub compose_project: String,
    /// The project it was deployed from, if it is still known.
    pub project: Option<ProjectId>,
    /// That project's name.
    pub project_name: String,
    /// The newest build whose images it uses.
    pub build: Option<BuildId>,
    /// The commit that was deployed.
    pub commit: Option<String>,
    /// Stack.
    pub stack: String,
    /// Containers, by service.
    pub services: Vec<DeployedService>,
}

/// A deploy that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DeployUnderWay {
    /// Name of the compose project, by which it is watched and cancelled.
    pub compose_project: String,
    /// Name of the project.
    pub project_name: String,
    /// What was asked for.
    pub request: BuildRequest,
    /// When it began, Unix milliseconds.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub started_at: i64,
}

/// What happens while a project is deployed. Ends with `Done`, `Failed` or `Cancelled`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DeployEvent {
    /// What is missing is being built first.
    Building {
        /// The build, which is watched as any other.
        build: BuildId,
    },
    /// A line of what compose says.
    Line {
        /// The line.
        text: String,
    },
    /// It runs.
    Done {
        /// What runs.
        deployment: Deployment,
    },
    /// Somebody cancelled it. What it had started by then goes on running.
    Cancelled,
    /// It does not.
    Failed {
        /// Why.
        error: WireError,
    },
}
