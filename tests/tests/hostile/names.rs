//! What a history is full of: messages, authors and the names of branches.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use headstart_engine::wire::{BuildRequest, CommitSearch, GraphQuery};
use headstart_engine::{history, project};

use crate::pieces::{Dice, hostile};
use crate::place::{FILE, GOOD, Place, cut, request, searched};

#[test]
fn messages_and_authors_are_harmless_text() {
    let (mut place, project) = Place::with_project();
    let mut dice = Dice(3);
    let tree = place.tree(&[(FILE, 0o100_644, GOOD.as_bytes())]);
    let mut parent = place.git.refname_to_id("refs/heads/main").unwrap();
    for at in 0..120 {
        let mut who = hostile(&mut dice);
        who.retain(|byte| *byte != b'\n');
        let mut message = hostile(&mut dice);
        match at % 10 {
            0 => message = vec![b'x'; 1 << 20],
            1 => who = b"no address".to_vec(),
            2 => who.extend_from_slice(b" <> 99999999999999999999999999 +9999"),
            3 => who.extend_from_slice(b" <\x1b[31m@x> -1 -0000"),
            4 => message = Vec::new(),
            _ => who.extend_from_slice(b" <a@b> 1700000100 +0000"),
        }
        parent = place.raw_commit(tree, &[parent], &who, &message);
        place.git.reference("refs/heads/main", parent, true, "").unwrap();
        let what = format!("message {}", String::from_utf8_lossy(&message));
        let id = parent.to_string();
        let detail = place
            .try_one(&what, |place| history::detail(&place.engine, &project, &id))
            .unwrap();
        assert_eq!(detail.commit, id, "the commit is still found");
        let page = place
            .try_one(&what, |place| {
                history::page(&place.engine, &project, &GraphQuery::default(), 0, 500)
            })
            .unwrap();
        assert!(page.rows.iter().any(|row| row.commit == id), "and has its row");
        let search = CommitSearch {
            text: String::from_utf8_lossy(&message).into_owned(),
            author: Some(String::from_utf8_lossy(&who).into_owned()),
            ..searched(&project)
        };
        drop(place.try_one(&what, |place| history::search(&place.engine, &search)));
    }
    let planned = place
        .plan("a hostile history", &BuildRequest::head(project))
        .unwrap();
    assert_eq!(
        planned.commit,
        parent.to_string(),
        "it can be planned as any other"
    );
    place.assert_untouched(1);
}

#[test]
fn branch_names_are_harmless_text() {
    let (mut place, project) = Place::with_project();
    let head = place.git.refname_to_id("refs/heads/main").unwrap();
    let heads = place.git_dir().join("refs/heads");
    let long = "x".repeat(200);
    let mut names: Vec<Vec<u8>> = [
        "-rf",
        "--upload-pack=touch x",
        "a b",
        "a\nb",
        "\nmain",
        "a\x1b[2Jb",
        "a\x07",
        "a\x7f",
        "\u{202e}niam",
        "ma\u{200b}in",
        "HEAD",
        "refs/heads/main",
        "a..b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "@",
        "@{-1}",
        "a.lock",
        ".a",
        "a.",
        "a//b",
        "<b>x</b>",
        "$(x)",
        "%s%n",
        "\u{1f4a9}",
        "",
    ]
    .into_iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    names.extend([
        b"\xff\xfe".to_vec(),
        b"a\x9bb".to_vec(),
        long.clone().into_bytes(),
        vec![long; 20].join("/").into_bytes(),
    ]);
    let mut dice = Dice(4);
    for _ in 0..40 {
        let mut name = hostile(&mut dice);
        name.retain(|byte| *byte != b'/' && *byte != 0);
        name.truncate(200);
        names.push(name);
    }
    for (at, name) in names.iter().enumerate() {
        let packed = at % 2 == 1;
        let loose = heads.join(OsStr::from_bytes(name));
        if packed {
            let mut line =
                format!("# pack-refs with: peeled fully-peeled sorted \n{head} refs/heads/").into_bytes();
            line.extend_from_slice(name);
            line.push(b'\n');
            std::fs::write(place.git_dir().join("packed-refs"), line).unwrap();
        } else if let Some(folder) = loose.parent() {
            // Names that no file can have are not a file's trouble.
            drop(std::fs::create_dir_all(folder));
            drop(std::fs::write(&loose, format!("{head}\n")));
        }
        let what = format!("branch {}", String::from_utf8_lossy(name));
        let word = String::from_utf8_lossy(name).into_owned();
        drop(place.try_one(&what, |place| history::refs(&place.engine, &project)));
        drop(place.try_one(&what, |place| {
            history::page(&place.engine, &project, &GraphQuery::default(), 0, 50)
        }));
        let query = GraphQuery {
            branch: Some(word.clone()),
        };
        drop(place.try_one(&what, |place| {
            history::page(&place.engine, &project, &query, 0, 50)
        }));
        let search = CommitSearch {
            text: word.clone(),
            ..searched(&project)
        };
        drop(place.try_one(&what, |place| history::search(&place.engine, &search)));
        if let Ok(plan) = place.plan(&what, &request(&project, &word)) {
            assert_eq!(
                plan.commit,
                head.to_string(),
                "{}: the only commit there is",
                cut(&what)
            );
        }
        let path = place.source();
        drop(place.preview(&what, &path));
        drop(std::fs::remove_file(place.git_dir().join("packed-refs")));
        drop(std::fs::remove_file(&loose));
    }
    // HEAD itself.
    for name in &names {
        let mut text = b"ref: refs/heads/".to_vec();
        text.extend_from_slice(name);
        text.push(b'\n');
        std::fs::write(place.git_dir().join("HEAD"), text).unwrap();
        let what = format!("HEAD at {}", String::from_utf8_lossy(name));
        let path = place.source();
        drop(place.preview(&what, &path));
        drop(place.plan(&what, &BuildRequest::head(project.clone())));
        drop(place.try_one(&what, |place| project::list(&place.engine)));
    }
    std::fs::write(place.git_dir().join("HEAD"), "ref: refs/heads/main\n").unwrap();
    let planned = place.plan("main again", &BuildRequest::head(project)).unwrap();
    assert_eq!(
        planned.branch.as_deref(),
        Some("main"),
        "the ordinary branch is still itself"
    );
    place.assert_untouched(1);
    assert!(place.inputs >= 500, "{} inputs", place.inputs);
}
