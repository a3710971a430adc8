//! Expected durations from recorded ones. Says nothing where there is no data.

use crate::catalogue::Timing;
use crate::wire::Quantiles;

/// Returns median and 80th percentile (nearest rank); none without samples.
pub(crate) fn quantiles(mut samples: Vec<u64>) -> Option<Quantiles> {
    if samples.is_empty() {
        return None;
    }
    samples.sort_unstable();
    let rank = |percent: usize| samples[(samples.len() * percent).div_ceil(100).max(1) - 1];
    Some(Quantiles {
        p50: rank(50),
        p80: rank(80),
        samples: u32::try_from(samples.len()).unwrap_or(u32::MAX),
    })
}

/// What recorded incremental builds say about new ones.
pub(crate) struct Incremental {
    timings: Vec<Timing>,
    /// Milliseconds more for each doubling of the changed files, never negative; none with too few builds to tell.
    slope: Option<f64>,
}

/// Builds needed before the number of changed files counts.
const ENOUGH_FOR_SLOPE: usize = 5;

impl Incremental {
    pub(crate) fn new(timings: Vec<Timing>) -> Self {
        let slope = (timings.len() >= ENOUGH_FOR_SLOPE)
            .then(|| theil_sen(&timings))
            .flatten();
        Self {
            timings,
            slope: slope.map(|slope| slope.max(0.0)),
        }
    }

    /// Returns how many builds this comes from.
    pub(crate) fn samples(&self) -> usize {
        self.timings.len()
    }

    /// Returns the expected time to get a base ready.
    pub(crate) fn load(&self) -> Option<Quantiles> {
        quantiles(self.timings.iter().map(|timing| timing.load_ms).collect())
    }

    /// Returns the expected time of the rest, for a number of changed files.
    ///
    /// Each recorded duration is moved along the slope to that number, so that the spread stays what it was. The result
    /// never falls with more files, so a base with fewer of them is never dearer.
    pub(crate) fn rest(&self, changed_files: u32) -> Option<Quantiles> {
        let slope = self.slope.unwrap_or(0.0);
        let moved = |timing: &Timing| {
            let rest = timing.total_ms.saturating_sub(timing.load_ms) as f64;
            (rest + slope * (scale(changed_files) - scale(timing.changed_files)))
                .max(0.0)
                .round() as u64
        };
        quantiles(self.timings.iter().map(moved).collect())
    }

    /// Returns the expected time of all of it: load and rest.
    pub(crate) fn total_ms(&self, changed_files: u32) -> Option<u64> {
        Some(self.load()?.p50 + self.rest(changed_files)?.p50)
    }
}

fn scale(changed_files: u32) -> f64 {
    (1.0 + f64::from(changed_files)).log2()
}

/// Returns the median slope over all pairs of builds: outliers on a busy machine do not tip it.
fn theil_sen(timings: &[Timing]) -> Option<f64> {
    let point = |timing: &Timing| {
        (
            scale(timing.changed_files),
            timing.total_ms.saturating_sub(timing.load_ms) as f64,
        )
    };
    let points: Vec<(f64, f64)> = timings.iter().map(point).collect();
    let mut slopes = Vec::new();
    for (at, (x, y)) in points.iter().enumerate() {
        for (other_x, other_y) in &points[at + 1..] {
            if (x - other_x).abs() > 0.5 {
                slopes.push((y - other_y) / (x - other_x));
            }
        }
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(total_ms: u64, changed_files: u32) -> Timing {
        Timing {
            total_ms,
            load_ms: 100,
            changed_files,
        }
    }

    #[test]
    fn without_data_nothing_is_invented() {
        let nothing = Incremental::new(Vec::new());
        assert_eq!(
            (quantiles(Vec::new()), nothing.load(), nothing.rest(3)),
            (None, None, None)
        );
    }

    #[test]
    fn quantiles_are_recorded_values() {
        let found = quantiles(vec![50, 10, 40, 20, 30]).unwrap();
        assert_eq!((found.p50, found.p80, found.samples), (30, 40, 5));
        assert_eq!(
            quantiles(vec![7]).unwrap(),
            Quantiles {
                p50: 7,
                p80: 7,
                samples: 1
            }
        );
    }

    #[test]
    fn more_changed_files_cost_more_once_there_is_data() {
        let timings = [1, 3, 7, 15, 31, 63]
            .map(|files| timing(1_000 + 100 * u64::from(files + 1).ilog2() as u64, files));
        let estimate = Incremental::new(timings.to_vec());
        let few = estimate.rest(1).unwrap().p50;
        let many = estimate.rest(63).unwrap().p50;
        assert_eq!((few, many), (1_000, 1_500), "100 ms for each doubling");
    }

    #[test]
    fn more_changed_files_are_never_cheaper_even_if_records_say_so() {
        let timings = [1, 3, 7, 15, 31]
            .map(|files| timing(10_000 / u64::from(files), files))
            .to_vec();
        let estimate = Incremental::new(timings);
        assert!(estimate.total_ms(100).unwrap() >= estimate.total_ms(1).unwrap());
    }
}
