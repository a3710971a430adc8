//! Runs of pipelines: steps in containers, with today's code.

mod code;
mod command;
mod execute;
mod watch;

use crate::clock::now_ms;
use crate::engine::{Engine, lock, random_hex};
use crate::error::{Error, Result};
use crate::plan::{Prepared, prepare};
use crate::wire::{
    BuildId, BuildStatus, Delivery, LogPage, PipelineRun, RunFilter, RunList, RunRequest, RunStep, StepStatus,
};

pub(crate) use execute::reconcile;
pub use execute::{CODE, FOLDER};
pub use watch::watch;

/// Starts a run in the background: what is missing is built first. Returns its id, by which it is watched and cancelled.
pub async fn start(engine: &Engine, request: &RunRequest) -> Result<String> {
    let prepared = prepare(engine, &request.build).await?;
    let Some(steps) = &prepared.steps else {
        return Err(Error::refused(
            format!("{} is no run config", prepared.opened.row.recipe),
            "only pipelines are run; a compose project is deployed with `headstart up`",
        ));
    };
    if let Some(why) = &steps.blocked {
        let hint = "commit and push, or allow another way in the run config";
        return Err(Error::refused(why.clone(), hint));
    }
    let parameters = parameters(request)?;
    if !prepared.plan.engine_checked {
        engine.docker_at(prepared.context()).ping().await?;
    }
    let run = record(&prepared, request)?;
    let id = run.id.clone();
    engine.catalogue().add_run(&run, engine.owner())?;
    tokio::spawn(execute::execute(
        engine.clone(),
        run,
        request.build.clone(),
        prepared,
        parameters,
    ));
    Ok(id)
}

/// Reads the parameters of a request: JSON values, or text that is none.
fn parameters(request: &RunRequest) -> Result<Vec<(String, serde_json::Value)>> {
    let read = |(name, text): &(String, String)| {
        if name.trim().is_empty() {
            return Err(Error::refused(
                "a parameter has no name",
                "write it as name=value",
            ));
        }
        let value = serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into());
        Ok((name.trim().to_owned(), value))
    };
    request.parameters.iter().map(read).collect()
}

fn record(prepared: &Prepared, request: &RunRequest) -> Result<PipelineRun> {
    let plan = &prepared.plan;
    let pipeline = plan.pipeline.as_ref();
    let planned = pipeline
        .map(|pipeline| pipeline.steps.as_slice())
        .unwrap_or_default();
    let steps = planned.iter().zip(1..).map(|(step, number)| RunStep {
        number,
        name: step.name.clone(),
        runs: step.runs.clone(),
        image: String::new(),
        delivery: step.delivery,
        status: StepStatus::Pending,
        exit_code: None,
        started_at: None,
        duration_ms: None,
    });
    let from_repository = planned
        .iter()
        .any(|step| step.delivery == Delivery::CodeRepository);
    let checkout = pipeline.map(|pipeline| &pipeline.checkout);
    Ok(PipelineRun {
        id: random_hex(16)?,
        project: prepared.opened.row.id.clone(),
        project_name: prepared.opened.row.name.clone(),
        pipeline: pipeline.map(|pipeline| pipeline.name.clone()).unwrap_or_default(),
        build: None,
        reused: false,
        stack: plan.stack.clone(),
        commit: (!plan.dirty).then(|| plan.commit.clone()),
        base_commit: plan.commit.clone(),
        summary: prepared.commit.summary.clone(),
        branch: plan.branch.clone(),
        repository: checkout
            .and_then(|checkout| checkout.repository.clone())
            .filter(|_| from_repository),
        archive: None,
        status: BuildStatus::Running,
        steps: steps.collect(),
        created_at: now_ms(),
        duration_ms: 0,
        first_output_ms: None,
        error: None,
        warnings: plan.warnings.clone(),
        request: Some(request.clone()),
        log_lines: 0,
    })
}

/// Runs and builds keep their logs side by side, by id.
fn log_id(run: &str) -> BuildId {
    BuildId(run.to_owned())
}

/// Asks for a run's end.
pub fn cancel(engine: &Engine, run: &str) -> Result<()> {
    let run = engine.catalogue().run(run)?;
    if engine.catalogue().cancel_run(&run.id, now_ms())? {
        return Ok(());
    }
    Err(Error::refused(
        format!("the run has {} already", run.status.as_str().replace('_', " ")),
        "there is nothing to cancel",
    ))
}

/// Returns whether runs, of any process, have not ended.
pub fn is_busy(engine: &Engine) -> bool {
    engine
        .catalogue()
        .unfinished_runs()
        .is_ok_and(|runs| !runs.is_empty())
}

/// Cancels the runs of this process and waits for them a moment, so that no container of theirs stays.
pub async fn shutdown(engine: &Engine) -> Result<()> {
    let ours = || -> Result<Vec<String>> {
        let all = engine.catalogue().unfinished_runs()?;
        let ours = all.into_iter().filter(|(_, owner)| owner == engine.owner());
        Ok(ours.map(|(run, _)| run.id).collect())
    };
    for run in ours()? {
        engine.catalogue().cancel_run(&run, now_ms())?;
    }
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(5);
    while !ours()?.is_empty() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Returns a run by its id, or the beginning of it.
pub fn get(engine: &Engine, run: &str) -> Result<PipelineRun> {
    complete(engine, engine.catalogue().run(run)?)
}

/// Adds what a record does not hold itself.
fn complete(engine: &Engine, mut run: PipelineRun) -> Result<PipelineRun> {
    if !run.status.is_final() {
        run.duration_ms = u64::try_from(now_ms() - run.created_at).unwrap_or(0);
        for step in &mut run.steps {
            if let (StepStatus::Running, Some(began)) = (step.status, step.started_at) {
                step.duration_ms = u64::try_from(now_ms() - began).ok();
            }
        }
    }
    let index = engine.log_index(&log_id(&run.id))?;
    run.log_lines = lock(&index).len(None);
    Ok(run)
}

/// Lists runs, newest first.
pub fn list(engine: &Engine, filter: &RunFilter) -> Result<RunList> {
    engine.reconcile()?;
    let (total, mut runs) = engine.catalogue().runs(filter)?;
    for run in &mut runs {
        if !run.status.is_final() {
            run.duration_ms = u64::try_from(now_ms() - run.created_at).unwrap_or(0);
        }
    }
    Ok(RunList { total, runs })
}

/// Returns lines of a run's log, of all steps or one.
pub fn log(engine: &Engine, run: &str, step: Option<u32>, from: u32, count: u32) -> Result<LogPage> {
    let id = log_id(&engine.catalogue().run(run)?.id);
    let index = engine.log_index(&id)?;
    lock(&index).page(&engine.log_path(&id), step, from, count)
}

/// Deletes the record and log of a run that has ended.
pub fn delete(engine: &Engine, run: &str) -> Result<()> {
    let run = engine.catalogue().run(run)?;
    if !run.status.is_final() {
        return Err(Error::refused("the run has not ended", "cancel it first"));
    }
    engine.catalogue().delete_run(&run.id)?;
    let id = log_id(&run.id);
    engine.forget_log(&id);
    drop(std::fs::remove_file(engine.log_path(&id)));
    Ok(())
}
