//! `repositories`.

use headstart_engine::wire::{CheckoutState, CodeRepository, Project, RepositoryKind};
use headstart_engine::{Engine, repositories};

use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::repository_args::Repositories;
use crate::text::{self, plain, short};

pub(crate) async fn run(out: &Out, engine: &Engine, command: Repositories) -> Result<Outcome, Failure> {
    match command {
        Repositories::List => list(out, &repositories::list(engine)?),
        Repositories::Add { name, url, kind } => {
            let kind = kind.map_or_else(|| repositories::kind_of(&url), RepositoryKind::from);
            let one = repositories::save(engine, CodeRepository { name, kind, url })?;
            if out.json {
                out.value(&one);
            } else {
                out.line(format!("{}: {}", plain(&one.name), plain(&one.url)));
            }
        }
        Repositories::Remove { name } => {
            repositories::remove(engine, &name)?;
            if out.json {
                out.value(&serde_json::json!({ "removed": name }));
            }
        }
        Repositories::State { of, fetch } => {
            let project = find::project(engine, &of)?;
            let state = repositories::state(engine, &project.id, fetch).await?;
            show(out, &project, &state);
        }
    }
    Ok(Outcome::Done)
}

fn list(out: &Out, all: &[CodeRepository]) {
    if out.json {
        out.value(&all);
    } else if all.is_empty() {
        out.line("no code repositories; add one: headstart repositories add NAME URL");
    } else {
        let mut rows = vec![text::heading(["NAME", "KIND", "ADDRESS"])];
        rows.extend(all.iter().map(|one| {
            vec![
                (plain(&one.name), Ink::Plain),
                (word(one.kind).to_owned(), Ink::Plain),
                (plain(&one.url), Ink::Plain),
            ]
        }));
        text::table(out, &rows);
    }
}

fn word(kind: RepositoryKind) -> &'static str {
    match kind {
        RepositoryKind::Git => "git",
        RepositoryKind::Github => "github",
        RepositoryKind::Gitlab => "gitlab",
    }
}

fn show(out: &Out, project: &Project, state: &CheckoutState) {
    if out.json {
        return out.value(state);
    }
    let (mark, ink) = match state.usable {
        true => ("✓", Ink::Good),
        false => ("✕", Ink::Warn),
    };
    out.line(format!("{} {}", out.ink(ink, mark), plain(&state.reason)));
    let none = || "none".to_owned();
    let branch = state.branch.clone().unwrap_or_else(|| "detached".to_owned());
    let commit = state
        .commit
        .as_deref()
        .map_or_else(none, |commit| format!("{} ({branch})", short(commit)));
    let folder = match state.subdirectory.as_str() {
        "" => state.folder.clone(),
        inner => format!("{}, source root {inner}", state.folder),
    };
    let marks = [
        (state.uncommitted, "uncommitted changes"),
        (state.untracked, "untracked files"),
        (state.unpushed, "not pushed"),
    ];
    let found: Vec<&str> = marks
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, word)| *word)
        .collect();
    let checkout = match found.is_empty() {
        true => "clean".to_owned(),
        false => found.join(", "),
    };
    for (name, value) in [
        ("repository", state.repository.clone().unwrap_or_else(none)),
        ("commit", commit),
        ("checkout", checkout),
        ("folder", folder),
    ] {
        out.line(format!(
            "  {}  {}",
            out.ink(Ink::Faint, &format!("{name:10}")),
            plain(&value)
        ));
    }
    if !state.usable {
        let hint = format!("open it: headstart open folder {}", plain(&project.name));
        out.line(format!("  {}", out.ink(Ink::Faint, &hint)));
    }
}
