//! A pipeline in Python with packages from the package index; `.ci/setup/images.sh python` makes the image it begins with.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use std::process::Command;

use headstart_tests::{Home, Repository, docker, has_image, in_image, unique};
use serde_json::{Value, json};

const PYTHON: &str = "headstart-sample/python:1";
/// Where most systems have the certificates that they trust.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

const MODULE: &str = "\
import os
import six

def load(rows=0):
    print('six', six.__version__, 'loads', rows)
    with open(os.path.join(os.environ['HEADSTART_RUN_DIR'], 'rows'), 'w') as file:
        file.write(str(rows))

def train(rate, name):
    import toolz
    with open(os.path.join(os.environ['HEADSTART_RUN_DIR'], 'rows')) as file:
        print('toolz', toolz.__version__, 'trains', name, rate, 'on', file.read())

class Pipeline:
    def __call__(self, greeting='hello'):
        print(greeting, 'from the pipeline with six', six.__version__)

my_pipeline = Pipeline()
";

/// Returns the certificates that this machine trusts, where it keeps them in a file.
fn bundle() -> Option<String> {
    let named = std::env::var("SSL_CERT_FILE").ok();
    let mut all = named.into_iter().chain([BUNDLE.to_owned()]);
    all.find(|path| std::path::Path::new(path).is_file())
}

/// Makes sure that what the journeys need is there: better a clear word now than a long wait for a build.
fn everything_is_there() {
    assert!(
        has_image(PYTHON),
        "{PYTHON} is missing; .ci/setup/images.sh python makes it"
    );
    let index = "https://pypi.org/simple/six/";
    let mut curl = Command::new("curl");
    curl.args(["-sSf", "--max-time", "60", "-o", "/dev/null", index]);
    if let Some(bundle) = bundle() {
        curl.args(["--cacert", &bundle]);
    }
    let output = curl.output();
    let said = match &output {
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    assert!(
        output.is_ok_and(|output| output.status.success()),
        "the Python package index cannot be reached, and this journey installs from it: {index}: {said}"
    );
}

fn save_stack(home: &Home) {
    match bundle() {
        Some(bundle) => home.json(&["stacks", "save", "python", "--ca-bundle", &bundle]),
        None => home.json(&["stacks", "save", "python"]),
    };
}

fn config(repo: &Repository, steps: &str) {
    repo.write(
        "run.yaml",
        format!(
            "settings:\n  docker:\n    parent_image: {PYTHON}\n    target_repository: headstart/{}\n    \
                requirements: [six==1.16.0]\n    environment:\n      ONCE: {}\n{steps}",
            repo.name,
            unique("once")
        ),
    );
}

fn two_steps(repo: &Repository, toolz: &str) {
    let text = format!(
        "steps:\n  load:\n    source: my_module.load\n    parameters: {{rows: 7}}\n  train:\n    \
            source: my_module.train\n    parameters: {{rate: 0.5, name: \"it's new\"}}\n    settings:\n      docker:\n        \
            requirements: [six==1.16.0, {toolz}]\n"
    );
    // All but the requirement stays as it is.
    let path = repo.path.join("run.yaml");
    match std::fs::read_to_string(&path) {
        Ok(old) => {
            let head = old.split("steps:").next().unwrap();
            repo.write("run.yaml", format!("{head}{text}"));
        }
        Err(_) => config(repo, &text),
    }
}

fn decisions(plan: &Value) -> Vec<(&str, &str)> {
    let targets = plan["targets"].as_array().unwrap();
    targets
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["decision"].as_str().unwrap()))
        .collect()
}

#[test]
fn two_steps_with_packages_run_and_only_what_changed_is_built_again() {
    everything_is_there();
    let repo = Repository::empty();
    repo.write("my_module.py", MODULE);
    two_steps(&repo, "toolz==0.12.0");
    repo.commit("first");
    let home = Home::new();
    save_stack(&home);
    home.add(&repo.path);
    home.run(&["stacks", "use", "python"]).ok();
    let first = home.pipeline(&[]);
    let log = home.run_log(&first);
    assert!(log.contains("six 1.16.0 loads 7"), "{log}");
    assert!(log.contains("toolz 0.12.0 trains it's new 0.5 on 7"), "{log}");
    let built = home.show(first["build"].as_str().unwrap());
    let images = built["images"].as_array().unwrap();
    assert_eq!(
        images.len(),
        2,
        "a step with packages of its own has its own image: {built}"
    );

    // Certificates are lent to the installer and kept nowhere.
    for image in images {
        let reference = image["reference"].as_str().unwrap();
        let layers = docker(&[
            "history",
            "--no-trunc",
            "--format",
            "{{.CreatedBy}} {{.Size}}",
            reference,
        ]);
        assert!(!layers.contains("BEGIN CERTIFICATE"), "{layers}");
        let left = in_image(
            reference,
            "ls -A /run | grep -i headstart; find / -xdev -name '*headstart-ca*'; env | grep -i -e cert -e ca_bundle || true",
        );
        assert_eq!(left, "", "{reference}");
    }

    repo.write("my_module.py", MODULE.replace("'loads'", "'reads'"));
    let changed = home.pipeline(&["--param", "rate=0.25"]);
    assert_eq!(
        (&changed["reused"], &changed["build"]),
        (&json!(true), &first["build"])
    );
    let log = home.run_log(&changed);
    assert!(log.contains("reads 7") && log.contains("0.25"), "{log}");

    two_steps(&repo, "toolz==0.12.1");
    repo.commit("another toolz");
    let plan = home.json(&["plan"]);
    assert_eq!(
        decisions(&plan),
        [("orchestrator", "reuse"), ("train.orchestrator", "full")],
        "{plan}"
    );
    let second = home.pipeline(&[]);
    assert!(home.run_log(&second).contains("toolz 0.12.1"));
    let rebuilt = home.show(second["build"].as_str().unwrap());
    let digest = |build: &Value, target: &str| {
        let images = build["images"].as_array().unwrap();
        let image = images.iter().find(|image| image["target"] == target);
        image.map(|image| image["digest"].clone())
    };
    assert_eq!(digest(&rebuilt, "orchestrator"), digest(&built, "orchestrator"));
    assert_ne!(
        digest(&rebuilt, "train.orchestrator"),
        digest(&built, "train.orchestrator")
    );
    let said = rebuilt["reason"].to_string();
    assert!(
        said.contains("requirements"),
        "the record names the field: {said}"
    );
}

#[test]
fn a_source_is_built_and_run_from_a_folder_that_was_never_added() {
    everything_is_there();
    let repo = Repository::empty();
    repo.write("my_module.py", MODULE);
    config(&repo, "parameters: {greeting: good day}\n");
    repo.commit("first");
    let home = Home::new();
    save_stack(&home);
    let words = [
        "--stack",
        "python",
        "--config",
        "run.yaml",
        "my_module.my_pipeline",
        "--json",
    ];
    let built = home
        .run_in(&repo.path, &[&["build"], &words[..]].concat())
        .ok()
        .last_json();
    assert_eq!(built["status"], "succeeded", "{built}");
    assert_eq!(built["stack"], "python");
    let run = home
        .run_in(&repo.path, &[&["run"], &words[..]].concat())
        .ok()
        .last_json();
    assert_eq!((&run["reused"], &run["build"]), (&json!(true), &built["id"]));
    let log = home.run_log(&run);
    assert!(
        log.contains("good day from the pipeline with six 1.16.0"),
        "{log}"
    );
    repo.write(
        "my_module.py",
        MODULE.replace("from the pipeline", "from changed code"),
    );
    let today = home
        .run_in(&repo.path, &[&["run"], &words[..]].concat())
        .ok()
        .last_json();
    assert_eq!(today["build"], built["id"]);
    assert!(home.run_log(&today).contains("changed code"));
    let listed = home.json(&["project", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}
