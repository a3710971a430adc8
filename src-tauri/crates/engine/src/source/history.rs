//! The ancestors of a commit, newest first, without loading more history than is asked for.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashSet};

use git2::{ObjectType, Odb, Oid};

use super::error::{Result, SourceError};
use super::id::CommitId;
use super::object::read_object;
use super::repo::{Repo, parse_commit};

/// A commit met while walking back from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The commit.
    pub commit: CommitId,
    /// How many commits were met before it; 0 is the commit that was asked for.
    pub index: usize,
}

/// Returns up to `limit` commits reachable from `head`, beginning with `head` itself, in the order of `git rev-list`:
/// newest commit time first, ties by order of discovery.
///
/// libgit2's sorted revwalk loads all of history before its first answer; this reads only what it returns and their
/// parents. A shallow clone's boundary ends the walk silently; any other absent parent is an error that names it.
pub fn ancestors(repo: &Repo, head: CommitId, limit: usize) -> Result<Vec<Step>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let shallow = repo.shallow_boundary()?;
    let git = repo.git()?;
    let odb = git.odb().map_err(SourceError::git("read the object database"))?;
    let mut queue = BinaryHeap::new();
    let mut seen = HashSet::from([head.0]);
    queue.push(Waiting::read(&odb, &shallow, head.0, 0)?);
    let mut steps = Vec::with_capacity(limit.min(1024));
    while let Some(next) = queue.pop() {
        steps.push(Step {
            commit: CommitId(next.id),
            index: steps.len(),
        });
        if steps.len() == limit {
            break;
        }
        for parent in next.parents {
            if seen.insert(parent) {
                queue.push(Waiting::read(&odb, &shallow, parent, seen.len())?);
            }
        }
    }
    Ok(steps)
}

/// A commit that is known and waits for its turn.
struct Waiting {
    order: (i64, Reverse<usize>),
    id: Oid,
    parents: Vec<Oid>,
}

impl Waiting {
    fn read(odb: &Odb<'_>, shallow: &HashSet<Oid>, id: Oid, discovered: usize) -> Result<Self> {
        let object = read_object(odb, id, ObjectType::Commit)?;
        let commit = parse_commit(CommitId(id), object.data())?;
        let parents = if shallow.contains(&id) {
            Vec::new()
        } else {
            commit.parents
        };
        Ok(Self {
            order: (commit.commit_time, Reverse(discovered)),
            id,
            parents,
        })
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order)
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Waiting {}
