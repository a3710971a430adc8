//! Jobs of datum pipelines from the command line: attempts, limits, what commands are given, and how jobs end.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use std::time::Duration;

use headstart_tests::datum::{Pipelines, files, id, pfs, shell};
use headstart_tests::{long_nap, processes_with, wait_for};
use serde_json::{Value, json};

/// Adds fields to a spec's transform.
fn with(mut spec: Value, transform: Value) -> Value {
    for (name, value) in transform.as_object().unwrap() {
        spec["transform"][name] = value.clone();
    }
    spec
}

#[test]
fn a_datum_is_tried_as_often_as_asked_and_a_retry_does_only_what_is_missing() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("bad", "bad"), ("good", "good")]).ok();
    at.secret("switch", "state", "off");
    let script = "echo seeing $(ls /pfs/in)\n[ ! -e /pfs/in/bad ] || [ $STATE = on ] || exit 3\ncp /pfs/in/* /pfs/out/";
    let mut spec = with(
        shell("copy", script, pfs("in", "/*")),
        json!({ "secrets": [{ "name": "switch", "key": "state", "env_var": "STATE" }] }),
    );
    spec["datum_tries"] = json!(2);
    at.spec(&[spec]);
    let run = at.update(&[]).exits(1);
    assert!(run.stdout.contains("1 of 2 datums failed"), "{}", run.stdout);
    assert_eq!(at.counts("copy"), [1, 0, 1, 0]);
    let failed = id(&at.job("copy"));
    let log = at.log("copy");
    assert_eq!(log.matches("seeing bad").count(), 2, "{log}");
    assert!(
        log.contains("attempt 2 of 2: the command ended with exit code 3"),
        "{log}"
    );
    assert_eq!(log.matches("seeing good").count(), 1, "{log}");
    let listed = at.home.json(&["jobs", "datums", &failed, "--state", "failed"]);
    assert_eq!(listed["total"], 1);
    let datum = &listed["datums"][0];
    assert_eq!(
        (
            &datum["files"][0]["path"],
            &datum["attempts"],
            &datum["exit_code"]
        ),
        (&json!("/bad"), &json!(2), &json!(3))
    );
    let error = at.job("copy")["error"].as_str().unwrap().to_owned();
    assert!(error.contains("first /bad"), "{error}");
    at.home.run(&["data", "files", "copy"]).exits(2);

    at.secret("switch", "state", "on");
    at.home.run(&["jobs", "retry", &failed]).ok();
    assert_eq!(at.counts("copy"), [1, 1, 0, 0]);
    let log = at.log("copy");
    assert!(
        log.contains("seeing bad") && !log.contains("seeing good"),
        "{log}"
    );
    assert_eq!(at.files("copy"), files(&[("bad", "bad"), ("good", "good")]));
    assert_eq!(at.left_behind(), Vec::<String>::new());
}

#[test]
fn accepted_codes_succeed_and_rescued_datums_are_tried_again_by_the_next_job() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("bad", "bad"), ("good", "good")]).ok();
    let accepted = with(
        shell("accepted", "cp /pfs/in/* /pfs/out/; exit 7", pfs("in", "/*")),
        json!({ "accept_return_code": [7] }),
    );
    let rescued = with(
        shell(
            "rescued",
            "[ ! -e /pfs/in/bad ] || exit 3\ncp /pfs/in/* /pfs/out/",
            pfs("in", "/*"),
        ),
        json!({ "err_cmd": ["sh"], "err_stdin": ["echo rescuing $(ls /pfs/in)"] }),
    );
    let mut once = rescued.clone();
    once["datum_tries"] = json!(1);
    at.spec(&[accepted, once]);
    at.update(&[]).ok();
    assert_eq!(at.counts("accepted"), [2, 0, 0, 0]);
    assert_eq!(at.files("accepted").len(), 2);
    assert_eq!(at.counts("rescued"), [1, 0, 0, 1]);
    assert_eq!(at.files("rescued"), files(&[("good", "good")]));
    let log = at.log("rescued");
    assert!(
        log.contains("rescuing bad") && log.contains("err_cmd rescued it"),
        "{log}"
    );
    let states: Vec<Value> = at
        .datums("rescued")
        .iter()
        .map(|datum| datum["state"].clone())
        .collect();
    assert_eq!(states, ["processed", "rescued"], "the larger file comes first");

    at.put("in", &[("more", "more")]).ok();
    assert_eq!(
        at.counts("rescued"),
        [1, 1, 0, 1],
        "it is tried again, not skipped for ever"
    );
    assert_eq!(at.log("rescued").matches("rescuing bad").count(), 1);
    assert_eq!(at.left_behind(), Vec::<String>::new());
}

#[test]
fn what_takes_too_long_is_ended() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("a", "a")]).ok();
    let nap = long_nap();
    let script = format!("sleep {nap}");
    let mut datum = shell("datum", &script, pfs("in", "/*"));
    datum["datum_timeout"] = json!("1s");
    datum["datum_tries"] = json!(1);
    let mut job = shell("job", &script, pfs("in", "/*"));
    job["job_timeout"] = json!("2s");
    at.spec(&[datum, job]);
    at.update(&[]).exits(1);
    let error = |pipeline: &str| at.job(pipeline)["error"].as_str().unwrap().to_owned();
    assert!(
        error("datum").contains("longer than datum_timeout, 1"),
        "{}",
        error("datum")
    );
    assert!(
        error("job").contains("longer than job_timeout, 2"),
        "{}",
        error("job")
    );
    assert_eq!(at.left_behind(), Vec::<String>::new());
    assert_eq!(processes_with(&nap), Vec::<String>::new());
}

#[test]
fn a_command_gets_its_lines_variables_user_and_folder() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("a", "a")]).ok();
    let script = "{ id -u; pwd; echo \"$GREETING|$in|$PACH_JOB_ID\"; } >/pfs/out/all";
    let spec = with(
        shell("told", "# replaced", pfs("in", "/*")),
        json!({
            "stdin": [script, "echo second >>/pfs/out/all"],
            "env": { "GREETING": "it's $HOME" },
            "user": "nobody",
            "working_dir": "/var/tmp",
        }),
    );
    let words = with(
        shell("words", "", pfs("in", "/*")),
        json!({ "cmd": ["sh", "-c", "printf '<%s>' \"$@\" >/pfs/out/all; cat >>/pfs/out/all", "sh", "a b", "it's", "$HOME"], "stdin": [] }),
    );
    at.spec(&[spec, words]);
    at.update(&[]).ok();
    let job = id(&at.job("told"));
    let all = format!("65534\n/var/tmp\nit's $HOME|/pfs/in/a|{job}\nsecond\n");
    assert_eq!(at.files("told"), files(&[("all", &all)]));
    assert_eq!(at.files("words"), files(&[("all", "<a b><it's><$HOME>")]));
}

#[test]
fn secrets_reach_the_command_and_nothing_else() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("a", "a")]).ok();
    let (variable, file) = (
        headstart_tests::unique("hunter"),
        headstart_tests::unique("trustno"),
    );
    at.secret("login", "user", &variable);
    at.secret("login", "pass", &file);
    let script = "[ $LOGIN_USER = $(cat /etc/login/user) ] && wc -c </etc/login/pass >/pfs/out/size";
    let spec = with(
        shell("secret", script, pfs("in", "/*")),
        json!({ "secrets": [{ "name": "login", "key": "user", "env_var": "LOGIN_USER" }, { "name": "login", "mount_path": "/etc/login" }] }),
    );
    at.spec(&[spec]);
    let run = at.update(&["--json"]).ok();
    assert_eq!(
        at.files("secret"),
        files(&[("size", &format!("{}\n", file.len()))])
    );
    let job = id(&at.job("secret"));
    let shown = [
        run.stdout,
        run.stderr,
        at.home.run(&["jobs", "show", &job, "--json"]).ok().stdout,
        at.home
            .run(&["pipelines", "show", "secret", "--json"])
            .ok()
            .stdout,
        at.log("secret"),
    ];
    for value in [&variable, &file] {
        assert!(
            shown.iter().all(|text| !text.contains(value.as_str())),
            "{value} in {shown:?}"
        );
        assert_eq!(holding(at.home.path(), value), Vec::<String>::new());
    }
    // One that is missing is told before anything runs.
    std::fs::remove_dir_all(at.home.path().join("secrets")).unwrap();
    let run = at.update(&["--reprocess"]).exits(1);
    assert!(run.stdout.contains("there is no secret login"), "{}", run.stdout);
    assert_eq!(at.left_behind(), Vec::<String>::new());
}

/// Lists the files of a home that hold a text, without those that secrets lie in.
fn holding(home: &std::path::Path, text: &str) -> Vec<String> {
    let found = std::process::Command::new("grep")
        .args([
            "--recursive",
            "--files-with-matches",
            "--fixed-strings",
            "--exclude-dir=secrets",
            "-e",
            text,
        ])
        .arg(home)
        .output()
        .unwrap();
    String::from_utf8_lossy(&found.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn two_workers_share_the_datums_and_each_is_done_once() {
    let at = Pipelines::with(&["in"]);
    let names = ["a", "b", "c", "d", "e", "f"];
    let data: Vec<(&str, &str)> = names.iter().map(|name| (*name, *name)).collect();
    at.put("in", &data).ok();
    let script = "echo saw $(ls /pfs/in); sleep 0.3; hostname >/pfs/out/$(ls /pfs/in)";
    let mut spec = shell("two", script, pfs("in", "/*"));
    spec["parallelism_spec"] = json!({ "constant": 2 });
    at.spec(&[spec]);
    at.update(&[]).ok();
    assert_eq!(at.counts("two"), [6, 0, 0, 0]);
    let files = at.files("two");
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), names);
    let hosts: std::collections::BTreeSet<&String> = files.values().collect();
    assert_eq!(hosts.len(), 2, "{files:?}");
    assert_eq!(at.log("two").matches("saw ").count(), 6);
}

#[test]
fn a_cancelled_job_leaves_nothing_and_can_be_run_once_more() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("a", "aa"), ("b", "b")]).ok();
    at.secret("nap", "long", &long_nap());
    let script = "echo at work; [ -e /pfs/in/a ] || sleep $NAP; cp /pfs/in/* /pfs/out/";
    let spec = with(
        shell("slow", script, pfs("in", "/*")),
        json!({ "secrets": [{ "name": "nap", "key": "long", "env_var": "NAP" }] }),
    );
    let after = shell("after", "cp /pfs/slow/* /pfs/out/", pfs("slow", "/*"));
    at.spec(&[spec, after]);
    let file = at.path("spec.json").to_string_lossy().into_owned();
    for how in ["the command", "Ctrl-C", "SIGTERM"] {
        let mut running = at
            .home
            .start(&["update", "pipeline", "-f", &file, "--reprocess", "--json"]);
        let mut seen = 0;
        running.until(|event| {
            let lines = event["lines"].as_array()?;
            seen += lines.iter().filter(|line| line["text"] == "at work").count();
            (seen == 2).then_some(())
        });
        let job = id(&at.job("slow"));
        match how {
            "Ctrl-C" => running.signal("INT"),
            "SIGTERM" => running.signal("TERM"),
            _ => drop(at.home.run(&["jobs", "cancel", &job]).ok()),
        }
        assert_eq!(running.wait().code, 1, "{how}");
        assert_eq!(at.job("slow")["status"], "cancelled", "{how}");
        assert_ne!(at.job("after")["status"], "succeeded", "{how}");
        assert_eq!(at.left_behind(), Vec::<String>::new(), "{how}");
    }
    let unfinished = at.home.json(&["jobs", "list", "--status", "queued,running"]);
    assert_eq!(unfinished["total"], 0);
    at.secret("nap", "long", "0");
    at.home.run(&["jobs", "retry", &id(&at.job("slow"))]).ok();
    assert_eq!(at.files("after"), files(&[("a", "aa"), ("b", "b")]));
    assert_eq!(at.left_behind(), Vec::<String>::new());
}

#[test]
fn a_killed_process_leaves_no_container() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("a", "a")]).ok();
    at.spec(&[shell(
        "slow",
        &format!("echo at work; sleep {}", long_nap()),
        pfs("in", "/*"),
    )]);
    let file = at.path("spec.json").to_string_lossy().into_owned();
    let mut running = at.home.start(&["update", "pipeline", "-f", &file, "--json"]);
    running.until_log("at work");
    running.signal("KILL");
    drop(running.wait());
    wait_for("nothing left behind", Duration::from_secs(20), || {
        (at.job("slow")["status"] == "interrupted" && at.left_behind().is_empty()).then_some(())
    });
}

#[test]
fn inputs_are_combined_as_their_spec_says() {
    let at = Pipelines::with(&["a", "b", "c", "d"]);
    for repo in ["a", "b", "c", "d"] {
        at.put(
            repo,
            &[("x-1", &format!("{repo}1\n")), ("y-2", &format!("{repo}2\n"))],
        )
        .ok();
    }
    let named = |repo: &str, more: Value| {
        let mut input = pfs(repo, "/(*)-(*)");
        for (name, value) in more.as_object().unwrap() {
            input["pfs"][name] = value.clone();
        }
        input
    };
    let all: Vec<Value> = ["a", "b", "c", "d"]
        .iter()
        .map(|repo| named(repo, json!({ "name": "in" })))
        .collect();
    let joined = [
        named("a", json!({ "join_on": "$1" })),
        named("b", json!({ "join_on": "$1" })),
    ];
    let grouped = [
        named("a", json!({ "group_by": "$2" })),
        named("b", json!({ "group_by": "$2" })),
    ];
    let merge = "cat /pfs/a/* /pfs/b/* | tr '\\n' ' ' >/pfs/out/$(cat /pfs/a/* /pfs/b/* | tr -d '\\n')";
    at.spec(&[
        shell("union", "cp /pfs/in/* /pfs/out/", json!({ "union": all })),
        shell(
            "cross",
            merge,
            json!({ "cross": [pfs("a", "/*"), pfs("b", "/*")] }),
        ),
        shell("join", merge, json!({ "join": joined })),
        shell("group", merge, json!({ "group": grouped })),
    ]);
    at.update(&[]).ok();
    // The same path from several datums is put together, in the order of the datums.
    assert_eq!(
        at.files("union"),
        files(&[("x-1", "a1\nb1\nc1\nd1\n"), ("y-2", "a2\nb2\nc2\nd2\n")])
    );
    assert_eq!(
        at.files("cross"),
        files(&[
            ("a1b1", "a1 b1 "),
            ("a1b2", "a1 b2 "),
            ("a2b1", "a2 b1 "),
            ("a2b2", "a2 b2 ")
        ])
    );
    let pairs = files(&[("a1b1", "a1 b1 "), ("a2b2", "a2 b2 ")]);
    assert_eq!(at.files("join"), pairs);
    assert_eq!(at.files("group"), pairs);
    assert_eq!(at.left_behind(), Vec::<String>::new());
}

#[test]
fn a_clock_ticks_on_request() {
    let at = Pipelines::with(&[]);
    let spec = shell(
        "clock",
        "ls /pfs/tick >/pfs/out/ticks",
        json!({ "cron": { "name": "tick", "spec": "@yearly" } }),
    );
    at.spec(&[spec]);
    at.update(&[]).ok();
    at.home.run(&["pipelines", "tick", "clock"]).ok();
    assert_eq!(at.counts("clock"), [1, 0, 0, 0]);
    let ticks: Vec<String> = at.files("clock_tick").into_keys().collect();
    assert_eq!(at.files("clock")["ticks"], format!("{}\n", ticks.join("\n")));
    let mut spec = shell("none", "true", pfs("clock", "/*"));
    spec["pipeline"]["name"] = json!("none");
    at.spec(&[spec]);
    at.update(&[]).ok();
    let run = at.home.run(&["pipelines", "tick", "none"]).exits(2);
    assert!(run.stderr.contains("has no cron input"), "{}", run.stderr);
}

#[test]
fn a_trigger_waits_until_there_is_enough_that_is_new() {
    let at = Pipelines::with(&["in"]);
    let input = json!({ "pfs": { "repo": "in", "glob": "/*", "trigger": { "commits": 2 } } });
    at.spec(&[shell("batches", "cp /pfs/in/* /pfs/out/", input)]);
    at.update(&[]).ok();
    at.put("in", &[("one", "1")]).ok();
    let jobs = || at.home.json(&["jobs", "list", "--pipeline", "batches"])["total"].clone();
    assert_eq!(jobs(), 0, "one commit is not enough");
    at.put("in", &[("two", "2")]).ok();
    assert_eq!(jobs(), 1, "two are");
    assert_eq!(at.counts("batches"), [2, 0, 0, 0]);
    at.put("in", &[("three", "3")]).ok();
    assert_eq!(jobs(), 1, "and the count begins anew");
}

#[test]
fn equal_datums_are_processed_once_and_have_one_output() {
    let at = Pipelines::with(&["in"]);
    at.put("in", &[("bad", "bad"), ("good", "good")]).ok();
    let twice = json!({ "union": [pfs("in", "/*"), pfs("in", "/*")] });
    let script = "[ ! -e /pfs/in/bad ] || exit 1\ncat /pfs/in/* >/pfs/out/all";
    let spec = with(shell("once", script, twice), json!({ "err_cmd": ["true"] }));
    at.spec(&[spec]);
    at.update(&[]).ok();
    assert_eq!(
        at.files("once"),
        files(&[("all", "good")]),
        "one output, and none of what was rescued"
    );
}
