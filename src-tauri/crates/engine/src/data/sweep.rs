//! Removing what nothing uses any more.
//!
//! Used is what a commit that a branch reaches or a datum refers to. Writers at work rely on more: on what they wrote
//! themselves, and on what was in use at any time since they began (see `writing`). Chunks whose generation is that of the
//! oldest living writer or a later one stay, and so does what was dropped since then; everything else that is not used was
//! not used either when the oldest writer began, and nobody can refer to it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::content::{self, Chunks, Content};
use super::digest::Digest;
use super::repos;
use super::store::DataStore;
use super::tree::Page;
use crate::error::{Error, Result};
use crate::wire::Swept;

/// Chunks that are looked at, or removed, at once.
const BATCH: usize = 1000;

pub(super) fn sweep(store: &Arc<DataStore>, only_look: bool) -> Result<Swept> {
    let guard = store.folder.join("sweep.lock");
    let guard = File::create(&guard).map_err(Error::file("writing", guard))?;
    if guard.try_lock().is_err() {
        return Err(Error::refused(
            format!("{} is being swept already", store.folder.display()),
            "wait until that has ended",
        ));
    }
    store.flush()?;
    if !only_look {
        store.write(|tx| repos::delete_unreachable_in(tx))?;
    }
    let own = store.next_generation(!only_look)?;
    let living = store.living_writers();
    let oldest = living.first().copied().unwrap_or(own).min(own);
    let mut used = Used::new(store)?;
    for root in roots(store, oldest)? {
        used.page(root)?;
    }
    let mut sweep = Sweep {
        store,
        only_look,
        oldest,
        swept: Swept::default(),
    };
    sweep.chunks(&used)?;
    sweep.files()?;
    sweep.partials(own, &living)?;
    if !only_look {
        store.write(|tx| Ok(tx.execute("DELETE FROM dropped WHERE generation < ?1", [oldest])?))?;
        store.forget_pages();
        store.shrink()?;
    }
    Ok(sweep.swept)
}

/// Returns all that is referred to: roots of trees.
fn roots(store: &DataStore, oldest: i64) -> Result<Vec<Digest>> {
    store.read(|db| {
        let mut roots = repos::roots(db)?;
        let sql = "SELECT output FROM datums WHERE output IS NOT NULL
                   UNION SELECT digest FROM dropped WHERE generation >= ?1";
        let mut statement = db.prepare(sql)?;
        for digest in statement.query_map([oldest], |row| row.get(0))? {
            roots.push(digest?);
        }
        Ok(roots)
    })
}

/// What is used, in a database of its own that the disk holds: there may be more than fits into memory.
struct Used<'a> {
    store: &'a DataStore,
    db: Connection,
}

impl<'a> Used<'a> {
    fn new(store: &'a DataStore) -> Result<Self> {
        let db = Connection::open("")?;
        // A chunk that is known as a file's content may be a page of a tree as well, whose own chunks count then.
        db.execute_batch(
            "CREATE TABLE used (digest BLOB PRIMARY KEY, page INTEGER NOT NULL) STRICT, WITHOUT ROWID; BEGIN",
        )?;
        Ok(Self { store, db })
    }

    fn page(&mut self, root: Digest) -> Result<()> {
        let mut waiting = vec![root];
        while let Some(digest) = waiting.pop() {
            if !self.add_page(digest)? {
                continue;
            }
            let bytes = self.store.chunk(digest)?;
            match Page::decode(&bytes)? {
                Page::Leaf(entries) => {
                    for entry in entries {
                        self.content(&entry.content)?;
                    }
                }
                Page::Index { links, .. } => waiting.extend(links.iter().map(|link| link.digest)),
            }
        }
        Ok(())
    }

    fn content(&self, content: &Content) -> Result<()> {
        match &content.chunks {
            Chunks::Whole => self.add(content.digest),
            Chunks::Several(chunks) => chunks.iter().try_for_each(|chunk| self.add(chunk.digest)),
            Chunks::Listed(list) => {
                if self.add_page(*list)? {
                    let chunks = content::decode_list(&self.store.chunk(*list)?)?;
                    chunks.iter().try_for_each(|chunk| self.add(chunk.digest))?;
                }
                Ok(())
            }
        }
    }

    fn add(&self, digest: Digest) -> Result<()> {
        let sql = "INSERT INTO used VALUES(?1, 0) ON CONFLICT DO NOTHING";
        self.db.prepare_cached(sql)?.execute([digest])?;
        Ok(())
    }

    /// Returns whether it was not known as a page before.
    fn add_page(&self, digest: Digest) -> Result<bool> {
        let sql = "INSERT INTO used VALUES(?1, 1) ON CONFLICT DO UPDATE SET page = 1 WHERE page = 0";
        Ok(self.db.prepare_cached(sql)?.execute([digest])? == 1)
    }

    fn has(&self, digest: Digest) -> Result<bool> {
        Ok(self
            .db
            .prepare_cached("SELECT 1 FROM used WHERE digest = ?1")?
            .exists([digest])?)
    }
}

struct Sweep<'a> {
    store: &'a DataStore,
    only_look: bool,
    oldest: i64,
    swept: Swept,
}

impl Sweep<'_> {
    fn chunks(&mut self, used: &Used<'_>) -> Result<()> {
        let mut after = 0;
        loop {
            let rows = self.some_chunks(after)?;
            let Some((last, ..)) = rows.last() else {
                return Ok(());
            };
            after = *last;
            let mut unused = Vec::new();
            for (_, digest, bytes) in rows {
                if !used.has(digest)? {
                    unused.push((digest, bytes));
                }
            }
            self.remove(&unused)?;
        }
    }

    /// Returns chunks that no living writer relies on: place, digest and size.
    fn some_chunks(&self, after: i64) -> Result<Vec<(i64, Digest, u64)>> {
        let sql = "SELECT rowid, digest, bytes FROM chunks WHERE rowid > ?1 AND written < ?2 ORDER BY rowid LIMIT ?3";
        self.store.read(|db| {
            let mut statement = db.prepare_cached(sql)?;
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let rows = statement.query_map(params![after, self.oldest, BATCH], row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn remove(&mut self, unused: &[(Digest, u64)]) -> Result<()> {
        let count = |swept: &mut Swept, bytes: u64| {
            swept.chunks += 1;
            swept.bytes += bytes;
        };
        if self.only_look {
            unused
                .iter()
                .for_each(|(_, bytes)| count(&mut self.swept, *bytes));
            return Ok(());
        }
        if unused.is_empty() {
            return Ok(());
        }
        let (store, oldest) = (self.store, self.oldest);
        let swept = store.write_soon(|tx| {
            let mut swept = Swept::default();
            for (digest, bytes) in unused {
                // A writer may have found it in the meantime.
                let sql = "DELETE FROM chunks WHERE digest = ?1 AND written < ?2 RETURNING data IS NULL";
                let mut statement = tx.prepare_cached(sql)?;
                let mut rows = statement.query(params![digest, oldest])?;
                let Some(row) = rows.next()? else { continue };
                if row.get(0)? {
                    drop(fs::remove_file(store.chunk_path(*digest)));
                }
                count(&mut swept, *bytes);
            }
            Ok(swept)
        })?;
        self.swept.chunks += swept.chunks;
        self.swept.bytes += swept.bytes;
        Ok(())
    }

    /// Removes files of chunks that the database does not know. Writers name files in a transaction, so none is on its way.
    fn files(&mut self) -> Result<()> {
        for folder in fs::read_dir(self.store.folder.join("chunks"))
            .into_iter()
            .flatten()
            .flatten()
        {
            if folder.file_name().len() != 2 {
                continue;
            }
            let (store, only_look) = (self.store, self.only_look);
            let swept = store.write_soon(|tx| {
                let mut swept = Swept::default();
                for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                    let name = file.file_name();
                    let Some(digest) = name.to_str().and_then(Digest::parse) else {
                        continue;
                    };
                    let sql = "SELECT 1 FROM chunks WHERE digest = ?1 AND data IS NULL";
                    if tx.prepare_cached(sql)?.exists([digest])? {
                        continue;
                    }
                    take(&mut swept, file.path(), only_look);
                }
                Ok(swept)
            })?;
            self.swept.chunks += swept.chunks;
            self.swept.bytes += swept.bytes;
        }
        Ok(())
    }

    /// Removes what dead writers have not given a name.
    fn partials(&mut self, own: i64, living: &BTreeSet<i64>) -> Result<()> {
        for file in fs::read_dir(self.store.folder.join("chunks/partial"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = file.file_name();
            let writer = name
                .to_str()
                .and_then(|name| name.split_once('-')?.0.parse().ok());
            if writer.is_some_and(|writer: i64| writer < own && !living.contains(&writer)) {
                take(&mut self.swept, file.path(), self.only_look);
            }
        }
        Ok(())
    }
}

fn take(swept: &mut Swept, path: PathBuf, only_look: bool) {
    let bytes = fs::metadata(&path).map_or(0, |about| about.len());
    if only_look || fs::remove_file(&path).is_ok() {
        swept.chunks += 1;
        swept.bytes += bytes;
    }
}
