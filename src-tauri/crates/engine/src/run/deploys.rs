//! Deploys under way in this process, by compose project: what each has said so far, and how to end it. None of them
//! outlives the process; what one has started by then is listed like all else that runs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::deploy::{self, bring_up};
use crate::builds::{self, Started};
use crate::clock::now_ms;
use crate::engine::{Engine, lock};
use crate::error::{Error, Result};
use crate::plan::prepare;
use crate::wire::{
    Build, BuildEvent, BuildId, BuildRequest, BuildStatus, Decision, DeployEvent, DeployUnderWay, WireError,
};

/// Lines kept of one deploy, for whoever looks later.
const KEPT: usize = 2_000;

/// The deploys of this process. One that has ended stays until the next of its compose project, so that whoever watches
/// it hears how it ended.
#[derive(Default)]
pub(crate) struct Deploys(Mutex<BTreeMap<String, Arc<Deploy>>>);

struct Deploy {
    shown: DeployUnderWay,
    said: Mutex<Said>,
    /// Tells that something was said.
    news: watch::Sender<()>,
    cancelled: watch::Sender<bool>,
}

#[derive(Default)]
struct Said {
    events: VecDeque<DeployEvent>,
    /// Number of events that were let go.
    forgotten: usize,
}

/// Builds what is missing and deploys, in the background. Returns the compose project, by which it is watched and
/// cancelled. A compose project is deployed once at a time.
pub async fn start(engine: &Engine, request: &BuildRequest) -> Result<String> {
    let prepared = prepare(engine, request).await?;
    let (project, _) = deploy::compose(&prepared)?;
    let name = project.name().to_owned();
    let missing = prepared
        .plan
        .targets
        .iter()
        .any(|target| target.decision != Decision::Reuse);
    let deploy = Arc::new(Deploy {
        shown: DeployUnderWay {
            compose_project: name.clone(),
            project_name: prepared.opened.row.name.clone(),
            request: request.clone(),
            started_at: now_ms(),
        },
        said: Mutex::default(),
        news: watch::Sender::new(()),
        cancelled: watch::Sender::new(false),
    });
    {
        let mut all = lock(&engine.deploys().0);
        if all.get(&name).is_some_and(|other| !other.has_ended()) {
            return Err(Error::refused(
                format!("{name} is being deployed already"),
                "wait for it, or cancel it",
            ));
        }
        all.insert(name.clone(), deploy.clone());
    }
    let (engine, request) = (engine.clone(), request.clone());
    tokio::spawn(async move {
        let build = missing && !request.options.no_build;
        let last = match build_and_deploy(&engine, &request, build, &deploy).await {
            Ok(event) => event,
            Err(error) => DeployEvent::Failed {
                error: WireError::from(error),
            },
        };
        deploy.say(last);
    });
    Ok(name)
}

async fn build_and_deploy(
    engine: &Engine,
    request: &BuildRequest,
    build: bool,
    deploy: &Deploy,
) -> Result<DeployEvent> {
    if build {
        let started = builds::start_detailed(engine, request).await?;
        deploy.say(DeployEvent::Building {
            build: started.id().clone(),
        });
        let built = watch_build(engine, &started, deploy).await?;
        match built.status {
            _ if *deploy.cancelled.borrow() => return Ok(DeployEvent::Cancelled),
            BuildStatus::Succeeded => {}
            BuildStatus::Cancelled => return Ok(DeployEvent::Cancelled),
            status => {
                let why = built.error.unwrap_or_else(|| status.as_str().replace('_', " "));
                return Err(Error::refused(
                    format!("the build failed: {why}"),
                    "its log says more; nothing was deployed",
                ));
            }
        }
    }
    let done = bring_up(engine, request, deploy.end(), |text| {
        deploy.say(DeployEvent::Line { text });
    })
    .await?;
    Ok(
        done.map_or(DeployEvent::Cancelled, |deployment| DeployEvent::Done {
            deployment,
        }),
    )
}

/// Waits for the end of a build. Cancelling the deploy cancels it, unless somebody else had started it before.
async fn watch_build(engine: &Engine, started: &Started, deploy: &Deploy) -> Result<Build> {
    let id: &BuildId = started.id();
    let last = Mutex::new(None);
    let watching = builds::watch(engine, id, |event| {
        if let BuildEvent::Finished { build } = event {
            *lock(&last) = Some(build);
        }
        true
    });
    tokio::pin!(watching);
    tokio::select! {
        ended = &mut watching => ended?,
        () = deploy.end() => {
            if let Started::New(id) = started {
                // It may have ended just now.
                drop(builds::cancel(engine, id));
                watching.await?;
            }
        }
    }
    let ended = lock(&last).take();
    ended.map_or_else(|| builds::get(engine, id), Ok)
}

/// Lists deploys that have not ended, by compose project.
pub fn under_way(engine: &Engine) -> Vec<DeployUnderWay> {
    lock(&engine.deploys().0)
        .values()
        .filter(|deploy| !deploy.has_ended())
        .map(|deploy| deploy.shown.clone())
        .collect()
}

/// Reports the newest deploy of a compose project: what it has said so far, then each line until it ends. Ends early when
/// `on_event` returns false; the deploy goes on.
pub async fn watch(
    engine: &Engine,
    compose_project: &str,
    on_event: impl Fn(DeployEvent) -> bool + Send,
) -> Result<()> {
    let deploy = find(engine, compose_project)?;
    let mut news = deploy.news.subscribe();
    let mut next = 0;
    loop {
        for event in deploy.since(&mut next) {
            let last = is_last(&event);
            if !on_event(event) || last {
                return Ok(());
            }
        }
        if news.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// Cancels a deploy: its build, or `docker compose up`. What that has started by then goes on running.
pub fn cancel(engine: &Engine, compose_project: &str) -> Result<()> {
    let deploy = find(engine, compose_project)?;
    if deploy.has_ended() {
        return Err(Error::refused(
            format!("the deploy of {compose_project} has ended already"),
            "there is nothing to cancel",
        ));
    }
    deploy.cancelled.send_replace(true);
    Ok(())
}

/// Cancels all deploys of this process and waits for them a moment, so that no process of theirs stays.
pub async fn shutdown(engine: &Engine) {
    let all: Vec<Arc<Deploy>> = lock(&engine.deploys().0).values().cloned().collect();
    for deploy in &all {
        deploy.cancelled.send_replace(true);
    }
    let ended = async {
        for deploy in &all {
            let mut news = deploy.news.subscribe();
            while !deploy.has_ended() && news.changed().await.is_ok() {}
        }
    };
    drop(tokio::time::timeout(std::time::Duration::from_secs(2), ended).await);
}

fn find(engine: &Engine, compose_project: &str) -> Result<Arc<Deploy>> {
    let found = lock(&engine.deploys().0).get(compose_project).cloned();
    found.ok_or_else(|| {
        Error::refused(
            format!("{compose_project} is not being deployed"),
            "look at what runs again",
        )
    })
}

fn is_last(event: &DeployEvent) -> bool {
    match event {
        DeployEvent::Done { .. } | DeployEvent::Failed { .. } | DeployEvent::Cancelled => true,
        DeployEvent::Building { .. } | DeployEvent::Line { .. } => false,
    }
}

impl Deploy {
    fn say(&self, event: DeployEvent) {
        lock(&self.said).take(event);
        self.news.send_replace(());
    }

    fn has_ended(&self) -> bool {
        lock(&self.said).events.back().is_some_and(is_last)
    }

    /// Returns what was said from an event on, and moves on behind it.
    fn since(&self, next: &mut usize) -> Vec<DeployEvent> {
        lock(&self.said).since(next)
    }

    /// Is ready when it is cancelled.
    async fn end(&self) {
        let mut cancelled = self.cancelled.subscribe();
        // The sender lives as long as this does.
        drop(cancelled.wait_for(|cancelled| *cancelled).await);
    }
}

impl Said {
    fn take(&mut self, event: DeployEvent) {
        self.events.push_back(event);
        // Lines are forgotten, which build came first is not.
        let line = |event: &DeployEvent| matches!(event, DeployEvent::Line { .. });
        if self.events.len() > KEPT
            && let Some(oldest) = self.events.iter().position(line)
        {
            self.events.remove(oldest);
            self.forgotten += 1;
        }
    }

    fn since(&self, next: &mut usize) -> Vec<DeployEvent> {
        let new = self
            .events
            .iter()
            .skip(next.saturating_sub(self.forgotten))
            .cloned()
            .collect();
        *next = self.forgotten + self.events.len();
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> DeployEvent {
        DeployEvent::Line {
            text: text.to_owned(),
        }
    }

    #[test]
    fn who_looks_later_is_told_everything_and_nothing_twice() {
        let mut said = Said::default();
        let mut next = 0;
        said.take(line("one"));
        assert_eq!(said.since(&mut next), [line("one")]);
        assert_eq!(said.since(&mut next), []);
        said.take(line("two"));
        assert_eq!(said.since(&mut next), [line("two")]);
        assert_eq!(
            said.since(&mut 0),
            [line("one"), line("two")],
            "a reloaded page asks from the start"
        );
    }

    #[test]
    fn the_oldest_lines_are_forgotten_and_the_build_is_not() {
        let mut said = Said::default();
        let building = DeployEvent::Building {
            build: BuildId("b0ffee".to_owned()),
        };
        said.take(building.clone());
        let mut next = 0;
        drop(said.since(&mut next));
        for number in 0..=KEPT {
            said.take(line(&number.to_string()));
        }
        let late = said.since(&mut 0);
        assert_eq!(late.len(), KEPT);
        assert_eq!(late.first(), Some(&building));
        assert_eq!(late.get(1), Some(&line("2")));
        assert_eq!(
            said.since(&mut next).last(),
            Some(&line(&KEPT.to_string())),
            "who was behind is up to date again"
        );
    }
}
