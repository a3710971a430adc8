//! Building an image that is not there: a build as any other in the catalogue, in the queue, and in the list of builds.

use std::time::Duration;

use super::{CODE, ENVIRONMENT, LookedImage, WantedImage, Whereabouts, present, read};
use crate::bake::{FolderJob, check_place, execute_folder, push};
use crate::builds;
use crate::catalogue::{Ending, Enqueued, NewBuild};
use crate::clock::now_ms;
use crate::engine::{Engine, lock, random_hex};
use crate::error::{Error, Result};
use crate::plan::{look_up, remember};
use crate::settings;
use crate::wire::{BuildEvent, BuildId, BuildStatus, BuiltImage, Decision, Stack};

/// Cancels a build that nobody waits for any more.
struct Unwanted {
    engine: Engine,
    build: Option<BuildId>,
}

impl Drop for Unwanted {
    fn drop(&mut self) {
        if let Some(build) = &self.build {
            drop(builds::cancel(&self.engine, build));
        }
    }
}

/// Makes sure that the stack's engine has an image that was looked at, and its registry where that is wanted: what is there
/// already is used, and what only the registry has is pulled. A build that starts, or one of the same image that is under way and joined, is told to `on_build`; dropping the
/// future cancels one that it started.
///
/// # Errors
/// A sentence with the build's id when the build failed or was cancelled, and when files changed after they were looked at.
pub async fn build(
    engine: &Engine,
    stack: &Stack,
    wanted: &WantedImage,
    looked: &LookedImage,
    on_build: impl Fn(BuildId) + Send,
) -> Result<BuiltImage> {
    let docker = engine.docker_at(stack.context.as_deref());
    docker.ping().await?;
    match looked.exists {
        Whereabouts::Here => {
            let Some(image) = docker.image(&looked.reference).await? else {
                return Err(Error::refused(
                    format!("{} was removed from the engine just now", looked.reference),
                    "do it again: it is built then",
                ));
            };
            if looked.to_push {
                push(engine, stack, &looked.reference).await?;
            }
            if let Some(build) = &looked.build {
                engine.catalogue().count_reuse(build)?;
            }
            return Ok(BuiltImage {
                target: wanted.name.clone(),
                reference: looked.reference.clone(),
                digest: image.digest,
                bytes: Some(image.bytes),
            });
        }
        Whereabouts::InRegistry => {
            return Ok(BuiltImage {
                target: wanted.name.clone(),
                reference: looked.reference.clone(),
                digest: present(engine, stack, &looked.reference).await?,
                bytes: None,
            });
        }
        Whereabouts::Missing => {}
    }
    check_place(engine, stack.builder.as_deref(), stack.context.as_deref())?;
    // A build that died with its process must not be joined.
    engine.reconcile()?;
    let new = record(engine, stack, wanted, looked)?;
    let (id, ours) = match engine.catalogue().enqueue(&new)? {
        Enqueued::Joined(id) => (id, false),
        Enqueued::New => (new.id.clone(), true),
    };
    on_build(id.clone());
    let mut unwanted = Unwanted {
        engine: engine.clone(),
        build: ours.then(|| id.clone()),
    };
    if ours {
        let timeout = Duration::from_secs(settings::get(engine)?.timeout_s.into());
        let job = job(&id, stack, wanted, looked, timeout);
        tokio::spawn(run(engine.clone(), job, wanted.clone(), looked.clone()));
    }
    let last = std::sync::Mutex::new(None);
    builds::watch(engine, &id, |event| {
        if let BuildEvent::Finished { build } = event {
            *lock(&last) = Some(build);
        }
        true
    })
    .await?;
    unwanted.build = None;
    let ended = match lock(&last).take() {
        Some(ended) => ended,
        None => builds::get(engine, &id)?,
    };
    let ending = match ended.status {
        BuildStatus::Succeeded => {
            let image = ended
                .images
                .into_iter()
                .find(|image| image.reference == looked.reference);
            return image.ok_or_else(|| {
                Error::refused(
                    format!("the build {id} made no {}", looked.reference),
                    "try again",
                )
            });
        }
        BuildStatus::Cancelled => "was cancelled".to_owned(),
        status => {
            let why = ended.error.unwrap_or_else(|| status.as_str().replace('_', " "));
            format!("failed: {why}")
        }
    };
    Err(Error::refused(
        format!("the build {id} of the image for {} {ending}", wanted.name),
        format!("look at its log: headstart builds logs {id}"),
    ))
}

fn record(engine: &Engine, stack: &Stack, wanted: &WantedImage, looked: &LookedImage) -> Result<NewBuild> {
    let (root, name, recipe) = wanted.place();
    let at = now_ms();
    Ok(NewBuild {
        targets: Vec::new(),
        id: BuildId(random_hex(16)?),
        project: engine.catalogue().place(&root, &name, &recipe, at)?,
        recipe,
        stack: stack.name.clone(),
        platform: looked.platform.clone(),
        // A folder need not be of a repository; the digest of its files says what was built.
        commit: String::new(),
        summary: format!("image for {}", wanted.name),
        branch: None,
        dirty: false,
        decision: Decision::Full,
        reason: looked.reason.clone(),
        base: None,
        chain: 0,
        environment_key: looked.environment_key.clone(),
        environment: looked.fields.clone(),
        code_key: looked.code_key.clone(),
        expected_ms: None,
        contains_code: true,
        pipeline: Some(wanted.name.clone()),
        warnings: Vec::new(),
        broke_on: None,
        sources: Vec::new(),
        owner: engine.owner().to_owned(),
        created_at: at,
    })
}

fn job(
    id: &BuildId,
    stack: &Stack,
    wanted: &WantedImage,
    looked: &LookedImage,
    timeout: Duration,
) -> FolderJob {
    FolderJob {
        id: id.clone(),
        stack: stack.clone(),
        target: wanted.name.clone(),
        reference: looked.reference.clone(),
        dockerfile: looked.dockerfile.clone(),
        arguments: wanted.args.clone(),
        labels: vec![
            (ENVIRONMENT, looked.environment_key.clone()),
            (CODE, looked.code_key.clone()),
        ],
        platform: looked.platform.clone(),
        push: wanted.push,
        timeout,
    }
}

/// Waits for the build's turn, runs it and records how it ended.
async fn run(engine: Engine, job: FolderJob, wanted: WantedImage, looked: LookedImage) {
    let id = job.id.clone();
    match builds::wait_for_turn(&engine, &id).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => {
            tracing::error!(build = %id, %error, "the queue could not be read");
            return;
        }
    }
    let stack = job.stack.clone();
    let (code_key, dockerfile) = (looked.code_key.clone(), looked.dockerfile.clone());
    let lay_out = move |to: &std::path::Path| {
        let (text, context) = read(&wanted)?;
        let copied = context.copy(to)?;
        // The tag stands for what was looked at, and somebody may have written a file since.
        if text != dockerfile || copied.digest != code_key {
            return Err(Error::refused(
                "the Dockerfile or files of its folder changed after they were looked at",
                "do it again",
            ));
        }
        let skipped = context.skipped.iter();
        Ok(skipped
            .map(|path| format!("{path} is a socket, pipe or device and is left out"))
            .collect())
    };
    let mut ending = execute_folder(&engine, job, lay_out).await;
    if ending.status == BuildStatus::Succeeded {
        ending = settled(&engine, &stack, &looked, ending).await;
    }
    if let Err(error) = builds::finish(&engine, &id, &ending) {
        tracing::error!(build = %id, %error, "the end of the build could not be recorded");
    }
}

/// Checks that the images it began with are still those of its key: one that moved meanwhile makes an image whose tag stands
/// for something else, which must not stay.
async fn settled(engine: &Engine, stack: &Stack, looked: &LookedImage, ending: Ending) -> Ending {
    let docker = engine.docker_at(stack.context.as_deref());
    let references: Vec<String> = looked.bases.keys().cloned().collect();
    let known = match look_up(engine, &docker, &references).await {
        Ok(known) if known.checked => known,
        _ => return ending,
    };
    let moved = looked.bases.iter().find(|(reference, before)| {
        let now = known
            .images
            .get(*reference)
            .and_then(|facts| facts.digest.as_ref());
        before.digest.is_some() && now != before.digest.as_ref()
    });
    if let Some((reference, _)) = moved {
        drop(docker.remove_image(&looked.reference).await);
        let why = format!("{reference} moved to another image while this was built; do it again");
        return Ending::without_image(BuildStatus::Failed, Some(why));
    }
    // What is only here since this build is remembered by later keys when it is asked for, not before.
    if let Err(error) = remember(engine, &known.platform, &looked.bases) {
        tracing::warn!(%error, "the base images could not be remembered");
    }
    ending
}
