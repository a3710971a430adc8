//! One build from its turn in the queue to its end: contexts, bake file, `docker buildx bake`, result.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, MissedTickBehavior};

use super::contexts::contexts;
use super::file::{Output, bake_file};
use super::log::LogWriter;
use super::process::{end_group, spawn};
use super::progress::Decoder;
use super::record::Recorder;
use super::services::{
    BROKEN_CACHE, CacheExports, builder, cache_at_fault, cache_exports, cache_troubles, context_env,
    services_built, services_output, what_to_do,
};
use crate::catalogue::Ending;
use crate::clock::now_ms;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::{Prepared, blocking};
use crate::project::open;
use crate::recipe::Start;
use crate::registry::{RECORD, Record};
use crate::wire::{Build, BuildId, BuildStatus, BuiltImage, Phase, Step, StepStatus};

/// How often steps are written and a cancellation is looked for while a build runs.
const TICK: Duration = Duration::from_millis(50);

/// A build that has been claimed.
pub(crate) struct Job {
    pub(crate) id: BuildId,
    pub(crate) prepared: Prepared,
    pub(crate) no_cache: bool,
    pub(crate) timeout: Duration,
}

/// Why the child ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Itself { success: bool },
    Cancelled,
    TimedOut,
}

/// Runs a build to its end; whatever happens, the result says how it ended.
pub(crate) async fn execute(engine: &Engine, job: Job) -> Ending {
    let id = job.id.clone();
    let image = reference(&job.prepared.opened.options.repository, &id);
    let ending = match run(engine, job).await {
        Ok(ending) => ending,
        Err(error) => {
            // An engine that is not there has not judged the build: that is not a failure of it.
            let status = match error {
                Error::EngineUnreachable { .. } => BuildStatus::Interrupted,
                _ => BuildStatus::Failed,
            };
            let cause = std::error::Error::source(&error)
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            Ending::without_image(status, Some(format!("{error}{cause}")))
        }
    };
    engine.remove_work(&id);
    if ending.status != BuildStatus::Succeeded {
        // It may have been stopped just after its image was written.
        drop(engine.docker().remove_image(&image).await);
    }
    ending
}

/// Setting that tells up to when interrupted builds have been cleaned up after.
const SWEPT: &str = "images of interrupted builds removed up to";

/// Removes images that a process wrote and died before it could say so: no record leads to them.
async fn remove_unrecorded_images(engine: &Engine) -> Result<()> {
    let swept = engine
        .catalogue()
        .setting(SWEPT)?
        .and_then(|at| at.parse().ok())
        .unwrap_or(0);
    let interrupted = engine.catalogue().interrupted_since(swept)?;
    let Some(newest) = interrupted.iter().map(|(_, _, at)| *at).max() else {
        return Ok(());
    };
    for (id, project, _) in interrupted {
        if let Ok(opened) = open(engine, &project) {
            let image = reference(&opened.options.repository, &id);
            engine.docker().remove_image(&image).await?;
        }
    }
    engine.catalogue().set_setting(SWEPT, &newest.to_string())
}

async fn run(engine: &Engine, job: Job) -> Result<Ending> {
    let Job {
        id,
        prepared,
        no_cache,
        timeout,
    } = job;
    let work = engine.work_path(&id);
    std::fs::create_dir_all(&work).map_err(Error::file("making the folder", &work))?;
    let log = LogWriter::create(&engine.log_path(&id), now_ms())?;
    let mut recorder = Recorder::new(log, prepared.recipe.tasks());
    let docker = engine.docker_at(prepared.context());
    docker.ping().await?;
    let buildx = engine.docker().buildx().await?.clone();
    if let Err(error) = remove_unrecorded_images(engine).await {
        tracing::warn!(%error, "images of interrupted builds could not be removed");
    }

    let start = match &prepared.base {
        Some(base) => Start::Base {
            reference: base.reference.clone(),
            removals: base.removes(),
            moved: base.moved(),
        },
        None => Start::Image,
    };
    let targets = match &prepared.services {
        Some(services) => services.targets.clone(),
        None => prepared.recipe.targets(&start, &prepared.images),
    };
    let name = if prepared.base.is_some() {
        "take the changed files from git"
    } else {
        "take the source from git"
    };
    let step = recorder.begin(name, Phase::Context);
    engine.catalogue().put_steps(&id, &recorder.take_changes()?)?;
    let (prepared, contexts) = {
        let engine = engine.clone();
        let (work, targets) = (work.clone(), targets.clone());
        blocking(move || {
            let contexts = contexts(&engine, &prepared, &targets, &work);
            Ok((prepared, contexts))
        })
        .await?
    };
    let contexts = match contexts {
        Ok(contexts) => contexts,
        Err(error) => {
            recorder.finish(step, Some(error.to_string()));
            engine.catalogue().put_steps(&id, &recorder.take_changes()?)?;
            return Err(error);
        }
    };
    for warning in &contexts.warnings {
        recorder.note(step, warning)?;
    }
    recorder.finish(step, None);
    engine.catalogue().put_steps(&id, &recorder.take_changes()?)?;

    let record = record_of(engine, &prepared, &id)?;
    let labels = |name: &str| labels(&prepared, &id, record.as_ref(), name);
    let mut caches = cache_exports(engine, &prepared).await;
    if let Some(why) = &caches.why_not {
        recorder.note(0, why)?;
    }
    let path = work.join("bake.json");
    let write = |caches: &CacheExports| {
        let output = |name: &str| match &prepared.services {
            Some(services) => services_output(services, name, caches),
            None => Output {
                tags: vec![reference(&prepared.opened.options.repository, &id)],
                ..Output::default()
            },
        };
        let places = &contexts.places;
        let file = bake_file(
            &targets,
            places,
            &output,
            &labels,
            &prepared.plan.platform,
            no_cache,
        );
        let text = serde_json::to_vec_pretty(&file)
            .map_err(|e| Error::internal("the bake file could not be written", e))?;
        std::fs::write(&path, text).map_err(Error::file("writing", &path))?;
        Ok::<_, Error>(file)
    };
    let file = write(&caches)?;

    let metadata = work.join("metadata.json");
    let mut arguments: Vec<String> = ["buildx", "bake", "--progress", "rawjson"]
        .map(str::to_owned)
        .into();
    arguments.extend([
        "--file".into(),
        shown(&path),
        "--metadata-file".into(),
        shown(&metadata),
    ]);
    if let Some(builder) = builder(&prepared) {
        arguments.push(format!("--builder={builder}"));
    }
    if buildx.wants_allow() {
        for folder in [&work, &engine.home().join("checkouts")] {
            arguments.extend(["--allow".into(), format!("fs.read={}", folder.display())]);
        }
        for secret in secret_files(&file) {
            arguments.extend(["--allow".into(), format!("fs.read={secret}")]);
        }
    }
    let mut env = engine.docker().location.env();
    env.extend(context_env(engine, &prepared));
    // Provenance of local builds costs half a second each and nobody reads it.
    env.push(("BUILDX_NO_DEFAULT_ATTESTATIONS".to_owned(), "1".to_owned()));
    // buildx writes Dockerfiles that stand in the bake file to a folder and forgets it; here it goes with the build's.
    let temporary = work.join("tmp");
    std::fs::create_dir_all(&temporary).map_err(Error::file("making the folder", &temporary))?;
    env.push(("TMPDIR".to_owned(), shown(&temporary)));
    recorder.note(0, &format!("docker {}", arguments.join(" ")))?;

    let began = Instant::now();
    let (mut stop, mut noise) = watch(engine, &id, &mut recorder, &arguments, &work, &env, timeout).await?;
    let failed_itself = stop == Stop::Itself { success: false } && !no_cache;
    let again = match prepared.services {
        _ if failed_itself && lost_cache(recorder.steps()) => Some(LOST_CACHE),
        Some(_) if failed_itself && cache_at_fault(recorder.steps()) => Some(BROKEN_CACHE),
        _ => None,
    };
    let mut troubles = Vec::new();
    if let Some(why) = again {
        troubles = cache_troubles(recorder.steps());
        recorder.note(0, why)?;
        recorder.begin_again();
        if why == LOST_CACHE {
            arguments.push("--no-cache".into());
        } else {
            caches.no_imports = true;
            write(&caches)?;
        }
        let left = timeout.saturating_sub(began.elapsed());
        (stop, noise) = watch(engine, &id, &mut recorder, &arguments, &work, &env, left).await?;
    }
    let mut ending = match stop {
        Stop::Cancelled => Ending::without_image(BuildStatus::Cancelled, None),
        Stop::TimedOut => {
            let minutes = timeout.as_secs() / 60;
            let why = format!(
                "stopped at the time limit of {minutes} min {} s",
                timeout.as_secs() % 60
            );
            Ending::without_image(BuildStatus::TimedOut, Some(why))
        }
        Stop::Itself { success: true } => match &prepared.services {
            Some(services) => services_built(engine, &prepared, services, &metadata).await?,
            None => succeeded(engine, &prepared, &id, recorder.steps()).await?,
        },
        Stop::Itself { success: false } => failed(engine, recorder.steps(), &noise).await,
    };
    ending.warnings.extend(again.map(str::to_owned));
    ending.warnings.extend(troubles);
    ending.warnings.extend(caches.why_not.clone());
    ending.warnings.extend(cache_troubles(recorder.steps()));
    let running = if ending.status == BuildStatus::Succeeded {
        StepStatus::Done
    } else {
        StepStatus::Cancelled
    };
    recorder.close(running);
    if let Some(error) = &ending.error {
        recorder.note(ending.failed_number.unwrap_or(0), error)?;
    }
    engine.catalogue().put_steps(&id, &recorder.take_changes()?)?;
    Ok(ending)
}

/// Returns the labels of a result.
fn labels(
    prepared: &Prepared,
    id: &BuildId,
    record: Option<&Record>,
    name: &str,
) -> Vec<(&'static str, String)> {
    let commit = ("dev.headstart.commit", prepared.plan.commit.clone());
    let keys = |environment: &str, code: &str| {
        [
            ("dev.headstart.environment", environment.to_owned()),
            ("dev.headstart.code", code.to_owned()),
        ]
    };
    let service = prepared.services.as_ref().and_then(|_| {
        let mut targets = prepared.plan.targets.iter();
        targets.find(|target| target.name == name)
    });
    let mut labels = vec![commit];
    match service {
        // The same on every machine that builds this commit: with a label of one build it would be another image each
        // time, and machines that share a registry would take each other's away.
        Some(target) => {
            labels.extend(keys(&target.environment_key, &target.code_key));
            let record = record.map(|record| Record {
                target: target.clone(),
                ..record.clone()
            });
            // A label is no place for what cannot be written; without it the image still serves here.
            let text = record.and_then(|record| serde_json::to_string(&record).ok());
            labels.extend(text.map(|text| (RECORD, text)));
        }
        None => {
            labels.push(("dev.headstart.build", id.to_string()));
            labels.extend(keys(&prepared.environment_key, &prepared.code_key));
        }
    }
    labels
}

/// Returns what travels with the images of a pipeline to a registry, where others find them by their keys.
fn record_of(engine: &Engine, prepared: &Prepared, id: &BuildId) -> Result<Option<Record>> {
    let pushes = prepared
        .services
        .as_ref()
        .is_some_and(crate::plan::Services::pushes);
    let (true, Some(first)) = (pushes && prepared.steps.is_some(), prepared.plan.targets.first()) else {
        return Ok(None);
    };
    let build = engine.catalogue().build(id)?;
    Ok(Some(Record {
        build: Build {
            fields: Vec::new(),
            steps: Vec::new(),
            phases: Vec::new(),
            warnings: Vec::new(),
            ..build
        },
        producer: prepared.repo.user_name(),
        target: first.clone(),
    }))
}

/// Lists the files that a bake file's secrets come from.
fn secret_files(file: &serde_json::Value) -> Vec<&str> {
    let targets = file["target"]
        .as_object()
        .into_iter()
        .flat_map(|all| all.values());
    let secrets = targets.filter_map(|target| target["secret"].as_array()).flatten();
    let words = secrets
        .filter_map(serde_json::Value::as_str)
        .flat_map(|text| text.split(','));
    words
        .filter_map(|word| word.strip_prefix("src=").or_else(|| word.strip_prefix("source=")))
        .collect()
}

pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Returns the name and tag of a build's image.
fn reference(repository: &str, id: &BuildId) -> String {
    // Names of images are lower case, with single separators between letters and digits.
    let mut name = String::new();
    for c in repository.to_ascii_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    format!(
        "headstart/{}:{id}",
        if name.is_empty() { "workspace" } else { name }
    )
}

pub(super) async fn watch(
    engine: &Engine,
    id: &BuildId,
    recorder: &mut Recorder,
    arguments: &[String],
    folder: &Path,
    env: &[(String, String)],
    timeout: Duration,
) -> Result<(Stop, String)> {
    let mut child = spawn("docker", arguments, folder, env)?;
    let group = child.id().unwrap_or(0);
    engine.catalogue().set_process_group(id, group)?;
    let mut progress = child.stderr.take();
    let mut output = child.stdout.take();
    let mut decoder = Decoder::default();
    let mut said = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut other = vec![0; 4 * 1024];
    let deadline = Instant::now() + timeout;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut changes = engine.catalogue().subscribe();
    let mut last_look = Instant::now();
    let mut stop = None;
    while progress.is_some() || output.is_some() {
        tokio::select! {
            count = read(&mut progress, &mut buffer) => match count {
                0 => progress = None,
                count => {
                    for update in decoder.push(&buffer[..count]) {
                        recorder.apply(update)?;
                    }
                }
            },
            count = read(&mut output, &mut other) => match count {
                0 => output = None,
                count => said.extend_from_slice(&other[..count.min(16 * 1024)]),
            },
            _ = tick.tick() => {
                let changed = recorder.take_changes()?;
                if !changed.is_empty() {
                    engine.catalogue().put_steps(id, &changed)?;
                }
                // Our own cancellations wake us; another process's are looked for now and then.
                let look = changes.has_changed().unwrap_or(false) || last_look.elapsed() > Duration::from_millis(250);
                if stop.is_none() && look {
                    changes.mark_unchanged();
                    last_look = Instant::now();
                    if engine.catalogue().cancel_requested(id)? {
                        stop = Some(Stop::Cancelled);
                    }
                }
                if stop.is_none() && Instant::now() >= deadline {
                    stop = Some(Stop::TimedOut);
                }
                if stop.is_some() {
                    end_group(group).await;
                    break;
                }
            }
        }
    }
    // What a killed program has left in its pipes still belongs to the log.
    while progress.is_some() {
        match tokio::time::timeout(TICK, read(&mut progress, &mut buffer)).await {
            Ok(0) | Err(_) => progress = None,
            Ok(count) => {
                for update in decoder.push(&buffer[..count]) {
                    recorder.apply(update)?;
                }
            }
        }
    }
    let status = child
        .wait()
        .await
        .map_err(|error| Error::internal("buildx could not be waited for", error))?;
    let noise = format!("{}{}", decoder.finish(), String::from_utf8_lossy(&said));
    Ok((
        stop.unwrap_or(Stop::Itself {
            success: status.success(),
        }),
        noise,
    ))
}

/// Reads what is there; never ready for a stream that has ended.
async fn read<R: AsyncRead + Unpin>(stream: &mut Option<R>, buffer: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

async fn succeeded(engine: &Engine, prepared: &Prepared, id: &BuildId, steps: &[Step]) -> Result<Ending> {
    let reference = reference(&prepared.opened.options.repository, id);
    let Some(image) = engine.docker().image(&reference).await? else {
        let why = "buildx reported success, but the Engine has no image of it".to_owned();
        return Ok(Ending::without_image(BuildStatus::Failed, Some(why)));
    };
    let load_ms = steps
        .iter()
        .filter(|step| step.phase == Phase::Resolve && !step.name.contains("definition"))
        .filter_map(|step| step.duration_ms)
        .max();
    let mut ending = Ending::without_image(BuildStatus::Succeeded, None);
    ending.images = vec![BuiltImage {
        target: prepared.target.clone(),
        reference,
        digest: image.digest,
        bytes: Some(image.bytes),
    }];
    ending.layers = Some(image.layers);
    ending.load_ms = load_ms;
    Ok(ending)
}

pub(super) const LOST_CACHE: &str =
    "BuildKit had lost a layer of its cache, so this was built once more without cache";

/// Returns whether a build failed at a layer that BuildKit's cache names and its store does not have: a client that died
/// while a layer was being written can leave that behind, and every build that would use it fails.
pub(super) fn lost_cache(steps: &[Step]) -> bool {
    let lost = |error: &str| {
        error.contains("snapshot")
            && error.contains("does not exist: not found")
            && !error.contains("did not complete successfully")
    };
    steps
        .iter()
        .any(|step| step.status == StepStatus::Failed && step.error.as_deref().is_some_and(lost))
}

/// Tells a failing step from an engine that went away.
pub(super) async fn failed(engine: &Engine, steps: &[Step], noise: &str) -> Ending {
    let lost = [
        "code = Unavailable",
        "error reading from server",
        "connection reset",
        "connection refused",
        "Cannot connect to the Docker daemon",
    ];
    // A registry may refuse connections too: that is its trouble, and its words are what helps.
    let registrys = [
        "failed to do request",
        "failed to push",
        "failed to authorize",
        "failed to fetch",
    ];
    let of_registry = |text: &str| registrys.iter().any(|mark| text.contains(mark));
    let says_lost = |text: &str| {
        text.lines()
            .filter(|line| !of_registry(line))
            .any(|line| lost.iter().any(|mark| line.contains(mark)))
    };
    // A cache that could not be read costs time and fails nothing.
    let failed: Vec<&Step> = steps
        .iter()
        .filter(|step| step.status == StepStatus::Failed && step.phase != Phase::CacheImport)
        .collect();
    let tasks: Vec<&&Step> = failed.iter().filter(|step| step.exit_code.is_some()).collect();
    let answers = engine.docker().ping().await.is_ok();
    if tasks.is_empty()
        && (!answers || says_lost(noise) || failed.iter().filter_map(|s| s.error.as_deref()).any(says_lost))
    {
        let why = "the Docker engine went away during the build".to_owned();
        return Ending::without_image(BuildStatus::Interrupted, Some(why));
    }
    let mut ending = Ending::without_image(BuildStatus::Failed, None);
    if !tasks.is_empty() {
        let messages: Vec<String> = tasks
            .iter()
            .map(|step| format!("{} exited with {}", step.name, step.exit_code.unwrap_or(1)))
            .collect();
        let names: Vec<&str> = tasks.iter().map(|step| step.name.as_str()).collect();
        ending.error = Some(crate::recipe::workspace::tasks::joined_failures(
            messages.iter().map(String::as_str),
        ));
        ending.failed_step = Some(names.join(", "));
        ending.failed_number = Some(tasks[0].number);
    } else if let Some(step) = failed.first() {
        let error = step.error.as_deref().unwrap_or("failed");
        // What it begins with is asked for before anything is built.
        let what = match step.name.contains("load metadata for") {
            true => "an image that it begins with cannot be had",
            false => "the registry did not take the image",
        };
        ending.error = Some(match of_registry(error) {
            true => format!("{what}: {error}{}", what_to_do(error)),
            false => format!("{}: {error}", step.name),
        });
        ending.failed_step = Some(step.name.clone());
        ending.failed_number = Some(step.number);
    } else {
        let last = noise.lines().map(str::trim).rfind(|line| !line.is_empty());
        ending.error = Some(
            last.unwrap_or("buildx ended with an error and did not say which")
                .to_owned(),
        );
    }
    ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_valid_whatever_the_folder_is_called() {
        let id = BuildId("0123456789abcdef".into());
        for (folder, expected) in [
            ("redis", "headstart/redis:0123456789abcdef"),
            ("My Project", "headstart/my-project:0123456789abcdef"),
            ("--x__y..", "headstart/x-y:0123456789abcdef"),
            ("日本", "headstart/workspace:0123456789abcdef"),
        ] {
            assert_eq!(reference(folder, &id), expected);
        }
    }
}
