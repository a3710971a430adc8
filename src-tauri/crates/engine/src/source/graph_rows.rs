//! The rows of a loaded graph as they are shown, drawn again from the last checkpoint before them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::ops::Range;

use serde::Serialize;

use super::super::history::Step;
use super::super::id::CommitId;
use super::super::lanes::{Edge, Lanes, Place};
use super::{History, State};

/// A row of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The commit.
    pub commit: CommitId,
    /// The lane it stands in, from the left.
    pub lane: u16,
    /// Its colour; stays with a branch, 0 is the line of HEAD.
    pub color: u16,
    /// Its parents, first parent first; without those a shallow clone cut off.
    pub parents: Vec<CommitId>,
    /// The lines between this row and the next.
    pub edges: Vec<Edge>,
    /// Whether it has parents that are not in this repository (a shallow clone, or a damaged one).
    pub truncated: bool,
}

impl History {
    /// Returns one row, when it is loaded.
    pub fn row(&self, index: usize) -> Option<Row> {
        self.rows(index..index.checked_add(1)?).pop()
    }

    /// Returns the loaded rows of a range; much cheaper than one by one.
    pub fn rows(&self, range: Range<usize>) -> Vec<Row> {
        let mut rows = Vec::new();
        self.replay(range, |node, place, edges| {
            let state = self.nodes[node as usize].state;
            rows.push(Row {
                commit: CommitId(self.ids.id(node)),
                lane: place.lane,
                color: place.color,
                parents: self
                    .parents_of(node)
                    .map(|parent| CommitId(self.ids.id(parent)))
                    .collect(),
                edges: edges.to_vec(),
                truncated: matches!(state, State::Scanned { truncated: true }),
            });
        });
        rows
    }

    /// Returns how many lanes the loaded rows of a range need side by side.
    pub fn width(&self, range: Range<usize>) -> usize {
        let mut width = 0;
        self.replay(range, |_, place, edges| {
            let widest = edges
                .iter()
                .map(|edge| edge.from.max(edge.to))
                .chain([place.lane])
                .max();
            width = width.max(usize::from(widest.unwrap_or_default()) + 1);
        });
        width
    }

    /// Returns what [`ancestors`](super::ancestors) would for the commit of a row, from memory (microseconds); `None`
    /// when that needs commits that are not loaded yet.
    pub fn ancestors_from(&self, index: usize, limit: usize) -> Option<Vec<Step>> {
        let head = *self.rows.get(index)?;
        let mut queue = BinaryHeap::from([(self.nodes[head as usize].time, Reverse(0), head)]);
        let mut seen = HashSet::from([head]);
        let mut steps = Vec::new();
        while steps.len() < limit {
            let Some((_, _, node)) = queue.pop() else { break };
            steps.push(Step {
                commit: CommitId(self.ids.id(node)),
                index: steps.len(),
            });
            if steps.len() == limit {
                break;
            }
            for parent in self.parents_of(node) {
                if seen.insert(parent) {
                    let node = &self.nodes[parent as usize];
                    if node.state == State::Named {
                        return None;
                    }
                    queue.push((node.time, Reverse(seen.len()), parent));
                }
            }
        }
        Some(steps)
    }

    /// Draws rows again from the last checkpoint before them.
    fn replay(&self, range: Range<usize>, mut visit: impl FnMut(u32, Place, &[Edge])) {
        let end = range.end.min(self.rows.len());
        if range.start >= end {
            return;
        }
        let after = self
            .checkpoints
            .partition_point(|(row, _)| *row as usize <= range.start);
        let Some((start, checkpoint)) = after.checked_sub(1).map(|at| &self.checkpoints[at]) else {
            return;
        };
        let mut lanes = Lanes::resume(checkpoint);
        let (mut below, mut edges) = (Vec::new(), Vec::new());
        for row in *start as usize..end {
            let node = self.rows[row];
            self.parents_below(node, row, &mut below);
            edges.clear();
            let wanted = row >= range.start;
            let place = lanes.step(node, &below, wanted.then_some(&mut edges));
            if wanted {
                visit(node, place, &edges);
            }
        }
    }

    /// Collects the parents of a node that are not shown at or above its row.
    fn parents_below(&self, node: u32, row: usize, into: &mut Vec<u32>) {
        into.clear();
        into.extend(
            self.parents_of(node)
                .filter(|parent| self.nodes[*parent as usize].row as usize > row),
        );
    }
}
