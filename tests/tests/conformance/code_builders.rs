//! `builder`: what the scripts of the official builders do, seen by running them.
//!
//! The steps of a script are told by what happens: programs of our own in the place of the language's write down where and
//! how they are called. Nothing of a script's text is looked at.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use headstart_tests::code_builder::{CodeBuilder, PADDING_GO, PADDING_PYTHON};
use headstart_tests::{has_image, try_docker};
use serde_json::{Value, json};

use crate::{Case, EXACT};

/// Image with a Go compiler, for machines without one.
const GO: &str = "headstart-sample/go:1";

pub(crate) fn answer(case: &Case) -> Result<Option<Value>> {
    Ok(match case.title.as_str() {
        "go" => Some(go()?),
        "python" => Some(python()?),
        _ if case.input.is_object() => lifecycle(&case.input)?,
        _ => None,
    })
}

/// Writes down the folder it is called in and its words, one line each call.
const NOTES: &str = "echo \"$PWD|$*\" >>/pfs/calls\n";

/// Returns the calls of a program: the folder as scripts know it, and the words.
fn calls(builder: &CodeBuilder) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(builder.path("pfs/calls")).unwrap_or_default();
    let root = builder
        .path("")
        .to_string_lossy()
        .trim_end_matches('/')
        .to_owned();
    let known = text.replace(&root, "");
    let lines = known.lines().filter_map(|line| line.split_once('|'));
    lines
        .map(|(folder, words)| (folder.to_owned(), words.to_owned()))
        .collect()
}

/// Returns what a Dockerfile says after a word.
fn said(dockerfile: &str, word: &str) -> Option<String> {
    let line = dockerfile.lines().find_map(|line| line.strip_prefix(word))?;
    Some(line.trim().to_owned())
}

/// Returns whether a builder stops at the first program that fails, with nothing to run put out.
fn stops(language: &str, program: &str) -> bool {
    let builder = CodeBuilder::new(language);
    builder.program(program, "exit 7\n");
    let ended = builder.build();
    !ended.status.success() && !builder.path("pfs/out/run.sh").exists()
}

/// Returns whether the builder's own `run.sh` was put out.
fn has_run(builder: &CodeBuilder) -> bool {
    let put = std::fs::read_to_string(builder.path("pfs/out/run.sh"));
    put.is_ok_and(|text| text == builder.here(&builder.files().run))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn go() -> Result<Value> {
    let builder = CodeBuilder::new("go");
    builder.source("go.mod", "module example.org/pad\n");
    // What it compiles tells where and how it is started.
    let program = format!(
        "{NOTES}case $1 in
        version) echo go of this test ;;
        build) printf '#!/bin/sh\\necho \"$PWD|$#|$*\"\\n' >\"$3\" && chmod 644 \"$3\" ;;
        esac\n"
    );
    builder.program("go", &program);
    let ended = builder.build();
    ensure!(ended.status.success(), "build.sh failed: {}", text(&ended));
    let mut build = Vec::new();
    if stops("go", "go") {
        build.push("fail on first error");
    }
    let mut entered = false;
    for (folder, words) in calls(&builder) {
        if folder == "/pfs/source" && !entered {
            entered = true;
            build.push("enter /pfs/source");
        }
        if words == "version" && text(&ended).contains("go of this test") {
            build.push("print go version");
        }
        if words == "build -o /pfs/out/main ." && builder.path("pfs/out/main").exists() {
            build.push("compile the package into /pfs/out/main");
        }
    }
    if has_run(&builder) {
        build.push("copy run.sh into /pfs/out");
    }

    builder.commit();
    let main = builder.path("pfs/build/main");
    let mode = || Ok::<_, std::io::Error>(std::fs::metadata(&main)?.permissions().mode());
    let before = mode()?;
    let ended = builder.run(&["a b", "c"]);
    let told = text(&ended).replace(&*builder.path("").to_string_lossy(), "/");
    let (folder, arguments) = told.trim().split_once('|').context("main did not run")?;
    let mut run = Vec::new();
    if folder == "/pfs/build" {
        run.push("enter /pfs/build");
    }
    if before & 0o111 == 0 && mode()? & 0o111 != 0 {
        run.push("make main executable");
    }
    if arguments == "2|a b c" {
        run.push("run it with all arguments");
    }
    Ok(answer_of(&builder, &build, &run))
}

fn python() -> Result<Value> {
    let mut build = Vec::new();
    if stops("python", "python3") {
        build.push("fail on first error");
    }
    let builder = CodeBuilder::new("python");
    builder.program("python3", NOTES);
    ensure!(
        builder.build().status.success(),
        "build.sh failed without requirements.txt"
    );
    let without = calls(&builder);
    let asked = |words: &str| without.iter().any(|call| call.1 == words);
    let asks_pip =
        |call: &(String, String)| call.1.starts_with("-c ") && call.1.contains(r#"version("pip")"#);
    if asked("--version") && without.iter().any(asks_pip) {
        build.push("print python and pip versions");
    }
    builder.source("requirements.txt", "six\n");
    ensure!(
        builder.build().status.success(),
        "build.sh failed with requirements.txt"
    );
    let installs = |calls: &[(String, String)]| {
        let words = "--target /pfs/out/packages --requirement requirements.txt";
        calls
            .iter()
            .any(|call| call.1.starts_with("-m pip install ") && call.1.ends_with(words))
    };
    if !installs(&without) && installs(&calls(&builder)) {
        build.push("if requirements.txt exists: install it into /pfs/out/packages");
    }
    if has_run(&builder) {
        build.push("copy run.sh into /pfs/out");
    }

    builder.commit();
    builder.program("python3", "echo \"$PWD|$PYTHONPATH|$#|$*\"\n");
    let ended = builder.run(&["a b", "c"]);
    let told = text(&ended).replace(&*builder.path("").to_string_lossy(), "/");
    let parts: Vec<&str> = told.trim().split('|').collect();
    let mut run = Vec::new();
    if parts.first() == Some(&"/pfs/source") {
        run.push("enter /pfs/source");
    }
    if parts
        .get(1)
        .is_some_and(|path| path.starts_with("/pfs/build/packages"))
    {
        run.push("find the packages of /pfs/build");
    }
    if parts.get(2..) == Some(&["3", "main.py a b c"]) {
        run.push("run main.py with all arguments");
    }
    Ok(answer_of(&builder, &build, &run))
}

fn answer_of(builder: &CodeBuilder, build: &[&str], run: &[&str]) -> Value {
    let dockerfile = &builder.files().dockerfile;
    json!({
        "base": said(dockerfile, "FROM "),
        "workdir": said(dockerfile, "WORKDIR "),
        "build": build,
        "run": run,
    })
}

/// Builds and runs a program that pads numbers, in every way that the case names; all have to agree.
fn lifecycle(input: &Value) -> Result<Option<Value>> {
    let mut answers = vec![padded("python", input, false)?, padded("python", input, true)?];
    if let Some(go) = go_here() {
        answers.push(padded_by_go(input, &go)?);
    }
    ensure!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "the builders differ: {answers:?}"
    );
    Ok(answers.pop().map(|answer| json!({ EXACT: answer })))
}

fn padded(language: &str, input: &Value, requirements: bool) -> Result<Value> {
    let builder = CodeBuilder::new(language);
    builder.source("main.py", &builder.here(PADDING_PYTHON));
    if requirements {
        builder.source("requirements.txt", "# none\n");
    }
    outputs(&builder, input)
}

fn padded_by_go(input: &Value, go: &str) -> Result<Value> {
    let builder = CodeBuilder::new("go");
    builder.source("main.go", &builder.here(PADDING_GO));
    builder.source("go.mod", "module example.org/pad\n\ngo 1.16\n");
    builder.program("go", go);
    outputs(&builder, input)
}

/// Returns how a script calls Go: as it is on this machine, or in a container that sees the same folders.
fn go_here() -> Option<String> {
    let here = Command::new("go").arg("version").output();
    if here.is_ok_and(|output| output.status.success()) {
        return Some("PATH=${PATH#*:} exec go \"$@\"\n".to_owned());
    }
    let usable = try_docker(&["version"]).is_ok() && has_image(GO);
    let call = "root=$(dirname /pfs)
        exec docker run --rm --network none --volume \"$root:$root\" --workdir \"$PWD\" \\
            --env CGO_ENABLED --env GOFLAGS headstart-sample/go:1 go \"$@\"\n";
    usable.then(|| call.to_owned())
}

fn outputs(builder: &CodeBuilder, input: &Value) -> Result<Value> {
    for (name, text) in input.as_object().into_iter().flatten() {
        let text = text.as_str().context("a file is a text")?;
        builder.write(&format!("pfs/in/{name}"), text, 0o644);
    }
    for step in ["build.sh", "run.sh"] {
        let ended = match step {
            "build.sh" => builder.build(),
            _ => {
                builder.commit();
                builder.run(&[])
            }
        };
        let complained = String::from_utf8_lossy(&ended.stderr).into_owned();
        ensure!(ended.status.success(), "{step} failed: {complained}");
    }
    let files = builder.outputs().into_iter();
    Ok(files
        .map(|(name, text)| (name, Value::from(text)))
        .collect::<serde_json::Map<_, _>>()
        .into())
}
