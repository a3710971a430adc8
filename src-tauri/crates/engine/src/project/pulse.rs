//! Whether branches, tags or HEAD of the projects moved: cheap enough to be asked every second.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;

use crate::engine::Engine;
use crate::error::Result;

/// Most folders and files below `refs` that are looked at in one repository.
const MOST: usize = 2_000;

/// Returns a number that differs after a commit, checkout, fetch or tag in any project. It reads times and names of
/// files in the repositories' git folders, nothing else.
pub fn pulse(engine: &Engine) -> Result<u64> {
    let mut hash = DefaultHasher::new();
    for row in engine.catalogue().projects()? {
        row.id.hash(&mut hash);
        // A project whose folder is gone has no pulse; when it comes back the number changes.
        if let Ok(repo) = engine.repo(&row.id, Path::new(&row.root)) {
            for folder in [repo.git_dir(), repo.common_dir()] {
                for file in ["HEAD", "packed-refs"] {
                    look_at(&folder.join(file), &mut hash);
                }
            }
            let mut left = MOST;
            walk(&repo.common_dir().join("refs"), &mut left, &mut hash);
        }
    }
    Ok(hash.finish())
}

fn look_at(path: &Path, hash: &mut DefaultHasher) {
    if let Ok(about) = path.symlink_metadata() {
        about.len().hash(hash);
        about.modified().ok().hash(hash);
    }
}

fn walk(folder: &Path, left: &mut usize, hash: &mut DefaultHasher) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let Some(rest) = left.checked_sub(1) else { return };
        *left = rest;
        entry.file_name().hash(hash);
        look_at(&entry.path(), hash);
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), left, hash);
        }
    }
}
