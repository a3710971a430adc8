//! Code repositories: registered places that code is fetched from, and where a checkout stands towards them.
//!
//! Owns what is registered, our mirrors of it, and whether a commit can be fetched from there. The user's repository is read
//! and nothing else: asking a remote brings our mirror up to date, and neither commits nor pushes are made for anybody.

mod address;
pub(crate) mod mirror;
mod standing;
mod verify;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::blocking;
use crate::project::{Opened, open};
use crate::source::{CommitId, Head, Repo, changes};
use crate::wire::{CheckoutState, CodeRepository, ProjectId};

pub use address::kind_of;
use standing::{Subject, standing};
pub use verify::{Obstacle, Verified, obstacle, recorded_commit, verify};

/// Longest name of a code repository.
const MAX_NAME: usize = 40;

/// Lists the registered repositories, by name.
pub fn list(engine: &Engine) -> Result<Vec<CodeRepository>> {
    engine.catalogue().code_repositories()
}

/// Returns the repository of a name.
pub fn get(engine: &Engine, name: &str) -> Result<CodeRepository> {
    let all = list(engine)?;
    let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    all.into_iter().find(|one| one.name == name).ok_or_else(|| {
        let hint = match names.is_empty() {
            true => "none is registered yet".to_owned(),
            false => format!("there are: {}", names.join(", ")),
        };
        Error::refused(format!("there is no code repository {name}"), hint)
    })
}

/// Checks and stores a repository, a new one or one with another address.
pub fn save(engine: &Engine, repository: CodeRepository) -> Result<CodeRepository> {
    let one = CodeRepository {
        name: repository.name.trim().to_owned(),
        url: address::checked(&repository.url)?,
        ..repository
    };
    let letters = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if one.name.is_empty() || one.name.len() > MAX_NAME || !letters(&one.name) || one.name.starts_with('-') {
        return Err(Error::refused(
            format!("{:?} cannot be the name of a code repository", one.name),
            format!(
                "use lower-case letters, digits and -, at most {MAX_NAME}, beginning with a letter or digit"
            ),
        ));
    }
    let place = address::Place::of(&one.url, None);
    let twin = list(engine)?
        .into_iter()
        .find(|other| other.name != one.name && address::Place::of(&other.url, None).is(&place));
    if let Some(twin) = twin {
        return Err(Error::refused(
            format!("{} is registered as {} already", one.url, twin.name),
            "use that one, or remove it first",
        ));
    }
    engine.catalogue().put_code_repository(&one)?;
    Ok(one)
}

/// Removes a repository. What was fetched from it stays in the records.
pub fn remove(engine: &Engine, name: &str) -> Result<()> {
    get(engine, name)?;
    engine.catalogue().delete_code_repository(name)?;
    Ok(())
}

/// Returns where a project's checkout stands. With `fetch` the remote is asked first; otherwise what was last fetched
/// counts.
///
/// The remote is asked by our mirror of it, so that even this changes nothing in the user's repository and runs nothing
/// that is configured there.
pub async fn state(engine: &Engine, project: &ProjectId, fetch: bool) -> Result<CheckoutState> {
    let engine = engine.clone();
    let opened = open(&engine, project)?;
    if fetch {
        let known = standing::fitting(&engine, &opened.repo)?;
        for one in known {
            mirror::update(&engine, &one.url, &format!("the code repository {}", one.name)).await?;
        }
    }
    blocking(move || {
        let head = opened.repo.head()?;
        let subject = Subject {
            commit: head.commit(),
            branch: branch_of(&head),
            changes: changes(&opened.repo)?,
        };
        standing(&engine, &opened.repo, &subject)
    })
    .await
}

/// Returns where a commit of a project stands. Uncommitted changes matter for HEAD, and for every commit that is built with
/// them.
pub(crate) fn checkout(
    engine: &Engine,
    opened: &Opened,
    commit: CommitId,
    dirty_work_tree: bool,
) -> Result<CheckoutState> {
    let head = opened.repo.head()?;
    let is_head = head.commit() == Some(commit);
    let subject = Subject {
        commit: Some(commit),
        branch: match is_head {
            true => branch_of(&head),
            false => opened.repo.branch_of(commit)?,
        },
        changes: match is_head || dirty_work_tree {
            true => changes(&opened.repo)?,
            false => Default::default(),
        },
    };
    standing(engine, &opened.repo, &subject)
}

fn branch_of(head: &Head) -> Option<String> {
    match head {
        Head::Branch { name, .. } | Head::Unborn { branch: name } => Some(name.clone()),
        Head::Detached { .. } => None,
    }
}

/// Returns our mirror of a code repository, which has the commit as it came from the remote, never from a work tree.
/// Nothing is fetched when the commit is there already.
pub(crate) async fn fetched(engine: &Engine, repository: &CodeRepository, commit: &str) -> Result<Repo> {
    let wanted: CommitId = commit
        .parse()
        .map_err(|_| Error::refused(format!("{commit:?} is no commit id"), "give all 40 digits of it"))?;
    let path = mirror::path(engine, &repository.url);
    let with_commit = || {
        let repo = Repo::open(&path).ok()?;
        repo.commit(wanted).ok()?;
        Some(repo)
    };
    if let Some(repo) = with_commit() {
        return Ok(repo);
    }
    let what = format!("the code repository {}", repository.name);
    let updated = mirror::update(engine, &repository.url, &what).await;
    // Of two processes that fetch at once one may fail, and the commit is there all the same.
    if let Some(repo) = with_commit() {
        return Ok(repo);
    }
    updated?;
    Err(Error::refused(
        format!(
            "commit {commit} is not in the code repository {} ({})",
            repository.name, repository.url
        ),
        "push it to a branch there, and try again",
    ))
}

#[cfg(test)]
mod tests;
