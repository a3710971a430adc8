//! A build that somebody named instead of letting one be found: what speaks against using it, and what is worth knowing.

use std::collections::BTreeMap;

use thiserror::Error;

use super::delivery::needs;
use super::names::{COMPONENT, image_of};
use super::{PipelineImage, StepDelivery};
use crate::wire::Delivery;

/// A build that was named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenBuild {
    /// Stack it was made for; none when nobody knows.
    pub stack: Option<String>,
    /// Environment keys of its images by image key; none for an image whose key nobody recorded.
    pub images: BTreeMap<String, Option<String>>,
    /// The code is part of an image.
    pub contains_code: bool,
    /// Its images wait for code that is brought to them.
    pub needs_delivery: bool,
    /// Its images are in an engine and in no registry.
    pub local: bool,
}

/// What is to run in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Stack.
    pub stack: String,
    /// Images that steps need, with their environment keys.
    pub images: Vec<(String, String)>,
    /// How the code of each step would get in.
    pub deliveries: Vec<StepDelivery>,
    /// Whether code can be fetched from a registered repository.
    pub repository_usable: bool,
}

impl Wanted {
    /// Returns what resolved images ask of a build.
    pub fn of(stack: &str, images: &[PipelineImage], repository_usable: bool) -> Self {
        Self {
            stack: stack.to_owned(),
            // An image that is used as it is needs no build.
            images: images
                .iter()
                .filter(|image| image.ready.is_none())
                .map(|image| (image.key.clone(), image.environment.key()))
                .collect(),
            deliveries: images
                .iter()
                .flat_map(|image| image.deliveries.iter().cloned())
                .collect(),
            repository_usable,
        }
    }
}

/// What is worth knowing of a build that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GivenWarning {
    /// It was made for another stack.
    #[error("the build was made for the stack {build}, not for {stack}")]
    OtherStack {
        /// Its stack.
        build: String,
        /// The one it is to run on.
        stack: String,
    },
    /// Its own code runs.
    #[error("the build contains code, and that code runs, not the one of this commit")]
    ContainsCode,
    /// Its images were made of something else.
    #[error("what the images are made of has changed since the build: {}", .images.join(", "))]
    OtherEnvironment {
        /// Keys of the images.
        images: Vec<String>,
    },
    /// Other machines do not have its images.
    #[error("the build is local: its images are in one engine and in no registry")]
    Local,
}

/// Why a build cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GivenError {
    /// It lacks images.
    #[error("the build has no image for {}", .keys.join(", "))]
    MissingImages {
        /// Their keys.
        keys: Vec<String>,
    },
    /// The code has to be in the image, and is not.
    #[error("the settings of {} want the code in the image, and the build does not have it", .steps.join(", "))]
    CodeMustBeIncluded {
        /// Steps.
        steps: Vec<String>,
    },
    /// The code would have to come from a code repository, and cannot.
    #[error("the code of {} can only come from a code repository, and none can be used", .steps.join(", "))]
    NoRepository {
        /// Steps.
        steps: Vec<String>,
    },
    /// The code cannot get in at all.
    #[error("the build does not have the code, and the settings of {} allow no way to bring it", .steps.join(", "))]
    NoDelivery {
        /// Steps.
        steps: Vec<String>,
    },
}

/// Returns what is worth knowing before a named build is used, or why it cannot be used at all.
pub fn verify(build: &GivenBuild, wanted: &Wanted) -> Result<Vec<GivenWarning>, GivenError> {
    let mut missing = Vec::new();
    let mut changed = Vec::new();
    for (key, environment) in &wanted.images {
        let step = key
            .strip_suffix(COMPONENT)
            .and_then(|step| step.strip_suffix('.'));
        let found = match step {
            Some(step) => image_of(&build.images, COMPONENT, Some(step)),
            None => image_of(&build.images, key, None),
        };
        match found {
            Err(_) => missing.push(key.clone()),
            Ok(Some(known)) if known != environment => changed.push(key.clone()),
            Ok(_) => {}
        }
    }
    if !missing.is_empty() {
        return Err(GivenError::MissingImages { keys: missing });
    }
    if build.needs_delivery {
        check_delivery(wanted)?;
    }
    let mut warnings = Vec::new();
    if let Some(stack) = build.stack.as_ref().filter(|stack| **stack != wanted.stack) {
        warnings.push(GivenWarning::OtherStack {
            build: stack.clone(),
            stack: wanted.stack.clone(),
        });
    }
    if build.contains_code {
        warnings.push(GivenWarning::ContainsCode);
    }
    if !changed.is_empty() {
        warnings.push(GivenWarning::OtherEnvironment { images: changed });
    }
    if build.local {
        warnings.push(GivenWarning::Local);
    }
    Ok(warnings)
}

/// Checks that code can be brought to every step.
fn check_delivery(wanted: &Wanted) -> Result<(), GivenError> {
    let steps = |found: &dyn Fn(&StepDelivery) -> bool| -> Vec<String> {
        let found = wanted.deliveries.iter().filter(|step| found(step));
        found.map(|step| step.step.clone()).collect()
    };
    let included = steps(&|step| step.delivery == Delivery::Included);
    if !included.is_empty() {
        return Err(GivenError::CodeMustBeIncluded { steps: included });
    }
    let only_repository = |step: &StepDelivery| needs(std::slice::from_ref(step)).repository;
    let waiting = steps(&|step| step.delivery == Delivery::None && only_repository(step));
    if !waiting.is_empty() && !wanted.repository_usable {
        return Err(GivenError::NoRepository { steps: waiting });
    }
    let without = steps(&|step| step.delivery == Delivery::None);
    if !without.is_empty() {
        return Err(GivenError::NoDelivery { steps: without });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::pipeline::Allowed;

    fn build(images: &[(&str, Option<&str>)]) -> GivenBuild {
        let own =
            |(key, environment): &(&str, Option<&str>)| ((*key).to_owned(), environment.map(str::to_owned));
        GivenBuild {
            stack: Some("s".to_owned()),
            images: images.iter().map(own).collect(),
            ..GivenBuild::default()
        }
    }

    fn wanted(images: &[(&str, &str)], delivery: Delivery, repository_only: bool) -> Wanted {
        let own = |(key, environment): &(&str, &str)| ((*key).to_owned(), (*environment).to_owned());
        Wanted {
            stack: "s".to_owned(),
            images: images.iter().map(own).collect(),
            deliveries: vec![StepDelivery {
                step: "train".to_owned(),
                allowed: Allowed {
                    include: !repository_only,
                    repository: repository_only,
                    artifact_store: false,
                },
                delivery,
                reason: String::new(),
            }],
            repository_usable: false,
        }
    }

    #[test]
    fn a_build_that_fits_has_nothing_to_say() {
        let wanted = wanted(
            &[("orchestrator", "e1"), ("train.orchestrator", "e1")],
            Delivery::ArtifactStore,
            false,
        );
        assert_eq!(
            verify(&build(&[("orchestrator", Some("e1"))]), &wanted),
            Ok(vec![])
        );
    }

    #[test]
    fn every_warning_is_given_at_once() {
        let given = GivenBuild {
            stack: Some("old".to_owned()),
            contains_code: true,
            local: true,
            ..build(&[("orchestrator", Some("e0"))])
        };
        let wanted = wanted(&[("orchestrator", "e1")], Delivery::Included, false);
        let told: Vec<String> = verify(&given, &wanted)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "the build was made for the stack old, not for s",
                "the build contains code, and that code runs, not the one of this commit",
                "what the images are made of has changed since the build: orchestrator",
                "the build is local: its images are in one engine and in no registry",
            ]
        );
    }

    #[test]
    fn missing_images_are_named_whatever_was_recorded() {
        let wanted = wanted(
            &[("orchestrator", "e1"), ("train.orchestrator", "e2")],
            Delivery::ArtifactStore,
            false,
        );
        let error = verify(&build(&[("train.orchestrator", Some("e2"))]), &wanted).unwrap_err();
        assert_eq!(error.to_string(), "the build has no image for orchestrator");
    }

    #[test]
    fn code_that_cannot_get_in_is_an_error_only_when_the_build_waits_for_it() {
        let images = [("orchestrator", "e1")];
        let mut given = build(&[("orchestrator", Some("e1"))]);
        let included = wanted(&images, Delivery::Included, false);
        let nothing = wanted(&images, Delivery::None, false);
        let only_repository = wanted(&images, Delivery::None, true);
        for wanted in [&included, &nothing, &only_repository] {
            assert_eq!(verify(&given, wanted), Ok(vec![]));
        }
        given.needs_delivery = true;
        let steps = vec!["train".to_owned()];
        let errors =
            [&included, &nothing, &only_repository].map(|wanted| verify(&given, wanted).unwrap_err());
        assert_eq!(
            errors,
            [
                GivenError::CodeMustBeIncluded { steps: steps.clone() },
                GivenError::NoDelivery { steps: steps.clone() },
                GivenError::NoRepository { steps },
            ]
        );
    }
}
