//! A million files in a data repository: put, listed and compared, beside git.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use headstart_tests::{Home, peak};
use tempfile::TempDir;

use crate::figures::{Table, ms, timed};

const FOLDERS: usize = 1_000;
const EACH: usize = 1_000;
/// Memory that is called bounded here, in bytes.
const MOST: u64 = 256 << 20;

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    let folder = TempDir::new()?;
    let files = folder.path().join("files");
    eprintln!("writing {} files", FOLDERS * EACH);
    for outer in 0..FOLDERS {
        let inner = files.join(format!("{outer:03}"));
        fs::create_dir_all(&inner)?;
        for number in 0..EACH {
            fs::write(inner.join(format!("{number:03}")), format!("{outer} {number}\n"))?;
        }
    }
    let home = Home::new();
    home.run(&["data", "create", "many"]).ok();
    let put = ["data", "put", "many", &files.to_string_lossy()];
    let mut row = |what: &str, arguments: &[&str], beside: Option<Duration>, limit: Option<Duration>| {
        let ((status, bytes), took) = timed(|| Ok(peak(&mut home.command(arguments))?))?;
        ensure!(status.success(), "{arguments:?}");
        let peer = match beside {
            Some(peer) => {
                let ratio = peer.as_secs_f64() / took.as_secs_f64();
                format!("git {}, {ratio:.1} times", ms(peer))
            }
            None => "-".to_owned(),
        };
        let told = limit.map_or("256 MiB".to_owned(), |limit| format!("256 MiB, {}", ms(limit)));
        let holds = bytes <= MOST && limit.is_none_or(|limit| took <= limit);
        table.row(
            what,
            format!("{}, {} MiB at most", ms(took), bytes >> 20),
            peer,
            &told,
            holds,
        );
        anyhow::Ok(())
    };
    let added = git(&files, &["add", "-A"])?;
    row("1,000,000 files put", &put, Some(added), None)?;
    git(&files, &["commit", "-q", "-m", "all"])?;
    let listed = git(&files, &["ls-tree", "HEAD"])?;
    let soon = Some(Duration::from_secs(1));
    row(
        "the top of them listed",
        &["data", "files", "many"],
        Some(listed),
        soon,
    )?;
    let one = files.join("500/500");
    fs::write(&one, "changed\n")?;
    let one = one.to_string_lossy().into_owned();
    git(&files, &["commit", "-q", "-a", "-m", "one"])?;
    row(
        "one of them changed",
        &["data", "put", "many", &one, "--to", "/500"],
        None,
        soon,
    )?;
    let compared = git(&files, &["diff", "--stat", "HEAD~1", "HEAD"])?;
    row(
        "the two commits compared",
        &["data", "diff", "many"],
        Some(compared),
        soon,
    )
}

/// Runs git in a folder, and returns how long that takes.
fn git(folder: &Path, arguments: &[&str]) -> Result<Duration> {
    let outside = folder.with_extension("git");
    let run = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.org",
            "-c",
            "gc.auto=0",
        ])
        .arg("--git-dir")
        .arg(&outside)
        .arg("--work-tree")
        .arg(folder)
        .args(arguments)
        .current_dir(folder);
        let (output, took) = timed(|| Ok(git.output()?))?;
        ensure!(output.status.success(), "git {arguments:?}");
        anyhow::Ok(took)
    };
    if !outside.exists() {
        run(&["init", "-q"])?;
    }
    run(arguments)
}
