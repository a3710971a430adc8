//! Tags of the images that a build makes: `latest`, and what the build was made from.

use super::names::short_hash;

/// The tag that moves with each build.
pub const LATEST: &str = "latest";
/// Digits of a commit in a tag. Always as many, while `git rev-parse --short` depends on the clone.
const DIGITS: usize = 12;
/// Longest tag that is made here or in [`caches`](super::caches), in characters: behind an image's name of 64 it fits into
/// the 128 of a tag.
pub(super) const MAX: usize = 63;

/// What a build is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made<'a> {
    /// A commit as it is.
    Commit {
        /// Its id, 40 or 64 hexadecimal digits.
        id: &'a str,
    },
    /// A work tree that differs from its commit.
    Dirty {
        /// The commit's id.
        id: &'a str,
        /// Digest of what differs; untracked files count.
        content: &'a str,
    },
    /// Files outside any git repository.
    Content {
        /// Digest of the files.
        content: &'a str,
    },
}

/// Returns the tag of what is made from the same source, on every machine: `0123456789ab` for a commit,
/// `0123456789ab-1a2b3c4d` for a dirty work tree and `content-1a2b3c4d` outside git.
pub fn tag(made: Made<'_>) -> String {
    match made {
        Made::Commit { id } => commit(id).to_owned(),
        Made::Dirty { id, content } => format!("{}-{}", commit(id), short_hash(content)),
        Made::Content { content } => format!("content-{}", short_hash(content)),
    }
}

fn commit(id: &str) -> &str {
    id.get(..DIGITS).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_tag_says_what_an_image_was_made_from() {
        let dirty = |content| tag(Made::Dirty { id: ID, content });
        assert_eq!(tag(Made::Commit { id: ID }), "0123456789ab");
        assert_eq!(dirty("k1"), format!("0123456789ab-{}", short_hash("k1")));
        assert_ne!(dirty("k1"), dirty("k2"), "two edits are two images");
        assert_eq!(
            tag(Made::Content { content: "k1" }),
            format!("content-{}", short_hash("k1"))
        );
    }

    #[test]
    fn the_same_source_has_the_same_tag_everywhere() {
        let outside = Made::Content { content: "key" };
        assert_eq!(tag(outside), tag(outside), "nothing is random outside git");
    }
}
