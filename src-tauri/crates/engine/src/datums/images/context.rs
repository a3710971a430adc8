//! What a build sees of a folder: its files after the ignore file, as a digest and as a copy.
//!
//! The copy is what is built from. A file that is written while a build runs would otherwise end in an image whose tag
//! stands for other content.

use std::fs::{self, Metadata};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::recipe::compose::dockerignore::{Ignore, files};
use crate::recipe::dockerfile::ContextUse;

/// Largest Dockerfile or ignore file that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;
/// Most entries of a context: a wrong folder is noticed before the disk is full of it.
const MAX_ENTRIES: usize = 1_000_000;

/// What kind of thing lies in a context.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Link(PathBuf),
    /// A file that is known without being on disk.
    Text(String),
}

/// One thing in a context.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// `/`-separated, relative to the context.
    path: String,
    kind: Kind,
    mode: u32,
}

/// A folder as a build would see it.
#[derive(Clone, Debug)]
pub(super) struct Context {
    root: PathBuf,
    entries: Vec<Entry>,
    /// Sockets, pipes and devices, which no build can take in.
    pub(super) skipped: Vec<String>,
    /// Folders that may not be listed: no matter as long as the build does not see them.
    closed: Vec<String>,
}

/// What was read of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// blake3 over paths, kinds, modes and contents.
    pub(super) digest: String,
    /// Files.
    pub(super) files: u64,
    /// Their sizes.
    pub(super) bytes: u64,
}

/// Reads a Dockerfile.
pub(super) fn read_dockerfile(path: &Path) -> Result<String> {
    let refused = |why: String| {
        Error::refused(
            format!("the Dockerfile {} cannot be used: {why}", path.display()),
            "name another one as `transform.dockerfile`; it is looked for beside the spec",
        )
    };
    let bytes = match limited(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(refused("there is no such file".to_owned())),
        Err(error) => return Err(refused(error.to_string())),
    };
    String::from_utf8(bytes).map_err(|_| refused("it is no text".to_owned()))
}

/// Reads a small file; none when it is not there.
fn limited(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(Some(bytes))
}

impl Context {
    /// Returns a context of files that are not on disk.
    pub(super) fn of_texts(files: &[(&str, &str)]) -> Self {
        let entries = files.iter().map(|(name, text)| Entry {
            path: (*name).to_owned(),
            kind: Kind::Text((*text).to_owned()),
            mode: 0o644,
        });
        Self {
            root: PathBuf::new(),
            entries: entries.collect(),
            skipped: Vec::new(),
            closed: Vec::new(),
        }
    }

    /// Drops what a Dockerfile does not use, so that the spec beside it may change without another image.
    pub(super) fn narrow(&mut self, used: &ContextUse) {
        let ContextUse::Paths(paths) = used else { return };
        let plain = |path: &String| path.split('/').all(|part| !matches!(part, "" | "."));
        let below =
            |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
        let wanted = |entry: &Entry| {
            let touches = |path: &String| {
                entry.path == *path
                    || below(&entry.path, path)
                    || entry.kind == Kind::Folder && below(path, &entry.path)
            };
            paths.iter().any(touches)
        };
        // A link on the way leads to files that the Dockerfile does not name.
        let on_the_way = |entry: &Entry| {
            let touches = |path: &String| entry.path == *path || below(path, &entry.path);
            matches!(entry.kind, Kind::Link(_)) && paths.iter().any(touches)
        };
        if paths.iter().all(plain) && !self.entries.iter().any(on_the_way) {
            self.entries.retain(wanted);
        }
    }

    /// Lists a folder as a build with this Dockerfile sees it.
    pub(super) fn read(root: &Path, dockerfile: &Path) -> Result<Self> {
        let mut context = Self {
            root: root.to_owned(),
            entries: Vec::new(),
            skipped: Vec::new(),
            closed: Vec::new(),
        };
        context.walk(root, "")?;
        if let Some((name, ignore)) = ignore(root, dockerfile)? {
            let kept = ignore
                .kept(context.entries.iter().map(|entry| entry.path.as_str()))
                .map_err(|error| unusable(&name, &error.to_string()))?;
            let mut wanted: std::collections::HashSet<String> = kept.into_iter().map(str::to_owned).collect();
            // What is kept of an ignored folder is sent with the folder.
            for path in wanted.clone() {
                let above = path.match_indices('/').map(|(end, _)| path[..end].to_owned());
                wanted.extend(above);
            }
            context.entries.retain(|entry| wanted.contains(&entry.path));
        }
        Ok(context)
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let listed = match fs::read_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied && !prefix.is_empty() => {
                self.closed.push(prefix.to_owned());
                return Ok(());
            }
            listed => listed.map_err(Error::file("listing", folder))?,
        };
        let mut names = Vec::new();
        for entry in listed {
            names.push(entry.map_err(Error::file("listing", folder))?.file_name());
        }
        names.sort();
        for name in names {
            let path = folder.join(&name);
            let Some(text) = name.to_str() else {
                return Err(Error::refused(
                    format!("the name of {} is no UTF-8", path.display()),
                    "rename it, or take the folder out of the context",
                ));
            };
            let below = match prefix {
                "" => text.to_owned(),
                prefix => format!("{prefix}/{text}"),
            };
            let about = fs::symlink_metadata(&path).map_err(Error::file("reading", &path))?;
            let Some(kind) = kind(&path, &about)? else {
                self.skipped.push(below);
                continue;
            };
            if self.entries.len() >= MAX_ENTRIES {
                return Err(Error::refused(
                    format!("{} has more than {MAX_ENTRIES} files", self.root.display()),
                    "the context is the folder of the Dockerfile: give the Dockerfile a folder of its own",
                ));
            }
            let is_folder = kind == Kind::Folder;
            self.entries.push(Entry {
                path: below.clone(),
                kind,
                mode: about.permissions().mode() & 0o7777,
            });
            if is_folder {
                self.walk(&path, &below)?;
            }
        }
        Ok(())
    }

    /// Reads everything and returns its digest.
    pub(super) fn digest(&self) -> Result<Seen> {
        self.take_in(None)
    }

    /// Copies everything into a folder that is not there yet, and returns the digest of the copy.
    pub(super) fn copy(&self, to: &Path) -> Result<Seen> {
        fs::create_dir_all(to).map_err(Error::file("making the folder", to))?;
        self.take_in(Some(to))
    }

    fn take_in(&self, to: Option<&Path>) -> Result<Seen> {
        let seen = |path: &&String| self.entries.iter().any(|entry| entry.path == **path);
        if let Some(closed) = self.closed.iter().find(seen) {
            return Err(Error::refused(
                format!("the folder {} may not be read", self.root.join(closed).display()),
                "let yourself read it, or name it in .dockerignore",
            ));
        }
        let mut hash = blake3::Hasher::new();
        let (mut files, mut bytes) = (0, 0);
        for entry in &self.entries {
            let from = self.root.join(&entry.path);
            let copy = to.map(|to| to.join(&entry.path));
            let mark = match entry.kind {
                Kind::Folder => "folder",
                Kind::File | Kind::Text(_) => "file",
                Kind::Link(_) => "link",
            };
            for part in [mark, &entry.path, &format!("{:o}", entry.mode)] {
                part_of(&mut hash, part.as_bytes());
            }
            match &entry.kind {
                Kind::Folder => {
                    if let Some(copy) = &copy {
                        fs::create_dir_all(copy).map_err(Error::file("making the folder", copy))?;
                    }
                }
                Kind::Link(leads) => {
                    part_of(&mut hash, leads.as_os_str().as_encoded_bytes());
                    if let Some(copy) = &copy {
                        symlink(leads, copy).map_err(Error::file("writing", copy))?;
                    }
                }
                Kind::Text(text) => {
                    if let Some(copy) = &copy {
                        fs::write(copy, text).map_err(Error::file("writing", copy))?;
                        let mode = fs::Permissions::from_mode(entry.mode);
                        fs::set_permissions(copy, mode).map_err(Error::file("writing", copy))?;
                    }
                    part_of(&mut hash, blake3::hash(text.as_bytes()).as_bytes());
                    files += 1;
                    bytes += text.len() as u64;
                }
                Kind::File => {
                    if let Some(copy) = &copy {
                        fs::copy(&from, copy).map_err(Error::file("copying", &from))?;
                        let mode = fs::Permissions::from_mode(entry.mode | 0o400);
                        fs::set_permissions(copy, mode).map_err(Error::file("writing", copy))?;
                    }
                    let read = copy.as_ref().unwrap_or(&from);
                    let (content, size) = content(read).map_err(Error::file("reading", read))?;
                    part_of(&mut hash, content.as_bytes());
                    files += 1;
                    bytes += size;
                }
            }
        }
        // Folders get their modes last: one that may not be written could not be filled.
        for entry in self
            .entries
            .iter()
            .rev()
            .filter(|entry| entry.kind == Kind::Folder)
        {
            if let Some(copy) = to.map(|to| to.join(&entry.path)) {
                let mode = fs::Permissions::from_mode(entry.mode | 0o700);
                fs::set_permissions(&copy, mode).map_err(Error::file("writing", &copy))?;
            }
        }
        Ok(Seen {
            digest: hash.finalize().to_hex().to_string(),
            files,
            bytes,
        })
    }
}

/// Adds bytes to a digest so that neighbours cannot be taken for one another.
pub(super) fn part_of(hash: &mut blake3::Hasher, bytes: &[u8]) {
    hash.update(&(bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn kind(path: &Path, about: &Metadata) -> Result<Option<Kind>> {
    let kind = about.file_type();
    Ok(if kind.is_dir() {
        Some(Kind::Folder)
    } else if kind.is_file() {
        Some(Kind::File)
    } else if kind.is_symlink() {
        let leads = fs::read_link(path).map_err(Error::file("reading", path))?;
        Some(Kind::Link(leads))
    } else {
        None
    })
}

fn content(path: &Path) -> std::io::Result<(blake3::Hash, u64)> {
    let mut hash = blake3::Hasher::new();
    let size = std::io::copy(&mut fs::File::open(path)?, &mut hash)?;
    Ok((hash.finalize(), size))
}

/// Returns the ignore file that counts, with its name.
fn ignore(root: &Path, dockerfile: &Path) -> Result<Option<(String, Ignore)>> {
    let [own, usual] = files(&dockerfile.to_string_lossy());
    for path in [PathBuf::from(own), root.join(usual)] {
        let name = path.display().to_string();
        let read = limited(&path).map_err(|error| unusable(&name, &error.to_string()))?;
        if let Some(bytes) = read {
            let ignore = Ignore::read(&bytes).map_err(|error| unusable(&name, &error.to_string()))?;
            return Ok(Some((name, ignore)));
        }
    }
    Ok(None)
}

fn unusable(name: &str, why: &str) -> Error {
    Error::refused(
        format!("the ignore file {name} cannot be used: {why}"),
        "correct that line",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn digest(dir: &tempfile::TempDir) -> String {
        let context = Context::read(dir.path(), &dir.path().join("Dockerfile")).unwrap();
        context.digest().unwrap().digest
    }

    #[test]
    fn a_copy_has_the_digest_of_what_was_looked_at() {
        let dir = folder(&[("Dockerfile", "FROM a"), ("src/main.py", "1"), ("x", "2")]);
        fs::create_dir(dir.path().join("empty")).unwrap();
        symlink("../elsewhere", dir.path().join("src/link")).unwrap();
        fs::set_permissions(dir.path().join("x"), fs::Permissions::from_mode(0o750)).unwrap();
        let context = Context::read(dir.path(), &dir.path().join("Dockerfile")).unwrap();
        let looked = context.digest().unwrap();
        let copy = tempfile::tempdir().unwrap();
        let to = copy.path().join("context");
        assert_eq!(context.copy(&to).unwrap(), looked);
        let again = Context::read(&to, &to.join("Dockerfile")).unwrap();
        assert_eq!(again.digest().unwrap(), looked);
        assert_eq!((looked.files, looked.bytes), (3, 8));
    }

    #[test]
    fn only_what_the_build_sees_counts() {
        let ignore = "*.log\ndata\n!data/keep\n.dockerignore\n";
        let dir = folder(&[
            (".dockerignore", ignore),
            ("Dockerfile", "FROM a"),
            ("main.py", "1"),
            ("data/keep", "2"),
        ]);
        let before = digest(&dir);
        fs::write(dir.path().join("x.log"), "noise").unwrap();
        fs::write(dir.path().join("data/other"), "noise").unwrap();
        assert_eq!(digest(&dir), before);
        fs::write(dir.path().join("data/keep"), "3").unwrap();
        let other = digest(&dir);
        assert_ne!(other, before);
        fs::set_permissions(dir.path().join("main.py"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_ne!(digest(&dir), other);
    }

    #[test]
    fn the_ignore_file_of_the_dockerfile_wins() {
        let dir = folder(&[
            (".dockerignore", "a"),
            ("Dev.dockerignore", "b"),
            ("Dev", "FROM x"),
            ("a", "1"),
            ("b", "2"),
        ]);
        let context = Context::read(dir.path(), &dir.path().join("Dev")).unwrap();
        let paths: Vec<&str> = context.entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, [".dockerignore", "Dev", "Dev.dockerignore", "a"]);
    }

    #[test]
    fn what_the_dockerfile_does_not_copy_does_not_count() {
        let dir = folder(&[
            ("Dockerfile", "FROM a"),
            ("spec.json", "{}"),
            ("src/a/main.py", "1"),
            ("src/b", "2"),
        ]);
        let narrowed = |paths: &[&str]| {
            let mut context = Context::read(dir.path(), &dir.path().join("Dockerfile")).unwrap();
            let paths = paths.iter().map(|path| (*path).to_owned()).collect();
            context.narrow(&ContextUse::Paths(paths));
            let entries = context.entries.into_iter().map(|entry| entry.path);
            entries.collect::<Vec<_>>()
        };
        assert_eq!(narrowed(&[]), [""; 0]);
        assert_eq!(narrowed(&["src/a"]), ["src", "src/a", "src/a/main.py"]);
        assert_eq!(narrowed(&["src/./b"]).len(), 6, "an odd path could be anything");
        symlink("src", dir.path().join("link")).unwrap();
        assert_eq!(narrowed(&["link/b"]).len(), 7, "a link leads elsewhere");
        assert_eq!(narrowed(&["src/b"]), ["src", "src/b"]);
    }

    #[test]
    fn files_that_are_not_on_disk_have_the_digest_of_those_that_are() {
        let files = [("build.sh", "b"), ("run.sh", "r")];
        let dir = folder(&files);
        for (name, _) in files {
            fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        let text = Context::of_texts(&files);
        let copy = tempfile::tempdir().unwrap();
        assert_eq!(text.copy(&copy.path().join("x")).unwrap(), text.digest().unwrap());
        assert_eq!(text.digest().unwrap().digest, digest(&dir));
    }

    #[test]
    fn a_dockerfile_that_is_missing_or_no_text_is_named() {
        let dir = folder(&[]);
        let path = dir.path().join("Dockerfile");
        let error = read_dockerfile(&path).unwrap_err().to_string();
        assert!(
            error.contains("no such file") && error.contains("Dockerfile"),
            "{error}"
        );
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(
            read_dockerfile(&path)
                .unwrap_err()
                .to_string()
                .contains("no text")
        );
    }
}
