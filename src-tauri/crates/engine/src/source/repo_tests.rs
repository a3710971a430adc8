//! Opening repositories of every shape, and reading their commits.

use std::fs;
use std::os::unix::fs::symlink;

use super::super::testing::{TestRepo, git};
use git2::ObjectType;

use super::*;
use crate::source::Head;

#[test]
fn a_folder_knows_its_place_in_the_work_tree() {
    let test = TestRepo::new();
    fs::create_dir_all(test.path().join("services/api")).unwrap();
    let repo = Repo::open(&test.path().join("services/api")).unwrap();
    assert_eq!(repo.source_root(), &RepoPath::from("services/api"));
    assert_eq!(
        repo.workdir(),
        Some(test.path().canonicalize().unwrap().as_path())
    );
    assert!(!repo.is_bare() && !repo.is_shallow());
    assert!(Repo::open(test.path()).unwrap().source_root().is_empty());
    assert!(
        Repo::open(&test.path().join(".git"))
            .unwrap()
            .source_root()
            .is_empty()
    );
}

#[test]
fn bare_repositories_worktrees_and_symlinked_git_directories_open() {
    let test = TestRepo::new();
    let commit = test.commit(1, &[]);
    test.branch("main", commit);
    let outside = tempfile::tempdir().unwrap();
    let bare = outside.path().join("bare.git");
    git(
        test.path(),
        &["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()],
    );
    let repo = Repo::open(&bare).unwrap();
    assert!(repo.is_bare() && repo.workdir().is_none());
    assert_eq!(repo.head().unwrap().commit(), Some(commit));

    let linked = outside.path().join("linked");
    git(
        test.path(),
        &[
            "worktree",
            "add",
            "--quiet",
            "-b",
            "other",
            linked.to_str().unwrap(),
        ],
    );
    fs::create_dir(linked.join("below")).unwrap();
    let repo = Repo::open(&linked.join("below")).unwrap();
    assert_eq!(
        repo.head().unwrap(),
        Head::Branch {
            name: "other".into(),
            commit
        }
    );
    assert_eq!(repo.source_root(), &RepoPath::from("below"));
    assert_eq!(
        repo.common_dir(),
        test.path().join(".git").canonicalize().unwrap()
    );
    assert_ne!(repo.git_dir(), repo.common_dir());
    let (first, second) = (repo.git().unwrap(), repo.git().unwrap());
    assert_eq!(
        first.workdir(),
        second.workdir(),
        "a second handle is opened from the git directory alone"
    );

    let moved = outside.path().join("moved");
    fs::create_dir(&moved).unwrap();
    symlink(test.path().join(".git"), moved.join(".git")).unwrap();
    let repo = Repo::open(&moved).unwrap();
    assert_eq!(repo.head().unwrap().commit(), Some(commit));
}

#[test]
fn what_is_no_repository_is_said_to_be_none() {
    let empty = tempfile::tempdir().unwrap();
    let message = Repo::open(empty.path()).unwrap_err().to_string();
    assert_eq!(
        message,
        format!("{} is not inside a git repository", empty.path().display())
    );
    let message = Repo::open(&empty.path().join("absent")).unwrap_err().to_string();
    assert!(message.starts_with("cannot open "), "{message}");
}

#[test]
fn odd_formats_are_refused_with_a_sentence_and_partial_clones_open() {
    for (config, opens) in [
        (
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = origin\n",
            true,
        ),
        (
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefStorage = reftable\n",
            false,
        ),
        ("[core]\n\trepositoryformatversion = 99\n", false),
        ("[core\nnonsense", false),
    ] {
        let test = TestRepo::new();
        fs::write(test.path().join(".git/config"), config).unwrap();
        match Repo::open(test.path()) {
            Ok(_) => assert!(opens, "{config}"),
            Err(error) => {
                assert!(!opens, "{config}: {error}");
                assert!(error.to_string().contains("cannot be opened: "), "{error}");
            }
        }
    }
}

#[test]
fn a_work_tree_somewhere_else_is_refused() {
    let test = TestRepo::new();
    let other = tempfile::tempdir().unwrap();
    test.git
        .config()
        .unwrap()
        .set_str("core.worktree", other.path().to_str().unwrap())
        .unwrap();
    let error = Repo::open(test.path()).unwrap_err();
    assert!(matches!(error, SourceError::ForeignWorkTree { .. }), "{error}");
}

#[test]
fn one_repository_serves_many_threads() {
    let test = TestRepo::new();
    let mut tip = test.commit(0, &[]);
    for time in 1..50 {
        tip = test.commit(time, &[tip]);
    }
    let repo = test.repo();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(crate::source::ancestors(&repo, tip, 100).unwrap().len(), 50));
        }
    });
    assert!(repo.0.idle.lock().unwrap().len() <= MAX_IDLE);
}

#[test]
fn hostile_commits_are_text_and_damaged_ones_are_named() {
    let test = TestRepo::new();
    let tree = test.tree(&[("a", b"1")]);
    let mut data = format!("tree {tree}\nauthor \u{202e}\x07").into_bytes();
    data.extend_from_slice(
        b"\xff\xfe <\xe9@x> -5 +9999\ncommitter B <b> 253402300799 -0000\nencoding latin1\n\n",
    );
    data.extend_from_slice(b"--upload-pack=x\x1b[2J\nsecond\0line");
    let id = CommitId(test.raw(ObjectType::Commit, &data));
    let repo = test.repo();
    let info = repo.commit(id).unwrap();
    assert_eq!((info.author_time, info.commit_time), (-5, 253_402_300_799));
    assert_eq!(info.summary, "--upload-pack=x[2J");
    assert!(info.message.ends_with("second\u{fffd}line"));

    let nonsense = CommitId(test.raw(ObjectType::Commit, b"nonsense"));
    assert_eq!(
        repo.commit(nonsense).unwrap_err().to_string(),
        format!("commit {nonsense} is damaged: it names no tree")
    );
    let blob = CommitId(test.git.blob(b"x").unwrap());
    assert_eq!(
        repo.commit(blob).unwrap_err().to_string(),
        format!("commit {blob} is damaged: it is a blob")
    );
    let hex = id.to_string();
    let path = test.path().join(".git/objects").join(&hex[..2]).join(&hex[2..]);
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    fs::set_permissions(&path, permissions).unwrap();
    for damage in [&b""[..], b"x\x9c", b"not zlib at all"] {
        fs::write(&path, damage).unwrap();
        let error = test.repo().commit(id).unwrap_err().to_string();
        assert!(error.starts_with(&format!("commit {id} is ")), "{error}");
    }
}

#[test]
fn paths_are_normalised_or_refused() {
    for (given, path) in [
        ("", Some("")),
        (".", Some("")),
        ("a/./b/../c", Some("a/c")),
        ("a//b/", Some("a/b")),
    ] {
        assert_eq!(
            RepoPath::from_relative(Path::new(given)).ok(),
            path.map(RepoPath::from),
            "{given}"
        );
    }
    for given in ["/a", "..", "a/../..", "a\0b"] {
        assert!(RepoPath::from_relative(Path::new(given)).is_err(), "{given:?}");
    }
    assert_eq!(
        RepoPath::new(b"a\nb\x1b\xff".as_slice()).to_string(),
        "a\\nb\\u{1b}\u{fffd}"
    );
}
