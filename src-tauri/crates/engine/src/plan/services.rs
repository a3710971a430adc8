//! Plans of recipes with several targets, each with keys of its own: every service is reused or built by itself, and one
//! bake builds those that have to be.

use std::collections::{BTreeMap, BTreeSet};

use super::images::Known;
use super::read::Read;
use super::reasons::environment_differences;
use super::select::Existence;
use super::{Prepared, words};
use crate::catalogue::OlderTarget;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::compose::build_model::{BuiltService, Request};
use crate::recipe::compose::caches::{Branches, Scheme};
use crate::recipe::compose::{ComposeProject, tags};
use crate::recipe::{Code, Resolved};
use crate::registry;
use crate::source::{RefKind, Repo, ancestors};
use crate::stack::Chosen;
use crate::wire::{
    BuildId, BuildRequest, BuiltImage, Candidate, Decision, Estimate, KeyField, Plan, PlannedTarget,
    ProjectId, Verdict,
};

/// Ancestors whose branches' caches are looked for.
const NEAR: usize = 50;
/// Most branches of ancestors in a ladder of caches: each costs a question to the registry.
const RUNGS: usize = 3;

/// What a build of several targets needs beside its plan.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(crate) chosen: Chosen,
    /// Names and caches of what is built, by service.
    pub(crate) built: BTreeMap<String, BuiltService>,
    /// Images of services that are not built again.
    pub(crate) reused: Vec<BuiltImage>,
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

/// A service with its keys, and the older images that have them.
struct Weighed {
    resolved: Resolved,
    environment_key: String,
    fields: Vec<KeyField>,
    code_key: String,
    unknown: Option<String>,
    exact: Vec<OlderTarget>,
    newest: Option<OlderTarget>,
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
        chosen: chosen.clone(),
        built: BTreeMap::new(),
        reused: Vec::new(),
        references: BTreeMap::new(),
    };
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
        let weighed = weigh(engine, &read, resolved, &chosen, named)?;
        let mut found = None;
        let mut gone = false;
        if weighed.unknown.is_none() {
            for older in &weighed.exact {
                let existence = exists(engine, older, &chosen, pushes).await;
                asked &= existence != Existence::Unknown;
                gone |= existence == Existence::Gone;
                if existence != Existence::Gone {
                    found = Some(older.clone());
                    break;
                }
            }
        }
        let forced = request.full || request.no_cache;
        let target = decide(&weighed, found.filter(|_| !forced), gone, forced, named);
        note(&mut candidates, &weighed, &target);
        services
            .references
            .insert(target.name.clone(), target.reference.clone().unwrap_or_default());
        match (
            &target.build,
            weighed
                .exact
                .iter()
                .find(|older| Some(&older.build) == target.build.as_ref()),
        ) {
            (Some(_), Some(older)) => services.reused.push(BuiltImage {
                target: target.name.clone(),
                reference: older.reference.clone(),
                digest: older.digest.clone(),
                bytes: older.bytes,
            }),
            _ => {
                services.built.insert(target.name.clone(), named.clone());
            }
        }
        targets.push(target);
    }
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

fn branches(engine: &Engine, read: &Read) -> Result<Branches> {
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

/// Adds what the stack has a part in to a service's environment: an image under another name does not serve, and a
/// registry's has to be in that registry.
fn with_stack(resolved: &mut Resolved, chosen: &Chosen, named: &BuiltService) {
    let name = named
        .reference
        .rsplit_once(':')
        .map_or(named.reference.as_str(), |(name, _)| name);
    let place = match chosen.spec.as_ref().and_then(|spec| spec.registry.as_ref()) {
        Some(registry) => format!("registry {}", registry.host_and_path),
        None => "engine".to_owned(),
    };
    resolved.environment.set("stack.images", place);
    if chosen
        .spec
        .as_ref()
        .and_then(|spec| spec.registry.as_ref())
        .is_none_or(|registry| registry.single_name.is_none())
    {
        resolved.environment.set("stack.name", name);
    }
}

fn weigh(
    engine: &Engine,
    read: &Read,
    mut resolved: Resolved,
    chosen: &Chosen,
    named: &BuiltService,
) -> Result<Weighed> {
    with_stack(&mut resolved, chosen, named);
    let environment_key = resolved.environment.key();
    let (code_key, unknown) = match &resolved.code {
        Code::Source => (read.source.to_string(), None),
        Code::Key(key) => (key.clone(), None),
        Code::Unknown { key, why } => (key.clone(), Some(why.clone())),
    };
    let (catalogue, project) = (engine.catalogue(), &read.opened.row.id);
    Ok(Weighed {
        exact: catalogue.exact_targets(project, &resolved.name, &environment_key, &code_key)?,
        newest: catalogue.newest_target(project, &resolved.name)?,
        fields: resolved.environment.shown(),
        environment_key,
        code_key,
        unknown,
        resolved,
    })
}

/// Returns, for each service that a project's stack would build at some commit, the newest image that has its keys.
pub(crate) fn images_of(
    engine: &Engine,
    project: &ProjectId,
    compose: &ComposeProject,
    resolved: Vec<Resolved>,
    chosen: &Chosen,
) -> Result<Vec<(String, Option<OlderTarget>)>> {
    let model = compose.model(&Request {
        project: compose.name(),
        services: compose.services(),
        spec: &chosen.spec.clone().unwrap_or_default(),
        scheme: Scheme::default(),
        prefix: &chosen.stack.prefix,
        // Names without their tags are all that counts.
        tag: tags::LATEST,
        branches: &Branches::default(),
    });
    let model = model.map_err(|error| Error::refused(error.to_string(), error.hint()))?;
    let mut found = Vec::new();
    for mut service in resolved {
        let named = model.services.iter().find(|built| built.name == service.name);
        let (Some(named), Code::Key(code)) = (named, service.code.clone()) else {
            found.push((service.name, None));
            continue;
        };
        with_stack(&mut service, chosen, named);
        let older =
            engine
                .catalogue()
                .exact_targets(project, &service.name, &service.environment.key(), &code)?;
        found.push((service.name, older.into_iter().next()));
    }
    Ok(found)
}

async fn exists(engine: &Engine, older: &OlderTarget, chosen: &Chosen, pushed: bool) -> Existence {
    if pushed {
        return registry::existence(engine, &older.reference, &older.digest).await;
    }
    let docker = engine.docker_at(chosen.stack.context.as_deref());
    super::images::has(&docker, &older.reference, &older.digest).await
}

fn decide(
    weighed: &Weighed,
    found: Option<OlderTarget>,
    gone: bool,
    forced: bool,
    named: &BuiltService,
) -> PlannedTarget {
    let short = |commit: &str| commit.chars().take(7).collect::<String>();
    let reason = match (&found, &weighed.unknown, &weighed.newest) {
        (Some(older), ..) => format!("built already at {}", short(&older.commit)),
        (None, Some(why), _) => why.clone(),
        _ if forced => "a full build was asked for".to_owned(),
        (None, None, None) => "never built before".to_owned(),
        _ if gone => "its image is gone".to_owned(),
        (None, None, Some(newest)) => {
            let old = ("", newest.environment.as_slice());
            let differences = environment_differences(old, (&weighed.environment_key, &weighed.fields));
            match differences.first() {
                Some(difference)
                    if !newest.environment.is_empty() && newest.environment != weighed.fields =>
                {
                    difference.text.clone()
                }
                _ => format!("its files changed since {}", short(&newest.commit)),
            }
        }
    };
    PlannedTarget {
        name: weighed.resolved.name.clone(),
        environment_key: weighed.environment_key.clone(),
        code_key: weighed.code_key.clone(),
        fields: weighed.fields.clone(),
        decision: if found.is_some() {
            Decision::Reuse
        } else {
            Decision::Full
        },
        reason,
        build: found.as_ref().map(|older| older.build.clone()),
        reference: Some(found.map_or_else(|| named.reference.clone(), |older| older.reference)),
        tags: named.tags.clone(),
        cache_from: named.caches.from.clone(),
        cache_to: named.caches.to.clone(),
    }
}

/// Adds the builds whose images were looked at to the candidates.
fn note(candidates: &mut Vec<Candidate>, weighed: &Weighed, target: &PlannedTarget) {
    let chosen = target.build.as_ref();
    let looked = weighed.exact.iter().chain(&weighed.newest);
    for older in looked {
        let verdict = if chosen == Some(&older.build) {
            Verdict::Chosen
        } else {
            Verdict::Rejected
        };
        let reason = match verdict {
            Verdict::Chosen => format!("{}: same keys", target.name),
            _ if chosen.is_some() => format!("{}: an image with the same keys serves", target.name),
            _ => format!("{}: {}", target.name, target.reason),
        };
        match candidates
            .iter_mut()
            .find(|one: &&mut Candidate| one.build == older.build)
        {
            Some(one) => {
                if verdict == Verdict::Chosen {
                    one.verdict = verdict;
                }
                if !one.reasons.contains(&reason) {
                    one.reasons.push(reason);
                }
            }
            None => candidates.push(Candidate {
                build: older.build.clone(),
                commit: older.commit.clone(),
                distance: None,
                changed_files: None,
                expected_ms: None,
                verdict,
                reasons: vec![reason],
            }),
        }
    }
}

/// Returns one key for the keys of several targets.
fn combined(keys: impl Iterator<Item = (String, String)>) -> String {
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
    let mut common: Option<Vec<BuildId>> = None;
    for image in images {
        let with = engine.catalogue().sharers(&image.reference, &image.digest)?;
        let both = match &common {
            None => with,
            Some(common) => common.iter().filter(|id| with.contains(id)).cloned().collect(),
        };
        if !both.is_empty() {
            common = Some(both);
        }
    }
    Ok(common.and_then(|ids| ids.into_iter().next()))
}

#[expect(clippy::too_many_arguments, reason = "the parts of one plan")]
fn finish(
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
        (all, some) => {
            let names: Vec<&str> = some.iter().map(|target| target.name.as_str()).collect();
            format!("{} of {all} services to build: {}", some.len(), names.join(", "))
        }
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
        broke_on: None,
        _scratch: read.scratch,
    })
}
