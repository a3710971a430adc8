//! Work trees that differ from their commit: what differs, and the tree a build of them would use.
//!
//! Neither the index nor the object database of the user's repository is written: the index is compared in memory, and
//! new objects go to a directory of ours.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use git2::{AttrCheckFlags, AttrValue, Repository, RepositoryInitOptions, Status, StatusOptions};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Head;
use super::error::{Result, SourceError};
use super::id::{CommitId, RepoPath, TreeId};
use super::object::EntryKind;
use super::read::read_blob;
use super::repo::{Lent, Repo};
use super::rewrite::rewrite;
use super::tree::{Budget, walk};

/// Whether a work tree holds exactly what HEAD does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum WorktreeState {
    /// Every file is as HEAD has it, and there is none that is neither tracked nor ignored.
    Clean,
    /// Something differs.
    Dirty(Dirty),
}

/// How a work tree differs from HEAD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dirty {
    /// Digest (64 hex digits) of the differing paths with the type, executable bit and bytes they have now.
    pub digest: String,
    /// The differing paths relative to the repository, sorted.
    pub changed: Vec<RepoPath>,
    /// How many of them differ in the index.
    pub staged: usize,
    /// How many of them are not tracked.
    pub untracked: usize,
}

/// Which kinds of differences a work tree has; ignored files are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that git knows differ from HEAD, staged or not.
    pub uncommitted: bool,
    /// There are files that git does not know.
    pub untracked: bool,
}

/// The tree of a work tree as it is, readable through a repository that knows the new objects.
#[derive(Clone, Debug)]
pub struct DirtyTree {
    /// The user's repository together with the objects of the work tree.
    pub repo: Repo,
    /// The tree of the whole repository; equals HEAD's when nothing differs.
    pub tree: TreeId,
    /// What cannot be part of a tree: nested repositories, sockets and the like.
    pub skipped: Vec<RepoPath>,
}

/// Compares the work tree below `prefix` with HEAD, honouring ignore rules; fails for a bare repository.
pub fn worktree_state(repo: &Repo, prefix: &RepoPath) -> Result<WorktreeState> {
    let workdir = workdir_of(repo)?;
    let differences = differences(repo, prefix)?;
    if differences.is_empty() {
        return Ok(WorktreeState::Clean);
    }
    let mut digest = blake3::Hasher::new();
    for difference in &differences {
        let path = &difference.path;
        digest
            .update(&(path.as_bytes().len() as u64).to_le_bytes())
            .update(path.as_bytes());
        match look_at(&workdir, difference)? {
            Now::Gone => digest.update(b"gone"),
            Now::Skipped => digest.update(b"skipped"),
            Now::Submodule(commit) => digest.update(b"submodule").update(commit.0.as_bytes()),
            Now::Link(target) => digest.update(b"link").update(blake3::hash(&target).as_bytes()),
            Now::File { executable } => {
                let mut content = blake3::Hasher::new();
                let path = workdir.join(path.as_path());
                fs::File::open(&path)
                    .and_then(|file| content.update_reader(file).map(drop))
                    .map_err(SourceError::io("read", path))?;
                let kind: &[u8] = if executable { b"executable" } else { b"file" };
                digest.update(kind).update(content.finalize().as_bytes())
            }
        };
    }
    Ok(WorktreeState::Dirty(Dirty {
        digest: digest.finalize().to_hex().to_string(),
        staged: differences
            .iter()
            .filter(|found| found.status.intersects(STAGED))
            .count(),
        untracked: differences
            .iter()
            .filter(|found| found.status.is_wt_new())
            .count(),
        changed: differences.into_iter().map(|found| found.path).collect(),
    }))
}

/// Says how the whole work tree differs from HEAD without reading what differs; a bare repository has no differences.
pub fn changes(repo: &Repo) -> Result<Changes> {
    if repo.is_bare() {
        return Ok(Changes::default());
    }
    let differences = differences(repo, &RepoPath::default())?;
    let is_new = |found: &&Difference| found.status == Status::WT_NEW;
    let untracked = differences.iter().filter(is_new).count();
    Ok(Changes {
        uncommitted: untracked < differences.len(),
        untracked: untracked > 0,
    })
}

/// Returns the tree that `git add --all` below `prefix` would give, HEAD's tree elsewhere.
///
/// New objects are written to `scratch`, a directory of ours that must outlive the result and can be reused or removed
/// afterwards. Content is converted as the repository's attributes say (line endings), but no filter program is run: a
/// changed file of git-lfs is taken as it is.
pub fn dirty_tree(repo: &Repo, prefix: &RepoPath, scratch: &Path) -> Result<DirtyTree> {
    let workdir = workdir_of(repo)?;
    let differences = differences(repo, prefix)?;
    let mut options = RepositoryInitOptions::new();
    let ours = Repository::init_opts(scratch, options.bare(true).external_template(false))
        .map_err(SourceError::git("create an object directory"))?;
    let objects = ours.odb().map_err(SourceError::git("open an object directory"))?;
    let git = repo.separate_handle()?;
    let trust_mode = git
        .config()
        .and_then(|config| config.get_bool("core.filemode"))
        .unwrap_or(true);
    let base = match repo.head()?.commit() {
        Some(head) => Some(repo.commit(head)?.tree),
        None => None,
    };
    // Blobs are written through the user's repository for its attributes, into an object database that knows only our
    // directory: libgit2 would otherwise refresh the times of equal objects in the user's.
    git.set_odb(&objects)
        .map_err(SourceError::git("use an object directory"))?;
    let mut changes = BTreeMap::new();
    let mut skipped = Vec::new();
    for difference in &differences {
        let path = workdir.join(difference.path.as_path());
        let blob = || {
            git.blob_path(&path)
                .map_err(SourceError::git("store a changed file"))
        };
        let entry = match look_at(&workdir, difference)? {
            Now::Gone => None,
            Now::Skipped => {
                skipped.push(difference.path.clone());
                continue;
            }
            Now::Submodule(commit) => Some((EntryKind::Gitlink, commit.0)),
            Now::Link(target) => {
                let id = objects.write(git2::ObjectType::Blob, &target);
                Some((
                    EntryKind::Symlink,
                    id.map_err(SourceError::git("store a changed link"))?,
                ))
            }
            Now::File { executable } if trust_mode => Some((
                if executable {
                    EntryKind::Executable
                } else {
                    EntryKind::File
                },
                blob()?,
            )),
            Now::File { .. } => {
                let before = base
                    .map(|tree| repo.entry_at(tree, &difference.path))
                    .transpose()?
                    .flatten();
                let kind = before
                    .map(|entry| entry.kind)
                    .filter(|kind| *kind == EntryKind::Executable);
                Some((kind.unwrap_or(EntryKind::File), blob()?))
            }
        };
        changes.insert(difference.path.clone(), entry);
    }
    let tree = rewrite(repo, &objects, base, &changes)?;
    Ok(DirtyTree {
        repo: repo.with_objects(&scratch.join("objects")),
        tree,
        skipped,
    })
}

const STAGED: Status = Status::INDEX_NEW
    .union(Status::INDEX_MODIFIED)
    .union(Status::INDEX_DELETED)
    .union(Status::INDEX_TYPECHANGE);

/// Set in the extended flags of index entries that a sparse checkout leaves out.
const SKIP_WORKTREE: u16 = git2::IndexEntryExtendedFlag::SKIP_WORKTREE.bits();

/// A path at which HEAD, index and work tree are not all the same.
struct Difference {
    path: RepoPath,
    status: Status,
}

fn differences(repo: &Repo, prefix: &RepoPath) -> Result<Vec<Difference>> {
    let git = repo.git()?;
    check_trees_of_head(repo, &git)?;
    let mut options = StatusOptions::new();
    options
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .include_ignored(false);
    // Never `update_index`: that would write the refreshed index back.
    options
        .include_unmodified(false)
        .disable_pathspec_match(true)
        .include_unreadable(true);
    if !prefix.is_empty() {
        options.pathspec(prefix.as_bytes());
    }
    // A sparse checkout lacks files on purpose; libgit2 reports them as deleted.
    let index = git.index().map_err(SourceError::git("read the index"))?;
    let left_out = |path: &RepoPath| {
        index
            .get_path(path.as_path(), 0)
            .is_some_and(|entry| entry.flags_extended & SKIP_WORKTREE != 0)
    };
    let statuses = git
        .statuses(Some(&mut options))
        .map_err(SourceError::git("compare the work tree"))?;
    let mut differences: Vec<Difference> = statuses
        .iter()
        .map(|entry| Difference {
            path: RepoPath::new(entry.path_bytes()),
            status: entry.status(),
        })
        .filter(|found| !found.status.is_empty() && !found.status.is_ignored())
        .filter(|found| found.status != Status::WT_DELETED || !left_out(&found.path))
        .collect();
    let head = match repo.head()? {
        Head::Unborn { .. } => None,
        Head::Branch { commit, .. } | Head::Detached { commit } => Some(repo.commit(commit)?.tree),
    };
    if let Some(head) = head {
        let mut kept = Vec::with_capacity(differences.len());
        for difference in differences {
            if !is_unchanged_lfs(repo, &git, head, &difference)? {
                kept.push(difference);
            }
        }
        differences = kept;
    }
    differences.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(differences)
}

/// Reads every tree of HEAD once, because libgit2 will, and does not return from a loose one that was cut short.
fn check_trees_of_head(repo: &Repo, git: &Lent<'_>) -> Result<()> {
    if let Some(head) = repo.head()?.commit() {
        let objects = git.objects()?;
        let tree = objects.commit(head, |commit| TreeId(commit.tree))?;
        let mut budget = Budget::default();
        walk(
            &objects,
            tree,
            &RepoPath::default(),
            &mut budget,
            &mut Vec::new(),
            &mut |_| Ok(()),
        )?;
    }
    Ok(())
}

/// What is at a path of the work tree.
enum Now {
    Gone,
    Skipped,
    Submodule(CommitId),
    Link(Vec<u8>),
    File { executable: bool },
}

fn look_at(workdir: &Path, difference: &Difference) -> Result<Now> {
    // Removed from the index and not listed as untracked: what is on disk is ignored.
    if difference.status.is_index_deleted() && !difference.status.is_wt_new() {
        return Ok(Now::Gone);
    }
    let path = workdir.join(difference.path.as_path());
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Now::Gone);
        }
        Err(error) => return Err(SourceError::io("read", path)(error)),
    };
    let kind = metadata.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(&path).map_err(SourceError::io("read", path))?;
        Ok(Now::Link(target.as_os_str().as_bytes().to_vec()))
    } else if kind.is_file() {
        Ok(Now::File {
            executable: metadata.permissions().mode() & 0o100 != 0,
        })
    } else if kind.is_dir() && !difference.status.is_wt_new() && path.join(".git").exists() {
        let module = Repo::open(&path)?;
        Ok(module.head()?.commit().map_or(Now::Skipped, Now::Submodule))
    } else if kind.is_dir() && !difference.status.is_wt_new() {
        // A file or submodule gave way to a directory, whose files are listed on their own.
        Ok(Now::Gone)
    } else {
        // Reading a pipe or device could wait for ever.
        Ok(Now::Skipped)
    }
}

/// Returns whether a file looks modified only because git-lfs put its content in the place of the pointer.
fn is_unchanged_lfs(repo: &Repo, git: &Repository, head: TreeId, difference: &Difference) -> Result<bool> {
    const MAX_POINTER_BYTES: u64 = 1024;
    if difference.status != Status::WT_MODIFIED {
        return Ok(false);
    }
    let flags = AttrCheckFlags::FILE_THEN_INDEX;
    let filter = git.get_attr_bytes(difference.path.as_path(), "filter", flags);
    if !matches!(filter.map(AttrValue::always_bytes), Ok(AttrValue::Bytes(b"lfs"))) {
        return Ok(false);
    }
    let Some(entry) = repo.entry_at(head, &difference.path)? else {
        return Ok(false);
    };
    let Ok(pointer) = read_blob(repo, &difference.path, entry.id, MAX_POINTER_BYTES) else {
        return Ok(false);
    };
    let Some(workdir) = repo.workdir() else {
        return Ok(false);
    };
    let path = workdir.join(difference.path.as_path());
    match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() => {}
        _ => return Ok(false),
    }
    let (sha256, bytes) = sha256_of(&path).map_err(SourceError::io("read", path))?;
    let wanted = format!("oid sha256:{sha256}\nsize {bytes}\n");
    Ok(pointer.ends_with(wanted.as_bytes()))
}

fn sha256_of(path: &Path) -> io::Result<(String, u64)> {
    let mut file = fs::File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => {
                digest.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
    let hex = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok((hex, bytes))
}

fn workdir_of(repo: &Repo) -> Result<PathBuf> {
    let bare = || SourceError::Bare {
        path: repo.git_dir().to_owned(),
    };
    Ok(repo.workdir().ok_or_else(bare)?.to_owned())
}

#[cfg(test)]
#[path = "dirty_tests.rs"]
mod tests;
