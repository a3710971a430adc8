//! Compose projects on machines that have nothing yet: another clone, another home, and an engine without a layer.

use std::process::Command;

use headstart_tests::compose::{ComposeRepository, cached, page, target};
use headstart_tests::second_engine::{CONTEXT, SecondEngine};
use headstart_tests::{BUSYBOX, Home, Repository, free_port, has_image, registry, unique};
use serde_json::{Value, json};

/// Two services with steps that no other build has run before.
fn two_services() -> ComposeRepository {
    let once = unique("once");
    let slow = format!(
        "FROM {BUSYBOX}\nRUN echo {once} > /made\nCOPY . /src\nRUN wc -c /src/page > /size # {once}\n"
    );
    let stages = format!(
        "FROM {BUSYBOX} AS tools\nRUN echo {once} > /tool\nFROM {BUSYBOX}\nCOPY --from=tools /tool /tool\n"
    );
    ComposeRepository::with(
        "services:\n  web:\n    build: ./web\n  api:\n    build: ./api\n",
        &[
            ("web/Dockerfile", &slow),
            ("web/page", "one\n"),
            ("api/Dockerfile", &stages),
        ],
    )
}

#[test]
fn a_second_machine_takes_every_step_from_the_registry() {
    let Some(engine) = SecondEngine::start() else {
        return;
    };
    engine.bring(BUSYBOX);
    let place = registry::registry();
    let repo = two_services();
    let first = Home::new();
    first.add(&repo.path);
    let built = first.build(&["--registry", &place]);

    let elsewhere = repo.beside("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let clone = elsewhere.join(&repo.name);
    repo.git(&["clone", "-q", repo.arg(), clone.to_str().unwrap()]);
    let clone = Repository::at(&clone);
    let second = engine.home();
    second.add(&clone.path);
    let builders = second.json(&["builders", "list"]);
    let own = builders
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == CONTEXT);
    assert_eq!(own.unwrap()["is_context"], true, "{builders}");

    let plan = second.json(&["plan", "--registry", &place]);
    assert_eq!(plan["decision"], "full", "this home knows of no build: {plan}");
    assert_eq!(
        target(&plan, "web")["reference"],
        built["images"][1]["reference"],
        "the same commit has the same name everywhere"
    );
    let error = second
        .run(&["build", "--builder", CONTEXT, "--json"])
        .exits(2)
        .error();
    assert!(
        error["message"].as_str().unwrap().contains("another engine"),
        "without a registry the images would be where nobody looks: {error}"
    );
    let again = second.build(&["--registry", &place, "--builder", CONTEXT]);
    for part in ["/made", "/size", "/tool"] {
        assert!(!cached(&built, part), "the first one worked: {built}");
        assert!(cached(&again, part), "nothing is run again: {again}");
    }
    assert_eq!(again["warnings"], json!([]), "{again}");
    assert_eq!(again["images"], built["images"], "and the images are the same");
}

#[test]
fn a_stack_with_a_docker_context_builds_and_runs_there() {
    let Some(engine) = SecondEngine::start() else {
        return;
    };
    engine.bring(BUSYBOX);
    let port = free_port();
    let repo = ComposeRepository::with(
        &format!("services:\n  web:\n    build: .\n    ports: [\"127.0.0.1:{port}:8080\"]\n    init: true\n"),
        &[
            (
                "Dockerfile",
                &format!(
                    "FROM {BUSYBOX}\nCOPY page /www/page\nCMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]\n"
                ),
            ),
            ("page", "far\n"),
        ],
    );
    let home = engine.home();
    home.add(&repo.path);
    home.json(&["stacks", "save", "far", "--context", CONTEXT]);
    home.run(&["stacks", "use", "far"]).ok();
    let checks = home.run(&["stacks", "check", "far"]).ok().stdout;
    assert!(
        checks.contains("answers") && checks.contains(&format!("builder {CONTEXT} ")),
        "the engine and the builder of the context: {checks}"
    );
    // A socket that nobody listens at.
    let dark = [
        "context",
        "create",
        "dark",
        "--docker",
        "host=unix:///does/not/exist.sock",
    ];
    let made = Command::new("docker")
        .args(dark)
        .env("DOCKER_CONFIG", engine.config())
        .output();
    assert!(
        made.is_ok_and(|output| output.status.success()),
        "a docker context"
    );
    home.json(&["stacks", "save", "dark", "--context", "dark"]);
    let run = home.run(&["stacks", "check", "dark"]).exits(3);
    assert!(
        run.stdout.contains("/does/not/exist.sock") && !run.stdout.contains("ready"),
        "its own engine is asked, not the usual one: {}",
        run.stdout
    );

    let done = home.run(&["up", "--json"]).ok().last_json();
    assert_eq!(done["deployment"]["stack"], "far", "{done}");
    assert_eq!(page(port, "/page"), "far");
    let image = format!("{}:latest", repo.image("web"));
    assert!(!has_image(&image), "the usual engine has nothing of it");
    assert!(engine.docker(&["images", "--quiet", &image]).len() > 3);
    assert_eq!(repo.containers(), [""; 0]);
    assert_eq!(home.json(&["plan"])["decision"], "reuse");
    assert_eq!(
        home.json(&["plan", "--stack", "local"])["decision"],
        "full",
        "it is not here"
    );
    assert!(home.run(&["ps"]).ok().stdout.contains(&repo.name));
    home.run(&["down"]).ok();
    assert_eq!(engine.docker(&["ps", "--all", "--quiet"]), "");
}

/// Work that takes its time, and leaves something to free.
const WORK: &str = "sleep 9 && head -c 1000000 /dev/urandom > /bulk";

#[test]
fn a_wiped_engine_takes_every_step_from_the_registry_and_is_much_faster_than_without() {
    let Some(engine) = SecondEngine::start() else {
        return;
    };
    engine.bring(BUSYBOX);
    let place = registry::registry();
    let once = unique("once");
    let repo = ComposeRepository::with(
        "services:\n  web:\n    build: .\n",
        &[(
            "Dockerfile",
            &format!("FROM {BUSYBOX}\nRUN {WORK} # {once}\nRUN {WORK}2 # {once}\n"),
        )],
    );
    let home = engine.home();
    home.add(&repo.path);
    home.json(&[
        "stacks",
        "save",
        "far",
        "--context",
        CONTEXT,
        "--registry",
        &place,
    ]);
    home.run(&["stacks", "use", "far"]).ok();
    let first = home.build(&[]);
    assert!(!cached(&first, "sleep"), "nothing was there: {first}");

    // Overhead is what varies on a busy machine, so a slow one gets another chance.
    let took = |build: &Value| build["duration_ms"].as_u64().unwrap_or_default();
    let mut again = Vec::new();
    while again.len() < 3 && again.iter().all(|again| *again * 5 > took(&first)) {
        wipe(&home, &engine);
        let build = home.build(&["--full"]);
        assert!(cached(&build, "sleep"), "every step is in the registry: {build}");
        assert!(build.to_string().contains("importing cache manifest"), "{build}");
        again.push(took(&build));
    }
    assert!(
        again.iter().any(|again| again * 5 <= took(&first)),
        "{again:?} ms with the cache, {} ms without",
        took(&first)
    );
}

/// Removes the images of an engine and prunes its builder, which says what it frees before and afterwards.
fn wipe(home: &Home, engine: &SecondEngine) {
    let images = engine.docker(&["images", "--quiet", "--filter", "reference=*/headstart-*"]);
    let mut remove = vec!["rmi", "--force"];
    remove.extend(images.lines());
    remove.dedup();
    if remove.len() > 2 {
        engine.docker(&remove);
    }
    let usage = || home.json(&["builders", "du", CONTEXT]);
    let before = usage();
    let bytes = |value: &Value, name: &str| value[name].as_u64().unwrap_or_default();
    let foretold = bytes(&before, "reclaimable_bytes");
    assert!(foretold > 2_000_000, "both steps can be freed: {before}");
    let said = home
        .run(&["builders", "prune", CONTEXT, "--all", "--dry-run"])
        .ok()
        .stdout;
    assert!(said.contains("would be freed"), "{said}");
    assert_eq!(
        usage()["total_bytes"],
        before["total_bytes"],
        "saying frees nothing"
    );

    let freed = home.json(&["builders", "prune", CONTEXT, "--all", "--yes"]);
    let freed = bytes(&freed, "freed_bytes");
    assert!(
        freed.abs_diff(foretold) * 20 <= foretold,
        "what was said is freed: {foretold}, {freed}"
    );
    assert_eq!(bytes(&usage(), "total_bytes"), 0, "nothing is left");
}
