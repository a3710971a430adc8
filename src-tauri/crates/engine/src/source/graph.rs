//! The commit graph of a repository for a list that shows a few rows of a million.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use git2::Oid;

use super::error::{Result, SourceError};
use super::id::CommitId;
use super::lanes::{Checkpoint, Lanes};
use super::objects::Objects;
use super::oid_table::OidTable;
use super::repo::Repo;

#[path = "graph_rows.rs"]
mod rows;

pub use rows::Row;

/// The commits reachable from some tips in display order: children before parents, otherwise newest first.
///
/// Rows are loaded as they are asked for. The order looks [`LOOKAHEAD`] commits ahead, so that moderately wrong clocks
/// do no harm; a commit that is older than its parent by more than that is shown below it, without a line between them.
/// About 60 bytes per commit are kept; lines are drawn anew from checkpoints when rows are asked for.
pub struct History {
    repo: Repo,
    shallow: HashSet<Oid>,
    ids: OidTable,
    nodes: Vec<Node>,
    /// Parents of all nodes; the last of each node's carries [`LAST`].
    parents: Vec<u32>,
    /// Read, and waiting to be looked at; newest first.
    frontier: Queue,
    /// Looked at, and without a known child that is not shown yet; newest first.
    ready: Queue,
    scanned: usize,
    rows: Vec<u32>,
    lanes: Lanes,
    checkpoints: Vec<(u32, Checkpoint)>,
    damage: Option<SourceError>,
}

type Queue = BinaryHeap<(i64, Reverse<u32>)>;

#[derive(Clone, Copy)]
struct Node {
    time: i64,
    /// Where its parents begin, [`NO_PARENTS`] or [`UNREAD`].
    parents_at: u32,
    /// Known children that are not shown yet.
    pending_children: u32,
    /// Its row, or [`NO_ROW`].
    row: u32,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Named,
    Read { truncated: bool },
    Scanned { truncated: bool },
}

/// How many commits are looked at beyond the rows that are shown.
pub const LOOKAHEAD: usize = 512;

const LAST: u32 = 1 << 31;
const NO_PARENTS: u32 = u32::MAX;
const NO_ROW: u32 = u32::MAX;
const MIN_CHECKPOINT_ROWS: usize = 256;
const MAX_CHECKPOINT_ROWS: usize = 4096;
const ROWS_PER_LOAD: usize = 4096;

impl History {
    /// Starts the graph of everything reachable from `tips`; the first tip is HEAD and has the first lane. Tips that
    /// cannot be read are left out and reported by [`Self::damage`]; no rows are loaded yet.
    pub fn new(repo: &Repo, tips: Vec<CommitId>) -> Result<Self> {
        let mut history = Self {
            repo: repo.clone(),
            shallow: repo.shallow_boundary()?,
            ids: OidTable::new(),
            nodes: Vec::new(),
            parents: Vec::new(),
            frontier: Queue::new(),
            ready: Queue::new(),
            scanned: 0,
            rows: Vec::new(),
            lanes: Lanes::new(None),
            checkpoints: Vec::new(),
            damage: None,
        };
        let git = repo.git()?;
        let objects = git.objects()?;
        for (index, tip) in tips.into_iter().enumerate() {
            let node = history.name(tip.0);
            if history.discover(&objects, node) && index == 0 {
                history.lanes = Lanes::new(Some(node));
            }
        }
        Ok(history)
    }

    /// Loads until there are at least `rows` rows or no more commits; returns how many there are.
    pub fn load(&mut self, rows: usize) -> Result<usize> {
        if self.complete() || self.rows.len() >= rows {
            return Ok(self.rows.len());
        }
        let repo = self.repo.clone();
        let git = repo.git()?;
        let objects = git.objects()?;
        while self.rows.len() < rows {
            while self.scanned < self.rows.len() + LOOKAHEAD && self.scan_next(&objects) {}
            if !self.show_next() {
                break;
            }
        }
        Ok(self.rows.len())
    }

    /// Loads everything, for a background thread; ends early with [`SourceError::Cancelled`] soon after `cancel` is set.
    pub fn load_all(&mut self, cancel: &AtomicBool) -> Result<()> {
        while !self.complete() {
            if cancel.load(Ordering::Relaxed) {
                return Err(SourceError::Cancelled);
            }
            self.load(self.rows.len() + ROWS_PER_LOAD)?;
        }
        Ok(())
    }

    /// Returns how many rows are loaded.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether no row is loaded.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns whether all rows are loaded.
    pub fn complete(&self) -> bool {
        self.frontier.is_empty() && self.rows.len() == self.scanned
    }

    /// Returns the first commit that could not be read, if any; the graph goes on without it.
    pub fn damage(&self) -> Option<&SourceError> {
        self.damage.as_ref()
    }

    /// Returns the row of a commit, when it is loaded.
    pub fn index_of(&self, commit: CommitId) -> Option<usize> {
        let row = self.nodes[self.ids.find(commit.0)? as usize].row;
        (row != NO_ROW).then_some(row as usize)
    }

    fn parents_of(&self, node: u32) -> impl Iterator<Item = u32> {
        let start = self.nodes[node as usize].parents_at;
        let mut rest = if start == NO_PARENTS {
            &[][..]
        } else {
            &self.parents[start as usize..]
        };
        std::iter::from_fn(move || {
            let (first, others) = rest.split_first()?;
            rest = if first & LAST == 0 { others } else { &[] };
            Some(first & !LAST)
        })
    }

    fn name(&mut self, id: Oid) -> u32 {
        let (node, new) = self.ids.insert(id);
        if new {
            self.nodes.push(Node {
                time: 0,
                parents_at: NO_PARENTS,
                pending_children: 0,
                row: NO_ROW,
                state: State::Named,
            });
        }
        debug_assert_eq!(self.ids.len(), self.nodes.len());
        node
    }

    /// Reads a commit that has only been named so far and queues it; answers whether it is readable.
    fn discover(&mut self, objects: &Objects<'_>, node: u32) -> bool {
        if self.nodes[node as usize].state != State::Named {
            return true;
        }
        let id = self.ids.id(node);
        let read = objects.commit(CommitId(id), |commit| (commit.commit_time, commit.parents));
        let (time, parents) = match read {
            Ok(read) => read,
            Err(error) => {
                self.damage.get_or_insert(error);
                return false;
            }
        };
        let truncated = self.shallow.contains(&id) && !parents.is_empty();
        let parents = if truncated { Vec::new() } else { parents };
        let parents: Vec<u32> = parents.into_iter().map(|parent| self.name(parent)).collect();
        let start = self.parents.len() as u32;
        self.parents.extend(&parents);
        let known = &mut self.nodes[node as usize];
        if let Some(last) = self.parents[start as usize..].last_mut() {
            *last |= LAST;
            known.parents_at = start;
        }
        known.time = time;
        known.state = State::Read { truncated };
        self.frontier.push((time, Reverse(node)));
        true
    }

    /// Looks at the newest commit that is known: its parents become known.
    fn scan_next(&mut self, objects: &Objects<'_>) -> bool {
        let Some((time, Reverse(node))) = self.frontier.pop() else {
            return false;
        };
        let mut parents: Vec<u32> = self.parents_of(node).collect();
        let named = parents.len();
        parents.retain(|parent| self.discover(objects, *parent));
        let mut truncated = matches!(self.nodes[node as usize].state, State::Read { truncated: true });
        if parents.len() < named {
            truncated = true;
            self.forget_unreadable_parents(node, &parents);
        }
        for parent in &parents {
            self.nodes[*parent as usize].pending_children += 1;
        }
        self.nodes[node as usize].state = State::Scanned { truncated };
        self.scanned += 1;
        if self.nodes[node as usize].pending_children == 0 {
            self.ready.push((time, Reverse(node)));
        }
        true
    }

    fn forget_unreadable_parents(&mut self, node: u32, readable: &[u32]) {
        let start = self.nodes[node as usize].parents_at;
        for (slot, parent) in (start as usize..).zip(readable) {
            self.parents[slot] = *parent;
        }
        match readable.len().checked_sub(1) {
            Some(last) => self.parents[start as usize + last] |= LAST,
            None => self.nodes[node as usize].parents_at = NO_PARENTS,
        }
    }

    /// Gives the next commit its row; answers whether there was one.
    fn show_next(&mut self) -> bool {
        while let Some((_, Reverse(node))) = self.ready.pop() {
            let known = self.nodes[node as usize];
            // A child became known after this was queued: it comes back when that child is shown.
            if known.pending_children > 0 || known.row != NO_ROW {
                continue;
            }
            let row = self.rows.len();
            self.keep_checkpoint(row);
            self.nodes[node as usize].row = row as u32;
            self.rows.push(node);
            let parents: Vec<u32> = self.parents_of(node).collect();
            for parent in &parents {
                let known = &mut self.nodes[*parent as usize];
                known.pending_children = known.pending_children.saturating_sub(1);
                let scanned = matches!(known.state, State::Scanned { .. });
                if known.pending_children == 0 && known.row == NO_ROW && scanned {
                    self.ready.push((known.time, Reverse(*parent)));
                }
            }
            let mut below = parents;
            below.retain(|parent| self.nodes[*parent as usize].row == NO_ROW);
            self.lanes.step(node, &below, None);
            return true;
        }
        false
    }

    fn keep_checkpoint(&mut self, row: usize) {
        // As many rows apart as there are lanes: all checkpoints together stay proportional to the rows.
        let apart = self.lanes.width().clamp(MIN_CHECKPOINT_ROWS, MAX_CHECKPOINT_ROWS);
        let due = self
            .checkpoints
            .last()
            .is_none_or(|(last, _)| row - *last as usize >= apart);
        if due {
            self.checkpoints.push((row as u32, self.lanes.checkpoint()));
        }
    }
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
