//! A deterministic checkout: files from git objects, the same bytes, modes and times for every user and clone.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use git2::ObjectType;
use serde::{Deserialize, Serialize};

use super::error::{Result, SourceError};
use super::id::{CommitId, RepoPath, TreeId};
use super::object::EntryKind;
use super::objects::Objects;
use super::repo::Repo;
use super::submodule::Submodules;
use super::tree::{Budget, Leaf, Unusable, walk};
use super::writer::{Stamp, Writer};

/// What a checkout holds, and what it could not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutReport {
    /// How many files and symbolic links were written, those of submodules included.
    pub files: u64,
    /// Their content in bytes.
    pub bytes: u64,
    /// The submodules met, in the order of their paths.
    pub gitlinks: Vec<Gitlink>,
    /// Files that are pointers of git-lfs: the build sees the pointer, not the content.
    pub lfs_pointers: Vec<RepoPath>,
    /// Entries that were left out because of their names.
    pub unusable: Vec<Unusable>,
}

/// A submodule of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gitlink {
    /// Its path, relative to the checkout.
    pub path: RepoPath,
    /// The commit of the submodule that the tree asks for.
    pub commit: CommitId,
    /// Whether its files were written; otherwise it is an empty directory, because the submodule is not initialised here
    /// or lacks that commit.
    pub materialised: bool,
}

const LFS_MAGIC: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
const MAX_LFS_POINTER_BYTES: usize = 1024;
const MAX_SUBMODULE_DEPTH: usize = 8;

/// Writes the directory `prefix` of `tree` to `dest`, which must not exist yet.
///
/// Modes are 0644 and 0755 whatever the umask, everything carries `stamp`, bytes are as stored (no filters, no line
/// ending conversion), symbolic links are written and never followed. `dest` appears complete or not at all: the files
/// are written beside it and renamed, and what a failure leaves is removed.
pub fn materialise(
    repo: &Repo,
    tree: TreeId,
    prefix: &RepoPath,
    dest: &Path,
    stamp: Stamp,
) -> Result<CheckoutReport> {
    let partial = Partial::beside(dest)?;
    let mut writer = Writer::new(partial.path(), stamp)?;
    let mut report = CheckoutReport::default();
    let root = repo
        .subtree(tree, prefix)?
        .ok_or_else(|| SourceError::NoSuchPath {
            path: prefix.clone(),
            tree: format!("tree {tree}"),
        })?;
    let mut destination = Destination {
        writer: &mut writer,
        report: &mut report,
        budget: Budget::default(),
    };
    destination.write_tree(repo, tree, root, prefix, &RepoPath::default(), 0)?;
    writer.finish()?;
    partial.publish(dest)?;
    Ok(report)
}

/// Where a checkout is being written.
pub(crate) struct Destination<'a> {
    pub(crate) writer: &'a mut Writer,
    pub(crate) report: &'a mut CheckoutReport,
    pub(crate) budget: Budget,
}

impl Destination<'_> {
    /// Writes `root`, which lies at `prefix` of the repository's `tree`, below `base` of the checkout.
    fn write_tree(
        &mut self,
        repo: &Repo,
        tree: TreeId,
        root: TreeId,
        prefix: &RepoPath,
        base: &RepoPath,
        depth: usize,
    ) -> Result<()> {
        let git = repo.git()?;
        let objects = git.objects()?;
        let submodules = Submodules::of(repo, tree)?;
        let mut unusable = Vec::new();
        let mut budget = std::mem::take(&mut self.budget);
        let walked = walk(
            &objects,
            root,
            &RepoPath::default(),
            &mut budget,
            &mut unusable,
            &mut |leaf| self.write_leaf(&objects, &submodules, prefix, base, leaf, depth),
        );
        self.budget = budget;
        self.report
            .unusable
            .extend(unusable.into_iter().map(|found| Unusable {
                path: base.join(found.path.as_bytes()),
                ..found
            }));
        walked
    }

    /// Writes one entry whose path is relative to `prefix` in its repository and to `base` in the checkout.
    pub(crate) fn write_leaf(
        &mut self,
        objects: &Objects<'_>,
        submodules: &Submodules<'_>,
        prefix: &RepoPath,
        base: &RepoPath,
        leaf: Leaf,
        depth: usize,
    ) -> Result<()> {
        let path = base.join(leaf.path.as_bytes());
        if leaf.kind == EntryKind::Gitlink {
            let commit = CommitId(leaf.id);
            self.writer.put(&path, EntryKind::Gitlink, b"")?;
            let found = submodules.locate(&prefix.join(leaf.path.as_bytes()), commit);
            let found = found.filter(|_| depth < MAX_SUBMODULE_DEPTH);
            self.report.gitlinks.push(Gitlink {
                path: path.clone(),
                commit,
                materialised: found.is_some(),
            });
            return match found {
                Some((module, tree)) => {
                    self.write_tree(&module, tree, tree, &RepoPath::default(), &path, depth + 1)
                }
                None => Ok(()),
            };
        }
        let blob = objects.read(leaf.id, ObjectType::Blob)?;
        let bytes = &*blob;
        self.writer.put(&path, leaf.kind, bytes)?;
        self.report.files += 1;
        self.report.bytes += bytes.len() as u64;
        if is_lfs_pointer(bytes) {
            self.report.lfs_pointers.push(path);
        }
        Ok(())
    }
}

/// Returns whether a file stands for another one that git-lfs keeps.
pub(crate) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < MAX_LFS_POINTER_BYTES && bytes.starts_with(LFS_MAGIC)
}

/// A directory that is being written beside its destination and vanishes unless it is published.
pub(crate) struct Partial {
    path: PathBuf,
    published: bool,
}

/// How the directories that are being written are called: `.partial-<process>-<number>`.
pub(crate) const PARTIAL_PREFIX: &str = ".partial-";

impl Partial {
    /// Creates an empty directory beside `dest`, and `dest`'s parent when it does not exist.
    pub(crate) fn beside(dest: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let parent = dest.parent().ok_or_else(|| SourceError::BadPath {
            path: dest.display().to_string(),
        })?;
        fs::create_dir_all(parent).map_err(SourceError::io("create", parent))?;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("{PARTIAL_PREFIX}{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    return Ok(Self {
                        path,
                        published: false,
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(SourceError::io("create", path)(error)),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the directory its name; fails when something non-empty is there already.
    pub(crate) fn publish(mut self, dest: &Path) -> Result<()> {
        fs::rename(&self.path, dest).map_err(SourceError::io("finish", dest))?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "an unfinished checkout stays behind");
        }
    }
}

#[cfg(test)]
#[path = "checkout_tests.rs"]
mod tests;
