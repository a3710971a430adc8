//! `run` and `runs`: pipelines at work, and what is recorded of them.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use headstart_engine::builds;
use headstart_engine::run::pipelines;
use headstart_engine::wire::{
    BuildStatus, Delivery, LogLine, PipelineRun, RunEvent, RunFilter, RunRequest, RunStep, StepStatus,
};
use headstart_engine::{Engine, stack};

use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::pipeline_args::{ListRuns, Run};
use crate::progress::Progress;
use crate::text::{self, plain, short};
use crate::work::Signals;

pub(crate) async fn run(out: &Out, engine: &Engine, typed: Run) -> Result<Outcome, Failure> {
    let mut request = typed.request;
    // What runs is what lies there, unless somebody says otherwise.
    request.dirty |= request.commit.is_none() && !typed.clean;
    let (_, mut build) = find::request(engine, request)?;
    find::register_named(engine, &mut build).await?;
    let request = RunRequest {
        build,
        parameters: typed.parameters,
    };
    let mut signals = Signals::listen()?;
    let id = tokio::select! {
        started = pipelines::start(engine, &request) => started?,
        () = signals.next() => return Ok(Outcome::Failed),
    };
    let ended = follow(out, engine, &id, Some(signals)).await;
    // Whatever went wrong with watching it, nothing of it may stay.
    pipelines::shutdown(engine).await?;
    builds::shutdown(engine).await?;
    let Some(run) = ended? else {
        return Ok(Outcome::Failed);
    };
    outcome(engine, &run).await
}

async fn outcome(engine: &Engine, run: &PipelineRun) -> Result<Outcome, Failure> {
    Ok(match run.status {
        BuildStatus::Succeeded => Outcome::Done,
        _ if !stack::status(engine).await.reachable => Outcome::Unreachable,
        _ => Outcome::Failed,
    })
}

/// Shows a run until it ends; none when watching stopped before. With signals the run is ours, and one of them cancels it.
async fn follow(
    out: &Out,
    engine: &Engine,
    id: &str,
    signals: Option<Signals>,
) -> Result<Option<PipelineRun>, Failure> {
    let shown = Mutex::new(Shown::new(out));
    let lock = || shown.lock().unwrap_or_else(PoisonError::into_inner);
    let ours = signals.is_some();
    let (begun, mut builds_begun) = tokio::sync::mpsc::unbounded_channel();
    {
        let watching = pipelines::watch(engine, id, |event| {
            if let RunEvent::Building { build } = &event {
                drop(begun.send(build.clone()));
            }
            lock().apply(event);
            ours || !out.is_closed()
        });
        tokio::pin!(watching);
        let mut signals = signals;
        let mut asked = false;
        let progress = Mutex::new(Progress::new(out, engine));
        let of_build = || progress.lock().unwrap_or_else(PoisonError::into_inner);
        // JSON has the run's events only; the build has a command of its own.
        let mut building: Pin<Box<dyn Future<Output = ()>>> = Box::pin(std::future::pending());
        let mut tick = tokio::time::interval(Duration::from_millis(150));
        loop {
            let signal = async {
                match &mut signals {
                    Some(signals) => signals.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = &mut building => building = Box::pin(std::future::pending()),
                Some(build) = builds_begun.recv(), if !out.json => {
                    let of_build = &of_build;
                    building = Box::pin(async move {
                        let shown = builds::watch(engine, &build, |event| {
                            of_build().apply(event);
                            true
                        });
                        drop(shown.await);
                    });
                }
                _ = tick.tick(), if !out.json => of_build().tick(),
                ended = &mut watching => {
                    ended?;
                    break;
                }
                () = signal => {
                    if asked {
                        return Ok(None);
                    }
                    asked = true;
                    if !out.json {
                        out.line("cancelling");
                    }
                    // It may have ended just now: then there is nothing to cancel, and watching ends too.
                    drop(pipelines::cancel(engine, id));
                }
            }
        }
    }
    let shown = shown.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(shown.ended)
}

/// A run as it happens, for people or as JSON lines.
struct Shown<'a> {
    out: &'a Out,
    steps: Vec<RunStep>,
    ended: Option<PipelineRun>,
}

impl<'a> Shown<'a> {
    fn new(out: &'a Out) -> Self {
        Self {
            out,
            steps: Vec::new(),
            ended: None,
        }
    }

    fn apply(&mut self, event: RunEvent) {
        if self.out.json {
            match event {
                RunEvent::Finished { run } => {
                    self.out.json_line(&run);
                    self.ended = Some(run);
                }
                event => self.out.json_line(&event),
            }
            return;
        }
        match event {
            RunEvent::Snapshot { run } => {
                let code = match &run.commit {
                    Some(commit) => format!("at {}", short(commit)),
                    None => format!("with uncommitted changes on {}", short(&run.base_commit)),
                };
                self.out
                    .line(format!("run {} of {} {code}", run.id, plain(&run.pipeline)));
                for warning in &run.warnings {
                    let warning = format!("warning: {}", plain(warning));
                    self.out.line(self.out.ink(Ink::Warn, &warning));
                }
                self.note(&run);
            }
            RunEvent::Building { build } => {
                self.out.line(format!("building {build} first"));
            }
            RunEvent::Changed { run } => self.note(&run),
            RunEvent::Log { lines } => {
                for line in &lines {
                    self.line(line);
                }
            }
            RunEvent::Finished { run } => {
                self.note(&run);
                let (word, ink) = text::status(run.status);
                let error = run.error.as_deref().map(|error| format!(": {}", plain(error)));
                self.out.line(format!(
                    "{} in {}{}",
                    self.out.ink(ink, &word),
                    text::duration(run.duration_ms),
                    error.unwrap_or_default()
                ));
                self.ended = Some(run);
            }
        }
    }

    /// Tells what steps began or ended since the last time.
    fn note(&mut self, run: &PipelineRun) {
        for (place, step) in run.steps.iter().enumerate() {
            let before = self.steps.get(place).map(|before| before.status);
            if before == Some(step.status) || (before.is_none() && step.status == StepStatus::Pending) {
                continue;
            }
            if let Some(line) = step_line(self.out, step) {
                self.out.line(line);
            }
        }
        self.steps.clone_from(&run.steps);
    }

    fn line(&self, line: &LogLine) {
        let name = self
            .steps
            .iter()
            .find(|step| step.number == line.step)
            .map_or("headstart", |step| step.name.as_str());
        let from = self.out.ink(Ink::Faint, &format!("{} │", plain(name)));
        self.out.line(format!("  {from} {}", self.out.log(&line.text)));
    }
}

fn delivery(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Included => "code in the image",
        Delivery::CodeRepository => "code from the repository",
        Delivery::ArtifactStore => "code from the artifact store",
        Delivery::None => "no code",
    }
}

fn step_line(out: &Out, step: &RunStep) -> Option<String> {
    let name = plain(&step.name);
    let (mark, ink) = match step.status {
        StepStatus::Pending => return None,
        StepStatus::Running => {
            let how = out.ink(Ink::Faint, delivery(step.delivery));
            return Some(format!("{} {name}  {how}", out.ink(Ink::Accent, "◌")));
        }
        StepStatus::Done => ("✓", Ink::Good),
        StepStatus::Failed => ("✕", Ink::Bad),
        StepStatus::Cancelled => ("⊘", Ink::Warn),
    };
    let mut line = format!("{} {name}", out.ink(ink, mark));
    if let Some(duration) = step.duration_ms {
        line += &out.ink(Ink::Faint, &format!("  {}", text::duration(duration)));
    }
    if let Some(code) = step.exit_code.filter(|code| *code != 0) {
        line += &out.ink(Ink::Bad, &format!("  exited with {code}"));
    }
    Some(line)
}

pub(crate) fn list(out: &Out, engine: &Engine, typed: ListRuns) -> Result<Outcome, Failure> {
    let project = match &typed.project {
        Some(wanted) => Some(find::named_project(engine, wanted)?.id),
        None => None,
    };
    let build = match &typed.build {
        Some(wanted) => Some(find::build(engine, wanted)?),
        None => None,
    };
    let filter = RunFilter {
        project,
        pipeline: typed.pipeline,
        status: typed.status,
        build,
        stack: typed.stack,
        offset: 0,
        limit: typed.limit,
    };
    let found = pipelines::list(engine, &filter)?;
    if out.json {
        out.value(&found);
        return Ok(Outcome::Done);
    }
    if found.runs.is_empty() {
        out.line("no runs; `headstart run` runs a pipeline, `headstart runs shells` lists shells");
        return Ok(Outcome::Done);
    }
    let now = text::now_ms();
    let mut rows = vec![text::heading([
        "RUN", "PIPELINE", "STATUS", "COMMIT", "BUILD", "STACK", "TOOK", "AGE",
    ])];
    rows.extend(found.runs.iter().map(|run| {
        let (word, ink) = text::status(run.status);
        let commit = match &run.commit {
            Some(commit) => short(commit),
            None => format!("{}+", short(&run.base_commit)),
        };
        let build = run.build.as_ref().map_or("-", |build| build.as_str());
        vec![
            (run.id.chars().take(8).collect(), Ink::Plain),
            (plain(&run.pipeline), Ink::Strong),
            (word, ink),
            (commit, Ink::Plain),
            (build.chars().take(8).collect(), Ink::Plain),
            (plain(&run.stack), Ink::Plain),
            (text::duration(run.duration_ms), Ink::Plain),
            (text::age(run.created_at, now), Ink::Faint),
        ]
    }));
    text::table(out, &rows);
    Ok(Outcome::Done)
}

pub(crate) fn show(out: &Out, engine: &Engine, run: &str) -> Result<Outcome, Failure> {
    let run = pipelines::get(engine, run)?;
    if out.json {
        out.value(&run);
        return Ok(Outcome::Done);
    }
    let (word, ink) = text::status(run.status);
    out.line(format!(
        "{}  run {} of {} in {}",
        out.ink(ink, &word),
        run.id,
        plain(&run.pipeline),
        text::duration(run.duration_ms)
    ));
    let mut facts = vec![
        ("project", plain(&run.project_name)),
        (
            "code",
            match &run.commit {
                Some(commit) => format!("{}  {}", short(commit), plain(&run.summary)),
                None => format!("uncommitted changes on {}", short(&run.base_commit)),
            },
        ),
        ("stack", plain(&run.stack)),
    ];
    if let Some(build) = &run.build {
        let how = if run.reused { "reused" } else { "made for it" };
        facts.push(("build", format!("{build}  {how}")));
    }
    facts.extend(run.repository.as_ref().map(|name| ("repository", plain(name))));
    facts.extend(run.archive.as_ref().map(|digest| ("archive", digest.clone())));
    facts.extend(
        run.first_output_ms
            .map(|ms| ("first output", format!("after {}", text::duration(ms)))),
    );
    facts.extend(run.error.as_ref().map(|error| ("error", plain(error))));
    for (name, value) in facts {
        out.line(format!("  {}  {value}", out.ink(Ink::Faint, name)));
    }
    for warning in &run.warnings {
        out.line(out.ink(Ink::Warn, &format!("warning: {}", plain(warning))));
    }
    for step in &run.steps {
        match step_line(out, step) {
            Some(line) => out.line(line),
            None => out.line(format!("{} {}", out.ink(Ink::Faint, "·"), plain(&step.name))),
        }
        let image = step.image.chars().take(19).collect::<String>();
        let line = format!("    {}  {}  {image}", plain(&step.runs), delivery(step.delivery));
        out.line(out.ink(Ink::Faint, &line));
    }
    Ok(Outcome::Done)
}

pub(crate) fn logs(out: &Out, engine: &Engine, run: &str, step: Option<u32>) -> Result<Outcome, Failure> {
    let mut from = 0;
    loop {
        let page = pipelines::log(engine, run, step, from, 5_000)?;
        if page.lines.is_empty() {
            return Ok(Outcome::Done);
        }
        from += u32::try_from(page.lines.len()).unwrap_or(u32::MAX);
        for line in &page.lines {
            if out.json {
                out.json_line(line);
            } else {
                out.line(out.log(&line.text));
            }
        }
    }
}

pub(crate) async fn watch(out: &Out, engine: &Engine, run: &str) -> Result<Outcome, Failure> {
    match follow(out, engine, run, None).await? {
        Some(run) => outcome(engine, &run).await,
        None => Ok(Outcome::Failed),
    }
}

pub(crate) fn cancel(out: &Out, engine: &Engine, run: &str) -> Result<Outcome, Failure> {
    let id = pipelines::get(engine, run)?.id;
    pipelines::cancel(engine, &id)?;
    if out.json {
        out.value(&serde_json::json!({ "cancelled": id }));
    } else {
        out.line(format!("cancelling {id}"));
    }
    Ok(Outcome::Done)
}

pub(crate) fn delete(out: &Out, engine: &Engine, run: &str) -> Result<Outcome, Failure> {
    let id = pipelines::get(engine, run)?.id;
    pipelines::delete(engine, &id)?;
    if out.json {
        out.value(&serde_json::json!({ "deleted": id }));
    } else {
        out.line(format!("deleted: {id}; the images belong to builds and stay"));
    }
    Ok(Outcome::Done)
}
