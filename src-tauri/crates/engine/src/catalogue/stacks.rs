//! `stacks`, and which one a project uses.

use rusqlite::{OptionalExtension, params};

use super::Catalogue;
use crate::error::{Error, Result};
use crate::wire::{ProjectId, Stack};

fn unreadable(error: serde_json::Error) -> Error {
    Error::internal("a stack in the catalogue cannot be read or written", error)
}

impl Catalogue {
    /// Lists the stored stacks by name.
    pub(crate) fn stacks(&self) -> Result<Vec<Stack>> {
        let db = self.db();
        let mut statement = db.prepare_cached("SELECT spec FROM stacks ORDER BY name")?;
        let specs: Vec<String> = statement
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        specs
            .iter()
            .map(|spec| serde_json::from_str(spec).map_err(unreadable))
            .collect()
    }

    /// Stores a stack under its name.
    pub(crate) fn put_stack(&self, stack: &Stack) -> Result<()> {
        let spec = serde_json::to_string(stack).map_err(unreadable)?;
        let sql = "INSERT INTO stacks(name, spec) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET spec = ?2";
        self.db().execute(sql, params![stack.name, spec])?;
        self.changed();
        Ok(())
    }

    /// Removes a stack; projects that used it use the default one. Returns whether it was there.
    pub(crate) fn delete_stack(&self, name: &str) -> Result<bool> {
        let mut db = self.db();
        let tx = db.transaction()?;
        let gone = tx.execute("DELETE FROM stacks WHERE name = ?1", [name])? == 1;
        tx.execute("UPDATE projects SET stack = NULL WHERE stack = ?1", [name])?;
        tx.commit()?;
        drop(db);
        self.changed();
        Ok(gone)
    }

    /// Returns the name of the stack that a project uses, when one was chosen.
    pub(crate) fn project_stack(&self, project: &ProjectId) -> Result<Option<String>> {
        let sql = "SELECT stack FROM projects WHERE id = ?1";
        let found = self
            .db()
            .prepare_cached(sql)?
            .query_row([&project.0], |row| row.get(0));
        Ok(found.optional()?.flatten())
    }

    /// Chooses the stack of a project.
    pub(crate) fn set_project_stack(&self, project: &ProjectId, stack: &str) -> Result<()> {
        let sql = "UPDATE projects SET stack = ?2 WHERE id = ?1 AND removed_at IS NULL";
        if self.db().execute(sql, params![project.0, stack])? == 0 {
            return Err(Error::NoProject(project.clone()));
        }
        self.changed();
        Ok(())
    }
}
