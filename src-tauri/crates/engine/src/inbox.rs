//! The inbox: what became of builds and runs, kept until it was seen. Desktop notifications are made from it.

use crate::engine::Engine;
use crate::error::Result;
use crate::wire::{BuildId, BuildStatus, Decision, Job, Notice, NoticeKind, PipelineRun, StepStatus};

/// Lists notices, newest first, at most 200.
pub fn list(engine: &Engine) -> Result<Vec<Notice>> {
    engine.catalogue().notices(200)
}

/// Marks notices as read; all when none is named.
pub fn mark_read(engine: &Engine, notices: &[u32]) -> Result<()> {
    engine.catalogue().mark_notices_read(notices)
}

/// Returns the number of the newest notice, 0 without any.
pub fn last(engine: &Engine) -> Result<u32> {
    engine.catalogue().last_notice()
}

/// Lists the notices after one, oldest first.
pub fn after(engine: &Engine, notice: u32) -> Result<Vec<Notice>> {
    engine.catalogue().notices_after(notice)
}

/// Adds the notice about a build that has ended. Cancelled builds get none: who cancelled knows.
pub(crate) fn report(engine: &Engine, id: &BuildId) -> Result<()> {
    let build = engine.catalogue().build(id)?;
    // An image of a folder has no commit.
    let short = match &build.commit[..build.commit.len().min(7)] {
        "" => "the image",
        short => short,
    };
    let took = duration(build.duration_ms.unwrap_or(0));
    let name = &build.project_name;
    let (kind, title, body) = match build.status {
        BuildStatus::Succeeded => {
            let saved = match build.saved_ms {
                Some(saved) if saved > 0 && build.decision == Decision::Incremental => {
                    format!(", {} saved", duration(saved.unsigned_abs()))
                }
                _ => String::new(),
            };
            (
                NoticeKind::Succeeded,
                format!("{name} built"),
                format!("{short} built in {took}{saved}"),
            )
        }
        BuildStatus::Failed => {
            let step = build
                .failed_step
                .as_deref()
                .map(|step| format!(" at {step}"))
                .unwrap_or_default();
            (
                NoticeKind::Failed,
                format!("{name} failed{step}"),
                format!("{short} failed{step} after {took}"),
            )
        }
        BuildStatus::TimedOut => (
            NoticeKind::TimedOut,
            format!("{name} timed out"),
            format!("{short} was stopped after {took}"),
        ),
        BuildStatus::Interrupted => {
            let why = build.error.as_deref().unwrap_or("it was cut off");
            (
                NoticeKind::Interrupted,
                format!("{name} was interrupted"),
                format!("{short}: {why}"),
            )
        }
        BuildStatus::Queued | BuildStatus::Running | BuildStatus::Cancelled | BuildStatus::Superseded => {
            return Ok(());
        }
    };
    engine.catalogue().add_notice(&Notice {
        id: 0,
        build: Some(build.id.clone()),
        run: None,
        job: None,
        project: Some(build.project.clone()),
        kind,
        title,
        body,
        at: crate::clock::now_ms(),
        duration_ms: build.duration_ms.unwrap_or(0),
        read: false,
    })
}

/// Adds the notice about a run that has ended. Cancelled runs get none.
pub(crate) fn report_run(engine: &Engine, run: &PipelineRun) -> Result<()> {
    let short = &run.base_commit[..run.base_commit.len().min(7)];
    let took = duration(run.duration_ms);
    let name = &run.pipeline;
    let failed = run.steps.iter().find(|step| step.status == StepStatus::Failed);
    let at = failed
        .map(|step| format!(" at {}", step.name))
        .unwrap_or_default();
    let (kind, title, body) = match run.status {
        BuildStatus::Succeeded => {
            let image = if run.reused {
                ", nothing had to be built"
            } else {
                ""
            };
            (
                NoticeKind::Succeeded,
                format!("{name} ran"),
                format!("{short} ran in {took}{image}"),
            )
        }
        BuildStatus::Failed => (
            NoticeKind::Failed,
            format!("{name} failed{at}"),
            format!("{short} failed{at} after {took}"),
        ),
        BuildStatus::Interrupted => {
            let why = run.error.as_deref().unwrap_or("it was cut off");
            (
                NoticeKind::Interrupted,
                format!("{name} was interrupted"),
                format!("{short}: {why}"),
            )
        }
        _ => return Ok(()),
    };
    engine.catalogue().add_notice(&Notice {
        id: 0,
        build: None,
        run: Some(run.id.clone()),
        job: None,
        project: Some(run.project.clone()),
        kind,
        title,
        body,
        at: crate::clock::now_ms(),
        duration_ms: run.duration_ms,
        read: false,
    })
}

/// Adds the notice about a job that has ended. Cancelled jobs get none, and none is said of one that had nothing to do.
pub(crate) fn report_job(engine: &Engine, job: &Job) -> Result<()> {
    let took = duration(job.duration_ms);
    let name = &job.pipeline;
    let (kind, title, body) = match job.status {
        BuildStatus::Succeeded if job.processed == 0 && job.rescued == 0 => return Ok(()),
        BuildStatus::Succeeded => {
            let again = match job.reused {
                0 => String::new(),
                reused => format!(", {reused} used again"),
            };
            let datums = if job.processed == 1 { "datum" } else { "datums" };
            let body = format!("{} {datums} processed in {took}{again}", job.processed);
            (NoticeKind::Succeeded, format!("{name} processed its data"), body)
        }
        BuildStatus::Failed => {
            let why = job.error.as_deref().unwrap_or("it failed");
            (
                NoticeKind::Failed,
                format!("{name} failed"),
                format!("{why} (after {took})"),
            )
        }
        BuildStatus::Interrupted => {
            let why = job.error.as_deref().unwrap_or("it was cut off");
            (
                NoticeKind::Interrupted,
                format!("{name} was interrupted"),
                why.to_owned(),
            )
        }
        _ => return Ok(()),
    };
    engine.catalogue().add_notice(&Notice {
        id: 0,
        build: None,
        run: None,
        job: Some(job.id.clone()),
        project: None,
        kind,
        title,
        body,
        at: crate::clock::now_ms(),
        duration_ms: job.duration_ms,
        read: false,
    })
}

/// Returns a duration in words: `850 ms`, `5.3 s`, `2 min 5 s`, `1 h 4 min`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}
