//! Triggers: branches of their own that move on to the newest commit of another one when there is enough that is new.

use rusqlite::Transaction;

use super::waves::{Branch, Order};
use crate::clock::now_ms;
use crate::data;
use crate::error::Result;
use crate::recipe::datum::input::{Input, Leaf, Pfs, Trigger};
use crate::recipe::datum::schedule::Schedule;
use crate::wire::DataCommit;

/// Moves the branches of triggers that watch changed branches, as far as they are due. Returns those that moved.
pub(super) fn pull(tx: &Transaction<'_>, order: &Order, changed: &[Branch]) -> Result<Vec<Branch>> {
    let mut moved = Vec::new();
    for (_, spec) in &order.all {
        for leaf in spec.input.iter().flat_map(Input::leaves) {
            let Leaf::Pfs(pfs) = leaf else { continue };
            let Some((trigger, watched)) = watched(pfs).filter(|(_, watched)| changed.contains(watched))
            else {
                continue;
            };
            let head = data::head(tx, &watched.0, &watched.1)?;
            let before = data::head(tx, &pfs.repo, &pfs.branch)?;
            let Some(head) = head.filter(|head| before.as_ref().is_none_or(|before| before.id != head.id))
            else {
                continue;
            };
            if is_due(tx, trigger, before.as_ref(), &head)? {
                data::move_branch_in(tx, &pfs.repo, &pfs.branch, &head.id)?;
                moved.push((pfs.repo.clone(), pfs.branch.clone()));
            }
        }
    }
    Ok(moved)
}

/// Returns the branches that triggers of these pipelines watch.
pub(super) fn watched_by(order: &Order, pipelines: &[&str]) -> Vec<Branch> {
    let named = order
        .all
        .iter()
        .filter(|(record, _)| pipelines.contains(&record.name.as_str()));
    let leaves = named.flat_map(|(_, spec)| spec.input.iter().flat_map(Input::leaves));
    leaves
        .filter_map(|leaf| match leaf {
            Leaf::Pfs(pfs) => watched(pfs).map(|(_, branch)| branch),
            Leaf::Cron(_) => None,
        })
        .collect()
}

fn watched(pfs: &Pfs) -> Option<(&Trigger, Branch)> {
    let trigger = pfs.trigger.as_ref()?;
    let branch = match trigger.branch.as_str() {
        "" => "master",
        branch => branch,
    };
    Some((trigger, (pfs.repo.clone(), branch.to_owned())))
}

/// Returns whether a trigger's conditions hold: all or one of them, as it says. Without any, every commit counts.
fn is_due(
    tx: &Transaction<'_>,
    trigger: &Trigger,
    before: Option<&DataCommit>,
    head: &DataCommit,
) -> Result<bool> {
    let mut conditions = Vec::new();
    if let Some(bytes) = trigger.size {
        let known = before.map_or(0, |before| before.bytes);
        conditions.push(head.bytes.abs_diff(known) >= bytes);
    }
    if let Some(commits) = trigger.commits {
        conditions.push(commits_since(tx, before, head, commits)? >= commits);
    }
    if let Some(text) = &trigger.cron_spec {
        let since = before.map_or(0, |before| before.created_at);
        let next = Schedule::parse(text)
            .ok()
            .and_then(|schedule| schedule.next(since));
        conditions.push(next.is_some_and(|next| next <= now_ms()));
    }
    Ok(match trigger.all {
        true => conditions.iter().all(|holds| *holds),
        false => conditions.is_empty() || conditions.contains(&true),
    })
}

/// Counts the commits after one, up to a number.
fn commits_since(
    tx: &Transaction<'_>,
    before: Option<&DataCommit>,
    head: &DataCommit,
    most: u32,
) -> Result<u32> {
    let mut count = 0;
    let mut at = Some(head.clone());
    while let Some(commit) =
        at.filter(|commit| count < most && before.is_none_or(|before| before.id != commit.id))
    {
        count += 1;
        at = commit
            .parent
            .map(|parent| data::commit(tx, &parent))
            .transpose()?;
    }
    Ok(count)
}
