//! Which lane each commit of a graph stands in, and the lines between one row and the next.
//!
//! A lane holds a line that leads down to one commit. Two lines that lead to the same commit become one at once, in the
//! lane further left, so at most one lane waits for a commit and a step costs no more than its parents. First parents
//! go straight on, freed lanes are used again from the left, and the line of HEAD keeps the first lane to itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use serde::Serialize;

/// A line between a row and the one below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// The lane it leaves in the row, from the left.
    pub from: u16,
    /// The lane it reaches in the row below.
    pub to: u16,
    /// Its colour: a number that stays with a branch; 0 is the line of HEAD.
    pub color: u16,
}

/// Where a commit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) lane: u16,
    pub(crate) color: u16,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    /// The commit it leads to.
    node: u32,
    color: u16,
    /// Whether anything above leads here; the lane kept for HEAD is empty until then.
    drawn: bool,
}

/// The lanes below some row of a graph.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lines: Vec<Option<Line>>,
    lane_of: HashMap<u32, u32>,
    free: BinaryHeap<Reverse<u32>>,
    next_color: u16,
}

/// The state of the lanes at one row, small enough to keep many.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    lines: Box<[Option<Line>]>,
    next_color: u16,
}

impl Lanes {
    /// Starts a graph whose first lane is kept for `head`.
    pub(crate) fn new(head: Option<u32>) -> Self {
        let mut lanes = Self::default();
        if let Some(node) = head {
            lanes.lead(
                0,
                Line {
                    node,
                    color: 0,
                    drawn: false,
                },
            );
            lanes.next_color = 1;
        }
        lanes
    }

    /// Returns how many lanes are in use, gaps included.
    pub(crate) fn width(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            lines: self.lines.clone().into_boxed_slice(),
            next_color: self.next_color,
        }
    }

    pub(crate) fn resume(from: &Checkpoint) -> Self {
        let mut lanes = Self {
            next_color: from.next_color,
            ..Self::default()
        };
        lanes.lines = from.lines.to_vec();
        for (lane, line) in (0..).zip(&*from.lines) {
            match line {
                Some(line) => drop(lanes.lane_of.insert(line.node, lane)),
                None => lanes.free.push(Reverse(lane)),
            }
        }
        lanes
    }

    /// Places the next commit, whose `parents` all come further down; adds the lines below it to `edges` when asked.
    pub(crate) fn step(&mut self, node: u32, parents: &[u32], mut edges: Option<&mut Vec<Edge>>) -> Place {
        let (lane, color) = match self.lane_of.remove(&node) {
            Some(lane) => (lane, self.color_of(lane)),
            None => (self.take_free(), self.new_color()),
        };
        self.set(lane, None);
        let first = parents
            .first()
            .and_then(|parent| self.lane_of.get(parent).copied());
        // The line of the first parent further right, which bends into this lane.
        let bent = first.filter(|other| *other > lane);
        if let Some(edges) = edges.as_deref_mut() {
            self.pass_through(bent.map(|from| (from, lane)), edges);
        }
        let mut draw = |to: u32, color: u16| {
            if let Some(edges) = edges.as_deref_mut() {
                edges.push(Edge {
                    from: narrow(lane),
                    to: narrow(to),
                    color,
                });
            }
        };
        let mut freed = [None, bent];
        match (parents.first(), first) {
            (None, _) => freed[0] = Some(lane),
            (Some(_), Some(left)) if left < lane => {
                self.mark_drawn(left);
                draw(left, color);
                freed[0] = Some(lane);
            }
            (Some(parent), _) => {
                if let Some(bent) = bent {
                    self.set(bent, None);
                }
                self.lead(
                    lane,
                    Line {
                        node: *parent,
                        color,
                        drawn: true,
                    },
                );
                draw(lane, color);
            }
        }
        for (index, parent) in parents.iter().enumerate().skip(1) {
            if parents[..index].contains(parent) {
                continue;
            }
            match self.lane_of.get(parent).copied() {
                Some(other) => {
                    self.mark_drawn(other);
                    draw(other, self.color_of(other));
                }
                None => {
                    let color = self.new_color();
                    let other = self.take_free();
                    self.lead(
                        other,
                        Line {
                            node: *parent,
                            color,
                            drawn: true,
                        },
                    );
                    draw(other, color);
                }
            }
        }
        // Only now, so that no line begins where another one just ended.
        self.free.extend(freed.into_iter().flatten().map(Reverse));
        while self.lines.last().is_some_and(Option::is_none) {
            self.lines.pop();
        }
        Place {
            lane: narrow(lane),
            color,
        }
    }

    fn pass_through(&self, bent: Option<(u32, u32)>, edges: &mut Vec<Edge>) {
        for (from, line) in (0_u32..).zip(&self.lines) {
            let Some(line) = line.filter(|line| line.drawn) else {
                continue;
            };
            let to = bent.filter(|(lane, _)| *lane == from).map_or(from, |(_, to)| to);
            edges.push(Edge {
                from: narrow(from),
                to: narrow(to),
                color: line.color,
            });
        }
    }

    fn take_free(&mut self) -> u32 {
        while let Some(Reverse(lane)) = self.free.pop() {
            if matches!(self.lines.get(lane as usize), Some(None)) {
                return lane;
            }
        }
        self.lines.push(None);
        narrow_index(self.lines.len() - 1)
    }

    fn lead(&mut self, lane: u32, line: Line) {
        self.lane_of.insert(line.node, lane);
        self.set(lane, Some(line));
    }

    fn set(&mut self, lane: u32, line: Option<Line>) {
        let lane = lane as usize;
        if self.lines.len() <= lane {
            self.lines.resize(lane + 1, None);
        }
        self.lines[lane] = line;
    }

    fn mark_drawn(&mut self, lane: u32) {
        if let Some(Some(line)) = self.lines.get_mut(lane as usize) {
            line.drawn = true;
        }
    }

    fn color_of(&self, lane: u32) -> u16 {
        self.lines
            .get(lane as usize)
            .copied()
            .flatten()
            .map_or(0, |line| line.color)
    }

    fn new_color(&mut self) -> u16 {
        let color = self.next_color;
        // 0 stays with HEAD.
        self.next_color = self.next_color.checked_add(1).unwrap_or(1);
        color
    }
}

/// Lanes beyond what a picture can show are drawn in the last one.
fn narrow(lane: u32) -> u16 {
    u16::try_from(lane).unwrap_or(u16::MAX)
}

fn narrow_index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
