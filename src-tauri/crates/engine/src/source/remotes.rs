//! What a repository knows of its remotes, and whether a commit is on one of their branches.

use std::collections::{BinaryHeap, HashSet};

use git2::{Direction, Oid};

use super::error::{Result, SourceError};
use super::id::CommitId;
use super::object::RawCommit;
use super::refs::MAX_REFS;
use super::repo::Repo;
use crate::text::one_line;

/// How many commits older than the wanted one are followed: clocks differ.
const SLOP: usize = 1_000;

/// A remote as the repository's configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its name.
    pub name: String,
    /// Its address, with the user's own rewriting rules applied.
    pub url: String,
    /// Tips of its branches, as last fetched or pushed.
    pub tips: Vec<CommitId>,
}

impl Repo {
    /// Lists the remotes with the tips of their branches. Tags are no branches.
    pub fn remotes(&self) -> Result<Vec<Remote>> {
        let git = self.git()?;
        let names = git.remotes().map_err(SourceError::git("list the remotes"))?;
        let mut found = Vec::new();
        // A name that is not UTF-8 cannot be asked for; a remote without an address is none.
        for name in names.iter().flatten().flatten() {
            let Ok(remote) = git.find_remote(name) else {
                continue;
            };
            let mut tips = Vec::new();
            for reference in git
                .references()
                .map_err(SourceError::git("list refs"))?
                .take(MAX_REFS)
                .flatten()
            {
                let Ok(full) = reference.name() else { continue };
                // What a work tree commits to is its own, whatever the configuration fetches over it.
                if full.starts_with("refs/tags/") || full.starts_with("refs/heads/") && !self.is_bare() {
                    continue;
                }
                let fetched = remote
                    .refspecs()
                    .any(|spec| spec.direction() == Direction::Fetch && spec.dst_matches(full));
                if fetched && let Some(tip) = reference.target() {
                    tips.push(CommitId(tip));
                }
            }
            tips.sort();
            tips.dedup();
            found.push(Remote {
                name: one_line(name),
                url: one_line(&String::from_utf8_lossy(remote.url_bytes())),
                tips,
            });
        }
        Ok(found)
    }

    /// Returns whether a commit is one of `tips` or an ancestor of one; a commit that is not here is not.
    ///
    /// History is followed from its newest commits to a little behind the commit's own time. What a shallow clone has cut
    /// off is not followed.
    pub fn reaches(&self, tips: &[CommitId], wanted: CommitId) -> Result<bool> {
        if tips.contains(&wanted) {
            return Ok(true);
        }
        let shallow = self.shallow_boundary()?;
        let git = self.git()?;
        let objects = git.objects()?;
        let read = |id: Oid| {
            objects.commit(CommitId(id), |commit: RawCommit<'_>| {
                (commit.commit_time, commit.parents)
            })
        };
        let Ok((time, _)) = read(wanted.0) else {
            return Ok(false);
        };
        let mut queue = BinaryHeap::new();
        let mut seen = HashSet::new();
        for tip in tips {
            // Refs may lead to what is no commit, or has never been fetched.
            if let Ok((time, parents)) = read(tip.0)
                && seen.insert(tip.0)
            {
                queue.push((time, tip.0, parents));
            }
        }
        let mut older = 0;
        while let Some((at, id, parents)) = queue.pop() {
            if id == wanted.0 {
                return Ok(true);
            }
            older += usize::from(at < time);
            if older > SLOP {
                break;
            }
            if shallow.contains(&id) {
                continue;
            }
            for parent in parents {
                if seen.insert(parent) {
                    let (time, parents) = read(parent)?;
                    queue.push((time, parent, parents));
                }
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Random, TestRepo, git, random_history};
    use super::*;

    #[test]
    fn what_is_reached_is_what_git_says_is_an_ancestor() {
        for seed in 0..6 {
            let test = TestRepo::new();
            let commits = random_history(&test, &mut Random::new(seed), 40);
            let tips = [commits[commits.len() - 1], commits[commits.len() - 4]];
            let mut expected = HashSet::new();
            for tip in tips {
                test.branch("tip", tip);
                let listed = git(test.path(), &["rev-list", "tip"]);
                expected.extend(listed.lines().map(str::to_owned));
            }
            for commit in commits {
                assert_eq!(
                    test.repo().reaches(&tips, commit).unwrap(),
                    expected.contains(&commit.to_string()),
                    "seed {seed}, {commit}"
                );
            }
        }
    }

    #[test]
    fn remotes_are_listed_with_the_branches_that_were_fetched_from_them() {
        let far = TestRepo::new();
        let first = far.commit(1, &[]);
        let second = far.commit(2, &[first]);
        far.branch("main", second);
        far.branch("old", first);
        far.git
            .tag_lightweight("v1", far.git.find_commit(first.0).unwrap().as_object(), false)
            .unwrap();
        let test = TestRepo::new();
        assert_eq!(test.repo().remotes().unwrap(), []);
        let url = far.path().to_str().unwrap();
        git(test.path(), &["remote", "add", "zz", url]);
        git(test.path(), &["remote", "add", "other", "me@host:x.git"]);
        git(test.path(), &["fetch", "-q", "zz"]);
        test.branch("mine", test.commit(3, &[]));
        let remotes = test.repo().remotes().unwrap();
        let mut tips = vec![first, second];
        tips.sort();
        let of = |name: &str, url: &str, tips| Remote {
            name: name.to_owned(),
            url: url.to_owned(),
            tips,
        };
        assert_eq!(
            remotes,
            [of("other", "me@host:x.git", vec![]), of("zz", url, tips)]
        );
    }

    #[test]
    fn a_commit_that_is_not_here_and_tips_that_are_not_commits_are_no_errors() {
        let test = TestRepo::new();
        let commit = test.commit(1, &[]);
        let gone = CommitId(Oid::from_str(&"ab".repeat(20)).unwrap());
        let tree = CommitId(test.tree(&[]).0);
        assert!(!test.repo().reaches(&[commit, tree], gone).unwrap());
        assert!(!test.repo().reaches(&[gone, tree], commit).unwrap());
        assert!(!test.repo().reaches(&[], commit).unwrap());
    }
}
