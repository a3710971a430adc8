//! `shell`, `runs` and `open`.

use std::io::IsTerminal;
use std::process::Command;

use headstart_engine::{Engine, builds, project, run as runs};

use crate::args;
use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::pipelines;
use crate::text::{self, plain, short};

/// Runs a shell or a command in a new container of a build's image; the terminal is the container's meanwhile.
pub(crate) async fn shell(engine: &Engine, build: &str, command: &[String]) -> Result<Outcome, Failure> {
    let (build, reference) = runs::image_of(engine, &find::build(engine, build)?).await?;
    let mut docker = Command::new("docker");
    docker.args(["run", "--rm", "--interactive"]);
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        docker.arg("--tty");
    }
    for (name, value) in [
        ("dev.headstart.run", build.id.as_str()),
        ("dev.headstart.project", &build.project_name),
        ("dev.headstart.run.commit", &build.commit),
    ] {
        docker.args(["--label", &format!("{name}={value}")]);
    }
    docker.args(["--entrypoint", ""]).arg(&reference);
    if command.is_empty() {
        docker.args([
            "sh",
            "-c",
            "command -v bash >/dev/null 2>&1 && exec bash -l || exec sh -l",
        ]);
    } else {
        docker.args(command);
    }
    // Ctrl-C belongs to the container, not to us.
    let ignored = tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
    let status = tokio::task::spawn_blocking(move || docker.status()).await;
    ignored.abort();
    match status {
        // 125 is docker's own failure; everything else is the command's.
        Ok(Ok(status)) => Ok(match status.code() {
            Some(0) => Outcome::Done,
            Some(125) => Outcome::Unreachable,
            _ => Outcome::Failed,
        }),
        Ok(Err(error)) => Err(Failure::usage(
            format!("docker could not be started: {error}"),
            "install the Docker command line",
        )),
        Err(error) => Err(Failure::broken(format!(
            "docker could not be waited for: {error}"
        ))),
    }
}

pub(crate) async fn run(out: &Out, engine: &Engine, command: args::Runs) -> Result<Outcome, Failure> {
    match command {
        args::Runs::List(typed) => return pipelines::list(out, engine, typed),
        args::Runs::Show { run } => return pipelines::show(out, engine, &run),
        args::Runs::Logs { run, step } => return pipelines::logs(out, engine, &run, step),
        args::Runs::Watch { run } => return pipelines::watch(out, engine, &run).await,
        args::Runs::Cancel { run } => return pipelines::cancel(out, engine, &run),
        args::Runs::Delete { run } => return pipelines::delete(out, engine, &run),
        args::Runs::Shells => {
            let all = runs::list(engine).await?;
            if out.json {
                out.value(&all);
            } else if all.is_empty() {
                out.line("no shells");
            } else {
                let mut rows = vec![text::heading([
                    "RUN", "PROJECT", "COMMIT", "BUILD", "STATUS", "NAME",
                ])];
                rows.extend(all.iter().map(|run| {
                    vec![
                        (run.id.chars().take(12).collect(), Ink::Plain),
                        (plain(&run.project_name), Ink::Plain),
                        (short(&run.commit), Ink::Plain),
                        (plain(run.build.as_str()), Ink::Plain),
                        (plain(&run.status), Ink::Plain),
                        (plain(&run.name), Ink::Plain),
                    ]
                }));
                text::table(out, &rows);
            }
        }
        args::Runs::Stop { run } => {
            let run = find::run_named(engine, &run).await?;
            runs::stop(engine, &run.id).await?;
            if out.json {
                out.value(&run);
            } else {
                out.line(format!("stopped: {}", plain(&run.name)));
            }
        }
    }
    Ok(Outcome::Done)
}

pub(crate) fn open(engine: &Engine, command: args::Open) -> Result<Outcome, Failure> {
    let path = match command {
        args::Open::Log { build } => builds::log_file(engine, &find::build(engine, &build)?)?,
        args::Open::Folder { project } => {
            let of = args::OfProject { project };
            project::folder(engine, &find::project(engine, &of)?.id)?
        }
    };
    open::that_detached(&path).map_err(|error| {
        Failure::usage(
            format!("no program could be started for {}: {error}", path.display()),
            "open it by hand",
        )
    })?;
    Ok(Outcome::Done)
}
