//! A commit's files, in memory.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};
use headstart_engine::recipe::SourceView;
use headstart_engine::recipe::compose::Resolved;
use headstart_engine::source::SourceError;

/// Files by path; the source root is the repository.
#[derive(Clone, Debug, Default)]
pub struct Files(pub BTreeMap<String, String>);

impl SourceView for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.0.get(path).map(|text| text.clone().into_bytes()))
    }

    fn key(&self, path: &str) -> Result<Option<String>, SourceError> {
        let all: String = self
            .0
            .iter()
            .filter(|(name, _)| path.is_empty() || *name == path || name.starts_with(&format!("{path}/")))
            .map(|(name, text)| format!("{name}\0{text}\0"))
            .collect();
        Ok((!all.is_empty()).then(|| format!("file:{}", digest(&all))))
    }

    fn read_whole(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        self.read(path)
    }

    fn key_whole(&self, path: &str) -> Result<Option<String>, SourceError> {
        self.key(path)
    }

    fn files(&self, folder: &str) -> Result<Option<Vec<(String, String)>>, SourceError> {
        let inside = |(path, text): (&String, &String)| {
            let inner = match folder {
                "" => Some(path.as_str()),
                folder => path
                    .strip_prefix(folder)
                    .and_then(|inner| inner.strip_prefix('/')),
            };
            inner.map(|inner| (inner.to_owned(), digest(text)))
        };
        let files: Vec<(String, String)> = self.0.iter().filter_map(inside).collect();
        Ok((!files.is_empty()).then_some(files))
    }

    fn compose(&self, file: &str) -> Result<Resolved, String> {
        Err(format!("{file} is no compose file"))
    }
}

/// Returns git's id of a text.
pub fn digest(text: &str) -> String {
    Oid::hash_object(ObjectType::Blob, text.as_bytes())
        .map(|id| id.to_string())
        .unwrap_or_default()
}
