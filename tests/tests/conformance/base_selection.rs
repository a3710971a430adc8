//! Which older build a commit starts from: real history, real keys, the planner's own choice.
//!
//! Chains of one are a setting of ours (`max_chain` 1 is upstream's rule), and so is the window: as many commits as the
//! case's history has. Cases with additional repositories are asked in `repositories`.

use std::collections::HashMap;

use anyhow::{Context, Result};
use git2::{Repository, Signature, Time};
use headstart_engine::plan::environment_differences;
use headstart_engine::plan::select::{Choice, Existence, Facts, Limits, select};
use headstart_engine::recipe::Environment;
use headstart_engine::source::{CommitId, Repo, ancestors};
use headstart_engine::wire::BuildStatus;
use serde_json::{Value, json};

use crate::workspace::Declared;
use crate::{Case, repositories};

pub(crate) fn answer(case: &Case) -> Result<Option<Value>> {
    if let Some(answer) = repositories::answer(case)? {
        return Ok(Some(answer));
    }
    let sibling = choose(case, Strangers::OnAnotherBranch)?;
    let older = choose(case, Strangers::FurtherBack)?;
    // A case does not say where a commit outside its history lies: neither place may make it a base.
    anyhow::ensure!(
        sibling == older,
        "on another branch {sibling}, further back {older}"
    );
    Ok(Some(sibling))
}

/// Where commits lie that a case's history does not have.
#[derive(Clone, Copy, PartialEq)]
enum Strangers {
    OnAnotherBranch,
    FurtherBack,
}

fn choose(case: &Case, strangers: Strangers) -> Result<Value> {
    let input = &case.input;
    let candidates = ["candidates_newest_first", "candidates", "prebuilds"]
        .iter()
        .find_map(|name| input[name].as_array())
        .context("the case has no candidates")?;
    let history: Vec<&str> = texts(&input["history"]);
    let outside: Vec<&str> = candidates
        .iter()
        .filter_map(commit_of)
        .filter(|commit| !history.contains(commit))
        .collect();
    let graph = Graph::write(&history, &outside, strangers)?;
    let window = match graph.head() {
        Some(head) => ancestors(&graph.repo, head, history.len())?,
        None => Vec::new(),
    };

    // The image is said to have moved, or a copied file to have changed, between the two; only the title tells.
    let says = |words: &str| case.title.contains(words) || case.note.contains(words);
    let moved = says("image behind it moved") || says("not its digest");
    let changed = texts(&input["changed_paths_between"]);
    let copied = |content: &'static str| match says("copied by the Dockerfile") {
        true => changed.iter().map(|path| (*path, content)).collect(),
        false => Vec::new(),
    };
    let urls = |list: &'_ Value| -> Vec<String> {
        let url = |one: &Value| {
            one["url"]
                .as_str()
                .or(one["cloneUrl"].as_str())
                .map(str::to_owned)
        };
        list.as_array().into_iter().flatten().filter_map(url).collect()
    };
    let additional = [&input["additional_histories"], &input["additional"]];
    let additional = additional
        .into_iter()
        .find(|list| list.is_array())
        .map(urls)
        .unwrap_or_default();
    let wanted = Declared {
        image: input.get("image"),
        tasks: input.get("tasks"),
        additional: additional.iter().map(String::as_str).collect(),
        copied: copied("new"),
        moved,
    }
    .environment()?;
    let Some(wanted) = wanted else {
        return Ok(json!({ "base": null }));
    };

    let mut facts = Vec::new();
    for (age, one) in candidates.iter().enumerate() {
        let additional = urls(&one["additional"]);
        // A case that names neither image nor tasks of a candidate is not about them.
        let declared = Declared {
            image: one.get("image").or(input.get("image")),
            tasks: one.get("tasks").or(input.get("tasks")),
            additional: additional.iter().map(String::as_str).collect(),
            copied: copied("old"),
            moved: false,
        };
        let commit = commit_of(one).and_then(|name| graph.commits.get(name)).copied();
        let step = window.iter().find(|step| Some(step.commit) == commit);
        let chained = !one["based_on"].is_null();
        facts.push(Facts {
            status: status(one)?,
            failed_step: None,
            distance: step.and_then(|step| u32::try_from(step.index).ok()),
            differences: differences(declared.environment()?, &wanted),
            same_code: match (commit, graph.head()) {
                (Some(commit), Some(head)) => {
                    graph.repo.commit(commit)?.tree == graph.repo.commit(head)?.tree
                }
                _ => false,
            },
            dirty: false,
            existence: match is_true(&one["content_deleted"]) || is_true(&one["deleted"]) {
                true => Existence::Gone,
                false => Existence::Present,
            },
            chain: u32::from(chained),
            layers: None,
            expected_ms: None,
            created_at: -i64::try_from(age)?,
        });
    }
    let limits = Limits {
        max_chain: 1,
        max_layers: 100,
    };
    let id = |at: usize| candidates[at]["id"].clone();
    Ok(match select(&facts, limits, None).choice {
        Choice::Reuse(at) => json!({ "base": id(at), "match": "exact", "distance": facts[at].distance }),
        Choice::Incremental(at) => {
            json!({ "base": id(at), "match": "incremental", "distance": facts[at].distance })
        }
        Choice::Full(_) => json!({ "base": null, "match": null }),
    })
}

pub(crate) fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

pub(crate) fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or(!value.is_null())
}

fn commit_of(candidate: &Value) -> Option<&str> {
    candidate["commit"].as_str()
}

pub(crate) fn status(candidate: &Value) -> Result<BuildStatus> {
    let state = candidate["state"].as_str().unwrap_or("available");
    let failed = is_true(&candidate["error"]) || is_true(&candidate["task_failed"]);
    Ok(match state {
        // Upstream calls a build whose task failed available, with an error; it has a word of its own here.
        "available" if failed => BuildStatus::Failed,
        "available" => BuildStatus::Succeeded,
        "queued" => BuildStatus::Queued,
        "building" => BuildStatus::Running,
        "aborted" => BuildStatus::Cancelled,
        "timeout" => BuildStatus::TimedOut,
        "failed" => BuildStatus::Failed,
        other => anyhow::bail!("{other} is no state of a prebuild"),
    })
}

fn differences(older: Option<Environment>, wanted: &Environment) -> Vec<String> {
    let Some(older) = older else {
        return vec!["its recipe cannot be read".to_owned()];
    };
    let (old, new) = ((older.key(), older.shown()), (wanted.key(), wanted.shown()));
    environment_differences((&old.0, &old.1), (&new.0, &new.1))
        .into_iter()
        .map(|difference| difference.text)
        .collect()
}

/// A real repository with the commits of a case, each with a tree of its own.
struct Graph {
    repo: Repo,
    commits: HashMap<String, CommitId>,
    head: Option<String>,
    _folder: tempfile::TempDir,
}

impl Graph {
    fn write(history: &[&str], outside: &[&str], strangers: Strangers) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let git = Repository::init(folder.path())?;
        let mut commits = HashMap::new();
        let mut time = 1_700_000_000;
        let mut write = |name: &str, parent: Option<CommitId>| -> Result<CommitId> {
            time += 60;
            let who = Signature::new("Ada", "ada@example.com", &Time::new(time, 0))?;
            let mut tree = git.treebuilder(None)?;
            tree.insert("file", git.blob(name.as_bytes())?, 0o100_644)?;
            let tree = git.find_tree(tree.write()?)?;
            let parent = parent.map(|id| git.find_commit(id.0)).transpose()?;
            let id = git.commit(None, &who, &who, name, &tree, &parent.iter().collect::<Vec<_>>())?;
            commits.insert(name.to_owned(), CommitId(id));
            Ok(CommitId(id))
        };
        let mut tip = None;
        if strangers == Strangers::FurtherBack {
            for name in outside.iter().rev() {
                tip = Some(write(name, tip)?);
            }
        }
        let mut root = None;
        for name in history.iter().rev() {
            tip = Some(write(name, tip)?);
            root = root.or(tip);
        }
        if strangers == Strangers::OnAnotherBranch {
            for name in outside {
                write(name, root)?;
            }
        }
        Ok(Self {
            repo: Repo::open(folder.path())?,
            commits,
            head: history.first().map(|name| (*name).to_owned()),
            _folder: folder,
        })
    }

    fn head(&self) -> Option<CommitId> {
        self.commits.get(self.head.as_deref()?).copied()
    }
}
