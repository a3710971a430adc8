//! Writing trees, file by file and in order.

use super::super::content::Content;
use super::super::digest::Root;
use super::super::writing::Writing;
use super::page::{Entry, Link, Page, ends};
use super::path;
use crate::error::{Error, Result};

/// Writes a tree. Only the pages that are not full yet are in memory.
pub(crate) struct TreeWriter {
    writing: Writing,
    entries: Vec<Entry>,
    entry_bytes: usize,
    /// Links that are not in a page yet, by level from 1 on.
    levels: Vec<Vec<Link>>,
    last: Option<String>,
}

impl TreeWriter {
    /// Begins an empty tree.
    pub(crate) fn new(writing: &Writing) -> Self {
        Self {
            writing: writing.clone(),
            entries: Vec::new(),
            entry_bytes: 0,
            levels: Vec::new(),
            last: None,
        }
    }

    /// Appends a file, whose path comes after all that were there. A file below what is a file already is refused.
    pub(crate) fn push(&mut self, path: &str, content: Content) -> Result<()> {
        path::check(path)?;
        if let Some(last) = &self.last {
            if !path::order(last, path).is_lt() {
                let message = format!("{path} was written behind {last}");
                return Err(Error::internal(message, "files of a tree are not in order"));
            }
            if path::is_within(path, last) {
                return Err(Error::refused(
                    format!("{last} would be a file, and a folder with {path} in it"),
                    "remove the file, or the folder, first",
                ));
            }
        }
        self.entry_bytes += path.len() + 40 + content.encoded_chunks();
        self.last = Some(path.to_owned());
        self.entries.push(Entry {
            path: path.to_owned(),
            content,
        });
        match ends(0, path, self.entries.len(), self.entry_bytes) {
            true => self.close_leaf(),
            false => Ok(()),
        }
    }

    /// Writes what is left and returns the tree.
    pub(crate) fn finish(mut self) -> Result<Root> {
        if self.levels.is_empty() {
            let page = Page::Leaf(std::mem::take(&mut self.entries));
            return Ok(Root(self.writing.keep_page(page.encode())?));
        }
        if !self.entries.is_empty() {
            self.close_leaf()?;
        }
        let mut at = 0;
        loop {
            match self.levels[at].as_slice() {
                [only] if at + 1 == self.levels.len() => return Ok(Root(only.digest)),
                [] => {}
                _ => self.close_level(at)?,
            }
            at += 1;
        }
    }

    /// Returns whether a page may begin here.
    pub(super) fn at_page(&self) -> bool {
        self.entries.is_empty()
    }

    /// Appends a page of another tree, one that is not its last, where a page may begin.
    pub(super) fn push_page(&mut self, link: &Link) -> Result<()> {
        self.last = Some(link.last.clone());
        self.push_link(0, link.clone())
    }

    fn close_leaf(&mut self) -> Result<()> {
        self.entry_bytes = 0;
        let page = Page::Leaf(std::mem::take(&mut self.entries));
        let link = self.keep(&page)?;
        self.push_link(0, link)
    }

    fn close_level(&mut self, at: usize) -> Result<()> {
        let links = std::mem::take(&mut self.levels[at]);
        let level = u8::try_from(at + 1).map_err(|error| Error::internal("a tree is too high", error))?;
        let link = self.keep(&Page::Index { level, links })?;
        self.push_link(at + 1, link)
    }

    fn push_link(&mut self, at: usize, link: Link) -> Result<()> {
        if self.levels.len() == at {
            self.levels.push(Vec::new());
        }
        let links = &mut self.levels[at];
        let level = u8::try_from(at + 1).unwrap_or(u8::MAX);
        let end = ends(level, &link.last, links.len() + 1, 0);
        links.push(link);
        match end {
            true => self.close_level(at),
            false => Ok(()),
        }
    }

    fn keep(&self, page: &Page) -> Result<Link> {
        let (files, bytes) = page.sums();
        let last = page.last().unwrap_or_default().to_owned();
        let digest = self.writing.keep_page(page.encode())?;
        Ok(Link {
            last,
            digest,
            files,
            bytes,
        })
    }
}
