//! The main path: add, plan, build, reuse, build on what is there.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use headstart_tests::{Home, Repository, has_image, in_image, listing};

/// Says which of `src` it compiles: what has no result, or is newer than it. Then it remembers how git saw the work tree.
const INCREMENTAL: &str = "mkdir -p out; for f in src/*; do o=out/${f##*/}; \
    if [ ! -e \"$o\" ] || [ \"$f\" -nt \"$o\" ]; then echo \"compiling ${f##*/}\"; cp \"$f\" \"$o\"; fi; done";

#[test]
fn a_commit_is_built_then_reused_then_built_upon() {
    let home = recording_home();
    let repo = Repository::empty();
    repo.task(INCREMENTAL);
    for name in ["one", "two", "three"] {
        repo.write(format!("src/{name}"), format!("{name}\n"));
    }
    let first = repo.commit("three files");
    let project = home.add(&repo.path);
    assert_eq!(project["name"], repo.name.as_str());

    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "full");
    assert_eq!(plan["commit"], first.as_str());
    assert_eq!(plan["engine_checked"], true);
    let build = home.build(&[]);
    assert_eq!(build["status"], "succeeded");
    assert_eq!(build["decision"], "full");
    assert_eq!(build["branch"], "main");
    let image = build["images"][0]["reference"].as_str().unwrap();
    assert!(has_image(image), "the image is in the Engine");
    assert!(recorded(&home).contains("buildx bake"), "a build is one bake");

    forget_recorded(&home);
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "reuse");
    assert_eq!(plan["build"], build["id"]);
    let again = home.build(&[]);
    assert_eq!(again["id"], build["id"], "the same commit is not built twice");
    assert_eq!(again["outcome"], "reused");
    assert_eq!(again["reused"], 1);
    assert!(
        !recorded(&home).contains("bake"),
        "nothing was started to find that out: {}",
        recorded(&home)
    );

    repo.write("src/two", "two, changed\n");
    let second = repo.commit("one file changed");
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "incremental");
    assert_eq!(plan["base"]["build"], build["id"]);
    assert_eq!(plan["base"]["commit"], first.as_str());
    assert_eq!(plan["base"]["distance"], 1);
    assert_eq!(plan["base"]["changed_files"], 1);
    assert_eq!(plan["candidates"][0]["verdict"], "chosen");
    let built = home.build(&[]);
    assert_eq!(built["decision"], "incremental");
    assert_eq!(built["commit"], second.as_str());
    assert_eq!(built["base"]["build"], build["id"]);
    assert_eq!(built["chain"], 1);
    let log = home.log(built["id"].as_str().unwrap());
    assert!(
        log.contains("compiling two"),
        "the changed file is compiled: {log}"
    );
    assert!(!log.contains("compiling one"), "the others are not: {log}");
    let image = built["images"][0]["reference"].as_str().unwrap();
    assert_eq!(in_image(image, "cat out/two"), "two, changed");
}

#[test]
fn an_incremental_build_has_the_same_files_as_a_full_one_whatever_they_are_called() {
    let home = Home::new();
    let repo = Repository::empty();
    repo.task("true");
    let odd: &[&[u8]] = &[
        b"with space",
        b"it's \"quoted\"",
        b"new\nline",
        b"not utf-8 \xff\xfe",
        b"-rf",
        b"$HOME `x`",
        b"a\\b",
    ];
    for name in odd {
        let name = Path::new(std::ffi::OsStr::from_bytes(name));
        repo.write(Path::new("odd").join(name), "1\n");
        repo.write(Path::new("odd, to go").join(name), "1\n");
    }
    repo.write("keep/same", "same\n");
    repo.write("keep/changes", "old\n");
    repo.write("gone/deep/er/file", "gone\n");
    repo.write("moved/from", "moved\n");
    repo.write("script.sh", "#!/bin/sh\n");
    repo.write("was-file", "file\n");
    repo.write("was-folder/inside", "inside\n");
    symlink("keep/same", repo.path.join("link")).unwrap();
    symlink("nowhere", repo.path.join("dangling")).unwrap();
    repo.commit("all kinds of files");
    home.add(&repo.path);
    let base = home.build(&[]);

    for name in odd {
        let name = Path::new(std::ffi::OsStr::from_bytes(name));
        repo.write(Path::new("odd").join(name), "2\n");
        std::fs::remove_file(repo.path.join("odd, to go").join(name)).unwrap();
    }
    repo.write("keep/changes", "new\n");
    repo.write("added/very/deep", "added\n");
    std::fs::remove_dir_all(repo.path.join("gone")).unwrap();
    std::fs::create_dir(repo.path.join("moved to")).unwrap();
    std::fs::rename(repo.path.join("moved/from"), repo.path.join("moved to/there")).unwrap();
    std::fs::set_permissions(repo.path.join("script.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::remove_file(repo.path.join("was-file")).unwrap();
    repo.write("was-file/now a folder", "x\n");
    std::fs::remove_dir_all(repo.path.join("was-folder")).unwrap();
    repo.write("was-folder", "now a file\n");
    std::fs::remove_file(repo.path.join("link")).unwrap();
    symlink("keep/changes", repo.path.join("link")).unwrap();
    std::fs::remove_file(repo.path.join("dangling")).unwrap();
    repo.write("dangling", "a file now\n");
    repo.commit("everything changes");

    let incremental = home.build(&[]);
    assert_eq!(incremental["decision"], "incremental");
    let full = home.build(&["--full"]);
    assert_eq!(full["decision"], "full");
    let (of, folder) = (|build: &serde_json::Value| reference(build), repo.folder());
    let (left, right) = (listing(&of(&incremental), &folder), listing(&of(&full), &folder));
    assert_eq!(
        left, right,
        "an incremental build differs from a full one only in the time it takes"
    );
    assert!(
        left[b"./script.sh".as_slice()].starts_with("755 "),
        "the executable bit arrives"
    );
    assert_eq!(left[b"./link".as_slice()], "link keep/changes");
    assert!(!left.contains_key(b"./gone/deep/er/file".as_slice()));

    let mtime = |build: &serde_json::Value, path: &str| -> i64 {
        in_image(&reference(build), &format!("stat -c %Y '{path}'"))
            .parse()
            .unwrap()
    };
    assert_eq!(
        mtime(&base, "keep/same"),
        mtime(&incremental, "keep/same"),
        "what did not change keeps its time, so that make does nothing about it"
    );
    let newest: i64 = in_image(
        &reference(&base),
        "find . -exec stat -c %Y {} + | sort -n | tail -1",
    )
    .parse()
    .unwrap();
    for path in ["keep/changes", "moved to/there", "added/very/deep", "script.sh"] {
        assert!(
            mtime(&incremental, path) > newest,
            "{path} is newer than everything in the base"
        );
    }
}

#[test]
fn a_rebase_and_a_revert_to_the_same_files_are_reused() {
    let home = Home::new();
    let repo = Repository::with_task("echo built");
    repo.write("a", "1\n");
    repo.commit("second");
    home.add(&repo.path);
    let build = home.build(&[]);

    repo.git(&["commit", "-q", "--amend", "-m", "the same with another message"]);
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "reuse", "{plan}");
    assert_eq!(plan["build"], build["id"]);

    repo.write("a", "2\n");
    repo.commit("a change");
    assert_ne!(home.json(&["plan"])["decision"], "reuse");
    repo.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(
        home.json(&["plan"])["build"],
        build["id"],
        "a revert is the same code again"
    );

    repo.git(&["checkout", "-q", "--orphan", "squashed"]);
    repo.commit("one commit with the same files and no common history");
    assert_eq!(home.json(&["plan"])["build"], build["id"], "so is a squash");
    assert_eq!(home.build(&[])["id"], build["id"]);
}

#[test]
fn the_commit_after_a_rewritten_one_is_built_on_what_the_rewritten_one_left() {
    let home = Home::new();
    let repo = Repository::with_task("echo built");
    home.add(&repo.path);
    let build = home.build(&[]);

    repo.git(&["commit", "-q", "--amend", "-m", "the same with another message"]);
    let amended = repo.head();
    assert_ne!(
        build["commit"],
        amended.as_str(),
        "the commit that was built is gone"
    );
    repo.write("a", "1\n");
    repo.commit("a change on top");
    let plan = home.json(&["plan"]);
    assert_eq!(plan["decision"], "incremental", "{plan}");
    assert_eq!(plan["base"]["build"], build["id"]);
    assert_eq!(
        plan["base"]["commit"],
        amended.as_str(),
        "named by the commit that is there"
    );
    assert_eq!(plan["base"]["distance"], 1);
    assert_eq!(plan["base"]["changed_files"], 1);
    let graph = home.json(&["graph"]);
    let state = &graph["rows"][0]["state"];
    assert_eq!(state["kind"], "base", "the graph says so too: {state}");
    assert_eq!(state["base_commit"], amended.as_str());

    let built = home.build(&[]);
    assert_eq!(built["decision"], "incremental");
    let image = built["images"][0]["reference"].as_str().unwrap();
    assert_eq!(in_image(image, "cat a"), "1");
}

#[test]
fn the_same_commit_has_the_same_layers_whatever_the_umask_and_the_path() {
    let first = Repository::with_task("date +%N > stamp");
    first.write("tool.sh", "#!/bin/sh\n");
    std::fs::set_permissions(first.path.join("tool.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    first.commit("with a tool");
    let elsewhere = first.beside("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let clone = elsewhere.join(&first.name);
    let script = format!(
        "umask 002 && git clone -q '{}' '{}'",
        first.path.display(),
        clone.display()
    );
    let cloned = std::process::Command::new("sh")
        .args(["-c", &script])
        .status()
        .unwrap();
    assert!(cloned.success());
    let second = Repository::at(&clone);

    let (one, other) = (Home::new(), Home::new());
    one.add(&first.path);
    other.add(&second.path);
    let (left, right) = (one.build(&[]), other.build(&[]));
    assert_eq!(
        right["decision"], "full",
        "another home knows nothing of the first build"
    );
    let layers = |build: &serde_json::Value| {
        headstart_tests::docker(&[
            "image",
            "inspect",
            "--format",
            "{{json .RootFS.Layers}}",
            &reference(build),
        ])
    };
    assert_eq!(
        layers(&left),
        layers(&right),
        "every layer comes from cache, the task's too"
    );
    let task = right["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["name"].as_str().is_some_and(|name| name.contains("RUN")));
    assert_eq!(task.unwrap()["cached"], true);
}

#[test]
fn tasks_see_git_and_the_image_does_not_contain_it() {
    let home = Home::new();
    let repo = Repository::with_task(
        "test -d .git && cat .git/HEAD > head && [ -z \"$(ls .git/hooks 2>/dev/null)\" ]",
    );
    home.add(&repo.path);
    let image = reference(&home.build(&[]));
    assert_eq!(in_image(&image, "cat head"), "ref: refs/heads/main");
    assert_eq!(
        in_image(&image, "ls -A .git 2>/dev/null | wc -l"),
        "0",
        "history is for tasks only"
    );
}

#[test]
fn uncommitted_changes_are_built_when_asked_for_and_are_no_base_for_commits() {
    let home = Home::new();
    let repo = Repository::with_task("cat README > seen");
    home.add(&repo.path);
    home.build(&[]);
    repo.write("README", "not committed\n");
    assert_eq!(
        home.json(&["plan"])["decision"],
        "reuse",
        "a clean build reads no work tree"
    );

    let plan = home.json(&["plan", "--dirty"]);
    assert_eq!(
        (&plan["dirty"], &plan["decision"]),
        (&true.into(), &"incremental".into())
    );
    let dirty = home.build(&["--dirty"]);
    assert_eq!(dirty["dirty"], true);
    assert_eq!(in_image(&reference(&dirty), "cat seen"), "not committed");
    assert_eq!(
        home.build(&["--dirty"])["id"],
        dirty["id"],
        "the same changes are built once"
    );
    assert_eq!(
        repo.git(&["status", "--porcelain"]),
        "M README",
        "the repository is as it was"
    );

    repo.git(&["checkout", "-q", "README"]);
    repo.write("other", "x\n");
    repo.commit("something else");
    let plan = home.json(&["plan"]);
    let candidates = plan["candidates"].as_array().unwrap();
    let of_dirty = candidates.iter().find(|one| one["build"] == dirty["id"]).unwrap();
    assert_eq!(
        of_dirty["verdict"], "rejected",
        "nobody knows what else was in that work tree"
    );
    let refused = home
        .run(&["plan", "--dirty", "--commit", "HEAD~1", "--json"])
        .exits(2);
    assert_eq!(refused.error()["code"], "bad_request");
}

#[test]
fn a_build_that_is_named_is_the_base_or_is_reused() {
    let home = Home::new();
    let repo = Repository::with_task("echo built");
    home.add(&repo.path);
    let first = home.build(&[]);
    repo.write("a", "1\n");
    repo.commit("second");
    let second = home.build(&["--full"]);
    repo.write("a", "2\n");
    repo.commit("third");
    let id = |build: &serde_json::Value| build["id"].as_str().unwrap().to_owned();
    assert_eq!(
        home.json(&["plan"])["base"]["build"],
        second["id"],
        "the nearest by itself"
    );
    let plan = home.json(&["plan", "--base", &id(&first)[..6]]);
    assert_eq!(plan["base"]["build"], first["id"], "the one that was asked for");
    let plan = home.json(&["plan", "--commit", "HEAD~1", "--build", &id(&second)]);
    assert_eq!(
        (&plan["decision"], &plan["build"]),
        (&"reuse".into(), &second["id"])
    );
    let refused = home
        .run(&["plan", "--base", "ffffffffffffffff", "--json"])
        .exits(2);
    assert_eq!(refused.error()["code"], "not_found");
}

fn reference(build: &serde_json::Value) -> String {
    build["images"][0]["reference"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Returns a home in which every call of docker is written down.
fn recording_home() -> Home {
    let home = Home::new();
    let programs = home.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let path = std::env::var("PATH").unwrap();
    let docker = std::env::split_paths(&path)
        .map(|dir| dir.join("docker"))
        .find(|docker| docker.exists())
        .unwrap();
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>'{}'\nexec '{}' \"$@\"\n",
        home.path().join("calls").display(),
        docker.display()
    );
    std::fs::write(programs.join("docker"), script).unwrap();
    std::fs::set_permissions(programs.join("docker"), PermissionsExt::from_mode(0o755)).unwrap();
    home.with("PATH", format!("{}:{path}", programs.display()))
}

fn recorded(home: &Home) -> String {
    std::fs::read_to_string(home.path().join("calls")).unwrap_or_default()
}

fn forget_recorded(home: &Home) {
    drop(std::fs::remove_file(home.path().join("calls")));
}
