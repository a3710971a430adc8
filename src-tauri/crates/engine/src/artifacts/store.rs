//! Where archives are kept: a folder, by digest. Several processes and stacks may share it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::check::{Contents, check_entries};
use super::pack::{Archive, pack};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::source::{Repo, TreeId};
use crate::wire::Stack;

/// What a process that died left half-written is removed after this time.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// A folder of artifacts.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// An archive in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub digest: String,
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Whether it was written now; otherwise it was there already.
    pub new: bool,
    /// Things worth knowing, one sentence each.
    pub warnings: Vec<String>,
}

impl Stored {
    /// Says what became of the archive, one sentence.
    pub fn told(&self) -> String {
        let digest = &self.digest[..12];
        match self.new {
            true => format!("code archive {digest} was added to the artifact store"),
            false => format!("code archive {digest} is in the artifact store already"),
        }
    }
}

impl Store {
    /// Returns the store of a stack: the folder it names, else one of Headstart's own. Nothing is made yet.
    pub fn of(engine: &Engine, stack: &Stack) -> Self {
        Self::at(match &stack.artifact_store {
            Some(folder) => PathBuf::from(folder),
            None => engine.home().join("artifacts"),
        })
    }

    /// Returns the store in a folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Packs everything below the tree of a source root and keeps it.
    pub fn add(&self, repo: &Repo, tree: TreeId) -> Result<Stored> {
        self.put(pack(repo, tree, &self.partial())?)
    }

    /// Keeps an archive that was packed on the same file system. One that is there already is not written again, unless it is damaged.
    pub fn put(&self, archive: Archive) -> Result<Stored> {
        let path = self.path_of(&archive.digest);
        let stored = |new| Stored {
            path: path.clone(),
            digest: archive.digest.clone(),
            bytes: archive.bytes,
            new,
            warnings: archive.warnings.clone(),
        };
        if digest_of(&path).is_ok_and(|digest| digest == archive.digest) {
            return Ok(stored(false));
        }
        let code = self.folder.join("code");
        fs::create_dir_all(&code).map_err(Error::file("making the folder", &code))?;
        // Colleagues read what lies in a shared folder.
        readable(archive.path()).map_err(Error::file("opening up", archive.path()))?;
        fs::rename(archive.path(), &path).map_err(Error::file("writing", &path))?;
        self.sweep();
        Ok(stored(true))
    }

    /// Returns the file of an archive that is there, is what its name says, and is safe to unpack.
    pub fn get(&self, digest: &str) -> Result<(PathBuf, Contents)> {
        let path = self.path_of(digest);
        if !is_digest(digest) || !path.is_file() {
            return Err(Error::refused(
                format!(
                    "the code archive {digest} is not in the artifact store {}",
                    self.folder.display()
                ),
                "it may lie in the artifact store of another stack; use that stack, or run again from the code",
            ));
        }
        let reading = |error| Error::file("reading", &path)(error);
        let found = digest_of(&path).map_err(reading)?;
        if found != digest {
            return Err(Error::refused(
                format!(
                    "{} is damaged: its content is not what its name says",
                    path.display()
                ),
                "remove the file; it is packed again then",
            ));
        }
        let contents = check_entries(File::open(&path).map_err(reading)?)?;
        Ok((path, contents))
    }

    /// Makes the store when it is missing, and tries to write to it.
    pub fn probe(&self) -> Result<()> {
        let partial = self.partial();
        let path = partial.join(crate::engine::random_hex(16)?);
        let tried = fs::create_dir_all(&partial).and_then(|()| File::create_new(&path).map(drop));
        drop(fs::remove_file(&path));
        tried.map_err(|error| {
            Error::refused(
                format!(
                    "the artifact store {} cannot be written to: {error}",
                    self.folder.display()
                ),
                "choose a folder that you may write to",
            )
        })
    }

    fn path_of(&self, digest: &str) -> PathBuf {
        self.folder.join("code").join(format!("{digest}.tar.gz"))
    }

    fn partial(&self) -> PathBuf {
        self.folder.join("partial")
    }

    /// Removes what processes that died have left. Another process may do the same at this moment.
    fn sweep(&self) {
        for entry in fs::read_dir(self.partial()).into_iter().flatten().flatten() {
            let age = entry
                .metadata()
                .and_then(|about| about.modified())
                .map(|at| at.elapsed().unwrap_or_default());
            if age.is_ok_and(|age| age > STALE) {
                drop(fs::remove_file(entry.path()));
            }
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn digest_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(digest)),
            count => digest.update(&buffer[..count]),
        }
    }
}

pub(super) fn hex(digest: Sha256) -> String {
    let bytes = digest.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
