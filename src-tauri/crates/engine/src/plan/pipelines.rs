//! Plans of pipelines: which images its steps need, which of them are there already, and how the code gets in.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::images::Known;
use super::read::Read;
use super::services::{Services, branches, combined, finish};
use super::weigh::{Weighed, decide, note, weigh_image};
use super::{Prepared, given};
use crate::bake::ask_program;
use crate::catalogue::{Imported, OlderTarget};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::compose::build_model::BuiltService;
use crate::recipe::compose::caches::{Branches, Caches, Scheme};
use crate::recipe::compose::reference::{ImageName, Owner};
use crate::recipe::pipeline::delivery::needs;
use crate::recipe::pipeline::names::image_name;
use crate::recipe::pipeline::settings::Replicate;
use crate::recipe::pipeline::{PipelineImage, PipelineRecipe, StepSpec, Surroundings, image_of_step};
use crate::recipe::{Code, Images};
use crate::repositories;
use crate::stack::Chosen;
use crate::wire::{
    BuildRequest, BuiltImage, Candidate, Condition, Decision, Delivery, KeyField, PipelinePlan, PlannedStep,
    PlannedTarget,
};
use crate::{registry, settings};

/// Longest time for listing the packages of this machine.
const EXPORT: Duration = Duration::from_secs(60);

/// What a run of a pipeline needs beside its images.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    /// In the order in which they run, with how their code gets in.
    pub(crate) steps: Vec<(StepSpec, Delivery)>,
    /// What was built elsewhere and is used here, to be taken over when it is.
    pub(crate) foreign: Vec<Imported>,
    /// Why none of them can run: their code cannot get in.
    pub(crate) blocked: Option<String>,
    /// Images that keep their own entrypoint, by target.
    pub(crate) entrypoints: Vec<String>,
}

/// Plans a pipeline.
pub(super) async fn plan(
    engine: &Engine,
    request: &BuildRequest,
    read: Read,
    known: Known,
    chosen: Chosen,
) -> Result<Prepared> {
    let Some(recipe) = read.recipe.pipeline() else {
        return Err(Error::refused("the recipe is no pipeline", "choose a run config"));
    };
    if request.options.no_build {
        return Err(Error::refused(
            "a pipeline has no images but those that are built for it",
            "name a build to use with --build, or set skip_build in the run config",
        ));
    }
    let source = request.pipeline.as_deref();
    let refused = |why: String| Error::refused(why, "change the run config");
    let name = recipe.name(source).map_err(refused)?;
    let steps = recipe.steps(source).map_err(refused)?;
    let checkout = repositories::checkout(engine, &read.opened, read.commit.id, read.dirty)?;
    let platform = chosen
        .stack
        .platform
        .clone()
        .unwrap_or_else(|| known.platform.clone());
    let frozen = match recipe.replicates() {
        Some(how) => Some(local_packages(engine, how, &read.opened.row.root).await?),
        None => None,
    };
    let integrations = settings::get(engine)?.integrations;
    let images = recipe
        .resolve(
            source,
            &Surroundings {
                requirements: &chosen.stack.requirements,
                apt_packages: &chosen.stack.apt_packages,
                environment: &chosen.stack.environment,
                integrations: &integrations,
                repository_usable: checkout.usable,
                images: &known.images,
                platform: &platform,
                ca_bundle: chosen.stack.ca_bundle.as_deref(),
                frozen: frozen.as_deref(),
            },
        )
        .map_err(refused)?;
    let deliveries: Vec<_> = images
        .iter()
        .flat_map(|image| image.deliveries.iter().cloned())
        .collect();
    let mut warnings = Vec::new();
    let mut blocked = None;
    let asks = deliveries.iter().any(|step| step.allowed.repository);
    match repositories::verify(&checkout, needs(&deliveries).repository, !images.is_empty()) {
        Ok(verified) => warnings.extend(verified.warning.filter(|_| asks)),
        Err(error) => {
            warnings.push(error.to_string());
            blocked = Some(error.to_string());
        }
    }
    let mut services = Services {
        noun: "images",
        chosen: chosen.clone(),
        built: BTreeMap::new(),
        reused: Vec::new(),
        targets: Vec::new(),
        references: BTreeMap::new(),
    };
    let pushes = services.pushes();
    let branches = if pushes {
        branches(engine, &read)?
    } else {
        Branches::default()
    };
    let mut pipeline = PipelinePlan {
        steps: planned_steps(&steps, &images),
        checkout,
        given: None,
        name,
    };
    let mut foreign = Vec::new();
    let mut targets = Vec::new();
    let mut candidates = Vec::new();
    let mut asked = known.checked;
    let wanted = request.base.as_deref().or(recipe.build());
    if let Some(wanted) = wanted {
        let used = given::of(engine, wanted, &images, &chosen, pipeline.checkout.usable)?;
        pipeline.given = Some(used.build.clone());
        for step in &mut pipeline.steps {
            used.deliver(step);
        }
        targets = used.targets;
        services.reused = used.images;
        warnings.extend(used.warnings);
    } else {
        let mut weighed = Vec::new();
        for image in images.iter().filter(|image| image.ready.is_none()) {
            let named = named(&chosen, image, &pipeline.name, &branches);
            weighed.push(weigh_image(engine, &read, image, &chosen, named)?);
        }
        let looks = weighed.iter_mut().map(|one| one.look(engine, &chosen, pushes));
        futures_util::future::join_all(looks).await;
        // What nobody built here may have been built elsewhere: its name is made of its keys.
        let elsewhere = weighed.iter().map(|one| async {
            if !pushes || one.found.is_some() || request.full || request.no_cache || !one.may_reuse {
                return None;
            }
            registry::record(
                engine,
                &one.named.reference,
                &one.looked_for(),
                &read.opened.row.id,
            )
            .await
        });
        let elsewhere = futures_util::future::join_all(elsewhere).await;
        for (one, record) in weighed.iter_mut().zip(elsewhere) {
            if let Some(record) = record {
                one.found = Some(OlderTarget::of(&record));
                foreign.push(record);
            }
        }
        let several = images.len() > 1;
        for one in weighed {
            asked &= one.answered;
            let Some(image) = images.iter().find(|image| image.key == one.name()) else {
                continue;
            };
            let forced = request.full || request.no_cache || !one.may_reuse;
            let mut target = decide(&one, forced);
            if image.prevent_reuse && !request.full {
                target.reason = "prevent_build_reuse is set".to_owned();
            }
            target.steps.clone_from(&image.steps);
            target.dockerfile.clone_from(&image.dockerfile);
            target.includes_code = image.includes_code;
            note(&mut candidates, &one, &target);
            add_conditions(&mut candidates, &one, several);
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
                    services.targets.extend(image.targets.iter().cloned());
                    services.built.insert(target.name.clone(), one.named);
                }
            }
            targets.push(target);
        }
        for image in &images {
            if let Some(reference) = &image.ready {
                let digest = known.images.get(reference).and_then(|facts| facts.digest.clone());
                targets.push(ready(image, reference));
                services.references.insert(image.key.clone(), reference.clone());
                services.reused.push(BuiltImage {
                    target: image.key.clone(),
                    reference: reference.clone(),
                    digest: digest.unwrap_or_default(),
                    bytes: None,
                });
            }
        }
    }
    for record in &foreign {
        if let Some(one) = candidates.iter_mut().find(|one| one.build == record.build.id) {
            one.producer.clone_from(&record.producer);
        }
    }
    let entrypoints = images
        .iter()
        .filter(|image| image.environment.has("entrypoint"))
        .map(|image| image.key.clone())
        .collect();
    let steps = steps
        .into_iter()
        .zip(&pipeline.steps)
        .map(|(mut step, planned)| {
            step.target.clone_from(&planned.target);
            (step, planned.delivery)
        })
        .collect();
    let mut read = read;
    read.warnings.extend(known.notes);
    read.warnings.extend(chosen.notices);
    read.warnings.extend(warnings);
    let mut prepared = finish(
        engine,
        read,
        known.images,
        targets,
        candidates,
        services,
        platform,
        asked,
    )?;
    if let Some(build) = &pipeline.given {
        prepared.plan.build = Some(build.clone());
        prepared.plan.reason = "the build that was asked for".to_owned();
    } else if prepared.plan.build.is_none() && prepared.plan.decision == Decision::Reuse {
        prepared.plan.build = foreign.first().map(|record| record.build.id.clone());
    }
    let is_given = pipeline.given.is_some();
    prepared.plan.pipeline = Some(pipeline);
    prepared.steps = Some(Steps {
        steps,
        foreign,
        entrypoints,
        blocked: blocked.filter(|_| !is_given),
    });
    Ok(prepared)
}

/// Returns, for each image that a project's stack would build at some commit, the newest one that has its keys; nothing
/// when only a plan can tell, because this machine's own packages count.
pub(crate) fn images_of(
    engine: &Engine,
    recipe: &PipelineRecipe,
    (source, repository_usable): (&str, bool),
    (images, platform): (&Images, &str),
    chosen: &Chosen,
) -> Result<Vec<(String, Option<OlderTarget>)>> {
    if recipe.replicates().is_some() {
        return Ok(Vec::new());
    }
    let integrations = settings::get(engine)?.integrations;
    let resolved = recipe.resolve(
        None,
        &Surroundings {
            requirements: &chosen.stack.requirements,
            apt_packages: &chosen.stack.apt_packages,
            environment: &chosen.stack.environment,
            integrations: &integrations,
            repository_usable,
            images,
            platform,
            ca_bundle: chosen.stack.ca_bundle.as_deref(),
            frozen: None,
        },
    );
    let resolved = resolved.map_err(|why| Error::refused(why, "change the run config"))?;
    let mut found = Vec::new();
    for mut image in resolved.into_iter().filter(|image| image.ready.is_none()) {
        image.environment.set("stack.images", place(chosen));
        let code = match &image.code {
            Code::Source => Some(source),
            Code::Key(key) => Some(key.as_str()),
            Code::Unknown { .. } => None,
        };
        let older = match code.filter(|_| !image.prevent_reuse) {
            Some(code) => engine
                .catalogue()
                .exact_anywhere(&image.environment.key(), code)?
                .into_iter()
                .next(),
            None => None,
        };
        found.push((image.key, older));
    }
    Ok(found)
}

/// Lists the packages of this machine's Python, for images that are to have the same.
async fn local_packages(engine: &Engine, how: Replicate, root: &str) -> Result<String> {
    let (program, words): (&str, &[&str]) = match how {
        Replicate::PipFreeze => ("python3", &["-m", "pip", "freeze", "--exclude-editable"]),
        Replicate::PoetryExport => (
            "poetry",
            &["export", "--format=requirements.txt", "--without-hashes"],
        ),
    };
    // A module of the repository must not take pip's place, so pip is not asked from within it.
    let folder = match how {
        Replicate::PipFreeze => engine.home(),
        Replicate::PoetryExport => Path::new(root),
    };
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let failed = |why: String| {
        Error::refused(
            format!("Unable to export local python packages: {why}"),
            format!(
                "see that `{program} {}` works, or leave replicate_local_python_environment out",
                words.join(" ")
            ),
        )
    };
    let answer = ask_program(program, &words, folder, &[], EXPORT).await;
    let answer = answer.map_err(|error| failed(error.to_string()))?;
    match answer.success {
        true => Ok(answer.stdout),
        false => Err(failed(
            answer.stderr.lines().last().unwrap_or("it failed").to_owned(),
        )),
    }
}

fn planned_steps(steps: &[StepSpec], images: &[PipelineImage]) -> Vec<PlannedStep> {
    let planned = |step: &StepSpec| {
        let image = image_of_step(images, &step.name);
        let delivery = image
            .into_iter()
            .flat_map(|image| &image.deliveries)
            .find(|delivery| delivery.step == step.name);
        PlannedStep {
            name: step.name.clone(),
            runs: step.runs.shown(),
            target: image.map_or_else(|| step.target.clone(), |image| image.key.clone()),
            delivery: delivery.map_or(Delivery::None, |found| found.delivery),
            reason: delivery.map_or_else(String::new, |found| found.reason.clone()),
        }
    };
    steps.iter().map(planned).collect()
}

fn ready(image: &PipelineImage, reference: &str) -> PlannedTarget {
    PlannedTarget {
        name: image.key.clone(),
        environment_key: image.environment.key(),
        code_key: String::new(),
        fields: image.environment.shown(),
        decision: Decision::Reuse,
        reason: "it is used as it is: skip_build is set".to_owned(),
        build: None,
        reference: Some(reference.to_owned()),
        tags: Vec::new(),
        cache_from: Vec::new(),
        cache_to: Vec::new(),
        steps: image.steps.clone(),
        dockerfile: None,
        includes_code: false,
    }
}

/// Returns the reference of an image under a tag.
fn reference(chosen: &Chosen, image: &PipelineImage, tag: &str) -> String {
    let registry = chosen.spec.as_ref().and_then(|spec| spec.registry.as_ref());
    image_name(
        registry.map(|registry| registry.host_and_path.as_str()),
        image.repository.as_deref(),
        registry.and_then(|registry| registry.single_name.as_deref()),
        &chosen.stack.prefix,
        tag,
    )
}

/// Returns where images are, as a part of the environment: an image in another registry does not serve.
pub(super) fn place(chosen: &Chosen) -> String {
    match chosen.spec.as_ref().and_then(|spec| spec.registry.as_ref()) {
        Some(registry) => format!("registry {}", registry.host_and_path),
        None => "engine".to_owned(),
    }
}

/// Names an image: by a tag made of its keys, which finds it again on every machine, and by one that moves.
fn named(chosen: &Chosen, image: &PipelineImage, pipeline: &str, branches: &Branches) -> BuiltService {
    let mut environment = image.environment.clone();
    environment.set("stack.images", place(chosen));
    let code = match &image.code {
        Code::Key(key) | Code::Unknown { key, .. } => key.clone(),
        Code::Source => String::new(),
    };
    let key = combined([(environment.key(), code)].into_iter());
    let reference_of = |tag: &str| reference(chosen, image, tag);
    let reference = reference_of(&format!("key-{}", &key[..32]));
    let mut caches = Caches::default();
    let spec = chosen.spec.as_ref();
    if let Some(registry) = spec.and_then(|spec| spec.registry.as_ref())
        && spec.is_some_and(|spec| spec.registry_cache && !spec.no_cache)
    {
        let owner = Owner {
            project: pipeline.to_owned(),
            service: image.key.clone(),
        };
        let name = ImageName::new(&chosen.stack.prefix, &owner);
        caches.add_registry(Scheme::Headstart, &name, registry, branches, &image.tag);
    }
    BuiltService {
        name: image.key.clone(),
        tags: vec![reference.clone(), reference_of(&image.tag)],
        reference,
        caches,
        build: serde_json::Value::Null,
    }
}

/// Lists every field with what is wanted and what a build has; those that differ first.
pub(crate) fn conditions(wanted: &[KeyField], found: &[KeyField]) -> Vec<Condition> {
    const NOTHING: &str = "—";
    let value = |fields: &[KeyField], name: &str| {
        fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.value.clone())
    };
    let only_there = found.iter().filter(|field| value(wanted, &field.name).is_none());
    let mut all: Vec<Condition> = wanted
        .iter()
        .chain(only_there)
        .map(|field| {
            let (expected, actual) = (value(wanted, &field.name), value(found, &field.name));
            Condition {
                name: field.name.clone(),
                holds: expected == actual,
                expected: expected.unwrap_or_else(|| NOTHING.to_owned()),
                actual: actual.unwrap_or_else(|| NOTHING.to_owned()),
            }
        })
        .collect();
    all.sort_by_key(|condition| condition.holds);
    all
}

/// Adds to each candidate what an image asks of it.
fn add_conditions(candidates: &mut [Candidate], weighed: &Weighed, several: bool) {
    for older in weighed.looked() {
        let Some(one) = candidates.iter_mut().find(|one| one.build == older.build) else {
            continue;
        };
        let mut conditions = conditions(weighed.fields(), &older.environment);
        conditions.insert(0, weighed.code_condition(older));
        if several {
            for condition in &mut conditions {
                condition.name = format!("{}: {}", weighed.name(), condition.name);
            }
        }
        one.conditions.extend(conditions);
        one.conditions.sort_by_key(|condition| condition.holds);
    }
}
