//! The older builds that a plan has to look at: by the commits they were made from, by their keys, and what speaks against
//! each. Reads the catalogue and the repository; nobody has been asked yet whether the images exist.

use std::collections::{HashMap, HashSet};

use super::read::Read;
use super::reasons::{Difference, environment_differences};
use super::select::{Existence, Facts};
use crate::catalogue::Candidate as Older;
use crate::engine::Engine;
use crate::error::Result;
use crate::recipe::Resolved;
use crate::source::{Delta, SourceError, TreeId, ancestors, delta};
use crate::wire::{BuildStatus, KeyField};

/// The newest builds of a project are looked at wherever they lie, so that a plan can say why they do not serve.
const RECENT: u32 = 5;

/// An older build with all that the choice needs.
pub(super) struct Considered {
    pub(super) older: Older,
    pub(super) facts: Facts,
    pub(super) differences: Vec<Difference>,
    pub(super) changed_files: Option<u32>,
    /// The commit within reach whose source it was built from; its own commit unless history was rewritten since.
    pub(super) commit: String,
    /// The whole tree of that commit.
    tree: Option<TreeId>,
}

impl Considered {
    /// Returns whether its keys are those of the plan.
    pub(super) fn is_exact(&self) -> bool {
        self.facts.status == BuildStatus::Succeeded
            && self.facts.same_code
            && self.facts.differences.is_empty()
    }

    /// Returns whether it can be built upon, as far as is known.
    pub(super) fn is_usable(&self) -> bool {
        self.facts.status == BuildStatus::Succeeded
            && self.facts.distance.is_some()
            && self.facts.differences.is_empty()
            && self.facts.existence != Existence::Gone
            && !self.facts.dirty
    }

    /// Compares it with the commit that is planned.
    pub(super) fn compare(&self, read: &Read) -> Result<Delta, SourceError> {
        let base = match self.tree {
            Some(tree) => tree,
            None => {
                let unknown = |_| SourceError::UnknownRevision {
                    spec: self.commit.clone(),
                };
                read.repo.commit(self.commit.parse().map_err(unknown)?)?.tree
            }
        };
        delta(&read.repo, base, read.tree, &read.opened.prefix)
    }
}

/// What a plan is about to choose from.
pub(super) struct Gathered {
    pub(super) read: Read,
    pub(super) target: Resolved,
    pub(super) environment_key: String,
    pub(super) fields: Vec<KeyField>,
    pub(super) code_key: String,
    /// Nearest first.
    pub(super) considered: Vec<Considered>,
}

/// Collects the older builds that count for a commit.
///
/// An ancestor counts by its commit id and by its source: after a rebase or an amended message the builds of the commits
/// that are gone belong to the commits with the same files.
pub(super) fn gather(
    engine: &Engine,
    read: Read,
    target: Resolved,
    wanted: Option<&str>,
) -> Result<Gathered> {
    let catalogue = engine.catalogue();
    let project = &read.opened.row.id;
    let environment_key = target.environment.key();
    let fields = target.environment.shown();
    let code_key = read.extras.code_key(&read.source.to_string());
    let depth = crate::settings::get(engine)?.history_depth as usize;
    let history = ancestors(&read.repo, read.commit.id, depth + 1)?;
    let ids: Vec<String> = history.iter().map(|step| step.commit.to_string()).collect();
    let places: HashMap<&str, usize> = ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();

    // Additional repositories have commits of their own, which an ancestor's tree says nothing of.
    let mut sources: HashMap<String, (usize, TreeId)> = HashMap::new();
    if read.extras.known.is_empty() && read.extras.unfetched.is_empty() {
        for (at, step) in history.iter().enumerate().skip(1) {
            let tree = read.repo.commit(step.commit)?.tree;
            if let Some(source) = read.repo.subtree(tree, &read.opened.prefix)? {
                sources.entry(source.to_string()).or_insert((at, tree));
            }
        }
    }

    let mut olders = catalogue.candidates(project, ids.iter().map(String::as_str))?;
    olders.extend(catalogue.exact(project, &environment_key, &code_key)?);
    olders.extend(catalogue.of_sources(project, &environment_key, sources.keys().map(String::as_str))?);
    olders.extend(catalogue.recent(project, RECENT)?);
    if let Some(wanted) = wanted {
        let id = catalogue.build_by_prefix(wanted)?;
        let build = catalogue.build(&id)?;
        olders.extend(catalogue.candidates(project, std::iter::once(build.commit.as_str()))?);
    }
    let mut seen = HashSet::new();
    olders.retain(|older| seen.insert(older.id.clone()));

    let mut considered: Vec<Considered> = olders
        .into_iter()
        .map(|older| {
            let mut differences = differences_of(&older, (&environment_key, &fields));
            differences.extend(read.extras.objections(&older.sources));
            let (place, tree) = match (places.get(older.commit.as_str()), sources.get(&older.code_key)) {
                (Some(place), _) => (Some(*place), None),
                (None, Some((place, tree))) => (Some(*place), Some(*tree)),
                (None, None) => (None, None),
            };
            let distance = place.and_then(|place| u32::try_from(place).ok());
            Considered {
                facts: facts_of(&older, distance, &differences, &code_key, Existence::Unknown),
                commit: match (tree, place) {
                    (Some(_), Some(place)) => ids[place].clone(),
                    _ => older.commit.clone(),
                },
                tree,
                older,
                differences,
                changed_files: None,
            }
        })
        .collect();
    considered.sort_by_key(|one| (one.facts.distance.unwrap_or(u32::MAX), -one.facts.created_at));
    Ok(Gathered {
        read,
        target,
        environment_key,
        fields,
        code_key,
        considered,
    })
}

/// Lists how an environment differs from that of an older build.
pub(crate) fn differences_of(older: &Older, new: (&str, &[KeyField])) -> Vec<Difference> {
    if older.environment_key == new.0 {
        return Vec::new();
    }
    environment_differences((&older.environment_key, &older.environment()), new)
}

/// Returns what counts about an older build; its expected time is not known yet.
pub(crate) fn facts_of(
    older: &Older,
    distance: Option<u32>,
    differences: &[Difference],
    code_key: &str,
    existence: Existence,
) -> Facts {
    Facts {
        status: older.status,
        failed_step: older.failed_step.clone(),
        distance,
        differences: differences
            .iter()
            .map(|difference| difference.text.clone())
            .collect(),
        same_code: older.code_key == code_key,
        dirty: older.dirty,
        existence,
        chain: older.chain,
        layers: older.layers,
        expected_ms: None,
        created_at: older.created_at,
    }
}
