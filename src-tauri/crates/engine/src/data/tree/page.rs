//! Pages of trees, as they are written down.
//!
//! A tree is the sorted sequence of its files, cut into pages where the digests of the paths say, and levels of pages above
//! that name the pages below. Where pages end depends on nothing but the files: equal files have equal pages, and a small
//! change leaves all but a few pages as they were.

use super::super::bytes::{Fields, put_number};
use super::super::content::Content;
use super::super::digest::Digest;
use crate::error::Result;

const LEAF: u8 = b'L';
const INDEX: u8 = b'I';

/// Files in a page on the average, and pages that a page above names.
const FILES: u32 = 512;
const LINKS: u32 = 128;

/// A page ends here at the latest, whatever the digests say.
const MOST_ITEMS: usize = 8192;
const MOST_BYTES: usize = 512 * 1024;

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Path, beginning with `/`.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) content: Content,
}

/// What a page says of a page below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The last path in it.
    pub(super) last: String,
    pub(crate) digest: Digest,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// A part of a tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Leaf(Vec<Entry>),
    /// Its level is 1 when it names leaves.
    Index {
        level: u8,
        links: Vec<Link>,
    },
}

impl Page {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut page = Vec::new();
        let mut before = "";
        match self {
            Self::Leaf(entries) => {
                page.push(LEAF);
                put_number(&mut page, entries.len() as u64);
                for entry in entries {
                    put_path(&mut page, before, &entry.path);
                    entry.content.encode(&mut page);
                    before = &entry.path;
                }
            }
            Self::Index { level, links } => {
                page.extend_from_slice(&[INDEX, *level]);
                put_number(&mut page, links.len() as u64);
                for link in links {
                    put_path(&mut page, before, &link.last);
                    page.extend_from_slice(&link.digest.0);
                    put_number(&mut page, link.files);
                    put_number(&mut page, link.bytes);
                    before = &link.last;
                }
            }
        }
        page
    }

    pub(crate) fn decode(page: &[u8]) -> Result<Self> {
        if page.first() == Some(&LEAF) {
            let mut fields = Fields::of_kind(page, LEAF)?;
            let mut entries: Vec<Entry> = Vec::new();
            for _ in 0..fields.number()? {
                let path = path(&mut fields, entries.last().map_or("", |before| &before.path))?;
                let content = Content::decode(&mut fields)?;
                entries.push(Entry { path, content });
            }
            return fields.end(Self::Leaf(entries));
        }
        let mut fields = Fields::of_kind(page, INDEX)?;
        let level = fields.byte()?;
        let mut links: Vec<Link> = Vec::new();
        for _ in 0..fields.number()? {
            let last = path(&mut fields, links.last().map_or("", |before| &before.last))?;
            let digest = fields.digest()?;
            let (files, bytes) = (fields.number()?, fields.number()?);
            links.push(Link {
                last,
                digest,
                files,
                bytes,
            });
        }
        // A page that named itself as below would never end.
        if level == 0 || links.is_empty() {
            return Err(Fields::damaged());
        }
        fields.end(Self::Index { level, links })
    }

    /// Returns how many pages are below this one, on the way to a file.
    pub(super) fn level(&self) -> u8 {
        match self {
            Self::Leaf(_) => 0,
            Self::Index { level, .. } => *level,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Index { links, .. } => links.len(),
        }
    }

    /// Returns the place of the first item that is, or reaches to, a path or one behind it.
    pub(super) fn first_at(&self, path: &str) -> usize {
        let before = |key: &str| super::path::order(key, path).is_lt();
        match self {
            Self::Leaf(entries) => entries.partition_point(|entry| before(&entry.path)),
            Self::Index { links, .. } => links.partition_point(|link| before(&link.last)),
        }
    }

    /// Returns how many files are below, and the sum of their sizes.
    pub(crate) fn sums(&self) -> (u64, u64) {
        match self {
            Self::Leaf(entries) => entries.iter().fold((0, 0), |(files, bytes), entry| {
                (files + 1, bytes + entry.content.bytes)
            }),
            Self::Index { links, .. } => links.iter().fold((0, 0), |(files, bytes), link| {
                (files + link.files, bytes + link.bytes)
            }),
        }
    }

    pub(super) fn last(&self) -> Option<&str> {
        match self {
            Self::Leaf(entries) => entries.last().map(|entry| entry.path.as_str()),
            Self::Index { links, .. } => links.last().map(|link| link.last.as_str()),
        }
    }
}

/// Returns whether a page of a level ends behind an item with this path.
pub(super) fn ends(level: u8, path: &str, items: usize, bytes: usize) -> bool {
    if items >= MOST_ITEMS || bytes >= MOST_BYTES {
        return true;
    }
    // Every level looks at bytes of its own, or else the last items of pages would all end the page above as well.
    let digest = blake3::hash(path.as_bytes());
    let at = 4 * usize::from(level);
    let Some(part) = digest.as_bytes().get(at..at + 4) else {
        return false;
    };
    let part = part.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte));
    part.is_multiple_of(if level == 0 { FILES } else { LINKS })
}

fn put_path(page: &mut Vec<u8>, before: &str, path: &str) {
    let shared = before
        .bytes()
        .zip(path.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    put_number(page, shared as u64);
    put_number(page, (path.len() - shared) as u64);
    page.extend_from_slice(&path.as_bytes()[shared..]);
}

fn path(fields: &mut Fields<'_>, before: &str) -> Result<String> {
    let shared = usize::try_from(fields.number()?).map_err(|_| Fields::damaged())?;
    let rest = fields.number()?;
    let mut path = before
        .as_bytes()
        .get(..shared)
        .ok_or_else(Fields::damaged)?
        .to_vec();
    path.extend_from_slice(fields.bytes(rest)?);
    String::from_utf8(path).map_err(|_| Fields::damaged())
}
