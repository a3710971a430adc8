//! Compose projects from source to running containers: planned, built, pushed and deployed service by service.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use std::time::Duration;

use headstart_tests::compose::{ComposeRepository, cached, page, target};
use headstart_tests::{
    BUSYBOX, Home, free_port, has_image, in_image, long_nap, processes_with, registry, wait_for,
};
use serde_json::{Value, json};

/// A page that is served, something that works beside it, and an image that is used as it is.
fn three_services(port: u16) -> ComposeRepository {
    let compose = format!(
        "services:\n  web:\n    build: ./web\n    ports: [\"127.0.0.1:{port}:8080\"]\n    init: true\n    stop_grace_period: 1s\n  \
         worker:\n    build:\n      context: worker\n      args: {{LEVEL: debug}}\n    init: true\n    stop_grace_period: 1s\n  \
         cache:\n    image: {BUSYBOX}\n    command: sleep 1000\n    init: true\n    stop_grace_period: 1s\n"
    );
    let web = format!(
        "FROM {BUSYBOX}\nCOPY page /www/page\nCMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]\n"
    );
    let worker = format!(
        "FROM {BUSYBOX}\nARG LEVEL\nRUN echo $LEVEL > /level\nCOPY . /work\nCMD [\"sleep\", \"1000\"]\n"
    );
    ComposeRepository::with(
        &compose,
        &[
            ("web/Dockerfile", &web),
            ("web/page", "one\n"),
            ("worker/Dockerfile", &worker),
            ("worker/job", "1\n"),
        ],
    )
}

/// One service whose build does something worth caching.
fn one_service() -> ComposeRepository {
    let dockerfile =
        format!("FROM {BUSYBOX}\nRUN date +%s%N > /made\nCOPY . /src\nRUN wc -c /src/page > /size\n");
    ComposeRepository::with(
        "services:\n  web:\n    build: .\n    command: sleep 1000\n    init: true\n",
        &[("Dockerfile", &dockerfile), ("page", "one\n")],
    )
}

fn decisions(plan: &Value) -> Vec<(String, String)> {
    let targets = plan["targets"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    targets
        .iter()
        .map(|target| (text(&target["name"]), text(&target["decision"])))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    expected.iter().map(owned).collect()
}

/// Checks that a command is refused as bad usage, and returns what it says.
fn refused(home: &Home, arguments: &[&str]) -> String {
    let mut all = arguments.to_vec();
    all.push("--json");
    let error = home.run(&all).exits(2).error();
    assert_ne!(error["hint"], "", "a refusal says what to do: {error}");
    format!(
        "{} {}",
        error["message"].as_str().unwrap_or_default(),
        error["problems"]
    )
}

#[test]
fn services_are_brought_up_and_only_what_changed_is_built_and_started_again() {
    let home = Home::new();
    let port = free_port();
    let repo = three_services(port);
    let project = home.add(&repo.path);
    assert_eq!(project["dialect"], "compose");

    let plan = home.json(&["plan"]);
    assert_eq!(decisions(&plan), pairs(&[("web", "full"), ("worker", "full")]));
    let commit = repo.head();
    let tag = &commit[..12];
    let web = target(&plan, "web");
    assert_eq!(web["reference"], format!("{}:{tag}", repo.image("web")));
    assert_eq!(web["cache_to"], json!([]), "no registry, no cache in it");

    let up = home.run(&["up", "--json"]).ok();
    let done = up.last_json();
    assert_eq!(done["type"], "done", "{done}");
    let services = done["deployment"]["services"].as_array().unwrap();
    assert_eq!(services.len(), 3, "{done}");
    assert_eq!(services[1]["name"], "web");
    assert_eq!(services[1]["state"], "running");
    assert_eq!(services[1]["ports"][0]["url"], format!("http://localhost:{port}"));
    assert_eq!(page(port, "/page"), "one");
    assert_eq!(
        in_image(&format!("{}:latest", repo.image("worker")), "cat /level"),
        "debug"
    );
    let before = repo.containers();
    assert_eq!(before.len(), 3, "{before:?}");

    let runs = home.json(&["runs", "list"]).to_string();
    for container in services.iter().filter_map(|one| one["container"].as_str()) {
        assert!(!runs.contains(container), "deployments are no shells: {runs}");
    }

    let again = home.run(&["up", "--json"]).ok();
    assert!(
        !again.stdout.contains("\"snapshot\""),
        "nothing is built: {}",
        again.stdout
    );
    assert_eq!(repo.containers(), before, "nor started again");
    let said = home.run(&["up"]).ok().stdout;
    assert!(said.contains("all 2 images are built already"), "{said}");

    repo.write("web/page", "two\n");
    let second = repo.commit("another page");
    let plan = home.json(&["plan"]);
    assert_eq!(decisions(&plan), pairs(&[("web", "full"), ("worker", "reuse")]));
    assert!(
        target(&plan, "worker")["reason"]
            .as_str()
            .unwrap()
            .contains(&commit[..7]),
        "{plan}"
    );
    home.run(&["up"]).ok();
    let build = &home.builds()[0];
    assert_eq!(build["commit"], second.as_str());
    assert_eq!(
        build["images"].as_array().unwrap().len(),
        2,
        "the reused one belongs to it: {build}"
    );
    let after = repo.containers();
    assert_eq!(
        (&after[0], &after[2]),
        (&before[0], &before[2]),
        "what did not change runs on"
    );
    assert_ne!(after[1], before[1]);
    assert_eq!(page(port, "/page"), "two");

    let ps = home.json(&["ps"]);
    let mine = ps
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["compose_project"] == repo.name.as_str());
    let mine = mine.unwrap();
    assert_eq!(mine["commit"], second.as_str());
    assert_eq!(mine["project"], project["id"]);
    assert!(
        home.run(&["ps"])
            .ok()
            .stdout
            .contains(&format!("http://localhost:{port}"))
    );

    home.run(&["down"]).ok();
    assert_eq!(repo.containers(), [""; 0]);
    assert_eq!(repo.leftovers(), [""; 0], "networks go too");
    let ps = home.json(&["ps"]);
    assert!(!ps.to_string().contains(&repo.name), "{ps}");
    assert!(
        home.run(&["down"]).ok().stdout.contains("nothing"),
        "twice is no error"
    );
}

#[test]
fn one_service_can_be_brought_up_alone() {
    let home = Home::new();
    let repo = three_services(free_port());
    home.add(&repo.path);
    let done = home.run(&["up", "worker", "--json"]).ok().last_json();
    let services = done["deployment"]["services"].as_array().unwrap();
    assert_eq!(services.len(), 1, "{done}");
    assert_eq!(services[0]["name"], "worker");
    assert_eq!(
        decisions(&home.json(&["plan"])),
        pairs(&[("web", "full"), ("worker", "reuse")]),
        "the other one was not built"
    );
}

#[test]
fn a_registry_gets_images_and_a_cache_for_each_branch() {
    let home = Home::new();
    let place = registry::registry();
    let repo = one_service();
    home.add(&repo.path);
    let image = repo.image("web");
    let tag = repo.head()[..12].to_owned();
    let build = home.build(&["--registry", &place]);
    assert_eq!(build["images"][0]["reference"], format!("{place}/{image}:{tag}"));
    assert_eq!(build["warnings"], json!([]), "nothing went wrong with caches");
    let mut expected = [tag.as_str(), "buildcache", "latest"];
    expected.sort_unstable();
    assert_eq!(registry::tags(&image), expected);
    assert_eq!(
        registry::digest(&image, &tag).as_deref(),
        build["images"][0]["digest"].as_str(),
        "the record has what the registry has"
    );
    let cache = registry::manifest(&image, "buildcache");
    assert!(
        cache["config"]["mediaType"]
            .as_str()
            .unwrap()
            .contains("buildkit.cacheconfig"),
        "the cache is not an image: {cache}"
    );
    assert!(
        !registry::manifest(&image, "latest")
            .to_string()
            .contains("cacheconfig"),
        "and the image is no cache"
    );

    let of_main = registry::digest(&image, "buildcache");
    repo.git(&[
        "checkout",
        "-q",
        "-b",
        "feature/Blue Page".replace(' ', "_").as_str(),
    ]);
    repo.write("page", "blue\n");
    repo.commit("a blue page");
    let plan = home.json(&["plan", "--registry", &place]);
    let web = target(&plan, "web");
    let (to, from) = (web["cache_to"].to_string(), web["cache_from"].as_array().unwrap());
    assert!(to.contains(":buildcache-feature-Blue_Page"), "{to}");
    assert!(
        to.contains("ignore-error=true"),
        "a cache never fails a build: {to}"
    );
    assert!(
        from.last().unwrap().as_str().unwrap().ends_with(":buildcache"),
        "the default branch's is looked at last: {from:?}"
    );
    let build = home.build(&["--registry", &place]);
    assert_eq!(build["branch"], "feature/Blue_Page");
    assert!(
        cached(&build, "date"),
        "the layer before the change is cached: {build}"
    );
    let tags = registry::tags(&image);
    let own = tags
        .iter()
        .find(|tag| tag.starts_with("buildcache-feature-Blue_Page"));
    assert!(own.is_some(), "{tags:?}");
    assert_eq!(
        registry::digest(&image, "buildcache"),
        of_main,
        "a feature branch leaves the default branch's cache alone"
    );

    repo.remove_built();
    let plan = home.json(&["plan", "--registry", &place]);
    assert_eq!(plan["decision"], "reuse", "the registry has it: {plan}");
    assert_eq!(plan["engine_checked"], true);
    assert_eq!(home.build(&["--registry", &place])["outcome"], "reused");

    // What the registry lost is built again.
    registry::remove_repository(&image);
    let plan = home.json(&["plan", "--registry", &place]);
    assert_eq!(plan["decision"], "full", "{plan}");
    assert!(
        target(&plan, "web")["reason"].as_str().unwrap().contains("gone"),
        "{plan}"
    );
}

#[test]
fn images_of_an_engine_do_not_serve_a_registry_and_the_other_way_round() {
    let home = Home::new();
    let place = registry::registry();
    let repo = one_service();
    home.add(&repo.path);
    home.build(&[]);
    assert_eq!(home.json(&["plan"])["decision"], "reuse");
    assert_eq!(home.json(&["plan", "--registry", &place])["decision"], "full");
    home.build(&["--registry", &place, "--no-registry-cache"]);
    let tags = registry::tags(&repo.image("web"));
    assert!(!tags.iter().any(|tag| tag.contains("cache")), "{tags:?}");
    let other = format!("{place}/team");
    assert_eq!(
        home.json(&["plan", "--registry", &other])["decision"],
        "full",
        "another path is another place"
    );
    assert_eq!(home.json(&["plan", "--registry", &place])["decision"], "reuse");
}

#[test]
fn one_repository_can_have_all_images() {
    let home = Home::new();
    let place = registry::registry();
    let repo = three_services(free_port());
    home.add(&repo.path);
    let single = format!("{}-all", repo.image("x"));
    let build = home.build(&["--registry", &place, "--registry-single-name", &single]);
    let tag = &repo.head()[..12];
    let mut expected: Vec<String> = ["web", "worker"]
        .iter()
        .flat_map(|service| [tag, "buildcache", "latest"].map(|tag| format!("{}-{tag}", repo.image(service))))
        .collect();
    expected.sort();
    assert_eq!(registry::tags(&single), expected);
    assert_eq!(
        build["images"][0]["reference"],
        format!("{place}/{single}:{}-{tag}", repo.image("web"))
    );
}

#[test]
fn an_image_that_the_file_names_is_pushed_and_deployed_under_that_name() {
    let home = Home::new();
    let place = registry::registry();
    let repo = one_service();
    let own = format!("{}-own", repo.image("x"));
    let reference = format!("{place}/{own}:7");
    repo.write(
        "compose.yaml",
        format!("services:\n  web:\n    image: {reference}\n    build: .\n    command: sleep 1000\n    init: true\n"),
    );
    repo.commit("names its image");
    home.add(&repo.path);
    let done = home.run(&["up", "--registry", &place, "--json"]).ok().last_json();
    assert_eq!(done["deployment"]["services"][0]["image"], reference, "{done}");
    assert_eq!(registry::tags(&own), ["7"], "it was pushed");
    let tags = registry::tags(&repo.image("web"));
    assert!(
        tags.contains(&"latest".to_owned()),
        "the usual names are there too: {tags:?}"
    );
    home.run(&["down"]).ok();
    headstart_tests::docker(&["rmi", "--force", &reference]);
    registry::remove_repository(&own);
}

#[test]
fn uncommitted_changes_have_a_tag_of_their_own() {
    let home = Home::new();
    let repo = one_service();
    home.add(&repo.path);
    let commit = repo.head()[..12].to_owned();
    let reference = |arguments: &[&str]| {
        let plan = home.json(&[&["plan"], arguments].concat());
        target(&plan, "web")["reference"].as_str().unwrap().to_owned()
    };
    let clean = reference(&[]);
    assert!(clean.ends_with(&format!(":{commit}")), "{clean}");
    repo.write("page", "changed\n");
    assert_eq!(reference(&[]), clean, "a clean build reads no work tree");
    let first = reference(&["--dirty"]);
    assert!(first.contains(&format!(":{commit}-")), "{first}");
    repo.write("page", "changed again\n");
    let second = reference(&["--dirty"]);
    assert_ne!(first, second, "two edits are two images");
    repo.write("untracked", "x\n");
    let third = reference(&["--dirty"]);
    assert_ne!(
        third, second,
        "a file that git does not know yet may be copied too"
    );
    let build = home.build(&["--dirty"]);
    assert_eq!(build["images"][0]["reference"], third.as_str());
    assert_eq!(
        in_image(&third, "cat /src/page /src/untracked"),
        "changed again\nx"
    );
}

#[test]
fn what_cannot_be_built_or_named_is_refused_before_anything_starts() {
    let home = Home::new();
    let repo = three_services(free_port());
    home.add(&repo.path);
    let said = refused(&home, &["up", "nobody"]);
    assert!(said.contains("no service nobody"), "{said}");
    let said = refused(&home, &["up", "--no-build"]);
    assert!(
        said.contains("web") && said.contains("worker") && !said.contains("cache"),
        "{said}"
    );
    for (registry, word) in [
        ("me:secret@host", "user and password"),
        ("ubuntu:24.04", "image"),
        ("ghcr.io//Ä", "cannot stand"),
    ] {
        let said = refused(&home, &["plan", "--registry", registry]);
        assert!(said.contains(word), "{registry}: {said}");
        assert!(
            !said.contains("secret@"),
            "no message repeats credentials: {said}"
        );
    }
    let ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let said = refused(&home, &["plan", "--registry", ecr]);
    assert!(
        said.contains("needs the name of an existing repository"),
        "{said}"
    );
    let plan = home.json(&["plan", "--registry", ecr, "--registry-single-name", "apps"]);
    assert!(
        target(&plan, "web")["reference"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{ecr}/apps:headstart-")),
        "{plan}"
    );
    for flags in [
        &["--registry-single-name", "x"][..],
        &["--no-registry-cache"],
        &["--registry", "", "--registry-single-name", "x"],
        &["--registry", "", "--no-registry-cache"],
        &[
            "--registry",
            "ghcr.io",
            "--registry-single-name",
            "x",
            "--no-registry-single-name",
        ],
        &["--stack", "nothing"],
    ] {
        home.run(&[&["plan"], flags].concat()).exits(2);
    }
    assert_eq!(home.builds(), [Value::Null; 0], "nothing was started");
}

#[test]
fn two_services_with_one_name_are_refused() {
    let home = Home::new();
    let repo = ComposeRepository::with(
        "services:\n  Web:\n    build: .\n  web:\n    build: .\n",
        &[("Dockerfile", &format!("FROM {BUSYBOX}\n"))],
    );
    home.add(&repo.path);
    let said = refused(&home, &["plan"]);
    assert!(
        said.contains("service Web") && said.contains("service web"),
        "{said}"
    );
}

#[test]
fn without_a_build_the_files_own_images_are_deployed() {
    let home = Home::new();
    let repo = ComposeRepository::with(
        &format!(
            "services:\n  one:\n    image: {BUSYBOX}\n    build: .\n    command: sleep 1000\n    init: true\n"
        ),
        &[("Dockerfile", &format!("FROM {BUSYBOX}\nRUN exit 1\n"))],
    );
    home.add(&repo.path);
    let run = home.run(&["up", "--no-build", "--json"]).ok();
    assert_eq!(run.last_json()["deployment"]["services"][0]["image"], BUSYBOX);
    assert_eq!(home.builds(), [Value::Null; 0]);
    assert!(has_image(BUSYBOX), "the image stays");
    home.run(&["down"]).ok();
}

#[test]
fn a_cancelled_build_leaves_nothing() {
    let home = Home::new();
    let place = registry::registry();
    let nap = long_nap();
    let repo = ComposeRepository::with(
        "services:\n  web:\n    build: .\n  other:\n    build: .\n",
        &[(
            "Dockerfile",
            &format!("FROM {BUSYBOX}\nRUN echo begun && sleep {nap}\n"),
        )],
    );
    home.add(&repo.path);
    let (mut running, id) = home.start_build(&["--registry", &place]);
    running.until_log("begun");
    assert!(!processes_with(&nap).is_empty(), "it works");
    running.signal("INT");
    let run = running.wait().exits(1);
    assert_eq!(run.last_json()["status"], "cancelled");
    assert_eq!(home.show(&id)["status"], "cancelled", "cancelling is no failure");
    wait_for("the end of the work", Duration::from_secs(10), || {
        processes_with(&nap).is_empty().then_some(())
    });
    for service in ["web", "other"] {
        assert_eq!(registry::tags(&repo.image(service)), [""; 0]);
        assert!(!has_image(&format!("{place}/{}:latest", repo.image(service))));
    }
    let work = std::fs::read_dir(home.path().join("work")).unwrap();
    assert_eq!(work.count(), 0, "no folder of the build is left");
    assert_eq!(home.json(&["plan", "--registry", &place])["decision"], "full");

    // Bringing up ends with the build, too.
    let mut up = home.start(&["up", "--json"]);
    up.until_log("begun");
    up.signal("TERM");
    assert_ne!(up.wait().code, 0);
    assert_eq!(repo.containers(), [""; 0]);
    wait_for("the end of the work", Duration::from_secs(10), || {
        processes_with(&nap).is_empty().then_some(())
    });
}

#[test]
fn a_service_that_fails_fails_the_build_and_nothing_is_brought_up() {
    let home = Home::new();
    let repo = ComposeRepository::with(
        &format!(
            "services:\n  bad:\n    build: bad\n  good:\n    image: {BUSYBOX}\n    command: sleep 1000\n"
        ),
        &[(
            "bad/Dockerfile",
            &format!("FROM {BUSYBOX}\nRUN echo because >&2; exit 7\n"),
        )],
    );
    home.add(&repo.path);
    let run = home.run(&["up", "--json"]).exits(1);
    let build = run.last_json();
    assert_eq!(build["status"], "failed");
    assert!(build["error"].as_str().unwrap().contains('7'), "{build}");
    assert!(home.log(build["id"].as_str().unwrap()).contains("because"));
    assert_eq!(repo.containers(), [""; 0]);
    assert_eq!(
        home.json(&["plan"])["decision"],
        "full",
        "what failed is never used"
    );
}

#[test]
fn everything_is_told_in_json() {
    let home = Home::new();
    let port = free_port();
    let repo = three_services(port);
    let project = home.add(&repo.path);
    let has = |value: &Value, names: &[&str]| {
        let map = value.as_object().unwrap();
        for name in names {
            assert!(map.contains_key(*name), "{name} of {value}");
        }
    };
    let plan = home.json(&["plan"]);
    has(
        &plan,
        &[
            "decision",
            "commit",
            "recipe",
            "stack",
            "platform",
            "build",
            "candidates",
            "targets",
            "reason",
            "warnings",
        ],
    );
    assert_eq!(
        (&plan["recipe"], &plan["stack"]),
        (&json!("compose.yaml"), &json!("local"))
    );
    let of_target = [
        "name",
        "environment_key",
        "code_key",
        "fields",
        "decision",
        "reason",
        "build",
        "reference",
        "tags",
        "cache_from",
        "cache_to",
    ];
    plan["targets"]
        .as_array()
        .unwrap()
        .iter()
        .for_each(|target| has(target, &of_target));
    let web = target(&plan, "web");
    let expected = ["latest", &repo.head()[..12]].map(|tag| format!("{}:{tag}", repo.image("web")));
    assert_eq!(web["tags"], json!(expected));

    let build = home.build(&[]);
    has(
        &build,
        &[
            "id",
            "project",
            "recipe",
            "stack",
            "commit",
            "branch",
            "dirty",
            "status",
            "decision",
            "base",
            "environment_key",
            "code_key",
            "images",
            "steps",
            "created_at",
            "duration_ms",
            "contains_code",
            "pinned",
            "error",
        ],
    );
    assert_eq!(build["project"], project["id"]);
    for image in build["images"].as_array().unwrap() {
        assert!(
            image["digest"].as_str().unwrap().starts_with("sha256:"),
            "{image}"
        );
    }

    let up = home.run(&["up", "--json"]).ok();
    for line in up.stdout.lines() {
        has(&serde_json::from_str(line).unwrap(), &["type"]);
    }
    let deployment = up.last_json()["deployment"].clone();
    has(
        &deployment,
        &[
            "compose_project",
            "project",
            "project_name",
            "build",
            "commit",
            "stack",
            "services",
        ],
    );
    assert_eq!(deployment["build"], build["id"]);
    let of_service = [
        "name",
        "container",
        "state",
        "health",
        "status",
        "image",
        "exit_code",
        "ports",
    ];
    deployment["services"]
        .as_array()
        .unwrap()
        .iter()
        .for_each(|service| has(service, &of_service));
    let url = format!("http://localhost:{port}");
    let ports = json!([{ "target": 8080, "published": port, "protocol": "tcp", "url": url }]);
    assert_eq!(deployment["services"][1]["ports"], ports);
    let ps = home.json(&["ps"]);
    let mine = ps
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["project"] == project["id"]);
    assert_eq!(mine.unwrap()["services"][1]["ports"], ports);
    assert_eq!(home.json(&["down"]), json!({ "down": repo.name }));
}

#[test]
fn stacks_are_made_changed_used_tried_and_removed() {
    let home = Home::new();
    let place = registry::registry();
    let repo = one_service();
    let project = home.add(&repo.path);
    let names = || {
        let all = home.json(&["stacks", "list"]);
        let all = all.as_array().unwrap();
        all.iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), ["local"], "one is always there");
    let saved = home.json(&["stacks", "save", "ci", "--registry", &place, "--prefix", "team"]);
    assert_eq!(
        (&saved["registry"], &saved["registry_cache"]),
        (&json!(place), &json!(true))
    );
    home.json(&["stacks", "save", "ci", "--registry-cache", "false"]);
    let shown = home.json(&["stacks", "show", "ci"]);
    assert_eq!(
        (&shown["registry"], &shown["registry_cache"], &shown["prefix"]),
        (&json!(place), &json!(false), &json!("team")),
        "what is left out stays"
    );
    assert_eq!(names(), ["local", "ci"]);

    assert_eq!(target(&home.json(&["plan"]), "web")["cache_to"], json!([]));
    home.run(&[
        "stacks",
        "use",
        "ci",
        "--project",
        project["name"].as_str().unwrap(),
    ])
    .ok();
    let plan = home.json(&["plan"]);
    assert_eq!(plan["stack"], "ci");
    let reference = target(&plan, "web")["reference"].as_str().unwrap();
    assert!(
        reference.starts_with(&format!("{place}/team-{}-web:", repo.name)),
        "{reference}"
    );
    assert_eq!(
        home.json(&["plan", "--stack", "local"])["stack"],
        "local",
        "for once"
    );

    let checks = home.json(&["stacks", "check", "ci"]);
    let parts: Vec<_> = checks
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["part"], &one["ok"]))
        .collect();
    assert_eq!(
        parts,
        [
            (&json!("engine"), &json!(true)),
            (&json!("builder"), &json!(true)),
            (&json!("registry"), &json!(true))
        ]
    );
    home.json(&["stacks", "save", "ci", "--registry-cache", "true"]);
    let text = home.run(&["stacks", "check", "ci"]).ok().stdout;
    assert!(text.contains("cached in the registry"), "{text}");
    home.json(&["stacks", "save", "dark", "--registry", "registry.invalid/x"]);
    let run = home.run(&["stacks", "check", "dark"]).exits(3);
    assert!(run.stdout.contains("registry.invalid"), "{}", run.stdout);
    home.json(&["stacks", "save", "dark", "--registry", ""]);
    assert_eq!(home.json(&["stacks", "show", "dark"])["registry"], Value::Null);

    home.run(&["stacks", "remove", "ci"]).ok();
    assert_eq!(
        home.json(&["plan"])["stack"],
        "local",
        "projects that used it use the default one"
    );
    for refusal in [
        &["stacks", "remove", "local"][..],
        &["stacks", "remove", "ci"],
        &["stacks", "show", "ci"],
        &["stacks", "use", "ci"],
        &["stacks", "check", "ci"],
        &["stacks", "save", "--", "-x"],
        &["stacks", "save", "Bad Name"],
        &["stacks", "save", "x", "--registry", "me:secret@host"],
        &["stacks", "save", "x", "--registry-single-name", "all"],
        &["stacks", "save", "x", "--builder=--push"],
        &["stacks", "save", "x", "--context", "a b"],
        &["stacks", "save", "x", "--platform", "linux amd64"],
        &["stacks", "save", "x", "--prefix", "Ä"],
    ] {
        let run = home.run(refusal).exits(2);
        assert!(!run.stderr.contains("secret@"), "{}", run.stderr);
    }
    assert_eq!(names(), ["local", "dark"]);
}

#[test]
fn the_registry_of_a_stack_can_be_left_out_once() {
    let home = Home::new();
    let place = registry::registry();
    let repo = one_service();
    home.add(&repo.path);
    home.json(&[
        "stacks",
        "save",
        "ci",
        "--registry",
        &place,
        "--registry-single-name",
        "all",
        "--registry-cache",
        "false",
    ]);
    home.run(&["stacks", "use", "ci"]).ok();
    let reference = |arguments: &[&str]| {
        let plan = home.json(&[&["plan"], arguments].concat());
        (
            target(&plan, "web")["reference"].as_str().unwrap().to_owned(),
            plan["warnings"].clone(),
        )
    };
    let tag = repo.head()[..12].to_owned();
    let image = repo.image("web");
    assert_eq!(reference(&[]).0, format!("{place}/all:{image}-{tag}"));
    let (local, warnings) = reference(&["--registry", ""]);
    assert_eq!(local, format!("{image}:{tag}"));
    assert_eq!(warnings, json!([]));
    let (_, warnings) = reference(&["--registry", "", "--stack", "local"]);
    assert!(
        warnings.to_string().contains("no effect"),
        "a variable that is not set is noticed: {warnings}"
    );

    let done = home.run(&["up", "--registry", "", "--json"]).ok().last_json();
    assert_eq!(
        done["deployment"]["services"][0]["image"],
        local.as_str(),
        "{done}"
    );
    assert!(has_image(&local));
    assert_eq!(registry::repositories(&image), [""; 0], "nothing was pushed");
    assert_eq!(home.json(&["plan", "--registry="])["decision"], "reuse");
    assert_eq!(home.json(&["plan"])["decision"], "full", "the stack is as it was");
    home.run(&["down"]).ok();
}

#[test]
fn secrets_that_are_not_committed_and_further_contexts_reach_the_build() {
    let home = Home::new();
    let repo = ComposeRepository::with(
        "services:\n  web:\n    build:\n      context: .\n      secrets: [token]\n      additional_contexts:\n        shared: ./shared\n\
         secrets:\n  token:\n    file: ./token.txt\n",
        &[
            (
                "Dockerfile",
                &format!(
                    "FROM {BUSYBOX}\nRUN --mount=type=secret,id=token wc -c </run/secrets/token >/length\nCOPY --from=shared lib /lib\n"
                ),
            ),
            ("shared/lib", "1\n"),
            (".gitignore", "token.txt\n"),
        ],
    );
    repo.write("token.txt", "hunter2");
    home.add(&repo.path);
    let build = home.build(&[]);
    let image = build["images"][0]["reference"].as_str().unwrap();
    assert_eq!(in_image(image, "cat /length /lib"), "7\n1");
    assert!(!home.log(build["id"].as_str().unwrap()).contains("hunter2"));

    repo.write("shared/lib", "2\n");
    repo.commit("another library");
    assert_eq!(
        home.json(&["plan"])["decision"],
        "full",
        "what a further context holds counts"
    );
}
