//! `settings`: named JSON values.

use rusqlite::{OptionalExtension, params};

use super::Catalogue;
use crate::error::Result;

impl Catalogue {
    /// Returns a stored value.
    pub(crate) fn setting(&self, key: &str) -> Result<Option<String>> {
        let sql = "SELECT value FROM settings WHERE key = ?1";
        Ok(self
            .db()
            .prepare_cached(sql)?
            .query_row([key], |row| row.get(0))
            .optional()?)
    }

    /// Stores a value.
    pub(crate) fn set_setting(&self, key: &str, value: &str) -> Result<()> {
        let sql = "INSERT INTO settings(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2";
        self.db().execute(sql, params![key, value])?;
        self.changed();
        Ok(())
    }
}
