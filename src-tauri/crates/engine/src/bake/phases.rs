//! Where a build's wall time went: every moment belongs to one phase, so that the phases add up.

use crate::wire::{Phase, PhaseTime, Step};

/// When several phases run at once, the moment counts for the first of these.
const PRECEDENCE: [Phase; 6] = [
    Phase::Steps,
    Phase::Push,
    Phase::Export,
    Phase::Context,
    Phase::CacheImport,
    Phase::Resolve,
];

/// Splits `start..end` (milliseconds since the epoch) over the phases; what no step covers is `other`.
pub(crate) fn phases(steps: &[Step], start: i64, end: i64) -> Vec<PhaseTime> {
    let spans: Vec<(Phase, i64, i64)> = steps
        .iter()
        .filter(|step| step.parent.is_none() && !step.cached)
        .filter_map(|step| {
            let from = step.started_at?;
            let to = from.saturating_add(i64::try_from(step.duration_ms?).ok()?);
            Some((step.phase, from.clamp(start, end), to.clamp(start, end)))
        })
        .collect();
    let mut cuts: Vec<i64> = spans
        .iter()
        .flat_map(|(_, from, to)| [*from, *to])
        .chain([start, end])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut times = [0u64; PRECEDENCE.len() + 1];
    for pair in cuts.windows(2) {
        let covers = |phase: &Phase| {
            spans
                .iter()
                .any(|(at, from, to)| at == phase && *from <= pair[0] && pair[1] <= *to)
        };
        let place = PRECEDENCE.iter().position(covers).unwrap_or(PRECEDENCE.len());
        times[place] += u64::try_from(pair[1] - pair[0]).unwrap_or(0);
    }
    let time_of = |phase: Phase| {
        let place = PRECEDENCE
            .iter()
            .position(|known| *known == phase)
            .unwrap_or(PRECEDENCE.len());
        PhaseTime {
            phase,
            duration_ms: times[place],
        }
    };
    [
        Phase::Resolve,
        Phase::Context,
        Phase::CacheImport,
        Phase::Steps,
        Phase::Export,
        Phase::Push,
        Phase::Other,
    ]
    .map(time_of)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::StepStatus;

    fn step(phase: Phase, from: i64, duration: u64) -> Step {
        Step {
            number: 1,
            parent: None,
            name: String::new(),
            cached: false,
            started_at: Some(from),
            duration_ms: Some(duration),
            status: StepStatus::Done,
            phase,
            exit_code: None,
            error: None,
            current_bytes: None,
            total_bytes: None,
        }
    }

    #[test]
    fn phases_add_up_to_the_wall_time() {
        let steps = [
            step(Phase::Resolve, 110, 40),
            step(Phase::Context, 120, 60),
            step(Phase::Steps, 150, 100),
            step(Phase::Steps, 160, 100),
            step(Phase::Export, 250, 100),
        ];
        let times = phases(&steps, 100, 400);
        let of = |phase| times.iter().find(|time| time.phase == phase).unwrap().duration_ms;
        assert_eq!(times.iter().map(|time| time.duration_ms).sum::<u64>(), 300);
        assert_eq!(
            (of(Phase::Resolve), of(Phase::Context), of(Phase::Steps)),
            (10, 30, 110)
        );
        assert_eq!((of(Phase::Export), of(Phase::Other)), (90, 60));
    }
}
