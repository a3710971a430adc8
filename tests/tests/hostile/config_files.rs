//! Config files: wrong in every place, damaged, and made to attack their reader.

use headstart_engine::project;
use serde_json::{Value, json};

use crate::pieces::{Dice, PIECES};
use crate::place::{FILE, GOOD, Place, cut, request};

#[test]
fn config_files_on_disk_are_read_or_refused() {
    let mut place = Place::new();
    let path = place.source();
    let file = path.join(FILE);
    let mut texts: Vec<(String, Vec<u8>)> = attacks()
        .into_iter()
        .map(|(what, bytes)| (what.to_owned(), bytes))
        .collect();
    for (at, document) in mutated(&whole_config()).into_iter().enumerate() {
        texts.push((
            format!("wrong value {at}: {document}"),
            document.to_string().into_bytes(),
        ));
    }
    let mut dice = Dice(1);
    let good = GOOD
        .repeat(3)
        .replace("image: debian:12\ntasks:\n- init: make\n", GOOD)
        .into_bytes();
    for at in 0..200 {
        let mut bytes = good.clone();
        for _ in 0..1 + dice.below(4) {
            let piece = PIECES[dice.below(PIECES.len())];
            let from = dice.below(bytes.len());
            let to = (from + dice.below(4)).min(bytes.len());
            bytes.splice(from..to, piece.iter().copied());
        }
        texts.push((format!("damage {at}: {}", String::from_utf8_lossy(&bytes)), bytes));
    }
    for (what, bytes) in &texts {
        std::fs::write(&file, bytes).unwrap();
        let preview = place.preview(what, &path).unwrap();
        if !preview.can_add {
            let added = place.try_one(what, |place| project::add(&place.engine, &place.source()));
            assert!(added.is_err(), "{}: what cannot be added is not added", cut(what));
        }
    }
    place.assert_untouched(0);
    assert!(place.inputs >= 700, "{} inputs", place.inputs);
    std::fs::write(&file, GOOD).unwrap();
    assert!(
        place.preview("a good file", &path).unwrap().can_add,
        "a good file still is one"
    );
}

#[test]
fn config_files_in_commits_are_planned_or_refused() {
    let (mut place, project) = Place::with_project();
    let mut dice = Dice(2);
    let mut documents = mutated(&whole_config());
    for at in (1..documents.len()).rev() {
        documents.swap(at, dice.below(at + 1));
    }
    let mut texts: Vec<(String, Vec<u8>)> = attacks()
        .into_iter()
        .map(|(what, bytes)| (what.to_owned(), bytes))
        .collect();
    for document in documents.into_iter().take(60) {
        texts.push((document.to_string(), document.to_string().into_bytes()));
    }
    for reference in [
        "-v",
        "--privileged",
        "a b",
        "a;reboot",
        "a$(reboot)",
        "a\n",
        "\u{202e}a",
        "ä",
        "../a",
        "a:b:c:d",
        "@",
        "a@sha256:x",
        "https://example.org/a",
        "a\"b",
        "a'b",
        "a\\b",
        "[::1]:5000/a",
        "A",
        "a//b",
        "a:",
        ":a",
        "scratch",
    ] {
        texts.push((
            format!("image {reference:?}"),
            json!({ "image": reference }).to_string().into_bytes(),
        ));
    }
    for (what, bytes) in &texts {
        let tree = place.tree(&[
            (FILE, 0o100_644, bytes),
            ("Dockerfile", 0o100_644, b"FROM debian:12\n"),
        ]);
        let commit = place.raw_commit(tree, &[], b"A <a> 1 +0000", b"m").to_string();
        if let Err(error) = place.plan(what, &request(&project, &commit)) {
            let told = error.message.contains(FILE) || error.message.contains("Dockerfile");
            assert!(told, "{}: {} names the file", cut(what), error.message);
        }
    }
    place.assert_untouched(1);
    assert!(place.inputs >= 120, "{} inputs", place.inputs);
}

/// Values that are wrong somewhere, or everywhere.
fn wrong_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(65_536),
        json!(1e308),
        json!(i64::MIN),
        json!(""),
        json!("   "),
        json!("../../etc/passwd"),
        json!("/etc/passwd"),
        json!("a\u{1b}[31mb"),
        json!("a\nb"),
        json!("a\u{202e}b"),
        json!("x".repeat(100_000)),
        json!([]),
        json!({}),
        json!([[[[[[[[1]]]]]]]]),
        json!({ "a": { "b": { "c": [null] } } }),
        json!(["x", 1, null, {}]),
        json!({ "\u{1b}]0;x\u{7}": 1 }),
    ]
}

/// Lists the document once for each place and wrong value.
fn mutated(document: &Value) -> Vec<Value> {
    fn places(value: &Value, path: &str, all: &mut Vec<String>) {
        all.push(path.to_owned());
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    places(item, &format!("{path}/{at}"), all);
                }
            }
            Value::Object(entries) => {
                for (name, item) in entries {
                    places(item, &format!("{path}/{name}"), all);
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    places(document, "", &mut all);
    let mut documents = Vec::new();
    for place in &all {
        for wrong in wrong_values() {
            let mut changed = document.clone();
            *changed.pointer_mut(place).unwrap() = wrong;
            documents.push(changed);
        }
    }
    documents
}

/// Documents that are an attack on the reader itself.
fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let bomb = |merge: &str| {
        let mut text = "a0: &a0 {x: y}\n".to_owned();
        for level in 1..30 {
            let before = format!("*a{}", level - 1);
            text.push_str(&match merge {
                "" => format!("a{level}: &a{level} [{}]\n", vec![before; 9].join(", ")),
                _ => format!(
                    "a{level}: &a{level}\n  <<: [{}]\n  k{level}: {before}\n",
                    vec![before.clone(); 9].join(", ")
                ),
            });
        }
        text.into_bytes()
    };
    let filled = |line: &str| line.repeat((1 << 20) / line.len()).into_bytes();
    vec![
        ("a bomb of aliases", bomb("")),
        ("a bomb of merges", bomb("merge")),
        ("an anchor inside itself", b"tasks: &a\n- *a\n".to_vec()),
        ("a map inside itself", b"&a a: *a\n".to_vec()),
        ("an unknown alias", b"image: *nothing\n".to_vec()),
        ("deep lists", "[".repeat(200_000).into_bytes()),
        (
            "deep closed lists",
            ["[".repeat(10_000), "]".repeat(10_000)].concat().into_bytes(),
        ),
        ("deep maps", "{a: ".repeat(100_000).into_bytes()),
        (
            "deep indents",
            (0..1_000)
                .map(|at| format!("{}a:\n", " ".repeat(at)))
                .collect::<String>()
                .into_bytes(),
        ),
        ("deep dashes", "- ".repeat(100_000).into_bytes()),
        ("a megabyte of dashes", filled("- \n")),
        (
            "a megabyte of tasks",
            [b"tasks:\n".to_vec(), filled("- {}\n")].concat(),
        ),
        (
            "almost a megabyte of tasks",
            [b"tasks:\n".to_vec(), "- init: a\n".repeat(100_000).into_bytes()].concat(),
        ),
        (
            "almost a megabyte of keys",
            (0..80_000)
                .map(|at| format!("k{at}: 1\n"))
                .collect::<String>()
                .into_bytes(),
        ),
        (
            "almost a megabyte of wrong ports",
            [b"ports:\n".to_vec(), "- port: x\n".repeat(100_000).into_bytes()].concat(),
        ),
        ("a long key", [b"x".repeat(1_000_000), b": 1\n".to_vec()].concat()),
        (
            "a long scalar",
            [b"image: ".to_vec(), b"x".repeat(1_000_000), b"\n".to_vec()].concat(),
        ),
        (
            "a long quoted scalar",
            [b"image: \"".to_vec(), b"\\n".repeat(500_000), b"\"\n".to_vec()].concat(),
        ),
        ("a long comment", [b"#".to_vec(), b"x".repeat(1_000_000)].concat()),
        (
            "a quote that never ends",
            [b"image: \"".to_vec(), b"x".repeat(1_000_000)].concat(),
        ),
        ("tabs", b"tasks:\n\t- init: make\n".to_vec()),
        ("duplicate keys", b"image: a\nimage: b\n".to_vec()),
        (
            "a duplicate key in a task",
            b"tasks:\n- init: a\n  init: b\n".to_vec(),
        ),
        ("NULs", b"image: a\0b\n".to_vec()),
        ("only NULs", vec![0; 1_000]),
        ("not UTF-8", b"image: \xff\xfe\n".to_vec()),
        (
            "UTF-16",
            "image: a\n".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        ("a byte order mark", b"\xef\xbb\xbfimage: debian:12\n".to_vec()),
        ("several documents", b"image: a\n---\nimage: b\n".to_vec()),
        ("a thousand documents", b"---\n".repeat(1_000)),
        (
            "directives",
            b"%YAML 9.9\n%TAG ! tag:x,2000:\n---\nimage: a\n".to_vec(),
        ),
        (
            "tags",
            b"image: !!python/object/apply:os.system ['reboot']\n".to_vec(),
        ),
        ("a binary tag", b"image: !!binary /////w==\n".to_vec()),
        (
            "keys that are no text",
            b"? [a, b]\n: 1\n? {c: d}\n: 2\n1: 3\nnull: 4\n".to_vec(),
        ),
        (
            "numbers without end",
            b"ports:\n- port: 99999999999999999999999999999999999999999999999999\n".to_vec(),
        ),
        (
            "odd numbers",
            b"ports: [{port: .inf}, {port: .nan}, {port: 0x50}, {port: 0o17}, {port: 1_000}]\n".to_vec(),
        ),
        (
            "escapes in a name",
            b"tasks:\n- name: \"\\e[2J\\x07\\u202e\"\n  init: \"\\e]0;x\\a\"\n".to_vec(),
        ),
        ("escapes in a key", b"\"\\e[2J\\0\": 1\n".to_vec()),
        ("escapes in a line with an error", b"image: [\x1b[2J\n".to_vec()),
        (
            "an ELF file",
            [b"\x7fELF\x02\x01\x01".to_vec(), vec![0xcc; 4_000]].concat(),
        ),
        ("nothing", Vec::new()),
        ("spaces", b" \n \n".to_vec()),
        ("51 megabytes", vec![b'a'; 51 << 20]),
        ("51 megabytes of lines", b"- a\n".repeat(13 << 20)),
    ]
}

fn whole_config() -> Value {
    json!({
        "image": { "file": "Dockerfile", "context": "docker" },
        "tasks": [{ "name": "app", "before": "a", "init": "b", "prebuild": "c", "command": "d", "env": { "A": 1 }, "openMode": "tab-after" }],
        "ports": [{ "port": 8080, "onOpen": "ignore" }, { "port": "3000-3999" }],
        "additionalRepositories": [{ "url": "https://example.org/a.git", "checkoutLocation": "b" }],
        "checkoutLocation": "src",
        "workspaceLocation": "src",
        "gitConfig": { "core.autocrlf": "input" },
        "github": { "prebuilds": true },
    })
}
