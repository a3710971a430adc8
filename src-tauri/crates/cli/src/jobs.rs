//! `jobs`: datum pipelines at work, and what is recorded of them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use headstart_engine::wire::{BuildStatus, DatumFilter, DatumState, Job, JobEvent, JobFilter};
use headstart_engine::{Engine, datums, stack};

use crate::datum_args::Jobs;
use crate::error::{Failure, Outcome};
use crate::out::{Ink, Out};
use crate::text::{self, plain};
use crate::work::Signals;

/// How often a job that goes on says where it is, where nobody sees lines change.
const PAUSE: Duration = Duration::from_secs(2);

pub(crate) async fn run(out: &Out, engine: &Engine, command: Jobs) -> Result<Outcome, Failure> {
    match command {
        Jobs::List {
            pipeline,
            stack,
            status,
            limit,
            offset,
        } => {
            let filter = JobFilter {
                stack,
                pipeline,
                status,
                offset,
                limit,
            };
            list(out, engine, &filter)?;
        }
        Jobs::Show { job } => show(out, &datums::job(engine, &job)?),
        Jobs::Datums {
            job,
            state,
            path,
            limit,
            offset,
        } => {
            let filter = DatumFilter {
                states: state,
                path,
                offset,
                limit,
            };
            list_datums(out, engine, &job, &filter)?;
        }
        Jobs::Logs { job, datum } => logs(out, engine, &job, datum.map(|place| place.saturating_add(1)))?,
        Jobs::Watch { job } => {
            let job = datums::job(engine, &job)?;
            return Ok(match follow(out, engine, &[job.id], None).await? {
                true => Outcome::Done,
                false => Outcome::Failed,
            });
        }
        Jobs::Cancel { job } => {
            datums::cancel(engine, &job)?;
            out.line(format!("cancelling {job}"));
        }
        Jobs::Retry { job } => {
            let signals = Signals::listen()?;
            let jobs = datums::retry(engine, &job).await?;
            return finish(out, engine, &jobs, signals).await;
        }
    }
    Ok(Outcome::Done)
}

/// Follows jobs of this process to their end.
pub(crate) async fn finish(
    out: &Out,
    engine: &Engine,
    jobs: &[String],
    signals: Signals,
) -> Result<Outcome, Failure> {
    let followed = follow(out, engine, jobs, Some(signals)).await;
    // Whatever went wrong with watching them, nothing of them may stay.
    datums::shutdown(engine).await?;
    match followed? {
        true => Ok(Outcome::Done),
        false if !stack::status(engine).await.reachable => Ok(Outcome::Unreachable),
        false => Ok(Outcome::Failed),
    }
}

/// Shows jobs until they end, one after the other. Returns whether all succeeded. With signals the jobs are ours, and a signal
/// cancels them.
pub(crate) async fn follow(
    out: &Out,
    engine: &Engine,
    jobs: &[String],
    mut signals: Option<Signals>,
) -> Result<bool, Failure> {
    let mut all = true;
    let mut asked = false;
    for id in jobs {
        let shown = Mutex::new(Shown::new(out));
        let lock = || shown.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = signals.is_some();
        {
            let watching = datums::watch(engine, id, |event| {
                lock().apply(event);
                ours || !out.is_closed()
            });
            tokio::pin!(watching);
            loop {
                let signal = async {
                    match &mut signals {
                        Some(signals) => signals.next().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    ended = &mut watching => {
                        ended?;
                        break;
                    }
                    () = signal => {
                        if asked {
                            return Ok(false);
                        }
                        asked = true;
                        if !out.json {
                            out.line("cancelling");
                        }
                        // Some may have ended: then there is nothing to cancel.
                        for id in jobs {
                            drop(datums::cancel(engine, id));
                        }
                    }
                }
            }
        }
        let ended = shown.into_inner().unwrap_or_else(PoisonError::into_inner).ended;
        all &= ended.is_some_and(|job| job.status == BuildStatus::Succeeded);
    }
    Ok(all)
}

/// A job as it happens, for people or as JSON lines.
struct Shown<'a> {
    out: &'a Out,
    begun: bool,
    told: Instant,
    ended: Option<Job>,
}

impl<'a> Shown<'a> {
    fn new(out: &'a Out) -> Self {
        Self {
            out,
            begun: false,
            told: Instant::now(),
            ended: None,
        }
    }

    fn apply(&mut self, event: JobEvent) {
        if self.out.json {
            match event {
                JobEvent::Finished { job } => {
                    self.out.json_line(&job);
                    self.ended = Some(job);
                }
                event => self.out.json_line(&event),
            }
            return;
        }
        match event {
            JobEvent::Snapshot { job } | JobEvent::Changed { job } => self.note(&job),
            JobEvent::Log { lines } => {
                for line in &lines {
                    let step = match line.step.checked_sub(1) {
                        Some(place) => format!("{place:>5} "),
                        None => String::new(),
                    };
                    let step = self.out.ink(Ink::Faint, &step);
                    self.out.line(format!("  {step}{}", self.out.log(&line.text)));
                }
            }
            JobEvent::Finished { job } => {
                self.note(&job);
                let (word, ink) = text::status(job.status);
                let error = job.error.as_deref().map(|error| format!(": {}", plain(error)));
                self.out.line(format!(
                    "{} {} in {}: {}{}",
                    plain(&job.pipeline),
                    self.out.ink(ink, &word),
                    text::duration(job.duration_ms),
                    counts(&job),
                    error.unwrap_or_default()
                ));
                self.ended = Some(job);
            }
        }
    }

    fn note(&mut self, job: &Job) {
        if job.status == BuildStatus::Running && !self.begun {
            self.begun = true;
            self.out.line(format!(
                "job {} of {} version {}: {} datums",
                job.id,
                plain(&job.pipeline),
                job.version,
                job.total
            ));
        } else if self.begun && !job.status.is_final() && self.told.elapsed() >= PAUSE {
            self.told = Instant::now();
            self.out.line(format!("  {}: {}", plain(&job.doing), counts(job)));
        }
    }
}

/// Says in words what became of a job's datums.
fn counts(job: &Job) -> String {
    let mut parts = Vec::new();
    for (count, word) in [
        (job.processed, "processed"),
        (job.reused, "used again"),
        (job.failed, "failed"),
        (job.rescued, "rescued"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let all = format!("of {}", job.total);
    match parts.is_empty() {
        true => format!("0 {all}"),
        false => format!("{} {all}", parts.join(", ")),
    }
}

fn list(out: &Out, engine: &Engine, filter: &JobFilter) -> Result<(), Failure> {
    let list = datums::jobs(engine, filter)?;
    if out.json {
        out.value(&list);
        return Ok(());
    }
    if list.jobs.is_empty() {
        out.line("no jobs");
        return Ok(());
    }
    let mut rows = vec![text::heading([
        "JOB", "PIPELINE", "STATUS", "DATUMS", "TOOK", "STARTED",
    ])];
    rows.extend(list.jobs.iter().map(|job| {
        let (word, ink) = text::status(job.status);
        vec![
            (job.id.clone(), Ink::Plain),
            (plain(&job.pipeline), Ink::Plain),
            (word, ink),
            (counts(job), Ink::Plain),
            (text::duration(job.duration_ms), Ink::Plain),
            (text::age(job.created_at, text::now_ms()), Ink::Faint),
        ]
    }));
    text::table(out, &rows);
    if list.total as usize > list.jobs.len() {
        out.line(format!("{} of {}", list.jobs.len(), list.total));
    }
    Ok(())
}

fn show(out: &Out, job: &Job) {
    if out.json {
        return out.value(job);
    }
    let (word, ink) = text::status(job.status);
    out.line(format!(
        "job {} of {} version {}",
        job.id,
        plain(&job.pipeline),
        job.version
    ));
    out.line(format!("status   {}", out.ink(ink, &word)));
    out.line(format!("why      {}", plain(&job.reason)));
    out.line(format!("datums   {}", counts(job)));
    out.line(format!("took     {}", text::duration(job.duration_ms)));
    for input in &job.inputs {
        let commit = input
            .commit
            .as_deref()
            .map_or("empty", |id| &id[..id.len().min(12)]);
        out.line(format!(
            "reads    {} = {}@{} at {commit}",
            plain(&input.name),
            plain(&input.repo),
            plain(&input.branch)
        ));
    }
    let commit = job
        .output
        .as_deref()
        .map_or("nothing yet", |id| &id[..id.len().min(12)]);
    out.line(format!("writes   {}: {commit}", plain(&job.writes)));
    out.line(format!("image    {}", plain(&job.image)));
    for warning in &job.warnings {
        out.line(out.ink(Ink::Warn, &format!("warning  {}", plain(warning))));
    }
    if let Some(error) = &job.error {
        out.line(out.ink(Ink::Bad, &format!("error    {}", plain(error))));
    }
}

fn list_datums(out: &Out, engine: &Engine, job: &str, filter: &DatumFilter) -> Result<(), Failure> {
    let list = datums::datums(engine, job, filter)?;
    if out.json {
        out.value(&list);
        return Ok(());
    }
    if list.datums.is_empty() {
        out.line("no datums");
        return Ok(());
    }
    let mut rows = vec![text::heading(["PLACE", "STATE", "TRIES", "TOOK", "FILES"])];
    rows.extend(list.datums.iter().map(|datum| {
        let files: Vec<String> = datum
            .files
            .iter()
            .map(|file| format!("{}:{}", file.input, plain(&file.path)))
            .collect();
        let (word, ink) = state(datum.state);
        let error = datum.error.as_deref().map(|error| format!("  {}", plain(error)));
        vec![
            (datum.place.to_string(), Ink::Plain),
            (word.to_owned(), ink),
            (datum.attempts.to_string(), Ink::Plain),
            (
                datum.duration_ms.map(text::duration).unwrap_or_default(),
                Ink::Plain,
            ),
            (
                format!("{}{}", files.join(" "), error.unwrap_or_default()),
                Ink::Plain,
            ),
        ]
    }));
    text::table(out, &rows);
    if list.total > list.datums.len() as u64 {
        out.line(format!("{} of {}", list.datums.len(), list.total));
    }
    Ok(())
}

fn state(state: DatumState) -> (&'static str, Ink) {
    match state {
        DatumState::Waiting => ("waiting", Ink::Faint),
        DatumState::Running => ("running", Ink::Accent),
        DatumState::Processed => ("processed", Ink::Good),
        DatumState::Reused => ("reused", Ink::Accent),
        DatumState::Failed => ("failed", Ink::Bad),
        DatumState::Rescued => ("rescued", Ink::Warn),
    }
}

fn logs(out: &Out, engine: &Engine, job: &str, step: Option<u32>) -> Result<(), Failure> {
    let job = datums::job(engine, job)?;
    let mut from = 0;
    loop {
        let page = datums::log(engine, &job.id, step, from, 1_000)?;
        if page.lines.is_empty() || out.is_closed() {
            return Ok(());
        }
        from += u32::try_from(page.lines.len()).unwrap_or(u32::MAX);
        for line in &page.lines {
            match out.json {
                true => out.json_line(line),
                false => out.line(out.log(&line.text)),
            }
        }
    }
}
