//! An engine without Docker, a repository, and what every answer has to be: quick, and harmless or clear.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use git2::{ObjectType, Oid, Repository};
use headstart_engine::wire::{
    BuildFilter, BuildRequest, CommitSearch, GraphQuery, Plan, Preview, ProjectId, WireError,
};
use headstart_engine::{Config, Engine, Error, builds, plan, project};
use serde::Serialize;
use serde_json::Value;

pub(crate) const FILE: &str = ".gitpod.yml";
pub(crate) const LIMIT: Duration = Duration::from_secs(1);
pub(crate) const GOOD: &str = "image: debian:12\ntasks:\n- init: make\n";

/// An engine without Docker, and a repository.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) engine: Engine,
    runtime: tokio::runtime::Runtime,
    pub(crate) git: Repository,
    pub(crate) inputs: usize,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::open(Config {
            home: folder.path().join("home"),
            docker_host: Some(format!("unix://{}/none.sock", folder.path().display())),
            docker_context: None,
            docker_config: folder.path().join("docker"),
        })
        .unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        options.initial_head("main").external_template(false);
        let git = Repository::init_opts(folder.path().join("source"), &options).unwrap();
        Self {
            folder,
            engine,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            git,
            inputs: 0,
        }
    }

    /// A place whose repository has one ordinary commit and is a project.
    pub(crate) fn with_project() -> (Self, ProjectId) {
        let place = Self::new();
        let tree = place.tree(&[(FILE, 0o100_644, GOOD.as_bytes()), ("a b", 0o100_644, b"x")]);
        let commit = place.raw_commit(tree, &[], b"Ada <ada@example.com> 1700000000 +0000", b"first\n");
        place.git.reference("refs/heads/main", commit, true, "").unwrap();
        std::fs::write(place.source().join(FILE), GOOD).unwrap();
        let added = project::add(&place.engine, &place.source()).unwrap();
        (place, added.id)
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    pub(crate) fn git_dir(&self) -> PathBuf {
        self.source().join(".git")
    }

    pub(crate) fn tree(&self, files: &[(&str, i32, &[u8])]) -> Oid {
        let mut tree = self.git.treebuilder(None).unwrap();
        for (name, mode, bytes) in files {
            tree.insert(*name, self.git.blob(bytes).unwrap(), *mode).unwrap();
        }
        tree.write().unwrap()
    }

    /// Writes a commit object byte by byte: what no sane program would write.
    pub(crate) fn raw_commit(&self, tree: Oid, parents: &[Oid], who: &[u8], message: &[u8]) -> Oid {
        let mut data = format!("tree {tree}\n").into_bytes();
        for parent in parents {
            data.extend_from_slice(format!("parent {parent}\n").as_bytes());
        }
        for role in ["author", "committer"] {
            data.extend_from_slice(role.as_bytes());
            data.push(b' ');
            data.extend_from_slice(who);
            data.push(b'\n');
        }
        data.push(b'\n');
        data.extend_from_slice(message);
        self.git.odb().unwrap().write(ObjectType::Commit, &data).unwrap()
    }

    /// Runs one input: a quick answer, harmless if it is one, clear if it is an error.
    pub(crate) fn try_one<T: Serialize>(
        &mut self,
        what: &str,
        mut ask: impl FnMut(&Self) -> Result<T, Error>,
    ) -> Result<T, WireError> {
        self.inputs += 1;
        let (mut answer, mut took) = timed(|| ask(self));
        if took > LIMIT {
            // Others use this machine too: only what is slow twice is slow.
            (answer, took) = timed(|| ask(self));
        }
        assert!(took <= LIMIT, "{} took {took:?}", cut(what));
        match answer {
            Ok(value) => {
                assert_harmless(what, &serde_json::to_value(&value).unwrap());
                Ok(value)
            }
            Err(error) => {
                let told = WireError::from(error);
                assert_clear(what, &told);
                Err(told)
            }
        }
    }

    pub(crate) fn preview(&mut self, what: &str, path: &Path) -> Result<Preview, WireError> {
        let preview = self.try_one(what, |place| project::preview(&place.engine, path));
        if let Ok(preview) = &preview {
            for problem in &preview.problems {
                assert!(
                    problem.message.len() > 5 && problem.message.len() < 600,
                    "{}: a problem is a sentence, not {:?}",
                    cut(what),
                    cut(&problem.message)
                );
            }
            assert!(
                preview.can_add || !preview.problems.is_empty(),
                "{}: what cannot be added says why",
                cut(what)
            );
        }
        preview
    }

    pub(crate) fn plan(&mut self, what: &str, request: &BuildRequest) -> Result<Plan, WireError> {
        self.try_one(what, |place| {
            place.runtime.block_on(plan::plan(&place.engine, request))
        })
    }

    pub(crate) fn assert_untouched(&self, projects: usize) {
        assert_eq!(
            project::list(&self.engine).unwrap().len(),
            projects,
            "nothing was added"
        );
        let all = builds::list(&self.engine, &BuildFilter::default()).unwrap();
        assert_eq!(all.total, 0, "nothing was built");
    }
}

pub(crate) fn cut(text: &str) -> String {
    text.chars().take(120).flat_map(char::escape_debug).collect()
}

/// Fails on a control character anywhere in an answer. Texts of several lines are a commit's message, the value of a
/// field (a task's script) and the chain of causes.
pub(crate) fn assert_harmless(what: &str, value: &Value) {
    fn walk(what: &str, name: &str, value: &Value) {
        match value {
            Value::String(text) => {
                let lines = matches!(name, "message" | "value" | "detail");
                let bad = text
                    .chars()
                    .find(|c| c.is_control() && !(lines && matches!(c, '\n' | '\t')));
                assert_eq!(bad, None, "{}: {name} is {:?}", cut(what), cut(text));
                assert!(
                    text.len() <= 1 << 20,
                    "{}: {name} has {} bytes",
                    cut(what),
                    text.len()
                );
            }
            Value::Array(items) => items.iter().for_each(|item| walk(what, name, item)),
            Value::Object(entries) => {
                for (name, value) in entries {
                    assert!(
                        !name.contains(char::is_control),
                        "{}: a key is {name:?}",
                        cut(what)
                    );
                    walk(what, name, value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    walk(what, "", value);
}

pub(crate) fn assert_clear(what: &str, error: &WireError) {
    let what = cut(what);
    let message = &error.message;
    assert!(message.trim().len() >= 8, "{what}: {message:?} says nothing");
    assert!(message.contains(' '), "{what}: {message:?} is no sentence");
    assert!(
        !message.ends_with('.'),
        "{what}: {message:?} ends with a full stop"
    );
    assert!(
        message.chars().count() <= 5_010,
        "{what}: {} bytes, {:?}",
        message.len(),
        cut(message)
    );
    assert!(!message.contains('\n'), "{what}: {message:?} has several lines");
    assert_harmless(&what, &serde_json::to_value(error).unwrap());
}

pub(crate) fn request(project: &ProjectId, commit: &str) -> BuildRequest {
    BuildRequest {
        commit: Some(commit.to_owned()),
        ..BuildRequest::head(project.clone())
    }
}

pub(crate) fn searched(project: &ProjectId) -> CommitSearch {
    CommitSearch {
        project: project.clone(),
        query: GraphQuery::default(),
        text: String::new(),
        author: None,
        path: None,
        only_built: false,
        limit: 100,
    }
}

/// Runs something and returns how long the processor worked for it: others use this machine too.
pub(crate) fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let now = || {
        let at = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(
            u64::try_from(at.tv_sec).unwrap(),
            u32::try_from(at.tv_nsec).unwrap(),
        )
    };
    let before = now();
    let answer = run();
    (answer, now() - before)
}
