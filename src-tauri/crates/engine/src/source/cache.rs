//! Checkouts kept for the next build of the same tree.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::checkout::{CheckoutReport, PARTIAL_PREFIX, Partial, materialise};
use super::error::{Result, SourceError};
use super::git_dir::write_git_dir;
use super::id::{CommitId, RepoPath, TreeId};
use super::repo::Repo;
use super::submodule::Submodules;
use super::writer::Stamp;

/// A directory of ours with one entry per checkout; any number of processes may use it at once.
#[derive(Clone, Debug)]
pub struct CheckoutCache {
    dir: PathBuf,
}

/// A checkout in the cache; its files must not be changed.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// The directory with the files.
    pub path: PathBuf,
    /// What was written when it was made.
    pub report: CheckoutReport,
    /// Whether it was there already.
    pub reused: bool,
}

/// An entry that may be removed to make room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prunable {
    /// The entry's directory.
    pub path: PathBuf,
    /// Its size on disk in bytes, about.
    pub bytes: u64,
    /// When it was last used.
    pub last_used: SystemTime,
}

/// An entry used within this time may still be read by a build and is never pruned.
const IN_USE: Duration = Duration::from_secs(60 * 60);
const FILES: &str = "files";
const REPORT: &str = "report.json";

impl CheckoutCache {
    /// Uses `dir`, which is created when something is first written; removes what killed processes left unfinished.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let cache = Self { dir: dir.into() };
        cache.sweep();
        cache
    }

    /// Returns a checkout of the directory `prefix` at a commit, making it when there is none.
    pub fn full(&self, repo: &Repo, commit: CommitId, prefix: &RepoPath) -> Result<Checkout> {
        let info = repo.commit(commit)?;
        self.tree(repo, info.tree, prefix, info.commit_time)
    }

    /// Returns a checkout of the directory `prefix` of a whole repository's tree, stamped as of `commit_time` (seconds
    /// since 1970); for trees without a commit, such as a dirty work tree's.
    pub fn tree(&self, repo: &Repo, tree: TreeId, prefix: &RepoPath, commit_time: i64) -> Result<Checkout> {
        let below = repo
            .subtree(tree, prefix)?
            .ok_or_else(|| SourceError::NoSuchPath {
                path: prefix.clone(),
                tree: format!("tree {tree}"),
            })?;
        let stamp = Stamp::of_tree(commit_time, below);
        let submodules = Submodules::of(repo, tree)?;
        for attempt in 0_u32.. {
            let entry = self.dir.join(format!("{below}-{}-{attempt}", stamp.seconds));
            match read_report(&entry) {
                // A submodule that was absent then may be initialised now; that is another checkout.
                Some(report) if gained_submodule(&report, &submodules, prefix) => continue,
                Some(report) => {
                    touch(&entry);
                    return Ok(Checkout {
                        path: entry.join(FILES),
                        report,
                        reused: true,
                    });
                }
                None => {}
            }
            let partial = Partial::beside(&entry)?;
            let report = materialise(repo, tree, prefix, &partial.path().join(FILES), stamp)?;
            write_report(partial.path(), &report)?;
            return self.publish(partial, &entry, report);
        }
        unreachable!("the loop over all numbers returns")
    }

    /// Returns a small `.git` directory for a commit, as [`write_git_dir`] makes it, making it when there is none.
    pub fn git_dir(&self, repo: &Repo, commit: CommitId, branch: Option<&str>) -> Result<PathBuf> {
        let branch_key = branch.map_or_else(String::new, |name| {
            let digest = blake3::hash(name.as_bytes()).to_hex();
            format!("-{}", &digest[..16])
        });
        let entry = self.dir.join(format!("git-{commit}{branch_key}"));
        if read_report(&entry).is_some() {
            touch(&entry);
            return Ok(entry.join(FILES));
        }
        let partial = Partial::beside(&entry)?;
        write_git_dir(repo, commit, branch, &partial.path().join(FILES))?;
        let report = CheckoutReport::default();
        write_report(partial.path(), &report)?;
        Ok(self.publish(partial, &entry, report)?.path)
    }

    /// Lists the entries to remove, least recently used first, so that at most `max_bytes` remain; entries used within
    /// the hour before `now` are kept.
    pub fn prune_plan(&self, max_bytes: u64, now: SystemTime) -> Result<Vec<Prunable>> {
        let mut entries = Vec::new();
        for path in self.entries()? {
            if read_report(&path).is_none() {
                continue;
            }
            let last_used = fs::metadata(path.join(REPORT)).and_then(|file| file.modified());
            let last_used = last_used.map_err(SourceError::io("read", &path))?;
            entries.push(Prunable {
                bytes: size_on_disk(&path),
                path,
                last_used,
            });
        }
        entries.sort_by(|one, other| (one.last_used, &one.path).cmp(&(other.last_used, &other.path)));
        let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
        entries.retain(|entry| {
            let idle = now
                .duration_since(entry.last_used)
                .is_ok_and(|idle| idle > IN_USE);
            let remove = total > max_bytes && idle;
            total -= if remove { entry.bytes } else { 0 };
            remove
        });
        Ok(entries)
    }

    /// Removes one entry of a plan; one that is gone already is no error.
    pub fn remove(&self, entry: &Prunable) -> Result<()> {
        // The report goes first: what is half removed must not look finished.
        for result in [
            fs::remove_file(entry.path.join(REPORT)),
            fs::remove_dir_all(&entry.path),
        ] {
            match result {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(SourceError::io("remove", &entry.path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn publish(&self, partial: Partial, entry: &Path, report: CheckoutReport) -> Result<Checkout> {
        let path = entry.join(FILES);
        match partial.publish(entry) {
            Ok(()) => Ok(Checkout {
                path,
                report,
                reused: false,
            }),
            // Another process was quicker; an entry is content, so its is as good.
            Err(error) => match read_report(entry) {
                Some(report) => Ok(Checkout {
                    path,
                    report,
                    reused: true,
                }),
                None => Err(error),
            },
        }
    }

    fn entries(&self) -> Result<Vec<PathBuf>> {
        let list = match fs::read_dir(&self.dir) {
            Ok(list) => list,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(SourceError::io("read", &self.dir)(error)),
        };
        let list = list.map(|entry| Ok(entry?.path()));
        list.collect::<io::Result<_>>()
            .map_err(SourceError::io("read", &self.dir))
    }

    /// Removes unfinished directories whose process is gone, and entries of an earlier boot that may lack data.
    fn sweep(&self) {
        for path in self.entries().unwrap_or_default() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let dead = match name.strip_prefix(PARTIAL_PREFIX) {
                Some(rest) => !is_running(rest.split('-').next().unwrap_or_default()),
                None => is_entry_name(&name) && read_report(&path).is_none(),
            };
            if dead && let Err(error) = fs::remove_dir_all(&path) {
                tracing::warn!(path = %path.display(), %error, "an unfinished checkout stays behind");
            }
        }
    }
}

/// Returns whether an entry of ours has this name, so that nothing else is ever removed.
fn is_entry_name(name: &str) -> bool {
    let id = name.strip_prefix("git-").unwrap_or(name);
    id.len() >= 40 && id.bytes().take(40).all(|byte| byte.is_ascii_hexdigit())
}

/// A report as it stands beside the files.
#[derive(serde::Serialize, serde::Deserialize)]
struct Sealed {
    /// A power failure may lose file content that was never flushed; entries do not outlive the boot that wrote them.
    boot: String,
    report: CheckoutReport,
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn read_report(entry: &Path) -> Option<CheckoutReport> {
    let bytes = fs::read(entry.join(REPORT)).ok()?;
    let sealed: Sealed = serde_json::from_slice(&bytes).ok()?;
    (sealed.boot == boot_id()).then_some(sealed.report)
}

fn write_report(entry: &Path, report: &CheckoutReport) -> Result<()> {
    let sealed = Sealed {
        boot: boot_id(),
        report: report.clone(),
    };
    let path = entry.join(REPORT);
    let bytes = serde_json::to_vec(&sealed).map_err(io::Error::from);
    bytes
        .and_then(|bytes| fs::write(&path, bytes))
        .map_err(SourceError::io("write", &path))
}

/// Marks an entry as used now; only pruning reads it, so failing to is harmless.
fn touch(entry: &Path) {
    let file = fs::File::options().append(true).open(entry.join(REPORT));
    drop(file.and_then(|file| file.set_modified(SystemTime::now())));
}

fn gained_submodule(report: &CheckoutReport, submodules: &Submodules<'_>, prefix: &RepoPath) -> bool {
    let missing = report.gitlinks.iter().filter(|link| !link.materialised);
    missing.into_iter().any(|link| {
        submodules
            .locate(&prefix.join(link.path.as_bytes()), link.commit)
            .is_some()
    })
}

fn is_running(pid: &str) -> bool {
    let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| {
        !matches!(
            rustix::process::test_kill_process(pid),
            Err(rustix::io::Errno::SRCH)
        )
    })
}

fn size_on_disk(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return 0;
    };
    let own = std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
    if !metadata.is_dir() {
        return own;
    }
    let below = fs::read_dir(path).into_iter().flatten().flatten();
    own + below.map(|entry| size_on_disk(&entry.path())).sum::<u64>()
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
