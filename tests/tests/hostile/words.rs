//! Words given to look something up: commits, builds, projects, paths.

use std::path::Path;

use headstart_engine::wire::{BuildFilter, BuildId, BuildRequest, CommitSearch, GraphQuery, ProjectId};
use headstart_engine::{builds, history, project};

use crate::pieces::{Dice, hostile};
use crate::place::{Place, cut, request, searched};

#[test]
fn words_given_to_look_something_up_are_only_words() {
    let (mut place, project) = Place::with_project();
    let megabyte = "x".repeat(1 << 20);
    let mut words: Vec<String> = [
        "--upload-pack=touch /tmp/pwned",
        "-",
        "--",
        "--all",
        "@{-1}",
        "@{upstream}",
        "@{1 day ago}",
        "HEAD@{0}",
        "HEAD^{/x}",
        "HEAD^{tree}",
        "HEAD^{commit}",
        ":/first",
        ":a",
        "HEAD:.gitpod.yml",
        "main..main",
        "main...main",
        "^main",
        "HEAD~99999999999999999999",
        "HEAD~1000000",
        "HEAD^99",
        "HEAD~~~~~~~~",
        "refs/heads/../../HEAD",
        "../HEAD",
        "/etc/passwd",
        "",
        " ",
        "\0",
        "HEAD\0",
        "HEAD\n",
        "\x1b[2J",
        "\u{202e}",
        "%",
        "_",
        "startswith:",
        "startswith:%",
        "startswith:'",
        "' OR 1=1 --",
        "\"; DROP TABLE builds",
        "0000000000000000000000000000000000000000",
        "0000",
        "ffff",
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "ABCDEF",
        "0x10",
        "１２３４",
        "\u{1f4a9}",
        "FETCH_HEAD",
        "ORIG_HEAD",
        "stash",
        "config",
        "objects/info",
        "head",
        "@",
        "@@",
        "~",
        "^",
        "^^",
        "~0",
        "a\\b",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    words.push(megabyte.clone());
    words.push(format!("HEAD{}", "~1".repeat(1 << 18)));
    words.push(format!("HEAD{}", "^".repeat(3_000)));
    words.push(format!("HEAD{}", "~1000000".repeat(400)));
    words.push("HEAD~1~18446744073709551615".to_owned());
    words.push("a".repeat(40));
    words.push("g".repeat(40));
    words.push("\u{1f4a9}".repeat(100_000));
    let mut dice = Dice(5);
    for _ in 0..30 {
        words.push(String::from_utf8_lossy(&hostile(&mut dice)).into_owned());
    }
    let main = place.git.refname_to_id("refs/heads/main").unwrap().to_string();
    for word in &words {
        if let Ok(plan) = place.plan(word, &request(&project, word)) {
            assert_eq!(plan.commit, main, "{}: the only commit there is", cut(word));
        }
        drop(place.try_one(word, |place| history::detail(&place.engine, &project, word)));
        let query = GraphQuery {
            branch: Some(word.clone()),
        };
        drop(place.try_one(word, |place| {
            history::page(&place.engine, &project, &query, 0, 10)
        }));
        let search = CommitSearch {
            text: word.clone(),
            author: Some(word.clone()),
            path: Some(word.clone()),
            ..searched(&project)
        };
        drop(place.try_one(word, |place| history::search(&place.engine, &search)));
        let found = place.try_one(word, |place| builds::find(&place.engine, word));
        assert!(found.is_err(), "{}: there is no build to find", cut(word));
        let id = BuildId(word.clone());
        assert!(
            place
                .try_one(word, |place| builds::get(&place.engine, &id))
                .is_err()
        );
        assert!(
            place
                .try_one(word, |place| builds::cancel(&place.engine, &id))
                .is_err()
        );
        assert!(
            place
                .try_one(word, |place| builds::read_log(&place.engine, &id, None, 0, 9))
                .is_err()
        );
        let based = BuildRequest {
            base: Some(word.clone()),
            ..BuildRequest::head(project.clone())
        };
        assert!(
            place.plan(word, &based).is_err(),
            "{}: there is no base",
            cut(word)
        );
        let filter = BuildFilter {
            text: Some(word.clone()),
            branch: Some(word.clone()),
            id: Some(word.clone()),
            commit: Some(word.clone()),
            ..BuildFilter::default()
        };
        if let Ok(list) = place.try_one(word, |place| builds::list(&place.engine, &filter)) {
            assert_eq!(list.total, 0, "{}: no build matches", cut(word));
        }
        let other = ProjectId(word.clone());
        assert!(
            place.plan(word, &BuildRequest::head(other)).is_err(),
            "{}: no such project",
            cut(word)
        );
        drop(place.try_one(word, |place| project::find(&place.engine, Some(word))));
        drop(place.preview(word, Path::new(word)));
    }
    place.assert_untouched(1);
    assert!(place.inputs >= 1_000, "{} inputs", place.inputs);
}
