//! Registries, asked through buildx: it knows the user's credentials, which are never read here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bake::ask_program;
use crate::catalogue::Imported;
use crate::engine::Engine;
use crate::plan::select::Existence;
use crate::text::one_line;
use crate::wire::{Build, BuiltImage, PlannedTarget, ProjectId};

const LIMIT: Duration = Duration::from_secs(15);

/// What a registry says when it has no such image.
const MISSING: [&str; 4] = ["not found", "manifest unknown", "name unknown", "does not exist"];

/// Asks a registry for an image's digest. The error is what was said.
pub(crate) async fn digest(engine: &Engine, reference: &str) -> Result<String, String> {
    let words = [
        "buildx",
        "imagetools",
        "inspect",
        "--format",
        "{{json .Manifest}}",
        reference,
    ];
    let arguments = words.map(str::to_owned);
    let env = engine.docker().location.env();
    let answer = ask_program("docker", &arguments, engine.home(), &env, LIMIT).await;
    let answer = answer.map_err(|error| error.to_string())?;
    if answer.success {
        let manifest: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap_or_default();
        let digest = manifest["digest"].as_str().map(str::to_owned);
        return digest.ok_or_else(|| "the registry's answer names no digest".to_owned());
    }
    let said = answer
        .stderr
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or("no answer");
    Err(said.trim_start_matches("ERROR: ").to_owned())
}

/// Asks whether a registry has an image with this digest under this name.
pub(crate) async fn existence(engine: &Engine, reference: &str, wanted: &str) -> Existence {
    match digest(engine, reference).await {
        Ok(found) if found == wanted => Existence::Present,
        Ok(_) => Existence::Gone,
        Err(said) if MISSING.iter().any(|words| said.contains(words)) => Existence::Gone,
        Err(said) => {
            tracing::debug!(reference, said, "the registry could not be asked");
            Existence::Unknown
        }
    }
}

/// Asks a registry for the labels of an image; none when it has no such image. The error is what was said.
pub(crate) async fn labels(engine: &Engine, reference: &str) -> Result<Option<serde_json::Value>, String> {
    let words = [
        "buildx",
        "imagetools",
        "inspect",
        "--format",
        "{{json .Image}}",
        reference,
    ];
    let env = engine.docker().location.env();
    let answer = ask_program("docker", &words.map(str::to_owned), engine.home(), &env, LIMIT).await;
    let answer = answer.map_err(|error| error.to_string())?;
    if !answer.success {
        let said = answer
            .stderr
            .lines()
            .map(str::trim)
            .rfind(|line| !line.is_empty());
        let said = said.unwrap_or("no answer").trim_start_matches("ERROR: ");
        return if MISSING.iter().any(|words| said.contains(words)) {
            Ok(None)
        } else {
            Err(said.to_owned())
        };
    }
    let image: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap_or_default();
    let config = image
        .get("config")
        .or_else(|| image.as_object()?.values().next()?.get("config"));
    Ok(Some(
        config.map(|config| config["Labels"].clone()).unwrap_or_default(),
    ))
}

/// Label of an image that carries the record of its build.
pub(crate) const RECORD: &str = "dev.headstart.record";

/// What travels with an image, so that others can use it and know what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) build: Build,
    pub(crate) producer: String,
    pub(crate) target: PlannedTarget,
}

/// The image that somebody looks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looked<'a> {
    pub(crate) target: &'a str,
    pub(crate) environment_key: &'a str,
    pub(crate) code_key: &'a str,
}

impl Record {
    /// Returns a record that can be kept: whoever may push to a registry wrote it. It has to be of the image that was looked
    /// for, and what becomes a path or is looked up by has to be what it seems.
    fn checked(mut self, looked: &Looked<'_>, project: &ProjectId) -> Option<Self> {
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let build = &self.build;
        let is_id = build.id.0.len() == 16 && is_hex(&build.id.0);
        let is_commit = matches!(build.commit.len(), 40 | 64) && is_hex(&build.commit);
        let is_it =
            self.target.environment_key == looked.environment_key && self.target.code_key == looked.code_key;
        if !(is_id && is_commit && is_it) {
            return None;
        }
        let short = |text: &str| one_line(&text.chars().take(200).collect::<String>());
        self.producer = short(&self.producer);
        self.build.summary = short(&self.build.summary);
        self.build.project = project.clone();
        self.target.name = looked.target.to_owned();
        Some(self)
    }
}

/// Asks a registry for an image together with the record of its build, to be kept as one of a project; none when it has no
/// such image, cannot be asked, or has a record that is not of this image.
pub(crate) async fn record(
    engine: &Engine,
    reference: &str,
    looked: &Looked<'_>,
    project: &ProjectId,
) -> Option<Imported> {
    let digest = digest(engine, reference).await.ok()?;
    // The name may move to another image meanwhile.
    let exactly = format!("{}@{digest}", reference.rsplit_once(':')?.0);
    let words = [
        "buildx",
        "imagetools",
        "inspect",
        "--format",
        "{{json .Image}}",
        &exactly,
    ];
    let env = engine.docker().location.env();
    let answer = ask_program("docker", &words.map(str::to_owned), engine.home(), &env, LIMIT).await;
    let answer = answer.ok().filter(|answer| answer.success)?;
    let image: serde_json::Value = serde_json::from_str(&answer.stdout).ok()?;
    // An image for several platforms has a description for each.
    let config = image
        .get("config")
        .or_else(|| image.as_object()?.values().next()?.get("config"))?;
    let text = config["Labels"][RECORD].as_str()?;
    let record: Record = serde_json::from_str(text).ok()?;
    let Some(record) = record.checked(looked, project) else {
        tracing::warn!(reference, "the image carries a record that is not of it");
        return None;
    };
    Some(Imported {
        image: BuiltImage {
            target: looked.target.to_owned(),
            reference: reference.to_owned(),
            digest,
            bytes: None,
        },
        build: record.build,
        producer: Some(record.producer),
        target: record.target,
    })
}

/// Asks whether a registry answers at all; an image that it does not have is an answer. The error is what was said.
pub(crate) async fn answers(engine: &Engine, registry: &str) -> Result<(), String> {
    match digest(engine, &format!("{registry}/headstart-check:latest")).await {
        Ok(_) => Ok(()),
        Err(said) if MISSING.iter().any(|words| said.contains(words)) => Ok(()),
        Err(said) => Err(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, commit: &str, key: &str) -> Record {
        let text = serde_json::json!({
            "producer": "Ada\nLovelace",
            "build": {
                "id": id, "project": "p", "project_name": "p", "recipe": "run.yaml", "stack": "s",
                "platform": "linux/amd64", "commit": commit, "summary": "x", "branch": null, "dirty": false,
                "status": "running", "decision": "full", "reason": "", "base": null, "chain": 0,
                "environment_key": key, "code_key": "c", "fields": [], "images": [], "steps": [], "phases": [],
                "created_at": 1, "started_at": null, "duration_ms": null, "expected_ms": null, "saved_ms": null,
                "contains_code": false, "pinned": false, "reused": 0, "error": null, "failed_step": null,
                "failed_step_number": null, "log_lines": 0, "warnings": []
            },
            "target": {
                "name": "theirs", "environment_key": key, "code_key": "c", "fields": [], "decision": "full",
                "reason": "", "build": null, "reference": null, "tags": [], "cache_from": [], "cache_to": []
            }
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_record_has_to_be_of_the_image_and_its_id_no_path() {
        let looked = Looked {
            target: "orchestrator",
            environment_key: "e",
            code_key: "c",
        };
        let project = ProjectId("mine".into());
        let (id, commit) = ("0123456789abcdef", "a".repeat(40));
        let kept = record(id, &commit, "e").checked(&looked, &project).unwrap();
        assert_eq!(
            (kept.target.name.as_str(), &kept.build.project),
            ("orchestrator", &project)
        );
        assert!(!kept.producer.contains('\n'), "{}", kept.producer);
        for (id, commit, key) in [
            ("../../../../etc/x", commit.as_str(), "e"),
            (id, "--upload-pack=x", "e"),
            (id, commit.as_str(), "another"),
        ] {
            assert_eq!(
                record(id, commit, key).checked(&looked, &project),
                None,
                "{id} {commit} {key}"
            );
        }
    }
}
