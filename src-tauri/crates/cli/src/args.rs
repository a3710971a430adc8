//! What can be typed.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use headstart_engine::wire::{BuildSort, BuildStatus};

/// Never build twice what a commit you already have can give you.
///
/// Headstart keeps a catalogue of every build, knows from git which of them the commit at hand can start from, says what
/// that saves and why, and builds only the rest.
#[derive(Debug, Parser)]
#[command(
    name = "headstart",
    version,
    max_term_width = 110,
    after_help = "Examples:\n  headstart project add .        add the repository you are in\n  \
        headstart plan                 say what a build of HEAD would start from, and why\n  \
        headstart build                do it\n  \
        headstart graph --limit 30     commits with what Headstart can give each\n  \
        headstart builds list --status failed --json\n\n\
        Exit codes: 0 ok, 1 the build or task failed, 2 bad usage or config, 3 engine or registry unreachable.\n\
        HEADSTART_HOME is the data directory; Docker is found as the docker command finds it.",
    arg_required_else_help = true
)]
pub(crate) struct Args {
    /// Print JSON; errors are JSON on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Tell on standard error what is done; twice for more (RUST_LOG sets it in detail)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what a commit can start from, what that saves, and why
    #[command(
        after_help = "Examples:\n  headstart plan\n  headstart plan --commit main~3 --json\n  headstart plan --dirty"
    )]
    Plan(Request),
    /// Build a commit: reuse, incremental or full, as the plan says
    #[command(
        after_help = "Examples:\n  headstart build\n  headstart build --commit v1.2 --full\n  headstart build --base 3fa9 --json\n\n\
            With --json every line is an event and the last line is the build.\n\
            Ctrl-C cancels the build; it exits with 1 then."
    )]
    Build(Request),
    /// Say for each older build why a commit can or cannot start from it
    #[command(
        after_help = "Examples:\n  headstart explain HEAD\n  headstart explain feature/x --json\n  headstart explain HEAD --files"
    )]
    Explain(Explain),
    /// Follow a build to its end, whoever runs it
    #[command(after_help = "Example:\n  headstart watch 3fa9")]
    Watch {
        /// Build, by id or the beginning of it
        build: String,
    },
    /// Draw the commits with what Headstart can give each
    #[command(
        after_help = "Marks:\n  ● built   ◐ can start from an ancestor's build   ○ nothing to start from\n  \
            ⊘ a change stands between   ✕ failed   ◌ running   · no recipe"
    )]
    Graph(Graph),
    /// The catalogue of builds
    #[command(subcommand)]
    Builds(Builds),
    /// Build what a compose project needs and bring it up
    #[command(
        after_help = "Examples:\n  headstart up\n  headstart up --registry registry.example/acme --builder big\n  headstart up web api"
    )]
    Up(crate::compose_args::Up),
    /// Run a pipeline: build what it needs, if need be, and run its steps with today's code
    #[command(
        after_help = "Examples:\n  headstart run\n  headstart run --config train.yaml --stack big my_module.my_pipeline\n  \
            headstart run --param rate=0.1 --param epochs=3\n  headstart run --commit v1.2\n\n\
            Without --commit the work tree runs, with its uncommitted changes.\n\
            Ctrl-C cancels the run; it exits with 1 then."
    )]
    Run(crate::pipeline_args::Run),
    /// Submit a datum pipeline that is new or changed: code to data, or a new image
    #[command(subcommand)]
    Update(crate::datum_args::OfSpec),
    /// Submit a datum pipeline that is new
    #[command(subcommand)]
    Create(crate::datum_args::OfSpec),
    /// Datum pipelines: what processes data repositories
    #[command(subcommand)]
    Pipelines(crate::datum_args::Pipelines),
    /// Jobs of datum pipelines
    #[command(subcommand)]
    Jobs(crate::datum_args::Jobs),
    /// Stop and remove what runs of a compose project
    Down(crate::compose_args::Down),
    /// List what runs of compose projects, with their ports
    Ps,
    /// Where and with what builds are made
    #[command(subcommand)]
    Stacks(crate::compose_args::Stacks),
    /// What builds images: buildx's builders
    #[command(subcommand)]
    Builders(crate::builder_args::Builders),
    /// Builders of datum pipelines' code: what makes something that runs of it
    #[command(subcommand)]
    Builder(crate::code_builders::CodeBuilders),
    /// The source roots that Headstart knows
    #[command(subcommand)]
    Project(Project),
    /// Code repositories: where the code of pipelines is fetched from
    #[command(subcommand)]
    Repositories(crate::repository_args::Repositories),
    /// Data repositories: files with commits and branches, in the artifact store of a stack
    #[command(
        after_help = "Examples:\n  headstart data create images\n  headstart data put images ./photos\n  \
            headstart data files images@master /\n  headstart data diff images@master\n\n\
            A revision is a commit's id, at least 6 digits of it, REPO@BRANCH, or REPO for its branch master."
    )]
    Data(crate::data_args::OfData),
    /// Find commits
    #[command(subcommand)]
    Commits(Commits),
    /// One commit
    #[command(subcommand)]
    Commit(Commit),
    /// What became of builds
    Inbox {
        /// Mark all of it as read
        #[arg(long)]
        read: bool,
    },
    /// What can be set
    #[command(subcommand)]
    Settings(Settings),
    /// How the Docker engine is; exits with 3 when it cannot be used
    Engine,
    /// Time saved, slow steps, what breaks reuse
    Insights(OfProject),
    /// Open a shell in a build's image, or run a command in it
    #[command(after_help = "Examples:\n  headstart shell 3fa9\n  headstart shell 3fa9 -- make test")]
    Shell {
        /// Build, by id or the beginning of it
        build: String,
        /// Command to run instead of a shell
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Containers started from builds
    #[command(subcommand)]
    Runs(Runs),
    /// Open a log or a folder in another program
    #[command(subcommand)]
    Open(Open),
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  headstart completions bash > ~/.local/share/bash-completion/completions/headstart"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Which project.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct OfProject {
    /// Project by id, name or path; by default the one you are in, else the only one
    #[arg(short, long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
}

/// Which recipe and stack. A project has one recipe, and naming another one is an error.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Where {
    /// Recipe file; has to be the project's
    #[arg(long, value_name = "FILE")]
    pub(crate) recipe: Option<String>,
    /// Stack; the project's own by default, see `headstart stacks list`
    #[arg(long, value_name = "STACK")]
    pub(crate) stack: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Request {
    #[command(flatten)]
    pub(crate) of: OfProject,
    #[command(flatten)]
    pub(crate) place: Where,
    /// Commit, branch or tag; HEAD by default
    #[arg(short, long)]
    pub(crate) commit: Option<String>,
    /// With the uncommitted changes of the work tree
    #[arg(long)]
    pub(crate) dirty: bool,
    /// From the recipe's image, whatever could be reused
    #[arg(long)]
    pub(crate) full: bool,
    /// Without BuildKit's layer cache; implies --full
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Start from exactly this build: it is reused if its keys are the same, else it is the base. A pipeline runs in its
    /// images; there a file that describes a build may be named too
    #[arg(long, visible_alias = "build", value_name = "BUILD", conflicts_with_all = ["full", "no_cache"])]
    pub(crate) base: Option<String>,
    /// Services of a compose project, all of them by default; or the source of a pipeline: module.instance
    #[arg(value_name = "SERVICE|SOURCE")]
    pub(crate) services: Vec<String>,
    /// Run config, instead of the project's recipe
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: crate::compose_args::Options,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// Commit, branch or tag
    #[arg(default_value = "HEAD")]
    pub(crate) commit: String,
    #[command(flatten)]
    pub(crate) of: OfProject,
    #[command(flatten)]
    pub(crate) place: Where,
    /// With the uncommitted changes of the work tree
    #[arg(long)]
    pub(crate) dirty: bool,
    /// Name the files that differ from the base
    #[arg(long)]
    pub(crate) files: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) of: OfProject,
    /// Most commits to show
    #[arg(short = 'n', long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// Only what this branch or tag reaches
    #[arg(long)]
    pub(crate) branch: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Builds {
    /// List builds, newest first
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  headstart builds list --status failed,timed_out --branch main\n  \
            headstart builds list --id startswith:ab53 --json\n  headstart builds list --sort duration --limit 5"
    )]
    List(ListBuilds),
    /// Show one build with its steps
    Show {
        /// Build, by id or the beginning of it
        build: String,
    },
    /// Print a build's log
    Logs {
        /// Build, by id or the beginning of it
        build: String,
        /// Go on until the build ends
        #[arg(short, long)]
        follow: bool,
        /// Only this step, by number
        #[arg(long, value_name = "N")]
        step: Option<u32>,
    },
    /// Delete builds with their images and logs; says first what would go
    #[command(visible_alias = "rm")]
    Delete {
        /// Builds, by id or the beginning of it
        #[arg(required = true)]
        builds: Vec<String>,
        /// Do it without asking
        #[arg(short, long)]
        yes: bool,
        /// Only say what would go
        #[arg(long, conflicts_with = "yes")]
        dry_run: bool,
    },
    /// Keep a build from being deleted
    Pin {
        /// Build, by id or the beginning of it
        build: String,
    },
    /// Let a build be deleted again
    Unpin {
        /// Build, by id or the beginning of it
        build: String,
    },
    /// Compare two builds: facts, keys, steps
    Diff {
        /// The one
        left: String,
        /// The other
        right: String,
    },
    /// Cancel a queued or running build, whoever runs it
    Cancel {
        /// Build, by id or the beginning of it
        build: String,
    },
    /// Find other people's builds of what these projects need, in the registries of their stacks
    #[command(after_help = "Example:\n  headstart builds sync")]
    Sync {
        #[command(flatten)]
        of: OfProject,
        /// Of all projects
        #[arg(long, conflicts_with = "project")]
        all: bool,
    },
    /// Show what the Engine knows of a build's image
    Image {
        /// Build, by id or the beginning of it
        build: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListBuilds {
    /// Only of this project: id, name or path; all projects by default
    #[arg(short, long)]
    pub(crate) project: Option<String>,
    /// Only with one of these states
    #[arg(short, long, value_delimiter = ',', value_parser = status, value_name = "STATUS")]
    pub(crate) status: Vec<BuildStatus>,
    /// Only for this branch
    #[arg(short, long)]
    pub(crate) branch: Option<String>,
    /// Only this id; `startswith:` and the beginning of one, for several
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Only of this pipeline: its name or its project's id; `startswith:` and the beginning of one, for several
    #[arg(long, value_name = "PIPELINE")]
    pub(crate) pipeline: Option<String>,
    /// Only with this stack
    #[arg(long, value_name = "STACK")]
    pub(crate) stack: Option<String>,
    /// Only with or only without code in their images
    #[arg(long, value_name = "BOOL")]
    pub(crate) contains_code: Option<bool>,
    /// Only of this commit: full id or the beginning of it
    #[arg(long)]
    pub(crate) commit: Option<String>,
    /// Words that id, commit, message, branch, project or error contain
    #[arg(short, long)]
    pub(crate) text: Option<String>,
    /// Only pinned ones
    #[arg(long)]
    pub(crate) pinned: bool,
    /// Order
    #[arg(long, value_enum, default_value_t = Sort::Created)]
    pub(crate) sort: Sort,
    /// Smallest first
    #[arg(long)]
    pub(crate) ascending: bool,
    /// Most builds to list
    #[arg(short = 'n', long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Builds to pass over
    #[arg(long, default_value_t = 0)]
    pub(crate) offset: u32,
}

pub(crate) fn status(word: &str) -> Result<BuildStatus, String> {
    BuildStatus::parse(&word.replace('-', "_")).ok_or_else(|| {
        let all: Vec<&str> = BuildStatus::ALL.iter().map(|status| status.as_str()).collect();
        format!("give one of {}", all.join(", "))
    })
}

/// A column to order builds by.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Sort {
    Created,
    Duration,
    Status,
    Branch,
    Bytes,
    Saved,
}

impl From<Sort> for BuildSort {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Created => Self::Created,
            Sort::Duration => Self::Duration,
            Sort::Status => Self::Status,
            Sort::Branch => Self::Branch,
            Sort::Bytes => Self::Bytes,
            Sort::Saved => Self::Saved,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Project {
    /// Add a repository folder with a recipe, or the recipe itself; adding it again changes nothing
    Add {
        /// Folder or recipe file
        path: PathBuf,
    },
    /// List projects
    #[command(visible_alias = "ls")]
    List,
    /// Forget a project; its builds stay in the catalogue, its folder is not touched
    #[command(visible_alias = "rm")]
    Remove {
        /// Project by id, name or path
        project: String,
    },
    /// Say what a path is and what adding it would do
    Preview {
        /// Folder or file
        path: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Commits {
    /// Find commits by id, branch, tag, message or author
    #[command(
        after_help = "Examples:\n  headstart commits search 'fix parser'\n  headstart commits search --path src --built"
    )]
    Search(SearchCommits),
}

#[derive(Debug, clap::Args)]
pub(crate) struct SearchCommits {
    /// Words to look for
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) of: OfProject,
    /// Only by authors whose name or e-mail contains this
    #[arg(long)]
    pub(crate) author: Option<String>,
    /// Only commits that change this file or folder of the repository
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Only commits that have a succeeded build
    #[arg(long)]
    pub(crate) built: bool,
    /// Only what this branch or tag reaches
    #[arg(long)]
    pub(crate) branch: Option<String>,
    /// Most commits to list
    #[arg(short = 'n', long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub(crate) limit: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Commit {
    /// Show a commit: message, changed files, what Headstart can give it
    Show(ShowCommit),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowCommit {
    /// Commit, branch or tag
    #[arg(default_value = "HEAD")]
    pub(crate) commit: String,
    #[command(flatten)]
    pub(crate) of: OfProject,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Settings {
    /// Print all settings, or one
    Get {
        /// Name, such as `concurrency` or `notifications.enabled`
        key: Option<String>,
    },
    /// Change one setting
    #[command(
        after_help = "Examples:\n  headstart settings set concurrency 2\n  headstart settings set notifications.quiet_from null"
    )]
    Set {
        /// Name
        key: String,
        /// Value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// List runs of pipelines, newest first
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  headstart runs list --pipeline startswith:train --status failed\n  headstart runs list --build 3fa9 --json"
    )]
    List(crate::pipeline_args::ListRuns),
    /// Show one run with its steps
    Show {
        /// Run, by id or the beginning of it
        run: String,
    },
    /// Print a run's log
    Logs {
        /// Run, by id or the beginning of it
        run: String,
        /// Only this step, by number
        #[arg(long, value_name = "N")]
        step: Option<u32>,
    },
    /// Follow a run to its end, whoever runs it
    Watch {
        /// Run, by id or the beginning of it
        run: String,
    },
    /// Cancel a run, whoever runs it
    Cancel {
        /// Run, by id or the beginning of it
        run: String,
    },
    /// Delete the record and log of a run that has ended
    #[command(visible_alias = "rm")]
    Delete {
        /// Run, by id or the beginning of it
        run: String,
    },
    /// List running shells and other containers that came from builds
    Shells,
    /// Stop and remove a shell's container
    Stop {
        /// Container, by id, the beginning of it, or name
        run: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Open {
    /// A build's log file
    Log {
        /// Build, by id or the beginning of it
        build: String,
    },
    /// A project's folder
    Folder {
        /// Project by id, name or path
        project: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }
}
