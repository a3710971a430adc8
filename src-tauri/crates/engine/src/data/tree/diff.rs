//! What differs between two trees. Pages that both have are not read.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::content::Content;
use super::super::store::DataStore;
use super::Tree;
use super::cursor::{Cursor, Next};
use super::path::order;
use crate::error::Result;

/// A file that two trees do not have alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Path.
    pub(crate) path: String,
    /// What it held in the first tree.
    pub(crate) before: Option<Content>,
    /// What it holds in the second.
    pub(crate) after: Option<Content>,
}

/// Compares two trees of a store, by path.
pub(crate) fn diff(store: &Arc<DataStore>, before: &Tree, after: &Tree) -> Diff {
    let cursor = |tree: &Tree| Cursor::before(store, tree.root.0, &tree.top);
    Diff {
        before: cursor(before),
        after: cursor(after),
    }
}

/// Differences, by path.
pub(crate) struct Diff {
    before: Cursor,
    after: Cursor,
}

/// What to do next.
enum Step {
    /// Go into pages, of the one, the other or both.
    Enter(bool, bool),
    /// Go past what both have.
    Same,
    Found(Difference, Ordering),
    End,
}

impl Diff {
    fn step(&self) -> Step {
        match (self.before.next(), self.after.next()) {
            (None, None) => Step::End,
            (Some(Next::Page(one, _)), Some(Next::Page(other, _))) if one.digest == other.digest => {
                Step::Same
            }
            (Some(Next::Page(_, one)), Some(Next::Page(_, other))) => Step::Enter(one >= other, other >= one),
            (Some(Next::Page(..)), _) => Step::Enter(true, false),
            (_, Some(Next::Page(..))) => Step::Enter(false, true),
            (Some(Next::File(one)), Some(Next::File(other))) => {
                let which = order(&one.path, &other.path);
                if which.is_eq() && one.content.digest == other.content.digest {
                    return Step::Same;
                }
                let path = if which.is_gt() { &other.path } else { &one.path };
                let difference = Difference {
                    path: path.clone(),
                    before: which.is_le().then(|| one.content.clone()),
                    after: which.is_ge().then(|| other.content.clone()),
                };
                Step::Found(difference, which)
            }
            (Some(Next::File(one)), None) => {
                let before = Some(one.content.clone());
                Step::Found(
                    Difference {
                        path: one.path.clone(),
                        before,
                        after: None,
                    },
                    Ordering::Less,
                )
            }
            (None, Some(Next::File(other))) => {
                let after = Some(other.content.clone());
                Step::Found(
                    Difference {
                        path: other.path.clone(),
                        before: None,
                        after,
                    },
                    Ordering::Greater,
                )
            }
        }
    }

    fn take(&mut self) -> Result<Option<Difference>> {
        loop {
            match self.step() {
                Step::End => return Ok(None),
                Step::Same => {
                    self.before.pass();
                    self.after.pass();
                }
                Step::Enter(before, after) => {
                    if before {
                        self.before.enter()?;
                    }
                    if after {
                        self.after.enter()?;
                    }
                }
                Step::Found(difference, which) => {
                    if which.is_le() {
                        self.before.pass();
                    }
                    if which.is_ge() {
                        self.after.pass();
                    }
                    return Ok(Some(difference));
                }
            }
        }
    }
}

impl Iterator for Diff {
    type Item = Result<Difference>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take().transpose()
    }
}
