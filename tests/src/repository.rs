//! Repositories to try the product on.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{remove_images, unique};

/// The image journeys build from: a shell and the usual small tools.
pub const BUSYBOX: &str = "headstart-sample/busybox:1";

/// A git repository in a temporary folder with a name of its own; the images built from it go away with it.
pub struct Repository {
    /// The work tree.
    pub path: PathBuf,
    /// The folder's name, which images are named after.
    pub name: String,
    _dir: Option<TempDir>,
}

impl Repository {
    /// Returns a repository without commits.
    pub fn empty() -> Self {
        let name = unique("hst");
        let dir = TempDir::with_prefix("headstart-repo-")
            .unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let path = dir.path().join(&name);
        let created = std::fs::create_dir(&path);
        assert!(created.is_ok(), "{}: {created:?}", path.display());
        let repository = Self {
            path,
            name,
            _dir: Some(dir),
        };
        repository.git(&["init", "-q", "--template=", "-b", "main"]);
        repository
    }

    /// Returns a repository whose only commit has one task.
    pub fn with_task(init: &str) -> Self {
        let repository = Self::empty();
        repository.task(init);
        repository.write("README", "hello\n");
        repository.commit("first");
        repository
    }

    /// Returns a repository in a folder that somebody else made and owns.
    pub fn at(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Self {
            path: path.to_owned(),
            name: name.unwrap_or_default(),
            _dir: None,
        }
    }

    /// Returns a folder beside the work tree that goes away with it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.path.parent().unwrap_or(&self.path).join(name)
    }

    /// Writes the workspace config with one task named `make`.
    pub fn task(&self, init: &str) {
        self.tasks(&[("make", init)]);
    }

    /// Writes the workspace config with these tasks.
    pub fn tasks(&self, tasks: &[(&str, &str)]) {
        let mut yaml = format!("image: {BUSYBOX}\ntasks:\n");
        for (name, init) in tasks {
            let init = serde_json::Value::from(*init);
            yaml += &format!("  - name: {name}\n    init: {init}\n");
        }
        self.write(".gitpod.yml", &yaml);
    }

    /// Writes a file, with the folders it lies in.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        let written = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, content));
        assert!(written.is_ok(), "{}: {written:?}", path.display());
    }

    /// Commits everything and returns the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.head()
    }

    /// Returns the id of HEAD's commit.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git, without the user's settings, and returns what it printed.
    pub fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.path, arguments)
    }

    /// Returns the folder the source has in an image.
    pub fn folder(&self) -> String {
        format!("/workspace/{}", self.name)
    }

    /// Returns the path as an argument.
    pub fn arg(&self) -> &str {
        self.path.to_str().unwrap_or_default()
    }
}

/// Runs git in a folder.
fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs([
            ("GIT_AUTHOR_NAME", "Ada Byrne"),
            ("GIT_AUTHOR_EMAIL", "ada@example.org"),
            ("GIT_COMMITTER_NAME", "Ada Byrne"),
            ("GIT_COMMITTER_EMAIL", "ada@example.org"),
        ])
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .output()
        .unwrap_or_else(|error| panic!("git could not be started: {error}"));
    assert!(
        output.status.success(),
        "git {arguments:?} in {}: {}",
        folder.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Drop for Repository {
    fn drop(&mut self) {
        remove_images(&self.name);
    }
}
