//! `seen_images`: which digest was last seen behind an image reference.

use rusqlite::{OptionalExtension, params};

use super::Catalogue;
use crate::error::Result;

/// What was seen behind a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenImage {
    /// The digest last seen.
    pub(crate) digest: String,
    /// The one before it, when it moved.
    pub(crate) previous: Option<String>,
}

impl Catalogue {
    /// Returns what was last seen behind a reference.
    pub(crate) fn seen_image(&self, reference: &str, platform: &str) -> Result<Option<SeenImage>> {
        let sql = "SELECT digest, previous FROM seen_images WHERE reference = ?1 AND platform = ?2";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(SeenImage {
                digest: row.get(0)?,
                previous: row.get(1)?,
            })
        };
        Ok(self
            .db()
            .prepare_cached(sql)?
            .query_row([reference, platform], read)
            .optional()?)
    }

    /// Remembers the digest behind a reference.
    pub(crate) fn note_image(&self, reference: &str, platform: &str, digest: &str, at: i64) -> Result<()> {
        let sql = "INSERT INTO seen_images(reference, platform, digest, seen_at) VALUES(?1, ?2, ?3, ?4)
             ON CONFLICT(reference, platform) DO UPDATE SET
                 previous = CASE WHEN digest <> ?3 THEN digest ELSE previous END, digest = ?3, seen_at = ?4";
        self.db().execute(sql, params![reference, platform, digest, at])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_tag_keeps_the_digest_it_had_before() {
        let catalogue = Catalogue::in_memory().unwrap();
        catalogue
            .note_image("a:1", "linux/amd64", "sha256:one", 1)
            .unwrap();
        catalogue
            .note_image("a:1", "linux/amd64", "sha256:one", 2)
            .unwrap();
        assert_eq!(
            catalogue
                .seen_image("a:1", "linux/amd64")
                .unwrap()
                .unwrap()
                .previous,
            None
        );
        catalogue
            .note_image("a:1", "linux/amd64", "sha256:two", 3)
            .unwrap();
        let seen = catalogue.seen_image("a:1", "linux/amd64").unwrap().unwrap();
        assert_eq!(
            seen,
            SeenImage {
                digest: "sha256:two".into(),
                previous: Some("sha256:one".into())
            }
        );
    }
}
