//! What can be typed about code repositories.

use clap::{Subcommand, ValueEnum};
use headstart_engine::wire::RepositoryKind;

use crate::args::OfProject;

/// `repositories`.
#[derive(Debug, Subcommand)]
pub(crate) enum Repositories {
    /// List the registered repositories
    #[command(visible_alias = "ls")]
    List,
    /// Register a repository, or give one another address
    #[command(
        after_help = "Examples:\n  headstart repositories add app https://github.com/acme/app\n  \
            headstart repositories add app git@git.example:acme/app.git --kind gitlab\n  \
            headstart repositories add local /srv/git/app.git\n\n\
            Passwords and tokens do not belong in an address: git's credential helpers keep them,\n\
            see `git help credentials`."
    )]
    Add {
        /// Name: lower-case letters, digits and -
        name: String,
        /// Address as git takes it: https://…, ssh://…, user@host:path, file://… or a path
        #[arg(allow_hyphen_values = true)]
        url: String,
        /// Kind of server; told from the address by default
        #[arg(long, value_enum)]
        kind: Option<Kind>,
    },
    /// Forget a repository; what was fetched from it stays in the records
    #[command(visible_alias = "rm")]
    Remove {
        /// Its name
        name: String,
    },
    /// Say where a project's checkout stands: clean, committed, pushed
    #[command(
        after_help = "Examples:\n  headstart repositories state\n  headstart repositories state --fetch -p app --json\n\n\
            Without --fetch what was last fetched counts. With it the remote is asked; the checkout stays as it is."
    )]
    State {
        #[command(flatten)]
        of: OfProject,
        /// Ask the remote first
        #[arg(long)]
        fetch: bool,
    },
}

/// A kind of server.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    Git,
    Github,
    Gitlab,
}

impl From<Kind> for RepositoryKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Git => Self::Git,
            Kind::Github => Self::Github,
            Kind::Gitlab => Self::Gitlab,
        }
    }
}
