//! The database and the folder of chunks behind data repositories. Several processes may have the same store open.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::chunks::Batch;
use super::digest::Digest;
use super::schema;
use super::tree::Page;
use crate::artifacts::Store;
use crate::engine::{Engine, lock};
use crate::error::{Error, Result};
use crate::stack;

/// How long a process waits for another one that writes.
const BUSY: Duration = Duration::from_secs(60);

/// Decoded pages kept at hand.
const PAGES: usize = 64;

/// An open store. Locks are taken in the order of the fields.
pub(crate) struct DataStore {
    pub(super) folder: PathBuf,
    pub(super) batch: Mutex<Batch>,
    connection: Mutex<Connection>,
    pages: Mutex<HashMap<Digest, Arc<Page>>>,
}

impl DataStore {
    /// Returns the store of a stack, the default one's without a name; opened once per folder.
    pub(crate) fn of(engine: &Engine, stack: Option<&str>) -> Result<Arc<Self>> {
        let stack = stack::get(engine, stack.unwrap_or(stack::LOCAL))?;
        let folder = Store::of(engine, &stack).folder().to_owned();
        let mut open = lock(engine.data_stores());
        if let Some(store) = open.get(&folder) {
            return Ok(store.clone());
        }
        let store = Self::open(&folder)?;
        open.insert(folder, store.clone());
        Ok(store)
    }

    /// Opens the store in a folder, making it when it is not there. One of a newer Headstart is refused.
    pub(crate) fn open(folder: &Path) -> Result<Arc<Self>> {
        for part in ["chunks/partial", "writers"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(Error::file("making the folder", path))?;
        }
        let path = folder.join("data.db");
        // Two processes must not both make the tables.
        let guard = folder.join("data.lock");
        let guard = fs::File::create(&guard).and_then(|file| file.lock().map(|()| file));
        let _guard = guard.map_err(Error::file("locking", folder.join("data.lock")))?;
        let connection = prepare(&path).map_err(|error| named(&path, error))?;
        Ok(Arc::new(Self {
            folder: folder.to_owned(),
            batch: Mutex::default(),
            connection: Mutex::new(connection),
            pages: Mutex::default(),
        }))
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads from the database. Nothing else of the store may be called meanwhile.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let db = lock(&self.connection);
        work(&db).map_err(|error| named(&self.folder.join("data.db"), error))
    }

    /// Writes to the database in one transaction, after all chunks that were written so far. What it did is durable when it
    /// returns, and undone when `work` fails. Nothing else of the store may be called meanwhile.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.flush()?;
        self.transact("FULL", work)
    }

    /// Writes what a crash of the machine may take the last moments of, as long as nothing refers to it. What is written
    /// durably later is never there without what was written so before.
    pub(super) fn write_soon<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.transact("NORMAL", work)
    }

    fn transact<T>(&self, synchronous: &str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut db = lock(&self.connection);
        let written = (|| {
            db.pragma_update(None, "synchronous", synchronous)?;
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&tx)?;
            tx.commit()?;
            Ok(value)
        })();
        written.map_err(|error| named(&self.folder.join("data.db"), error))
    }

    /// Returns a page of a tree.
    pub(super) fn page(&self, digest: Digest) -> Result<Arc<Page>> {
        if let Some(page) = lock(&self.pages).get(&digest) {
            return Ok(page.clone());
        }
        let page = Arc::new(Page::decode(&self.chunk(digest)?)?);
        let mut pages = lock(&self.pages);
        if pages.len() >= PAGES {
            pages.clear();
        }
        pages.insert(digest, page.clone());
        Ok(page)
    }

    /// Gives space that is free in the database back to the system, a part at a time: others want to write.
    pub(super) fn shrink(&self) -> Result<()> {
        let run = |sql: &str| {
            self.read(|db| {
                let mut statement = db.prepare(sql)?;
                let mut rows = statement.query([])?;
                while rows.next()?.is_some() {}
                Ok(())
            })
        };
        let free =
            || self.read(|db| Ok(db.query_row("PRAGMA freelist_count", [], |row| row.get::<_, u64>(0))?));
        let mut left = free()?;
        while left > 0 {
            run("PRAGMA incremental_vacuum(4096)")?;
            let now = free()?;
            if now >= left {
                break;
            }
            left = now;
        }
        run("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// Forgets pages that may be gone.
    pub(super) fn forget_pages(&self) {
        lock(&self.pages).clear();
    }
}

fn prepare(path: &Path) -> Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    let found: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > schema::VERSION {
        return Err(Error::refused(
            format!(
                "the data repositories in {} were written by a newer Headstart (schema {found}, this one knows {})",
                path.display(),
                schema::VERSION
            ),
            "update this program, or use a stack with another artifact store",
        ));
    }
    if found == 0 {
        // Sweeps give space back; this has to be said before there is a table.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if found < schema::VERSION {
        schema::MIGRATIONS.to_latest(&mut connection).map_err(|error| {
            Error::internal(
                "the schema of the data repositories could not be brought up to date",
                error,
            )
        })?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Makes an error of the database say which database it was.
fn named(path: &Path, error: Error) -> Error {
    match error {
        Error::Catalogue(source) => Error::internal(
            format!(
                "the data repositories in {} could not be read or written",
                path.display()
            ),
            source,
        ),
        other => other,
    }
}
