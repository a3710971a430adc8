//! Builds of several services: where their images and caches go, and what came of it.

use std::path::Path;

use serde_json::Value;

use super::file::{Output, Places, bake_file};
use crate::builders;
use crate::catalogue::Ending;
use crate::docker::in_context;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::{Prepared, Services};
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

/// Returns the variables that make the docker programs use the builder's or else the stack's engine. The builder of a
/// docker context works in that context only.
pub(crate) fn context_env(engine: &Engine, prepared: &Prepared) -> Vec<(String, String)> {
    let services = prepared.services.as_ref();
    let of_stack = services.and_then(|services| services.chosen.stack.context.as_deref());
    engine_env(engine, builder(prepared), of_stack)
}

/// As [`context_env`], of a builder and a docker context.
pub(super) fn engine_env(
    engine: &Engine,
    builder: Option<&str>,
    context: Option<&str>,
) -> Vec<(String, String)> {
    let location = &engine.docker().location;
    let of_builder = builder.filter(|name| location.has_context(name));
    match of_builder.or(context) {
        Some(name) if name != location.builder_name() => in_context(name),
        _ => Vec::new(),
    }
}

/// Refuses a builder whose images would stay in its own engine, where nothing looks for them.
pub(crate) fn check_builder(engine: &Engine, prepared: &Prepared) -> Result<()> {
    let Some(services) = prepared.services.as_ref().filter(|services| !services.pushes()) else {
        return Ok(());
    };
    check_place(
        engine,
        builder(prepared),
        services.chosen.stack.context.as_deref(),
    )
}

/// Refuses a builder that belongs to another engine than a docker context's.
pub(crate) fn check_place(engine: &Engine, builder: Option<&str>, context: Option<&str>) -> Result<()> {
    let location = &engine.docker().location;
    let runs_in = context.map_or_else(|| location.builder_name(), str::to_owned);
    match builder.filter(|name| location.has_context(name) && *name != runs_in) {
        Some(name) => Err(Error::refused(
            format!("builder {name} belongs to another engine, and without a registry images stay there"),
            format!("name a registry to push to, or make a stack with the docker context {name}"),
        )),
        None => Ok(()),
    }
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
    let context = prepared
        .services
        .as_ref()
        .and_then(|services| services.chosen.stack.context.as_deref());
    let chosen = all.into_iter().find(|builder| match named.or(context) {
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
    let places = Places {
        source: None,
        repository: Some(".".into()),
        delta: None,
        git: None,
        extras: std::collections::BTreeMap::new(),
        work: ".".into(),
    };
    let outputs = |name: &str| services_output(services, name, &CacheExports::default());
    bake_file(
        &services.targets,
        &places,
        &outputs,
        &|_| Vec::new(),
        &prepared.plan.platform,
        false,
    )
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

/// Says what to do about what a registry answered, as the end of a sentence; nothing when its words say it all.
pub(crate) fn what_to_do(error: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&["401", "403", "nauthorized", "denied", "authentication required"]) {
        "; log in with `docker login` and see that you may push there"
    } else if says(&["404", "name unknown", "does not exist"]) {
        "; make the repository first, or check its name"
    } else if says(&["connection refused", "no such host", "i/o timeout"]) {
        "; check the registry's name and the network"
    } else {
        ""
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, phase: Phase, error: &str) -> Step {
        Step {
            number: 1,
            parent: None,
            name: name.to_owned(),
            cached: false,
            started_at: None,
            duration_ms: None,
            status: if error.is_empty() {
                StepStatus::Done
            } else {
                StepStatus::Failed
            },
            phase,
            exit_code: None,
            error: (!error.is_empty()).then(|| error.to_owned()),
            current_bytes: None,
            total_bytes: None,
        }
    }

    #[test]
    fn a_cache_that_broke_is_told_from_a_step_that_failed() {
        let import = step(
            "importing cache manifest from r/x:buildcache",
            Phase::CacheImport,
            "",
        );
        let broken = step(
            "[2/3] RUN make",
            Phase::Steps,
            "failed to copy: httpReadSeeker: failed open: 500",
        );
        let failing = step(
            "[2/3] RUN curl",
            Phase::Steps,
            "process \"curl\" did not complete successfully: connection reset by peer",
        );
        assert!(cache_at_fault(&[import.clone(), broken.clone()]));
        assert!(!cache_at_fault(&[broken]), "nothing was imported");
        assert!(!cache_at_fault(&[import.clone(), failing]));
        assert!(!cache_at_fault(&[
            import,
            step("pushing", Phase::Push, "failed to push: unexpected EOF")
        ]));
    }

    #[test]
    fn a_registry_that_says_no_is_answered_with_what_to_do() {
        assert!(what_to_do("unexpected status: 401 Unauthorized").contains("docker login"));
        assert!(what_to_do("name unknown: repository name not known").contains("make the repository"));
        assert!(what_to_do("dial tcp: lookup r: no such host").contains("name and the network"));
        assert_eq!(what_to_do("500 Internal Server Error"), "");
    }

    #[test]
    fn a_cache_that_was_never_written_is_no_trouble() {
        let missing = step(
            "importing cache manifest from r",
            Phase::CacheImport,
            "r: not found",
        );
        let refused = step(
            "importing cache manifest from r",
            Phase::CacheImport,
            "dial tcp: connection refused",
        );
        assert_eq!(cache_troubles(&[missing, refused]).len(), 1);
    }
}
