//! What a build sees of a folder: the key of its files after ignore rules, and paths that stay in the repository.

use super::SourceView;
use super::compose::dockerignore::Ignore;

/// Returns the key of what a build sees of a folder of the repository: of its whole tree, or of what an ignore file (its name
/// and text) leaves of it; none when there is no such folder. The error is a sentence.
pub(crate) fn key(
    view: &dyn SourceView,
    folder: &str,
    ignore: Option<(&str, &[u8])>,
) -> Result<Option<String>, String> {
    let Some((file, bytes)) = ignore else {
        return view.key_whole(folder).map_err(|error| error.to_string());
    };
    let ignore = Ignore::read(bytes).map_err(|error| format!("{file}: {error}"))?;
    let Some(all) = view.files(folder).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    let kept = ignore
        .kept(all.iter().map(|(path, _)| path.as_str()))
        .map_err(|error| format!("{file}: {error}"))?;
    let kept: std::collections::HashSet<&str> = kept.into_iter().collect();
    let mut hash = blake3::Hasher::new();
    for (path, key) in all.iter().filter(|(path, _)| kept.contains(path.as_str())) {
        hash.update(path.as_bytes());
        hash.update(b"\0");
        hash.update(key.as_bytes());
        hash.update(b"\0");
    }
    Ok(Some(format!("kept:{}", hash.finalize().to_hex())))
}

/// Returns the path that a path means when it is read from a folder.
pub(crate) fn join(folder: &str, path: &str) -> Result<String, String> {
    normal(&format!("{folder}/{path}"))
}

/// Returns a path without `.` and `..`; one that leads out of the repository is an error.
pub(crate) fn normal(path: &str) -> Result<String, String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| {
                    let path = path.trim_start_matches('/');
                    format!("{path} leads out of the repository; builds take their files from its commits")
                })?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}
