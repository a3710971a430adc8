//! Getting the code of a run ready: one archive, from the code repository or from here.

use std::path::PathBuf;

use crate::artifacts::Store;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::{Prepared, blocking};
use crate::repositories;
use crate::source::{Repo, TreeId};
use crate::wire::{Delivery, PipelineRun};

/// An archive that is unpacked in containers.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// Its digest.
    pub(super) digest: String,
    /// Where it lies.
    pub(super) path: PathBuf,
    /// What became of it, one sentence.
    pub(super) told: String,
    /// What is worth knowing.
    pub(super) warnings: Vec<String>,
}

/// Packs the code that the steps of a run need; none when every image has it. What comes from a code repository is
/// fetched from there, whatever lies here.
pub(super) async fn ready(engine: &Engine, prepared: &Prepared, run: &PipelineRun) -> Result<Option<Code>> {
    let needs = |delivery| run.steps.iter().any(|step| step.delivery == delivery);
    let (repo, store, from) = if needs(Delivery::CodeRepository) {
        let name = run.repository.clone().unwrap_or_default();
        let all = repositories::list(engine)?;
        let Some(repository) = all.into_iter().find(|one| one.name == name) else {
            return Err(Error::refused(
                format!("the code repository {name} is not registered any more"),
                "register it again, or let the code go through the artifact store",
            ));
        };
        let repo = repositories::fetched(engine, &repository, &run.base_commit).await?;
        // What another place has needs no place in the stack's store.
        let store = Store::at(engine.home().join("artifacts"));
        let from = format!("code of {} from the repository {name}", run.base_commit);
        (repo, store, Some(from))
    } else if needs(Delivery::ArtifactStore) {
        let stack = prepared.services.as_ref().map(|services| &services.chosen.stack);
        let store = match stack {
            Some(stack) => Store::of(engine, stack),
            None => Store::at(engine.home().join("artifacts")),
        };
        (prepared.repo.clone(), store, None)
    } else {
        return Ok(None);
    };
    let tree = match &from {
        Some(_) => repo.commit(prepared.commit.id)?.tree,
        None => prepared.tree,
    };
    let tree = prepared.opened.source_tree(&repo, tree)?;
    blocking(move || packed(&store, &repo, tree, from))
        .await
        .map(Some)
}

fn packed(store: &Store, repo: &Repo, tree: TreeId, from: Option<String>) -> Result<Code> {
    let stored = store.add(repo, tree)?;
    let (path, _) = store.get(&stored.digest)?;
    Ok(Code {
        told: from.unwrap_or_else(|| stored.told()),
        digest: stored.digest,
        path,
        warnings: stored.warnings,
    })
}
