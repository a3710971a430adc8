//! `projects`.

use rusqlite::{OptionalExtension, Row, params};

use super::Catalogue;
use crate::error::{Error, Result};
use crate::wire::{Dialect, ProjectId};

/// A known source root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectRow {
    pub(crate) id: ProjectId,
    pub(crate) name: String,
    pub(crate) root: String,
    pub(crate) recipe: String,
    pub(crate) dialect: Dialect,
    pub(crate) added_at: i64,
}

const COLUMNS: &str = "id, name, root, recipe, dialect, added_at";

fn read(row: &Row<'_>) -> rusqlite::Result<ProjectRow> {
    Ok(ProjectRow {
        id: ProjectId(row.get(0)?),
        name: row.get(1)?,
        root: row.get(2)?,
        recipe: row.get(3)?,
        dialect: match row.get::<_, String>(4)?.as_str() {
            "workspace" => Dialect::Workspace,
            "compose" => Dialect::Compose,
            "pipeline" => Dialect::Pipeline,
            other => {
                let unknown = format!("unknown dialect {other}");
                return Err(rusqlite::Error::FromSqlConversionFailure(
                    4,
                    rusqlite::types::Type::Text,
                    unknown.into(),
                ));
            }
        },
        added_at: row.get(5)?,
    })
}

fn dialect_word(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Workspace => "workspace",
        Dialect::Compose => "compose",
        Dialect::Pipeline => "pipeline",
    }
}

impl Catalogue {
    /// Stores a project; one that was removed earlier comes back with its id and builds.
    pub(crate) fn put_project(&self, row: &ProjectRow) -> Result<ProjectRow> {
        let sql =
            "INSERT INTO projects(id, name, root, recipe, dialect, added_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT(root) DO UPDATE SET recipe = ?4, dialect = ?5, removed_at = NULL";
        let word = dialect_word(row.dialect);
        self.db().execute(
            sql,
            params![row.id.0, row.name, row.root, row.recipe, word, row.added_at],
        )?;
        self.changed();
        self.project_at(&row.root)?
            .ok_or_else(|| Error::NoProject(row.id.clone()))
    }

    /// Returns the id that builds of a place are kept under which is no project and is never listed as one: a folder with a
    /// Dockerfile. `root` has to be no path, so that the folder can be a project as well.
    pub(crate) fn place(&self, root: &str, name: &str, recipe: &str, at: i64) -> Result<ProjectId> {
        let id = crate::engine::random_hex(12)?;
        let sql = "INSERT INTO projects(id, name, root, recipe, dialect, added_at, removed_at)
             VALUES(?1, ?2, ?3, ?4, 'dockerfile', ?5, ?5) ON CONFLICT(root) DO NOTHING";
        let db = self.db();
        db.execute(sql, params![id, name, root, recipe, at])?;
        drop(db);
        self.find_place(root)?.ok_or(Error::NoProject(ProjectId(id)))
    }

    /// Returns the id of [`place`](Self::place), if anything was ever built there.
    pub(crate) fn find_place(&self, root: &str) -> Result<Option<ProjectId>> {
        let sql = "SELECT id FROM projects WHERE root = ?1";
        let db = self.db();
        Ok(db
            .query_row(sql, [root], |row| row.get(0).map(ProjectId))
            .optional()?)
    }

    /// Lists projects, oldest first.
    pub(crate) fn projects(&self) -> Result<Vec<ProjectRow>> {
        let sql = format!("SELECT {COLUMNS} FROM projects WHERE removed_at IS NULL ORDER BY added_at, id");
        Ok(self
            .db()
            .prepare_cached(&sql)?
            .query_map([], read)?
            .collect::<Result<_, _>>()?)
    }

    /// Returns a project.
    pub(crate) fn project(&self, id: &ProjectId) -> Result<ProjectRow> {
        let sql = format!("SELECT {COLUMNS} FROM projects WHERE id = ?1 AND removed_at IS NULL");
        let row = self
            .db()
            .prepare_cached(&sql)?
            .query_row([&id.0], read)
            .optional()?;
        row.ok_or_else(|| Error::NoProject(id.clone()))
    }

    /// Returns the project whose source root this is.
    pub(crate) fn project_at(&self, root: &str) -> Result<Option<ProjectRow>> {
        let sql = format!("SELECT {COLUMNS} FROM projects WHERE root = ?1 AND removed_at IS NULL");
        Ok(self
            .db()
            .prepare_cached(&sql)?
            .query_row([root], read)
            .optional()?)
    }

    /// Hides a project; its builds stay.
    pub(crate) fn remove_project(&self, id: &ProjectId, at: i64) -> Result<()> {
        let changed = self.db().execute(
            "UPDATE projects SET removed_at = ?2 WHERE id = ?1 AND removed_at IS NULL",
            params![id.0, at],
        )?;
        if changed == 0 {
            return Err(Error::NoProject(id.clone()));
        }
        self.changed();
        Ok(())
    }

    /// Returns how many builds a project has, and how many of them are queued or running.
    pub(crate) fn project_counts(&self, id: &ProjectId) -> Result<(u32, u32)> {
        let db = self.db();
        let all = db.prepare_cached("SELECT count(*) FROM builds WHERE project_id = ?1")?;
        let mut all = all;
        let total = all.query_row([&id.0], |row| row.get(0))?;
        // Few are under way at a time; by the project SQLite would read all of its builds.
        let mut active = db.prepare_cached(
            "SELECT count(*) FROM builds INDEXED BY builds_unfinished
             WHERE project_id = ?1 AND status IN ('queued', 'running')",
        )?;
        Ok((total, active.query_row([&id.0], |row| row.get(0))?))
    }
}
