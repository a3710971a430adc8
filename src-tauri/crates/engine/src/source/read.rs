//! One file of a commit, for configuration: with a limit, and links followed only inside the tree.

use git2::{ErrorCode, ObjectType, Oid};

use super::error::{Result, SourceError};
use super::id::{CommitId, RepoPath, TreeId};
use super::object::{EntryKind, read_object, read_tree};
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
    let odb = git.odb().map_err(SourceError::git("read the object database"))?;
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
        let Some(entry) = read_tree(&odb, *directory)?
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
    let odb = git.odb().map_err(SourceError::git("read the object database"))?;
    // The header tells the size without unpacking what may be gigabytes.
    let (bytes, _) = odb.read_header(id).map_err(|error| match error.code() {
        ErrorCode::NotFound => SourceError::Missing { kind: "blob", id },
        _ => SourceError::Corrupt {
            kind: "blob",
            id,
            reason: error.message().to_owned(),
        },
    })?;
    if bytes as u64 > max_bytes {
        return Err(SourceError::TooLarge {
            path: path.clone(),
            bytes: bytes as u64,
            max_bytes,
        });
    }
    Ok(read_object(&odb, id, ObjectType::Blob)?.data().to_vec())
}
