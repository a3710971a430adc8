//! Whether a builder can write a registry cache, and what building with it costs.

use super::listing::{CONTEXT_DRIVER, Listed};
use crate::wire::Builder;

/// Completes a listed builder. `own_store` says whether the engine in use keeps images in containerd's store, and
/// `own_builder` which builder is that engine's.
pub(super) fn judged(listed: Listed, own_builder: &str, own_store: Option<bool>) -> Builder {
    let is_context = listed.driver == CONTEXT_DRIVER;
    let store = listed
        .containerd_store
        .or_else(|| own_store.filter(|_| listed.name == own_builder));
    let (why_not, hint) = match (is_context, store) {
        (false, _) | (true, Some(true)) => (None, None),
        (true, Some(false)) => (
            Some("its engine keeps images in the classic store, which has no cache to export"),
            Some("switch the engine to the containerd image store, or make a docker-container builder"),
        ),
        (true, None) => (
            Some("its engine did not say how it keeps images"),
            Some("start that engine, or make a docker-container builder"),
        ),
    };
    let warning = (!is_context).then_some(
        "it keeps images to itself: with no registry, each one built is transferred to the engine",
    );
    let node_problem = || listed.nodes.iter().find_map(|node| node.problem.clone());
    Builder {
        problem: listed.problem.clone().or_else(node_problem),
        name: listed.name,
        driver: listed.driver,
        selected: listed.selected.unwrap_or(false),
        is_context,
        nodes: listed.nodes,
        can_export_cache: why_not.is_none(),
        why_not: why_not.map(str::to_owned),
        hint: hint.map(str::to_owned),
        warning: warning.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(driver: &str, store: Option<bool>) -> Listed {
        Listed {
            name: "b".into(),
            driver: driver.into(),
            selected: None,
            nodes: Vec::new(),
            problem: None,
            containerd_store: store,
        }
    }

    #[test]
    fn the_store_decides_for_the_engines_own_builder_only() {
        for (driver, store, own, can) in [
            ("docker", Some(true), None, true),
            ("docker", Some(false), Some(true), false),
            ("docker", None, Some(true), true),
            ("docker", None, Some(false), false),
            ("docker", None, None, false),
            ("docker-container", None, Some(false), true),
            ("kubernetes", None, None, true),
            ("remote", None, None, true),
        ] {
            let builder = judged(listed(driver, store), "b", own);
            assert_eq!(builder.can_export_cache, can, "{driver} {store:?} {own:?}");
            assert_eq!(
                builder.why_not.is_some() && builder.hint.is_some(),
                !can,
                "a no has a reason and a way out"
            );
            assert_eq!(
                builder.warning.is_some(),
                driver != "docker",
                "only the engine's own builder has its images where they are used"
            );
        }
        let other = judged(listed("docker", None), "another", Some(true));
        assert!(!other.can_export_cache, "one engine says nothing of another");
    }
}
