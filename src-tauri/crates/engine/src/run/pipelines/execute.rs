//! Carrying a run out: build what is missing, get the code ready, then one container after the other.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use super::code::{self, Code};
use super::command::{command, variables};
use super::log_id;
use crate::bake::{LogWriter, sanitise};
use crate::builds::{self, Started};
use crate::clock::now_ms;
use crate::docker::{Docker, StepContainer, Written};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::{Prepared, remember};
use crate::recipe::pipeline::StepSpec;
use crate::run::images::present;
use crate::wire::{
    BuildEvent, BuildRequest, BuildStatus, BuiltImage, Decision, Delivery, PipelineRun, StepStatus,
};

/// Label of the containers and volumes of a run, with its id.
pub(crate) const LABEL: &str = "dev.headstart.pipeline-run";
/// Where images have their code, and where it is unpacked below.
pub const FOLDER: &str = "/app";
/// Where delivered code is unpacked.
pub const CODE: &str = "/app/code";
/// What the steps of a run share, and nobody else.
const SHARED: &str = "/headstart/run";
/// How often the catalogue is asked whether somebody cancelled.
const POLL: Duration = Duration::from_millis(100);
/// How a run came to an end.
enum End {
    Succeeded,
    Failed(String),
    Cancelled,
}

/// A run at work.
struct Work {
    engine: Engine,
    run: PipelineRun,
    log: LogWriter,
}

/// Carries a run out; whatever happens, its record says how it ended.
pub(super) async fn execute(
    engine: Engine,
    run: PipelineRun,
    request: BuildRequest,
    prepared: Prepared,
    parameters: Vec<(String, Value)>,
) {
    let log = match LogWriter::create(&engine.log_path(&log_id(&run.id)), run.created_at) {
        Ok(log) => log,
        Err(error) => {
            let mut run = run;
            end(&mut run, BuildStatus::Failed, Some(error.to_string()));
            drop(engine.catalogue().put_run(&run));
            return;
        }
    };
    let mut work = Work {
        engine: engine.clone(),
        run,
        log,
    };
    let id = work.run.id.clone();
    let docker = engine.docker_at(prepared.context());
    let cancelled = cancelled(engine.clone(), id.clone());
    let ended = tokio::select! {
        ended = work.all(&request, prepared, parameters) => ended,
        () = cancelled => Ok(End::Cancelled),
    };
    remove_all(&docker, &id).await;
    if matches!(ended, Ok(End::Cancelled)) {
        // One that was being made while the others were removed.
        tokio::time::sleep(Duration::from_millis(300)).await;
        remove_all(&docker, &id).await;
    }
    let (status, error) = match ended {
        Ok(End::Succeeded) => (BuildStatus::Succeeded, None),
        Ok(End::Failed(why)) => (BuildStatus::Failed, Some(why)),
        Ok(End::Cancelled) => (BuildStatus::Cancelled, None),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let text = format!("{error}{}", cause.unwrap_or_default());
            (BuildStatus::Failed, Some(text))
        }
    };
    if let Some(error) = &error {
        drop(work.say(0, error));
    }
    drop(work.log.flush());
    end(&mut work.run, status, error);
    // Who watches may leave as soon as the record says that it ended, and the process with it.
    let told = crate::inbox::report_run(&engine, &work.run);
    if let Err(error) = told.and_then(|()| engine.catalogue().put_run(&work.run)) {
        tracing::error!(run = id, %error, "the end of the run could not be recorded");
    }
}

/// Writes the end into a record.
fn end(run: &mut PipelineRun, status: BuildStatus, error: Option<String>) {
    run.status = status;
    run.error = error;
    run.duration_ms = u64::try_from(now_ms() - run.created_at).unwrap_or(0);
    for step in run
        .steps
        .iter_mut()
        .filter(|step| step.status == StepStatus::Running)
    {
        step.status = StepStatus::Cancelled;
        step.duration_ms = step.started_at.and_then(|at| u64::try_from(now_ms() - at).ok());
    }
}

/// Is ready when somebody, in whichever process, asked for the run's end.
async fn cancelled(engine: Engine, id: String) {
    loop {
        tokio::time::sleep(POLL).await;
        match engine.catalogue().run_cancelled(&id) {
            Ok(false) => {}
            Ok(true) => return,
            Err(error) => tracing::warn!(run = id, %error, "the catalogue could not be asked"),
        }
    }
}

/// Removes the containers and the volume of a run.
async fn remove_all(docker: &Docker, run: &str) {
    let ours = format!("{LABEL}={run}");
    match docker.deployed(&ours).await {
        Ok(containers) => {
            for container in containers {
                if let Err(error) = docker.remove_container(&container.id).await {
                    tracing::warn!(run, %error, "a container could not be removed");
                }
            }
        }
        Err(error) => tracing::warn!(run, %error, "the run's containers could not be listed"),
    }
    if let Err(error) = docker.remove_volume(&volume(run)).await {
        tracing::warn!(run, %error, "the run's volume could not be removed");
    }
}

fn volume(run: &str) -> String {
    format!("headstart-run-{run}")
}

/// Ends the runs whose process is gone, and removes their containers in the background.
pub(crate) fn reconcile(engine: &Engine, is_alive: impl Fn(&str) -> bool) -> Result<()> {
    for (mut run, owner) in engine.catalogue().unfinished_runs()? {
        if is_alive(&owner) {
            continue;
        }
        let why = "Headstart was ended while it ran".to_owned();
        end(&mut run, BuildStatus::Interrupted, Some(why));
        if engine.catalogue().put_run(&run)? {
            crate::inbox::report_run(engine, &run)?;
        }
        let context = crate::stack::get(engine, &run.stack)
            .ok()
            .and_then(|stack| stack.context);
        let docker = engine.docker_at(context.as_deref());
        engine.clear_up(async move { remove_all(&docker, &run.id).await });
    }
    Ok(())
}

impl Work {
    /// Writes a line into the log.
    fn say(&mut self, step: u32, text: &str) -> Result<()> {
        for line in text.lines() {
            self.log.line(step, now_ms(), &sanitise(line.as_bytes()))?;
        }
        self.log.flush()
    }

    fn store(&self) -> Result<()> {
        self.engine.catalogue().put_run(&self.run).map(drop)
    }

    async fn all(
        &mut self,
        request: &BuildRequest,
        mut prepared: Prepared,
        parameters: Vec<(String, Value)>,
    ) -> Result<End> {
        let images = match self.images(request, &mut prepared).await? {
            Ok(images) => images,
            Err(end) => return Ok(end),
        };
        let code = code::ready(&self.engine, &prepared, &self.run).await?;
        if let Some(code) = &code {
            self.run.archive = Some(code.digest.clone());
            self.say(0, &code.told)?;
            for warning in &code.warnings {
                self.say(0, warning)?;
            }
            self.run.warnings.extend(code.warnings.iter().cloned());
        }
        self.store()?;
        let docker = self.engine.docker_at(prepared.context());
        let Some(all) = prepared.steps.take() else {
            return Ok(End::Failed("the plan has no steps".to_owned()));
        };
        for (place, (step, delivery)) in all.steps.iter().enumerate() {
            let Some(image) = images.get(&step.target) else {
                let keys: Vec<&str> = images.keys().map(String::as_str).collect();
                return Ok(End::Failed(format!(
                    "the build has no image for {}; it has {}",
                    step.target,
                    keys.join(", ")
                )));
            };
            let wanted = (image.reference.as_str(), image.digest.as_str());
            let context = prepared.context().map(str::to_owned);
            let engine = self.engine.clone();
            let image = present(&engine, &docker, context.as_deref(), wanted, |line| {
                self.say(0, line)
            })
            .await?;
            self.run.steps[place].image.clone_from(&image);
            let keeps_entrypoint = all.entrypoints.contains(&step.target);
            let code = code.as_ref().filter(|_| is_unpacked(*delivery));
            let given = given_to(step, &all.steps, &parameters);
            let container = self.container(step, *delivery, image, keeps_entrypoint, given);
            let exit = self.step(&docker, place, container, code).await?;
            if exit != 0 {
                return Ok(End::Failed(format!(
                    "step {} ended with exit code {exit}",
                    step.name
                )));
            }
        }
        Ok(End::Succeeded)
    }

    /// Builds what is missing and returns the images by target.
    async fn images(
        &mut self,
        request: &BuildRequest,
        prepared: &mut Prepared,
    ) -> Result<std::result::Result<BTreeMap<String, BuiltImage>, End>> {
        let by_target = |images: Vec<BuiltImage>| -> BTreeMap<String, BuiltImage> {
            images
                .into_iter()
                .map(|image| (image.target.clone(), image))
                .collect()
        };
        if prepared.plan.decision == Decision::Reuse {
            let foreign = prepared.steps.iter().flat_map(|steps| &steps.foreign);
            for record in foreign {
                self.engine.catalogue().import(record)?;
            }
            if let Some(build) = &prepared.plan.build {
                self.engine.catalogue().count_reuse(build)?;
            }
            remember(&self.engine, &prepared.plan.platform, &prepared.images)?;
            self.run.build.clone_from(&prepared.plan.build);
            self.run.reused = true;
            self.say(0, &reuse_line(prepared))?;
            self.store()?;
            let reused = prepared.services.as_ref().map(|services| services.reused.clone());
            return Ok(Ok(by_target(reused.unwrap_or_default())));
        }
        let started = builds::start_detailed(&self.engine, request).await?;
        let id = started.id().clone();
        self.run.build = Some(id.clone());
        self.run.reused = matches!(started, Started::Reused(_));
        self.say(0, &format!("building {id}: {}", prepared.plan.reason))?;
        self.store()?;
        let guard = CancelBuild {
            engine: self.engine.clone(),
            build: matches!(started, Started::New(_)).then(|| id.clone()),
        };
        let last = std::sync::Mutex::new(None);
        builds::watch(&self.engine, &id, |event| {
            if let BuildEvent::Finished { build } = event {
                *crate::engine::lock(&last) = Some(build);
            }
            true
        })
        .await?;
        guard.forget();
        let built = match crate::engine::lock(&last).take() {
            Some(built) => built,
            None => builds::get(&self.engine, &id)?,
        };
        match built.status {
            BuildStatus::Succeeded => {}
            BuildStatus::Cancelled => return Ok(Err(End::Cancelled)),
            status => {
                let why = built.error.unwrap_or_else(|| status.as_str().replace('_', " "));
                return Ok(Err(End::Failed(format!("the build {id} failed: {why}"))));
            }
        }
        let mut images = by_target(built.images);
        // What is used as it is belongs to no build.
        let ready = prepared.services.as_ref().map(|services| services.reused.clone());
        for image in ready.unwrap_or_default() {
            images.entry(image.target.clone()).or_insert(image);
        }
        Ok(Ok(images))
    }

    fn container(
        &self,
        step: &StepSpec,
        delivery: Delivery,
        image: String,
        keeps_entrypoint: bool,
        given: Vec<(String, Value)>,
    ) -> StepContainer {
        let mut parameters = step.parameters.clone();
        parameters.extend(given);
        let mut environment = vec![
            "PYTHONUNBUFFERED=1".to_owned(),
            format!("HEADSTART_RUN={}", self.run.id),
            format!("HEADSTART_STEP={}", step.name),
            format!("HEADSTART_PIPELINE={}", self.run.pipeline),
            format!("HEADSTART_RUN_DIR={SHARED}"),
        ];
        environment.extend(
            self.run
                .commit
                .iter()
                .map(|commit| format!("HEADSTART_COMMIT={commit}")),
        );
        environment.extend(
            step.environment
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        environment.extend(variables(&parameters));
        StepContainer {
            image,
            command: command(&step.runs, &parameters),
            keeps_entrypoint,
            environment,
            working_dir: match delivery {
                Delivery::None => None,
                Delivery::Included => Some(FOLDER.to_owned()),
                Delivery::CodeRepository | Delivery::ArtifactStore => Some(CODE.to_owned()),
            },
            labels: HashMap::from([
                (LABEL.to_owned(), self.run.id.clone()),
                ("dev.headstart.project".to_owned(), self.run.project_name.clone()),
                ("dev.headstart.step".to_owned(), step.name.clone()),
            ]),
            binds: vec![format!("{}:{SHARED}", volume(&self.run.id))],
        }
    }

    /// Runs one step to its end and returns its exit code.
    async fn step(
        &mut self,
        docker: &Docker,
        place: usize,
        container: StepContainer,
        code: Option<&Code>,
    ) -> Result<i32> {
        self.run.steps[place].status = StepStatus::Running;
        self.run.steps[place].started_at = Some(now_ms());
        let ended = self.contained(docker, place, container, code).await;
        let step = &mut self.run.steps[place];
        step.duration_ms = step.started_at.and_then(|at| u64::try_from(now_ms() - at).ok());
        step.status = match ended {
            Ok(0) => StepStatus::Done,
            _ => StepStatus::Failed,
        };
        step.exit_code = ended.as_ref().ok().copied();
        self.store()?;
        ended
    }

    async fn contained(
        &mut self,
        docker: &Docker,
        place: usize,
        container: StepContainer,
        code: Option<&Code>,
    ) -> Result<i32> {
        let number = self.run.steps[place].number;
        let id = docker.create_step(container).await?;
        if let Some(code) = code {
            docker.upload(&id, CODE, &code.path).await?;
        }
        self.store()?;
        docker.start_step(&id).await?;
        let (sender, mut lines) = mpsc::channel::<Written>(256);
        let following = docker.follow(&id, sender);
        tokio::pin!(following);
        let mut followed = None;
        loop {
            tokio::select! {
                line = lines.recv() => {
                    let Some(line) = line else { break };
                    self.write(number, &line.bytes, lines.is_empty())?;
                }
                done = &mut following, if followed.is_none() => followed = Some(done),
            }
            if followed.is_some() && lines.is_empty() {
                break;
            }
        }
        self.log.flush()?;
        if let Some(done) = followed {
            done?;
        }
        let exit = docker.wait(&id).await;
        docker.remove_container(&id).await?;
        exit.ok_or_else(|| Error::refused("the engine does not say how the step ended", "look at its log"))
    }

    fn write(&mut self, step: u32, bytes: &[u8], last: bool) -> Result<()> {
        if self.run.first_output_ms.is_none() {
            self.run.first_output_ms = u64::try_from(now_ms() - self.run.created_at).ok();
            self.store()?;
        }
        self.log.line(step, now_ms(), &sanitise(bytes))?;
        if last {
            self.log.flush()?;
        }
        Ok(())
    }
}

/// Cancels a build that was started for a run which nobody wants any more.
struct CancelBuild {
    engine: Engine,
    build: Option<crate::wire::BuildId>,
}

impl CancelBuild {
    fn forget(mut self) {
        self.build = None;
    }
}

impl Drop for CancelBuild {
    fn drop(&mut self) {
        if let Some(build) = &self.build {
            drop(builds::cancel(&self.engine, build));
        }
    }
}

/// Returns the given parameters that a step gets: those that it has in the run config, and those that no step has there. A
/// function that is called cannot take what is meant for another step.
fn given_to(
    step: &StepSpec,
    all: &[(StepSpec, Delivery)],
    given: &[(String, Value)],
) -> Vec<(String, Value)> {
    let is_for = |(name, _): &&(String, Value)| {
        step.parameters.contains_key(name)
            || !all.iter().any(|(other, _)| other.parameters.contains_key(name))
    };
    given.iter().filter(is_for).cloned().collect()
}

fn is_unpacked(delivery: Delivery) -> bool {
    matches!(delivery, Delivery::CodeRepository | Delivery::ArtifactStore)
}

fn reuse_line(prepared: &Prepared) -> String {
    match &prepared.plan.build {
        Some(build) => format!("reusing existing build {build} for stack {}", prepared.plan.stack),
        None => "every image is used as it is".to_owned(),
    }
}
