//! Inputs of specs, read with places.

use std::collections::HashMap;

use jiff::Timestamp;

use super::fields;
use super::glob::Glob;
use super::input::{BRANCH, Cron, Input, Pfs, Trigger};
use super::names::{cut, wrong_branch, wrong_input, wrong_repository};
use super::schedule::Schedule;
use super::spec::Place;
use crate::recipe::yaml::{Node, Reader, Tree};

/// Most repositories and clocks that a pipeline reads.
const MAX_LEAVES: usize = 64;
/// Most bytes of globs in a file: each costs time to compile.
const MAX_GLOBS: usize = 1 << 12;

/// What is counted while the inputs of a file are read.
#[derive(Default)]
pub(super) struct Counted {
    /// Bytes of globs in the file.
    pub(super) globs: usize,
    /// Inputs of the pipeline.
    pub(super) leaves: usize,
    /// Branches that triggers of the pipeline made, by repository.
    pub(super) triggers: HashMap<String, usize>,
}

const KINDS: [&str; 7] = ["pfs", "cross", "union", "join", "group", "cron", "git"];
const PFS: [&str; 12] = [
    "name",
    "repo",
    "branch",
    "commit",
    "glob",
    "join_on",
    "outer_join",
    "group_by",
    "lazy",
    "empty_files",
    "s3",
    "trigger",
];
const CRON: [&str; 6] = ["name", "repo", "spec", "start", "overwrite", "commit"];
const TRIGGER: [&str; 5] = ["branch", "all", "cron_spec", "size", "commits"];

/// Reads an input of a pipeline; none when it is wrong, which is told.
pub(super) fn read(
    reader: &mut Reader<'_>,
    pipeline: &str,
    node: &Node,
    counted: &mut Counted,
) -> Option<Input> {
    let mut found: Option<Option<Input>> = None;
    for (key, value) in reader.map("an input", node) {
        let kind = fields::snake(&key.value);
        if !KINDS.contains(&kind.as_str()) {
            reader.unknown_key(key, "in the input", &KINDS);
            continue;
        }
        if matches!(value.value, Tree::Null) {
            continue;
        }
        let many = matches!(kind.as_str(), "cross" | "union" | "join" | "group");
        if many && reader.list(&kind, value).is_empty() {
            continue;
        }
        if found.is_some() {
            reader.error(
                key,
                "multiple input types set",
                "give each input one kind; combine them with `cross`",
            );
            return None;
        }
        let inner = |reader: &mut Reader<'_>, counted: &mut Counted| -> Option<Vec<Input>> {
            let items = reader.list(&kind, value);
            let read: Vec<Option<Input>> = items
                .iter()
                .map(|item| read(reader, pipeline, item, counted))
                .collect();
            read.into_iter().collect()
        };
        found = Some(match kind.as_str() {
            "cross" => inner(reader, counted).map(Input::Cross),
            "union" => inner(reader, counted).map(Input::Union),
            "join" => inner(reader, counted).map(Input::Join),
            "group" => inner(reader, counted).map(Input::Group),
            "git" => {
                refuse_git(reader, value);
                None
            }
            leaf => {
                counted.leaves += 1;
                if counted.leaves == MAX_LEAVES + 1 {
                    let message = format!("the pipeline has more than {MAX_LEAVES} inputs");
                    reader.error(key, message, "split the pipeline");
                }
                if counted.leaves > MAX_LEAVES {
                    None
                } else if leaf == "cron" {
                    read_cron(reader, pipeline, value)
                } else {
                    read_pfs(reader, pipeline, value, counted)
                }
            }
        });
    }
    if found.is_none() {
        let hint =
            "add `pfs: {repo: …, glob: /*}`, or combine several with `cross`, `union`, `join` or `group`";
        reader.error(node, "no input set", hint);
    }
    found?
}

fn refuse_git(reader: &mut Reader<'_>, node: &Node) {
    let entries = reader.map("`git`", node);
    let url = entries.iter().find(|(key, _)| fields::snake(&key.value) == "url");
    let at = url.map_or(node, |(_, value)| value);
    let text = url.and_then(|(_, value)| reader.text("url", value));
    let wrong = match text.as_deref().unwrap_or_default() {
        "" => Some("clone URL is missing (such as https://example.com/org/foo.git)"),
        text if !text.ends_with(".git") => Some("clone URL is missing .git suffix"),
        text if !text.starts_with("https://") => Some("clone URL must use https protocol"),
        _ => None,
    };
    if let Some(message) = wrong {
        reader.error(at, message, "");
    }
    reader.error(
        node,
        "git inputs are not supported here",
        "put the files into a data repository, or use a build step",
    );
}

fn read_pfs(reader: &mut Reader<'_>, pipeline: &str, node: &Node, counted: &mut Counted) -> Option<Input> {
    let before = reader.problems.len();
    let (mut name, mut repo, mut branch, mut commit) = (String::new(), String::new(), String::new(), None);
    let (mut join_on, mut group_by) = (String::new(), String::new());
    let (mut outer_join, mut lazy, mut empty_files) = (false, false, false);
    let (mut glob_text, mut glob, mut trigger) = (String::new(), None, None);
    for (key, value) in reader.map("`pfs`", node) {
        match fields::snake(&key.value).as_str() {
            "name" => name = checked(reader, "input name", value, wrong_input),
            "repo" => repo = checked(reader, "repository", value, wrong_repository),
            "branch" => branch = checked(reader, "branch", value, wrong_branch),
            "commit" => commit = reader.text("commit", value).filter(|commit| !commit.is_empty()),
            "glob" => {
                glob_text = fields::text(reader, "glob", value);
                counted.globs += glob_text.len();
                if counted.globs > MAX_GLOBS {
                    let message = format!("the globs of the file are longer than {MAX_GLOBS} bytes together");
                    reader.error(value, message, "split the file");
                } else {
                    match Glob::new(&glob_text) {
                        Ok(compiled) => glob = Some(compiled),
                        Err(why) => {
                            reader.error(value, why, "put `\\` before a character that stands for itself")
                        }
                    }
                }
            }
            "join_on" => join_on = fields::text(reader, "join_on", value),
            "outer_join" => outer_join = fields::boolean(reader, "outer_join", value),
            "group_by" => group_by = fields::text(reader, "group_by", value),
            "lazy" => lazy = fields::boolean(reader, "lazy", value),
            "empty_files" => empty_files = fields::boolean(reader, "empty_files", value),
            "s3" => {
                if fields::boolean(reader, "s3", value) {
                    reader.error(
                        key,
                        "s3 inputs are not supported here",
                        "read the files below `/pfs` instead",
                    );
                }
            }
            "trigger" => trigger = read_trigger(reader, value),
            _ => reader.unknown_key(key, "in `pfs`", &PFS),
        }
    }
    if reader.has_error_since(before) {
        return None;
    }
    if name.is_empty() {
        name.clone_from(&repo);
    }
    if name.is_empty() {
        reader.error(
            node,
            "input must specify a name",
            "give it a `repo`, whose name it gets, or a `name`",
        );
    } else if name == "out" {
        reader.error(
            node,
            "input cannot be named \"out\", because `/pfs/out` collects what the pipeline writes",
            "give it another `name`",
        );
    } else if repo.is_empty() {
        reader.error(node, "input must specify a repo", "add `repo: …`");
    } else if glob_text.is_empty() {
        reader.error(
            node,
            "input must specify a glob",
            "add `glob: /*` for one datum per file or folder at the top, `glob: /` for one with everything",
        );
    }
    if reader.has_error_since(before) {
        return None;
    }
    if branch.is_empty() {
        branch = if let Some(trigger) = &mut trigger {
            if trigger.branch.is_empty() {
                BRANCH.clone_into(&mut trigger.branch);
            }
            let made = counted.triggers.entry(repo.clone()).or_default();
            *made += 1;
            format!("{pipeline}-trigger-{made}")
        } else {
            BRANCH.to_owned()
        };
    }
    Some(Input::Pfs(Pfs {
        name,
        repo,
        branch,
        commit,
        glob: glob?,
        glob_text,
        join_on,
        outer_join,
        group_by,
        lazy,
        empty_files,
        trigger,
        place: place(node),
    }))
}

fn read_trigger(reader: &mut Reader<'_>, node: &Node) -> Option<Trigger> {
    let mut trigger = Trigger::default();
    let entries = reader.map("`trigger`", node);
    for (key, value) in entries {
        match fields::snake(&key.value).as_str() {
            "branch" => trigger.branch = checked(reader, "branch", value, wrong_branch),
            "all" => trigger.all = fields::boolean(reader, "all", value),
            "cron_spec" => {
                trigger.cron_spec = reader.text("cron_spec", value).filter(|text| !text.is_empty());
                if let Some(text) = &trigger.cron_spec
                    && let Err(why) = Schedule::parse(text)
                {
                    reader.error(
                        value,
                        format!("the cron spec cannot be read: {why}"),
                        "write it as `0 * * * *`",
                    );
                }
            }
            "size" => trigger.size = fields::quantity(reader, "size", value),
            "commits" => {
                let commits = fields::integer(reader, "commits", value, 0, 1_000_000);
                trigger.commits = commits
                    .and_then(|count| u32::try_from(count).ok())
                    .filter(|count| *count > 0);
            }
            _ => reader.unknown_key(key, "in `trigger`", &TRIGGER),
        }
    }
    (!entries.is_empty()).then_some(trigger)
}

fn read_cron(reader: &mut Reader<'_>, pipeline: &str, node: &Node) -> Option<Input> {
    let (mut name, mut repo, mut spec) = (String::new(), String::new(), String::new());
    let (mut start, mut overwrite, mut spec_node) = (None, false, node);
    for (key, value) in reader.map("`cron`", node) {
        match fields::snake(&key.value).as_str() {
            "name" => name = checked(reader, "input name", value, wrong_input),
            "repo" => repo = checked(reader, "repository", value, wrong_repository),
            "spec" => {
                spec = fields::text(reader, "spec", value);
                spec_node = value;
            }
            "start" => {
                if let Some(text) = reader.text("start", value) {
                    match text.parse::<Timestamp>() {
                        Ok(time) => start = Some(time.as_millisecond()),
                        Err(_) => reader.error(
                            value,
                            format!("`start` is no time: {}", cut(&text)),
                            "write it as `2026-01-31T00:00:00Z`",
                        ),
                    }
                }
            }
            "overwrite" => overwrite = fields::boolean(reader, "overwrite", value),
            "commit" => {}
            _ => reader.unknown_key(key, "in `cron`", &CRON),
        }
    }
    if name.is_empty() {
        reader.error(node, "input must specify a name", "add `name: …`");
    } else if name == "out" {
        let message = "input cannot be named \"out\", because `/pfs/out` collects what the pipeline writes";
        reader.error(node, message, "give it another `name`");
    }
    let schedule = match Schedule::parse(&spec) {
        Ok(schedule) => Some(schedule),
        Err(why) => {
            let message = format!("the cron spec cannot be read: {why}");
            reader.error(spec_node, message, "write it as `0 * * * *` or `@every 1h`");
            None
        }
    };
    if repo.is_empty() {
        repo = format!("{pipeline}_{name}");
    }
    Some(Input::Cron(Cron {
        name: Some(name).filter(|name| !name.is_empty())?,
        repo,
        spec,
        schedule: schedule?,
        start,
        overwrite,
        place: place(node),
    }))
}

/// Reads a name that may be empty, but not wrong.
fn checked(reader: &mut Reader<'_>, what: &str, node: &Node, wrong: fn(&str) -> Option<String>) -> String {
    let text = fields::text(reader, what, node);
    if text.is_empty() {
        return text;
    }
    if let Some(why) = wrong(&text) {
        let message = format!("the {what} `{}` {why}", cut(&text));
        reader.error(node, message, "use letters, digits, `_` and `-`");
        return String::new();
    }
    text
}

/// Returns where a value stands.
pub(super) fn place<T>(node: &serde_saphyr::Spanned<T>) -> Place {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).max(1);
    Place {
        line: number(node.referenced.line()),
        column: number(node.referenced.column()),
    }
}
