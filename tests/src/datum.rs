//! Datum pipelines from the command line: a home with data, and a folder with specs and code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::{BUSYBOX, Home, Run, docker, try_docker, unique};

/// A home whose datum pipelines are tried.
pub struct Pipelines {
    /// The data directory.
    pub home: Home,
    dir: TempDir,
    /// Names that images were given here, without registry or tag.
    images: Vec<String>,
}

impl Default for Pipelines {
    fn default() -> Self {
        Self::in_home(Home::new())
    }
}

impl Pipelines {
    /// Returns an empty home with these repositories.
    pub fn with(repositories: &[&str]) -> Self {
        let pipelines = Self::default();
        for name in repositories {
            pipelines.home.run(&["data", "create", name]).ok();
        }
        pipelines
    }

    /// Returns pipelines in a home that was prepared.
    pub fn in_home(home: Home) -> Self {
        let dir = TempDir::with_prefix("headstart-specs-")
            .unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        Self {
            home,
            dir,
            images: Vec::new(),
        }
    }

    /// Returns a path below the folder with specs and code.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file of that folder.
    pub fn write(&self, path: &str, text: &str) {
        write(&self.path(path), text);
    }

    /// Reads a file of that folder.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Writes the specs into `spec.json`, one pipeline after the other.
    pub fn spec(&self, specs: &[Value]) {
        let text: Vec<String> = specs.iter().map(Value::to_string).collect();
        self.write("spec.json", &text.join("\n"));
    }

    /// Writes the value of a secret.
    pub fn secret(&self, name: &str, key: &str, value: &str) {
        write(&self.home.path().join("secrets").join(name).join(key), value);
    }

    /// Puts files into a repository in one go; what reads it runs.
    pub fn put(&self, repo: &str, files: &[(&str, &str)]) -> Run {
        let folder = self.path("put");
        drop(std::fs::remove_dir_all(&folder));
        for (path, text) in files {
            write(&folder.join(path), text);
        }
        let folder = folder.to_string_lossy().into_owned();
        self.home.run(&["data", "put", repo, &folder])
    }

    /// Submits `spec.json`.
    pub fn update(&self, arguments: &[&str]) -> Run {
        let spec = self.path("spec.json").to_string_lossy().into_owned();
        let mut all = vec!["update", "pipeline", "-f", &spec];
        all.extend(arguments);
        self.home.run(&all)
    }

    /// Returns what submitting `spec.json` would do.
    pub fn plan(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--dry-run", "--json"];
        all.extend(arguments);
        self.update(&all).ok().json()
    }

    /// Returns the counts `[new, reused, redo, removed]` of the first pipeline of a plan.
    pub fn planned(&self, arguments: &[&str]) -> [u64; 4] {
        let plan = self.plan(arguments);
        let counts = &plan["pipelines"][0]["datums"];
        ["new", "reused", "redo", "removed"].map(|name| {
            counts[name]
                .as_u64()
                .unwrap_or_else(|| panic!("no counts in {plan}"))
        })
    }

    /// Lists the jobs of a pipeline, newest first.
    pub fn jobs(&self, pipeline: &str) -> Vec<Value> {
        let listed = self.home.json(&["jobs", "list", "--pipeline", pipeline]);
        listed["jobs"].as_array().cloned().unwrap_or_default()
    }

    /// Returns the newest job of a pipeline.
    pub fn job(&self, pipeline: &str) -> Value {
        let jobs = self.jobs(pipeline);
        let first = jobs.into_iter().next();
        first.unwrap_or_else(|| panic!("{pipeline} has no job"))
    }

    /// Returns `[processed, reused, failed, rescued]` of the newest job.
    pub fn counts(&self, pipeline: &str) -> [u64; 4] {
        let job = self.job(pipeline);
        ["processed", "reused", "failed", "rescued"].map(|name| job[name].as_u64().unwrap_or(u64::MAX))
    }

    /// Lists the datums of the newest job.
    pub fn datums(&self, pipeline: &str) -> Vec<Value> {
        let listed = self.home.json(&["jobs", "datums", &id(&self.job(pipeline))]);
        listed["datums"].as_array().cloned().unwrap_or_default()
    }

    /// Returns the log of the newest job.
    pub fn log(&self, pipeline: &str) -> String {
        self.home
            .run(&["jobs", "logs", &id(&self.job(pipeline))])
            .ok()
            .stdout
    }

    /// Returns all files of a revision with their content.
    pub fn files(&self, revision: &str) -> BTreeMap<String, String> {
        let folder = self.path(&unique("out"));
        let to = folder.to_string_lossy().into_owned();
        self.home.run(&["data", "export", revision, &to]).ok();
        let mut files = BTreeMap::new();
        walk(&folder, &folder, &mut files);
        files
    }

    /// Lists containers and volumes of this home's jobs that are still there.
    pub fn left_behind(&self) -> Vec<String> {
        let listed = self.home.json(&["jobs", "list", "--limit", "1000"]);
        let jobs = listed["jobs"].as_array().cloned().unwrap_or_default();
        let mut left = Vec::new();
        for job in jobs {
            let label = format!("label=dev.headstart.job={}", id(&job));
            left.extend(lines(&docker(&["ps", "--all", "--quiet", "--filter", &label])));
            left.extend(lines(&docker(&["volume", "ls", "--quiet", "--filter", &label])));
        }
        left
    }

    /// Lets the builder of a language begin with an image of a name that nobody else has, so that this journey's builder is
    /// built here and goes away with it.
    pub fn builder_base(&mut self, language: &str, image: &str) {
        let own = format!("{}:1", self.own_image("base"));
        docker(&["tag", image, &own]);
        self.builder_from(language, &own);
    }

    /// Lets the builder of a language begin with an image.
    pub fn builder_from(&self, language: &str, image: &str) {
        let images = serde_json::json!([{ "language": language, "image": image }]).to_string();
        self.home
            .run(&["settings", "set", "builder_images", &images])
            .ok();
    }

    /// Returns a name for images that are removed with the home.
    pub fn own_image(&mut self, what: &str) -> String {
        let name = format!("headstart-test/{}", unique(what));
        self.images.push(name.clone());
        name
    }

    /// Builds an image from files and returns its name.
    pub fn image(&mut self, files: &[(&str, &str)], dockerfile: &str) -> String {
        let name = format!("{}:1", self.own_image("image"));
        let folder = self.path(&unique("context"));
        for (path, text) in files {
            write(&folder.join(path), text);
        }
        write(
            &folder.join("Dockerfile"),
            &format!("FROM {BUSYBOX}\n{dockerfile}"),
        );
        docker(&["build", "--quiet", "--tag", &name, &folder.to_string_lossy()]);
        name
    }
}

impl Drop for Pipelines {
    fn drop(&mut self) {
        // What was built of these names knows them.
        let built = self.home.run(&["builds", "list", "--limit", "500", "--json"]);
        let built: Value = serde_json::from_str(&built.stdout).unwrap_or_default();
        for build in built["builds"].as_array().into_iter().flatten() {
            for image in build["images"].as_array().into_iter().flatten() {
                if let Some(reference) = image["reference"].as_str() {
                    drop(try_docker(&["rmi", "--force", reference]));
                }
            }
        }
        for name in &self.images {
            let format = "{{.Repository}}:{{.Tag}}";
            let listed = try_docker(&["images", "--format", format, name]);
            for reference in lines(&listed.unwrap_or_default()) {
                drop(try_docker(&["rmi", "--force", &reference]));
            }
        }
    }
}

/// Returns the id of a job's record.
pub fn id(job: &Value) -> String {
    job["id"].as_str().unwrap_or_default().to_owned()
}

/// Returns the spec of a pipeline that runs a shell script in BusyBox.
pub fn shell(name: &str, script: &str, input: Value) -> Value {
    serde_json::json!({
        "pipeline": { "name": name },
        "transform": { "image": BUSYBOX, "cmd": ["sh"], "stdin": [script] },
        "input": input,
    })
}

/// Returns an input of one repository.
pub fn pfs(repo: &str, glob: &str) -> Value {
    serde_json::json!({ "pfs": { "repo": repo, "glob": glob } })
}

/// Returns files as they are compared.
pub fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    files.iter().map(own).collect()
}

fn write(path: &Path, text: &str) {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = made.and_then(|()| std::fs::write(path, text));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(root, &path, files);
        } else if let Ok(inside) = path.strip_prefix(root) {
            let content = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&content).into_owned();
            files.insert(inside.to_string_lossy().into_owned(), text);
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
