use std::fs;
use std::time::Instant;

use super::super::tree::{apply, diff as diff_trees};
use super::super::{Change, Tree, TreeWriter};
use super::{home, text};

const FILES: u64 = 1_000_000;

/// Most memory that this process has used since it was last asked, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_million_files_are_written_read_and_changed_in_little_memory() {
    let home = home();
    let writing = home.store.writing().unwrap();
    let content = text(&writing, "the same in all");
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak();
    let began = Instant::now();
    let mut writer = TreeWriter::new(&writing);
    for number in 0..FILES {
        writer
            .push(&format!("/{:03}/{number:07}", number / 1000), content.clone())
            .unwrap();
    }
    let root = writer.finish().unwrap();
    eprintln!("written after {:?}", began.elapsed());
    let tree = Tree::open(&home.store, root).unwrap();
    assert_eq!(tree.summary("/").unwrap(), (FILES, 15 * FILES));
    assert_eq!(tree.summary("/500").unwrap(), (1000, 15_000));
    assert_eq!(tree.children("/").unwrap().count(), 1000);
    assert!(tree.get("/999/0999999").unwrap().is_some());
    eprintln!("looked at after {:?}", began.elapsed());
    let other = text(&writing, "another");
    let changes = [
        Change::Put("/123/0123456".to_owned(), other.clone()),
        Change::Remove("/400".to_owned()),
        Change::Put("/999/1".to_owned(), other),
    ];
    let changed = apply(&writing, root, changes.into_iter().map(Ok)).unwrap();
    let changed = Tree::open(&home.store, changed).unwrap();
    assert_eq!(changed.summary("/").unwrap().0, FILES - 999);
    assert_eq!(diff_trees(&home.store, &tree, &changed).count(), 1002);
    eprintln!("changed and compared after {:?}", began.elapsed());
    assert_eq!(changed.files("/").unwrap().count() as u64, FILES - 999);
    eprintln!("read after {:?}", began.elapsed());
    let grown = peak() - before;
    assert!(grown < 64 << 20, "{} MiB more", grown >> 20);
}
