use std::fs;

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::{DataStore, Digest, TreeWriter, commit_in, drop_in, look, put::put, repos, sweep::sweep};
use super::{home, noise, request, text};

#[test]
fn a_sweep_removes_what_nothing_uses_and_nothing_else() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    fs::write(sources.path().join("small"), "small").unwrap();
    fs::write(sources.path().join("large"), noise(1, 6 << 20)).unwrap();
    home.put(sources.path(), "/").unwrap();
    assert_eq!(sweep(&home.store, false).unwrap().chunks, 0, "all of it is used");
    {
        let writing = home.store.writing().unwrap();
        writing.write_content(&mut noise(2, 6 << 20).as_slice()).unwrap();
        text(&writing, "nobody's");
        writing.flush().unwrap();
    }
    let seen = sweep(&home.store, true).unwrap();
    assert!(seen.chunks >= 3 && seen.bytes == (6 << 20) + 8, "{seen:?}");
    assert_eq!(sweep(&home.store, false).unwrap(), seen, "it does what it says");
    assert_eq!(sweep(&home.store, false).unwrap().chunks, 0);
    assert_eq!(home.all()[0].1, noise(1, 6 << 20));
    home.store.write(|tx| repos::delete_repo_in(tx, "data")).unwrap();
    sweep(&home.store, false).unwrap();
    let left: u64 = home
        .store
        .read(|db| Ok(db.query_row("SELECT count(*) FROM chunks", [], |row| row.get(0))?))
        .unwrap();
    assert_eq!(left, 0);
    let folders = fs::read_dir(home.folder.path().join("chunks")).unwrap().flatten();
    assert_eq!(
        folders.flat_map(|one| fs::read_dir(one.path()).unwrap()).count(),
        0
    );
}

#[test]
fn a_sweep_leaves_alone_what_a_writer_has_written_or_builds_on() {
    let home = home();
    let large = noise(3, 100_000);
    let orphan = {
        let writing = home.store.writing().unwrap();
        let content = writing.write_content(&mut large.as_slice()).unwrap();
        writing.flush().unwrap();
        content
    };
    let writing = home.store.writing().unwrap();
    // Found, not written: it was there although nothing used it.
    let found = writing.write_content(&mut large.as_slice()).unwrap();
    assert_eq!(found, orphan);
    let new = text(&writing, "new");
    let mut writer = TreeWriter::new(&writing);
    writer.push("/a", new.clone()).unwrap();
    writer.push("/b", found.clone()).unwrap();
    let root = writer.finish().unwrap();
    writing.flush().unwrap();
    sweep(&home.store, false).unwrap();
    writing
        .write(|tx| commit_in(tx, "data", "master", root, "", None))
        .unwrap();
    // Its files may still be used by a writer that looked at them before.
    home.store.write(|tx| repos::delete_repo_in(tx, "data")).unwrap();
    sweep(&home.store, false).unwrap();
    home.store
        .write(|tx| repos::create_repo_in(tx, "data", "", None))
        .unwrap();
    writing
        .write(|tx| commit_in(tx, "data", "master", root, "", None))
        .unwrap();
    drop(writing);
    sweep(&home.store, false).unwrap();
    assert_eq!(
        home.all(),
        [("/a".to_owned(), b"new".to_vec()), ("/b".to_owned(), large)]
    );
}

#[test]
fn outputs_of_datums_are_used() {
    let home = home();
    let writing = home.store.writing().unwrap();
    let mut writer = TreeWriter::new(&writing);
    writer.push("/out", text(&writing, "output")).unwrap();
    let root = writer.finish().unwrap();
    writing
        .write(|tx| {
            Ok(tx.execute(
                "INSERT INTO datums VALUES('p', x'00', 's', 'j', ?1, 0, 0, 0, '{}')",
                [root],
            )?)
        })
        .unwrap();
    drop(writing);
    assert_eq!(sweep(&home.store, false).unwrap().chunks, 0);
    home.store
        .write(|tx| {
            tx.execute("DELETE FROM datums", [])?;
            drop_in(tx, root.0)
        })
        .unwrap();
    assert_eq!(
        sweep(&home.store, false).unwrap().chunks,
        2,
        "the content and the tree's page"
    );
}

#[test]
fn a_file_that_looks_like_a_page_of_a_tree_does_not_hide_the_tree() {
    let home = home();
    let writing = home.store.writing().unwrap();
    let mut writer = TreeWriter::new(&writing);
    writer.push("/a", text(&writing, "inner")).unwrap();
    let inner = writer.finish().unwrap();
    let page = writing.chunk(inner.0).unwrap();
    let mut writer = TreeWriter::new(&writing);
    let content = writing.write_content(&mut page.as_slice()).unwrap();
    assert_eq!(content.digest, inner.0);
    writer.push("/page", content).unwrap();
    let outer = writer.finish().unwrap();
    for root in [outer, inner] {
        writing
            .write(|tx| commit_in(tx, "data", "master", root, "", None))
            .unwrap();
    }
    drop(writing);
    assert_eq!(sweep(&home.store, false).unwrap().chunks, 0);
    assert_eq!(home.all(), [("/a".to_owned(), b"inner".to_vec())]);
}

#[test]
fn a_sweep_makes_the_database_smaller() {
    let home = home();
    {
        let writing = home.store.writing().unwrap();
        for seed in 0..600 {
            writing
                .write_content(&mut noise(seed, 30_000).as_slice())
                .unwrap();
        }
        writing.flush().unwrap();
    }
    sweep(&home.store, false).unwrap();
    let bytes = fs::metadata(home.folder.path().join("data.db")).unwrap().len();
    assert!(bytes < 1 << 20, "{bytes} bytes for nothing");
}

#[test]
fn what_dead_writers_left_goes() {
    let home = home();
    let folder = home.folder.path();
    drop(home.store.writing().unwrap());
    let name = Digest::of(b"lost").to_string();
    fs::create_dir_all(folder.join("chunks").join(&name[..2])).unwrap();
    fs::write(folder.join("chunks").join(&name[..2]).join(&name), "lost").unwrap();
    fs::write(folder.join("chunks/partial/1-0"), "half").unwrap();
    fs::write(folder.join("writers/1"), "").unwrap();
    let living = home.store.writing().unwrap();
    let content = living.write_content(&mut noise(4, 50_000).as_slice()).unwrap();
    let seen = sweep(&home.store, true).unwrap();
    let swept = sweep(&home.store, false).unwrap();
    assert_eq!(
        (seen.chunks, swept.chunks, swept.bytes),
        (2, 2, 8),
        "{seen:?} {swept:?}"
    );
    assert!(home.store.content_bytes(&content).is_ok());
    assert_eq!(fs::read_dir(folder.join("writers")).unwrap().count(), 1);
}

#[test]
fn commits_of_a_deleted_branch_stay_while_others_need_them() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    let file = sources.path().join("f");
    let mut commits = Vec::new();
    for text in ["one", "two", "three"] {
        fs::write(&file, text).unwrap();
        commits.push(home.put(&file, "/f").unwrap().commit.id);
    }
    home.store
        .write(|tx| {
            repos::create_branch_in(tx, "data", "old", Some(&commits[1]))?;
            repos::delete_branch_in(tx, "data", "master")
        })
        .unwrap();
    assert_eq!(
        sweep(&home.store, false).unwrap().chunks,
        2,
        "the last content and its page"
    );
    assert!(look::open(&home.store, &commits[0]).is_ok());
    assert!(look::open(&home.store, &commits[1][..6]).is_ok());
    assert!(look::open(&home.store, &commits[2]).is_err());
}

#[test]
fn sweeps_take_nothing_of_those_who_put_and_delete_meanwhile() {
    let home = home();
    let sources = tempfile::tempdir().unwrap();
    for number in 0..12 {
        // Small content, large content, and some that all have in common.
        let bytes = noise(number % 5, 20_000 * (number as usize + 1));
        fs::write(sources.path().join(format!("f{number}")), bytes).unwrap();
    }
    let over = AtomicBool::new(false);
    let folder = home.folder.path();
    let sweeps = std::thread::scope(|scope| {
        let sweeper = scope.spawn(|| {
            let store = DataStore::open(folder).unwrap();
            let (mut count, mut freed) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                freed += sweep(&store, false).unwrap().chunks;
                count += 1;
            }
            (count, freed)
        });
        let writer = |number: usize| {
            let store = DataStore::open(folder).unwrap();
            let branch = format!("b{number}");
            for round in 0..25 {
                let mut request = request(&[(sources.path(), &format!("/{}", round % 2))], &[]);
                request.branch.clone_from(&branch);
                put(&store, &request, &mut |_| true).unwrap();
                let (_, tree) = look::open(&store, &format!("data@{branch}")).unwrap();
                for file in tree.files("/").unwrap().map(Result::unwrap) {
                    store.content_bytes(&file.content).unwrap();
                }
                store
                    .write(|tx| {
                        repos::delete_branch_in(tx, "data", &branch)?;
                        repos::delete_unreachable_in(tx)
                    })
                    .unwrap();
            }
        };
        let writers: Vec<_> = (0..3).map(|number| scope.spawn(move || writer(number))).collect();
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        over.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|ended| ended.unwrap());
        sweeper.join().unwrap()
    });
    assert!(sweeps.0 > 3 && sweeps.1 > 0, "they met: {sweeps:?}");
    home.put(sources.path(), "/").unwrap();
    sweep(&home.store, false).unwrap();
    assert_eq!(home.all().len(), 12);
}
