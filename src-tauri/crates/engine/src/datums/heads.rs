//! Which commits a pipeline reads: now, or when a job ran; and the datums that they give.

use std::sync::Arc;

use super::enumerate::{Enumerated, HashedWith, Head, enumerate};
use super::records::{self, PipelineRecord};
use crate::data::{self, DataStore, Digest};
use crate::error::{Error, Result};
use crate::recipe::datum::names::BUILD;
use crate::recipe::datum::spec::{self, Spec};
use crate::recipe::datum::transformation::{BUILT, SOURCE};
use crate::wire::{Job, JobInput, Severity};

/// Enumerates the datums that a spec has now.
pub(super) fn at_heads(store: &Arc<DataStore>, spec: &Spec) -> Result<Enumerated> {
    let Some(input) = &spec.input else {
        return Err(Error::refused(
            "the pipeline has no input",
            "add an `input` to its spec",
        ));
    };
    let heads = head_of(store);
    let code = built_code(store, &spec.name)?;
    enumerate(store, input, &|repo, branch| {
        let of_code = code.iter().find(|one| (one.0.as_str(), one.1) == (repo, branch));
        match of_code {
            Some((_, _, commit)) => {
                store.read(|db| Ok(Some((commit.clone(), data::commit_root(db, commit)?))))
            }
            None => heads(repo, branch),
        }
    })
}

/// Returns the newest code of a pipeline that was built, and what was built of it: repository, branch and commit of each. A
/// branch may be ahead of the other while code is built, or when that failed, and new code never runs with an old build.
fn built_code(store: &DataStore, pipeline: &str) -> Result<Vec<(String, &'static str, String)>> {
    let repo = format!("{pipeline}{BUILD}");
    let builder = records::pipeline(store, &repo)?;
    if builder.and_then(|record| record.builds_for).as_deref() != Some(pipeline) {
        return Ok(Vec::new());
    }
    let Some(job) = records::last_succeeded(store, &repo)? else {
        return Ok(Vec::new());
    };
    let source = job.inputs.into_iter().find(|input| input.branch == SOURCE);
    let source = source.and_then(|input| input.commit);
    let both = [(SOURCE, source), (BUILT, job.output)];
    Ok(both
        .into_iter()
        .filter_map(|(branch, commit)| Some((repo.clone(), branch, commit?)))
        .collect())
}

/// Returns where branches stand now.
pub(super) fn head_of(store: &DataStore) -> impl Fn(&str, &str) -> Result<Head> {
    |repo, branch| {
        store.read(|db| {
            let head = data::head(db, repo, branch)?;
            head.map(|commit| Ok((commit.id.clone(), data::commit_root(db, &commit.id)?)))
                .transpose()
        })
    }
}

/// Enumerates the datums that a job had.
pub(super) fn of_job(store: &Arc<DataStore>, job: &Job) -> Result<(PipelineRecord, Enumerated)> {
    let record = records::version(store, &job.pipeline, job.version)?.ok_or_else(|| {
        Error::refused(
            format!("version {} of {} is gone", job.version, job.pipeline),
            "its jobs cannot be looked into any more",
        )
    })?;
    let spec = record.spec()?;
    let Some(input) = &spec.input else {
        return Err(Error::refused(
            "the pipeline has no input",
            "add an `input` to its spec",
        ));
    };
    let all = enumerate(store, input, &|repo, branch| {
        let here = |input: &&JobInput| input.repo == repo && input.branch == branch;
        let commit = job
            .inputs
            .iter()
            .find(here)
            .and_then(|input| input.commit.clone());
        let root = |commit: String| Ok((commit.clone(), store.read(|db| data::commit_root(db, &commit))?));
        commit.map(root).transpose()
    })?;
    Ok((record, all))
}

/// Returns the hashes of the last job that succeeded, without what was rescued.
pub(super) fn base(store: &Arc<DataStore>, pipeline: &str) -> Result<Vec<Digest>> {
    let Some(job) = records::last_succeeded(store, pipeline)? else {
        return Ok(Vec::new());
    };
    let (record, all) = of_job(store, &job)?;
    let mut hashes = all.hashes(&record.hashed_with());
    for place in records::outcomes(store, &job.id)?.keys().rev() {
        if *place < hashes.len() {
            hashes.remove(*place);
        }
    }
    Ok(hashes)
}

impl PipelineRecord {
    /// Reads the spec as it runs.
    pub(crate) fn spec(&self) -> Result<Spec> {
        let (mut specs, problems) = spec::read(&self.name, self.spec.to_string().as_bytes());
        let wrong = problems
            .iter()
            .find(|problem| problem.severity == Severity::Error);
        match (specs.pop(), wrong) {
            (Some(spec), None) => Ok(spec),
            (_, wrong) => {
                let why = wrong.map_or("it says nothing", |problem| problem.message.as_str());
                Err(Error::refused(
                    format!("the stored spec of {} cannot be used: {why}", self.name),
                    "submit it again",
                ))
            }
        }
    }

    /// Returns what goes into the hashes of its datums.
    pub(crate) fn hashed_with(&self) -> HashedWith {
        let parse = |(name, text): (&String, &String)| Some((name.clone(), Digest::parse(text)?));
        HashedWith {
            pipeline: self.name.clone(),
            salt: self.salt.clone(),
            pinned: self.pinned.iter().filter_map(parse).collect(),
        }
    }
}
