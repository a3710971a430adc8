//! Globs, ignore files and images of datum pipelines.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use headstart_engine::recipe::datum::glob::Glob;
use headstart_engine::recipe::datum::ignore::{FILE, Ignore};
use headstart_engine::recipe::datum::image::{self, BuildFrom, Name};
use headstart_engine::recipe::datum::pattern::Pattern;
use headstart_engine::recipe::datum::transformation::{build_folder, spec_folder};
use headstart_engine::wire::IgnoreMeaning;
use serde_json::{Value, json};

use crate::Case;

fn word<'a>(case: &'a Case, field: &str) -> Result<&'a str> {
    case.input[field]
        .as_str()
        .with_context(|| format!("the case has no {field}"))
}

/// Compiles a case's pattern with its separators; without any, nothing stops a star.
fn pattern(case: &Case) -> Result<Pattern> {
    let separators: String = case.input["separators"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let separators: Vec<char> = separators.chars().collect();
    Pattern::compile(word(case, "pattern")?, &separators).map_err(|why| anyhow!("the pattern {why}"))
}

pub(crate) fn syntax(case: &Case) -> Result<Option<Value>> {
    Ok(Some(pattern(case)?.matches(word(case, "text")?).into()))
}

pub(crate) fn captures(case: &Case) -> Result<Option<Value>> {
    let groups = pattern(case)?.captures(word(case, "text")?).unwrap_or_default();
    Ok(Some(json!({ "groups": groups })))
}

pub(crate) fn replaced(case: &Case) -> Result<Option<Value>> {
    let expanded = pattern(case)?.expand(word(case, "text")?, word(case, "template")?);
    Ok(Some(json!(expanded)))
}

/// Returns the datums of a tree: its files, their folders and the root, as far as they match.
pub(crate) fn glob(case: &Case) -> Result<Option<Value>> {
    let files: Vec<String> = match (case.input["files"].as_array(), case.input["generate"].as_str()) {
        (Some(files), _) => files
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        (None, Some("file0..file99, dir1/file0..99, dir2/dir3/file0..99")) => {
            let folder = |folder: &'static str| (0..100).map(move |number| format!("{folder}/file{number}"));
            folder("")
                .chain(folder("/dir1"))
                .chain(folder("/dir2/dir3"))
                .collect()
        }
        _ => return Ok(None),
    };
    let mut paths: BTreeSet<&str> = BTreeSet::from(["/"]);
    for file in &files {
        let ends = file.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
        paths.extend(ends.map(|at| &file[..at]));
        paths.insert(file);
    }
    let patterns = match case.input["patterns"].as_array() {
        Some(patterns) => patterns.iter().filter_map(Value::as_str).collect(),
        None => vec![word(case, "pattern")?],
    };
    let mut found: Option<BTreeSet<&str>> = None;
    for pattern in patterns {
        let glob = Glob::new(pattern).map_err(|why| anyhow!(why))?;
        let datums: BTreeSet<&str> = paths.iter().copied().filter(|path| glob.matches(path)).collect();
        for path in &datums {
            let deep = path.matches('/').count();
            let within = glob.prefix() == "/" || path.starts_with(glob.prefix());
            let shallow = *path == "/" || glob.max_depth().is_none_or(|most| deep <= most);
            anyhow::ensure!(
                within && shallow,
                "{path} matches {pattern} outside of where it is looked for"
            );
        }
        anyhow::ensure!(
            found.as_ref().is_none_or(|found| *found == datums),
            "the patterns differ at {pattern}"
        );
        found = Some(datums);
    }
    let found = found.context("the case has no pattern")?;
    if case.expected["count"].is_number() {
        return Ok(Some(json!({ "count": found.len() })));
    }
    // Without sizes the datums of a tree have no order, so that of the case will do.
    let listed = case.expected["datums"].as_array();
    let expected: BTreeSet<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
    let datums = if expected == found {
        case.expected["datums"].clone()
    } else {
        json!(found)
    };
    Ok(Some(json!({ "datums": datums })))
}

pub(crate) fn ignored(case: &Case) -> Result<Option<Value>> {
    let text = word(case, "pattern")?.as_bytes();
    Ok(Some(
        match Ignore::read(FILE, text, IgnoreMeaning::Pachyderm, true) {
            Ok(ignore) => json!({ "ignored": ignore.matching(word(case, "path")?).is_some() }),
            Err(problem) => json!({ "error": problem.message }),
        },
    ))
}

pub(crate) fn tag_warning(case: &Case) -> Result<Option<Value>> {
    let warning = image::tag_warning(word(case, "image")?).is_some();
    Ok(Some(json!({ "warning": warning })))
}

pub(crate) fn pushed(case: &Case) -> Result<Option<Value>> {
    let name = Name::split(word(case, "image")?);
    let destination = name.with_tag(case.input["uuid"].as_str().unwrap_or("tag"));
    Ok(Some(json!({
        "source": name.source(),
        "destination": destination,
        "destination_repo": Name::split(&destination).repository,
        "spec_image": destination,
    })))
}

pub(crate) fn build_flag(case: &Case) -> Result<Option<Value>> {
    let Some(spec) = case.input["spec"].as_str() else {
        return Ok(None);
    };
    let folder = spec_folder(spec, Path::new("<cwd>"));
    let from =
        BuildFrom::new(case.input["transform.dockerfile"].as_str(), &folder).context("it names no file")?;
    Ok(Some(
        json!({ "context": from.context, "dockerfile": from.dockerfile }),
    ))
}

pub(crate) fn build_path(case: &Case) -> Result<Option<Value>> {
    let folder = spec_folder(word(case, "spec")?, Path::new("<cwd>"));
    Ok(Some(json!(build_folder(word(case, "path")?, &folder))))
}
