//! The commit graph as clients see it: pages of rows, search, details, and what Headstart can give each commit.

mod graphs;
mod search;
mod states;

use crate::engine::Engine;
use crate::error::Result;
use crate::project::{Opened, open};
use crate::source::{self, ChangeKind as SourceChange, CommitId, Head, Repo, RepoPath, delta};
use crate::wire::{
    ChangeKind, CommitDetail, FileChange, GraphPage, GraphQuery, GraphRow, ProjectId, Ref, RefKind,
};

pub(crate) use graphs::Graphs;
pub use search::search;
pub use states::states;

/// Most changed files listed in a commit's details.
const MAX_CHANGES: usize = 500;
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
    let whole = RepoPath::default();
    let mut changes = Vec::new();
    let mut changed_files = 0;
    if let Some(parent) = info.parents.first()
        && let Ok(parent) = repo.commit(*parent)
    {
        let found = delta(&repo, parent.tree, info.tree, &whole)?;
        let moved: std::collections::HashSet<&RepoPath> = found
            .changed
            .iter()
            .filter_map(|change| match &change.kind {
                SourceChange::RenamedFrom { from } => Some(from),
                _ => None,
            })
            .collect();
        let gone: Vec<&RepoPath> = found
            .deleted
            .iter()
            .filter(|path| !moved.contains(path))
            .collect();
        changed_files = u32::try_from(found.changed.len() + gone.len()).unwrap_or(u32::MAX);
        changes.extend(found.changed.iter().take(MAX_CHANGES).map(shown_change));
        let left = MAX_CHANGES - changes.len();
        changes.extend(gone.iter().take(left).map(|path| FileChange {
            path: path.to_string(),
            from: None,
            kind: ChangeKind::Deleted,
        }));
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
        changes,
        changed_files,
    })
}

fn shown_change(change: &source::Change) -> FileChange {
    let (kind, from) = match &change.kind {
        SourceChange::Added => (ChangeKind::Added, None),
        SourceChange::Modified => (ChangeKind::Modified, None),
        SourceChange::ModeChanged => (ChangeKind::Mode, None),
        SourceChange::TypeChanged => (ChangeKind::Type, None),
        SourceChange::RenamedFrom { from } => (ChangeKind::Renamed, Some(from.to_string())),
    };
    FileChange {
        path: change.path.to_string(),
        from,
        kind,
    }
}
