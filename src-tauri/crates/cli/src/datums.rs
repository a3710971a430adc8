//! `update pipeline`, `create pipeline` and `pipelines`: datum pipelines.

use std::io::Read;
use std::path::Path;

use headstart_engine::wire::{
    DatumCounts, DatumPipeline, IgnoreMeaning, Problem, Severity, SubmitEvent, SubmitPlan, SubmitRequest,
    UpdateChoice,
};
use headstart_engine::{Engine, datums};

use crate::datum_args::{OfSpec, Pipelines, Submit, Target};
use crate::error::{Failure, Outcome};
use crate::jobs::finish;
use crate::out::{Ink, Out};
use crate::pachctl;
use crate::text::{self, plain};
use crate::work::Signals;

/// Submits a spec, or says what that would do.
pub(crate) async fn submit(
    out: &Out,
    engine: &Engine,
    typed: OfSpec,
    create: bool,
) -> Result<Outcome, Failure> {
    let OfSpec::Pipeline(typed) = typed;
    let request = request(&typed, create)?;
    if typed.dry_run {
        let plan = datums::plan(engine, &request).await?;
        show_plan(out, &plan);
        return match plan.can_submit {
            true => Ok(Outcome::Done),
            false => Err(Failure::config("the spec cannot be submitted", plan.problems)),
        };
    }
    if typed.target == Target::Pachctl {
        return pachctl::submit(out, engine, &request, typed.output.as_deref(), create).await;
    }
    let mut signals = Signals::listen()?;
    let on_event = |event: SubmitEvent| match (out.json, event) {
        (true, event) => out.json_line(&event),
        (false, SubmitEvent::Doing { action }) => out.line(plain(&action)),
        (false, SubmitEvent::Building { build }) => out.line(format!("  build {build}")),
        (false, SubmitEvent::Copying { .. }) => {}
    };
    let submitted = tokio::select! {
        submitted = datums::submit(engine, &request, on_event) => submitted?,
        () = signals.next() => return Ok(Outcome::Failed),
    };
    if out.json {
        out.json_line(&submitted);
    } else {
        for warning in &submitted.warnings {
            out.line(out.ink(Ink::Warn, &format!("warning: {}", plain(warning))));
        }
        for done in &submitted.done {
            out.line(plain(done));
        }
        if submitted.jobs.is_empty() {
            out.line("no job: there is no data to process yet");
        }
    }
    finish(out, engine, &submitted.jobs, signals).await
}

fn request(typed: &Submit, create: bool) -> Result<SubmitRequest, Failure> {
    let mut request = SubmitRequest {
        stack: typed.stack.clone(),
        choice: match typed.reprocess {
            true => UpdateChoice::ReprocessAll,
            false => typed.choice.into(),
        },
        build: typed.build,
        push_images: typed.push_images,
        registry: typed.registry.clone(),
        username: typed.username.clone(),
        ignore: match typed.gitignore {
            true => IgnoreMeaning::Gitignore,
            false => IgnoreMeaning::Pachyderm,
        },
        include_git: typed.include_git,
        write_back: typed.write_back,
        create,
        ..SubmitRequest::default()
    };
    if typed.file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| {
            Failure::usage(
                format!("standard input cannot be read: {error}"),
                "give a file with -f",
            )
        })?;
        let here = std::env::current_dir().unwrap_or_default();
        request.text = Some(text);
        request.folder = Some(here.to_string_lossy().into_owned());
    } else {
        request.path = Some(typed.file.to_string_lossy().into_owned());
    }
    Ok(request)
}

/// Shows what a submission would do.
fn show_plan(out: &Out, plan: &SubmitPlan) {
    if out.json {
        return out.value(plan);
    }
    for one in &plan.pipelines {
        let version = match one.version {
            1 => "new".to_owned(),
            version => format!("version {version}"),
        };
        out.line(out.ink(Ink::Strong, &format!("{} ({version})", plain(&one.name))));
        out.line(format!("  input    {}", plain(&one.graph.combined)));
        for change in &one.changes {
            out.line(format!("  change   {}", plain(change)));
        }
        if let Some(code) = &one.code {
            out.line(format!(
                "  code     {} files, {}, {} differ, from {}",
                code.files,
                text::bytes(code.bytes),
                code.differing,
                plain(&code.folder)
            ));
            for by in &code.ignored {
                let line = by.line.map(|line| format!(" (line {line})")).unwrap_or_default();
                out.line(format!(
                    "  ignored  {} files by {}{line}: {}",
                    by.files,
                    plain(&by.rule),
                    plain(&by.examples.join(", "))
                ));
            }
        }
        for image in &one.images {
            let action = format!("{:?}", image.action).to_lowercase();
            out.line(format!(
                "  image    {} {action}: {} — {}",
                plain(&image.role),
                plain(&image.reference),
                plain(&image.reason)
            ));
        }
        match &one.datums {
            Some(counts) => out.line(format!("  datums   {}", told(counts))),
            None => out.line("  datums   known when what it reads was written"),
        }
        for choice in one.choices.iter().filter(|_| one.version > 1) {
            if let Some(counts) = &choice.datums {
                let word = match choice.choice {
                    UpdateChoice::CodeAsInput => "code-as-input",
                    UpdateChoice::NewDataOnly => "new-data-only",
                    UpdateChoice::ReprocessAll => "reprocess-all",
                };
                out.line(out.ink(Ink::Faint, &format!("    {word}: {}", told(counts))));
            }
        }
        if let Some(expected) = one.expected_ms {
            out.line(format!("  takes    about {}", text::duration(expected)));
        }
    }
    for action in &plan.actions {
        out.line(format!("- {}", plain(action)));
    }
    // Errors are told as such.
    let warns = |problem: &&Problem| problem.severity == Severity::Warning;
    for problem in plan.problems.iter().filter(warns) {
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        let hint = problem
            .hint
            .as_deref()
            .map(|hint| format!(" ({hint})"))
            .unwrap_or_default();
        let text = format!("{}{line}: {}{hint}", problem.file, problem.message);
        out.line(out.ink(Ink::Warn, &plain(&text)));
    }
}

fn told(counts: &DatumCounts) -> String {
    let mut parts = vec![
        format!("{} new", counts.new),
        format!("{} used again", counts.reused),
    ];
    if counts.redo > 0 {
        parts.push(format!("{} to process again", counts.redo));
    }
    if counts.removed > 0 {
        parts.push(format!("{} gone", counts.removed));
    }
    format!("{} of {}", parts.join(", "), counts.total)
}

pub(crate) async fn run(out: &Out, engine: &Engine, command: Pipelines) -> Result<Outcome, Failure> {
    let signals = Signals::listen()?;
    let jobs = match command {
        Pipelines::List { stack } => {
            list(out, &datums::pipelines(engine, stack.as_deref())?);
            return Ok(Outcome::Done);
        }
        Pipelines::Show(one) => {
            let found = datums::pipeline(engine, one.stack.as_deref(), &one.name)?;
            match out.json {
                true => out.value(&found),
                false => show(out, &found),
            }
            return Ok(Outcome::Done);
        }
        Pipelines::Delete { one, with_data } => {
            datums::delete_pipeline(engine, one.stack.as_deref(), &one.name, with_data)?;
            out.line(format!("deleted: {}", plain(&one.name)));
            return Ok(Outcome::Done);
        }
        Pipelines::Stop(one) => datums::stop_pipeline(engine, one.stack.as_deref(), &one.name, true).await?,
        Pipelines::Start(one) => {
            datums::stop_pipeline(engine, one.stack.as_deref(), &one.name, false).await?
        }
        Pipelines::Tick(one) => datums::tick(engine, one.stack.as_deref(), &one.name).await?,
    };
    finish(out, engine, &jobs, signals).await
}

fn list(out: &Out, all: &[DatumPipeline]) {
    if out.json {
        return out.value(&all);
    }
    if all.is_empty() {
        return out.line("no datum pipelines; `headstart update pipeline -f FILE` submits one");
    }
    let mut rows = vec![text::heading([
        "PIPELINE", "VERSION", "READS", "STATE", "LAST JOB", "STACK",
    ])];
    rows.extend(all.iter().map(|one| {
        let job = one.job.as_ref().map(|job| text::status(job.status));
        let (word, ink) = job.unwrap_or(("none".to_owned(), Ink::Faint));
        vec![
            (plain(&one.name), Ink::Plain),
            (one.version.to_string(), Ink::Plain),
            (plain(&one.inputs.join(" ")), Ink::Plain),
            (
                if one.stopped { "stopped" } else { "running" }.to_owned(),
                Ink::Plain,
            ),
            (word, ink),
            (plain(&one.stack), Ink::Faint),
        ]
    }));
    text::table(out, &rows);
}

fn show(out: &Out, one: &DatumPipeline) {
    let state = if one.stopped { ", stopped" } else { "" };
    out.line(format!("{} version {}{state}", plain(&one.name), one.version));
    if !one.description.is_empty() {
        out.line(plain(&one.description));
    }
    out.line(format!("input    {}", plain(&one.graph.combined)));
    out.line(format!("reads    {}", plain(&one.inputs.join(", "))));
    out.line(format!("writes   {}", plain(&one.output)));
    out.line(format!("image    {}", plain(&one.image)));
    out.line(format!("command  {}", plain(&one.command.join(" "))));
    if let Some(job) = &one.job {
        let (word, ink) = text::status(job.status);
        out.line(format!("last job {} {}", job.id, out.ink(ink, &word)));
    }
    out.line("spec");
    for line in one.spec.lines() {
        out.line(format!("  {}", plain(line)));
    }
}
