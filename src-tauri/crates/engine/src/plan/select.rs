//! The choice among candidates: pure, so that it can be tested against a brute-force oracle.
//!
//! Rules, in this order. *Reuse*: succeeded, equal environment, equal code, image not known to be gone. *Incremental*:
//! succeeded, an ancestor within reach, equal environment, image not known to be gone, within the chain and layer limits;
//! the cheapest by estimate, without estimates the nearest. *Full* otherwise, or when it is expected to be faster.

use crate::wire::{BuildStatus, Verdict};

/// Whether the Engine has an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It was asked, and has it.
    Present,
    /// It was asked, and does not.
    Gone,
    /// It could not be asked.
    Unknown,
}

/// All that counts about one older build.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where it stands.
    pub status: BuildStatus,
    /// Name of the step that failed, for the reason.
    pub failed_step: Option<String>,
    /// Place among the ancestors looked at, 0 for the commit itself; none for any other commit.
    pub distance: Option<u32>,
    /// How its environment differs, in words; empty when it is equal.
    pub differences: Vec<String>,
    /// Whether it was built from exactly this code.
    pub same_code: bool,
    /// Whether it was built from uncommitted changes.
    pub dirty: bool,
    /// Whether its image is there.
    pub existence: Existence,
    /// Incremental builds since its last full one.
    pub chain: u32,
    /// Layers of its image, when known.
    pub layers: Option<u32>,
    /// Expected time to load it and build on it, when there is data.
    pub expected_ms: Option<u64>,
    /// When it was requested; among equals the newest wins.
    pub created_at: i64,
}

/// How long chains may get.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most incremental builds in a row; 0 allows none.
    pub max_chain: u32,
    /// Most layers of a base.
    pub max_layers: u32,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// This candidate, as it is.
    Reuse(usize),
    /// On top of this candidate.
    Incremental(usize),
    /// From scratch, and why.
    Full(String),
}

/// The choice, and what became of each candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// What was chosen.
    pub choice: Choice,
    /// Verdict and reasons, in the order of the candidates.
    pub verdicts: Vec<(Verdict, Vec<String>)>,
}

/// Chooses among candidates. `full_ms` is the expected time of a full build, when there is data.
pub fn select(candidates: &[Facts], limits: Limits, full_ms: Option<u64>) -> Selection {
    let exact: Vec<Vec<String>> = candidates.iter().map(exact_objections).collect();
    let base: Vec<Vec<String>> = candidates
        .iter()
        .map(|facts| base_objections(facts, limits))
        .collect();
    let reuse = (0..candidates.len())
        .filter(|at| exact[*at].is_empty())
        .min_by_key(|at| {
            let facts = &candidates[*at];
            (
                facts.existence != Existence::Present,
                facts.distance.unwrap_or(u32::MAX),
                -facts.created_at,
            )
        });
    let cheapest = (0..candidates.len())
        .filter(|at| base[*at].is_empty())
        .min_by_key(|at| {
            let facts = &candidates[*at];
            let unknown_cost = facts.expected_ms.is_none();
            (
                unknown_cost,
                facts.expected_ms.unwrap_or(0),
                facts.distance,
                -facts.created_at,
            )
        });
    let choice = match (reuse, cheapest) {
        (Some(at), _) => Choice::Reuse(at),
        (None, Some(at)) => match (candidates[at].expected_ms, full_ms) {
            (Some(expected), Some(full)) if expected > full => {
                Choice::Full("a full build is expected to be faster than the best base".to_owned())
            }
            _ => Choice::Incremental(at),
        },
        (None, None) => Choice::Full(why_full(candidates, &base)),
    };
    let verdicts = (0..candidates.len())
        .map(|at| match &choice {
            Choice::Reuse(chosen) | Choice::Incremental(chosen) if *chosen == at => (
                Verdict::Chosen,
                chosen_reasons(&candidates[at], matches!(choice, Choice::Reuse(_))),
            ),
            Choice::Reuse(_) if exact[at].is_empty() => (
                Verdict::Eligible,
                vec!["has the same keys; another one is newer or nearer".to_owned()],
            ),
            _ if base[at].is_empty() => (Verdict::Eligible, vec![eligible_reason(&choice, candidates, at)]),
            _ => (Verdict::Rejected, base[at].clone()),
        })
        .collect();
    Selection { choice, verdicts }
}

/// Lists what speaks against using a build as it is.
fn exact_objections(facts: &Facts) -> Vec<String> {
    let mut objections = common_objections(facts);
    if !facts.same_code {
        objections.push("built from other code".to_owned());
    }
    objections
}

/// Lists what speaks against using a build as a base.
fn base_objections(facts: &Facts, limits: Limits) -> Vec<String> {
    let mut objections = common_objections(facts);
    if facts.distance.is_none() {
        objections.push("not an ancestor within reach".to_owned());
    }
    if facts.dirty {
        objections.push("built from uncommitted changes".to_owned());
    }
    if facts.chain >= limits.max_chain {
        objections.push(match limits.max_chain {
            0 => "incremental builds are switched off (longest chain 0)".to_owned(),
            max => format!(
                "already {} incremental builds in a row, at most {max} are allowed",
                facts.chain
            ),
        });
    }
    if let Some(layers) = facts.layers.filter(|layers| *layers > limits.max_layers) {
        objections.push(format!(
            "its image has {layers} layers, at most {} are allowed",
            limits.max_layers
        ));
    }
    objections
}

fn common_objections(facts: &Facts) -> Vec<String> {
    let mut objections = Vec::new();
    match facts.status {
        BuildStatus::Succeeded => {}
        BuildStatus::Queued => objections.push("still queued".to_owned()),
        BuildStatus::Running => objections.push("still running".to_owned()),
        BuildStatus::Failed => objections.push(match &facts.failed_step {
            Some(step) => format!("failed at {step}"),
            None => "failed".to_owned(),
        }),
        BuildStatus::Cancelled => objections.push("cancelled".to_owned()),
        BuildStatus::Superseded => objections.push("superseded".to_owned()),
        BuildStatus::TimedOut => objections.push("timed out".to_owned()),
        BuildStatus::Interrupted => objections.push("interrupted".to_owned()),
    }
    objections.extend(facts.differences.iter().cloned());
    if facts.status == BuildStatus::Succeeded && facts.existence == Existence::Gone {
        objections.push("image gone".to_owned());
    }
    objections
}

fn chosen_reasons(facts: &Facts, reuse: bool) -> Vec<String> {
    let mut reasons = vec![match (reuse, facts.distance) {
        (true, Some(0)) => "built from this commit with the same environment".to_owned(),
        (true, _) => "same code and same environment".to_owned(),
        (false, _) if facts.expected_ms.is_some() => "cheapest by estimate".to_owned(),
        (false, _) => "nearest usable ancestor".to_owned(),
    }];
    if facts.existence == Existence::Unknown {
        reasons.push("its image could not be checked: the Docker engine was not asked".to_owned());
    }
    reasons
}

fn eligible_reason(choice: &Choice, candidates: &[Facts], at: usize) -> String {
    match choice {
        Choice::Reuse(_) => "usable as a base, not needed".to_owned(),
        Choice::Full(_) => "usable, slower than a full build".to_owned(),
        Choice::Incremental(chosen) => {
            let (chosen, this) = (&candidates[*chosen], &candidates[at]);
            match (chosen.expected_ms, this.expected_ms) {
                (Some(best), Some(cost)) if cost > best => "usable, slower".to_owned(),
                _ if this.distance > chosen.distance => "usable, further away".to_owned(),
                _ => "usable, older".to_owned(),
            }
        }
    }
}

/// Says why there is no base: by the nearest build that would have been one.
fn why_full(candidates: &[Facts], base: &[Vec<String>]) -> String {
    let nearest = (0..candidates.len())
        .filter(|at| candidates[*at].status == BuildStatus::Succeeded && candidates[*at].distance.is_some())
        .min_by_key(|at| (candidates[*at].distance, -candidates[*at].created_at));
    match nearest {
        Some(at) => base[at]
            .first()
            .cloned()
            .unwrap_or_else(|| "no base can be used".to_owned()),
        None if candidates.iter().any(|facts| facts.distance.is_some()) => {
            "no build of an ancestor has succeeded".to_owned()
        }
        None => "no ancestor has been built".to_owned(),
    }
}
