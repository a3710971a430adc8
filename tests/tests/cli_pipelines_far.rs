//! Pipelines between machines: a colleague's build, code from a repository elsewhere, stores that are shared, images that
//! only a registry has, and a process that is gone.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use headstart_tests::pipeline::PipelineRepository;
use headstart_tests::second_engine::SecondEngine;
use headstart_tests::{BUSYBOX, Home, docker, free_port, has_image, registry, wait_for};
use serde_json::{Value, json};

/// The ways in which the steps of a plan or run get their code.
fn deliveries(steps: &Value) -> Vec<&str> {
    let steps = steps.as_array().unwrap();
    steps
        .iter()
        .map(|step| step["delivery"].as_str().unwrap())
        .collect()
}

fn planned(home: &Home, arguments: &[&str]) -> Value {
    home.json(&[&["plan"], arguments].concat())
}

fn save(home: &Home, name: &str, option: &str, value: &str) {
    home.json(&["stacks", "save", name, option, value]);
}

#[test]
fn two_people_with_one_registry_share_a_build() {
    let Some(engine) = SecondEngine::start() else {
        return;
    };
    engine.bring(BUSYBOX);
    let place = registry::registry();
    let mine = PipelineRepository::shell();
    let ada = Home::new();
    ada.add(&mine.path);
    save(&ada, "shared", "--registry", &place);
    let built = ada.build(&["--stack", "shared"]);
    let id = built["id"].as_str().unwrap();

    let theirs = PipelineRepository::clone_of(&mine, "a colleague");
    let ben = Home::new().with("DOCKER_HOST", engine.address());
    ben.add(&theirs.path);
    save(&ben, "shared", "--registry", &place);
    let plan = planned(&ben, &["--stack", "shared"]);
    assert_eq!(plan["decision"], "reuse", "{plan}");
    assert_eq!(plan["build"], id);
    assert_eq!(ben.builds(), [Value::Null; 0], "a plan writes nothing");
    for other in [
        format!("{place}/elsewhere"),
        place.replace("127.0.0.1", "localhost"),
    ] {
        save(&ben, "other", "--registry", &other);
        let plan = planned(&ben, &["--stack", "other"]);
        assert_eq!(plan["decision"], "full", "it is not in {other}: {plan}");
    }

    let said = ben.run(&["builds", "sync"]).ok().stdout;
    assert!(said.contains("no registry"), "{said}");
    ben.run(&["stacks", "use", "shared"]).ok();
    let first = ben.json(&["builds", "sync"]);
    assert_eq!(first["imported"], json!([id]), "{first}");
    let again = ben.json(&["builds", "sync"]);
    assert_eq!(
        (&again["imported"], &again["known"]),
        (&json!([]), &json!(1)),
        "{again}"
    );
    let imported = ben.show(id);
    assert!(!imported["producer"].as_str().unwrap().is_empty(), "{imported}");
    assert_eq!(imported["images"][0]["digest"], built["images"][0]["digest"]);

    let run = ben.pipeline(&[]);
    assert_eq!((&run["reused"], &run["build"]), (&json!(true), &json!(id)));
    let log = ben.run_log(&run);
    assert!(
        log.contains("pulling") && log.contains(built["images"][0]["digest"].as_str().unwrap()),
        "{log}"
    );
    assert!(log.contains("train says one"), "{log}");
    theirs.write("text", "theirs\n");
    let changed = ben.pipeline(&[]);
    let log = ben.run_log(&changed);
    assert!(
        log.contains("train says theirs") && !log.contains("pulling"),
        "{log}"
    );
    let all = ben.builds();
    assert_eq!(all.len(), 1, "nothing was built: {all:?}");
    assert_eq!(all[0]["id"], id);
    assert_eq!(
        engine.docker(&["ps", "--all", "--quiet"]),
        "",
        "nothing is left behind"
    );
}

#[test]
fn without_the_registry_a_plan_works_and_a_build_says_what_is_wrong() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    home.add(&repo.path);
    let away = format!("127.0.0.1:{}", free_port());
    save(&home, "away", "--registry", &away);
    let plan = planned(&home, &["--stack", "away"]);
    assert_eq!(plan["decision"], "full", "{plan}");
    let run = home.try_build(&["--stack", "away"]).exits(3);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains(&away), "{said}");
    let run = home.try_pipeline(&["--stack", "away"]);
    assert_ne!(run.code, 0);
    let record = run.last_json();
    assert_eq!(record["status"], "failed", "{record}");
    assert!(record["error"].as_str().unwrap().contains(&away), "{record}");
}

/// A pipeline whose remote is a bare repository beside it, where everything is pushed to.
fn pushed() -> (PipelineRepository, String) {
    let repo = PipelineRepository::shell();
    let far = repo.beside("far.git").to_string_lossy().into_owned();
    repo.git(&["init", "-q", "--bare", "-b", "main", &far]);
    repo.git(&["remote", "add", "origin", &far]);
    repo.git(&["push", "-q", "-u", "origin", "main"]);
    (repo, far)
}

#[test]
fn code_is_fetched_from_its_repository_and_never_taken_from_here() {
    let (repo, far) = pushed();
    let home = Home::new();
    home.add(&repo.path);
    home.json(&["repositories", "add", "app", &format!("file://{far}")]);
    let plan = planned(&home, &[]);
    assert_eq!(
        deliveries(&plan["pipeline"]["steps"]),
        ["code_repository"; 2],
        "{plan}"
    );
    let clean = home.pipeline(&[]);
    assert_eq!(deliveries(&clean["steps"]), ["code_repository"; 2]);
    assert_eq!(clean["repository"], "app");
    assert_eq!(clean["commit"], repo.head());
    let log = home.run_log(&clean);
    assert!(
        log.contains("from the repository app") && log.contains("train says one"),
        "{log}"
    );
    home.json(&["repositories", "remove", "app"]);
    home.json(&["repositories", "add", "app", &far]);

    // What lies here is not what runs.
    repo.write("text", "two\n");
    repo.commit("second");
    repo.git(&["push", "-q"]);
    std::fs::remove_file(repo.path.join("step.sh")).unwrap();
    repo.write("text", "dirty\n");
    let old = home.pipeline(&["--commit", "HEAD~1"]);
    assert_eq!(deliveries(&old["steps"]), ["code_repository"; 2]);
    assert!(home.run_log(&old).contains("train says one"));
    repo.git(&["checkout", "-q", "step.sh"]);

    let dirty = home.pipeline(&[]);
    assert_eq!(deliveries(&dirty["steps"]), ["artifact_store"; 2]);
    assert_eq!(
        (&dirty["repository"], &dirty["commit"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        dirty["warnings"].to_string().contains("uncommitted changes"),
        "{dirty}"
    );
    assert!(home.run_log(&dirty).contains("train says dirty"));

    repo.commit("not pushed");
    let unpushed = home.pipeline(&[]);
    assert_eq!(deliveries(&unpushed["steps"]), ["artifact_store"; 2]);
    assert!(
        unpushed["warnings"].to_string().contains("unpushed changes"),
        "{unpushed}"
    );
    assert_eq!(unpushed["commit"], repo.head(), "it is clean all the same");

    repo.git(&["checkout", "-q", "--detach", "HEAD~1"]);
    let detached = home.pipeline(&[]);
    assert_eq!(deliveries(&detached["steps"]), ["code_repository"; 2]);
    assert!(home.run_log(&detached).contains("train says two"));
    assert_eq!(home.builds().len(), 1, "one build for all of them");
}

#[test]
fn a_step_whose_code_can_come_from_a_repository_only_is_refused_until_it_can() {
    let (repo, far) = pushed();
    let home = Home::new();
    home.add(&repo.path);
    home.json(&["repositories", "add", "app", &far]);
    let only = "settings:\n  docker:\n    allow_including_files_in_images: false\n    \
        allow_download_from_artifact_store: false";
    repo.config("", &[("prepare", ""), ("train", only)]);
    repo.commit("only from the repository");
    let refused = |why: &str| {
        let error = home.try_pipeline(&[]).exits(2).error();
        let said = error.to_string();
        assert!(
            said.contains("can only come from a code repository") && said.contains(why),
            "{said}"
        );
        assert!(said.contains("commit and push"), "what to do: {said}");
        assert_eq!(home.json(&["runs", "list"])["total"], 0);
    };
    refused("unpushed");
    repo.git(&["push", "-q"]);
    repo.write("text", "dirty\n");
    refused("uncommitted");
    let plan = planned(&home, &["--dirty"]);
    assert!(plan["warnings"].to_string().contains("uncommitted"), "{plan}");
    repo.git(&["checkout", "-q", "text"]);
    let run = home.pipeline(&[]);
    assert_eq!(deliveries(&run["steps"]), ["code_repository"; 2]);
}

/// Lists the archives of a store.
fn archives(store: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(store.join("code")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn stacks_share_a_store_and_every_name_and_byte_arrives() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    repo.write("with space/and 'quotes'", "spaces\n");
    repo.write("naïve/日本.txt", "letters\n");
    repo.write("two\nlines", "newlines\n");
    repo.write("-rf", "an option\n");
    repo.write(
        "step.sh",
        "cat \"with space/and 'quotes'\" naïve/日本.txt 'two\nlines' ./-rf\n",
    );
    repo.commit("names");
    home.add(&repo.path);
    let store = repo.beside("a store");
    let folder = store.to_str().unwrap();
    save(&home, "one", "--artifact-store", folder);
    save(&home, "two", "--artifact-store", folder);
    let first = home.pipeline(&["--stack", "one"]);
    let log = home.run_log(&first);
    for word in ["spaces", "letters", "newlines", "an option"] {
        assert!(log.contains(word), "{word}: {log}");
    }
    let second = home.pipeline(&["--stack", "two"]);
    assert_eq!(first["archive"], second["archive"]);
    let kept = archives(&store);
    assert_eq!(kept.len(), 1, "{kept:?}");
    let content = std::fs::read(&kept[0]).unwrap();

    std::fs::write(&kept[0], "not an archive").unwrap();
    let third = home.pipeline(&["--stack", "two"]);
    assert!(home.run_log(&third).contains("newlines"));
    assert_eq!(archives(&store), kept);
    assert_eq!(std::fs::read(&kept[0]).unwrap(), content, "it was packed again");
}

#[test]
fn a_source_root_may_be_a_folder_of_a_repository() {
    let (repo, far) = pushed();
    std::fs::create_dir_all(repo.path.join("jobs/nightly")).unwrap();
    for file in ["run.yaml", "step.sh", "text"] {
        repo.git(&["mv", file, "jobs/nightly"]);
    }
    repo.write("text", "not of the job\n");
    repo.commit("a folder of its own");
    repo.git(&["push", "-q"]);
    let home = Home::new();
    home.add(repo.path.join("jobs/nightly"));
    let stored = home.pipeline(&[]);
    assert_eq!(deliveries(&stored["steps"]), ["artifact_store"; 2]);
    assert!(home.run_log(&stored).contains("train says one"));
    home.json(&["repositories", "add", "app", &far]);
    let fetched = home.pipeline(&[]);
    assert_eq!(deliveries(&fetched["steps"]), ["code_repository"; 2]);
    assert!(home.run_log(&fetched).contains("train says one"));
    assert_eq!(stored["archive"], fetched["archive"], "the same code");
}

#[test]
fn a_run_whose_process_was_killed_is_interrupted_and_cleared_away() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    home.add(&repo.path);
    repo.config("", &[("slow", "command: [sh, -c, 'echo begun; sleep 300']")]);
    repo.commit("slow");
    home.build(&[]);
    let mut running = home.start(&["run", "--json"]);
    let id = running.until(|event| {
        (event["type"] == "snapshot").then(|| event["run"]["id"].as_str().unwrap().to_owned())
    });
    running.until_log("begun");
    assert_ne!(PipelineRepository::leftovers(&id), [""; 0]);
    running.signal("KILL");
    running.wait();
    let listed = home.json(&["runs", "list"]);
    assert_eq!(listed["runs"][0]["status"], "interrupted", "{listed}");
    assert_eq!(listed["runs"][0]["steps"][0]["status"], "cancelled");
    wait_for("nothing to be left", Duration::from_secs(20), || {
        PipelineRepository::leftovers(&id).is_empty().then_some(())
    });
    let again = home.json(&["plan"]);
    assert_eq!(again["decision"], "reuse", "its build is as good as before");
}

#[test]
fn an_image_that_only_the_registry_has_is_pulled() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    let ready = format!("{}/headstart/{}:ready", registry::registry(), repo.name);
    docker(&["tag", BUSYBOX, &ready]);
    docker(&["push", "--quiet", &ready]);
    docker(&["rmi", &ready]);
    repo.config(
        &format!("skip_build: true\nparent_image: {ready}"),
        &[("train", "")],
    );
    repo.commit("a ready image");
    home.add(&repo.path);
    let plan = planned(&home, &[]);
    assert_eq!(plan["decision"], "reuse", "{plan}");
    assert!(!has_image(&ready), "a plan pulls nothing");
    let run = home.pipeline(&[]);
    let log = home.run_log(&run);
    assert!(log.contains("pulling") && log.contains("train says one"), "{log}");
}

#[test]
fn user_entrypoint_repository_and_forbidden_reuse_are_as_written() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    home.add(&repo.path);
    let settings =
        "user: nobody\nentrypoint: [sh, -c, 'echo entered; exec \"$@\"', entry]\nprevent_build_reuse: true";
    repo.config(settings, &[("who", "command: [sh, -c, 'id -un; touch written']")]);
    repo.commit("settings");
    let first = home.pipeline(&[]);
    let log = home.run_log(&first);
    assert!(log.contains("entered") && log.contains("nobody"), "{log}");
    let reference = home.show(first["build"].as_str().unwrap())["images"][0]["reference"].clone();
    let expected = format!("headstart/{}:", repo.name);
    assert!(reference.as_str().unwrap().starts_with(&expected), "{reference}");
    let plan = planned(&home, &[]);
    assert_eq!(plan["decision"], "full", "{plan}");
    assert!(plan.to_string().contains("prevent_build_reuse is set"), "{plan}");
    let second = home.pipeline(&[]);
    assert_ne!(first["build"], second["build"]);

    repo.config("apt_packages: [libgomp1]", &[("who", "")]);
    let plan = planned(&home, &["--dirty"]);
    let dockerfile = plan["targets"][0]["dockerfile"].as_str().unwrap();
    assert!(
        dockerfile.contains("apt-get") && dockerfile.contains("libgomp1"),
        "{dockerfile}"
    );
}
