//! Cache references: where a build's layers are exported to, and where they are looked for.
//!
//! A cache has a tag of its own. Exported to a tag that is also an image, as Preevy does with `latest`, the last writer
//! wins and the next engine finds nothing to import.

use serde_json::Value;

use super::names::{looks_hashed, with_hash};
use super::reference::ImageName;
use super::registry::Registry;
use super::tags;

/// Tag of the default branch's cache, and what others begin with.
pub const TAG: &str = "buildcache";
/// Longest slug of a branch, in characters.
const MAX_SLUG: usize = tags::MAX - TAG.len() - 1;

/// Where caches are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// A cache for each branch with a tag of its own.
    #[default]
    Headstart,
    /// As Preevy has it, on the tag `latest`: to share caches with it, and to measure the difference.
    Preevy,
}

/// The branches that a build stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branches {
    /// The branch that is built; none with a detached head, which then exports no cache.
    pub current: Option<String>,
    /// Branches of the nearest ancestors that have a cache, nearest first.
    pub ancestors: Vec<String>,
    /// The branch of the merge base with the default branch.
    pub merge_base: Option<String>,
    /// The default branch.
    pub default: String,
}

impl Branches {
    /// Returns the tag that this build exports its cache to. A feature branch never writes the default branch's.
    fn export(&self) -> Option<String> {
        self.current.as_deref().map(|branch| self.tag(branch))
    }

    /// Returns the tags to look for, nearest first and each once.
    fn imports(&self) -> Vec<String> {
        let mut found = Vec::new();
        let nearest = self.current.iter().chain(&self.ancestors);
        for branch in nearest.chain(&self.merge_base).chain([&self.default]) {
            add(&mut found, self.tag(branch));
        }
        found
    }

    /// Returns the tag of a branch's cache: `buildcache`, or `buildcache-<slug>` for any but the default branch.
    fn tag(&self, branch: &str) -> String {
        if branch == self.default {
            TAG.to_owned()
        } else {
            format!("{TAG}-{}", slug(branch))
        }
    }
}

/// Returns a branch as it may stand in a tag. What is lost is told apart by a hash: `fix/x` is not `fix-x`.
fn slug(branch: &str) -> String {
    let valid = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' | '-' => c,
        _ => '-',
    };
    let mut slug: String = branch.chars().map(valid).collect();
    // A branch that is named like another one's slug must not write that one's cache.
    if slug == branch && slug.len() <= MAX_SLUG && !slug.is_empty() && !looks_hashed(&slug) {
        return slug;
    }
    slug.truncate(MAX_SLUG - 9);
    with_hash(&slug, branch)
}

/// Cache directives of one service, in the form that bake reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caches {
    /// Where layers are looked for, first to last.
    pub from: Vec<String>,
    /// Where layers are exported to.
    pub to: Vec<String>,
}

impl Caches {
    /// Adds the registry's caches behind what is there. `tag` is what the image is tagged with.
    pub fn add_registry(
        &mut self,
        scheme: Scheme,
        name: &ImageName,
        registry: &Registry,
        branches: &Branches,
        tag: &str,
    ) {
        let reference = |tag: &str| name.reference(Some(registry), tag);
        // Some registries, ECR for one, take a cache only as an image manifest of OCI media types.
        let attributes = "mode=max,oci-mediatypes=true,image-manifest=true";
        match scheme {
            Scheme::Headstart => {
                for tag in branches.imports() {
                    add(&mut self.from, format!("type=registry,ref={}", reference(&tag)));
                }
                // Trouble with a cache never fails a build.
                let export = |tag| {
                    format!(
                        "type=registry,ref={},{attributes},ignore-error=true",
                        reference(tag)
                    )
                };
                if let Some(tag) = branches.export() {
                    add(&mut self.to, export(&tag));
                }
            }
            Scheme::Preevy => {
                let latest = reference(tags::LATEST);
                add(&mut self.to, format!("type=registry,ref={latest},{attributes}"));
                add(&mut self.from, latest);
                add(&mut self.from, reference(tag));
            }
        }
    }

    /// Adds GitHub's cache behind what is there, with a scope for each service.
    pub fn add_github(&mut self, scheme: Scheme, project: &str, service: &str) {
        let cache = format!("type=gha,scope={project}/{service}");
        let ignore_error = match scheme {
            Scheme::Headstart => ",ignore-error=true",
            Scheme::Preevy => "",
        };
        add(&mut self.to, format!("{cache},mode=max{ignore_error}"));
        add(&mut self.from, cache);
    }

    /// Returns whether an inline cache stands beside another export, which BuildKit before 0.12 refuses
    /// with "multiple cache exports".
    /// `args` are the build's arguments, as a list or a map.
    pub fn conflict(&self, args: Option<&Value>) -> bool {
        let inline = self.to.iter().filter(|entry| is_inline(entry)).count();
        let others = self.to.len() - inline;
        let by_argument = args.is_some_and(asks_for_inline);
        (inline > 0 || by_argument) && others > 0
    }
}

fn is_inline(entry: &str) -> bool {
    entry.split(',').any(|part| part.trim() == "type=inline")
}

fn asks_for_inline(args: &Value) -> bool {
    const NAME: &str = "BUILDKIT_INLINE_CACHE";
    match args {
        Value::Object(map) => map.get(NAME).is_some_and(|value| *value == "1" || *value == 1),
        Value::Array(list) => list.iter().any(|entry| *entry == format!("{NAME}=1")),
        _ => false,
    }
}

fn add(list: &mut Vec<String>, entry: String) {
    if !list.contains(&entry) {
        list.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::compose::reference::Owner;
    use crate::recipe::compose::registry::{SingleName, parse};
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    fn branches(current: &str) -> Branches {
        Branches {
            current: Some(current.to_owned()),
            ancestors: vec!["develop".into(), current.into(), "fix/x".into()],
            merge_base: Some("main".into()),
            default: "main".into(),
        }
    }

    fn caches(scheme: Scheme, branches: &Branches, registry: &str, single: SingleName<'_>) -> Caches {
        let owner = Owner {
            project: "p".into(),
            service: "web".into(),
        };
        let mut caches = Caches::default();
        let registry = parse(registry, single).unwrap();
        caches.add_registry(
            scheme,
            &ImageName::new("headstart", &owner),
            &registry,
            branches,
            "abc",
        );
        caches
    }

    #[test]
    fn a_feature_branch_imports_what_is_nearest_and_exports_its_own() {
        let made = caches(Scheme::Headstart, &branches("topic"), "reg", SingleName::Off);
        let fix = with_hash("fix-x", "fix/x");
        let tags = [
            "buildcache-topic",
            "buildcache-develop",
            &format!("buildcache-{fix}"),
            "buildcache",
        ];
        let from: Vec<String> = tags
            .iter()
            .map(|tag| format!("type=registry,ref=reg/headstart-p-web:{tag}"))
            .collect();
        assert_eq!(made.from, from);
        assert_eq!(
            made.to,
            ["type=registry,ref=reg/headstart-p-web:buildcache-topic,\
              mode=max,oci-mediatypes=true,image-manifest=true,ignore-error=true"]
        );
    }

    #[test]
    fn the_default_branch_exports_to_the_cache_all_others_import() {
        let made = caches(
            Scheme::Headstart,
            &branches("main"),
            "reg",
            SingleName::Named("repo"),
        );
        assert!(made.to[0].starts_with("type=registry,ref=reg/repo:headstart-p-web-buildcache,mode=max"));
        assert_eq!(
            made.from[0],
            "type=registry,ref=reg/repo:headstart-p-web-buildcache"
        );
    }

    #[test]
    fn a_detached_head_imports_only() {
        let mut detached = branches("topic");
        detached.current = None;
        let made = caches(Scheme::Headstart, &detached, "reg", SingleName::Off);
        assert_eq!(made.to, [""; 0]);
        assert_eq!(made.from.len(), 4);
    }

    #[test]
    fn preevy_has_its_cache_on_latest() {
        let made = caches(Scheme::Preevy, &branches("topic"), "reg", SingleName::Off);
        assert_eq!(
            made.from,
            ["reg/headstart-p-web:latest", "reg/headstart-p-web:abc"]
        );
        assert_eq!(
            made.to,
            ["type=registry,ref=reg/headstart-p-web:latest,mode=max,oci-mediatypes=true,image-manifest=true"]
        );
    }

    #[rstest]
    #[case("topic", "topic")]
    #[case("v1.2_x-Y", "v1.2_x-Y")]
    #[case("fix/x", &with_hash("fix-x", "fix/x"))]
    #[case("fix-x-0123abcd", &with_hash("fix-x-0123abcd", "fix-x-0123abcd"))]
    #[case("größe", &with_hash("gr--e", "größe"))]
    fn a_slug_says_when_something_was_lost(#[case] branch: &str, #[case] expected: &str) {
        assert_eq!(slug(branch), expected);
    }

    #[test]
    fn github_has_a_scope_for_each_service() {
        let mut caches = Caches {
            from: vec!["x".into()],
            to: Vec::new(),
        };
        caches.add_github(Scheme::Headstart, "p", "s");
        assert_eq!(
            caches.from,
            ["x", "type=gha,scope=p/s"],
            "the user's own come first"
        );
        assert_eq!(caches.to, ["type=gha,scope=p/s,mode=max,ignore-error=true"]);
    }

    #[rstest]
    #[case(&["type=inline", "type=registry,ref=a"], json!(null), true)]
    #[case(&["type=registry,ref=a"], json!({ "BUILDKIT_INLINE_CACHE": "1" }), true)]
    #[case(&["type=registry,ref=a"], json!(["BUILDKIT_INLINE_CACHE=1"]), true)]
    #[case(&["type=registry,ref=a"], json!({ "BUILDKIT_INLINE_CACHE": "0" }), false)]
    #[case(&["type=inline"], json!(["BUILDKIT_INLINE_CACHE=1"]), false)]
    #[case(&["type=registry,ref=a", "type=gha"], json!(null), false)]
    #[case(&[], json!({ "BUILDKIT_INLINE_CACHE": 1 }), false)]
    fn an_inline_cache_stands_alone(#[case] to: &[&str], #[case] args: Value, #[case] conflict: bool) {
        let caches = Caches {
            from: Vec::new(),
            to: to.iter().map(|entry| (*entry).to_owned()).collect(),
        };
        assert_eq!(caches.conflict(Some(&args)), conflict);
    }

    proptest! {
        #[test]
        fn every_branch_has_a_tag(one in "\\PC{1,90}", two in "\\PC{1,90}") {
            let tag = branches("x").tag(&one);
            prop_assert!(tag.len() <= tags::MAX);
            prop_assert!(tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')));
            prop_assert!(one == two || tag != branches("x").tag(&two));
        }
    }
}
