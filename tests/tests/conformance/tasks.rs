//! What tasks do, what their variables are, and how they end.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use headstart_engine::recipe::workspace::config::{Task, parse};
use headstart_engine::recipe::workspace::tasks::{
    Said, Section, Start, env_value, joined_failures, prebuild_command, read_marked, runner, sections,
};
use serde_json::{Value, json};

use crate::Case;
use crate::workspace::FILE;

/// Reads tasks through the engine's own reader: JSON is YAML.
fn read(tasks: &Value) -> Result<Vec<Task>> {
    let parsed = parse(FILE, json!({ "tasks": tasks }).to_string().as_bytes());
    anyhow::ensure!(parsed.usable(), "the tasks cannot be read: {:?}", parsed.problems);
    Ok(parsed.config.tasks)
}

pub(crate) fn command(case: &Case) -> Result<Option<Value>> {
    let task = read(&json!([case.input["task"]]))?;
    let task = task.first().context("the case has no task")?;
    let start = match (case.input["mode"].as_str(), case.input["source"].as_str()) {
        (Some("prebuild"), _) => Start::Prebuild,
        (Some("workspace"), Some("prebuild")) => Start::OnPrebuild,
        (Some("workspace"), Some("other") | None) => Start::Fresh,
        (Some("workspace"), Some("backup")) => Start::Restart,
        _ => return Ok(None),
    };
    let command = prebuild_command(task);
    if case.expected.is_string() {
        // Only builds join the parts to one command; a workspace's shell gets them one by one.
        return Ok((start == Start::Prebuild).then(|| command.into()));
    }
    let mut names: Vec<&str> = sections(task, start)
        .into_iter()
        .map(|section| match section {
            Section::Part(name, _) => name,
            Section::PrintLog => "print prebuild log",
        })
        .collect();
    let ends = case.expected["sections"]
        .as_array()
        .is_some_and(|sections| sections.last() == Some(&json!("exit")));
    // Whether the end of a build's command is a section of its own is a matter of writing it down.
    if ends && start == Start::Prebuild && command.ends_with("exit") {
        names.push("exit");
    }
    Ok(Some(json!({ "sections": names })))
}

pub(crate) fn env(case: &Case) -> Result<Option<Value>> {
    let value = case.input.get("value").context("the case has no value")?;
    let tasks = read(&json!([{ "env": { "VALUE": value } }]))?;
    let read = tasks.first().and_then(|task| task.env.get("VALUE"));
    Ok(Some(env_value(read.context("the variable was lost")?).into()))
}

pub(crate) fn result(case: &Case) -> Result<Option<Value>> {
    if let Some(failures) = case.input["failures"].as_array() {
        let messages: Vec<&str> = failures.iter().filter_map(Value::as_str).collect();
        let message = joined_failures(messages.iter().copied());
        return Ok(Some(json!({ "failed": !message.is_empty(), "message": message })));
    }
    let tasks = read(case.input.get("tasks").unwrap_or(&Value::Null))?;
    let mark = "conformance";
    let folder = tempfile::tempdir()?;
    let output = Command::new("sh")
        .arg("-c")
        .arg(runner(&tasks, mark))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let ended = |task: usize| {
        let ends = |line: &str| matches!(read_marked(mark, line), Some(Said::Ended(at, _)) if at == task);
        text.lines().any(ends)
    };
    Ok(Some(json!({
        "done": (0..tasks.len()).all(ended) && output.status.code().is_some(),
        "success": output.status.success(),
    })))
}
