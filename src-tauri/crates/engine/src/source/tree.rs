//! Walking trees of git objects, with the entries no checkout may contain set aside.

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::error::{Result, SourceError};
use super::id::{RepoPath, TreeId};
use super::object::{EntryKind, TreeEntry};
use super::objects::Objects;

/// How deep directories may nest.
pub(crate) const MAX_DEPTH: usize = 256;
/// How many entries one walk may meet; a few small objects can describe billions of files.
const MAX_ENTRIES: usize = 4_000_000;

/// A tree entry that is not written because its name is unsafe or impossible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unusable {
    /// Where it would have been.
    pub path: RepoPath,
    /// Why it is left out, as the end of a sentence.
    pub reason: String,
}

/// A file, symbolic link or submodule of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) path: RepoPath,
    pub(crate) kind: EntryKind,
    pub(crate) id: Oid,
}

/// Counts entries so that a walk ends in reasonable time whatever the objects say.
pub(crate) struct Budget {
    entries: usize,
    max_entries: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(MAX_ENTRIES)
    }
}

impl Budget {
    pub(crate) fn of(max_entries: usize) -> Self {
        Self {
            entries: 0,
            max_entries,
        }
    }

    /// Reads the entries of a tree sorted by name, unusable ones apart.
    pub(crate) fn read(
        &mut self,
        objects: &Objects<'_>,
        tree: TreeId,
        base: &RepoPath,
        depth: usize,
    ) -> Result<(Vec<TreeEntry>, Vec<Unusable>)> {
        if depth > MAX_DEPTH {
            return Err(SourceError::TooDeep {
                path: base.clone(),
                max_depth: MAX_DEPTH,
            });
        }
        let mut entries = objects.tree(tree)?;
        // The directory itself counts too, or empty ones would be free.
        self.entries += entries.len() + 1;
        if self.entries > self.max_entries {
            return Err(SourceError::TooManyEntries {
                max_entries: self.max_entries,
            });
        }
        // The sort is stable: of two entries with one name the first stored counts.
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let mut unusable = Vec::new();
        let mut usable: Vec<TreeEntry> = Vec::with_capacity(entries.len());
        for entry in entries {
            let repeated = usable.last().is_some_and(|last| last.name == entry.name);
            match name_problem(&entry.name).or(repeated.then_some("is listed twice")) {
                Some(reason) => {
                    unusable.push(Unusable {
                        path: base.join(&entry.name),
                        reason: reason.to_owned(),
                    });
                }
                None => usable.push(entry),
            }
        }
        Ok((usable, unusable))
    }
}

/// Visits every file, symbolic link and submodule below `tree` in the order of their names, and collects what is
/// unusable; directories without any are not visited, as git does not keep them either.
pub(crate) fn walk(
    objects: &Objects<'_>,
    tree: TreeId,
    base: &RepoPath,
    budget: &mut Budget,
    unusable: &mut Vec<Unusable>,
    visit: &mut dyn FnMut(Leaf) -> Result<()>,
) -> Result<()> {
    walk_below(objects, tree, base, 0, budget, unusable, visit)
}

fn walk_below(
    objects: &Objects<'_>,
    tree: TreeId,
    base: &RepoPath,
    depth: usize,
    budget: &mut Budget,
    unusable: &mut Vec<Unusable>,
    visit: &mut dyn FnMut(Leaf) -> Result<()>,
) -> Result<()> {
    let (entries, bad) = budget.read(objects, tree, base, depth)?;
    unusable.extend(bad);
    for entry in entries {
        let path = base.join(&entry.name);
        match entry.kind {
            EntryKind::Directory => {
                walk_below(
                    objects,
                    TreeId(entry.id),
                    &path,
                    depth + 1,
                    budget,
                    unusable,
                    visit,
                )?;
            }
            kind => visit(Leaf {
                path,
                kind,
                id: entry.id,
            })?,
        }
    }
    Ok(())
}

/// Says why a name may not be written, with the rules git applies when it checks out.
fn name_problem(name: &[u8]) -> Option<&'static str> {
    if name.is_empty() {
        Some("has no name")
    } else if name == b"." || name == b".." {
        Some("would leave its directory")
    } else if name.contains(&b'/') {
        Some("has a slash in its name")
    } else if name.eq_ignore_ascii_case(b".git") || name.eq_ignore_ascii_case(b"git~1") {
        Some("would pose as a repository")
    } else if name.len() > 255 {
        Some("has a name longer than 255 bytes")
    } else {
        None
    }
}
