//! Which pipelines new data concerns, and in which order they run.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Transaction;

use super::records::{self, PipelineRecord};
use super::triggers;
use crate::clock::now_ms;
use crate::data::{self, DataStore};
use crate::engine::random_hex;
use crate::error::{Error, Result};
use crate::recipe::datum::input::{Input, Leaf};
use crate::recipe::datum::spec::Spec;
use crate::recipe::datum::transformation::SOURCE;
use crate::wire::{BuildStatus, Job, JobInput};

/// Pipelines and what they read, in an order in which whoever writes comes before whoever reads.
pub(super) struct Order {
    /// Records with their specs.
    pub(super) all: Vec<(PipelineRecord, Spec)>,
}

/// A branch: repository and name.
pub(super) type Branch = (String, String);

impl Order {
    /// Sorts pipelines. What reads its own output, however far around, is refused.
    pub(super) fn of(records: Vec<PipelineRecord>) -> Result<Self> {
        let mut rest: BTreeMap<String, (PipelineRecord, Spec)> = BTreeMap::new();
        for record in records {
            let spec = record.spec()?;
            rest.insert(record.name.clone(), (record, spec));
        }
        let mut all = Vec::with_capacity(rest.len());
        while !rest.is_empty() {
            let written: BTreeSet<Branch> =
                rest.values().map(|(record, spec)| output(record, spec)).collect();
            let free = rest
                .iter()
                .find(|(_, (_, spec))| reads(spec).iter().all(|branch| !written.contains(branch)));
            let Some(name) = free.map(|(name, _)| name.clone()) else {
                let names: Vec<&str> = rest.keys().map(String::as_str).collect();
                return Err(Error::refused(
                    format!("these pipelines read their own output: {}", names.join(", ")),
                    "let one of them read another repository or branch",
                ));
            };
            all.extend(rest.remove(&name));
        }
        Ok(Self { all })
    }

    /// Reads the pipelines of a store.
    pub(super) fn stored(store: &DataStore) -> Result<Self> {
        Self::of(records::pipelines(store)?)
    }

    /// Returns those that some pipelines, or changed branches, concern: themselves and all that depend on them.
    pub(super) fn concerned(&self, pipelines: &[&str], branches: &[Branch]) -> Vec<&(PipelineRecord, Spec)> {
        let mut changed: BTreeSet<Branch> = branches.iter().cloned().collect();
        let mut found = Vec::new();
        for one in &self.all {
            let (record, spec) = one;
            let is_named = pipelines.contains(&record.name.as_str());
            let reads_changed = reads(spec).iter().any(|branch| changed.contains(branch));
            if (is_named || reads_changed) && !record.stopped {
                changed.insert(output(record, spec));
                found.push(one);
            }
        }
        found
    }
}

/// Returns the branch that a pipeline writes.
pub(super) fn output(record: &PipelineRecord, spec: &Spec) -> Branch {
    (record.name.clone(), spec.output_branch.clone())
}

/// Returns the branches that a spec reads.
pub(super) fn reads(spec: &Spec) -> Vec<Branch> {
    let leaves = spec.input.iter().flat_map(Input::leaves);
    leaves.map(|leaf| branch(&leaf)).collect()
}

fn branch(leaf: &Leaf<'_>) -> Branch {
    (leaf.repo().to_owned(), leaf.branch().to_owned())
}

/// Queues the jobs that pipelines or changed branches call for. One whose inputs are all empty, and stay so, gets none.
pub(super) fn queue(
    tx: &Transaction<'_>,
    order: &Order,
    (pipelines, branches): (&[&str], &[Branch]),
    (stack, owner, reason): (&str, &str, &str),
) -> Result<Vec<Job>> {
    let mut changed = branches.to_vec();
    changed.extend(triggers::watched_by(order, pipelines));
    let moved = triggers::pull(tx, order, &changed)?;
    let branches = &[branches, &moved].concat();
    let builds = builds_missing(tx, order, pipelines, branches)?;
    let pipelines: Vec<&str> = pipelines.iter().copied().chain(builds).collect();
    let mut jobs: Vec<Job> = Vec::new();
    let mut written: BTreeSet<Branch> = BTreeSet::new();
    for (record, spec) in order.concerned(&pipelines, branches) {
        let mut has_data = false;
        for (repo, name) in reads(spec) {
            has_data |=
                written.contains(&(repo.clone(), name.clone())) || data::head(tx, &repo, &name)?.is_some();
        }
        if !has_data {
            continue;
        }
        let job = job(record, spec, stack, reason)?;
        records::add_job(tx, &job, owner)?;
        written.insert(output(record, spec));
        jobs.push(job);
    }
    Ok(jobs)
}

/// Returns the pipelines that have to build code before those concerned may use it: their last job failed or was interrupted, and
/// what is built is of older code than what is there.
fn builds_missing<'a>(
    tx: &Transaction<'_>,
    order: &'a Order,
    pipelines: &[&str],
    branches: &[Branch],
) -> Result<Vec<&'a str>> {
    let concerned = order.concerned(pipelines, branches);
    let mut missing = Vec::new();
    for (record, _) in &order.all {
        let Some(user) = &record.builds_for else { continue };
        if concerned.iter().any(|(one, _)| one.name == *user) && !is_built(tx, record)? {
            missing.push(record.name.as_str());
        }
    }
    Ok(missing)
}

/// Returns whether the code that is there was built, by the builder that builds it now.
fn is_built(tx: &Transaction<'_>, build: &PipelineRecord) -> Result<bool> {
    let Some(job) = records::last_succeeded_in(tx, &build.name)? else {
        return Ok(false);
    };
    let code = data::head(tx, &build.name, SOURCE)?.map(|head| head.id);
    let same_code = job
        .inputs
        .iter()
        .any(|input| input.repo == build.name && input.branch == SOURCE && input.commit == code);
    let version = records::version_in(tx, &build.name, job.version)?;
    Ok(same_code && version.is_some_and(|version| version.salt == build.salt))
}

fn job(record: &PipelineRecord, spec: &Spec, stack: &str, reason: &str) -> Result<Job> {
    let leaves = spec.input.iter().flat_map(Input::leaves);
    let inputs = leaves.map(|leaf| {
        let (repo, branch) = branch(&leaf);
        JobInput {
            name: leaf.name().to_owned(),
            repo,
            branch,
            commit: None,
        }
    });
    Ok(Job {
        id: random_hex(16)?,
        pipeline: record.name.clone(),
        version: record.version,
        stack: stack.to_owned(),
        reason: reason.to_owned(),
        status: BuildStatus::Queued,
        doing: "waits for its turn".to_owned(),
        inputs: inputs.collect(),
        output: None,
        writes: format!("{}@{}", record.name, spec.output_branch),
        image: spec.transform.image.clone(),
        total: 0,
        processed: 0,
        reused: 0,
        failed: 0,
        rescued: 0,
        workers: Vec::new(),
        bytes_in: 0,
        bytes_out: 0,
        created_at: now_ms(),
        started_at: None,
        duration_ms: 0,
        error: None,
        warnings: Vec::new(),
        log_lines: 0,
    })
}
