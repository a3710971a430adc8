//! Reading objects by id: everything this module learns from a repository passes through here.

use std::cell::Cell;
use std::fs;
use std::io::{self, Read};
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Odb, OdbObject, Oid};

use super::error::{Result, SourceError};
use super::id::{CommitId, TreeId};
use super::loose;
use super::object::{RawCommit, TreeEntry, parse_tree};

/// The object database of a repository, with a sentence for every object that is missing or damaged.
pub(crate) struct Objects<'repo> {
    odb: Odb<'repo>,
    dirs: &'repo [PathBuf],
    reads: Cell<u32>,
    /// Which of the 256 folders for loose objects exist in each directory, once that is worth knowing.
    folders: Cell<Option<[bool; 256]>>,
}

/// The bytes of an object.
pub(crate) enum Content<'odb> {
    Loose(Vec<u8>),
    Packed(OdbObject<'odb>),
}

impl Deref for Content<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Loose(data) => data,
            Self::Packed(object) => object.data(),
        }
    }
}

/// After so many reads, one look at the folders costs less than a failed `open` for every packed object.
const READS_BEFORE_LISTING: u32 = 256;

impl<'repo> Objects<'repo> {
    pub(crate) fn new(odb: Odb<'repo>, dirs: &'repo [PathBuf]) -> Self {
        Self {
            odb,
            dirs,
            reads: Cell::new(0),
            folders: Cell::new(None),
        }
    }

    /// Reads an object that must be of `wanted` type.
    pub(crate) fn read(&self, id: Oid, wanted: ObjectType) -> Result<Content<'_>> {
        let kind = wanted.str();
        let damaged = |reason: String| SourceError::Corrupt { kind, id, reason };
        let (found, content) = match self.loose(id, kind)? {
            Some(file) => {
                let (found, data) = file.read(id).map_err(|error| damaged(reason_of(&error)))?;
                (found, Content::Loose(data))
            }
            None => {
                let object = self.odb.read(id).map_err(|error| sentence(error, kind, id))?;
                (object.kind(), Content::Packed(object))
            }
        };
        if found != wanted {
            return Err(damaged(format!("it is a {}", found.str())));
        }
        Ok(content)
    }

    /// Returns an object's type and size in bytes without reading all of it.
    pub(crate) fn header(&self, id: Oid) -> Result<(ObjectType, u64)> {
        if let Some(file) = self.loose(id, "object")? {
            return Ok((file.kind, file.bytes));
        }
        let header = self
            .odb
            .read_header(id)
            .map_err(|error| sentence(error, "object", id))?;
        Ok((header.1, header.0 as u64))
    }

    /// Makes sure that libgit2 can be left to read an object by itself.
    pub(crate) fn check(&self, id: Oid) -> Result<()> {
        if let Some(file) = self.loose(id, "object")? {
            let checked = file.read(id);
            checked.map_err(|error| SourceError::Corrupt {
                kind: "object",
                id,
                reason: reason_of(&error),
            })?;
        }
        Ok(())
    }

    /// Reads and parses a tree.
    pub(crate) fn tree(&self, id: TreeId) -> Result<Vec<TreeEntry>> {
        let content = self.read(id.0, ObjectType::Tree)?;
        parse_tree(&content).map_err(|reason| SourceError::Corrupt {
            kind: "tree",
            id: id.0,
            reason: reason.to_owned(),
        })
    }

    /// Reads a commit and passes what it says to `with`.
    pub(crate) fn commit<T>(&self, id: CommitId, with: impl FnOnce(RawCommit<'_>) -> T) -> Result<T> {
        let content = self.read(id.0, ObjectType::Commit)?;
        let commit = RawCommit::parse(&content).map_err(|reason| SourceError::Corrupt {
            kind: "commit",
            id: id.0,
            reason: reason.to_owned(),
        })?;
        Ok(with(commit))
    }

    /// Returns the only object whose id begins with `hex`.
    pub(crate) fn find(&self, hex: &str) -> std::result::Result<Oid, git2::Error> {
        let padded = format!("{hex:0<40}");
        self.odb.exists_prefix(Oid::from_str(&padded)?, hex.len())
    }

    fn loose(&self, id: Oid, kind: &'static str) -> Result<Option<loose::Loose>> {
        if !self.may_be_loose(id) {
            return Ok(None);
        }
        for dir in self.dirs {
            let opened = loose::open(dir, id);
            let file = opened.map_err(|error| SourceError::Corrupt {
                kind,
                id,
                reason: reason_of(&error),
            })?;
            if file.is_some() {
                return Ok(file);
            }
        }
        Ok(None)
    }

    fn may_be_loose(&self, id: Oid) -> bool {
        let first = usize::from(id.as_bytes()[0]);
        if let Some(folders) = self.folders.get() {
            return folders[first];
        }
        self.reads.set(self.reads.get() + 1);
        if self.reads.get() == READS_BEFORE_LISTING {
            let mut folders = [false; 256];
            for (number, exists) in folders.iter_mut().enumerate() {
                let name = format!("{number:02x}");
                *exists = self.dirs.iter().any(|dir| dir.join(&name).exists());
            }
            self.folders.set(Some(folders));
        }
        true
    }
}

fn sentence(error: git2::Error, kind: &'static str, id: Oid) -> SourceError {
    match error.code() {
        ErrorCode::NotFound => SourceError::Missing { kind, id },
        _ => SourceError::Corrupt {
            kind,
            id,
            reason: error.message().to_owned(),
        },
    }
}

fn reason_of(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "its file ends too early".to_owned(),
        _ => error.to_string(),
    }
}

/// Returns an object directory and those it borrows from, as `objects/info/alternates` says.
pub(crate) fn with_alternates(objects: &Path) -> Vec<PathBuf> {
    const MAX_DEPTH: usize = 5;
    const MAX_BYTES: u64 = 64 * 1024;
    let mut dirs = vec![objects.to_owned()];
    let mut from = 0;
    for _ in 0..MAX_DEPTH {
        let level = from..dirs.len();
        from = dirs.len();
        for at in level {
            let mut text = Vec::new();
            let file = fs::File::open(dirs[at].join("info/alternates"));
            drop(file.map(|file| file.take(MAX_BYTES).read_to_end(&mut text)));
            for line in text
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty() && line[0] != b'#')
            {
                let dir = dirs[at].join(Path::new(std::ffi::OsStr::from_bytes(line)));
                if !dirs.contains(&dir) {
                    dirs.push(dir);
                }
            }
        }
    }
    dirs
}
