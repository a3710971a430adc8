//! Names of commits, in ordinary and in hostile repositories.

use std::fs;

use super::super::testing::{TestRepo, git};
use super::*;

fn sentence(result: Result<CommitId>) -> String {
    result.expect_err("a refusal").to_string()
}

#[test]
fn head_is_a_branch_a_commit_or_unborn() {
    let test = TestRepo::new();
    let repo = test.repo();
    assert_eq!(
        repo.head().unwrap(),
        Head::Unborn {
            branch: "main".into()
        }
    );
    assert!(repo.is_empty().unwrap());
    assert_eq!(
        sentence(repo.resolve("HEAD")),
        "the branch \"main\" has no commit yet"
    );
    let commit = test.commit(1, &[]);
    test.branch("main", commit);
    assert_eq!(
        repo.head().unwrap(),
        Head::Branch {
            name: "main".into(),
            commit
        }
    );
    assert!(!repo.is_empty().unwrap());
    test.git.set_head_detached(commit.0).unwrap();
    assert_eq!(
        repo.head().unwrap(),
        Head::Detached { commit },
        "an open repository sees changes"
    );
    assert_eq!(repo.branch_of(commit).unwrap().as_deref(), Some("main"));
}

#[test]
fn words_are_resolved_as_git_does() {
    let test = TestRepo::new();
    let one = test.commit(1, &[]);
    let two = test.commit(2, &[one]);
    let side = test.commit(3, &[one]);
    let merge = test.commit(4, &[two, side]);
    test.branch("main", merge);
    test.branch("feature/x", side);
    test.git
        .reference("refs/remotes/origin/dev", two.0, true, "test")
        .unwrap();
    let object = test.git.find_object(one.0, None).unwrap();
    test.git
        .tag("v1", &object, &object.as_commit().unwrap().author(), "one", false)
        .unwrap();
    test.git
        .reference("refs/tags/light", two.0, true, "test")
        .unwrap();
    let repo = test.repo();
    let full = one.to_string();
    for (spec, commit) in [
        ("HEAD", merge),
        ("@", merge),
        ("main", merge),
        ("refs/heads/main", merge),
        ("feature/x", side),
        ("origin/dev", two),
        ("v1", one),
        ("light", two),
        (full.as_str(), one),
        (&full[..12], one),
        (&full.to_uppercase()[..9], one),
        ("HEAD~1", two),
        ("HEAD^2", side),
        ("main^2~1", one),
        ("v1^0", one),
    ] {
        assert_eq!(repo.resolve(spec).unwrap(), commit, "{spec}");
    }
    for spec in [
        "HEAD~9",
        "HEAD^3",
        "HEAD^{tree}",
        "HEAD@{1}",
        ":/one",
        "main..HEAD",
        "HEAD~99999999999999999999",
    ] {
        assert!(
            sentence(repo.resolve(spec)).ends_with("is no branch, tag or commit of this repository"),
            "{spec}"
        );
    }
    let kinds: Vec<(RefKind, String)> = repo
        .refs()
        .unwrap()
        .into_iter()
        .map(|r| (r.kind, r.name))
        .collect();
    let expected = [
        (RefKind::Branch, "feature/x"),
        (RefKind::Branch, "main"),
        (RefKind::Remote, "origin/dev"),
        (RefKind::Tag, "light"),
        (RefKind::Tag, "v1"),
    ];
    assert_eq!(kinds, expected.map(|(kind, name)| (kind, name.to_owned())));
}

#[test]
fn a_word_with_two_meanings_is_refused_with_the_way_out() {
    let test = TestRepo::new();
    let (one, two) = (test.commit(1, &[]), test.commit(2, &[]));
    test.branch("same", one);
    test.git.reference("refs/tags/same", two.0, true, "test").unwrap();
    let repo = test.repo();
    assert_eq!(
        sentence(repo.resolve("same")),
        "\"same\" is ambiguous: say refs/tags/same or refs/heads/same"
    );
    assert_eq!(repo.resolve("refs/heads/same").unwrap(), one);

    // Write blobs until two begin alike, then ask for those digits.
    let mut seen = std::collections::HashMap::new();
    let prefix = (0..).find_map(|n: u32| {
        let hex = test.git.blob(&n.to_le_bytes()).unwrap().to_string()[..4].to_owned();
        seen.insert(hex.clone(), n).map(|_| hex)
    });
    let error = sentence(repo.resolve(&prefix.unwrap()));
    assert!(
        error.contains("several objects begin with it") || error.contains("is no branch"),
        "{error}"
    );
}

#[test]
fn what_is_not_a_commit_is_said_to_be_so() {
    let test = TestRepo::new();
    let blob = test.git.blob(b"text").unwrap();
    test.git.reference("refs/tags/blob", blob, true, "test").unwrap();
    let repo = test.repo();
    assert_eq!(
        sentence(repo.resolve("blob")),
        "\"blob\" names a blob, not a commit"
    );
    assert_eq!(
        sentence(repo.resolve(&blob.to_string())),
        format!("\"{blob}\" names a blob, not a commit")
    );
    let nowhere = "ab".repeat(20);
    assert!(sentence(repo.resolve(&nowhere)).contains("is no branch"));
    assert!(
        repo.refs().unwrap().is_empty(),
        "a tag of a blob is no name of a commit"
    );
}

#[test]
fn hostile_words_are_only_words() {
    let test = TestRepo::new();
    test.branch("main", test.commit(1, &[]));
    let repo = test.repo();
    let long = "x".repeat(100_000);
    for spec in [
        "",
        "-",
        "--upload-pack=touch /tmp/x",
        "../../etc/passwd",
        "/etc/passwd",
        "main\0",
        "main\n",
        "refs/heads/",
        "refs/heads/../../HEAD",
        "\u{202e}niam",
        "~",
        "^",
        "~~~~",
        "abc",
        "*",
        "main.lock",
        ".",
        "..",
        "@{-1}",
        &long,
    ] {
        let error = sentence(repo.resolve(spec));
        assert!(
            error.ends_with("is no branch, tag or commit of this repository"),
            "{spec:.40}: {error}"
        );
        assert!(error.len() < 400 && !error.contains('\n'), "{error}");
    }
}

#[test]
fn hostile_refs_are_harmless_names_or_left_out() {
    let test = TestRepo::new();
    let commit = test.commit(1, &[]);
    test.branch("main", commit);
    let git_dir = test.path().join(".git");
    let long = "n".repeat(4000);
    let mut packed = b"# pack-refs with: peeled fully-peeled sorted \n".to_vec();
    for name in [
        b"refs/heads/-rf".as_slice(),
        b"refs/heads/\xff\xfe",
        b"refs/heads/a\xe2\x80\xaeb",
        long.as_bytes(),
    ] {
        let name = if name == long.as_bytes() {
            [b"refs/heads/".as_slice(), name].concat()
        } else {
            name.to_vec()
        };
        packed.extend_from_slice(format!("{commit} ").as_bytes());
        packed.extend_from_slice(&name);
        packed.push(b'\n');
    }
    fs::write(git_dir.join("packed-refs"), packed).unwrap();
    fs::write(git_dir.join("refs/heads/broken"), "not an id\n").unwrap();
    fs::write(git_dir.join("refs/heads/empty"), "").unwrap();
    fs::write(git_dir.join("refs/heads/gone"), format!("{}\n", "ab".repeat(20))).unwrap();
    fs::write(git_dir.join("refs/heads/loop"), "ref: refs/heads/loop\n").unwrap();
    fs::write(git_dir.join("refs/heads/-loose"), format!("{commit}\n")).unwrap();
    let repo = test.repo();
    let labels = repo.refs().unwrap();
    let names: Vec<String> = labels
        .iter()
        .map(|label| label.name.chars().take(10).collect())
        .collect();
    assert!(
        names.contains(&"main".to_owned()) && names.contains(&"-loose".to_owned()),
        "{names:?}"
    );
    assert!(labels.iter().all(|label| label.commit == commit));
    assert!(
        !names
            .iter()
            .any(|name| ["broken", "empty", "gone", "loop"].contains(&name.as_str()))
    );
    assert_eq!(
        repo.resolve("-loose").unwrap(),
        commit,
        "an unusual name, and still only a name"
    );
    for name in ["broken", "empty", "loop", "gone"] {
        sentence(repo.resolve(name));
    }
    assert!(repo.branch_of(commit).unwrap().is_some());
}

#[test]
fn a_damaged_packed_refs_file_is_an_error_and_no_panic() {
    let test = TestRepo::new();
    fs::write(test.path().join(".git/packed-refs"), b"zzz\0\n^^^\nrefs/heads/x").unwrap();
    let repo = test.repo();
    drop(repo.refs());
    drop(repo.resolve("x"));
}

#[test]
fn deep_tags_of_tags_end() {
    let test = TestRepo::new();
    let commit = test.commit(1, &[]);
    test.branch("main", commit);
    let mut at = commit.0;
    for depth in 0..20 {
        let kind = if depth == 0 { "commit" } else { "tag" };
        let data = format!("object {at}\ntype {kind}\ntag t{depth}\ntagger A <a> 1 +0000\n\nm\n");
        at = test.raw(ObjectType::Tag, data.as_bytes());
        test.git
            .reference(&format!("refs/tags/t{depth:02}"), at, true, "test")
            .unwrap();
    }
    let repo = test.repo();
    assert_eq!(repo.resolve("t03").unwrap(), commit);
    assert_eq!(
        sentence(repo.resolve("t19")),
        "\"t19\" names a tag of tags, not a commit"
    );
    let listed = git(test.path(), &["tag", "--list"]);
    assert_eq!(listed.lines().count(), 20);
}
