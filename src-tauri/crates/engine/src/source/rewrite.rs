//! Trees with some paths changed, written to an object database of ours.

use std::collections::BTreeMap;

use git2::{ObjectType, Odb, Oid};

use super::error::{Result, SourceError};
use super::id::{RepoPath, TreeId};
use super::object::{EntryKind, TreeEntry};
use super::objects::Objects;
use super::repo::Repo;

/// What paths become: a blob or submodule commit, or nothing.
pub(crate) type Changes = BTreeMap<RepoPath, Option<(EntryKind, Oid)>>;

/// Writes the tree that `base` is after `changes`; directories without a change keep their ids, and those left empty
/// disappear. Only new trees are written to `new`.
pub(crate) fn rewrite(repo: &Repo, new: &Odb<'_>, base: Option<TreeId>, changes: &Changes) -> Result<TreeId> {
    if let (Some(base), true) = (base, changes.is_empty()) {
        return Ok(base);
    }
    let git = repo.git()?;
    let objects = git.objects()?;
    let changes: Vec<Pending<'_>> = changes
        .iter()
        .map(|(path, entry)| (path.components().collect(), *entry))
        .collect();
    match below(&objects, new, base, &changes)? {
        Some(tree) => Ok(tree),
        None => write(new, Vec::new()),
    }
}

/// The rest of a changed path, and what is to be there.
type Pending<'a> = (Vec<&'a [u8]>, Option<(EntryKind, Oid)>);

fn below(
    objects: &Objects<'_>,
    new: &Odb<'_>,
    base: Option<TreeId>,
    changes: &[Pending<'_>],
) -> Result<Option<TreeId>> {
    let mut entries: BTreeMap<Vec<u8>, (EntryKind, Oid)> = BTreeMap::new();
    if let Some(base) = base {
        entries.extend(
            objects
                .tree(base)?
                .into_iter()
                .map(|entry| (entry.name, (entry.kind, entry.id))),
        );
    }
    let mut deeper: BTreeMap<&[u8], Vec<Pending<'_>>> = BTreeMap::new();
    // What is at a name itself first: a file may have given way to a directory, or the other way round.
    for (path, entry) in changes {
        match (path.as_slice(), entry) {
            ([], _) => {}
            ([name], Some(entry)) => drop(entries.insert(name.to_vec(), *entry)),
            ([name], None) => drop(entries.remove(*name)),
            ([name, rest @ ..], entry) => deeper.entry(name).or_default().push((rest.to_vec(), *entry)),
        }
    }
    for (name, changes) in deeper {
        let existing = entries.get(name).copied();
        let directory = existing.filter(|(kind, _)| *kind == EntryKind::Directory);
        match below(objects, new, directory.map(|(_, id)| TreeId(id)), &changes)? {
            Some(tree) => drop(entries.insert(name.to_vec(), (EntryKind::Directory, tree.0))),
            None if directory.is_some() => drop(entries.remove(name)),
            None => {}
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    let entries = entries
        .into_iter()
        .map(|(name, (kind, id))| TreeEntry { name, kind, id });
    write(new, entries.collect()).map(Some)
}

fn write(new: &Odb<'_>, mut entries: Vec<TreeEntry>) -> Result<TreeId> {
    // Git sorts a directory as if its name ended in a slash.
    entries.sort_by_cached_key(|entry| {
        let mut key = entry.name.clone();
        if entry.kind == EntryKind::Directory {
            key.push(b'/');
        }
        key
    });
    let mut data = Vec::new();
    for entry in entries {
        data.extend_from_slice(match entry.kind {
            EntryKind::File => b"100644 ",
            EntryKind::Executable => b"100755 ",
            EntryKind::Symlink => b"120000 ",
            EntryKind::Directory => b"40000 ",
            EntryKind::Gitlink => b"160000 ",
        });
        data.extend_from_slice(&entry.name);
        data.push(0);
        data.extend_from_slice(entry.id.as_bytes());
    }
    new.write(ObjectType::Tree, &data)
        .map(TreeId)
        .map_err(SourceError::git("store a tree"))
}
