//! `data`: data repositories.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use headstart_engine::wire::{CopyProgress, PutReport, PutRequest, PutSource, Swept};
use headstart_engine::{Engine, data, datums};

use crate::data_args::{Data, OfData};
use crate::data_text as show;
use crate::error::{Failure, Outcome, to_stderr};
use crate::jobs::finish;
use crate::out::Out;
use crate::text::plain;
use crate::work::Signals;

pub(crate) async fn run(out: &Out, engine: &Engine, typed: OfData) -> Result<Outcome, Failure> {
    let at = typed.stack.as_deref();
    match typed.command {
        Data::List => show::repos(out, &data::list(engine, at)?),
        Data::Create { repo, description } => {
            show::repo(out, &data::create(engine, at, &repo, &description)?)
        }
        Data::Delete { repo, yes } => delete(out, engine, at, &repo, yes)?,
        Data::Branch {
            repo,
            branch,
            from,
            delete,
        } => {
            show::repo(
                out,
                &match branch {
                    Some(branch) if delete => data::delete_branch(engine, at, &repo, &branch)?,
                    Some(branch) => data::create_branch(engine, at, &repo, &branch, from.as_deref())?,
                    None => data::get(engine, at, &repo)?,
                },
            );
        }
        Data::Put {
            place,
            paths,
            to,
            message,
            delete,
        } => {
            let sources = paths
                .iter()
                .map(|path| source(path, &to))
                .collect::<Result<_, _>>()?;
            let (repo, branch) = branch_of(&place);
            let stack = typed.stack;
            return put(
                out,
                engine,
                PutRequest {
                    stack,
                    repo,
                    branch,
                    sources,
                    remove: delete,
                    message,
                },
            )
            .await;
        }
        Data::Remove {
            place,
            paths,
            message,
        } => {
            let (repo, branch) = branch_of(&place);
            let (stack, sources) = (typed.stack, Vec::new());
            return put(
                out,
                engine,
                PutRequest {
                    stack,
                    repo,
                    branch,
                    sources,
                    remove: paths,
                    message,
                },
            )
            .await;
        }
        Data::Files {
            revision,
            path,
            limit,
            offset,
        } => {
            let revision = revision_of(engine, at, &revision)?;
            show::listing(
                out,
                &data::entries(engine, at, &revision, &path, offset, limit)?,
                offset,
            );
        }
        Data::Cat { revision, path } => {
            let revision = revision_of(engine, at, &revision)?;
            cat(out, engine, at, &revision, &path)?;
        }
        Data::Log { place, limit, offset } => {
            let (repo, branch) = branch_of(&place);
            show::log(out, &data::history(engine, at, &repo, &branch, offset, limit)?);
        }
        Data::Diff {
            first,
            second,
            limit,
            offset,
        } => {
            let first = revision_of(engine, at, &first)?;
            let (from, to) = match second {
                Some(second) => (Some(first), revision_of(engine, at, &second)?),
                None => (data::find(engine, at, &first)?.parent, first),
            };
            show::diff(out, &data::diff(engine, at, from.as_deref(), &to, offset, limit)?);
        }
        Data::Export {
            revision,
            folder,
            path,
        } => {
            let revision = revision_of(engine, at, &revision)?;
            return export(out, engine, typed.stack, revision, path, folder).await;
        }
        Data::Sweep { dry_run } => sweep(out, &data::sweep(engine, at, dry_run)?, dry_run),
    }
    Ok(Outcome::Done)
}

/// Returns the repository and the branch that were typed.
fn branch_of(place: &str) -> (String, String) {
    let (repo, branch) = place.split_once('@').unwrap_or((place, "master"));
    (repo.to_owned(), branch.to_owned())
}

/// Returns a revision as the engine takes it: a repository's name alone stands for its `master`.
fn revision_of(engine: &Engine, stack: Option<&str>, typed: &str) -> Result<String, Failure> {
    let is_repo = !typed.contains('@') && data::list(engine, stack)?.iter().any(|repo| repo.name == typed);
    Ok(match is_repo {
        true => format!("{typed}@master"),
        false => typed.to_owned(),
    })
}

fn source(path: &Path, to: &str) -> Result<PutSource, Failure> {
    let not_text = || {
        Failure::usage(
            format!("{} is not UTF-8", path.display()),
            "put the folder it is in, or give it another name",
        )
    };
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let from = whole.to_str().ok_or_else(not_text)?.to_owned();
    // A file goes below a path that ends in a slash, under its name.
    let to = format!("{}/", to.trim_end_matches('/'));
    Ok(PutSource { from, to })
}

fn delete(out: &Out, engine: &Engine, stack: Option<&str>, name: &str, yes: bool) -> Result<(), Failure> {
    let repo = data::get(engine, stack, name)?;
    if !yes {
        show::repo(out, &repo);
        let can_ask = std::io::stdin().is_terminal() && out.terminal && !out.json;
        if !(can_ask && agreed(out)) {
            return Err(Failure::usage(
                "nothing was deleted",
                "say --yes to delete without a question",
            ));
        }
    }
    data::delete(engine, stack, name)?;
    match out.json {
        true => out.value(&serde_json::json!({ "deleted": name })),
        false => out.line(format!("deleted {name}; headstart data sweep frees the space")),
    }
    Ok(())
}

fn agreed(out: &Out) -> bool {
    out.raw("delete it with all its commits? [y/N] ");
    let mut answer = String::new();
    drop(std::io::stdin().lock().read_line(&mut answer));
    matches!(answer.trim(), "y" | "Y" | "yes")
}

async fn put(out: &Out, engine: &Engine, request: PutRequest) -> Result<Outcome, Failure> {
    let (stack, repo, branch) = (
        request.stack.clone(),
        request.repo.clone(),
        request.branch.clone(),
    );
    let copying = engine.clone();
    let report = stoppable(move |on_progress| data::put(&copying, &request, on_progress)).await?;
    let Some(report) = report else {
        return Ok(Outcome::Failed);
    };
    told(out, &report);
    if !report.new {
        return Ok(Outcome::Done);
    }
    // New data is processed by whoever brought it.
    let signals = Signals::listen()?;
    let jobs = datums::process(engine, stack.as_deref(), &repo, &branch).await?;
    finish(out, engine, &jobs, signals).await
}

fn told(out: &Out, report: &PutReport) {
    if out.json {
        return out.value(report);
    }
    for warning in &report.warnings {
        to_stderr(&format!("warning: {}", plain(warning)));
    }
    show::put(out, report);
}

async fn export(
    out: &Out,
    engine: &Engine,
    stack: Option<String>,
    revision: String,
    path: String,
    folder: PathBuf,
) -> Result<Outcome, Failure> {
    let engine = engine.clone();
    let work = move |on_progress: &mut dyn FnMut(CopyProgress) -> bool| {
        data::export(&engine, stack.as_deref(), &revision, &path, &folder, on_progress)
    };
    let Some(done) = stoppable(work).await? else {
        return Ok(Outcome::Failed);
    };
    match out.json {
        true => out.value(&done),
        false => out.line(show::copied(&done)),
    }
    Ok(Outcome::Done)
}

/// Does a long copy, which a signal stops, and shows how far it is. Returns none when it was stopped.
async fn stoppable<T: Send + 'static>(
    work: impl FnOnce(&mut dyn FnMut(CopyProgress) -> bool) -> headstart_engine::Result<T> + Send + 'static,
) -> Result<Option<T>, Failure> {
    let mut signals = Signals::listen()?;
    let stopped = Arc::new(AtomicBool::new(false));
    let seen = stopped.clone();
    let mut copying = tokio::task::spawn_blocking(move || {
        let live = std::io::stderr().is_terminal();
        let done = work(&mut |progress| {
            if live {
                drop(write!(std::io::stderr(), "\r\x1b[K{}", show::copied(&progress)));
            }
            !seen.load(Ordering::Relaxed)
        });
        if live {
            drop(write!(std::io::stderr(), "\r\x1b[K"));
        }
        done
    });
    let done = tokio::select! {
        done = &mut copying => done,
        () = signals.next() => {
            stopped.store(true, Ordering::Relaxed);
            copying.await
        }
    };
    match done {
        Ok(Ok(done)) => Ok(Some(done)),
        Ok(Err(_)) if stopped.load(Ordering::Relaxed) => {
            to_stderr("stopped; everything is as it was");
            Ok(None)
        }
        Ok(Err(error)) => Err(error.into()),
        Err(error) => Err(Failure::broken(format!("the copy ended: {error}"))),
    }
}

fn cat(out: &Out, engine: &Engine, stack: Option<&str>, revision: &str, path: &str) -> Result<(), Failure> {
    if out.json || out.terminal {
        show::file(out, &data::preview(engine, stack, revision, path)?);
        return Ok(());
    }
    let mut stdout = std::io::stdout().lock();
    // A reader that goes away has seen enough.
    data::read(engine, stack, revision, path, |bytes| {
        stdout.write_all(bytes).is_ok()
    })?;
    drop(stdout.flush());
    Ok(())
}

fn sweep(out: &Out, swept: &Swept, dry_run: bool) {
    match out.json {
        true => out.value(swept),
        false => out.line(show::swept(swept, dry_run)),
    }
}
