//! Specs of datum pipelines: their defaults, what is refused, and what a build step makes of them.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use headstart_engine::recipe::datum::input::{Leaf, Pfs};
use headstart_engine::recipe::datum::names::wrong_pipeline;
use headstart_engine::recipe::datum::spec::{Asked, Parallelism, Spec, read, read_for};
use headstart_engine::recipe::datum::transformation::{
    build_folder, no_build_folder, spec_folder, transformed,
};
use headstart_engine::recipe::datum::world::missing_repositories;
use headstart_engine::wire::{Problem, Severity};
use serde_json::{Value, json};

use crate::Case;

const FILE: &str = "p.json";

fn input() -> Value {
    json!({ "pfs": { "repo": "in", "glob": "/*" } })
}

/// Reads a spec that nothing is wrong with.
fn good(spec: &Value) -> Result<Spec> {
    let (specs, problems) = read(FILE, spec.to_string().as_bytes());
    specs
        .into_iter()
        .next()
        .with_context(|| format!("it is refused: {problems:?}"))
}

fn messages(problems: &[Problem], severity: Severity) -> Vec<&str> {
    let of = problems.iter().filter(|problem| problem.severity == severity);
    of.map(|problem| problem.message.as_str()).collect()
}

pub(crate) fn name(case: &Case) -> Result<Option<Value>> {
    let name = case.input.as_str().context("the case has no name")?;
    Ok(Some(json!({ "valid": wrong_pipeline(name).is_none() })))
}

pub(crate) fn parallelism(case: &Case) -> Result<Option<Value>> {
    let nodes = u32::try_from(case.input["nodes"].as_u64().unwrap_or(1))?;
    let spec = good(&json!({
        "pipeline": { "name": "p" }, "transform": {}, "input": input(), "parallelism_spec": case.input["spec"],
    }))?;
    Ok(Some(spec.parallelism.workers(nodes).into()))
}

/// Answers with what a spec gets that says nothing of a field.
pub(crate) fn defaults(case: &Case) -> Result<Option<Value>> {
    let with =
        |input: Value| good(&json!({ "pipeline": { "name": "pipe" }, "transform": {}, "input": input }));
    let spec = with(input())?;
    let files = |spec: &Spec| -> Vec<Pfs> {
        let leaves = spec.input.iter().flat_map(|input| input.leaves());
        leaves
            .filter_map(|leaf| match leaf {
                Leaf::Pfs(pfs) => Some(pfs.clone()),
                Leaf::Cron(_) => None,
            })
            .collect()
    };
    let first = files(&spec).into_iter().next().context("the spec has no files")?;
    Ok(Some(match case.title.as_str() {
        "input.branch" => json!(first.branch),
        "input.name" => json!(first.name.replace("in", "<repo>")),
        "cache_size" => json!(spec.cache_size),
        "transform.image" => json!(spec.transform.image),
        "output_branch" => json!(spec.output_branch),
        "datum_tries" => json!(spec.datum_tries),
        "max_queue_size" => json!(spec.max_queue_size),
        "parallelism" | "parallelism_spec" => match spec.parallelism {
            Parallelism::Constant(workers) => json!({ "constant": workers }),
            Parallelism::Coefficient(each) => json!({ "coefficient": each }),
        },
        "cron.repo" => {
            let spec = with(json!({ "cron": { "name": "clock", "spec": "@hourly" } }))?;
            let input = spec.input.context("the spec has no input")?;
            let repo = input.leaves()[0].repo().to_owned();
            json!(
                repo.replace("pipe", "<pipeline>")
                    .replace("clock", "<input name>")
            )
        }
        "trigger branch" => {
            let member = |name: &str, repo: &str| json!({ "pfs": { "name": name, "repo": repo, "glob": "/", "trigger": { "commits": 2 } } });
            let members = [member("a", "x"), member("b", "x"), member("c", "y")];
            let read = files(&with(json!({ "cross": members }))?);
            let branches: Vec<&str> = read.iter().map(|pfs| pfs.branch.as_str()).collect();
            ensure!(
                branches == ["pipe-trigger-1", "pipe-trigger-2", "pipe-trigger-1"],
                "triggers read {branches:?}"
            );
            json!("<pipeline>-trigger-<n>, counted per repository from 1")
        }
        _ => return Ok(None),
    }))
}

pub(crate) fn validation(case: &Case) -> Result<Option<Value>> {
    let mut spec = case.input.clone();
    let fields = spec.as_object_mut().context("the case has no spec")?;
    if let Some(parallelism) = fields.remove("parallelism") {
        fields.insert("parallelism_spec".to_owned(), parallelism);
        // Cases about it alone leave the rest out.
        fields.entry("pipeline").or_insert_with(|| json!("p"));
        fields.entry("transform").or_insert_with(|| json!({}));
        fields.entry("input").or_insert_with(input);
    }
    if let Some(name) = fields.get("pipeline").and_then(Value::as_str) {
        fields["pipeline"] = json!({ "name": name });
    }
    let (specs, problems) = read(FILE, spec.to_string().as_bytes());
    let missing = missing_repositories(FILE, &specs, &|repo| repo != "dne");
    let mut told = messages(&problems, Severity::Error);
    told.extend(missing.iter().map(|problem| problem.message.as_str()));
    let expected = case.expected["error_contains"].as_str().unwrap_or_default();
    let contained = told.iter().any(|message| message.contains(expected));
    let answer = if contained {
        expected.to_owned()
    } else {
        told.join("; ")
    };
    Ok(Some(json!({ "error_contains": answer })))
}

pub(crate) fn build_validation(case: &Case) -> Result<Option<Value>> {
    let mut spec = case.input.clone();
    let fields = spec.as_object_mut().context("the case has no spec")?;
    let location = fields.remove("spec_location");
    let flags = fields.remove("flags");
    let flag = |name: &str| {
        flags
            .iter()
            .filter_map(Value::as_array)
            .flatten()
            .any(|flag| flag == name)
    };
    let whole = case.expected.get("error").is_some() && location.is_none();
    if !whole {
        // Cases about something else leave the pipeline or its input out.
        fields.entry("pipeline").or_insert_with(|| json!({ "name": "p" }));
        fields.entry("input").or_insert_with(input);
        fields
            .entry("transform")
            .or_insert_with(|| json!({ "image": "a:1" }));
    }
    let asked = Asked {
        location: location.as_ref().and_then(Value::as_str).unwrap_or(FILE),
        build: flag("--build"),
        push_images: flag("--push-images"),
    };
    let (specs, problems) = read_for(FILE, spec.to_string().as_bytes(), asked);
    let errors = messages(&problems, Severity::Error);
    if let Some(expected) = case.expected["warning"].as_str() {
        let warnings = messages(&problems, Severity::Warning);
        let told = warnings.contains(&expected);
        return Ok(Some(
            json!({ "warning": if told { json!(expected) } else { json!(warnings) } }),
        ));
    }
    if let Some(expected) = case.expected["error"].as_str() {
        let mut told: Vec<String> = errors.iter().map(|&message| message.to_owned()).collect();
        // Whether the code is there is asked of the disk, where cases have none.
        if let [spec] = &specs[..]
            && let Some(step) = &spec.transform.build
        {
            let folder = build_folder(&step.path, &spec_folder(FILE, Path::new("/nowhere")));
            if !folder.exists() {
                told.push(no_build_folder(&folder));
            }
        }
        let found = told.iter().any(|message| message == expected);
        let answer = if found {
            expected.to_owned()
        } else {
            told.join("; ")
        };
        return Ok(Some(json!({ "error": answer })));
    }
    if case.expected["client"].is_string() {
        let answer = if errors.is_empty() {
            "accepted".to_owned()
        } else {
            errors.join("; ")
        };
        return Ok(Some(json!({ "client": answer })));
    }
    let [spec] = &specs[..] else {
        return Ok(None);
    };
    let result = transformed(spec, &|language| {
        format!("pachyderm/{language}-build:<client version>")
    });
    let result = result.context("it has no build step")?;
    Ok(Some(
        json!({ "image": result.pipeline.transform.image, "fails": null }),
    ))
}

pub(crate) fn transformation(case: &Case) -> Result<Option<Value>> {
    let mut spec = case.input.clone();
    let version = spec.as_object_mut().and_then(|fields| fields.remove("version"));
    let version = version.as_ref().and_then(Value::as_str).unwrap_or("1");
    let result = transformed(&good(&spec)?, &|language| {
        format!("pachyderm/{language}-build:{version}")
    })
    .context("it has no build step")?;
    let build = result.build_pipeline.json();
    let pipeline = result.pipeline.json();
    ensure!(
        result.pipeline.transform.cmd == json_words(&pipeline["transform"]["cmd"]),
        "what runs is not what a cluster gets"
    );
    Ok(Some(json!({
        "repo": result.repo,
        "branches": result.branches,
        "build_pipeline": {
            "name": build["pipeline"]["name"],
            "image": build["transform"]["image"],
            "cmd": build["transform"]["cmd"],
            "stdin": build["transform"]["stdin"],
            "parallelism": build["parallelism_spec"],
            "input": build["input"],
            "output_branch": build["output_branch"],
        },
        "pipeline_input": pipeline["input"],
        "cmd": pipeline["transform"]["cmd"],
        "image": pipeline["transform"]["image"],
    })))
}

fn json_words(words: &Value) -> Vec<&str> {
    words
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
