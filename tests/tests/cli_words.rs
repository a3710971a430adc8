//! What is printed, to whom, and how commands find what they are about.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use headstart_tests::{Home, Repository, docker, wait_for};
use serde_json::json;

#[test]
fn a_reader_that_goes_away_is_no_reason_to_panic() {
    let home = Home::new();
    let repo = Repository::with_task("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done");
    for number in 0..300 {
        repo.git(&["commit", "-q", "--allow-empty", "-m", &format!("commit {number}")]);
    }
    home.add(&repo.path);
    let id = home.build(&[])["id"].as_str().unwrap().to_owned();
    for arguments in [
        vec!["graph", "--limit", "1000"],
        vec!["graph", "--json"],
        vec!["builds", "logs", &id],
        vec!["builds", "list", "--json"],
        vec!["--help"],
        vec!["completions", "bash"],
    ] {
        let mut command = home.command(&arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 16];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr, "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_build_goes_on_when_nobody_reads_about_it() {
    let home = Home::new();
    let repo = Repository::with_task("echo begun; sleep 0.5; echo over");
    home.add(&repo.path);
    let mut child = home.command(&["build"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 4];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(home.builds()[0]["status"], "succeeded");
}

#[test]
fn hostile_names_messages_and_logs_reach_no_terminal() {
    let home = Home::new();
    let repo = Repository::empty();
    repo.task("printf '\\033]0;title\\007\\033[2Jcleared\\n'; printf '\\033[31mred\\033[0m\\n'");
    repo.write("a", "1\n");
    repo.git(&["checkout", "-q", "-b", "b\u{202e}idi\u{9b}2J"]);
    repo.commit("subject with \u{1b}[2J\u{1b}]0;title\u{7} and \u{202e}bidi");
    home.add(&repo.path);
    let id = home.build(&[])["id"].as_str().unwrap().to_owned();
    for arguments in [
        vec!["plan"],
        vec!["explain"],
        vec!["graph"],
        vec!["builds", "list"],
        vec!["builds", "show", &id],
        vec!["builds", "logs", &id],
        vec!["watch", &id],
        vec!["project", "list"],
        vec!["commit", "show"],
        vec!["commits", "search", "subject"],
        vec!["inbox"],
        vec!["graph", "--json"],
        vec!["builds", "show", &id, "--json"],
        vec!["builds", "logs", &id, "--json"],
    ] {
        let text = home.run(&arguments).ok().stdout;
        let hostile = |c: &char| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c);
        assert_eq!(text.chars().find(hostile), None, "{arguments:?}: {text:?}");
    }
    let log = home.log(&id);
    assert!(
        log.contains("red") && !log.contains("[31m"),
        "colours are for terminals: {log}"
    );
    let json = home.run(&["builds", "logs", &id, "--json"]).ok().stdout;
    assert!(
        json.contains("\\u001b[31mred"),
        "programs get what is there: {json}"
    );
}

#[test]
fn projects_are_found_by_folder_name_id_and_path() {
    let home = Home::new();
    let (one, other) = (Repository::with_task("true"), Repository::with_task("true"));
    let first = home.add(&one.path);
    assert_eq!(
        home.add(&one.path)["id"],
        first["id"],
        "adding it again changes nothing"
    );
    assert_eq!(
        home.json(&["plan"])["commit"],
        one.head().as_str(),
        "the only one"
    );
    home.add(other.path.join(".gitpod.yml"));
    let error = home.run(&["plan", "--json"]).exits(2).error();
    assert_eq!(
        error["code"], "bad_request",
        "two of them, and none is meant: {error}"
    );

    one.write("deep/er/file", "x\n");
    one.commit("with a folder");
    let here = home
        .run_in(&one.path.join("deep/er"), &["plan", "--json"])
        .ok()
        .json();
    assert_eq!(
        here["commit"],
        one.head().as_str(),
        "the one around the current folder"
    );
    let id = first["id"].as_str().unwrap();
    for wanted in [
        &one.name,
        id,
        &id[..5],
        one.arg(),
        one.path.join("deep").to_str().unwrap(),
    ] {
        assert_eq!(
            home.json(&["plan", "--project", wanted])["commit"],
            one.head().as_str(),
            "{wanted}"
        );
    }
    home.run(&["plan", "--project", "no such"]).exits(2);

    let plan = home.json(&["plan", "-p", id, "--recipe", ".gitpod.yml", "--stack", "local"]);
    assert_eq!(
        (&plan["recipe"], &plan["stack"]),
        (&json!(".gitpod.yml"), &json!("local"))
    );
    let run = home.run(&["plan", "-p", id, "--recipe", "compose.yml"]).exits(2);
    assert!(
        run.stderr.contains("it is built by .gitpod.yml"),
        "{}",
        run.stderr
    );
    home.run(&["plan", "-p", id, "--stack", "cloud"]).exits(2);
}

#[test]
fn settings_are_checked_and_kept() {
    let home = Home::new();
    assert_eq!(home.json(&["settings", "get", "concurrency"]), json!(1));
    home.run(&["settings", "set", "concurrency", "3"]).ok();
    assert_eq!(home.run(&["settings", "get", "concurrency"]).ok().stdout, "3\n");
    home.run(&["settings", "set", "notifications.quiet_from", "22"])
        .ok();
    home.run(&["settings", "set", "default_image", "debian:12"]).ok();
    let all = home.json(&["settings", "get"]);
    assert_eq!(
        (&all["notifications"]["quiet_from"], &all["default_image"]),
        (&json!(22), &json!("debian:12"))
    );
    for (key, value) in [
        ("concurrency", "0"),
        ("concurrency", "many"),
        ("nonsense", "1"),
        ("notifications", "1"),
        ("theme", "pink"),
    ] {
        let run = home.run(&["settings", "set", key, value]).exits(2);
        assert!(run.stderr.starts_with("error: "), "{key} {value}: {}", run.stderr);
    }
    assert_eq!(
        home.json(&["settings", "get"]),
        all,
        "nothing was changed by these"
    );
}

#[test]
fn bad_usage_exits_with_2_and_help_with_0() {
    let home = Home::new();
    home.run(&["plan", "--commmit", "x"]).exits(2);
    home.run(&["plan", "--full", "--base", "ab"]).exits(2);
    home.run(&[]).exits(2);
    let error = home.run(&["plan", "--commmit", "x", "--json"]).exits(2).error();
    assert_eq!(error["code"], "bad_request");
    let help = home.run(&["build", "--help"]).ok().stdout;
    assert!(
        help.contains("Examples:") && help.contains("--no-cache"),
        "{help}"
    );
    home.run(&["completions", "zsh"]).ok();
    let error = home.run(&["plan", "--json"]).exits(2).error();
    assert!(error["hint"].as_str().unwrap().contains("project add"), "{error}");
}

#[test]
fn a_newer_catalogue_is_refused_in_a_sentence() {
    let home = Home::new();
    home.run(&["project", "list"]).ok();
    let database = home.path().join("catalogue.db");
    // The schema's number stands in the header of the file, at byte 60.
    let wal = home.path().join("catalogue.db-wal");
    assert!(
        !wal.exists() || wal.metadata().unwrap().len() == 0,
        "the last process has tidied up"
    );
    let mut bytes = std::fs::read(&database).unwrap();
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    std::fs::write(&database, bytes).unwrap();
    let error = home.run(&["project", "list", "--json"]).exits(2).error();
    assert_eq!(error["code"], "newer_catalogue");
}

#[test]
fn a_command_runs_in_a_build_s_image() {
    let home = Home::new();
    let repo = Repository::with_task("echo result > made");
    home.add(&repo.path);
    let id = home.build(&[])["id"].as_str().unwrap().to_owned();
    assert_eq!(
        home.run(&["shell", &id[..8], "--", "cat", "made"]).ok().stdout,
        "result\n"
    );
    home.run(&["shell", &id, "--", "false"]).exits(1);

    let mut child = home
        .command(&["shell", &id, "--", "sh", "-c", "echo up; sleep 300"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
    let run = wait_for("the run in the list", Duration::from_secs(5), || {
        let runs = home.json(&["runs", "shells"]);
        let mut runs = runs.as_array().cloned().unwrap_or_default().into_iter();
        runs.find(|run| run["build"] == id.as_str())
    });
    assert_eq!(run["project_name"], repo.name.as_str());
    home.run(&["runs", "stop", &run["id"].as_str().unwrap()[..12]])
        .ok();
    assert!(!child.wait().unwrap().success());
    let label = format!("label=dev.headstart.run={id}");
    assert_eq!(
        docker(&["ps", "-aq", "--filter", &label]),
        "",
        "no container is left"
    );
}
