//! Two processes on one catalogue.

use headstart_tests::{Home, Repository};
use serde_json::Value;

#[test]
fn a_second_request_for_the_same_build_joins_the_first() {
    let home = Home::new();
    let repo = Repository::with_task("echo begun; sleep 0.8; echo over");
    home.add(&repo.path);
    let (mut first, id) = home.start_build(&[]);
    first.until_log("begun");
    assert_eq!(home.json(&["plan"])["active"], id.as_str(), "a plan tells of it");
    let joined = home.build(&[]);
    assert_eq!(joined["id"], id.as_str());
    assert_eq!(joined["outcome"], "joined");
    assert_eq!(joined["status"], "succeeded");
    assert_eq!(first.wait().last_json()["id"], id.as_str());
    assert_eq!(home.builds().len(), 1, "one build for two requests");
}

#[test]
fn two_commits_queue_when_one_build_at_a_time_is_allowed() {
    let home = Home::new();
    let repo = Repository::with_task("echo begun; sleep 0.8");
    home.add(&repo.path);
    let (mut first, first_id) = home.start_build(&[]);
    first.until_log("begun");
    repo.write("a", "1\n");
    repo.commit("second");
    let second = home.build(&[]);
    let first = first.wait().last_json();
    assert_eq!(first["id"], first_id.as_str());
    let end = |build: &Value| build["started_at"].as_i64().unwrap() + build["duration_ms"].as_i64().unwrap();
    assert!(
        second["started_at"].as_i64().unwrap() >= end(&first),
        "the second began when the first was over: {} and {}",
        second["started_at"],
        end(&first)
    );
}

#[test]
fn two_builds_run_at_once_when_that_is_allowed() {
    let home = Home::new();
    home.run(&["settings", "set", "concurrency", "2"]).ok();
    let repo = Repository::with_task("echo begun; sleep 300");
    home.add(&repo.path);
    let (mut first, first_id) = home.start_build(&[]);
    first.until_log("begun");
    repo.write("a", "1\n");
    repo.commit("second");
    let (mut second, second_id) = home.start_build(&[]);
    second.until_log("begun");
    let running = home.json(&["builds", "list", "--status", "running"]);
    assert_eq!(running["total"], 2);
    for id in [&first_id, &second_id] {
        home.json(&["builds", "cancel", id]);
    }
    assert_eq!((first.wait().code, second.wait().code), (1, 1));
}

#[test]
fn a_build_is_watched_from_another_process_with_all_it_said_before() {
    let home = Home::new();
    let repo = Repository::with_task("echo early; sleep 0.8; echo late");
    home.add(&repo.path);
    let (mut first, id) = home.start_build(&[]);
    first.until_log("early");
    let followed = home.start(&["builds", "logs", &id, "--follow"]);
    let watched = home.run(&["watch", &id[..8]]).ok();
    assert!(
        watched.stdout.contains("early") && watched.stdout.contains("late"),
        "{}",
        watched.stdout
    );
    assert!(watched.stdout.contains("succeeded in"), "{}", watched.stdout);
    let followed = followed.wait();
    assert_eq!(followed.code, 0);
    assert!(
        followed.stdout.contains("early") && followed.stdout.contains("late"),
        "{}",
        followed.stdout
    );
    assert_eq!(first.wait().code, 0);
}
