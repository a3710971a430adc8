//! `project`: the source roots that Headstart knows.

use headstart_engine::wire::{Preview, Severity};
use headstart_engine::{Engine, project};

use crate::args;
use crate::error::{Failure, Outcome, problem, to_stderr};
use crate::find;
use crate::out::{Ink, Out};
use crate::text::{self, plain};

pub(crate) fn run(out: &Out, engine: &Engine, command: args::Project) -> Result<Outcome, Failure> {
    match command {
        args::Project::Add { path } => {
            let preview = project::preview(engine, &path)?;
            if !preview.can_add && !preview.problems.is_empty() {
                let why = format!("nothing to build from was found at {}", path.display());
                return Err(Failure::config(why, preview.problems));
            }
            let added = project::add(engine, &path)?;
            if out.json {
                out.value(&added);
                return Ok(Outcome::Done);
            }
            // Warnings are no part of the answer.
            for warning in &preview.problems {
                to_stderr(&problem(warning));
            }
            let word = if preview.already.is_some() {
                "known"
            } else {
                "added"
            };
            out.line(format!(
                "{word}: {} ({}), {}",
                plain(&added.name),
                added.id,
                plain(&added.recipe)
            ));
        }
        args::Project::List => list(out, engine)?,
        args::Project::Remove { project } => {
            let found = find::named_project(engine, &project)?;
            project::remove(engine, &found.id)?;
            if out.json {
                out.value(&found);
            } else {
                out.line(format!("removed: {} ({})", plain(&found.name), found.id));
            }
        }
        args::Project::Preview { path } => {
            let preview = project::preview(engine, &path)?;
            if out.json {
                out.value(&preview);
            } else {
                show(out, &preview);
            }
            if !preview.can_add {
                return Ok(Outcome::Failed);
            }
        }
    }
    Ok(Outcome::Done)
}

fn list(out: &Out, engine: &Engine) -> Result<(), Failure> {
    let projects = project::list(engine)?;
    if out.json {
        out.value(&projects);
        return Ok(());
    }
    if projects.is_empty() {
        out.line("no projects; add one: headstart project add FOLDER");
        return Ok(());
    }
    let mut rows = vec![text::heading([
        "PROJECT", "NAME", "BRANCH", "BUILDS", "RECIPE", "FOLDER",
    ])];
    for one in &projects {
        let active = if one.active > 0 {
            format!(" ({} active)", one.active)
        } else {
            String::new()
        };
        let folder = match &one.problem {
            Some(problem) => (plain(problem), Ink::Bad),
            None => (plain(&one.root), Ink::Plain),
        };
        rows.push(vec![
            (one.id.to_string(), Ink::Plain),
            (plain(&one.name), Ink::Plain),
            (one.branch.as_deref().map_or("-".to_owned(), plain), Ink::Plain),
            (format!("{}{active}", one.builds), Ink::Plain),
            (plain(&one.recipe), Ink::Plain),
            folder,
        ]);
    }
    text::table(out, &rows);
    Ok(())
}

fn show(out: &Out, preview: &Preview) {
    out.line(format!(
        "{}  {}",
        out.ink(Ink::Strong, &plain(&preview.name)),
        plain(&preview.root)
    ));
    if let Some(repository) = &preview.repository {
        out.line(plain(repository));
    }
    if let Some(recognised) = &preview.recognised {
        out.line(format!(
            "{}: {}",
            plain(&recognised.file),
            plain(&recognised.summary)
        ));
        for detail in &recognised.details {
            out.line(format!("  {}", plain(detail)));
        }
    }
    for found in &preview.problems {
        let ink = match found.severity {
            Severity::Error => Ink::Bad,
            Severity::Warning => Ink::Warn,
        };
        out.line(out.ink(ink, &problem(found)));
    }
    if let Some(already) = &preview.already {
        out.line(format!("known already as {already}"));
    } else if preview.can_add {
        out.line("can be added");
    } else {
        out.line("cannot be added");
    }
}
