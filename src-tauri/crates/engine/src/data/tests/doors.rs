use std::fs;
use std::time::Duration;

use super::super::{
    DataStore, create, create_branch, delete, delete_branch, get, history, put, set_readers_in,
};
use super::request;
use crate::engine::{Config, Engine};

fn engine() -> (tempfile::TempDir, Engine) {
    let home = tempfile::tempdir().unwrap();
    let engine = Engine::open(Config {
        home: home.path().to_owned(),
        docker_host: None,
        docker_context: None,
        docker_config: home.path().join("docker"),
    });
    (home, engine.unwrap())
}

#[test]
fn what_a_pipeline_reads_or_owns_stays() {
    let (_home, engine) = engine();
    create(&engine, None, "data", "").unwrap();
    let store = DataStore::of(&engine, None).unwrap();
    store
        .write(|tx| {
            set_readers_in(tx, "edges", &[("data", "master")])?;
            super::super::create_repo_in(tx, "edges", "", Some("edges"))
        })
        .unwrap();
    let refused = delete(&engine, None, "data").unwrap_err().to_string();
    assert_eq!(refused, "data is read by edges");
    let refused = delete_branch(&engine, None, "data", "master")
        .unwrap_err()
        .to_string();
    assert_eq!(refused, "branch master of data is read by edges");
    assert!(delete(&engine, None, "edges").is_err());
    create_branch(&engine, None, "data", "free", None).unwrap();
    delete_branch(&engine, None, "data", "free").unwrap();
    store.write(|tx| set_readers_in(tx, "edges", &[])).unwrap();
    delete(&engine, None, "data").unwrap();
    assert!(get(&engine, None, "data").is_err());
}

#[test]
fn a_branch_begins_where_another_one_ends_and_goes_its_own_way() {
    let (home, engine) = engine();
    create(&engine, None, "data", "").unwrap();
    let file = home.path().join("f");
    for text in ["one", "two"] {
        fs::write(&file, text).unwrap();
        put(&engine, &request(&[(&file, "/f")], &[]), |_| true).unwrap();
    }
    let first = history(&engine, None, "data", "master", 1, 1).unwrap().remove(0);
    create_branch(&engine, None, "data", "old", Some(&first.id[..6])).unwrap();
    create_branch(&engine, None, "data", "new", Some("master")).unwrap();
    let mut request = request(&[(&file, "/g")], &[]);
    request.branch = "old".to_owned();
    put(&engine, &request, |_| true).unwrap();
    let lengths =
        ["master", "new", "old"].map(|one| history(&engine, None, "data", one, 0, 9).unwrap().len());
    assert_eq!(lengths, [2, 2, 2]);
    assert_eq!(history(&engine, None, "data", "old", 0, 9).unwrap()[1], first);
    create(&engine, None, "other", "").unwrap();
    let refused = create_branch(&engine, None, "other", "b", Some(&first.id)).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("belongs to the data repository data"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_commit_wakes_who_waits_for_changes_in_this_process_and_in_others() {
    let (home, engine) = engine();
    create(&engine, None, "data", "").unwrap();
    let other = Engine::open(Config {
        home: home.path().to_owned(),
        docker_host: None,
        docker_context: None,
        docker_config: home.path().join("docker"),
    })
    .unwrap();
    let file = home.path().join("f");
    fs::write(&file, "f").unwrap();
    let committing = engine.clone();
    let commit = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        put(&committing, &request(&[(&file, "/f")], &[]), |_| true).unwrap();
    };
    let all = async { tokio::join!(engine.changed(), other.changed(), commit) };
    let (one, another, ()) = tokio::time::timeout(Duration::from_secs(10), all)
        .await
        .expect("both wake");
    one.unwrap();
    another.unwrap();
}
