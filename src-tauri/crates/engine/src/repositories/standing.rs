//! Where a commit of a checkout stands towards the registered repositories, and what to do when it is not there.

use std::time::SystemTime;

use super::{address, list, mirror};
use crate::engine::Engine;
use crate::error::Result;
use crate::source::{Changes, CommitId, RefKind, Remote, Repo};
use crate::wire::{CheckoutState, CodeRepository};

/// What is asked about.
pub(super) struct Subject {
    /// None in a repository without commits.
    pub(super) commit: Option<CommitId>,
    pub(super) branch: Option<String>,
    pub(super) changes: Changes,
}

/// A registered repository that some remotes of a checkout lead to.
struct Fitting {
    repository: CodeRepository,
    remotes: Vec<Remote>,
}

/// Lists the registered repositories that remotes of a checkout lead to, in the order of the remotes.
pub(super) fn fitting(engine: &Engine, repo: &Repo) -> Result<Vec<CodeRepository>> {
    let found = matches(engine, repo, repo.remotes()?)?;
    Ok(found.into_iter().map(|one| one.repository).collect())
}

fn matches(engine: &Engine, repo: &Repo, remotes: Vec<Remote>) -> Result<Vec<Fitting>> {
    let registered: Vec<_> = list(engine)?
        .into_iter()
        .map(|one| (address::Place::of(&one.url, None), one))
        .collect();
    let folder = repo.workdir().unwrap_or_else(|| repo.git_dir());
    let mut found: Vec<Fitting> = Vec::new();
    for remote in remotes {
        let place = address::Place::of(&remote.url, Some(folder));
        let Some((_, repository)) = registered.iter().find(|(other, _)| other.is(&place)) else {
            continue;
        };
        match found.iter_mut().find(|fitting| fitting.repository == *repository) {
            Some(fitting) => fitting.remotes.push(remote),
            None => found.push(Fitting {
                repository: repository.clone(),
                remotes: vec![remote],
            }),
        }
    }
    Ok(found)
}

/// Says where a commit stands. Of several repositories that fit, the first that has the commit counts, else the first.
pub(super) fn standing(engine: &Engine, repo: &Repo, subject: &Subject) -> Result<CheckoutState> {
    let remotes = repo.remotes()?;
    let fitting = matches(engine, repo, remotes.clone())?;
    let mut chosen = None;
    for one in &fitting {
        let pushed = match subject.commit {
            Some(commit) => is_pushed(engine, repo, one, commit)?,
            None => false,
        };
        if pushed || chosen.is_none() {
            chosen = Some((one, pushed));
        }
        if pushed {
            break;
        }
    }
    let Changes {
        uncommitted,
        untracked,
    } = subject.changes;
    let pushed = chosen.is_some_and(|(_, pushed)| pushed);
    let reason = match (subject.commit, chosen) {
        (_, None) => no_repository(engine, &remotes)?,
        (None, Some(_)) => format!(
            "the branch {} has no commit yet: commit something and push it",
            subject.branch.as_deref().unwrap_or_default()
        ),
        (Some(commit), Some((one, _))) => reason(engine, repo, subject, commit, one, pushed),
    };
    let folder = repo.workdir().unwrap_or_else(|| repo.git_dir());
    Ok(CheckoutState {
        repository: chosen.map(|(one, _)| one.repository.name.clone()),
        folder: folder.to_string_lossy().into_owned(),
        subdirectory: String::from_utf8_lossy(repo.source_root().as_bytes()).into_owned(),
        commit: subject.commit.map(|commit| commit.to_string()),
        branch: subject.branch.clone(),
        uncommitted,
        untracked,
        unpushed: chosen.is_some() && !pushed,
        usable: pushed && !uncommitted && !untracked,
        reason,
    })
}

/// The checkout knows what it fetched or pushed last, and our mirror what we fetched.
fn is_pushed(engine: &Engine, repo: &Repo, fitting: &Fitting, commit: CommitId) -> Result<bool> {
    let tips: Vec<CommitId> = fitting
        .remotes
        .iter()
        .flat_map(|remote| remote.tips.iter().copied())
        .collect();
    if repo.reaches(&tips, commit)? {
        return Ok(true);
    }
    // A mirror that is not there or cannot be read knows nothing.
    let Ok(mirror) = Repo::open_git_dir(&mirror::path(engine, &fitting.repository.url)) else {
        return Ok(false);
    };
    let branches: Vec<CommitId> = mirror
        .refs()?
        .into_iter()
        .filter(|label| label.kind == RefKind::Branch)
        .map(|label| label.commit)
        .collect();
    Ok(mirror.reaches(&branches, commit)?)
}

fn no_repository(engine: &Engine, remotes: &[Remote]) -> Result<String> {
    let Some(remote) = remotes.first() else {
        return Ok("the checkout has no remote: add one with `git remote add` and push to it".to_owned());
    };
    let url = address::shown(&remote.url);
    Ok(match list(engine)?.is_empty() {
        true => format!("no code repository is registered: register {url} to have code fetched from there"),
        false => format!(
            "no remote of the checkout is a registered code repository: register {url}, where {} leads",
            remote.name
        ),
    })
}

fn reason(
    engine: &Engine,
    repo: &Repo,
    subject: &Subject,
    commit: CommitId,
    fitting: &Fitting,
    pushed: bool,
) -> String {
    let push = match &subject.branch {
        Some(branch) => format!("push the branch {branch}"),
        None => "push the commit to a branch".to_owned(),
    };
    let Changes {
        uncommitted,
        untracked,
    } = subject.changes;
    if uncommitted {
        return format!("there are changes that are not committed: commit them and {push}");
    }
    if untracked {
        return format!("there are files that git does not know: commit them and {push}, or ignore them");
    }
    let name = &fitting.repository.name;
    let remote = fitting.remotes.first().map_or("", |remote| &remote.name);
    let age = age(engine, repo, &fitting.repository);
    let short = commit.short();
    if pushed {
        let old = match age {
            Some(Age { text, old: true }) => format!(", as last fetched {text}"),
            _ => String::new(),
        };
        return format!("commit {short} is on a branch of the code repository {name}{old}");
    }
    match age {
        Some(Age { text, .. }) => {
            format!("commit {short} is on no branch of {remote}, as last fetched {text}: {push}")
        }
        None if fitting.remotes.iter().all(|remote| remote.tips.is_empty()) => {
            format!(
                "nothing has been fetched from {remote} yet, so commit {short} may be missing there: {push}, or fetch"
            )
        }
        None => format!("commit {short} is on no branch of {remote}, as it was cloned: {push}, or fetch"),
    }
}

struct Age {
    text: String,
    /// Whether much may have happened since.
    old: bool,
}

/// Returns how long ago the remote was asked; none when it was not since the clone.
fn age(engine: &Engine, repo: &Repo, repository: &CodeRepository) -> Option<Age> {
    let own = [repo.git_dir(), repo.common_dir()].map(|dir| {
        let about = std::fs::metadata(dir.join("FETCH_HEAD")).ok()?;
        about.modified().ok()
    });
    let ours = mirror::fetched_at(&mirror::path(engine, &repository.url));
    let at = own.into_iter().flatten().chain(ours).max()?;
    let minutes = SystemTime::now().duration_since(at).unwrap_or_default().as_secs() / 60;
    let count = |number: u64, unit: &str| match number {
        1 => format!("1 {unit} ago"),
        number => format!("{number} {unit}s ago"),
    };
    let text = match minutes {
        0 => "just now".to_owned(),
        1..60 => count(minutes, "minute"),
        60..2_880 => count(minutes / 60, "hour"),
        _ => count(minutes / 1_440, "day"),
    };
    Some(Age {
        text,
        old: minutes >= 1_440,
    })
}
