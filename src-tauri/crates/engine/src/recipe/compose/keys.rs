//! The keys of a service: what has to be equal for an image to serve, and what of the source its build can see.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::build_model::Service;
use super::dialect::ROOT;
use super::dockerignore::files as ignore_files;
use crate::recipe::context::{self, join, normal};
use crate::recipe::dockerfile::{outside, with_arguments};
use crate::recipe::{Code, Environment, SourceView};

/// Parts of a build section that say where an image goes or how its cache is used, not what is in it; and those that are
/// keyed by the content they lead to.
const NOT_CONTENT: [&str; 9] = [
    "cache_from",
    "cache_to",
    "tags",
    "no_cache",
    "pull",
    "context",
    "dockerfile_inline",
    "additional_contexts",
    "ssh",
];

/// A service that is built.
#[derive(Clone, Debug)]
pub(super) struct Built {
    /// Its name.
    pub(super) name: String,
    /// Its environment, without the stack's part.
    pub(super) environment: Environment,
    /// What its build can see.
    pub(super) code: Code,
    /// Images it starts from.
    pub(super) images: Vec<String>,
    /// What is worth knowing, one sentence each.
    pub(super) warnings: Vec<String>,
}

/// Finds the keys of a service. The error is a sentence.
pub(super) fn of(service: &Service, bake: &Value, view: &dyn SourceView) -> Result<Built, String> {
    let empty = Map::new();
    let build = service
        .build
        .as_ref()
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let name = &service.name;
    let mut warnings = Vec::new();
    let mut environment = Environment::default();
    for (key, value) in build
        .iter()
        .filter(|(key, _)| !NOT_CONTENT.contains(&key.as_str()))
    {
        flatten(&mut environment, &format!("build.{key}"), value);
    }
    if let Some(image) = &service.image {
        environment.set("image", image);
    }
    for argument in build
        .get("args")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        if crate::secrets::is_secret_name(argument) {
            warnings.push(format!(
                "{name}: the build argument {argument} looks like a secret and can be read from the image; use build secrets"
            ));
        }
    }

    let context = build.get("context").and_then(Value::as_str).unwrap_or(ROOT);
    let dockerfile = build
        .get("dockerfile")
        .and_then(Value::as_str)
        .unwrap_or("Dockerfile");
    let mut code = Vec::new();
    let mut unknown = None;
    let folder = local(context)?;
    let mut text = build
        .get("dockerfile_inline")
        .and_then(Value::as_str)
        // The model escapes dollars for the next reader.
        .map(|text| text.replace("$$", "$"));
    match &folder {
        Some(folder) => {
            let path = match local(dockerfile)? {
                Some(path) => path,
                None => join(folder, dockerfile)?,
            };
            if text.is_none() {
                let bytes = read(view, &path)?
                    .ok_or_else(|| format!("service {name}: there is no {} in this commit", shown(&path)))?;
                text = Some(String::from_utf8_lossy(&bytes).into_owned());
            }
            code.push(context_key(view, folder, &path, name)?);
        }
        None if is_pinned(context) => code.push(format!("remote:{context}")),
        None => {
            unknown = Some(format!(
                "its context {context} is remote, so nobody knows whether it has changed"
            ));
            code.push(format!("remote:{context}"));
        }
    }
    for (context_name, value) in pairs(build.get("additional_contexts")) {
        if let Some(other) = value
            .strip_prefix("target:")
            .or_else(|| value.strip_prefix("service:"))
        {
            return Err(format!(
                "service {name}: its context {context_name} is the result of {other}; make it a stage of one Dockerfile"
            ));
        }
        let found = match value.split_once("://") {
            None | Some(("file", _)) => match local(&value)? {
                Some(path) => key(view, &path)?
                    .ok_or_else(|| format!("service {name}: there is no {} in this commit", shown(&path)))?,
                None => {
                    return Err(format!(
                        "service {name}: the context {context_name} lies outside the repository: {value}"
                    ));
                }
            },
            Some(("docker-image", image)) => {
                environment.set(format!("build.additional_contexts.{context_name}"), image);
                continue;
            }
            Some(_) if is_pinned(&value) => value.clone(),
            Some(_) => {
                unknown = Some(format!(
                    "its context {context_name} is not of this repository, so nobody knows whether it has changed"
                ));
                value.clone()
            }
        };
        code.push(format!("{context_name}={found}"));
    }
    let mut images = Vec::new();
    if let Some(text) = &text {
        environment.set("dockerfile", &blake3::hash(text.as_bytes()).to_hex()[..32]);
        images = outside(&with_arguments(text, &pairs(build.get("args")))).images;
    }
    images.extend(
        pairs(build.get("additional_contexts"))
            .into_values()
            .filter_map(|value| value.strip_prefix("docker-image://").map(str::to_owned)),
    );
    images.sort();
    images.dedup();
    if bake.pointer("/target").is_none() {
        return Err(format!("service {name}: buildx has no target for it"));
    }
    Ok(Built {
        name: name.clone(),
        environment,
        code: match unknown {
            Some(why) => Code::Unknown {
                key: digest(&code),
                why,
            },
            None => Code::Key(digest(&code)),
        },
        images,
        warnings,
    })
}

fn digest(parts: &[String]) -> String {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_hex().to_string()
}

/// Returns the key of what a build sees of a folder: of its whole tree, or of what an ignore file leaves of it.
fn context_key(view: &dyn SourceView, folder: &str, dockerfile: &str, name: &str) -> Result<String, String> {
    let missing = || {
        format!(
            "service {name}: there is no folder {} in this commit",
            shown(folder)
        )
    };
    let [beside, _] = ignore_files(dockerfile);
    let own = join(folder, ".dockerignore")?;
    let ignore = match read(view, &beside)? {
        Some(bytes) => Some((beside, bytes)),
        None => read(view, &own)?.map(|bytes| (own, bytes)),
    };
    let ignore = ignore
        .as_ref()
        .map(|(file, bytes)| (file.as_str(), bytes.as_slice()));
    context::key(view, folder, ignore)?.ok_or_else(missing)
}

fn read(view: &dyn SourceView, path: &str) -> Result<Option<Vec<u8>>, String> {
    view.read_whole(path).map_err(|error| error.to_string())
}

fn key(view: &dyn SourceView, path: &str) -> Result<Option<String>, String> {
    view.key_whole(path).map_err(|error| error.to_string())
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "the repository" } else { path }
}

/// Returns the path within the repository that a path of the model means; none for addresses.
fn local(path: &str) -> Result<Option<String>, String> {
    match path.strip_prefix(ROOT) {
        Some(inside) if inside.is_empty() || inside.starts_with('/') => normal(inside).map(Some),
        _ if path.starts_with('/') => Err(format!(
            "{path} lies outside the repository; builds take their files from its commits"
        )),
        _ => Ok(None),
    }
}

/// Returns whether an address names one commit for good.
fn is_pinned(address: &str) -> bool {
    address.rsplit_once('#').is_some_and(|(_, fragment)| {
        let commit = fragment.split(':').next().unwrap_or_default();
        commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit())
    }) || address
        .rsplit_once("@sha256:")
        .is_some_and(|(_, digest)| digest.len() == 64)
}

/// Reads a section that may be a map or a list of `name=value`.
fn pairs(section: Option<&Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match section {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .filter_map(|entry| entry.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        _ => BTreeMap::new(),
    }
}

/// Adds every value below a section as a field of its own, so that a reason can name the one that changed.
fn flatten(environment: &mut Environment, name: &str, value: &Value) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| flatten(environment, &format!("{name}.{key}"), value)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(at, value)| flatten(environment, &format!("{name}[{at}]"), value)),
        Value::String(text) => environment.set(name, text),
        other => environment.set(name, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_repository() {
        let inside = |path: &str| local(path).unwrap();
        assert_eq!(inside("/.headstart-source/a/../b/."), Some("b".to_owned()));
        assert_eq!(inside("/.headstart-source"), Some(String::new()));
        assert_eq!(inside("https://example.org/x.git"), None);
        assert!(local("/.headstart-source/../x").is_err());
        assert!(local("/etc").is_err());
        assert!(local("/.headstart-sourcex").is_err());
    }

    #[test]
    fn only_a_commit_pins_a_remote_context() {
        assert!(is_pinned(&format!(
            "https://example.org/x.git#{}:dir",
            "a".repeat(40)
        )));
        assert!(!is_pinned("https://example.org/x.git#main"));
        assert!(!is_pinned("https://example.org/x.git"));
    }
}
