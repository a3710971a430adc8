//! Repositories of all shapes; none of them is changed.

use headstart_tests::{Home, Repository, in_image};
use serde_json::Value;

#[test]
fn bare_repositories_worktrees_shallow_clones_and_detached_heads_are_built() {
    let repo = Repository::with_task("test -e README && cat .git/HEAD > head");
    repo.write("b", "2\n");
    repo.commit("second");
    let url = format!("file://{}", repo.path.display());

    let bare = repo.beside("bare.git");
    repo.git(&["clone", "-q", "--bare", &url, bare.to_str().unwrap()]);
    let worktree = repo.beside("hst-worktree");
    repo.git(&["worktree", "add", "-q", "-b", "side", worktree.to_str().unwrap()]);
    let shallow = repo.beside("hst-shallow");
    repo.git(&["clone", "-q", "--depth", "1", &url, shallow.to_str().unwrap()]);
    let detached = repo.beside("hst-detached");
    repo.git(&["clone", "-q", &url, detached.to_str().unwrap()]);
    Repository::at(&detached).git(&["checkout", "-q", "--detach"]);

    for (path, head) in [
        (bare, "ref: refs/heads/main"),
        (worktree, "ref: refs/heads/side"),
        (shallow, "ref: refs/heads/main"),
    ] {
        let home = Home::new();
        home.add(&path);
        let build = home.build(&[]);
        assert_eq!(build["status"], "succeeded", "{}", path.display());
        assert_eq!(
            in_image(&reference(&build), "cat head"),
            head,
            "{}",
            path.display()
        );
        forget(&build);
    }
    let home = Home::new();
    let project = home.add(&detached);
    assert_eq!(project["branch"], Value::Null);
    let build = home.build(&[]);
    assert_eq!(build["status"], "succeeded");
    forget(&build);
}

#[test]
fn a_repository_without_commits_can_be_added_and_says_that_it_has_none() {
    let home = Home::new();
    let repo = Repository::empty();
    repo.task("echo built");
    home.add(&repo.path);
    let run = home.run(&["plan"]).exits(2);
    assert!(run.stderr.contains("no commit"), "{}", run.stderr);
    assert_eq!(home.json(&["graph"])["unborn"], true);
    assert_eq!(home.run(&["graph"]).ok().stdout, "no commits yet\n");
    repo.commit("first");
    assert_eq!(home.json(&["plan"])["decision"], "full");
}

#[test]
fn a_project_in_a_subfolder_sees_only_its_files() {
    let home = Home::new();
    let repo = Repository::empty();
    repo.write(
        "app/.gitpod.yml",
        "image: headstart-sample/busybox:1\ntasks:\n  - init: ls -a > listed\n",
    );
    repo.write("app/inside", "1\n");
    repo.write("outside", "1\n");
    repo.commit("a project within");
    let app = repo.path.join("app");
    home.add(&app);
    let build = home.build(&[]);
    let listed = in_image(&reference(&build), "pwd; cat listed");
    assert!(
        listed.contains(&format!("/workspace/{}/app", repo.name)),
        "{listed}"
    );
    assert!(
        listed.contains("inside") && !listed.contains("outside"),
        "{listed}"
    );

    repo.write("outside", "2\n");
    repo.commit("outside of it");
    let plan = home.run_in(&app, &["plan", "--json"]).ok().json();
    assert_eq!(plan["decision"], "reuse", "what is outside of it does not matter");
    repo.write("app/inside", "2\n");
    repo.commit("inside of it");
    let plan = home.json(&["plan"]);
    assert_eq!(
        (&plan["decision"], &plan["base"]["changed_files"]),
        (&"incremental".into(), &1.into())
    );
}

#[test]
fn the_files_behind_a_plans_number_are_named() {
    let home = Home::new();
    let repo = Repository::empty();
    repo.write(
        "app/.gitpod.yml",
        "image: headstart-sample/busybox:1\ntasks:\n  - init: echo built\n",
    );
    for name in ["changed", "gone", "moved-from", "tool", "link"] {
        repo.write(format!("app/{name}"), format!("{name}\n"));
    }
    repo.commit("a project within");
    let app = repo.path.join("app");
    home.add(&app);
    let built = home.build(&[]);

    repo.write("outside", "not the project's\n");
    repo.write("app/changed", "2\n");
    repo.write("app/a\n\u{1b}[31m\u{202e}name", "new\n");
    std::fs::rename(app.join("moved-from"), app.join("moved-to")).unwrap();
    std::fs::remove_file(app.join("gone")).unwrap();
    std::fs::remove_file(app.join("link")).unwrap();
    std::os::unix::fs::symlink("changed", app.join("link")).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(app.join("tool"), executable).unwrap();
    repo.commit("every kind of change");

    let plan = home.json(&["explain", "HEAD", "--files"]);
    let changed = &plan["changed"];
    assert_eq!(
        changed["total"], 6,
        "what is outside of the project is no change of it"
    );
    assert_eq!(
        changed["total"], plan["base"]["changed_files"],
        "the list is what the plan counted"
    );
    let files: Vec<(String, String)> = changed["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            (
                file["path"].to_string(),
                file["kind"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let kinds: Vec<&str> = files.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["added", "modified", "deleted", "type", "renamed", "mode"],
        "{files:?}"
    );
    assert_eq!(changed["files"][4]["from"], "moved-from");
    let text = home.run(&["explain", "HEAD", "--files"]).ok().stdout;
    assert!(text.contains("6 files differ from the base"), "{text}");
    assert!(text.contains("R  moved-from → moved-to"), "{text}");
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "a name moves no cursor: {text:?}"
    );

    repo.write("app/changed", "3\n");
    repo.write("app/untracked", "x\n");
    let dirty = home.json(&["explain", "HEAD", "--dirty", "--files"]);
    assert_eq!(
        dirty["changed"]["total"], 7,
        "uncommitted changes are named as well"
    );
    let plain = home.json(&["explain", "HEAD"]);
    assert_eq!(
        plain["changed"],
        Value::Null,
        "names are read only when asked for"
    );
    forget(&built);
}

#[test]
fn the_users_repository_is_never_changed() {
    let home = Home::new();
    let repo = Repository::with_task("echo built");
    repo.write("README", "dirty\n");
    repo.write("untracked", "x\n");
    let state = || {
        let mut command = std::process::Command::new("sh");
        let script = "find . -type f -exec stat -c '%n %Y %Z %s' {} + | sort; git stash list";
        let output = command
            .args(["-c", script])
            .current_dir(&repo.path)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let before = state();
    home.add(&repo.path);
    home.build(&[]);
    home.build(&["--dirty"]);
    home.run(&["graph"]).ok();
    home.run(&["commit", "show"]).ok();
    home.run(&["commits", "search", "first"]).ok();
    assert_eq!(state(), before, "not one file is touched, in .git neither");
}

#[test]
fn a_folder_that_moved_is_a_problem_and_not_a_crash() {
    let home = Home::new();
    let repo = Repository::with_task("echo built");
    home.add(&repo.path);
    let away = repo.beside("away");
    std::fs::rename(&repo.path, &away).unwrap();
    let projects = home.json(&["project", "list"]);
    assert!(
        projects[0]["problem"]
            .as_str()
            .unwrap()
            .contains("not there any more"),
        "{projects}"
    );
    home.run(&["plan"]).exits(2);
    std::fs::rename(&away, &repo.path).unwrap();
    assert_eq!(home.json(&["plan"])["decision"], "full");
}

fn reference(build: &Value) -> String {
    build["images"][0]["reference"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn forget(build: &Value) {
    headstart_tests::docker(&["rmi", "--force", &reference(build)]);
}
