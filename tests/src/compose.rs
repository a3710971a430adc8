//! Repositories with a compose file, and what becomes of them.

use std::ops::Deref;

use serde_json::Value;

use crate::registry;
use crate::{Repository, http, try_docker, wait_for};

/// A repository with a compose project that is named like its folder. What runs of it, what was built of it and what was
/// pushed goes away with it.
pub struct ComposeRepository {
    repository: Repository,
}

impl Deref for ComposeRepository {
    type Target = Repository;

    fn deref(&self) -> &Repository {
        &self.repository
    }
}

impl ComposeRepository {
    /// Returns a repository without commits.
    pub fn empty() -> Self {
        Self {
            repository: Repository::empty(),
        }
    }

    /// Returns a repository whose only commit has a compose file and these files.
    pub fn with(compose: &str, files: &[(&str, &str)]) -> Self {
        let made = Self::empty();
        made.write("compose.yaml", compose);
        for (path, text) in files {
            made.write(path, text);
        }
        made.commit("first");
        made
    }

    /// Returns the name that a service's image has, without registry and tag.
    pub fn image(&self, service: &str) -> String {
        format!("headstart-{}-{service}", self.name)
    }

    /// Lists the project's containers as `service id`, sorted.
    pub fn containers(&self) -> Vec<String> {
        let label = format!("label=com.docker.compose.project={}", self.name);
        let format = "{{.Label \"com.docker.compose.service\"}} {{.ID}}";
        let listed = try_docker(&["ps", "--all", "--filter", &label, "--format", format]).unwrap_or_default();
        let mut lines: Vec<String> = listed.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Lists the project's networks and volumes.
    pub fn leftovers(&self) -> Vec<String> {
        let label = format!("label=com.docker.compose.project={}", self.name);
        let list = |kind: &str| try_docker(&[kind, "ls", "--quiet", "--filter", &label]).unwrap_or_default();
        let all = [list("network"), list("volume")];
        all.iter()
            .flat_map(|text| text.lines())
            .map(str::to_owned)
            .collect()
    }

    /// Removes the images of the project from the engine, as a cleaning of disks does; layers in BuildKit's cache stay.
    pub fn remove_built(&self) {
        let filters = [
            format!("reference=headstart-{}-*", self.name),
            format!("reference=*/headstart-{}-*", self.name),
        ];
        let listed = try_docker(&[
            "images",
            "--filter",
            &filters[0],
            "--filter",
            &filters[1],
            "--format",
            "{{.Repository}}:{{.Tag}}",
        ])
        .unwrap_or_default();
        let mut arguments = vec!["rmi", "--force"];
        arguments.extend(listed.lines().filter(|line| !line.contains("<none>")));
        if arguments.len() > 2 {
            drop(try_docker(&arguments));
        }
    }

    /// Removes what runs of the project, by the labels that compose gives.
    fn remove_running(&self) {
        for line in self.containers() {
            if let Some((_, id)) = line.split_once(' ') {
                drop(try_docker(&["rm", "--force", "--volumes", id]));
            }
        }
        let label = format!("label=com.docker.compose.project={}", self.name);
        for kind in ["network", "volume"] {
            let listed = try_docker(&[kind, "ls", "--quiet", "--filter", &label]).unwrap_or_default();
            for name in listed.lines() {
                drop(try_docker(&[kind, "rm", name]));
            }
        }
    }
}

impl Drop for ComposeRepository {
    fn drop(&mut self) {
        self.remove_running();
        self.remove_built();
        if std::env::var_os("HEADSTART_DEV_REGISTRY").is_some() && !std::thread::panicking() {
            let mine = registry::repositories(&self.image(""));
            mine.iter().for_each(|name| registry::remove_repository(name));
        }
    }
}

/// Fetches a page of a service that may still be starting.
pub fn page(port: u16, path: &str) -> String {
    let place = format!("127.0.0.1:{port}");
    wait_for(
        &format!("{path} of {place}"),
        std::time::Duration::from_secs(20),
        || {
            let answer = http(&place, "GET", path, "*/*").ok()?;
            (answer.status == 200).then(|| answer.body.trim().to_owned())
        },
    )
}

/// Returns a target of a plan or of a build's record.
pub fn target<'a>(record: &'a Value, name: &str) -> &'a Value {
    let targets = record["targets"].as_array();
    let found = targets.and_then(|all| all.iter().find(|target| target["name"] == name));
    found.unwrap_or_else(|| panic!("no target {name} in {record}"))
}

/// Returns whether each step that runs something came from a cache, by a part of its name.
pub fn cached(build: &Value, part: &str) -> bool {
    let steps = build["steps"].as_array().cloned().unwrap_or_default();
    let mut found = steps
        .iter()
        .filter(|step| {
            let name = step["name"].as_str().unwrap_or_default();
            name.contains("RUN ") && name.contains(part)
        })
        .peekable();
    assert!(found.peek().is_some(), "no step runs {part:?} in {build}");
    found.all(|step| step["cached"] == true)
}
