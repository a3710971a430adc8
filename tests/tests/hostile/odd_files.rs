//! Things in the place of files, links that lead elsewhere, paths that leave their folder, folders with odd names.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use git2::{Oid, Repository};
use headstart_engine::wire::{BuildRequest, CommitSearch};
use headstart_engine::{history, project};
use serde_json::json;

use crate::place::{FILE, GOOD, Place, request, searched};

/// What it is, and what makes it.
type Maker<'a> = (&'a str, Box<dyn Fn() + 'a>);

#[test]
fn files_that_are_no_files_are_told() {
    let (mut place, project) = Place::with_project();
    std::fs::write(place.folder.path().join("secret"), "image: stolen:1\n").unwrap();
    let file = place.source().join(FILE);
    let outside = place.folder.path().join("secret");
    let link = |to: &Path| std::os::unix::fs::symlink(to, &file).unwrap();
    let clear = || {
        drop(std::fs::remove_file(&file));
        drop(std::fs::remove_dir_all(&file));
    };
    let fifo = CString::new(file.as_os_str().as_bytes()).unwrap();
    let make: Vec<Maker<'_>> = vec![
        ("a folder", Box::new(|| std::fs::create_dir(&file).unwrap())),
        ("a link out of the tree", Box::new(|| link(&outside))),
        (
            "a relative link out of the tree",
            Box::new(|| link(Path::new("../secret"))),
        ),
        ("a link to a device", Box::new(|| link(Path::new("/dev/zero")))),
        (
            "a link to a file of the system",
            Box::new(|| link(Path::new("/etc/passwd"))),
        ),
        ("a link to itself", Box::new(|| link(&file))),
        ("a link to nothing", Box::new(|| link(Path::new("nothing")))),
        ("a link to its folder", Box::new(|| link(Path::new(".")))),
        ("a FIFO", Box::new(|| make_fifo(&fifo))),
        ("a socket", Box::new(|| drop(UnixListener::bind(&file).unwrap()))),
    ];
    for (what, make) in &make {
        clear();
        make();
        for path in [place.source(), file.clone()] {
            let preview = place.preview(what, &path);
            let refused = preview.as_ref().is_err() || preview.is_ok_and(|preview| !preview.can_add);
            assert!(refused, "{what} is no config");
        }
        let added = place.try_one(what, |place| project::add(&place.engine, &file));
        assert!(added.is_err(), "{what} is not added");
        let dirty = BuildRequest {
            dirty: true,
            ..BuildRequest::head(project.clone())
        };
        let planned = place.plan(what, &dirty);
        let stolen = planned.is_ok_and(|plan| serde_json::to_string(&plan).unwrap().contains("stolen"));
        assert!(!stolen, "{what}: nothing outside the repository is read");
    }
    clear();
    drop(make);

    let inner = place.tree(&[("x", 0o100_644, b"image: a\n")]);
    let blob = |bytes: &[u8]| place.git.blob(bytes).unwrap();
    let entries = [
        ("a folder", 0o040_000, inner),
        ("a submodule", 0o160_000, Oid::from_str(&"1".repeat(40)).unwrap()),
        ("a link out", 0o120_000, blob(b"../../secret")),
        ("an absolute link", 0o120_000, blob(b"/etc/passwd")),
        ("a link in a circle", 0o120_000, blob(b"circle")),
        ("a link to nothing", 0o120_000, blob(b"nothing")),
        ("an empty link", 0o120_000, blob(b"")),
        ("a link with a NUL", 0o120_000, blob(b"a\0b")),
        ("a link into .git", 0o120_000, blob(b".git/config")),
        ("a long link", 0o120_000, blob(&b"../".repeat(4_000))),
    ];
    for (what, mode, id) in entries {
        for config in [true, false] {
            let tree = {
                let mut tree = place.git.treebuilder(None).unwrap();
                let name = if config { FILE } else { "Dockerfile" };
                tree.insert(name, id, mode).unwrap();
                let back = place.git.blob(name.as_bytes()).unwrap();
                tree.insert("circle", back, 0o120_000).unwrap();
                if !config {
                    let with = place.git.blob(b"image: {file: Dockerfile}\n").unwrap();
                    tree.insert(FILE, with, 0o100_644).unwrap();
                }
                tree.write().unwrap()
            };
            let commit = place.raw_commit(tree, &[], b"A <a> 1 +0000", b"m").to_string();
            let planned = place.plan(what, &request(&project, &commit));
            assert!(planned.is_err(), "{what} is no file to build from");
        }
    }

    let paths = [
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        "./../secret",
        "..",
        "a\0b",
        "\u{1b}[2J",
    ];
    for path in paths {
        for config in [
            json!({ "image": { "file": path } }),
            json!({ "image": { "file": "Dockerfile", "context": path } }),
            json!({ "checkoutLocation": path }),
            json!({ "workspaceLocation": path }),
            json!({ "additionalRepositories": [{ "url": "https://example.org", "checkoutLocation": path }] }),
        ] {
            let text = config.to_string();
            let tree = place.tree(&[
                (FILE, 0o100_644, text.as_bytes()),
                ("Dockerfile", 0o100_644, b"FROM debian:12\n"),
            ]);
            let commit = place.raw_commit(tree, &[], b"A <a> 1 +0000", b"m").to_string();
            assert!(
                place.plan(&text, &request(&project, &commit)).is_err(),
                "{text} leaves its folder"
            );
        }
        let search = CommitSearch {
            path: Some(path.to_owned()),
            ..searched(&project)
        };
        drop(place.try_one(path, |place| history::search(&place.engine, &search)));
    }

    for name in [
        &b"with\nnewline"[..],
        b"-rf",
        b"\x1b[2J",
        b"\xff\xfe",
        b"a'b\"c",
        "\u{202e}abc".as_bytes(),
    ] {
        let folder = place.folder.path().join(OsStr::from_bytes(name));
        Repository::init(&folder).unwrap();
        std::fs::write(folder.join(FILE), GOOD).unwrap();
        let what = String::from_utf8_lossy(name).into_owned();
        drop(place.preview(&what, &folder));
        drop(place.preview(&what, &folder.join(FILE)));
        drop(place.preview(&what, &folder.join("nothing").join(OsStr::from_bytes(name))));
    }
    place.assert_untouched(1);
    assert!(place.inputs >= 120, "{} inputs", place.inputs);
}

fn make_fifo(path: &CString) {
    let done = std::process::Command::new("mkfifo")
        .arg(OsStr::from_bytes(path.as_bytes()))
        .status();
    assert!(done.unwrap().success(), "a FIFO was made");
}
