//! The life of jobs: waves of them, from new data down to the last pipeline that depends on it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::chain::{Chain, Next};
use super::enumerate::Enumerated;
use super::heads::{at_heads, base};
use super::records::{self, PipelineRecord};
use super::secrets;
use super::triggers;
use super::waves::{Branch, Order, queue};
use super::work::{self, Cache, Crew, Member, Work, log_id};
use crate::artifacts::Store;
use crate::bake::LogWriter;
use crate::clock::now_ms;
use crate::data::{self, DataStore, Digest, Root};
use crate::docker::Docker;
use crate::engine::{Engine, lock};
use crate::error::{Error, Result};
use crate::plan::blocking;
use crate::recipe::datum::spec::Spec;
use crate::run::images::present;
use crate::stack;
use crate::wire::{BuildStatus, Job, JobInput};

/// How often a job's record is stored, and somebody's wish to cancel is seen.
const TICK: Duration = Duration::from_millis(150);
/// The engine may still be making a container that was asked for a moment ago.
const LATECOMERS: Duration = Duration::from_millis(300);

/// The chains of pipelines whose jobs this process runs, by store and name.
#[derive(Default)]
pub(crate) struct Chains(pub(super) Mutex<HashMap<(PathBuf, String), Chain<Digest>>>);

/// How a job came to an end.
enum End {
    Succeeded,
    Failed(String),
    Cancelled,
}

/// Runs jobs in the background, one after the other: each one's output is what the next may read.
pub(super) fn start(engine: &Engine, store: Arc<DataStore>, jobs: Vec<Job>) {
    let engine = engine.clone();
    tokio::spawn(async move {
        let mut failed: BTreeMap<String, String> = BTreeMap::new();
        let mut ready: Option<Early> = None;
        let mut jobs = VecDeque::from(jobs);
        while let Some(job) = jobs.pop_front() {
            let early = ready.take();
            let output = (job.pipeline.clone(), job.writes.clone());
            let stack = job.stack.clone();
            // Code that is built has changed, so that the next job will have work: it need not wait for containers then.
            if let Some(next) = jobs.front().filter(|next| builds_for(&store, &job, next)) {
                ready = Some(Early::start(&engine, &store, next));
            }
            let waits_for = job
                .inputs
                .iter()
                .find_map(|input| failed.get(&input.repo))
                .cloned();
            let name = job.pipeline.clone();
            let succeeded = match waits_for {
                Some(other) => {
                    let why = format!("{other}, whose output it reads, did not succeed");
                    let id = job.id.clone();
                    end(&engine, &store, job, BuildStatus::Cancelled, Some(why));
                    match early {
                        Some(early) => early.give_up().await,
                        None => drop(store.write(|tx| records::tidied(tx, &id))),
                    }
                    false
                }
                None => execute(&engine, store.clone(), job, early).await,
            };
            if !succeeded {
                failed.insert(name.clone(), name);
                continue;
            }
            let branch = output.1.rsplit('@').next().unwrap_or_default().to_owned();
            match triggered(&engine, &store, &stack, (output.0, branch)) {
                Ok(more) => jobs.extend(more),
                Err(error) => tracing::error!(%error, "the triggers of an output could not be looked at"),
            }
        }
    });
}

/// Queues what the triggers call for that watch an output.
fn triggered(engine: &Engine, store: &Arc<DataStore>, stack: &str, output: Branch) -> Result<Vec<Job>> {
    let order = Order::stored(store)?;
    let reason = format!("{} has enough that is new", output.0);
    store.write(|tx| {
        let moved = triggers::pull(tx, &order, std::slice::from_ref(&output))?;
        queue(tx, &order, (&[], &moved), (stack, &engine.owner_path(), &reason))
    })
}

/// Returns whether a job builds the code of the other's pipeline.
fn builds_for(store: &DataStore, job: &Job, other: &Job) -> bool {
    let record = records::pipeline(store, &job.pipeline).ok().flatten();
    record.is_some_and(|record| record.builds_for.as_ref() == Some(&other.pipeline))
}

/// A job whose containers start before its turn.
struct Early {
    /// Says that the job ended.
    over: oneshot::Sender<Duration>,
    /// The version of the pipeline that they are of, and the containers; none where they could not be started.
    crew: JoinHandle<Option<(u32, Crew)>>,
}

impl Early {
    fn start(engine: &Engine, store: &Arc<DataStore>, job: &Job) -> Self {
        let over = tidy_up_after(engine, store, job);
        let (engine, store, job) = (engine.clone(), store.clone(), job.clone());
        let crew = tokio::spawn(async move {
            // What goes wrong here goes wrong again in its turn, and is told then.
            let record = records::pipeline(&store, &job.pipeline).ok().flatten()?;
            let spec = record.spec().ok()?;
            let context = context_of(&engine, &job.stack).ok()?;
            let docker = engine.docker_at(context.as_deref());
            let image = docker.image(&spec.transform.image).await.ok().flatten()?.digest;
            let crew = crew(&engine, (&store, docker), &record, &spec, (job.id, image))
                .await
                .ok()?;
            crew.get_ready().await.ok()?;
            Some((record.version, crew))
        });
        Self { over, crew }
    }

    async fn give_up(self) {
        drop(self.crew.await);
        drop(self.over);
    }
}

/// Puts together what the containers of a job are made of.
async fn crew(
    engine: &Engine,
    (store, docker): (&DataStore, Arc<Docker>),
    record: &PipelineRecord,
    spec: &Spec,
    (job, image): (String, String),
) -> Result<Crew> {
    let member = Member {
        job,
        pipeline: record.name.clone(),
        spec: spec.clone(),
        image,
        cache: record.builds_for.as_ref().map(|_| Cache::of(store, &record.name)),
        secrets: secrets::look_up(engine, &spec.transform.secrets).await?,
    };
    Ok(Crew::new(docker, member))
}

/// Carries a job out; whatever happens, its record says how it ended. Returns whether it succeeded.
async fn execute(engine: &Engine, store: Arc<DataStore>, job: Job, early: Option<Early>) -> bool {
    let id = job.id.clone();
    let docker = match context_of(engine, &job.stack) {
        Ok(context) => engine.docker_at(context.as_deref()),
        Err(error) => {
            end(engine, &store, job, BuildStatus::Failed, Some(told(&error)));
            return false;
        }
    };
    // From here on, so that a process that ends with the job waits for it. Who waits for the job does not.
    let (over, early) = match early {
        Some(early) => (early.over, Some(early.crew)),
        None => (tidy_up_after(engine, &store, &job), None),
    };
    let log = match LogWriter::create(&engine.log_path(&log_id(&id)), job.created_at) {
        Ok(log) => Arc::new(Mutex::new(log)),
        Err(error) => {
            end(engine, &store, job, BuildStatus::Failed, Some(told(&error)));
            return false;
        }
    };
    let job = Arc::new(Mutex::new(job));
    let carried = tokio::select! {
        ended = carry_out(engine, &store, &docker, early, &job, &log) => ended,
        () = cancelled(&store, &job, &log, engine) => Ok(End::Cancelled),
    };
    let key = (store.folder().to_owned(), lock(&job).pipeline.clone());
    if !matches!(carried, Ok(End::Succeeded))
        && let Some(chain) = lock(&engine.chains().0).get_mut(&key)
    {
        chain.fail(&id);
    }
    let (status, error) = match carried {
        Ok(End::Succeeded) => (BuildStatus::Succeeded, None),
        Ok(End::Failed(why)) => (BuildStatus::Failed, Some(why)),
        Ok(End::Cancelled) => (BuildStatus::Cancelled, None),
        Err(error) => (BuildStatus::Failed, Some(told(&error))),
    };
    if let Some(error) = &error {
        drop(lock(&log).line(0, now_ms(), error));
    }
    drop(lock(&log).flush());
    let record = lock(&job).clone();
    end(engine, &store, record, status, error);
    let again = match status {
        BuildStatus::Cancelled => LATECOMERS,
        _ => Duration::ZERO,
    };
    over.send(again).ok();
    status == BuildStatus::Succeeded
}

/// Writes the end into a job's record.
pub(super) fn end(
    engine: &Engine,
    store: &DataStore,
    mut job: Job,
    status: BuildStatus,
    error: Option<String>,
) {
    job.status = status;
    job.error = error;
    job.doing.clear();
    job.workers.clear();
    job.duration_ms = u64::try_from(now_ms() - job.created_at).unwrap_or(0);
    // Who watches may leave as soon as the record says that it ended, and the process with it.
    let stored = match status {
        // Its record was stored together with its commit.
        BuildStatus::Succeeded => Ok(true),
        _ => store.write(|tx| records::put_job(tx, &job)),
    };
    let told = crate::inbox::report_job(engine, &job);
    if let Err(error) = stored.and(told) {
        tracing::error!(job = job.id, %error, "the end of the job could not be recorded");
    }
    engine.data_changed();
}

/// Stores the record of a job while it runs, and is ready when somebody, in whichever process, asked for its end.
async fn cancelled(
    store: &Arc<DataStore>,
    job: &Arc<Mutex<Job>>,
    log: &Arc<Mutex<LogWriter>>,
    engine: &Engine,
) {
    let id = &lock(job).id.clone();
    let mut stored: Option<Job> = None;
    loop {
        tokio::time::sleep(TICK).await;
        if let Err(error) = lock(log).flush() {
            tracing::warn!(job = id, %error, "the job's log could not be written");
        }
        match records::is_cancelled(store, id) {
            Ok(false) => {}
            Ok(true) => return,
            Err(error) => tracing::warn!(job = id, %error, "the store could not be asked"),
        }
        let now = lock(job).clone();
        if now.status == BuildStatus::Running && stored.as_ref() != Some(&now) {
            let is_first = stored.is_none();
            match store.write(|tx| records::put_job(tx, &now)) {
                Ok(_) => stored = Some(now),
                Err(error) => tracing::warn!(job = id, %error, "the job could not be stored"),
            }
            if is_first {
                engine.data_changed();
            }
        }
    }
}

async fn carry_out(
    engine: &Engine,
    store: &Arc<DataStore>,
    docker: &Arc<Docker>,
    early: Option<JoinHandle<Option<(u32, Crew)>>>,
    job: &Arc<Mutex<Job>>,
    log: &Arc<Mutex<LogWriter>>,
) -> Result<End> {
    let (id, pipeline) = {
        let job = lock(job);
        (job.id.clone(), job.pipeline.clone())
    };
    wait_for_others(engine, store, &pipeline, job).await?;
    let Some(record) = records::pipeline(store, &pipeline)? else {
        return Ok(End::Failed(format!("the pipeline {pipeline} was deleted")));
    };
    let spec = record.spec()?;
    let (all, hashes) = {
        let (store, record, spec) = (store.clone(), record.clone(), spec.clone());
        let key = (store.folder().to_owned(), pipeline.clone());
        let (engine, id) = (engine.clone(), id.clone());
        blocking(move || planned(&engine, &store, key, &record, &spec, &id)).await?
    };
    {
        let mut job = lock(job);
        job.version = record.version;
        job.status = BuildStatus::Running;
        job.total = hashes.len() as u64;
        job.inputs = inputs(&all);
        "looks for the image".clone_into(&mut job.doing);
        store.write(|tx| records::put_job(tx, &job))?;
    }
    engine.data_changed();
    let context = context_of(engine, &lock(job).stack)?;
    let say = |line: &str| lock(log).line(0, now_ms(), line);
    let image = present(
        engine,
        docker,
        context.as_deref(),
        (&spec.transform.image, ""),
        say,
    )
    .await?;
    lock(job).image.clone_from(&image);
    let early = match early {
        Some(early) => early.await.ok().flatten(),
        None => None,
    };
    let crew = match early {
        Some((version, crew)) if version == record.version => crew,
        _ => {
            crew(
                engine,
                (store, docker.clone()),
                &record,
                &spec,
                (id.clone(), image),
            )
            .await?
        }
    };
    let work = Work {
        crew,
        with: record.hashed_with(),
        writing: store.writing()?,
        store: store.clone(),
        docker: docker.clone(),
        all: all.clone(),
        hashes: hashes.clone(),
        job: job.clone(),
        log: log.clone(),
        spec,
    };
    let key = (store.folder().to_owned(), pipeline.clone());
    let next = || {
        let mut chains = lock(&engine.chains().0);
        chains.get_mut(&key).map_or(Next::Done, |chain| chain.next(&id))
    };
    match work.spec.job_timeout {
        None => work.process(next).await?,
        Some(limit) => match tokio::time::timeout(limit, work.process(next)).await {
            Ok(done) => done?,
            Err(_) => {
                let limit = crate::inbox::duration(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
                return Ok(End::Failed(format!(
                    "the job took longer than job_timeout, {limit}"
                )));
            }
        },
    }
    let now = lock(job).clone();
    if now.failed > 0 {
        return Ok(End::Failed(failures(store, &all, &now)?));
    }
    work.says("writes the output").await?;
    let (engine, store, job, log) = (engine.clone(), store.clone(), job.clone(), log.clone());
    blocking(move || finish(&engine, &store, key, &record, &work, &job, &log)).await?;
    Ok(End::Succeeded)
}

/// Puts the output together and ends the job with it, both or neither.
fn finish(
    engine: &Engine,
    store: &Arc<DataStore>,
    key: (PathBuf, String),
    record: &PipelineRecord,
    work: &Work,
    job: &Arc<Mutex<Job>>,
    log: &Arc<Mutex<LogWriter>>,
) -> Result<()> {
    let mut done = lock(job).clone();
    let outcomes = records::outcomes(store, &done.id)?;
    let rescued: Vec<usize> = outcomes.keys().copied().collect();
    let found = records::processed(store, &record.name, &work.hashes)?;
    let without: HashSet<&Digest> = rescued
        .iter()
        .filter_map(|place| work.hashes.get(*place))
        .collect();
    let mut roots: Vec<Root> = Vec::with_capacity(found.len());
    // Equal datums are one piece of work, and have one output.
    let mut seen = HashSet::with_capacity(found.len());
    for (hash, result) in work.hashes.iter().zip(&found) {
        if without.contains(hash) || !seen.insert(hash) {
            continue;
        }
        let Some(result) = result else {
            return Err(Error::internal(
                format!("the datum {hash} has no result"),
                "it may have been removed from the artifact store meanwhile",
            ));
        };
        roots.push(result.output);
    }
    let root = data::merge(&work.writing, &roots)?;
    let branch = work.spec.output_branch.clone();
    done.reused = done.total - done.processed - done.rescued;
    done.status = BuildStatus::Succeeded;
    done.doing.clear();
    done.workers.clear();
    done.error = None;
    let message = format!("{} of {} datums were processed", done.processed, done.total);
    lock(log).line(0, now_ms(), &message)?;
    lock(log).flush()?;
    let new = store.write(|tx| {
        done.duration_ms = u64::try_from(now_ms() - done.created_at).unwrap_or(0);
        let head = data::head(tx, &record.name, &branch)?;
        let same = match &head {
            Some(head) => data::commit_root(tx, &head.id)? == root,
            None => false,
        };
        done.output = match head.filter(|_| same) {
            Some(head) => Some(head.id),
            None => Some(data::commit_in(tx, &record.name, &branch, root, &message, Some(&done.id))?.id),
        };
        records::put_job(tx, &done)
    })?;
    if new && let Some(chain) = lock(&engine.chains().0).get_mut(&key) {
        chain.succeed(&done.id, &rescued);
    }
    *lock(job) = done;
    Ok(())
}

/// Enumerates the datums of a job, and puts it at the end of its pipeline's chain.
fn planned(
    engine: &Engine,
    store: &Arc<DataStore>,
    key: (PathBuf, String),
    record: &PipelineRecord,
    spec: &Spec,
    id: &str,
) -> Result<(Arc<Enumerated>, Arc<Vec<Digest>>)> {
    let all = at_heads(store, spec)?;
    let hashes = all.hashes(&record.hashed_with());
    let needs_base = lock(&engine.chains().0).get(&key).is_none_or(Chain::is_idle);
    // Another process may have run jobs meanwhile, so an idle chain begins anew.
    let base = match needs_base {
        true => base(store, &record.name)?,
        false => Vec::new(),
    };
    let mut chains = lock(&engine.chains().0);
    if needs_base && chains.get(&key).is_none_or(Chain::is_idle) {
        chains.insert(key.clone(), Chain::after(&base));
    }
    if let Some(chain) = chains.get_mut(&key) {
        chain.add(id, hashes.clone(), !spec.reprocess_every_job);
    }
    Ok((Arc::new(all), Arc::new(hashes)))
}

fn inputs(all: &Enumerated) -> Vec<JobInput> {
    let places = all.places.iter();
    places
        .map(|place| JobInput {
            name: place.name.clone(),
            repo: place.repo.clone(),
            branch: place.branch.clone(),
            commit: place.commit.as_ref().map(|(id, _)| id.clone()),
        })
        .collect()
}

/// Waits until no other process runs a job of the pipeline.
async fn wait_for_others(
    engine: &Engine,
    store: &DataStore,
    pipeline: &str,
    job: &Arc<Mutex<Job>>,
) -> Result<()> {
    loop {
        engine.reconcile()?;
        let others = records::unfinished(store)?;
        let busy = others.iter().find(|(other, owner)| {
            other.pipeline == pipeline
                && other.status == BuildStatus::Running
                && *owner != engine.owner_path()
        });
        let Some((other, _)) = busy else { return Ok(()) };
        lock(job).doing = format!("waits for job {} of another window or command", &other.id[..8]);
        tokio::time::sleep(TICK).await;
    }
}

/// Says in one sentence what failed.
fn failures(store: &DataStore, all: &Enumerated, job: &Job) -> Result<String> {
    let outcomes = records::outcomes(store, &job.id)?;
    let first = outcomes
        .iter()
        .find(|(_, outcome)| outcome.state == crate::wire::DatumState::Failed);
    let Some((place, outcome)) = first else {
        return Ok(format!("{} of {} datums failed", job.failed, job.total));
    };
    let parts = all.datums.parts(*place);
    let path = parts
        .last()
        .map_or("", |part| all.datums.file(*part).path.as_str());
    let why = outcome.error.as_deref().unwrap_or("it failed");
    let gave_up = job.total > job.failed + job.processed + job.reused + job.rescued;
    let rest = if gave_up {
        "; the others were not tried, as none of the first succeeded"
    } else {
        ""
    };
    Ok(format!(
        "{} of {} datums failed, first {path}: {why}{rest}",
        job.failed, job.total
    ))
}

/// Ends the jobs whose process is gone, and removes what is left of them in the background.
pub(crate) fn reconcile(engine: &Engine, is_alive: impl Fn(&str) -> bool) -> Result<()> {
    for store in stores(engine)? {
        for (job, owner) in records::unfinished(&store)? {
            if !is_alive(&owner) {
                let why = "Headstart was ended while it ran".to_owned();
                end(engine, &store, job, BuildStatus::Interrupted, Some(why));
            }
        }
        for (job, owner) in records::untidy(&store)? {
            if !is_alive(&owner)
                && store.write(|tx| records::claim(tx, &job.id, &owner, &engine.owner_path()))?
            {
                tidy_up(engine, &store, &job, std::future::ready(LATECOMERS));
            }
        }
    }
    Ok(())
}

/// Removes what is left of a job in the background, once it is said that it ended.
fn tidy_up_after(engine: &Engine, store: &Arc<DataStore>, job: &Job) -> oneshot::Sender<Duration> {
    let (over, ended) = oneshot::channel();
    tidy_up(
        engine,
        store,
        job,
        async move { ended.await.unwrap_or(LATECOMERS) },
    );
    over
}

/// Removes what is left of a job in the background, as soon as it ended, and looks again after the time that `ended` says. When
/// this process is killed meanwhile, the next one does it.
fn tidy_up(
    engine: &Engine,
    store: &Arc<DataStore>,
    job: &Job,
    ended: impl Future<Output = Duration> + Send + 'static,
) {
    let docker = engine.docker_at(context_of(engine, &job.stack).ok().flatten().as_deref());
    let (store, id) = (store.clone(), job.id.clone());
    engine.clear_up(async move {
        let again = ended.await;
        let mut gone = work::remove_all(&docker, &id).await;
        if !again.is_zero() {
            tokio::time::sleep(again).await;
            gone = work::remove_all(&docker, &id).await;
        }
        let noted = match gone {
            true => store.write(|tx| records::tidied(tx, &id)),
            false => Ok(()),
        };
        if let Err(error) = noted {
            tracing::warn!(job = id, %error, "that nothing is left of the job could not be noted");
        }
    });
}

/// Returns whether jobs, of any process, have not ended.
pub fn is_busy(engine: &Engine) -> bool {
    let stores = stores(engine).unwrap_or_default();
    stores
        .iter()
        .any(|store| records::unfinished(store).is_ok_and(|jobs| !jobs.is_empty()))
}

/// Cancels the jobs of this process and waits for them and for their containers a moment, so that nothing of theirs stays.
pub async fn shutdown(engine: &Engine) -> Result<()> {
    let stores = stores(engine)?;
    let ours = || -> Result<Vec<(Arc<DataStore>, String)>> {
        let mut found = Vec::new();
        for store in &stores {
            let all = records::unfinished(store)?;
            let ours = all.into_iter().filter(|(_, owner)| *owner == engine.owner_path());
            found.extend(ours.map(|(job, _)| (store.clone(), job.id)));
        }
        Ok(found)
    };
    for (store, job) in ours()? {
        store.write(|tx| records::cancel(tx, &job, now_ms()))?;
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(8);
    while !ours()?.is_empty() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    engine.settle().await;
    Ok(())
}

/// Returns the docker context of a stack.
fn context_of(engine: &Engine, name: &str) -> Result<Option<String>> {
    Ok(stack::get(engine, name)?.context)
}

/// Returns an error with its cause, one line.
pub(super) fn told(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Returns the data stores of all stacks that have one, each once.
pub(crate) fn stores(engine: &Engine) -> Result<Vec<Arc<DataStore>>> {
    let mut found: Vec<Arc<DataStore>> = Vec::new();
    for stack in stack::list(engine)? {
        let folder = Store::of(engine, &stack).folder().to_owned();
        if found.iter().all(|store| store.folder() != folder) && folder.join("data.db").is_file() {
            found.push(DataStore::of(engine, Some(&stack.name))?);
        }
    }
    Ok(found)
}
