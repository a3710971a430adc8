//! Builds that somebody describes: images that were made elsewhere, to be used as if they had been built here.

use serde_json::Value;

use super::get;
use crate::catalogue::Imported;
use crate::clock::now_ms;
use crate::engine::{Engine, random_hex};
use crate::error::{Error, Result};
use crate::recipe::yaml::Reader;
use crate::registry;
use crate::stack;
use crate::wire::{Build, BuildId, BuildRequest, BuildStatus, BuiltImage, Decision, KeyField, PlannedTarget};

/// Registers a build from a file's text, YAML or JSON: `images` by key, each a reference or a mapping with `image`, and
/// `contains_code`. It becomes a new build of the request's project, pipeline and stack.
pub async fn register(engine: &Engine, request: &BuildRequest, file: &str, text: &str) -> Result<BuildId> {
    let described = read(file, text)?;
    let opened = crate::project::open(engine, &request.project)?;
    let chosen = stack::choose(engine, request)?;
    let docker = engine.docker_at(chosen.stack.context.as_deref());
    let commit = opened.repo.commit(opened.commit(request.commit.as_deref())?)?;
    let id = BuildId(random_hex(16)?);
    let platform = docker.about().await?.platform.clone();
    let at = now_ms();
    let contains_code = described.iter().any(|image| image.contains_code);
    for described in &described {
        let found = match docker.image(&described.reference).await? {
            Some(image) => Some((image.digest, Some(image.bytes))),
            None => registry::digest(engine, &described.reference)
                .await
                .ok()
                .map(|digest| (digest, None)),
        };
        let Some((digest, bytes)) = found else {
            return Err(Error::refused(
                format!(
                    "the image {} is neither in the engine nor in its registry",
                    described.reference
                ),
                format!("correct it in {file}, or pull the image first"),
            ));
        };
        let fields = vec![KeyField {
            name: "image".to_owned(),
            value: format!("{}@{digest}", described.reference),
        }];
        let key = blake3::hash(format!("{}\0{digest}", described.reference).as_bytes());
        let key = key.to_hex().to_string();
        let build = Build {
            id: id.clone(),
            project: request.project.clone(),
            project_name: opened.row.name.clone(),
            recipe: request
                .config
                .clone()
                .unwrap_or_else(|| opened.row.recipe.clone()),
            stack: chosen.stack.name.clone(),
            platform: platform.clone(),
            commit: commit.id.to_string(),
            summary: commit.summary.clone(),
            branch: opened.repo.branch_of(commit.id)?,
            dirty: false,
            status: BuildStatus::Succeeded,
            decision: Decision::Full,
            reason: format!("described in {file}"),
            base: None,
            chain: 0,
            environment_key: key.clone(),
            code_key: String::new(),
            fields: Vec::new(),
            images: Vec::new(),
            steps: Vec::new(),
            phases: Vec::new(),
            created_at: at,
            started_at: None,
            duration_ms: None,
            expected_ms: None,
            saved_ms: None,
            contains_code,
            pinned: false,
            reused: 0,
            error: None,
            failed_step: None,
            failed_step_number: None,
            log_lines: 0,
            warnings: Vec::new(),
            pipeline: request.pipeline.clone(),
            producer: None,
        };
        engine.catalogue().import(&Imported {
            producer: None,
            target: PlannedTarget {
                name: described.key.clone(),
                environment_key: key,
                code_key: "described".to_owned(),
                fields,
                decision: Decision::Full,
                reason: build.reason.clone(),
                build: None,
                reference: Some(described.reference.clone()),
                tags: Vec::new(),
                cache_from: Vec::new(),
                cache_to: Vec::new(),
                steps: Vec::new(),
                dockerfile: None,
                includes_code: described.contains_code,
            },
            image: BuiltImage {
                target: described.key.clone(),
                reference: described.reference.clone(),
                digest,
                bytes,
            },
            build,
        })?;
    }
    Ok(get(engine, &id)?.id)
}

/// An image as a file describes it.
#[derive(Debug, PartialEq, Eq)]
struct Described {
    key: String,
    reference: String,
    contains_code: bool,
}

fn read(file: &str, text: &str) -> Result<Vec<Described>> {
    let (_, root) = Reader::parse(file, text.as_bytes()).map_err(|problem| {
        Error::Recipe(crate::recipe::RecipeError::Invalid {
            problems: vec![problem],
        })
    })?;
    let value = root.value.json();
    let usage = || {
        Error::refused(
            format!("{file} describes no build"),
            "write `images:` with a reference for each key, such as `orchestrator: name:tag`",
        )
    };
    let whole = value["contains_code"].as_bool().unwrap_or(false);
    let images = value["images"].as_object().filter(|images| !images.is_empty());
    let described = images.ok_or_else(usage)?.iter().map(|(key, value)| {
        let reference = match value {
            Value::String(reference) => Some(reference.clone()),
            value => value["image"].as_str().map(str::to_owned),
        };
        Ok(Described {
            key: key.clone(),
            reference: reference.filter(|text| !text.is_empty()).ok_or_else(usage)?,
            contains_code: value["contains_code"].as_bool().unwrap_or(whole),
        })
    });
    described.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_its_images_in_short_or_with_what_they_contain() {
        let text = "images:\n  orchestrator: app:1\n  train.orchestrator: {image: 'app@sha256:0', contains_code: true}\n";
        let found = read("build.yaml", text).unwrap();
        assert_eq!(found[0].reference, "app:1");
        assert!(!found[0].contains_code && found[1].contains_code);
        assert!(read("build.yaml", "images: {}").is_err());
        assert!(read("build.yaml", "images: {a: 3}").is_err());
        assert!(read("build.yaml", "a: [").is_err());
    }
}
