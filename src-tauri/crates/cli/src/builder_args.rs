//! What can be typed after `builders`.

use clap::{Subcommand, ValueEnum};
use headstart_engine::wire::BuilderDriver;

#[derive(Debug, Subcommand)]
pub(crate) enum Builders {
    /// List builders: driver, nodes, and whether they can export a registry cache
    #[command(
        visible_alias = "ls",
        after_help = "The selected builder is marked with *; builds that name none go to it."
    )]
    List,
    /// Make a builder; it starts with its first build or with `bootstrap`
    #[command(
        after_help = "Examples:\n  headstart builders create team --driver docker-container\n  \
            headstart builders create arm --driver remote --endpoint tcp://build.example:1234 --platform linux/arm64\n  \
            headstart builders create cluster --driver kubernetes --driver-opt namespace=ci --driver-opt replicas=2 --use"
    )]
    Create(CreateBuilder),
    /// Select the builder of builds that name none; this is buildx's own setting
    #[command(visible_alias = "select")]
    Use {
        /// Builder
        builder: String,
    },
    /// Show one builder with its nodes and options
    #[command(visible_alias = "show")]
    Inspect {
        /// Builder; the selected one by default
        builder: Option<String>,
    },
    /// Start a builder now; the first time, its BuildKit image is pulled
    #[command(visible_alias = "start")]
    Bootstrap {
        /// Builder
        builder: String,
    },
    /// Remove a builder with its cache; the builder of a docker context stays
    #[command(visible_alias = "rm")]
    Remove {
        /// Builder
        builder: String,
        /// Do it without asking
        #[arg(short, long)]
        yes: bool,
    },
    /// Show what a builder keeps on disk, largest entries first
    Du {
        /// Builder; the selected one by default
        builder: Option<String>,
        /// Most entries to list
        #[arg(short = 'n', long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100))]
        limit: u32,
    },
    /// Free a builder's cache; says first how much would go
    #[command(
        after_help = "Examples:\n  headstart builders prune --dry-run\n  headstart builders prune team --older-than 7d --yes\n\n\
            Without --all, what images share and frontends stay. Sizes are as buildx rounds them."
    )]
    Prune {
        /// Builder; the selected one by default
        builder: Option<String>,
        /// Also what images share, frontends and internal entries
        #[arg(short, long)]
        all: bool,
        /// Only what was not used for this long, such as 36h or 7d
        #[arg(long, value_name = "TIME")]
        older_than: Option<String>,
        /// Do it without asking
        #[arg(short, long)]
        yes: bool,
        /// Only say what would go
        #[arg(long, conflicts_with = "yes")]
        dry_run: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateBuilder {
    /// Name: a letter, then letters, digits, `.`, `_` and `-`
    pub(crate) name: String,
    /// How it runs BuildKit
    #[arg(long, value_enum, default_value_t = Driver::DockerContainer)]
    pub(crate) driver: Driver,
    /// Docker context or engine address, kube context, or BuildKit's address; the ones in use by default
    #[arg(long, visible_alias = "context", value_name = "ENDPOINT")]
    pub(crate) endpoint: Option<String>,
    /// Option for the driver; may be given again
    #[arg(long = "driver-opt", value_name = "NAME=VALUE")]
    pub(crate) options: Vec<String>,
    /// Platform to build for; several with commas
    #[arg(long = "platform", value_name = "PLATFORM", value_delimiter = ',')]
    pub(crate) platforms: Vec<String>,
    /// Select it
    #[arg(long = "use")]
    pub(crate) select: bool,
    /// Start it
    #[arg(long)]
    pub(crate) bootstrap: bool,
}

/// How a builder runs BuildKit.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Driver {
    /// In a container of an engine
    DockerContainer,
    /// In pods of a cluster
    Kubernetes,
    /// Somewhere already, at an address
    Remote,
}

impl From<Driver> for BuilderDriver {
    fn from(driver: Driver) -> Self {
        match driver {
            Driver::DockerContainer => Self::DockerContainer,
            Driver::Kubernetes => Self::Kubernetes,
            Driver::Remote => Self::Remote,
        }
    }
}
