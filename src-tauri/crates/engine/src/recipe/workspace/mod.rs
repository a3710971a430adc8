//! The workspace dialect: `.gitpod.yml`.
//!
//! A full build starts from the configured image, copies the source and runs the tasks. An incremental one starts from
//! an older build's image, lays only the changed files over it and runs the same tasks again.

pub mod config;
pub mod tasks;

use std::fmt::Write as _;

use super::dockerfile::{self, ContextUse, Outside};
use super::{
    Code, Dialect, Environment, ExtraRepository, ImageFacts, Images, Options, Recipe, RecipeError, Resolved,
    SourceView, Start, TaskMarks,
};
use crate::bake::{Context, TargetSpec};
use crate::wire::{self, Problem, Recognised, Severity};
use config::{Config, ImageSource, Task};

/// Name of the target that a workspace build produces.
pub const TARGET: &str = "workspace";
/// Name of the target that builds the workspace's image from a Dockerfile.
const IMAGE_TARGET: &str = "image";
/// Where the runner and other small files are seen while tasks run.
const MOUNT: &str = "/run/headstart";

/// The dialect.
pub struct Workspace;

impl Dialect for Workspace {
    fn kind(&self) -> wire::Dialect {
        wire::Dialect::Workspace
    }

    fn files(&self) -> &'static [&'static str] {
        &[".gitpod.yml", ".gitpod.yaml"]
    }

    fn recognise(&self, file: &str, bytes: &[u8], options: &Options) -> (Recognised, Vec<Problem>) {
        let parsed = config::parse(file, bytes);
        let config = &parsed.config;
        if !parsed.usable() {
            // What stands in it is known in part at best; the problems say more than a guess would.
            let recognised = Recognised {
                dialect: self.kind(),
                file: file.to_owned(),
                summary: "Workspace config that cannot be used yet".to_owned(),
                details: Vec::new(),
            };
            return (recognised, parsed.problems);
        }
        let count = config.tasks.len();
        let image = match &config.image {
            None => format!("default image {}", options.default_image),
            Some(ImageSource::Reference(reference)) => format!("image {reference}"),
            Some(ImageSource::File { file, .. }) => format!("image from {file}"),
        };
        let mut details = vec![image.clone()];
        for (index, task) in config.tasks.iter().enumerate() {
            let parts: Vec<&str> = tasks::sections(task, tasks::Start::Prebuild)
                .iter()
                .filter_map(|section| match section {
                    tasks::Section::Part(name, _) => Some(*name),
                    tasks::Section::PrintLog => None,
                })
                .collect();
            let does = if parts.is_empty() {
                "nothing in the build".to_owned()
            } else {
                parts.join(", ")
            };
            details.push(format!("{}: {does}", tasks::task_name(task, index)));
        }
        for port in &config.ports {
            details.push(format!("port {}", port["port"].to_string().trim_matches('"')));
        }
        let noun = if count == 1 { "task" } else { "tasks" };
        let summary = format!("Workspace config, {count} {noun}, {image}");
        (
            Recognised {
                dialect: self.kind(),
                file: file.to_owned(),
                summary,
                details,
            },
            parsed.problems,
        )
    }

    fn read(
        &self,
        file: &str,
        view: &dyn SourceView,
        options: &Options,
    ) -> Result<Box<dyn Recipe>, RecipeError> {
        let unreadable = |source| RecipeError::Unreadable {
            file: file.to_owned(),
            source,
        };
        let bytes = view
            .read(file)
            .map_err(unreadable)?
            .ok_or_else(|| RecipeError::Missing {
                file: file.to_owned(),
            })?;
        let parsed = config::parse(file, &bytes);
        if !parsed.usable() {
            return Err(RecipeError::Invalid {
                problems: parsed.problems,
            });
        }
        let image = match &parsed.config.image {
            None => Image::Reference(options.default_image.clone()),
            Some(ImageSource::Reference(reference)) => Image::Reference(reference.clone()),
            Some(ImageSource::File {
                file: dockerfile,
                context,
            }) => read_dockerfile(view, dockerfile, context.as_deref())
                .map_err(|source| RecipeError::Unreadable {
                    file: dockerfile.clone(),
                    source,
                })?
                .ok_or_else(|| RecipeError::Missing {
                    file: dockerfile.clone(),
                })?,
        };
        let folder = match &parsed.config.checkout_location {
            Some(location) => location.trim_matches('/').to_owned(),
            None => options.repository.clone(),
        };
        Ok(Box::new(WorkspaceRecipe {
            config: parsed.config,
            problems: parsed.problems,
            image,
            repository: format!("/workspace/{folder}"),
            prefix: options.prefix.clone(),
        }))
    }
}

/// The image tasks run in, as a commit has it.
enum Image {
    Reference(String),
    File {
        path: String,
        key: String,
        context: String,
        used: Vec<(String, String)>,
        outside: Outside,
    },
}

fn read_dockerfile(
    view: &dyn SourceView,
    path: &str,
    context: Option<&str>,
) -> Result<Option<Image>, crate::source::SourceError> {
    let path = path.trim_start_matches("./").to_owned();
    let (Some(bytes), Some(key)) = (view.read(&path)?, view.key(&path)?) else {
        return Ok(None);
    };
    let outside = dockerfile::outside(&String::from_utf8_lossy(&bytes));
    let own_folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let context = context
        .unwrap_or(own_folder)
        .trim_start_matches("./")
        .trim_matches('/')
        .to_owned();
    let context = if context == "." { String::new() } else { context };
    let mut used = Vec::new();
    if let ContextUse::Paths(paths) = &outside.context {
        for inner in paths {
            let full = if context.is_empty() {
                inner.clone()
            } else {
                format!("{context}/{inner}")
            };
            match view.key(&full)? {
                // What a link leads to is not part of its key.
                Some(key) if !key.starts_with("symlink") => used.push((inner.clone(), key)),
                _ => used.push((
                    ".".into(),
                    view.key(&context)?.unwrap_or_else(|| "missing".into()),
                )),
            }
        }
        used.sort();
        used.dedup();
    } else {
        used.push((
            ".".into(),
            view.key(&context)?.unwrap_or_else(|| "missing".into()),
        ));
    }
    Ok(Some(Image::File {
        path,
        key,
        context,
        used,
        outside,
    }))
}

struct WorkspaceRecipe {
    config: Config,
    problems: Vec<Problem>,
    image: Image,
    /// Where the repository lies in the image.
    repository: String,
    /// Source root within the repository.
    prefix: String,
}

impl WorkspaceRecipe {
    /// Returns the tasks that do something in a build.
    fn build_tasks(&self) -> Vec<Task> {
        let does_something = |task: &&Task| !tasks::sections(task, tasks::Start::Prebuild).is_empty();
        self.config.tasks.iter().filter(does_something).cloned().collect()
    }

    fn source_folder(&self) -> String {
        if self.prefix.is_empty() {
            self.repository.clone()
        } else {
            format!("{}/{}", self.repository, self.prefix)
        }
    }

    fn user(&self, images: &Images) -> Option<String> {
        match &self.image {
            Image::Reference(reference) => images.get(reference).and_then(|facts| facts.user.clone()),
            Image::File { outside, .. } => {
                let inherited = || match outside.images.as_slice() {
                    [only] => images.get(only).and_then(|facts| facts.user.clone()),
                    _ => None,
                };
                outside
                    .user
                    .clone()
                    .or_else(inherited)
                    .filter(|user| user != "root" && user != "0")
            }
        }
    }

    /// Returns a word that marks the runner's lines: the same for the same tasks, so that layers stay cached.
    fn mark(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for task in self.build_tasks() {
            hash.update(tasks::prebuild_command(&task).as_bytes());
        }
        hash.finalize().to_hex()[..12].to_owned()
    }

    /// Returns the places of the additional repositories whose files a build has to lay down.
    fn extras(&self, start: &Start) -> Vec<usize> {
        match start {
            Start::Image => (0..self.config.additional_repositories.len()).collect(),
            Start::Base { moved, .. } => moved.clone(),
        }
    }

    fn dockerfile(&self, from: &str, start: &Start, user: Option<&str>) -> String {
        let folder = quoted(&self.source_folder());
        let chown = user.map(|user| format!("--chown={user} ")).unwrap_or_default();
        let mut text = format!("FROM {from}\n");
        let context = match start {
            Start::Image => "source",
            Start::Base { removals, .. } => {
                if *removals {
                    let mount = format!("--mount=type=bind,from=scripts,target={MOUNT}");
                    let _ = writeln!(text, "WORKDIR {folder}\nRUN {mount} sh {MOUNT}/remove.sh");
                }
                "delta"
            }
        };
        // The array form takes any path; the folder is made by COPY so that it belongs to the image's user. The files lie
        // in a folder of the context so that a `.dockerignore` of the repository has no say in what the workspace has.
        let mut copy = |context: &str, folder: &str| {
            let target = serde_json::Value::from(format!("{folder}/"));
            let _ = writeln!(text, "COPY {chown}--from={context} [\"/files/\", {target}]");
        };
        copy(context, &self.source_folder());
        for place in self.extras(start) {
            copy(&format!("extra{place}"), &self.repositories()[place].folder);
        }
        let _ = writeln!(text, "WORKDIR {folder}");
        if !self.build_tasks().is_empty() {
            let git = serde_json::Value::from(format!("{}/.git", self.repository)).to_string();
            let _ = writeln!(
                text,
                "RUN --mount=type=bind,from=git,source=/files,target={git},rw --mount=type=bind,from=scripts,target={MOUNT} \
                 sh {MOUNT}/run.sh",
            );
        }
        text
    }
}

/// Returns a path as one word of a Dockerfile.
fn quoted(path: &str) -> String {
    let mut word = String::new();
    for c in path.chars() {
        if matches!(c, '\\' | '$' | '"' | '\'' | ' ') {
            word.push('\\');
        }
        word.push(c);
    }
    word
}

impl Recipe for WorkspaceRecipe {
    fn images(&self) -> Vec<String> {
        match &self.image {
            Image::Reference(reference) => vec![reference.clone()],
            Image::File { outside, .. } => outside.images.clone(),
        }
    }

    fn resolve(&self, images: &Images, platform: &str) -> Vec<Resolved> {
        let mut environment = Environment::default();
        let digest = |reference: &str| {
            images
                .get(reference)
                .and_then(|facts: &ImageFacts| facts.digest.clone())
                .unwrap_or_else(|| "not resolved".to_owned())
        };
        match &self.image {
            Image::Reference(reference) => {
                environment.set("image", reference);
                environment.set("image.digest", digest(reference));
            }
            Image::File {
                path,
                key,
                context,
                used,
                outside,
            } => {
                environment.set("image.file", path);
                environment.set("image.file.content", key);
                environment.set("image.context", if context.is_empty() { "." } else { context });
                for (path, key) in used {
                    environment.set(format!("image.context[{path}]"), key);
                }
                for reference in &outside.images {
                    environment.set(format!("image.from[{reference}]"), digest(reference));
                }
            }
        }
        for (index, task) in self.build_tasks().iter().enumerate() {
            for (part, text) in [
                ("before", &task.before),
                ("init", &task.init),
                ("prebuild", &task.prebuild),
            ] {
                // White space around a part never matters; inside it may, to a shell.
                if let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
                    environment.set(format!("tasks[{index}].{part}"), text);
                }
            }
            for (name, value) in &task.env {
                environment.set(format!("tasks[{index}].env.{name}"), tasks::env_value(value));
            }
        }
        environment.set("folder", self.source_folder());
        environment.set("platform", platform);
        for (index, repository) in self.config.additional_repositories.iter().enumerate() {
            environment.set(format!("additionalRepositories[{index}].url"), &repository.url);
            if let Some(location) = &repository.checkout_location {
                environment.set(
                    format!("additionalRepositories[{index}].checkoutLocation"),
                    location,
                );
            }
        }
        vec![Resolved {
            name: TARGET.into(),
            environment,
            code: Code::Source,
        }]
    }

    fn targets(&self, start: &Start, images: &Images) -> Vec<TargetSpec> {
        let mut targets = Vec::new();
        let mut contexts = Vec::new();
        let from = match (start, &self.image) {
            (Start::Base { reference, .. }, _) | (Start::Image, Image::Reference(reference)) => {
                reference.clone()
            }
            (Start::Image, Image::File { path, context, .. }) => {
                targets.push(TargetSpec {
                    name: IMAGE_TARGET.into(),
                    dockerfile: None,
                    dockerfile_path: Some(path.clone()),
                    context: Context::SourceFolder(context.clone()),
                    contexts: Vec::new(),
                    result: false,
                    definition: None,
                    ignore: None,
                    secrets: Vec::new(),
                });
                contexts.push(("image".to_owned(), Context::Target(IMAGE_TARGET.into())));
                "image".to_owned()
            }
        };
        match start {
            Start::Image => contexts.push(("source".to_owned(), Context::Source)),
            Start::Base { .. } => contexts.push(("delta".to_owned(), Context::Delta)),
        }
        for place in self.extras(start) {
            contexts.push((format!("extra{place}"), Context::Extra(place)));
        }
        let build_tasks = self.build_tasks();
        let mut files = Vec::new();
        if !build_tasks.is_empty() {
            contexts.push(("git".to_owned(), Context::Git));
            // The mounted .git belongs to root whoever runs the tasks.
            let trust = "export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'\n";
            let script = tasks::runner(&build_tasks, &self.mark());
            let script = script.replacen("#!/bin/sh\n", &format!("#!/bin/sh\n{trust}"), 1);
            files.push(("run.sh".to_owned(), script));
        }
        let removals = matches!(start, Start::Base { removals: true, .. });
        if removals || !files.is_empty() {
            contexts.push(("scripts".to_owned(), Context::Scripts { files, removals }));
        }
        targets.push(TargetSpec {
            name: TARGET.into(),
            dockerfile: Some(self.dockerfile(&from, start, self.user(images).as_deref())),
            dockerfile_path: None,
            context: Context::Empty,
            contexts,
            result: true,
            definition: None,
            ignore: None,
            secrets: Vec::new(),
        });
        targets
    }

    fn tasks(&self) -> Option<TaskMarks> {
        let tasks = self.build_tasks();
        let names = tasks
            .iter()
            .enumerate()
            .map(|(index, task)| tasks::task_name(task, index))
            .collect();
        (!tasks.is_empty()).then(|| TaskMarks {
            mark: self.mark(),
            names,
        })
    }

    fn repositories(&self) -> Vec<ExtraRepository> {
        let folder = |repository: &config::AdditionalRepository| {
            let last = repository
                .url
                .trim_end_matches('/')
                .rsplit(['/', ':'])
                .next()
                .unwrap_or_default();
            let safe = |c: char| {
                if c.is_ascii_alphanumeric() || "._-".contains(c) {
                    c
                } else {
                    '-'
                }
            };
            let name: String = last.trim_end_matches(".git").chars().map(safe).take(64).collect();
            let name = name.trim_start_matches('.').to_owned();
            repository
                .checkout_location
                .as_deref()
                .map(|at| at.trim_matches('/').to_owned())
                .unwrap_or(name)
        };
        let extra = |repository: &config::AdditionalRepository| ExtraRepository {
            url: repository.url.clone(),
            folder: format!("/workspace/{}", folder(repository)),
        };
        self.config.additional_repositories.iter().map(extra).collect()
    }

    fn warnings(&self) -> Vec<Problem> {
        self.problems
            .iter()
            .filter(|problem| problem.severity == Severity::Warning)
            .cloned()
            .collect()
    }
}
