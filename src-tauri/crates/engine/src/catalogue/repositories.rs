//! `code_repositories`.

use rusqlite::types::Type;
use rusqlite::{Row, params};

use super::Catalogue;
use crate::error::Result;
use crate::wire::{CodeRepository, RepositoryKind};

fn read(row: &Row<'_>) -> rusqlite::Result<CodeRepository> {
    let kind: String = row.get(1)?;
    let kind = serde_json::from_value(kind.into())
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, error.into()))?;
    Ok(CodeRepository {
        name: row.get(0)?,
        kind,
        url: row.get(2)?,
    })
}

fn word(kind: RepositoryKind) -> &'static str {
    match kind {
        RepositoryKind::Git => "git",
        RepositoryKind::Github => "github",
        RepositoryKind::Gitlab => "gitlab",
    }
}

impl Catalogue {
    /// Lists the code repositories by name.
    pub(crate) fn code_repositories(&self) -> Result<Vec<CodeRepository>> {
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT name, kind, url FROM code_repositories ORDER BY name")?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Stores a code repository under its name.
    pub(crate) fn put_code_repository(&self, one: &CodeRepository) -> Result<()> {
        let sql = "INSERT INTO code_repositories(name, kind, url) VALUES(?1, ?2, ?3)
            ON CONFLICT(name) DO UPDATE SET kind = ?2, url = ?3";
        self.db()
            .execute(sql, params![one.name, word(one.kind), one.url])?;
        self.changed();
        Ok(())
    }

    /// Removes a code repository. Returns whether it was there.
    pub(crate) fn delete_code_repository(&self, name: &str) -> Result<bool> {
        let gone = self
            .db()
            .execute("DELETE FROM code_repositories WHERE name = ?1", [name])?;
        self.changed();
        Ok(gone == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_repositories_are_kept_replaced_and_removed() {
        let catalogue = Catalogue::in_memory().unwrap();
        let one = |name: &str, kind, url: &str| CodeRepository {
            name: name.to_owned(),
            kind,
            url: url.to_owned(),
        };
        let all = [
            one("a", RepositoryKind::Github, "https://github.com/a/a"),
            one("b", RepositoryKind::Gitlab, "git@gitlab.com:b/b"),
        ];
        catalogue
            .put_code_repository(&one("b", RepositoryKind::Git, "/old"))
            .unwrap();
        for one in &all {
            catalogue.put_code_repository(one).unwrap();
        }
        assert_eq!(catalogue.code_repositories().unwrap(), all);
        assert!(catalogue.delete_code_repository("a").unwrap());
        assert!(!catalogue.delete_code_repository("a").unwrap());
        assert_eq!(catalogue.code_repositories().unwrap(), all[1..]);
    }
}
