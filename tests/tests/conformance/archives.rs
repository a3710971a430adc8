//! Code archives: packed from real repositories into a real store, and looked into.

use std::fs::{self, File};

use anyhow::{Context, Result};
use git2::{IndexAddOption, Repository, Signature, Time};
use headstart_engine::artifacts::{Store, check_entries};
use headstart_engine::run::pipelines::{CODE, FOLDER};
use headstart_engine::source::{Repo, RepoPath, dirty_tree};
use serde_json::{Value, json};

use crate::Case;

/// Upstream's words for what ours say in ours.
const NO_FILES: &str = "The code archive to be uploaded does not contain any files.";
const EXISTS: &str = "Code already exists in artifact store, skipping upload.";
const OTHER_STORE: &str = "Code stored in different artifact store.";

/// Answers which files an archive has, and what becomes of it.
pub(crate) fn answer(case: &Case) -> Result<Option<Value>> {
    if case.input.is_null() {
        // An archive is unpacked into a container that is new, over what its image may have there.
        let below = CODE.strip_prefix(FOLDER).unwrap_or(CODE);
        return Ok(Some(
            json!({ "directory": format!(".{below}"), "fails_if_exists": false }),
        ));
    }
    let Some(input) = case.input.as_object() else {
        return Ok(None);
    };
    let known = [
        "tracked",
        "untracked",
        "ignored",
        "missing",
        "git",
        "files",
        "exists",
        "code_path",
    ];
    if input.keys().any(|key| !known.contains(&key.as_str())) {
        return Ok(None);
    }
    let names = |key: &str| -> Vec<&str> {
        let list = input.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let place = tempfile::tempdir()?;
    let source = place.path().join("source");
    fs::create_dir(&source)?;
    let write = |names: &[&str]| -> Result<()> {
        for name in names {
            let path = source.join(name);
            fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
            fs::write(&path, name)?;
        }
        Ok(())
    };
    write(&names("files"))?;
    if input.get("git") != Some(&json!(false)) {
        let git = Repository::init(&source)?;
        // Not `.gitignore`, which would be one more file.
        fs::write(git.path().join("info/exclude"), names("ignored").join("\n"))?;
        write(&names("tracked"))?;
        if input.contains_key("exists") || input.contains_key("code_path") {
            write(&["a.py"])?;
        }
        commit(&git)?;
        write(&names("untracked"))?;
        write(&names("ignored"))?;
        for name in names("missing") {
            fs::remove_file(source.join(name))?;
        }
    }
    let store = Store::at(place.path().join("store"));
    let repo = match Repo::open(&source) {
        Ok(repo) => repo,
        Err(error) => return Ok(Some(json!({ "error": error.to_string() }))),
    };
    let dirty = dirty_tree(&repo, &RepoPath::default(), &place.path().join("scratch"))?;
    let stored = match store.add(&dirty.repo, dirty.tree) {
        Ok(stored) => stored,
        Err(error) if error.to_string().contains("would not contain any files") => {
            return Ok(Some(json!({ "error": NO_FILES })));
        }
        Err(error) => return Err(error.into()),
    };
    if input.contains_key("code_path") {
        let active = Store::at(place.path().join("active"));
        let error = active.get(&stored.digest).err();
        let said = error.map(|error| error.to_string()).unwrap_or_default();
        let told = said
            .contains("is not in the artifact store")
            .then_some(OTHER_STORE);
        return Ok(Some(json!({ "error": told })));
    }
    if input.contains_key("exists") {
        let again = store.add(&dirty.repo, dirty.tree)?;
        let told = again.told().contains("already").then_some(EXISTS);
        return Ok(Some(json!({ "uploaded": again.new, "log": told })));
    }
    let contents = check_entries(File::open(&stored.path)?)?;
    let files: Vec<String> = contents.files.iter().map(RepoPath::to_string).collect();
    Ok(Some(json!({ "files": files })))
}

fn commit(git: &Repository) -> Result<()> {
    let mut index = git.index()?;
    index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = git.find_tree(index.write_tree()?)?;
    let who = Signature::new("Ada", "ada@example.com", &Time::new(1_700_000_000, 0))?;
    git.commit(Some("HEAD"), &who, &who, "first", &tree, &[])?;
    Ok(())
}
