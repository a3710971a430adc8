//! What the catalogue shows over time. Only measured figures.

use std::collections::HashMap;

use crate::clock::now_ms;
use crate::engine::Engine;
use crate::error::Result;
use crate::plan::quantiles;
use crate::wire::{Breaker, Insights, ProjectId, Reality, SlowStep, WeekSaved};

const WEEK_MS: i64 = 7 * 24 * 3600 * 1000;
/// 1970-01-05, the first Monday.
const FIRST_MONDAY: i64 = 4 * 24 * 3600 * 1000;
const WEEKS: i64 = 12;

/// Returns time saved per week, slow steps, what breaks reuse, and estimates against reality; of one project or of all.
pub fn insights(engine: &Engine, project: Option<&ProjectId>) -> Result<Insights> {
    let this_week = monday(now_ms());
    let first = this_week - (WEEKS - 1) * WEEK_MS;
    let mut weeks: Vec<WeekSaved> = (0..WEEKS)
        .map(|week| WeekSaved {
            week_at: first + week * WEEK_MS,
            saved_ms: 0,
            builds: 0,
        })
        .collect();
    for (at, saved) in engine.catalogue().savings(project, first)? {
        if let Some(week) = weeks.iter_mut().find(|week| week.week_at == monday(at)) {
            week.saved_ms += saved;
            week.builds += 1;
        }
    }
    let mut by_name: HashMap<String, Vec<u64>> = HashMap::new();
    for (name, duration) in engine.catalogue().step_times(project)? {
        by_name.entry(without_place(&name)).or_default().push(duration);
    }
    let mut slow_steps: Vec<SlowStep> = by_name
        .into_iter()
        .filter_map(|(name, durations)| {
            let found = quantiles(durations)?;
            Some(SlowStep {
                name,
                p50_ms: found.p50,
                runs: found.samples,
            })
        })
        .collect();
    slow_steps.sort_by(|one, other| (other.p50_ms, &one.name).cmp(&(one.p50_ms, &other.name)));
    slow_steps.truncate(10);
    let breakers = engine.catalogue().breakers(project)?;
    let reality = engine.catalogue().reality(project)?;
    Ok(Insights {
        weeks,
        slow_steps,
        breakers: breakers
            .into_iter()
            .map(|(field, times)| Breaker { field, times })
            .collect(),
        reality: reality
            .into_iter()
            .map(|(build, expected_ms, duration_ms)| Reality {
                build,
                expected_ms,
                duration_ms,
            })
            .collect(),
    })
}

/// Returns a step's name without its place in the Dockerfile: "[3/4] RUN make" and "[5/6] RUN make" are one step.
pub(super) fn without_place(name: &str) -> String {
    let rest = name.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    rest.map_or(name, |(_, rest)| rest).to_owned()
}

fn monday(at: i64) -> i64 {
    (at - FIRST_MONDAY).div_euclid(WEEK_MS) * WEEK_MS + FIRST_MONDAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_the_same_at_another_place() {
        assert_eq!(without_place("[3/4] RUN make"), without_place("[5/6] RUN make"));
        assert_eq!(without_place("pages"), "pages");
    }

    #[test]
    fn weeks_begin_on_monday() {
        // 2026-11-21 is a Saturday; its week began on 2026-11-16.
        assert_eq!(monday(1_795_248_000_000), 1_794_787_200_000);
    }
}
