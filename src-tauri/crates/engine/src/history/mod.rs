//! The commit graph as clients see it: pages of rows, search, details, and what Headstart can give each commit.

mod graphs;
mod search;
mod states;

use crate::engine::Engine;
use crate::error::Result;
use crate::plan::read_work_tree;
use crate::project::{Opened, open};
use crate::source::{self, ChangeKind as SourceChange, CommitId, Delta, Head, Repo, RepoPath, delta};
use crate::wire::{
    ChangeKind, ChangedFiles, CommitDetail, FileChange, GraphPage, GraphQuery, GraphRow, ProjectId, Ref,
    RefKind,
};

pub(crate) use graphs::Graphs;
pub use search::search;
pub use states::states;

/// Most changed files listed in a commit's details.
const MAX_CHANGES: usize = 500;
/// Most changed files listed between a base and a commit.
const MAX_CHANGED_FILES: usize = 2_000;
/// Most rows in one page.
const MAX_ROWS: u32 = 2_000;

/// Returns rows `from .. from + count` of a project's commit graph. The rest of the history is read in the background;
/// `complete` says when it is.
pub fn page(
    engine: &Engine,
    project: &ProjectId,
    query: &GraphQuery,
    from: u32,
    count: u32,
) -> Result<GraphPage> {
    let opened = open(engine, project)?;
    let head = opened.repo.head()?;
    let refs = all_refs(&opened.repo)?;
    let graph = engine.graphs().open(&opened, query, &refs)?;
    let wanted = from as usize..from.saturating_add(count.min(MAX_ROWS)) as usize;
    let slice = graph.rows(wanted)?;
    let mut rows = Vec::with_capacity(slice.rows.len());
    for (offset, row) in slice.rows.into_iter().enumerate() {
        rows.push(shown_row(
            &opened.repo,
            from as usize + offset,
            row,
            &refs,
            head.commit(),
        )?);
    }
    Ok(GraphPage {
        known: u32::try_from(slice.known).unwrap_or(u32::MAX),
        complete: slice.complete,
        lanes: u16::try_from(slice.lanes).unwrap_or(u16::MAX),
        rows,
        unborn: matches!(head, Head::Unborn { .. }),
        shallow: opened.repo.is_shallow(),
    })
}

fn shown_row(
    repo: &Repo,
    index: usize,
    row: source::Row,
    refs: &[Ref],
    head: Option<CommitId>,
) -> Result<GraphRow> {
    // A commit that cannot be read still has its place in the graph.
    let info = repo.commit(row.commit).ok();
    let id = row.commit.to_string();
    Ok(GraphRow {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        parents: row.parents.iter().map(ToString::to_string).collect(),
        lane: row.lane,
        color: row.color,
        edges: row
            .edges
            .iter()
            .map(|edge| crate::wire::GraphEdge {
                from: edge.from,
                to: edge.to,
                color: edge.color,
            })
            .collect(),
        summary: info.as_ref().map_or_else(
            || "(this commit cannot be read)".to_owned(),
            |info| info.summary.clone(),
        ),
        author: info
            .as_ref()
            .map(|info| info.author_name.clone())
            .unwrap_or_default(),
        committed_at: info
            .as_ref()
            .map_or(0, |info| info.commit_time.saturating_mul(1000)),
        refs: refs.iter().filter(|label| label.commit == id).cloned().collect(),
        head: head == Some(row.commit),
        commit: id,
    })
}

/// Lists branches and tags.
pub fn refs(engine: &Engine, project: &ProjectId) -> Result<Vec<Ref>> {
    all_refs(&open(engine, project)?.repo)
}

pub(crate) fn all_refs(repo: &Repo) -> Result<Vec<Ref>> {
    let current = match repo.head()? {
        Head::Branch { name, .. } => Some(name),
        Head::Detached { .. } | Head::Unborn { .. } => None,
    };
    let shown = |label: source::RefLabel| Ref {
        head: label.kind == source::RefKind::Branch && current.as_deref() == Some(label.name.as_str()),
        name: label.name,
        kind: match label.kind {
            source::RefKind::Branch => RefKind::Branch,
            source::RefKind::Remote => RefKind::Remote,
            source::RefKind::Tag => RefKind::Tag,
        },
        commit: label.commit.to_string(),
    };
    Ok(repo.refs()?.into_iter().map(shown).collect())
}

/// Returns everything about one commit.
pub fn detail(engine: &Engine, project: &ProjectId, commit: &str) -> Result<CommitDetail> {
    let Opened { repo, .. } = open(engine, project)?;
    let info = repo.commit(repo.resolve(commit)?)?;
    let id = info.id.to_string();
    let mut changes = ChangedFiles::default();
    if let Some(parent) = info.parents.first()
        && let Ok(parent) = repo.commit(*parent)
    {
        let found = delta(&repo, parent.tree, info.tree, &RepoPath::default())?;
        changes = listed(&found, MAX_CHANGES);
    }
    let refs = all_refs(&repo)?
        .into_iter()
        .filter(|label| label.commit == id)
        .collect();
    Ok(CommitDetail {
        commit: id,
        parents: info.parents.iter().map(ToString::to_string).collect(),
        message: info.message,
        author: info.author_name,
        email: info.author_email,
        authored_at: info.author_time.saturating_mul(1000),
        committed_at: info.commit_time.saturating_mul(1000),
        refs,
        changes: changes.files,
        changed_files: changes.total,
    })
}

/// Lists the files below a project's source root that differ between two commits: what an incremental build on `base`
/// writes and removes. `dirty` takes the work tree with its uncommitted changes, which belong to HEAD, as the newer side.
pub fn changed_files(
    engine: &Engine,
    project: &ProjectId,
    base: &str,
    commit: &str,
    dirty: bool,
) -> Result<ChangedFiles> {
    let opened = open(engine, project)?;
    let Opened { repo, prefix, .. } = &opened;
    let from = repo.commit(repo.resolve(base)?)?.tree;
    let commit = repo.resolve(commit)?;
    let found = if dirty {
        let (work_tree, _scratch) = read_work_tree(engine, &opened, commit, &mut Vec::new())?;
        delta(&work_tree.repo, from, work_tree.tree, prefix)?
    } else {
        delta(repo, from, repo.commit(commit)?.tree, prefix)?
    };
    Ok(listed(&found, MAX_CHANGED_FILES))
}

/// Returns the first `most` differing files by path, and how many there are.
fn listed(delta: &Delta, most: usize) -> ChangedFiles {
    let gone = delta.gone().map(|path| (path, None));
    let mut all: Vec<(&RepoPath, Option<&SourceChange>)> = delta
        .changed
        .iter()
        .map(|change| (&change.path, Some(&change.kind)))
        .chain(gone)
        .collect();
    all.sort_by_key(|(path, _)| *path);
    let files = all
        .iter()
        .take(most)
        .map(|(path, kind)| shown_change(path, *kind));
    ChangedFiles {
        files: files.collect(),
        total: u32::try_from(all.len()).unwrap_or(u32::MAX),
    }
}

fn shown_change(path: &RepoPath, kind: Option<&SourceChange>) -> FileChange {
    let (kind, from) = match kind {
        None => (ChangeKind::Deleted, None),
        Some(SourceChange::Added) => (ChangeKind::Added, None),
        Some(SourceChange::Modified) => (ChangeKind::Modified, None),
        Some(SourceChange::ModeChanged) => (ChangeKind::Mode, None),
        Some(SourceChange::TypeChanged) => (ChangeKind::Type, None),
        Some(SourceChange::RenamedFrom { from }) => (ChangeKind::Renamed, Some(from.to_string())),
    };
    FileChange {
        path: path.to_string(),
        from,
        kind,
    }
}
