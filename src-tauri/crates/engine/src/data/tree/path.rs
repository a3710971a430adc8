//! Paths in data repositories: which there may be, and their order.

use std::cmp::Ordering;

use crate::error::{Error, Result};

/// Longest path, in bytes.
const LONGEST: usize = 4096;

/// Orders paths part by part: whatever lies in a folder stands together, before what merely begins like it.
pub(crate) fn order(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    // A slash is lower than every other byte, and NUL does not occur.
    let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    match (a.get(same), b.get(same)) {
        (Some(a), Some(b)) => key(a).cmp(&key(b)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Refuses what cannot be a file's path.
pub(crate) fn check(path: &str) -> Result<()> {
    let wrong = if path.len() > LONGEST {
        "is longer than 4096 bytes"
    } else if path.contains('\0') {
        "has a NUL in it"
    } else {
        match path.strip_prefix('/') {
            None => "does not begin with /",
            Some("") => "is no file",
            Some(rest) => match rest.split('/').find(|part| matches!(*part, "" | "." | "..")) {
                Some("") => "has an empty part",
                Some(_) => "has . or .. in it",
                None => return Ok(()),
            },
        }
    };
    let shown: String = path.chars().take(200).collect();
    Err(Error::refused(
        format!("the path {shown:?} {wrong}"),
        "give a path like /folder/file",
    ))
}

/// Returns the path of a folder or file as users may write it: with or without a slash at its end, `/` for the top.
pub(crate) fn cleaned(path: &str) -> Result<String> {
    match path.trim_end_matches('/') {
        "" if path.starts_with('/') => Ok("/".to_owned()),
        rest => check(rest).map(|()| rest.to_owned()),
    }
}

/// Returns where the files below a folder begin, and where they have ended.
pub(super) fn range(folder: &str) -> (String, Option<String>) {
    match folder {
        "/" => ("/".to_owned(), None),
        _ => (format!("{folder}/"), Some(format!("{folder}\u{1}"))),
    }
}

/// Returns whether a path is another one, or lies below it.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    folder == "/"
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
