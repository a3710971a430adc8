//! Pipelines: how long it takes to decide with ten thousand builds in the catalogue, and to run changed code.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use headstart_tests::pipeline::PipelineRepository;
use headstart_tests::{Home, try_docker, workspace};
use rusqlite::Connection;
use serde_json::Value;

use crate::figures::{Table, ms, percentile, timed};

const BUILDS: i64 = 10_000;
const PYTHON: &str = "headstart-sample/python:1";

/// Measures `headstart plan` of a clean pipeline, beside a list of the builds by the tool that pipelines come from.
pub(crate) fn decision(table: &mut Table) -> Result<()> {
    let repository = PipelineRepository::shell();
    // Two images: one that all older builds share, and one that each of them made anew.
    let other = "settings:\n  docker:\n    environment: {MORE: '1'}";
    repository.config("", &[("prepare", ""), ("train", other)]);
    repository.commit("two images");
    let home = Home::new();
    home.add(&repository.path);
    let build = home.build(&[]);
    let id = build["id"].as_str().context("a build")?;
    fill(&home.path().join("catalogue.db"), id)?;
    let listed = home.json(&["builds", "list", "--limit", "1"]);
    ensure!(listed["total"] == BUILDS + 1, "the builds are there");
    let plan = home.json(&["plan"]);
    ensure!(
        plan["decision"] == "reuse" && plan["build"] == id && plan["dirty"] == false,
        "it is built: {plan}"
    );
    let mut ours = Vec::new();
    for round in 0..65 {
        let (output, took) = timed(|| Ok(home.command(&["plan"]).output()?))?;
        ensure!(output.status.success(), "a plan");
        if round >= 5 {
            ours.push(took);
        }
    }
    let beside = match zenml() {
        Ok(took) => format!("`zenml pipeline builds list`, of none, {}", ms(took)),
        Err(why) => format!("zenml is not installable: {why}"),
    };
    let (usual, slow) = (percentile(&mut ours, 50), percentile(&mut ours, 95));
    table.row(
        "plan of a pipeline, 10,000 builds, whole process, p50 and p95",
        format!("{}, {}", ms(usual), ms(slow)),
        beside,
        "50 ms",
        slow <= Duration::from_millis(50),
    );
    Ok(())
}

/// Writes builds straight into the catalogue: the one that is there again and again, each older than the one before
/// and with a second image of its own.
fn fill(file: &Path, build: &str) -> Result<()> {
    eprintln!("writing {BUILDS} builds");
    let mut database = Connection::open(file)?;
    // Only this filling is unsafe and quick; the program then reads the file as it reads any.
    database.execute_batch("PRAGMA synchronous = OFF")?;
    let tx = database.transaction()?;
    for (name, id) in [
        ("builds", "id"),
        ("targets", "build_id"),
        ("images", "build_id"),
        ("steps", "build_id"),
    ] {
        let sql = format!("CREATE TEMP TABLE one_{name} AS SELECT * FROM {name} WHERE {id} = ?1");
        tx.execute(&sql, [build])?;
    }
    let own: String = tx.query_row("SELECT MAX(name) FROM one_targets", [], |row| row.get(0))?;
    for number in 0..BUILDS {
        let id = format!("{number:016x}");
        let key = format!("{number:064x}");
        for sql in [
            "UPDATE one_builds SET id = ?1, commit_id = substr(?2, 25), environment_key = ?2, created_at = created_at - 60000,
                 started_at = started_at - 60000, ended_at = ended_at - 60000 WHERE ?3 <> ''",
            "UPDATE one_targets SET build_id = ?1, created_at = created_at - 60000,
                 environment_key = CASE WHEN name = ?3 THEN ?2 ELSE environment_key END",
            "UPDATE one_images SET build_id = ?1, digest = CASE WHEN target = ?3 THEN 'sha256:' || ?2 ELSE digest END",
            "UPDATE one_steps SET build_id = ?1 WHERE ?2 <> ?3",
        ] {
            tx.prepare_cached(sql)?.execute([&id, &key, &own])?;
        }
        for name in ["builds", "targets", "images", "steps"] {
            tx.prepare_cached(&format!("INSERT INTO {name} SELECT * FROM one_{name}"))?
                .execute([])?;
        }
    }
    tx.commit()?;
    Ok(())
}

/// Measures a list of builds by ZenML, with a store that has none.
fn zenml() -> Result<Duration> {
    let setup = Command::new(workspace().join(".ci/setup/zenml.sh"))
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&setup.stderr);
    let last = said.lines().last().unwrap_or("nothing said").to_owned();
    ensure!(setup.status.success(), "{last}");
    let folder = String::from_utf8(setup.stdout)?;
    let mut samples = Vec::new();
    for _ in 0..5 {
        let list = || {
            Ok(Command::new(Path::new(folder.trim()).join("bin/zenml"))
                .args(["pipeline", "builds", "list"])
                .stdin(Stdio::null())
                .output()?)
        };
        let (output, took) = timed(list)?;
        ensure!(output.status.success(), "its list fails");
        samples.push(took);
    }
    Ok(percentile(&mut samples, 50))
}

/// Measures the way from `headstart run` with changed code to the first line that code writes, beside a run that
/// builds its image first.
pub(crate) fn delivery(table: &mut Table) -> Result<()> {
    let setup = Command::new(workspace().join(".ci/setup/images.sh"))
        .arg("python")
        .stdin(Stdio::null())
        .status()?;
    if !setup.success() || try_docker(&["image", "inspect", PYTHON]).is_err() {
        eprintln!("delivery: no image with Python, left out");
        return Ok(());
    }
    let repository = PipelineRepository::shell();
    let code = |text: &str| {
        let module = format!("import pandas, sklearn\nprint('{text}', pandas.__version__)\n");
        repository.write("load.py", module);
        repository.write("begin.py", format!("print('{text}', flush=True)\n"));
        repository.commit(text);
    };
    let requirements = "requirements: [requests, pandas, scikit-learn]";
    let steps = [
        ("begin", "command: [python3, begin.py]"),
        ("load", "command: [python3, load.py]"),
    ];
    repository.config(&format!("parent_image: {PYTHON}\n{requirements}"), &steps);
    code("before");
    let home = Home::new();
    home.add(&repository.path);
    let mut stack = vec!["stacks", "save", "here"];
    let bundle = ["SSL_CERT_FILE", "CURL_CA_BUNDLE"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "/etc/ssl/certs/ca-certificates.crt".to_owned());
    if Path::new(&bundle).is_file() {
        stack.extend(["--ca-bundle", &bundle]);
    }
    home.run(&stack).ok();
    let full = run(&home, "before", true)?;
    ensure!(full.record["reused"] == false, "the image is built");
    let (mut ours, mut recorded) = (Vec::new(), Vec::new());
    for round in 0..=10 {
        let text = format!("after {round}");
        code(&text);
        let again = run(&home, &text, false)?;
        ensure!(
            again.record["reused"] == true && again.record["build"] == full.record["build"],
            "the same image serves: {}",
            again.record
        );
        if round > 0 {
            let of_record = again.record["first_output_ms"].as_u64().context("a first line")?;
            recorded.push(Duration::from_millis(of_record));
            ours.push(again.first_line);
        }
    }
    let (usual, slow) = (percentile(&mut ours, 50), percentile(&mut ours, 95));
    let ratio = full.first_line.as_secs_f64() / usual.as_secs_f64();
    table.row(
        "code changed only, to its first line, p50 and p95",
        format!(
            "{}, {} ({} from the run's record)",
            ms(usual),
            ms(slow),
            ms(percentile(&mut recorded, 50))
        ),
        format!(
            "with the image to build {}, {ratio:.0} times; the whole run {}",
            ms(full.first_line),
            ms(full.all)
        ),
        "2 s",
        slow <= Duration::from_secs(2),
    );
    Ok(())
}

/// A run, from the start of the process.
struct Ran {
    /// To the line that the code of its first step writes.
    first_line: Duration,
    all: Duration,
    record: Value,
}

/// Runs the pipeline, whose first step has to write this text.
fn run(home: &Home, text: &str, anew: bool) -> Result<Ran> {
    let mut arguments = vec!["run", "--json", "--stack", "here"];
    if anew {
        arguments.push("--no-cache");
    }
    let start = Instant::now();
    let mut running = home.start(&arguments);
    running.until(|event| {
        let mut lines = event["lines"].as_array()?.iter();
        lines
            .any(|line| line["text"].as_str().map(str::trim) == Some(text))
            .then_some(())
    });
    let first_line = start.elapsed();
    let record = running.wait().ok().last_json();
    let all = start.elapsed();
    Ok(Ran {
        first_line,
        all,
        record,
    })
}
