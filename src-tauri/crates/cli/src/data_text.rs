//! Data repositories in words.

use headstart_engine::wire::{
    CopyProgress, DataBranch, DataChangeKind, DataCommit, DataContent, DataDiff, DataFile, DataListing,
    DataRepo, PutReport, Swept,
};

use crate::out::{Ink, Out};
use crate::text::{self, plain};

/// Digits of a commit's id that are shown.
const SHORT: usize = 12;

fn short(id: &str) -> &str {
    id.get(..SHORT).unwrap_or(id)
}

fn files(count: u64) -> String {
    match count {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}

pub(crate) fn copied(progress: &CopyProgress) -> String {
    format!("{}, {}", files(progress.files), text::bytes(progress.bytes))
}

pub(crate) fn swept(swept: &Swept, dry_run: bool) -> String {
    let what = if dry_run { "would be freed" } else { "freed" };
    let chunks = if swept.chunks == 1 { "chunk" } else { "chunks" };
    format!("{} {chunks}, {} {what}", swept.chunks, text::bytes(swept.bytes))
}

pub(crate) fn repos(out: &Out, all: &[DataRepo]) {
    if out.json {
        return out.value(&all);
    }
    if all.is_empty() {
        return out.line("no data repositories; make one: headstart data create NAME");
    }
    let mut rows = vec![text::heading([
        "NAME", "BRANCH", "COMMIT", "FILES", "SIZE", "WHEN",
    ])];
    for repo in all {
        rows.extend(repo.branches.iter().map(|branch| branch_row(&repo.name, branch)));
        if repo.branches.is_empty() {
            rows.push(vec![
                (repo.name.clone(), Ink::Plain),
                ("no branch".to_owned(), Ink::Faint),
            ]);
        }
    }
    text::table(out, &rows);
}

fn branch_row(name: &str, branch: &DataBranch) -> Vec<(String, Ink)> {
    let mut row = vec![(name.to_owned(), Ink::Plain), (branch.name.clone(), Ink::Plain)];
    match &branch.head {
        Some(head) => row.extend([
            (short(&head.id).to_owned(), Ink::Accent),
            (head.files.to_string(), Ink::Plain),
            (text::bytes(head.bytes), Ink::Plain),
            (text::age(head.created_at, text::now_ms()), Ink::Faint),
        ]),
        None => row.push(("empty".to_owned(), Ink::Faint)),
    }
    row
}

pub(crate) fn repo(out: &Out, repo: &DataRepo) {
    if out.json {
        return out.value(repo);
    }
    let about = match (&repo.pipeline, repo.description.as_str()) {
        (Some(pipeline), _) => format!("  of the pipeline {}", plain(pipeline)),
        (None, "") => String::new(),
        (None, text) => format!("  {}", plain(text)),
    };
    out.line(format!(
        "{}{}",
        out.ink(Ink::Strong, &repo.name),
        out.ink(Ink::Faint, &about)
    ));
    for branch in &repo.branches {
        let head = match &branch.head {
            Some(head) => format!(
                "{}  {}, {}  {}",
                out.ink(Ink::Accent, short(&head.id)),
                files(head.files),
                text::bytes(head.bytes),
                out.ink(Ink::Faint, &plain(&head.message))
            ),
            None => out.ink(Ink::Faint, "empty"),
        };
        out.line(format!("  {}  {head}", branch.name));
    }
}

pub(crate) fn put(out: &Out, report: &PutReport) {
    let commit = &report.commit;
    let place = format!("{}@{}", commit.repo, commit.branch);
    let id = out.ink(Ink::Accent, short(&commit.id));
    if !report.new {
        return out.line(format!("{place} has all of it already, in commit {id}"));
    }
    let new = out.ink(Ink::Faint, &format!("{} of it new", text::bytes(report.stored)));
    let put = format!("{}, {}", files(report.files), text::bytes(report.bytes));
    out.line(format!("{place} {id}  {}: {put}, {new}", plain(&commit.message)));
}

pub(crate) fn listing(out: &Out, listing: &DataListing, offset: u64) {
    if out.json {
        return out.value(listing);
    }
    let row = |entry: &headstart_engine::wire::DataEntry| {
        let (name, ink) = match entry.folder {
            true => (format!("{}/", plain(&entry.name)), Ink::Accent),
            false => (plain(&entry.name), Ink::Plain),
        };
        let inside = if entry.folder {
            files(entry.files)
        } else {
            String::new()
        };
        vec![
            (name, ink),
            (text::bytes(entry.bytes), Ink::Plain),
            (inside, Ink::Faint),
        ]
    };
    let rows: Vec<_> = listing.entries.iter().map(row).collect();
    text::table(out, &rows);
    let shown = offset + listing.entries.len() as u64;
    if shown < listing.total {
        let more = format!("… {} more; go on with --offset {shown}", listing.total - shown);
        out.line(out.ink(Ink::Faint, &more));
    }
}

pub(crate) fn log(out: &Out, commits: &[DataCommit]) {
    if out.json {
        return out.value(&commits);
    }
    if commits.is_empty() {
        return out.line("no commits");
    }
    for commit in commits {
        let job = commit
            .job
            .as_ref()
            .map_or_else(String::new, |job| format!("  job {}", short(job)));
        out.line(format!(
            "{}  {}  {}",
            out.ink(Ink::Accent, short(&commit.id)),
            plain(&commit.message),
            out.ink(
                Ink::Faint,
                &format!(
                    "{}, {}  {}{job}",
                    files(commit.files),
                    text::bytes(commit.bytes),
                    text::age(commit.created_at, text::now_ms())
                )
            )
        ));
    }
}

pub(crate) fn diff(out: &Out, diff: &DataDiff) {
    if out.json {
        return out.value(diff);
    }
    for change in &diff.changes {
        let size = |bytes: Option<u64>| bytes.map(text::bytes).unwrap_or_default();
        let (mark, ink, sizes) = match change.kind {
            DataChangeKind::Added => ("+", Ink::Good, size(change.after)),
            DataChangeKind::Removed => ("-", Ink::Bad, size(change.before)),
            DataChangeKind::Changed => (
                "~",
                Ink::Warn,
                format!("{} → {}", size(change.before), size(change.after)),
            ),
        };
        let path = format!("{mark} {}", plain(&change.path));
        out.line(format!(
            "{}  {}",
            out.ink(ink, &path),
            out.ink(Ink::Faint, &sizes)
        ));
    }
    let all = format!(
        "{} added, {} changed, {} removed",
        diff.added, diff.changed, diff.removed
    );
    out.line(out.ink(Ink::Faint, &all));
}

pub(crate) fn file(out: &Out, file: &DataFile) {
    if out.json {
        return out.value(file);
    }
    let what = match &file.content {
        DataContent::Text { text, truncated } => {
            text.lines().for_each(|line| out.line(plain(line)));
            if !truncated {
                return;
            }
            "there is more of it".to_owned()
        }
        DataContent::Image { media_type, .. } => format!("{media_type}, {}", text::bytes(file.entry.bytes)),
        DataContent::Binary { hex } => {
            for line in hex.as_bytes().chunks(64) {
                out.line(String::from_utf8_lossy(line));
            }
            format!("no text, {}", text::bytes(file.entry.bytes))
        }
    };
    let hint = format!("{what}; to have it whole, write it to a file: headstart data cat … > FILE");
    out.line(out.ink(Ink::Faint, &hint));
}
