//! The one thing clients hold: where everything is kept, and what is open.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::bake::{LogIndex, kill_group};
use crate::catalogue::{Catalogue, Ending};
use crate::clock::now_ms;
use crate::data::DataStore;
use crate::docker::{Docker, Location};
use crate::error::{Error, Result};
use crate::history::Graphs;
use crate::run::{Deploys, Shells};
use crate::source::{CheckoutCache, Repo};
use crate::wire::{BuildId, BuildStatus, ProjectId};

/// Where the engine keeps its data, and what it may know of its surroundings; it looks nothing up itself.
#[derive(Clone, Debug)]
pub struct Config {
    /// Data directory.
    pub home: PathBuf,
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// `DOCKER_CONFIG`, or `.docker` in the user's home.
    pub docker_config: PathBuf,
}

/// An open engine. Cheap to clone; safe to use from several threads, and beside other processes on the same data.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    home: PathBuf,
    owner: Owner,
    catalogue: Catalogue,
    docker: Arc<Docker>,
    /// Engines of other docker contexts, by context.
    others: Mutex<HashMap<String, Arc<Docker>>>,
    checkouts: CheckoutCache,
    repos: Mutex<HashMap<ProjectId, Repo>>,
    logs: Mutex<HashMap<BuildId, Arc<Mutex<LogIndex>>>>,
    graphs: Graphs,
    shells: Shells,
    deploys: Deploys,
    chains: crate::datums::Chains,
    composes: Mutex<HashMap<String, std::result::Result<crate::recipe::compose::Resolved, String>>>,
    /// Open stores of data repositories, by folder.
    data_stores: Mutex<HashMap<PathBuf, Arc<DataStore>>>,
    /// Clearing up after processes that died.
    clearing: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

/// Longest time that somebody who leaves waits for what is being cleared up.
const SETTLE: Duration = Duration::from_secs(15);

/// This process's mark: a locked file, whose lock the system drops when the process dies, however that happens.
struct Owner {
    name: String,
    path: PathBuf,
    _lock: File,
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

impl Engine {
    /// Opens the data directory, making it when it is not there. Builds of processes that died become `interrupted`.
    pub fn open(config: Config) -> Result<Self> {
        let Config {
            home,
            docker_host,
            docker_context,
            docker_config,
        } = config;
        for folder in ["", "owners", "logs", "work"] {
            let path = home.join(folder);
            std::fs::create_dir_all(&path).map_err(Error::file("making the folder", path))?;
        }
        let catalogue = Catalogue::open(&home.join("catalogue.db"))?;
        let owner = Owner::take(&home)?;
        let not_empty = |text: Option<String>| text.filter(|text| !text.is_empty());
        let location = Location {
            host: not_empty(docker_host),
            context: not_empty(docker_context),
            config: docker_config,
        };
        let engine = Self(Arc::new(Inner {
            owner,
            catalogue,
            docker: Arc::new(Docker::new(location)),
            others: Mutex::default(),
            checkouts: CheckoutCache::new(home.join("checkouts")),
            repos: Mutex::default(),
            logs: Mutex::default(),
            graphs: Graphs::default(),
            shells: Shells::default(),
            deploys: Deploys::default(),
            chains: crate::datums::Chains::default(),
            composes: Mutex::default(),
            data_stores: Mutex::default(),
            clearing: Mutex::default(),
            home,
        }));
        engine.reconcile()?;
        Ok(engine)
    }

    /// Ends the builds whose process is gone, and removes what they left.
    pub fn reconcile(&self) -> Result<()> {
        for (id, owner, group) in self.catalogue().unfinished()? {
            if owner == self.owner() || Owner::is_alive(self.home(), &owner) {
                continue;
            }
            if let Some(group) = group.filter(|group| is_build_of(*group, &id)) {
                kill_group(group);
            }
            let why = "Headstart was ended while it ran".to_owned();
            let ending = Ending::without_image(BuildStatus::Interrupted, Some(why));
            if self.catalogue().end(&id, &ending, now_ms())? {
                crate::inbox::report(self, &id)?;
            }
            self.remove_work(&id);
        }
        let is_alive = |owner: &str| owner == self.owner() || Owner::is_alive(self.home(), owner);
        crate::run::pipelines::reconcile(self, is_alive)?;
        crate::datums::reconcile(self, |owner| {
            owner == self.owner_path() || Owner::is_alive(self.home(), owner)
        })?;
        Owner::sweep(self.home());
        Ok(())
    }

    /// Clears something up in the background; nothing where there is no background.
    pub(crate) fn clear_up(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let mut clearing = lock(&self.0.clearing);
            clearing.retain(|under_way| !under_way.is_finished());
            clearing.push(runtime.spawn(work));
        }
    }

    /// Waits, for a while, until everything is cleared up that processes left which died. Who leaves earlier leaves it too.
    pub async fn settle(&self) {
        let under_way = std::mem::take(&mut *lock(&self.0.clearing));
        let all = futures_util::future::join_all(under_way);
        if tokio::time::timeout(SETTLE, all).await.is_err() {
            tracing::warn!("what runs left that were interrupted could not be cleared up in time");
        }
    }

    /// Returns the data directory.
    pub fn home(&self) -> &Path {
        &self.0.home
    }

    /// Waits until something in the catalogue changed, by this process or another one.
    pub async fn changed(&self) -> Result<()> {
        let mut ours = self.catalogue().subscribe();
        let before = self.catalogue().foreign_version()?;
        loop {
            tokio::select! {
                _ = ours.changed() => return Ok(()),
                () = tokio::time::sleep(Duration::from_millis(300)) => {
                    if self.catalogue().foreign_version()? != before {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Returns the open stores of data repositories, by folder.
    pub(crate) fn data_stores(&self) -> &Mutex<HashMap<PathBuf, Arc<DataStore>>> {
        &self.0.data_stores
    }

    /// Tells this process and the others that data repositories, pipelines or jobs changed.
    pub(crate) fn data_changed(&self) {
        let told = self
            .catalogue()
            .set_setting("data_changed_at", &now_ms().to_string());
        if let Err(error) = told {
            // What was done is done; those who look again see it.
            tracing::warn!(%error, "a change of data could not be announced");
        }
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    pub(crate) fn docker(&self) -> &Docker {
        &self.0.docker
    }

    /// Returns the Docker engine of a context; none for the one the docker command line uses.
    pub(crate) fn docker_at(&self, context: Option<&str>) -> Arc<Docker> {
        let Some(context) = context else {
            return self.0.docker.clone();
        };
        let mut others = lock(&self.0.others);
        let location = || Location {
            host: None,
            context: Some(context.to_owned()),
            config: self.docker().location.config.clone(),
        };
        let docker = others
            .entry(context.to_owned())
            .or_insert_with(|| Arc::new(Docker::new(location())));
        docker.clone()
    }

    pub(crate) fn checkouts(&self) -> &CheckoutCache {
        &self.0.checkouts
    }

    pub(crate) fn graphs(&self) -> &Graphs {
        &self.0.graphs
    }

    pub(crate) fn shells(&self) -> &Shells {
        &self.0.shells
    }

    pub(crate) fn deploys(&self) -> &Deploys {
        &self.0.deploys
    }

    pub(crate) fn chains(&self) -> &crate::datums::Chains {
        &self.0.chains
    }

    pub(crate) fn owner(&self) -> &str {
        &self.0.owner.name
    }

    /// Returns this process's mark as others find it who have another data directory: artifact stores are shared.
    pub(crate) fn owner_path(&self) -> String {
        self.0.owner.path.to_string_lossy().into_owned()
    }

    /// Returns the repository of a project, opened once.
    pub(crate) fn repo(&self, project: &ProjectId, root: &Path) -> Result<Repo> {
        if let Some(repo) = lock(&self.0.repos).get(project) {
            return Ok(repo.clone());
        }
        let repo = Repo::open(root)?;
        lock(&self.0.repos).insert(project.clone(), repo.clone());
        Ok(repo)
    }

    /// Forgets the open repository of a project.
    pub(crate) fn forget_repo(&self, project: &ProjectId) {
        lock(&self.0.repos).remove(project);
    }

    pub(crate) fn log_path(&self, build: &BuildId) -> PathBuf {
        self.home().join("logs").join(format!("{build}.log"))
    }

    pub(crate) fn work_path(&self, build: &BuildId) -> PathBuf {
        self.home().join("work").join(build.as_str())
    }

    pub(crate) fn remove_work(&self, build: &BuildId) {
        drop(std::fs::remove_dir_all(self.work_path(build)));
    }

    /// Returns the index of a build's log, brought up to date.
    pub(crate) fn log_index(&self, build: &BuildId) -> Result<Arc<Mutex<LogIndex>>> {
        let index = {
            let mut logs = lock(&self.0.logs);
            // Indexes of logs nobody reads any more are cheap to make again.
            if logs.len() > 8 && !logs.contains_key(build) {
                logs.clear();
            }
            logs.entry(build.clone()).or_default().clone()
        };
        lock(&index).refresh(&self.log_path(build))?;
        Ok(index)
    }

    /// Returns what was learned about a compose file, by the key of all that it depends on.
    pub(crate) fn resolved_compose(
        &self,
        key: &str,
    ) -> Option<std::result::Result<crate::recipe::compose::Resolved, String>> {
        lock(&self.0.composes).get(key).cloned()
    }

    /// Remembers what was learned about a compose file.
    pub(crate) fn remember_compose(
        &self,
        key: String,
        resolved: std::result::Result<crate::recipe::compose::Resolved, String>,
    ) {
        let mut composes = lock(&self.0.composes);
        // What nobody asks for any more is cheap to ask again.
        if composes.len() >= 256 {
            composes.clear();
        }
        composes.insert(key, resolved);
    }

    pub(crate) fn forget_log(&self, build: &BuildId) {
        lock(&self.0.logs).remove(build);
    }
}

/// Locks a mutex whose data stays valid even if a thread panicked while holding it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether a process group still is the one that works for a build: numbers are given out again.
fn is_build_of(group: u32, build: &BuildId) -> bool {
    let command = std::fs::read(format!("/proc/{group}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&command).contains(build.as_str())
}

impl Owner {
    fn take(home: &Path) -> Result<Self> {
        loop {
            let name = random_hex(16)?;
            let path = home.join("owners").join(&name);
            let lock = File::create(&path).map_err(Error::file("writing", &path))?;
            lock.lock().map_err(Error::file("locking", &path))?;
            // Between the two, another process may have taken the file for a dead one's and removed it.
            if path.exists() {
                return Ok(Self {
                    name,
                    path,
                    _lock: lock,
                });
            }
        }
    }

    /// Returns whether a process lives, by its name within a data directory or by the whole path of its mark.
    fn is_alive(home: &Path, name: &str) -> bool {
        let Ok(file) = File::open(home.join("owners").join(name)) else {
            return false;
        };
        file.try_lock().is_err()
    }

    /// Removes the marks of processes that are gone.
    fn sweep(home: &Path) {
        let Ok(entries) = std::fs::read_dir(home.join("owners")) else {
            return;
        };
        for entry in entries.flatten() {
            if File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }
}

/// Returns random hexadecimal digits from the system.
pub(crate) fn random_hex(digits: usize) -> Result<String> {
    let mut bytes = vec![0; digits.div_ceil(2)];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::internal("the system gave no random numbers", error))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(text[..digits].to_owned())
}
