//! How the code of a step gets into its container. Each step is decided alone: what another one allows changes nothing.

use super::{Allowed, StepDelivery};
use crate::wire::Delivery;

/// What a step's settings say of its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// Ways that are allowed.
    pub allowed: Allowed,
    /// The code is installed in the image, so it has to be there.
    pub installs_code: bool,
    /// The image is used as it is, so nothing can be put into it.
    pub ready_image: bool,
}

/// Returns how a step's code gets in, and why, one sentence.
pub fn decide(wishes: Wishes, repository_usable: bool) -> (Delivery, &'static str) {
    let Wishes {
        allowed,
        installs_code,
        ready_image,
    } = wishes;
    if installs_code && !ready_image {
        return (
            Delivery::Included,
            "the settings install the code in the image, so it has to be part of it",
        );
    }
    if allowed.repository && repository_usable {
        return (
            Delivery::CodeRepository,
            "the checkout is clean and its commit is in the code repository",
        );
    }
    if allowed.artifact_store {
        let why = if allowed.repository {
            "no code repository can be used, so the code is kept in the artifact store"
        } else {
            "the settings allow no download from a code repository, so the code is kept in the artifact store"
        };
        return (Delivery::ArtifactStore, why);
    }
    if allowed.include && !ready_image {
        let why = if allowed.repository {
            "no code repository can be used and the settings allow no artifact store, so the code is part of the image"
        } else {
            "the settings allow no download, so the code is part of the image"
        };
        return (Delivery::Included, why);
    }
    let why = if ready_image {
        "the image is used as it is and nothing may be downloaded into it: it has to have the code"
    } else if allowed.repository {
        "the settings allow only a code repository, and none can be used"
    } else {
        "the settings allow no way for the code to get in: the image has to have it"
    };
    (Delivery::None, why)
}

/// What all steps together need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Some step's code has to be part of its image.
    pub included: bool,
    /// Some step's code can come from nowhere but a code repository.
    pub repository: bool,
    /// Every step's code can be downloaded.
    pub downloadable: bool,
    /// Some step's code has to be in the artifact store.
    pub upload: bool,
}

/// Returns what steps need.
pub fn needs(steps: &[StepDelivery]) -> Needs {
    let any = |found: &dyn Fn(&StepDelivery) -> bool| steps.iter().any(found);
    let downloads =
        |step: &StepDelivery| matches!(step.delivery, Delivery::CodeRepository | Delivery::ArtifactStore);
    Needs {
        included: any(&|step| step.delivery == Delivery::Included),
        repository: any(&|step| {
            let Allowed {
                include,
                repository,
                artifact_store,
            } = step.allowed;
            repository && !include && !artifact_store
        }),
        downloadable: steps.iter().all(downloads),
        upload: any(&|step| step.delivery == Delivery::ArtifactStore),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn allowed(words: &str) -> Allowed {
        Allowed {
            include: words.contains('i'),
            repository: words.contains('r'),
            artifact_store: words.contains('a'),
        }
    }

    #[rstest]
    #[case("ira", true, Delivery::CodeRepository)]
    #[case("ira", false, Delivery::ArtifactStore)]
    #[case("ir", false, Delivery::Included)]
    #[case("ia", true, Delivery::ArtifactStore)]
    #[case("i", true, Delivery::Included)]
    #[case("r", true, Delivery::CodeRepository)]
    #[case("r", false, Delivery::None)]
    #[case("", true, Delivery::None)]
    fn the_nearest_allowed_way_is_taken(#[case] ways: &str, #[case] usable: bool, #[case] way: Delivery) {
        let wishes = Wishes {
            allowed: allowed(ways),
            installs_code: false,
            ready_image: false,
        };
        assert_eq!(decide(wishes, usable).0, way);
        let ready = Wishes {
            ready_image: true,
            ..wishes
        };
        assert_ne!(
            decide(ready, usable).0,
            Delivery::Included,
            "nothing is put into it"
        );
        let installed = Wishes {
            installs_code: true,
            ..wishes
        };
        assert_eq!(decide(installed, usable).0, Delivery::Included);
    }

    #[test]
    fn a_step_that_allows_everything_hides_no_other() {
        let step = |ways: &str, delivery| StepDelivery {
            step: ways.to_owned(),
            allowed: allowed(ways),
            delivery,
            reason: String::new(),
        };
        let all = step("ira", Delivery::ArtifactStore);
        let only_repository = step("r", Delivery::None);
        for steps in [
            [all.clone(), only_repository.clone()],
            [only_repository.clone(), all.clone()],
        ] {
            let found = needs(&steps);
            assert!(found.repository && found.upload && !found.downloadable);
        }
    }
}
