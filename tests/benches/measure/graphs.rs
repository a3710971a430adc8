//! The commit graph of a million commits, and the fingerprint of a large tree.

use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Result, ensure};
use headstart_engine::source::{History, Repo, RepoPath, ancestors, tree_key};

use crate::big::Big;
use crate::figures::{Table, ms, percentile, timed};

pub(crate) fn measure(table: &mut Table, big: &Big) -> Result<()> {
    let repo = Repo::open(&big.path)?;
    let head = repo.resolve("main")?;
    let mut first = Vec::new();
    for _ in 0..11 {
        let rows = || {
            let mut history = History::new(&repo, vec![head])?;
            history.load(200)?;
            Ok(history.rows(0..200).len())
        };
        let (rows, took) = timed(rows)?;
        ensure!(rows == 200, "200 rows are there");
        first.push(took);
    }
    let git = |arguments: &[&str]| {
        let status = Command::new("git")
            .args(arguments)
            .current_dir(&big.path)
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "git {arguments:?}");
        Ok(())
    };
    let (_, peer) = timed(|| git(&["log", "--graph", "--oneline", "-n", "200", "main"]))?;
    let ours = percentile(&mut first, 50);
    let beside = format!("`git log --graph -n 200` {}", ms(peer));
    table.row(
        "first 200 graph rows of 1 M",
        ms(ours),
        beside,
        "50 ms",
        ours <= Duration::from_millis(50),
    );

    let all = || {
        let mut history = History::new(&repo, vec![head])?;
        history.load_all(&AtomicBool::new(false))?;
        Ok(history.len())
    };
    let (rows, ours) = timed(all)?;
    ensure!(rows > 900_000, "all rows are there: {rows}");
    let (_, peer) = timed(|| git(&["log", "--graph", "--oneline", "main"]))?;
    let beside = format!("`git log --graph --oneline` {}", ms(peer));
    table.row(
        "all lanes of 1 M commits",
        ms(ours),
        beside,
        "faster than git",
        ours < peer,
    );

    let mut walks = Vec::new();
    for _ in 0..21 {
        let (steps, took) = timed(|| Ok(ancestors(&repo, head, 101)?.len()))?;
        ensure!(steps == 101, "101 ancestors");
        walks.push(took);
    }
    let ours = percentile(&mut walks, 50);
    let (_, peer) = timed(|| git(&["rev-list", "-n", "101", "main"]))?;
    let beside = format!("`git rev-list -n 101` {}", ms(peer));
    table.row(
        "101 ancestors of 1 M",
        ms(ours),
        beside,
        "about 1 ms",
        ours <= Duration::from_millis(3),
    );
    Ok(())
}

pub(crate) fn measure_fingerprint(table: &mut Table) -> Result<()> {
    let folder = tempfile::tempdir()?;
    for directory in 0..100 {
        let path = folder.path().join(format!("d{directory}"));
        std::fs::create_dir(&path)?;
        for file in 0..100 {
            std::fs::write(path.join(format!("f{file}")), format!("{directory} {file}\n"))?;
        }
    }
    let git = |arguments: &[&str]| {
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
            .args(arguments)
            .current_dir(folder.path())
            .status()?;
        ensure!(status.success(), "git {arguments:?}");
        Ok(())
    };
    git(&["init", "-q"])?;
    git(&["add", "."])?;
    git(&["commit", "-qm", "ten thousand files"])?;
    let mut samples = Vec::new();
    for _ in 0..21 {
        // Opened anew each time: nothing is known of the repository yet.
        let key = || {
            let repo = Repo::open(folder.path())?;
            Ok(tree_key(&repo, repo.resolve("HEAD")?, &RepoPath::default())?)
        };
        samples.push(timed(key)?.1);
    }
    let ours = percentile(&mut samples, 50);
    let (_, peer) = timed(|| {
        Ok(Command::new("git")
            .args(["rev-parse", "HEAD^{tree}"])
            .current_dir(folder.path())
            .output()?)
    })?;
    let beside = format!("`git rev-parse HEAD^{{tree}}` {}", ms(peer));
    table.row(
        "fingerprint of 10,000 files",
        ms(ours),
        beside,
        "20 ms",
        ours <= Duration::from_millis(20),
    );
    Ok(())
}
