//! `builds`: one row per build, from the moment it is queued.

use rusqlite::{OptionalExtension, Row, ToSql, params};

use super::Catalogue;
use crate::error::{Error, Result};
use crate::wire::{
    BaseRef, Build, BuildId, BuildStatus, BuiltImage, Decision, KeyField, PlannedTarget, ProjectId,
};

/// What is known of a build when it is queued.
#[derive(Clone, Debug)]
pub(crate) struct NewBuild {
    /// Targets with keys of their own, of a build that has several.
    pub(crate) targets: Vec<PlannedTarget>,
    pub(crate) id: BuildId,
    pub(crate) project: ProjectId,
    pub(crate) recipe: String,
    pub(crate) stack: String,
    pub(crate) platform: String,
    pub(crate) commit: String,
    pub(crate) summary: String,
    pub(crate) branch: Option<String>,
    pub(crate) dirty: bool,
    pub(crate) decision: Decision,
    pub(crate) reason: String,
    pub(crate) base: Option<BaseRef>,
    pub(crate) chain: u32,
    pub(crate) environment_key: String,
    pub(crate) environment: Vec<KeyField>,
    pub(crate) code_key: String,
    pub(crate) expected_ms: Option<u64>,
    pub(crate) contains_code: bool,
    /// The pipeline it is made for.
    pub(crate) pipeline: Option<String>,
    pub(crate) warnings: Vec<String>,
    /// The field whose change made an older build unusable, for the statistics.
    pub(crate) broke_on: Option<String>,
    pub(crate) sources: Vec<ExtraSource>,
    pub(crate) owner: String,
    pub(crate) created_at: i64,
}

/// An additional repository as a build had it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ExtraSource {
    pub(crate) url: String,
    pub(crate) folder: String,
    pub(crate) commit: String,
}

/// What became of a request to queue a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Enqueued {
    /// It stands in the queue.
    New,
    /// A build of the same keys is queued or running already.
    Joined(BuildId),
}

/// What became of a queued build's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is running now.
    Started,
    /// Others come first.
    Waiting,
    /// It is not queued any more.
    Gone,
}

/// How a build ended.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) status: BuildStatus,
    pub(crate) error: Option<String>,
    pub(crate) failed_step: Option<String>,
    pub(crate) failed_number: Option<u32>,
    pub(crate) images: Vec<BuiltImage>,
    pub(crate) layers: Option<u32>,
    pub(crate) load_ms: Option<u64>,
    pub(crate) saved_ms: Option<i64>,
    pub(crate) warnings: Vec<String>,
}

impl Ending {
    /// Returns an ending without result.
    pub(crate) fn without_image(status: BuildStatus, error: Option<String>) -> Self {
        Self {
            status,
            error,
            failed_step: None,
            failed_number: None,
            images: Vec::new(),
            layers: None,
            load_ms: None,
            saved_ms: None,
            warnings: Vec::new(),
        }
    }
}

/// Word of a decision in the catalogue.
pub(super) fn decision_word(decision: Decision) -> &'static str {
    match decision {
        Decision::Reuse => "reuse",
        Decision::Incremental => "incremental",
        Decision::Full => "full",
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::internal("a record could not be written", e))
}

pub(super) const COLUMNS: &str = "b.id, b.project_id, p.name, b.recipe, b.stack, b.platform, b.commit_id, b.summary, \
     b.branch, b.dirty, b.status, b.decision, b.reason, b.base_id, b.base_commit, b.base_distance, b.changed_files, \
     b.chain, b.environment_key, b.environment, b.code_key, b.created_at, b.started_at, b.ended_at, b.expected_ms, \
     b.saved_ms, b.contains_code, b.pinned, b.reused, b.error, b.failed_step, b.failed_number, b.warnings, b.pipeline, b.producer";

/// Reads a row of [`COLUMNS`]; images, steps and log lines are filled in by the caller.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Build> {
    let status: String = row.get(10)?;
    let started_at: Option<i64> = row.get(22)?;
    let ended_at: Option<i64> = row.get(23)?;
    let base: Option<String> = row.get(13)?;
    let base = match base {
        Some(build) => Some(BaseRef {
            build: BuildId(build),
            commit: row.get(14)?,
            distance: row.get(15)?,
            changed_files: row.get(16)?,
        }),
        None => None,
    };
    Ok(Build {
        id: BuildId(row.get(0)?),
        project: ProjectId(row.get(1)?),
        project_name: row.get(2)?,
        recipe: row.get(3)?,
        stack: row.get(4)?,
        platform: row.get(5)?,
        commit: row.get(6)?,
        summary: row.get(7)?,
        branch: row.get(8)?,
        dirty: row.get(9)?,
        status: BuildStatus::parse(&status).unwrap_or(BuildStatus::Interrupted),
        decision: match row.get::<_, String>(11)?.as_str() {
            "incremental" => Decision::Incremental,
            "reuse" => Decision::Reuse,
            _ => Decision::Full,
        },
        reason: row.get(12)?,
        base,
        chain: row.get(17)?,
        environment_key: row.get(18)?,
        fields: serde_json::from_str(&row.get::<_, String>(19)?).unwrap_or_default(),
        code_key: row.get(20)?,
        images: Vec::new(),
        steps: Vec::new(),
        phases: Vec::new(),
        created_at: row.get(21)?,
        started_at,
        duration_ms: started_at.map(|start| {
            let end = ended_at.unwrap_or_else(crate::clock::now_ms);
            u64::try_from(end - start).unwrap_or(0)
        }),
        expected_ms: row.get(24)?,
        saved_ms: row.get(25)?,
        contains_code: row.get(26)?,
        pinned: row.get(27)?,
        reused: row.get(28)?,
        error: row.get(29)?,
        failed_step: row.get(30)?,
        failed_step_number: row.get(31)?,
        log_lines: 0,
        warnings: serde_json::from_str(&row.get::<_, String>(32)?).unwrap_or_default(),
        pipeline: row.get(33)?,
        producer: row.get(34)?,
    })
}

impl Catalogue {
    /// Queues a build, unless one of the same keys is queued or running in any process.
    pub(crate) fn enqueue(&self, new: &NewBuild) -> Result<Enqueued> {
        let sql = "INSERT INTO builds(id, project_id, recipe, stack, platform, commit_id, summary, branch, dirty, status,
                 decision, reason, base_id, base_commit, base_distance, changed_files, chain, environment_key,
                 environment, code_key, created_at, expected_ms, contains_code, warnings, broke_on, owner, sources, pipeline)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'queued', ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                 ?21, ?22, ?23, ?24, ?25, ?26, ?27)
             ON CONFLICT(project_id, environment_key, code_key, stack) WHERE status IN ('queued', 'running')
             DO NOTHING";
        let mut db = self.db();
        let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let inserted = tx.execute(
            sql,
            params![
                new.id.0,
                new.project.0,
                new.recipe,
                new.stack,
                new.platform,
                new.commit,
                new.summary,
                new.branch,
                new.dirty,
                decision_word(new.decision),
                new.reason,
                new.base.as_ref().map(|base| &base.build.0),
                new.base.as_ref().map(|base| &base.commit),
                new.base.as_ref().map(|base| base.distance),
                new.base.as_ref().map(|base| base.changed_files),
                new.chain,
                new.environment_key,
                json(&new.environment)?,
                new.code_key,
                new.created_at,
                new.expected_ms,
                new.contains_code,
                json(&new.warnings)?,
                new.broke_on,
                new.owner,
                json(&new.sources)?,
                new.pipeline,
            ],
        )?;
        let outcome = if inserted == 1 {
            super::targets::insert(&tx, &new.id, &new.project, &new.targets, new.created_at)?;
            Enqueued::New
        } else {
            let sql = "SELECT id FROM builds WHERE project_id = ?1 AND environment_key = ?2 AND code_key = ?3
                 AND stack = ?4 AND status IN ('queued', 'running')";
            let keys = params![new.project.0, new.environment_key, new.code_key, new.stack];
            Enqueued::Joined(BuildId(tx.query_row(sql, keys, |row| row.get(0))?))
        };
        tx.commit()?;
        drop(db);
        self.changed();
        Ok(outcome)
    }

    /// Starts a queued build if it is the oldest one and fewer than `concurrency` are running.
    pub(crate) fn claim(&self, id: &BuildId, concurrency: u32, at: i64) -> Result<Claim> {
        let mut db = self.db();
        let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let status: Option<String> = tx
            .query_row("SELECT status FROM builds WHERE id = ?1", [&id.0], |row| {
                row.get(0)
            })
            .optional()?;
        if status.as_deref() != Some("queued") {
            return Ok(Claim::Gone);
        }
        let sql = "UPDATE builds SET status = 'running', started_at = ?2 WHERE id = ?1
             AND (SELECT count(*) FROM builds WHERE status = 'running') < ?3
             AND id = (SELECT id FROM builds WHERE status = 'queued' ORDER BY created_at, rowid LIMIT 1)";
        let started = tx.execute(sql, params![id.0, at, concurrency])? == 1;
        tx.commit()?;
        drop(db);
        if !started {
            return Ok(Claim::Waiting);
        }
        self.changed();
        Ok(Claim::Started)
    }

    /// Remembers which process group does a build's work.
    pub(crate) fn set_process_group(&self, id: &BuildId, group: u32) -> Result<()> {
        self.write_soon(|db| {
            let sql = "UPDATE builds SET process_group = ?2 WHERE id = ?1";
            db.execute(sql, params![id.0, group])?;
            Ok(())
        })
    }

    /// Asks for a build's end; a queued one ends at once. Returns whether it was active.
    pub(crate) fn request_cancel(&self, id: &BuildId, at: i64) -> Result<bool> {
        let db = self.db();
        let queued = db.execute(
            "UPDATE builds SET status = 'cancelled', ended_at = ?2, cancel_at = ?2 WHERE id = ?1 AND status = 'queued'",
            params![id.0, at],
        )?;
        let running = db.execute(
            "UPDATE builds SET cancel_at = coalesce(cancel_at, ?2) WHERE id = ?1 AND status = 'running'",
            params![id.0, at],
        )?;
        drop(db);
        self.changed();
        Ok(queued + running > 0)
    }

    /// Returns whether a build's end was asked for.
    pub(crate) fn cancel_requested(&self, id: &BuildId) -> Result<bool> {
        let sql = "SELECT cancel_at IS NOT NULL FROM builds WHERE id = ?1";
        // A record that is gone has nobody left who wants its result.
        Ok(self
            .db()
            .prepare_cached(sql)?
            .query_row([&id.0], |row| row.get(0))
            .optional()?
            .unwrap_or(true))
    }

    /// Replaces the environment of a running build, once its image's digest is known.
    pub(crate) fn set_environment(&self, id: &BuildId, key: &str, fields: &[KeyField]) -> Result<()> {
        let sql = "UPDATE OR IGNORE builds SET environment_key = ?2, environment = ?3 WHERE id = ?1";
        self.db().execute(sql, params![id.0, key, json(&fields)?])?;
        Ok(())
    }

    /// Ends a build that is queued or running; one that has ended keeps its ending.
    pub(crate) fn end(&self, id: &BuildId, ending: &Ending, at: i64) -> Result<bool> {
        let mut db = self.db();
        let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let warnings: Option<String> = tx
            .query_row("SELECT warnings FROM builds WHERE id = ?1", [&id.0], |row| {
                row.get(0)
            })
            .optional()?;
        let mut warnings: Vec<String> = warnings
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        warnings.extend(ending.warnings.iter().cloned());
        let bytes: Option<u64> = ending.images.iter().map(|image| image.bytes).sum();
        let sql = "UPDATE builds SET status = ?2, ended_at = ?3, error = ?4, failed_step = ?5, failed_number = ?6,
                 layers = ?7, image_bytes = ?8, load_ms = ?9, saved_ms = ?10, warnings = ?11, process_group = NULL
             WHERE id = ?1 AND status IN ('queued', 'running')";
        let ended = tx.execute(
            sql,
            params![
                id.0,
                ending.status.as_str(),
                at,
                ending.error,
                ending.failed_step,
                ending.failed_number,
                ending.layers,
                bytes.filter(|_| !ending.images.is_empty()),
                ending.load_ms,
                ending.saved_ms,
                json(&warnings)?,
            ],
        )? == 1;
        if ended {
            for image in &ending.images {
                tx.execute(
                    "INSERT OR REPLACE INTO images(build_id, target, reference, digest, bytes)
                     VALUES(?1, ?2, ?3, ?4, ?5)",
                    params![id.0, image.target, image.reference, image.digest, image.bytes],
                )?;
            }
            let step_end = if ending.status == BuildStatus::Succeeded {
                "done"
            } else {
                "cancelled"
            };
            tx.execute(
                "UPDATE steps SET status = ?2, ended_at = ?3,
                     revision = 1 + (SELECT max(revision) FROM steps WHERE build_id = ?1)
                 WHERE build_id = ?1 AND status = 'running'",
                params![id.0, step_end, at],
            )?;
        }
        tx.commit()?;
        drop(db);
        self.changed();
        Ok(ended)
    }

    /// Returns a build with its images and steps.
    pub(crate) fn build(&self, id: &BuildId) -> Result<Build> {
        let sql =
            format!("SELECT {COLUMNS} FROM builds b JOIN projects p ON p.id = b.project_id WHERE b.id = ?1");
        let build = self
            .db()
            .prepare_cached(&sql)?
            .query_row([&id.0], read)
            .optional()?;
        let mut build = build.ok_or_else(|| Error::NoBuild(id.clone()))?;
        build.images = self.images(id)?;
        build.steps = self.steps_since(id, 0)?.1;
        Ok(build)
    }

    /// Returns the one build whose id begins with a prefix.
    pub(crate) fn build_by_prefix(&self, prefix: &str) -> Result<BuildId> {
        let escaped: String = prefix.chars().filter(char::is_ascii_alphanumeric).collect();
        let missing = || Error::NoBuild(BuildId(prefix.to_owned()));
        if escaped.is_empty() || escaped != prefix {
            return Err(missing());
        }
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT id FROM builds WHERE id >= ?1 AND id < ?1 || '~' LIMIT 100")?;
        let found: Vec<String> = statement
            .query_map([&escaped], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        match found.as_slice() {
            [] => Err(missing()),
            [one] => Ok(BuildId(one.clone())),
            many => Err(Error::AmbiguousBuild {
                prefix: prefix.to_owned(),
                count: u32::try_from(many.len()).unwrap_or(u32::MAX),
            }),
        }
    }

    /// Returns a build's images.
    pub(crate) fn images(&self, id: &BuildId) -> Result<Vec<BuiltImage>> {
        let db = self.db();
        let sql = "SELECT target, reference, digest, bytes FROM images WHERE build_id = ?1 ORDER BY target";
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map([&id.0], |row| {
            Ok(BuiltImage {
                target: row.get(0)?,
                reference: row.get(1)?,
                digest: row.get(2)?,
                bytes: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Counts one more answer given with this build.
    pub(crate) fn count_reuse(&self, id: &BuildId) -> Result<()> {
        self.db()
            .execute("UPDATE builds SET reused = reused + 1 WHERE id = ?1", [&id.0])?;
        self.changed();
        Ok(())
    }

    /// Pins or unpins a build.
    pub(crate) fn set_pinned(&self, id: &BuildId, pinned: bool) -> Result<()> {
        let changed = self.db().execute(
            "UPDATE builds SET pinned = ?2 WHERE id = ?1",
            params![id.0, pinned],
        )?;
        if changed == 0 {
            return Err(Error::NoBuild(id.clone()));
        }
        self.changed();
        Ok(())
    }

    /// Removes the record of a build that has ended; returns whether it was there.
    pub(crate) fn delete_build(&self, id: &BuildId) -> Result<bool> {
        let sql = "DELETE FROM builds WHERE id = ?1 AND status NOT IN ('queued', 'running') AND pinned = 0";
        let gone = self.db().execute(sql, [&id.0])? == 1;
        self.changed();
        Ok(gone)
    }

    /// Lists builds made from one of these.
    pub(crate) fn dependants(&self, id: &BuildId) -> Result<Vec<BuildId>> {
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT id FROM builds WHERE base_id = ?1 ORDER BY created_at")?;
        let rows = statement.query_map([&id.0], |row| row.get(0).map(BuildId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lists queued and running builds with their owner and process group.
    pub(crate) fn unfinished(&self) -> Result<Vec<(BuildId, String, Option<u32>)>> {
        let db = self.db();
        let sql = "SELECT id, owner, process_group FROM builds WHERE status IN ('queued', 'running')";
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((BuildId(row.get(0)?), row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lists builds that were interrupted after a time, with their project and when.
    pub(crate) fn interrupted_since(&self, at: i64) -> Result<Vec<(BuildId, ProjectId, i64)>> {
        let db = self.db();
        let sql =
            "SELECT id, project_id, ended_at FROM builds WHERE status = 'interrupted' AND ended_at > ?1";
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map([at], |row| {
            Ok((BuildId(row.get(0)?), ProjectId(row.get(1)?), row.get(2)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns one value of a row of `builds`, for columns that are not part of the wire type.
    pub(crate) fn build_value<T: rusqlite::types::FromSql>(
        &self,
        id: &BuildId,
        column: &'static str,
    ) -> Result<T> {
        let sql = format!("SELECT {column} FROM builds WHERE id = ?1");
        let key: &dyn ToSql = &id.0;
        let value = self
            .db()
            .prepare_cached(&sql)?
            .query_row([key], |row| row.get(0))
            .optional()?;
        value.ok_or_else(|| Error::NoBuild(id.clone()))
    }
}
