//! The ancestors of a commit, newest first, without loading more history than is asked for.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashSet};

use git2::Oid;

use super::error::Result;
use super::id::CommitId;
use super::objects::Objects;
use super::repo::Repo;

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
    let objects = git.objects()?;
    let mut queue = BinaryHeap::new();
    let mut seen = HashSet::from([head.0]);
    queue.push(Waiting::read(&objects, &shallow, head.0, 0)?);
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
                queue.push(Waiting::read(&objects, &shallow, parent, seen.len())?);
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
    fn read(objects: &Objects<'_>, shallow: &HashSet<Oid>, id: Oid, discovered: usize) -> Result<Self> {
        let (time, parents) = objects.commit(CommitId(id), |commit| (commit.commit_time, commit.parents))?;
        let parents = if shallow.contains(&id) {
            Vec::new()
        } else {
            parents
        };
        Ok(Self {
            order: (time, Reverse(discovered)),
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use git2::ObjectType;

    use super::super::testing::{Random, TestRepo, git, random_history};
    use super::*;

    /// The definition, as slowly as possible: the newest known commit, the one known longest among equals.
    fn oracle(repo: &Repo, head: CommitId) -> Vec<CommitId> {
        let (mut known, mut walked) = (vec![head], Vec::new());
        while walked.len() < known.len() {
            let times: HashMap<_, _> = known
                .iter()
                .map(|id| (*id, repo.commit(*id).unwrap().commit_time))
                .collect();
            let waiting = known.iter().filter(|id| !walked.contains(*id));
            let next = *waiting.rev().max_by_key(|id| times[id]).unwrap();
            walked.push(next);
            for parent in repo.commit(next).unwrap().parents {
                if !known.contains(&parent) {
                    known.push(parent);
                }
            }
        }
        walked
    }

    #[test]
    fn ancestors_of_random_histories_are_those_of_the_definition_and_of_rev_list() {
        for seed in 0..12 {
            let test = TestRepo::new();
            let commits = random_history(&test, &mut Random::new(seed), 60);
            test.branch("main", commits[commits.len() - 1]);
            let repo = test.repo();
            for head in commits.iter().rev().step_by(9) {
                let steps = ancestors(&repo, *head, 1000).unwrap();
                let walked: Vec<CommitId> = steps.iter().map(|step| step.commit).collect();
                assert_eq!(walked, oracle(&repo, *head), "seed {seed}");
                let listed = git(test.path(), &["rev-list", &head.to_string()]);
                let walked: Vec<String> = walked.iter().map(CommitId::to_string).collect();
                assert_eq!(
                    walked,
                    listed.lines().collect::<Vec<_>>(),
                    "seed {seed}: as git orders them"
                );
                assert!(steps.iter().enumerate().all(|(at, step)| step.index == at));
                let few = ancestors(&repo, *head, 7).unwrap();
                assert_eq!(few, steps[..steps.len().min(7)], "a limit only cuts");
            }
        }
    }

    #[test]
    fn a_shallow_boundary_ends_the_walk_and_any_other_missing_parent_is_named() {
        let test = TestRepo::new();
        let gone = CommitId(Oid::from_str(&"ab".repeat(20)).unwrap());
        let tree = test.tree(&[("a", b"1")]);
        let data =
            format!("tree {tree}\nparent {gone}\nauthor A <a> 5 +0000\ncommitter A <a> 5 +0000\n\nm\n");
        let bottom = CommitId(test.raw(ObjectType::Commit, data.as_bytes()));
        let top = {
            let data =
                format!("tree {tree}\nparent {bottom}\nauthor A <a> 6 +0000\ncommitter A <a> 6 +0000\n\nm\n");
            CommitId(test.raw(ObjectType::Commit, data.as_bytes()))
        };
        let error = ancestors(&test.repo(), top, 10).unwrap_err().to_string();
        assert!(
            error.contains(&gone.to_string()) && error.starts_with("commit "),
            "{error}"
        );
        assert_eq!(
            ancestors(&test.repo(), top, 2).unwrap().len(),
            2,
            "what is not asked for is not read"
        );

        std::fs::write(test.path().join(".git/shallow"), format!("{bottom}\n")).unwrap();
        let repo = test.repo();
        assert!(repo.is_shallow());
        assert_eq!(ancestors(&repo, top, 10).unwrap().len(), 2);
    }
}
