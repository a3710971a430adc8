//! Builds of several services: where their images and caches go, and what came of it.

use std::path::Path;

use serde_json::Value;

use super::file::{Output, Places, bake_file};
use crate::builders;
use crate::catalogue::Ending;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::{Prepared, Services};
use crate::recipe::Start;
use crate::recipe::compose::target_name;
use crate::wire::{BuildStatus, BuiltImage, Phase, Step, StepStatus};

/// Whether caches can be exported, and why not.
#[derive(Clone, Debug, Default)]
pub(crate) struct CacheExports {
    pub(crate) why_not: Option<String>,
    /// Whether nothing is imported either: a cache broke the build before.
    pub(crate) no_imports: bool,
}

/// Returns the builder that was chosen.
pub(crate) fn builder(prepared: &Prepared) -> Option<&str> {
    prepared
        .services
        .as_ref()?
        .chosen
        .spec
        .as_ref()?
        .builder
        .as_deref()
}

/// Finds out whether the builder can export caches: one that cannot would fail the build for it.
pub(crate) async fn cache_exports(engine: &Engine, prepared: &Prepared) -> CacheExports {
    let wanted = prepared
        .services
        .as_ref()
        .is_some_and(|services| services.built.values().any(|built| !built.caches.to.is_empty()));
    if !wanted {
        return CacheExports::default();
    }
    let Ok(all) = builders::list(engine).await else {
        return CacheExports::default();
    };
    let named = builder(prepared);
    let chosen = all.into_iter().find(|builder| match named {
        Some(name) => builder.name == name,
        None => builder.selected,
    });
    let Some(chosen) = chosen.filter(|builder| !builder.can_export_cache) else {
        return CacheExports::default();
    };
    let why = chosen
        .why_not
        .unwrap_or_else(|| "it does not support it".to_owned());
    let hint = chosen.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    CacheExports {
        why_not: Some(format!("builder {} exports no cache: {why}{hint}", chosen.name)),
        no_imports: false,
    }
}

/// Says what becomes of a service's image.
pub(crate) fn services_output(services: &Services, name: &str, caches: &CacheExports) -> Output {
    let Some(built) = services.built.get(name) else {
        return Output::default();
    };
    Output {
        tags: built.tags.clone(),
        cache_from: if caches.no_imports {
            Vec::new()
        } else {
            built.caches.from.clone()
        },
        cache_to: if caches.why_not.is_none() {
            built.caches.to.clone()
        } else {
            Vec::new()
        },
        push: services.pushes(),
    }
}

/// Returns the bake file of services as it would be written, with the repository's folder as `.`.
pub(crate) fn shown_file(prepared: &Prepared, services: &Services) -> Value {
    let mut targets = prepared.recipe.targets(&Start::Image, &prepared.images);
    targets.retain(|target| services.built.contains_key(&target.name));
    let places = Places {
        source: None,
        repository: Some(".".into()),
        delta: None,
        git: None,
        extras: std::collections::BTreeMap::new(),
        work: ".".into(),
    };
    let outputs = |name: &str| services_output(services, name, &CacheExports::default());
    bake_file(&targets, &places, &outputs, &[], &prepared.plan.platform, false)
}

/// Collects the images of a build that succeeded: digests as the registry has them for what was pushed, as the Engine has
/// them for what was loaded.
pub(crate) async fn services_built(
    engine: &Engine,
    prepared: &Prepared,
    services: &Services,
    metadata: &Path,
) -> Result<Ending> {
    let text = std::fs::read(metadata).map_err(Error::file("reading", metadata))?;
    let metadata: Value = serde_json::from_slice(&text)
        .map_err(|error| Error::internal("buildx wrote metadata that is no JSON", error))?;
    let mut ending = Ending::without_image(BuildStatus::Succeeded, None);
    for built in services.built.values() {
        let image = if services.pushes() {
            let digest = metadata[target_name(&built.name)]["containerimage.digest"].as_str();
            digest.map(|digest| (digest.to_owned(), None))
        } else {
            let docker = engine.docker_at(prepared.context());
            let found = docker.image(&built.reference).await?;
            found.map(|image| (image.digest, Some(image.bytes)))
        };
        let Some((digest, bytes)) = image else {
            let why = format!("buildx reported success, but there is no image of {}", built.name);
            return Ok(Ending::without_image(BuildStatus::Failed, Some(why)));
        };
        ending.images.push(BuiltImage {
            target: built.name.clone(),
            reference: built.reference.clone(),
            digest,
            bytes,
        });
    }
    ending.images.extend(services.reused.iter().cloned());
    ending.images.sort_by(|one, other| one.target.cmp(&other.target));
    debug_assert!(ending.images.len() >= prepared.plan.targets.len());
    Ok(ending)
}

/// What is said when a cache of the registry broke a build.
pub(crate) const BROKEN_CACHE: &str =
    "a layer of the registry's cache could not be read, so this was built once more without it";

/// Returns whether a build failed at a layer that its registry's cache promised: BuildKit fetches layers when they are
/// needed, long after the cache's list of them was read.
pub(crate) fn cache_at_fault(steps: &[Step]) -> bool {
    let fetching = [
        "failed to copy",
        "failed to fetch",
        "httpReadSeeker",
        "unexpected EOF",
        "failed to get reader",
        "connection reset by peer",
        "unexpected status from GET request",
        "unexpected commit digest",
    ];
    let at_fault = |step: &Step| {
        let error = step.error.as_deref().unwrap_or_default();
        step.status == StepStatus::Failed
            && step.exit_code.is_none()
            && !error.contains("did not complete successfully")
            && !error.contains("failed to push")
            && fetching.iter().any(|words| error.contains(words))
    };
    let imported = steps.iter().any(|step| step.phase == Phase::CacheImport);
    imported
        && steps
            .iter()
            .filter(|step| step.phase != Phase::CacheImport)
            .any(at_fault)
}

/// Says which caches could not be read or written: that never fails a build, but costs time.
pub(crate) fn cache_troubles(steps: &[Step]) -> Vec<String> {
    let trouble = |step: &Step| {
        let about = step.phase == Phase::CacheImport || step.name.contains("exporting cache");
        let error = step
            .error
            .as_deref()
            .filter(|_| about && step.status == StepStatus::Failed)?;
        // A cache that was never written is no trouble.
        let missing = error.contains("not found") || error.contains("manifest unknown");
        (!missing).then(|| format!("{}: {}", step.name, error.lines().next().unwrap_or(error)))
    };
    let mut found: Vec<String> = steps.iter().filter_map(trouble).collect();
    found.dedup();
    found
}
