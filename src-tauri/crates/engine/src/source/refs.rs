//! Names for commits: HEAD, branches, tags, and what a person may type.

use std::collections::HashSet;

use git2::{ErrorCode, ObjectType, Oid, Reference};
use serde::Serialize;

use super::error::{Result, SourceError, shown};
use super::id::CommitId;
use super::repo::{Lent, Repo};
use crate::text::one_line;

/// The most refs that are read; a server-side mirror may have millions (`refs/pull/*` is not read at all).
pub const MAX_REFS: usize = 20_000;

const MAX_SPEC_BYTES: usize = 4096;
/// Most parents followed, in all of a word.
const MAX_STEPS: usize = 1_000_000;
const MAX_TAG_DEPTH: usize = 8;

/// Where HEAD points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Head {
    /// A branch with commits.
    Branch {
        /// The branch's name without `refs/heads/`, lossy UTF-8.
        name: String,
        /// Its tip.
        commit: CommitId,
    },
    /// A commit, with no branch.
    Detached {
        /// The commit.
        commit: CommitId,
    },
    /// A branch that has no commit yet.
    Unborn {
        /// The branch's name without `refs/heads/`, lossy UTF-8.
        branch: String,
    },
}

impl Head {
    /// Returns the commit HEAD is at; `None` when unborn.
    pub fn commit(&self) -> Option<CommitId> {
        match self {
            Self::Branch { commit, .. } | Self::Detached { commit } => Some(*commit),
            Self::Unborn { .. } => None,
        }
    }
}

/// The kind of a ref, in the order they are preferred as a name for a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RefKind {
    /// A local branch.
    Branch,
    /// A branch of a remote, as last fetched.
    Remote,
    /// A tag, annotated or not.
    Tag,
}

/// A name that points at a commit; the name is hostile text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefLabel {
    /// What kind of ref it is.
    pub kind: RefKind,
    /// The name without `refs/heads/` and the like, lossy UTF-8.
    pub name: String,
    /// The commit it points at, through any annotated tags.
    pub commit: CommitId,
}

impl Repo {
    /// Returns where HEAD points.
    pub fn head(&self) -> Result<Head> {
        let git = self.git()?;
        let action = "read HEAD";
        let head = git.find_reference("HEAD").map_err(SourceError::git(action))?;
        let Some(target) = head.symbolic_target_bytes() else {
            let commit = peel(&git, &head).ok_or_else(|| not_a_commit(&git, "HEAD", &head))?;
            return Ok(Head::Detached { commit });
        };
        let branch = lossy(target.strip_prefix(b"refs/heads/").unwrap_or(target));
        match head.resolve() {
            Ok(tip) => {
                let commit = peel(&git, &tip).ok_or_else(|| not_a_commit(&git, "HEAD", &tip))?;
                Ok(Head::Branch { name: branch, commit })
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(Head::Unborn { branch }),
            Err(error) => Err(SourceError::git(action)(error)),
        }
    }

    /// Returns branches, remote branches and tags, sorted by kind and name, each peeled to its commit; refs that are
    /// broken or do not lead to a commit are left out, and so is everything past [`MAX_REFS`].
    pub fn refs(&self) -> Result<Vec<RefLabel>> {
        let git = self.git()?;
        let mut labels = Vec::new();
        let kinds = [
            (RefKind::Branch, "heads"),
            (RefKind::Remote, "remotes"),
            (RefKind::Tag, "tags"),
        ];
        for (kind, folder) in kinds {
            let prefix = format!("refs/{folder}/");
            let found = git
                .references_glob(&format!("{prefix}*"))
                .map_err(SourceError::git("list refs"))?;
            for reference in found.take(MAX_REFS).flatten() {
                // `origin/HEAD` repeats another remote branch.
                if reference.symbolic_target_bytes().is_some() {
                    continue;
                }
                let Some(name) = reference.name_bytes().strip_prefix(prefix.as_bytes()) else {
                    continue;
                };
                if let Some(commit) = peel(&git, &reference) {
                    labels.push(RefLabel {
                        kind,
                        name: lossy(name),
                        commit,
                    });
                }
            }
        }
        labels.sort();
        labels.truncate(MAX_REFS);
        Ok(labels)
    }

    /// Returns the best branch name for a commit: HEAD's branch when the commit is its tip, else a branch or remote
    /// branch with that tip, else `None`.
    pub fn branch_of(&self, commit: CommitId) -> Result<Option<String>> {
        if let Head::Branch { name, commit: tip } = self.head()?
            && tip == commit
        {
            return Ok(Some(name));
        }
        let refs = self.refs()?;
        let branch = refs
            .into_iter()
            .find(|label| label.commit == commit && label.kind != RefKind::Tag);
        Ok(branch.map(|label| label.name))
    }

    /// Returns the branch that the remote `origin` calls its default one, when a clone noted it.
    pub fn remote_default(&self) -> Option<String> {
        let git = self.git().ok()?;
        let head = git.find_reference("refs/remotes/origin/HEAD").ok()?;
        let name = head
            .symbolic_target_bytes()?
            .strip_prefix(b"refs/remotes/origin/")?;
        Some(lossy(name))
    }

    /// Returns the name that git's settings give the user, else the machine's name.
    pub fn user_name(&self) -> String {
        let configured = || self.git().ok()?.config().ok()?.get_string("user.name").ok();
        let machine = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let name = configured().or_else(machine).unwrap_or_default();
        match name.trim() {
            "" => "somebody".to_owned(),
            name => name.to_owned(),
        }
    }

    /// Returns the commit a person's word means: `HEAD`, a branch, a tag, a full ref name, a full or abbreviated commit
    /// id (four digits or more), each optionally followed by `~N` and `^N`.
    ///
    /// Nothing else of git's revision syntax is understood, no word is ever taken for an option, and a word with two
    /// different meanings is an error that says how to name each.
    pub fn resolve(&self, spec: &str) -> Result<CommitId> {
        let unknown = || SourceError::UnknownRevision { spec: shown(spec) };
        if spec.is_empty() || spec.len() > MAX_SPEC_BYTES || spec.contains('\0') {
            return Err(unknown());
        }
        let (name, suffix) = spec.split_at(spec.find(['~', '^']).unwrap_or(spec.len()));
        let steps = parse_suffix(suffix).ok_or_else(unknown)?;
        let mut commit = self.resolve_name(name)?;
        if steps.is_empty() {
            return Ok(commit);
        }
        let shallow = self.shallow_boundary()?;
        let git = self.git()?;
        let objects = git.objects()?;
        for parent in steps {
            let parents = objects.commit(commit, |raw| raw.parents)?;
            let cut = shallow.contains(&commit.0);
            commit = parents
                .get(parent)
                .filter(|_| !cut)
                .copied()
                .map(CommitId)
                .ok_or_else(unknown)?;
        }
        Ok(commit)
    }

    fn resolve_name(&self, name: &str) -> Result<CommitId> {
        let git = self.git()?;
        let name = if name == "@" { "HEAD" } else { name };
        if name == "HEAD"
            && let Head::Unborn { branch } = self.head()?
        {
            return Err(SourceError::Unborn {
                branch: shown(&branch),
            });
        }
        let hex = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hex && name.len() == 40 {
            let id = Oid::from_str(name).map_err(SourceError::git("read an object id"))?;
            return peel_object(&git, id, name);
        }
        let candidates = [
            if name == "HEAD" || name.starts_with("refs/") {
                name.to_owned()
            } else {
                String::new()
            },
            format!("refs/tags/{name}"),
            format!("refs/heads/{name}"),
            format!("refs/remotes/{name}"),
            format!("refs/remotes/{name}/HEAD"),
        ];
        let mut found = Vec::new();
        for candidate in candidates.iter().filter(|candidate| !candidate.is_empty()) {
            // An invalid name is no ref: libgit2 says so before it touches a file.
            let Ok(reference) = git.find_reference(candidate) else {
                continue;
            };
            let Ok(target) = reference.resolve() else { continue };
            let commit = peel(&git, &target).ok_or_else(|| not_a_commit(&git, name, &target))?;
            found.push((candidate.as_str(), commit));
        }
        if let Some(&(first, commit)) = found.first() {
            return match found.iter().find(|(_, other)| *other != commit) {
                None => Ok(commit),
                Some((second, _)) => Err(SourceError::Ambiguous {
                    spec: shown(name),
                    candidates: format!("say {} or {}", shown(first), shown(second)),
                }),
            };
        }
        if hex && name.len() >= 4 {
            return resolve_abbreviated(&git, name);
        }
        Err(SourceError::UnknownRevision { spec: shown(name) })
    }
}

fn resolve_abbreviated(git: &Lent<'_>, hex: &str) -> Result<CommitId> {
    match git.objects()?.find(hex) {
        Ok(id) => peel_object(git, id, hex),
        Err(error) if error.code() == ErrorCode::Ambiguous => Err(SourceError::Ambiguous {
            spec: hex.to_owned(),
            candidates: "several objects begin with it; give more digits".to_owned(),
        }),
        Err(_) => Err(SourceError::UnknownRevision { spec: hex.to_owned() }),
    }
}

/// Parses `~2^^2` to the parent numbers to follow; `None` when it is anything else or absurdly long.
fn parse_suffix(mut suffix: &str) -> Option<Vec<usize>> {
    let mut parents = Vec::new();
    while let Some(operator) = suffix.chars().next() {
        suffix = &suffix[1..];
        let digits = suffix.find(|c: char| !c.is_ascii_digit()).unwrap_or(suffix.len());
        let (number, rest) = suffix.split_at(digits);
        suffix = rest;
        let number = if number.is_empty() {
            1
        } else {
            number.parse::<usize>().ok()?
        };
        match operator {
            '~' if number <= MAX_STEPS.saturating_sub(parents.len()) => {
                parents.extend(std::iter::repeat_n(0, number))
            }
            '^' if number == 0 => {}
            '^' => parents.push(number - 1),
            _ => return None,
        }
    }
    Some(parents)
}

fn peel(git: &Lent<'_>, reference: &Reference<'_>) -> Option<CommitId> {
    let resolved;
    let reference = if reference.symbolic_target_bytes().is_some() {
        resolved = reference.resolve().ok()?;
        &resolved
    } else {
        reference
    };
    if let Some(commit) = reference.target_peel() {
        return Some(CommitId(commit));
    }
    peel_object(git, reference.target()?, "").ok()
}

/// Follows annotated tags from `id` to a commit; `name` is what to call it in an error.
fn peel_object(git: &Lent<'_>, id: Oid, name: &str) -> Result<CommitId> {
    let objects = git.objects()?;
    let mut at = id;
    let mut seen = HashSet::new();
    while seen.len() < MAX_TAG_DEPTH && seen.insert(at) {
        let (kind, _) = objects.header(at).map_err(|error| match error {
            SourceError::Missing { .. } if seen.len() == 1 => {
                SourceError::UnknownRevision { spec: shown(name) }
            }
            other => other,
        })?;
        match kind {
            ObjectType::Commit => return Ok(CommitId(at)),
            ObjectType::Tag => {
                let object = objects.read(at, ObjectType::Tag)?;
                let damaged = || SourceError::Corrupt {
                    kind: "tag",
                    id: at,
                    reason: "it names no object".to_owned(),
                };
                let hex = object.strip_prefix(b"object ").and_then(|rest| rest.get(..40));
                let hex = hex
                    .and_then(|hex| std::str::from_utf8(hex).ok())
                    .ok_or_else(damaged)?;
                at = Oid::from_str(hex).map_err(|_| damaged())?;
            }
            other => {
                return Err(SourceError::NotACommit {
                    spec: shown(name),
                    kind: other.str().to_owned(),
                });
            }
        }
    }
    Err(SourceError::NotACommit {
        spec: shown(name),
        kind: "tag of tags".to_owned(),
    })
}

fn not_a_commit(git: &Lent<'_>, name: &str, reference: &Reference<'_>) -> SourceError {
    let Some(id) = reference.target() else {
        return SourceError::UnknownRevision { spec: shown(name) };
    };
    match peel_object(git, id, name) {
        Err(SourceError::UnknownRevision { .. }) | Ok(_) => SourceError::Missing { kind: "commit", id },
        Err(error) => error,
    }
}

fn lossy(name: &[u8]) -> String {
    one_line(&String::from_utf8_lossy(name))
}

#[cfg(test)]
#[path = "refs_tests.rs"]
mod tests;
