//! A second request for a commit: answered by a build that is there, by one that runs, or by a new one.
//!
//! The first build is a real record of the engine (its Docker does nothing but answer, so it fails); only how it ended is
//! then rewritten to what the case says.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use headstart_engine::builds::{self, Started};
use headstart_engine::wire::{BuildId, BuildRequest, ProjectId};
use headstart_engine::{Config, Engine, project};
use serde_json::{Value, json};

use crate::Case;
use crate::workspace::FILE;

pub(crate) fn answer(case: &Case) -> Result<Option<Value>> {
    let running = case.input["running_instance"].as_bool();
    let state = match (case.input["existing_state"].as_str(), running) {
        (Some(state), _) => Some(state),
        (None, Some(true)) => Some("building"),
        (None, _) => None,
    };
    let status = match state {
        None => None,
        Some("available") => Some("succeeded"),
        Some("building") => Some("running"),
        Some("queued") => Some("queued"),
        Some("aborted") => Some("cancelled"),
        Some("failed") => Some("failed"),
        Some("timeout") => Some("timed_out"),
        Some(_) => return Ok(None),
    };
    let same_tasks = case.input["same_prebuild_tasks"].as_bool().unwrap_or(true);
    let force = case.input["force"].as_bool().unwrap_or(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answer = runtime.block_on(ask(status, same_tasks, force))?;
    Ok(Some(answer))
}

async fn ask(status: Option<&str>, same_tasks: bool, force: bool) -> Result<Value> {
    let place = Place::new()?;
    let first = builds::start(&place.engine, &place.request).await?;
    place.wait(&first).await?;
    match status {
        Some(status) => place.rewrite(&first, status, same_tasks)?,
        None => place.forget(&first)?,
    }
    let request = BuildRequest {
        full: force,
        ..place.request.clone()
    };
    let started = builds::start_detailed(&place.engine, &request).await;
    Ok(match started {
        Ok(Started::Reused(id)) if id == first => json!({ "action": "reuse", "done": true }),
        Ok(Started::Joined(id)) if id == first => json!({ "action": "reuse", "done": false }),
        Ok(Started::New(id)) => {
            // It may wait for the one that is said to run; it is not to outlive the case.
            drop(builds::cancel(&place.engine, &id));
            place.wait(&id).await?;
            json!({ "action": "start" })
        }
        Ok(other) => anyhow::bail!("{other:?} is not the build of this case"),
        Err(error) => json!({ "error": error.to_string() }),
    })
}

/// An engine without a working Docker, with a project.
pub(crate) struct Place {
    pub(crate) engine: Engine,
    pub(crate) request: BuildRequest,
    folder: tempfile::TempDir,
}

impl Place {
    /// Makes a project of one commit.
    pub(crate) fn new() -> Result<Self> {
        Self::with(commit)
    }

    /// Makes a project of the repository that `write` writes at the path it is given.
    pub(crate) fn with(write: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let source = folder.path().join("source");
        write(&source)?;
        let engine = engine(folder.path())?;
        let project: ProjectId = project::add(&engine, &source)?.id;
        Ok(Self {
            engine,
            request: BuildRequest::head(project),
            folder,
        })
    }

    pub(crate) fn source(&self) -> std::path::PathBuf {
        self.folder.path().join("source")
    }

    /// Waits for the end of a build: without a working Docker it is near.
    pub(crate) async fn wait(&self, id: &BuildId) -> Result<()> {
        for _ in 0..600 {
            if builds::get(&self.engine, id)?.status.is_final() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("a build that cannot work did not end")
    }

    fn catalogue(&self) -> Result<rusqlite::Connection> {
        let catalogue = rusqlite::Connection::open(self.engine.home().join("catalogue.db"))?;
        catalogue.busy_timeout(Duration::from_secs(5))?;
        Ok(catalogue)
    }

    /// Makes a record say that it ended (or not) in another way, or that it had other tasks.
    pub(crate) fn rewrite(&self, id: &BuildId, status: &str, same_tasks: bool) -> Result<()> {
        self.end(id, status, "workspace", IMAGE)?;
        if !same_tasks {
            self.catalogue()?.execute(
                "UPDATE builds SET environment_key = 'another', environment = json_array() WHERE id = ?1",
                [id.as_str()],
            )?;
        }
        Ok(())
    }

    /// Makes a record say that it succeeded, with an image for a target.
    pub(crate) fn succeed(&self, id: &BuildId, target: &str, image: &str) -> Result<()> {
        self.end(id, "succeeded", target, image)
    }

    fn end(&self, id: &BuildId, status: &str, target: &str, image: &str) -> Result<()> {
        let catalogue = self.catalogue()?;
        let changed = catalogue.execute(
            "UPDATE builds SET status = ?2, error = NULL WHERE id = ?1",
            [id.as_str(), status],
        )?;
        anyhow::ensure!(changed == 1, "the record is not there");
        catalogue.execute(
            "INSERT OR REPLACE INTO images(build_id, target, reference, digest) VALUES(?1, ?2, ?3, ?4)",
            [id.as_str(), target, image, DIGEST],
        )?;
        Ok(())
    }

    fn forget(&self, id: &BuildId) -> Result<()> {
        let gone = self
            .catalogue()?
            .execute("DELETE FROM builds WHERE id = ?1", [id.as_str()])?;
        anyhow::ensure!(gone == 1, "the record is not there");
        Ok(())
    }
}

/// The one image that the Docker of these cases has; every record that is said to have succeeded is of it.
pub(crate) const IMAGE: &str = "headstart/case:1";
const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000001";

/// Opens an engine whose Docker has one image and builds nothing: which build answers a request does not depend on more.
pub(crate) fn engine(folder: &Path) -> Result<Engine> {
    let socket = folder.join("docker.sock");
    let listener = UnixListener::bind(&socket)?;
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer_about_images));
    Ok(Engine::open(Config {
        home: folder.join("home"),
        docker_host: Some(format!("unix://{}", socket.display())),
        docker_context: None,
        docker_config: folder.join("docker"),
    })?)
}

/// Answers one request; whoever asked and went away does not matter.
fn answer_about_images(stream: UnixStream) {
    let mut lines = BufReader::new(&stream).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let headers = lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()));
    headers.for_each(drop);
    let asks = |what: &str| first.contains(what);
    let (status, body) = if asks("/_ping") {
        ("200 OK", "OK".to_owned())
    } else if asks("/info") {
        (
            "200 OK",
            json!({ "OSType": "linux", "Architecture": "x86_64" }).to_string(),
        )
    } else if asks("/images/json") {
        let image = json!({ "Id": DIGEST, "ParentId": "", "RepoTags": [IMAGE], "RepoDigests": [], "Created": 0,
            "Size": 0, "SharedSize": -1, "Labels": {}, "Containers": -1 });
        ("200 OK", json!([image]).to_string())
    } else if asks(&format!("/images/{IMAGE}/json"))
        || asks(&format!("/images/{}/json", IMAGE.replace('/', "%2F")))
    {
        ("200 OK", json!({ "Id": DIGEST, "RepoTags": [IMAGE] }).to_string())
    } else {
        (
            "404 Not Found",
            json!({ "message": "there is nothing else" }).to_string(),
        )
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    drop((&stream).write_all(answer.as_bytes()));
}

/// Makes a repository with one commit of a config and a file.
fn commit(source: &Path) -> Result<()> {
    std::fs::create_dir(source)?;
    std::fs::write(source.join(FILE), "image: debian:12\ntasks:\n- init: make\n")?;
    std::fs::write(source.join("file"), "as committed\n")?;
    let git = git2::Repository::init(source)?;
    let mut index = git.index()?;
    index.add_path(Path::new(FILE))?;
    index.add_path(Path::new("file"))?;
    index.write()?;
    let tree = git.find_tree(index.write_tree()?)?;
    let who = git2::Signature::new("Ada", "ada@example.com", &git2::Time::new(1_700_000_000, 0))?;
    git.commit(Some("HEAD"), &who, &who, "first", &tree, &[])
        .context("committing")?;
    Ok(())
}
