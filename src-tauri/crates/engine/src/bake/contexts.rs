//! What a build's contexts hold: checkouts, changed files, a shallow `.git`, scripts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::file::{Context, Places, TargetSpec};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::Prepared;
use crate::source::{CheckoutReport, RepoPath, Stamp, materialise_delta};

/// The folders, and what is worth knowing about them.
pub(super) struct Contexts {
    pub(super) places: Places,
    pub(super) warnings: Vec<String>,
}

/// Lays out what the targets need.
pub(super) fn contexts(
    engine: &Engine,
    prepared: &Prepared,
    targets: &[TargetSpec],
    work: &Path,
) -> Result<Contexts> {
    let mut places = Places {
        source: None,
        repository: None,
        delta: None,
        git: None,
        extras: BTreeMap::new(),
        work: work.to_owned(),
    };
    std::fs::create_dir_all(places.empty()).map_err(Error::file("making the folder", places.empty()))?;
    let mut warnings = Vec::new();
    let needed: Vec<&Context> = targets
        .iter()
        .flat_map(|target| {
            target
                .contexts
                .iter()
                .map(|(_, context)| context)
                .chain([&target.context])
        })
        .collect();
    let wants = |wanted: &dyn Fn(&Context) -> bool| needed.iter().any(|context| wanted(context));
    if wants(&|context| matches!(context, Context::Source | Context::SourceFolder(_))) {
        let (repo, prefix) = (&prepared.repo, &prepared.opened.prefix);
        let checkout = engine
            .checkouts()
            .tree(repo, prepared.tree, prefix, prepared.commit.commit_time)?;
        warnings.extend(report(&checkout.report));
        places.source = Some(checkout.path);
    }
    if wants(&|context| *context == Context::Repository) {
        let whole = RepoPath::default();
        let (repo, time) = (&prepared.repo, prepared.commit.commit_time);
        let checkout = engine.checkouts().tree(repo, prepared.tree, &whole, time)?;
        warnings.extend(report(&checkout.report));
        places.repository = Some(checkout.path);
    }
    let stamp = newer_than(prepared.base.as_ref().and_then(|base| base.ended_at));
    if wants(&|context| *context == Context::Delta)
        && let Some(base) = &prepared.base
    {
        let dest = folder_of_files(work, "delta")?;
        let (repo, prefix) = (&prepared.repo, &prepared.opened.prefix);
        let written = materialise_delta(repo, &base.delta, prepared.tree, prefix, &dest, stamp)?;
        warnings.extend(report(&written));
        places.delta = Some(dest);
    }
    for (place, extra) in prepared.extras.known.iter().enumerate() {
        let whole = RepoPath::default();
        let delta = prepared.base.as_ref().and_then(|base| base.extras.get(place));
        if !wants(&|context| *context == Context::Extra(place)) {
            continue;
        }
        let (path, written) = match delta {
            Some(delta) => {
                let dest = folder_of_files(work, &format!("extra{place}"))?;
                let written = materialise_delta(&extra.repo, delta, extra.tree, &whole, &dest, stamp)?;
                (dest, written)
            }
            None => {
                let checkout = engine.checkouts().full(&extra.repo, extra.commit, &whole)?;
                (checkout.path, checkout.report)
            }
        };
        warnings.extend(report(&written));
        places.extras.insert(place, path);
    }
    if wants(&|context| *context == Context::Git) {
        let branch = prepared.plan.branch.as_deref();
        places.git = Some(
            engine
                .checkouts()
                .git_dir(&prepared.opened.repo, prepared.commit.id, branch)?,
        );
    }
    for target in targets {
        if let (Some(dockerfile), Some(ignore)) = (&target.dockerfile, &target.ignore) {
            let path = places.dockerfile(&target.name);
            let mut beside = path.clone().into_os_string();
            beside.push(".dockerignore");
            std::fs::write(&path, dockerfile).map_err(Error::file("writing", &path))?;
            let beside = PathBuf::from(beside);
            std::fs::write(&beside, ignore).map_err(Error::file("writing", &beside))?;
        }
    }
    for context in needed {
        if let Context::Scripts { files, removals } = context {
            let folder = places.scripts();
            std::fs::create_dir_all(&folder).map_err(Error::file("making the folder", &folder))?;
            let write = |name: &str, bytes: &[u8]| {
                let path = folder.join(name);
                std::fs::write(&path, bytes).map_err(Error::file("writing", path))
            };
            for (name, text) in files {
                write(name, text.as_bytes())?;
            }
            if *removals && let Some(base) = &prepared.base {
                let mut script = removal_script(None, &base.delta.deleted);
                for (extra, delta) in prepared.extras.known.iter().zip(&base.extras) {
                    script.extend(removal_script(Some(&extra.folder), &delta.deleted));
                }
                write("remove.sh", &script)?;
            }
        }
    }
    Ok(Contexts { places, warnings })
}

/// Returns a time after a base's end, so that what changed is newer than anything in it, even when clocks were set back.
fn newer_than(ended_at: Option<i64>) -> Stamp {
    let after = ended_at
        .and_then(|at| u64::try_from(at + 1_000).ok())
        .unwrap_or(0);
    Stamp::at(SystemTime::now().max(SystemTime::UNIX_EPOCH + Duration::from_millis(after)))
}

/// Makes a context's folder and returns where its files go.
fn folder_of_files(work: &Path, name: &str) -> Result<PathBuf> {
    let folder = work.join(name);
    std::fs::create_dir_all(&folder).map_err(Error::file("making the folder", &folder))?;
    Ok(folder.join("files"))
}

/// Returns a script that removes paths, a hundred at a time: only `sh` and `rm` are needed, and any name is safe.
fn removal_script(folder: Option<&str>, paths: &[RepoPath]) -> Vec<u8> {
    let mut script = b"set -e\n".to_vec();
    if let Some(folder) = folder.filter(|_| !paths.is_empty()) {
        script.extend_from_slice(b"cd ");
        push_quoted(&mut script, folder.as_bytes());
        script.push(b'\n');
    }
    for group in paths.chunks(100) {
        script.extend_from_slice(b"rm -rf --");
        for path in group {
            script.push(b' ');
            push_quoted(&mut script, &[b"./", path.as_bytes()].concat());
        }
        script.push(b'\n');
    }
    script
}

/// Adds bytes as one word of a shell.
fn push_quoted(script: &mut Vec<u8>, word: &[u8]) {
    script.push(b'\'');
    for byte in word {
        match byte {
            b'\'' => script.extend_from_slice(b"'\\''"),
            other => script.push(*other),
        }
    }
    script.push(b'\'');
}

fn report(report: &CheckoutReport) -> Vec<String> {
    let mut warnings = Vec::new();
    for link in report.gitlinks.iter().filter(|link| !link.materialised) {
        warnings.push(format!(
            "submodule {} is not initialised; its folder is empty in the build",
            link.path
        ));
    }
    for path in &report.lfs_pointers {
        warnings.push(format!(
            "{path} is a Git LFS pointer; the build sees the pointer, not the file"
        ));
    }
    for entry in &report.unusable {
        warnings.push(format!("{} is left out: {}", entry.path, entry.reason));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_can_be_removed_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let names: [&[u8]; 5] = [b"plain", b"with space", b"it's", b"-rf", b"new\nline"];
        for name in names.iter().chain(&[b"kept".as_slice()]) {
            use std::os::unix::ffi::OsStrExt;
            std::fs::write(dir.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
        }
        let paths: Vec<_> = names.iter().map(|name| RepoPath::new(name.to_vec())).collect();
        let script = dir.path().join("remove.sh");
        std::fs::write(&script, removal_script(None, &paths)).unwrap();
        let status = std::process::Command::new("sh")
            .arg("remove.sh")
            .current_dir(dir.path())
            .status()
            .unwrap();
        assert!(status.success());
        let mut left: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["kept", "remove.sh"]);
    }
}
