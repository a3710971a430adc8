//! How a plan is told: its estimate, its reason, its candidates.

use super::estimate::Incremental;
use super::gather::Considered;
use super::select::{Choice, Selection};
use crate::wire::{BaseRef, Candidate, Estimate, Quantiles, Verdict};

/// Returns the expected durations of a plan.
pub(super) fn estimate_of(
    incremental: &Incremental,
    full: Option<Quantiles>,
    base: Option<&BaseRef>,
) -> Estimate {
    let load_ms = incremental.load();
    let incremental_ms = base.and_then(|base| incremental.rest(base.changed_files));
    let speedup = match (full, load_ms, incremental_ms) {
        (Some(full), Some(load), Some(rest)) if load.p50 + rest.p50 > 0 => {
            Some(full.p50 as f64 / (load.p50 + rest.p50) as f64)
        }
        _ => None,
    };
    Estimate {
        full_ms: full,
        load_ms: load_ms.filter(|_| base.is_some()),
        incremental_ms,
        speedup,
    }
}

/// Says in one sentence why a plan is what it is.
pub(super) fn reason_of(choice: &Choice, considered: &[Considered], base: Option<&BaseRef>) -> String {
    let short = |commit: &str| commit.chars().take(7).collect::<String>();
    match choice {
        Choice::Reuse(at) => format!("built already at {}", short(&considered[*at].commit)),
        Choice::Incremental(_) => {
            let base = base.map(|base| (short(&base.commit), base.distance, base.changed_files));
            let (commit, distance, files) = base.unwrap_or_default();
            let commits = if distance == 1 { "commit" } else { "commits" };
            let noun = if files == 1 { "file" } else { "files" };
            format!("built on {commit}, {distance} {commits} back, {files} {noun} changed")
        }
        Choice::Full(why) => why.clone(),
    }
}

/// Returns the builds that were looked at with what became of them, best first.
pub(super) fn candidates_of(considered: Vec<Considered>, selection: Selection) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = considered
        .into_iter()
        .zip(selection.verdicts)
        .map(|(one, (verdict, reasons))| Candidate {
            build: one.older.id,
            commit: one.commit,
            distance: one.facts.distance,
            changed_files: one.changed_files,
            expected_ms: one.facts.expected_ms,
            verdict,
            reasons,
            conditions: Vec::new(),
            producer: None,
        })
        .collect();
    best_first(&mut candidates);
    candidates
}

/// Orders candidates by their verdicts; within one the nearest stay first.
pub(super) fn best_first(candidates: &mut [Candidate]) {
    candidates.sort_by_key(|candidate| match candidate.verdict {
        Verdict::Chosen => 0,
        Verdict::Eligible => 1,
        Verdict::Rejected => 2,
    });
}
