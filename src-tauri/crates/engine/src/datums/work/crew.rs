//! The containers of a job: one that carries files, and the workers.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

use super::LABEL;
use super::feed::add_file;
use super::script::{self, CACHE, Command, IN, OUT, PFS};
use super::worker::Worker;
use crate::data::DataStore;
use crate::datums::secrets::Secrets;
use crate::docker::{Docker, WorkerSpec, whole};
use crate::error::{Error, Result};
use crate::recipe::datum::spec::Spec;

/// The containers of a job, started when they are first needed, or before.
pub(in crate::datums) struct Crew {
    docker: Arc<Docker>,
    /// Who does the work.
    member: Member,
    volumes: OnceCell<()>,
    carrier: OnceCell<(String, Mutex<Worker>)>,
    /// Workers that were started before there was work.
    ready: Mutex<Vec<Worker>>,
}

/// What the containers of a job are made of.
pub(in crate::datums) struct Member {
    pub(in crate::datums) job: String,
    pub(in crate::datums) pipeline: String,
    pub(in crate::datums) spec: Spec,
    pub(in crate::datums) image: String,
    /// Volume with the caches of what builds code; none where no code is built. Builders also have a network, though the spec
    /// does not ask: they get what code depends on.
    pub(in crate::datums) cache: Option<Cache>,
    /// Variables and files with secrets.
    pub(in crate::datums) secrets: Secrets,
}

/// A volume that outlives jobs: what compilers and installers keep there is not made again when code changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::datums) struct Cache {
    name: String,
    labels: HashMap<String, String>,
}

impl Cache {
    /// Returns the one of a build pipeline. No other pipeline has it, so that none can put anything into another's programs.
    pub(in crate::datums) fn of(store: &DataStore, pipeline: &str) -> Self {
        let store = store.folder().to_string_lossy();
        let mut hash = blake3::Hasher::new();
        hash.update(store.as_bytes())
            .update(&[0])
            .update(pipeline.as_bytes());
        Self {
            name: format!("headstart-cache-{}", &hash.finalize().to_hex()[..16]),
            labels: HashMap::from([
                ("dev.headstart.cache".to_owned(), pipeline.to_owned()),
                ("dev.headstart.store".to_owned(), store.into_owned()),
            ]),
        }
    }

    /// Returns the volume's name.
    pub(in crate::datums) fn name(&self) -> &str {
        &self.name
    }
}

impl Crew {
    pub(in crate::datums) fn new(docker: Arc<Docker>, member: Member) -> Self {
        Self {
            docker,
            member,
            volumes: OnceCell::new(),
            carrier: OnceCell::new(),
            ready: Mutex::default(),
        }
    }

    /// Starts the carrier and a worker before there is anything to do.
    pub(in crate::datums) async fn get_ready(&self) -> Result<()> {
        let worker = async {
            let worker = self.start_worker().await?;
            self.ready.lock().await.push(worker);
            Ok(())
        };
        tokio::try_join!(self.carrying(), worker).map(drop)
    }

    /// Returns the container through which files come and go. It has no part of the user's in it, and no network.
    pub(super) async fn carrier(&self) -> Result<String> {
        Ok(self.carrying().await?.0.clone())
    }

    async fn carrying(&self) -> Result<&(String, Mutex<Worker>)> {
        self.carrier.get_or_try_init(|| self.start_carrier()).await
    }

    async fn make_volumes(&self) -> Result<()> {
        let make = async || {
            for volume in [self.volume("in"), self.volume("out")] {
                self.docker.create_volume(&volume, self.labels("data")).await?;
            }
            if let Some(cache) = &self.member.cache {
                self.docker
                    .create_volume(&cache.name, cache.labels.clone())
                    .await?;
            }
            Ok(())
        };
        self.volumes.get_or_try_init(make).await.copied()
    }

    async fn start_carrier(&self) -> Result<(String, Mutex<Worker>)> {
        self.make_volumes().await?;
        let spec = WorkerSpec {
            image: self.member.image.clone(),
            command: words(&["sh", "-c", script::CARRIER]),
            user: Some("0".to_owned()),
            labels: self.labels("carrier"),
            binds: self.binds(""),
            ..WorkerSpec::default()
        };
        let mut carrier = Worker::start(&self.docker, spec).await.map_err(no_shell)?;
        // It lets everybody write before it answers.
        carrier.carry("true").await?;
        let id = carrier.id().to_owned();
        let transform = &self.member.spec.transform;
        let mut tar = tar::Builder::new(Vec::new());
        for (name, lines) in [("stdin", &transform.stdin), ("err_stdin", &transform.err_stdin)] {
            // As the lines of a script: joined by ends of lines, with one behind the last.
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            add_file(&mut tar, name, text.len() as u64, &mut text.as_bytes()).map_err(packing)?;
        }
        let tar = tar.into_inner().map_err(packing)?;
        self.docker.put_tar(&id, IN, whole(tar)).await?;
        Ok((id, Mutex::new(carrier)))
    }

    /// Lets the carrier do something in its shell.
    pub(super) async fn carry(&self, words: &str) -> Result<()> {
        self.carrying().await?.1.lock().await.carry(words).await
    }

    /// Returns a worker that is ready, or a new one.
    pub(super) async fn worker(&self) -> Result<Worker> {
        match self.ready.lock().await.pop() {
            Some(worker) => Ok(worker),
            None => self.start_worker().await,
        }
    }

    async fn start_worker(&self) -> Result<Worker> {
        self.make_volumes().await?;
        let Member {
            spec,
            image,
            cache,
            secrets,
            ..
        } = &self.member;
        let transform = &spec.transform;
        let stdin = |lines: &[String], name| (!lines.is_empty()).then_some(name);
        let run = Command {
            words: &transform.cmd,
            stdin: stdin(&transform.stdin, "stdin"),
        };
        let err = Command {
            words: &transform.err_cmd,
            stdin: stdin(&transform.err_stdin, "err_stdin"),
        };
        let variable = |(name, value): (&str, &str)| format!("{name}={value}");
        let caches = cache.iter().flat_map(|_| script::CACHES);
        let own = transform
            .env
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let mut environment: Vec<String> = caches.chain(own).map(variable).collect();
        environment.extend(secrets.variables.iter().cloned());
        let worker = WorkerSpec {
            image: image.clone(),
            command: words(&["sh", "-c", &script::worker(run, err)]),
            environment,
            user: transform.user.clone().filter(|user| !user.is_empty()),
            working_dir: transform.working_dir.clone().filter(|folder| !folder.is_empty()),
            labels: self.labels("worker"),
            binds: self.binds(":ro"),
            scratch: Some(PFS.to_owned()),
            network: cache.is_some() || spec.network,
            memory: spec
                .resource_limits
                .memory
                .and_then(|bytes| i64::try_from(bytes).ok()),
            nano_cpus: spec.resource_limits.cpu.map(billionths),
            files: secrets.files()?,
        };
        Worker::start(&self.docker, worker).await.map_err(no_shell)
    }

    /// Returns the mounts; how inputs are is said by their end.
    fn binds(&self, inputs: &str) -> Vec<String> {
        let mut binds = vec![
            format!("{}:{IN}{inputs}", self.volume("in")),
            format!("{}:{OUT}", self.volume("out")),
        ];
        let cache = self.member.cache.iter();
        binds.extend(cache.map(|cache| format!("{}:{CACHE}", cache.name)));
        binds
    }

    fn volume(&self, name: &str) -> String {
        format!("headstart-job-{}-{name}", self.member.job)
    }

    fn labels(&self, role: &str) -> HashMap<String, String> {
        HashMap::from([
            (LABEL.to_owned(), self.member.job.clone()),
            ("dev.headstart.role".to_owned(), role.to_owned()),
            ("dev.headstart.pipeline".to_owned(), self.member.pipeline.clone()),
        ])
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn packing(error: std::io::Error) -> Error {
    Error::internal("the lines for the command could not be packed", error)
}

/// The engine's words for an image without a shell say nothing of what to do.
fn no_shell(error: Error) -> Error {
    match &error {
        Error::EngineRefused { message } if message.contains("\"sh\"") => Error::refused(
            "the image has no `sh`, which workers start commands with",
            "use an image with a shell; one with BusyBox is enough",
        ),
        _ => error,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a number of processors is small")]
fn billionths(processors: f64) -> i64 {
    (processors * 1e9) as i64
}
