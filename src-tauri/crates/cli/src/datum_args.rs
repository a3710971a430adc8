//! What can be typed about datum pipelines and their jobs.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use headstart_engine::wire::{BuildStatus, DatumState, UpdateChoice};

use crate::args::status;

#[derive(Debug, Subcommand)]
pub(crate) enum OfSpec {
    /// A datum pipeline, or several, from a spec
    #[command(
        after_help = "Examples:\n  headstart update pipeline -f map.json --dry-run\n  headstart update pipeline -f map.json\n  \
            headstart update pipeline -f map.json --build --choice new-data-only\n  \
            headstart update pipeline -f map.json --target pachctl\n\n\
            What code's changes do to data that was processed is chosen per update, see --choice.\n\
            Ctrl-C cancels the jobs; it exits with 1 then."
    )]
    Pipeline(Box<Submit>),
}

/// What happens to data that was processed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Choice {
    /// Code is an input: when it changed, everything is processed again
    #[default]
    CodeAsInput,
    /// New code and images are used for new data only
    NewDataOnly,
    /// Everything is processed again
    ReprocessAll,
}

impl From<Choice> for UpdateChoice {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::CodeAsInput => Self::CodeAsInput,
            Choice::NewDataOnly => Self::NewDataOnly,
            Choice::ReprocessAll => Self::ReprocessAll,
        }
    }
}

/// Where pipelines are submitted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// Headstart, on the stack's engine
    #[default]
    Headstart,
    /// The cluster that this machine's pachctl talks to
    Pachctl,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Submit {
    /// Spec: JSON or YAML, one pipeline or several; - reads standard input
    #[arg(short, long, default_value = "-", value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Stack; the default one unless said
    #[arg(long, value_name = "STACK")]
    pub(crate) stack: Option<String>,
    /// What happens to data that was processed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) choice: Choice,
    /// Process everything again; the same as --choice reprocess-all
    #[arg(long, conflicts_with = "choice")]
    pub(crate) reprocess: bool,
    /// Build transform.dockerfile and run with that image
    #[arg(long)]
    pub(crate) build: bool,
    /// Push transform.image as it is, under a tag of its own
    #[arg(long)]
    pub(crate) push_images: bool,
    /// Registry whose login is used for pushing; it never changes an image's name
    #[arg(long, value_name = "HOST")]
    pub(crate) registry: Option<String>,
    /// User of that login
    #[arg(long, value_name = "USER")]
    pub(crate) username: Option<String>,
    /// Read .pachignore as git reads a .gitignore
    #[arg(long)]
    pub(crate) gitignore: bool,
    /// Upload .git as well
    #[arg(long)]
    pub(crate) include_git: bool,
    /// Write the new image into the file, and nothing else of it
    #[arg(long)]
    pub(crate) write_back: bool,
    /// Only say what it would do
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where it is submitted
    #[arg(long, value_enum, default_value_t)]
    pub(crate) target: Target,
    /// With --target pachctl: write the finished spec here
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Pipelines {
    /// List datum pipelines, inputs before what reads them
    #[command(visible_alias = "ls")]
    List {
        /// Only of this stack
        #[arg(long)]
        stack: Option<String>,
    },
    /// Show one with its graph and spec
    Show(OnePipeline),
    /// Take no new data until it is started again
    Stop(OnePipeline),
    /// Go on with what came meanwhile
    Start(OnePipeline),
    /// Let its clocks tick now
    Tick(OnePipeline),
    /// Delete a pipeline and its jobs
    #[command(visible_alias = "rm")]
    Delete {
        #[command(flatten)]
        one: OnePipeline,
        /// With the data it wrote and its uploaded code
        #[arg(long)]
        with_data: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct OnePipeline {
    /// Pipeline
    pub(crate) name: String,
    /// Stack; the default one unless said
    #[arg(long)]
    pub(crate) stack: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// List jobs, newest first
    #[command(visible_alias = "ls")]
    List {
        /// Only of this pipeline
        #[arg(long)]
        pipeline: Option<String>,
        /// Only of this stack
        #[arg(long)]
        stack: Option<String>,
        /// Only with one of these states
        #[arg(short, long, value_delimiter = ',', value_parser = status, value_name = "STATUS")]
        status: Vec<BuildStatus>,
        /// Most jobs to list
        #[arg(short = 'n', long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Jobs to pass over
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Show one job
    Show {
        /// Job, by id or the beginning of it
        job: String,
    },
    /// List the datums of a job
    Datums {
        /// Job, by id or the beginning of it
        job: String,
        /// Only with one of these states: waiting, running, processed, reused, failed, rescued
        #[arg(short, long, value_delimiter = ',', value_parser = datum_state, value_name = "STATE")]
        state: Vec<DatumState>,
        /// Only those with a file whose path contains this
        #[arg(long, value_name = "TEXT")]
        path: Option<String>,
        /// Most datums to list
        #[arg(short = 'n', long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Datums to pass over
        #[arg(long, default_value_t = 0)]
        offset: u64,
    },
    /// Print a job's log, of all its datums or one
    Logs {
        /// Job, by id or the beginning of it
        job: String,
        /// Only of the datum at this place, as `jobs datums` shows it
        #[arg(long, value_name = "PLACE")]
        datum: Option<u32>,
    },
    /// Follow a job to its end, whoever runs it
    Watch {
        /// Job, by id or the beginning of it
        job: String,
    },
    /// Cancel a job, whoever runs it
    Cancel {
        /// Job, by id or the beginning of it
        job: String,
    },
    /// Run a job that did not succeed once more; what was processed stays
    Retry {
        /// Job, by id or the beginning of it
        job: String,
    },
}

fn datum_state(word: &str) -> Result<DatumState, String> {
    let all = [
        ("waiting", DatumState::Waiting),
        ("running", DatumState::Running),
        ("processed", DatumState::Processed),
        ("reused", DatumState::Reused),
        ("failed", DatumState::Failed),
        ("rescued", DatumState::Rescued),
    ];
    let found = all.iter().find(|(name, _)| *name == word);
    found.map(|(_, state)| *state).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        format!("give one of {}", names.join(", "))
    })
}
