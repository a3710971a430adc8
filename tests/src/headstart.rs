//! The program under test, with a data directory of its own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::docker::try_docker;
use tempfile::TempDir;

use crate::{wait_for, workspace};

/// Returns the `headstart` beside this test, built when it is missing or older than its sources. `HEADSTART_BIN` names
/// another one.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("HEADSTART_BIN") {
            return path.into();
        }
        let test = std::env::current_exe().unwrap_or_default();
        // target/<profile>/deps/<test>
        let profile = test.ancestors().nth(2).unwrap_or(Path::new("."));
        let path = profile.join("headstart");
        if is_stale(&path) {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo
                .args(["build", "--quiet", "-p", "headstart-cli"])
                .current_dir(workspace());
            // What is measured; it has its results in the same folder as a release.
            if profile.ends_with("release") {
                cargo.args(["--profile", "bench"]);
            }
            let status = cargo.status();
            assert!(
                status.is_ok_and(|status| status.success()),
                "headstart could not be built"
            );
        }
        path
    })
}

fn is_stale(binary: &Path) -> bool {
    fn newest(path: &Path) -> Option<SystemTime> {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).ok()?.flatten();
            return entries.filter_map(|entry| newest(&entry.path())).max();
        }
        std::fs::metadata(path).ok()?.modified().ok()
    }
    let Some(built) = newest(binary) else { return true };
    let crates = workspace().join("src-tauri/crates");
    ["engine/src", "engine/Cargo.toml", "cli/src", "cli/Cargo.toml"]
        .iter()
        .filter_map(|part| newest(&crates.join(part)))
        .any(|changed| changed > built)
}

/// A data directory that goes away with everything in it.
pub struct Home {
    dir: TempDir,
    env: Vec<(String, String)>,
}

impl Drop for Home {
    /// Removes what outlives jobs: the caches of pipelines that were not deleted.
    fn drop(&mut self) {
        let store = self.path().join("artifacts");
        if store.join("data.db").exists() {
            let ours = format!("label=dev.headstart.store={}", store.display());
            let volumes = try_docker(&["volume", "ls", "--quiet", "--filter", &ours]);
            for volume in volumes.unwrap_or_default().lines() {
                drop(try_docker(&["volume", "rm", volume]));
            }
        }
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// Returns an empty home.
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("headstart-home-")
            .unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        Self { dir, env: Vec::new() }
    }

    /// Sets a variable for every program that is started in this home.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Returns the data directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the variables that were set.
    pub fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// Returns a command that is ready to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.path())
            .env("HEADSTART_HOME", self.path())
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs `headstart` to its end.
    pub fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments))
    }

    /// Runs `headstart` in a folder to its end.
    pub fn run_in(&self, folder: &Path, arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        command.current_dir(folder);
        finish(command)
    }

    /// Runs `headstart … --json`, which has to succeed, and returns what it says.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut with_json = arguments.to_vec();
        with_json.push("--json");
        self.run(&with_json).ok().json()
    }

    /// Builds and returns the record; the build has to succeed.
    pub fn build(&self, arguments: &[&str]) -> Value {
        self.try_build(arguments).ok().last_json()
    }

    /// Builds; the record is the last line.
    pub fn try_build(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["build", "--json"];
        all.extend(arguments);
        self.run(&all)
    }

    /// Adds a project and returns it.
    pub fn add(&self, path: impl AsRef<OsStr>) -> Value {
        let path = path.as_ref().to_string_lossy().into_owned();
        self.json(&["project", "add", &path])
    }

    /// Starts `headstart` and leaves it running; its output is read line by line.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("headstart did not start: {error}"));
        let lines = BufReader::new(child.stdout.take().unwrap_or_else(|| unreachable!("it is piped")));
        Running { child, lines }
    }

    /// Starts a build and returns it with its id, as soon as it has one.
    pub fn start_build(&self, arguments: &[&str]) -> (Running, String) {
        let mut all = vec!["build", "--json"];
        all.extend(arguments);
        let mut running = self.start(&all);
        let id = running.until(|event| {
            (event["type"] == "snapshot")
                .then(|| event["build"]["id"].as_str().unwrap_or_default().to_owned())
        });
        (running, id)
    }

    /// Returns a build's record.
    pub fn show(&self, build: &str) -> Value {
        self.json(&["builds", "show", build])
    }

    /// Returns all builds, newest first.
    pub fn builds(&self) -> Vec<Value> {
        let listed = self.json(&["builds", "list", "--limit", "500"]);
        listed["builds"].as_array().cloned().unwrap_or_default()
    }

    /// Returns a build's log as text.
    pub fn log(&self, build: &str) -> String {
        self.run(&["builds", "logs", build]).ok().stdout
    }

    /// Waits until a line of a build's log contains a text.
    pub fn wait_for_log(&self, build: &str, text: &str) {
        let what = format!("{text:?} in the log of {build}");
        wait_for(&what, Duration::from_secs(60), || {
            let log = self.run(&["builds", "logs", build]);
            log.stdout.contains(text).then_some(())
        });
    }
}

/// A `headstart` that has ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// Exit code; -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

fn finish(mut command: Command) -> Run {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("headstart did not start: {error}"));
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Run {
    /// Checks that it succeeded.
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Checks the exit code.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "exit code\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Returns its output as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {}", self.stdout))
    }

    /// Returns the last line of its output as JSON.
    pub fn last_json(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last)
            .unwrap_or_else(|error| panic!("{error} in {}\n{}", self.stdout, self.stderr))
    }

    /// Returns the error as JSON, which is its last line.
    pub fn error(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {}", self.stderr))
    }
}

/// A `headstart` that runs; it is killed when it is dropped.
pub struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads events until one has an answer.
    pub fn until<T>(&mut self, mut question: impl FnMut(&Value) -> Option<T>) -> T {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let count = self.lines.read_line(&mut line).unwrap_or(0);
            assert!(count > 0, "headstart ended before what was waited for:\n{seen}");
            seen += &line;
            if let Ok(event) = serde_json::from_str(&line)
                && let Some(answer) = question(&event)
            {
                return answer;
            }
        }
    }

    /// Reads events until a line of the log contains a text.
    pub fn until_log(&mut self, text: &str) {
        self.until(|event| {
            let lines = event["lines"].as_array()?;
            let said = |line: &Value| line["text"].as_str().is_some_and(|line| line.contains(text));
            lines.iter().any(said).then_some(())
        });
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "kill -s {name}");
    }

    /// Waits for its end and returns the exit code and what it still printed.
    pub fn wait(mut self) -> Run {
        let mut stdout = String::new();
        drop(self.lines.read_to_string(&mut stdout));
        let status = self
            .child
            .wait()
            .unwrap_or_else(|error| panic!("headstart: {error}"));
        Run {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: String::new(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
