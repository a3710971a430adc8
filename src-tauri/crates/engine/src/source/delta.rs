//! What changed between two trees, and writing only that: the source of an incremental build.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use git2::{Odb, Oid};
use serde::Serialize;

use super::checkout::{CheckoutReport, Destination, Partial};
use super::error::{Result, SourceError};
use super::id::{CommitId, RepoPath, TreeId};
use super::object::{EntryKind, TreeEntry};
use super::repo::Repo;
use super::submodule::Submodules;
use super::tree::{Budget, Leaf, Unusable, walk};
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
    let odb = git.odb().map_err(SourceError::git("read the object database"))?;
    let mut comparison = Comparison {
        odb: &odb,
        budget: Budget::default(),
        delta: Delta::default(),
        gone: Vec::new(),
    };
    comparison.directories(from, to, &RepoPath::default(), 0)?;
    let mut delta = comparison.finish();
    delta.changed.sort_by(|one, other| one.path.cmp(&other.path));
    delta.deleted.sort();
    delta.gitlinks.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(delta)
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
    let odb = git.odb().map_err(SourceError::git("read the object database"))?;
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
        destination.write_leaf(&odb, &submodules, prefix, &RepoPath::default(), leaf, 0)?;
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

/// A comparison under way.
struct Comparison<'a> {
    odb: &'a Odb<'a>,
    budget: Budget,
    delta: Delta,
    /// Files that are gone, with their content: where renames may have come from.
    gone: Vec<(RepoPath, Oid)>,
}

impl Comparison<'_> {
    fn directories(
        &mut self,
        from: Option<TreeId>,
        to: Option<TreeId>,
        base: &RepoPath,
        depth: usize,
    ) -> Result<()> {
        if from == to {
            return Ok(());
        }
        let before = self.entries(from, base, depth)?;
        let after = self.entries(to, base, depth)?;
        let (mut before, mut after) = (before.into_iter().peekable(), after.into_iter().peekable());
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => one.name.cmp(&other.name),
            };
            let one = if order.is_le() { before.next() } else { None };
            let other = if order.is_ge() { after.next() } else { None };
            self.pair(one, other, base, depth)?;
        }
    }

    /// Compares what has one name in both directories.
    fn pair(
        &mut self,
        before: Option<TreeEntry>,
        after: Option<TreeEntry>,
        base: &RepoPath,
        depth: usize,
    ) -> Result<()> {
        use EntryKind::{Directory, Executable, File};
        if let (Some(one), Some(other)) = (&before, &after)
            && (one.kind, one.id) == (other.kind, other.id)
        {
            return Ok(());
        }
        let name = before
            .as_ref()
            .or(after.as_ref())
            .map(|entry| entry.name.clone())
            .unwrap_or_default();
        let path = base.join(&name);
        let before = self.unless_empty(before, &path, depth)?;
        let after = self.unless_empty(after, &path, depth)?;
        self.note_gitlink(&path, before.as_ref(), after.as_ref());
        match (before, after) {
            (None, None) => Ok(()),
            (Some(one), Some(other)) if one.kind == Directory && other.kind == Directory => {
                self.directories(Some(TreeId(one.id)), Some(TreeId(other.id)), &path, depth + 1)
            }
            (None, Some(other)) => self.added(&other, &path, ChangeKind::Added),
            (Some(one), None) => self.removed(&one, path),
            (Some(one), Some(other)) => {
                let files = [File, Executable];
                if files.contains(&one.kind) && files.contains(&other.kind) {
                    let kind = if one.id == other.id {
                        ChangeKind::ModeChanged
                    } else {
                        ChangeKind::Modified
                    };
                    return self.added(&other, &path, kind);
                }
                // A link is removed even for another link, or a copy might write through it; a submodule may be
                // a whole directory that is written anew.
                let same = one.kind == other.kind;
                let kind = if same {
                    ChangeKind::Modified
                } else {
                    ChangeKind::TypeChanged
                };
                self.removed(&one, path.clone())?;
                self.added(&other, &path, kind)
            }
        }
    }

    fn removed(&mut self, entry: &TreeEntry, path: RepoPath) -> Result<()> {
        let gone = &mut self.gone;
        match entry.kind {
            EntryKind::Directory => {
                let mut links = Vec::new();
                walk(
                    self.odb,
                    TreeId(entry.id),
                    &path,
                    &mut self.budget,
                    &mut Vec::new(),
                    &mut |leaf| {
                        match leaf.kind {
                            EntryKind::Gitlink => links.push((leaf.path, CommitId(leaf.id))),
                            _ => gone.push((leaf.path, leaf.id)),
                        }
                        Ok(())
                    },
                )?;
                self.delta
                    .gitlinks
                    .extend(links.into_iter().map(|(path, from)| GitlinkChange {
                        path,
                        from: Some(from),
                        to: None,
                    }));
            }
            EntryKind::Gitlink => {}
            _ => gone.push((path.clone(), entry.id)),
        }
        self.delta.deleted.push(path);
        Ok(())
    }

    fn added(&mut self, entry: &TreeEntry, path: &RepoPath, kind: ChangeKind) -> Result<()> {
        if entry.kind != EntryKind::Directory {
            let change = Change {
                path: path.clone(),
                kind,
                entry: entry.kind,
                id: entry.id,
            };
            self.delta.changed.push(change);
            return Ok(());
        }
        let Delta {
            changed,
            gitlinks,
            unusable,
            ..
        } = &mut self.delta;
        walk(
            self.odb,
            TreeId(entry.id),
            path,
            &mut self.budget,
            unusable,
            &mut |leaf| {
                if leaf.kind == EntryKind::Gitlink {
                    let to = Some(CommitId(leaf.id));
                    gitlinks.push(GitlinkChange {
                        path: leaf.path.clone(),
                        from: None,
                        to,
                    });
                }
                let Leaf {
                    path,
                    kind: entry,
                    id,
                } = leaf;
                changed.push(Change {
                    path,
                    kind: ChangeKind::Added,
                    entry,
                    id,
                });
                Ok(())
            },
        )
    }

    fn note_gitlink(&mut self, path: &RepoPath, before: Option<&TreeEntry>, after: Option<&TreeEntry>) {
        let commit = |entry: Option<&TreeEntry>| {
            entry
                .filter(|entry| entry.kind == EntryKind::Gitlink)
                .map(|entry| CommitId(entry.id))
        };
        let (from, to) = (commit(before), commit(after));
        if from.is_some() || to.is_some() {
            self.delta.gitlinks.push(GitlinkChange {
                path: path.clone(),
                from,
                to,
            });
        }
    }

    fn entries(&mut self, tree: Option<TreeId>, base: &RepoPath, depth: usize) -> Result<Vec<TreeEntry>> {
        let Some(tree) = tree else { return Ok(Vec::new()) };
        let (entries, unusable) = self.budget.read(self.odb, tree, base, depth)?;
        self.delta.unusable.extend(unusable);
        Ok(entries)
    }

    /// Drops a directory that holds no file at all: no checkout has it, so there is nothing to compare or remove.
    fn unless_empty(
        &mut self,
        entry: Option<TreeEntry>,
        path: &RepoPath,
        depth: usize,
    ) -> Result<Option<TreeEntry>> {
        match entry {
            Some(entry) if entry.kind == EntryKind::Directory => {
                let holds = self.holds_files(TreeId(entry.id), path, depth + 1)?;
                Ok(holds.then_some(entry))
            }
            other => Ok(other),
        }
    }

    fn holds_files(&mut self, tree: TreeId, path: &RepoPath, depth: usize) -> Result<bool> {
        let (entries, _) = self.budget.read(self.odb, tree, path, depth)?;
        // Files first: only an odd tree makes this look further down.
        if entries.iter().any(|entry| entry.kind != EntryKind::Directory) {
            return Ok(true);
        }
        for entry in entries {
            if self.holds_files(TreeId(entry.id), &path.join(&entry.name), depth + 1)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Pairs added files with gone ones of the same content, preferring the same file name.
    fn finish(self) -> Delta {
        let Self { mut delta, gone, .. } = self;
        let mut by_content: HashMap<Oid, BTreeMap<RepoPath, ()>> = HashMap::new();
        for (path, id) in gone.into_iter().filter(|(_, id)| !is_empty_blob(*id)) {
            by_content.entry(id).or_default().insert(path, ());
        }
        for change in delta
            .changed
            .iter_mut()
            .filter(|change| change.kind == ChangeKind::Added)
        {
            let Some(paths) = by_content.get_mut(&change.id) else {
                continue;
            };
            let name = change.path.components().next_back();
            let same_name = paths.keys().find(|path| path.components().next_back() == name);
            if let Some(from) = same_name.or_else(|| paths.keys().next()).cloned() {
                paths.remove(&from);
                change.kind = ChangeKind::RenamedFrom { from };
            }
        }
        delta
    }
}

fn is_empty_blob(id: Oid) -> bool {
    id.as_bytes()
        .starts_with(&[0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43])
}
