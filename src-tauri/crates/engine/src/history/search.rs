//! Searching the history: newest first, as far as the time budget allows.

use std::time::{Duration, Instant};

use super::{all_refs, shown_row};
use crate::engine::Engine;
use crate::error::Result;
use crate::project::open;
use crate::source::{CommitInfo, Repo, RepoPath, path_key};
use crate::wire::{BuildFilter, BuildStatus, CommitHits, CommitSearch, Ref};

/// Longest a search may take; what it found until then is the answer.
const BUDGET: Duration = Duration::from_secs(2);
const CHUNK: usize = 512;

/// Finds commits by id prefix, branch, tag, message, author, path, or by having a build.
pub fn search(engine: &Engine, search: &CommitSearch) -> Result<CommitHits> {
    let opened = open(engine, &search.project)?;
    let refs = all_refs(&opened.repo)?;
    let head = opened.repo.head()?.commit();
    let graph = engine.graphs().open(&opened, &search.query, &refs)?;
    let words: Vec<String> = search.text.split_whitespace().map(str::to_lowercase).collect();
    let author = search.author.as_ref().map(|author| author.to_lowercase());
    let path = search
        .path
        .as_ref()
        .map(|path| RepoPath::from_relative(std::path::Path::new(path)))
        .transpose()?;
    let built = if search.only_built {
        Some(built_commits(engine, search)?)
    } else {
        None
    };
    let limit = search.limit.clamp(1, 2_000) as usize;
    let started = Instant::now();
    let mut hits = CommitHits {
        rows: Vec::new(),
        searched: 0,
        more: false,
    };
    let mut from = 0;
    loop {
        let slice = graph.rows(from..from + CHUNK)?;
        if slice.rows.is_empty() {
            return Ok(hits);
        }
        for row in slice.rows {
            let index = from;
            from += 1;
            hits.searched += 1;
            let id = row.commit.to_string();
            if built.as_ref().is_some_and(|built| !built.contains(&id)) {
                continue;
            }
            let Ok(info) = opened.repo.commit(row.commit) else {
                continue;
            };
            let good = matches(&info, &id, &words, &refs)
                && author.as_ref().is_none_or(|author| by(&info, author))
                && path
                    .as_ref()
                    .is_none_or(|path| touches(&opened.repo, &info, path));
            if good {
                hits.rows.push(shown_row(&opened.repo, index, row, &refs, head)?);
                if hits.rows.len() == limit {
                    hits.more = true;
                    return Ok(hits);
                }
            }
        }
        if started.elapsed() > BUDGET {
            hits.more = true;
            return Ok(hits);
        }
    }
}

fn built_commits(engine: &Engine, search: &CommitSearch) -> Result<std::collections::HashSet<String>> {
    let filter = BuildFilter {
        project: Some(search.project.clone()),
        status: vec![BuildStatus::Succeeded],
        limit: 1_000,
        ..BuildFilter::default()
    };
    Ok(engine
        .catalogue()
        .list(&filter)?
        .1
        .into_iter()
        .map(|build| build.commit)
        .collect())
}

fn by(info: &CommitInfo, author: &str) -> bool {
    info.author_name.to_lowercase().contains(author) || info.author_email.to_lowercase().contains(author)
}

fn matches(info: &CommitInfo, id: &str, words: &[String], refs: &[Ref]) -> bool {
    words.iter().all(|word| {
        id.starts_with(word.as_str())
            || info.message.to_lowercase().contains(word.as_str())
            || info.author_name.to_lowercase().contains(word.as_str())
            || refs
                .iter()
                .any(|label| label.commit == id && label.name.to_lowercase().contains(word.as_str()))
    })
}

/// Returns whether a commit changes a path against its first parent.
fn touches(repo: &Repo, info: &CommitInfo, path: &RepoPath) -> bool {
    let now = path_key(repo, info.tree, path).ok().flatten();
    let before = info
        .parents
        .first()
        .and_then(|parent| repo.commit(*parent).ok())
        .and_then(|parent| path_key(repo, parent.tree, path).ok().flatten());
    now != before
}
