//! Commit and tree objects parsed by hand: quick, and tolerant of what git itself tolerates.
//!
//! libgit2 refuses commits with a malformed author line and copies every field; history needs parents and a time only,
//! and a hostile commit should become harmless text rather than an error.

use git2::Oid;
use serde::Serialize;

use super::id::{CommitId, TreeId};
use crate::text::lines;

/// What a commit says about itself; texts are lossy UTF-8 and must be treated as hostile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitInfo {
    /// The commit.
    pub id: CommitId,
    /// The tree of the whole repository at this commit.
    pub tree: TreeId,
    /// The parents, first parent first; at a shallow boundary those that were cut off are named too.
    pub parents: Vec<CommitId>,
    /// The author's name; may be empty.
    pub author_name: String,
    /// The author's address; may be empty.
    pub author_email: String,
    /// When it was written, in seconds since 1970; any value, 0 when unreadable.
    pub author_time: i64,
    /// When it was committed, in seconds since 1970; any value, 0 when unreadable.
    pub commit_time: i64,
    /// The first line of the message, without control characters, at most 512 characters.
    pub summary: String,
    /// The whole message without control characters other than line ends and tabs, at most 64 KiB of it.
    pub message: String,
}

const MAX_SUMMARY_CHARS: usize = 512;
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// A commit's header lines, borrowed from the object.
pub(crate) struct RawCommit<'a> {
    pub(crate) tree: Oid,
    pub(crate) parents: Vec<Oid>,
    author: &'a [u8],
    pub(crate) commit_time: i64,
    message: &'a [u8],
}

impl<'a> RawCommit<'a> {
    /// Parses the bytes of a commit object; fails only when there is no tree or a parent is no id.
    pub(crate) fn parse(data: &'a [u8]) -> std::result::Result<Self, &'static str> {
        let mut lines = Lines(data);
        let tree = lines.id(b"tree ").ok_or("it names no tree")?;
        let mut commit = RawCommit {
            tree,
            parents: Vec::new(),
            author: b"",
            commit_time: 0,
            message: b"",
        };
        while let Some(line) = lines.next_line() {
            if line.is_empty() {
                commit.message = lines.0;
                break;
            } else if let Some(hex) = line.strip_prefix(b"parent ") {
                commit
                    .parents
                    .push(parse_id(hex).ok_or("a parent is not an object id")?);
            } else if let Some(author) = line.strip_prefix(b"author ") {
                commit.author = author;
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                commit.commit_time = time_of(committer);
            }
        }
        Ok(commit)
    }

    pub(crate) fn into_info(self, id: CommitId) -> CommitInfo {
        let (author_name, author_email) = name_and_email(self.author);
        let message = &self.message[..self.message.len().min(MAX_MESSAGE_BYTES)];
        let message = lines(&String::from_utf8_lossy(message).replace('\0', "\u{fffd}"));
        let summary = message.trim_start().lines().next().unwrap_or_default();
        CommitInfo {
            id,
            tree: TreeId(self.tree),
            parents: self.parents.into_iter().map(CommitId).collect(),
            author_name,
            author_email,
            author_time: time_of(self.author),
            commit_time: self.commit_time,
            summary: summary
                .chars()
                .filter(|c| !c.is_control())
                .take(MAX_SUMMARY_CHARS)
                .collect(),
            message,
        }
    }
}

struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = self
            .0
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(self.0.len());
        let line = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        Some(line)
    }

    fn id(&mut self, key: &[u8]) -> Option<Oid> {
        parse_id(self.next_line()?.strip_prefix(key)?)
    }
}

fn parse_id(hex: &[u8]) -> Option<Oid> {
    if hex.len() != 40 {
        return None;
    }
    let mut bytes = [0_u8; 20];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Oid::from_bytes(&bytes).ok()
}

/// Reads the seconds of `name <email> seconds zone`; saturates, and answers 0 when there are none.
fn time_of(signature: &[u8]) -> i64 {
    let after_email = match signature.iter().rposition(|byte| *byte == b'>') {
        Some(end) => &signature[end + 1..],
        None => return 0,
    };
    let mut digits = after_email.trim_ascii_start();
    let negative = digits.first() == Some(&b'-');
    if negative {
        digits = &digits[1..];
    }
    let seconds = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_i64, |sum, digit| {
            sum.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
        });
    if negative { -seconds } else { seconds }
}

fn name_and_email(signature: &[u8]) -> (String, String) {
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_SUMMARY_CHARS)
            .collect::<String>()
    };
    let open = signature
        .iter()
        .position(|byte| *byte == b'<')
        .unwrap_or(signature.len());
    let rest = signature.get(open + 1..).unwrap_or_default();
    let close = rest.iter().position(|byte| *byte == b'>').unwrap_or(rest.len());
    (text(&signature[..open]), text(&rest[..close]))
}

/// What a tree entry is; git's historical modes are normalised to these five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EntryKind {
    /// A regular file, 0644.
    File,
    /// An executable file, 0755.
    Executable,
    /// A symbolic link; the blob is its target.
    Symlink,
    /// A directory.
    Directory,
    /// A commit of a submodule.
    Gitlink,
}

impl EntryKind {
    /// Returns the word for messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::File | Self::Executable => "file",
            Self::Symlink => "symbolic link",
            Self::Directory => "directory",
            Self::Gitlink => "submodule",
        }
    }
}

/// One entry of a tree object; the name is whatever bytes are stored, valid or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeEntry {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: EntryKind,
    pub(crate) id: Oid,
}

/// Parses the bytes of a tree object, in stored order.
pub(crate) fn parse_tree(mut data: &[u8]) -> std::result::Result<Vec<TreeEntry>, &'static str> {
    let mut entries = Vec::with_capacity(data.len() / 36 + 1);
    while !data.is_empty() {
        let space = data
            .iter()
            .position(|byte| *byte == b' ')
            .ok_or("an entry has no mode")?;
        let mut mode = 0_u32;
        for digit in &data[..space] {
            let digit = char::from(*digit).to_digit(8).ok_or("a mode is not octal")?;
            mode = mode
                .checked_mul(8)
                .map(|mode| mode | digit)
                .ok_or("a mode is too large")?;
        }
        let rest = &data[space + 1..];
        let nul = rest
            .iter()
            .position(|byte| *byte == 0)
            .ok_or("an entry has no end")?;
        let id = rest.get(nul + 1..nul + 21).ok_or("it ends inside an entry")?;
        let kind = match mode & 0o170_000 {
            0o040_000 => EntryKind::Directory,
            0o120_000 => EntryKind::Symlink,
            0o160_000 => EntryKind::Gitlink,
            0o100_000 if mode & 0o100 != 0 => EntryKind::Executable,
            0o100_000 => EntryKind::File,
            _ => return Err("an entry has an unknown mode"),
        };
        let id = Oid::from_bytes(id).map_err(|_| "an entry has no id")?;
        entries.push(TreeEntry {
            name: rest[..nul].to_vec(),
            kind,
            id,
        });
        data = &rest[nul + 21..];
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn commit(author: &str, committer: &str, message: &[u8]) -> CommitInfo {
        let mut data = format!("tree {ID}\nauthor {author}\ncommitter {committer}\n\n").into_bytes();
        data.extend_from_slice(message);
        let raw = RawCommit::parse(&data).expect("a commit");
        raw.into_info(CommitId(Oid::from_str(ID).expect("an id")))
    }

    #[test]
    fn times_are_read_whatever_their_size() {
        let cases = [
            ("A <a@b> 1700000000 +0100", 1_700_000_000),
            ("A <a@b> 0 +0000", 0),
            ("A <a@b> -86400 +0000", -86_400),
            ("A <a@b> 253402300799 +0000", 253_402_300_799),
            ("A <a@b> 99999999999999999999999 +0000", i64::MAX),
            ("A <a@b> soon", 0),
            ("no address at all 12", 0),
            ("A <a> b> 7 +0000", 7),
            ("", 0),
        ];
        for (line, seconds) in cases {
            assert_eq!(
                commit("A <a@b> 1 +0000", line, b"m").commit_time,
                seconds,
                "{line}"
            );
        }
    }

    #[test]
    fn hostile_texts_become_harmless_ones() {
        let info = commit(
            "Ev\u{1b}[31mil\u{7} <e\rv> 1 +0000",
            "x",
            b"\n\nfirst\x1b]0;\xff\0 line\nsecond",
        );
        assert_eq!(info.author_name, "Ev[31mil");
        assert_eq!(info.author_email, "ev");
        assert_eq!(info.summary, "first]0;\u{fffd}\u{fffd} line");
        let long = commit("A <> 1 +0000", "A <> 1 +0000", &vec![b'x'; 1 << 20]);
        assert_eq!(
            (long.summary.len(), long.message.len()),
            (MAX_SUMMARY_CHARS, MAX_MESSAGE_BYTES)
        );
    }

    #[test]
    fn damaged_objects_are_refused_with_a_reason() {
        assert_eq!(RawCommit::parse(b"").err(), Some("it names no tree"));
        assert_eq!(RawCommit::parse(b"tree 12\n").err(), Some("it names no tree"));
        let bad_parent = format!("tree {ID}\nparent zz\n\n");
        assert_eq!(
            RawCommit::parse(bad_parent.as_bytes()).err(),
            Some("a parent is not an object id")
        );
        for (data, reason) in [
            (&b"100644"[..], "an entry has no mode"),
            (b"10x644 a\0", "a mode is not octal"),
            (b"100644 a", "an entry has no end"),
            (b"100644 a\0short", "it ends inside an entry"),
            (b"170000 a\0aaaaaaaaaaaaaaaaaaaa", "an entry has an unknown mode"),
            (b"7777777777777 a\0aaaaaaaaaaaaaaaaaaaa", "a mode is too large"),
        ] {
            assert_eq!(parse_tree(data).err(), Some(reason));
        }
    }
}
