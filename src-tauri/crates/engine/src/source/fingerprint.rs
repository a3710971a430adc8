//! Keys of source by content: the tree id git already has, so nothing is hashed.

use super::error::{Result, SourceError};
use super::id::{CommitId, RepoPath, TreeId};
use super::object::EntryKind;
use super::repo::Repo;
use super::tree::{Budget, Leaf, walk};

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
    Ok(Some(format!("{}:{}", word(entry.kind), entry.id)))
}

/// Lists the files, links and submodules below a tree, with their paths relative to it and their keys, in the order of
/// their names.
pub fn files_of(repo: &Repo, tree: TreeId) -> Result<Vec<(String, String)>> {
    let git = repo.git()?;
    let objects = git.objects()?;
    let mut files = Vec::new();
    let mut visit = |leaf: Leaf| {
        let path = String::from_utf8_lossy(leaf.path.as_bytes()).into_owned();
        files.push((path, format!("{}:{}", word(leaf.kind), leaf.id)));
        Ok(())
    };
    walk(
        &objects,
        tree,
        &RepoPath::default(),
        &mut Budget::default(),
        &mut Vec::new(),
        &mut visit,
    )?;
    Ok(files)
}

fn word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Executable => "executable",
        EntryKind::Symlink => "symlink",
        EntryKind::Directory => "directory",
        EntryKind::Gitlink => "submodule",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestRepo;
    use super::*;

    #[test]
    fn a_key_is_of_content_and_of_the_prefix_alone() {
        let test = TestRepo::new();
        let root = test.commit(1, &[]);
        let tree = test.tree(&[("api/a", b"1"), ("web/b", b"1")]);
        let (one, rebased) = (test.commit_tree(tree, 5, &[]), test.commit_tree(tree, 9, &[root]));
        let other_web = test.commit_tree(test.tree(&[("api/a", b"1"), ("web/b", b"2")]), 10, &[]);
        let other_mode = test.commit_tree(test.tree(&[("api/a*", b"1"), ("web/b", b"1")]), 10, &[]);
        let repo = test.repo();
        let key = |commit, prefix: &str| tree_key(&repo, commit, &RepoPath::from(prefix)).unwrap();
        assert_eq!(key(one, ""), key(rebased, ""));
        assert_eq!(key(one, "api"), key(other_web, "api"));
        assert_ne!(key(one, ""), key(other_web, ""));
        assert_ne!(key(one, "api"), key(other_mode, "api"));
        let error = tree_key(&repo, one, &RepoPath::from("none"))
            .unwrap_err()
            .to_string();
        assert_eq!(error, format!("none does not exist in commit {}", one.short()));
    }

    #[test]
    fn the_kind_of_a_path_is_part_of_its_key() {
        let test = TestRepo::new();
        let keys: Vec<_> = ["p", "p*", "p@", "p/x", "q"]
            .into_iter()
            .map(|path| path_key(&test.repo(), test.tree(&[(path, b"same")]), &RepoPath::from("p")).unwrap())
            .collect();
        assert_eq!(keys[4], None);
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }
}
