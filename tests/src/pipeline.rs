//! Repositories with a run config, and what is left of their runs.

use std::ops::Deref;

use serde_json::Value;

use crate::{BUSYBOX, Home, Repository, Run, registry, try_docker, unique};

/// A repository with a run config whose images are named after its folder, so that they go away with it.
pub struct PipelineRepository {
    repository: Repository,
    /// Something that no other journey's images have, so that none of theirs serves.
    pub once: String,
}

impl Deref for PipelineRepository {
    type Target = Repository;

    fn deref(&self) -> &Repository {
        &self.repository
    }
}

impl PipelineRepository {
    /// Returns a repository whose only commit has two steps in one image: they print files of the source.
    pub fn shell() -> Self {
        let made = Self {
            repository: Repository::empty(),
            once: unique("once"),
        };
        made.write("step.sh", "echo \"$HEADSTART_STEP says $(cat text)\"\n");
        made.write("text", "one\n");
        made.config("", &[("prepare", ""), ("train", "")]);
        made.commit("first");
        made
    }

    /// Returns a clone of another one in a folder beside it.
    pub fn clone_of(other: &Self, name: &str) -> Self {
        let folder = other.beside(name);
        std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let path = folder.join(&other.name);
        let target = path.to_string_lossy().into_owned();
        other.git(&["clone", "-q", other.arg(), &target]);
        Self {
            repository: Repository::at(&path),
            once: other.once.clone(),
        }
    }

    /// Writes the run config: more Docker settings, YAML lines without indentation, and steps with theirs.
    pub fn config(&self, docker: &str, steps: &[(&str, &str)]) {
        let indented = |text: &str, by: usize| -> String {
            text.lines()
                .map(|line| format!("{}{line}\n", " ".repeat(by)))
                .collect()
        };
        let mut text = format!(
            "name: {}\nsettings:\n  docker:\n    target_repository: headstart/{}\n    environment:\n      ONCE: {}\n",
            self.name, self.name, self.once
        );
        if !docker.contains("parent_image:") && !docker.contains("dockerfile:") {
            text += &format!("    parent_image: {BUSYBOX}\n");
        }
        text += &indented(docker, 4);
        text += "steps:\n";
        for (name, own) in steps {
            text += &format!("  {name}:\n");
            if !own.contains("command:") {
                text += "    command: [sh, step.sh]\n";
            }
            text += &indented(own, 4);
        }
        self.write("run.yaml", text);
    }

    /// Lists containers and volumes of a run that are still there.
    pub fn leftovers(run: &str) -> Vec<String> {
        let label = format!("label=dev.headstart.pipeline-run={run}");
        let containers = try_docker(&["ps", "--all", "--quiet", "--filter", &label]).unwrap_or_default();
        let name = format!("name=headstart-run-{run}");
        let volumes = try_docker(&["volume", "ls", "--quiet", "--filter", &name]).unwrap_or_default();
        let both = [containers, volumes];
        both.iter()
            .flat_map(|text| text.lines())
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for PipelineRepository {
    fn drop(&mut self) {
        // What went to the registry is there and, under that name, also here.
        let Ok(place) = std::env::var("HEADSTART_DEV_REGISTRY") else {
            return;
        };
        let name = format!("headstart/{}", self.name);
        let here = format!("{place}/{name}");
        let listed = try_docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", &here]);
        for image in listed.unwrap_or_default().lines() {
            drop(try_docker(&["rmi", "--force", image]));
        }
        registry::remove_repository(&name);
    }
}

impl Home {
    /// Runs a pipeline; its record is the last line.
    pub fn try_pipeline(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["run", "--json"];
        all.extend(arguments);
        self.run(&all)
    }

    /// Runs a pipeline and returns the record; the run has to succeed, and leaves nothing behind.
    pub fn pipeline(&self, arguments: &[&str]) -> Value {
        let run = self.try_pipeline(arguments).ok().last_json();
        let id = run["id"].as_str().unwrap_or_default();
        assert_eq!(PipelineRepository::leftovers(id), [""; 0], "{run}");
        run
    }

    /// Returns what the steps of a run wrote.
    pub fn run_log(&self, run: &Value) -> String {
        let id = run["id"].as_str().unwrap_or_default();
        self.run(&["runs", "logs", id]).ok().stdout
    }
}
