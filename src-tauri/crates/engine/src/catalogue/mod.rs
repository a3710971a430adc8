//! The catalogue: what Headstart remembers, in one SQLite database. One file per table: row type, SQL, methods.
//!
//! Refuses databases of a newer schema. Every write is durable before the call returns (`synchronous=FULL`): a build
//! whose start was shown is there after any crash.

mod builds;
mod images;
mod notices;
mod projects;
mod query;
mod repositories;
mod runs;
mod schema;
mod settings;
mod stacks;
mod steps;
mod targets;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use crate::error::{Error, Result};

pub(crate) use builds::{Claim, Ending, Enqueued, ExtraSource, NewBuild};
pub(crate) use projects::ProjectRow;
pub(crate) use query::{Candidate, Timing};
pub(crate) use targets::{Imported, OlderTarget};

/// The open database. Cheap to clone; calls from several threads take turns.
#[derive(Clone)]
pub(crate) struct Catalogue {
    connection: Arc<Mutex<Connection>>,
    changes: Arc<watch::Sender<u64>>,
}

impl Catalogue {
    /// Opens or creates the database in a file and brings its schema up to date.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        Self::prepare(connection, path)
    }

    /// Returns an empty catalogue in memory, for tests.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Result<Self> {
        Self::prepare(Connection::open_in_memory()?, Path::new(":memory:"))
    }

    fn prepare(mut connection: Connection, path: &Path) -> Result<Self> {
        connection.busy_timeout(Duration::from_secs(10))?;
        let found: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > schema::VERSION {
            return Err(Error::NewerCatalogue {
                path: path.to_owned(),
                found,
                known: schema::VERSION,
            });
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        if found < schema::VERSION {
            schema::MIGRATIONS
                .to_latest(&mut connection)
                .map_err(|e| Error::internal("the catalogue's schema could not be brought up to date", e))?;
        }
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            changes: Arc::new(watch::Sender::new(0)),
        })
    }

    /// Returns the connection for reading or for a transaction of its own. Never held across an `.await`.
    fn db(&self) -> MutexGuard<'_, Connection> {
        // A panic while holding the lock leaves at worst an open transaction, which SQLite rolls back.
        self.connection
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes what a crash of the machine may take the last moments of: steps, not records. Saves a wait for the disk.
    fn write_soon<T>(&self, write: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let mut db = self.db();
        db.pragma_update(None, "synchronous", "NORMAL")?;
        let written = write(&mut db);
        db.pragma_update(None, "synchronous", "FULL")?;
        written
    }

    /// Wakes everybody who waits for a change made by this process.
    fn changed(&self) {
        self.changes.send_modify(|revision| *revision += 1);
    }

    /// Returns a receiver that is woken by changes of this process.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Returns a number that differs after another process has written.
    pub(crate) fn foreign_version(&self) -> Result<i64> {
        Ok(self.db().query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_a_newer_schema_is_refused_with_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalogue.db");
        drop(Catalogue::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update(None, "user_version", schema::VERSION + 1)
            .unwrap();
        drop(connection);
        let error = Catalogue::open(&path)
            .err()
            .expect("a newer schema must not be opened");
        assert!(
            error.to_string().contains("written by a newer Headstart"),
            "{error}"
        );
    }

    #[test]
    fn what_was_written_is_there_after_opening_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("catalogue.db");
        Catalogue::open(&path)
            .unwrap()
            .set_setting("key", "value")
            .unwrap();
        let value = Catalogue::open(&path).unwrap().setting("key").unwrap();
        assert_eq!(value.as_deref(), Some("value"));
    }
}
