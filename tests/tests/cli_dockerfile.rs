//! Workspace images from a Dockerfile of the repository.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use headstart_tests::{BUSYBOX, Home, Repository, in_image, listing};
use serde_json::Value;

fn repository() -> Repository {
    let repo = Repository::empty();
    repo.write(
        ".gitpod.yml",
        "image:\n  file: .gitpod.Dockerfile\n  context: .\ntasks:\n  - init: cat /opt/tool > seen\n",
    );
    repo.write(
        ".gitpod.Dockerfile",
        format!(
            "FROM {BUSYBOX}\nCOPY setup/tool /opt/tool\nRUN echo {} > /opt/name\n",
            repo.name
        ),
    );
    repo.write("setup/tool", "a tool\n");
    repo.write("source", "1\n");
    repo.commit("an image of our own");
    repo
}

#[test]
fn a_build_leaves_no_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new().with("TMPDIR", folder.path().to_string_lossy());
    let repo = repository();
    home.add(&repo.path);
    home.build(&[]);
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_the_dockerfile_uses_belongs_to_the_environment_and_nothing_else_does() {
    let home = Home::new();
    let repo = repository();
    home.add(&repo.path);
    let build = home.build(&[]);
    assert_eq!(in_image(&reference(&build), "cat seen"), "a tool");

    repo.write("source", "2\n");
    repo.commit("a file that the image does not use");
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "incremental", "{plan}");

    repo.git(&["checkout", "-q", "-b", "tool", "HEAD~1"]);
    repo.write("setup/tool", "another tool\n");
    repo.commit("a file that the image copies");
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "full");
    assert!(reasons(&plan).contains("setup/tool"), "{plan}");
    let rebuilt = home.build(&[]);
    assert_eq!(in_image(&reference(&rebuilt), "cat seen"), "another tool");

    repo.git(&["checkout", "-q", "-b", "dockerfile", "main"]);
    repo.write(
        ".gitpod.Dockerfile",
        format!("FROM {BUSYBOX}\nCOPY setup/tool /opt/tool\n"),
    );
    repo.commit("another Dockerfile");
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "full");
    assert!(reasons(&plan).contains("Dockerfile changed"), "{plan}");

    let graph = home.json(&["graph", "--branch", "dockerfile"]);
    assert_eq!(graph["rows"][0]["state"]["kind"], "blocked", "{graph}");
    assert_eq!(graph["rows"][1]["state"]["kind"], "base");
    assert_eq!(graph["rows"][2]["state"]["kind"], "built");
    let drawn = home.run(&["graph"]).ok().stdout;
    for mark in ['⊘', '◐', '●'] {
        assert!(drawn.contains(mark), "{mark} in\n{drawn}");
    }
}

#[test]
fn an_ignore_file_keeps_nothing_out_of_the_workspace() {
    let home = Home::new();
    let repo = repository();
    repo.write(".dockerignore", "source\n*.md\nnotes\n");
    repo.write("a.md", "text\n");
    repo.write("notes/one", "1\n");
    repo.commit("with an ignore file");
    home.add(&repo.path);
    let first = home.build(&[]);
    let files = listing(&reference(&first), &repo.folder());
    for name in ["./source", "./a.md", "./notes/one", "./.dockerignore"] {
        assert!(files.contains_key(name.as_bytes()), "{name} is in the workspace");
    }
    repo.write("notes/one", "2\n");
    repo.write("b.md", "text\n");
    repo.commit("ignored files change");
    let second = home.build(&[]);
    assert_eq!(second["decision"], "incremental");
    assert_eq!(in_image(&reference(&second), "cat notes/one b.md"), "2\ntext");
}

fn reference(build: &Value) -> String {
    build["images"][0]["reference"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn reasons(plan: &Value) -> String {
    plan["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["reasons"].to_string())
        .collect()
}
