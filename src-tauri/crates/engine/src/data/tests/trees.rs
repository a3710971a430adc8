use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::tree::{apply, diff as diff_trees};
use super::super::{Change, Content, Root, Tree, TreeWriter, Writing, merge, path_order};
use super::{home, text};

/// Files of a tree as a map, in a tree's order by the trick of a lower slash.
type Model = BTreeMap<String, String>;

fn key(path: &str) -> String {
    path.replace('/', "\0")
}

fn path(key: &str) -> String {
    key.replace('\0', "/")
}

fn tree_of(writing: &Writing, model: &Model) -> Root {
    let mut writer = TreeWriter::new(writing);
    for (name, content) in model {
        writer.push(&path(name), text(writing, content)).unwrap();
    }
    writer.finish().unwrap()
}

fn read(writing: &Writing, root: Root, below: &str) -> Vec<(String, String)> {
    let tree = Tree::open(writing.store(), root).unwrap();
    let files = tree.files(below).unwrap().map(Result::unwrap);
    files
        .map(|entry| (entry.path, string(writing, &entry.content)))
        .collect()
}

fn string(writing: &Writing, content: &Content) -> String {
    String::from_utf8(writing.content_bytes(content).unwrap()).unwrap()
}

fn plain(model: &Model) -> Vec<(String, String)> {
    model
        .iter()
        .map(|(name, content)| (path(name), content.clone()))
        .collect()
}

/// Makes no path both a file and a folder: folders have another letter.
fn any_path() -> impl Strategy<Value = String> {
    ("([d-f]/){0,3}", "[a-c.0-9]{1,4}").prop_filter_map("a file's name", |(folder, name)| {
        let usable = name != "." && name != "..";
        usable.then(|| key(&format!("/{folder}{name}")))
    })
}

fn any_model() -> impl Strategy<Value = Model> {
    proptest::collection::btree_map(any_path(), "[xyz]{0,2}", 0..60)
}

/// A tree that is large enough to have several levels, from a small description.
fn large(seed: u32, count: u32) -> Model {
    let one = |number: u32| {
        let name = key(&format!("/d{:03}/f{:06}", (number * seed) % 40, number));
        (name, format!("{}", number % 3))
    };
    (0..count).map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn changes_do_to_a_tree_what_they_do_to_a_map(
        model in any_model(),
        puts in any_model(),
        removed in proptest::collection::vec("(/[d-f]){0,2}(/[a-f])?", 0..3),
    ) {
        let home = home();
        let writing = home.store.writing().unwrap();
        let root = tree_of(&writing, &model);
        let removed: Vec<String> = removed.into_iter().map(|path| if path.is_empty() { "/".into() } else { path }).collect();
        let mut changes: Vec<Change> = removed.iter().cloned().map(Change::Remove).collect();
        changes.extend(puts.iter().map(|(name, content)| Change::Put(path(name), text(&writing, content))));
        changes.sort_by(Change::order);
        let changed = apply(&writing, root, changes.into_iter().map(Ok)).unwrap();
        let mut expected = model;
        expected.retain(|name, _| !removed.iter().any(|folder| super::super::tree::path::is_within(&path(name), folder)));
        expected.extend(puts);
        prop_assert_eq!(read(&writing, changed, "/"), plain(&expected));
        prop_assert_eq!(changed, tree_of(&writing, &expected), "equal files have equal trees");
    }

    #[test]
    fn what_differs_is_what_maps_say(before in any_model(), after in any_model()) {
        let home = home();
        let writing = home.store.writing().unwrap();
        let (one, other) = (tree_of(&writing, &before), tree_of(&writing, &after));
        let (one, other) = (Tree::open(&home.store, one).unwrap(), Tree::open(&home.store, other).unwrap());
        let found: Vec<_> = diff_trees(&home.store, &one, &other).map(Result::unwrap)
            .map(|found| (key(&found.path), found.before.map(|c| string(&writing, &c)), found.after.map(|c| string(&writing, &c))))
            .collect();
        let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
        names.sort();
        names.dedup();
        let expected: Vec<_> = names.into_iter()
            .map(|name| (name.clone(), before.get(name).cloned(), after.get(name).cloned()))
            .filter(|(_, before, after)| before != after)
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn merging_joins_what_several_trees_have(models in proptest::collection::vec(any_model(), 0..5)) {
        let home = home();
        let writing = home.store.writing().unwrap();
        let roots: Vec<Root> = models.iter().map(|model| tree_of(&writing, model)).collect();
        let mut expected = Model::new();
        for (name, content) in models.iter().flatten() {
            expected.entry(name.clone()).or_default().push_str(content);
        }
        let merged = merge(&writing, &roots).unwrap();
        prop_assert_eq!(read(&writing, merged, "/"), plain(&expected));
        prop_assert_eq!(merged, tree_of(&writing, &expected));
    }

    #[test]
    fn folders_show_what_is_in_them(model in any_model(), folder in "(/[d-f]){1,3}") {
        let home = home();
        let writing = home.store.writing().unwrap();
        let root = tree_of(&writing, &model);
        let tree = Tree::open(&home.store, root).unwrap();
        for folder in ["/", &folder] {
            let inside: Vec<_> = plain(&model).into_iter()
                .filter(|(path, _)| super::super::tree::path::is_within(path, folder)).collect();
            prop_assert_eq!(&read(&writing, root, folder), &inside);
            let bytes: usize = inside.iter().map(|(_, content)| content.len()).sum();
            prop_assert_eq!(tree.summary(folder).unwrap(), (inside.len() as u64, bytes as u64));
            let mut expected: BTreeMap<String, (u64, u64)> = BTreeMap::new();
            let start = if folder == "/" { 1 } else { folder.len() + 1 };
            for (path, content) in &inside {
                let end = path[start..].find('/').map_or(path.len(), |at| start + at);
                let sums = expected.entry(path[..end].to_owned()).or_default();
                *sums = (sums.0 + 1, sums.1 + content.len() as u64);
            }
            let children: BTreeMap<_, _> = tree.children(folder).unwrap().map(Result::unwrap)
                .map(|child| (child.path, (child.files, child.bytes))).collect();
            prop_assert_eq!(children, expected);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn large_trees_are_the_same_whichever_way_they_came_about(
        first in 1..50u32, second in 1..50u32, folder in 0..40u32,
    ) {
        let home = home();
        let writing = home.store.writing().unwrap();
        let (before, after) = (large(first, 6000), large(second, 6500));
        let root = tree_of(&writing, &before);
        let gone = format!("/d{folder:03}");
        let mut changes: Vec<Change> = vec![Change::Remove(gone.clone())];
        let mut expected = before.clone();
        expected.retain(|name, _| !path(name).starts_with(&format!("{gone}/")));
        for (name, content) in after.iter().filter(|(name, _)| !expected.contains_key(*name)).step_by(97) {
            changes.push(Change::Put(path(name), text(&writing, content)));
        }
        changes.sort_by(Change::order);
        for change in &changes {
            if let Change::Put(path, content) = change {
                expected.insert(key(path), string(&writing, content));
            }
        }
        let changed = apply(&writing, root, changes.into_iter().map(Ok)).unwrap();
        prop_assert_eq!(changed, tree_of(&writing, &expected));
        let (one, other) = (Tree::open(&home.store, root).unwrap(), Tree::open(&home.store, changed).unwrap());
        let differing = diff_trees(&home.store, &one, &other).map(Result::unwrap).count();
        let same = |name: &String| before.get(name) == expected.get(name);
        let names: std::collections::BTreeSet<_> = before.keys().chain(expected.keys()).collect();
        prop_assert_eq!(differing, names.into_iter().filter(|name| !same(name)).count());
    }

    #[test]
    fn paths_are_ordered_part_by_part(a in "[a-c/.\u{1}-]{0,8}", b in "[a-c/.\u{1}-]{0,8}") {
        prop_assert_eq!(path_order(&a, &b), key(&a).cmp(&key(&b)));
    }
}
