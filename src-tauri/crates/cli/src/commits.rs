//! `commits search` and `commit show`.

use headstart_engine::wire::{ChangeKind, CommitDetail, CommitSearch, GraphQuery};
use headstart_engine::{Engine, history};

use crate::args;
use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::text::{self, plain, short};

pub(crate) fn search(out: &Out, engine: &Engine, command: args::Commits) -> Result<Outcome, Failure> {
    let args::Commits::Search(typed) = command;
    let project = find::project(engine, &typed.of)?;
    let hits = history::search(
        engine,
        &CommitSearch {
            project: project.id,
            query: GraphQuery { branch: typed.branch },
            text: typed.words.join(" "),
            author: typed.author,
            path: typed.path,
            only_built: typed.built,
            limit: typed.limit,
        },
    )?;
    if out.json {
        out.value(&hits);
        return Ok(Outcome::Done);
    }
    if hits.rows.is_empty() {
        out.line(format!(
            "nothing found in {}",
            text::count(hits.searched, "commit")
        ));
        return Ok(Outcome::Done);
    }
    let mut rows = vec![text::heading(["COMMIT", "DATE", "AUTHOR", "SUMMARY"])];
    for row in &hits.rows {
        let names: Vec<String> = row.refs.iter().map(|label| plain(&label.name)).collect();
        let names = if names.is_empty() {
            String::new()
        } else {
            format!("({}) ", names.join(", "))
        };
        rows.push(vec![
            (short(&row.commit), Ink::Accent),
            (text::date(row.committed_at), Ink::Plain),
            (text::cut(&plain(&row.author), 24), Ink::Plain),
            (names + &plain(&row.summary), Ink::Plain),
        ]);
    }
    text::table(out, &rows);
    if hits.more {
        out.line(out.ink(
            Ink::Faint,
            &format!(
                "looked at {}; there may be more",
                text::count(hits.searched, "commit")
            ),
        ));
    }
    Ok(Outcome::Done)
}

pub(crate) fn show(out: &Out, engine: &Engine, command: args::Commit) -> Result<Outcome, Failure> {
    let args::Commit::Show(typed) = command;
    let project = find::project(engine, &typed.of)?;
    let detail = history::detail(engine, &project.id, &typed.commit)?;
    if out.json {
        out.value(&detail);
    } else {
        print(out, &detail);
    }
    Ok(Outcome::Done)
}

fn print(out: &Out, detail: &CommitDetail) {
    let names: Vec<String> = detail.refs.iter().map(|label| plain(&label.name)).collect();
    let names = if names.is_empty() {
        String::new()
    } else {
        out.ink(Ink::Accent, &format!(" ({})", names.join(", ")))
    };
    out.line(format!(
        "{}{names}",
        out.ink(Ink::Strong, &format!("commit {}", detail.commit))
    ));
    if detail.parents.len() > 1 {
        let parents: Vec<String> = detail.parents.iter().map(|parent| short(parent)).collect();
        out.line(format!("merges  {}", parents.join(" ")));
    }
    out.line(format!(
        "author  {} <{}>",
        plain(&detail.author),
        plain(&detail.email)
    ));
    out.line(format!("date    {}\n", text::time(detail.authored_at)));
    for line in detail.message.trim_end().lines() {
        out.line(format!("    {}", plain(line)).trim_end());
    }
    out.line(format!("\n{} changed", text::count(detail.changed_files, "file")));
    for change in &detail.changes {
        let (mark, ink) = match change.kind {
            ChangeKind::Added => ('A', Ink::Good),
            ChangeKind::Modified => ('M', Ink::Warn),
            ChangeKind::Deleted => ('D', Ink::Bad),
            ChangeKind::Renamed => ('R', Ink::Accent),
            ChangeKind::Mode => ('X', Ink::Warn),
            ChangeKind::Type => ('T', Ink::Warn),
        };
        let from = change.from.as_deref().map(|from| format!("{} → ", plain(from)));
        out.line(format!(
            "  {} {}{}",
            out.ink(ink, &mark.to_string()),
            from.unwrap_or_default(),
            plain(&change.path)
        ));
    }
    let listed = u32::try_from(detail.changes.len()).unwrap_or(u32::MAX);
    if detail.changed_files > listed {
        out.line(format!("  and {} more", detail.changed_files - listed));
    }
}
