//! A workspace config of a case as the engine reads it, and the environment it resolves to.

use anyhow::{Result, anyhow};
use headstart_engine::recipe::workspace::Workspace;
use headstart_engine::recipe::{Dialect, Environment, ImageFacts, Images, Options, Recipe, RecipeError};
pub(crate) use headstart_tests::Files;
use headstart_tests::digest;
use serde_json::{Map, Value, json};

pub(crate) const FILE: &str = ".gitpod.yml";
pub(crate) const PLATFORM: &str = "linux/amd64";
pub(crate) const DEFAULT_IMAGE: &str = "gitpod/workspace-full";

/// Reads a config's recipe as the engine does.
pub(crate) fn recipe(files: &Files, default_image: &str) -> Result<Box<dyn Recipe>, RecipeError> {
    let options = Options {
        default_image: default_image.to_owned(),
        repository: "repository".to_owned(),
        prefix: String::new(),
    };
    Workspace.read(FILE, files, &options)
}

/// What a commit declares, in the words of a case.
#[derive(Default)]
pub(crate) struct Declared<'a> {
    /// `"name:tag"`, `{baseImageResolved}` or `{dockerFilePath, dockerFileHash}`; the default image when absent.
    pub(crate) image: Option<&'a Value>,
    pub(crate) tasks: Option<&'a Value>,
    /// URLs of additional repositories.
    pub(crate) additional: Vec<&'a str>,
    /// Files that the Dockerfile copies, with their content.
    pub(crate) copied: Vec<(&'a str, &'a str)>,
    /// Whether the tag points at another image than it first did.
    pub(crate) moved: bool,
}

impl Declared<'_> {
    /// Returns the commit's files.
    pub(crate) fn files(&self) -> Result<Files> {
        let mut files = Files::default();
        let mut config = Map::new();
        match self.image {
            None | Some(Value::Null) => {}
            Some(Value::String(reference)) => drop(config.insert("image".into(), json!(reference))),
            Some(Value::Object(image)) => {
                let text = |name: &str| image.get(name).and_then(Value::as_str);
                if let Some(path) = text("dockerFilePath").or_else(|| text("file")) {
                    let mut source = json!({ "file": path });
                    if let Some(context) = text("context") {
                        source["context"] = json!(context);
                    }
                    config.insert("image".into(), source);
                    // Upstream names a Dockerfile by its last commit; a file without one does not exist.
                    if let Some(hash) = text("dockerFileHash") {
                        let copies: String = self
                            .copied
                            .iter()
                            .map(|(path, _)| format!("COPY {path} /opt/\n"))
                            .collect();
                        files.0.insert(
                            path.to_owned(),
                            format!("FROM debian:12\nLABEL version=\"{hash}\"\n{copies}"),
                        );
                    }
                } else if let Some(reference) = text("baseImageResolved") {
                    config.insert("image".into(), json!(reference));
                } else {
                    return Err(anyhow!("an image is declared in an unknown way: {image:?}"));
                }
            }
            Some(other) => return Err(anyhow!("an image is declared in an unknown way: {other}")),
        }
        if let Some(tasks) = self.tasks.filter(|tasks| !tasks.is_null()) {
            config.insert("tasks".into(), tasks.clone());
        }
        if !self.additional.is_empty() {
            let all: Vec<Value> = self.additional.iter().map(|url| json!({ "url": url })).collect();
            config.insert("additionalRepositories".into(), all.into());
        }
        // JSON is YAML, so this goes through the engine's own reader.
        files.0.insert(FILE.into(), Value::Object(config).to_string());
        for (path, content) in &self.copied {
            files.0.insert((*path).to_owned(), (*content).to_owned());
        }
        Ok(files)
    }

    /// Returns the environment; none when the commit has no usable recipe (a Dockerfile that is not there).
    pub(crate) fn environment(&self) -> Result<Option<Environment>> {
        let recipe = match recipe(&self.files()?, DEFAULT_IMAGE) {
            Ok(recipe) => recipe,
            Err(RecipeError::Missing { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let facts = |reference: String| {
            let behind = if self.moved {
                format!("{reference}, moved")
            } else {
                reference.clone()
            };
            let facts = ImageFacts {
                digest: Some(format!("sha256:{}", digest(&behind))),
                user: None,
            };
            (reference, facts)
        };
        let images: Images = recipe.images().into_iter().map(facts).collect();
        let target = recipe.resolve(&images, PLATFORM).pop();
        Ok(Some(
            target
                .ok_or_else(|| anyhow!("the recipe has no target"))?
                .environment,
        ))
    }
}
