//! Builders are listed, made, selected, started, looked at, pruned and removed. buildx's own settings are the user's:
//! every journey has a folder of its own for them.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use headstart_tests::{Home, docker, unique};
use serde_json::Value;
use tempfile::TempDir;

/// A home whose buildx knows the engine's own builder only.
fn home() -> (Home, TempDir) {
    let buildx = TempDir::with_prefix("hst-buildx-").unwrap();
    let home = Home::new().with("BUILDX_CONFIG", buildx.path().to_string_lossy());
    (home, buildx)
}

fn names(all: &Value) -> Vec<&str> {
    let all = all.as_array().unwrap();
    all.iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn the_engines_own_builder_is_there_selected_and_stays() {
    let (home, _buildx) = home();
    let all = home.json(&["builders", "list"]);
    let own = &all[0];
    assert_eq!(own["driver"], "docker");
    assert_eq!(own["selected"], true, "nothing else was ever selected: {own}");
    assert_eq!(own["is_context"], true);
    assert_eq!(own["nodes"][0]["status"], "running");
    assert_eq!(own["warning"], Value::Null, "its images are where they are used");
    let about = docker(&["info", "--format", "{{.DriverStatus}}"]);
    assert_eq!(
        own["can_export_cache"].as_bool().unwrap(),
        about.contains("io.containerd.snapshotter"),
        "the store decides: {about}"
    );
    assert_eq!(
        own["can_export_cache"].as_bool().unwrap(),
        own["why_not"].is_null()
    );

    let name = own["name"].as_str().unwrap();
    let error = home
        .run(&["builders", "remove", name, "--yes", "--json"])
        .exits(2)
        .error();
    assert!(
        error["message"].as_str().unwrap().contains("docker context"),
        "a refusal says why: {error}"
    );
    assert_eq!(
        home.json(&["builders", "bootstrap", name])["name"],
        name,
        "it runs already"
    );
    let text = home.run(&["builders", "inspect"]).ok().stdout;
    assert!(
        text.contains(name) && text.contains("running"),
        "the selected one: {text}"
    );
}

#[test]
fn a_builder_is_made_selected_and_removed() {
    let (home, _buildx) = home();
    let name = unique("team");
    let made = home.json(&[
        "builders",
        "create",
        &name,
        "--driver",
        "docker-container",
        "--platform",
        "linux/arm64,linux/amd64",
        "--driver-opt",
        "env.NPM_TOKEN=hunter2",
        "--driver-opt",
        "env.FLAGS=a,b \"c\"",
    ]);
    assert_eq!(made["driver"], "docker-container");
    assert_eq!(made["selected"], false, "making is not selecting");
    assert_eq!(made["can_export_cache"], true);
    assert!(
        made["warning"].as_str().unwrap().contains("transferred"),
        "{made}"
    );
    let node = &made["nodes"][0];
    assert_eq!(
        node["platforms"],
        serde_json::json!(["linux/arm64", "linux/amd64"])
    );
    assert_eq!(node["options"][0]["name"], "env.FLAGS");
    assert_eq!(
        node["options"][0]["value"], "a,b \"c\"",
        "commas and quotes arrive"
    );
    assert!(
        !made.to_string().contains("hunter2"),
        "secrets are not shown: {made}"
    );

    let again = home
        .run(&["builders", "create", &name, "--json"])
        .exits(2)
        .error();
    assert!(again["message"].as_str().unwrap().contains("already"), "{again}");

    home.run(&["builders", "use", &name]).ok();
    let all = home.json(&["builders", "list"]);
    assert_eq!(names(&all)[0], name, "the selected one comes first");
    assert_eq!(all[0]["selected"], true);
    assert_eq!(all[1]["selected"], false);

    home.run(&["builders", "remove", &name]).exits(2);
    home.run(&["builders", "remove", &name, "--yes"]).ok();
    let all = home.json(&["builders", "list"]);
    assert!(!names(&all).contains(&name.as_str()), "{all}");
    assert_eq!(all[0]["selected"], true, "builds go to the engine's own again");
    let gone = home
        .run(&["builders", "inspect", &name, "--json"])
        .exits(2)
        .error();
    assert_eq!(gone["code"], "not_found");
}

#[test]
fn a_builder_that_cannot_start_says_why_and_what_to_do() {
    let (home, _buildx) = home();
    let name = unique("dark");
    // Names below .invalid are never found, wherever this runs.
    let image = "image=registry.invalid/buildkit:none";
    home.run(&["builders", "create", &name, "--driver-opt", image])
        .ok();
    let error = home
        .run(&["builders", "bootstrap", &name, "--json"])
        .exits(3)
        .error();
    assert_eq!(error["code"], "engine");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("registry.invalid/buildkit:none"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("image="), "{error}");
    assert!(
        !error["detail"].as_str().unwrap().is_empty(),
        "buildx's words are kept: {error}"
    );
    let run = home.run(&["builders", "du", &name]).exits(2);
    assert!(run.stderr.contains("does not run"), "{}", run.stderr);
    home.run(&["builders", "prune", &name, "--yes"]).exits(2);
    home.run(&["builders", "remove", &name, "--yes"]).ok();

    // Nobody listens on port 1.
    let name = unique("away");
    home.run(&["builders", "create", &name, "--driver", "remote"])
        .exits(2);
    let create = ["--driver", "remote", "--endpoint", "tcp://127.0.0.1:1", "--use"];
    home.run(&[&["builders", "create", &name][..], &create].concat())
        .ok();
    let run = home.run(&["builders", "du"]).exits(3);
    assert!(run.stderr.contains("nothing answers"), "{}", run.stderr);
}

#[test]
fn disk_use_is_told_before_anything_is_freed() {
    let (home, _buildx) = home();
    let own = home.json(&["builders", "inspect"])["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let usage = home.json(&["builders", "du"]);
    assert_eq!(usage["builder"], own.as_str(), "the selected one is asked");
    let number = |name: &str| usage[name].as_u64().unwrap();
    assert!(number("prunable_records") <= number("reclaimable_records"));
    assert!(number("reclaimable_records") <= number("records"));
    assert!(number("prunable_bytes") <= number("reclaimable_bytes"));
    let sizes: Vec<u64> = usage["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["bytes"].as_u64().unwrap())
        .collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "largest first");

    let text = home.run(&["builders", "prune", &own, "--dry-run"]).ok().stdout;
    assert!(text.contains("would be freed"), "{text}");
    home.run(&["builders", "prune", &own]).exits(2);
    // Other journeys build on this cache: nothing in it is that old.
    let freed = home.json(&["builders", "prune", &own, "--older-than", "3650d", "--yes"]);
    assert_eq!(freed["freed_bytes"], 0);
    let error = home
        .run(&["builders", "prune", &own, "--older-than", "--all", "--yes"])
        .exits(2);
    assert!(!error.stderr.is_empty());
    home.run(&["builders", "prune", &own, "--older-than=soon", "--yes"])
        .exits(2);
}

#[test]
fn nothing_that_is_typed_becomes_an_option_of_buildx() {
    let (home, buildx) = home();
    for name in ["-f", "--use", "a b", "../x", "$(id)", "a\nb"] {
        home.run(&["builders", "create", "--", name]).exits(2);
        home.run(&["builders", "use", "--", name]).exits(2);
        home.run(&["builders", "remove", "--yes", "--", name]).exits(2);
    }
    for endpoint in ["--endpoint=--bootstrap", "--endpoint=a b"] {
        home.run(&["builders", "create", "x", endpoint]).exits(2);
    }
    home.run(&["builders", "create", "x", "--driver-opt=--use"])
        .exits(2);
    home.run(&["builders", "create", "x", "--platform=--use"])
        .exits(2);
    let made = std::fs::read_dir(buildx.path().join("instances"));
    assert_eq!(made.map_or(0, Iterator::count), 0, "nothing was made");
}

#[test]
fn without_an_engine_builders_are_listed_with_their_problem() {
    let buildx = TempDir::with_prefix("hst-buildx-").unwrap();
    let home = Home::new()
        .with("BUILDX_CONFIG", buildx.path().to_string_lossy())
        .with("DOCKER_HOST", "unix:///does/not/exist.sock");
    let all = home.json(&["builders", "list"]);
    assert!(
        all[0]["problem"]
            .as_str()
            .unwrap()
            .contains("/does/not/exist.sock"),
        "{all}"
    );
    assert_eq!(all[0]["can_export_cache"], false, "nobody knows: {all}");
    let run = home.run(&["builders", "du", "default"]).exits(3);
    assert!(run.stderr.contains("cannot be reached"), "{}", run.stderr);
}
