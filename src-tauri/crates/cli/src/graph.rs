//! `graph`: commits with lanes drawn as characters, and what Headstart can give each.

use std::collections::HashMap;

use headstart_engine::wire::{
    CommitState, CommitStateKind, GraphEdge, GraphPage, GraphQuery, GraphRow, Project, Ref, RefKind,
};
use headstart_engine::{Engine, history};
use serde::Serialize;

use crate::args;
use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::text::{self, plain, short};

/// Rows asked for at once.
const PAGE: u32 = 500;
/// Lanes that are drawn; what lies further right is left out.
const LANES: u16 = 24;

/// A row of the graph with what Headstart can give its commit.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    row: GraphRow,
    state: Option<CommitState>,
}

/// The graph in JSON.
#[derive(Serialize)]
struct Whole {
    project: String,
    known: u32,
    complete: bool,
    lanes: u16,
    unborn: bool,
    shallow: bool,
    rows: Vec<Row>,
}

pub(crate) async fn show(out: &Out, engine: &Engine, typed: args::Graph) -> Result<Outcome, Failure> {
    let project = find::project(engine, &typed.of)?;
    let query = GraphQuery { branch: typed.branch };
    let mut whole = None::<Whole>;
    let mut drawing = Drawing::default();
    loop {
        let from = whole.as_ref().map_or(0, |whole| whole.rows.len());
        let from = u32::try_from(from).unwrap_or(u32::MAX);
        let count = PAGE.min(typed.limit - from);
        let page = history::page(engine, &project.id, &query, from, count)?;
        let last = page.rows.len() < count as usize || from + count >= typed.limit;
        let ids: Vec<String> = page.rows.iter().map(|row| row.commit.clone()).collect();
        let states = history::states(engine, &project.id, &ids).await?;
        let rows = with_states(&page, states);
        if !out.json {
            for Row { row, state } in &rows {
                draw(out, &mut drawing, row, state.as_ref());
            }
        }
        match &mut whole {
            None => whole = Some(start(&project, page, rows)),
            Some(whole) => {
                whole.known = page.known;
                whole.complete = page.complete;
                whole.lanes = whole.lanes.max(page.lanes);
                whole.rows.extend(rows);
            }
        }
        if last || out.is_closed() {
            break;
        }
    }
    let Some(whole) = whole else {
        return Ok(Outcome::Done);
    };
    if out.json {
        out.value(&whole);
    } else if whole.rows.is_empty() {
        out.line(if whole.unborn {
            "no commits yet"
        } else {
            "no commits"
        });
    } else {
        let shown = u32::try_from(whole.rows.len()).unwrap_or(u32::MAX);
        if whole.known > shown || !whole.complete {
            out.line(out.ink(
                Ink::Faint,
                &format!("the newest {shown} commits; more with --limit"),
            ));
        } else if whole.shallow {
            out.line(out.ink(Ink::Faint, "the history is cut off here: this is a shallow clone"));
        }
    }
    Ok(Outcome::Done)
}

fn start(project: &Project, page: GraphPage, rows: Vec<Row>) -> Whole {
    Whole {
        project: project.id.to_string(),
        known: page.known,
        complete: page.complete,
        lanes: page.lanes,
        unborn: page.unborn,
        shallow: page.shallow,
        rows,
    }
}

fn with_states(page: &GraphPage, states: Vec<CommitState>) -> Vec<Row> {
    let mut by_commit: HashMap<String, CommitState> = states
        .into_iter()
        .map(|state| (state.commit.clone(), state))
        .collect();
    let with_state = |row: &GraphRow| Row {
        state: by_commit.remove(&row.commit),
        row: row.clone(),
    };
    page.rows.iter().map(with_state).collect()
}

fn draw(out: &Out, drawing: &mut Drawing, row: &GraphRow, state: Option<&CommitState>) {
    let (mark, ink) = mark(state.map_or(CommitStateKind::None, |state| state.kind));
    let lanes = drawing.node(row.lane, mark);
    let node = lanes.replacen(mark, &out.ink(ink, &mark.to_string()), 1);
    let mut line = format!("{node} {}", out.ink(Ink::Faint, &short(&row.commit)));
    let names: Vec<String> = row.refs.iter().map(ref_name).collect();
    if row.head && !row.refs.iter().any(|label| label.head) {
        line += &out.ink(Ink::Accent, " (HEAD)");
    }
    if !names.is_empty() {
        line += &out.ink(Ink::Accent, &format!(" ({})", names.join(", ")));
    }
    line += &format!(" {}", plain(&row.summary));
    if let Some(gift) = state.and_then(gift) {
        line += &out.ink(Ink::Faint, &format!("  — {gift}"));
    }
    out.line(line);
    if let Some(between) = drawing.edges(&row.edges) {
        out.line(between);
    }
}

fn ref_name(label: &Ref) -> String {
    let name = plain(&label.name);
    match label.kind {
        RefKind::Tag => format!("tag: {name}"),
        RefKind::Branch if label.head => format!("HEAD -> {name}"),
        RefKind::Branch | RefKind::Remote => name,
    }
}

fn mark(kind: CommitStateKind) -> (char, Ink) {
    match kind {
        CommitStateKind::Built => ('●', Ink::Good),
        CommitStateKind::Base => ('◐', Ink::Good),
        CommitStateKind::None => ('○', Ink::Faint),
        CommitStateKind::Blocked => ('⊘', Ink::Warn),
        CommitStateKind::Failed => ('✕', Ink::Bad),
        CommitStateKind::Running => ('◌', Ink::Accent),
        CommitStateKind::Unusable => ('·', Ink::Faint),
    }
}

/// Returns what a commit's state means, in words.
pub(crate) fn gift(state: &CommitState) -> Option<String> {
    let took = || state.duration_ms.map(text::duration);
    let base = || state.base_commit.as_deref().map(short);
    let reason = state.reason.as_deref().map(plain);
    Some(match state.kind {
        CommitStateKind::Built => match took() {
            Some(took) => format!("built in {took}"),
            None => "built".to_owned(),
        },
        CommitStateKind::Base => {
            let back = state
                .distance
                .map(|distance| format!(", {} back", text::count(distance, "commit")));
            let factor = state.speedup.map(|factor| format!(", {factor:.1} times as fast"));
            format!(
                "can start from {}{}{}",
                base()?,
                back.unwrap_or_default(),
                factor.unwrap_or_default()
            )
        }
        CommitStateKind::Blocked => format!(
            "{} stands between it and {}",
            reason.unwrap_or_else(|| "a change".to_owned()),
            base()?
        ),
        CommitStateKind::Failed => reason.unwrap_or_else(|| "failed".to_owned()),
        CommitStateKind::Running => "under way".to_owned(),
        CommitStateKind::Unusable => reason?,
        CommitStateKind::None => return None,
    })
}

/// The lanes that reach the next row.
#[derive(Default)]
struct Drawing {
    open: Vec<u16>,
}

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

impl Drawing {
    /// Returns the lanes of a row with its commit in one of them.
    fn node(&self, lane: u16, mark: char) -> String {
        let last = self
            .open
            .iter()
            .copied()
            .chain([lane])
            .max()
            .unwrap_or(0)
            .min(LANES);
        let place = lane.min(LANES);
        let text: String = (0..=last)
            .map(|column| {
                if column == place {
                    format!("{mark} ")
                } else if self.open.contains(&column) {
                    "│ ".to_owned()
                } else {
                    "  ".to_owned()
                }
            })
            .collect();
        text.trim_end().to_owned()
    }

    /// Returns the line between a row and the next, where a line changes its lane.
    fn edges(&mut self, edges: &[GraphEdge]) -> Option<String> {
        self.open = edges.iter().map(|edge| edge.to).collect();
        let visible = |edge: &&GraphEdge| edge.from <= LANES && edge.to <= LANES;
        let bends = edges.iter().any(|edge| edge.from != edge.to && visible(&edge));
        if !bends {
            return None;
        }
        let mut cells = vec![0_u8; usize::from(LANES) * 2 + 3];
        for edge in edges.iter().filter(visible) {
            let (from, to) = (usize::from(edge.from) * 2, usize::from(edge.to) * 2);
            cells[from] |= UP;
            cells[to] |= DOWN;
            let (left, right) = (from.min(to), from.max(to));
            if left < right {
                cells[left] |= RIGHT;
                cells[right] |= LEFT;
                cells[left + 1..right]
                    .iter_mut()
                    .for_each(|cell| *cell |= LEFT | RIGHT);
            }
        }
        let text: String = cells.into_iter().map(glyph).collect();
        Some(text.trim_end().to_owned())
    }
}

fn glyph(cell: u8) -> char {
    const VERTICAL: u8 = UP | DOWN;
    const HORIZONTAL: u8 = LEFT | RIGHT;
    const ALL: u8 = VERTICAL | HORIZONTAL;
    const TEE_RIGHT: u8 = VERTICAL | RIGHT;
    const TEE_LEFT: u8 = VERTICAL | LEFT;
    const TEE_UP: u8 = HORIZONTAL | UP;
    const TEE_DOWN: u8 = HORIZONTAL | DOWN;
    const TURNS: [u8; 4] = [UP | RIGHT, UP | LEFT, DOWN | RIGHT, DOWN | LEFT];
    match cell {
        0 => ' ',
        UP | DOWN | VERTICAL => '│',
        LEFT | RIGHT | HORIZONTAL => '─',
        ALL => '┼',
        TEE_RIGHT => '├',
        TEE_LEFT => '┤',
        TEE_UP => '┴',
        TEE_DOWN => '┬',
        turn if turn == TURNS[0] => '╰',
        turn if turn == TURNS[1] => '╯',
        turn if turn == TURNS[2] => '╭',
        _ => '╮',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(rows: &[(u16, &[(u16, u16)])]) -> String {
        let mut drawing = Drawing::default();
        let mut text = String::new();
        for (lane, edges) in rows {
            text += &format!("{}\n", drawing.node(*lane, '●'));
            let edges: Vec<GraphEdge> = edges
                .iter()
                .map(|(from, to)| GraphEdge {
                    from: *from,
                    to: *to,
                    color: 0,
                })
                .collect();
            if let Some(between) = drawing.edges(&edges) {
                text += &format!("{between}\n");
            }
        }
        text
    }

    #[test]
    fn a_merge_opens_a_lane_and_its_base_closes_it() {
        let drawn = picture(&[
            (0, &[(0, 0), (0, 1)]),
            (1, &[(0, 0), (1, 1)]),
            (0, &[(0, 0), (1, 1)]),
            (1, &[(0, 0), (1, 0)]),
            (0, &[]),
        ]);
        assert_eq!(drawn, "●\n├─╮\n│ ●\n● │\n│ ●\n├─╯\n●\n");
    }

    #[test]
    fn lines_cross_others_on_their_way() {
        let drawn = picture(&[(0, &[(0, 0), (0, 2), (1, 1)]), (2, &[(0, 0), (1, 1), (2, 0)])]);
        assert_eq!(drawn, "●\n├─┼─╮\n│ │ ●\n├─┼─╯\n");
    }
}
