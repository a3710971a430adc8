//! `builders`.

use std::io::{BufRead, IsTerminal, Write};

use headstart_engine::wire::{Builder, BuilderUsage, NewBuilder};
use headstart_engine::{Engine, builders};

use crate::builder_args::{Builders, CreateBuilder};
use crate::error::{Failure, Outcome};
use crate::out::{Ink, Out};
use crate::text::{self, plain};

pub(crate) async fn run(out: &Out, engine: &Engine, command: Builders) -> Result<Outcome, Failure> {
    match command {
        Builders::List => {
            let all = builders::list(engine).await?;
            if out.json {
                out.value(&all);
            } else {
                list(out, &all);
            }
        }
        Builders::Create(new) => return create(out, engine, new).await,
        Builders::Use { builder } => {
            let builder = builders::select(engine, &builder).await?;
            tell(out, &builder, "selected");
        }
        Builders::Inspect { builder } => {
            let builder = named(engine, builder).await?;
            if out.json {
                out.value(&builder);
            } else {
                show(out, &builder);
            }
        }
        Builders::Bootstrap { builder } => {
            let builder = builders::bootstrap(engine, &builder).await?;
            tell(out, &builder, "started");
        }
        Builders::Remove { builder, yes } => return remove(out, engine, &builder, yes).await,
        Builders::Du { builder, limit } => {
            let name = named(engine, builder).await?.name;
            let usage = builders::usage(engine, &name).await?;
            if out.json {
                out.value(&usage);
            } else {
                disk_use(out, &usage, limit as usize);
            }
        }
        Builders::Prune {
            builder,
            all,
            older_than,
            yes,
            dry_run,
        } => {
            let name = named(engine, builder).await?.name;
            let what = Prune {
                all,
                older_than,
                yes,
                dry_run,
            };
            return prune(out, engine, &name, what).await;
        }
    }
    Ok(Outcome::Done)
}

/// Returns the builder that was named, or the selected one.
async fn named(engine: &Engine, name: Option<String>) -> Result<Builder, Failure> {
    if let Some(name) = name {
        return Ok(builders::inspect(engine, &name).await?);
    }
    let all = builders::list(engine).await?;
    all.into_iter().find(|builder| builder.selected).ok_or_else(|| {
        Failure::usage(
            "buildx has no selected builder",
            "name one, or select one with `headstart builders use`",
        )
    })
}

fn tell(out: &Out, builder: &Builder, what: &str) {
    if out.json {
        out.value(builder);
    } else {
        out.line(format!("{what}: {}", plain(&builder.name)));
    }
}

fn list(out: &Out, all: &[Builder]) {
    let mut rows = vec![text::heading([
        "BUILDER",
        "DRIVER",
        "STATUS",
        "BUILDKIT",
        "CACHE EXPORT",
        "PLATFORMS",
    ])];
    for builder in all {
        let (status, ink) = status(builder);
        let (cache, cache_ink) = if builder.can_export_cache {
            ("yes", Ink::Plain)
        } else {
            ("no", Ink::Warn)
        };
        let buildkit = builder.nodes.iter().find_map(|node| node.buildkit.as_deref());
        rows.push(vec![
            (
                format!(
                    "{}{}",
                    plain(&builder.name),
                    if builder.selected { " *" } else { "" }
                ),
                if builder.selected { Ink::Strong } else { Ink::Plain },
            ),
            (plain(&builder.driver), Ink::Plain),
            (status, ink),
            (plain(buildkit.unwrap_or("-")), Ink::Plain),
            (cache.to_owned(), cache_ink),
            (platforms(builder), Ink::Faint),
        ]);
    }
    text::table(out, &rows);
    for builder in all {
        if let Some(problem) = &builder.problem {
            out.line(out.ink(Ink::Bad, &format!("{}: {}", plain(&builder.name), plain(problem))));
        }
    }
}

/// Returns how a builder is, from its nodes.
fn status(builder: &Builder) -> (String, Ink) {
    if builder.problem.is_some() {
        return ("error".to_owned(), Ink::Bad);
    }
    let running = builder
        .nodes
        .iter()
        .filter(|node| node.status == "running")
        .count();
    match (running, builder.nodes.as_slice()) {
        (_, []) => ("unknown".to_owned(), Ink::Warn),
        (0, [node, ..]) => (plain(&node.status), Ink::Faint),
        (some, nodes) if some < nodes.len() => (format!("{some} of {} running", nodes.len()), Ink::Warn),
        _ => ("running".to_owned(), Ink::Good),
    }
}

fn platforms(builder: &Builder) -> String {
    let mut all: Vec<String> = Vec::new();
    for platform in builder.nodes.iter().flat_map(|node| &node.platforms) {
        if !all.contains(platform) {
            all.push(plain(platform));
        }
    }
    all.join(", ")
}

fn show(out: &Out, builder: &Builder) {
    let fact = |name: &str, value: &str| {
        out.line(format!(
            "{}  {}",
            out.ink(Ink::Faint, &format!("{name:<9}")),
            plain(value)
        ));
    };
    let none = "-".to_owned();
    fact("builder", &builder.name);
    fact("driver", &builder.driver);
    fact("selected", if builder.selected { "yes" } else { "no" });
    for node in &builder.nodes {
        fact("node", &format!("{} at {}", node.name, node.endpoint));
        fact("status", &node.status);
        fact("buildkit", node.buildkit.as_ref().unwrap_or(&none));
        if !node.platforms.is_empty() {
            fact("platforms", &node.platforms.join(", "));
        }
        for option in &node.options {
            fact("option", &format!("{}={}", option.name, option.value));
        }
    }
    fact(
        "cache",
        &match (&builder.why_not, &builder.hint) {
            (None, _) => "can be exported to a registry".to_owned(),
            (Some(why), None) => format!("cannot be exported: {why}"),
            (Some(why), Some(hint)) => format!("cannot be exported: {why}; {hint}"),
        },
    );
    if let Some(warning) = &builder.warning {
        fact("note", warning);
    }
    if let Some(problem) = &builder.problem {
        out.line(out.ink(Ink::Bad, &format!("problem: {}", plain(problem))));
    }
}

async fn create(out: &Out, engine: &Engine, new: CreateBuilder) -> Result<Outcome, Failure> {
    let CreateBuilder {
        name,
        driver,
        endpoint,
        options,
        platforms,
        select,
        bootstrap,
    } = new;
    let new = NewBuilder {
        name,
        driver: driver.into(),
        endpoint,
        options,
        platforms,
    };
    let mut builder = builders::create(engine, &new).await?;
    let mut done = vec!["made"];
    if select {
        builder = builders::select(engine, &builder.name).await?;
        done.push("selected");
    }
    if bootstrap {
        builder = builders::bootstrap(engine, &builder.name).await?;
        done.push("started");
    }
    tell(out, &builder, &done.join(", "));
    if !out.json
        && let Some(warning) = &builder.warning
    {
        out.line(out.ink(Ink::Faint, &format!("note: {}", plain(warning))));
    }
    Ok(Outcome::Done)
}

async fn remove(out: &Out, engine: &Engine, name: &str, yes: bool) -> Result<Outcome, Failure> {
    let builder = builders::inspect(engine, name).await?;
    // One that cannot be removed is refused before anything is asked.
    if !yes && !builder.is_context {
        if !out.json {
            out.line(format!(
                "{}, a {} builder, would be removed with its cache",
                plain(&builder.name),
                plain(&builder.driver)
            ));
        }
        if !agreed(out, "remove") {
            return Err(Failure::usage(
                "nothing was removed",
                "say --yes to remove without a question",
            ));
        }
    }
    builders::remove(engine, &builder.name).await?;
    tell(out, &builder, "removed");
    Ok(Outcome::Done)
}

fn disk_use(out: &Out, usage: &BuilderUsage, limit: usize) {
    if limit > 0 && !usage.entries.is_empty() {
        let mut rows = vec![text::heading(["SIZE", "USED", "FREE", "KIND", "FROM"])];
        rows.extend(usage.entries.iter().take(limit).map(|entry| {
            let free = match (entry.reclaimable, entry.shared) {
                (false, _) => "in use",
                (true, true) => "shared",
                (true, false) => "yes",
            };
            vec![
                (text::bytes(entry.bytes), Ink::Plain),
                (plain(entry.last_used.as_deref().unwrap_or("-")), Ink::Plain),
                (free.to_owned(), Ink::Plain),
                (plain(&entry.kind), Ink::Plain),
                (plain(&entry.description), Ink::Plain),
            ]
        }));
        text::table(out, &rows);
        let more = (usage.records as usize).saturating_sub(limit.min(usage.entries.len()));
        if more > 0 {
            out.line(out.ink(Ink::Faint, &format!("{more} more")));
        }
        out.line("");
    }
    let entries = |count: u32| {
        if count == 1 {
            "1 entry".to_owned()
        } else {
            format!("{count} entries")
        }
    };
    for (name, bytes, records) in [
        ("total", usage.total_bytes, usage.records),
        ("prune frees", usage.prunable_bytes, usage.prunable_records),
        ("with --all", usage.reclaimable_bytes, usage.reclaimable_records),
    ] {
        out.line(format!(
            "{}  {}",
            out.ink(Ink::Faint, &format!("{name:<11}")),
            if name == "total" || bytes == 0 {
                format!("{} in {}", text::bytes(bytes), entries(records))
            } else {
                format!("about {} in {}", text::bytes(bytes), entries(records))
            }
        ));
    }
}

/// What a prune was told.
struct Prune {
    all: bool,
    older_than: Option<String>,
    yes: bool,
    dry_run: bool,
}

async fn prune(out: &Out, engine: &Engine, name: &str, what: Prune) -> Result<Outcome, Failure> {
    if what.dry_run || !what.yes {
        let usage = builders::usage(engine, name).await?;
        if out.json && what.dry_run {
            out.value(&usage);
        } else if !out.json {
            let (bytes, records) = if what.all {
                (usage.reclaimable_bytes, usage.reclaimable_records)
            } else {
                (usage.prunable_bytes, usage.prunable_records)
            };
            // buildx does not say beforehand what an age leaves out.
            let about = if what.older_than.is_some() {
                "at most"
            } else {
                "about"
            };
            out.line(format!(
                "{about} {} of {} would be freed from {} ({records} of {} entries)",
                text::bytes(bytes),
                text::bytes(usage.total_bytes),
                plain(name),
                usage.records
            ));
        }
    }
    if what.dry_run {
        return Ok(Outcome::Done);
    }
    if !what.yes && !agreed(out, "prune") {
        return Err(Failure::usage(
            "nothing was pruned",
            "say --yes to prune without a question",
        ));
    }
    let done = builders::prune(engine, name, what.all, what.older_than.as_deref()).await?;
    if out.json {
        out.value(&done);
    } else {
        out.line(format!(
            "{} freed from {}",
            text::bytes(done.freed_bytes),
            plain(name)
        ));
    }
    Ok(Outcome::Done)
}

/// Asks a person; nobody to ask is a no.
fn agreed(out: &Out, action: &str) -> bool {
    if !std::io::stdin().is_terminal() || !out.terminal || out.json {
        return false;
    }
    out.raw(&format!("{action}? [y/N] "));
    drop(std::io::stdout().flush());
    let mut answer = String::new();
    drop(std::io::stdin().lock().read_line(&mut answer));
    matches!(answer.trim(), "y" | "Y" | "yes")
}
