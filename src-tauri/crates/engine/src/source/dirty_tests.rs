//! Work trees that differ from HEAD in every way, compared with what git itself says.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use super::super::testing::{TestRepo, git, snapshot};
use super::*;
use crate::source::{Stamp, materialise};

/// A repository with a few committed files checked out.
fn committed() -> TestRepo {
    let test = TestRepo::new();
    test.write("a", "one\n");
    test.write("dir/b", "two\n");
    test.write("run", "#!/bin/sh\n");
    test.write(".gitignore", "*.o\n/target/\n");
    symlink("a", test.path().join("link")).unwrap();
    git(test.path(), &["add", "--all"]);
    commit(&test);
    test
}

fn commit(test: &TestRepo) {
    git(
        test.path(),
        &[
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b",
            "commit",
            "--quiet",
            "--message",
            "m",
        ],
    );
}

fn state(test: &TestRepo) -> Option<Dirty> {
    match worktree_state(&test.repo(), &RepoPath::default()).unwrap() {
        WorktreeState::Clean => None,
        WorktreeState::Dirty(dirty) => Some(dirty),
    }
}

/// What `git add --all` would commit, computed in a copy.
fn tree_of_git(test: &TestRepo) -> String {
    let copy = tempfile::tempdir().unwrap();
    let status = std::process::Command::new("cp")
        .arg("-a")
        .arg(test.path().join("."))
        .arg(copy.path())
        .status()
        .unwrap();
    assert!(status.success());
    git(copy.path(), &["add", "--all"]);
    git(copy.path(), &["write-tree"]).trim().to_owned()
}

/// Every file of the git directory with its content and time: what must not change.
fn git_dir_state(test: &TestRepo) -> BTreeMap<Vec<u8>, (Vec<u8>, SystemTime)> {
    let git_dir = test.path().join(".git");
    let mut found = BTreeMap::new();
    let mut pending = vec![git_dir];
    while let Some(at) = pending.pop() {
        let modified = fs::metadata(&at).unwrap().modified().unwrap();
        found.insert(at.as_os_str().as_bytes().to_vec(), (Vec::new(), modified));
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let modified = fs::metadata(&path).unwrap().modified().unwrap();
                found.insert(
                    path.as_os_str().as_bytes().to_vec(),
                    (fs::read(&path).unwrap(), modified),
                );
            }
        }
    }
    found
}

#[test]
fn a_fresh_checkout_is_clean_whatever_its_times() {
    let test = committed();
    assert_eq!(state(&test), None);
    test.write("x.o", "ignored");
    test.write("target/y", "ignored");
    let file = fs::File::options()
        .append(true)
        .open(test.path().join("a"))
        .unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(100))
        .unwrap();
    assert_eq!(state(&test), None, "touched and ignored files are no difference");
}

#[test]
fn every_kind_of_difference_is_in_the_tree_and_the_repository_is_untouched() {
    let test = committed();
    test.write("a", "changed\n");
    test.write("staged", "s");
    git(test.path(), &["add", "staged"]);
    test.write("staged", "and changed again");
    fs::remove_file(test.path().join("dir/b")).unwrap();
    test.write("dir/b/now-a-directory", "x");
    fs::remove_file(test.path().join("link")).unwrap();
    symlink("elsewhere", test.path().join("link")).unwrap();
    fs::set_permissions(test.path().join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    test.write("new/deep/file", "n");
    test.write("new \"odd\"\nname", "o");
    test.write("ignored.o", "i");
    let same = fs::read(test.path().join("run")).unwrap();
    test.write("copy-of-run", same);
    let wanted = tree_of_git(&test);

    std::thread::sleep(Duration::from_millis(20));
    let before = git_dir_state(&test);
    let dirty = state(&test).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let found = dirty_tree(&test.repo(), &RepoPath::default(), &scratch.path().join("o")).unwrap();
    assert_eq!(
        git_dir_state(&test),
        before,
        "not one byte and not one time of the repository changes"
    );
    assert_eq!(found.tree.to_string(), wanted, "the tree that git would commit");
    assert_eq!((dirty.staged, dirty.untracked), (1, 4));
    let changed: Vec<String> = dirty.changed.iter().map(RepoPath::to_string).collect();
    let expected = [
        "a",
        "copy-of-run",
        "dir/b",
        "dir/b/now-a-directory",
        "link",
        "new \"odd\"\\nname",
        "new/deep/file",
        "run",
    ];
    assert_eq!(changed, [&expected[..], &["staged"]].concat());
    assert_eq!(state(&test).unwrap().digest, dirty.digest);

    let dest = scratch.path().join("dest");
    materialise(
        &found.repo,
        found.tree,
        &RepoPath::default(),
        &dest,
        Stamp::at(SystemTime::now()),
    )
    .unwrap();
    assert_eq!(fs::read(dest.join("staged")).unwrap(), b"and changed again");
    assert!(snapshot(&dest).contains_key(&b"dir/b/now-a-directory"[..]));
    assert_eq!(fs::read_link(dest.join("link")).unwrap(), Path::new("elsewhere"));
}

#[test]
fn the_digest_is_of_the_content_and_not_of_the_clone() {
    let digest = |change: &dyn Fn(&TestRepo)| {
        let test = committed();
        change(&test);
        state(&test).unwrap().digest
    };
    let edit = digest(&|test| test.write("a", "x"));
    assert_eq!(edit, digest(&|test| test.write("a", "x")));
    let others = [
        digest(&|test| test.write("a", "y")),
        digest(&|test| test.write("b", "x")),
        digest(&|test| fs::remove_file(test.path().join("a")).unwrap()),
        digest(&|test| {
            test.write("a", "x");
            fs::set_permissions(test.path().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
        }),
    ];
    assert!(!others.contains(&edit));
}

#[test]
fn only_the_prefix_is_looked_at() {
    let test = committed();
    test.write("a", "changed");
    let repo = test.repo();
    let dir = RepoPath::from("dir");
    assert_eq!(worktree_state(&repo, &dir).unwrap(), WorktreeState::Clean);
    test.write("dir/c", "new");
    let WorktreeState::Dirty(dirty) = worktree_state(&repo, &dir).unwrap() else {
        panic!("dir is dirty")
    };
    assert_eq!(dirty.changed, [RepoPath::from("dir/c")]);
}

#[test]
fn removed_from_the_index_and_ignored_means_gone() {
    let test = committed();
    test.write("tracked.o", "x");
    git(test.path(), &["add", "--force", "tracked.o"]);
    commit(&test);
    git(test.path(), &["rm", "--quiet", "--cached", "tracked.o"]);
    let scratch = tempfile::tempdir().unwrap();
    let found = dirty_tree(&test.repo(), &RepoPath::default(), scratch.path()).unwrap();
    assert_eq!(found.tree.to_string(), tree_of_git(&test));
}

#[test]
fn a_repository_without_a_commit_can_be_built() {
    let test = TestRepo::new();
    test.write("first", "1");
    let scratch = tempfile::tempdir().unwrap();
    let found = dirty_tree(&test.repo(), &RepoPath::default(), scratch.path()).unwrap();
    assert_eq!(found.tree.to_string(), tree_of_git(&test));
    assert_eq!(state(&test).unwrap().untracked, 1);
}

#[test]
fn pipes_nested_repositories_and_unreadable_files_do_no_harm() {
    let test = committed();
    let status = std::process::Command::new("mkfifo")
        .arg(test.path().join("pipe"))
        .status()
        .unwrap();
    assert!(status.success());
    test.write("nested/file", "x");
    git(&test.path().join("nested"), &["init", "--quiet"]);
    let scratch = tempfile::tempdir().unwrap();
    let found = dirty_tree(&test.repo(), &RepoPath::default(), scratch.path()).unwrap();
    let head = test.repo().resolve("HEAD").unwrap();
    assert_eq!(found.tree, test.repo().commit(head).unwrap().tree);
    state(&test);
}

#[test]
fn a_sparse_checkout_is_not_dirty() {
    let test = committed();
    git(test.path(), &["sparse-checkout", "set", "--no-cone", "/a"]);
    assert!(!test.path().join("dir/b").exists());
    assert_eq!(state(&test), None);
}

#[test]
fn content_in_the_place_of_an_lfs_pointer_is_no_difference() {
    let test = committed();
    let content = b"large content";
    let sha256: String = Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let size = content.len();
    test.write(
        "big.bin",
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"),
    );
    test.write(".gitattributes", "*.bin filter=lfs -text\n");
    git(test.path(), &["add", "--all"]);
    commit(&test);
    test.write("big.bin", content);
    assert_eq!(state(&test), None);
    test.write("big.bin", b"edited content");
    assert_eq!(state(&test).unwrap().changed, [RepoPath::from("big.bin")]);
}

#[test]
fn programs_that_the_repository_configures_are_not_run() {
    let test = committed();
    let trap = test.path().join(".git/ran");
    let run = format!("touch '{}'", trap.display());
    for key in [
        "core.fsmonitor",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.external",
    ] {
        test.git.config().unwrap().set_str(key, &run).unwrap();
    }
    test.git
        .config()
        .unwrap()
        .set_str("core.hooksPath", test.path().to_str().unwrap())
        .unwrap();
    test.write("post-index-change", format!("#!/bin/sh\n{run}\n"));
    fs::set_permissions(
        test.path().join("post-index-change"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    test.write(".gitattributes", "* filter=evil diff=evil\n");
    test.write("a", "changed");
    state(&test).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    dirty_tree(&test.repo(), &RepoPath::default(), scratch.path()).unwrap();
    assert!(!trap.exists());
}

#[test]
fn line_endings_that_git_converts_are_no_difference() {
    let test = committed();
    test.write("win.bat", "echo\r\n");
    test.write(".gitattributes", "*.bat text eol=crlf\n");
    git(test.path(), &["add", "--all"]);
    commit(&test);
    test.write("win.bat", "echo\r\n");
    assert_eq!(state(&test), None);
    test.write("win.bat", "echo changed\r\n");
    let scratch = tempfile::tempdir().unwrap();
    let found = dirty_tree(&test.repo(), &RepoPath::default(), scratch.path()).unwrap();
    assert_eq!(found.tree.to_string(), tree_of_git(&test));
}

#[test]
fn a_bare_repository_has_no_work_tree_state() {
    let dir = tempfile::tempdir().unwrap();
    git2::Repository::init_bare(dir.path()).unwrap();
    let error = worktree_state(&Repo::open(dir.path()).unwrap(), &RepoPath::default()).unwrap_err();
    assert!(matches!(error, SourceError::Bare { .. }));
}

#[test]
fn a_moved_submodule_is_a_difference_and_dirt_inside_it_is_not() {
    let inner = committed();
    let test = committed();
    let url = inner.path().to_str().unwrap();
    git(
        test.path(),
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            url,
            "module",
        ],
    );
    commit(&test);
    assert_eq!(state(&test), None);
    fs::write(test.path().join("module/a"), "committed inside").unwrap();
    let inside = [
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@b",
        "commit",
        "--quiet",
        "-a",
        "-m",
        "x",
    ];
    git(&test.path().join("module"), &inside);
    let scratch = tempfile::tempdir().unwrap();
    let found = dirty_tree(&test.repo(), &RepoPath::default(), scratch.path()).unwrap();
    assert_eq!(found.tree.to_string(), tree_of_git(&test));
    assert_eq!(state(&test).unwrap().changed, [RepoPath::from("module")]);
}
