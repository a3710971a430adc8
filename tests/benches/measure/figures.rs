//! Samples, quantiles and the table at the end.

use std::time::{Duration, Instant};

/// Collected rows.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<[String; 5]>,
}

impl Table {
    /// Adds a row: what, ours, the peer beside it, the limit, and whether it holds.
    pub(crate) fn row(&mut self, what: &str, ours: String, beside: String, limit: &str, holds: bool) {
        let holds = if holds { "yes" } else { "NO" };
        eprintln!("{what}: {ours} ({beside}; limit {limit}: {holds})");
        self.rows
            .push([what.into(), ours, beside, limit.into(), holds.into()]);
    }

    /// Prints the table in Markdown.
    pub(crate) fn print(&self) {
        println!("| what | ours | beside it | limit | holds |\n| --- | --- | --- | --- | --- |");
        for row in &self.rows {
            println!("| {} |", row.join(" | "));
        }
    }
}

/// Returns the p-th percentile, nearest rank.
pub(crate) fn percentile(samples: &mut [Duration], percent: usize) -> Duration {
    samples.sort_unstable();
    samples[(samples.len() * percent).div_ceil(100).clamp(1, samples.len()) - 1]
}

/// Returns how long some work takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Duration)> {
    let start = Instant::now();
    let value = work()?;
    Ok((value, start.elapsed()))
}

/// Returns milliseconds with one digit.
pub(crate) fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
