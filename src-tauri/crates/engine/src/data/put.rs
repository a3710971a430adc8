//! Putting files on a branch, and taking others away, as one commit.

use std::path::Path;
use std::sync::Arc;

use super::digest::Root;
use super::repos;
use super::store::DataStore;
use super::tree::{self, Change, Tree, path};
use super::walk::{self, Copying};
use super::writing::Writing;
use crate::error::{Error, Result};
use crate::wire::{CopyProgress, DataCommit, DataRepo, PutReport, PutRequest};

/// Branch of a build repository that users write: it holds the code.
const SOURCE: &str = "source";

pub(super) fn put(
    store: &Arc<DataStore>,
    request: &PutRequest,
    on_progress: &mut dyn FnMut(CopyProgress) -> bool,
) -> Result<PutReport> {
    let (repo, branch) = (request.repo.as_str(), request.branch.as_str());
    repos::check_name("branch", branch)?;
    check_writable(&store.read(|db| repos::repo(db, repo))?, branch)?;
    let mut removed = request
        .remove
        .iter()
        .map(|path| path::cleaned(path))
        .collect::<Result<Vec<_>>>()?;
    removed.sort_by(|a, b| path::order(a, b));
    let writing = store.writing()?;
    let mut copying = Copying::new(on_progress);
    let mut roots = Vec::new();
    for source in &request.sources {
        roots.push(walk::read(
            &writing,
            Path::new(&source.from),
            &source.to,
            &mut copying,
        )?);
    }
    copying.tell(true)?;
    let progress = copying.progress.clone();
    let message = match &request.message {
        Some(message) => one_line(message),
        None => told(&progress, &removed),
    };
    let changes = |_: &Writing| Ok(with_removals(&removed, tree::overlay(&writing, &roots)?));
    let (commit, new) = change(&writing, repo, branch, &message, None, changes)?;
    let commit = commit.ok_or_else(|| {
        Error::refused(
            "there is nothing to put",
            "name files, or folders with files in them",
        )
    })?;
    Ok(PutReport {
        commit,
        new,
        files: progress.files,
        bytes: progress.bytes,
        stored: writing.stored()?,
        warnings: copying.into_warnings(),
    })
}

/// Makes changes on a branch as one commit, on top of what others commit meanwhile. Returns the newest commit and whether it
/// is a new one: without a difference there is none.
pub(crate) fn change<I: Iterator<Item = Result<Change>>>(
    writing: &Writing,
    repo: &str,
    branch: &str,
    message: &str,
    job: Option<&str>,
    changes: impl Fn(&Writing) -> Result<I>,
) -> Result<(Option<DataCommit>, bool)> {
    loop {
        let head = writing.read(|db| repos::head(db, repo, branch))?;
        let base = match &head {
            Some(head) => writing.read(|db| repos::commit_root(db, &head.id))?,
            None => Tree::empty(writing.store()).root(),
        };
        let root = tree::apply(writing, base, changes(writing)?)?;
        if root == base {
            return Ok((head, false));
        }
        let expected = head.map(|head| head.id);
        if let Some(commit) = commit_on(writing, repo, branch, expected.as_deref(), root, message, job)? {
            return Ok((Some(commit), true));
        }
    }
}

/// Commits when the branch still ends where it did.
fn commit_on(
    writing: &Writing,
    repo: &str,
    branch: &str,
    expected: Option<&str>,
    root: Root,
    message: &str,
    job: Option<&str>,
) -> Result<Option<DataCommit>> {
    writing.write(|tx| {
        let head = repos::head(tx, repo, branch)?.map(|head| head.id);
        match head.as_deref() == expected {
            true => repos::commit_in(tx, repo, branch, root, message, job).map(Some),
            false => Ok(None),
        }
    })
}

/// Refuses to write where only a pipeline writes.
fn check_writable(repo: &DataRepo, branch: &str) -> Result<()> {
    match &repo.pipeline {
        Some(_) if branch == SOURCE && repo.name.ends_with("_build") => Ok(()),
        Some(pipeline) => Err(Error::refused(
            format!("{} is written by the pipeline {pipeline}", repo.name),
            "put files in a repository that the pipeline reads",
        )),
        None => Ok(()),
    }
}

/// Joins two sorted sequences of changes.
fn with_removals<'a>(
    removed: &'a [String],
    puts: impl Iterator<Item = Result<Change>> + 'a,
) -> impl Iterator<Item = Result<Change>> + 'a {
    let mut removed = removed.iter().cloned().map(Change::Remove).peekable();
    let mut puts = puts.peekable();
    std::iter::from_fn(move || {
        let first = match (removed.peek(), puts.peek()) {
            (Some(removal), Some(Ok(put))) => removal.order(put).is_lt(),
            (Some(_), None) => true,
            (_, _) => false,
        };
        match first {
            true => removed.next().map(Ok),
            false => puts.next(),
        }
    })
}

fn told(progress: &CopyProgress, removed: &[String]) -> String {
    let files = match progress.files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    match removed {
        [] => format!("put {files}"),
        [one] if progress.files == 0 => format!("remove {one}"),
        [one] => format!("put {files}, remove {one}"),
        many if progress.files == 0 => format!("remove {} paths", many.len()),
        many => format!("put {files}, remove {} paths", many.len()),
    }
}

fn one_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim();
    line.chars().take(500).collect()
}
