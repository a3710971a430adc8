//! Mirrors: bare clones of our own, below the data directory. What is in them came from the remote and from nowhere else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::engine::{Engine, random_hex};
use crate::error::{Error, Result};
use crate::git::git;

/// Longest fetch; the first one of a large repository takes its time.
const FETCH_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Returns where the mirror of an address lies, whether it is there or not.
pub(crate) fn path(engine: &Engine, url: &str) -> PathBuf {
    let name = &blake3::hash(url.as_bytes()).to_hex()[..32];
    engine.home().join("mirrors").join(format!("{name}.git"))
}

/// Returns when a mirror was last brought up to date.
pub(crate) fn fetched_at(mirror: &Path) -> Option<SystemTime> {
    let time = |path: PathBuf| fs::metadata(path).and_then(|about| about.modified()).ok();
    time(mirror.join("FETCH_HEAD")).or_else(|| time(mirror.join("packed-refs")))
}

/// Clones an address, or fetches what is new there; `what` names it in an error. git itself does it: it knows the user's
/// credentials and addresses.
pub(crate) async fn update(engine: &Engine, url: &str, what: &str) -> Result<PathBuf> {
    let path = path(engine, url);
    let folder = engine.home().join("mirrors");
    fs::create_dir_all(&folder).map_err(Error::file("making the folder", &folder))?;
    let failed = |why: String| {
        Error::refused(
            format!("{what} could not be fetched: {why}"),
            "check the address, and that `git clone` of it works without a question",
        )
    };
    if path.exists() {
        let mirror = path.to_string_lossy();
        let arguments = ["--git-dir", &mirror, "fetch", "--quiet", "--prune", "origin"];
        git(&arguments, &folder, FETCH_LIMIT).await.map_err(failed)?;
        return Ok(path);
    }
    // A clone that was cut off must not look like a mirror.
    let partial = Partial(folder.join(format!("partial-{}", random_hex(12)?)));
    let clone = partial.0.to_string_lossy();
    let arguments = ["clone", "--quiet", "--mirror", "--", url, &clone];
    git(&arguments, &folder, FETCH_LIMIT).await.map_err(failed)?;
    match fs::rename(&partial.0, &path) {
        // Another process was quicker.
        Err(_) if path.exists() => {}
        renamed => renamed.map_err(Error::file("moving", &partial.0))?,
    }
    Ok(path)
}

/// A folder that is gone when nobody gave it another name.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
