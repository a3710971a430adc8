//! One build of a folder with a Dockerfile, from its turn in the queue to its end: the folder is copied, built, loaded into
//! the stack's engine and, where wanted, pushed from there.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::execute::{LOST_CACHE, Stop, failed, lost_cache, shown, watch};
use super::file::{Context, Output, Places, TargetSpec, bake_file};
use super::log::LogWriter;
use super::record::Recorder;
use super::services::{engine_env, what_to_do};
use super::{Answer, ask_program};
use crate::catalogue::Ending;
use crate::clock::now_ms;
use crate::docker::{HUB, registry_host, registry_users};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::blocking;
use crate::recipe::compose::reference::names_registry;
use crate::wire::{BuildId, BuildStatus, BuiltImage, Phase, Stack, StepStatus};

/// Longest time for sending an image to its registry.
const PUSH: Duration = Duration::from_secs(60 * 60);
/// How often a cancellation is looked for while an image is pushed.
const POLL: Duration = Duration::from_millis(100);

/// A folder that becomes an image.
pub(crate) struct FolderJob {
    pub(crate) id: BuildId,
    pub(crate) stack: Stack,
    /// Name of the bake target.
    pub(crate) target: String,
    /// Name and tag of the result.
    pub(crate) reference: String,
    /// Dockerfile text.
    pub(crate) dockerfile: String,
    pub(crate) arguments: BTreeMap<String, String>,
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) platform: String,
    /// Pushed once it is loaded.
    pub(crate) push: bool,
    pub(crate) timeout: Duration,
}

/// Runs a build to its end; whatever happens, the result says how it ended. `lay_out` fills the folder it is given with the
/// context, and returns sentences that are worth knowing.
pub(crate) async fn execute_folder(
    engine: &Engine,
    job: FolderJob,
    lay_out: impl FnOnce(&Path) -> Result<Vec<String>> + Send + 'static,
) -> Ending {
    let (id, reference) = (job.id.clone(), job.reference.clone());
    let docker = engine.docker_at(job.stack.context.as_deref());
    let ending = match run(engine, job, lay_out).await {
        Ok(ending) => ending,
        Err(error) => {
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
        drop(docker.remove_image(&reference).await);
    }
    ending
}

async fn run(
    engine: &Engine,
    job: FolderJob,
    lay_out: impl FnOnce(&Path) -> Result<Vec<String>> + Send + 'static,
) -> Result<Ending> {
    let id = &job.id;
    let work = engine.work_path(id);
    std::fs::create_dir_all(&work).map_err(Error::file("making the folder", &work))?;
    let mut recorder = Recorder::new(LogWriter::create(&engine.log_path(id), now_ms())?, None);
    let docker = engine.docker_at(job.stack.context.as_deref());
    docker.ping().await?;
    let buildx = engine.docker().buildx().await?.clone();

    let step = recorder.begin("copy the files of the folder", Phase::Context);
    engine.catalogue().put_steps(id, &recorder.take_changes()?)?;
    let context = work.join("context");
    let copied = {
        let context = context.clone();
        blocking(move || Ok(lay_out(&context))).await?
    };
    let warnings = match copied {
        Ok(warnings) => warnings,
        Err(error) => {
            recorder.finish(step, Some(error.to_string()));
            engine.catalogue().put_steps(id, &recorder.take_changes()?)?;
            return Err(error);
        }
    };
    for warning in &warnings {
        recorder.note(step, warning)?;
    }
    recorder.finish(step, None);
    engine.catalogue().put_steps(id, &recorder.take_changes()?)?;

    let path = work.join("bake.json");
    let text = serde_json::to_vec_pretty(&file(&job, &work, &context))
        .map_err(|e| Error::internal("the bake file could not be written", e))?;
    std::fs::write(&path, text).map_err(Error::file("writing", &path))?;
    let mut arguments: Vec<String> = ["buildx", "bake", "--progress", "rawjson", "--file"]
        .map(str::to_owned)
        .into();
    arguments.push(shown(&path));
    if let Some(builder) = &job.stack.builder {
        arguments.push(format!("--builder={builder}"));
    }
    if buildx.wants_allow() {
        arguments.extend(["--allow".into(), format!("fs.read={}", work.display())]);
    }
    let mut env = engine.docker().location.env();
    env.extend(engine_env(
        engine,
        job.stack.builder.as_deref(),
        job.stack.context.as_deref(),
    ));
    env.push(("BUILDX_NO_DEFAULT_ATTESTATIONS".to_owned(), "1".to_owned()));
    let temporary = work.join("tmp");
    std::fs::create_dir_all(&temporary).map_err(Error::file("making the folder", &temporary))?;
    env.push(("TMPDIR".to_owned(), shown(&temporary)));
    recorder.note(0, &format!("docker {}", arguments.join(" ")))?;

    let began = Instant::now();
    let (mut stop, mut noise) =
        watch(engine, id, &mut recorder, &arguments, &work, &env, job.timeout).await?;
    let mut more = Vec::new();
    if stop == (Stop::Itself { success: false }) && lost_cache(recorder.steps()) {
        recorder.note(0, LOST_CACHE)?;
        recorder.begin_again();
        more.push(LOST_CACHE.to_owned());
        arguments.push("--no-cache".into());
        let left = job.timeout.saturating_sub(began.elapsed());
        (stop, noise) = watch(engine, id, &mut recorder, &arguments, &work, &env, left).await?;
    }
    let mut ending = match stop {
        Stop::Cancelled => Ending::without_image(BuildStatus::Cancelled, None),
        Stop::TimedOut => {
            let seconds = job.timeout.as_secs();
            let why = format!(
                "stopped at the time limit of {} min {} s",
                seconds / 60,
                seconds % 60
            );
            Ending::without_image(BuildStatus::TimedOut, Some(why))
        }
        Stop::Itself { success: true } => finished(engine, &job, &mut recorder).await?,
        Stop::Itself { success: false } => failed(engine, recorder.steps(), &noise).await,
    };
    ending.warnings.extend(warnings);
    ending.warnings.extend(more);
    recorder.close(if ending.status == BuildStatus::Succeeded {
        StepStatus::Done
    } else {
        StepStatus::Cancelled
    });
    if let Some(error) = &ending.error {
        recorder.note(ending.failed_number.unwrap_or(0), error)?;
    }
    engine.catalogue().put_steps(id, &recorder.take_changes()?)?;
    Ok(ending)
}

/// Returns the bake file: one target, whose image is loaded into the engine.
fn file(job: &FolderJob, work: &Path, context: &Path) -> Value {
    let mut definition = Map::new();
    definition.insert("context".into(), shown(context).into());
    if !job.arguments.is_empty() {
        definition.insert("args".into(), json!(job.arguments));
    }
    let target = TargetSpec {
        name: job.target.clone(),
        dockerfile: Some(job.dockerfile.clone()),
        dockerfile_path: None,
        context: Context::Empty,
        contexts: Vec::new(),
        result: true,
        definition: Some(definition),
        ignore: None,
        secrets: Vec::new(),
    };
    let places = Places {
        source: None,
        repository: None,
        delta: None,
        git: None,
        extras: BTreeMap::new(),
        work: work.to_owned(),
    };
    let output = |_: &str| Output {
        tags: vec![job.reference.clone()],
        ..Output::default()
    };
    let labels = |_: &str| job.labels.clone();
    bake_file(&[target], &places, &output, &labels, &job.platform, false)
}

/// Collects the image of a build that succeeded, and pushes it.
async fn finished(engine: &Engine, job: &FolderJob, recorder: &mut Recorder) -> Result<Ending> {
    let docker = engine.docker_at(job.stack.context.as_deref());
    let Some(image) = docker.image(&job.reference).await? else {
        let why = "buildx reported success, but the engine has no image of it".to_owned();
        return Ok(Ending::without_image(BuildStatus::Failed, Some(why)));
    };
    if job.push {
        let name = format!("push {}", job.reference);
        let step = recorder.begin(&name, Phase::Push);
        engine.catalogue().put_steps(&job.id, &recorder.take_changes()?)?;
        let pushed = tokio::select! {
            pushed = push(engine, &job.stack, &job.reference) => pushed,
            () = cancelled(engine, &job.id) => {
                return Ok(Ending::without_image(BuildStatus::Cancelled, None));
            }
        };
        // A record has one sentence: what to do belongs to it.
        let trouble = pushed.err().map(|error| match &error {
            Error::Refused {
                message,
                hint: Some(hint),
            } => format!("{message}; {hint}"),
            other => other.to_string(),
        });
        recorder.finish(step, trouble.clone());
        if trouble.is_some() {
            let mut ending = Ending::without_image(BuildStatus::Failed, trouble);
            ending.failed_step = Some(name);
            ending.failed_number = Some(step);
            return Ok(ending);
        }
    }
    let mut ending = Ending::without_image(BuildStatus::Succeeded, None);
    ending.images = vec![BuiltImage {
        target: job.target.clone(),
        reference: job.reference.clone(),
        digest: image.digest,
        bytes: Some(image.bytes),
    }];
    ending.layers = Some(image.layers);
    Ok(ending)
}

/// Is ready when somebody, in whichever process, asked for the build's end.
async fn cancelled(engine: &Engine, id: &BuildId) {
    loop {
        tokio::time::sleep(POLL).await;
        match engine.catalogue().cancel_requested(id) {
            Ok(false) => {}
            Ok(true) => return,
            Err(error) => tracing::warn!(build = %id, %error, "the catalogue could not be asked"),
        }
    }
}

/// Sends an image that a stack's engine has to the registry of its name, with the login that docker has for it.
pub(crate) async fn push(engine: &Engine, stack: &Stack, reference: &str) -> Result<()> {
    let answer = docker(engine, stack, &["push", "--quiet", reference], PUSH).await?;
    if answer.success {
        return Ok(());
    }
    let said = answer
        .stderr
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty());
    let said = said.unwrap_or("docker did not say why");
    let host = match reference.split_once('/') {
        Some((host, _)) if names_registry(reference) => registry_host(host),
        _ => HUB.to_owned(),
    };
    let location = &engine.docker().location;
    let users = registry_users(location, engine.home(), &host)
        .await
        .unwrap_or_default();
    let login = match users.first() {
        None => format!("docker has no login for {host}"),
        Some(None) => format!("docker has a login for {host}"),
        Some(Some(user)) => format!("docker's login for {host} is of {user}"),
    };
    let hint = match what_to_do(said) {
        "" => "; see that the registry answers",
        hint => hint,
    };
    Err(Error::refused(
        format!("{reference} could not be pushed: {said}"),
        format!("{login}{hint}"),
    ))
}

/// Runs a docker command at a stack's engine.
pub(crate) async fn docker(
    engine: &Engine,
    stack: &Stack,
    words: &[&str],
    limit: Duration,
) -> Result<Answer> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let mut env = engine.docker().location.env();
    env.extend(engine_env(engine, None, stack.context.as_deref()));
    ask_program("docker", &words, engine.home(), &env, limit).await
}
