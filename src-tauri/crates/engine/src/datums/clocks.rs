//! Clocks as inputs: each tick is an empty file in a repository of its own, named by its time.

use std::sync::Arc;

use super::pipelines::{known, run};
use super::waves::Order;
use crate::clock::now_ms;
use crate::data::{self, Change, DataStore};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::blocking;
use crate::recipe::datum::input::{Cron, Input, Leaf};
use crate::recipe::datum::spec::Spec;

/// Branch that clocks write.
const BRANCH: &str = "master";

/// Lets the clocks of a pipeline tick now. Returns the jobs that were started.
pub async fn tick(engine: &Engine, stack: Option<&str>, name: &str) -> Result<Vec<String>> {
    let store = DataStore::of(engine, stack)?;
    let spec = known(&store, name)?.spec()?;
    let clocks: Vec<Cron> = clocks(&spec);
    if clocks.is_empty() {
        return Err(Error::refused(
            format!("{name} has no cron input"),
            "add one to its spec, or put files into its inputs",
        ));
    }
    let mut branches = Vec::new();
    for clock in clocks {
        strike(&store, &clock, now_ms()).await?;
        branches.push((clock.repo, BRANCH.to_owned()));
    }
    run(engine, &store, stack, &[], &branches, "its clock ticked").await
}

/// Returns the clocks that a spec reads.
fn clocks(spec: &Spec) -> Vec<Cron> {
    let leaves = spec.input.iter().flat_map(Input::leaves);
    leaves
        .filter_map(|leaf| match leaf {
            Leaf::Cron(cron) => Some(cron.clone()),
            Leaf::Pfs(_) => None,
        })
        .collect()
}

/// Lets all clocks tick that are due. Returns the jobs that were started.
pub async fn tick_due(engine: &Engine) -> Result<Vec<String>> {
    let mut started = Vec::new();
    for store in super::jobs::stores(engine)? {
        for (record, spec) in Order::stored(&store)?.all {
            if record.stopped {
                continue;
            }
            for clock in clocks(&spec) {
                let last = store.read(|db| data::head(db, &clock.repo, BRANCH))?;
                let since = last.map_or(clock.start.unwrap_or(record.created_at), |commit| {
                    commit.created_at
                });
                if clock.schedule.next(since).is_some_and(|due| due <= now_ms()) {
                    strike(&store, &clock, now_ms()).await?;
                    let branch = [(clock.repo.clone(), BRANCH.to_owned())];
                    let stack = record.stack.as_str();
                    started.extend(run(engine, &store, Some(stack), &[], &branch, "its clock ticked").await?);
                }
            }
        }
    }
    Ok(started)
}

/// Writes the file of a tick.
async fn strike(store: &Arc<DataStore>, clock: &Cron, at: i64) -> Result<()> {
    let (store, clock) = (store.clone(), clock.clone());
    blocking(move || {
        let stamp = jiff::Timestamp::from_millisecond(at)
            .map_err(|error| Error::internal("the clock stands at no time", error))?;
        let path = format!("/{}", stamp.strftime("%Y-%m-%dT%H:%M:%SZ"));
        let writing = store.writing()?;
        let message = format!("tick {}", &path[1..]);
        data::change(&writing, &clock.repo, BRANCH, &message, None, |writing| {
            let tick = Change::Put(path.clone(), writing.write_content(&mut std::io::empty())?);
            let before = clock.overwrite.then(|| Change::Remove("/".to_owned()));
            Ok(before.into_iter().chain([tick]).map(Ok))
        })?;
        Ok(())
    })
    .await
}
