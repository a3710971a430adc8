//! What Headstart adds to a build: the same bake file built by it and by `docker buildx bake` alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use headstart_engine::wire::{BuildRequest, BuildStatus};
use headstart_engine::{builds, project};

use crate::figures::{Table, ms, percentile};

const ROUNDS: usize = 7;

/// Makes a repository that builds on the sample's base image.
pub(crate) fn small_repository(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path)?;
    let config =
        "image: headstart-sample/busybox:1\ntasks:\n- name: work\n  init: sleep 1; echo done > out\n";
    std::fs::write(path.join(".gitpod.yml"), config)?;
    for number in 0..50 {
        std::fs::write(
            path.join(format!("file{number}")),
            format!("{number}\n").repeat(200),
        )?;
    }
    for arguments in [
        vec!["init", "-q", "-b", "main"],
        vec!["add", "."],
        vec!["commit", "-qm", "begin"],
    ] {
        let identity = [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.org",
            "-c",
            "commit.gpgsign=false",
        ];
        let status = Command::new("git")
            .args(identity)
            .args(&arguments)
            .current_dir(path)
            .status()?;
        ensure!(status.success(), "git {arguments:?}");
    }
    Ok(())
}

pub(crate) async fn measure(table: &mut Table) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let repository = folder.path().join("bench-bake");
    small_repository(&repository)?;
    let home = folder.path().join("home");
    let engine = crate::plans::open(&home)?;
    let project = project::add(&engine, &repository)?;
    let request = BuildRequest {
        no_cache: true,
        ..BuildRequest::head(project.id)
    };
    let (mut ours, mut raw, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    let mut copy = None;
    for round in 0..=ROUNDS {
        let start = Instant::now();
        let id = builds::start(&engine, &request).await?;
        if copy.is_none() {
            copy = Some(keep(&home.join("work").join(id.as_str()), &folder.path().join("raw")).await?);
        }
        builds::watch(&engine, &id, |_| true).await?;
        let took = start.elapsed();
        ensure!(
            builds::get(&engine, &id)?.status == BuildStatus::Succeeded,
            "our build succeeds"
        );
        ids.push(id);
        let beside = run_raw(copy.as_deref().context("a copy")?)?;
        // The first round warms both up.
        if round > 0 {
            ours.push(took);
            raw.push(beside);
        }
    }
    builds::delete(&engine, &ids).await?;
    let (ours, raw) = (percentile(&mut ours, 50), percentile(&mut raw, 50));
    let ratio = ours.as_secs_f64() / raw.as_secs_f64();
    let holds = ratio <= 1.05 || ours <= raw + Duration::from_millis(50);
    let beside = format!("raw `docker buildx bake` {}, ratio {ratio:.2}", ms(raw));
    table.row(
        "a build, request to end",
        ms(ours),
        beside,
        "1.05 or 50 ms more",
        holds,
    );
    Ok(())
}

/// Copies a build's own folder while the build runs, with its paths changed.
async fn keep(work: &Path, dest: &Path) -> Result<PathBuf> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !work.join("bake.json").exists() {
        if Instant::now() > deadline {
            bail!("the build wrote no bake file");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let status = Command::new("cp").arg("-a").arg(work).arg(dest).status()?;
    ensure!(status.success(), "the build's folder can be copied");
    let file = dest.join("bake.json");
    let text = std::fs::read_to_string(&file)?.replace(&*work.to_string_lossy(), &dest.to_string_lossy());
    std::fs::write(&file, text)?;
    Ok(file)
}

fn run_raw(file: &Path) -> Result<Duration> {
    let start = Instant::now();
    let output = Command::new("docker")
        .args(["buildx", "bake", "--progress", "rawjson", "--metadata-file"])
        .arg(file.with_file_name("metadata.json"))
        .arg("--file")
        .arg(file)
        .env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
        .output()?;
    ensure!(
        output.status.success(),
        "raw bake: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(start.elapsed())
}
