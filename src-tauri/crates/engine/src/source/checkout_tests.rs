//! Checkouts of ordinary and of hostile trees, compared with what git itself would write.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use git2::Oid;

use super::super::testing::{TestRepo, git, snapshot};
use super::*;
use crate::source::CheckoutCache;

const STAMP: Stamp = Stamp {
    seconds: 1_700_000_000,
    nanos: 123_456_789,
};

fn out() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn check_out(repo: &Repo, tree: TreeId, prefix: &str, dest: &Path) -> Result<CheckoutReport> {
    materialise(repo, tree, &RepoPath::from(prefix), dest, STAMP)
}

#[test]
fn modes_times_and_bytes_are_the_same_under_every_umask() {
    let test = TestRepo::new();
    let tree = test.tree(&[
        ("a.txt", b"one\r\ntwo\n"),
        ("bin/run*", b"#!/bin/sh\n"),
        ("bin/deep/er/file", b""),
        ("link@", b"bin/run"),
        ("outside@", b"/etc/passwd"),
        ("odd \"name\"\nwith\tall", b"x"),
    ]);
    let dir = out();
    let dest = dir.path().join("new/parent/dest");
    let report = check_out(&test.repo(), tree, "", &dest).unwrap();
    assert_eq!((report.files, report.bytes), (6, 9 + 10 + 7 + 11 + 1));
    let mut seen = 0;
    let mut pending = vec![dest.clone()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert_eq!(
            (metadata.mtime(), metadata.mtime_nsec()),
            (1_700_000_000, 123_456_789),
            "{path:?}"
        );
        if metadata.is_dir() {
            assert_eq!(metadata.permissions().mode() & 0o7777, 0o755);
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if metadata.is_file() {
            let wanted = if path.ends_with("run") { 0o755 } else { 0o644 };
            assert_eq!(metadata.permissions().mode() & 0o7777, wanted, "{path:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
    assert_eq!(
        fs::read(dest.join("a.txt")).unwrap(),
        b"one\r\ntwo\n",
        "no line ending is converted"
    );
    assert_eq!(
        fs::read_link(dest.join("outside")).unwrap(),
        Path::new("/etc/passwd")
    );
    assert_eq!(
        fs::read_dir(dest.parent().unwrap()).unwrap().count(),
        1,
        "nothing unfinished is left"
    );
}

#[test]
fn a_prefix_becomes_the_root() {
    let test = TestRepo::new();
    let tree = test.tree(&[
        ("services/api/main.go", b"api"),
        ("services/web/x", b"web"),
        ("top", b"t"),
    ]);
    let dir = out();
    let dest = dir.path().join("api");
    check_out(&test.repo(), tree, "services/api", &dest).unwrap();
    assert_eq!(snapshot(&dest).keys().collect::<Vec<_>>(), [&b"main.go".to_vec()]);
    let error = check_out(&test.repo(), tree, "services/none", &dir.path().join("x"))
        .unwrap_err()
        .to_string();
    assert_eq!(error, format!("services/none does not exist in tree {tree}"));
    let error = check_out(&test.repo(), tree, "top", &dir.path().join("x"))
        .unwrap_err()
        .to_string();
    assert_eq!(error, "top is a file, not a directory");
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "a refusal leaves nothing"
    );
}

#[test]
fn hostile_trees_stay_inside_and_are_reported() {
    let test = TestRepo::new();
    let dir = out();
    let target = dir.path().join("target");
    fs::create_dir(&target).unwrap();
    let blob = test.git.blob(b"evil").unwrap();
    let link = test.git.blob(target.as_os_str().as_bytes()).unwrap();
    let inner = test.raw_tree(&[("100644", b"pwned", blob)]);
    let long = vec![b'n'; 300];
    let tree = test.raw_tree(&[
        ("100644", b"", blob),
        ("100644", b".", blob),
        ("40000", b"..", inner.0),
        ("100644", b".GIT", blob),
        ("40000", b".git", inner.0),
        ("100644", b"../escape", blob),
        ("100644", b"/absolute", blob),
        ("100644", b"a/b", blob),
        ("100644", b"git~1", blob),
        ("120000", b"sub", link),
        ("40000", b"sub", inner.0),
        ("100644", b"good\xff", blob),
        ("100664", b"old-mode", blob),
        ("100644", &long, blob),
    ]);
    let dest = dir.path().join("dest");
    let report = check_out(&test.repo(), tree, "", &dest).unwrap();
    assert_eq!(
        fs::read_dir(&target).unwrap().count(),
        0,
        "nothing is written through the link"
    );
    assert_eq!(report.unusable.len(), 11, "{:?}", report.unusable);
    let names: Vec<_> = fs::read_dir(&dest)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().any(|name| name == OsStr::from_bytes(b"good\xff")));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn trees_that_would_never_end_are_refused() {
    let test = TestRepo::new();
    let blob = test.git.blob(b"x").unwrap();
    let mut deep = test.raw_tree(&[("100644", b"f", blob)]);
    for _ in 0..300 {
        deep = test.raw_tree(&[("40000", b"d", deep.0)]);
    }
    let dir = out();
    let error = check_out(&test.repo(), deep, "", &dir.path().join("deep")).unwrap_err();
    assert!(matches!(error, SourceError::TooDeep { .. }), "{error}");

    // Ten names for the same directory, twenty levels deep: 10^20 empty directories from 20 objects.
    let mut bomb = test.raw_tree(&[]);
    let names: Vec<String> = (0..10).map(|n| format!("n{n}")).collect();
    for _ in 0..20 {
        let entries: Vec<(&str, &[u8], Oid)> = names
            .iter()
            .map(|name| ("40000", name.as_bytes(), bomb.0))
            .collect();
        bomb = test.raw_tree(&entries);
    }
    let (repo, root) = (test.repo(), RepoPath::default());
    let git = repo.git().unwrap();
    let mut budget = Budget::of(20_000);
    let walked = walk(
        &git.objects().unwrap(),
        bomb,
        &root,
        &mut budget,
        &mut Vec::new(),
        &mut |_| Ok(()),
    );
    assert!(matches!(walked, Err(SourceError::TooManyEntries { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_blob_is_named_and_leaves_nothing() {
    let test = TestRepo::new();
    let gone = Oid::from_str(&"ab".repeat(20)).unwrap();
    let blob = test.git.blob(b"here").unwrap();
    let tree = test.raw_tree(&[("100644", b"a", blob), ("100644", b"b", gone)]);
    let dir = out();
    let error = check_out(&test.repo(), tree, "", &dir.path().join("dest"))
        .unwrap_err()
        .to_string();
    assert!(error.contains(&gone.to_string()), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn lfs_pointers_and_absent_submodules_are_listed() {
    let test = TestRepo::new();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    let lfs = test.git.blob(pointer).unwrap();
    let commit = Oid::from_str(&"cd".repeat(20)).unwrap();
    let tree = test.raw_tree(&[("100644", b"big.bin", lfs), ("160000", b"module", commit)]);
    let dir = out();
    let report = check_out(&test.repo(), tree, "", &dir.path().join("dest")).unwrap();
    assert_eq!(report.lfs_pointers, [RepoPath::from("big.bin")]);
    let link = Gitlink {
        path: "module".into(),
        commit: CommitId(commit),
        materialised: false,
    };
    assert_eq!(report.gitlinks, [link]);
    assert!(dir.path().join("dest/module").is_dir());
}

#[test]
fn an_initialised_submodule_is_written_from_its_own_objects() {
    let inner = TestRepo::new();
    let commit = inner.commit_tree(inner.tree(&[("lib.c", b"lib"), ("sub/x*", b"x")]), 5, &[]);
    inner.branch("main", commit);
    let test = TestRepo::new();
    test.branch(
        "main",
        test.commit_tree(test.tree(&[("app/main.c", b"main")]), 4, &[]),
    );
    git(test.path(), &["reset", "--quiet", "--hard"]);
    let url = inner.path().to_str().unwrap();
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        "--name",
        "other/name",
        url,
    ];
    git(test.path(), &[&add[..], &["app/vendor"]].concat());
    git(
        test.path(),
        &[
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b",
            "commit",
            "--quiet",
            "-m",
            "module",
        ],
    );
    let head = test.repo().resolve("HEAD").unwrap();
    let cache = CheckoutCache::new(
        test.path()
            .join("../")
            .join(format!("cache-{}", std::process::id())),
    );
    let made = cache.full(&test.repo(), head, &RepoPath::from("app")).unwrap();
    assert!(made.report.gitlinks[0].materialised && made.report.files == 3);
    assert_eq!(fs::read(made.path.join("vendor/sub/x")).unwrap(), b"x");
    assert!(!made.path.join("vendor/.git").exists());

    // In a clone without the submodule the directory is empty; once initialised, the cache notices.
    let clone = out();
    let path = clone.path().join("clone");
    git(test.path(), &["clone", "--quiet", ".", path.to_str().unwrap()]);
    let repo = Repo::open(&path).unwrap();
    let cache = CheckoutCache::new(clone.path().join("cache"));
    let bare = cache.full(&repo, head, &RepoPath::default()).unwrap();
    assert!(!bare.report.gitlinks[0].materialised);
    assert!(cache.full(&repo, head, &RepoPath::default()).unwrap().reused);
    git(
        &path,
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "update",
            "--init",
        ],
    );
    let filled = cache.full(&repo, head, &RepoPath::default()).unwrap();
    assert!(!filled.reused && filled.report.gitlinks[0].materialised && filled.path != bare.path);
    fs::remove_dir_all(made.path.ancestors().nth(2).unwrap()).unwrap();
}

#[test]
fn a_checkout_is_what_git_archive_writes() {
    let test = TestRepo::new();
    let tree = test.tree(&[
        ("a", b"1"),
        ("b/c*", b"2"),
        ("b/d@", b"c"),
        ("e f/g", &[0, 255, 10, 13]),
    ]);
    let dir = out();
    let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
    check_out(&test.repo(), tree, "", &ours).unwrap();
    fs::create_dir(&theirs).unwrap();
    let script = format!(
        "git -c tar.umask=022 archive {tree} | tar -x -C '{}'",
        theirs.display()
    );
    let status = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(test.path())
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(snapshot(&ours), snapshot(&theirs));
}
