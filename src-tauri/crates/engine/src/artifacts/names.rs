//! Names and links of an archive: which of them stay inside of it.

/// Says what is wrong with an entry's name; a folder's may end in a slash.
pub(super) fn problem(name: &[u8]) -> Option<&'static str> {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    if name.is_empty() {
        return Some("has no name");
    }
    if name.contains(&0) {
        return Some("has a NUL in its name");
    }
    if name.starts_with(b"/") {
        return Some("has an absolute name");
    }
    name.split(|byte| *byte == b'/').find_map(|part| match part {
        b".." => Some("leaves the folder with .."),
        b"" | b"." => Some("has an empty part in its name"),
        _ => None,
    })
}

/// Says why a link leads out of the archive, or might. `is_folder` knows the archive's real folders.
///
/// A `..` is safe where it follows a real folder; behind a link it could lead anywhere.
pub(super) fn leads_out(
    link: &[u8],
    target: &[u8],
    is_folder: impl Fn(&[u8]) -> bool,
) -> Option<&'static str> {
    if target.starts_with(b"/") {
        return Some("has an absolute target");
    }
    let mut at: Vec<&[u8]> = parts(link).collect();
    at.pop();
    let mut real = true;
    for part in parts(target) {
        if part == b".." {
            if !real {
                return Some("has a target that goes up behind a link");
            }
            if at.pop().is_none() {
                return Some("has a target outside of the source root");
            }
        } else {
            at.push(part);
            real = is_folder(&at.join(&b'/'));
        }
    }
    None
}

/// Returns the folders that an entry lies in, the outermost first, without slashes at their ends.
pub(super) fn parents(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    name.iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'/')
        .map(|(at, _)| &name[..at])
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_are_told_from_those_that_do_not() {
        for name in ["a", "a/b", "a/", "..a/b..", "a b", "é\n", "..."] {
            assert_eq!(problem(name.as_bytes()), None, "{name:?}");
        }
        for name in [
            "",
            "/",
            "/etc/x",
            "..",
            "a/../../x",
            "../x",
            "a//b",
            "./a",
            "a/./b",
            "a/..",
        ] {
            assert!(problem(name.as_bytes()).is_some(), "{name:?}");
        }
        assert!(problem(b"a\0b").is_some());
    }

    #[test]
    fn links_that_lead_out_are_told_from_those_that_do_not() {
        let is_folder = |path: &[u8]| [&b"a"[..], b"a/b"].contains(&path);
        for (link, target) in [
            ("l", "a/b"),
            ("l", "missing"),
            ("a/l", "../x"),
            ("a/b/l", "../../x"),
            ("l", "a/../x"),
            ("l", "./a/./x"),
            ("l", ""),
        ] {
            assert_eq!(
                leads_out(link.as_bytes(), target.as_bytes(), is_folder),
                None,
                "{link} -> {target}"
            );
        }
        for (link, target) in [
            ("l", "/etc/passwd"),
            ("l", ".."),
            ("a/l", "../../x"),
            ("a/b/l", "../../../x"),
            // `link` may itself lead upwards.
            ("a/l", "link/.."),
        ] {
            assert!(
                leads_out(link.as_bytes(), target.as_bytes(), is_folder).is_some(),
                "{link} -> {target}"
            );
        }
    }
}
