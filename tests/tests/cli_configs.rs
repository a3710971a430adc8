//! Config files that cannot be used, and ones that are unusual.

use headstart_tests::{Home, Repository};
use serde_json::json;

#[test]
fn a_config_with_errors_is_refused_with_their_places_and_nothing_is_added() {
    let home = Home::new();
    let repo = Repository::empty();
    repo.write(
        ".gitpod.yml",
        "image: busybox\ntasks:\n  - name: make\n    init: [a]\nports:\n  - port: 70000\n",
    );
    repo.commit("a bad config");
    let run = home.run(&["project", "add", repo.arg()]).exits(2);
    assert!(run.stderr.contains(".gitpod.yml:4:11: "), "{}", run.stderr);
    assert!(
        run.stderr.contains(".gitpod.yml:6:11: "),
        "all of them: {}",
        run.stderr
    );
    assert!(
        run.stderr.contains(" 4 |     init: [a]\n   |           ^"),
        "with the line: {}",
        run.stderr
    );
    assert_eq!(run.stdout, "");
    assert_eq!(home.json(&["project", "list"]), json!([]), "nothing was added");

    let error = home
        .run(&["project", "add", repo.arg(), "--json"])
        .exits(2)
        .error();
    assert_eq!(error["code"], "config");
    assert_eq!(error["problems"][0]["line"], 4);
    assert_eq!(error["problems"][0]["severity"], "error");
    let preview = home.run(&["project", "preview", repo.arg(), "--json"]).json();
    assert_eq!(
        (&preview["can_add"], &preview["problems"][0]["column"]),
        (&json!(false), &json!(11))
    );

    repo.write(".gitpod.yml", "tasks:\n  - init: 'make\n");
    let run = home.run(&["project", "add", repo.arg()]).exits(2);
    assert!(
        run.stderr.contains(".gitpod.yml:"),
        "a syntax error has a place too: {}",
        run.stderr
    );
}

#[test]
fn the_commit_s_config_counts_and_not_the_one_on_disk() {
    let home = Home::new();
    let repo = Repository::with_task("echo built");
    home.add(&repo.path);
    repo.write(".gitpod.yml", "tasks: 7\n");
    assert_eq!(
        home.json(&["plan"])["decision"],
        "full",
        "what is not committed does not count"
    );
    repo.commit("broken");
    let run = home.run(&["plan"]).exits(2);
    assert!(run.stderr.contains(".gitpod.yml:1:8: "), "{}", run.stderr);
    home.run(&["build"]).exits(2);
    assert!(home.builds().is_empty(), "nothing was begun");
    assert_eq!(home.json(&["plan", "--commit", "HEAD~1"])["decision"], "full");
    let graph = home.json(&["graph"]);
    assert_eq!(graph["rows"][0]["state"]["kind"], "unusable");

    repo.git(&["rm", "-q", ".gitpod.yml"]);
    repo.commit("no config at all");
    let error = home.run(&["plan", "--json"]).exits(2).error();
    assert_eq!(error["code"], "config");
}

#[test]
fn a_changed_task_makes_a_full_build_and_is_named() {
    let home = Home::new();
    let repo = Repository::with_task("echo one");
    home.add(&repo.path);
    home.build(&[]);
    repo.task("echo two");
    repo.commit("another task");
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "full");
    let reasons = plan["candidates"][0]["reasons"].to_string();
    assert!(reasons.contains("init changed"), "{reasons}");
    let text = home.run(&["explain", "HEAD"]).ok().stdout;
    assert!(text.contains("init changed"), "{text}");
}

#[test]
fn folders_that_are_no_projects_are_refused() {
    let home = Home::new();
    let repo = Repository::empty();
    let error = home
        .run(&["project", "add", repo.arg(), "--json"])
        .exits(2)
        .error();
    assert_eq!(error["code"], "config", "no recipe: {error}");
    assert!(
        error["problems"][0]["message"]
            .as_str()
            .unwrap()
            .contains(".gitpod.yml"),
        "{error}"
    );
    let plain = repo.beside("plain");
    std::fs::create_dir(&plain).unwrap();
    std::fs::write(plain.join(".gitpod.yml"), "tasks: []\n").unwrap();
    let run = home.run(&["project", "add", plain.to_str().unwrap()]).exits(2);
    assert!(run.stderr.contains("git repository"), "{}", run.stderr);
    home.run(&["project", "add", "/does/not/exist"]).exits(2);
}
