//! A repository of a million commits, made once and kept in the temporary directory.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Commits in the history.
pub(crate) const COMMITS: u64 = 1_000_000;

/// The repository.
pub(crate) struct Big {
    pub(crate) path: PathBuf,
}

/// Returns the repository, making it when it is not there.
pub(crate) fn repository() -> Result<Big> {
    let path = std::env::temp_dir().join(format!("headstart-bench-{COMMITS}.git"));
    if path.join("complete").exists() {
        return Ok(Big { path });
    }
    eprintln!("making a repository of {COMMITS} commits in {}", path.display());
    drop(std::fs::remove_dir_all(&path));
    let init = Command::new("git")
        .args(["init", "-q", "--bare", "-b", "main"])
        .arg(&path)
        .status()?;
    ensure!(init.success(), "git init failed");
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(&path)
        .stdin(Stdio::piped())
        .spawn()
        .context("git fast-import")?;
    let mut out = BufWriter::with_capacity(1 << 20, import.stdin.take().context("a pipe")?);
    write_history(&mut out)?;
    drop(out);
    ensure!(import.wait()?.success(), "git fast-import failed");
    std::fs::write(path.join("complete"), "")?;
    Ok(Big { path })
}

/// Writes a history with a short side branch every dozen commits and slightly skewed clocks.
fn write_history(out: &mut impl Write) -> Result<()> {
    let config = "image: headstart-sample/busybox:1\ntasks:\n- init: echo done\n";
    writeln!(out, "blob\nmark :1\ndata {}\n{config}", config.len())?;
    let mut main = 0u64;
    let mut side: Option<u64> = None;
    for number in 0..COMMITS {
        let mark = number + 2;
        let time = 1_000_000_000 + number * 60 + number * 7919 % 90;
        let on_side = number % 12 == 5 || (side.is_some() && number % 12 == 6);
        let merges = number % 12 == 8 && side.is_some();
        let branch = if on_side { "side" } else { "main" };
        let message = format!("change {number}");
        write!(
            out,
            "commit refs/heads/{branch}\nmark :{mark}\nauthor A <a@example.org> {time} +0000\n\
             committer A <a@example.org> {time} +0000\ndata {}\n{message}\n",
            message.len()
        )?;
        let parent = if on_side { side.unwrap_or(main) } else { main };
        if parent > 0 {
            writeln!(out, "from :{parent}")?;
        } else {
            writeln!(out, "M 100644 :1 .gitpod.yml")?;
        }
        if merges && let Some(tip) = side.take() {
            writeln!(out, "merge :{tip}")?;
        }
        let text = number.to_string();
        writeln!(
            out,
            "M 100644 inline file{}\ndata {}\n{text}",
            number % 8,
            text.len()
        )?;
        if on_side {
            side = Some(mark);
        } else {
            main = mark;
        }
    }
    out.flush()?;
    Ok(())
}
