//! Jobs as clients see them: lists, one job, its datums and its log.

use std::sync::Arc;
use std::time::Duration;

use super::heads::of_job;
use super::jobs::{start, stores};
use super::records::{self, Outcome};
use super::waves::{Order, queue};
use super::work::log_id;
use crate::clock::now_ms;
use crate::data::DataStore;
use crate::engine::{Engine, lock};
use crate::error::{Error, Result};
use crate::plan::blocking;
use crate::wire::{
    BuildStatus, Datum, DatumFile, DatumFilter, DatumList, DatumState, Job, JobEvent, JobFilter, JobList,
    LogPage,
};

/// Most log lines in one event.
const BATCH: u32 = 1_000;
/// How long a change may stay unseen.
const PAUSE: Duration = Duration::from_millis(60);

/// Lists jobs, newest first.
pub fn jobs(engine: &Engine, filter: &JobFilter) -> Result<JobList> {
    engine.reconcile()?;
    let limit = match filter.limit {
        0 => 100,
        limit => limit.min(1000),
    };
    let mut list = JobList::default();
    for store in of_stack(engine, filter.stack.as_deref())? {
        let (total, jobs) = records::jobs(&store, filter, filter.offset.saturating_add(limit))?;
        list.total += total;
        list.jobs.extend(jobs);
    }
    list.jobs.sort_by_key(|job| std::cmp::Reverse(job.created_at));
    let rest = list.jobs.into_iter().skip(filter.offset as usize);
    list.jobs = rest.take(limit as usize).map(timed).collect();
    Ok(list)
}

/// Returns a job by its id, or the beginning of it.
pub fn job(engine: &Engine, id: &str) -> Result<Job> {
    let (_, job) = find(engine, id)?;
    complete(engine, job)
}

/// Reports a job: what has happened so far, then each change until it ends. Stops when `on_event` returns false.
pub async fn watch(engine: &Engine, id: &str, on_event: impl Fn(JobEvent) -> bool + Send) -> Result<()> {
    let (store, found) = find(engine, id)?;
    let first = complete(engine, found)?;
    let id = first.id.clone();
    let mut lines = first.log_lines;
    let ended = first.status.is_final();
    if !on_event(JobEvent::Snapshot { job: first.clone() }) {
        return Ok(());
    }
    if ended {
        on_event(JobEvent::Finished { job: first });
        return Ok(());
    }
    let mut last = timeless(first);
    let mut rounds = 0_u32;
    loop {
        tokio::time::sleep(PAUSE).await;
        // The process that runs it may have died: then nobody else would say so.
        rounds += 1;
        if rounds.is_multiple_of(32) {
            engine.reconcile()?;
        }
        let now = one(&store, &id)?;
        loop {
            let index = engine.log_index(&log_id(&id))?;
            let page = lock(&index).page(&engine.log_path(&log_id(&id)), None, lines, BATCH)?;
            if page.lines.is_empty() {
                break;
            }
            lines += u32::try_from(page.lines.len()).unwrap_or(0);
            if !on_event(JobEvent::Log { lines: page.lines }) {
                return Ok(());
            }
        }
        if now.status.is_final() {
            let job = complete(engine, now)?;
            on_event(JobEvent::Finished { job });
            return Ok(());
        }
        let now = timeless(now);
        if now != last {
            last = now.clone();
            let job = complete(engine, now)?;
            if !on_event(JobEvent::Changed { job }) {
                return Ok(());
            }
        }
    }
}

/// Asks for a job's end.
pub fn cancel(engine: &Engine, id: &str) -> Result<()> {
    let (store, job) = find(engine, id)?;
    if store.write(|tx| records::cancel(tx, &job.id, now_ms()))? {
        engine.data_changed();
        return Ok(());
    }
    Err(Error::refused(
        format!("the job has {} already", job.status.as_str().replace('_', " ")),
        "there is nothing to cancel",
    ))
}

/// Runs the pipeline of a job that did not succeed once more, and those after it: what was processed stays. Returns the new
/// jobs.
pub async fn retry(engine: &Engine, id: &str) -> Result<Vec<String>> {
    let (store, job) = find(engine, id)?;
    if !job.status.is_final() {
        return Err(Error::refused(
            "the job has not ended",
            "cancel it first, or wait",
        ));
    }
    let (engine, short) = (engine.clone(), job.id[..8].to_owned());
    let owner = engine.owner_path();
    let (jobs, store) = blocking(move || {
        let order = Order::stored(&store)?;
        let reason = format!("job {short} is tried again");
        let pipelines = [job.pipeline.as_str()];
        let wanted = (pipelines.as_slice(), [].as_slice());
        let jobs = store.write(|tx| queue(tx, &order, wanted, (&job.stack, &owner, &reason)))?;
        Ok((jobs, store))
    })
    .await?;
    let ids: Vec<String> = jobs.iter().map(|job| job.id.clone()).collect();
    if ids.is_empty() {
        return Err(Error::refused(
            "the pipeline is stopped or has no data",
            "let it go on, or put files into its inputs",
        ));
    }
    engine.data_changed();
    start(&engine, store, jobs);
    Ok(ids)
}

/// Lists the datums of a job, by place.
pub fn datums(engine: &Engine, id: &str, filter: &DatumFilter) -> Result<DatumList> {
    let (store, job) = find(engine, id)?;
    if job.status == BuildStatus::Queued {
        return Ok(DatumList::default());
    }
    let (record, all) = of_job(&store, &job)?;
    let hashes = all.hashes(&record.hashed_with());
    let results = records::results(&store, &record.name, &hashes)?;
    let outcomes = records::outcomes(&store, &job.id)?;
    let running: Vec<u64> = job.workers.iter().filter_map(|worker| worker.datum).collect();
    let limit = match filter.limit {
        0 => 100,
        limit => limit.min(1000) as usize,
    };
    let mut list = DatumList::default();
    for (place, hash) in hashes.iter().enumerate() {
        let outcome = outcomes.get(&place);
        let result = results.get(place).and_then(Option::as_ref);
        let state = state(&job, place, outcome, result, &running);
        if !filter.states.is_empty() && !filter.states.contains(&state) {
            continue;
        }
        let parts = all.datums.parts(place);
        if let Some(path) = &filter.path
            && !parts
                .iter()
                .any(|part| all.datums.file(*part).path.contains(path.as_str()))
        {
            continue;
        }
        list.total += 1;
        if list.total <= filter.offset || list.datums.len() >= limit {
            continue;
        }
        let files = parts.iter().map(|part| {
            let (from, file) = (&all.places[part.0], all.datums.file(*part));
            DatumFile {
                input: from.name.clone(),
                repo: from.repo.clone(),
                commit: from.commit.as_ref().map(|(id, _)| id.clone()).unwrap_or_default(),
                path: file.path.clone(),
                bytes: file.bytes,
            }
        });
        let told = outcome.or(result.map(|(_, outcome)| outcome));
        list.datums.push(Datum {
            place: place as u64,
            hash: hash.to_string(),
            state,
            files: files.collect(),
            attempts: told.map_or(0, |told| told.attempts),
            exit_code: told.and_then(|told| told.exit_code),
            duration_ms: told.and_then(|told| told.duration_ms),
            error: outcome.and_then(|outcome| outcome.error.clone()),
        });
    }
    Ok(list)
}

fn state(
    job: &Job,
    place: usize,
    outcome: Option<&Outcome>,
    result: Option<&(String, Outcome)>,
    running: &[u64],
) -> DatumState {
    match (outcome, result) {
        (Some(outcome), _) => outcome.state,
        (None, Some((by, _))) if *by == job.id => DatumState::Processed,
        (None, Some(_)) => DatumState::Reused,
        (None, None) if running.contains(&(place as u64)) => DatumState::Running,
        (None, None) => DatumState::Waiting,
    }
}

/// Returns lines of a job's log: of all (none), of the job itself (0), or of the datum at a place (its place plus 1).
pub fn log(engine: &Engine, id: &str, step: Option<u32>, from: u32, count: u32) -> Result<LogPage> {
    let (_, job) = find(engine, id)?;
    let id = log_id(&job.id);
    let index = engine.log_index(&id)?;
    lock(&index).page(&engine.log_path(&id), step, from, count)
}

/// Finds a job in whichever store has it.
pub(super) fn find(engine: &Engine, prefix: &str) -> Result<(Arc<DataStore>, Job)> {
    let mut found = Vec::new();
    for store in stores(engine)? {
        let jobs = records::jobs_like(&store, prefix)?;
        found.extend(jobs.into_iter().map(|job| (store.clone(), job)));
    }
    match (found.pop(), found.is_empty()) {
        (Some(one), true) if !prefix.is_empty() => Ok(one),
        (Some(_), _) => Err(Error::refused(
            format!("{prefix:?} is the beginning of several jobs' ids"),
            "give more characters of the id",
        )),
        (None, _) => Err(Error::refused(
            format!("there is no job {prefix}"),
            "`headstart jobs list` lists them",
        )),
    }
}

fn one(store: &DataStore, id: &str) -> Result<Job> {
    let mut found = records::jobs_like(store, id)?;
    found
        .pop()
        .ok_or_else(|| Error::refused(format!("the job {id} was deleted"), "its pipeline is gone"))
}

/// Returns the stores of one stack or of all.
pub(super) fn of_stack(engine: &Engine, stack: Option<&str>) -> Result<Vec<Arc<DataStore>>> {
    match stack {
        Some(stack) => Ok(vec![DataStore::of(engine, Some(stack))?]),
        None => stores(engine),
    }
}

/// Adds what a record does not hold itself.
fn complete(engine: &Engine, job: Job) -> Result<Job> {
    let mut job = timed(job);
    let index = engine.log_index(&log_id(&job.id))?;
    job.log_lines = lock(&index).len(None);
    Ok(job)
}

fn timed(mut job: Job) -> Job {
    if !job.status.is_final() {
        job.duration_ms = u64::try_from(now_ms() - job.created_at).unwrap_or(0);
    }
    job
}

fn timeless(mut job: Job) -> Job {
    job.duration_ms = 0;
    job.log_lines = 0;
    job
}
