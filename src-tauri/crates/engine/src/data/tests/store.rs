use std::fs;
use std::io::Read;
use std::path::PathBuf;

use super::super::content::own;
use super::super::{Content, DataStore, Root, Tree, TreeWriter, commit_in, commit_root, drop_in, head};
use super::{home, noise, text};
use crate::error::Error;

fn chunk_files(folder: &std::path::Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder.join("chunks")).unwrap().flatten();
    folders
        .flat_map(|one| fs::read_dir(one.path()).unwrap().flatten())
        .map(|file| file.path())
        .collect()
}

#[test]
fn content_of_every_size_comes_back_as_it_was() {
    let home = home();
    let writing = home.store.writing().unwrap();
    let sizes = [
        0,
        1,
        32 * 1024,
        32 * 1024 + 1,
        256 * 1024 - 1,
        256 * 1024,
        3_000_000,
        90_000_000,
    ];
    for (seed, size) in (0..).zip(sizes) {
        let bytes = noise(seed, size);
        let content = writing.write_content(&mut bytes.as_slice()).unwrap();
        assert_eq!(content.bytes, size as u64);
        assert_eq!(content.digest.0, *blake3::hash(&bytes).as_bytes(), "{size}");
        for _ in ["waiting to be written", "written"] {
            let mut read = Vec::new();
            home.store
                .read_content(&content)
                .unwrap()
                .read_to_end(&mut read)
                .unwrap();
            assert!(read == bytes, "{size} bytes differ");
            writing.flush().unwrap();
        }
    }
}

#[test]
fn a_byte_put_into_a_large_file_stores_little_more() {
    let home = home();
    let mut bytes = noise(1, 24 << 20);
    let writing = home.store.writing().unwrap();
    writing.write_content(&mut bytes.as_slice()).unwrap();
    assert_eq!(writing.stored().unwrap(), 24 << 20);
    bytes.insert(12 << 20, b'!');
    let again = home.store.writing().unwrap();
    again.write_content(&mut bytes.as_slice()).unwrap();
    assert!(
        again.stored().unwrap() <= 8 << 20,
        "{} bytes are new",
        again.stored().unwrap()
    );
}

#[test]
fn joined_content_is_kept_in_chunks_of_a_useful_size() {
    let home = home();
    let writing = home.store.writing().unwrap();
    let large = writing.write_content(&mut noise(1, 9 << 20).as_slice()).unwrap();
    let other = writing.write_content(&mut noise(2, 3 << 20).as_slice()).unwrap();
    let before = writing.stored().unwrap();
    let joined = writing.concatenate(&[large, other]).unwrap();
    let mut expected = noise(1, 9 << 20);
    expected.extend(noise(2, 3 << 20));
    assert!(home.store.content_bytes(&joined).unwrap() == expected);
    assert_eq!(joined.digest, super::super::Digest::of(&expected));
    assert_eq!(writing.stored().unwrap(), before, "no chunk is new");
    let pieces: Vec<_> = (0..2000)
        .map(|seed| writing.write_content(&mut noise(seed, 300).as_slice()).unwrap())
        .collect();
    let joined = writing.concatenate(&pieces).unwrap();
    assert_eq!(joined.bytes, 600_000);
    assert!(home.store.chunks_of(&joined).unwrap().len() <= 3);
    let expected: Vec<u8> = (0..2000).flat_map(|seed| noise(seed, 300)).collect();
    assert!(home.store.content_bytes(&joined).unwrap() == expected);
}

#[test]
fn a_damaged_file_is_named_and_never_read_as_if_it_were_right() {
    let home = home();
    let bytes = noise(2, 5 << 20);
    let writing = home.store.writing().unwrap();
    let content = writing.write_content(&mut bytes.as_slice()).unwrap();
    writing.flush().unwrap();
    let files = chunk_files(home.folder.path());
    let damaged = files.iter().max().unwrap();
    let mut inside = fs::read(damaged).unwrap();
    inside[1000] ^= 1;
    fs::write(damaged, inside).unwrap();
    let error = home.store.content_bytes(&content).unwrap_err();
    let told = damaged.display().to_string();
    assert!(
        error.to_string().contains(&told) && error.to_string().contains("damaged"),
        "{error}"
    );
    let mut reader = home.store.read_content(&content).unwrap();
    let mut read = Vec::new();
    let error = own(reader.read_to_end(&mut read).unwrap_err()).unwrap();
    assert!(
        bytes.starts_with(&read) && read.len() < bytes.len(),
        "only what is right was read"
    );
    assert!(matches!(error, Error::Refused { hint: Some(hint), .. } if hint.contains("remove the file")));
    // What the hint says helps.
    fs::remove_file(damaged).unwrap();
    writing.write_content(&mut bytes.as_slice()).unwrap();
    assert!(home.store.content_bytes(&content).unwrap() == bytes);
}

#[test]
fn damage_within_the_database_is_found_and_mended_by_putting_once_more() {
    let home = home();
    let writing = home.store.writing().unwrap();
    let content = text(&writing, "some words");
    writing
        .write(|tx| Ok(tx.execute("UPDATE chunks SET data = x'00'", [])?))
        .unwrap();
    let error = home.store.content_bytes(&content).unwrap_err().to_string();
    assert!(error.contains("data.db is damaged"), "{error}");
    text(&writing, "some words");
    writing.flush().unwrap();
    assert_eq!(home.store.content_bytes(&content).unwrap(), b"some words");
}

#[test]
fn a_store_of_a_newer_headstart_is_refused_with_a_sentence() {
    let home = home();
    home.store
        .read(|db| Ok(db.pragma_update(None, "user_version", 99)?))
        .unwrap();
    let error = DataStore::open(home.folder.path()).err().unwrap().to_string();
    assert!(
        error.contains("written by a newer Headstart") && error.contains("data.db"),
        "{error}"
    );
}

#[test]
fn several_threads_open_a_new_store_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let open = || DataStore::open(folder.path()).map(drop);
        let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        for one in all {
            one.join().unwrap().unwrap();
        }
    });
}

#[test]
fn a_commit_is_made_with_the_callers_transaction_or_not_at_all() {
    let home = home();
    let writing = home.store.writing().unwrap();
    let mut writer = TreeWriter::new(&writing);
    writer.push("/a", text(&writing, "a")).unwrap();
    let root = writer.finish().unwrap();
    let failed = writing.write(|tx| {
        commit_in(tx, "data", "master", root, "m", Some("job"))?;
        Err::<(), _>(Error::refused("no", "no"))
    });
    assert_eq!(failed.unwrap_err().to_string(), "no");
    assert_eq!(writing.read(|db| head(db, "data", "master")).unwrap(), None);
    let commit = writing
        .write(|tx| commit_in(tx, "data", "other", root, "m", Some("job")))
        .unwrap();
    assert_eq!(
        (commit.files, commit.bytes, commit.job.as_deref()),
        (1, 1, Some("job"))
    );
    assert_eq!(writing.read(|db| commit_root(db, &commit.id)).unwrap(), root);
    let unknown = Root(super::super::Digest::of(b"?"));
    let error = writing
        .write(|tx| commit_in(tx, "data", "master", unknown, "m", None))
        .unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn a_tree_is_not_written_out_of_order_or_with_impossible_paths() {
    let home = home();
    let writing = home.store.writing().unwrap();
    let content: Content = text(&writing, "");
    for path in [
        "",
        "/",
        "a",
        "/a/",
        "//a",
        "/a//b",
        "/./a",
        "/a/..",
        "/a\0",
        &format!("/{}", "a".repeat(4096)),
    ] {
        let refused = TreeWriter::new(&writing).push(path, content.clone());
        assert!(refused.is_err(), "{path:?}");
    }
    let mut writer = TreeWriter::new(&writing);
    writer.push("/a/b", content.clone()).unwrap();
    writer.push("/a.b", content.clone()).unwrap();
    assert!(
        writer.push("/a/c", content.clone()).is_err(),
        "/a/c comes before /a.b"
    );
    assert!(writer.push("/a.b/c", content.clone()).is_err(), "/a.b is a file");
    let root = writer.finish().unwrap();
    let tree = Tree::open(&home.store, root).unwrap();
    assert_eq!(tree.summary("/").unwrap().0, 2, "what was refused is not in it");
}

#[test]
fn a_writer_that_gives_up_takes_nothing_of_anothers() {
    let home = home();
    let (one, other) = (home.store.writing().unwrap(), home.store.writing().unwrap());
    let large = noise(3, 100_000);
    let content = text(&one, "both");
    let also = one.write_content(&mut large.as_slice()).unwrap();
    text(&other, "both");
    other.write_content(&mut large.as_slice()).unwrap();
    text(&other, "its own");
    drop(other);
    one.flush().unwrap();
    assert_eq!(home.store.content_bytes(&content).unwrap(), b"both");
    assert!(home.store.content_bytes(&also).unwrap() == large);
    drop(one);
    assert_eq!(
        fs::read_dir(home.folder.path().join("chunks/partial"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(
        fs::read_dir(home.folder.path().join("writers")).unwrap().count(),
        0
    );
    home.store.write(|tx| drop_in(tx, also.digest)).unwrap();
}
