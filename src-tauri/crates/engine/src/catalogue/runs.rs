//! `runs`: one row per run of a pipeline.

use rusqlite::{OptionalExtension, ToSql, params};

use super::Catalogue;
use crate::error::{Error, Result};
use crate::wire::{PipelineRun, RunFilter};

impl Catalogue {
    /// Stores a new run.
    pub(crate) fn add_run(&self, run: &PipelineRun, owner: &str) -> Result<()> {
        let sql =
            "INSERT INTO runs(id, project_id, pipeline, build_id, stack, status, created_at, owner, record)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.db().execute(
            sql,
            params![
                run.id,
                run.project.0,
                run.pipeline,
                run.build.as_ref().map(|build| &build.0),
                run.stack,
                run.status.as_str(),
                run.created_at,
                owner,
                written(run)?
            ],
        )?;
        self.changed();
        Ok(())
    }

    /// Replaces the record of a run that has not ended. Returns whether it had not.
    pub(crate) fn put_run(&self, run: &PipelineRun) -> Result<bool> {
        let sql = "UPDATE runs SET build_id = ?2, status = ?3, record = ?4
             WHERE id = ?1 AND status IN ('queued', 'running')";
        let build = run.build.as_ref().map(|build| &build.0);
        let count = self
            .db()
            .execute(sql, params![run.id, build, run.status.as_str(), written(run)?])?;
        self.changed();
        Ok(count == 1)
    }

    /// Returns a run by its id, or by the beginning of it when only one has it.
    pub(crate) fn run(&self, prefix: &str) -> Result<PipelineRun> {
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT record FROM runs WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2")?;
        let mut found: Vec<String> = statement
            .query_map([prefix], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        match (found.pop(), found.is_empty()) {
            (Some(text), true) if !prefix.is_empty() => read(&text),
            (Some(_), _) => Err(Error::refused(
                format!("{prefix} is the beginning of several runs' ids"),
                "give more characters of the id",
            )),
            (None, _) => Err(Error::refused(
                format!("there is no run {prefix}"),
                "`headstart runs list` lists them",
            )),
        }
    }

    /// Lists runs, newest first, and counts all that match.
    pub(crate) fn runs(&self, filter: &RunFilter) -> Result<(u32, Vec<PipelineRun>)> {
        let mut conditions: Vec<String> = vec!["1".into()];
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut add = |condition: &str, value: String| {
            values.push(Box::new(value));
            conditions.push(condition.replace('?', &format!("?{}", values.len())));
        };
        if let Some(project) = &filter.project {
            add("project_id = ?", project.0.clone());
        }
        if let Some(pipeline) = filter.pipeline.as_deref().filter(|text| !text.is_empty()) {
            match pipeline.strip_prefix("startswith:") {
                Some(beginning) => add(
                    "(instr(pipeline, ?) = 1 OR instr(project_id, ?) = 1)",
                    beginning.to_owned(),
                ),
                None => add("? IN (pipeline, project_id)", pipeline.to_owned()),
            }
        }
        if let Some(build) = &filter.build {
            add("build_id = ?", build.0.clone());
        }
        if let Some(stack) = filter.stack.as_deref().filter(|text| !text.is_empty()) {
            add("stack = ?", stack.to_owned());
        }
        if !filter.status.is_empty() {
            let words: Vec<String> = filter
                .status
                .iter()
                .map(|status| format!("'{}'", status.as_str()))
                .collect();
            conditions.push(format!("status IN ({})", words.join(", ")));
        }
        let from = format!("FROM runs WHERE {}", conditions.join(" AND "));
        let limit = if filter.limit == 0 {
            100
        } else {
            filter.limit.min(1000)
        };
        let arguments: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
        let db = self.db();
        let total = db.query_row(&format!("SELECT count(*) {from}"), arguments.as_slice(), |row| {
            row.get(0)
        })?;
        let sql = format!(
            "SELECT record {from} ORDER BY created_at DESC, rowid DESC LIMIT {limit} OFFSET {}",
            filter.offset
        );
        let mut statement = db.prepare(&sql)?;
        let texts: Vec<String> = statement
            .query_map(arguments.as_slice(), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let runs = texts.iter().map(|text| read(text)).collect::<Result<_>>()?;
        Ok((total, runs))
    }

    /// Lists runs that have not ended, with their owners.
    pub(crate) fn unfinished_runs(&self) -> Result<Vec<(PipelineRun, String)>> {
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT record, owner FROM runs WHERE status IN ('queued', 'running')")?;
        let rows: Vec<(String, String)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        rows.into_iter()
            .map(|(text, owner)| Ok((read(&text)?, owner)))
            .collect()
    }

    /// Asks for a run's end. Returns whether it had not ended.
    pub(crate) fn cancel_run(&self, id: &str, at: i64) -> Result<bool> {
        let sql = "UPDATE runs SET cancel_at = coalesce(cancel_at, ?2) WHERE id = ?1 AND status IN ('queued', 'running')";
        let count = self.db().execute(sql, params![id, at])?;
        self.changed();
        Ok(count == 1)
    }

    /// Returns whether a run's end was asked for.
    pub(crate) fn run_cancelled(&self, id: &str) -> Result<bool> {
        let sql = "SELECT cancel_at IS NOT NULL FROM runs WHERE id = ?1";
        // A record that is gone has nobody left who wants its result.
        Ok(self
            .db()
            .prepare_cached(sql)?
            .query_row([id], |row| row.get(0))
            .optional()?
            .unwrap_or(true))
    }

    /// Deletes the record of a run.
    pub(crate) fn delete_run(&self, id: &str) -> Result<()> {
        self.db().execute("DELETE FROM runs WHERE id = ?1", [id])?;
        self.changed();
        Ok(())
    }
}

fn written(run: &PipelineRun) -> Result<String> {
    serde_json::to_string(run).map_err(|error| Error::internal("a run could not be written", error))
}

fn read(text: &str) -> Result<PipelineRun> {
    serde_json::from_str(text).map_err(|error| Error::internal("a run could not be read", error))
}
