//! Which older build a commit with additional repositories starts from: asked of a whole engine, because what a build was
//! made with is known only from its record and from what was fetched.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use git2::{Oid, Repository, Signature, Time};
use headstart_engine::builds::{self, Started};
use headstart_engine::wire::{BuildRequest, Decision};
use serde_json::{Value, json};

use crate::Case;
use crate::base_selection::{status, texts};
use crate::same_commit::Place;
use crate::workspace::{Declared, Files};

/// Answers a case with additional repositories and one candidate; none for any other.
pub(crate) fn answer(case: &Case) -> Result<Option<Value>> {
    let input = &case.input;
    let [candidate] = input["candidates_newest_first"]
        .as_array()
        .map_or(&[][..], Vec::as_slice)
    else {
        return Ok(None);
    };
    let histories = list(&input["additional_histories"]);
    let older = list(&candidate["additional"]);
    let (Some(at), Some(head)) = (candidate["commit"].as_str(), input["history"][0].as_str()) else {
        return Ok(None);
    };
    if histories.is_empty() && older.is_empty() || at == head && urls(&histories) != urls(&older) {
        return Ok(None);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(ask(input, candidate, at, &histories, &older))
        .map(Some)
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().into_iter().flatten().collect()
}

fn urls<'a>(repositories: &[&'a Value]) -> Vec<&'a str> {
    repositories
        .iter()
        .filter_map(|one| one["url"].as_str())
        .collect()
}

async fn ask(input: &Value, candidate: &Value, at: &str, now: &[&Value], before: &[&Value]) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let others = Others::write(folder.path(), now, before)?;
    let declared = |of: &Value, repositories: &[&Value]| -> Result<Files> {
        let paths: Vec<String> = urls(repositories).iter().map(|url| others.address(url)).collect();
        Declared {
            image: of.get("image"),
            tasks: of.get("tasks"),
            additional: paths.iter().map(String::as_str).collect(),
            ..Declared::default()
        }
        .files()
    };
    let (new, old) = (declared(input, now)?, declared(candidate, before)?);
    let history = texts(&input["history"]);
    let mut ids = HashMap::new();
    let place = Place::with(|source| {
        let git = Repository::init(source)?;
        let mut tip = None;
        let outside = (!history.contains(&at)).then_some(at);
        for name in history.iter().rev().copied().chain(outside) {
            // A commit outside the history is a sibling of the head, which is written last but one.
            let parent = if Some(name) == outside { None } else { tip };
            let files = if name == at && at != history[0] {
                &old
            } else {
                &new
            };
            let id = commit(&git, files, name, parent)?;
            if Some(name) != outside {
                tip = Some(id);
            }
            ids.insert(name.to_owned(), id);
        }
        git.reference(
            "refs/heads/main",
            tip.context("the case has no history")?,
            true,
            "",
        )?;
        git.set_head("refs/heads/main")?;
        // Adding a project looks at the work tree.
        for (name, text) in &new.0 {
            let path = source.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(source))?;
            std::fs::write(path, text)?;
        }
        Ok(())
    })?;

    others.stand_at(before, |one| one["commit"].as_str())?;
    let built = BuildRequest {
        commit: ids.get(at).map(Oid::to_string),
        ..place.request.clone()
    };
    let first = builds::start(&place.engine, &built).await?;
    place.wait(&first).await?;
    place.rewrite(&first, status(candidate)?.as_str(), true)?;

    others.stand_at(now, |one| texts(&one["history"]).first().copied())?;
    let started = builds::start_detailed(&place.engine, &place.request).await?;
    let id = started.id().clone();
    if matches!(started, Started::New(_)) {
        place.wait(&id).await?;
    }
    let build = builds::get(&place.engine, &id)?;
    Ok(match (started, build.decision, build.base) {
        (Started::Reused(_), ..) => json!({ "base": candidate["id"], "match": "exact" }),
        (_, Decision::Incremental, Some(base)) if base.build == first => {
            json!({ "base": candidate["id"], "match": "incremental", "distance": base.distance })
        }
        _ => json!({ "base": null, "match": null }),
    })
}

fn commit(git: &Repository, files: &Files, name: &str, parent: Option<Oid>) -> Result<Oid> {
    let mut index = git2::Index::new()?;
    for (path, text) in files.0.iter().chain([(&"file".to_owned(), &name.to_owned())]) {
        let entry = git2::IndexEntry {
            ctime: git2::IndexTime::new(0, 0),
            mtime: git2::IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode: 0o100_644,
            uid: 0,
            gid: 0,
            file_size: 0,
            id: git.blob(text.as_bytes())?,
            flags: 0,
            flags_extended: 0,
            path: path.clone().into_bytes(),
        };
        index.add(&entry)?;
    }
    let tree = git.find_tree(index.write_tree_to(git)?)?;
    let parent = parent.map(|id| git.find_commit(id)).transpose()?;
    let time = parent
        .as_ref()
        .map_or(1_700_000_000, |parent| parent.time().seconds() + 60);
    let who = Signature::new("Ada", "ada@example.com", &Time::new(time, 0))?;
    Ok(git.commit(None, &who, &who, name, &tree, &parent.iter().collect::<Vec<_>>())?)
}

/// The additional repositories of a case, on disk.
struct Others {
    folder: PathBuf,
    commits: BTreeMap<(String, String), Oid>,
}

impl Others {
    fn write(folder: &Path, now: &[&Value], before: &[&Value]) -> Result<Self> {
        let mut others = Self {
            folder: folder.to_owned(),
            commits: BTreeMap::new(),
        };
        let all: BTreeSet<&str> = urls(now).into_iter().chain(urls(before)).collect();
        for url in all {
            let git = Repository::init(others.address(url))?;
            git.set_head("refs/heads/main")?;
            let of = |list: &[&Value]| {
                list.iter()
                    .find(|one| one["url"] == url)
                    .map(|one| (*one).clone())
            };
            let mut tip = None;
            let history = of(now).map(|one| one["history"].clone()).unwrap_or_default();
            let nothing = Files::default();
            for name in texts(&history).into_iter().rev() {
                tip = Some(commit(&git, &nothing, name, tip)?);
                others
                    .commits
                    .extend(tip.map(|id| ((url.to_owned(), name.to_owned()), id)));
            }
            if let Some(name) = of(before).as_ref().and_then(|one| one["commit"].as_str())
                && !texts(&history).contains(&name)
            {
                let id = commit(&git, &nothing, name, None)?;
                others.commits.insert((url.to_owned(), name.to_owned()), id);
            }
        }
        Ok(others)
    }

    fn address(&self, url: &str) -> String {
        let name: String = url.chars().filter(char::is_ascii_alphanumeric).collect();
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// Moves the branch of each repository to the commit that `of` says.
    fn stand_at<'a>(&self, list: &[&'a Value], of: impl Fn(&'a Value) -> Option<&'a str>) -> Result<()> {
        for one in list {
            let (Some(url), Some(name)) = (one["url"].as_str(), of(one)) else {
                continue;
            };
            let id = self
                .commits
                .get(&(url.to_owned(), name.to_owned()))
                .context("no such commit")?;
            Repository::open(self.address(url))?.reference("refs/heads/main", *id, true, "")?;
        }
        Ok(())
    }
}
