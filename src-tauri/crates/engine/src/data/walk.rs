//! Reading folders of this machine into trees.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::digest::Root;
use super::tree::{TreeWriter, path};
use super::writing::Writing;
use crate::error::{Error, Result};
use crate::wire::CopyProgress;

/// Time between reports.
const OFTEN: Duration = Duration::from_millis(100);

/// Links to folders that are followed within each other. More would let a few links stand for endless files.
const LINKS: usize = 8;

/// Warnings that are told; the others are counted.
const WARNINGS: usize = 50;

/// What was copied, and who wants to know.
pub(super) struct Copying<'a> {
    pub(super) progress: CopyProgress,
    listener: &'a mut dyn FnMut(CopyProgress) -> bool,
    told: Instant,
    warnings: Vec<String>,
    untold: usize,
}

/// The message of the error that ends a copy which its listener stopped.
const STOPPED: &str = "it was stopped";

impl<'a> Copying<'a> {
    pub(super) fn new(listener: &'a mut dyn FnMut(CopyProgress) -> bool) -> Self {
        let progress = CopyProgress::default();
        Self {
            progress,
            listener,
            told: Instant::now(),
            warnings: Vec::new(),
            untold: 0,
        }
    }

    pub(super) fn add_bytes(&mut self, count: usize) -> Result<()> {
        self.progress.bytes += count as u64;
        self.tell(false)
    }

    pub(super) fn add_file(&mut self) -> Result<()> {
        self.progress.files += 1;
        self.tell(false)
    }

    /// Reports how far it is, when it is time to.
    pub(super) fn tell(&mut self, now: bool) -> Result<()> {
        if !now && self.told.elapsed() < OFTEN {
            return Ok(());
        }
        self.told = Instant::now();
        match (self.listener)(self.progress.clone()) {
            true => Ok(()),
            false => Err(Error::refused(
                STOPPED,
                "everything is as it was before; begin once more when you like",
            )),
        }
    }

    pub(super) fn warn(&mut self, path: &Path, why: &str) {
        let warning = format!("{} was left out: {why}", path.display());
        // What a link leads to may come along more than once.
        if self.warnings.contains(&warning) {
            return;
        }
        match self.warnings.len() < WARNINGS {
            true => self.warnings.push(warning),
            false => self.untold += 1,
        }
    }

    pub(super) fn into_warnings(mut self) -> Vec<String> {
        if self.untold > 0 {
            self.warnings.push(format!("{} more were left out", self.untold));
        }
        self.warnings
    }
}

/// Reads a file or folder into a tree, at a path of it. A file goes below a path that ends in a slash.
pub(super) fn read(writing: &Writing, from: &Path, to: &str, copying: &mut Copying<'_>) -> Result<Root> {
    let top = fs::canonicalize(from).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::refused(
            format!("there is nothing at {}", from.display()),
            "check the path",
        ),
        _ => Error::file("reading", from)(error),
    })?;
    let about = fs::metadata(&top).map_err(Error::file("reading", from))?;
    let mut walk = Walk {
        copying,
        writer: TreeWriter::new(writing),
        writing,
        top: top.clone(),
        above: Vec::new(),
        links: 0,
    };
    if about.is_dir() {
        let before = walk.copying.progress.files;
        walk.folder(&top, &path::cleaned(to)?)?;
        if walk.copying.progress.files == before {
            walk.copying.warn(from, "there is no file in it");
        }
    } else if about.is_file() {
        let to = match to.ends_with('/') {
            true => format!("{to}{}", file_name(from)?),
            false => to.to_owned(),
        };
        walk.file(&top, &to)?;
    } else {
        return Err(Error::refused(
            format!("{} is neither a file nor a folder", from.display()),
            "put files and folders",
        ));
    }
    walk.writer.finish()
}

/// Returns the name of a file as it is used in a repository.
fn file_name(path: &Path) -> Result<&str> {
    path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        Error::refused(
            format!("{} has no name that a repository can hold", path.display()),
            "names have to be UTF-8; say where the file goes",
        )
    })
}

struct Walk<'a, 'b> {
    copying: &'a mut Copying<'b>,
    writer: TreeWriter,
    writing: &'a Writing,
    /// What links may not lead out of, without links in it.
    top: PathBuf,
    /// Folders that the walk is in, without links.
    above: Vec<PathBuf>,
    links: usize,
}

impl Walk<'_, '_> {
    fn folder(&mut self, folder: &Path, to: &str) -> Result<()> {
        if fs::canonicalize(&self.writing.folder).is_ok_and(|own| own == folder) {
            self.copying.warn(folder, "it is the artifact store itself");
            return Ok(());
        }
        let reading = |error| Error::file("reading", folder)(error);
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(reading)? {
            names.push(entry.map_err(reading)?.file_name());
        }
        // By the order of paths, a folder's files come where its name comes.
        names.sort();
        self.above.push(folder.to_owned());
        for name in names {
            let inner = folder.join(&name);
            match name.to_str() {
                Some(name) if to == "/" => self.any(&inner, &format!("/{name}"))?,
                Some(name) => self.any(&inner, &format!("{to}/{name}"))?,
                None => self.copying.warn(&inner, "its name is not UTF-8"),
            }
        }
        self.above.pop();
        Ok(())
    }

    fn any(&mut self, from: &Path, to: &str) -> Result<()> {
        path::check(to)?;
        let about = match fs::symlink_metadata(from) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.copying.warn(from, "it went away while its folder was read");
                return Ok(());
            }
            Err(error) => return Err(Error::file("reading", from)(error)),
        };
        if about.is_symlink() {
            return self.link(from, to);
        }
        self.known(from, to, &about)
    }

    fn known(&mut self, from: &Path, to: &str, about: &Metadata) -> Result<()> {
        if about.is_dir() {
            self.folder(from, to)
        } else if about.is_file() {
            self.file(from, to)
        } else {
            self.copying
                .warn(from, "it is no file, but a socket, pipe or device");
            Ok(())
        }
    }

    /// A link within what is put stands for what it leads to.
    fn link(&mut self, from: &Path, to: &str) -> Result<()> {
        let target = fs::canonicalize(from).and_then(|target| Ok((fs::metadata(&target)?, target)));
        let Ok((about, target)) = target else {
            self.copying.warn(from, "it is a link that leads nowhere");
            return Ok(());
        };
        if !target.starts_with(&self.top) {
            self.copying
                .warn(from, "it is a link that leads out of the folder");
        } else if about.is_dir() && (self.above.contains(&target) || self.links >= LINKS) {
            self.copying
                .warn(from, "it is a link that leads back to where it is");
        } else {
            self.links += 1;
            self.known(&target, to, &about)?;
            self.links -= 1;
        }
        Ok(())
    }

    fn file(&mut self, from: &Path, to: &str) -> Result<()> {
        // What was a file when it was looked at may be a link or a pipe now.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let file = match File::options().read(true).custom_flags(flags).open(from) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.copying.warn(from, "it went away while its folder was read");
                return Ok(());
            }
            Err(error) => return Err(Error::file("reading", from)(error)),
        };
        if !file.metadata().is_ok_and(|about| about.is_file()) {
            self.copying.warn(from, "it stopped being a file");
            return Ok(());
        }
        let mut counted = Counted {
            file,
            path: from,
            copying: self.copying,
        };
        let content = self.writing.write_content(&mut counted)?;
        self.writer.push(to, content)?;
        self.copying.add_file()
    }
}

/// A file that is counted while it is read.
struct Counted<'a, 'b> {
    file: File,
    path: &'a Path,
    copying: &'a mut Copying<'b>,
}

impl Read for Counted<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self
            .file
            .read(into)
            .map_err(|error| io::Error::other(Error::file("reading", self.path)(error)))?;
        self.copying.add_bytes(count).map_err(io::Error::other)?;
        Ok(count)
    }
}
