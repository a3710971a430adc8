//! Trees: the files of one state of a repository, sorted by path.
//!
//! Owns how a tree is written down and read. A tree of a million files is read and written page by page; trees share the
//! pages in which they do not differ.

mod change;
mod cursor;
mod diff;
mod page;
pub(crate) mod path;
mod write;

use std::sync::Arc;

use super::content::Content;
use super::digest::{Digest, Root};
use super::store::DataStore;
use crate::error::Result;

pub(crate) use change::{Change, apply, merge, overlay};
pub(crate) use diff::{Difference, diff};
pub(crate) use page::{Entry, Page};
pub(crate) use write::TreeWriter;

use cursor::{Cursor, Next};

/// An open tree.
#[derive(Clone)]
pub(crate) struct Tree {
    store: Arc<DataStore>,
    root: Root,
    top: Arc<Page>,
}

/// What lies directly in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    /// Whole path.
    pub(crate) path: String,
    /// Files in it; 1 for a file.
    pub(crate) files: u64,
    /// Their sizes together.
    pub(crate) bytes: u64,
    /// What it holds; none for a folder.
    pub(crate) content: Option<Content>,
}

impl Tree {
    /// Opens a tree.
    pub(crate) fn open(store: &Arc<DataStore>, root: Root) -> Result<Self> {
        let empty = Self::empty(store);
        if root == empty.root {
            return Ok(empty);
        }
        let top = store.page(root.0)?;
        let store = store.clone();
        Ok(Self { store, root, top })
    }

    /// Returns a tree without files, which need not be written.
    pub(crate) fn empty(store: &Arc<DataStore>) -> Self {
        let top = Page::Leaf(Vec::new());
        let root = Root(Digest::of(&top.encode()));
        Self {
            store: store.clone(),
            root,
            top: Arc::new(top),
        }
    }

    /// Returns what it is called.
    pub(crate) fn root(&self) -> Root {
        self.root
    }

    /// Returns the files below a folder, by path, each with its whole path; just the file where the path is one's. The pages
    /// before are not read.
    pub(crate) fn files(&self, below: &str) -> Result<Files> {
        let mut cursor = self.cursor();
        if let Some(content) = self.get(below)? {
            let path = below.to_owned();
            return Ok(Files::Single(Some(Entry { path, content })));
        }
        let (start, end) = path::range(below);
        cursor.seek(&start)?;
        Ok(Files::Range { cursor, end })
    }

    /// Returns what a file holds; none when there is no such file.
    pub(crate) fn get(&self, path: &str) -> Result<Option<Content>> {
        let mut cursor = self.cursor();
        cursor.seek(path)?;
        Ok(match cursor.next() {
            Some(Next::File(entry)) if entry.path == path => Some(entry.content.clone()),
            _ => None,
        })
    }

    /// Returns how many files are at or below a path, and their sizes together.
    pub(crate) fn summary(&self, path: &str) -> Result<(u64, u64)> {
        if path == "/" {
            return Ok(self.top.sums());
        }
        if let Some(content) = self.get(path)? {
            return Ok((1, content.bytes));
        }
        let (start, end) = path::range(path);
        let mut cursor = self.cursor();
        cursor.seek(&start)?;
        cursor.pass_until(end.as_deref())
    }

    /// Returns what lies directly in a folder, by name. What lies deeper is counted, mostly without being read.
    pub(crate) fn children(&self, folder: &str) -> Result<Children> {
        let (start, end) = path::range(folder);
        let mut cursor = self.cursor();
        cursor.seek(&start)?;
        Ok(Children { cursor, start, end })
    }

    fn cursor(&self) -> Cursor {
        Cursor::new(&self.store, self.top.clone())
    }
}

/// Files of a tree, by path.
pub(crate) enum Files {
    /// All of a range.
    Range {
        /// Where to go on.
        cursor: Cursor,
        /// The first path behind it.
        end: Option<String>,
    },
    /// One or none.
    Single(Option<Entry>),
}

impl Iterator for Files {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Single(entry) => entry.take().map(Ok),
            Self::Range { cursor, end } => {
                let entry = cursor.take().transpose()?;
                let inside = |path: &str| end.as_deref().is_none_or(|end| path::order(path, end).is_lt());
                match &entry {
                    Ok(one) if !inside(&one.path) => None,
                    _ => Some(entry),
                }
            }
        }
    }
}

/// What lies directly in a folder, by name.
pub(crate) struct Children {
    cursor: Cursor,
    start: String,
    end: Option<String>,
}

impl Children {
    fn take(&mut self) -> Result<Option<Child>> {
        if !self.cursor.find_file()? {
            return Ok(None);
        }
        let Some(Next::File(entry)) = self.cursor.next() else {
            return Ok(None);
        };
        if self
            .end
            .as_deref()
            .is_some_and(|end| !path::order(&entry.path, end).is_lt())
        {
            return Ok(None);
        }
        let Some(inner) = entry.path[self.start.len()..].find('/') else {
            let content = entry.content.clone();
            let path = entry.path.clone();
            let child = Child {
                path,
                files: 1,
                bytes: content.bytes,
                content: Some(content),
            };
            self.cursor.pass();
            return Ok(Some(child));
        };
        let path = entry.path[..self.start.len() + inner].to_owned();
        let (_, end) = path::range(&path);
        let (files, bytes) = self.cursor.pass_until(end.as_deref())?;
        Ok(Some(Child {
            path,
            files,
            bytes,
            content: None,
        }))
    }
}

impl Iterator for Children {
    type Item = Result<Child>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take().transpose()
    }
}
