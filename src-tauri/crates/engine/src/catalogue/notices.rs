//! `notices`: the inbox.

use rusqlite::{Row, params};

use super::Catalogue;
use crate::error::Result;
use crate::wire::{BuildId, Notice, NoticeKind, ProjectId};

fn kind_word(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Succeeded => "succeeded",
        NoticeKind::Failed => "failed",
        NoticeKind::TimedOut => "timed_out",
        NoticeKind::Interrupted => "interrupted",
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Notice> {
    Ok(Notice {
        id: row.get(0)?,
        build: row.get::<_, Option<String>>(1)?.map(BuildId),
        run: row.get(9)?,
        job: row.get(10)?,
        project: Some(row.get(2)?)
            .filter(|id: &String| !id.is_empty())
            .map(ProjectId),
        kind: match row.get::<_, String>(3)?.as_str() {
            "succeeded" => NoticeKind::Succeeded,
            "timed_out" => NoticeKind::TimedOut,
            "interrupted" => NoticeKind::Interrupted,
            _ => NoticeKind::Failed,
        },
        title: row.get(4)?,
        body: row.get(5)?,
        at: row.get(6)?,
        duration_ms: row.get(7)?,
        read: row.get(8)?,
    })
}

const COLUMNS: &str = "id, build_id, project_id, kind, title, body, at, duration_ms, read, run_id, job";

impl Catalogue {
    /// Adds a notice; its number is given here.
    pub(crate) fn add_notice(&self, notice: &Notice) -> Result<()> {
        let sql = "INSERT INTO notices(build_id, run_id, project_id, kind, title, body, at, duration_ms, job)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.db().execute(
            sql,
            params![
                notice.build.as_ref().map(BuildId::as_str),
                notice.run,
                notice.project.as_ref().map_or("", ProjectId::as_str),
                kind_word(notice.kind),
                notice.title,
                notice.body,
                notice.at,
                notice.duration_ms,
                notice.job
            ],
        )?;
        self.changed();
        Ok(())
    }

    /// Lists notices, newest first.
    pub(crate) fn notices(&self, limit: u32) -> Result<Vec<Notice>> {
        let sql = format!("SELECT {COLUMNS} FROM notices ORDER BY id DESC LIMIT ?1");
        Ok(self
            .db()
            .prepare_cached(&sql)?
            .query_map([limit], read)?
            .collect::<Result<_, _>>()?)
    }

    /// Lists notices after one, oldest first.
    pub(crate) fn notices_after(&self, id: u32) -> Result<Vec<Notice>> {
        let sql = format!("SELECT {COLUMNS} FROM notices WHERE id > ?1 ORDER BY id LIMIT 100");
        Ok(self
            .db()
            .prepare_cached(&sql)?
            .query_map([id], read)?
            .collect::<Result<_, _>>()?)
    }

    /// Returns the newest notice's number, 0 without any.
    pub(crate) fn last_notice(&self) -> Result<u32> {
        Ok(self
            .db()
            .query_row("SELECT coalesce(max(id), 0) FROM notices", [], |row| row.get(0))?)
    }

    /// Marks notices as read; all when none is named.
    pub(crate) fn mark_notices_read(&self, ids: &[u32]) -> Result<()> {
        let mut db = self.db();
        let tx = db.transaction()?;
        if ids.is_empty() {
            tx.execute("UPDATE notices SET read = 1 WHERE read = 0", [])?;
        }
        for id in ids {
            tx.execute("UPDATE notices SET read = 1 WHERE id = ?1", [id])?;
        }
        tx.commit()?;
        drop(db);
        self.changed();
        Ok(())
    }
}
