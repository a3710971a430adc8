//! The planner against an oracle that shares nothing with it: no code, no data structures, no way of thinking.
//!
//! History is a random graph (merges, criss-cross, octopus, skewed clocks, equal times), written to a real repository for
//! the engine and kept as plain numbers for the oracle. Facts about older builds are random. The oracle walks the history
//! by scanning, and chooses by comparing every pair.
//!
//! Each rule was broken once to see this fail: the walk's ties and its end, failed and gone builds, dirty ones, other code,
//! other environments (also where nothing shown differs), no ancestors, the limits of chain and layers, cost before
//! distance, unknown cost last, a full build only when faster, known images first, the newest among equals.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cmp::Ordering;
use std::collections::HashMap;
use std::io::Write;

use git2::{Repository, Signature, Time};
use headstart_engine::plan::environment_differences;
use headstart_engine::plan::select::{Choice, Existence, Facts, Limits, Selection, select};
use headstart_engine::recipe::Environment;
use headstart_engine::source::{CommitId, Repo, ancestors};
use headstart_engine::wire::{BuildStatus, Verdict};

const GRAPHS: usize = 250;
const CASES_PER_GRAPH: usize = 40;

/// A small generator (SplitMix64): the same cases on every machine, and a failure names its number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// A history as numbers: for each commit its time and its parents, which have smaller numbers.
struct Model {
    commits: Vec<(i64, Vec<usize>)>,
}

impl Model {
    fn random(dice: &mut Dice) -> Self {
        let count = 1 + dice.below(45);
        let style = dice.below(4);
        let mut commits: Vec<(i64, Vec<usize>)> = Vec::new();
        for at in 0..count {
            let mut parents = Vec::new();
            let wanted = match (style, dice.below(12)) {
                (0, _) => 1,
                (_, 0) => 0,
                (_, 1..=6) => 1,
                (_, 7..=9) => 2,
                _ => 3 + dice.below(4),
            };
            for _ in 0..wanted.min(at) {
                // Mostly recent ones, so that branches run side by side and cross.
                let reach = if dice.one_in(4) { at } else { at.min(4) };
                let back = 1 + dice.below(reach);
                if !parents.contains(&(at - back)) {
                    parents.push(at - back);
                }
            }
            let step = at as i64;
            let time = match style {
                0 | 1 => step * 60,
                // Many equal times.
                2 => step / 5,
                // Clocks that go wrong: children older than their parents.
                _ => step * 60 + dice.below(4_000) as i64 - 2_000,
            };
            commits.push((1_000_000 + time, parents));
        }
        Self { commits }
    }

    /// Lists what `head` reaches, newest first, ties by order of discovery: by scanning all of it again and again.
    fn walk(&self, head: usize, limit: usize) -> Vec<usize> {
        let mut discovered = vec![head];
        let mut shown: Vec<usize> = Vec::new();
        while shown.len() < limit {
            let mut best: Option<usize> = None;
            for one in &discovered {
                if shown.contains(one) {
                    continue;
                }
                if best.is_none_or(|best| self.commits[*one].0 > self.commits[best].0) {
                    best = Some(*one);
                }
            }
            let Some(next) = best else { break };
            shown.push(next);
            for parent in &self.commits[next].1 {
                if !discovered.contains(parent) {
                    discovered.push(*parent);
                }
            }
        }
        shown
    }
}

/// Histories in one real repository, as one pack: thousands of small files would be most of the time.
struct Written {
    repo: Repo,
    histories: Vec<(Model, Vec<CommitId>)>,
    folder: tempfile::TempDir,
}

fn write(models: impl IntoIterator<Item = Model>) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let git = Repository::init(folder.path()).unwrap();
    let odb = git.odb().unwrap();
    let memory = odb.add_new_mempack_backend(1_000).unwrap();
    let tree = git.treebuilder(None).unwrap().write().unwrap();
    let tree = git.find_tree(tree).unwrap();
    let mut histories = Vec::new();
    for model in models {
        let mut ids: Vec<CommitId> = Vec::new();
        for (at, (time, parents)) in model.commits.iter().enumerate() {
            let who = Signature::new("Ada", "ada@example.com", &Time::new(*time, 0)).unwrap();
            let parents: Vec<_> = parents
                .iter()
                .map(|at| git.find_commit(ids[*at].0).unwrap())
                .collect();
            let parents: Vec<_> = parents.iter().collect();
            // Numbers keep commits of several histories apart.
            let message = format!("{at} of {}", histories.len());
            let id = git.commit(None, &who, &who, &message, &tree, &parents).unwrap();
            ids.push(CommitId(id));
        }
        histories.push((model, ids));
    }
    let mut pack = git2::Buf::new();
    memory.dump(&git, &mut pack).unwrap();
    let mut writer = odb.packwriter().unwrap();
    writer.write_all(&pack).unwrap();
    writer.commit().unwrap();
    Written {
        repo: Repo::open(folder.path()).unwrap(),
        histories,
        folder,
    }
}

/// One older build as the oracle sees it: plain words, from which the engine's facts are made.
#[derive(Clone, Debug)]
struct Older {
    commit: usize,
    status: BuildStatus,
    environment: usize,
    code: usize,
    dirty: bool,
    existence: Existence,
    chain: u32,
    layers: Option<u32>,
    expected: Option<u64>,
    created: i64,
}

fn random_older(dice: &mut Dice, commits: usize) -> Older {
    // Mostly usable, or hardly any case would get to the choice among several.
    let status = match dice.below(4) {
        0 => *dice.pick(&BuildStatus::ALL),
        _ => BuildStatus::Succeeded,
    };
    Older {
        commit: dice.below(commits),
        status,
        environment: if dice.one_in(4) { 1 + dice.below(4) } else { 0 },
        code: dice.below(30),
        dirty: dice.one_in(8),
        existence: *dice.pick(&[
            Existence::Present,
            Existence::Present,
            Existence::Unknown,
            Existence::Gone,
        ]),
        chain: *dice.pick(&[0, 0, 0, 1, 2, 3, 19, 20, 21]),
        layers: *dice.pick(&[None, None, Some(1), Some(9), Some(10), Some(11), Some(200)]),
        expected: match dice.below(3) {
            0 => None,
            _ => Some(*dice.pick(&[0, 500, 1_000, 1_000, 2_000, 9_000])),
        },
        created: dice.below(20) as i64,
    }
}

/// Environments that differ in an image, in its digest only, and in a secret only.
fn environment(number: usize) -> Environment {
    let mut environment = Environment::default();
    environment.set("image", if number == 1 { "debian:13" } else { "debian:12" });
    environment.set(
        "image.digest",
        if number == 2 { "sha256:bb" } else { "sha256:aa" },
    );
    environment.set("tasks[0].init", "make");
    environment.set(
        "tasks[0].env.API_TOKEN",
        if number == 3 { "hunter3" } else { "hunter2" },
    );
    environment
}

/// A case: who is asked, what is known, and the engine's answer.
struct Case {
    olders: Vec<Older>,
    window: Vec<usize>,
    limits: Limits,
    full: Option<u64>,
    facts: Vec<Facts>,
    selection: Selection,
}

/// Facts for the engine, from the engine's own walk and its own comparison of environments.
fn facts(olders: &[Older], place: &HashMap<CommitId, usize>, ids: &[CommitId]) -> Vec<Facts> {
    let wanted = environment(0);
    let wanted = (wanted.key(), wanted.shown());
    let of = |older: &Older| {
        let own = environment(older.environment);
        let key = match older.environment {
            // Keys made by other rules: nothing that is shown differs.
            4 => "another version's".to_owned(),
            _ => own.key(),
        };
        let differences = environment_differences((&key, &own.shown()), (&wanted.0, &wanted.1));
        Facts {
            status: older.status,
            failed_step: None,
            distance: place.get(&ids[older.commit]).map(|at| *at as u32),
            differences: differences
                .into_iter()
                .map(|difference| difference.text)
                .collect(),
            same_code: older.code == 0,
            dirty: older.dirty,
            existence: older.existence,
            chain: older.chain,
            layers: older.layers,
            expected_ms: older.expected,
            created_at: older.created,
        }
    };
    olders.iter().map(of).collect()
}

/// What the oracle makes of one older build.
fn may_serve_as_it_is(older: &Older) -> bool {
    let good = older.status == BuildStatus::Succeeded && older.environment == 0;
    good && older.code == 0 && older.existence != Existence::Gone
}

fn may_be_base(older: &Older, window: &[usize], limits: Limits) -> bool {
    if older.status != BuildStatus::Succeeded || older.existence == Existence::Gone || older.dirty {
        return false;
    }
    if older.environment != 0 || !window.contains(&older.commit) {
        return false;
    }
    let chain_after = older.chain + 1;
    chain_after <= limits.max_chain && older.layers.unwrap_or(0) <= limits.max_layers
}

fn distance(older: &Older, window: &[usize]) -> usize {
    window
        .iter()
        .position(|commit| *commit == older.commit)
        .unwrap_or(usize::MAX)
}

/// Says which of two builds that may both be reused is the better answer.
fn better_answer(left: &Older, right: &Older, window: &[usize]) -> Ordering {
    let sure = |older: &Older| older.existence == Existence::Present;
    if sure(left) != sure(right) {
        return if sure(left) {
            Ordering::Greater
        } else {
            Ordering::Less
        };
    }
    match distance(left, window).cmp(&distance(right, window)) {
        Ordering::Equal => left.created.cmp(&right.created),
        nearer => nearer.reverse(),
    }
}

/// Says which of two possible bases is the better one.
fn better_base(left: &Older, right: &Older, window: &[usize]) -> Ordering {
    let by_cost = match (left.expected, right.expected) {
        (Some(left), Some(right)) => right.cmp(&left),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => Ordering::Equal,
    };
    let by_distance = || distance(right, window).cmp(&distance(left, window));
    by_cost
        .then_with(by_distance)
        .then_with(|| left.created.cmp(&right.created))
}

/// Lists those that no other one beats; several when they are equal in all that counts.
fn unbeaten(olders: &[Older], among: &[usize], better: impl Fn(&Older, &Older) -> Ordering) -> Vec<usize> {
    let beaten = |at: usize| {
        among
            .iter()
            .any(|other| better(&olders[*other], &olders[at]) == Ordering::Greater)
    };
    among.iter().copied().filter(|at| !beaten(*at)).collect()
}

/// What the oracle accepts.
#[derive(Debug, PartialEq)]
enum Verdicts {
    Reuse(Vec<usize>),
    Incremental(Vec<usize>),
    Full,
}

fn oracle(olders: &[Older], window: &[usize], limits: Limits, full: Option<u64>) -> Verdicts {
    let all: Vec<usize> = (0..olders.len()).collect();
    let answers: Vec<usize> = all
        .iter()
        .copied()
        .filter(|at| may_serve_as_it_is(&olders[*at]))
        .collect();
    if !answers.is_empty() {
        return Verdicts::Reuse(unbeaten(olders, &answers, |l, r| better_answer(l, r, window)));
    }
    let bases: Vec<usize> = all
        .iter()
        .copied()
        .filter(|at| may_be_base(&olders[*at], window, limits))
        .collect();
    let best = unbeaten(olders, &bases, |l, r| better_base(l, r, window));
    let Some(first) = best.first() else {
        return Verdicts::Full;
    };
    if let (Some(expected), Some(full)) = (olders[*first].expected, full)
        && full < expected
    {
        return Verdicts::Full;
    }
    Verdicts::Incremental(best)
}

/// Runs a check on every case: `GRAPHS` histories with `CASES_PER_GRAPH` questions each.
fn for_every_case(seed: u64, mut check: impl FnMut(&str, &mut Dice, &Case)) -> usize {
    let mut dice = Dice(seed);
    let models: Vec<Model> = (0..GRAPHS).map(|_| Model::random(&mut dice)).collect();
    let written = write(models);
    let mut cases = 0;
    for (graph, (model, ids)) in written.histories.iter().enumerate() {
        for question in 0..CASES_PER_GRAPH {
            let count = model.commits.len();
            // Mostly late ones, which have something behind them.
            let head = count - 1 - dice.below(if question % 3 == 0 { count } else { count.min(4) });
            let limit = match dice.below(4) {
                0 => 1 + dice.below(5),
                _ => 101,
            };
            let steps = ancestors(&written.repo, ids[head], limit).unwrap();
            let place: HashMap<CommitId, usize> =
                steps.iter().map(|step| (step.commit, step.index)).collect();
            let window = model.walk(head, limit);
            let olders: Vec<Older> = (0..dice.below(20))
                .map(|_| random_older(&mut dice, model.commits.len()))
                .collect();
            let limits = Limits {
                max_chain: *dice.pick(&[0, 1, 2, 20, 20]),
                max_layers: *dice.pick(&[10, 100]),
            };
            let full = *dice.pick(&[None, None, Some(0), Some(999), Some(1_000), Some(20_000)]);
            let facts = facts(&olders, &place, ids);
            let selection = select(&facts, limits, full);
            let case = Case {
                olders,
                window: window.clone(),
                limits,
                full,
                facts,
                selection,
            };
            let name = format!("history {graph}, question {question}");
            let met: Vec<CommitId> = steps.iter().map(|step| step.commit).collect();
            let expected: Vec<CommitId> = window.iter().map(|at| ids[*at]).collect();
            assert_eq!(met, expected, "{name}: the ancestors of {head}, at most {limit}");
            check(&name, &mut dice, &case);
            cases += 1;
        }
    }
    cases
}

fn kind(choice: &Choice) -> (u8, Option<usize>) {
    match choice {
        Choice::Reuse(at) => (0, Some(*at)),
        Choice::Incremental(at) => (1, Some(*at)),
        Choice::Full(_) => (2, None),
    }
}

#[test]
fn the_planner_agrees_with_brute_force_in_ten_thousand_cases() {
    let mut decided = [0_usize; 3];
    let cases = for_every_case(1, |name, _, case| {
        let expected = oracle(&case.olders, &case.window, case.limits, case.full);
        let (decision, chosen) = kind(&case.selection.choice);
        decided[decision as usize] += 1;
        let agrees = match (&expected, decision, chosen) {
            (Verdicts::Reuse(any), 0, Some(at)) | (Verdicts::Incremental(any), 1, Some(at)) => {
                any.contains(&at)
            }
            (Verdicts::Full, 2, None) => true,
            _ => false,
        };
        assert!(
            agrees,
            "{name}: expected {expected:?}, got {:?}\n{:#?}\n{:?} full {:?} window {:?}",
            case.selection.choice, case.olders, case.limits, case.full, case.window
        );
    });
    assert_eq!(cases, 10_000);
    let enough = decided.iter().all(|count| *count > 1_000);
    assert!(enough, "every decision has to be seen often: {decided:?}");
}

#[test]
fn verdicts_say_the_same_as_the_choice_and_no_rule_is_broken() {
    for_every_case(2, |name, _, case| {
        let (decision, chosen) = kind(&case.selection.choice);
        assert_eq!(case.selection.verdicts.len(), case.olders.len(), "{name}");
        for (at, (verdict, reasons)) in case.selection.verdicts.iter().enumerate() {
            let older = &case.olders[at];
            assert!(!reasons.is_empty(), "{name}: candidate {at} has a reason");
            let told = reasons.iter().all(|reason| !reason.trim().is_empty());
            assert!(told, "{name}: a reason says something: {reasons:?}");
            assert_eq!(
                *verdict == Verdict::Chosen,
                chosen == Some(at),
                "{name}: candidate {at}"
            );
            let usable =
                may_serve_as_it_is(older) && decision == 0 || may_be_base(older, &case.window, case.limits);
            assert_eq!(
                *verdict == Verdict::Rejected,
                !usable,
                "{name}: {older:?} is {verdict:?}"
            );
            if *verdict != Verdict::Rejected {
                assert_eq!(
                    older.status,
                    BuildStatus::Succeeded,
                    "{name}: only succeeded ones are usable"
                );
                assert_eq!(older.environment, 0, "{name}: another environment is never used");
                assert_ne!(
                    older.existence,
                    Existence::Gone,
                    "{name}: what is gone cannot be used"
                );
            }
        }
        if let Choice::Incremental(at) = case.selection.choice {
            let base = &case.olders[at];
            assert!(
                base.chain < case.limits.max_chain,
                "{name}: the chain would get too long"
            );
            assert!(
                base.layers.is_none_or(|layers| layers <= case.limits.max_layers),
                "{name}"
            );
            assert!(
                case.window.contains(&base.commit),
                "{name}: a base is an ancestor"
            );
            assert!(!base.dirty, "{name}: a base has no uncommitted changes");
        }
        if let Choice::Full(why) = &case.selection.choice {
            assert!(!why.is_empty(), "{name}: a full build says why");
        }
    });
}

#[test]
fn the_order_of_candidates_decides_nothing() {
    for_every_case(3, |name, dice, case| {
        let mut order: Vec<usize> = (0..case.facts.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, dice.below(at + 1));
        }
        let mixed: Vec<Facts> = order.iter().map(|at| case.facts[*at].clone()).collect();
        let again = select(&mixed, case.limits, case.full);
        let (before, now) = (kind(&case.selection.choice), kind(&again.choice));
        assert_eq!(before.0, now.0, "{name}: another decision in another order");
        if let (Some(before), Some(now)) = (before.1, now.1.map(|at| order[at])) {
            let (left, right) = (&case.olders[before], &case.olders[now]);
            let equal = match case.selection.choice {
                Choice::Reuse(_) => better_answer(left, right, &case.window),
                _ => better_base(left, right, &case.window),
            };
            assert_eq!(equal, Ordering::Equal, "{name}: {left:?} or {right:?}");
        }
        let once_more = select(&mixed, case.limits, case.full);
        assert_eq!(again, once_more, "{name}: the same question has the same answer");
    });
}

#[test]
fn a_rejected_candidate_might_as_well_not_be_there() {
    for_every_case(4, |name, dice, case| {
        let rejected: Vec<usize> = (0..case.facts.len())
            .filter(|at| case.selection.verdicts[*at].0 == Verdict::Rejected)
            .collect();
        if rejected.is_empty() {
            return;
        }
        let gone = *dice.pick(&rejected);
        let mut left = case.facts.clone();
        left.remove(gone);
        let again = select(&left, case.limits, case.full);
        let moved = |at: usize| if at > gone { at - 1 } else { at };
        let (decision, chosen) = kind(&case.selection.choice);
        assert_eq!(kind(&again.choice), (decision, chosen.map(moved)), "{name}");
        let mut others = case.selection.verdicts.clone();
        others.remove(gone);
        assert_eq!(again.verdicts, others, "{name}: the others' verdicts stay");
    });
}

#[test]
fn the_walk_is_the_one_of_git() {
    let mut dice = Dice(5);
    let models: Vec<Model> = (0..25).map(|_| Model::random(&mut dice)).collect();
    let written = write(models);
    for (graph, (_, ids)) in written.histories.iter().enumerate() {
        let head = ids[ids.len() - 1];
        let listed = std::process::Command::new("git")
            .args(["rev-list", &head.to_string()])
            .current_dir(written.folder.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(listed.status.success(), "git lists history {graph}");
        let walked: Vec<String> = ancestors(&written.repo, head, 1_000)
            .unwrap()
            .iter()
            .map(|step| step.commit.to_string())
            .collect();
        let listed = String::from_utf8_lossy(&listed.stdout);
        assert_eq!(walked, listed.lines().collect::<Vec<_>>(), "history {graph}");
    }
}
