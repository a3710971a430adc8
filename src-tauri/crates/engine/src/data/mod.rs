//! Data repositories: files with commits and branches in the artifact store of a stack.
//!
//! Owns how content is kept: by its digest, in chunks, with trees and commits above. Refuses to hand out content that is not
//! what its name says, paths that leave a repository, and to write where a pipeline writes.

mod bytes;
mod chunks;
mod content;
mod digest;
mod export;
mod look;
mod put;
mod repos;
mod schema;
mod store;
mod sweep;
#[cfg(test)]
mod tests;
mod tree;
mod walk;
mod writing;

use std::path::Path;

use rusqlite::Transaction;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::wire::{
    CopyProgress, DataCommit, DataDiff, DataFile, DataListing, DataRepo, PutReport, PutRequest, Swept,
};

pub(crate) use content::Content;
pub(crate) use digest::{Digest, Root};
pub(crate) use put::change;
pub(crate) use repos::{
    commit, commit_in, commit_root, create_repo_in, drop_in, ensure_repo_in, head, move_branch_in,
    readers_of, set_pipeline_in, set_readers_in,
};
pub(crate) use store::DataStore;
pub(crate) use tree::path::order as path_order;
pub(crate) use tree::{Change, Tree, TreeWriter, merge};
pub(crate) use writing::Writing;

/// Lists the repositories of a stack, by name.
pub fn list(engine: &Engine, stack: Option<&str>) -> Result<Vec<DataRepo>> {
    DataStore::of(engine, stack)?.read(repos::repos)
}

/// Returns a repository.
pub fn get(engine: &Engine, stack: Option<&str>, repo: &str) -> Result<DataRepo> {
    DataStore::of(engine, stack)?.read(|db| repos::repo(db, repo))
}

/// Makes a repository, with an empty branch `master`.
pub fn create(engine: &Engine, stack: Option<&str>, repo: &str, description: &str) -> Result<DataRepo> {
    changed(engine, stack, |tx| {
        create_repo_in(tx, repo, description, None)?;
        repos::repo(tx, repo)
    })
}

/// Deletes a repository with all its commits. One that a pipeline reads or writes stays.
pub fn delete(engine: &Engine, stack: Option<&str>, repo: &str) -> Result<()> {
    changed(engine, stack, |tx| {
        let found = repos::repo(tx, repo)?;
        if let Some(pipeline) = found.pipeline {
            return Err(Error::refused(
                format!("{repo} belongs to the pipeline {pipeline}"),
                "delete the pipeline with its data",
            ));
        }
        refuse_read(tx, repo, None)?;
        repos::delete_repo_in(tx, repo)
    })
}

/// Makes a branch that begins at a commit, or at the head of another branch; empty without one. `from` is the name of a branch
/// of the same repository, or a revision.
pub fn create_branch(
    engine: &Engine,
    stack: Option<&str>,
    repo: &str,
    branch: &str,
    from: Option<&str>,
) -> Result<DataRepo> {
    changed(engine, stack, |tx| {
        let found = repos::repo(tx, repo)?;
        if found.branches.iter().any(|one| one.name == branch) {
            return Err(Error::refused(
                format!("{repo} has a branch {branch} already"),
                "choose another name, or use that one",
            ));
        }
        let is_branch = |from: &&str| found.branches.iter().any(|one| one.name == **from);
        let head = match (from.filter(is_branch), from) {
            (Some(branch), _) => repos::head(tx, repo, branch)?,
            (None, Some(revision)) => Some(repos::find(tx, revision)?),
            (None, None) => None,
        };
        if let Some(head) = head.as_ref().filter(|head| head.repo != repo) {
            return Err(Error::refused(
                format!("commit {} belongs to the data repository {}", head.id, head.repo),
                format!("begin at a commit of {repo}"),
            ));
        }
        repos::create_branch_in(tx, repo, branch, head.as_ref().map(|head| head.id.as_str()))?;
        repos::repo(tx, repo)
    })
}

/// Deletes a branch; its commits stay as long as others need them. One that a pipeline reads or writes stays.
pub fn delete_branch(engine: &Engine, stack: Option<&str>, repo: &str, branch: &str) -> Result<DataRepo> {
    changed(engine, stack, |tx| {
        let found = repos::repo(tx, repo)?;
        if let Some(pipeline) = found.pipeline {
            return Err(Error::refused(
                format!("{repo} belongs to the pipeline {pipeline}"),
                "delete the pipeline with its data",
            ));
        }
        refuse_read(tx, repo, Some(branch))?;
        if !repos::delete_branch_in(tx, repo, branch)? {
            return Err(repos::no_branch(repo, branch));
        }
        repos::delete_unreachable_in(tx)?;
        repos::repo(tx, repo)
    })
}

/// Lists the commits of a branch, newest first.
pub fn history(
    engine: &Engine,
    stack: Option<&str>,
    repo: &str,
    branch: &str,
    offset: u32,
    limit: u32,
) -> Result<Vec<DataCommit>> {
    DataStore::of(engine, stack)?.read(|db| {
        let found = repos::repo(db, repo)?;
        let branch = found
            .branches
            .into_iter()
            .find(|one| one.name == branch)
            .ok_or_else(|| repos::no_branch(repo, branch))?;
        match branch.head {
            Some(head) => repos::history(db, &head.id, offset, limit),
            None => Ok(Vec::new()),
        }
    })
}

/// Returns the commit that a revision names: its id, at least 6 digits of it, or `repo@branch` for the head of a branch.
pub fn find(engine: &Engine, stack: Option<&str>, revision: &str) -> Result<DataCommit> {
    DataStore::of(engine, stack)?.read(|db| repos::find(db, revision))
}

/// Lists a folder of a commit. `revision` is a commit's id or at least 6 digits of it, or `repo@branch` for the head of a
/// branch.
pub fn entries(
    engine: &Engine,
    stack: Option<&str>,
    revision: &str,
    path: &str,
    offset: u64,
    limit: u32,
) -> Result<DataListing> {
    look::entries(&DataStore::of(engine, stack)?, revision, path, offset, limit)
}

/// Returns what a file shows of itself.
pub fn preview(engine: &Engine, stack: Option<&str>, revision: &str, path: &str) -> Result<DataFile> {
    look::preview(&DataStore::of(engine, stack)?, revision, path)
}

/// Hands over what a file holds piece by piece, until `on_bytes` returns false.
pub fn read(
    engine: &Engine,
    stack: Option<&str>,
    revision: &str,
    path: &str,
    mut on_bytes: impl FnMut(&[u8]) -> bool,
) -> Result<()> {
    let store = DataStore::of(engine, stack)?;
    let content = look::file(&store, revision, path)?;
    store.each_chunk_while(&content, |bytes| Ok(on_bytes(bytes)))
}

/// Adds files to a branch, and removes others, as one commit. Stopping (`on_progress` returns false) leaves everything as it was.
pub fn put(
    engine: &Engine,
    request: &PutRequest,
    mut on_progress: impl FnMut(CopyProgress) -> bool,
) -> Result<PutReport> {
    let store = DataStore::of(engine, request.stack.as_deref())?;
    let mut going = true;
    let report = put::put(&store, request, &mut |progress| {
        going = on_progress(progress);
        going
    });
    match &report {
        Ok(report) if report.new => engine.data_changed(),
        // What was copied serves nobody. Should another sweep be under way, it goes with the next one.
        Err(_) if !going => drop(sweep::sweep(&store, false)),
        Ok(_) | Err(_) => {}
    }
    report
}

/// Compares two commits; without `from`, with nothing.
pub fn diff(
    engine: &Engine,
    stack: Option<&str>,
    from: Option<&str>,
    to: &str,
    offset: u64,
    limit: u32,
) -> Result<DataDiff> {
    look::diff(&DataStore::of(engine, stack)?, from, to, offset, limit)
}

/// Writes a file or folder of a commit into a folder of this machine, which has to be empty or new. Stopping removes what was
/// written.
pub fn export(
    engine: &Engine,
    stack: Option<&str>,
    revision: &str,
    path: &str,
    folder: &Path,
    mut on_progress: impl FnMut(CopyProgress) -> bool,
) -> Result<CopyProgress> {
    export::export(
        &DataStore::of(engine, stack)?,
        revision,
        path,
        folder,
        &mut on_progress,
    )
}

/// Removes what nothing uses any more; with `only_look` says what that would be. Writers at work are not disturbed.
pub fn sweep(engine: &Engine, stack: Option<&str>, only_look: bool) -> Result<Swept> {
    sweep::sweep(&DataStore::of(engine, stack)?, only_look)
}

/// Writes to the database and tells everybody.
fn changed<T>(
    engine: &Engine,
    stack: Option<&str>,
    work: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let value = DataStore::of(engine, stack)?.write(work)?;
    engine.data_changed();
    Ok(value)
}

fn refuse_read(tx: &Transaction<'_>, repo: &str, branch: Option<&str>) -> Result<()> {
    let readers = readers_of(tx, repo, branch)?;
    if readers.is_empty() {
        return Ok(());
    }
    let what = branch.map_or_else(|| repo.to_owned(), |branch| format!("branch {branch} of {repo}"));
    Err(Error::refused(
        format!("{what} is read by {}", readers.join(", ")),
        "delete the pipelines, or have them read something else, first",
    ))
}
