//! Looking into an archive before it goes anywhere: a shared store is written by others too.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;

use flate2::read::GzDecoder;
use tar::EntryType;

use super::names;
use crate::error::{Error, Result};
use crate::source::RepoPath;

/// Most entries of an archive.
const MAX_ENTRIES: usize = 4_000_000;

/// What an archive holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Files and symbolic links, in their order.
    pub files: Vec<RepoPath>,
    /// Size of all files once unpacked.
    pub bytes: u64,
}

/// Reads a compressed archive to its end and refuses one that would write outside of the folder it is unpacked to:
/// absolute names, `..`, links that lead out, names behind a link, devices and pipes.
pub fn check_entries(reader: impl Read) -> Result<Contents> {
    let mut archive = tar::Archive::new(GzDecoder::new(reader));
    let mut contents = Contents::default();
    let mut seen = Seen::default();
    let damaged = |error: std::io::Error| {
        Error::refused(
            format!("the code archive is damaged: {error}"),
            "remove it from the artifact store; it is packed again then",
        )
    };
    for (count, entry) in archive.entries().map_err(damaged)?.enumerate() {
        let entry = entry.map_err(damaged)?;
        let name = entry.path_bytes().into_owned();
        let path = RepoPath::new(name.strip_suffix(b"/").unwrap_or(&name));
        let kind = entry.header().entry_type();
        let problem = match kind {
            _ if count >= MAX_ENTRIES => Some("is one entry too many"),
            EntryType::Regular | EntryType::Directory | EntryType::Symlink => seen.add(
                &name,
                kind,
                entry.link_name_bytes().as_deref().unwrap_or_default(),
            ),
            _ => Some("is neither a file nor a folder nor a symbolic link"),
        };
        if let Some(problem) = problem {
            return Err(unsafe_entry(&path, problem));
        }
        if kind != EntryType::Directory {
            contents.bytes = contents.bytes.saturating_add(entry.size());
            contents.files.push(path);
        }
    }
    match seen.link_that_leads_out() {
        Some((link, problem)) => Err(unsafe_entry(&RepoPath::new(link), problem)),
        None => Ok(contents),
    }
}

fn unsafe_entry(path: &RepoPath, problem: &str) -> Error {
    Error::refused(
        format!("the code archive is not safe to unpack: {path} {problem}"),
        "nothing was sent; Headstart does not write such archives, so find out who did",
    )
}

#[derive(Default)]
struct Seen {
    folders: HashSet<Vec<u8>>,
    files: HashSet<Vec<u8>>,
    links: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Seen {
    fn add(&mut self, name: &[u8], kind: EntryType, target: &[u8]) -> Option<&'static str> {
        if let Some(problem) = names::problem(name) {
            return Some(problem);
        }
        for parent in names::parents(name) {
            if self.links.contains_key(parent) || self.files.contains(parent) {
                return Some("lies behind something that is no folder");
            }
            if !self.folders.contains(parent) {
                self.folders.insert(parent.to_vec());
            }
        }
        let name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        if self.files.contains(&name) || self.links.contains_key(&name) {
            return Some("is there twice");
        }
        if kind == EntryType::Directory {
            self.folders.insert(name);
            return None;
        }
        if self.folders.contains(&name) {
            return Some("takes the place of a folder");
        }
        match kind {
            EntryType::Symlink => drop(self.links.insert(name, target.to_vec())),
            _ => drop(self.files.insert(name)),
        }
        None
    }

    /// Asked at the end, when all folders are known.
    fn link_that_leads_out(&self) -> Option<(&[u8], &'static str)> {
        self.links.iter().find_map(|(link, target)| {
            let problem = names::leads_out(link, target, |path| self.folders.contains(path))?;
            Some((link.as_slice(), problem))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::Header;

    use super::*;

    fn archive(entries: &[(&[u8], EntryType, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, kind, target) in entries {
            let mut header = Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
            header.set_entry_type(*kind);
            header.set_link_name_literal(target).unwrap();
            header.set_size(0);
            header.set_cksum();
            tar.append(&header, &b""[..]).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn what_leaves_the_folder_is_refused_with_its_name() {
        use EntryType::{Block, Char, Directory, Fifo, Link, Regular, Symlink};
        type Entry<'a> = (&'a [u8], EntryType, &'a [u8]);
        let cases: [(&str, &[Entry<'_>]); 12] = [
            ("absolute", &[(b"/etc/x", Regular, b"")]),
            ("parent", &[(b"a/../../x", Regular, b"")]),
            ("absolute link", &[(b"l", Symlink, b"/etc")]),
            ("link out", &[(b"a/l", Symlink, b"../../x")]),
            (
                "file behind a link",
                &[(b"l", Symlink, b"a"), (b"l/x", Regular, b"")],
            ),
            (
                "link in the place of a folder",
                &[(b"l/x", Regular, b""), (b"l", Symlink, b"a")],
            ),
            (
                "two links that lead out together",
                &[(b"d/y", Symlink, b".."), (b"d/z", Symlink, b"y/..")],
            ),
            ("twice", &[(b"a", Regular, b""), (b"a", Symlink, b"b")]),
            ("hard link", &[(b"h", Link, b"a")]),
            ("device", &[(b"d", Char, b"")]),
            ("block device", &[(b"d", Block, b"")]),
            ("pipe", &[(b"d", Fifo, b"")]),
        ];
        for (what, entries) in cases {
            let error = check_entries(&*archive(entries)).expect_err(what).to_string();
            assert!(error.contains("not safe to unpack"), "{what}: {error}");
        }
        let good = archive(&[
            (b"d/", Directory, b""),
            (b"d/a", Regular, b""),
            (b"d/l", Symlink, b"../x"),
        ]);
        assert_eq!(check_entries(&*good).unwrap().files.len(), 2);
    }

    #[test]
    fn an_archive_that_was_cut_off_is_damaged() {
        let mut random = Vec::new();
        for number in 0..40_000_u32 {
            random.extend_from_slice(blake3::hash(&number.to_le_bytes()).as_bytes());
        }
        let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
        zip.write_all(&random).unwrap();
        let whole = zip.finish().unwrap();
        for bytes in [&b"no archive"[..], &whole, &whole[..whole.len() / 2]] {
            let error = check_entries(bytes).unwrap_err().to_string();
            assert!(error.contains("damaged"), "{error}");
        }
    }
}
