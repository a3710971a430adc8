//! One file of a commit, for configuration: with a limit, and links followed only inside the tree.

use git2::{ObjectType, Oid};

use super::error::{Result, SourceError};
use super::id::{CommitId, RepoPath, TreeId};
use super::object::EntryKind;
use super::repo::Repo;

/// A file as a commit has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAt {
    /// Its content.
    pub bytes: Vec<u8>,
    /// The id of its blob.
    pub id: Oid,
    /// Where it was found; differs from what was asked for when symbolic links led there.
    pub path: RepoPath,
    /// Whether it is executable.
    pub executable: bool,
}

const MAX_LINKS: usize = 16;
const MAX_LINK_BYTES: u64 = 4096;

/// Reads the file at `path` (relative to the repository) of a commit; `None` when nothing is there.
///
/// Symbolic links are followed inside the tree. A directory or submodule, a link that leaves the tree, dangles or goes in
/// circles, and a file of more than `max_bytes` are distinct errors.
pub fn read_file(repo: &Repo, commit: CommitId, path: &RepoPath, max_bytes: u64) -> Result<Option<FileAt>> {
    read_file_in(repo, repo.commit(commit)?.tree, path, max_bytes)
}

/// Reads the file at `path` of a whole repository's tree, as [`read_file`] does.
pub fn read_file_in(repo: &Repo, tree: TreeId, path: &RepoPath, max_bytes: u64) -> Result<Option<FileAt>> {
    let git = repo.git()?;
    let objects = git.objects()?;
    let mut pending: Vec<Vec<u8>> = path.components().rev().map(<[u8]>::to_vec).collect();
    let mut directories = vec![tree];
    let mut at: Vec<Vec<u8>> = Vec::new();
    let mut links = 0;
    let bad_link = |problem| SourceError::BadLink {
        path: path.clone(),
        problem,
    };
    while let Some(name) = pending.pop() {
        if name == b"." {
            continue;
        }
        if name == b".." {
            directories.pop();
            at.pop();
            if directories.is_empty() {
                return Err(bad_link("that leaves the repository"));
            }
            continue;
        }
        let Some(directory) = directories.last() else {
            break;
        };
        let Some(entry) = objects
            .tree(*directory)?
            .into_iter()
            .find(|entry| entry.name == name)
        else {
            return if links == 0 {
                Ok(None)
            } else {
                Err(bad_link("to nothing"))
            };
        };
        match entry.kind {
            EntryKind::Directory => {
                directories.push(TreeId(entry.id));
                at.push(name);
            }
            EntryKind::Symlink => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(bad_link("that goes in circles"));
                }
                let target = read_blob(repo, path, entry.id, MAX_LINK_BYTES)?;
                if target.first() == Some(&b'/') {
                    return Err(bad_link("that leaves the repository"));
                }
                let target = target.split(|byte| *byte == b'/').filter(|part| !part.is_empty());
                pending.extend(target.rev().map(<[u8]>::to_vec));
            }
            EntryKind::Gitlink => return Err(not_a_file(path, entry.kind)),
            // Something below a file: nothing is there.
            EntryKind::File | EntryKind::Executable if !pending.is_empty() => return Ok(None),
            EntryKind::File | EntryKind::Executable => {
                at.push(name);
                return Ok(Some(FileAt {
                    bytes: read_blob(repo, path, entry.id, max_bytes)?,
                    id: entry.id,
                    path: RepoPath::new(at.join(&b'/')),
                    executable: entry.kind == EntryKind::Executable,
                }));
            }
        }
    }
    Err(not_a_file(path, EntryKind::Directory))
}

fn not_a_file(path: &RepoPath, kind: EntryKind) -> SourceError {
    SourceError::NotAFile {
        path: path.clone(),
        kind: kind.word(),
    }
}

/// Reads a blob of at most `max_bytes`; `path` is what to call it in an error.
pub(crate) fn read_blob(repo: &Repo, path: &RepoPath, id: Oid, max_bytes: u64) -> Result<Vec<u8>> {
    let git = repo.git()?;
    let objects = git.objects()?;
    // The header tells the size without unpacking what may be gigabytes.
    let (_, bytes) = objects.header(id)?;
    if bytes > max_bytes {
        return Err(SourceError::TooLarge {
            path: path.clone(),
            bytes,
            max_bytes,
        });
    }
    Ok(objects.read(id, ObjectType::Blob)?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestRepo;
    use super::*;

    fn answer(test: &TestRepo, tree: TreeId, path: &str) -> String {
        match read_file_in(&test.repo(), tree, &RepoPath::from(path), 10) {
            Ok(Some(file)) => format!("{} at {}", String::from_utf8_lossy(&file.bytes), file.path),
            Ok(None) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_way_a_path_can_end_has_its_sentence() {
        let test = TestRepo::new();
        let tree = test.tree(&[
            (".gitpod.yml", b"image: x"),
            ("dir/file*", b"y"),
            ("large", b"12345678901"),
            ("dir/up@", b"../.gitpod.yml"),
            ("dir/around@", b"./../dir/./up"),
            ("folder-link@", b"dir"),
            ("dangling@", b"none"),
            ("circle@", b"other"),
            ("other@", b"circle"),
            ("absolute@", b"/etc/passwd"),
            ("out@", b"dir/../../secret"),
        ]);
        let expected = [
            (".gitpod.yml", "image: x at .gitpod.yml"),
            ("absent", "nothing"),
            ("dir/file/below", "nothing"),
            ("dir/up", "image: x at .gitpod.yml"),
            ("dir/around", "image: x at .gitpod.yml"),
            ("folder-link/file", "y at dir/file"),
            ("dir", "dir is a directory, not a file"),
            ("folder-link", "folder-link is a directory, not a file"),
            ("large", "large is too large: 11 bytes, at most 10 are read"),
            ("dangling", "dangling is a symbolic link to nothing"),
            ("circle", "circle is a symbolic link that goes in circles"),
            (
                "absolute",
                "absolute is a symbolic link that leaves the repository",
            ),
            ("out", "out is a symbolic link that leaves the repository"),
        ];
        for (path, wanted) in expected {
            assert_eq!(answer(&test, tree, path), wanted, "{path}");
        }
        let module = test.raw_tree(&[("160000", b"m", Oid::from_bytes(&[1; 20]).unwrap())]);
        assert_eq!(answer(&test, module, "m/x"), "m/x is a submodule, not a file");
    }
}
