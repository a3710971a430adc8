//! Questions over several tables: lists for people, candidates and timings for plans, figures over time.

use rusqlite::{OptionalExtension, Row, ToSql, params};

use super::Catalogue;
use super::builds::{COLUMNS, ExtraSource, decision_word, read};
use crate::error::Result;
use crate::wire::{Build, BuildFilter, BuildId, BuildSort, BuildStatus, Decision, KeyField, ProjectId};

/// An older build as a plan sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) id: BuildId,
    pub(crate) commit: String,
    pub(crate) status: BuildStatus,
    pub(crate) environment_key: String,
    /// The fields behind the environment key, as stored.
    environment: String,
    pub(crate) code_key: String,
    pub(crate) chain: u32,
    pub(crate) layers: Option<u32>,
    pub(crate) dirty: bool,
    pub(crate) created_at: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) failed_step: Option<String>,
    pub(crate) base_commit: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) sources: Vec<ExtraSource>,
}

impl Candidate {
    /// Returns the fields behind the environment key. A plan sees hundreds of builds and needs those of few.
    pub(crate) fn environment(&self) -> Vec<KeyField> {
        serde_json::from_str(&self.environment).unwrap_or_default()
    }
}

const CANDIDATE: &str = "b.id, b.commit_id, b.status, b.environment_key, b.environment, b.code_key, b.chain, b.layers, \
     b.dirty, b.created_at, b.ended_at, b.started_at, b.failed_step, b.base_commit, i.reference, i.digest, b.sources";

/// The image that a build is used by is the one of this target; dialects with several targets look further.
const JOIN: &str = "FROM builds b LEFT JOIN images i ON i.build_id = b.id AND i.target = 'workspace'";

fn read_candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    let ended_at: Option<i64> = row.get(10)?;
    let started_at: Option<i64> = row.get(11)?;
    Ok(Candidate {
        id: BuildId(row.get(0)?),
        commit: row.get(1)?,
        status: BuildStatus::parse(&row.get::<_, String>(2)?).unwrap_or(BuildStatus::Interrupted),
        environment_key: row.get(3)?,
        environment: row.get(4)?,
        code_key: row.get(5)?,
        chain: row.get(6)?,
        layers: row.get(7)?,
        dirty: row.get(8)?,
        created_at: row.get(9)?,
        ended_at,
        duration_ms: started_at
            .zip(ended_at)
            .and_then(|(start, end)| u64::try_from(end - start).ok()),
        failed_step: row.get(12)?,
        base_commit: row.get(13)?,
        reference: row.get(14)?,
        digest: row.get(15)?,
        sources: row
            .get::<_, Option<String>>(16)?
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default(),
    })
}

/// A recorded duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    /// All of it.
    pub(crate) total_ms: u64,
    /// The part spent on getting the base ready.
    pub(crate) load_ms: u64,
    /// Files that were changed against the base.
    pub(crate) changed_files: u32,
}

impl Catalogue {
    /// Returns the builds of some commits, at most eight a commit, newest first within a commit.
    pub(crate) fn candidates<'a>(
        &self,
        project: &ProjectId,
        commits: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Candidate>> {
        let db = self.db();
        let sql = format!(
            "SELECT {CANDIDATE} {JOIN} WHERE b.project_id = ?1 AND b.commit_id = ?2 ORDER BY b.created_at DESC LIMIT 8"
        );
        let mut statement = db.prepare_cached(&sql)?;
        let mut all = Vec::new();
        for commit in commits {
            for row in statement.query_map(params![project.0, commit], read_candidate)? {
                all.push(row?);
            }
        }
        Ok(all)
    }

    /// Returns succeeded builds of exactly these keys, newest first, at most eight.
    pub(crate) fn exact(&self, project: &ProjectId, environment: &str, code: &str) -> Result<Vec<Candidate>> {
        let db = self.db();
        let sql = format!(
            "SELECT {CANDIDATE} {JOIN} WHERE b.project_id = ?1 AND b.environment_key = ?2 AND b.code_key = ?3
             AND b.status = 'succeeded' ORDER BY b.created_at DESC LIMIT 8"
        );
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map(params![project.0, environment, code], read_candidate)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns succeeded builds of an environment that were made from one of these sources, the newest of each.
    pub(crate) fn of_sources<'a>(
        &self,
        project: &ProjectId,
        environment: &str,
        codes: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Candidate>> {
        let db = self.db();
        let sql = format!(
            "SELECT {CANDIDATE} {JOIN} WHERE b.project_id = ?1 AND b.environment_key = ?2 AND b.code_key = ?3
             AND b.status = 'succeeded' AND b.dirty = 0 ORDER BY b.created_at DESC LIMIT 1"
        );
        let mut statement = db.prepare_cached(&sql)?;
        let mut all = Vec::new();
        for code in codes {
            let found = statement.query_row(params![project.0, environment, code], read_candidate);
            all.extend(found.optional()?);
        }
        Ok(all)
    }

    /// Returns the newest builds of a project.
    pub(crate) fn recent(&self, project: &ProjectId, limit: u32) -> Result<Vec<Candidate>> {
        let db = self.db();
        let sql =
            format!("SELECT {CANDIDATE} {JOIN} WHERE b.project_id = ?1 ORDER BY b.created_at DESC LIMIT ?2");
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map(params![project.0, limit], read_candidate)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the queued or running build of these keys.
    pub(crate) fn active(
        &self,
        project: &ProjectId,
        environment: &str,
        code: &str,
    ) -> Result<Option<BuildId>> {
        let sql = "SELECT id FROM builds WHERE project_id = ?1 AND environment_key = ?2 AND code_key = ?3
             AND status IN ('queued', 'running')";
        let keys = params![project.0, environment, code];
        Ok(self
            .db()
            .prepare_cached(sql)?
            .query_row(keys, |row| row.get(0))
            .optional()?
            .map(BuildId))
    }

    /// Returns the newest 50 timings of a kind: of this environment if it has any, else of the project. Builds whose steps
    /// all came from BuildKit's cache say nothing about how long the work takes.
    pub(crate) fn timings(
        &self,
        project: &ProjectId,
        environment: &str,
        decision: Decision,
    ) -> Result<Vec<Timing>> {
        let read = |row: &Row<'_>| {
            Ok(Timing {
                total_ms: row.get(0)?,
                load_ms: row.get(1)?,
                changed_files: row.get(2)?,
            })
        };
        let columns = "SELECT max(0, ended_at - started_at), coalesce(load_ms, 0), coalesce(changed_files, 0) FROM builds
             WHERE project_id = ?1 AND status = 'succeeded'
             AND coalesce((SELECT min(s.cached) FROM steps s WHERE s.build_id = builds.id AND s.phase = 'steps'), 0) = 0";
        let end = "ended_at IS NOT NULL AND started_at IS NOT NULL ORDER BY created_at DESC LIMIT 50";
        let word = decision_word(decision);
        let db = self.db();
        let same = format!("{columns} AND environment_key = ?2 AND decision = ?3 AND {end}");
        let found: Vec<Timing> = db
            .prepare_cached(&same)?
            .query_map(params![project.0, environment, word], read)?
            .collect::<Result<_, _>>()?;
        if !found.is_empty() {
            return Ok(found);
        }
        let any = format!("{columns} AND decision = ?2 AND {end}");
        let rows = db
            .prepare_cached(&any)?
            .query_map(params![project.0, word], read)?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// Lists builds and counts all that match.
    pub(crate) fn list(&self, filter: &BuildFilter) -> Result<(u32, Vec<Build>)> {
        let mut conditions: Vec<String> = vec!["1".into()];
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut add = |condition: &str, value: Box<dyn ToSql>, values: &mut Vec<Box<dyn ToSql>>| {
            values.push(value);
            conditions.push(condition.replace('?', &format!("?{}", values.len())));
        };
        if let Some(project) = &filter.project {
            add("b.project_id = ?", Box::new(project.0.clone()), &mut values);
        }
        if let Some(branch) = &filter.branch {
            add("b.branch = ?", Box::new(branch.clone()), &mut values);
        }
        if let Some(stack) = filter.stack.as_deref().filter(|stack| !stack.is_empty()) {
            add("b.stack = ?", Box::new(stack.to_owned()), &mut values);
        }
        if let Some(pipeline) = filter.pipeline.as_deref().filter(|name| !name.is_empty()) {
            // Pipelines are known by their names, and by their projects' ids as other records name them.
            match pipeline.strip_prefix("startswith:") {
                Some(beginning) => add(
                    "(instr(coalesce(b.pipeline, ''), ?) = 1 OR instr(b.project_id, ?) = 1)",
                    Box::new(beginning.to_owned()),
                    &mut values,
                ),
                None => add(
                    "? IN (b.pipeline, b.project_id)",
                    Box::new(pipeline.to_owned()),
                    &mut values,
                ),
            }
        }
        if let Some(contains) = filter.contains_code {
            add("b.contains_code = ?", Box::new(contains), &mut values);
        }
        if let Some(pinned) = filter.pinned {
            add("b.pinned = ?", Box::new(pinned), &mut values);
        }
        if let Some(id) = filter.id.as_deref().filter(|id| !id.is_empty()) {
            match id.strip_prefix("startswith:") {
                Some(prefix) => add("instr(b.id, ?) = 1", Box::new(prefix.to_owned()), &mut values),
                None => add("b.id = ?", Box::new(id.to_owned()), &mut values),
            }
        }
        if let Some(commit) = filter.commit.as_deref().filter(|commit| !commit.is_empty()) {
            add(
                "instr(b.commit_id, ?) = 1",
                Box::new(commit.to_owned()),
                &mut values,
            );
        }
        if let Some(text) = filter.text.as_deref().filter(|text| !text.trim().is_empty()) {
            for word in text.split_whitespace() {
                let within = "instr(lower(b.id || ' ' || b.commit_id || ' ' || b.summary || ' ' || \
                     coalesce(b.branch, '') || ' ' || p.name || ' ' || coalesce(b.error, '')), ?) > 0";
                add(within, Box::new(word.to_lowercase()), &mut values);
            }
        }
        if !filter.status.is_empty() {
            let words: Vec<String> = filter
                .status
                .iter()
                .map(|status| format!("'{}'", status.as_str()))
                .collect();
            conditions.push(format!("b.status IN ({})", words.join(", ")));
        }
        let order = match filter.sort {
            BuildSort::Created => "b.created_at",
            BuildSort::Duration => "(b.ended_at - b.started_at)",
            BuildSort::Status => "b.status",
            BuildSort::Branch => "b.branch",
            BuildSort::Bytes => "b.image_bytes",
            BuildSort::Saved => "b.saved_ms",
        };
        let direction = if filter.ascending { "ASC" } else { "DESC" };
        let from = format!(
            "FROM builds b JOIN projects p ON p.id = b.project_id WHERE {}",
            conditions.join(" AND ")
        );
        let limit = if filter.limit == 0 {
            100
        } else {
            filter.limit.min(1000)
        };
        let arguments: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
        let (total, mut builds) = {
            let db = self.db();
            let total = db.query_row(&format!("SELECT count(*) {from}"), arguments.as_slice(), |row| {
                row.get(0)
            })?;
            let sql = format!(
                "SELECT {COLUMNS} {from} ORDER BY {order} {direction} NULLS LAST, b.rowid {direction} LIMIT {limit} OFFSET {}",
                filter.offset
            );
            let mut statement = db.prepare(&sql)?;
            let builds: Vec<Build> = statement
                .query_map(arguments.as_slice(), read)?
                .collect::<Result<_, _>>()?;
            (total, builds)
        };
        for build in &mut builds {
            build.images = self.images(&build.id)?;
        }
        Ok((total, builds))
    }

    /// Returns for each ended build since a time: end, saving, whether it was reused and how often, for figures over time.
    pub(crate) fn savings(&self, project: Option<&ProjectId>, since: i64) -> Result<Vec<(i64, i64)>> {
        let db = self.db();
        let sql = "SELECT ended_at, coalesce(saved_ms, 0) FROM builds
             WHERE ended_at >= ?1 AND status = 'succeeded' AND (?2 IS NULL OR project_id = ?2) ORDER BY ended_at";
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map(params![since, project.map(ProjectId::as_str)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns name and duration of the steps that ran (not cached, and not the frame around tasks) in the newest 200 succeeded builds.
    pub(crate) fn step_times(&self, project: Option<&ProjectId>) -> Result<Vec<(String, u64)>> {
        let db = self.db();
        let sql = "SELECT s.name, s.ended_at - s.started_at FROM steps s
             WHERE s.build_id IN (SELECT id FROM builds WHERE status = 'succeeded' AND (?1 IS NULL OR project_id = ?1)
                 ORDER BY created_at DESC LIMIT 200)
             AND s.cached = 0 AND s.phase = 'steps' AND s.ended_at > s.started_at
             AND NOT EXISTS (SELECT 1 FROM steps t WHERE t.build_id = s.build_id AND t.parent = s.number)";
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map(params![project.map(ProjectId::as_str)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Counts which fields broke reuse, most often first, at most ten.
    pub(crate) fn breakers(&self, project: Option<&ProjectId>) -> Result<Vec<(String, u32)>> {
        let db = self.db();
        let sql = "SELECT broke_on, count(*) AS times FROM builds
             WHERE broke_on IS NOT NULL AND (?1 IS NULL OR project_id = ?1)
             GROUP BY broke_on ORDER BY times DESC, broke_on LIMIT 10";
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map(params![project.map(ProjectId::as_str)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns id, expected and measured duration of the newest 50 builds that had an estimate, oldest first.
    pub(crate) fn reality(&self, project: Option<&ProjectId>) -> Result<Vec<(BuildId, u64, u64)>> {
        let db = self.db();
        let sql = "SELECT id, expected_ms, max(0, ended_at - started_at) FROM builds
             WHERE status = 'succeeded' AND expected_ms IS NOT NULL AND ended_at IS NOT NULL AND started_at IS NOT NULL
             AND (?1 IS NULL OR project_id = ?1) ORDER BY created_at DESC LIMIT 50";
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map(params![project.map(ProjectId::as_str)], |row| {
            Ok((BuildId(row.get(0)?), row.get(1)?, row.get(2)?))
        })?;
        let mut rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        rows.reverse();
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Ending, NewBuild, ProjectRow};
    use crate::wire::{Dialect, Phase, Step, StepStatus};

    fn built(catalogue: &Catalogue, id: &str, cached: bool) {
        let new = NewBuild {
            targets: Vec::new(),
            id: id.into(),
            project: "p".into(),
            recipe: String::new(),
            stack: String::new(),
            platform: String::new(),
            commit: "c".into(),
            summary: String::new(),
            branch: None,
            dirty: false,
            decision: Decision::Full,
            reason: String::new(),
            base: None,
            chain: 0,
            environment_key: "e".into(),
            environment: Vec::new(),
            code_key: id.into(),
            expected_ms: None,
            contains_code: true,
            pipeline: None,
            warnings: Vec::new(),
            broke_on: None,
            sources: Vec::new(),
            owner: String::new(),
            created_at: 1,
        };
        catalogue.enqueue(&new).unwrap();
        catalogue.claim(&new.id, 9, 1_000).unwrap();
        let step = Step {
            number: 1,
            parent: None,
            name: "RUN make".into(),
            cached,
            started_at: Some(1_000),
            duration_ms: Some(10),
            status: StepStatus::Done,
            phase: Phase::Steps,
            exit_code: None,
            error: None,
            current_bytes: None,
            total_bytes: None,
        };
        catalogue.put_steps(&new.id, &[step]).unwrap();
        let ending = Ending::without_image(BuildStatus::Succeeded, None);
        catalogue.end(&new.id, &ending, 3_000).unwrap();
    }

    #[test]
    fn builds_that_came_from_the_layer_cache_are_no_measure_of_the_work() {
        let catalogue = Catalogue::in_memory().unwrap();
        let project = ProjectRow {
            id: "p".into(),
            name: "p".into(),
            root: "/p".into(),
            recipe: String::new(),
            dialect: Dialect::Workspace,
            added_at: 0,
        };
        catalogue.put_project(&project).unwrap();
        built(&catalogue, "a", false);
        built(&catalogue, "b", true);
        let timings = catalogue.timings(&project.id, "e", Decision::Full).unwrap();
        assert_eq!(timings.len(), 1, "only the build that did the work counts");
        assert_eq!(timings[0].total_ms, 2_000);
    }
}
