//! Looking at commits: folders, files, and what differs.

use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER};

use super::content::Content;
use super::repos;
use super::store::DataStore;
use super::tree::{self, Child, Difference, Tree, path};
use crate::error::{Error, Result};
use crate::wire::{
    DataChange, DataChangeKind, DataCommit, DataContent, DataDiff, DataEntry, DataFile, DataListing,
};

/// Most entries on a page.
const MOST: u32 = 10_000;
/// Text that is shown of a file.
const TEXT_BYTES: usize = 256 * 1024;
/// Largest picture that is shown.
const IMAGE_BYTES: u64 = 16 << 20;
/// Bytes that are shown of anything else.
const HEX_BYTES: usize = 256;

/// Returns the commit that a revision names, and its files.
pub(crate) fn open(store: &Arc<DataStore>, revision: &str) -> Result<(DataCommit, Tree)> {
    let (commit, root) = store.read(|db| {
        let commit = repos::find(db, revision)?;
        let root = repos::commit_root(db, &commit.id)?;
        Ok((commit, root))
    })?;
    Ok((commit, Tree::open(store, root)?))
}

/// Lists a folder, folders first.
pub(super) fn entries(
    store: &Arc<DataStore>,
    revision: &str,
    folder: &str,
    offset: u64,
    limit: u32,
) -> Result<DataListing> {
    let folder = path::cleaned(folder)?;
    let (commit, tree) = open(store, revision)?;
    if tree.get(&folder)?.is_some() {
        return Err(Error::refused(
            format!("{folder} is a file"),
            "look at the file, or list its folder",
        ));
    }
    let end = offset.saturating_add(u64::from(limit.min(MOST)));
    let (mut folders, mut files) = (0, 0);
    let mut page = Vec::new();
    for child in tree.children(&folder)? {
        let child = child?;
        if child.content.is_some() {
            files += 1;
            continue;
        }
        if (offset..end).contains(&folders) {
            page.push(entry(child));
        }
        folders += 1;
    }
    if folders + files == 0 && folder != "/" {
        return Err(nothing_at(&commit, &folder));
    }
    // How many folders come first is known only now.
    if end > folders && files > 0 {
        let children = tree.children(&folder)?;
        let is_file = |child: &Result<Child>| child.as_ref().map_or(true, |child| child.content.is_some());
        let from = usize::try_from(offset.saturating_sub(folders)).unwrap_or(usize::MAX);
        let count = usize::try_from(end - folders.max(offset)).unwrap_or(usize::MAX);
        for child in children.filter(is_file).skip(from).take(count) {
            page.push(entry(child?));
        }
    }
    Ok(DataListing {
        commit: commit.id,
        path: folder,
        total: folders + files,
        entries: page,
    })
}

fn entry(child: Child) -> DataEntry {
    DataEntry {
        name: child.path.rsplit('/').next().unwrap_or_default().to_owned(),
        folder: child.content.is_none(),
        bytes: child.bytes,
        files: child.files,
        digest: child.content.map(|content| content.digest.to_string()),
        path: child.path,
    }
}

pub(super) fn nothing_at(commit: &DataCommit, path: &str) -> Error {
    Error::refused(
        format!(
            "there is nothing at {path} in commit {} of {}",
            &commit.id[..8],
            commit.repo
        ),
        format!(
            "see what there is: headstart data files {}@{}",
            commit.repo, commit.branch
        ),
    )
}

/// Returns a file of a commit.
pub(super) fn file(store: &Arc<DataStore>, revision: &str, file: &str) -> Result<Content> {
    let file = path::cleaned(file)?;
    let (commit, tree) = open(store, revision)?;
    if let Some(content) = tree.get(&file)? {
        return Ok(content);
    }
    match tree.summary(&file)? {
        (0, _) => Err(nothing_at(&commit, &file)),
        _ => Err(Error::refused(format!("{file} is a folder"), "name a file in it")),
    }
}

/// Returns what a file shows of itself.
pub(super) fn preview(store: &Arc<DataStore>, revision: &str, path: &str) -> Result<DataFile> {
    let content = file(store, revision, path)?;
    let path = path::cleaned(path)?;
    let start = store.beginning(&content, TEXT_BYTES)?;
    let shown = match media_type(&start).filter(|_| content.bytes <= IMAGE_BYTES) {
        Some(media_type) => DataContent::Image {
            media_type: media_type.to_owned(),
            base64: BASE64.encode(&store.content_bytes(&content)?),
        },
        None => text(&start, content.bytes > start.len() as u64).unwrap_or_else(|| DataContent::Binary {
            hex: HEXLOWER.encode(&start[..start.len().min(HEX_BYTES)]),
        }),
    };
    let child = Child {
        path,
        files: 1,
        bytes: content.bytes,
        content: Some(content),
    };
    Ok(DataFile {
        entry: entry(child),
        content: shown,
    })
}

/// Returns the media type of a picture that windows can show. SVG is text here: as a picture it could run scripts.
fn media_type(start: &[u8]) -> Option<&'static str> {
    match start {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

fn text(start: &[u8], truncated: bool) -> Option<DataContent> {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The end may stand within a character.
        Err(error) if truncated && error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let text = text.to_owned();
    (!text.contains('\0')).then_some(DataContent::Text { text, truncated })
}

/// Compares two commits; without the first, with nothing.
pub(super) fn diff(
    store: &Arc<DataStore>,
    from: Option<&str>,
    to: &str,
    offset: u64,
    limit: u32,
) -> Result<DataDiff> {
    let (_, after) = open(store, to)?;
    let before = match from {
        Some(from) => open(store, from)?.1,
        None => Tree::empty(store),
    };
    let mut found = DataDiff::default();
    let page = offset..offset.saturating_add(u64::from(limit.min(MOST)));
    for (place, difference) in (0u64..).zip(tree::diff(store, &before, &after)) {
        let change = change(difference?);
        match change.kind {
            DataChangeKind::Added => found.added += 1,
            DataChangeKind::Changed => found.changed += 1,
            DataChangeKind::Removed => found.removed += 1,
        }
        if page.contains(&place) {
            found.changes.push(change);
        }
    }
    Ok(found)
}

fn change(difference: Difference) -> DataChange {
    let kind = match (&difference.before, &difference.after) {
        (None, _) => DataChangeKind::Added,
        (Some(_), None) => DataChangeKind::Removed,
        (Some(_), Some(_)) => DataChangeKind::Changed,
    };
    DataChange {
        path: difference.path,
        kind,
        before: difference.before.map(|content| content.bytes),
        after: difference.after.map(|content| content.bytes),
    }
}
