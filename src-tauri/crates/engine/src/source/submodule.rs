//! Finding the object store of a submodule the user has initialised; nothing is fetched.

use std::path::{Component, Path};

use super::error::Result;
use super::id::{CommitId, RepoPath, TreeId};
use super::object::EntryKind;
use super::read::read_blob;
use super::repo::Repo;

const MAX_GITMODULES_BYTES: u64 = 1 << 20;

/// The submodules a tree declares in `.gitmodules`.
pub(crate) struct Submodules<'repo> {
    repo: &'repo Repo,
    declared: Vec<(String, Vec<u8>)>,
}

impl<'repo> Submodules<'repo> {
    /// Reads `.gitmodules` of the whole repository's `tree`; without a readable one, names are taken from paths.
    pub(crate) fn of(repo: &'repo Repo, tree: TreeId) -> Result<Self> {
        let declared = match repo.entry_at(tree, &RepoPath::from(".gitmodules"))? {
            Some(entry) if matches!(entry.kind, EntryKind::File | EntryKind::Executable) => {
                let path = RepoPath::from(".gitmodules");
                read_blob(repo, &path, entry.id, MAX_GITMODULES_BYTES)
                    .map(|bytes| parse(&String::from_utf8_lossy(&bytes)))
                    .unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Ok(Self { repo, declared })
    }

    /// Returns the submodule's repository and the tree of `commit` in it, when both are on this machine.
    pub(crate) fn locate(&self, path: &RepoPath, commit: CommitId) -> Option<(Repo, TreeId)> {
        let declared = self.declared.iter().find(|(_, at)| at == path.as_bytes());
        let name = declared.map_or_else(|| path.as_path(), |(name, _)| Path::new(name));
        // A hostile name such as `../../other` must not reach another repository.
        let safe = |part: Component<'_>| matches!(part, Component::Normal(_));
        let mut homes = Vec::new();
        if name.components().all(safe) {
            homes.push(self.repo.git_dir().join("modules").join(name));
            homes.push(self.repo.common_dir().join("modules").join(name));
        }
        if let Some(workdir) = self.repo.workdir()
            && path.as_path().components().all(safe)
        {
            homes.push(workdir.join(path.as_path()).join(".git"));
        }
        homes.into_iter().filter(|home| home.is_dir()).find_map(|home| {
            let module = Repo::open_git_dir(&home).ok()?;
            let tree = module.commit(commit).ok()?.tree;
            Some((module, tree))
        })
    }
}

/// Reads the names and paths of `[submodule "name"]` sections.
fn parse(text: &str) -> Vec<(String, Vec<u8>)> {
    let mut declared = Vec::new();
    let mut section = None;
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header
                .strip_prefix("submodule")
                .and_then(|rest| rest.trim().strip_prefix('"')?.strip_suffix("\"]"))
                .map(|name| name.replace("\\\"", "\"").replace("\\\\", "\\"));
        } else if let (Some(name), Some((key, value))) = (&section, line.split_once('='))
            && key.trim().eq_ignore_ascii_case("path")
        {
            let path = value.trim().trim_matches('"').trim_end_matches('/');
            declared.push((name.clone(), path.as_bytes().to_vec()));
        }
    }
    declared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_read_from_gitmodules() {
        let text = "[submodule \"lib/one\"]\n\tpath = vendor/one\n\turl = ../one\n[core]\npath = no\n[submodule \"b\"]\n path=b/\n";
        let found = parse(text);
        assert_eq!(
            found,
            [
                ("lib/one".into(), b"vendor/one".to_vec()),
                ("b".into(), b"b".to_vec())
            ]
        );
    }
}
