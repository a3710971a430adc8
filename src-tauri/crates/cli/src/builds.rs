//! `builds`: the catalogue.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use headstart_engine::wire::{
    Build, BuildDiff, BuildEvent, BuildFilter, BuildId, BuildStatus, Decision, DeletePlan, ImageDetail,
    LogLine, Step,
};
use headstart_engine::{Engine, builds, run as runs};

use crate::args;
use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::progress::{saved, step_line};
use crate::text::{self, plain, short};

/// Lines read at once.
const PAGE: u32 = 5_000;

pub(crate) async fn run(out: &Out, engine: &Engine, command: args::Builds) -> Result<Outcome, Failure> {
    match command {
        args::Builds::List(filter) => list(out, engine, filter),
        args::Builds::Show { build } => {
            let build = builds::get(engine, &find::build(engine, &build)?)?;
            if out.json {
                out.value(&build);
            } else {
                show(out, &build);
            }
            Ok(Outcome::Done)
        }
        args::Builds::Logs { build, follow, step } => {
            logs(out, engine, &find::build(engine, &build)?, follow, step).await
        }
        args::Builds::Delete { builds, yes, dry_run } => delete(out, engine, &builds, yes, dry_run).await,
        args::Builds::Pin { build } => pin(out, engine, &build, true),
        args::Builds::Unpin { build } => pin(out, engine, &build, false),
        args::Builds::Diff { left, right } => {
            let (left, right) = (find::build(engine, &left)?, find::build(engine, &right)?);
            let found = builds::diff(engine, &left, &right)?;
            if out.json {
                out.value(&found);
            } else {
                diff(out, &found);
            }
            Ok(Outcome::Done)
        }
        args::Builds::Cancel { build } => cancel(out, engine, &find::build(engine, &build)?).await,
        args::Builds::Sync { of, all } => sync(out, engine, &of, all).await,
        args::Builds::Image { build } => {
            let detail = runs::image_detail(engine, &find::build(engine, &build)?).await?;
            if out.json {
                out.value(&detail);
            } else {
                image(out, &detail);
            }
            Ok(Outcome::Done)
        }
    }
}

async fn sync(out: &Out, engine: &Engine, of: &args::OfProject, all: bool) -> Result<Outcome, Failure> {
    let project = if all {
        None
    } else {
        Some(find::project(engine, of)?.id)
    };
    let report = builds::sync(engine, project.as_ref()).await?;
    if out.json {
        out.value(&report);
        return Ok(Outcome::Done);
    }
    for problem in &report.problems {
        out.line(out.ink(Ink::Warn, &format!("warning: {}", plain(problem))));
    }
    let imported = u32::try_from(report.imported.len()).unwrap_or(u32::MAX);
    out.line(format!(
        "{} found, {} known before; {} looked for",
        text::count(imported, "new build"),
        report.known,
        text::count(report.asked, "key")
    ));
    for build in &report.imported {
        let build = builds::get(engine, build)?;
        let producer = plain(build.producer.as_deref().unwrap_or("somebody"));
        out.line(format!(
            "  {}  {} at {} by {producer}",
            build.id,
            plain(build.pipeline.as_deref().unwrap_or(&build.project_name)),
            short(&build.commit)
        ));
    }
    Ok(Outcome::Done)
}

fn list(out: &Out, engine: &Engine, typed: args::ListBuilds) -> Result<Outcome, Failure> {
    let project = match &typed.project {
        Some(wanted) => Some(find::named_project(engine, wanted)?.id),
        None => None,
    };
    let filter = BuildFilter {
        project,
        status: typed.status,
        branch: typed.branch,
        id: typed.id,
        commit: typed.commit,
        text: typed.text,
        pinned: typed.pinned.then_some(true),
        pipeline: typed.pipeline,
        stack: typed.stack,
        contains_code: typed.contains_code,
        sort: typed.sort.into(),
        ascending: typed.ascending,
        offset: typed.offset,
        limit: typed.limit,
    };
    let found = builds::list(engine, &filter)?;
    if out.json {
        out.value(&found);
        return Ok(Outcome::Done);
    }
    if found.builds.is_empty() {
        out.line("no builds");
        return Ok(Outcome::Done);
    }
    let now = text::now_ms();
    let mut rows = vec![text::heading([
        "BUILD", "PROJECT", "COMMIT", "BRANCH", "STATUS", "HOW", "TOOK", "SIZE", "WHEN", "SUMMARY",
    ])];
    rows.extend(found.builds.iter().map(|build| row(build, now)));
    text::table(out, &rows);
    let shown = u32::try_from(found.builds.len()).unwrap_or(u32::MAX);
    if found.total > shown {
        out.line(out.ink(
            Ink::Faint,
            &format!("{shown} of {}", text::count(found.total, "build")),
        ));
    }
    Ok(Outcome::Done)
}

fn row(build: &Build, now: i64) -> Vec<(String, Ink)> {
    let (status, ink) = text::status(build.status);
    let bytes: Option<u64> = build.images.iter().map(|image| image.bytes).sum();
    let bytes = bytes.filter(|_| !build.images.is_empty());
    let pinned = if build.pinned { " ⚲" } else { "" };
    let dirty = if build.dirty { "+" } else { "" };
    let none = || "-".to_owned();
    vec![
        (build.id.to_string() + pinned, Ink::Plain),
        (text::cut(&plain(&build.project_name), 24), Ink::Plain),
        (short(&build.commit) + dirty, Ink::Plain),
        (
            build
                .branch
                .as_deref()
                .map_or_else(none, |branch| text::cut(&plain(branch), 24)),
            Ink::Plain,
        ),
        (status, ink),
        (text::decision(build.decision).to_owned(), Ink::Plain),
        (build.duration_ms.map_or_else(none, text::duration), Ink::Plain),
        (bytes.map_or_else(none, text::bytes), Ink::Plain),
        (text::age(build.created_at, now), Ink::Plain),
        (plain(&build.summary), Ink::Plain),
    ]
}

fn show(out: &Out, build: &Build) {
    let (status, ink) = text::status(build.status);
    let mut facts: Vec<(&str, String)> = vec![
        (
            "project",
            format!("{} ({})", plain(&build.project_name), build.project),
        ),
        ("commit", format!("{}  {}", build.commit, plain(&build.summary))),
    ];
    if let Some(branch) = &build.branch {
        facts.push(("branch", plain(branch)));
    }
    if build.dirty {
        facts.push(("source", "with uncommitted changes".to_owned()));
    }
    facts.push(("status", out.ink(ink, &status)));
    if let Some(error) = &build.error {
        facts.push(("error", plain(error)));
    }
    facts.push((
        "decision",
        format!("{}: {}", text::decision(build.decision), plain(&build.reason)),
    ));
    if let Some(base) = &build.base {
        let back = text::count(base.distance, "commit");
        let files = text::count(base.changed_files, "file");
        facts.push((
            "base",
            format!(
                "{} at {}, {back} back, {files} changed",
                base.build,
                short(&base.commit)
            ),
        ));
    }
    facts.push((
        "recipe",
        format!("{} on {}, {}", plain(&build.recipe), build.stack, build.platform),
    ));
    facts.push(("requested", text::time(build.created_at)));
    if let Some(duration) = build.duration_ms {
        let expected = build
            .expected_ms
            .map(|ms| format!(", {} expected", text::duration(ms)));
        let saved = saved(build).map(|saved| format!(", {saved}"));
        facts.push((
            "took",
            format!(
                "{}{}{}",
                text::duration(duration),
                expected.unwrap_or_default(),
                saved.unwrap_or_default()
            ),
        ));
    }
    if build.reused > 0 {
        facts.push(("reused", text::count(build.reused, "time")));
    }
    if build.pinned {
        facts.push(("pinned", "yes".to_owned()));
    }
    for image in &build.images {
        let bytes = image.bytes.map(|bytes| format!("  {}", text::bytes(bytes)));
        facts.push((
            "image",
            format!("{}{}", image.reference, bytes.unwrap_or_default()),
        ));
        facts.push(("digest", image.digest.clone()));
    }
    facts.push(("environment", build.environment_key.clone()));
    facts.push(("code", build.code_key.clone()));
    out.line(out.ink(Ink::Strong, &format!("build {}", build.id)));
    for (name, value) in facts {
        out.line(format!(
            "{}  {value}",
            out.ink(Ink::Faint, &format!("{name:<11}"))
        ));
    }
    for warning in &build.warnings {
        out.line(out.ink(Ink::Warn, &format!("warning: {}", plain(warning))));
    }
    if !build.steps.is_empty() {
        out.line("");
    }
    for step in &build.steps {
        out.line(format!(
            "{} {}",
            out.ink(Ink::Faint, &format!("{:>3}", step.number)),
            step_line(out, step)
        ));
    }
}

async fn logs(
    out: &Out,
    engine: &Engine,
    id: &BuildId,
    follow: bool,
    step: Option<u32>,
) -> Result<Outcome, Failure> {
    let mut from = 0;
    let mut printed = 0;
    let mut print_new = || -> Result<(), Failure> {
        loop {
            let page = builds::read_log(engine, id, step, from, PAGE)?;
            if page.lines.is_empty() || out.is_closed() {
                return Ok(());
            }
            let build_steps = if out.json || step.is_some() {
                Vec::new()
            } else {
                builds::get(engine, id)?.steps
            };
            from += u32::try_from(page.lines.len()).unwrap_or(u32::MAX);
            for line in &page.lines {
                printed += 1;
                print_line(out, &build_steps, line, step.is_none());
            }
        }
    };
    if follow {
        // The engine knows when there is more; what it says is read from the log, so that one step can be followed too.
        let (more, mut changed) = tokio::sync::watch::channel(());
        let watching = builds::watch(engine, id, move |event| {
            more.send_replace(());
            !matches!(event, BuildEvent::Finished { .. })
        });
        tokio::pin!(watching);
        print_new()?;
        loop {
            tokio::select! {
                ended = &mut watching => {
                    ended?;
                    break;
                }
                _ = changed.changed() => print_new()?,
            }
            if out.is_closed() {
                return Ok(Outcome::Done);
            }
        }
    }
    print_new()?;
    if let (0, Some(number)) = (printed, step)
        && !builds::get(engine, id)?
            .steps
            .iter()
            .any(|step| step.number == number)
    {
        return Err(Failure::usage(
            format!("build {id} has no step {number}"),
            format!("its steps have numbers: headstart builds show {id}"),
        ));
    }
    Ok(Outcome::Done)
}

fn print_line(out: &Out, steps: &[Step], line: &LogLine, with_step: bool) {
    if out.json {
        out.json_line(line);
        return;
    }
    let text = out.log(&line.text);
    if !with_step {
        out.line(text);
        return;
    }
    let from = match steps.iter().find(|step| step.number == line.step) {
        Some(step) if step.parent.is_some() => plain(&step.name),
        _ if line.step == 0 => "headstart".to_owned(),
        _ => format!("#{}", line.step),
    };
    out.line(format!("{} {text}", out.ink(Ink::Faint, &format!("{from} │"))));
}

async fn delete(
    out: &Out,
    engine: &Engine,
    wanted: &[String],
    yes: bool,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let mut ids = Vec::new();
    for one in wanted {
        let id = find::build(engine, one)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let plan = builds::delete_plan(engine, &ids).await?;
    if dry_run || !yes {
        if out.json {
            out.value(&plan);
        } else {
            tell(out, &plan, "would be deleted");
        }
    }
    if dry_run {
        return Ok(Outcome::Done);
    }
    if plan.builds.is_empty() {
        return Err(Failure::usage(
            "nothing can be deleted: what was named is pinned or under way",
            "unpin or cancel it first",
        ));
    }
    let can_ask = std::io::stdin().is_terminal() && out.terminal && !out.json;
    let agreed = yes || (can_ask && agreed(out));
    if !agreed {
        return Err(Failure::usage(
            "nothing was deleted",
            "say --yes to delete without a question",
        ));
    }
    let done = builds::delete(engine, &ids).await?;
    if out.json {
        out.value(&done);
    } else {
        tell(out, &done, "deleted");
    }
    Ok(Outcome::Done)
}

fn agreed(out: &Out) -> bool {
    out.raw("delete? [y/N] ");
    drop(std::io::stdout().flush());
    let mut answer = String::new();
    drop(std::io::stdin().lock().read_line(&mut answer));
    matches!(answer.trim(), "y" | "Y" | "yes")
}

fn tell(out: &Out, plan: &DeletePlan, what: &str) {
    for id in &plan.builds {
        let images = plan.images.iter().filter(|image| image.build == *id);
        let images: Vec<String> = images
            .map(|image| match image.bytes {
                Some(bytes) => format!("  {} ({})", image.reference, text::bytes(bytes)),
                None => format!("  {}", image.reference),
            })
            .collect();
        out.line(format!("{what}: {id}{}", images.concat()));
    }
    for kept in &plan.kept {
        out.line(format!("kept: {} is {}", kept.build, plain(&kept.reason)));
    }
    if !plan.dependants.is_empty() {
        let all: Vec<&str> = plan.dependants.iter().map(BuildId::as_str).collect();
        out.line(format!("made from these, and keep working: {}", all.join(", ")));
    }
    if !plan.engine_checked && !plan.images.is_empty() {
        out.line("the Docker engine could not be asked: images stay");
    }
    out.line(format!("{} freed", text::bytes(plan.bytes)));
}

fn pin(out: &Out, engine: &Engine, build: &str, pinned: bool) -> Result<Outcome, Failure> {
    let id = find::build(engine, build)?;
    builds::pin(engine, &id, pinned)?;
    let build = builds::get(engine, &id)?;
    if out.json {
        out.value(&build);
    } else {
        out.line(format!(
            "{id} is {}",
            if pinned { "pinned" } else { "not pinned" }
        ));
    }
    Ok(Outcome::Done)
}

async fn cancel(out: &Out, engine: &Engine, id: &BuildId) -> Result<Outcome, Failure> {
    builds::cancel(engine, id)?;
    // Another process ends it; it is said to be cancelled only when it is.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    let mut build = builds::get(engine, id)?;
    while !build.status.is_final() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(25)).await;
        build = builds::get(engine, id)?;
    }
    if out.json {
        out.value(&build);
    } else {
        let (status, ink) = text::status(build.status);
        out.line(format!("{id} is {}", out.ink(ink, &status)));
    }
    Ok(match build.status {
        BuildStatus::Cancelled => Outcome::Done,
        _ => Outcome::Failed,
    })
}

fn diff(out: &Out, diff: &BuildDiff) {
    let none = || "-".to_owned();
    let mut rows = vec![vec![
        ("FIELD".to_owned(), Ink::Faint),
        (diff.left.id.to_string(), Ink::Faint),
        (diff.right.id.to_string(), Ink::Faint),
    ]];
    let value = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(none, |value| text::cut(&plain(value), 60))
    };
    for field in diff.fields.iter().filter(|field| !field.equal) {
        rows.push(vec![
            (plain(&field.name), Ink::Plain),
            (value(&field.left), Ink::Bad),
            (value(&field.right), Ink::Good),
        ]);
    }
    let equal = diff.fields.iter().filter(|field| field.equal).count();
    text::table(out, &rows);
    out.line(out.ink(Ink::Faint, &format!("{equal} more are equal")));
    let took = |step: &Option<Step>| match step {
        None => none(),
        Some(step) if step.cached => "cached".to_owned(),
        Some(step) => step.duration_ms.map_or_else(none, text::duration),
    };
    let mut rows = vec![text::heading(["LEFT", "RIGHT", "STEP"])];
    rows.extend(diff.steps.iter().map(|step| {
        vec![
            (took(&step.left), Ink::Plain),
            (took(&step.right), Ink::Plain),
            (plain(&step.name), Ink::Plain),
        ]
    }));
    let whole = |build: &Build| {
        let how = text::decision(build.decision);
        let took = build.duration_ms.map_or_else(none, text::duration);
        match build.decision {
            Decision::Reuse => how.to_owned(),
            Decision::Incremental | Decision::Full => format!("{took} {how}"),
        }
    };
    rows.push(vec![
        (whole(&diff.left), Ink::Strong),
        (whole(&diff.right), Ink::Strong),
        ("all of it".to_owned(), Ink::Strong),
    ]);
    out.line("");
    text::table(out, &rows);
}

fn image(out: &Out, detail: &ImageDetail) {
    let mut facts = vec![
        ("reference", detail.reference.clone()),
        ("digest", detail.digest.clone()),
        (
            "size",
            format!(
                "{} in {}",
                text::bytes(detail.bytes),
                text::count(detail.layers, "layer")
            ),
        ),
        ("platform", detail.platform.clone()),
    ];
    let optional = [
        ("created", &detail.created),
        ("folder", &detail.working_dir),
        ("user", &detail.user),
    ];
    for (name, value) in optional {
        facts.extend(
            value
                .clone()
                .filter(|value| !value.is_empty())
                .map(|value| (name, value)),
        );
    }
    facts.extend(detail.env.iter().map(|variable| ("env", variable.clone())));
    facts.extend(
        detail
            .labels
            .iter()
            .map(|label| ("label", format!("{}={}", label.name, label.value))),
    );
    facts.push(("shell", detail.shell_command.clone()));
    for (name, value) in facts {
        out.line(format!(
            "{}  {}",
            out.ink(Ink::Faint, &format!("{name:<9}")),
            plain(&value)
        ));
    }
}
