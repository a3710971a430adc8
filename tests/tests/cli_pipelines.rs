//! Pipelines from the command line: what is built, what is reused and why, and whose code runs.

use headstart_tests::pipeline::PipelineRepository;
use headstart_tests::{BUSYBOX, Home, docker, has_image, registry, unique};
use serde_json::{Value, json};

fn reason(plan: &Value) -> String {
    plan["reason"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn todays_code_runs_in_yesterdays_image() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    let project = home.add(&repo.path);
    assert_eq!(project["dialect"], "pipeline");
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "full", "{plan}");
    let targets = plan["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 1, "both steps have the same settings: {plan}");
    assert_eq!(targets[0]["steps"], json!(["prepare", "train"]));
    assert_eq!(targets[0]["includes_code"], false);
    assert!(
        targets[0]["dockerfile"].as_str().unwrap().contains("ONCE"),
        "{plan}"
    );
    let steps = plan["pipeline"]["steps"].as_array().unwrap();
    assert!(
        steps.iter().all(|step| step["delivery"] == "artifact_store"),
        "{plan}"
    );

    let first = home.pipeline(&[]);
    assert_eq!(first["reused"], false);
    assert_eq!(first["status"], "succeeded");
    assert_eq!(first["commit"], repo.head().as_str());
    assert!(first["first_output_ms"].as_u64().is_some());
    let log = home.run_log(&first);
    assert!(
        log.contains("prepare says one") && log.contains("train says one"),
        "{log}"
    );
    let built = home.show(first["build"].as_str().unwrap());
    assert_eq!(built["contains_code"], false);
    assert_eq!(built["pipeline"], first["pipeline"]);

    repo.write("text", "two\n");
    let dirty = home.pipeline(&[]);
    assert_eq!(dirty["reused"], true, "the image does not contain the code");
    assert_eq!(dirty["build"], first["build"]);
    assert_eq!(
        dirty["commit"],
        Value::Null,
        "nobody gets exactly this code back from git"
    );
    assert_eq!(dirty["base_commit"], repo.head().as_str());
    assert!(home.run_log(&dirty).contains("train says two"));

    let committed = repo.commit("second");
    let clean = home.pipeline(&[]);
    assert_eq!(clean["commit"], committed.as_str());
    let inbox = home.json(&["inbox"]);
    let newest = &inbox.as_array().unwrap_or_else(|| panic!("{inbox}"))[0];
    assert_eq!(newest["run"], clean["id"], "{inbox}");
    assert!(
        newest["body"]
            .as_str()
            .unwrap()
            .contains("nothing had to be built"),
        "{inbox}"
    );
    assert_eq!(clean["build"], first["build"]);
    assert_eq!(
        clean["archive"], dirty["archive"],
        "the same code is the same archive"
    );
    assert_ne!(clean["archive"], first["archive"]);

    let old = home.pipeline(&["--commit", "HEAD~1"]);
    assert!(
        home.run_log(&old).contains("train says one"),
        "that commit's code runs"
    );
    assert_eq!(home.builds().len(), 1, "one build for all of them");

    let listed = home.json(&["runs", "list"]);
    assert_eq!(listed["total"], 4);
    assert_eq!(listed["runs"][0]["id"], old["id"]);
    let beginning = format!("startswith:{}", &repo.name[..6]);
    let some = home.json(&["runs", "list", "--pipeline", &beginning, "--status", "succeeded"]);
    assert_eq!(some["total"], 4);
    let id = old["id"].as_str().unwrap();
    home.run(&["runs", "delete", &id[..8]]).ok();
    assert_eq!(home.json(&["runs", "list"])["total"], 3);
}

#[test]
fn what_matters_rebuilds_and_says_so() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    home.add(&repo.path);
    home.build(&[]);
    let reused = |why: &str| {
        let plan = home.json(&["plan", "--dirty"]);
        assert_eq!(plan["decision"], "reuse", "{why}: {plan}");
    };
    let rebuilt = |why: &str, field: &str| {
        let plan = home.json(&["plan", "--dirty"]);
        assert_eq!(plan["decision"], "full", "{why}: {plan}");
        let said = reason(&plan);
        assert!(said.contains(field), "{why}: {said}");
        let failed: Vec<&Value> = plan["candidates"][0]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|condition| condition["holds"] == false)
            .collect();
        assert!(!failed.is_empty(), "{why}: {plan}");
        assert!(
            failed.iter().all(|one| one["expected"] != one["actual"]),
            "{failed:?}"
        );
    };
    reused("nothing changed");
    repo.write("text", "changed\n");
    reused("code");
    repo.write(
        "run.yaml",
        std::fs::read_to_string(repo.path.join("run.yaml")).unwrap() + "# a comment\n",
    );
    reused("white space and comments of the config");
    let two = [("prepare", ""), ("train", "")];
    repo.config("requirements: [six==1.16.0]", &two);
    rebuilt("a requirement", "requirements");
    repo.config("apt_packages: [git]", &two);
    rebuilt("an apt package", "apt");
    repo.config("user: nobody", &two);
    rebuilt("the user", "user");
    let other = unique("headstart-sample/other");
    docker(&["tag", BUSYBOX, &other]);
    repo.config(&format!("parent_image: {other}"), &two);
    rebuilt("another parent image", "parent_image");
    docker(&["rmi", &other]);
    repo.config("", &two);
    reused("all is as it was");
    home.run(&["stacks", "save", "far", "--registry", &registry::registry()])
        .ok();
    let plan = home.json(&["plan", "--dirty", "--stack", "far"]);
    assert_eq!(plan["decision"], "full", "{plan}");
    assert!(reason(&plan).contains("images go to the registry"), "{plan}");
    // Settings of one step are its own.
    repo.config(
        "",
        &[
            ("prepare", ""),
            ("train", "settings:\n  docker:\n    environment: {MORE: '1'}"),
        ],
    );
    let plan = home.json(&["plan", "--dirty"]);
    let decisions: Vec<(&str, &str)> = plan["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["decision"].as_str().unwrap()))
        .collect();
    assert_eq!(
        decisions,
        [("orchestrator", "reuse"), ("train.orchestrator", "full")],
        "{plan}"
    );
}

#[test]
fn a_parent_image_that_moved_and_files_of_a_dockerfile_count() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    home.add(&repo.path);
    let two = [("prepare", "")];
    let tag = unique("headstart-sample/moving");
    docker(&["tag", BUSYBOX, &tag]);
    repo.config(&format!("parent_image: {tag}"), &two);
    repo.commit("a moving parent");
    home.build(&[]);
    assert_eq!(home.json(&["plan"])["decision"], "reuse");
    let moved = repo.beside("moved");
    std::fs::create_dir_all(&moved).unwrap();
    std::fs::write(
        moved.join("Dockerfile"),
        format!("FROM {BUSYBOX}\nRUN echo {tag} > /moved\n"),
    )
    .unwrap();
    docker(&["build", "-q", "-t", &tag, moved.to_str().unwrap()]);
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "full");
    assert!(reason(&plan).contains("parent"), "{plan}");
    docker(&["rmi", "-f", &tag]);

    repo.write("docker/Dockerfile", format!("FROM {BUSYBOX}\nCOPY tool /tool\n"));
    repo.write("docker/tool", "a tool\n");
    repo.write("docker/notes", "nobody copies this\n");
    repo.write("docker/.dockerignore", "notes\n");
    repo.config("dockerfile: docker/Dockerfile\nbuild_context_root: docker", &two);
    repo.commit("a dockerfile");
    let first = home.pipeline(&[]);
    repo.write("docker/notes", "changed\n");
    assert_eq!(
        home.json(&["plan", "--dirty"])["decision"],
        "reuse",
        "it is ignored"
    );
    repo.write("docker/tool", "another tool\n");
    let plan = home.json(&["plan", "--dirty"]);
    assert_eq!(plan["decision"], "full", "the context counts: {plan}");
    repo.write("docker/tool", "a tool\n");
    repo.write("docker/.dockerignore", "nothing\n");
    let plan = home.json(&["plan", "--dirty"]);
    assert_eq!(plan["decision"], "full", "ignore rules count: {plan}");
    repo.write("docker/.dockerignore", "notes\n");
    repo.write("docker/Dockerfile", format!("FROM {BUSYBOX}\nCOPY tool /other\n"));
    let plan = home.json(&["plan", "--dirty"]);
    assert!(reason(&plan).contains("Dockerfile"), "{plan}");
    assert_eq!(home.show(first["build"].as_str().unwrap())["status"], "succeeded");
}

#[test]
fn two_clones_share_one_build() {
    let one = PipelineRepository::shell();
    let home = Home::new();
    home.add(&one.path);
    let built = home.build(&[]);
    let other = PipelineRepository::clone_of(&one, "somewhere else");
    std::process::Command::new("chmod")
        .args(["-R", "go-rwx", other.arg()])
        .status()
        .unwrap();
    home.add(&other.path);
    let run = home.pipeline(&["--project", other.arg()]);
    assert_eq!(run["build"], built["id"]);
    assert_eq!(run["reused"], true);
    let mine = home.pipeline(&["--project", one.arg()]);
    assert_eq!(
        mine["archive"], run["archive"],
        "and the same code is the same archive"
    );
}

#[test]
fn code_inside_the_image_is_part_of_its_keys() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    home.add(&repo.path);
    let only = "allow_download_from_code_repository: false\nallow_download_from_artifact_store: false";
    repo.config(only, &[("train", "")]);
    repo.write(".dockerignore", "notes\n");
    repo.write("notes", "not in the image\n");
    repo.commit("code inside");
    let plan = home.json(&["plan"]);
    assert_eq!(plan["pipeline"]["steps"][0]["delivery"], "included", "{plan}");
    assert_eq!(plan["targets"][0]["includes_code"], true);
    let first = home.pipeline(&[]);
    assert!(home.run_log(&first).contains("train says one"));
    assert_eq!(home.show(first["build"].as_str().unwrap())["contains_code"], true);
    repo.write("notes", "changed\n");
    assert_eq!(home.json(&["plan", "--dirty"])["decision"], "reuse");
    repo.write("text", "two\n");
    let second = home.pipeline(&[]);
    assert_eq!(second["reused"], false);
    assert!(home.run_log(&second).contains("train says two"));
    let with = home.json(&["builds", "list", "--contains-code", "true"]);
    assert_eq!(with["total"], 2);
    assert_eq!(
        home.json(&["builds", "list", "--contains-code", "false"])["total"],
        0
    );

    let none = format!("{only}\nallow_including_files_in_images: false");
    repo.config(&none, &[("train", "command: [echo, hello]")]);
    let bare = home.pipeline(&[]);
    assert_eq!(bare["steps"][0]["delivery"], "none");
    assert!(home.run_log(&bare).contains("hello"));
}

#[test]
fn a_build_can_be_named_by_id_or_file() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    home.add(&repo.path);
    let first = home.build(&[]);
    let id = first["id"].as_str().unwrap();
    repo.config("user: nobody", &[("prepare", ""), ("train", "")]);
    repo.commit("another user");
    let run = home.pipeline(&["--build", &id[..8]]);
    assert_eq!(run["build"], id, "{run}");
    assert_eq!(run["reused"], true);
    let warned = run["warnings"].to_string();
    assert!(
        warned.contains("has changed since the build: orchestrator"),
        "{warned}"
    );
    home.run(&["plan", "--build", "ffffffff"]).exits(2);

    let reference = first["images"][0]["reference"].as_str().unwrap();
    repo.write("build.yaml", format!("images:\n  orchestrator: {reference}\n"));
    let file = repo.path.join("build.yaml");
    let by_file = home.pipeline(&["--build", file.to_str().unwrap()]);
    assert_ne!(by_file["build"], id, "a file describes a new build");
    let described = home.show(by_file["build"].as_str().unwrap());
    assert_eq!(described["images"][0]["digest"], first["images"][0]["digest"]);

    repo.write("build.yaml", format!("images:\n  wrong: {reference}\n"));
    let error = home
        .try_pipeline(&["--build", file.to_str().unwrap()])
        .exits(2)
        .error();
    assert!(
        error["message"].as_str().unwrap().contains("orchestrator"),
        "{error}"
    );
}

#[test]
fn a_step_that_fails_ends_the_run_and_leaves_nothing() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    home.add(&repo.path);
    repo.config(
        "",
        &[
            ("good", ""),
            ("bad", "command: [sh, -c, 'echo oh no >&2; exit 7']"),
            ("after", ""),
        ],
    );
    repo.commit("fails");
    let run = home.try_pipeline(&[]).exits(1).last_json();
    assert_eq!(run["status"], "failed");
    let statuses: Vec<&str> = run["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["done", "failed", "pending"]);
    assert_eq!(run["steps"][1]["exit_code"], 7);
    assert!(run["error"].as_str().unwrap().contains("bad"), "{run}");
    assert!(home.run_log(&run).contains("oh no"));
    assert_eq!(
        PipelineRepository::leftovers(run["id"].as_str().unwrap()),
        [""; 0]
    );
    // What one step leaves in the run's folder the next one finds.
    let handed = [
        ("one", "command: [sh, -c, 'echo handed > $HEADSTART_RUN_DIR/it']"),
        (
            "two",
            "parameters: {word: on}\ncommand: [sh, -c, 'cat $HEADSTART_RUN_DIR/it; echo $HEADSTART_PARAMETER_WORD']",
        ),
    ];
    repo.config("", &handed);
    let run = home.pipeline(&["--param", "word=over"]);
    let log = home.run_log(&run);
    assert!(log.contains("handed") && log.contains("over"), "{log}");
}

#[test]
fn a_cancelled_run_leaves_nothing_and_is_no_failure() {
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
    headstart_tests::wait_for(
        "the step's first line",
        std::time::Duration::from_secs(60),
        || {
            let log = home.run(&["runs", "logs", &id]);
            log.stdout.contains("begun").then_some(())
        },
    );
    home.run(&["runs", "cancel", &id]).ok();
    let ended = headstart_tests::wait_for("the run's end", std::time::Duration::from_secs(30), || {
        let run = home.json(&["runs", "show", &id]);
        (run["status"] != "running").then_some(run)
    });
    assert_eq!(ended["status"], "cancelled");
    assert_eq!(ended["error"], Value::Null);
    assert_eq!(PipelineRepository::leftovers(&id), [""; 0]);
    home.run(&["runs", "cancel", &id]).exits(2);
}

#[test]
fn bad_configs_are_refused_with_their_place() {
    let repo = PipelineRepository::shell();
    let home = Home::new();
    home.add(&repo.path);
    repo.config("skip_build: true\nparent_image: ''", &[("train", "")]);
    home.run(&["plan", "--dirty"]).exits(2);
    repo.config("requirements: missing.txt", &[("train", "")]);
    let error = home.run(&["plan", "--dirty", "--json"]).exits(2).error();
    assert!(error.to_string().contains("missing.txt"), "{error}");
    repo.config("required_integrations: [nonsense]", &[("train", "")]);
    let error = home.run(&["plan", "--dirty", "--json"]).exits(2).error();
    assert!(error.to_string().contains("nonsense"), "{error}");
    repo.config(
        &format!("skip_build: true\nparent_image: {BUSYBOX}"),
        &[("train", "")],
    );
    let run = home.pipeline(&[]);
    assert_eq!(run["build"], Value::Null, "nothing is built");
    assert!(home.run_log(&run).contains("train says one"));
    assert!(has_image(BUSYBOX), "and the image is left alone");
}
