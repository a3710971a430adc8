//! Plans of recipes with several targets, each with keys of its own: every service is reused or built by itself, and one
//! bake builds those that have to be.

use std::collections::{BTreeMap, BTreeSet};

use super::images::Known;
use super::read::Read;
use super::weigh::{decide, note, weigh};
use super::{Prepared, words};
use crate::bake::TargetSpec;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::Start;
use crate::recipe::compose::build_model::{BuiltService, Request};
use crate::recipe::compose::caches::{Branches, Scheme};
use crate::recipe::compose::{ComposeProject, tags};
use crate::source::{RefKind, Repo, ancestors};
use crate::stack::Chosen;
use crate::wire::{BuildId, BuildRequest, BuiltImage, Candidate, Decision, Estimate, Plan, PlannedTarget};

/// Ancestors whose branches' caches are looked for.
const NEAR: usize = 50;
/// Most branches of ancestors in a ladder of caches: each costs a question to the registry.
const RUNGS: usize = 3;

/// What a build of several targets needs beside its plan.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    /// What its targets are called: services, images.
    pub(crate) noun: &'static str,
    pub(crate) chosen: Chosen,
    /// Names and caches of what is built, by service.
    pub(crate) built: BTreeMap<String, BuiltService>,
    /// Images of services that are not built again.
    pub(crate) reused: Vec<BuiltImage>,
    /// What bake is told to build.
    pub(crate) targets: Vec<TargetSpec>,
    /// What is deployed, by service.
    pub(crate) references: BTreeMap<String, String>,
}

impl Services {
    /// Returns whether images go to a registry.
    pub(crate) fn pushes(&self) -> bool {
        self.chosen
            .spec
            .as_ref()
            .is_some_and(|spec| spec.registry.is_some())
    }
}

/// Plans a compose project.
pub(super) async fn plan(
    engine: &Engine,
    request: &BuildRequest,
    mut read: Read,
    known: Known,
    mut chosen: Chosen,
) -> Result<Prepared> {
    let Some(project) = read.recipe.compose() else {
        return Err(Error::refused(
            "the recipe has no services",
            "choose a compose file",
        ));
    };
    if request.base.is_some() {
        return Err(Error::refused(
            "services are not built on an older image, so no base can be named",
            "leave it out; layers come from the caches",
        ));
    }
    let platform = chosen
        .stack
        .platform
        .clone()
        .unwrap_or_else(|| known.platform.clone());
    let wanted = wanted(project, request)?;
    check_images(project, &wanted, &chosen)?;
    let tag = tag(&read);
    let branches = branches(engine, &read)?;
    // Without a build nothing is named; the file's own images are deployed.
    let spec = chosen.spec.clone().unwrap_or_default();
    let model = project.model(&Request {
        project: project.name(),
        services: project.services(),
        spec: &spec,
        scheme: Scheme::default(),
        prefix: &chosen.stack.prefix,
        tag: &tag,
        branches: &branches,
    });
    let model = model.map_err(|error| Error::refused(error.to_string(), error.hint()))?;
    let mut targets = Vec::new();
    let mut services = Services {
        noun: "services",
        chosen: chosen.clone(),
        built: BTreeMap::new(),
        reused: Vec::new(),
        targets: Vec::new(),
        references: BTreeMap::new(),
    };
    let mut weighed = Vec::new();
    let mut candidates = Vec::new();
    let mut asked = known.checked;
    let pushes = services.pushes();
    for resolved in read.recipe.resolve(&known.images, &platform) {
        let Some(named) = model.services.iter().find(|built| built.name == resolved.name) else {
            continue;
        };
        if chosen.spec.is_none() || !wanted.contains(&resolved.name) {
            // Compose refuses a project in which any service has neither image nor build.
            let image = project
                .services()
                .iter()
                .find(|service| service.name == resolved.name);
            if image.is_some_and(|service| service.image.is_none()) {
                services.references.insert(resolved.name, named.reference.clone());
            }
            continue;
        }
        weighed.push(weigh(engine, &read, resolved, &chosen, named)?);
    }
    // Each answer of a registry takes its time; they are waited for together.
    let looks = weighed.iter_mut().map(|one| one.look(engine, &chosen, pushes));
    futures_util::future::join_all(looks).await;
    let forced = request.full || request.no_cache;
    for one in weighed {
        asked &= one.answered;
        let target = decide(&one, forced);
        note(&mut candidates, &one, &target);
        let reference = target.reference.clone().unwrap_or_default();
        services.references.insert(target.name.clone(), reference);
        match one.found.filter(|_| target.decision == Decision::Reuse) {
            Some(older) => services.reused.push(BuiltImage {
                target: target.name.clone(),
                reference: older.reference,
                digest: older.digest,
                bytes: older.bytes,
            }),
            None => {
                services.built.insert(target.name.clone(), one.named);
            }
        }
        targets.push(target);
    }
    services.targets = read.recipe.targets(&Start::Image, &known.images);
    services
        .targets
        .retain(|target| services.built.contains_key(&target.name));
    read.warnings.extend(known.notes);
    read.warnings.extend(model.warnings);
    read.warnings.append(&mut chosen.notices);
    if project.services().iter().all(|service| service.build.is_none()) {
        read.warnings
            .push("no service is built from source; there is nothing to build, only to deploy".to_owned());
    }
    finish(
        engine,
        read,
        known.images,
        targets,
        candidates,
        services,
        platform,
        asked,
    )
}

/// Returns the services that a request means: those that it names with all that they depend on, or all.
fn wanted(project: &ComposeProject, request: &BuildRequest) -> Result<BTreeSet<String>> {
    let names: Vec<&str> = project
        .services()
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    if let Some(unknown) = request
        .services
        .iter()
        .find(|name| !names.contains(&name.as_str()))
    {
        return Err(Error::refused(
            format!("there is no service {unknown}"),
            format!("there are: {}", names.join(", ")),
        ));
    }
    if request.services.is_empty() {
        return Ok(names.into_iter().map(str::to_owned).collect());
    }
    let mut found = BTreeSet::new();
    let mut left = request.services.clone();
    while let Some(name) = left.pop() {
        let needs = project.config()["services"][&name]["depends_on"].as_object();
        left.extend(needs.into_iter().flatten().map(|(name, _)| name.clone()));
        left.retain(|name| !found.contains(name));
        found.insert(name);
    }
    Ok(found)
}

/// Refuses `--no-build` where an image has no name.
fn check_images(project: &ComposeProject, wanted: &BTreeSet<String>, chosen: &Chosen) -> Result<()> {
    if chosen.spec.is_some() {
        return Ok(());
    }
    let nameless: Vec<&str> = project
        .services()
        .iter()
        .filter(|service| service.image.is_none() && wanted.contains(&service.name))
        .map(|service| service.name.as_str())
        .collect();
    if nameless.is_empty() {
        return Ok(());
    }
    Err(Error::refused(
        format!(
            "without a build every service needs an `image`; these have none: {}",
            nameless.join(", ")
        ),
        "name their images in the compose file, or leave --no-build out",
    ))
}

fn tag(read: &Read) -> String {
    let (id, content) = (read.commit.id.to_string(), read.tree.to_string());
    tags::tag(if read.dirty {
        tags::Made::Dirty {
            id: &id,
            content: &content,
        }
    } else {
        tags::Made::Commit { id: &id }
    })
}

/// Returns the branch that others come from: what the remote's HEAD names, else `main` or `master`.
fn default_branch(repo: &Repo) -> Result<String> {
    let refs = repo.refs()?;
    let has = |name: &str| {
        refs.iter()
            .any(|label| label.kind == RefKind::Branch && label.name == name)
    };
    let usual = ["main", "master", "trunk", "develop"]
        .into_iter()
        .find(|name| has(name));
    Ok(repo
        .remote_default()
        .or_else(|| usual.map(str::to_owned))
        .unwrap_or_else(|| "main".to_owned()))
}

pub(super) fn branches(engine: &Engine, read: &Read) -> Result<Branches> {
    let near = ancestors(&read.repo, read.commit.id, NEAR)?;
    let ids: Vec<String> = near.iter().map(|step| step.commit.to_string()).collect();
    let mut built = engine.catalogue().built_branches(&read.opened.row.id, &ids)?;
    built.truncate(RUNGS);
    Ok(Branches {
        current: read.branch.clone(),
        ancestors: built,
        // Nobody else writes the default branch's cache, so the merge base's is that one's.
        merge_base: None,
        default: default_branch(&read.repo)?,
    })
}

/// Returns one key for the keys of several targets.
pub(super) fn combined(keys: impl Iterator<Item = (String, String)>) -> String {
    let mut hash = blake3::Hasher::new();
    for (name, key) in keys {
        for text in [name, key] {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
    }
    hash.finalize().to_hex().to_string()
}

/// Returns the newest build that has all of these images, else the newest that has the first.
fn answering(engine: &Engine, images: &[BuiltImage]) -> Result<Option<BuildId>> {
    let all: Vec<_> = images
        .iter()
        .map(|image| (image.reference.as_str(), image.digest.as_str()))
        .collect();
    let catalogue = engine.catalogue();
    let mut found = catalogue.newest_with(&all)?;
    for one in &all {
        if found.is_none() {
            found = catalogue.newest_with(&[*one])?;
        }
    }
    Ok(found)
}

/// Says of images why they are built; those with the same reason together.
fn reasons(targets: &[&PlannedTarget]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for target in targets {
        match groups.iter_mut().find(|(reason, _)| *reason == target.reason) {
            Some((_, names)) => names.push(&target.name),
            None => groups.push((&target.reason, vec![&target.name])),
        }
    }
    let said: Vec<String> = groups
        .iter()
        .map(|(reason, names)| format!("{}: {reason}", names.join(", ")))
        .collect();
    said.join("; ")
}

#[expect(clippy::too_many_arguments, reason = "the parts of one plan")]
pub(super) fn finish(
    engine: &Engine,
    read: Read,
    images: crate::recipe::Images,
    targets: Vec<PlannedTarget>,
    mut candidates: Vec<Candidate>,
    services: Services,
    platform: String,
    asked: bool,
) -> Result<Prepared> {
    let project = &read.opened.row.id;
    let of = |key: fn(&PlannedTarget) -> &String| {
        combined(
            targets
                .iter()
                .map(|target| (target.name.clone(), key(target).clone())),
        )
    };
    let environment_key = of(|target| &target.environment_key);
    let code_key = of(|target| &target.code_key);
    let to_build: Vec<&PlannedTarget> = targets
        .iter()
        .filter(|target| target.decision != Decision::Reuse)
        .collect();
    let decision = if to_build.is_empty() {
        Decision::Reuse
    } else {
        Decision::Full
    };
    let reason = match (targets.len(), to_build.as_slice()) {
        (0, _) => "nothing has to be built".to_owned(),
        (1, []) => "its image is built already".to_owned(),
        (all, []) => format!("all {all} images are built already"),
        (1, [one]) => format!("{}: {}", one.name, one.reason),
        (all, some) => format!(
            "{} of {all} {} to build: {}",
            some.len(),
            services.noun,
            reasons(some)
        ),
    };
    let build = match decision {
        Decision::Reuse => answering(engine, &services.reused)?,
        _ => None,
    };
    let full = engine
        .catalogue()
        .timings(project, &environment_key, Decision::Full)?;
    let full = super::quantiles(full.into_iter().map(|timing| timing.total_ms).collect());
    words::best_first(&mut candidates);
    let active = engine.catalogue().active(project, &environment_key, &code_key)?;
    let plan = Plan {
        decision,
        commit: read.commit.id.to_string(),
        branch: read.branch.clone(),
        dirty: read.dirty,
        recipe: read.opened.row.recipe.clone(),
        stack: services.chosen.stack.name.clone(),
        platform,
        build,
        base: None,
        estimate: Estimate {
            full_ms: full,
            ..Estimate::default()
        },
        candidates,
        targets,
        reason,
        warnings: read.warnings,
        engine_checked: asked,
        active,
        pipeline: None,
    };
    Ok(Prepared {
        plan,
        environment_key,
        code_key,
        opened: read.opened,
        repo: read.repo,
        commit: read.commit,
        tree: read.tree,
        recipe: read.recipe,
        images,
        target: super::WORKSPACE.to_owned(),
        extras: read.extras,
        base: None,
        services: Some(services),
        steps: None,
        broke_on: None,
        _scratch: read.scratch,
    })
}
