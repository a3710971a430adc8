//! Watching a run, whoever runs it: record and log are read whenever they change.

use std::time::Duration;

use super::{complete, get, log_id};
use crate::engine::{Engine, lock};
use crate::error::Result;
use crate::wire::{PipelineRun, RunEvent};

/// Most log lines in one event.
const BATCH: u32 = 1_000;
/// How long a change of the log, or one that another process made, may stay unseen.
const PAUSE: Duration = Duration::from_millis(50);

/// Reports a run until it ends, or until `on_event` returns false; the run goes on.
pub async fn watch(engine: &Engine, run: &str, on_event: impl Fn(RunEvent) -> bool + Send) -> Result<()> {
    let mut changes = engine.catalogue().subscribe();
    changes.mark_unchanged();
    let first = get(engine, run)?;
    let id = log_id(&first.id);
    let mut lines = first.log_lines;
    // Who comes later is told of the build too, as long as it is under way.
    let mut building = first.steps.iter().any(|step| step.started_at.is_some());
    let ended = first.status.is_final();
    if !on_event(RunEvent::Snapshot { run: first.clone() }) {
        return Ok(());
    }
    if ended {
        on_event(RunEvent::Finished { run: first });
        return Ok(());
    }
    let mut last = timeless(first);
    let mut rounds = 0_u32;
    loop {
        // The process that runs it may have died: then nobody else would say so.
        rounds += 1;
        if rounds.is_multiple_of(32) {
            engine.reconcile()?;
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
        let now = engine.catalogue().run(id.as_str())?;
        if let (false, false, Some(build)) = (building, now.reused, &now.build) {
            building = true;
            if !on_event(RunEvent::Building { build: build.clone() }) {
                return Ok(());
            }
        }
        loop {
            let index = engine.log_index(&id)?;
            let page = lock(&index).page(&engine.log_path(&id), None, lines, BATCH)?;
            if page.lines.is_empty() {
                break;
            }
            lines += u32::try_from(page.lines.len()).unwrap_or(0);
            if !on_event(RunEvent::Log { lines: page.lines }) {
                return Ok(());
            }
        }
        if now.status.is_final() {
            on_event(RunEvent::Finished {
                run: complete(engine, now)?,
            });
            return Ok(());
        }
        let now = timeless(now);
        if now != last {
            last = now.clone();
            let run = complete(engine, now)?;
            if !on_event(RunEvent::Changed { run }) {
                return Ok(());
            }
        }
    }
}

fn timeless(mut run: PipelineRun) -> PipelineRun {
    run.duration_ms = 0;
    run.log_lines = 0;
    run
}
