//! Which datums inputs give, and which of them a job hands out.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow};
use headstart_engine::datums::{Chain, Datums, Leaf, Matched, Next, Shape};
use headstart_engine::recipe::datum::input::Input;
use headstart_engine::recipe::datum::spec::read;
use serde_json::{Value, json};

use crate::{Case, datum_runs};

pub(crate) fn datums(case: &Case) -> Result<Option<Value>> {
    if case.input.get("repos").is_some() {
        return datum_runs::union(case);
    }
    let mut input = case.input["input"].clone();
    let fields = input.as_object_mut().context("the case has no input")?;
    let Some(files) = files(fields.remove("files").as_ref(), case.input["repo_files"].as_str()) else {
        return Ok(None);
    };
    named(&mut input, &mut 0);
    let spec = json!({ "pipeline": { "name": "p" }, "transform": {}, "input": input }).to_string();
    let (specs, problems) = read("p.json", spec.as_bytes());
    let spec = specs
        .into_iter()
        .next()
        .with_context(|| format!("it is refused: {problems:?}"))?;
    let mut leaves = Vec::new();
    let shape = shape(&spec.input.context("the spec has no input")?, &files, &mut leaves)?;
    let datums = Datums::new(leaves, &shape);
    let listed: Vec<Vec<&str>> = (0..datums.len())
        .map(|place| {
            datums
                .parts(place)
                .iter()
                .map(|part| datums.file(*part).path.as_str())
                .collect()
        })
        .collect();
    if case.expected.is_array() {
        return Ok(Some(json!(listed)));
    }
    let asked = |name: &str| {
        case.expected[name]
            .as_array()
            .map_or(0, Vec::len)
            .min(listed.len())
    };
    Ok(Some(json!({
        "count": listed.len(),
        "first": listed[..asked("first")],
        "last": listed[listed.len() - asked("last")..],
    })))
}

/// Returns the files that a case means, with their sizes.
fn files(own: Option<&Value>, words: Option<&str>) -> Option<Vec<(String, u64)>> {
    let numbered = |prefix: &str, count: u64| {
        (0..count)
            .map(|number| (format!("{prefix}{number}"), 1))
            .collect()
    };
    match own {
        Some(Value::Object(sizes)) => {
            let sized = |(path, size): (&String, &Value)| Some((path.clone(), size.as_u64()?));
            sizes.iter().map(sized).collect()
        }
        Some(Value::Array(words)) => match words.first()?.as_str()? {
            "foo-0 .. foo-9 in two repositories" => Some(numbered("/foo-", 10)),
            _ => None,
        },
        _ => match words? {
            "/foo0 .. /foo49, equal sizes" => Some(numbered("/foo", 50)),
            _ => None,
        },
    }
}

/// Gives every input the repository that cases leave out, and a name that is its own, as a spec has to.
fn named(input: &mut Value, next: &mut u32) {
    let Some(fields) = input.as_object_mut() else {
        return;
    };
    for (kind, inner) in fields {
        if kind == "pfs" {
            inner["repo"] = json!("in");
            inner["name"] = json!(format!("i{:03}", *next));
            *next += 1;
        } else {
            for member in inner.as_array_mut().into_iter().flatten() {
                named(member, next);
            }
        }
    }
}

fn shape(input: &Input, files: &[(String, u64)], leaves: &mut Vec<Leaf>) -> Result<Shape> {
    let mut all = |inputs: &[Input]| {
        inputs
            .iter()
            .map(|input| shape(input, files, leaves))
            .collect::<Result<Vec<_>>>()
    };
    Ok(match input {
        Input::Union(inputs) => Shape::Union(all(inputs)?),
        Input::Cross(inputs) => Shape::Cross(all(inputs)?),
        Input::Join(inputs) => Shape::Join(all(inputs)?),
        Input::Group(inputs) => Shape::Group(all(inputs)?),
        Input::Pfs(pfs) => {
            let expanded = |path: &str, template: &str| pfs.glob.expand(path, template).unwrap_or_default();
            let matching = files.iter().filter(|(path, _)| pfs.glob.matches(path));
            let matched = matching.map(|(path, bytes)| Matched {
                path: path.clone(),
                bytes: *bytes,
                digest: [0; 32],
                join_on: expanded(path, &pfs.join_on),
                group_by: expanded(path, &pfs.group_by),
            });
            leaves.push(Leaf {
                // Cases have one repository, and inputs that say nothing are named after theirs.
                name: pfs.repo.clone(),
                outer: pfs.outer_join,
                files: matched.collect(),
            });
            Shape::Leaf(leaves.len() - 1)
        }
        Input::Cron(_) => return Err(anyhow!("a clock has no files here")),
    })
}

fn strings(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Answers with what is handed out, and which datums count as done afterwards.
pub(crate) fn skipped(case: &Case) -> Result<Option<Value>> {
    let fields = case.input.as_object().context("the case has no input")?;
    let known = ["base", "job", "jobs", "outcomes", "skip"];
    if !fields.keys().all(|name| known.contains(&name.as_str())) {
        return Ok(None);
    }
    let base = strings(&case.input["base"]);
    let jobs: Vec<Vec<String>> = match case.input["jobs"].as_array() {
        Some(jobs) => jobs.iter().map(strings).collect(),
        None => vec![strings(&case.input["job"])],
    };
    let outcomes = strings(&case.input["outcomes"]);
    let mut chain = Chain::after(&base);
    for (number, datums) in jobs.iter().enumerate() {
        let skips = case.input["skip"] != false;
        chain.add(&number.to_string(), datums.clone(), skips);
    }
    let given = |chain: &mut Chain<String>, number: usize| -> Vec<String> {
        match chain.next(&number.to_string()) {
            Next::Process(places) => places.iter().map(|place| jobs[number][*place].clone()).collect(),
            Next::Wait | Next::Done => Vec::new(),
        }
    };
    let immediately: Vec<Vec<String>> = (0..jobs.len()).map(|number| given(&mut chain, number)).collect();
    let mut answer = json!({ "immediately": immediately, "to_process": immediately[0] });
    let mut last = &base;
    for number in 0..jobs.len() {
        match outcomes.get(number).map(String::as_str) {
            None | Some("succeed" | "success") => {
                chain.succeed(&number.to_string(), &[]);
                last = &jobs[number];
            }
            Some("fail" | "failure") => chain.fail(&number.to_string()),
            Some(_) => return Ok(None),
        }
        let more: HashMap<String, Vec<String>> = (number + 1..jobs.len())
            .map(|later| ((later + 1).to_string(), given(&mut chain, later)))
            .collect();
        answer[format!("after_job{}", number + 1)] = json!(more);
    }
    // A base is no list: it is told in the order of the job that it comes from.
    let mut left = chain.base();
    let mut done: Vec<&String> = Vec::new();
    for datum in last {
        if let Some(at) = left.iter().position(|one| one == datum) {
            left.swap_remove(at);
            done.push(datum);
        }
    }
    anyhow::ensure!(left.is_empty(), "{left:?} count as done and are in no job");
    answer["base_after"] = json!(done);
    answer["base_after_success"] = json!(done);
    Ok(Some(answer))
}
