//! Writing files of a commit into a folder of this machine.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::content::Content;
use super::look::{nothing_at, open};
use super::store::DataStore;
use super::tree::{Tree, path};
use super::walk::Copying;
use crate::engine::random_hex;
use crate::error::{Error, Result};
use crate::wire::CopyProgress;

pub(super) fn export(
    store: &Arc<DataStore>,
    revision: &str,
    path: &str,
    folder: &Path,
    on_progress: &mut dyn FnMut(CopyProgress) -> bool,
) -> Result<CopyProgress> {
    let path = path::cleaned(path)?;
    let (commit, tree) = open(store, revision)?;
    if path != "/" && tree.summary(&path)?.0 == 0 {
        return Err(nothing_at(&commit, &path));
    }
    let made = make_empty(folder)?;
    let mut copying = Copying::new(on_progress);
    let done = write_all(store, &tree, &path, folder, &mut copying).and_then(|()| copying.tell(true));
    if let Err(error) = done {
        clear(&tree, &path, folder);
        if made {
            drop(fs::remove_dir(folder));
        }
        return Err(error);
    }
    Ok(copying.progress)
}

/// Makes a folder; returns whether it is new. One with anything in it is refused.
fn make_empty(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(false),
            Some(_) => Err(Error::refused(
                format!("{} is not empty", folder.display()),
                "choose a folder that is empty or new",
            )),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(folder).map_err(Error::file("making the folder", folder))?;
            Ok(true)
        }
        Err(error) => Err(Error::file("reading", folder)(error)),
    }
}

fn write_all(
    store: &DataStore,
    tree: &Tree,
    below: &str,
    folder: &Path,
    copying: &mut Copying<'_>,
) -> Result<()> {
    let mut made = PathBuf::new();
    for entry in tree.files(below)? {
        let entry = entry?;
        let path = folder.join(inner(&entry.path, below)?);
        let parent = path.parent().unwrap_or(folder);
        if made != parent {
            fs::create_dir_all(parent).map_err(Error::file("making the folder", parent))?;
            made = parent.to_owned();
        }
        write(store, &entry.content, &path, copying)?;
        copying.add_file()?;
    }
    Ok(())
}

/// Returns where a file goes, relative to the folder that it is exported to.
fn inner<'a>(file: &'a str, below: &str) -> Result<&'a str> {
    // Trees hold no other paths; what leaves the folder would be somebody else's work.
    path::check(file)?;
    let name = file.rsplit('/').next().unwrap_or_default();
    Ok(match file.strip_prefix(below) {
        Some("") => name,
        Some(inner) => inner.trim_start_matches('/'),
        None => name,
    })
}

/// Writes a file that is there as a whole or not at all.
fn write(store: &DataStore, content: &Content, path: &Path, copying: &mut Copying<'_>) -> Result<()> {
    let partial = path.with_file_name(format!(".headstart-{}", random_hex(16)?));
    let written = (|| {
        let mut file = File::create_new(&partial).map_err(Error::file("writing", path))?;
        store.each_chunk(content, |bytes| {
            file.write_all(bytes).map_err(Error::file("writing", path))?;
            copying.add_bytes(bytes.len())
        })?;
        fs::rename(&partial, path).map_err(Error::file("writing", path))
    })();
    if written.is_err() {
        drop(fs::remove_file(&partial));
    }
    written
}

/// Removes what was written, which is all that a folder has that was empty.
fn clear(tree: &Tree, below: &str, folder: &Path) {
    for child in tree.children(below).into_iter().flatten().flatten() {
        let name = child.path.rsplit('/').next().unwrap_or_default();
        let path = folder.join(name);
        drop(match child.content {
            Some(_) => fs::remove_file(path),
            None => fs::remove_dir_all(path),
        });
    }
    if let Some((_, name)) = below.rsplit_once('/').filter(|(_, name)| !name.is_empty()) {
        drop(fs::remove_file(folder.join(name)));
    }
}
