//! Pipelines, jobs and results of datums: their tables in the data store.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::data::{self, DataStore, Digest, Root};
use crate::error::{Error, Result};
use crate::wire::{DatumState, Job, JobFilter, UpdateChoice};

/// A version of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PipelineRecord {
    pub(crate) name: String,
    pub(crate) stack: String,
    pub(crate) version: u32,
    /// Whether it takes no new data.
    pub(crate) stopped: bool,
    /// The spec as the user gave it.
    pub(crate) submitted: serde_json::Value,
    /// The spec as it runs: with the inputs and images of a build step.
    pub(crate) spec: serde_json::Value,
    /// File it was submitted from.
    pub(crate) path: Option<String>,
    /// Pipeline whose code this one builds.
    pub(crate) builds_for: Option<String>,
    /// Part of every datum's hash: another one processes everything again.
    pub(crate) salt: String,
    /// What code's changes do to processed data.
    pub(crate) choice: UpdateChoice,
    /// Digests that the code's inputs count with, hexadecimal, by name: set when code is used for new data only.
    pub(crate) pinned: BTreeMap<String, String>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// A result that can be used again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processed {
    pub(crate) output: Root,
    pub(crate) duration_ms: u64,
}

/// How a datum of a job ended without a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) state: DatumState,
    pub(crate) attempts: u32,
    pub(crate) exit_code: Option<i32>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) error: Option<String>,
}

/// A result of a job, to be kept.
pub(crate) struct Finished<'a> {
    pub(crate) hash: Digest,
    pub(crate) output: Root,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) outcome: &'a Outcome,
}

/// Returns the newest version of a pipeline.
pub(crate) fn pipeline(store: &DataStore, name: &str) -> Result<Option<PipelineRecord>> {
    let sql = "SELECT record FROM pipelines WHERE name = ?1";
    let text: Option<String> = store.read(|db| {
        Ok(db
            .prepare_cached(sql)?
            .query_row([name], |row| row.get(0))
            .optional()?)
    })?;
    text.map(|text| read(&text)).transpose()
}

/// Returns all pipelines in their newest versions, by name.
pub(crate) fn pipelines(store: &DataStore) -> Result<Vec<PipelineRecord>> {
    store.read(pipelines_in)
}

/// Returns all pipelines as a transaction sees them.
pub(crate) fn pipelines_in(db: &Connection) -> Result<Vec<PipelineRecord>> {
    let mut statement = db.prepare_cached("SELECT record FROM pipelines ORDER BY name")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let texts = rows.collect::<Result<Vec<_>, _>>()?;
    texts.iter().map(|text| read(text)).collect()
}

/// Returns a version of a pipeline.
pub(crate) fn version(store: &DataStore, name: &str, version: u32) -> Result<Option<PipelineRecord>> {
    store.read(|db| version_in(db, name, version))
}

/// Returns a version of a pipeline as a transaction sees it.
pub(crate) fn version_in(db: &Connection, name: &str, version: u32) -> Result<Option<PipelineRecord>> {
    let sql = "SELECT record FROM versions WHERE pipeline = ?1 AND version = ?2";
    let mut statement = db.prepare_cached(sql)?;
    let text: Option<String> = statement
        .query_row(params![name, version], |row| row.get(0))
        .optional()?;
    text.map(|text| read(&text)).transpose()
}

/// Stores a pipeline, as its newest version and among its versions.
pub(crate) fn put_pipeline(tx: &Transaction<'_>, record: &PipelineRecord) -> Result<()> {
    let text = written(record)?;
    tx.execute(
        "INSERT INTO pipelines(name, version, stopped, created_at, updated_at, record) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT(name) DO UPDATE SET version = ?2, stopped = ?3, updated_at = ?5, record = ?6",
        params![record.name, record.version, record.stopped, record.created_at, record.updated_at, text],
    )?;
    tx.execute(
        "INSERT INTO versions(pipeline, version, record) VALUES(?1, ?2, ?3)
         ON CONFLICT(pipeline, version) DO UPDATE SET record = ?3",
        params![record.name, record.version, text],
    )?;
    Ok(())
}

/// Deletes a pipeline with its versions, jobs and results.
pub(crate) fn delete_pipeline(tx: &Transaction<'_>, name: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM outcomes WHERE job IN (SELECT id FROM jobs WHERE pipeline = ?1)",
        [name],
    )?;
    for table in ["datums", "jobs", "versions"] {
        tx.execute(&format!("DELETE FROM {table} WHERE pipeline = ?1"), [name])?;
    }
    tx.execute("DELETE FROM pipelines WHERE name = ?1", [name])?;
    Ok(())
}

/// Stores a new job.
pub(crate) fn add_job(tx: &Transaction<'_>, job: &Job, owner: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO jobs(id, pipeline, status, created_at, owner, record) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            job.id,
            job.pipeline,
            job.status.as_str(),
            job.created_at,
            owner,
            written(job)?
        ],
    )?;
    Ok(())
}

/// Replaces the record of a job that has not ended. Returns whether it had not.
pub(crate) fn put_job(tx: &Transaction<'_>, job: &Job) -> Result<bool> {
    let sql = "UPDATE jobs SET status = ?2, record = ?3 WHERE id = ?1 AND status IN ('queued', 'running')";
    Ok(tx.execute(sql, params![job.id, job.status.as_str(), written(job)?])? == 1)
}

/// Returns jobs whose id begins with a prefix, two at most.
pub(crate) fn jobs_like(store: &DataStore, prefix: &str) -> Result<Vec<Job>> {
    let sql = "SELECT record FROM jobs WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2";
    let texts = store.read(|db| {
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map([prefix], |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    })?;
    texts.iter().map(|text| read(text)).collect()
}

/// Returns the number of jobs that match, and those newest first up to a number.
pub(crate) fn jobs(store: &DataStore, filter: &JobFilter, most: u32) -> Result<(u32, Vec<Job>)> {
    let states: Vec<String> = filter
        .status
        .iter()
        .map(|status| format!("'{}'", status.as_str()))
        .collect();
    let status = match states.is_empty() {
        true => String::new(),
        false => format!(" AND status IN ({})", states.join(", ")),
    };
    let from = format!("FROM jobs WHERE (?1 IS NULL OR pipeline = ?1){status}");
    let (total, texts) = store.read(|db| {
        let total = db.query_row(&format!("SELECT count(*) {from}"), [&filter.pipeline], |row| {
            row.get(0)
        })?;
        let sql = format!("SELECT record {from} ORDER BY created_at DESC, rowid DESC LIMIT {most}");
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map([&filter.pipeline], |row| row.get::<_, String>(0))?;
        Ok((total, rows.collect::<Result<Vec<_>, _>>()?))
    })?;
    let jobs = texts.iter().map(|text| read(text)).collect::<Result<_>>()?;
    Ok((total, jobs))
}

/// Lists jobs that have not ended, oldest first, with their owners.
pub(crate) fn unfinished(store: &DataStore) -> Result<Vec<(Job, String)>> {
    let sql =
        "SELECT record, owner FROM jobs WHERE status IN ('queued', 'running') ORDER BY created_at, rowid";
    jobs_with_owners(store, sql)
}

fn jobs_with_owners(store: &DataStore, sql: &str) -> Result<Vec<(Job, String)>> {
    let rows = store.read(|db| {
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    })?;
    rows.into_iter()
        .map(|(text, owner)| Ok((read(&text)?, owner)))
        .collect()
}

/// Lists jobs that have ended and may have left containers or volumes, with their owners.
pub(crate) fn untidy(store: &DataStore) -> Result<Vec<(Job, String)>> {
    let sql = "SELECT record, owner FROM jobs WHERE owner <> '' AND status NOT IN ('queued', 'running')";
    jobs_with_owners(store, sql)
}

/// Gives a job another owner. Returns whether it had the one that was expected.
pub(crate) fn claim(tx: &Transaction<'_>, id: &str, from: &str, to: &str) -> Result<bool> {
    let sql = "UPDATE jobs SET owner = ?3 WHERE id = ?1 AND owner = ?2";
    Ok(tx.execute(sql, [id, from, to])? == 1)
}

/// Notes that nothing of a job is left in the engine.
pub(crate) fn tidied(tx: &Transaction<'_>, id: &str) -> Result<()> {
    tx.execute("UPDATE jobs SET owner = '' WHERE id = ?1", [id])?;
    Ok(())
}

/// Returns the newest job of a pipeline that succeeded.
pub(crate) fn last_succeeded(store: &DataStore, pipeline: &str) -> Result<Option<Job>> {
    store.read(|db| last_succeeded_in(db, pipeline))
}

/// Returns the newest job of a pipeline that succeeded, as a transaction sees it.
pub(crate) fn last_succeeded_in(db: &Connection, pipeline: &str) -> Result<Option<Job>> {
    let sql = "SELECT record FROM jobs WHERE pipeline = ?1 AND status = 'succeeded'
               ORDER BY created_at DESC, rowid DESC LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let text: Option<String> = statement.query_row([pipeline], |row| row.get(0)).optional()?;
    text.map(|text| read(&text)).transpose()
}

/// Asks for a job's end. Returns whether it had not ended.
pub(crate) fn cancel(tx: &Transaction<'_>, id: &str, at: i64) -> Result<bool> {
    let sql = "UPDATE jobs SET cancel_at = coalesce(cancel_at, ?2) WHERE id = ?1 AND status IN ('queued', 'running')";
    Ok(tx.execute(sql, params![id, at])? == 1)
}

/// Returns whether a job's end was asked for; one that is gone counts as such.
pub(crate) fn is_cancelled(store: &DataStore, id: &str) -> Result<bool> {
    let sql = "SELECT cancel_at IS NOT NULL FROM jobs WHERE id = ?1";
    let asked: Option<bool> = store.read(|db| {
        Ok(db
            .prepare_cached(sql)?
            .query_row([id], |row| row.get(0))
            .optional()?)
    })?;
    Ok(asked.unwrap_or(true))
}

/// Returns the results that are there for hashes, in their order.
pub(crate) fn processed(
    store: &DataStore,
    pipeline: &str,
    hashes: &[Digest],
) -> Result<Vec<Option<Processed>>> {
    let sql = "SELECT output, duration_ms FROM datums WHERE pipeline = ?1 AND hash = ?2";
    store.read(|db| {
        let mut statement = db.prepare_cached(sql)?;
        hashes
            .iter()
            .map(|hash| {
                let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
                let found = statement.query_row(params![pipeline, hash], row).optional()?;
                Ok(found.map(|(output, duration_ms)| Processed { output, duration_ms }))
            })
            .collect()
    })
}

/// Keeps results of a job.
pub(crate) fn keep(tx: &Transaction<'_>, pipeline: &str, job: &str, results: &[Finished<'_>]) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO datums(pipeline, hash, state, job, output, bytes_in, bytes_out, duration_ms, record)
         VALUES(?1, ?2, 'processed', ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT(pipeline, hash) DO UPDATE
         SET job = ?3, output = ?4, bytes_in = ?5, bytes_out = ?6, duration_ms = ?7, record = ?8",
    )?;
    let mut replaced = tx.prepare_cached("SELECT output FROM datums WHERE pipeline = ?1 AND hash = ?2")?;
    for result in results {
        let old: Option<Digest> = replaced
            .query_row(params![pipeline, result.hash], |row| row.get(0))
            .optional()?;
        if let Some(old) = old.filter(|old| *old != result.output.0) {
            data::drop_in(tx, old)?;
        }
        statement.execute(params![
            pipeline,
            result.hash,
            job,
            result.output,
            result.bytes_in,
            result.bytes_out,
            result.outcome.duration_ms.unwrap_or(0),
            written(result.outcome)?
        ])?;
    }
    Ok(())
}

/// Returns which job processed each hash, and how, in their order.
pub(crate) fn results(
    store: &DataStore,
    pipeline: &str,
    hashes: &[Digest],
) -> Result<Vec<Option<(String, Outcome)>>> {
    let sql = "SELECT job, record FROM datums WHERE pipeline = ?1 AND hash = ?2";
    let found = store.read(|db| {
        let mut statement = db.prepare_cached(sql)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        hashes
            .iter()
            .map(|hash| Ok(statement.query_row(params![pipeline, hash], row).optional()?))
            .collect::<Result<Vec<_>>>()
    })?;
    found
        .into_iter()
        .map(|row| row.map(|(job, text)| Ok((job, read(&text)?))).transpose())
        .collect()
}

/// Notes a datum of a job that has no result.
pub(crate) fn note(tx: &Transaction<'_>, job: &str, place: usize, outcome: &Outcome) -> Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO outcomes(job, place, record) VALUES(?1, ?2, ?3)")?
        .execute(params![job, place as u64, written(outcome)?])?;
    Ok(())
}

/// Returns the datums of a job that have no result, by place.
pub(crate) fn outcomes(store: &DataStore, job: &str) -> Result<BTreeMap<usize, Outcome>> {
    let rows = store.read(|db| {
        let mut statement = db.prepare_cached("SELECT place, record FROM outcomes WHERE job = ?1")?;
        let rows = statement.query_map([job], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?)))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    })?;
    rows.into_iter()
        .map(|(place, text)| Ok((place as usize, read(&text)?)))
        .collect()
}

fn written(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal("a record could not be written", error))
}

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::internal("a record could not be read", error))
}
