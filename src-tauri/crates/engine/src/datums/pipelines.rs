//! Datum pipelines that were submitted: lists, stopping, clocks, deletion, and what new data starts.

use std::sync::Arc;

use super::graph::graph;
use super::heads::of_job;
use super::history::of_stack;
use super::jobs::start;
use super::records::{self, PipelineRecord};
use super::waves::{Branch, Order, queue, reads};
use super::work::Cache;
use crate::clock::now_ms;
use crate::data::{self, DataStore};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::datum::spec::Spec;
use crate::stack;
use crate::wire::{DatumPipeline, JobFilter};

/// Lists the datum pipelines of a stack, or of all, inputs before what reads them.
pub fn pipelines(engine: &Engine, stack: Option<&str>) -> Result<Vec<DatumPipeline>> {
    engine.reconcile()?;
    let mut found = Vec::new();
    for store in of_stack(engine, stack)? {
        for (record, spec) in Order::stored(&store)?.all {
            found.push(shown(&store, record, &spec, false)?);
        }
    }
    Ok(found)
}

/// Returns a datum pipeline, with the datum counts of its last job.
pub fn pipeline(engine: &Engine, stack: Option<&str>, name: &str) -> Result<DatumPipeline> {
    let store = DataStore::of(engine, stack)?;
    let record = known(&store, name)?;
    let spec = record.spec()?;
    shown(&store, record, &spec, true)
}

/// Returns the record of a pipeline.
pub(super) fn known(store: &DataStore, name: &str) -> Result<PipelineRecord> {
    records::pipeline(store, name)?.ok_or_else(|| {
        Error::refused(
            format!("there is no pipeline {name}"),
            "`headstart pipelines list` lists them",
        )
    })
}

fn shown(
    store: &Arc<DataStore>,
    record: PipelineRecord,
    spec: &Spec,
    counted: bool,
) -> Result<DatumPipeline> {
    let filter = JobFilter {
        pipeline: Some(record.name.clone()),
        ..JobFilter::default()
    };
    let (jobs, mut newest) = records::jobs(store, &filter, 1)?;
    let job = newest.pop();
    let datums = match (&job, counted) {
        (Some(job), true) => of_job(store, job).ok().map(|(_, all)| all),
        _ => None,
    };
    let branch = |(repo, branch): &Branch| format!("{repo}@{branch}");
    Ok(DatumPipeline {
        stack: record.stack.clone(),
        description: spec.description.clone(),
        version: record.version,
        stopped: record.stopped,
        builds_for: record.builds_for.clone(),
        image: spec.transform.image.clone(),
        command: spec.transform.cmd.clone(),
        output: format!("{}@{}", record.name, spec.output_branch),
        inputs: reads(spec).iter().map(branch).collect(),
        graph: graph(&record.name, spec, datums.as_ref()),
        spec: serde_json::to_string_pretty(&record.submitted)
            .map_err(|error| Error::internal("a spec could not be written", error))?,
        path: record.path.clone(),
        choice: record.choice,
        job,
        jobs,
        created_at: record.created_at,
        updated_at: record.updated_at,
        name: record.name,
    })
}

/// Deletes a pipeline and its jobs, and what builds its code; its repositories stay unless `with_data`.
pub fn delete_pipeline(engine: &Engine, stack: Option<&str>, name: &str, with_data: bool) -> Result<()> {
    let store = DataStore::of(engine, stack)?;
    let record = known(&store, name)?;
    if let Some(other) = &record.builds_for {
        return Err(Error::refused(
            format!("{name} builds the code of {other}"),
            format!("delete {other}; {name} goes with it"),
        ));
    }
    let order = Order::stored(&store)?;
    let mut names = vec![name.to_owned()];
    let builders = order.all.iter().map(|(record, _)| record);
    names.extend(
        builders
            .filter(|record| record.builds_for.as_deref() == Some(name))
            .map(|record| record.name.clone()),
    );
    let busy = records::unfinished(&store)?;
    if let Some((job, _)) = busy.iter().find(|(job, _)| names.contains(&job.pipeline)) {
        return Err(Error::refused(
            format!("job {} of {} has not ended", &job.id[..8], job.pipeline),
            "cancel it first",
        ));
    }
    let read_by = order.all.iter().find(|(record, spec)| {
        with_data && !names.contains(&record.name) && reads(spec).iter().any(|(repo, _)| names.contains(repo))
    });
    if let Some((reader, _)) = read_by {
        return Err(Error::refused(
            format!("{} reads what {name} wrote", reader.name),
            "keep the data, or delete that pipeline first",
        ));
    }
    store.write(|tx| {
        for name in &names {
            records::delete_pipeline(tx, name)?;
            data::set_readers_in(tx, name, &[])?;
            data::set_pipeline_in(tx, name, None)?;
        }
        Ok(())
    })?;
    if with_data {
        for name in names.iter().rev() {
            data::delete(engine, stack, name)?;
        }
    }
    engine.data_changed();
    let context = stack::get(engine, &record.stack)
        .ok()
        .and_then(|stack| stack.context);
    let docker = engine.docker_at(context.as_deref());
    let caches: Vec<Cache> = names.iter().map(|name| Cache::of(&store, name)).collect();
    engine.clear_up(async move {
        for cache in caches {
            if let Err(error) = docker.remove_volume(cache.name()).await {
                tracing::warn!(volume = cache.name(), %error, "a cache could not be removed");
            }
        }
    });
    Ok(())
}

/// Stops a pipeline, or lets it go on with what came meanwhile: a stopped one takes no new data. Returns the jobs that were
/// started.
pub async fn stop_pipeline(
    engine: &Engine,
    stack: Option<&str>,
    name: &str,
    stopped: bool,
) -> Result<Vec<String>> {
    let store = DataStore::of(engine, stack)?;
    let mut record = known(&store, name)?;
    if record.stopped == stopped {
        return Ok(Vec::new());
    }
    record.stopped = stopped;
    record.updated_at = now_ms();
    store.write(|tx| records::put_pipeline(tx, &record))?;
    engine.data_changed();
    match stopped {
        true => Ok(Vec::new()),
        false => run(engine, &store, stack, &[name], &[], "it goes on").await,
    }
}

/// Starts what new commits of a repository's branch call for. Returns the jobs, in the order in which they run.
pub async fn process(engine: &Engine, stack: Option<&str>, repo: &str, branch: &str) -> Result<Vec<String>> {
    let store = DataStore::of(engine, stack)?;
    let changed = [(repo.to_owned(), branch.to_owned())];
    run(
        engine,
        &store,
        stack,
        &[],
        &changed,
        &format!("{repo}@{branch} has new data"),
    )
    .await
}

/// Queues what pipelines and changed branches call for, and starts it.
pub(super) async fn run(
    engine: &Engine,
    store: &Arc<DataStore>,
    stack: Option<&str>,
    pipelines: &[&str],
    branches: &[Branch],
    reason: &str,
) -> Result<Vec<String>> {
    let order = Order::stored(store)?;
    let stack = stack.unwrap_or(stack::LOCAL);
    let owner = engine.owner_path();
    let wanted = (stack, owner.as_str(), reason);
    let jobs = store.write(|tx| queue(tx, &order, (pipelines, branches), wanted))?;
    let ids = jobs.iter().map(|job| job.id.clone()).collect();
    if !jobs.is_empty() {
        engine.data_changed();
        start(engine, store.clone(), jobs);
    }
    Ok(ids)
}
