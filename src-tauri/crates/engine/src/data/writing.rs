//! Who writes to a store at the moment, so that a sweep leaves alone what they rely on.
//!
//! Every writer takes a generation, a number that only grows, and holds a locked file of that name, whose lock the system
//! drops when the process dies. A sweep takes a generation too and looks who lives. It keeps every chunk that was written, or
//! found there by a writer, in the generation of the oldest living writer or later.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::store::DataStore;
use crate::error::{Error, Result};

/// The right to write to a store. Chunks and trees are safe from sweeps from when they are written, or read from something
/// that is in use, until the last clone is dropped; by then something has to refer to them.
#[derive(Clone)]
pub(crate) struct Writing(Arc<Held>);

pub(crate) struct Held {
    store: Arc<DataStore>,
    pub(super) session: Arc<Session>,
}

/// One writer.
pub(crate) struct Session {
    pub(super) generation: i64,
    /// Bytes of content that the store did not have.
    pub(super) stored: AtomicU64,
    partials: AtomicU64,
    path: PathBuf,
    _lock: File,
}

impl DataStore {
    /// Begins to write.
    pub(crate) fn writing(self: &Arc<Self>) -> Result<Writing> {
        loop {
            let generation = self.next_generation(false)?;
            let path = self.folder.join("writers").join(generation.to_string());
            let lock = File::create(&path).map_err(Error::file("writing", &path))?;
            lock.lock().map_err(Error::file("locking", &path))?;
            let sql = "SELECT swept FROM generations";
            let swept: i64 = self.read(|db| Ok(db.query_row(sql, [], |row| row.get(0))?))?;
            let session = Session {
                generation,
                stored: AtomicU64::new(0),
                partials: AtomicU64::new(0),
                path,
                _lock: lock,
            };
            // A sweep that began in between has looked for writers before this one could be seen, or took it for dead.
            if swept < generation && session.path.exists() {
                let store = self.clone();
                let session = Arc::new(session);
                return Ok(Writing(Arc::new(Held { store, session })));
            }
        }
    }

    /// Takes the next generation, for a writer or a sweep.
    pub(super) fn next_generation(&self, sweep: bool) -> Result<i64> {
        let sql = match sweep {
            true => "UPDATE generations SET now = now + 1, swept = now + 1 RETURNING now",
            false => "UPDATE generations SET now = now + 1 RETURNING now",
        };
        self.write_soon(|tx| Ok(tx.query_row(sql, [], |row| row.get(0))?))
    }

    /// Returns the generations of living writers, and removes what dead ones left.
    pub(super) fn living_writers(&self) -> BTreeSet<i64> {
        let mut living = BTreeSet::new();
        for entry in fs::read_dir(self.folder.join("writers"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            let Some(generation) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            match File::open(entry.path()).map(|file| file.try_lock()) {
                Ok(Ok(())) => drop(fs::remove_file(entry.path())),
                Ok(Err(_)) => {
                    living.insert(generation);
                }
                Err(_) => {}
            }
        }
        living
    }
}

impl Writing {
    /// Returns how many bytes of content were written that the store did not have.
    pub(crate) fn stored(&self) -> Result<u64> {
        self.flush()?;
        Ok(self.session.stored.load(Ordering::Relaxed))
    }

    /// Returns the store.
    pub(crate) fn store(&self) -> &Arc<DataStore> {
        &self.0.store
    }
}

impl Deref for Writing {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.0
    }
}

impl Deref for Held {
    type Target = Arc<DataStore>;

    fn deref(&self) -> &Arc<DataStore> {
        &self.store
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.store.forget(&self.session);
    }
}

impl Session {
    /// Returns the path of a file that is not given its name yet.
    pub(super) fn next_partial(&self, folder: &Path) -> PathBuf {
        let number = self.partials.fetch_add(1, Ordering::Relaxed);
        folder
            .join("chunks/partial")
            .join(format!("{}-{number}", self.generation))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}
