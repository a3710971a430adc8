//! The Docker engine is not there, or goes away.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;

use headstart_tests::{BUSYBOX, Home, Repository, long_nap, processes_with, workspace};
use tempfile::TempDir;

#[test]
fn without_an_engine_plans_are_made_and_builds_are_refused() {
    let here = Home::new();
    let repo = Repository::with_task("echo built");
    here.add(&repo.path);
    let build = here.build(&[]);

    let nowhere = |arguments: &[&str]| {
        let mut command = here.command(arguments);
        command.env("DOCKER_HOST", "unix:///does/not/exist.sock");
        let output = command.output().unwrap();
        headstart_tests::Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    };
    let plan = nowhere(&["plan", "--json"]).ok().json();
    assert_eq!(plan["engine_checked"], false);
    assert_eq!(plan["build"], build["id"], "as far as is known");
    let error = nowhere(&["build", "--json"]).exits(3).error();
    assert_eq!(
        error["code"], "engine",
        "nothing is reused that nobody looked for: {error}"
    );
    repo.write("a", "1\n");
    repo.commit("second");
    let run = nowhere(&["build"]).exits(3);
    assert!(
        run.stderr.contains("cannot be reached") && run.stderr.contains("hint: start Docker"),
        "{}",
        run.stderr
    );
    assert_eq!(
        here.builds().len(),
        1,
        "a build that cannot begin leaves no record"
    );
    nowhere(&["engine"]).exits(3);
    nowhere(&["graph"]).ok();
    nowhere(&["builds", "list"]).ok();
    nowhere(&["runs", "shells"]).exits(3);
    let status = here.json(&["engine"]);
    assert_eq!(status["reachable"], true);
}

#[test]
fn an_engine_that_dies_under_a_build_is_told_apart_from_a_build_that_fails() {
    let Some(engine) = SecondEngine::start() else {
        return;
    };
    let home = Home::new().with("DOCKER_HOST", &engine.address);
    let marker = long_nap();
    let repo = Repository::with_task(&format!("echo begun; sleep {marker}"));
    home.add(&repo.path);
    assert_eq!(home.json(&["engine"])["endpoint"], engine.address.as_str());
    let (mut running, id) = home.start_build(&[]);
    running.until_log("begun");
    engine.kill();
    let run = running.wait().exits(3);
    assert_eq!(
        run.last_json()["status"],
        "interrupted",
        "nobody has judged the build"
    );
    assert!(home.log(&id).contains("begun"), "its log is kept");
    assert_eq!(home.json(&["inbox"])[0]["kind"], "interrupted");
    assert!(processes_with(&id).is_empty(), "nothing of ours goes on");
    // A daemon that was killed leaves its containers behind; those are not ours to end, so the journey does.
    for left in processes_with(&marker) {
        let pid = left.split(' ').next().unwrap_or_default();
        drop(Command::new("kill").args(["-KILL", pid]).status());
    }
}

/// A Docker engine of this journey's own, with the image that journeys build from.
struct SecondEngine {
    state: TempDir,
    socket: PathBuf,
    address: String,
}

impl SecondEngine {
    /// Starts it; none where that needs rights or programs that are not there.
    fn start() -> Option<Self> {
        let root = Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|output| output.stdout == b"0\n");
        let daemon = Command::new("dockerd")
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
        if !root || !daemon {
            eprintln!("skipped: a second engine needs root and dockerd");
            return None;
        }
        let state = TempDir::with_prefix("hst-engine-").unwrap();
        let socket = state.path().join("sock");
        let address = format!("unix://{}", socket.display());
        let engine = Self {
            state,
            socket,
            address,
        };
        engine.script("up");
        let load = format!("docker save {BUSYBOX} | docker -H {} load", engine.address);
        let loaded = Command::new("sh").args(["-c", &load]).output().unwrap();
        assert!(
            loaded.status.success(),
            "{}",
            String::from_utf8_lossy(&loaded.stderr)
        );
        Some(engine)
    }

    fn script(&self, action: &str) {
        let output = Command::new(workspace().join(".ci/setup/engine.sh"))
            .arg(action)
            .env("HEADSTART_DEV_STATE", self.state.path())
            .env("HEADSTART_DEV_SOCKET", &self.socket)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "engine.sh {action}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Kills the daemon, as running out of memory would.
    fn kill(&self) {
        for daemon in self.daemons() {
            drop(Command::new("kill").args(["-KILL", &daemon]).status());
        }
    }

    fn daemons(&self) -> Vec<String> {
        let state = self.state.path().to_string_lossy().into_owned();
        let ours = processes_with(&state)
            .into_iter()
            .filter(|line| line.contains("dockerd "));
        ours.filter_map(|line| line.split(' ').next().map(str::to_owned))
            .collect()
    }
}

impl Drop for SecondEngine {
    fn drop(&mut self) {
        // Only a daemon that runs can take down what the killed one left.
        self.script("up");
        self.script("down");
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
        let below = |place: &&str| Path::new(place).starts_with(self.state.path());
        let mut places: Vec<&str> = mounts
            .lines()
            .filter_map(|line| line.split(' ').nth(1))
            .filter(below)
            .collect();
        places.sort_unstable();
        for place in places.iter().rev() {
            drop(Command::new("umount").args(["--lazy", place]).status());
        }
        let shared = "rm -rf /run/headstart-engine-$(printf %s \"$1\" | cksum | cut -d' ' -f1)";
        let socket = self.socket.to_string_lossy();
        drop(Command::new("sh").args(["-c", shared, "sh", &socket]).status());
    }
}
