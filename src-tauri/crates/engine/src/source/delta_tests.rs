//! Applying a delta to a checkout gives the checkout of the newer tree, for any two trees.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::time::SystemTime;

use proptest::prelude::*;

use super::super::checkout::materialise;
use super::super::testing::{TestRepo, git, snapshot};
use super::super::tree::walk;
use super::*;

const STAMP: Stamp = Stamp {
    seconds: 1_700_000_000,
    nanos: 0,
};

/// What a path of a generated tree is.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    File(u8),
    Program(u8),
    Link(u8),
    Module(u8),
    Folder(BTreeMap<Vec<u8>, Node>),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let names: [&[u8]; 9] = [
        b"a",
        b"a.b",
        b"a-",
        b"-rf",
        b"sp ace",
        b"new\nline",
        b"\xff\xfe",
        b"q'\"$(x)",
        b"\xc3\xbc",
    ];
    prop::sample::select(names.map(<[u8]>::to_vec).to_vec())
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        4 => (0..4_u8).prop_map(Node::File),
        1 => (0..4_u8).prop_map(Node::Program),
        1 => (0..3_u8).prop_map(Node::Link),
        1 => (0..2_u8).prop_map(Node::Module),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop::collection::btree_map(name(), inner, 0..5).prop_map(Node::Folder)
    })
}

fn folder() -> impl Strategy<Value = BTreeMap<Vec<u8>, Node>> {
    prop::collection::btree_map(name(), node(), 0..6)
}

fn write(test: &TestRepo, folder: &BTreeMap<Vec<u8>, Node>) -> TreeId {
    let blob = |text: String| test.git.blob(text.as_bytes()).unwrap();
    let mut entries: Vec<(&str, &[u8], Oid)> = folder
        .iter()
        .map(|(name, node)| match node {
            Node::File(n) => ("100644", name.as_slice(), blob(format!("content {n}"))),
            Node::Program(n) => ("100755", name.as_slice(), blob(format!("content {n}"))),
            Node::Link(n) => (
                "120000",
                name.as_slice(),
                blob(["a", "../x", "/tmp"][usize::from(*n)].to_owned()),
            ),
            Node::Module(n) => ("160000", name.as_slice(), Oid::from_bytes(&[n + 1; 20]).unwrap()),
            Node::Folder(inner) => ("40000", name.as_slice(), write(test, inner).0),
        })
        .collect();
    entries.sort_by_key(|(mode, name, _)| [*name, if *mode == "40000" { b"/" } else { b"" }].concat());
    test.raw_tree(&entries)
}

/// Does in a checkout what a build does in a container: remove, then copy over.
fn apply(delta: &Delta, changed: &Path, dest: &Path) {
    let list = dest.parent().unwrap().join("removals");
    delta.write_removal_list(&list).unwrap();
    let remove = "xargs -0 rm -rf -- < \"$0\"";
    let run = |program: &str, arguments: &[&std::ffi::OsStr]| {
        let status = std::process::Command::new(program)
            .args(arguments)
            .current_dir(dest)
            .status()
            .unwrap();
        assert!(status.success(), "{program}");
    };
    run("sh", &["-c".as_ref(), remove.as_ref(), list.as_os_str()]);
    run(
        "cp",
        &["-a".as_ref(), changed.join(".").as_os_str(), ".".as_ref()],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn removing_and_copying_gives_the_newer_checkout(from in folder(), to in folder()) {
        let test = TestRepo::new();
        let (from, to) = (write(&test, &from), write(&test, &to));
        let (repo, root) = (test.repo(), RepoPath::default());
        let found = delta(&repo, from, to, &root).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let [base, wanted, changed] = ["base", "wanted", "changed"].map(|name| dir.path().join(name));
        materialise(&repo, from, &root, &base, STAMP).unwrap();
        materialise(&repo, to, &root, &wanted, STAMP).unwrap();
        let report = materialise_delta(&repo, &found, to, &root, &changed, STAMP).unwrap();
        let modules = found.changed.iter().filter(|change| change.entry == EntryKind::Gitlink).count();
        prop_assert_eq!(report.files as usize + modules, found.changed.len());
        apply(&found, &changed, &base);
        prop_assert_eq!(snapshot(&base), snapshot(&wanted));
        prop_assert_eq!(found.is_empty(), snapshot_of(&test, from) == snapshot_of(&test, to));
    }
}

fn snapshot_of(test: &TestRepo, tree: TreeId) -> BTreeMap<Vec<u8>, (EntryKind, Oid)> {
    let repo = test.repo();
    let git = repo.git().unwrap();
    let mut leaves = BTreeMap::new();
    walk(
        &git.objects().unwrap(),
        tree,
        &RepoPath::default(),
        &mut Budget::default(),
        &mut Vec::new(),
        &mut |leaf| {
            leaves.insert(leaf.path.as_bytes().to_vec(), (leaf.kind, leaf.id));
            Ok(())
        },
    )
    .unwrap();
    leaves
}

fn kinds(delta: &Delta) -> Vec<String> {
    let word = |kind: &ChangeKind| match kind {
        ChangeKind::Added => "added".to_owned(),
        ChangeKind::Modified => "modified".to_owned(),
        ChangeKind::ModeChanged => "mode".to_owned(),
        ChangeKind::TypeChanged => "type".to_owned(),
        ChangeKind::RenamedFrom { from } => format!("from {from}"),
    };
    let changed = delta
        .changed
        .iter()
        .map(|change| format!("{} {}", change.path, word(&change.kind)));
    changed
        .chain(delta.deleted.iter().map(|path| format!("- {path}")))
        .collect()
}

#[test]
fn every_kind_of_change_is_named() {
    let test = TestRepo::new();
    let from = test.tree(&[
        ("same", b"s"),
        ("edit", b"1"),
        ("mode", b"m"),
        ("old/name", b"moved"),
        ("file-to-dir", b"f"),
        ("dir-to-file/x", b"x"),
        ("link", b"l"),
        ("dir/gone/deep/a", b"a"),
        ("dir/stays", b"s"),
    ]);
    let to = test.tree(&[
        ("same", b"s"),
        ("edit", b"2"),
        ("mode*", b"m"),
        ("new/name", b"moved"),
        ("file-to-dir/y", b"y"),
        ("dir-to-file", b"d"),
        ("link@", b"same"),
        ("dir/stays", b"s"),
        ("new file", b""),
    ]);
    let found = delta(&test.repo(), from, to, &RepoPath::default()).unwrap();
    let expected = [
        "dir-to-file type",
        "edit modified",
        "file-to-dir/y added",
        "link type",
        "mode mode",
        "new file added",
        "new/name from old/name",
        "- dir-to-file",
        "- dir/gone",
        "- file-to-dir",
        "- link",
        "- old",
    ];
    assert_eq!(kinds(&found), expected);
    assert_eq!(
        found.removal_list(),
        b"./dir-to-file\0./dir/gone\0./file-to-dir\0./link\0./old\0"
    );
}

#[test]
fn a_prefix_hides_the_rest_and_may_be_missing_before() {
    let test = TestRepo::new();
    let from = test.tree(&[("web/x", b"1")]);
    let to = test.tree(&[("web/x", b"2"), ("api/y", b"3")]);
    let repo = test.repo();
    let api = RepoPath::from("api");
    assert_eq!(kinds(&delta(&repo, from, to, &api).unwrap()), ["y added"]);
    assert_eq!(kinds(&delta(&repo, to, from, &api).unwrap()), ["- y"]);
    assert!(delta(&repo, from, from, &api).unwrap().is_empty());
}

#[test]
fn moved_submodules_are_written_anew() {
    let test = TestRepo::new();
    let module = |byte: u8| Oid::from_bytes(&[byte; 20]).unwrap();
    let from = test.raw_tree(&[("160000", b"gone", module(1)), ("160000", b"moved", module(2))]);
    let to = test.raw_tree(&[("160000", b"moved", module(3)), ("160000", b"new", module(4))]);
    let found = delta(&test.repo(), from, to, &RepoPath::default()).unwrap();
    assert_eq!(
        kinds(&found),
        ["moved modified", "new added", "- gone", "- moved"]
    );
    let links: Vec<_> = found
        .gitlinks
        .iter()
        .map(|link| (link.from.is_some(), link.to.is_some()))
        .collect();
    assert_eq!(links, [(true, false), (true, true), (false, true)]);
}

#[test]
fn only_changed_files_are_written_with_the_time_given() {
    let test = TestRepo::new();
    let from = test.tree(&[("a", b"1"), ("b/c", b"1")]);
    let to = test.tree(&[("a", b"1"), ("b/c", b"2")]);
    let repo = test.repo();
    let found = delta(&repo, from, to, &RepoPath::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dest = dir.path().join("changed");
    let now = SystemTime::now();
    materialise_delta(&repo, &found, to, &RepoPath::default(), &dest, Stamp::at(now)).unwrap();
    assert_eq!(snapshot(&dest).len(), 2, "the file and its directory");
    assert_eq!(fs::metadata(dest.join("b/c")).unwrap().modified().unwrap(), now);
}

#[test]
fn the_paths_are_those_of_git_diff() {
    let test = TestRepo::new();
    let mut random = super::super::testing::Random::new(7);
    let mut tree = |test: &TestRepo| {
        let files: Vec<(String, Vec<u8>)> = (0..60)
            .filter_map(|n| {
                let content = vec![random.below(3) as u8; 3];
                (random.below(4) > 0).then(|| (format!("d{}/e{}/f{n}", n % 4, n % 3), content))
            })
            .collect();
        test.tree(
            &files
                .iter()
                .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
                .collect::<Vec<_>>(),
        )
    };
    let (from, to) = (tree(&test), tree(&test));
    let found = delta(&test.repo(), from, to, &RepoPath::default()).unwrap();
    let (from, to) = (from.to_string(), to.to_string());
    let listed = git(
        test.path(),
        &[
            "diff-tree",
            "-r",
            "--name-only",
            "--diff-filter=AMT",
            "--no-renames",
            &from,
            &to,
        ],
    );
    let ours: Vec<_> = found
        .changed
        .iter()
        .map(|change| change.path.to_string())
        .collect();
    let mut theirs: Vec<&str> = listed.lines().collect();
    theirs.sort_unstable();
    assert_eq!(ours, theirs);
    assert!(
        found
            .changed
            .iter()
            .all(|change| change.path.as_path().as_os_str().as_bytes() == change.path.as_bytes())
    );
}
