//! Walking two trees side by side and noting what differs.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use git2::Oid;

use super::delta::{Change, ChangeKind, Delta, GitlinkChange};
use super::error::Result;
use super::id::{CommitId, RepoPath, TreeId};
use super::object::{EntryKind, TreeEntry};
use super::objects::Objects;
use super::tree::{Budget, Leaf, walk};

/// A comparison under way.
pub(crate) struct Comparison<'a> {
    objects: &'a Objects<'a>,
    budget: Budget,
    delta: Delta,
    /// Files that are gone, with their content: where renames may have come from.
    gone: Vec<(RepoPath, Oid)>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(objects: &'a Objects<'a>) -> Self {
        Self {
            objects,
            budget: Budget::default(),
            delta: Delta::default(),
            gone: Vec::new(),
        }
    }

    pub(crate) fn directories(
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
                    self.objects,
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
            self.objects,
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
        let (entries, unusable) = self.budget.read(self.objects, tree, base, depth)?;
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
        let (entries, _) = self.budget.read(self.objects, tree, path, depth)?;
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

    /// Sorts what was found, and pairs added files with gone ones of the same content, preferring the same file name.
    pub(crate) fn finish(self) -> Delta {
        let Self { mut delta, gone, .. } = self;
        let mut by_content: HashMap<Oid, BTreeSet<RepoPath>> = HashMap::new();
        for (path, id) in gone.into_iter().filter(|(_, id)| !is_empty_blob(*id)) {
            by_content.entry(id).or_default().insert(path);
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
            let same_name = paths.iter().find(|path| path.components().next_back() == name);
            if let Some(from) = same_name.or_else(|| paths.iter().next()).cloned() {
                paths.remove(&from);
                change.kind = ChangeKind::RenamedFrom { from };
            }
        }
        delta.changed.sort_by(|one, other| one.path.cmp(&other.path));
        delta.deleted.sort();
        delta.gitlinks.sort_by(|one, other| one.path.cmp(&other.path));
        delta
    }
}

fn is_empty_blob(id: Oid) -> bool {
    id.as_bytes()
        .starts_with(&[0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43])
}
