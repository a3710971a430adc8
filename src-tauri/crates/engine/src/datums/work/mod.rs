//! Processing the datums of a job in workers: containers that each take one datum after the other.

mod collect;
mod crew;
mod feed;
mod pipe;
mod script;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Semaphore, mpsc, watch};

use super::chain::Next;
use super::enumerate::{Enumerated, HashedWith};
use super::records::{self, Finished, Outcome};
use crate::bake::{LogWriter, sanitise};
use crate::clock::now_ms;
use crate::data::{DataStore, Digest, Writing};
use crate::docker::Docker;
use crate::engine::lock;
use crate::error::{Error, Result};
use crate::plan::blocking;
use crate::recipe::datum::spec::Spec;
use crate::wire::{BuildId, DatumState, Job, JobWorker};
use collect::Output;
pub(super) use crew::{Cache, Crew, Member};
use feed::{Batch, Shared};
use worker::{Ended, Worker};

/// Label of the containers and volumes of a job, with its id.
pub(crate) const LABEL: &str = "dev.headstart.job";
/// Most datums that are brought together, and most bytes.
const BATCH: usize = 256;
const BATCH_BYTES: u64 = 128 << 20;
/// Batches that lie in the volumes at once.
const BATCHES: usize = 3;
/// How often a job looks whether what it waits for has happened.
const POLL: Duration = Duration::from_millis(50);
/// Longest wait for containers and volumes to go.
const REMOVAL: Duration = Duration::from_secs(20);
/// With so many failures and not one success, the rest would most likely fail too.
const HOPELESS: u64 = 20;

/// A job at work.
pub(super) struct Work {
    pub(super) store: Arc<DataStore>,
    pub(super) writing: Writing,
    pub(super) docker: Arc<Docker>,
    pub(super) spec: Spec,
    pub(super) all: Arc<Enumerated>,
    pub(super) hashes: Arc<Vec<Digest>>,
    pub(super) with: HashedWith,
    pub(super) crew: Crew,
    pub(super) job: Arc<Mutex<Job>>,
    pub(super) log: Arc<Mutex<LogWriter>>,
}

/// A datum that a worker is to take.
struct Todo {
    batch: Arc<Batch>,
    place: usize,
}

/// How a worker ended with a datum.
struct Done {
    batch: Arc<Batch>,
    place: usize,
    outcome: Outcome,
}

impl Work {
    /// Processes what the chain hands out to this job, until nothing is left.
    pub(super) async fn process(&self, mut next: impl FnMut() -> Next + Send) -> Result<()> {
        let crew = &self.crew;
        let (wanted, wants) = watch::channel(0);
        let (todo, queue) = mpsc::channel::<Todo>(BATCH);
        let queue = tokio::sync::Mutex::new(queue);
        let (done, outcomes) = mpsc::channel::<Done>(BATCH);
        let room = Arc::new(Semaphore::new(BATCHES));
        let feeding = self.feed(crew, &mut next, (wanted, todo), room.clone());
        let count = self.workers();
        let working = async {
            let mut workers: FuturesUnordered<_> = (1..=count)
                .map(|number| self.work(crew, number, (wants.clone(), &queue), done.clone()))
                .collect();
            drop(done);
            while let Some(ended) = workers.next().await {
                ended?;
            }
            Ok(())
        };
        let collecting = self.collect(crew, outcomes, room);
        tokio::try_join!(feeding, working, collecting)?;
        Ok(())
    }

    /// Brings datums to the workers, few at first so that the first result comes soon.
    async fn feed(
        &self,
        crew: &Crew,
        next: &mut (impl FnMut() -> Next + Send),
        (wanted, todo): (watch::Sender<usize>, mpsc::Sender<Todo>),
        room: Arc<Semaphore>,
    ) -> Result<()> {
        let mut shared = Shared::default();
        let mut number = 0_usize;
        let mut size = self.workers();
        loop {
            let places = match next() {
                Next::Done => break,
                Next::Wait => {
                    self.says("waits for the job before it").await?;
                    tokio::time::sleep(POLL).await;
                    continue;
                }
                Next::Process(places) => places,
            };
            let open = self.without_results(places).await?;
            shared.count(&self.all, &open);
            if !open.is_empty() {
                self.says("starts workers").await?;
                // They start while the carrier does, and while files are brought.
                wanted.send_modify(|count| *count = open.len().max(*count));
            }
            let mut rest = open.as_slice();
            while !rest.is_empty() {
                if self.is_hopeless() {
                    return Ok(());
                }
                let take = self.batch_size(rest, size);
                let (places, after) = rest.split_at(take);
                rest = after;
                size = (size * 4).min(BATCH);
                let permit = room.clone().acquire_owned().await;
                let Ok(permit) = permit else { return Ok(()) };
                permit.forget();
                let batch = Arc::new(Batch {
                    folder: format!("b{number}"),
                    places: places.to_vec(),
                });
                number += 1;
                self.bring(crew, &mut shared, &batch).await?;
                for place in places {
                    let one = Todo {
                        batch: batch.clone(),
                        place: *place,
                    };
                    if todo.send(one).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns how many workers there are: one engine is one node.
    fn workers(&self) -> usize {
        usize::try_from(self.spec.parallelism.workers(1))
            .unwrap_or(1)
            .max(1)
    }

    /// Returns how many of the places at the front go together.
    fn batch_size(&self, places: &[usize], most: usize) -> usize {
        let mut bytes = 0_u64;
        let fits = places.iter().take(most).take_while(|place| {
            bytes += self.all.bytes(**place);
            bytes <= BATCH_BYTES
        });
        fits.count().max(1)
    }

    /// Leaves out the datums whose results are there.
    async fn without_results(&self, places: Vec<usize>) -> Result<Vec<usize>> {
        if self.spec.reprocess_every_job {
            return Ok(places);
        }
        let (store, hashes, pipeline) = (
            self.store.clone(),
            self.hashes.clone(),
            self.with.pipeline.clone(),
        );
        let (open, known) = blocking(move || {
            let wanted: Vec<Digest> = places.iter().map(|place| hashes[*place]).collect();
            let found = records::processed(&store, &pipeline, &wanted)?;
            let total = places.len();
            // Equal datums are one piece of work.
            let mut seen = std::collections::HashSet::new();
            let open: Vec<usize> = places
                .into_iter()
                .zip(&found)
                .filter(|(place, found)| found.is_none() && seen.insert(hashes[*place]))
                .map(|(place, _)| place)
                .collect();
            let known = total - open.len();
            Ok((open, known))
        })
        .await?;
        self.change(|job| job.reused += known as u64)?;
        Ok(open)
    }

    async fn bring(&self, crew: &Crew, shared: &mut Shared, batch: &Arc<Batch>) -> Result<()> {
        let carrier = crew.carrier().await?;
        let job = lock(&self.job).id.clone();
        let variables = [
            ("PACH_JOB_ID".to_owned(), job),
            ("PACH_PIPELINE_NAME".to_owned(), self.with.pipeline.clone()),
        ];
        let hashes = &self.hashes;
        let load = shared.load(&self.all, batch, &variables, |place| hashes[place].to_string());
        let (writer, stream) = pipe::out();
        let (store, all) = (self.store.clone(), self.all.clone());
        let writing = blocking(move || load.write(&store, &all, writer));
        let sending = self.docker.put_tar(&carrier, script::IN, stream);
        let (written, sent) = tokio::join!(writing, sending);
        // What went wrong here first is the reason for the other.
        written?;
        sent
    }

    /// One worker: takes datums until there are none.
    async fn work(
        &self,
        crew: &Crew,
        number: usize,
        (mut wants, queue): (watch::Receiver<usize>, &tokio::sync::Mutex<mpsc::Receiver<Todo>>),
        done: mpsc::Sender<Done>,
    ) -> Result<()> {
        let mut worker = None;
        if wants.wait_for(|count| *count >= number).await.is_ok() {
            worker = Some(crew.worker().await?);
        }
        loop {
            let Some(todo) = queue.lock().await.recv().await else {
                break;
            };
            self.at_work(number, Some(todo.place))?;
            let outcome = self.datum(crew, &mut worker, &todo).await?;
            self.at_work(number, None)?;
            let one = Done {
                batch: todo.batch,
                place: todo.place,
                outcome,
            };
            if done.send(one).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Processes a datum, as often as it takes or may.
    async fn datum(&self, crew: &Crew, worker: &mut Option<Worker>, todo: &Todo) -> Result<Outcome> {
        let name = format!("{}/{}", todo.batch.folder, todo.place);
        let step = u32::try_from(todo.place + 1).unwrap_or(u32::MAX);
        let mut outcome = Outcome {
            state: DatumState::Failed,
            attempts: 0,
            exit_code: None,
            duration_ms: None,
            error: None,
        };
        let tries = self.spec.datum_tries.max(1);
        while outcome.attempts < tries {
            outcome.attempts += 1;
            let began = std::time::Instant::now();
            let ended = self.command(crew, worker, "run", &name, step).await?;
            outcome.duration_ms = u64::try_from(began.elapsed().as_millis()).ok();
            (outcome.exit_code, outcome.error) = match ended {
                Ended::Exit(code) if code == 0 || self.spec.transform.accept_return_code.contains(&code) => {
                    outcome.state = DatumState::Processed;
                    outcome.exit_code = Some(code);
                    outcome.error = None;
                    return Ok(outcome);
                }
                Ended::Exit(code) => (
                    Some(code),
                    Some(format!("the command ended with exit code {code}")),
                ),
                Ended::TimedOut => (
                    None,
                    Some(format!(
                        "the command took longer than datum_timeout, {}",
                        crate::inbox::duration(millis(self.spec.datum_timeout.unwrap_or_default()))
                    )),
                ),
                Ended::Gone => (
                    None,
                    Some("the worker ended while it ran; it may have had too little memory".to_owned()),
                ),
            };
            let said = outcome.error.clone().unwrap_or_default();
            self.write(
                step,
                format!("attempt {} of {tries}: {said}", outcome.attempts).as_bytes(),
            )?;
        }
        if !self.spec.transform.err_cmd.is_empty() {
            let ended = self.command(crew, worker, "err", &name, step).await?;
            if ended == Ended::Exit(0) {
                outcome.state = DatumState::Rescued;
                self.write(step, b"err_cmd rescued it: the job goes on without its output")?;
            }
        }
        Ok(outcome)
    }

    async fn command(
        &self,
        crew: &Crew,
        worker: &mut Option<Worker>,
        kind: &str,
        name: &str,
        step: u32,
    ) -> Result<Ended> {
        let mut ready = match worker.take() {
            Some(ready) => ready,
            None => crew.worker().await?,
        };
        let ended = ready
            .datum(kind, name, self.spec.datum_timeout, |line| {
                drop(self.write(step, line))
            })
            .await?;
        match ended {
            Ended::Exit(_) => *worker = Some(ready),
            // What it runs would go on otherwise.
            Ended::TimedOut | Ended::Gone => self.docker.remove_container(ready.id()).await?,
        }
        Ok(ended)
    }

    /// Takes the outputs of each batch that is through.
    async fn collect(
        &self,
        crew: &Crew,
        mut outcomes: mpsc::Receiver<Done>,
        room: Arc<Semaphore>,
    ) -> Result<()> {
        let mut batches: HashMap<String, Vec<(usize, Outcome)>> = HashMap::new();
        while let Some(done) = outcomes.recv().await {
            let through = batches.entry(done.batch.folder.clone()).or_default();
            through.push((done.place, done.outcome));
            if through.len() == done.batch.places.len() {
                let through = batches.remove(&done.batch.folder).unwrap_or_default();
                self.take(crew, &done.batch, through).await?;
                room.add_permits(1);
            }
        }
        Ok(())
    }

    async fn take(&self, crew: &Crew, batch: &Batch, through: Vec<(usize, Outcome)>) -> Result<()> {
        let carrier = crew.carrier().await?;
        let good: Vec<usize> = through
            .iter()
            .filter(|(_, outcome)| outcome.state == DatumState::Processed)
            .map(|(place, _)| *place)
            .collect();
        let mut outputs = collect::Outputs::new();
        if !good.is_empty() {
            let folder = format!("{}/{}", script::OUT, batch.folder);
            let stream = self.docker.get_tar(&carrier, &folder).await?;
            let (reader, driven) = pipe::into(stream, Error::reading);
            let (writing, all, name) = (self.writing.clone(), self.all.clone(), batch.folder.clone());
            let reading = blocking(move || collect::read(&writing, &all, &name, &good, reader));
            let (read, ()) = tokio::join!(reading, driven);
            outputs = read?;
        }
        self.keep(through, outputs).await?;
        let words = format!("rm -rf {0}/{2} {1}/{2}", script::IN, script::OUT, batch.folder);
        crew.carry(&words).await
    }

    /// Keeps results, and counts them only then.
    async fn keep(&self, through: Vec<(usize, Outcome)>, mut outputs: collect::Outputs) -> Result<()> {
        let mut results: Vec<(usize, Outcome, Option<Output>)> = Vec::new();
        for (place, mut outcome) in through {
            let output = match outputs.remove(&place) {
                Some(Ok(output)) if outcome.state == DatumState::Processed => Some(output),
                Some(Err(why)) => {
                    self.write(u32::try_from(place + 1).unwrap_or(u32::MAX), why.as_bytes())?;
                    outcome.state = DatumState::Failed;
                    outcome.error = Some(why);
                    None
                }
                _ => None,
            };
            results.push((place, outcome, output));
        }
        let (store, hashes, all, pipeline) = (
            self.store.clone(),
            self.hashes.clone(),
            self.all.clone(),
            self.with.pipeline.clone(),
        );
        let job = lock(&self.job).id.clone();
        let results = blocking(move || {
            store.write(|tx| {
                let kept: Vec<Finished<'_>> = results
                    .iter()
                    .filter_map(|(place, outcome, output)| {
                        let output = output.as_ref()?;
                        Some(Finished {
                            hash: hashes[*place],
                            output: output.root,
                            bytes_in: all.bytes(*place),
                            bytes_out: output.bytes,
                            outcome,
                        })
                    })
                    .collect();
                records::keep(tx, &pipeline, &job, &kept)?;
                for (place, outcome, output) in &results {
                    if output.is_none() {
                        records::note(tx, &job, *place, outcome)?;
                    }
                }
                Ok(())
            })?;
            Ok(results)
        })
        .await?;
        lock(&self.log).flush()?;
        self.change(|job| {
            for (place, outcome, output) in &results {
                match outcome.state {
                    DatumState::Rescued => job.rescued += 1,
                    DatumState::Processed => job.processed += 1,
                    _ => job.failed += 1,
                }
                if let Some(output) = output {
                    job.bytes_in += self.all.bytes(*place);
                    job.bytes_out += output.bytes;
                }
            }
        })
    }

    fn is_hopeless(&self) -> bool {
        let job = lock(&self.job);
        job.failed >= HOPELESS && job.processed + job.rescued == 0
    }

    /// Notes what a worker has in its hands.
    fn at_work(&self, number: usize, datum: Option<usize>) -> Result<()> {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.change(|job| {
            job.started_at.get_or_insert_with(now_ms);
            job.doing = "processes data".to_owned();
            job.workers.retain(|worker| worker.number != number);
            job.workers.push(JobWorker {
                number,
                datum: datum.map(|place| place as u64),
                since: datum.map(|_| now_ms()),
            });
            job.workers.sort_by_key(|worker| worker.number);
        })
    }

    /// Says what the job does now.
    pub(super) async fn says(&self, doing: &str) -> Result<()> {
        if lock(&self.job).doing != doing {
            self.change(|job| doing.clone_into(&mut job.doing))?;
        }
        Ok(())
    }

    /// Changes the record in memory; it is stored every now and then by whoever runs the job.
    pub(super) fn change(&self, change: impl FnOnce(&mut Job)) -> Result<()> {
        change(&mut lock(&self.job));
        Ok(())
    }

    /// Writes a line into the log.
    pub(super) fn write(&self, step: u32, line: &[u8]) -> Result<()> {
        lock(&self.log).line(step, now_ms(), &sanitise(line))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Jobs, runs and builds keep their logs side by side, by id.
pub(super) fn log_id(job: &str) -> BuildId {
    BuildId(job.to_owned())
}

/// Removes the containers and volumes of a job. Returns whether nothing is left: a container that goes away by itself holds its
/// volumes until it is gone.
pub(crate) async fn remove_all(docker: &Docker, job: &str) -> bool {
    let ours = format!("{LABEL}={job}");
    let deadline = tokio::time::Instant::now() + REMOVAL;
    loop {
        let left = remove_once(docker, &ours).await;
        let is_late = tokio::time::Instant::now() >= deadline;
        match left {
            Ok(0) => return true,
            Ok(left) if is_late => {
                tracing::warn!(job, left, "containers or volumes of the job stay for now");
                return false;
            }
            Ok(_) => tokio::time::sleep(POLL).await,
            Err(error) => {
                tracing::warn!(job, %error, "containers and volumes of the job could not be removed");
                return false;
            }
        }
    }
}

/// Removes what can be removed now. Returns how much there was to remove that may be left.
async fn remove_once(docker: &Docker, ours: &str) -> Result<usize> {
    let containers = docker.deployed(ours).await?;
    let removals = containers
        .iter()
        .map(|container| docker.remove_container(&container.id));
    futures_util::future::try_join_all(removals).await?;
    let volumes = docker.volumes(ours).await?;
    let removals = volumes.iter().map(|volume| docker.remove_volume(volume));
    futures_util::future::try_join_all(removals).await?;
    match containers.len() + volumes.len() {
        0 => Ok(0),
        _ => Ok(docker.deployed(ours).await?.len() + docker.volumes(ours).await?.len()),
    }
}
