//! Watching a build, whoever runs it: the catalogue and the log are read whenever they change. There is no second channel
//! from the executor, so a window that was reloaded, and another process, see the same.

use std::time::Duration;

use tokio::sync::watch::Receiver;

use crate::engine::{Engine, lock};
use crate::error::Result;
use crate::wire::{Build, BuildEvent, BuildId, BuildStatus};

/// Most log lines in one event.
const BATCH: u32 = 1_000;
/// Events are grouped over this time.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a change that another process made may stay unseen.
const FOREIGN: Duration = Duration::from_millis(200);

/// Reports a build to `on_event`: a snapshot of what has happened so far, then each change until it ends. Ends early
/// when `on_event` returns false.
pub async fn watch(
    engine: &Engine,
    id: &BuildId,
    on_event: impl Fn(BuildEvent) -> bool + Send,
) -> Result<()> {
    let mut changes = engine.catalogue().subscribe();
    changes.mark_unchanged();
    let build = super::get(engine, id)?;
    let (mut revision, _) = engine.catalogue().steps_since(id, 0)?;
    let mut lines = build.log_lines;
    let mut last = without_steps(&build);
    let ended = build.status.is_final();
    let now = crate::clock::now_ms();
    if !on_event(BuildEvent::Snapshot {
        build: build.clone(),
        now,
    }) {
        return Ok(());
    }
    if ended {
        on_event(BuildEvent::Finished { build });
        return Ok(());
    }
    let mut rounds = 0_u32;
    loop {
        // The process that runs the build may have died: then nobody else would say so.
        rounds += 1;
        if rounds.is_multiple_of(8) {
            engine.reconcile()?;
        }
        tokio::select! {
            _ = changes.changed() => {
                group(engine, id, &mut changes).await?;
            }
            () = tokio::time::sleep(FOREIGN) => {}
        }
        // The record is read first: what ended before it has all its steps and lines.
        let build = engine.catalogue().build(id)?;
        let (newest, steps) = engine.catalogue().steps_since(id, revision)?;
        revision = newest;
        if !steps.is_empty() && !on_event(BuildEvent::Steps { steps }) {
            return Ok(());
        }
        loop {
            let index = engine.log_index(id)?;
            let page = lock(&index).page(&engine.log_path(id), None, lines, BATCH)?;
            if page.lines.is_empty() {
                break;
            }
            lines += u32::try_from(page.lines.len()).unwrap_or(0);
            if !on_event(BuildEvent::Log { lines: page.lines }) {
                return Ok(());
            }
        }
        if build.status.is_final() {
            on_event(BuildEvent::Finished {
                build: super::get(engine, id)?,
            });
            return Ok(());
        }
        let now = without_steps(&build);
        let timeless = |build: &Build| Build {
            duration_ms: None,
            ..build.clone()
        };
        if timeless(&now) != timeless(&last) {
            last = now.clone();
            if !on_event(BuildEvent::Changed { build: now }) {
                return Ok(());
            }
        }
    }
}

/// Waits a moment, so that changes come in groups; but nobody waits for the end.
async fn group(engine: &Engine, id: &BuildId, changes: &mut Receiver<u64>) -> Result<()> {
    let pause = tokio::time::sleep(PAUSE);
    tokio::pin!(pause);
    while !has_ended(engine, id)? {
        tokio::select! {
            _ = changes.changed() => {}
            () = &mut pause => break,
        }
    }
    Ok(())
}

fn has_ended(engine: &Engine, id: &BuildId) -> Result<bool> {
    let word: String = engine.catalogue().build_value(id, "status")?;
    Ok(BuildStatus::parse(&word).is_none_or(BuildStatus::is_final))
}

fn without_steps(build: &Build) -> Build {
    Build {
        steps: Vec::new(),
        log_lines: 0,
        ..build.clone()
    }
}
