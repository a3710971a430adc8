//! Making trees of trees: with changes, and several into one.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::iter::Peekable;

use super::super::content::Content;
use super::super::digest::Root;
use super::super::writing::Writing;
use super::cursor::{Cursor, Next};
use super::path::{is_within, order};
use super::{Entry, Files, Tree, TreeWriter};
use crate::error::Result;

/// Trees that are read at once when many are merged.
const AT_ONCE: usize = 128;

/// A change of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Takes away the file, or all below the folder, at a path, whether or not there is any.
    Remove(String),
    /// Puts a file at a path, in place of the one that is there.
    Put(String, Content),
}

impl Change {
    /// Returns the path it is about.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Remove(path) | Self::Put(path, _) => path,
        }
    }

    /// Orders changes as [`apply`] wants them: by path, and what is taken away first.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let is_put = |change: &Self| matches!(change, Self::Put(..));
        order(self.path(), other.path()).then(is_put(self).cmp(&is_put(other)))
    }
}

/// Returns a tree with changes, which come in order. Removals are about the tree as it was: what is put stays. Pages that no
/// change reaches are used as they are.
pub(crate) fn apply(
    writing: &Writing,
    root: Root,
    changes: impl Iterator<Item = Result<Change>>,
) -> Result<Root> {
    let tree = Tree::open(writing.store(), root)?;
    let last = tree.top.last().unwrap_or_default().to_owned();
    let mut pages = Cursor::before(writing.store(), root.0, &tree.top);
    let mut changed = Changed {
        changes: changes.peekable(),
        writer: TreeWriter::new(writing),
        removed: None,
    };
    loop {
        let (link, level) = match pages.next() {
            None => break,
            Some(Next::Page(link, level)) => (link, level),
            // A file never comes: leaves are read by a cursor of their own.
            Some(Next::File(_)) => break,
        };
        if level > 0 {
            pages.enter()?;
            continue;
        }
        let quiet = changed.is_quiet_until(&link.last)?;
        if quiet
            && changed
                .removed
                .as_deref()
                .is_some_and(|folder| is_within(&link.last, folder))
        {
            // All of it lies in a folder that was removed.
        } else if quiet && changed.removed.is_none() && changed.writer.at_page() && link.last != last {
            changed.writer.push_page(link)?;
        } else {
            let page = writing.page(link.digest)?;
            let mut files = Cursor::new(writing.store(), page);
            while let Some(entry) = files.take()? {
                changed.pass(entry)?;
            }
        }
        pages.pass();
    }
    changed.finish()
}

/// A tree on its way to its changed form.
struct Changed<I: Iterator<Item = Result<Change>>> {
    changes: Peekable<I>,
    writer: TreeWriter,
    /// Removed file or folder that the walk is in.
    removed: Option<String>,
}

impl<I: Iterator<Item = Result<Change>>> Changed<I> {
    /// Returns whether no change is about anything up to a path.
    fn is_quiet_until(&mut self, path: &str) -> Result<bool> {
        Ok(match self.changes.peek() {
            Some(Ok(change)) => order(change.path(), path).is_gt(),
            Some(Err(_)) => false,
            None => true,
        })
    }

    /// Takes over a file of the old tree, after the changes that come before it.
    fn pass(&mut self, entry: Entry) -> Result<()> {
        let mut replaced = false;
        let due = |change: &Result<Change>| match change {
            Ok(change) => order(change.path(), &entry.path).is_le(),
            Err(_) => true,
        };
        while let Some(change) = self.changes.next_if(due) {
            let mut change = change?;
            if let Change::Put(path, content) = &mut change
                && *path == entry.path
            {
                replaced = true;
                // The same bytes may be cut otherwise; what did not change stays as it was.
                if content.digest == entry.content.digest {
                    *content = entry.content.clone();
                }
            }
            self.make(change)?;
        }
        if self
            .removed
            .as_deref()
            .is_some_and(|folder| !is_within(&entry.path, folder))
        {
            self.removed = None;
        }
        if replaced || self.removed.is_some() {
            return Ok(());
        }
        self.writer.push(&entry.path, entry.content)
    }

    fn make(&mut self, change: Change) -> Result<()> {
        match change {
            Change::Put(path, content) => self.writer.push(&path, content),
            Change::Remove(path) => {
                let inside = self
                    .removed
                    .as_deref()
                    .is_some_and(|folder| is_within(&path, folder));
                if !inside {
                    self.removed = Some(path);
                }
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Result<Root> {
        while let Some(change) = self.changes.next() {
            self.make(change?)?;
        }
        self.writer.finish()
    }
}

/// Returns one tree with the files of all. What several have is joined in their order.
pub(crate) fn merge(writing: &Writing, roots: &[Root]) -> Result<Root> {
    match roots {
        [] => return TreeWriter::new(writing).finish(),
        [one] => return Ok(*one),
        _ => {}
    }
    let mut roots = roots.to_vec();
    // Every tree that is read holds a page in memory.
    while roots.len() > AT_ONCE {
        let parts = roots.chunks(AT_ONCE).map(|part| merge(writing, part));
        roots = parts.collect::<Result<_>>()?;
    }
    let mut writer = TreeWriter::new(writing);
    for group in Groups::of(writing, &roots)? {
        let (path, contents) = group?;
        writer.push(&path, writing.concatenate(&contents)?)?;
    }
    writer.finish()
}

/// Returns what puts the files of trees over another one: of the same path the last tree's.
pub(crate) fn overlay(writing: &Writing, roots: &[Root]) -> Result<impl Iterator<Item = Result<Change>>> {
    let put = |group: Result<(String, Vec<Content>)>| {
        let (path, mut contents) = group?;
        Ok(contents.pop().map(|content| Change::Put(path, content)))
    };
    Ok(Groups::of(writing, roots)?.filter_map(move |group| put(group).transpose()))
}

/// The files of several trees by path, each with the contents it has in them, in the order of the trees.
struct Groups {
    files: Vec<Files>,
    heads: BinaryHeap<Reverse<Head>>,
}

struct Head {
    entry: Entry,
    tree: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.entry.path, &other.entry.path).then(self.tree.cmp(&other.tree))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

impl Groups {
    fn of(writing: &Writing, roots: &[Root]) -> Result<Self> {
        let mut groups = Self {
            files: Vec::new(),
            heads: BinaryHeap::new(),
        };
        for (tree, root) in roots.iter().enumerate() {
            groups.files.push(Tree::open(writing.store(), *root)?.files("/")?);
            groups.advance(tree)?;
        }
        Ok(groups)
    }

    fn advance(&mut self, tree: usize) -> Result<()> {
        if let Some(entry) = self.files[tree].next() {
            let entry = entry?;
            self.heads.push(Reverse(Head { entry, tree }));
        }
        Ok(())
    }

    fn take(&mut self) -> Result<Option<(String, Vec<Content>)>> {
        let Some(Reverse(first)) = self.heads.pop() else {
            return Ok(None);
        };
        self.advance(first.tree)?;
        let Entry { path, content } = first.entry;
        let mut contents = vec![content];
        while self
            .heads
            .peek()
            .is_some_and(|Reverse(head)| head.entry.path == path)
        {
            let Some(Reverse(head)) = self.heads.pop() else {
                break;
            };
            self.advance(head.tree)?;
            contents.push(head.entry.content);
        }
        Ok(Some((path, contents)))
    }
}

impl Iterator for Groups {
    type Item = Result<(String, Vec<Content>)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take().transpose()
    }
}
