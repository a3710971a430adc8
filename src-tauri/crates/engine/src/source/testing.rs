//! Real repositories in temporary folders, for this module's tests.

use std::path::Path;

use git2::{FileMode, Oid, Repository, Signature, Time};
use tempfile::TempDir;

use super::{CommitId, Repo, TreeId};

/// A repository with a work tree that is deleted when dropped.
pub(crate) struct TestRepo {
    pub(crate) dir: TempDir,
    pub(crate) git: Repository,
}

impl TestRepo {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        let git =
            Repository::init_opts(dir.path(), options.initial_head("main").external_template(false)).unwrap();
        Self { dir, git }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn repo(&self) -> Repo {
        Repo::open(self.path()).unwrap()
    }

    /// Writes a commit of `tree` at `time`; does not move any branch.
    pub(crate) fn commit_tree(&self, tree: TreeId, time: i64, parents: &[CommitId]) -> CommitId {
        let parents: Vec<_> = parents
            .iter()
            .map(|id| self.git.find_commit(id.0).unwrap())
            .collect();
        let parents: Vec<_> = parents.iter().collect();
        let who = Signature::new("Ada", "ada@example.com", &Time::new(time, 0)).unwrap();
        let tree = self.git.find_tree(tree.0).unwrap();
        let message = format!("commit at {time}");
        CommitId(
            self.git
                .commit(None, &who, &who, &message, &tree, &parents)
                .unwrap(),
        )
    }

    /// Writes a commit whose only file names it, so that all are different.
    pub(crate) fn commit(&self, time: i64, parents: &[CommitId]) -> CommitId {
        let unique = format!("{time} {parents:?}");
        self.commit_tree(self.tree(&[("file", unique.as_bytes())]), time, parents)
    }

    /// Writes a tree of regular files; a path that ends in `*` is executable, in `@` a symbolic link.
    pub(crate) fn tree(&self, files: &[(&str, &[u8])]) -> TreeId {
        let mut index = git2::Index::new().unwrap();
        for (path, bytes) in files {
            let (path, mode) = match path.as_bytes().last() {
                Some(b'*') => (&path[..path.len() - 1], FileMode::BlobExecutable),
                Some(b'@') => (&path[..path.len() - 1], FileMode::Link),
                _ => (*path, FileMode::Blob),
            };
            let id = self.git.blob(bytes).unwrap();
            index
                .add(&index_entry(path.as_bytes(), i32::from(mode) as u32, id))
                .unwrap();
        }
        TreeId(index.write_tree_to(&self.git).unwrap())
    }

    /// Writes an object whatever it holds, even when no sane program would.
    pub(crate) fn raw(&self, kind: git2::ObjectType, data: &[u8]) -> Oid {
        self.git.odb().unwrap().write(kind, data).unwrap()
    }

    /// Writes a tree object of these raw entries in the given order.
    pub(crate) fn raw_tree(&self, entries: &[(&str, &[u8], Oid)]) -> TreeId {
        let mut data = Vec::new();
        for (mode, name, id) in entries {
            data.extend_from_slice(mode.as_bytes());
            data.push(b' ');
            data.extend_from_slice(name);
            data.push(0);
            data.extend_from_slice(id.as_bytes());
        }
        TreeId(self.raw(git2::ObjectType::Tree, &data))
    }

    pub(crate) fn branch(&self, name: &str, commit: CommitId) {
        self.git
            .reference(&format!("refs/heads/{name}"), commit.0, true, "test")
            .unwrap();
    }

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

pub(crate) fn index_entry(path: &[u8], mode: u32, id: Oid) -> git2::IndexEntry {
    git2::IndexEntry {
        ctime: git2::IndexTime::new(0, 0),
        mtime: git2::IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.to_vec(),
    }
}

/// Runs the real git, which these tests use as an oracle and never as the subject.
pub(crate) fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new("git")
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A small deterministic source of numbers.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// Writes commits with merges, criss-crosses, several roots, equal times and wrong clocks; parents come first.
pub(crate) fn random_history(test: &TestRepo, random: &mut Random, count: usize) -> Vec<CommitId> {
    let mut commits: Vec<CommitId> = Vec::new();
    for number in 0..count as u64 {
        let mut parents: Vec<CommitId> = Vec::new();
        let wanted = [1, 1, 1, 1, 2, 2, 3, 0][random.below(8) as usize];
        for _ in 0..wanted {
            let recent = commits.len().min(8) as u64;
            if recent > 0 {
                let parent = commits[commits.len() - 1 - random.below(recent) as usize];
                if !parents.contains(&parent) {
                    parents.push(parent);
                }
            }
        }
        // Coarse times give ties; now and then a clock is far off.
        let skew = if random.below(10) == 0 {
            random.below(4000) as i64 - 2000
        } else {
            0
        };
        let time = 1_600_000_000 + (number as i64 / 3) * 100 + skew;
        let tree = test.tree(&[("n", number.to_string().as_bytes())]);
        commits.push(test.commit_tree(tree, time, &parents));
    }
    commits
}

/// Everything below a directory: its type, executable bit and bytes or link target.
pub(crate) fn snapshot(dir: &Path) -> std::collections::BTreeMap<Vec<u8>, (char, Vec<u8>)> {
    use std::os::unix::{ffi::OsStrExt, fs::PermissionsExt};
    let mut found = std::collections::BTreeMap::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(at) = pending.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            let mode = metadata.permissions().mode() & 0o777;
            let what = if metadata.is_symlink() {
                (
                    'l',
                    std::fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec(),
                )
            } else if metadata.is_dir() {
                pending.push(path.clone());
                assert_eq!(mode, 0o755, "{path:?}");
                ('d', Vec::new())
            } else {
                (
                    if mode & 0o100 != 0 { 'x' } else { 'f' },
                    std::fs::read(&path).unwrap(),
                )
            };
            found.insert(
                path.strip_prefix(dir).unwrap().as_os_str().as_bytes().to_vec(),
                what,
            );
        }
    }
    found
}
