//! The bake file: what a recipe's targets look like to `docker buildx bake`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::recipe::compose::{ROOT, target_name};

/// Where a target's files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Context {
    /// Nothing.
    Empty,
    /// The source root at the commit.
    Source,
    /// A folder of the source root, `""` for all of it.
    SourceFolder(String),
    /// The files that differ from the base.
    Delta,
    /// A shallow `.git` of the commit.
    Git,
    /// An additional repository, by its place: all of it in a full build, what changed in an incremental one.
    Extra(usize),
    /// Small files for the build itself.
    Scripts {
        /// Name and content.
        files: Vec<(String, String)>,
        /// Whether `remove.sh`, which removes what the base has too much, belongs to them.
        removals: bool,
    },
    /// The whole repository, as paths of a definition name it.
    Repository,
    /// The result of another target.
    Target(String),
}

/// One bake target as a recipe describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSpec {
    /// Name.
    pub name: String,
    /// Dockerfile text …
    pub dockerfile: Option<String>,
    /// … or its path within the source root.
    pub dockerfile_path: Option<String>,
    /// Main context.
    pub context: Context,
    /// Named contexts.
    pub contexts: Vec<(String, Context)>,
    /// Whether its image is a result that is tagged and kept.
    pub result: bool,
    /// More of its definition: all of it when bake itself made it of another format (with [`ROOT`] for the repository's
    /// folder), or what the fields above have no word for, such as build arguments.
    pub definition: Option<Map<String, Value>>,
    /// Text of the ignore file that counts for the main context instead of its own.
    pub ignore: Option<String>,
    /// Files of this machine that its steps may read and that are never stored, as id and absolute path.
    pub secrets: Vec<(String, String)>,
}

/// Folders of ours that contexts lie in. The first three are named `files` and have a parent of their own.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The checkout of the source root.
    pub(crate) source: Option<PathBuf>,
    /// The checkout of the whole repository.
    pub(crate) repository: Option<PathBuf>,
    /// Changed files.
    pub(crate) delta: Option<PathBuf>,
    /// The shallow `.git`.
    pub(crate) git: Option<PathBuf>,
    /// Additional repositories by their place.
    pub(crate) extras: BTreeMap<usize, PathBuf>,
    /// The build's own folder: the bake file, scripts, an empty context.
    pub(crate) work: PathBuf,
}

impl Places {
    /// Returns the folder that is an empty context.
    pub(crate) fn empty(&self) -> PathBuf {
        self.work.join("empty")
    }

    /// Returns the folder of the scripts.
    pub(crate) fn scripts(&self) -> PathBuf {
        self.work.join("scripts")
    }

    /// Returns where the Dockerfile of a target lies that has an ignore file of its own beside it.
    pub(crate) fn dockerfile(&self, target: &str) -> PathBuf {
        self.work.join(format!("{}.Dockerfile", target_name(target)))
    }

    fn path(&self, context: &Context) -> Value {
        let text = |path: &Path| Value::from(path.to_string_lossy());
        // The context is the folder that holds `files`: a `.dockerignore` of the repository must not count for it.
        let holder = |files: &Option<PathBuf>| match files.as_deref().and_then(Path::parent) {
            Some(holder) => text(holder),
            None => text(&self.empty()),
        };
        match context {
            Context::Empty => text(&self.empty()),
            Context::Source => holder(&self.source),
            Context::Repository => holder(&self.repository),
            Context::SourceFolder(folder) => match &self.source {
                Some(source) => text(&source.join(folder)),
                None => text(&self.empty()),
            },
            Context::Delta => holder(&self.delta),
            Context::Git => holder(&self.git),
            Context::Extra(place) => holder(&self.extras.get(place).cloned()),
            Context::Scripts { .. } => text(&self.scripts()),
            Context::Target(name) => Value::from(format!("target:{}", target_name(name))),
        }
    }
}

/// Returns `text` so that bake's interpolation (`${…}`, `%{…}`) leaves it alone.
fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// What becomes of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// Its names.
    pub(crate) tags: Vec<String>,
    /// Where layers are looked for.
    pub(crate) cache_from: Vec<String>,
    /// Where layers are kept.
    pub(crate) cache_to: Vec<String>,
    /// Pushed to a registry instead of loaded into the engine.
    pub(crate) push: bool,
}

/// Replaces the text that stands for the repository's folder, and protects what looks like bake's own variables.
fn placed(value: &Value, repository: &str) -> Value {
    match value {
        Value::String(text) => literal(&text.replace(ROOT, repository)).into(),
        Value::Array(list) => list.iter().map(|value| placed(value, repository)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), placed(value, repository)))
            .collect(),
        other => other.clone(),
    }
}

/// Returns the bake file of a build.
///
/// `outputs` says what becomes of each result, `labels` what is written on it.
pub(crate) fn bake_file(
    targets: &[TargetSpec],
    places: &Places,
    outputs: &dyn Fn(&str) -> Output,
    labels: &dyn Fn(&str) -> Vec<(&'static str, String)>,
    platform: &str,
    no_cache: bool,
) -> Value {
    let mut definitions = Map::new();
    let mut results = Vec::new();
    for target in targets {
        let repository = places
            .repository
            .as_deref()
            .map(Path::to_string_lossy)
            .unwrap_or_default();
        let mut definition: Map<String, Value> = target
            .definition
            .iter()
            .flatten()
            .map(|(key, value)| (key.clone(), placed(value, &repository)))
            .collect();
        if !definition.contains_key("context") {
            definition.insert("context".into(), places.path(&target.context));
        }
        match (&target.dockerfile, &target.ignore) {
            (Some(text), None) => {
                definition.insert("dockerfile-inline".into(), literal(text).into());
            }
            // An ignore file counts when it lies beside a Dockerfile.
            (Some(_), Some(_)) => {
                let path = places.dockerfile(&target.name);
                definition.insert("dockerfile".into(), path.to_string_lossy().into());
            }
            (None, _) => {}
        }
        if !target.secrets.is_empty() {
            let secrets: Vec<String> = target
                .secrets
                .iter()
                .map(|(id, path)| format!("id={id},src={}", literal(path)))
                .collect();
            definition.insert("secret".into(), json!(secrets));
        }
        if let (Some(path), Some(source)) = (&target.dockerfile_path, &places.source) {
            definition.insert("dockerfile".into(), source.join(path).to_string_lossy().into());
        }
        if !target.contexts.is_empty() {
            let contexts: Map<String, Value> = target
                .contexts
                .iter()
                .map(|(name, context)| (name.clone(), places.path(context)))
                .collect();
            definition.insert("contexts".into(), contexts.into());
        }
        // Platforms that somebody named are meant.
        if !definition.contains_key("platforms") {
            definition.insert("platforms".into(), json!([platform]));
        }
        if no_cache {
            definition.insert("no-cache".into(), true.into());
        }
        let name = target_name(&target.name);
        if target.result {
            results.push(Value::from(name.clone()));
            let labels = labels(&target.name)
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Value::from(literal(&value))));
            match definition.get_mut("labels").and_then(Value::as_object_mut) {
                Some(own) => own.extend(labels),
                None => {
                    definition.insert("labels".into(), Value::Object(labels.collect()));
                }
            }
            let output = outputs(&target.name);
            definition.insert("tags".into(), json!(output.tags));
            for (key, caches) in [("cache-from", &output.cache_from), ("cache-to", &output.cache_to)] {
                definition.remove(key);
                if !caches.is_empty() {
                    definition.insert(key.into(), json!(caches));
                }
            }
            let kind = if output.push {
                "type=registry"
            } else {
                "type=docker"
            };
            definition.insert("output".into(), json!([kind]));
        } else {
            definition.insert("output".into(), json!(["type=cacheonly"]));
        }
        definitions.insert(name, definition.into());
    }
    json!({ "group": { "default": { "targets": results } }, "target": definitions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bake_file_names_contexts_tags_and_labels() {
        let places = Places {
            source: Some("/cache/tree/files".into()),
            repository: None,
            delta: None,
            git: Some("/cache/git/files".into()),
            extras: BTreeMap::new(),
            work: "/work/b1".into(),
        };
        let targets = [TargetSpec {
            name: "workspace".into(),
            dockerfile: Some("FROM a\nRUN echo ${HOME}\n".into()),
            dockerfile_path: None,
            context: Context::Empty,
            contexts: vec![("source".into(), Context::Source), ("git".into(), Context::Git)],
            result: true,
            definition: None,
            ignore: None,
            secrets: Vec::new(),
        }];
        let file = bake_file(
            &targets,
            &places,
            &|_| Output {
                tags: vec!["headstart/x:1".into()],
                ..Output::default()
            },
            &|_| vec![("l", "v".into())],
            "linux/amd64",
            false,
        );
        insta::assert_snapshot!(serde_json::to_string_pretty(&file).unwrap());
    }
}
