//! `steps`: what a build did, written as it happens.

use rusqlite::{Row, params};

use super::Catalogue;
use crate::error::Result;
use crate::wire::{BuildId, Phase, Step, StepStatus};

fn status_word(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Pending => "pending",
        StepStatus::Running => "running",
        StepStatus::Done => "done",
        StepStatus::Failed => "failed",
        StepStatus::Cancelled => "cancelled",
    }
}

fn status_of(word: &str) -> StepStatus {
    match word {
        "pending" => StepStatus::Pending,
        "running" => StepStatus::Running,
        "done" => StepStatus::Done,
        "failed" => StepStatus::Failed,
        _ => StepStatus::Cancelled,
    }
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Resolve => "resolve",
        Phase::Context => "context",
        Phase::CacheImport => "cache_import",
        Phase::Steps => "steps",
        Phase::Export => "export",
        Phase::Push => "push",
        Phase::Other => "other",
    }
}

fn phase_of(word: &str) -> Phase {
    match word {
        "resolve" => Phase::Resolve,
        "context" => Phase::Context,
        "cache_import" => Phase::CacheImport,
        "steps" => Phase::Steps,
        "export" => Phase::Export,
        "push" => Phase::Push,
        _ => Phase::Other,
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(u64, Step)> {
    let started_at: Option<i64> = row.get(4)?;
    let ended_at: Option<i64> = row.get(5)?;
    let status = status_of(&row.get::<_, String>(6)?);
    let step = Step {
        number: row.get(0)?,
        parent: row.get(1)?,
        name: row.get(2)?,
        cached: row.get(3)?,
        started_at,
        duration_ms: started_at.and_then(|start| {
            let end = ended_at.or_else(|| (status == StepStatus::Running).then(crate::clock::now_ms))?;
            u64::try_from(end - start).ok()
        }),
        status,
        phase: phase_of(&row.get::<_, String>(7)?),
        exit_code: row.get(8)?,
        error: row.get(9)?,
        current_bytes: row.get(10)?,
        total_bytes: row.get(11)?,
    };
    Ok((row.get(12)?, step))
}

/// Adds a step or brings it up to date, under the next revision; a build that was deleted gets none.
const PUT: &str =
    "INSERT INTO steps(build_id, number, parent, name, cached, started_at, ended_at, status, phase,
         exit_code, error, current, total, revision)
     SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
         1 + coalesce((SELECT max(revision) FROM steps WHERE build_id = ?1), 0) FROM builds WHERE id = ?1
     ON CONFLICT(build_id, number) DO UPDATE SET parent = excluded.parent, name = excluded.name,
         cached = excluded.cached, started_at = excluded.started_at, ended_at = excluded.ended_at,
         status = excluded.status, phase = excluded.phase, exit_code = excluded.exit_code,
         error = excluded.error, current = excluded.current, total = excluded.total,
         revision = excluded.revision";

impl Catalogue {
    /// Writes new and changed steps of a build in one transaction.
    pub(crate) fn put_steps(&self, build: &BuildId, steps: &[Step]) -> Result<()> {
        self.write_soon(|db| {
            let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            {
                let mut statement = tx.prepare_cached(PUT)?;
                for step in steps {
                    let ended_at = match (step.started_at, step.duration_ms, step.status) {
                        (_, _, StepStatus::Running | StepStatus::Pending) => None,
                        (Some(start), Some(duration), _) => {
                            Some(start.saturating_add(i64::try_from(duration).unwrap_or(i64::MAX)))
                        }
                        _ => None,
                    };
                    statement.execute(params![
                        build.0,
                        step.number,
                        step.parent,
                        step.name,
                        step.cached,
                        step.started_at,
                        ended_at,
                        status_word(step.status),
                        phase_word(step.phase),
                        step.exit_code,
                        step.error,
                        step.current_bytes,
                        step.total_bytes,
                    ])?;
                }
            }
            tx.commit()?;
            Ok(())
        })?;
        self.changed();
        Ok(())
    }

    /// Returns the steps that changed after a revision, by number, and the newest revision.
    pub(crate) fn steps_since(&self, build: &BuildId, revision: u64) -> Result<(u64, Vec<Step>)> {
        let db = self.db();
        let sql = "SELECT number, parent, name, cached, started_at, ended_at, status, phase, exit_code, error, current,
                 total, revision FROM steps WHERE build_id = ?1 AND revision > ?2 ORDER BY number";
        let mut statement = db.prepare_cached(sql)?;
        let rows: Vec<(u64, Step)> = statement
            .query_map(params![build.0, revision], read)?
            .collect::<Result<_, _>>()?;
        let newest = rows.iter().map(|(at, _)| *at).max().unwrap_or(revision);
        Ok((newest, rows.into_iter().map(|(_, step)| step).collect()))
    }
}
