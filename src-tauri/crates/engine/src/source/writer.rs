//! Writing files below one directory, never through a symbolic link and never outside.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use git2::Oid;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use super::error::{Result, SourceError};
use super::id::{RepoPath, TreeId};
use super::object::EntryKind;

/// The modification time that every file, link and directory of one checkout gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds within the second, below 1,000,000,000.
    pub nanos: u32,
}

/// 1980-01-01: zip has no earlier time, and make takes the first second of 1970 for "does not exist".
const EARLIEST: i64 = 315_532_800;
/// 2038-01-19: the last second that every file system can hold.
const LATEST: i64 = i32::MAX as i64;

impl Stamp {
    /// Returns the stamp of a full checkout of `tree` at a commit of `commit_time`.
    ///
    /// BuildKit decides by size and modification time which files to send again; nanoseconds taken from the tree's id
    /// keep two trees of the same second apart. Times that file systems or tools cannot hold are moved to ones they can.
    pub fn of_tree(commit_time: i64, tree: TreeId) -> Self {
        Self {
            seconds: commit_time.clamp(EARLIEST, LATEST),
            nanos: nanos_of(tree.0),
        }
    }

    /// Returns the stamp of a moment, for changed files that must be newer than everything in a base.
    pub fn at(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            seconds: i64::try_from(since.as_secs()).unwrap_or(LATEST),
            nanos: since.subsec_nanos(),
        }
    }

    fn times(self) -> Timestamps {
        let time = Timespec {
            tv_sec: self.seconds,
            tv_nsec: i64::from(self.nanos),
        };
        Timestamps {
            last_access: time,
            last_modification: time,
        }
    }
}

fn nanos_of(id: Oid) -> u32 {
    let seed = id
        .as_bytes()
        .iter()
        .take(8)
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    u32::try_from(seed % 1_000_000_000).unwrap_or_default()
}

/// Writes files in the order of their paths, keeping the directories on the way open.
///
/// Every name is opened relative to its directory's descriptor and without following links, and a file is only ever
/// created new: whatever a hostile tree lists, nothing outside the root is touched.
pub(crate) struct Writer {
    path: PathBuf,
    root: OwnedFd,
    open: Vec<(Vec<u8>, OwnedFd)>,
    times: Timestamps,
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Writer {
    /// Starts writing below `root`, an existing directory of ours.
    pub(crate) fn new(root: &Path, stamp: Stamp) -> Result<Self> {
        let fd =
            rustix::fs::openat(CWD, root, DIRECTORY, Mode::empty()).map_err(SourceError::io("open", root))?;
        Ok(Self {
            path: root.to_owned(),
            root: fd,
            open: Vec::new(),
            times: stamp.times(),
        })
    }

    /// Writes one entry with its parents; `bytes` are a file's content or a link's target, unused for a directory.
    pub(crate) fn put(&mut self, path: &RepoPath, kind: EntryKind, bytes: &[u8]) -> Result<()> {
        self.try_put(path, kind, bytes).map_err(|error| SourceError::Io {
            action: "write",
            path: self.path.join(path.as_path()),
            source: error,
        })
    }

    /// Sets the times of the directories still open; must be called once everything is written.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.close_to(0)
            .and_then(|()| seal_directory(&self.root, &self.times))
            .map_err(SourceError::io("write", &self.path))
    }

    fn try_put(&mut self, path: &RepoPath, kind: EntryKind, bytes: &[u8]) -> io::Result<()> {
        let components: Vec<&[u8]> = path.components().collect();
        let Some((name, parents)) = components.split_last() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if components
            .iter()
            .any(|component| matches!(*component, b"." | b".."))
        {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let shared = self
            .open
            .iter()
            .zip(parents)
            .take_while(|((name, _), parent)| name == *parent)
            .count();
        self.close_to(shared)?;
        for parent in &parents[shared..] {
            self.enter(parent)?;
        }
        let directory = self.open.last().map_or(self.root.as_fd(), |(_, fd)| fd.as_fd());
        match kind {
            EntryKind::File => put_file(directory, name, bytes, 0o644, &self.times),
            EntryKind::Executable => put_file(directory, name, bytes, 0o755, &self.times),
            EntryKind::Symlink => put_link(directory, name, bytes, &self.times),
            EntryKind::Directory | EntryKind::Gitlink => {
                let fd = make_directory(directory, name)?;
                seal_directory(&fd, &self.times)
            }
        }
    }

    fn enter(&mut self, name: &[u8]) -> io::Result<()> {
        let parent = self.open.last().map_or(self.root.as_fd(), |(_, fd)| fd.as_fd());
        let fd = make_directory(parent, name)?;
        self.open.push((name.to_vec(), fd));
        Ok(())
    }

    fn close_to(&mut self, depth: usize) -> io::Result<()> {
        while self.open.len() > depth {
            if let Some((_, fd)) = self.open.pop() {
                seal_directory(&fd, &self.times)?;
            }
        }
        Ok(())
    }
}

fn make_directory(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let name = OsStr::from_bytes(name);
    match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(rustix::fs::openat(parent, name, DIRECTORY, Mode::empty())?)
}

fn seal_directory(fd: &OwnedFd, times: &Timestamps) -> io::Result<()> {
    rustix::fs::fchmod(fd, Mode::from_raw_mode(0o755))?;
    Ok(rustix::fs::futimens(fd, times)?)
}

fn put_file(
    directory: BorrowedFd<'_>,
    name: &[u8],
    mut bytes: &[u8],
    mode: u16,
    times: &Timestamps,
) -> io::Result<()> {
    let mode = Mode::from_raw_mode(mode.into());
    let fd = rustix::fs::openat(directory, OsStr::from_bytes(name), NEW_FILE, mode)?;
    while !bytes.is_empty() {
        match rustix::io::write(&fd, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // The mode given to open was cut by the umask.
    rustix::fs::fchmod(&fd, mode)?;
    Ok(rustix::fs::futimens(&fd, times)?)
}

fn put_link(directory: BorrowedFd<'_>, name: &[u8], target: &[u8], times: &Timestamps) -> io::Result<()> {
    let name = OsStr::from_bytes(name);
    rustix::fs::symlinkat(OsStr::from_bytes(target), directory, name)?;
    Ok(rustix::fs::utimensat(
        directory,
        name,
        times,
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}
