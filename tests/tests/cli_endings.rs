//! How builds end when they do not succeed: failing tasks, cancellation, time limits, killed processes.

use std::time::{Duration, Instant};

use headstart_tests::{Home, Repository, docker, has_image, long_nap, processes_with, wait_for};
use serde_json::Value;

#[test]
fn a_failing_task_fails_the_build_and_is_never_a_base() {
    let home = Home::new();
    let repo = Repository::with_task("echo about to fail; exit 3");
    let failing = repo.head();
    home.add(&repo.path);
    let run = home.try_build(&[]).exits(1);
    let build = run.last_json();
    assert_eq!(build["status"], "failed");
    assert_eq!(build["failed_step"], "make");
    assert_eq!(build["error"], "make exited with 3");
    assert_eq!(
        build["images"],
        Value::Array(vec![]),
        "a failed build has no image"
    );
    let id = build["id"].as_str().unwrap();
    assert!(home.log(id).contains("about to fail"), "its log is kept");
    let number = build["failed_step_number"].to_string();
    let log = home.run(&["builds", "logs", id, "--step", &number]).ok();
    assert!(
        log.stdout.contains("about to fail"),
        "the number leads to the log of the failure: {log:?}"
    );

    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "full", "a failed build is not reused");
    repo.write("a", "1\n");
    repo.commit("another file");
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "full", "and nothing starts from it");
    assert_eq!(plan["candidates"][0]["commit"], failing.as_str());
    assert_eq!(plan["candidates"][0]["verdict"], "rejected");
    assert_eq!(plan["candidates"][0]["reasons"][0], "failed at make");
    let text = home.run(&["build"]).exits(1);
    assert!(text.stdout.contains("make exited with 3"), "{}", text.stdout);
    let inbox = home.json(&["inbox"]);
    assert_eq!(
        (&inbox[0]["kind"], &inbox[0]["read"]),
        (&"failed".into(), &false.into())
    );
    home.run(&["inbox", "--read"]).ok();
    assert_eq!(home.json(&["inbox"])[0]["read"], true);
}

#[test]
fn tasks_run_side_by_side_and_each_tells_its_exit_code() {
    let home = Home::new();
    let repo = Repository::empty();
    // Neither can end before the other has begun.
    let meet = |own: &str, other: &str, code: u8| {
        format!(
            "touch {own}; i=0; while [ ! -e {other} ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i+1)); done; \
            [ -e {other} ] && echo {own} met {other}; exit {code}"
        )
    };
    repo.tasks(&[
        ("left", &meet("l", "r", 4)),
        ("right", &meet("r", "l", 5)),
        ("third", "echo fine"),
    ]);
    repo.commit("three tasks");
    home.add(&repo.path);
    let build = home.try_build(&[]).exits(1).last_json();
    let task = |name: &str| {
        let steps = build["steps"].as_array().unwrap();
        steps
            .iter()
            .find(|step| step["name"] == name)
            .unwrap_or_else(|| panic!("{name} in {build}"))
            .clone()
    };
    assert_eq!(
        (&task("left")["exit_code"], &task("left")["status"]),
        (&4.into(), &"failed".into())
    );
    assert_eq!(task("right")["exit_code"], 5);
    assert_eq!(
        (&task("third")["exit_code"], &task("third")["status"]),
        (&0.into(), &"done".into())
    );
    let log = home.log(build["id"].as_str().unwrap());
    assert!(
        log.contains("l met r") && log.contains("r met l"),
        "they ran at the same time: {log}"
    );
    let error = build["error"].as_str().unwrap();
    for part in ["left exited with 4", "right exited with 5"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn another_process_cancels_a_build_at_once_and_nothing_is_left() {
    let home = Home::new();
    let marker = long_nap();
    let repo = Repository::with_task(&format!("echo sleeping; sleep {marker}"));
    home.add(&repo.path);
    let (mut running, id) = home.start_build(&[]);
    running.until_log("sleeping");
    assert!(!processes_with(&marker).is_empty(), "the task runs");

    let asked = Instant::now();
    let cancelled = home.json(&["builds", "cancel", &id]);
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "cancelling took {:?}",
        asked.elapsed()
    );
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(running.wait().code, 1, "the build that was cancelled says so");
    nothing_left(&home, &id, &marker);
    assert!(
        home.json(&["inbox"]).as_array().unwrap().is_empty(),
        "who cancelled knows"
    );
    let again = home.run(&["builds", "cancel", &id, "--json"]).exits(2);
    assert_eq!(again.error()["code"], "bad_request");
    assert_eq!(
        home.json(&["plan"])["decision"],
        "full",
        "a cancelled build is not reused"
    );
}

#[test]
fn ctrl_c_cancels_the_build_of_this_process() {
    for signal in ["INT", "TERM"] {
        let home = Home::new();
        let marker = long_nap();
        let repo = Repository::with_task(&format!("echo sleeping; sleep {marker}"));
        home.add(&repo.path);
        let (mut running, id) = home.start_build(&[]);
        running.until_log("sleeping");
        let asked = Instant::now();
        running.signal(signal);
        let run = running.wait();
        assert!(
            asked.elapsed() < Duration::from_millis(1_500),
            "{signal} took {:?}",
            asked.elapsed()
        );
        assert_eq!(run.code, 1);
        assert_eq!(
            run.last_json()["status"],
            "cancelled",
            "the last line is the build"
        );
        nothing_left(&home, &id, &marker);
    }
}

#[test]
fn a_queued_build_can_be_cancelled_before_it_begins() {
    let home = Home::new();
    let repo = Repository::with_task("echo sleeping; sleep 300");
    home.add(&repo.path);
    let (mut first, first_id) = home.start_build(&[]);
    first.until_log("sleeping");
    repo.write("a", "1\n");
    repo.commit("second");
    let (second, second_id) = home.start_build(&[]);
    assert_eq!(home.show(&second_id)["status"], "queued", "one build at a time");
    assert_eq!(
        home.json(&["builds", "cancel", &second_id])["status"],
        "cancelled"
    );
    assert_eq!(second.wait().code, 1);
    assert_eq!(home.show(&second_id)["started_at"], Value::Null);
    assert_eq!(home.show(&first_id)["status"], "running", "the other one goes on");
    first.signal("INT");
    assert_eq!(first.wait().code, 1);
}

#[test]
fn a_build_is_stopped_at_the_time_limit() {
    let home = Home::new();
    let marker = long_nap();
    let repo = Repository::with_task(&format!("echo sleeping; sleep {marker}"));
    home.add(&repo.path);
    home.run(&["settings", "set", "timeout_s", "10"]).ok();
    let build = home.try_build(&[]).exits(1).last_json();
    assert_eq!(build["status"], "timed_out");
    assert!(build["error"].as_str().unwrap().contains("time limit"), "{build}");
    nothing_left(&home, build["id"].as_str().unwrap(), &marker);
    assert_eq!(home.json(&["inbox"])[0]["kind"], "timed_out");
}

#[test]
fn a_killed_process_leaves_an_interrupted_build_and_nothing_else() {
    let home = Home::new();
    let marker = long_nap();
    let repo = Repository::with_task(&format!("echo working; : {marker}; sleep $(cat nap)"));
    repo.write("nap", format!("{marker}\n"));
    repo.commit("a task without end");
    repo.write("nap", "0.3\n");
    repo.commit("a short one");
    home.add(&repo.path);
    let mut seed = u64::from(std::process::id()) * 2_654_435_761 + 12_345;
    for round in 0..20 {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let delay = Duration::from_millis((seed >> 33) % 1_600);
        let commit = if round % 2 == 0 { "HEAD" } else { "HEAD~1" };
        let running = home.start(&["build", "--no-cache", "--json", "--commit", commit]);
        std::thread::sleep(delay);
        running.signal("KILL");
        drop(running);

        // The next process that opens the catalogue finds out.
        let builds = home.builds();
        for build in &builds {
            let status = build["status"].as_str().unwrap();
            assert!(
                matches!(status, "interrupted" | "succeeded"),
                "round {round}, killed after {delay:?}: {status}"
            );
            if status == "succeeded" {
                let image = build["images"][0]["reference"].as_str().unwrap();
                assert!(has_image(image), "a build that succeeded has its image");
            }
        }
        if let Some(newest) = builds.first() {
            nothing_left(&home, newest["id"].as_str().unwrap(), &marker);
        }
    }
    assert!(
        home.builds().len() >= 10,
        "most builds had begun when they were killed"
    );
    assert_eq!(
        home.build(&[])["status"],
        "succeeded",
        "the catalogue is as good as before"
    );
    let good: Vec<_> = home
        .builds()
        .into_iter()
        .filter(|build| build["status"] == "succeeded")
        .map(|build| build["images"][0]["reference"].as_str().unwrap().to_owned())
        .collect();
    let name = format!("headstart/{}", repo.name);
    let images = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", &name]);
    let litter: Vec<_> = images
        .lines()
        .filter(|image| !good.iter().any(|good| good == image))
        .collect();
    assert_eq!(litter, Vec::<&str>::new(), "images that no build knows");
}

/// Checks that a build has no process, container or working folder any more. What BuildKit runs for it ends with the
/// client's connection, which takes the Engine a moment.
fn nothing_left(home: &Home, build: &str, marker: &str) {
    let work = home.path().join("work");
    let left: Vec<_> = std::fs::read_dir(&work)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    assert!(left.is_empty(), "working folders: {left:?}");
    wait_for("buildx processes gone", Duration::from_secs(1), || {
        processes_with(build).is_empty().then_some(())
    });
    // BuildKit ends them once it notices that nobody waits, and other builds may keep it busy.
    wait_for("the task's processes gone", Duration::from_secs(30), || {
        processes_with(marker).is_empty().then_some(())
    });
}
