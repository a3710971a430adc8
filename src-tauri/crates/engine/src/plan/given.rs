//! A build that was asked for by its id: whether it can be used, and what is worth knowing about it.

use super::pipelines::place;
use crate::builds;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::compose::reference::names_registry;
use crate::recipe::pipeline::PipelineImage;
use crate::recipe::pipeline::given::{GivenBuild, Wanted, verify};
use crate::stack::Chosen;
use crate::wire::{Build, BuildId, BuildStatus, BuiltImage, Decision, Delivery, PlannedStep, PlannedTarget};

/// A build that is used because somebody said so.
pub(super) struct Used {
    pub(super) build: BuildId,
    pub(super) targets: Vec<PlannedTarget>,
    pub(super) images: Vec<BuiltImage>,
    pub(super) warnings: Vec<String>,
    contains_code: bool,
}

impl Used {
    /// Says how a step's code gets in when it runs in this build.
    pub(super) fn deliver(&self, step: &mut PlannedStep) {
        let key = |image: &BuiltImage| image.target == step.target;
        if !self.images.iter().any(key) {
            "orchestrator".clone_into(&mut step.target);
        }
        if self.contains_code {
            step.delivery = Delivery::Included;
            "the build that was asked for contains code: that code runs, not yours"
                .clone_into(&mut step.reason);
        }
    }
}

/// Finds a build by its id or the beginning of it, and says how a pipeline runs in its images.
pub(super) fn of(
    engine: &Engine,
    wanted: &str,
    images: &[PipelineImage],
    chosen: &Chosen,
    repository_usable: bool,
) -> Result<Used> {
    let build: Build = builds::get(engine, &builds::find(engine, wanted)?)?;
    if build.status != BuildStatus::Succeeded {
        return Err(Error::refused(
            format!(
                "the build {wanted} has {}",
                build.status.as_str().replace('_', " ")
            ),
            "name one that succeeded",
        ));
    }
    let older = engine.catalogue().targets_of(&build.id)?;
    let place = place(chosen);
    let with_place = |image: &PipelineImage| {
        let mut environment = image.environment.clone();
        environment.set("stack.images", place.clone());
        PipelineImage {
            environment,
            ..image.clone()
        }
    };
    let wanted_images: Vec<PipelineImage> = images.iter().map(with_place).collect();
    let is_local = older.iter().all(|(_, target)| !names_registry(&target.reference));
    let given = GivenBuild {
        stack: Some(build.stack.clone()),
        // Nobody knows what images are made of that a file describes.
        images: older
            .iter()
            .map(|(name, target)| {
                let known = target.environment.iter().all(|field| field.name != "image");
                (name.clone(), known.then(|| target.environment_key.clone()))
            })
            .collect(),
        contains_code: build.contains_code,
        needs_delivery: !build.contains_code,
        local: is_local && chosen.stack.registry.is_some(),
    };
    let asked = Wanted::of(&chosen.stack.name, &wanted_images, repository_usable);
    let warnings = verify(&given, &asked).map_err(|error| {
        Error::refused(
            format!("the build {} cannot be used: {error}", build.id),
            "name another build, or change the run config",
        )
    })?;
    let warnings = warnings.iter().map(ToString::to_string).collect();
    let targets = older
        .iter()
        .map(|(name, target)| PlannedTarget {
            name: name.clone(),
            environment_key: target.environment_key.clone(),
            code_key: target.code_key.clone(),
            fields: target.environment.clone(),
            decision: Decision::Reuse,
            reason: "it belongs to the build that was asked for".to_owned(),
            build: Some(build.id.clone()),
            reference: Some(target.reference.clone()),
            tags: Vec::new(),
            cache_from: Vec::new(),
            cache_to: Vec::new(),
            steps: images
                .iter()
                .filter(|image| image.key == *name)
                .flat_map(|image| image.steps.clone())
                .collect(),
            dockerfile: None,
            includes_code: build.contains_code,
        })
        .collect();
    Ok(Used {
        targets,
        images: build.images.clone(),
        warnings,
        contains_code: build.contains_code,
        build: build.id,
    })
}
