//! Chunks: bytes by their digest. Small ones lie in the database, larger ones in files of their own.
//!
//! What is written is collected and goes to the disk in batches. A chunk is in the store when its row is; a file is given
//! its name in the transaction that writes the row, so that a sweep of another process sees both or neither.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::{Connection, OptionalExtension, params};

use super::digest::Digest;
use super::store::DataStore;
use super::writing::{Session, Writing};
use crate::engine::lock;
use crate::error::{Error, Result};

/// Chunks up to this size lie in the database.
pub(super) const INLINE_BYTES: usize = 32 * 1024;

/// A batch is written when it has this many chunks, ...
const BATCH_CHUNKS: usize = 4096;
/// ... this many bytes in memory, ...
const BATCH_BYTES: usize = 16 << 20;
/// ... or this many files.
const BATCH_FILES: usize = 64;

/// Chunks that are not in the database yet.
#[derive(Default)]
pub(crate) struct Batch {
    chunks: HashMap<Digest, Pending>,
    bytes: usize,
    files: usize,
}

struct Pending {
    session: Arc<Session>,
    bytes: usize,
    data: Data,
    /// Whether it counts as content, rather than as a page of a tree.
    content: bool,
}

enum Data {
    Inline(Vec<u8>),
    File(PathBuf),
}

impl Writing {
    /// Keeps a piece of a file's content.
    pub(super) fn keep_chunk(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        if bytes.len() <= INLINE_BYTES {
            self.add(digest, bytes.len(), Data::Inline(bytes.to_vec()), true)?;
        } else if !self.has_file(digest, bytes.len())? {
            let path = self.session.next_partial(&self.folder);
            write_synced(&path, bytes).map_err(Error::file("writing", &path))?;
            self.add(digest, bytes.len(), Data::File(path), true)?;
        }
        Ok(digest)
    }

    /// Keeps a page of a tree, or another list of digests. It lies in the database whatever its size.
    pub(super) fn keep_page(&self, bytes: Vec<u8>) -> Result<Digest> {
        let digest = Digest::of(&bytes);
        self.add(digest, bytes.len(), Data::Inline(bytes), false)?;
        Ok(digest)
    }

    fn add(&self, digest: Digest, bytes: usize, data: Data, content: bool) -> Result<()> {
        let mut batch = lock(&self.batch);
        match batch.chunks.get(&digest).map(|other| other.session.generation) {
            Some(generation) if generation == self.session.generation => {
                if let Data::File(path) = data {
                    drop(fs::remove_file(path));
                }
                return Ok(());
            }
            // Another writer's would go with that one.
            Some(_) => self.flush_batch(&mut batch)?,
            None => {}
        }
        match &data {
            Data::Inline(_) => batch.bytes += bytes,
            Data::File(_) => batch.files += 1,
        }
        let session = self.session.clone();
        let pending = Pending {
            session,
            bytes,
            data,
            content,
        };
        batch.chunks.insert(digest, pending);
        let full =
            batch.chunks.len() >= BATCH_CHUNKS || batch.bytes >= BATCH_BYTES || batch.files >= BATCH_FILES;
        match full {
            true => self.flush_batch(&mut batch),
            false => Ok(()),
        }
    }

    /// Returns whether a chunk lies in a file already, and keeps it from being swept as long as this writer lives.
    fn has_file(&self, digest: Digest, bytes: usize) -> Result<bool> {
        let mut batch = lock(&self.batch);
        match batch.chunks.get(&digest).map(|other| other.session.generation) {
            Some(generation) if generation == self.session.generation => return Ok(true),
            Some(_) => self.flush_batch(&mut batch)?,
            None => {}
        }
        drop(batch);
        let sql = "SELECT written FROM chunks WHERE digest = ?1 AND data IS NULL";
        let written: Option<i64> = self.read(|db| {
            let mut statement = db.prepare_cached(sql)?;
            Ok(statement.query_row([digest], |row| row.get(0)).optional()?)
        })?;
        let Some(written) = written else { return Ok(false) };
        if written < self.session.generation {
            let sql = "UPDATE chunks SET written = max(written, ?2) WHERE digest = ?1";
            let generation = self.session.generation;
            let kept =
                self.write_soon(|tx| Ok(tx.prepare_cached(sql)?.execute(params![digest, generation])?))?;
            if kept == 0 {
                return Ok(false);
            }
        }
        // One that somebody removed by hand, because it was damaged, is written again.
        Ok(fs::metadata(self.chunk_path(digest)).is_ok_and(|about| about.len() == bytes as u64))
    }
}

impl DataStore {
    /// Writes the chunks that are waiting.
    pub(crate) fn flush(&self) -> Result<()> {
        self.flush_batch(&mut lock(&self.batch))
    }

    fn flush_batch(&self, batch: &mut Batch) -> Result<()> {
        if batch.chunks.is_empty() {
            return Ok(());
        }
        let mut new: Vec<(Arc<Session>, u64)> = Vec::new();
        self.write_soon(|tx| {
            let mut folders = BTreeSet::new();
            for (digest, pending) in &batch.chunks {
                if let Data::File(partial) = &pending.data {
                    let path = self.chunk_path(*digest);
                    give_name(partial, &path)?;
                    // The folder itself may be new.
                    folders.extend(path.ancestors().skip(1).take(2).map(Path::to_owned));
                }
            }
            for folder in folders {
                File::open(&folder)
                    .and_then(|open| open.sync_all())
                    .map_err(Error::file("syncing", folder))?;
            }
            for (digest, pending) in &batch.chunks {
                if insert(tx, *digest, pending)? && pending.content {
                    new.push((pending.session.clone(), pending.bytes as u64));
                }
            }
            Ok(())
        })?;
        for (session, bytes) in new {
            session.stored.fetch_add(bytes, Ordering::Relaxed);
        }
        *batch = Batch::default();
        Ok(())
    }

    /// Forgets what a writer that ended has not written.
    pub(super) fn forget(&self, session: &Session) {
        let mut batch = lock(&self.batch);
        let gone = |_: &Digest, pending: &mut Pending| pending.session.generation == session.generation;
        let (mut bytes, mut files) = (0, 0);
        for (_, pending) in batch.chunks.extract_if(gone) {
            match pending.data {
                Data::Inline(_) => bytes += pending.bytes,
                Data::File(path) => {
                    files += 1;
                    drop(fs::remove_file(path));
                }
            }
        }
        batch.bytes = batch.bytes.saturating_sub(bytes);
        batch.files = batch.files.saturating_sub(files);
    }

    /// Returns the bytes of a chunk, which are what its name says.
    pub(super) fn chunk(&self, digest: Digest) -> Result<Vec<u8>> {
        let (bytes, place) = self.unchecked(digest)?;
        if Digest::of(&bytes) == digest {
            return Ok(bytes);
        }
        Err(Error::refused(
            format!("{place} is damaged: its content is not what its name says"),
            match place.strip_suffix(".db") {
                Some(_) => {
                    "put the files it belongs to once more, or bring the artifact store back from a copy"
                }
                None => {
                    "remove the file and put the files it belongs to once more, or bring it back from a copy"
                }
            },
        ))
    }

    fn unchecked(&self, digest: Digest) -> Result<(Vec<u8>, String)> {
        let in_database = |digest| format!("chunk {digest} in {}", self.folder.join("data.db").display());
        match lock(&self.batch).chunks.get(&digest).map(|pending| &pending.data) {
            Some(Data::Inline(bytes)) => return Ok((bytes.clone(), in_database(digest))),
            Some(Data::File(path)) => {
                let bytes = fs::read(path).map_err(Error::file("reading", path))?;
                return Ok((bytes, path.display().to_string()));
            }
            None => {}
        }
        match self.read(|db| inline(db, digest))? {
            Some(Some(bytes)) => Ok((bytes, in_database(digest))),
            Some(None) => {
                let path = self.chunk_path(digest);
                let bytes = fs::read(&path).map_err(Error::file("reading", &path))?;
                Ok((bytes, path.display().to_string()))
            }
            None => Err(missing(digest, &self.folder)),
        }
    }

    /// Returns the file of a chunk that does not lie in the database.
    pub(super) fn chunk_path(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        self.folder.join("chunks").join(&name[..2]).join(name)
    }
}

/// Returns the bytes of a chunk that lies in the database; inner none for one in a file, outer none for one that is missing.
pub(super) fn inline(db: &Connection, digest: Digest) -> Result<Option<Option<Vec<u8>>>> {
    let mut statement = db.prepare_cached("SELECT data FROM chunks WHERE digest = ?1")?;
    Ok(statement.query_row([digest], |row| row.get(0)).optional()?)
}

fn missing(digest: Digest, folder: &Path) -> Error {
    Error::refused(
        format!(
            "chunk {digest} is missing in the artifact store {}",
            folder.display()
        ),
        "put the files it belongs to once more, or bring the artifact store back from a copy",
    )
}

/// Returns whether the chunk is new.
fn insert(db: &Connection, digest: Digest, pending: &Pending) -> Result<bool> {
    let data = match &pending.data {
        Data::Inline(bytes) => Some(bytes),
        Data::File(_) => None,
    };
    let generation = pending.session.generation;
    let sql =
        "INSERT INTO chunks(digest, bytes, data, written) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let new = db
        .prepare_cached(sql)?
        .execute(params![digest, pending.bytes, data, generation])?;
    if new == 1 {
        return Ok(true);
    }
    // Bytes that were damaged on the disk are mended by writing them once more.
    let sql = "UPDATE chunks SET written = max(written, ?2), data = coalesce(?3, data)
               WHERE digest = ?1 AND (written < ?2 OR (data IS NOT ?3 AND ?3 IS NOT NULL))";
    db.prepare_cached(sql)?
        .execute(params![digest, generation, data])?;
    Ok(false)
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

fn give_name(partial: &Path, path: &Path) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        fs::create_dir_all(folder).map_err(Error::file("making the folder", folder))?;
    }
    match fs::rename(partial, path) {
        // A transaction that failed after this may be tried again.
        Err(_) if path.exists() && !partial.exists() => Ok(()),
        done => done.map_err(Error::file("writing", path)),
    }
}
