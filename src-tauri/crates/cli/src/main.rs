//! `headstart`: the engine for terminals and scripts. Arguments, text and exit codes stand here; everything the product
//! does stands in the engine.

mod args;
mod builder_args;
mod builders;
mod builds;
mod code_builders;
mod commits;
mod compose;
mod compose_args;
mod data;
mod data_args;
mod data_text;
mod datum_args;
mod datums;
mod error;
mod find;
mod graph;
mod jobs;
mod out;
mod pachctl;
mod pipeline_args;
mod pipelines;
mod plan;
mod progress;
mod projects;
mod repositories;
mod repository_args;
mod runs;
mod stacks;
mod system;
mod text;
mod work;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use headstart_engine::{Config, Engine};

use args::{Args, Command};
use error::{Failure, Outcome};
use out::Out;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let args = match Args::try_parse_from(&words) {
        Ok(args) => args,
        Err(error) => return error::usage(&error, &words),
    };
    log_to_stderr(args.verbose);
    let out = Out::new(args.json);
    let outcome = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let outcome = runtime.block_on(run(&out, args.command));
            // Reading a history may still be under way, and nobody waits for it any more.
            runtime.shutdown_timeout(Duration::from_millis(100));
            outcome
        }
        Err(error) => Err(Failure::broken(format!("no threads could be started: {error}"))),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::Unreachable) => ExitCode::from(3),
        Err(failure) => failure.report(out.json),
    }
}

async fn run(out: &Out, command: Command) -> Result<Outcome, Failure> {
    if let Command::Completions { shell } = command {
        clap_complete::generate(shell, &mut Args::command(), "headstart", &mut out.writer());
        return Ok(Outcome::Done);
    }
    let engine = Engine::open(config()?)?;
    let outcome = carry_out(out, &engine, command).await;
    engine.settle().await;
    outcome
}

async fn carry_out(out: &Out, engine: &Engine, command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Plan(request) => plan::plan(out, engine, request).await,
        Command::Explain(request) => plan::explain(out, engine, request).await,
        Command::Build(request) => work::build(out, engine, request).await,
        Command::Watch { build } => work::watch(out, engine, &build).await,
        Command::Graph(graph) => graph::show(out, engine, graph).await,
        Command::Builds(command) => builds::run(out, engine, command).await,
        Command::Up(typed) => compose::up(out, engine, typed).await,
        Command::Run(typed) => pipelines::run(out, engine, typed).await,
        Command::Update(typed) => datums::submit(out, engine, typed, false).await,
        Command::Create(typed) => datums::submit(out, engine, typed, true).await,
        Command::Pipelines(command) => datums::run(out, engine, command).await,
        Command::Jobs(command) => jobs::run(out, engine, command).await,
        Command::Down(typed) => compose::down(out, engine, typed).await,
        Command::Ps => compose::ps(out, engine).await,
        Command::Stacks(command) => stacks::run(out, engine, command).await,
        Command::Builders(command) => builders::run(out, engine, command).await,
        Command::Builder(command) => code_builders::run(out, engine, command),
        Command::Project(command) => projects::run(out, engine, command),
        Command::Repositories(command) => repositories::run(out, engine, command).await,
        Command::Data(typed) => data::run(out, engine, typed).await,
        Command::Commits(command) => commits::search(out, engine, command),
        Command::Commit(command) => commits::show(out, engine, command),
        Command::Inbox { read } => system::inbox(out, engine, read),
        Command::Settings(command) => system::settings(out, engine, command),
        Command::Engine => system::engine(out, engine).await,
        Command::Insights(project) => system::insights(out, engine, &project),
        Command::Shell { build, command } => runs::shell(engine, &build, &command).await,
        Command::Runs(command) => runs::run(out, engine, command).await,
        Command::Open(command) => runs::open(engine, command),
        Command::Completions { .. } => Ok(Outcome::Done),
    }
}

/// Finds the surroundings that the engine may not look up itself.
fn config() -> Result<Config, Failure> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let text = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
    let home = variable("HEADSTART_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| Some(dirs::data_dir()?.join("headstart")));
    let docker_config = variable("DOCKER_CONFIG")
        .map(std::path::PathBuf::from)
        .or_else(|| Some(dirs::home_dir()?.join(".docker")));
    let no_home = || Failure::usage("there is no home directory", "set HEADSTART_HOME to a folder");
    let home = home.ok_or_else(no_home)?;
    Ok(Config {
        // Child processes work in other directories.
        home: std::path::absolute(&home).unwrap_or(home),
        docker_host: text("DOCKER_HOST"),
        docker_context: text("DOCKER_CONTEXT"),
        docker_config: docker_config.unwrap_or_default(),
    })
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "headstart=info,headstart_engine=info,warn",
        2 => "headstart=debug,headstart_engine=debug,info",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
