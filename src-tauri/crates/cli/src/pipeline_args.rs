//! What can be typed about runs of pipelines.

use headstart_engine::wire::BuildStatus;

use crate::args::{Request, status};

/// `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) request: Request,
    /// A parameter that replaces the run config's: text or JSON
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter, help_heading = "What runs")]
    pub(crate) parameters: Vec<(String, String)>,
    /// Without the uncommitted changes of the work tree
    #[arg(long, conflicts_with_all = ["dirty", "commit"], help_heading = "What runs")]
    pub(crate) clean: bool,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// `runs list`.
#[derive(Debug, clap::Args)]
pub(crate) struct ListRuns {
    /// Only of this project: id, name or path; all projects by default
    #[arg(short, long)]
    pub(crate) project: Option<String>,
    /// Only of this pipeline: its name or its project's id; `startswith:` and the beginning of one, for several
    #[arg(long, value_name = "PIPELINE")]
    pub(crate) pipeline: Option<String>,
    /// Only with one of these states
    #[arg(short, long, value_delimiter = ',', value_parser = status, value_name = "STATUS")]
    pub(crate) status: Vec<BuildStatus>,
    /// Only of this build
    #[arg(long)]
    pub(crate) build: Option<String>,
    /// Only with this stack
    #[arg(long)]
    pub(crate) stack: Option<String>,
    /// Most runs to list
    #[arg(short = 'n', long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}
