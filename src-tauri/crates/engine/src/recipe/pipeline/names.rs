//! What images of a pipeline are called: keys, tags and references.

use std::collections::BTreeMap;

use thiserror::Error;

/// The component that runs steps: all of them need an image of it.
pub const COMPONENT: &str = "orchestrator";
/// Most characters of a tag.
const MAX_TAG: usize = 128;
/// Most characters of the name of a pipeline or step.
const MAX_NAME: usize = 64;

/// There is no image for a step.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no image for {key}; there are {}", known(.available))]
pub struct NoImage {
    /// The key that was looked for last.
    pub key: String,
    /// The keys that there are.
    pub available: Vec<String>,
}

fn known(available: &[String]) -> String {
    if available.is_empty() {
        "none".to_owned()
    } else {
        available.join(", ")
    }
}

/// Returns the key of an image: the component's name, behind the step's for an image of its own.
pub fn image_key(component: &str, step: Option<&str>) -> String {
    match step {
        Some(step) => format!("{step}.{component}"),
        None => component.to_owned(),
    }
}

/// Returns a step's image: its own, else that of the pipeline.
pub fn image_of<'a, T>(
    images: &'a BTreeMap<String, T>,
    component: &str,
    step: Option<&str>,
) -> Result<&'a T, NoImage> {
    step.and_then(|step| images.get(&image_key(component, Some(step))))
        .or_else(|| images.get(component))
        .ok_or_else(|| NoImage {
            key: component.to_owned(),
            available: images.keys().cloned().collect(),
        })
}

/// Returns the tag of an image, `pipeline[-step]-component`. Every build moves it; what identifies an image is its digest.
pub fn image_tag(pipeline: &str, step: Option<&str>, component: &str) -> String {
    let words: Vec<&str> = [Some(pipeline), step, Some(component)]
        .into_iter()
        .flatten()
        .collect();
    let valid = |c: char| {
        if c.is_ascii_alphanumeric() || "_.-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let tag: String = words.join("-").chars().map(valid).collect();
    let tag = tag.trim_start_matches(['.', '-']);
    if tag.len() <= MAX_TAG {
        return tag.to_owned();
    }
    // What is cut off still tells two tags apart.
    let hash = &blake3::hash(tag.as_bytes()).to_hex()[..8];
    format!("{}-{hash}", &tag[..MAX_TAG - 9])
}

/// Returns the reference of an image: `[registry/]repository:tag`. The repository is what the settings name, else the
/// registry's own default, else `fallback`.
pub fn image_name(
    registry: Option<&str>,
    repository: Option<&str>,
    default: Option<&str>,
    fallback: &str,
    tag: &str,
) -> String {
    let repository = repository
        .or(default.filter(|_| registry.is_some()))
        .unwrap_or(fallback);
    match registry {
        Some(registry) => format!("{}/{repository}:{tag}", registry.trim_end_matches('/')),
        None => format!("{repository}:{tag}"),
    }
}

/// Returns why a text cannot be the name of a step or pipeline, as the end of a sentence.
pub(super) fn wrong_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if name.chars().count() > MAX_NAME {
        return Some("is longer than 64 characters");
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Some("does not begin with a letter or a digit");
    }
    let valid = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    (!name.chars().all(valid)).then_some("has other characters than letters, digits, `_` and `-`")
}

/// Reads a source: `module.object` or `module:object`. The error is the end of a sentence.
pub(super) fn read_source(text: &str) -> Result<(String, String), &'static str> {
    let Some((module, object)) = text.split_once(':').or_else(|| text.rsplit_once('.')) else {
        return Err("names no module; write `module.object`");
    };
    let identifier = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let dotted = |text: &str| text.split('.').all(identifier);
    if text.chars().count() > 512 {
        return Err("is longer than 512 characters");
    }
    if !dotted(module) || !dotted(object) {
        return Err("is no Python name; write `module.object`");
    }
    Ok((module.to_owned(), object.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_its_own_image_or_that_of_the_pipeline() {
        let images = BTreeMap::from([
            ("orchestrator".to_owned(), 'A'),
            ("trainer.orchestrator".to_owned(), 'B'),
        ]);
        assert_eq!(image_of(&images, COMPONENT, Some("trainer")), Ok(&'B'));
        assert_eq!(image_of(&images, COMPONENT, Some("other")), Ok(&'A'));
        let missing = image_of(&images, "operator", Some("trainer")).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "there is no image for operator; there are orchestrator, trainer.orchestrator"
        );
    }

    #[test]
    fn a_tag_is_valid_whatever_the_names_are() {
        assert_eq!(
            image_tag("training", Some("train"), COMPONENT),
            "training-train-orchestrator"
        );
        assert_eq!(image_tag("größe/1", None, COMPONENT), "gr--e-1-orchestrator");
        let long = image_tag(&"p".repeat(120), Some("s"), COMPONENT);
        assert_eq!(long.len(), MAX_TAG);
        assert_ne!(long, image_tag(&"p".repeat(120), Some("t"), COMPONENT));
    }

    #[test]
    fn a_source_names_a_module_and_an_object() {
        let read = |text: &str| read_source(text).ok();
        assert_eq!(read("a.b.run"), Some(("a.b".into(), "run".into())));
        assert_eq!(read("a.b:Flow.run"), Some(("a.b".into(), "Flow.run".into())));
        for text in [
            "run",
            "a.",
            ".a",
            "a b.c",
            "a;import os.x",
            "-m.x",
            "a:b:c",
            "1a.b",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
