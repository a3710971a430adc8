use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use git2::ObjectType;

use super::super::check_entries;
use super::*;
use crate::source::testing::TestRepo;

fn packed(test: &TestRepo, tree: TreeId) -> (tempfile::TempDir, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let archive = pack(&test.repo(), tree, folder.path()).unwrap();
    check_entries(File::open(archive.path()).unwrap()).expect("what is packed is safe");
    (folder, archive)
}

fn listed(archive: &Archive) -> Vec<(String, u32)> {
    let file = flate2::read::GzDecoder::new(File::open(archive.path()).unwrap());
    let mut tar = tar::Archive::new(file);
    let entries = tar.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!(
            (
                header.uid().unwrap(),
                header.gid().unwrap(),
                header.mtime().unwrap()
            ),
            (0, 0, 0)
        );
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        (name, header.mode().unwrap())
    });
    entries.collect()
}

#[test]
fn entries_are_sorted_and_everybody_may_write_them() {
    let test = TestRepo::new();
    let tree = test.tree(&[
        ("b/c/d*", b"1"),
        ("b/x", b"1"),
        ("b.txt", b"2"),
        ("a", b"3"),
        ("l@", b"a"),
    ]);
    let (_folder, archive) = packed(&test, tree);
    let expected = [
        ("a", 0o666),
        ("b.txt", 0o666),
        ("b/", 0o777),
        ("b/c/", 0o777),
        ("b/c/d", 0o777),
        ("b/x", 0o666),
        ("l", 0o777),
    ];
    assert_eq!(
        listed(&archive),
        expected.map(|(name, mode)| (name.to_owned(), mode))
    );
    assert_eq!(archive.files, 5);
    assert_eq!(archive.warnings, [""; 0]);
}

#[test]
fn any_name_comes_out_of_the_real_tar_as_it_went_in() {
    let test = TestRepo::new();
    let blob = test.raw(ObjectType::Blob, b"content");
    let target = test.raw(ObjectType::Blob, "d/".repeat(80).as_bytes());
    let long = "é".repeat(70);
    let names: [&[u8]; 7] = [
        b" with spaces ",
        b"*?[",
        b"-rf",
        b"a\nb",
        b"bad \xff\xfe",
        "été".as_bytes(),
        long.as_bytes(),
    ];
    let mut entries: Vec<(&str, &[u8], Oid)> = names.iter().map(|name| ("100644", *name, blob)).collect();
    entries.push(("120000", b"link", target));
    let deep = test.raw_tree(&entries);
    let raw = [&[0xff_u8][..], &[b'x'; 120]].concat();
    let tree = test.raw_tree(&[("40000", &raw, deep.0)]);
    let (folder, archive) = packed(&test, tree);
    assert_eq!(archive.files, 8);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let unpacked = Command::new("tar")
        .args(["-x", "-z", "-C"])
        .arg(&out)
        .arg("-f")
        .arg(archive.path())
        .status();
    assert!(unpacked.unwrap().success());
    let inner = out.join(std::ffi::OsStr::from_bytes(&raw));
    for name in names {
        let path = inner.join(std::ffi::OsStr::from_bytes(name));
        assert_eq!(
            fs::read(&path).unwrap_or_default(),
            b"content",
            "{}",
            path.display()
        );
    }
    let led = fs::read_link(inner.join("link")).unwrap();
    assert_eq!(led.as_os_str().as_bytes(), "d/".repeat(80).as_bytes());
}

#[test]
fn links_that_lead_out_are_left_out_with_a_warning() {
    let test = TestRepo::new();
    let tree = test.tree(&[
        ("a", b"1"),
        ("abs@", b"/etc/passwd"),
        ("d/in@", b"../a"),
        ("d/out@", b"../../a"),
    ]);
    let (_folder, archive) = packed(&test, tree);
    let names: Vec<String> = listed(&archive).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "d/", "d/in"]);
    assert_eq!(
        archive.warnings,
        [
            "left out of the code archive: abs has an absolute target, d/out has a target outside of the source root"
        ]
    );
}

#[test]
fn submodules_pointers_and_notes_of_other_tools_are_no_code() {
    let test = TestRepo::new();
    let commit = test.commit(1, &[]);
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let notes = test.tree(&[("config", b"1")]);
    let tree = test.raw_tree(&[
        ("40000", b".zen", notes.0),
        ("100644", b"big.bin", test.raw(ObjectType::Blob, pointer)),
        ("160000", b"vendor", commit.0),
    ]);
    let (_folder, archive) = packed(&test, tree);
    assert_eq!(listed(&archive), [("big.bin".to_owned(), 0o666)]);
    assert_eq!(archive.submodules, [RepoPath::from("vendor")]);
    assert_eq!(
        archive.warnings,
        [
            "submodules are not part of the code archive: vendor",
            "pointers of git-lfs are in the code archive without their content: big.bin"
        ]
    );
    let file = test.tree(&[(".zen", b"a file is code"), ("a", b"")]);
    assert_eq!(packed(&test, file).1.files, 2, "a file of that name is kept");
}

#[test]
fn nothing_to_pack_is_an_error_and_leaves_no_file() {
    let test = TestRepo::new();
    let folder = tempfile::tempdir().unwrap();
    for tree in [
        test.tree(&[]),
        test.tree(&[(".zen/config", b"1")]),
        test.tree(&[("l@", b"/etc")]),
    ] {
        let error = pack(&test.repo(), tree, folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "the code archive would not contain any files");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_large_archive_is_told() {
    let test = TestRepo::new();
    let mut random = vec![0; 21 << 20];
    getrandom::fill(&mut random).unwrap();
    let (_folder, archive) = packed(&test, test.tree(&[("data", &random)]));
    assert_eq!(
        archive.warnings,
        ["the code archive has 21 MiB; keep data that the steps do not need out of the source root"]
    );
}

#[test]
fn clones_in_other_folders_with_another_umask_give_the_same_archive() {
    let test = TestRepo::new();
    let tree = test.tree(&[
        ("lib/a.py", b"print(1)\n"),
        ("run*", b"#!/bin/sh\n"),
        ("l@", b"run"),
    ]);
    let commit = test.commit_tree(tree, 1_600_000_000, &[]);
    test.branch("main", commit);
    let places = tempfile::tempdir().unwrap();
    let mut digests = BTreeMap::new();
    for umask in ["002", "022", "077"] {
        let place = places.path().join(format!("a place {umask}/of its own"));
        let script = format!(
            "umask {umask} && git clone -q \"$1\" \"$2\" && chmod -R go-rwx \"$2\" && umask {umask} && touch -d @{umask} \"$2\"/*"
        );
        let cloned = Command::new("sh")
            .args(["-c", &script, "sh"])
            .args([test.path(), place.as_path()])
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .status();
        assert!(cloned.unwrap().success());
        let repo = Repo::open(&place).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let tree = repo.commit(repo.resolve("HEAD").unwrap()).unwrap().tree;
        let archive = pack(&repo, tree, folder.path()).unwrap();
        digests.entry(archive.digest.clone()).or_insert(umask);
    }
    assert_eq!(digests.len(), 1, "{digests:?}");
}
