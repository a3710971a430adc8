//! Planning with a million builds and a million commits; the answer "already built".

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use headstart_engine::wire::{BuildRequest, Decision};
use headstart_engine::{Engine, builds, plan, project};

use crate::big::Big;
use crate::figures::{Table, ms, percentile, timed};

const BUILDS: usize = 1_000_000;

pub(crate) async fn measure(table: &mut Table, big: &Big) -> Result<()> {
    let home = tempfile::tempdir()?;
    let engine = open(home.path())?;
    let project = project::add(&engine, &big.path)?;
    let head = BuildRequest::head(project.id.clone());
    let keys = plan::plan(&engine, &head).await?;
    let target = keys.targets.first().context("a target")?;
    eprintln!("writing {BUILDS} builds");
    fill(home.path(), &big.path, &project.id.0, &target.environment_key)?;

    let mut ours = Vec::new();
    for _ in 0..60 {
        let start = Instant::now();
        let found = plan::plan(&engine, &head).await?;
        ours.push(start.elapsed());
        ensure!(
            found.candidates.len() >= 100,
            "the builds of the ancestors are looked at"
        );
    }
    let ours = percentile(&mut ours[10..], 95);
    let mut peer = Vec::new();
    for _ in 0..20 {
        let list = || {
            Ok(Command::new("git")
                .args(["rev-list", "-n", "101", "main"])
                .current_dir(&big.path)
                .output()?)
        };
        peer.push(timed(list)?.1);
    }
    let beside = format!("`git rev-list -n 101` {}", ms(percentile(&mut peer, 50)));
    let limit = Duration::from_millis(15);
    table.row(
        "plan, 1 M builds, 1 M commits, p95",
        ms(ours),
        beside,
        "15 ms",
        ours <= limit,
    );
    already_built(table).await
}

/// Measures the answer to a request for a commit that is built, with a `docker` on the path that tells on itself.
async fn already_built(table: &mut Table) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let repository = folder.path().join("bench-built");
    crate::bakes::small_repository(&repository)?;
    let engine = open(&folder.path().join("home"))?;
    let project = project::add(&engine, &repository)?;
    let request = BuildRequest::head(project.id.clone());
    let id = builds::start(&engine, &request).await?;
    builds::watch(&engine, &id, |_| true).await?;
    let mut samples = Vec::new();
    for _ in 0..40 {
        let start = Instant::now();
        let again = builds::start(&engine, &request).await?;
        samples.push(start.elapsed());
        ensure!(again == id, "the same build is the answer");
    }
    ensure!(
        plan::plan(&engine, &request).await?.decision == Decision::Reuse,
        "it is built"
    );
    let ours = percentile(&mut samples, 95);
    builds::delete(&engine, &[id]).await?;
    table.row(
        "\"already built\", p95",
        ms(ours),
        "no buildx started".into(),
        "25 ms",
        ours <= Duration::from_millis(25),
    );
    Ok(())
}

/// Opens an engine on a data directory, with Docker as the command line finds it.
pub(crate) fn open(home: &Path) -> Result<Engine> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let config = variable("DOCKER_CONFIG").or_else(|| variable("HOME").map(|home| format!("{home}/.docker")));
    Ok(Engine::open(headstart_engine::Config {
        home: home.to_owned(),
        docker_host: variable("DOCKER_HOST"),
        docker_context: variable("DOCKER_CONTEXT"),
        docker_config: config.unwrap_or_default().into(),
    })?)
}

/// Writes builds straight into the catalogue: one for each of the newest commits, over and over.
fn fill(home: &Path, repository: &Path, project: &str, environment_key: &str) -> Result<()> {
    let output = Command::new("git")
        .args(["rev-list", "-n", "100000", "main"])
        .current_dir(repository)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let commits: Vec<&str> = text.lines().collect();
    ensure!(commits.len() > 1000, "git rev-list lists commits");
    let mut database = rusqlite::Connection::open(home.join("catalogue.db"))?;
    // Only this filling is unsafe and quick; the engine then reads the file as it reads any.
    database.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;")?;
    let tx = database.transaction()?;
    {
        let mut insert = tx.prepare(
            "INSERT INTO builds(id, project_id, recipe, stack, platform, commit_id, summary, dirty, status, decision,
                 reason, chain, environment_key, environment, code_key, created_at, started_at, ended_at, contains_code,
                 warnings, owner)
             VALUES(?1, ?2, '.gitpod.yml', 'local', 'linux/amd64', ?3, 'change', 0, 'succeeded', 'full', '', 0, ?4,
                 '[{\"name\":\"image\",\"value\":\"a\"}]', ?5, ?6, ?6, ?7, 1, '[]', 'nobody')",
        )?;
        for number in 0..BUILDS {
            // The head itself has none: it is what is planned.
            let commit = commits[1 + number % (commits.len() - 1)];
            let at = i64::try_from(number)? * 1000;
            let id = format!("{number:016x}");
            insert.execute(rusqlite::params![
                id,
                project,
                commit,
                environment_key,
                id,
                at,
                at + 5000
            ])?;
        }
    }
    tx.commit()?;
    Ok(())
}
