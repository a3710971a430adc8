//! Writes a bare repository with a long history for measurements: `big_history DEST COMMITS`.
//!
//! Every seventh commit or so belongs to a short branch that is merged soon after, clocks are slightly skewed, and each
//! commit changes one of a few files. `git fast-import` writes a million commits in well under a minute.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: big_history DEST COMMITS";
    let dest = PathBuf::from(arguments.next().ok_or(usage)?);
    let commits: u64 = arguments
        .next()
        .and_then(|count| count.to_str()?.parse().ok())
        .ok_or(usage)?;
    let init = Command::new("git")
        .args(["init", "--quiet", "--bare", "--initial-branch=main"])
        .arg(&dest)
        .status()?;
    if !init.success() {
        return Err("git init failed".into());
    }
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet", "--force"])
        .current_dir(&dest)
        .stdin(Stdio::piped())
        .spawn()?;
    let stdin = import.stdin.take().ok_or("git fast-import takes no input")?;
    write_history(&mut BufWriter::with_capacity(1 << 20, stdin), commits)?;
    if !import.wait()?.success() {
        return Err("git fast-import failed".into());
    }
    Ok(())
}

fn write_history(out: &mut impl Write, commits: u64) -> std::io::Result<()> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut main_tip = None;
    let mut side: Option<(u64, u64)> = None;
    for mark in 1..=commits {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let time = 1_000_000_000 + mark * 300 + random % 900;
        let on_side = side.is_some() && random.is_multiple_of(2);
        let branch = if on_side { "side" } else { "main" };
        write!(out, "commit refs/heads/{branch}\nmark :{mark}\n")?;
        write!(
            out,
            "author Ada <ada@example.com> {time} +0000\ncommitter Ada <ada@example.com> {time} +0000\n"
        )?;
        let message = format!("change {mark}");
        writeln!(out, "data {}\n{message}", message.len())?;
        let parent = if on_side {
            side.map(|(tip, _)| tip)
        } else {
            main_tip
        };
        if let Some(parent) = parent {
            writeln!(out, "from :{parent}")?;
        }
        match side {
            Some((tip, length)) if on_side => side = Some((mark, length + u64::from(tip != mark))),
            Some((tip, length)) if length >= 3 => {
                writeln!(out, "merge :{tip}")?;
                side = None;
            }
            None if random.is_multiple_of(5) => side = main_tip.map(|tip| (tip, 0)),
            _ => {}
        }
        if !on_side {
            main_tip = Some(mark);
        }
        writeln!(
            out,
            "M 100644 inline file-{}\ndata {}\n{mark}\n",
            random % 16,
            mark.to_string().len()
        )?;
    }
    if let Some((tip, _)) = side {
        write!(out, "reset refs/heads/side\nfrom :{tip}\n\n")?;
    }
    out.flush()
}
