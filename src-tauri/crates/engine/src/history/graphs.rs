//! Commit graphs that are open: read lazily for what is shown, to the end in the background.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::engine::lock;
use crate::error::{Error, Result};
use crate::project::Opened;
use crate::source::{CommitId, History, Row, Step};
use crate::wire::{GraphQuery, ProjectId, Ref};

/// Rows read at a time in the background, so that a page never waits long for its turn.
const CHUNK: usize = 4_096;
/// Graphs kept; one of a million commits takes about 100 MB.
const MOST: usize = 4;

/// The open graphs of all projects.
#[derive(Default)]
pub(crate) struct Graphs(Mutex<HashMap<(ProjectId, GraphQuery), Arc<Graph>>>);

/// One open graph.
pub(crate) struct Graph {
    tips: Vec<CommitId>,
    history: Mutex<History>,
    loading: AtomicBool,
}

/// Some rows, and how many there are.
pub(crate) struct Slice {
    pub(crate) rows: Vec<Row>,
    pub(crate) known: usize,
    pub(crate) complete: bool,
    pub(crate) lanes: usize,
}

impl Graphs {
    /// Returns the graph of a query, opened again when branches or tags have moved.
    pub(crate) fn open(&self, opened: &Opened, query: &GraphQuery, refs: &[Ref]) -> Result<Arc<Graph>> {
        let tips = tips(opened, query, refs)?;
        let key = (opened.row.id.clone(), query.clone());
        let mut graphs = lock(&self.0);
        if let Some(graph) = graphs.get(&key).filter(|graph| graph.tips == tips) {
            return Ok(graph.clone());
        }
        if graphs.len() >= MOST {
            graphs.clear();
        }
        let history = Mutex::new(History::new(&opened.repo, tips.clone())?);
        let graph = Arc::new(Graph {
            tips,
            history,
            loading: AtomicBool::new(false),
        });
        graphs.insert(key, graph.clone());
        Ok(graph)
    }
}

fn tips(opened: &Opened, query: &GraphQuery, refs: &[Ref]) -> Result<Vec<CommitId>> {
    if let Some(branch) = &query.branch {
        return Ok(vec![opened.repo.resolve(branch)?]);
    }
    let mut tips: Vec<CommitId> = opened.repo.head()?.commit().into_iter().collect();
    for label in refs {
        if let Ok(commit) = label.commit.parse()
            && !tips.contains(&commit)
        {
            tips.push(commit);
        }
    }
    Ok(tips)
}

impl Graph {
    /// Returns rows of a range, reading as much history as that needs, and has the rest read in the background.
    pub(crate) fn rows(self: &Arc<Self>, range: Range<usize>) -> Result<Slice> {
        let slice = {
            let mut history = lock(&self.history);
            history.load(range.end)?;
            let range = range.start.min(history.len())..range.end.min(history.len());
            Slice {
                rows: history.rows(range.clone()),
                known: history.len(),
                complete: history.complete(),
                lanes: history.width(range),
            }
        };
        if !slice.complete && !self.loading.swap(true, Ordering::Relaxed) {
            let graph = Arc::downgrade(self);
            std::thread::Builder::new()
                .name("history".to_owned())
                .spawn(move || {
                    // A graph that nobody holds any more need not be read.
                    while let Some(graph) = graph.upgrade() {
                        let mut history = lock(&graph.history);
                        let known = history.len();
                        if history.load(known + CHUNK).is_err()
                            || history.complete()
                            || history.len() == known
                        {
                            break;
                        }
                        drop(history);
                        std::thread::yield_now();
                    }
                })
                .map_err(|error| Error::internal("the history could not be read in the background", error))?;
        }
        Ok(slice)
    }

    /// Returns the ancestors of a commit from memory; none when they are not all read yet.
    pub(crate) fn ancestors(&self, commit: CommitId, limit: usize) -> Option<Vec<Step>> {
        let history = lock(&self.history);
        history.ancestors_from(history.index_of(commit)?, limit)
    }
}
