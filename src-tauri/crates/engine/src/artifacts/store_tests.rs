use super::*;
use crate::source::testing::TestRepo;

fn place() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path().join("store"));
    (dir, store)
}

fn files(store: &Store) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["code", "partial"] {
        let entries = fs::read_dir(store.folder().join(folder)).into_iter().flatten();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files
}

#[test]
fn what_is_there_already_is_not_written_again() {
    let (_dir, store) = place();
    let test = TestRepo::new();
    let tree = test.tree(&[("a", b"1")]);
    let first = store.add(&test.repo(), tree).unwrap();
    assert!(first.new && first.told().contains("was added"), "{first:?}");
    let at = fs::metadata(&first.path).unwrap().modified().unwrap();
    let other = Store::at(store.folder());
    let second = other.add(&test.repo(), tree).unwrap();
    assert!(!second.new && second.told().contains("already"), "{second:?}");
    assert_eq!(second.path, first.path);
    assert_eq!(fs::metadata(&first.path).unwrap().modified().unwrap(), at);
    assert_eq!(
        files(&store),
        std::slice::from_ref(&first.path),
        "nothing is left beside it"
    );
    assert!(first.path.ends_with(format!("code/{}.tar.gz", first.digest)));
    let (path, contents) = store.get(&first.digest).unwrap();
    assert_eq!((path, contents.files.len()), (first.path, 1));
}

#[test]
fn a_damaged_archive_is_not_handed_out_and_is_written_again() {
    let (_dir, store) = place();
    let test = TestRepo::new();
    let tree = test.tree(&[("a", b"1")]);
    let stored = store.add(&test.repo(), tree).unwrap();
    fs::write(&stored.path, "half").unwrap();
    let error = store.get(&stored.digest).unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
    assert!(store.add(&test.repo(), tree).unwrap().new);
    store.get(&stored.digest).unwrap();
}

#[test]
fn an_archive_of_another_store_is_not_there() {
    let (_dir, store) = place();
    let (_other_dir, other) = place();
    let test = TestRepo::new();
    let stored = other.add(&test.repo(), test.tree(&[("a", b"1")])).unwrap();
    for digest in [stored.digest.as_str(), "../../etc/passwd", ""] {
        let error = store.get(digest).unwrap_err().to_string();
        assert!(error.contains("is not in the artifact store"), "{error}");
    }
}

#[test]
fn many_at_once_end_with_one_file() {
    let (_dir, store) = place();
    let test = TestRepo::new();
    let (repo, tree) = (test.repo(), test.tree(&[("a", &vec![7; 1 << 20])]));
    let all: Vec<Stored> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| store.add(&repo, tree).unwrap()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(all.iter().any(|stored| stored.new));
    assert!(all.iter().all(|stored| stored.digest == all[0].digest));
    assert_eq!(files(&store).len(), 1);
}

#[test]
fn what_a_dead_process_left_is_removed_and_what_is_being_written_is_not() {
    let (_dir, store) = place();
    store.probe().unwrap();
    let (old, young) = (store.partial().join("old"), store.partial().join("young"));
    for path in [&old, &young] {
        fs::write(path, "").unwrap();
    }
    let long_ago = std::time::SystemTime::now() - 2 * STALE;
    File::options()
        .write(true)
        .open(&old)
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    let test = TestRepo::new();
    store.add(&test.repo(), test.tree(&[("a", b"1")])).unwrap();
    assert!(!old.exists() && young.exists());
}

#[test]
fn a_store_that_cannot_be_written_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::at(&file).probe().unwrap_err().to_string();
    assert!(error.contains("cannot be written to"), "{error}");
    Store::at(dir.path().join("made/when/missing")).probe().unwrap();
}
