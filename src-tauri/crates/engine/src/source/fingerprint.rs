//! Keys of source by content: the tree id git already has, so nothing is hashed.

use super::error::{Result, SourceError};
use super::id::{CommitId, RepoPath, TreeId};
use super::object::EntryKind;
use super::repo::Repo;

/// Returns the key of everything below `prefix` at a commit: the id of that directory's tree.
///
/// Names, modes, bytes and submodule commits count; author, message and parents do not, so a rebase or squash to the
/// same tree has the same key.
pub fn tree_key(repo: &Repo, commit: CommitId, prefix: &RepoPath) -> Result<String> {
    let tree = repo.commit(commit)?.tree;
    match repo.subtree(tree, prefix)? {
        Some(tree) => Ok(tree.to_string()),
        None => Err(SourceError::NoSuchPath {
            path: prefix.clone(),
            tree: format!("commit {}", commit.short()),
        }),
    }
}

/// Returns the key of one file, link, submodule or directory of a whole repository's tree, `None` when nothing is there.
///
/// The kind is part of the key: a file that becomes executable is a different one. This takes everything below a
/// directory into account; what a `.dockerignore` would leave out has to be subtracted by the caller.
pub fn path_key(repo: &Repo, tree: TreeId, path: &RepoPath) -> Result<Option<String>> {
    let Some(entry) = repo.entry_at(tree, path)? else {
        return Ok(None);
    };
    let kind = match entry.kind {
        EntryKind::File => "file",
        EntryKind::Executable => "executable",
        EntryKind::Symlink => "symlink",
        EntryKind::Directory => "directory",
        EntryKind::Gitlink => "submodule",
    };
    Ok(Some(format!("{kind}:{}", entry.id)))
}
