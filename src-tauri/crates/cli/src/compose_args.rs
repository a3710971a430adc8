//! What can be typed about compose projects and stacks.

use clap::Subcommand;

use crate::args::{OfProject, Request};

/// Where images go and what builds them.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Where images go (compose projects)")]
pub(crate) struct Options {
    /// Registry to push images to and to cache layers in; without one they are loaded into the engine. An empty name
    /// leaves the stack's registry out this once
    #[arg(long, value_name = "NAME")]
    pub(crate) registry: Option<String>,
    /// One repository for all images, as ECR needs it; detected for ECR registries
    #[arg(long, value_name = "REPO", conflicts_with = "no_registry_single_name")]
    pub(crate) registry_single_name: Option<String>,
    /// Do not detect registries that need a single name
    #[arg(long)]
    pub(crate) no_registry_single_name: bool,
    /// Do not cache layers in the registry
    #[arg(long)]
    pub(crate) no_registry_cache: bool,
    /// Builder to use; the selected one by default, see `headstart builders list`
    #[arg(long, value_name = "NAME")]
    pub(crate) builder: Option<String>,
    /// Build nothing; every service needs an `image` then
    #[arg(long)]
    pub(crate) no_build: bool,
}

/// `up`.
#[derive(Debug, clap::Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) request: Request,
}

/// `down`.
#[derive(Debug, clap::Args)]
pub(crate) struct Down {
    #[command(flatten)]
    pub(crate) of: OfProject,
    /// Compose project, when several run; `headstart ps` lists them
    #[arg(value_name = "COMPOSE_PROJECT")]
    pub(crate) name: Option<String>,
    /// Remove its volumes with their data too
    #[arg(long)]
    pub(crate) volumes: bool,
}

/// `stacks`.
#[derive(Debug, Subcommand)]
pub(crate) enum Stacks {
    /// List the stacks
    #[command(visible_alias = "ls")]
    List,
    /// Show one stack
    Show {
        /// Its name
        name: String,
    },
    /// Make a stack, or change one: what is left out stays as it is
    #[command(
        after_help = "Examples:\n  headstart stacks save ci --registry registry.example/acme --builder big\n  \
            headstart stacks save ci --registry ''      takes the registry away again\n  \
            headstart stacks save ml --artifact-store /srv/artifacts --requirement 'torch>=2' --env OMP_NUM_THREADS=4"
    )]
    Save(Box<Save>),
    /// Remove a stack; its builds stay
    #[command(visible_alias = "rm")]
    Remove {
        /// Its name
        name: String,
    },
    /// Make a project use a stack
    Use {
        /// Its name
        name: String,
        #[command(flatten)]
        of: OfProject,
    },
    /// Try each part of a stack; exits with 3 when one does not work
    Check {
        /// Its name
        #[arg(default_value = "local")]
        name: String,
    },
}

/// `stacks save`. An empty text takes a setting away.
#[derive(Debug, clap::Args)]
pub(crate) struct Save {
    /// Its name
    pub(crate) name: String,
    /// Docker context of the engine
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
    /// Builder
    #[arg(long, value_name = "NAME")]
    pub(crate) builder: Option<String>,
    /// Registry that images are pushed to
    #[arg(long, value_name = "NAME")]
    pub(crate) registry: Option<String>,
    /// One repository for all images
    #[arg(long, value_name = "REPO")]
    pub(crate) registry_single_name: Option<String>,
    /// Whether registries that need a single name are detected
    #[arg(long, value_name = "BOOL")]
    pub(crate) detect_single_name: Option<bool>,
    /// Whether layers are cached in the registry
    #[arg(long, value_name = "BOOL")]
    pub(crate) registry_cache: Option<bool>,
    /// What image names begin with
    #[arg(long, value_name = "WORD")]
    pub(crate) prefix: Option<String>,
    /// Platform to build for
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<String>,
    #[command(flatten)]
    pub(crate) additions: Additions,
}

/// What a stack adds to pipelines. A list that is given takes the place of the one there was.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What pipelines get")]
pub(crate) struct Additions {
    /// Folder that their code is kept in, made when it is missing; stacks may share one
    #[arg(long, value_name = "FOLDER")]
    pub(crate) artifact_store: Option<String>,
    /// Python package for every image, as in requirements.txt; repeat it for more, '' for none
    #[arg(long = "requirement", value_name = "REQUIREMENT", allow_hyphen_values = true)]
    pub(crate) requirements: Vec<String>,
    /// Debian package for every image; repeat it for more, '' for none
    #[arg(long = "apt-package", value_name = "PACKAGE", allow_hyphen_values = true)]
    pub(crate) apt_packages: Vec<String>,
    /// Variable of every image; repeat it for more, '' for none
    #[arg(long = "env", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub(crate) environment: Vec<String>,
    /// File with certificates that package installers have to trust; mounted while they run, never stored
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_bundle: Option<String>,
}
