//! Reuse, pruning and leftovers of the checkout cache.

use super::super::testing::{TestRepo, git};
use super::*;

#[test]
fn a_checkout_is_made_once_per_tree_and_time() {
    let test = TestRepo::new();
    let tree = test.tree(&[("a", b"1")]);
    let one = test.commit_tree(tree, 1_700_000_000, &[]);
    let twin = test.commit_tree(tree, 1_700_000_000, &[one]);
    let later = test.commit_tree(tree, 1_700_000_001, &[one]);
    let dir = tempfile::tempdir().unwrap();
    let cache = CheckoutCache::new(dir.path().join("cache"));
    let (repo, root) = (test.repo(), RepoPath::default());
    let first = cache.full(&repo, one, &root).unwrap();
    assert!(!first.reused);
    let again = cache.full(&repo, twin, &root).unwrap();
    assert!(
        again.reused && again.path == first.path,
        "the tree counts, not the commit"
    );
    assert!(
        !cache.full(&repo, later, &root).unwrap().reused,
        "times are part of a checkout"
    );
    let other = CheckoutCache::new(dir.path().join("cache"));
    assert!(other.full(&repo, one, &root).unwrap().reused);
}

#[test]
fn concurrent_makers_end_with_one_entry() {
    let test = TestRepo::new();
    let commit = test.commit_tree(test.tree(&[("a", b"1"), ("b", b"2")]), 1_700_000_000, &[]);
    let dir = tempfile::tempdir().unwrap();
    let repo = test.repo();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let cache = CheckoutCache::new(dir.path());
                let made = cache.full(&repo, commit, &RepoPath::default()).unwrap();
                assert_eq!(fs::read(made.path.join("b")).unwrap(), b"2");
            });
        }
    });
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn least_recently_used_entries_go_first_and_recent_ones_stay() {
    let test = TestRepo::new();
    let dir = tempfile::tempdir().unwrap();
    let cache = CheckoutCache::new(dir.path());
    let now = SystemTime::now();
    let mut paths = Vec::new();
    for (number, hours) in [(0_u8, 5), (1, 50), (2, 0)] {
        let tree = test.tree(&[("f", &[number; 50_000])]);
        let made = cache
            .tree(&test.repo(), tree, &RepoPath::default(), 1_700_000_000)
            .unwrap();
        let entry = made.path.parent().unwrap().to_owned();
        let report = fs::File::options().append(true).open(entry.join(REPORT)).unwrap();
        report
            .set_modified(now - Duration::from_secs(hours * 3600))
            .unwrap();
        paths.push(entry);
    }
    let planned = |max| {
        cache
            .prune_plan(max, now)
            .unwrap()
            .into_iter()
            .map(|p| p.path)
            .collect::<Vec<_>>()
    };
    assert_eq!(planned(1 << 30), Vec::<PathBuf>::new());
    assert_eq!(planned(150_000), [paths[1].clone()]);
    assert_eq!(
        planned(0),
        [paths[1].clone(), paths[0].clone()],
        "what was just used is kept"
    );
    let plan = cache.prune_plan(0, now).unwrap();
    for entry in &plan {
        cache.remove(entry).unwrap();
        cache.remove(entry).unwrap();
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn leftovers_of_dead_processes_are_removed_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir
        .path()
        .join(format!("{PARTIAL_PREFIX}{}-0", std::process::id()));
    let dead = dir.path().join(format!("{PARTIAL_PREFIX}999999999-0"));
    let unfinished = dir.path().join(format!("{}-1-0", "ab".repeat(20)));
    let foreign = dir.path().join("some-thing-else");
    for path in [&mine, &dead, &unfinished, &foreign] {
        fs::create_dir_all(path.join("files")).unwrap();
    }
    CheckoutCache::new(dir.path());
    assert!(mine.exists() && foreign.exists());
    assert!(!dead.exists() && !unfinished.exists());
}

#[test]
fn git_works_in_the_small_git_directory() {
    let test = TestRepo::new();
    let tree = test.tree(&[("a", b"1"), ("sub/b*", b"2"), ("l@", b"a")]);
    let first = test.commit(1_600_000_000, &[]);
    let commit = test.commit_tree(tree, 1_700_000_000, &[first]);
    test.branch("feature/x", commit);
    test.git
        .config()
        .unwrap()
        .set_str("remote.origin.url", "https://user:secret@example.com/x")
        .unwrap();
    let object = test.git.find_object(commit.0, None).unwrap();
    test.git
        .tag(
            "v1.2",
            &object,
            &object.as_commit().unwrap().author(),
            "release",
            false,
        )
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let cache = CheckoutCache::new(dir.path().join("cache"));
    let repo = test.repo();
    for (branch, head) in [
        (Some("feature/x"), "feature/x"),
        (None, "HEAD"),
        (Some("../../bad"), "HEAD"),
    ] {
        let work = tempfile::tempdir().unwrap();
        let work = work.path().join("work");
        super::super::materialise(&repo, tree, &RepoPath::default(), &work, Stamp::of_tree(0, tree)).unwrap();
        let made = cache.git_dir(&repo, commit, branch).unwrap();
        assert_eq!(cache.git_dir(&repo, commit, branch).unwrap(), made);
        let status = std::process::Command::new("cp")
            .arg("-r")
            .arg(&made)
            .arg(work.join(".git"))
            .status()
            .unwrap();
        assert!(status.success());
        fs::write(work.join("built.o"), "x").unwrap();
        assert_eq!(git(&work, &["rev-parse", "HEAD"]).trim(), commit.to_string());
        assert_eq!(git(&work, &["rev-parse", "--abbrev-ref", "HEAD"]).trim(), head);
        assert_eq!(git(&work, &["status", "--porcelain"]), "?? built.o\n");
        assert_eq!(git(&work, &["describe"]).trim(), "v1.2");
        assert_eq!(git(&work, &["log", "--format=%H"]).lines().count(), 1, "shallow");
        assert_eq!(git(&work, &["diff", "HEAD"]), "");
        git(&work, &["fsck", "--strict", "--no-dangling"]);
        assert!(
            !fs::read_to_string(work.join(".git/config"))
                .unwrap()
                .contains("secret")
        );
        fs::write(work.join("a"), "changed").unwrap();
        assert!(git(&work, &["diff", "--stat"]).contains("a | 2"));
    }
}
