//! The code of a pipeline on disk: which files there are, what ignore rules leave of them, and how they differ from what was
//! uploaded before.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::{self, DataStore, Digest, Root, Tree, TreeWriter, Writing, path_order};
use crate::error::{Error, Result};
use crate::recipe::RecipeError;
use crate::recipe::datum::ignore::{FILE, Ignore};
use crate::wire::{CodeUpload, IgnoreMeaning, IgnoredBy};

/// Most examples of ignored files per rule.
const EXAMPLES: usize = 3;
/// Most files of code: far more means that the wrong folder was named.
const MOST: usize = 200_000;

/// A file of the code.
#[derive(Clone, Debug)]
pub(super) struct Local {
    /// Where it goes, beginning with `/`.
    path: String,
    disk: PathBuf,
    bytes: u64,
    digest: Digest,
}

/// The code of a pipeline as it lies on disk.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// What is said of it.
    pub(super) upload: CodeUpload,
    /// Things worth knowing.
    pub(super) warnings: Vec<String>,
    files: Vec<Local>,
}

impl Code {
    /// Lists the files below a folder. `before` is what was uploaded last.
    pub(super) fn of(
        folder: &Path,
        meaning: IgnoreMeaning,
        include_git: bool,
        store: &Arc<DataStore>,
        before: Option<Root>,
    ) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Error::refused(
                format!("the build path {} is not a folder", folder.display()),
                "`transform.build.path` is relative to the spec's own folder; make it, or correct the path",
            ));
        }
        let ignore = match std::fs::read(folder.join(FILE)) {
            Ok(bytes) => {
                Ignore::read(FILE, &bytes, meaning, include_git).map_err(|problem| RecipeError::Invalid {
                    problems: vec![problem],
                })?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ignore::none(include_git),
            Err(error) => return Err(Error::file("reading", folder.join(FILE))(error)),
        };
        let mut walk = Walk {
            ignore: &ignore,
            files: Vec::new(),
            ignored: BTreeMap::new(),
            warnings: Vec::new(),
        };
        walk.folder(folder, "")?;
        let Walk {
            mut files,
            ignored,
            warnings,
            ..
        } = walk;
        files.sort_by(|a, b| path_order(&a.path, &b.path));
        let upload = CodeUpload {
            folder: folder.display().to_string(),
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.bytes).sum(),
            differing: differing(&files, store, before)?,
            ignored: ignored.into_values().collect(),
        };
        Ok(Self {
            upload,
            warnings,
            files,
        })
    }

    /// Writes the files as a tree.
    pub(super) fn write(&self, writing: &Writing, mut progress: impl FnMut(u64, u64)) -> Result<Root> {
        let mut tree = TreeWriter::new(writing);
        let mut bytes = 0;
        for (number, file) in self.files.iter().enumerate() {
            let mut open = File::open(&file.disk).map_err(Error::file("reading", &file.disk))?;
            let content = writing.write_content(&mut open)?;
            bytes += content.bytes;
            tree.push(&file.path, content)?;
            progress(number as u64 + 1, bytes);
        }
        tree.finish()
    }
}

struct Walk<'a> {
    ignore: &'a Ignore,
    files: Vec<Local>,
    ignored: BTreeMap<(Option<u32>, String), IgnoredBy>,
    warnings: Vec<String>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, inside: &str) -> Result<()> {
        let reading = |error| Error::file("reading", folder)(error);
        let mut entries = std::fs::read_dir(folder)
            .map_err(reading)?
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(reading)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let disk = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                self.warnings.push(format!(
                    "{} has a name that is not UTF-8 and is left out",
                    disk.display()
                ));
                continue;
            };
            let path = if inside.is_empty() {
                name
            } else {
                format!("{inside}/{name}")
            };
            let kind = entry.file_type().map_err(Error::file("reading", &disk))?;
            if kind.is_dir() {
                self.folder(&disk, &path)?;
            } else if kind.is_file() {
                self.file(disk, path)?;
            } else {
                let what = if kind.is_symlink() {
                    "a link"
                } else {
                    "no ordinary file"
                };
                self.warnings.push(format!(
                    "{path} is {what} and is left out; only files are uploaded"
                ));
            }
        }
        Ok(())
    }

    fn file(&mut self, disk: PathBuf, path: String) -> Result<()> {
        let bytes = std::fs::metadata(&disk)
            .map_err(Error::file("reading", &disk))?
            .len();
        if let Some(by) = self.ignore.matching(&path) {
            let rule = self
                .ignored
                .entry((by.line, by.rule.to_owned()))
                .or_insert_with(|| IgnoredBy {
                    rule: by.rule.to_owned(),
                    line: by.line,
                    files: 0,
                    bytes: 0,
                    examples: Vec::new(),
                });
            rule.files += 1;
            rule.bytes += bytes;
            if rule.examples.len() < EXAMPLES {
                rule.examples.push(path);
            }
            return Ok(());
        }
        if self.files.len() >= MOST {
            return Err(Error::refused(
                format!("the build path has more than {MOST} files"),
                "name the folder of the code alone, or leave files out with a .pachignore",
            ));
        }
        self.files.push(Local {
            path: format!("/{path}"),
            digest: digest_of(&disk)?,
            disk,
            bytes,
        });
        Ok(())
    }
}

fn digest_of(path: &Path) -> Result<Digest> {
    let mut file = File::open(path).map_err(Error::file("reading", path))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).map_err(Error::file("reading", path))? {
            0 => return Ok(hasher.finalize().into()),
            count => {
                hasher.update(&buffer[..count]);
            }
        }
    }
}

/// Counts the files that were added, changed or removed.
fn differing(files: &[Local], store: &Arc<DataStore>, before: Option<Root>) -> Result<u64> {
    let Some(before) = before else {
        return Ok(files.len() as u64);
    };
    let tree = Tree::open(store, before)?;
    let mut same = 0;
    for file in files {
        let old = tree.get(&file.path)?;
        same += u64::from(old.is_some_and(|content| content.digest == file.digest));
    }
    let (old, _) = tree.summary("/")?;
    Ok((files.len() as u64).max(old) - same)
}

/// Returns what was uploaded last.
pub(super) fn uploaded(store: &DataStore, repo: &str, branch: &str) -> Result<Option<Root>> {
    store.read(|db| {
        let head = data::head(db, repo, branch)?;
        head.map(|head| data::commit_root(db, &head.id)).transpose()
    })
}
