//! Pictures of small graphs, and properties of random ones.

use std::collections::{BTreeMap, BTreeSet};

use super::super::history::ancestors;
use super::super::testing::{Random, TestRepo, random_history};
use git2::ObjectType;

use super::*;

/// Builds commits from `name: parents` lines, oldest first, and draws the graph of the given tips.
fn draw(lines: &str, tips: &[&str]) -> String {
    let test = TestRepo::new();
    let mut commits: BTreeMap<String, CommitId> = BTreeMap::new();
    for (number, line) in lines
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .enumerate()
    {
        let (name, parents) = line.split_once(':').unwrap();
        let parents: Vec<CommitId> = parents.split_whitespace().map(|parent| commits[parent]).collect();
        let tree = test.tree(&[("name", name.as_bytes())]);
        commits.insert(
            name.to_owned(),
            test.commit_tree(tree, 1_000 + number as i64, &parents),
        );
    }
    let names: BTreeMap<CommitId, &str> = commits.iter().map(|(name, id)| (*id, name.as_str())).collect();
    let mut history = History::new(&test.repo(), tips.iter().map(|tip| commits[*tip]).collect()).unwrap();
    history.load(usize::MAX).unwrap();
    ascii(&history.rows(0..history.len()), |row| {
        names[&row.commit].to_owned()
    })
}

/// A picture like that of `git log --graph`: two columns per lane, bends between the rows.
fn ascii(rows: &[Row], label: impl Fn(&Row) -> String) -> String {
    let mut picture = String::new();
    let mut entering: BTreeSet<u16> = BTreeSet::new();
    for row in rows {
        let width = entering.iter().copied().chain([row.lane]).max().unwrap();
        for lane in 0..=width {
            let cell = if lane == row.lane {
                "* "
            } else if entering.contains(&lane) {
                "| "
            } else {
                "  "
            };
            picture.push_str(cell);
        }
        picture.push_str(&format!(" {}\n", label(row)));
        if row.edges.iter().any(|edge| edge.from != edge.to) {
            let mut cells = vec![' '; 80];
            for edge in &row.edges {
                let (from, to) = (usize::from(edge.from) * 2, usize::from(edge.to) * 2);
                match from.cmp(&to) {
                    std::cmp::Ordering::Equal => cells[from] = '|',
                    std::cmp::Ordering::Less => {
                        cells[from + 1..to - 1]
                            .iter_mut()
                            .filter(|c| **c == ' ')
                            .for_each(|c| *c = '_');
                        cells[to - 1] = '\\';
                    }
                    std::cmp::Ordering::Greater => {
                        cells[to + 2..from]
                            .iter_mut()
                            .filter(|c| **c == ' ')
                            .for_each(|c| *c = '_');
                        cells[to + 1] = '/';
                    }
                }
            }
            picture.push_str(cells.into_iter().collect::<String>().trim_end());
            picture.push('\n');
        }
        entering = row.edges.iter().map(|edge| edge.to).collect();
    }
    picture
}

#[test]
fn a_linear_history_is_one_lane() {
    insta::assert_snapshot!(
        draw("a:\n b: a\n c: b", &["c"]),
        @r"
    *  c
    *  b
    *  a
    "
    );
}

#[test]
fn a_branch_stands_beside_head_and_joins_it_where_it_began() {
    insta::assert_snapshot!(
        draw("a:\n b: a\n x: a\n c: b\n y: x", &["c", "y"]),
        @r"
      *  y
    * |  c
    | *  x
    * |  b
    |/
    *  a
    "
    );
}

#[test]
fn head_keeps_the_first_lane_when_a_branch_is_newer() {
    insta::assert_snapshot!(
        draw("a:\n b: a\n x: b\n y: x", &["b", "y"]),
        @r"
      *  y
      *  x
     /
    *  b
    *  a
    "
    );
}

#[test]
fn a_merge_opens_a_lane_that_is_used_again() {
    insta::assert_snapshot!(
        draw(
        "a:\n b: a\n x: a\n c: b\n m: c x\n d: m\n y: m\n n: d y\n",
        &["n"]
    ),
        @r"
    *  n
    |\
    | *  y
    * |  d
    |/
    *  m
    |\
    * |  c
    | *  x
    * |  b
    |/
    *  a
    "
    );
}

#[test]
fn a_criss_cross_merge_keeps_two_lanes() {
    insta::assert_snapshot!(
        draw("r:\n a: r\n b: r\n c: a b\n d: b a\n e: c d", &["e"]),
        @r"
    *  e
    |\
    | *  d
    | |\
    * | |  c
    |\|_
    | *  b
    * |  a
    |/
    *  r
    "
    );
}

#[test]
fn an_octopus_merge_fans_out() {
    insta::assert_snapshot!(
        draw("r:\n a: r\n b: r\n c: r\n d: r\n o: a b c d\n p: o", &["p"]),
        @r"
    *  p
    *  o
    |\_\_\
    | | | *  d
    | | * |  c
    | | |/
    | * |  b
    | |/
    * |  a
    |/
    *  r
    "
    );
}

#[test]
fn two_roots_end_their_lanes() {
    insta::assert_snapshot!(
        draw("a:\n b: a\n x:\n y: x\n m: b y\n z: m", &["z"]),
        @r"
    *  z
    *  m
    |\
    | *  y
    | *  x
    *  b
    *  a
    "
    );
}

#[test]
fn a_stash_hangs_beside_its_commit() {
    insta::assert_snapshot!(
        draw("a:\n b: a\n i: b\n u:\n s: b i u\n c: b", &["c", "s"]),
        @r"
    *  c
    | *  s
    |/ \_\
    |   | *  u
    |   *  i
    |/__
    *  b
    *  a
    "
    );
}

#[test]
fn a_branch_that_outlives_its_neighbours_keeps_its_lane() {
    insta::assert_snapshot!(
        draw(
        "a:\n x: a\n b: a\n y: b\n c: b\n z: c\n d: c\n e: d z\n f: e y\n",
        &["f", "x"]
    ),
        @r"
    *  f
    |\
    * |  e
    |_|\
    * | |  d
    | | *  z
    |/|_
    * |  c
    | *  y
    |/
    *  b
    | *  x
    |/
    *  a
    "
    );
}

#[test]
fn random_histories_are_drawn_soundly_however_they_are_loaded() {
    for seed in 0..8 {
        let test = TestRepo::new();
        let mut random = Random::new(seed);
        let commits = random_history(&test, &mut random, 150);
        let tips: Vec<CommitId> = commits.iter().rev().step_by(11).copied().collect();
        let repo = test.repo();
        let mut history = History::new(&repo, tips.clone()).unwrap();
        while !history.complete() {
            history
                .load(history.len() + 1 + random.below(40) as usize)
                .unwrap();
        }
        let rows = history.rows(0..history.len());
        let mut at_once = History::new(&repo, tips).unwrap();
        at_once.load_all(&AtomicBool::new(false)).unwrap();
        assert_eq!(
            rows,
            at_once.rows(0..at_once.len()),
            "seed {seed}: steps of loading do not show"
        );

        let mut entering: BTreeSet<u16> = BTreeSet::new();
        for (index, row) in rows.iter().enumerate() {
            assert_eq!(history.index_of(row.commit), Some(index));
            assert_eq!(history.row(index).as_ref(), Some(row));
            for parent in &row.parents {
                assert!(
                    history.index_of(*parent).unwrap() > index,
                    "seed {seed}: parents come below"
                );
            }
            let from: BTreeSet<u16> = row.edges.iter().map(|edge| edge.from).collect();
            let mut above = entering.clone();
            above.remove(&row.lane);
            above.extend((!row.parents.is_empty()).then_some(row.lane));
            assert_eq!(
                from, above,
                "seed {seed}: every line goes on, and none begins in the air"
            );
            entering = row.edges.iter().map(|edge| edge.to).collect();
            for parent in &row.parents {
                let next = rows.get(index + 1).map(|next| next.commit);
                assert!(next.is_some(), "{parent} is below");
            }
        }
        assert!(entering.is_empty(), "seed {seed}: no line is left over");
        for head in (0..rows.len()).step_by(13) {
            let walked = ancestors(&repo, rows[head].commit, 40).unwrap();
            assert_eq!(history.ancestors_from(head, 40), Some(walked), "seed {seed}");
        }
    }
}

#[test]
fn every_line_leads_to_its_parent() {
    for seed in 100..110 {
        let test = TestRepo::new();
        let commits = random_history(&test, &mut Random::new(seed), 80);
        let mut history = History::new(&test.repo(), vec![commits[79], commits[78]]).unwrap();
        history.load(usize::MAX).unwrap();
        let rows = history.rows(0..history.len());
        for (index, row) in rows.iter().enumerate() {
            let mut reached = BTreeSet::new();
            let mut lanes: BTreeSet<u16> = row
                .edges
                .iter()
                .filter(|edge| edge.from == row.lane)
                .map(|edge| edge.to)
                .collect();
            for below in &rows[index + 1..] {
                if lanes.remove(&below.lane) {
                    reached.insert(below.commit);
                }
                lanes = lanes
                    .iter()
                    .map(|lane| below.edges.iter().find(|edge| edge.from == *lane).unwrap().to)
                    .collect();
            }
            let parents: BTreeSet<CommitId> = row.parents.iter().copied().collect();
            assert_eq!(reached, parents, "seed {seed}, row {index}");
        }
    }
}

#[test]
fn a_clock_wrong_beyond_the_lookahead_is_drawn_without_a_line() {
    let test = TestRepo::new();
    let root = test.commit(1, &[]);
    let mut tip = root;
    for time in 0..LOOKAHEAD as i64 + 400 {
        tip = test.commit(1_000_000 + time, &[tip]);
    }
    // Claims to be older than everything, and is a child of a recent commit.
    let parent = tip;
    let late = test.commit(0, &[parent]);
    let mut history = History::new(&test.repo(), vec![tip, late]).unwrap();
    history.load(usize::MAX).unwrap();
    assert_eq!(history.len(), LOOKAHEAD + 402);
    let row = history.row(history.index_of(late).unwrap()).unwrap();
    assert_eq!((row.parents, row.edges), (vec![parent], vec![]));
}

#[test]
fn damage_leaves_the_rest_of_the_graph() {
    let test = TestRepo::new();
    let tree = test.tree(&[("a", b"1")]);
    let gone = "cd".repeat(20);
    let root = test.commit(1, &[]);
    let data = format!("tree {tree}\nparent {gone}\nparent {root}\ncommitter A <a> 5 +0000\n\nm\n");
    let top = CommitId(test.raw(ObjectType::Commit, data.as_bytes()));
    let missing_tip = CommitId(Oid::from_str(&gone).unwrap());
    let mut history = History::new(&test.repo(), vec![top, missing_tip]).unwrap();
    history.load(usize::MAX).unwrap();
    let row = history.row(0).unwrap();
    assert!(row.truncated && row.parents == [root] && history.len() == 2);
    assert!(history.damage().unwrap().to_string().contains(&gone));
    let cancelled = History::new(&test.repo(), vec![top])
        .unwrap()
        .load_all(&AtomicBool::new(true));
    assert!(matches!(cancelled, Err(SourceError::Cancelled)));
}
