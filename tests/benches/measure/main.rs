//! Measures what the design promises, each figure beside a peer in the same run: `make bench`.
//!
//! Machines are shared and noisy, so the ratios count; nothing here fails a test.

mod bakes;
mod big;
mod caches;
mod datums;
mod figures;
mod graphs;
mod million;
mod pipelines;
mod plans;
mod window;

use anyhow::Result;

/// What can be measured; words behind `--` choose.
const ROWS: [&str; 12] = [
    "bake",
    "caches",
    "pipelines",
    "delivery",
    "datums",
    "datum",
    "code",
    "million",
    "plan",
    "graph",
    "fingerprint",
    "window",
];

fn main() -> Result<()> {
    // `cargo test --benches` passes this; there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    if let Some(unknown) = wanted.iter().find(|one| !ROWS.contains(&one.as_str())) {
        anyhow::bail!("nothing is called {unknown}; there are: {}", ROWS.join(", "));
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    let runtime = tokio::runtime::Runtime::new()?;
    let mut table = figures::Table::default();
    if is_wanted("bake") {
        runtime.block_on(bakes::measure(&mut table))?;
    }
    if is_wanted("caches") {
        caches::measure(&mut table)?;
    }
    if is_wanted("pipelines") {
        pipelines::decision(&mut table)?;
    }
    if is_wanted("delivery") {
        pipelines::delivery(&mut table)?;
    }
    if is_wanted("datums") {
        datums::plan(&mut table)?;
    }
    if is_wanted("datum") {
        datums::each(&mut table)?;
    }
    if is_wanted("code") {
        datums::code(&mut table)?;
    }
    if is_wanted("million") {
        million::measure(&mut table)?;
    }
    if is_wanted("plan") || is_wanted("graph") {
        let big = big::repository()?;
        if is_wanted("plan") {
            runtime.block_on(plans::measure(&mut table, &big))?;
        }
        if is_wanted("graph") {
            graphs::measure(&mut table, &big)?;
        }
    }
    if is_wanted("fingerprint") {
        graphs::measure_fingerprint(&mut table)?;
    }
    if is_wanted("window") {
        window::measure(&mut table)?;
    }
    table.print();
    Ok(())
}
