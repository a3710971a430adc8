//! What changed between two trees, and writing only that: the source of an incremental build.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use git2::Oid;
use serde::Serialize;

use super::checkout::{CheckoutReport, Destination, Partial};
use super::compare::Comparison;
use super::error::{Result, SourceError};
use super::id::{CommitId, RepoPath, TreeId};
use super::object::EntryKind;
use super::repo::Repo;
use super::submodule::Submodules;
use super::tree::{Budget, Leaf, Unusable};
use super::writer::{Stamp, Writer};

/// The difference between two trees below one prefix; paths are relative to it.
///
/// To turn a checkout of `from` into one of `to`: remove every path of `deleted` with all below it, then copy every path
/// of `changed` over it. Both are sorted by path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// Files, links and submodules to write.
    pub changed: Vec<Change>,
    /// Paths to remove first: what is gone, and what stands in the way of something of another type. When a whole
    /// directory is gone only the directory is named, so that build output inside it goes too.
    pub deleted: Vec<RepoPath>,
    /// Submodules that were added, moved to another commit, or removed; they are in the other two lists as well.
    pub gitlinks: Vec<GitlinkChange>,
    /// Entries of either tree that no checkout contains.
    pub unusable: Vec<Unusable>,
}

/// One file, link or submodule that has to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Where it is written.
    pub path: RepoPath,
    /// How it differs, for people.
    pub kind: ChangeKind,
    /// What it is now.
    pub entry: EntryKind,
    /// The blob, or a submodule's commit.
    #[serde(skip)]
    pub(crate) id: Oid,
}

/// How something differs from the older tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum ChangeKind {
    /// It was not there.
    Added,
    /// Its content differs.
    Modified,
    /// Only the executable bit differs.
    ModeChanged,
    /// It was of another type: file, symbolic link, directory or submodule.
    TypeChanged,
    /// The same content was at another path, which is gone.
    RenamedFrom {
        /// The path that is gone.
        from: RepoPath,
    },
}

/// A submodule whose commit differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GitlinkChange {
    /// Its path.
    pub path: RepoPath,
    /// The commit before; `None` when it was not there.
    pub from: Option<CommitId>,
    /// The commit now; `None` when it is gone.
    pub to: Option<CommitId>,
}

/// Compares the directory `prefix` of two trees of the whole repository; a tree without it counts as empty.
pub fn delta(repo: &Repo, from: TreeId, to: TreeId, prefix: &RepoPath) -> Result<Delta> {
    let (from, to) = (repo.subtree(from, prefix)?, repo.subtree(to, prefix)?);
    let git = repo.git()?;
    let objects = git.objects()?;
    let mut comparison = Comparison::new(&objects);
    comparison.directories(from, to, &RepoPath::default(), 0)?;
    Ok(comparison.finish())
}

/// Writes only the changed files to `dest`, which must not exist yet, all with the time `stamp`.
///
/// `to` is the newer tree the delta was made with and `prefix` the same prefix. `dest` appears complete or not at all.
pub fn materialise_delta(
    repo: &Repo,
    delta: &Delta,
    to: TreeId,
    prefix: &RepoPath,
    dest: &Path,
    stamp: Stamp,
) -> Result<CheckoutReport> {
    let git = repo.git()?;
    let objects = git.objects()?;
    let submodules = Submodules::of(repo, to)?;
    let partial = Partial::beside(dest)?;
    let mut writer = Writer::new(partial.path(), stamp)?;
    let mut report = CheckoutReport::default();
    let mut destination = Destination {
        writer: &mut writer,
        report: &mut report,
        budget: Budget::default(),
    };
    for change in &delta.changed {
        let leaf = Leaf {
            path: change.path.clone(),
            kind: change.entry,
            id: change.id,
        };
        destination.write_leaf(&objects, &submodules, prefix, &RepoPath::default(), leaf, 0)?;
    }
    writer.finish()?;
    partial.publish(dest)?;
    Ok(report)
}

impl Delta {
    /// Returns whether the two trees hold the same files.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.deleted.is_empty()
    }

    /// Returns what is gone for good: no file of `changed` came from there or takes its place.
    pub fn gone(&self) -> impl Iterator<Item = &RepoPath> {
        let followed: HashSet<&RepoPath> = self
            .changed
            .iter()
            .map(|change| match &change.kind {
                ChangeKind::RenamedFrom { from } => from,
                _ => &change.path,
            })
            .collect();
        self.deleted.iter().filter(move |path| !followed.contains(path))
    }

    /// Returns how many files differ, as people count: one that was moved is one.
    pub fn files(&self) -> usize {
        self.changed.len() + self.gone().count()
    }

    /// Returns the paths to remove as `./path`, each ended by NUL: the input of `xargs -0 rm -rf --`.
    pub fn removal_list(&self) -> Vec<u8> {
        let mut list = Vec::new();
        for path in &self.deleted {
            list.extend_from_slice(b"./");
            list.extend_from_slice(path.as_bytes());
            list.push(0);
        }
        list
    }

    /// Writes [`Self::removal_list`] to a file, replacing it.
    pub fn write_removal_list(&self, dest: &Path) -> Result<()> {
        fs::File::create(dest)
            .and_then(|mut file| file.write_all(&self.removal_list()))
            .map_err(SourceError::io("write", dest))
    }
}

#[cfg(test)]
#[path = "delta_tests.rs"]
mod tests;
