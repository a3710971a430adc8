//! The catalogue: listing, pinning, deleting, and images that vanish or move.

use headstart_tests::{BUSYBOX, Home, Repository, docker, has_image, unique};
use serde_json::{Value, json};

#[test]
fn deleting_tells_the_bytes_and_what_is_deleted_stays_deleted() {
    let home = Home::new();
    // Random, so that nothing else shares its layer.
    let repo = Repository::with_task("head -c 3000000 /dev/urandom > big");
    home.add(&repo.path);
    let build = home.build(&[]);
    let (id, image) = (text(&build["id"]), text(&build["images"][0]["reference"]));

    let plan = home.json(&["builds", "delete", &id, "--dry-run"]);
    assert_eq!(plan["builds"], json!([id]));
    assert_eq!(plan["images"][0]["reference"], image.as_str());
    assert!(
        plan["bytes"].as_u64().unwrap() >= 3_000_000,
        "the image's own layers count: {plan}"
    );
    let refused = home.run(&["builds", "delete", &id]).exits(2);
    assert!(
        refused.stderr.contains("--yes"),
        "without a terminal nobody is asked: {}",
        refused.stderr
    );
    assert!(
        refused.stdout.contains("freed"),
        "but the bytes are told: {}",
        refused.stdout
    );
    assert!(has_image(&image), "nothing has happened yet");

    home.run(&["builds", "delete", &id[..6], "--yes"]).ok();
    assert!(!has_image(&image), "the image is gone");
    assert_eq!(home.builds(), Vec::<Value>::new());
    assert_eq!(
        home.run(&["builds", "show", &id, "--json"]).exits(2).error()["code"],
        "not_found"
    );
    let plan = home.json(&["plan"]);
    assert_eq!(
        (&plan["decision"], &plan["candidates"]),
        (&json!("full"), &json!([])),
        "no ghost"
    );
}

#[test]
fn a_pinned_build_is_kept() {
    let home = Home::new();
    let repo = Repository::with_task("echo built");
    home.add(&repo.path);
    let build = home.build(&[]);
    let id = text(&build["id"]);
    assert_eq!(home.json(&["builds", "pin", &id])["pinned"], true);
    let refused = home.run(&["builds", "delete", &id, "--yes", "--json"]).exits(2);
    assert!(text(&refused.error()["message"]).contains("pinned"));
    assert_eq!(home.json(&["builds", "list", "--pinned"])["total"], 1);
    home.run(&["builds", "unpin", &id]).ok();
    home.run(&["builds", "delete", &id, "--yes"]).ok();
    assert!(home.builds().is_empty());
}

#[test]
fn an_image_that_vanished_is_not_relied_on() {
    let home = Home::new();
    let repo = Repository::with_task("echo built");
    home.add(&repo.path);
    let build = home.build(&[]);
    docker(&["rmi", "--force", &text(&build["images"][0]["reference"])]);

    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "full");
    assert_eq!(plan["candidates"][0]["verdict"], "rejected");
    assert!(
        text(&plan["candidates"][0]["reasons"][0]).contains("image"),
        "it says that the image is gone: {plan}"
    );
    repo.write("a", "1\n");
    repo.commit("second");
    assert_eq!(home.json(&["plan"])["decision"], "full", "nor is it a base");
    let again = home.build(&["--commit", "HEAD~1"]);
    assert_ne!(again["id"], build["id"]);
    assert_eq!(home.json(&["plan"])["base"]["build"], again["id"]);
}

#[test]
fn a_base_tag_that_moved_is_seen() {
    let home = Home::new();
    let tag = format!("{}:1", unique("hst-base"));
    docker(&["tag", BUSYBOX, &tag]);
    let repo = Repository::empty();
    repo.write(
        ".gitpod.yml",
        format!("image: {tag}\ntasks:\n  - init: echo built\n"),
    );
    repo.commit("first");
    home.add(&repo.path);
    home.build(&[]);
    assert_eq!(home.json(&["plan"])["decision"], "reuse");

    // Another image gets the name.
    let other = docker(&["create", BUSYBOX, "true"]);
    docker(&["commit", "--change", "ENV MOVED=1", &other, &tag]);
    docker(&["rm", &other]);
    let plan = home.json(&["plan"]);
    docker(&["rmi", "--force", &tag]);
    assert_eq!(plan["decision"], "full", "the environment is another one: {plan}");
    let reasons = plan["candidates"][0]["reasons"].to_string();
    assert!(reasons.contains("image"), "{reasons}");
}

#[test]
fn builds_are_found_by_status_branch_id_text_and_order() {
    let home = Home::new();
    let repo = Repository::with_task("[ ! -e bad ]");
    home.add(&repo.path);
    let good = home.build(&[]);
    repo.git(&["checkout", "-q", "-b", "feature/x"]);
    repo.write("bad", "");
    repo.commit("a task that fails");
    let bad = home.try_build(&[]).exits(1).last_json();
    let list = |arguments: &[&str]| {
        let mut all = vec!["builds", "list"];
        all.extend(arguments);
        let listed = home.json(&all);
        let builds = listed["builds"].as_array().unwrap().clone();
        builds
            .into_iter()
            .map(|build| build["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(&[]), [bad["id"].clone(), good["id"].clone()], "newest first");
    assert_eq!(list(&["--status", "failed"]), [bad["id"].clone()]);
    assert_eq!(list(&["--status", "failed,succeeded"]).len(), 2);
    assert_eq!(list(&["--branch", "main"]), [good["id"].clone()]);
    let prefix = format!("startswith:{}", &text(&good["id"])[..5]);
    assert_eq!(list(&["--id", &prefix]), [good["id"].clone()]);
    let of_project = format!("startswith:{}", &text(&good["project"])[..5]);
    assert_eq!(list(&["--pipeline", &of_project]).len(), 2);
    assert_eq!(list(&["--pipeline", "nobody"]), [Value::Null; 0]);
    assert_eq!(list(&["--id", &text(&bad["id"])]), [bad["id"].clone()]);
    assert_eq!(list(&["--text", "TASK fails"]), [bad["id"].clone()]);
    assert_eq!(list(&["--project", &repo.name]).len(), 2);
    assert_eq!(
        list(&["--limit", "1", "--sort", "created", "--ascending"]),
        [good["id"].clone()]
    );
    home.run(&["builds", "list", "--status", "done"]).exits(2);
    let table = home.run(&["builds", "list"]).ok().stdout;
    assert!(table.contains("feature/x") && table.contains("failed"), "{table}");

    let diff = home.json(&["builds", "diff", &text(&good["id"]), &text(&bad["id"])]);
    let field = |name: &str| {
        let fields = diff["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap()["equal"].clone()
    };
    assert_eq!(
        (field("environment key"), field("code key")),
        (json!(true), json!(false))
    );
    let image = home.json(&["builds", "image", &text(&good["id"])]);
    assert_eq!(image["working_dir"], repo.folder().as_str());
    assert_eq!(
        home.run(&["builds", "image", &text(&bad["id"]), "--json"])
            .exits(2)
            .error()["code"],
        "bad_request"
    );
}

#[test]
fn a_removed_project_keeps_its_builds_and_can_be_added_again() {
    let home = Home::new();
    let repo = Repository::with_task("echo built");
    home.add(&repo.path);
    let build = home.build(&[]);
    home.run(&["project", "remove", &repo.name]).ok();
    assert_eq!(home.json(&["project", "list"]), json!([]));
    assert_eq!(home.builds()[0]["id"], build["id"]);
    assert!(has_image(&text(&build["images"][0]["reference"])));
    home.add(&repo.path);
    assert_eq!(
        home.json(&["plan"])["build"],
        build["id"],
        "what was built for it is still good"
    );
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is text"))
        .to_owned()
}
