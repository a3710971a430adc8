//! Code repositories from the command line: registering them, and where a checkout stands.

use headstart_tests::{Home, Repository};
use serde_json::{Value, json};

/// A project whose remote is a bare repository beside it.
fn pushed() -> (Repository, String) {
    let repo = Repository::with_task("echo built");
    let far = repo.beside("far.git").to_string_lossy().into_owned();
    repo.git(&["init", "-q", "--bare", "-b", "main", &far]);
    repo.git(&["remote", "add", "origin", &far]);
    repo.git(&["push", "-q", "origin", "main"]);
    (repo, far)
}

#[test]
fn repositories_are_registered_listed_and_removed() {
    let home = Home::new();
    let text = home.run(&["repositories", "list"]).ok().stdout;
    assert!(text.contains("headstart repositories add NAME URL"), "{text}");
    assert_eq!(home.json(&["repositories", "list"]), json!([]));
    let added = home.json(&["repositories", "add", "app", "git@github.com:acme/app.git"]);
    assert_eq!(
        added,
        json!({ "name": "app", "kind": "github", "url": "git@github.com:acme/app.git" })
    );
    home.json(&[
        "repositories",
        "add",
        "own",
        "https://git.example/own",
        "--kind",
        "gitlab",
    ]);
    let text = home.run(&["repositories", "list"]).ok().stdout;
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows,
        [
            ["NAME", "KIND", "ADDRESS"],
            ["app", "github", "git@github.com:acme/app.git"],
            ["own", "gitlab", "https://git.example/own"]
        ]
    );
    home.json(&["repositories", "add", "app", "https://github.com/acme/other"]);
    assert_eq!(
        home.json(&["repositories", "remove", "app"]),
        json!({ "removed": "app" })
    );
    let left = home.json(&["repositories", "list"]);
    assert_eq!(left[0]["name"], "own");
    for refusal in [
        &["repositories", "remove", "app"][..],
        &["repositories", "add", "Bad Name", "https://host/a"],
        &["repositories", "add", "x", "https://me:hunter2@host/a"],
        &["repositories", "add", "x", "--upload-pack=touch /tmp/x"],
        &["repositories", "add", "x", "ext::sh -c true"],
        &["repositories", "add", "x", "https://git.example/own.git/"],
        &["repositories", "add", "x", "https://host/a", "--kind", "cvs"],
    ] {
        let run = home.run(refusal).exits(2);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
    let run = home.run(&["repositories", "add", "x", "https://me:hunter2@host/a", "--json"]);
    assert!(
        run.error()["hint"]
            .as_str()
            .unwrap()
            .contains("credential helpers")
    );
    for command in ["list", "add", "remove", "state"] {
        home.run(&["repositories", command, "--help"]).ok();
    }
}

#[test]
fn the_state_of_a_checkout_says_what_to_do() {
    let home = Home::new();
    let (repo, far) = pushed();
    home.add(&repo.path);
    let state = || home.json(&["repositories", "state"]);
    assert_eq!(state()["repository"], Value::Null);
    home.json(&["repositories", "add", "app", &far]);
    let clean = state();
    assert_eq!(
        (&clean["repository"], &clean["usable"], &clean["branch"]),
        (&json!("app"), &json!(true), &json!("main"))
    );
    assert_eq!(clean["commit"], repo.head());
    repo.write("new", "1\n");
    let text = home.run(&["repositories", "state"]).ok().stdout;
    assert!(
        text.contains("commit them and push the branch main")
            && text.contains("untracked files")
            && text.contains(&format!("headstart open folder {}", repo.name)),
        "{text}"
    );
    repo.commit("second");
    let unpushed = home.json(&["repositories", "state", "-p", &repo.name]);
    assert_eq!(
        (&unpushed["unpushed"], &unpushed["uncommitted"]),
        (&json!(true), &json!(false))
    );
    // Pushed from elsewhere: only who asks the remote knows.
    let script = [
        "push",
        "-q",
        &format!("file://{far}"),
        "HEAD:refs/heads/elsewhere",
    ];
    repo.git(&script);
    assert_eq!(state()["usable"], false);
    let before = repo.git(&["for-each-ref"]);
    assert_eq!(home.json(&["repositories", "state", "--fetch"])["usable"], true);
    assert_eq!(state()["usable"], true);
    assert_eq!(repo.git(&["for-each-ref"]), before, "the checkout stays as it is");

    repo.commit("third");
    std::fs::remove_dir_all(&far).unwrap();
    let run = home.run(&["repositories", "state", "--fetch"]).exits(2);
    assert!(
        run.stderr
            .contains("the code repository app could not be fetched"),
        "{}",
        run.stderr
    );
    assert_eq!(state()["unpushed"], true, "without asking nothing fails");
}
