use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::super::{export::export, look, put, repos, sweep::sweep};
use super::{home, noise, request};
use crate::wire::{DataChangeKind, DataContent};

#[test]
fn a_folder_is_put_with_links_within_it_and_without_what_leads_out() {
    let home = home();
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("folder");
    fs::create_dir_all(folder.join("d/e")).unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    fs::write(folder.join("d/e/f"), "f").unwrap();
    fs::write(folder.join("d.txt"), "d").unwrap();
    symlink("d/e/f", folder.join("file-link")).unwrap();
    symlink("d", folder.join("folder-link")).unwrap();
    symlink("../secret", folder.join("out")).unwrap();
    symlink("/etc/hostname", folder.join("out-too")).unwrap();
    symlink("..", folder.join("d/up")).unwrap();
    symlink("nowhere", folder.join("broken")).unwrap();
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.join("pipe"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    let report = home.put(&folder, "/in").unwrap();
    assert_eq!(
        home.names(),
        ["/in/d/e/f", "/in/d.txt", "/in/file-link", "/in/folder-link/e/f"]
    );
    assert_eq!((report.files, report.bytes, report.stored), (4, 4, 2));
    let mut left_out: Vec<String> = report.warnings;
    left_out.sort();
    let short: Vec<&str> = left_out
        .iter()
        .map(|text| {
            text.split(" was left out")
                .next()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(
        short,
        ["broken", "up", "out", "out-too", "pipe", "socket"],
        "{left_out:#?}"
    );
}

#[test]
fn unchanged_content_makes_no_commit() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    fs::write(sources.path().join("a"), "a").unwrap();
    let first = home.put(sources.path(), "/").unwrap();
    let again = home.put(sources.path(), "/").unwrap();
    assert!(first.new && !again.new);
    assert_eq!(first.commit, again.commit);
    assert_eq!(again.stored, 0);
    assert_eq!(home.change(&[], &["/nothing"]).unwrap().commit, first.commit);
    let empty = tempfile::tempdir().unwrap();
    assert!(!home.put(empty.path(), "/").unwrap().new);
    let mut other = request(&[(empty.path(), "/")], &[]);
    other.branch = "other".to_owned();
    let error = put::put(&home.store, &other, &mut |_| true)
        .unwrap_err()
        .to_string();
    assert!(error.contains("nothing to put"), "{error}");
}

#[test]
fn removals_come_before_what_is_put() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    let file = sources.path().join("x");
    fs::write(&file, "x").unwrap();
    home.change(&[(&file, "/a/b/c"), (&file, "/a/d"), (&file, "/e/")], &[])
        .unwrap();
    assert_eq!(home.names(), ["/a/b/c", "/a/d", "/e/x"]);
    let refused = home.put(&file, "/a/b").unwrap_err().to_string();
    assert!(refused.contains("would be a file, and a folder"), "{refused}");
    let refused = home.put(&file, "/a/d/e").unwrap_err().to_string();
    assert!(refused.contains("would be a file, and a folder"), "{refused}");
    let report = home.change(&[(&file, "/a/b")], &["/a/", "/e"]).unwrap();
    assert_eq!(report.commit.message, "put 1 file, remove 2 paths");
    assert_eq!(home.names(), ["/a/b"]);
    home.change(&[], &["/"]).unwrap();
    assert_eq!(home.names(), Vec::<String>::new());
    assert!(home.put(&file, "/../x").is_err());
    assert!(home.change(&[], &["/a/../b"]).is_err());
}

#[test]
fn of_one_path_put_twice_the_last_counts() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    let (one, other) = (sources.path().join("one"), sources.path().join("other"));
    fs::write(&one, "one").unwrap();
    fs::write(&other, "other").unwrap();
    home.change(&[(&one, "/f"), (&other, "/f")], &[]).unwrap();
    assert_eq!(home.all(), [("/f".to_owned(), b"other".to_vec())]);
}

#[test]
fn stopping_leaves_everything_as_it_was() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    fs::write(sources.path().join("a"), "a").unwrap();
    home.put(sources.path(), "/").unwrap();
    for number in 0..20 {
        fs::write(sources.path().join(format!("f{number}")), noise(number, 2 << 20)).unwrap();
    }
    let mut calls = 0;
    let mut stop = |_| {
        calls += 1;
        false
    };
    let error = put::put(&home.store, &request(&[(sources.path(), "/")], &[]), &mut stop).unwrap_err();
    assert_eq!((calls, error.to_string().as_str()), (1, "it was stopped"));
    assert_eq!(home.names(), ["/a"]);
    sweep(&home.store, false).unwrap();
    assert_eq!(sweep(&home.store, false).unwrap().chunks, 0);
    assert_eq!(
        fs::read_dir(home.folder.path().join("chunks/partial"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn commits_made_at_the_same_time_are_all_kept() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    let file = sources.path().join("x");
    fs::write(&file, "x").unwrap();
    // Each with the store opened on its own, as processes have it.
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (folder, file) = (home.folder.path(), &file);
            scope.spawn(move || {
                let store = super::DataStore::open(folder).unwrap();
                for round in 0..5 {
                    let to = format!("/{number}/{round}");
                    put::put(&store, &request(&[(file, &to)], &[]), &mut |_| true).unwrap();
                }
            });
        }
    });
    assert_eq!(home.names().len(), 30);
    let head = home
        .store
        .read(|db| repos::head(db, "data", "master"))
        .unwrap()
        .unwrap();
    let line = home
        .store
        .read(|db| repos::history(db, &head.id, 0, 100))
        .unwrap();
    assert_eq!(line.len(), 30, "every put is a commit");
    let part = home.store.read(|db| repos::history(db, &head.id, 10, 5)).unwrap();
    assert_eq!(part, line[10..15]);
}

#[test]
fn users_do_not_write_what_a_pipeline_writes_except_its_code() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    let file = sources.path().join("x");
    fs::write(&file, "x").unwrap();
    home.store
        .write(|tx| {
            repos::create_repo_in(tx, "edges_build", "", Some("edges"))?;
            repos::create_repo_in(tx, "edges", "", Some("edges"))
        })
        .unwrap();
    let put = |repo: &str, branch: &str| {
        let mut request = request(&[(&file, "/x")], &[]);
        request.repo = repo.to_owned();
        request.branch = branch.to_owned();
        put::put(&home.store, &request, &mut |_| true)
    };
    assert!(
        put("edges", "master")
            .unwrap_err()
            .to_string()
            .contains("written by the pipeline edges")
    );
    assert!(put("edges", "source").is_err());
    assert!(put("edges_build", "build").is_err());
    assert!(put("edges_build", "source").unwrap().new);
    assert!(
        put("nothing", "master")
            .unwrap_err()
            .to_string()
            .contains("no data repository nothing")
    );
    assert!(put("data", "-bad").is_err());
}

#[test]
fn folders_are_shown_in_pages_with_folders_first() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    for path in ["b/x", "b/y/z", "d/x", "a", "c", "e"] {
        let path = sources.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "12").unwrap();
    }
    let commit = home.put(sources.path(), "/").unwrap().commit;
    let page = |offset, limit| {
        let listing = look::entries(&home.store, &commit.id[..8], "/", offset, limit).unwrap();
        assert_eq!((listing.total, listing.commit.as_str()), (5, commit.id.as_str()));
        listing
            .entries
            .into_iter()
            .map(|entry| (entry.name, entry.files, entry.bytes))
            .collect::<Vec<_>>()
    };
    let all = page(0, 10);
    let shown: Vec<_> = all
        .iter()
        .map(|(name, files, bytes)| (name.as_str(), *files, *bytes))
        .collect();
    assert_eq!(
        shown,
        [("b", 2, 4), ("d", 1, 2), ("a", 1, 2), ("c", 1, 2), ("e", 1, 2)]
    );
    for offset in 0..6 {
        for limit in 0..4 {
            let end = (offset + limit as usize).min(5);
            assert_eq!(
                page(offset as u64, limit),
                all[offset.min(5)..end.max(offset.min(5))],
                "{offset} {limit}"
            );
        }
    }
    let inner = look::entries(&home.store, "data@master", "/b/", 0, 10).unwrap();
    assert_eq!(
        inner
            .entries
            .iter()
            .map(|entry| entry.path.as_str())
            .collect::<Vec<_>>(),
        ["/b/y", "/b/x"]
    );
    assert!(
        look::entries(&home.store, "data@master", "/a", 0, 10)
            .unwrap_err()
            .to_string()
            .contains("is a file")
    );
    assert!(look::entries(&home.store, "data@master", "/q", 0, 10).is_err());
    assert!(look::entries(&home.store, "data@other", "/", 0, 10).is_err());
    assert!(
        look::entries(&home.store, &commit.id[..5], "/", 0, 10).is_err(),
        "five digits are too few"
    );
}

#[test]
fn files_show_themselves_as_what_they_are() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    let long = "é".repeat(200_000);
    let png = b"\x89PNG\r\n\x1a\nrest".to_vec();
    for (name, bytes) in [
        ("text", b"hello".to_vec()),
        ("long", format!("x{long}").into_bytes()),
        ("picture", png.clone()),
        ("svg", b"<svg xmlns='x'><script/></svg>".to_vec()),
        ("latin", b"caf\xe9 au lait".to_vec()),
        ("zero", b"a\0b".to_vec()),
        ("nothing", Vec::new()),
    ] {
        fs::write(sources.path().join(name), bytes).unwrap();
    }
    home.put(sources.path(), "/").unwrap();
    let shown = |name: &str| look::preview(&home.store, "data@master", name).unwrap().content;
    let text = |text: &str, truncated| DataContent::Text {
        text: text.to_owned(),
        truncated,
    };
    assert_eq!(shown("/text"), text("hello", false));
    assert_eq!(shown("/nothing"), text("", false));
    assert_eq!(shown("/svg"), text("<svg xmlns='x'><script/></svg>", false));
    match shown("/long") {
        DataContent::Text {
            text,
            truncated: true,
        } => assert_eq!(text.len(), 256 * 1024 - 1),
        other => panic!("{other:?}"),
    }
    let base64 = data_encoding::BASE64.encode(&png);
    assert_eq!(
        shown("/picture"),
        DataContent::Image {
            media_type: "image/png".to_owned(),
            base64
        }
    );
    assert_eq!(
        shown("/zero"),
        DataContent::Binary {
            hex: "610062".to_owned()
        }
    );
    assert!(matches!(shown("/latin"), DataContent::Binary { .. }));
    assert!(look::preview(&home.store, "data@master", "/").is_err());
}

#[test]
fn what_differs_is_counted_and_shown_in_pages() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(sources.path().join(name), text).unwrap();
    file("gone", "1");
    file("same", "1");
    file("other", "1");
    let first = home.put(sources.path(), "/").unwrap().commit.id;
    fs::remove_file(sources.path().join("gone")).unwrap();
    file("other", "22");
    file("new", "333");
    let second = home.change(&[(sources.path(), "/")], &["/"]).unwrap().commit.id;
    let diff = look::diff(&home.store, Some(&first), &second, 0, 10).unwrap();
    assert_eq!((diff.added, diff.changed, diff.removed), (1, 1, 1));
    let shown: Vec<_> = diff
        .changes
        .iter()
        .map(|one| (one.path.as_str(), one.kind, one.before, one.after))
        .collect();
    assert_eq!(
        shown,
        [
            ("/gone", DataChangeKind::Removed, Some(1), None),
            ("/new", DataChangeKind::Added, None, Some(3)),
            ("/other", DataChangeKind::Changed, Some(1), Some(2)),
        ]
    );
    let page = look::diff(&home.store, Some(&first), &second, 1, 1).unwrap();
    assert_eq!(
        (page.added, page.changes.len(), page.changes[0].path.as_str()),
        (1, 1, "/new")
    );
    assert_eq!(look::diff(&home.store, None, &first, 0, 10).unwrap().added, 3);
}

#[test]
fn what_is_exported_is_what_was_put() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    for (path, bytes) in [
        ("a/b/c", noise(1, 3 << 20)),
        ("a/d", Vec::new()),
        ("e", b"e".to_vec()),
    ] {
        let path = sources.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    home.put(sources.path(), "/").unwrap();
    let target = tempfile::tempdir().unwrap();
    let to = target.path().join("new/folder");
    let run = |path: &str, to: &std::path::Path| export(&home.store, "data@master", path, to, &mut |_| true);
    assert_eq!(run("/", &to).unwrap().files, 3);
    let again = super::home();
    again.put(&to, "/").unwrap();
    assert_eq!(again.all(), home.all());
    let refused = run("/", &to).unwrap_err().to_string();
    assert!(refused.contains("is not empty"), "{refused}");
    let inner = target.path().join("inner");
    run("/a", &inner).unwrap();
    assert_eq!(fs::read(inner.join("b/c")).unwrap(), noise(1, 3 << 20));
    let single = target.path().join("single");
    run("/a/b/c", &single).unwrap();
    assert_eq!(
        fs::read_dir(&single)
            .unwrap()
            .flatten()
            .map(|e| e.file_name())
            .collect::<Vec<_>>(),
        ["c"]
    );
    assert!(run("/q", &target.path().join("q")).is_err());
    assert!(!target.path().join("q").exists());
    let stopped = target.path().join("stopped");
    assert!(export(&home.store, "data@master", "/", &stopped, &mut |_| false).is_err());
    assert!(!stopped.exists(), "what was written is gone");
}
