//! Specs, ignore files and globs of datum pipelines: damaged, wrong in every place, and made to be slow.

use std::time::Duration;

use headstart_engine::recipe::datum::edit::set_image;
use headstart_engine::recipe::datum::glob::Glob;
use headstart_engine::recipe::datum::ignore::{FILE, Ignore};
use headstart_engine::recipe::datum::looks_like;
use headstart_engine::recipe::datum::spec::read;
use headstart_engine::recipe::datum::transformation::transformed;
use headstart_engine::wire::{IgnoreMeaning, Problem, Severity};

use crate::pieces::{Dice, PIECES, hostile};
use crate::place::{cut, timed};

/// Longest time for one input, in a debug build.
const LIMIT: Duration = Duration::from_millis(200);

const YAML: &str = r"# spec
pipeline:
  name: map
description: words
transform:
  image: app:1
  cmd: [sh, -c, run]
  stdin:
  - one
  env: {A: b}
  secrets:
  - {name: s, mount_path: /s}
  build:
    language: go
    path: ./src
parallelism_spec:
  constant: 2
input:
  cross:
  - pfs: {repo: a, glob: '/*'}
  - union:
    - pfs:
        repo: b
        glob: /(*).+(gz|zip)
        join_on: $1
    - cron: {name: c, spec: '@daily'}
datum_timeout: 1h30m
resource_limits: {memory: 1G, cpu: 0.5}
---
pipeline: {name: q}
transform: &t {image: 'b:2'}
input: {pfs: {repo: a, glob: /}}
";
const JSON: &str = r#"{
	"pipeline": {"name": "map"},
	"transform": {"image": "a:1", "cmd": ["sh"], "accept_return_code": [1], "env": {"A": "\ud83d\ude00"}},
	"input": {"join": [
		{"pfs": {"repo": "r", "glob": "/(*)", "join_on": "$1"}},
		{"pfs": {"repo": "s", "glob": "/!(a|b)*", "trigger": {"size": "1K"}}}
	]},
	"datum_tries": 2, "job_timeout": "1s"
}
{"pipeline": {"name": "two"}, "transform": {"stdin": ["words"]}, "input": {"group": [{"pfs": {"repo": "r", "glob": "/"}}]}}
"#;

/// What a spec is damaged with, besides the pieces of all hostile texts.
const PARTS: [&str; 44] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    ":",
    ": ",
    ",",
    "- ",
    "\n",
    "\n---\n",
    "&a ",
    "*a",
    "<<: *t",
    "!!binary ",
    "|",
    ">-",
    "null",
    "~",
    "true",
    "-1",
    "0",
    "1e999",
    "99999999999999999999999",
    "0x1F",
    ".nan",
    "2001-01-01",
    "pfs",
    "cross",
    "input",
    "transform",
    "pipeline",
    "build",
    "spout: {}",
    "glob",
    "/**",
    "!(",
    "+(",
    "[[:alpha:]]",
    "\\",
    "{a,",
    "\u{feff}",
    "\\u0000",
];
/// What globs and rules are put together from.
const GLOBS: [&str; 40] = [
    "*",
    "**",
    "?",
    "!(",
    "+(",
    "*(",
    "?(",
    "@(",
    "(",
    ")",
    "|",
    "{",
    "}",
    ",",
    "[",
    "]",
    "[!",
    "[^",
    "[[:alpha:]]",
    "[[:x:]]",
    "\\",
    "/",
    "//",
    "..",
    ".",
    "a",
    "aa",
    "a|b",
    "a-z",
    "-",
    "é",
    "\u{1f4a9}",
    "$1",
    "^",
    "&&",
    "~~",
    "--",
    " ",
    "#",
    "!",
];
const PATHS: [&str; 6] = [
    "/",
    "/a",
    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    "/a/b/c/../d/é/\u{1f4a9}",
    "/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaa/aaab",
    "/\n\t\u{1b}[2J",
];

/// Runs something that may take no longer than the limit. Others use this machine too: only what is slow three times is slow.
fn quick<T>(what: &str, mut run: impl FnMut() -> T) -> T {
    let mut took = Duration::ZERO;
    for _ in 0..3 {
        let answer;
        (answer, took) = timed(&mut run);
        if took <= LIMIT {
            return answer;
        }
    }
    panic!("{} took {took:?}", cut(what));
}

fn assert_told(what: &str, problems: &[Problem]) {
    for problem in problems {
        let texts = [
            Some(&problem.message),
            problem.hint.as_ref(),
            problem.snippet.as_ref(),
        ];
        let clean = texts
            .into_iter()
            .flatten()
            .all(|text| !text.chars().any(char::is_control));
        assert!(clean, "{}: {problem:?} has control characters", cut(what));
        assert!(!problem.message.is_empty(), "{}: an empty message", cut(what));
        assert!(
            problem.line.is_some_and(|line| line > 0),
            "{}: {problem:?} has no line",
            cut(what)
        );
    }
}

fn damaged(dice: &mut Dice, good: &str) -> Vec<u8> {
    let mut bytes = good.as_bytes().to_vec();
    for _ in 0..[1, 1, 2, 5][dice.below(4)] {
        let piece: &[u8] = match dice.below(3) {
            0 => PIECES[dice.below(PIECES.len())],
            _ => PARTS[dice.below(PARTS.len())].as_bytes(),
        };
        let from = dice.below(bytes.len());
        let to = (from + [0, 0, 1, 3, 12, 80][dice.below(6)]).min(bytes.len());
        let times = [1, 1, 1, 1, 30][dice.below(5)];
        bytes.splice(from..to, piece.repeat(times));
        if bytes.is_empty() {
            bytes.push(b' ');
        }
    }
    bytes
}

#[test]
fn damaged_specs_are_read_or_refused_with_a_line() {
    for good in [YAML, JSON] {
        let (specs, problems) = read("p", good.as_bytes());
        assert!(specs.len() == 2 && problems.is_empty(), "{problems:?}");
    }
    let mut dice = Dice(11);
    let (mut refused, mut read_whole) = (0, 0);
    for at in 0..6_000 {
        let bytes = damaged(&mut dice, if at % 2 == 0 { YAML } else { JSON });
        let what = format!("spec {at}: {}", String::from_utf8_lossy(&bytes));
        let (specs, problems) = quick(&what, || read("p", &bytes));
        assert_told(&what, &problems);
        let wrong = problems.iter().any(|problem| problem.severity == Severity::Error);
        assert!(
            wrong || !specs.is_empty(),
            "{}: neither read nor refused",
            cut(&what)
        );
        quick(&what, || looks_like(&bytes));
        refused += u32::from(wrong);
        read_whole += u32::from(!wrong);
        for spec in &specs {
            let json = quick(&what, || {
                spec.input
                    .as_ref()
                    .map(|input| input.sorted())
                    .map(|_| spec.json())
            });
            assert!(
                json.is_some_and(|json| json["pipeline"].is_object()),
                "{}: no spec",
                cut(&what)
            );
            quick(&what, || transformed(spec, &|language| format!("{language}:1")));
            let text = String::from_utf8_lossy(&bytes);
            if let Ok(changed) = quick(&what, || set_image(&text, spec.document, "new:1")) {
                let (again, _) = read("p", changed.as_bytes());
                let found = again.iter().find(|other| other.document == spec.document);
                let image = found.map(|spec| spec.transform.image.as_str());
                assert_eq!(image, Some("new:1"), "{}: another image was changed", cut(&what));
            }
        }
    }
    assert!(
        refused > 2_000 && read_whole > 300,
        "{refused} refused, {read_whole} read: both happen"
    );
}

#[test]
fn files_that_are_as_large_as_is_read_are_read_in_time() {
    for part in ["?", "[!a]", "*a", "{a,b}", "[[:alpha:]]", "(a|b)"] {
        let glob = part.repeat(1000 / part.len());
        let input = format!("- pfs: {{name: n%, repo: r, glob: '/{glob}'}}\n");
        let inputs: String = (0..4).map(|at| input.replace('%', &at.to_string())).collect();
        let spec = format!(
            "pipeline: {{name: p}}\ntransform: {{}}\ninput:\n  cross:\n{}",
            inputs.replace("- pfs", "  - pfs")
        );
        let (_, problems) = quick(&format!("globs of {part}"), || read("p", spec.as_bytes()));
        assert_told(part, &problems);
        let rules: String = (0..270)
            .map(|at| format!("{}{at}\n", part.repeat(26 / part.len())))
            .collect();
        for meaning in [IgnoreMeaning::Pachyderm, IgnoreMeaning::Gitignore] {
            let what = format!("rules of {part}, {meaning:?}");
            let ignore = quick(&what, || Ignore::read(FILE, rules.as_bytes(), meaning, false));
            if let Ok(ignore) = ignore {
                quick(&what, || ignore.matching(&"a/".repeat(100)).is_some());
            }
        }
    }
    let nested = "{cross: [".repeat(500);
    let many = "{\"a\": [".to_owned() + &"1,".repeat(30_000) + "1]}";
    let keys: String = (0..6_000).map(|at| format!("k{at}: 1\n")).collect();
    let specs = "---\npipeline: {name: p}\n".repeat(2_600);
    let values = "pipeline: {name: p}\ntransform:\n  cmd:\n".to_owned() + &"  - 1\n".repeat(10_000);
    let json = "{}".repeat(32_000);
    for text in [nested, many, keys, specs, values, json] {
        let (_, problems) = quick(&text, || read("p", text.as_bytes()));
        assert_told(&text, &problems);
    }
}

#[test]
fn hostile_ignore_files_are_read_or_refused_at_their_line() {
    let mut dice = Dice(12);
    let (mut refused, mut matched) = (0, 0);
    for at in 0..2_000 {
        let mut bytes = Vec::new();
        for _ in 0..1 + dice.below(12) {
            bytes.extend_from_slice([&b""[..], b"*.", b"a", b"b/**"][dice.below(4)]);
            for _ in 0..dice.below(4) {
                bytes.extend_from_slice(GLOBS[dice.below(GLOBS.len())].as_bytes());
            }
            if dice.below(80) == 0 {
                bytes.extend(hostile(&mut dice));
            }
            bytes.push(b'\n');
        }
        let what = format!("ignore file {at}: {}", String::from_utf8_lossy(&bytes));
        let meaning = if at % 2 == 0 {
            IgnoreMeaning::Pachyderm
        } else {
            IgnoreMeaning::Gitignore
        };
        match quick(&what, || Ignore::read(FILE, &bytes, meaning, false)) {
            Err(problem) => {
                refused += 1;
                assert_told(&what, &[problem]);
            }
            Ok(ignore) => {
                for path in PATHS {
                    let found = quick(&what, || ignore.matching(path.trim_start_matches('/')));
                    matched += u32::from(found.is_some_and(|rule| rule.line.is_some()));
                }
            }
        }
    }
    assert!(
        refused > 200 && matched > 200,
        "{refused} refused, {matched} matched: both happen"
    );
}

#[test]
fn hostile_globs_are_matched_in_time_or_refused() {
    let mut dice = Dice(13);
    let mut globs: Vec<String> = Vec::new();
    for _ in 0..2_000 {
        let most = [3, 8, 25][dice.below(3)];
        let parts = 1 + dice.below(most);
        globs.push((0..parts).map(|_| GLOBS[dice.below(GLOBS.len())]).collect());
    }
    globs.extend([
        "+(+(+(+(+(a)))))b".to_owned(),
        "*(*(*(*(*(a|aa)))))!(x)".to_owned(),
        "!(a)".repeat(16) + "c",
        "*(!(a*b))".repeat(8),
        "**a".repeat(300),
        "*a".repeat(300) + "!(b)",
        "?".repeat(1024),
        "[!a]".repeat(256),
        "{".repeat(1000),
        "(".repeat(12) + &")".repeat(12),
        "{a,b}".repeat(200),
        "+(a|b|c|d|e|[[:alpha:]])".repeat(16),
    ]);
    let (mut refused, mut matched) = (0, 0);
    for glob in &globs {
        match quick(glob, || Glob::new(glob)) {
            Err(why) => {
                refused += 1;
                assert!(!why.is_empty(), "{} is refused without a word", cut(glob));
            }
            Ok(compiled) => {
                for path in PATHS {
                    let matches = quick(glob, || compiled.matches(path));
                    let captured = quick(glob, || compiled.captures(path));
                    assert_eq!(matches, captured.is_some(), "{} ~ {path}: one answer", cut(glob));
                    quick(glob, || compiled.expand(path, "$1${2}$$$"));
                    matched += u32::from(matches);
                }
            }
        }
    }
    assert!(
        refused > 200 && matched > 100,
        "{refused} refused, {matched} matched: both happen"
    );
}
