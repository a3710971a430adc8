//! Reading compose files: `docker compose config` says what they mean, this says what that is to Headstart.

use serde_json::{Map, Value};

use super::build_model::Service;
use super::keys;
use super::project::{ComposeProject, target_name};
use crate::recipe::yaml::{Reader, Tree};
use crate::recipe::{Dialect, Options, Recipe, RecipeError, SourceView};
use crate::wire::{self, Problem, Recognised, Severity};

/// What stands in paths of a resolved model for the repository's folder, wherever its files lie when they are read.
pub const ROOT: &str = "/.headstart-source";

/// Names of compose files, in the order in which `docker compose` looks for them.
const FILES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

/// The dialect.
pub struct Compose;

/// A compose file as the tools that own the format resolve it, with [`ROOT`] in place of the repository's folder.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// `docker compose config --format json`.
    pub config: Value,
    /// `docker buildx bake --print` of it; null when no service is built.
    pub bake: Value,
    /// What the tools complained about.
    pub warnings: Vec<String>,
}

/// Returns the names a file's override may have, which `docker compose` takes into account by itself.
pub fn overrides(file: &str) -> Vec<String> {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    ["yml", "yaml"].map(|end| format!("{stem}.override.{end}")).into()
}

impl Dialect for Compose {
    fn kind(&self) -> wire::Dialect {
        wire::Dialect::Compose
    }

    fn files(&self) -> &'static [&'static str] {
        &FILES
    }

    fn recognise(&self, file: &str, bytes: &[u8], _: &Options) -> (Recognised, Vec<Problem>) {
        let mut recognised = Recognised {
            dialect: self.kind(),
            file: file.to_owned(),
            summary: "Compose file that cannot be used yet".to_owned(),
            details: Vec::new(),
        };
        let (mut reader, root) = match Reader::parse(file, bytes) {
            Ok(parsed) => parsed,
            Err(problem) => return (recognised, vec![problem]),
        };
        let entry = |tree: &Tree, name: &str| match tree {
            Tree::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.value == name)
                .map(|(_, node)| node.clone()),
            _ => None,
        };
        let Tree::Map(sections) = &root.value else {
            reader.error(
                &root,
                format!("a compose file is a mapping, this is {}", root.value.kind()),
                "begin with `services:`",
            );
            return (recognised, reader.problems);
        };
        let services = match entry(&root.value, "services") {
            Some(services) => services,
            None if sections.iter().any(|(key, _)| key.value == "include") => {
                recognised.summary = "Compose file that includes others".to_owned();
                return (recognised, reader.problems);
            }
            None => {
                reader.error(
                    &root,
                    "there are no `services`",
                    "name the services to run, each with an `image` or a `build`",
                );
                return (recognised, reader.problems);
            }
        };
        let mut built = 0;
        let mut count = 0;
        for (name, service) in reader.map("services", &services).to_vec() {
            count += 1;
            let text = |key: &str| match entry(&service.value, key).map(|node| node.value) {
                Some(Tree::Text(text)) => Some(text),
                _ => None,
            };
            let name = &name.value;
            recognised
                .details
                .push(match (entry(&service.value, "build"), text("image")) {
                    (Some(build), _) => {
                        built += 1;
                        let context = match &build.value {
                            Tree::Text(context) => Some(context.clone()),
                            tree => match entry(tree, "context").map(|node| node.value) {
                                Some(Tree::Text(context)) => Some(context),
                                _ => None,
                            },
                        };
                        format!("{name}: built from {}", context.unwrap_or_else(|| ".".to_owned()))
                    }
                    (None, Some(image)) => format!("{name}: image {image}"),
                    (None, None) => name.clone(),
                });
        }
        let noun = if count == 1 { "service" } else { "services" };
        recognised.summary = format!("Compose file, {count} {noun} ({built} built)");
        (recognised, reader.problems)
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
        let Some(bytes) = view.read(file).map_err(unreadable)? else {
            return Err(RecipeError::Missing {
                file: file.to_owned(),
            });
        };
        // What is no compose file at all is told with its place, and not given to other programs.
        let (_, problems) = self.recognise(file, &bytes, options);
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(RecipeError::Invalid { problems });
        }
        let problem = |message: String| RecipeError::Invalid {
            problems: vec![Problem {
                severity: Severity::Error,
                file: file.to_owned(),
                line: None,
                column: None,
                message,
                hint: Some("`docker compose config` shows the same".to_owned()),
                snippet: None,
            }],
        };
        let resolved = view.compose(file).map_err(problem)?;
        let services = services(&resolved);
        check_targets(&services).map_err(problem)?;
        let mut built = Vec::new();
        for service in services.iter().filter(|service| service.build.is_some()) {
            let found = keys::of(service, &resolved.bake, view).map_err(problem)?;
            built.push(found);
        }
        Ok(Box::new(ComposeProject::new(resolved, services, built)))
    }
}

/// Refuses services of which bake would make one target.
fn check_targets(services: &[Service]) -> Result<(), String> {
    let built = || services.iter().filter(|service| service.build.is_some());
    for (at, one) in built().enumerate() {
        let same = |other: &&Service| target_name(&other.name) == target_name(&one.name);
        if let Some(other) = built().skip(at + 1).find(same) {
            return Err(format!(
                "services {} and {} would be the same target for buildx, which knows no dots; rename one of them",
                one.name, other.name
            ));
        }
    }
    Ok(())
}

/// Returns the services of a resolved model, by name.
fn services(resolved: &Resolved) -> Vec<Service> {
    let all = resolved.config.get("services").and_then(Value::as_object);
    all.into_iter()
        .flatten()
        .map(|(name, service)| {
            let image = service.get("image").and_then(Value::as_str).map(str::to_owned);
            let mut build = service.get("build").filter(|build| !build.is_null()).cloned();
            let target = resolved
                .bake
                .get("target")
                .and_then(|all| all.get(target_name(name)));
            if let (Some(Value::Object(build)), Some(target)) = (&mut build, target) {
                add_bakes(build, target, image.as_deref());
            }
            Service {
                name: name.clone(),
                image,
                build,
            }
        })
        .collect()
}

/// Adds to a build section what bake's own extension of the format says about tags, caches, contexts and platforms.
fn add_bakes(build: &mut Map<String, Value>, target: &Value, image: Option<&str>) {
    let image = image.map(|image| serde_json::json!([image]));
    let sections = [
        ("tags", "tags"),
        ("cache-from", "cache_from"),
        ("cache-to", "cache_to"),
        ("contexts", "additional_contexts"),
        ("platforms", "platforms"),
    ];
    for (theirs, ours) in sections {
        // Without tags bake takes the image for one.
        if let Some(value) = target
            .get(theirs)
            .filter(|value| theirs != "tags" || image.as_ref() != Some(*value))
        {
            build.insert(ours.to_owned(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognise(text: &str) -> (Recognised, Vec<Problem>) {
        let options = Options {
            default_image: String::new(),
            repository: "app".to_owned(),
            prefix: String::new(),
        };
        Compose.recognise("compose.yaml", text.as_bytes(), &options)
    }

    #[test]
    fn a_compose_file_is_described_by_its_services() {
        let (found, problems) = recognise(
            "services:\n  web:\n    build: ./web\n  api:\n    build:\n      context: api\n  db:\n    image: postgres:16\n",
        );
        assert_eq!(found.summary, "Compose file, 3 services (2 built)");
        assert_eq!(
            found.details,
            [
                "web: built from ./web",
                "api: built from api",
                "db: image postgres:16"
            ]
        );
        assert!(problems.is_empty());
    }

    #[test]
    fn what_is_wrong_is_shown_at_its_place() {
        let (_, problems) = recognise("services:\n  web:\n\tbuild: .\n");
        assert_eq!(problems[0].line, Some(3));
        let (_, problems) = recognise("version: '3'\n");
        assert!(problems[0].message.contains("no `services`"));
    }

    #[test]
    fn an_override_has_the_name_of_its_file() {
        assert_eq!(
            overrides("compose.yaml"),
            ["compose.override.yml", "compose.override.yaml"]
        );
    }
}
