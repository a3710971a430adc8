//! What datum pipelines do when they are submitted and run: against the program, with a real engine.

use anyhow::{Context, Result};
use headstart_tests::datum::{Pipelines, pfs, shell};
use headstart_tests::{BUSYBOX, has_image};
use serde_json::{Map, Value, json};

use crate::{Case, EXACT};

/// Returns the fields of a case's input, unless there is one that this knows nothing of, or no image to run.
fn fields<'a>(case: &'a Case, known: &[&str]) -> Option<&'a Map<String, Value>> {
    let fields = case.input.as_object()?;
    (has_image(BUSYBOX) && fields.keys().all(|name| known.contains(&name.as_str()))).then_some(fields)
}

fn words(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Answers with what is on the source branch after code was submitted.
pub(crate) fn upload(case: &Case) -> Result<Option<Value>> {
    let Some(fields) = fields(case, &["local", "ignore", "remote_before", "update"]) else {
        return Ok(None);
    };
    let at = Pipelines::with(&["in"]);
    // The code is there however its build ends: this image has no build.sh.
    let spec = json!({
        "pipeline": { "name": "map" },
        "transform": { "build": { "image": BUSYBOX, "path": "code" }, "image": BUSYBOX },
        "input": pfs("in", "/*"),
    });
    at.spec(&[spec]);
    let uploaded = |files: &Value| {
        drop(std::fs::remove_dir_all(at.path("code")));
        for path in words(files) {
            at.write(&format!("code/{path}"), path);
        }
        if let Some(lines) = fields.get("ignore") {
            at.write("code/.pachignore", &format!("{}\n", words(lines).join("\n")));
        }
        at.update(&[]);
        at.files("map_build@source").into_keys().collect::<Vec<String>>()
    };
    if let Some(before) = fields.get("remote_before") {
        let mut before = words(before);
        before.sort_unstable();
        let there = uploaded(&fields["remote_before"]);
        anyhow::ensure!(there == before, "{there:?} were uploaded before");
    }
    let after = uploaded(&case.input["local"]);
    Ok(Some(json!({ "uploaded": after, "remote_after": after })))
}

/// Answers with what comes out after updates.
pub(crate) fn update(case: &Case) -> Result<Option<Value>> {
    let Some(fields) = fields(case, &["stdin", "commits", "reprocess"]) else {
        return Ok(None);
    };
    let at = Pipelines::with(&["in"]);
    let submit = |script: &str, arguments: &[&str]| {
        at.spec(&[shell("p", script, pfs("in", "/*"))]);
        at.update(arguments).ok();
    };
    let output = || at.files("p").remove("file").unwrap_or_default();
    if let Some(script) = fields["stdin"].as_str() {
        at.put("in", &[("file", "1")]).ok();
        submit("echo before >/pfs/out/file", &[]);
        submit(script, &[]);
        anyhow::ensure!(output() == "before\n", "an update alone processed it again");
        let again: &[&str] = if fields["reprocess"] == true {
            &["--reprocess"]
        } else {
            &[]
        };
        submit(script, again);
        return Ok(Some(json!({ "output": output() })));
    }
    let mut outputs = Vec::new();
    for (script, commit) in words(&fields["stdin"]).iter().zip(words(&case.input["commits"])) {
        submit(script, &[]);
        at.put("in", &[("file", commit)]).ok();
        outputs.push(output());
    }
    Ok(Some(json!({ "outputs": outputs, "jobs": at.jobs("p").len() })))
}

/// Answers with how jobs go.
pub(crate) fn run(case: &Case) -> Result<Option<Value>> {
    let known = [
        "cmd",
        "stdin",
        "datum_tries",
        "accept_return_code",
        "commits",
        "seconds_per_datum",
    ];
    let Some(fields) = fields(case, &known) else {
        return Ok(None);
    };
    let at = Pipelines::with(&["in"]);
    if let Some(commits) = fields.get("commits").and_then(Value::as_array) {
        let seconds = fields["seconds_per_datum"].as_u64().context("no seconds")?;
        at.spec(&[shell("p", &format!("sleep {seconds}"), pfs("in", "/*"))]);
        at.update(&[]).ok();
        let mut last = 0;
        for commit in commits {
            let name = commit["file"].as_str();
            let began = std::time::Instant::now();
            at.put("in", &[(name.unwrap_or("foo"), "foo")]).ok();
            // Without anything new there is no job, so one is asked for.
            if name.is_none() {
                at.update(&[]).ok();
            }
            last = began.elapsed().as_secs();
        }
        let limit = &case.expected["second_job_seconds_below"];
        let below = limit.as_u64().is_some_and(|limit| last < limit) && at.counts("p") == [0, 1, 0, 0];
        return Ok(Some(
            json!({ "second_job_seconds_below": if below { limit.clone() } else { json!(last) } }),
        ));
    }
    at.put("in", &[("a", "a")]).ok();
    let mut spec = shell("p", "", pfs("in", "/*"));
    spec["transform"]["stdin"] = fields.get("stdin").cloned().unwrap_or_else(|| json!([]));
    for name in ["cmd", "accept_return_code"] {
        if let Some(value) = fields.get(name) {
            spec["transform"][name] = value.clone();
        }
    }
    if let Some(tries) = fields.get("datum_tries") {
        spec["datum_tries"] = tries.clone();
    }
    at.spec(&[spec]);
    at.update(&[]);
    let job = at.job("p");
    let told = match job["status"].as_str().unwrap_or_default() {
        "succeeded" => "success",
        "failed" => "failure",
        other => other,
    };
    let attempts = at
        .log("p")
        .lines()
        .filter(|line| line.contains(" of ") && line.contains("attempt "))
        .count();
    let datums = at.datums("p");
    anyhow::ensure!(
        told == "success" || datums[0]["attempts"] == attempts,
        "the log tells of {attempts} attempts: {datums:?}"
    );
    Ok(Some(json!({ "job": told, "attempts": attempts })))
}

/// Answers with the output of a union of repositories that have the same files.
pub(crate) fn union(case: &Case) -> Result<Option<Value>> {
    let Some(fields) = fields(case, &["repos", "files_per_repo"]) else {
        return Ok(None);
    };
    let count = |name: &str| fields[name].as_u64().context("no count");
    let (repos, each) = (count("repos")?, count("files_per_repo")?);
    let names: Vec<String> = (0..repos).map(|number| format!("in{number}")).collect();
    let files: Vec<String> = (0..each).map(|number| format!("file-{number}")).collect();
    let repositories: Vec<&str> = names.iter().map(String::as_str).collect();
    let at = Pipelines::with(&repositories);
    let content: Vec<(&str, &str)> = files.iter().map(|name| (name.as_str(), "x")).collect();
    for repo in &repositories {
        at.put(repo, &content).ok();
    }
    let members: Vec<Value> = repositories.iter().map(|repo| pfs(repo, "/*")).collect();
    let script = "cp /pfs/in*/* /pfs/out/";
    at.spec(&[shell("union", script, json!({ "union": members }))]);
    at.update(&[]).ok();
    let out = at.files("union");
    let mut sizes: Vec<usize> = out.values().map(String::len).collect();
    sizes.dedup();
    let bytes = match sizes[..] {
        [one] => json!(one),
        _ => json!(sizes),
    };
    Ok(Some(
        json!({ EXACT: { "output_files": out.len(), "bytes_each": bytes } }),
    ))
}
