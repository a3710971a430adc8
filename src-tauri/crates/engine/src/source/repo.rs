//! Opening a repository to read it: never written to, and nothing it configures is run.

use std::collections::HashSet;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError};

use git2::{ErrorCode, Oid, Repository, RepositoryOpenFlags};

use super::error::{Result, SourceError};
use super::id::{CommitId, RepoPath, TreeId};
use super::object::{CommitInfo, EntryKind, TreeEntry};
use super::objects::{Objects, with_alternates};

/// A repository opened for reading, with the project's place inside it.
///
/// Cheap to clone and usable from any thread at once: each call borrows an open libgit2 handle from a small pool and
/// opens another (about 0.2 ms) when all are in use. Refs and new objects are seen as they change.
#[derive(Clone)]
pub struct Repo(Arc<Inner>);

struct Inner {
    git_dir: PathBuf,
    common_dir: PathBuf,
    workdir: Option<PathBuf>,
    source_root: RepoPath,
    /// Object directories of ours, read in addition to the repository's own.
    extra_objects: Vec<PathBuf>,
    /// All object directories: the repository's, those it borrows from, and ours.
    object_dirs: Vec<PathBuf>,
    idle: Mutex<Vec<Repository>>,
}

const MAX_IDLE: usize = 4;

impl Repo {
    /// Opens the repository that `path` lies in: a folder of a work tree or linked worktree, a `.git` directory, or a
    /// bare repository. Folders above `path` are searched as git does, except across file systems.
    pub fn open(path: &Path) -> Result<Self> {
        prepare_libgit2();
        let asked = path.canonicalize().map_err(SourceError::io("open", path))?;
        let git = Repository::open_ext(&asked, RepositoryOpenFlags::empty(), &[] as &[&Path]).map_err(
            |source| match source.code() {
                ErrorCode::NotFound => SourceError::NotARepository {
                    path: path.to_owned(),
                },
                _ => SourceError::Open {
                    path: path.to_owned(),
                    source,
                },
            },
        )?;
        let canonical = |dir: &Path| dir.canonicalize().map_err(SourceError::io("open", dir));
        let git_dir = canonical(git.path())?;
        let common_dir = canonical(git.commondir())?;
        let workdir = git.workdir().map(canonical).transpose()?;
        let source_root = match &workdir {
            // Asked for the `.git` directory itself: the project is the whole repository.
            _ if asked.starts_with(&git_dir) => RepoPath::default(),
            None => RepoPath::default(),
            Some(workdir) => match asked.strip_prefix(workdir) {
                Ok(below) => RepoPath::new(std::os::unix::ffi::OsStrExt::as_bytes(below.as_os_str())),
                Err(_) => {
                    let (path, workdir) = (path.to_owned(), workdir.clone());
                    return Err(SourceError::ForeignWorkTree { path, workdir });
                }
            },
        };
        let object_dirs = with_alternates(&common_dir.join("objects"));
        let inner = Inner {
            git_dir,
            common_dir,
            workdir,
            source_root,
            extra_objects: Vec::new(),
            object_dirs,
            idle: Mutex::new(vec![git]),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Opens exactly this git directory, without looking for one around it.
    pub(crate) fn open_git_dir(git_dir: &Path) -> Result<Self> {
        prepare_libgit2();
        let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
        let git =
            Repository::open_ext(git_dir, flags, &[] as &[&Path]).map_err(|source| SourceError::Open {
                path: git_dir.to_owned(),
                source,
            })?;
        Ok(Self(Arc::new(Inner {
            git_dir: git_dir.to_owned(),
            common_dir: git.commondir().to_owned(),
            workdir: git.workdir().map(Path::to_owned),
            source_root: RepoPath::default(),
            extra_objects: Vec::new(),
            object_dirs: with_alternates(&git.commondir().join("objects")),
            idle: Mutex::new(vec![git]),
        })))
    }

    /// Returns the root of the work tree, canonical; `None` for a bare repository.
    pub fn workdir(&self) -> Option<&Path> {
        self.0.workdir.as_deref()
    }

    /// Returns the git directory, canonical; for a linked worktree that worktree's own.
    pub fn git_dir(&self) -> &Path {
        &self.0.git_dir
    }

    /// Returns the git directory that holds objects and branches, shared by linked worktrees.
    pub fn common_dir(&self) -> &Path {
        &self.0.common_dir
    }

    /// Returns where the opened folder lies below the repository's root, such as `services/api`; empty at the root.
    pub fn source_root(&self) -> &RepoPath {
        &self.0.source_root
    }

    /// Returns whether the repository has no work tree.
    pub fn is_bare(&self) -> bool {
        self.0.workdir.is_none()
    }

    /// Returns whether history ends early because the clone is shallow.
    pub fn is_shallow(&self) -> bool {
        std::fs::metadata(self.0.common_dir.join("shallow")).is_ok_and(|file| file.len() > 0)
    }

    /// Returns whether there is no branch, no tag and no commit at HEAD.
    pub fn is_empty(&self) -> Result<bool> {
        let unborn = matches!(self.head()?, super::Head::Unborn { .. });
        Ok(unborn && self.refs()?.is_empty())
    }

    /// Reads what a commit says about itself.
    pub fn commit(&self, id: CommitId) -> Result<CommitInfo> {
        let git = self.git()?;
        let objects = git.objects()?;
        objects.commit(id, |commit| commit.into_info(id))
    }

    /// Returns the commits at which a shallow clone's history was cut; their parents are not to be followed.
    pub(crate) fn shallow_boundary(&self) -> Result<HashSet<Oid>> {
        let path = self.0.common_dir.join("shallow");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashSet::new()),
            Err(error) => return Err(SourceError::io("read", path)(error)),
        };
        let text = String::from_utf8_lossy(&text);
        Ok(text
            .lines()
            .filter_map(|line| Oid::from_str(line.trim()).ok())
            .collect())
    }

    /// Returns what lies at `path` of `tree`: the tree itself for the empty path, `None` when nothing is there.
    pub(crate) fn entry_at(&self, tree: TreeId, path: &RepoPath) -> Result<Option<TreeEntry>> {
        let git = self.git()?;
        let objects = git.objects()?;
        let mut found = TreeEntry {
            name: Vec::new(),
            kind: EntryKind::Directory,
            id: tree.0,
        };
        for component in path.components() {
            if found.kind != EntryKind::Directory {
                return Ok(None);
            }
            let entries = objects.tree(TreeId(found.id))?;
            match entries.into_iter().find(|entry| entry.name == component) {
                Some(entry) => found = entry,
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    /// Returns the tree of the directory `prefix` in `tree`, `None` when there is nothing at that path.
    pub fn subtree(&self, tree: TreeId, prefix: &RepoPath) -> Result<Option<TreeId>> {
        match self.entry_at(tree, prefix)? {
            None => Ok(None),
            Some(entry) if entry.kind == EntryKind::Directory => Ok(Some(TreeId(entry.id))),
            Some(entry) => Err(SourceError::NotADirectory {
                path: prefix.clone(),
                kind: entry.kind.word(),
            }),
        }
    }

    /// Returns the same repository with an object directory of ours read in addition.
    pub(crate) fn with_objects(&self, objects: &Path) -> Self {
        let mut extra_objects = self.0.extra_objects.clone();
        extra_objects.push(objects.to_owned());
        let mut object_dirs = self.0.object_dirs.clone();
        object_dirs.push(objects.to_owned());
        Self(Arc::new(Inner {
            git_dir: self.0.git_dir.clone(),
            common_dir: self.0.common_dir.clone(),
            workdir: self.0.workdir.clone(),
            source_root: self.0.source_root.clone(),
            extra_objects,
            object_dirs,
            idle: Mutex::default(),
        }))
    }

    /// Lends an open libgit2 handle; it goes back to the pool when dropped.
    pub(crate) fn git(&self) -> Result<Lent<'_>> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let git = match idle {
            Some(git) => git,
            None => self.open_handle()?,
        };
        Ok(Lent {
            git: Some(git),
            home: &self.0,
        })
    }

    /// Opens a handle that is not shared, for callers that change its settings.
    pub(crate) fn separate_handle(&self) -> Result<Repository> {
        self.open_handle()
    }

    fn open_handle(&self) -> Result<Repository> {
        let open = || {
            let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
            let git = Repository::open_ext(&self.0.git_dir, flags, &[] as &[&Path])?;
            for objects in &self.0.extra_objects {
                let path = objects
                    .to_str()
                    .ok_or_else(|| git2::Error::from_str("a path is not UTF-8"))?;
                git.odb()?.add_disk_alternate(path)?;
            }
            Ok(git)
        };
        open().map_err(|source| SourceError::Open {
            path: self.0.git_dir.clone(),
            source,
        })
    }
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repo").field(&self.0.git_dir).finish()
    }
}

/// An open libgit2 handle on loan from its [`Repo`].
pub(crate) struct Lent<'repo> {
    git: Option<Repository>,
    home: &'repo Inner,
}

impl Lent<'_> {
    /// Returns the object database, read with our own care for loose objects.
    pub(crate) fn objects(&self) -> Result<Objects<'_>> {
        let odb = self.odb().map_err(SourceError::git("open the object database"))?;
        Ok(Objects::new(odb, &self.home.object_dirs))
    }
}

impl Deref for Lent<'_> {
    type Target = Repository;

    #[expect(clippy::expect_used, reason = "only drop takes the handle out")]
    fn deref(&self) -> &Repository {
        self.git.as_ref().expect("the handle is here until drop")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.extend(self.git.take());
        }
    }
}

/// Sets libgit2 up once for this process.
///
/// Refusing repositories that belong to someone else protects programs that run what a repository configures; nothing
/// here does, and a folder mounted or cloned by another user is an ordinary project. Partial clones are readable as far
/// as their objects are present. The object cache would grow to 256 MB while walking a long history and never hit.
#[expect(
    unsafe_code,
    reason = "process-wide options of libgit2, set once before it is used"
)]
fn prepare_libgit2() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        git2::opts::enable_caching(false);
        // SAFETY: these two write static variables of libgit2. `Once` lets one thread do it, and every use of libgit2
        // in this process comes after, because the engine reaches git only through `Repo::open`.
        let set = unsafe {
            git2::opts::set_verify_owner_validation(false)
                .and_then(|()| git2::opts::set_extensions(&["partialclone"]))
        };
        if let Err(error) = set {
            tracing::warn!(%error, "libgit2 refused its options");
        }
    });
}

#[cfg(test)]
#[path = "repo_tests.rs"]
mod tests;
