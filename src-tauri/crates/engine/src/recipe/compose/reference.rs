//! Image references that every registry accepts, and that belong to one service of one project.

use std::collections::HashMap;

use thiserror::Error;

use super::caches;
use super::names::{component, shortened};
use super::registry::Registry;
use super::tags;

/// What stands in front of each image's name. Teams that share caches with Preevy set `preevy`.
pub const PREFIX: &str = "headstart";
/// Longest name in a tag, in characters; what is left of 128 is for the tag behind it.
const MAX_NAME_IN_TAG: usize = 64;
/// Longest repository with its registry, in characters.
const MAX_REPOSITORY: usize = 255;

/// A service's image name: `<prefix>-<project>-<service>`, valid as a repository's last part.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageName(String);

impl ImageName {
    /// Makes the name. Lower case; what may not stand in a repository becomes `-`.
    pub fn new(prefix: &str, owner: &Owner) -> Self {
        let parts = [prefix, &owner.project, &owner.service].map(component);
        Self(parts.join("-"))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the reference of this image in a registry, or in the engine when there is none:
    /// `<registry>/<name>:<tag>`, `<registry>/<single name>:<name>-<tag>` or `<name>:<tag>`.
    ///
    /// A name that is too long keeps its beginning and gets a hash of all of it, the same for every tag.
    pub fn reference(&self, registry: Option<&Registry>, tag: &str) -> String {
        let Some(registry) = registry else {
            return format!("{}:{tag}", shortened(&self.0, MAX_REPOSITORY));
        };
        let host = &registry.host_and_path;
        match &registry.single_name {
            Some(repository) => {
                let name = shortened(&self.0, MAX_NAME_IN_TAG);
                format!("{host}/{repository}:{name}-{}", shortened(tag, tags::MAX))
            }
            None => {
                let room = MAX_REPOSITORY.saturating_sub(host.len() + 1).max(MAX_NAME_IN_TAG);
                format!("{host}/{}:{tag}", shortened(&self.0, room))
            }
        }
    }
}

/// Whose image it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// The compose project.
    pub project: String,
    /// Its service.
    pub service: String,
}

/// Two services whose images would have the same reference: one would be overwritten by the other.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "service {} of project {} and service {} of project {} would both be {name}",
    first.service, first.project, second.service, second.project
)]
pub struct Collision {
    /// The name they share.
    pub name: String,
    /// One of them.
    pub first: Owner,
    /// The other.
    pub second: Owner,
}

impl Collision {
    /// Returns what to do about it.
    pub fn hint(&self) -> &'static str {
        "rename one of them, or give the stack another prefix"
    }
}

/// Checks that no two owners share a reference in a registry: `a-b` + `c` is `a` + `b-c`, and `Web` is `web`. Whoever is
/// known from elsewhere may be among them; the same owner twice is one.
pub fn check_unique(prefix: &str, owners: &[Owner], registry: Option<&Registry>) -> Result<(), Collision> {
    let mut taken: HashMap<String, &Owner> = HashMap::new();
    let mut names = Vec::new();
    for owner in owners {
        let name = ImageName::new(prefix, owner);
        if let Some(first) = taken.insert(name.reference(registry, ""), owner)
            && first != owner
        {
            return Err(collision(name.0, first, owner));
        }
        names.push((name, owner));
    }
    if registry.is_none_or(|registry| registry.single_name.is_none()) {
        return Ok(());
    }
    // In one repository a service `web-buildcache` has the tags that the caches of `web` have.
    for (name, owner) in names {
        let cache = name.reference(registry, caches::TAG);
        if let Some(first) = taken.get(&format!("{cache}-")) {
            return Err(collision(format!("{}-{}", name.0, caches::TAG), first, owner));
        }
    }
    Ok(())
}

fn collision(name: String, first: &Owner, second: &Owner) -> Collision {
    Collision {
        name,
        first: first.clone(),
        second: second.clone(),
    }
}

/// Returns whether an image names its registry: `registry.example/a`, `localhost/a` and `host:5000/a` do, `acme/app` is on Docker Hub.
pub fn names_registry(image: &str) -> bool {
    image
        .split_once('/')
        .is_some_and(|(host, _)| host == "localhost" || host.contains(['.', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::compose::registry::{SingleName, parse};
    use proptest::prelude::*;

    fn owner(project: &str, service: &str) -> Owner {
        Owner {
            project: project.to_owned(),
            service: service.to_owned(),
        }
    }

    fn registry(single_name: Option<&str>) -> Registry {
        parse(
            "my-registry/",
            single_name.map_or(SingleName::Off, SingleName::Named),
        )
        .unwrap()
    }

    fn reference(project: &str, service: &str, registry: Option<&Registry>) -> String {
        ImageName::new(PREFIX, &owner(project, service)).reference(registry, "12abcdef")
    }

    #[test]
    fn a_reference_has_one_of_three_shapes() {
        let shown = |registry: Option<&Registry>| reference("my-project", "frontend", registry);
        assert_eq!(
            shown(Some(&registry(None))),
            "my-registry/headstart-my-project-frontend:12abcdef"
        );
        assert_eq!(
            shown(Some(&registry(Some("my-repo")))),
            "my-registry/my-repo:headstart-my-project-frontend-12abcdef"
        );
        assert_eq!(shown(None), "headstart-my-project-frontend:12abcdef");
    }

    #[test]
    fn names_are_made_valid() {
        assert_eq!(
            reference("My Project", "My_Svc.", None),
            "headstart-my-project-my_svc:12abcdef"
        );
    }

    #[test]
    fn long_names_stay_apart_and_fit() {
        let long = |end: &str| "x".repeat(120) + end;
        for single_name in [None, Some("team/app")] {
            let registry = registry(single_name);
            let one = reference(&long(""), &long("1"), Some(&registry));
            let two = reference(&long(""), &long("2"), Some(&registry));
            assert_ne!(one, two);
            for shown in [one, two] {
                let (repository, tag) = shown.split_once(':').unwrap();
                assert!(repository.len() <= 255 && tag.len() <= 128, "{shown}");
            }
        }
    }

    #[test]
    fn a_long_name_is_the_same_for_every_tag() {
        let registry = registry(Some("app"));
        let name = ImageName::new(PREFIX, &owner(&"x".repeat(99), "web"));
        let begin = |tag: &str| {
            name.reference(Some(&registry), tag)
                .replace(&format!("-{tag}"), "")
        };
        assert_eq!(begin("latest"), begin("buildcache"));
    }

    #[test]
    fn two_services_with_one_name_are_refused() {
        let check = |owners: &[Owner]| check_unique(PREFIX, owners, None);
        let error = check(&[owner("a-b", "c"), owner("x", "y"), owner("a", "b-c")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "service c of project a-b and service b-c of project a would both be headstart-a-b-c"
        );
        assert!(
            check(&[owner("p", "Web"), owner("p", "web")]).is_err(),
            "one file, two services"
        );
        assert_eq!(
            check(&[owner("p", "web"), owner("p", "web")]),
            Ok(()),
            "known from an older run"
        );
    }

    #[test]
    fn in_one_repository_no_image_is_a_cache_of_another() {
        let owners = [owner("p", "web-buildcache"), owner("p", "web")];
        assert_eq!(check_unique(PREFIX, &owners, Some(&registry(None))), Ok(()));
        let error = check_unique(PREFIX, &owners, Some(&registry(Some("app")))).unwrap_err();
        assert_eq!(error.name, "headstart-p-web-buildcache");
    }

    #[test]
    fn an_image_names_its_registry_by_a_host() {
        for image in ["registry.example/acme/app:1", "localhost/app", "host:5000/app"] {
            assert!(names_registry(image), "{image}");
        }
        for image in ["my-frontend", "acme/app:1", "app:1.2"] {
            assert!(!names_registry(image), "{image}");
        }
    }

    proptest! {
        #[test]
        fn every_owner_has_a_valid_reference(project in "\\PC{0,150}", service in "\\PC{0,150}") {
            for single_name in [None, Some("team/app")] {
                let shown = reference(&project, &service, Some(&registry(single_name)));
                let (repository, tag) = shown.split_once(':').unwrap();
                prop_assert!(repository.len() <= 255 && tag.len() <= 128);
                prop_assert!(repository.split('/').all(super::super::names::is_component), "{shown}");
                prop_assert!(tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')));
            }
        }
    }
}
