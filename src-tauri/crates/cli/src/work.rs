//! `build` and `watch`: a build from here to its end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use headstart_engine::builds::Started;
use headstart_engine::wire::{Build, BuildId, BuildRequest, BuildStatus};
use headstart_engine::{Engine, builds, stack};

use crate::args;
use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::progress::Progress;
use crate::text::short;

/// How long a cancelled build may take to end before this process gives up on it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whose build is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// It ends with this process.
    Ours,
    /// Another process runs it, or it has ended.
    Others,
}

pub(crate) async fn build(out: &Out, engine: &Engine, typed: args::Request) -> Result<Outcome, Failure> {
    let (_, mut request) = find::request(engine, typed)?;
    find::register_named(engine, &mut request).await?;
    build_request(out, engine, &request).await
}

/// Builds what a request means and shows it until it ends.
pub(crate) async fn build_request(
    out: &Out,
    engine: &Engine,
    request: &BuildRequest,
) -> Result<Outcome, Failure> {
    let mut signals = Signals::listen()?;
    let started = tokio::select! {
        started = builds::start_detailed(engine, request) => started?,
        () = signals.next() => {
            builds::shutdown(engine).await?;
            return Ok(Outcome::Failed);
        }
    };
    let (id, whose, outcome) = match &started {
        Started::New(id) => (id, Whose::Ours, "new"),
        Started::Joined(id) => (id, Whose::Others, "joined"),
        Started::Reused(id) => (id, Whose::Others, "reused"),
    };
    if !out.json {
        match &started {
            Started::New(_) => {}
            Started::Joined(_) => out.line("the same build is under way already: joining it"),
            Started::Reused(_) => return reused(out, &builds::get(engine, id)?),
        }
    }
    let followed = follow(out, engine, id, whose, signals).await;
    if whose == Whose::Ours {
        // Whatever went wrong with watching it, nothing of it may stay.
        builds::shutdown(engine).await?;
    }
    let Some(build) = followed? else {
        return Ok(Outcome::Failed);
    };
    if out.json {
        out.json_line(&with_outcome(&build, outcome));
    }
    Ok(match build.status {
        BuildStatus::Succeeded => Outcome::Done,
        BuildStatus::Failed if is_registry_away(&build) => Outcome::Unreachable,
        BuildStatus::Interrupted if !stack::status(engine).await.reachable => Outcome::Unreachable,
        _ => Outcome::Failed,
    })
}

/// Returns whether a build failed because its registry could not be reached.
fn is_registry_away(build: &Build) -> bool {
    let error = build.error.as_deref().unwrap_or_default();
    let of_registry = [
        "the registry did not take the image",
        "an image that it begins with cannot be had",
    ];
    of_registry.iter().any(|words| error.starts_with(words))
        && ["connection refused", "no such host", "i/o timeout"]
            .iter()
            .any(|words| error.contains(words))
}

pub(crate) async fn watch(out: &Out, engine: &Engine, build: &str) -> Result<Outcome, Failure> {
    let id = find::build(engine, build)?;
    let signals = Signals::listen()?;
    let build = follow(out, engine, &id, Whose::Others, signals).await?;
    if let (true, Some(build)) = (out.json, &build) {
        out.json_line(build);
    }
    Ok(match build {
        Some(build) if build.status == BuildStatus::Succeeded => Outcome::Done,
        _ => Outcome::Failed,
    })
}

fn reused(out: &Out, build: &Build) -> Result<Outcome, Failure> {
    out.line(format!(
        "{}: build {} at {} has it already",
        out.ink(Ink::Good, "nothing to build"),
        build.id,
        short(&build.commit)
    ));
    for image in &build.images {
        out.line(&image.reference);
    }
    Ok(Outcome::Done)
}

/// Returns the build with what became of the request: its record says how it was built, not that it was reused.
fn with_outcome(build: &Build, outcome: &str) -> serde_json::Value {
    let mut value = serde_json::to_value(build).unwrap_or_default();
    value["outcome"] = outcome.into();
    value
}

/// Shows a build until it ends; none when watching stopped before. A signal cancels a build of ours.
async fn follow(
    out: &Out,
    engine: &Engine,
    id: &BuildId,
    whose: Whose,
    mut signals: Signals,
) -> Result<Option<Build>, Failure> {
    let progress = Mutex::new(Progress::new(out, engine));
    let shown = || progress.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let watching = builds::watch(engine, id, |event| {
            shown().apply(event);
            // A build of ours goes on when nobody reads about it any more.
            whose == Whose::Ours || !out.is_closed()
        });
        tokio::pin!(watching);
        let mut tick = tokio::time::interval(Duration::from_millis(150));
        let give_up = tokio::time::sleep(Duration::from_secs(u32::MAX.into()));
        tokio::pin!(give_up);
        let mut asked = false;
        loop {
            tokio::select! {
                ended = &mut watching => {
                    ended?;
                    break;
                }
                _ = tick.tick() => shown().tick(),
                () = &mut give_up => return Ok(None),
                () = signals.next() => {
                    if whose == Whose::Others || asked {
                        return Ok(None);
                    }
                    asked = true;
                    give_up.as_mut().reset(tokio::time::Instant::now() + PATIENCE);
                    shown().cancelling();
                    // It may have ended just now: then there is nothing to cancel, and watching ends too.
                    drop(builds::cancel(engine, id));
                }
            }
        }
    }
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(progress.into_build().filter(|build| build.status.is_final()))
}

/// The signals by which somebody asks this process to end.
pub(crate) struct Signals {
    #[cfg(unix)]
    streams: [tokio::signal::unix::Signal; 3],
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::broken(format!("signals cannot be received: {error}")))
        };
        Ok(Self {
            streams: [
                listen(SignalKind::interrupt())?,
                listen(SignalKind::terminate())?,
                listen(SignalKind::hangup())?,
            ],
        })
    }

    /// Is ready when one has come.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.streams;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
}
