//! Starting a build: plan, queue, and run it in the background.

use std::time::Duration;

use crate::bake::{Job, check_builder, execute};
use crate::catalogue::{Claim, Ending, Enqueued, NewBuild};
use crate::clock::now_ms;
use crate::docker::Docker;
use crate::engine::{Engine, random_hex};
use crate::error::{Error, Result};
use crate::inbox;
use crate::plan::{Extra, Prepared, blocking, fetch, look_up, prepare, quantiles, remember, repositories};
use crate::settings;
use crate::wire::{BuildId, BuildRequest, BuildStatus, Decision, KeyField};

/// What a request led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// A new build.
    New(BuildId),
    /// A build of the same keys was queued or running.
    Joined(BuildId),
    /// An existing build serves as it is.
    Reused(BuildId),
}

impl Started {
    /// Returns the build that answers the request.
    pub fn id(&self) -> &BuildId {
        match self {
            Self::New(id) | Self::Joined(id) | Self::Reused(id) => id,
        }
    }
}

/// Starts a build in the background and returns the id to watch or cancel it by: a new one, the one of the same keys that
/// is queued or running, or the one that can be reused.
pub async fn start(engine: &Engine, request: &BuildRequest) -> Result<BuildId> {
    Ok(start_detailed(engine, request).await?.id().clone())
}

/// Starts a build as [`start`] does and tells what became of the request.
pub async fn start_detailed(engine: &Engine, request: &BuildRequest) -> Result<Started> {
    {
        // It is asked once, as a program of its own; meanwhile the plan is made.
        let engine = engine.clone();
        tokio::spawn(async move { drop(engine.docker().buildx().await) });
    }
    let urls = {
        let (engine, request) = (engine.clone(), request.clone());
        // A dirty work tree may name others than HEAD does; preparing says so if one is missing.
        blocking(move || repositories(&engine, &request))
            .await
            .unwrap_or_default()
    };
    fetch(engine, &urls).await?;
    let mut prepared = prepare(engine, request).await?;
    if let Some(url) = prepared.extras.unfetched.first() {
        return Err(Error::refused(
            format!("the additional repository {url} has not been fetched"),
            "commit the recipe that names it and build that commit",
        ));
    }
    if !prepared.plan.engine_checked {
        // Planning works without the Engine, building does not: nothing is reused or built upon that nobody has looked
        // for, and a build that cannot begin leaves no record.
        engine.docker().ping().await?;
        prepared = prepare(engine, request).await?;
        if !prepared.plan.engine_checked {
            return Err(Error::refused(
                "the Docker engine answers, but does not say which images it has",
                "look at `docker images`, and try again",
            ));
        }
    }
    if prepared.plan.targets.is_empty() {
        return Err(Error::refused(
            "nothing is built from source here",
            "deploy it as it is: headstart up",
        ));
    }
    for record in prepared.steps.iter().flat_map(|steps| &steps.foreign) {
        engine.catalogue().import(record)?;
    }
    if prepared.steps.is_some() && prepared.plan.decision == Decision::Reuse && prepared.plan.build.is_none()
    {
        return Err(Error::refused(
            "nothing is built: every image is used as it is",
            "run it: headstart run",
        ));
    }
    if let Some(build) = &prepared.plan.build {
        engine.catalogue().count_reuse(build)?;
        return Ok(Started::Reused(build.clone()));
    }
    check_builder(engine, &prepared)?;
    remember(engine, &prepared.plan.platform, &prepared.images)?;
    // A build that died with its process must not be joined.
    engine.reconcile()?;
    let settings = settings::get(engine)?;
    let new = record(engine, &prepared)?;
    if let Enqueued::Joined(id) = engine.catalogue().enqueue(&new)? {
        return Ok(Started::Joined(id));
    }
    let job = Job {
        id: new.id.clone(),
        prepared,
        no_cache: request.no_cache,
        timeout: Duration::from_secs(settings.timeout_s.into()),
    };
    tokio::spawn(run(engine.clone(), job));
    Ok(Started::New(new.id))
}

/// Ends the builds of this process: for a client that is about to exit.
pub async fn shutdown(engine: &Engine) -> Result<()> {
    let ours = || -> Result<Vec<BuildId>> {
        let unfinished = engine.catalogue().unfinished()?;
        Ok(unfinished
            .into_iter()
            .filter(|(_, owner, _)| owner == engine.owner())
            .map(|(id, _, _)| id)
            .collect())
    };
    for id in ours()? {
        engine.catalogue().request_cancel(&id, now_ms())?;
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(2);
    while !ours()?.is_empty() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn record(engine: &Engine, prepared: &Prepared) -> Result<NewBuild> {
    let plan = &prepared.plan;
    let expected_ms = match plan.decision {
        Decision::Reuse => None,
        Decision::Full => plan.estimate.full_ms.map(|full| full.p50),
        Decision::Incremental => {
            let load = plan.estimate.load_ms.map_or(0, |load| load.p50);
            plan.estimate.incremental_ms.map(|rest| load + rest.p50)
        }
    };
    // The fields of several targets are told apart by their names.
    let environment = match &prepared.services {
        None => plan.targets[0].fields.clone(),
        Some(_) => plan
            .targets
            .iter()
            .flat_map(|target| {
                target.fields.iter().map(|field| KeyField {
                    name: format!("{}.{}", target.name, field.name),
                    value: field.value.clone(),
                })
            })
            .collect(),
    };
    Ok(NewBuild {
        id: BuildId(random_hex(16)?),
        project: prepared.opened.row.id.clone(),
        recipe: plan.recipe.clone(),
        stack: plan.stack.clone(),
        platform: plan.platform.clone(),
        commit: plan.commit.clone(),
        summary: prepared.commit.summary.clone(),
        branch: plan.branch.clone(),
        dirty: plan.dirty,
        decision: plan.decision,
        reason: plan.reason.clone(),
        base: plan.base.clone(),
        chain: prepared.base.as_ref().map_or(0, |base| base.chain),
        targets: prepared
            .services
            .as_ref()
            .map(|_| plan.targets.clone())
            .unwrap_or_default(),
        environment_key: prepared.environment_key.clone(),
        environment,
        code_key: prepared.code_key.clone(),
        expected_ms,
        contains_code: prepared.recipe.pipeline().is_none()
            || plan.targets.iter().any(|target| target.includes_code),
        pipeline: plan.pipeline.as_ref().map(|pipeline| pipeline.name.clone()),
        warnings: plan.warnings.clone(),
        broke_on: prepared.broke_on.clone(),
        sources: prepared.extras.known.iter().map(Extra::source).collect(),
        owner: engine.owner().to_owned(),
        created_at: now_ms(),
    })
}

/// Waits for a build's turn, runs it and records how it ended.
async fn run(engine: Engine, job: Job) {
    let id = job.id.clone();
    match wait_for_turn(&engine, &id).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => {
            tracing::error!(build = %id, %error, "the queue could not be read");
            return;
        }
    }
    let (project, environment, decision) = {
        let plan = &job.prepared.plan;
        (
            job.prepared.opened.row.id.clone(),
            job.prepared.environment_key.clone(),
            plan.decision,
        )
    };
    let references: Vec<String> = job.prepared.images.keys().cloned().collect();
    let images = job.prepared.images.clone();
    let docker = engine.docker_at(job.prepared.context());
    let recipe_target = job.prepared.target.clone();
    let started = now_ms();
    let mut ending = execute(&engine, job).await;
    if ending.status == BuildStatus::Succeeded {
        // The image may have been pulled, or its tag moved, while the build ran: the record has to say what was used.
        match settle_environment(&engine, &docker, &id, &references, &images).await {
            Ok(warnings) => ending.warnings.extend(warnings),
            Err(error) => {
                tracing::warn!(build = %id, %error, target = recipe_target, "the image could not be looked up")
            }
        }
        if decision == Decision::Incremental {
            ending.saved_ms = saved(&engine, &project, &environment, now_ms() - started);
        }
    }
    if let Err(error) = finish(&engine, &id, &ending) {
        tracing::error!(build = %id, %error, "the end of the build could not be recorded");
    }
}

/// Records how a build ended, and tells the inbox.
pub(crate) fn finish(engine: &Engine, id: &BuildId, ending: &Ending) -> Result<()> {
    if engine.catalogue().end(id, ending, now_ms())? {
        inbox::report(engine, id)?;
    }
    Ok(())
}

/// Waits until a queued build may run; false when it was cancelled meanwhile.
pub(crate) async fn wait_for_turn(engine: &Engine, id: &BuildId) -> Result<bool> {
    let mut changes = engine.catalogue().subscribe();
    let mut rounds = 0_u32;
    loop {
        changes.mark_unchanged();
        let concurrency = settings::get(engine)?.concurrency;
        match engine.catalogue().claim(id, concurrency, now_ms())? {
            Claim::Started => return Ok(true),
            Claim::Gone => return Ok(false),
            Claim::Waiting => {}
        }
        // Places that another process frees are noticed a little later, also when it frees them by dying.
        rounds += 1;
        if rounds.is_multiple_of(4) {
            engine.reconcile()?;
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep(Duration::from_millis(250)) => {}
        }
    }
}

fn saved(engine: &Engine, project: &crate::wire::ProjectId, environment: &str, took: i64) -> Option<i64> {
    let full = engine
        .catalogue()
        .timings(project, environment, Decision::Full)
        .ok()?;
    let full = quantiles(full.into_iter().map(|timing| timing.total_ms).collect())?;
    Some(i64::try_from(full.p50).ok()? - took)
}

/// Records the digests of images that were pulled by the build; an image that moved meanwhile makes the record one that
/// nothing matches, because nobody knows which of the two was used.
async fn settle_environment(
    engine: &Engine,
    docker: &Docker,
    id: &BuildId,
    references: &[String],
    before: &crate::recipe::Images,
) -> Result<Vec<String>> {
    let known = look_up(engine, docker, references).await?;
    let moved: Vec<&String> = references
        .iter()
        .filter(|reference| {
            let digest = |images: &crate::recipe::Images| {
                images.get(*reference).and_then(|facts| facts.digest.clone())
            };
            digest(before).is_some() && digest(&known.images) != digest(before)
        })
        .collect();
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    let mut build = engine.catalogue().build(id)?;
    for field in &mut build.fields {
        if field.name == "image.digest" || field.name.starts_with("image.from[") {
            field.value = "moved during the build".to_owned();
        }
    }
    let key = format!("{}-moved-{id}", &build.environment_key[..16]);
    engine.catalogue().set_environment(id, &key, &build.fields)?;
    let names: Vec<&str> = moved.into_iter().map(String::as_str).collect();
    Ok(vec![format!(
        "{} moved to another image while this was built; it will not be reused",
        names.join(", ")
    )])
}
