//! Data repositories from the command line.

use std::fs;
use std::path::Path;

use headstart_tests::Home;
use serde_json::{Value, json};
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(path, text)).expect("a file in it");
    }
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn files_are_put_looked_at_compared_and_taken_out_again() {
    let home = Home::new();
    assert!(
        home.run(&["data", "list"])
            .ok()
            .stdout
            .contains("headstart data create NAME")
    );
    home.run(&["data", "create", "images", "--description", "pictures"])
        .ok();
    let sources = folder(&[("a/cat", "cat\n"), ("dog", "dog\n")]);
    let put = home.json(&["data", "put", "images", text(sources.path())]);
    assert_eq!(
        (&put["new"], &put["files"], &put["stored"]),
        (&json!(true), &json!(2), &json!(8))
    );
    let first = put["commit"]["id"].as_str().unwrap().to_owned();
    assert_eq!(first.len(), 32);
    let again = home
        .run(&["data", "put", "images", text(sources.path())])
        .ok()
        .stdout;
    assert!(again.contains("has all of it already"), "{again}");

    let listed = home.json(&["data", "files", "images"]);
    let names: Vec<&Value> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["a", "dog"]);
    let text_of = home.run(&["data", "files", &first[..6], "/a"]).ok().stdout;
    assert!(text_of.contains("cat"), "{text_of}");
    assert_eq!(
        home.run(&["data", "cat", "images@master", "/a/cat"]).ok().stdout,
        "cat\n"
    );
    let shown = home.json(&["data", "cat", "images", "/a/cat"]);
    assert_eq!(
        shown["content"],
        json!({ "type": "text", "text": "cat\n", "truncated": false })
    );

    let bird = sources.path().join("bird");
    fs::write(&bird, "bird\n").unwrap();
    let put = [
        "data",
        "put",
        "images",
        text(&bird),
        "--to",
        "/sky",
        "--delete",
        "/dog",
        "-m",
        "a bird",
    ];
    let second = home.json(&put)["commit"]["id"].as_str().unwrap().to_owned();
    let diff = home.json(&["data", "diff", &first, "images"]);
    assert_eq!(
        (&diff["added"], &diff["removed"], &diff["changed"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(
        home.json(&["data", "diff", &second]),
        diff,
        "one revision is compared with the one before"
    );
    let said = home.run(&["data", "diff", &second]).ok().stdout;
    assert!(said.contains("+ /sky/bird") && said.contains("- /dog"), "{said}");
    let log = home.json(&["data", "log", "images"]);
    assert_eq!(
        (&log[0]["message"], &log[1]["message"]),
        (&json!("a bird"), &json!("put 2 files"))
    );
    assert_eq!(log[0]["parent"], first.as_str());

    home.run(&["data", "branch", "images", "old", "--from", &first])
        .ok();
    let out = folder(&[]);
    let to = out.path().join("new");
    home.run(&["data", "export", "images@old", text(&to)]).ok();
    assert_eq!(fs::read_to_string(to.join("a/cat")).unwrap(), "cat\n");
    let refused = home
        .run(&["data", "export", "images@old", text(&to)])
        .exits(2)
        .stderr;
    assert!(refused.contains("is not empty"), "{refused}");
    home.run(&["data", "remove", "images@old", "/a"]).ok();
    let left = home.json(&["data", "files", "images@old"]);
    assert_eq!(
        (&left["total"], &left["entries"][0]["name"]),
        (&json!(1), &json!("dog"))
    );

    home.run(&["data", "delete", "images"]).exits(2);
    home.run(&["data", "delete", "images", "--yes"]).ok();
    let would = home.json(&["data", "sweep", "--dry-run"]);
    assert!(would["chunks"].as_u64().unwrap() >= 4, "{would}");
    assert_eq!(home.json(&["data", "sweep"]), would);
    assert_eq!(home.json(&["data", "sweep"])["chunks"], 0);
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_do() {
    let home = Home::new();
    home.run(&["data", "create", "images"]).ok();
    let sources = folder(&[("f", "f")]);
    let file = sources.path().join("f");
    for (arguments, says) in [
        (&["data", "create", "images"][..], "already"),
        (&["data", "create", "-bad"], "unexpected"),
        (&["data", "create", "bad name"], "cannot be the name"),
        (&["data", "put", "images"], "required"),
        (
            &["data", "put", "nothing", text(&file)],
            "no data repository nothing",
        ),
        (
            &["data", "put", "images@a/b", text(&file)],
            "cannot be the name of a branch",
        ),
        (
            &["data", "put", "images", text(&file), "--to", "/../etc"],
            ". or ..",
        ),
        (
            &["data", "put", "images", text(&file), "--to", "relative"],
            "does not begin with /",
        ),
        (
            &["data", "put", "images", "/nowhere/at/all"],
            "there is nothing at /nowhere/at/all",
        ),
        (&["data", "files", "images"], "is empty"),
        (&["data", "files", "zzzzzz"], "names no commit"),
        (&["data", "files", "abc"], "names no commit"),
        (&["data", "files", "abcdef"], "no commit abcdef"),
        (
            &["data", "branch", "images", "b", "--from", "nothing"],
            "names no commit",
        ),
        (&["data", "branch", "images", "b", "--delete"], "has no branch b"),
        (&["data", "list", "--stack", "nothing"], "no stack nothing"),
    ] {
        let run = home.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(says), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn stacks_have_repositories_of_their_own() {
    let home = Home::new();
    let store = folder(&[]);
    home.run(&["stacks", "save", "other", "--artifact-store", text(store.path())])
        .ok();
    home.run(&["data", "create", "images", "--stack", "other"]).ok();
    assert_eq!(home.json(&["data", "list"]), json!([]));
    assert_eq!(
        home.json(&["data", "--stack", "other", "list"])[0]["name"],
        "images"
    );
    assert!(store.path().join("data.db").is_file());
}

#[test]
fn two_processes_put_at_once_and_nothing_is_lost() {
    let home = Home::new();
    home.run(&["data", "create", "images"]).ok();
    std::thread::scope(|scope| {
        for process in ["one", "two"] {
            let home = &home;
            scope.spawn(move || {
                for round in 0..8 {
                    let name = format!("{process}-{round}");
                    let sources = folder(&[(&name, &name), ("shared", &name)]);
                    home.json(&["data", "put", "images", text(sources.path())]);
                }
            });
        }
    });
    let listed = home.json(&["data", "files", "images"]);
    assert_eq!(listed["total"], 17);
    assert_eq!(
        home.json(&["data", "log", "images"]).as_array().unwrap().len(),
        16
    );
}

#[test]
fn an_interrupted_put_leaves_everything_as_it_was() {
    let home = Home::new();
    home.run(&["data", "create", "images"]).ok();
    let sources = folder(&[]);
    // A file that takes long enough to be read, and no room on the disk.
    fs::File::create(sources.path().join("large"))
        .unwrap()
        .set_len(20 << 30)
        .unwrap();
    let running = home.start(&["data", "put", "images", text(sources.path())]);
    std::thread::sleep(std::time::Duration::from_millis(700));
    running.signal("INT");
    assert_eq!(running.wait().code, 1);
    assert_eq!(home.json(&["data", "log", "images"]), json!([]));
    assert_eq!(home.json(&["data", "sweep", "--dry-run"])["chunks"], 0);
}
