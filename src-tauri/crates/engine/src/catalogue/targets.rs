//! `targets`: the keys of each target of builds that have several.

use rusqlite::{Row, params};

use super::Catalogue;
use crate::error::Result;
use crate::wire::{Build, BuildId, BuiltImage, KeyField, PlannedTarget, ProjectId};

/// A target of an older build that was made, with its image.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OlderTarget {
    pub(crate) build: BuildId,
    pub(crate) commit: String,
    pub(crate) environment_key: String,
    pub(crate) environment: Vec<KeyField>,
    pub(crate) code_key: String,
    pub(crate) reference: String,
    pub(crate) digest: String,
    pub(crate) bytes: Option<u64>,
}

impl OlderTarget {
    /// Returns a target that was built elsewhere as one that is known.
    pub(crate) fn of(record: &Imported) -> Self {
        Self {
            build: record.build.id.clone(),
            commit: record.build.commit.clone(),
            environment_key: record.target.environment_key.clone(),
            environment: record.target.fields.clone(),
            code_key: record.target.code_key.clone(),
            reference: record.image.reference.clone(),
            digest: record.image.digest.clone(),
            bytes: record.image.bytes,
        }
    }
}

/// A target that was built elsewhere, with its image.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Imported {
    /// The build, as far as others have to know it.
    pub(crate) build: Build,
    /// Who made it, when somebody else did.
    pub(crate) producer: Option<String>,
    /// The target with its keys.
    pub(crate) target: PlannedTarget,
    /// Its image.
    pub(crate) image: BuiltImage,
}

const COLUMNS: &str =
    "t.build_id, b.commit_id, t.environment, t.code_key, i.reference, i.digest, i.bytes, t.environment_key";
const MADE: &str = "FROM targets t JOIN builds b ON b.id = t.build_id AND b.status = 'succeeded'
     JOIN images i ON i.build_id = t.build_id AND i.target = t.name";

const EXACT: &str = "t.project_id = ?1 AND t.name = ?2 AND t.environment_key = ?3 AND t.code_key = ?4";
const ANYWHERE: &str = "t.environment_key = ?1 AND t.code_key = ?2";
const COUNT: &str = "SELECT COUNT(*) FROM images WHERE reference = ?1";
const SHARERS: &str = "SELECT i.build_id FROM images i JOIN builds b ON b.id = i.build_id
     WHERE i.reference = ?1 AND i.digest = ?2 AND b.status = 'succeeded' ORDER BY b.created_at DESC";

fn read(row: &Row<'_>) -> rusqlite::Result<OlderTarget> {
    Ok(OlderTarget {
        build: BuildId(row.get(0)?),
        commit: row.get(1)?,
        environment: serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default(),
        code_key: row.get(3)?,
        reference: row.get(4)?,
        digest: row.get(5)?,
        bytes: row.get(6)?,
        environment_key: row.get(7)?,
    })
}

/// Returns the question for the newest images of targets, each with the build that made it. Thousands of builds may have
/// used one image: of those only the newest and the oldest are looked at.
fn makers(condition: &str) -> String {
    let some = |order: &str| {
        format!(
            "SELECT * FROM (SELECT t.build_id, t.name, t.created_at FROM targets t WHERE {condition}
                 ORDER BY t.created_at {order} LIMIT 200)"
        )
    };
    // Of the rows of one image SQLite takes the one that min() is of.
    format!(
        "SELECT {COLUMNS} FROM (
             SELECT some.build_id AS build, some.name AS target, MIN(some.created_at) AS made_at
             FROM ({} UNION {}) some
             CROSS JOIN builds b ON b.id = some.build_id AND b.status = 'succeeded'
             CROSS JOIN images i ON i.build_id = some.build_id AND i.target = some.name
             GROUP BY i.reference, i.digest ORDER BY made_at DESC LIMIT 4
         ) made
         CROSS JOIN targets t ON t.build_id = made.build AND t.name = made.target
         CROSS JOIN builds b ON b.id = t.build_id
         CROSS JOIN images i ON i.build_id = t.build_id AND i.target = t.name
         ORDER BY made.made_at DESC",
        some("DESC"),
        some("ASC")
    )
}

fn newest() -> String {
    format!(
        "SELECT {COLUMNS} {MADE} WHERE t.project_id = ?1 AND t.name = ?2 ORDER BY t.created_at DESC LIMIT ?3"
    )
}

/// Returns the questions that a plan asks of each image, with the index that answers them.
#[cfg(test)]
pub(super) fn questions() -> [(String, &'static str); 5] {
    [
        (makers(EXACT), "targets_by_key "),
        (makers(ANYWHERE), "targets_by_keys "),
        (newest(), "targets_by_name "),
        (COUNT.to_owned(), "images_by_reference "),
        (SHARERS.to_owned(), "images_by_reference "),
    ]
}

/// Stores the targets of a build that is being queued.
pub(super) fn insert(
    db: &rusqlite::Connection,
    build: &BuildId,
    project: &ProjectId,
    targets: &[PlannedTarget],
    at: i64,
) -> Result<()> {
    let sql =
        "INSERT INTO targets(build_id, name, project_id, environment_key, environment, code_key, created_at)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut statement = db.prepare_cached(sql)?;
    for target in targets {
        let fields = serde_json::to_string(&target.fields)
            .map_err(|error| crate::error::Error::internal("a record could not be written", error))?;
        let keys = (&target.environment_key, &target.code_key);
        statement.execute(params![
            build.0,
            target.name,
            project.0,
            keys.0,
            fields,
            keys.1,
            at
        ])?;
    }
    Ok(())
}

impl Catalogue {
    /// Returns the newest images of exactly these keys under one name, newest first, at most four; each with the build
    /// that made it, not with those that used it again.
    pub(crate) fn exact_targets(
        &self,
        project: &ProjectId,
        name: &str,
        environment: &str,
        code: &str,
    ) -> Result<Vec<OlderTarget>> {
        let sql = makers(EXACT);
        let db = self.db();
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map(params![project.0, name, environment, code], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the newest images of exactly these keys, whichever project and target they were made for, newest first, at
    /// most four.
    pub(crate) fn exact_anywhere(&self, environment: &str, code: &str) -> Result<Vec<OlderTarget>> {
        let sql = makers(ANYWHERE);
        let db = self.db();
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map(params![environment, code], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the targets of a build with their images, by name.
    pub(crate) fn targets_of(&self, build: &BuildId) -> Result<Vec<(String, OlderTarget)>> {
        let sql = format!("SELECT {COLUMNS}, t.name {MADE} WHERE t.build_id = ?1 ORDER BY t.name");
        let db = self.db();
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map([&build.0], |row| Ok((row.get(8)?, read(row)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Takes over the record of a target that was built elsewhere. Returns whether its build is new.
    pub(crate) fn import(&self, record: &Imported) -> Result<bool> {
        let mut db = self.db();
        let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let build = &record.build;
        let sql = "INSERT INTO builds(id, project_id, recipe, stack, platform, commit_id, summary, branch, dirty, status,
                 decision, reason, chain, environment_key, environment, code_key, created_at, started_at, ended_at,
                 contains_code, warnings, owner, pipeline, producer)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'succeeded', 'full', ?10, 0, ?11, ?12, ?13, ?14, ?14, ?14, ?15,
                 '[]', '', ?16, ?17) ON CONFLICT(id) DO NOTHING";
        let fields = serde_json::to_string(&record.target.fields)
            .map_err(|error| crate::error::Error::internal("a record could not be written", error))?;
        let new = tx.execute(
            sql,
            params![
                build.id.0,
                build.project.0,
                build.recipe,
                build.stack,
                build.platform,
                build.commit,
                build.summary,
                build.branch,
                build.dirty,
                build.reason,
                build.environment_key,
                fields,
                build.code_key,
                build.created_at,
                build.contains_code,
                build.pipeline,
                record.producer,
            ],
        )? == 1;
        let is_own: bool = tx.query_row(
            "SELECT producer IS NULL FROM builds WHERE id = ?1",
            [&build.id.0],
            |row| row.get(0),
        )?;
        if !new && is_own && record.producer.is_some() {
            // What somebody says about a build of ours changes nothing of it.
            return Ok(false);
        }
        let keys = (&record.target.environment_key, &record.target.code_key);
        tx.execute(
            "INSERT INTO targets(build_id, name, project_id, environment_key, environment, code_key, created_at)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            params![
                build.id.0,
                record.target.name,
                build.project.0,
                keys.0,
                fields,
                keys.1,
                build.created_at
            ],
        )?;
        tx.execute(
            "INSERT INTO images(build_id, target, reference, digest, bytes) VALUES(?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
            params![
                build.id.0,
                record.image.target,
                record.image.reference,
                record.image.digest,
                record.image.bytes
            ],
        )?;
        tx.commit()?;
        drop(db);
        if new {
            self.changed();
        }
        Ok(new)
    }

    /// Returns the newest images of a target, whatever its keys, newest first.
    pub(crate) fn newest_targets(
        &self,
        project: &ProjectId,
        name: &str,
        most: u32,
    ) -> Result<Vec<OlderTarget>> {
        let sql = newest();
        let db = self.db();
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map(params![project.0, name, most], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lists the succeeded builds whose image is this one, newest first.
    pub(crate) fn sharers(&self, reference: &str, digest: &str) -> Result<Vec<BuildId>> {
        let db = self.db();
        let mut statement = db.prepare_cached(SHARERS)?;
        let rows = statement.query_map(params![reference, digest], |row| row.get(0).map(BuildId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the newest succeeded build that has all of these images, by reference and digest; those that no build has do
    /// not count.
    pub(crate) fn newest_with(&self, images: &[(&str, &str)]) -> Result<Option<BuildId>> {
        let db = self.db();
        // Of an image that thousands of builds share and one that few have, the few are looked through.
        let mut count = db.prepare_cached(COUNT)?;
        let mut counted = Vec::new();
        for image in images {
            let builds: u64 = count.query_row([image.0], |row| row.get(0))?;
            if builds > 0 {
                counted.push((builds, *image));
            }
        }
        let Some((_, (reference, digest))) = counted.iter().min_by_key(|(builds, _)| *builds) else {
            return Ok(None);
        };
        let mut sharers = db.prepare_cached(SHARERS)?;
        let mut has =
            db.prepare_cached("SELECT 1 FROM images WHERE build_id = ?1 AND reference = ?2 AND digest = ?3")?;
        let mut rows = sharers.query([reference, digest])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let mut all = true;
            for (_, (reference, digest)) in &counted {
                all = all && has.exists([id.as_str(), reference, digest])?;
            }
            if all {
                return Ok(Some(BuildId(id)));
            }
        }
        Ok(None)
    }

    /// Lists the branches of a project's succeeded builds of these commits, nearest first and each once.
    pub(crate) fn built_branches(&self, project: &ProjectId, commits: &[String]) -> Result<Vec<String>> {
        let sql =
            "SELECT branch FROM builds WHERE project_id = ?1 AND commit_id = ?2 AND status = 'succeeded'
             AND branch IS NOT NULL ORDER BY created_at DESC LIMIT 4";
        let db = self.db();
        let mut statement = db.prepare_cached(sql)?;
        let mut found: Vec<String> = Vec::new();
        for commit in commits {
            for branch in statement.query_map(params![project.0, commit], |row| row.get(0))? {
                let branch: String = branch?;
                if !found.contains(&branch) {
                    found.push(branch);
                }
            }
        }
        Ok(found)
    }
}
