//! What a plan reads from the repository before the Engine is asked: the commit, its recipe, its trees.

use super::Extras;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::project::{Opened, open};
use crate::recipe::Recipe;
use crate::source::{CommitId, CommitInfo, DirtyTree, Repo, TreeId, dirty_tree};
use crate::wire::{BuildRequest, Dialect};

/// A commit, ready to be planned.
pub(super) struct Read {
    pub(super) opened: Opened,
    pub(super) repo: Repo,
    pub(super) commit: CommitInfo,
    pub(super) tree: TreeId,
    pub(super) source: TreeId,
    pub(super) branch: Option<String>,
    pub(super) recipe: Box<dyn Recipe>,
    pub(super) extras: Extras,
    pub(super) dirty: bool,
    pub(super) scratch: Option<Scratch>,
    pub(super) warnings: Vec<String>,
}

/// A directory of ours that is removed when nobody needs it any more.
pub(crate) struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Lists the addresses of the additional repositories that a build of a request needs.
pub(crate) fn repositories(engine: &Engine, request: &BuildRequest) -> Result<Vec<String>> {
    let opened = opened(engine, request)?;
    let commit = opened.repo.commit(opened.commit(request.commit.as_deref())?)?;
    let recipe = opened.recipe(&opened.repo, commit.tree)?;
    Ok(recipe
        .repositories()
        .into_iter()
        .map(|repository| repository.url)
        .collect())
}

/// Opens the project of a request, with the run config that the request names instead of the project's recipe.
fn opened(engine: &Engine, request: &BuildRequest) -> Result<Opened> {
    let mut opened = open(engine, &request.project)?;
    if let Some(config) = &request.config {
        opened.row.recipe.clone_from(config);
        opened.row.dialect = Dialect::Pipeline;
    }
    Ok(opened)
}

/// Reads what a request means.
pub(super) fn read(engine: &Engine, request: &BuildRequest) -> Result<Read> {
    let opened = opened(engine, request)?;
    let id = opened.commit(request.commit.as_deref())?;
    let commit = opened.repo.commit(id)?;
    let branch = match request.commit.as_deref() {
        // A branch that was named is meant, even if HEAD is on another one at the same commit.
        Some(name) if is_branch(&opened.repo, name, id)? => Some(name.to_owned()),
        _ => opened.repo.branch_of(id)?,
    };
    let mut warnings = Vec::new();
    let (repo, tree, scratch) = if request.dirty {
        let (dirty, scratch) = read_work_tree(engine, &opened, id, &mut warnings)?;
        (dirty.repo, dirty.tree, Some(scratch))
    } else {
        (opened.repo.clone(), commit.tree, None)
    };
    let dirty = tree != commit.tree;
    let recipe = opened.recipe(&repo, tree)?;
    warnings.extend(recipe.warnings().into_iter().map(|problem| match problem.line {
        Some(line) => format!("{}:{line}: {}", problem.file, problem.message),
        None => format!("{}: {}", problem.file, problem.message),
    }));
    let source = opened.source_tree(&repo, tree)?;
    let extras = Extras::open(engine, recipe.as_ref())?;
    warnings.extend(extras.warnings());
    Ok(Read {
        opened,
        repo,
        commit,
        tree,
        source,
        branch,
        recipe,
        extras,
        dirty,
        scratch,
        warnings,
    })
}

fn is_branch(repo: &Repo, name: &str, commit: CommitId) -> Result<bool> {
    let named = |label: &crate::source::RefLabel| {
        label.kind == crate::source::RefKind::Branch && label.name == name && label.commit == commit
    };
    Ok(repo.refs()?.iter().any(named))
}

/// Reads the work tree with its uncommitted changes, which belong to `commit`, as a tree.
pub(crate) fn read_work_tree(
    engine: &Engine,
    opened: &Opened,
    commit: CommitId,
    warnings: &mut Vec<String>,
) -> Result<(DirtyTree, Scratch)> {
    if opened.repo.head()?.commit() != Some(commit) {
        return Err(Error::refused(
            "uncommitted changes belong to HEAD, and another commit was asked for",
            "leave the commit out, or build it without the uncommitted changes",
        ));
    }
    let folder = engine
        .home()
        .join("work")
        .join(format!("tree-{}", crate::engine::random_hex(12)?));
    let scratch = Scratch(folder);
    let dirty = dirty_tree(&opened.repo, &opened.prefix, &scratch.0)?;
    for path in &dirty.skipped {
        warnings.push(format!(
            "{path} cannot be part of a build (a nested repository or a special file)"
        ));
    }
    Ok((dirty, scratch))
}
