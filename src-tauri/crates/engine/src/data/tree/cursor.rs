//! A place in a tree, which moves forward and reads a page only when it goes into it.

use std::sync::Arc;

use super::super::digest::Digest;
use super::super::store::DataStore;
use super::page::{Entry, Link, Page};
use super::path::order;
use crate::error::Result;

/// A place in a tree: before a file, or before a page that was not gone into.
pub(crate) struct Cursor {
    store: Arc<DataStore>,
    /// Pages that were gone into, the topmost first, and the place in each. None is at its end.
    frames: Vec<(Arc<Page>, usize)>,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next<'a> {
    File(&'a Entry),
    /// A page, and its level.
    Page(&'a Link, u8),
}

impl Cursor {
    /// Returns the beginning of what a page, and those below it, hold.
    pub(super) fn new(store: &Arc<DataStore>, top: Arc<Page>) -> Self {
        let store = store.clone();
        let frames = match top.len() {
            0 => Vec::new(),
            _ => vec![(top, 0)],
        };
        Self { store, frames }
    }

    /// Returns the beginning of a tree, as one page that was not gone into.
    pub(super) fn before(store: &Arc<DataStore>, root: Digest, top: &Page) -> Self {
        let Some(last) = top.last() else {
            return Self {
                store: store.clone(),
                frames: Vec::new(),
            };
        };
        let (files, bytes) = top.sums();
        let last = last.to_owned();
        let links = vec![Link {
            last,
            digest: root,
            files,
            bytes,
        }];
        let above = Page::Index {
            level: top.level().saturating_add(1),
            links,
        };
        Self::new(store, Arc::new(above))
    }

    pub(super) fn next(&self) -> Option<Next<'_>> {
        let (page, at) = self.frames.last()?;
        Some(match page.as_ref() {
            Page::Leaf(entries) => Next::File(&entries[*at]),
            Page::Index { level, links } => Next::Page(&links[*at], level - 1),
        })
    }

    /// Goes past what comes next.
    pub(super) fn pass(&mut self) {
        while let Some((page, at)) = self.frames.last_mut() {
            *at += 1;
            if *at < page.len() {
                break;
            }
            self.frames.pop();
        }
    }

    /// Goes into the page that comes next.
    pub(super) fn enter(&mut self) -> Result<()> {
        if let Some(Next::Page(link, _)) = self.next() {
            let page = self.store.page(link.digest)?;
            self.frames.push((page, 0));
        }
        Ok(())
    }

    /// Goes to the next file; returns whether there is one.
    pub(super) fn find_file(&mut self) -> Result<bool> {
        loop {
            match self.next() {
                None => return Ok(false),
                Some(Next::File(_)) => return Ok(true),
                Some(Next::Page(..)) => self.enter()?,
            }
        }
    }

    /// Returns the next file and goes past it.
    pub(super) fn take(&mut self) -> Result<Option<Entry>> {
        if !self.find_file()? {
            return Ok(None);
        }
        let entry = match self.next() {
            Some(Next::File(entry)) => Some(entry.clone()),
            _ => None,
        };
        self.pass();
        Ok(entry)
    }

    /// Goes forward to the first file that is at a path or behind it, without reading the pages before.
    pub(super) fn seek(&mut self, path: &str) -> Result<()> {
        while let Some((page, at)) = self.frames.last_mut() {
            *at = page.first_at(path).max(*at);
            if *at == page.len() {
                self.frames.pop();
                self.pass();
            } else if page.level() == 0 {
                break;
            } else {
                self.enter()?;
            }
        }
        Ok(())
    }

    /// Goes past all that lies before a path, to the end without one. Returns how many files that were, and their sizes
    /// together; pages that lie before it as a whole are not read.
    pub(super) fn pass_until(&mut self, end: Option<&str>) -> Result<(u64, u64)> {
        let before = |path: &str| end.is_none_or(|end| order(path, end).is_lt());
        let (mut files, mut bytes) = (0, 0);
        loop {
            match self.next() {
                Some(Next::File(entry)) if before(&entry.path) => {
                    files += 1;
                    bytes += entry.content.bytes;
                    self.pass();
                }
                Some(Next::Page(link, _)) if before(&link.last) => {
                    files += link.files;
                    bytes += link.bytes;
                    self.pass();
                }
                Some(Next::Page(..)) => self.enter()?,
                Some(Next::File(_)) | None => return Ok((files, bytes)),
            }
        }
    }
}
