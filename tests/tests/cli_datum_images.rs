//! `--build`, `--write-back` and `--target pachctl`: images of pipelines, and specs that go to a cluster.

use std::os::unix::fs::PermissionsExt;

use headstart_tests::datum::{Pipelines, files, pfs, shell};
use headstart_tests::registry::{registry, remove_repository, tags};
use headstart_tests::{BUSYBOX, Home, docker, has_image, unique};
use serde_json::{Value, json};

/// Removes a repository of the registry at the end.
struct Pushed(String);

impl Drop for Pushed {
    fn drop(&mut self) {
        remove_repository(&self.0);
    }
}

#[test]
fn an_image_is_built_and_pushed_once_per_content_and_written_into_the_file_on_request_only() {
    let registry = registry();
    let mut at = Pipelines::with(&["pages"]);
    let pushed = Pushed(at.own_image("dat"));
    let image = format!("{registry}/{}", pushed.0);
    at.put("pages", &[("a", "1\n")]).ok();
    at.write(
        "docker/Dockerfile",
        "FROM headstart-sample/busybox:1\nCOPY run.sh /run.sh\n",
    );
    at.write("docker/run.sh", "sed s/^/first:/ /pfs/pages/* >/pfs/out/all\n");
    let text = format!(
        "# The spec of the example.\npipeline:   {{name: copy}}\ntransform:\n    image:  \"{image}:v1\"   # built from docker/\n    \
         dockerfile: docker/Dockerfile\n    cmd: [sh, /run.sh]\n\ninput:\n  pfs: {{repo: pages, glob: \"/\"}}\n"
    );
    at.write("spec.json", &text);
    let planned = at.plan(&["--build"]);
    assert_eq!(planned["pipelines"][0]["images"][0]["action"], "build");
    assert!(tags(&pushed.0).is_empty(), "a dry run pushes nothing");
    at.update(&["--build"]).ok();
    assert_eq!(at.files("copy"), files(&[("all", "first:1\n")]));
    let first = tags(&pushed.0);
    assert_eq!((first.len(), at.home.builds().len()), (1, 1));
    assert_eq!(at.read("spec.json"), text, "the file is the user's");
    let runs = |at: &Pipelines| at.home.json(&["pipelines", "show", "copy"])["image"].clone();
    assert_eq!(runs(&at), format!("{image}:{}", first[0]));

    // Unchanged: no build, no push, the same name.
    let planned = at.plan(&["--build"]);
    assert_eq!(planned["pipelines"][0]["images"][0]["action"], "reuse");
    at.update(&["--build"]).ok();
    assert_eq!((tags(&pushed.0), at.home.builds().len()), (first.clone(), 1));
    assert_eq!(runs(&at), format!("{image}:{}", first[0]));
    assert_eq!(at.counts("copy"), [0, 1, 0, 0]);

    // Changed: a new name, and only its value changes in the file.
    at.write("docker/run.sh", "sed s/^/second:/ /pfs/pages/* >/pfs/out/all\n");
    at.update(&["--build", "--write-back", "--reprocess"]).ok();
    let second = tags(&pushed.0);
    assert_eq!((second.len(), at.home.builds().len()), (2, 2));
    let new = second.iter().find(|tag| !first.contains(tag)).unwrap();
    assert_eq!(at.files("copy"), files(&[("all", "second:1\n")]));
    assert_eq!(
        at.read("spec.json"),
        text.replace(&format!("{image}:v1"), &format!("{image}:{new}"))
    );
    assert_eq!(at.left_behind(), Vec::<String>::new());
}

#[test]
fn an_image_that_is_there_is_pushed_under_a_tag_of_its_content() {
    let registry = registry();
    let mut at = Pipelines::with(&["pages"]);
    let pushed = Pushed(at.own_image("push"));
    let image = format!("{registry}/{}", pushed.0);
    docker(&["tag", BUSYBOX, &format!("{image}:v1")]);
    at.put("pages", &[("a", "1\n")]).ok();
    let mut spec = shell("copy", "cp /pfs/pages/* /pfs/out/", pfs("pages", "/*"));
    spec["transform"]["image"] = json!(format!("{image}:v1"));
    at.spec(&[spec]);
    let text = at.read("spec.json");
    for round in 0..2 {
        at.update(&["--push-images"]).ok();
        let there = tags(&pushed.0);
        assert_eq!(there.len(), 1, "{there:?} after {round} more");
        let runs = at.home.json(&["pipelines", "show", "copy"])["image"].clone();
        assert_eq!(runs, format!("{image}:{}", there[0]));
        for reference in [&*format!("{image}:v1"), &*format!("{image}:{}", there[0])] {
            assert!(has_image(reference), "{reference}");
        }
    }
    assert_eq!(at.files("copy"), files(&[("a", "1\n")]));
    assert_eq!(at.read("spec.json"), text);
    for tag in ["v1", &tags(&pushed.0)[0]] {
        docker(&["rmi", &format!("{image}:{tag}")]);
    }
}

/// Writes down its words and what it reads.
const PACHCTL: &str = "#!/bin/sh\nhere=${0%/*}\nprintf '%s\\n' \"$@\" >\"$here/words\"\ncat >\"$here/read\"\nexit ${PACHCTL_EXIT:-0}\n";

#[test]
fn a_spec_for_a_cluster_goes_to_pachctl_argument_for_argument() {
    let dir = tempfile::TempDir::new().unwrap();
    let program = dir.path().join("pachctl");
    std::fs::write(&program, PACHCTL).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let home = Home::new().with("PATH", format!("{}:{path}", dir.path().display()));
    let at = Pipelines::in_home(home);
    let spec = shell("copy", "cp /pfs/pages/* /pfs/out/", pfs("pages", "/*"));
    at.spec(std::slice::from_ref(&spec));
    let words = || std::fs::read_to_string(dir.path().join("words")).unwrap();
    let read = || -> Value {
        serde_json::from_str(&std::fs::read_to_string(dir.path().join("read")).unwrap()).unwrap()
    };
    at.update(&["--target", "pachctl"]).ok();
    assert_eq!(
        (words().as_str(), read()),
        ("update\npipeline\n-f\n-\n", spec.clone())
    );
    at.update(&["--target", "pachctl", "--reprocess"]).ok();
    assert_eq!(words(), "update\npipeline\n-f\n-\n--reprocess\n");
    let file = at.path("spec.json").to_string_lossy().into_owned();
    at.home
        .run(&["create", "pipeline", "-f", &file, "--target", "pachctl"])
        .ok();
    assert_eq!(words(), "create\npipeline\n-f\n-\n");
    assert!(at.jobs("copy").is_empty(), "nothing runs here");
    assert_eq!(at.home.json(&["pipelines", "list"]), serde_json::json!([]));

    // With a build step the spec stays as it is: the cluster's client copies and builds the code itself.
    let failing = Home::new()
        .with("PATH", format!("{}:{path}", dir.path().display()))
        .with("PACHCTL_EXIT", "3");
    let at = Pipelines::in_home(failing);
    at.spec(&[spec]);
    at.update(&["--target", "pachctl"]).exits(1);
}

#[test]
fn without_pachctl_a_sentence_says_so_and_the_spec_can_be_written() {
    let at = Pipelines::default();
    let spec = shell("copy", "cp /pfs/pages/* /pfs/out/", pfs("pages", "/*"));
    at.spec(std::slice::from_ref(&spec));
    let run = at.update(&["--target", "pachctl"]).exits(2);
    assert!(
        run.stderr.contains("there is no pachctl on this machine") && run.stderr.contains("--output"),
        "{}",
        run.stderr
    );
    let file = at.path(&unique("finished")).to_string_lossy().into_owned();
    let run = at.update(&["--target", "pachctl", "--output", &file]).ok();
    assert!(
        run.stdout.contains(&format!("pachctl update pipeline -f {file}")),
        "{}",
        run.stdout
    );
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(written, spec);
}
