//! Tests of the store: what it keeps, and what becomes of it.

mod doors;
mod files;
mod million;
mod store;
mod sweeps;
mod trees;

use std::path::Path;
use std::sync::Arc;

use super::{Content, DataStore, Writing, create_repo_in, put};
use crate::error::Result;
use crate::wire::{PutReport, PutRequest, PutSource};

pub(super) struct Home {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Arc<DataStore>,
}

/// A store with an empty repository `data`.
pub(super) fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let store = DataStore::open(folder.path()).unwrap();
    store.write(|tx| create_repo_in(tx, "data", "", None)).unwrap();
    Home { folder, store }
}

pub(super) fn text(writing: &Writing, text: &str) -> Content {
    writing.write_content(&mut text.as_bytes()).unwrap()
}

/// Bytes that look random and are the same every time.
pub(super) fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

impl Home {
    pub(super) fn put(&self, from: &Path, to: &str) -> Result<PutReport> {
        self.change(&[(from, to)], &[])
    }

    pub(super) fn change(&self, sources: &[(&Path, &str)], remove: &[&str]) -> Result<PutReport> {
        put::put(&self.store, &request(sources, remove), &mut |_| true)
    }

    /// All files of the newest commit, with what is in them.
    pub(super) fn all(&self) -> Vec<(String, Vec<u8>)> {
        let (_, tree) = super::look::open(&self.store, "data@master").unwrap();
        let files = tree.files("/").unwrap().map(Result::unwrap);
        files
            .map(|file| (file.path, self.store.content_bytes(&file.content).unwrap()))
            .collect()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.all().into_iter().map(|(path, _)| path).collect()
    }
}

pub(super) fn request(sources: &[(&Path, &str)], remove: &[&str]) -> PutRequest {
    let source = |(from, to): &(&Path, &str)| PutSource {
        from: from.to_str().unwrap().to_owned(),
        to: (*to).to_owned(),
    };
    PutRequest {
        stack: None,
        repo: "data".to_owned(),
        branch: "master".to_owned(),
        sources: sources.iter().map(source).collect(),
        remove: remove.iter().map(|path| (*path).to_owned()).collect(),
        message: None,
    }
}
