//! The bake file: what a recipe's targets look like to `docker buildx bake`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

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
}

/// Folders of ours that contexts lie in. The first three are named `files` and have a parent of their own.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The checkout of the source root.
    pub(crate) source: Option<PathBuf>,
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
            Context::SourceFolder(folder) => match &self.source {
                Some(source) => text(&source.join(folder)),
                None => text(&self.empty()),
            },
            Context::Delta => holder(&self.delta),
            Context::Git => holder(&self.git),
            Context::Extra(place) => holder(&self.extras.get(place).cloned()),
            Context::Scripts { .. } => text(&self.scripts()),
            Context::Target(name) => Value::from(format!("target:{name}")),
        }
    }
}

/// Returns `text` so that bake's interpolation (`${…}`, `%{…}`) leaves it alone.
fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// Returns the bake file of a build.
///
/// `tags` gives each result its reference; `labels` go on every result.
pub(crate) fn bake_file(
    targets: &[TargetSpec],
    places: &Places,
    tags: &dyn Fn(&str) -> String,
    labels: &[(&str, String)],
    platform: &str,
    no_cache: bool,
) -> Value {
    let mut definitions = Map::new();
    let mut results = Vec::new();
    for target in targets {
        let mut definition = Map::new();
        definition.insert("context".into(), places.path(&target.context));
        if let Some(text) = &target.dockerfile {
            definition.insert("dockerfile-inline".into(), literal(text).into());
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
        definition.insert("platforms".into(), json!([platform]));
        if no_cache {
            definition.insert("no-cache".into(), true.into());
        }
        if target.result {
            results.push(Value::from(target.name.clone()));
            let labels: Map<String, Value> = labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), literal(value).into()))
                .collect();
            definition.insert("labels".into(), labels.into());
            definition.insert("tags".into(), json!([tags(&target.name)]));
            definition.insert("output".into(), json!(["type=docker"]));
        } else {
            definition.insert("output".into(), json!(["type=cacheonly"]));
        }
        definitions.insert(target.name.clone(), definition.into());
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
        }];
        let file = bake_file(
            &targets,
            &places,
            &|_| "headstart/x:1".into(),
            &[("l", "v".into())],
            "linux/amd64",
            false,
        );
        insta::assert_snapshot!(serde_json::to_string_pretty(&file).unwrap());
    }
}
