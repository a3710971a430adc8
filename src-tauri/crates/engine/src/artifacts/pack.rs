//! Packing: a git tree as a compressed tar that is the same for everybody.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use git2::{ObjectType, Oid};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use super::names;
use crate::engine::random_hex;
use crate::error::{Error, Result};
use crate::source::{Budget, EntryKind, Leaf, Repo, RepoPath, TreeId, is_lfs_pointer, walk};

/// Size from which an archive is worth a warning.
pub const LARGE_BYTES: u64 = 20 << 20;

/// Folders of this name are another tool's own notes about the checkout, and no code.
const NOTES: &[u8] = b".zen";
/// Names that are listed in one warning.
const NAMED: usize = 3;
/// What fits into a header's own field.
const SHORT_NAME: usize = 100;

/// An archive that was packed and is not kept yet; its file goes away with it.
#[derive(Debug)]
pub struct Archive {
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub digest: String,
    /// Size of the file.
    pub bytes: u64,
    /// Files and symbolic links in it.
    pub files: u64,
    /// Submodules, which are not packed.
    pub submodules: Vec<RepoPath>,
    /// Things worth knowing, one sentence each.
    pub warnings: Vec<String>,
    pub(super) partial: Partial,
}

impl Archive {
    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.partial.0
    }
}

/// A file that is removed when nobody took it.
#[derive(Debug)]
pub(super) struct Partial(pub(super) PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// Packs everything below `tree`, the tree of a source root, into a file in `folder`.
///
/// Entries are in the order of their names' bytes, folders before what they hold. Everybody may read and write everything
/// (the user of a container is not known), all belongs to 0:0 and was changed at time 0. Symbolic links are kept as they
/// are, unless they lead out of the source root.
pub fn pack(repo: &Repo, tree: TreeId, folder: &Path) -> Result<Archive> {
    let mut found = Found::read(repo, tree)?;
    fs::create_dir_all(folder).map_err(Error::file("making the folder", folder))?;
    let partial = Partial(folder.join(format!("{}.tar.gz", random_hex(16)?)));
    let writing = |error| Error::file("writing", &partial.0)(error);
    let file = File::create_new(&partial.0).map_err(writing)?;
    let mut digest = Digested::new(BufWriter::new(file));
    // Neither the time nor a name nor this system is noted.
    let zip = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(&mut digest, Compression::default());
    let mut tar = tar::Builder::new(zip);
    let files = found.write(repo, &mut tar, &partial.0)?;
    tar.into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .map_err(writing)?;
    let bytes = digest.bytes;
    let (file, digest) = digest.finish().map_err(writing)?;
    file.sync_all().map_err(writing)?;
    if files == 0 {
        return Err(Error::refused(
            "the code archive would not contain any files",
            "commit the files that the steps need, or build them into the image",
        ));
    }
    let mut warnings = found.warnings();
    if bytes > LARGE_BYTES {
        warnings.push(format!(
            "the code archive has {} MiB; keep data that the steps do not need out of the source root",
            bytes >> 20
        ));
    }
    Ok(Archive {
        digest,
        bytes,
        files,
        submodules: found.submodules,
        warnings,
        partial,
    })
}

/// What stands behind a name; nothing for a folder, whose name ends in a slash.
type Content = Option<(EntryKind, Oid)>;

/// What a tree has, by name.
#[derive(Default)]
struct Found {
    entries: Vec<(Vec<u8>, Content)>,
    submodules: Vec<RepoPath>,
    lfs: Vec<String>,
    left_out: Vec<String>,
}

impl Found {
    fn read(repo: &Repo, tree: TreeId) -> Result<Self> {
        let mut found = Self::default();
        let mut folders = BTreeSet::new();
        let mut unusable = Vec::new();
        let git = repo.git()?;
        let mut visit = |leaf: Leaf| {
            if names::parents(leaf.path.as_bytes()).any(is_notes) {
                return Ok(());
            }
            if leaf.kind == EntryKind::Gitlink {
                found.submodules.push(leaf.path);
                return Ok(());
            }
            let name = leaf.path.as_bytes();
            folders.extend(names::parents(name).map(|parent| [parent, b"/"].concat()));
            found.entries.push((name.to_vec(), Some((leaf.kind, leaf.id))));
            Ok(())
        };
        let root = RepoPath::default();
        walk(
            &git.objects()?,
            tree,
            &root,
            &mut Budget::default(),
            &mut unusable,
            &mut visit,
        )?;
        found
            .entries
            .extend(folders.into_iter().map(|folder| (folder, None)));
        found.entries.sort();
        let left_out = |one: crate::source::Unusable| format!("{} {}", one.path, one.reason);
        found.left_out = unusable.into_iter().map(left_out).collect();
        Ok(found)
    }

    /// Writes all of it and returns how many files and links there are.
    fn write(&mut self, repo: &Repo, tar: &mut tar::Builder<impl Write>, path: &Path) -> Result<u64> {
        let git = repo.git()?;
        let objects = git.objects()?;
        let entries = std::mem::take(&mut self.entries);
        let is_folder = |path: &[u8]| {
            let name = [path, b"/"].concat();
            entries.binary_search_by(|(other, _)| other.cmp(&name)).is_ok()
        };
        let writing = |error| Error::file("writing", path)(error);
        let mut files = 0;
        for (name, what) in &entries {
            let Some((kind, id)) = what else {
                append(tar, name, EntryType::Directory, 0o777, b"", b"").map_err(writing)?;
                continue;
            };
            let content = objects.read(*id, ObjectType::Blob)?;
            let shown = RepoPath::new(name.clone());
            let appended = match kind {
                EntryKind::Symlink => {
                    if let Some(reason) = link_problem(name, &content, is_folder) {
                        self.left_out.push(format!("{shown} {reason}"));
                        continue;
                    }
                    append(tar, name, EntryType::Symlink, 0o777, &content, b"")
                }
                EntryKind::Executable => append(tar, name, EntryType::Regular, 0o777, b"", &content),
                _ => append(tar, name, EntryType::Regular, 0o666, b"", &content),
            };
            appended.map_err(writing)?;
            files += 1;
            if is_lfs_pointer(&content) {
                self.lfs.push(shown.to_string());
            }
        }
        Ok(files)
    }

    fn warnings(&self) -> Vec<String> {
        let submodules: Vec<String> = self.submodules.iter().map(RepoPath::to_string).collect();
        [
            ("left out of the code archive", &self.left_out),
            ("submodules are not part of the code archive", &submodules),
            (
                "pointers of git-lfs are in the code archive without their content",
                &self.lfs,
            ),
        ]
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(what, list)| {
            let named = list.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            match list.len().saturating_sub(NAMED) {
                0 => format!("{what}: {named}"),
                more => format!("{what}: {named} and {more} more"),
            }
        })
        .collect()
    }
}

fn is_notes(folder: &[u8]) -> bool {
    folder.rsplit(|byte| *byte == b'/').next() == Some(NOTES)
}

fn link_problem(name: &[u8], target: &[u8], is_folder: impl Fn(&[u8]) -> bool) -> Option<&'static str> {
    if target.is_empty() || target.contains(&0) {
        return Some("has a target that no system takes");
    }
    names::leads_out(name, target, is_folder)
}

/// Writes one entry. Names are bytes: the crate's own way to write long ones needs text.
fn append(
    tar: &mut tar::Builder<impl Write>,
    name: &[u8],
    kind: EntryType,
    mode: u32,
    target: &[u8],
    content: &[u8],
) -> io::Result<()> {
    for (bytes, kind) in [(name, EntryType::GNULongName), (target, EntryType::GNULongLink)] {
        if bytes.len() > SHORT_NAME {
            let mut long = header(b"././@LongLink", kind, 0o644);
            long.set_size(bytes.len() as u64 + 1);
            long.set_cksum();
            tar.append(&long, &*[bytes, b"\0"].concat())?;
        }
    }
    let mut header = header(name, kind, mode);
    header.set_link_name_literal(&target[..target.len().min(SHORT_NAME)])?;
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.append(&header, content)
}

fn header(name: &[u8], kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    let short = &name[..name.len().min(SHORT_NAME)];
    if let Some(fields) = header.as_gnu_mut() {
        fields.name[..short.len()].copy_from_slice(short);
    }
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// Counts and digests what is written.
struct Digested<W> {
    inner: W,
    digest: Sha256,
    bytes: u64,
}

impl<W: Write> Digested<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            digest: Sha256::new(),
            bytes: 0,
        }
    }
}

impl Digested<BufWriter<File>> {
    fn finish(self) -> io::Result<(File, String)> {
        let file = self.inner.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((file, super::store::hex(self.digest)))
    }
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.digest.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
#[path = "pack_tests.rs"]
mod tests;
