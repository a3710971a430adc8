//! A compose project of a commit: its services, which of them are built, and what bake gets for them.

use serde_json::{Map, Value};

use super::build_model::{BuildModel, Request, Service};
use super::dialect::{ROOT, Resolved};
use super::keys::Built;
use super::reference::Collision;
use crate::bake::{Context, TargetSpec};
use crate::recipe::{ExtraRepository, Images, Recipe, Resolved as Target, Start, TaskMarks};
use crate::wire::{ComposeService, Problem, Severity};

/// A compose file, resolved at a commit.
#[derive(Clone, Debug)]
pub struct ComposeProject {
    resolved: Resolved,
    services: Vec<Service>,
    built: Vec<Built>,
}

impl ComposeProject {
    pub(super) fn new(resolved: Resolved, services: Vec<Service>, built: Vec<Built>) -> Self {
        Self {
            resolved,
            services,
            built,
        }
    }

    /// Returns the compose project's name.
    pub fn name(&self) -> &str {
        let name = self.resolved.config.get("name").and_then(Value::as_str);
        name.unwrap_or("app")
    }

    /// Returns the resolved model, with [`ROOT`] for the repository's folder.
    pub fn config(&self) -> &Value {
        &self.resolved.config
    }

    /// Returns the services, by name.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Names images and caches of the services that are built.
    pub fn model(&self, request: &Request<'_>) -> Result<BuildModel, Collision> {
        BuildModel::generate(request)
    }

    /// Returns the services as they are shown.
    pub fn shown(&self) -> Vec<ComposeService> {
        let show = |service: &Service| {
            let all = &self.resolved.config["services"][&service.name];
            let build = service.build.as_ref();
            let text = |name: &str| {
                let value = build.and_then(|build| build.get(name)).and_then(Value::as_str);
                value.map(str::to_owned)
            };
            let context = text("context").map(|context| match context.strip_prefix(ROOT) {
                Some("") => ".".to_owned(),
                Some(inside) => inside.trim_start_matches('/').to_owned(),
                None => context,
            });
            let names = |section: &Value| match section {
                Value::Object(map) => map.keys().cloned().collect(),
                Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            };
            let port = |port: &Value| {
                let target = port.get("target")?;
                Some(match port.get("published").and_then(Value::as_str) {
                    Some(published) => format!("{published}:{target}"),
                    None => target.to_string(),
                })
            };
            ComposeService {
                name: service.name.clone(),
                built: build.is_some(),
                image: service.image.clone(),
                dockerfile: text("dockerfile").filter(|_| text("dockerfile_inline").is_none()),
                context,
                profiles: names(&all["profiles"]),
                depends_on: names(&all["depends_on"]),
                ports: all["ports"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(port)
                    .collect(),
            }
        };
        self.services.iter().map(show).collect()
    }

    /// Returns bake's own definition of a service, with [`ROOT`] for the repository's folder.
    fn definition(&self, service: &str) -> Map<String, Value> {
        // Names of targets have no dots; bake replaces them in a compose file's services.
        let name = target_name(service);
        let target = self.resolved.bake.get("target").and_then(|all| all.get(&name));
        target.and_then(Value::as_object).cloned().unwrap_or_default()
    }
}

/// Returns the name that a service's target has in a bake file.
pub fn target_name(service: &str) -> String {
    service.replace('.', "_")
}

impl Recipe for ComposeProject {
    fn images(&self) -> Vec<String> {
        let mut images: Vec<String> = self
            .built
            .iter()
            .flat_map(|built| built.images.iter().cloned())
            .collect();
        images.sort();
        images.dedup();
        images
    }

    fn resolve(&self, images: &Images, platform: &str) -> Vec<Target> {
        let resolve = |built: &Built| {
            let mut environment = built.environment.clone();
            for image in &built.images {
                let digest = images.get(image).and_then(|facts| facts.digest.clone());
                environment.set(
                    format!("image.from[{image}]"),
                    digest.unwrap_or_else(|| "unknown".to_owned()),
                );
            }
            environment.set("platform", platform);
            Target {
                name: built.name.clone(),
                environment,
                code: built.code.clone(),
            }
        };
        self.built.iter().map(resolve).collect()
    }

    fn repositories(&self) -> Vec<ExtraRepository> {
        Vec::new()
    }

    fn targets(&self, _: &Start, _: &Images) -> Vec<TargetSpec> {
        let spec = |built: &Built| TargetSpec {
            name: built.name.clone(),
            dockerfile: None,
            dockerfile_path: None,
            context: Context::Repository,
            contexts: Vec::new(),
            result: true,
            definition: Some(self.definition(&built.name)),
            ignore: None,
            secrets: Vec::new(),
        };
        self.built.iter().map(spec).collect()
    }

    fn tasks(&self) -> Option<TaskMarks> {
        None
    }

    fn warnings(&self) -> Vec<Problem> {
        let sentences = self
            .built
            .iter()
            .flat_map(|built| &built.warnings)
            .chain(&self.resolved.warnings);
        let warning = |message: &String| Problem {
            severity: Severity::Warning,
            file: String::new(),
            line: None,
            column: None,
            message: message.clone(),
            hint: None,
            snippet: None,
        };
        sentences.map(warning).collect()
    }

    fn compose(&self) -> Option<&ComposeProject> {
        Some(self)
    }
}
