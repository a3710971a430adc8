//! Registries, asked through buildx: it knows the user's credentials, which are never read here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bake::ask_program;
use crate::catalogue::Imported;
use crate::engine::Engine;
use crate::plan::select::Existence;
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

/// Label of an image that carries the record of its build.
pub(crate) const RECORD: &str = "dev.headstart.record";

/// What travels with an image, so that others can use it and know what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) build: Build,
    pub(crate) producer: String,
    pub(crate) target: PlannedTarget,
}

/// Asks a registry for an image together with the record of its build, to be kept as one of a project; none when it has no
/// such image or cannot be asked.
pub(crate) async fn record(
    engine: &Engine,
    reference: &str,
    target: &str,
    project: &ProjectId,
) -> Option<Imported> {
    let digest = digest(engine, reference).await.ok()?;
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
    let answer = answer.ok().filter(|answer| answer.success)?;
    let image: serde_json::Value = serde_json::from_str(&answer.stdout).ok()?;
    // An image for several platforms has a description for each.
    let config = image
        .get("config")
        .or_else(|| image.as_object()?.values().next()?.get("config"))?;
    let text = config["Labels"][RECORD].as_str()?;
    let mut record: Record = serde_json::from_str(text).ok()?;
    record.build.project = project.clone();
    record.build.producer = Some(record.producer.clone());
    record.target.name = target.to_owned();
    Some(Imported {
        image: BuiltImage {
            target: target.to_owned(),
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
