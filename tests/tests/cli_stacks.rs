//! What stacks add to pipelines, from the command line.

use headstart_tests::Home;
use serde_json::{Value, json};

#[test]
fn what_a_stack_adds_is_saved_shown_and_taken_away_again() {
    let home = Home::new();
    let store = home.path().join("shared/artifacts");
    let bundle = home.path().join("ca.pem");
    std::fs::write(&bundle, "-----BEGIN CERTIFICATE-----\n").unwrap();
    let saved = home.json(&[
        "stacks",
        "save",
        "ml",
        "--artifact-store",
        "shared/artifacts",
        "--requirement",
        "torch>=2",
        "--requirement",
        "numpy",
        "--apt-package",
        "libgomp1",
        "--env",
        "OMP_NUM_THREADS=4",
        "--env",
        "GREETING=hello world = x",
        "--ca-bundle",
        bundle.to_str().unwrap(),
    ]);
    assert!(store.is_dir(), "it is made when it is missing");
    assert_eq!(
        saved["artifact_store"],
        store.to_str().unwrap(),
        "wherever it is used"
    );
    assert_eq!(saved["requirements"], json!(["torch>=2", "numpy"]));
    assert_eq!(saved["apt_packages"], json!(["libgomp1"]));
    assert_eq!(
        saved["environment"],
        json!([["OMP_NUM_THREADS", "4"], ["GREETING", "hello world = x"]])
    );
    let text = home.run(&["stacks", "show", "ml"]).ok().stdout;
    for part in [
        store.to_str().unwrap(),
        "torch>=2, numpy",
        "libgomp1",
        "OMP_NUM_THREADS=4",
        "ca.pem",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let changed = home.json(&["stacks", "save", "ml", "--apt-package", "gcc"]);
    assert_eq!(changed["apt_packages"], json!(["gcc"]), "a list is replaced");
    assert_eq!(
        changed["requirements"], saved["requirements"],
        "what is left out stays"
    );
    let bare = home.json(&[
        "stacks",
        "save",
        "ml",
        "--artifact-store",
        "",
        "--requirement",
        "",
        "--apt-package",
        "",
        "--env",
        "",
        "--ca-bundle",
        "",
    ]);
    for field in ["artifact_store", "ca_bundle"] {
        assert_eq!(bare[field], Value::Null);
    }
    for field in ["requirements", "apt_packages", "environment"] {
        assert_eq!(bare[field], json!([]));
    }
}

#[test]
fn what_cannot_work_is_refused_when_it_is_saved_and_told_when_it_is_tried() {
    let home = Home::new();
    let (file, gone) = (home.path().join("file"), home.path().join("gone.pem"));
    std::fs::write(&file, "").unwrap();
    let (file, gone) = (file.to_str().unwrap(), gone.to_str().unwrap());
    for wrong in [
        ["--ca-bundle", gone],
        ["--ca-bundle", file],
        ["--requirement", "-r /etc/passwd"],
        ["--requirement", "x @ https://me:hunter2@host/x"],
        ["--apt-package", "-o=Dir=/"],
        ["--env", "NOVALUE"],
        ["--env", "A B=1"],
        ["--env", "API_TOKEN=hunter2hunter2"],
    ] {
        let run = home
            .run(&[&["stacks", "save", "ml"], &wrong[..]].concat())
            .exits(2);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
    assert_eq!(home.json(&["stacks", "list"]).as_array().unwrap().len(), 1);
    let run = home
        .run(&["stacks", "save", "ml", "--artifact-store", file])
        .exits(2);
    assert!(run.stderr.contains("cannot be written to"), "{}", run.stderr);

    std::fs::write(gone, "-----BEGIN CERTIFICATE-----\n").unwrap();
    let store = home.path().join("store");
    let at = store.to_str().unwrap();
    home.json(&[
        "stacks",
        "save",
        "ml",
        "--artifact-store",
        at,
        "--ca-bundle",
        gone,
    ]);
    let of = |checks: &Value, part: &str| {
        let all = checks.as_array().unwrap();
        all.iter().find(|one| one["part"] == part).cloned().unwrap()
    };
    let checks = home.json(&["stacks", "check", "ml"]);
    assert_eq!(of(&checks, "artifact_store")["ok"], true);
    assert_eq!(of(&checks, "ca_bundle")["ok"], true);
    std::fs::remove_file(gone).unwrap();
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::write(&store, "").unwrap();
    let checks = home.run(&["stacks", "check", "ml", "--json"]).exits(3).json();
    for part in ["artifact_store", "ca_bundle"] {
        let one = of(&checks, part);
        assert_eq!(one["ok"], false, "{one}");
        assert!(one["hint"].is_string(), "{one}");
    }
}
