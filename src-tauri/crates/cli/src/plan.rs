//! `plan` and `explain`.

use headstart_engine::wire::{
    Candidate, ChangeKind, ChangedFiles, Decision, Delivery, Estimate, PipelinePlan, Plan, PlannedTarget,
    Project, Quantiles, Verdict,
};
use headstart_engine::{Engine, history, plan as engine_plan};
use serde::Serialize;

use crate::args;
use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::text::{self, plain, short};

/// Candidates that a plan shows; `explain` shows all.
const SHOWN: usize = 5;

pub(crate) async fn plan(out: &Out, engine: &Engine, typed: args::Request) -> Result<Outcome, Failure> {
    let (project, request) = find::request(engine, typed)?;
    let plan = engine_plan::plan(engine, &request).await?;
    if out.json {
        out.value(&plan);
    } else {
        print(out, &project, &plan, SHOWN);
    }
    Ok(Outcome::Done)
}

pub(crate) async fn explain(out: &Out, engine: &Engine, typed: args::Explain) -> Result<Outcome, Failure> {
    let files = typed.files;
    let typed = args::Request {
        of: typed.of,
        place: typed.place,
        // Uncommitted changes belong to HEAD, which is also what is meant when nothing is named.
        commit: Some(typed.commit).filter(|commit| commit != "HEAD"),
        dirty: typed.dirty,
        full: false,
        no_cache: false,
        base: None,
        services: Vec::new(),
        config: None,
        options: crate::compose_args::Options::default(),
    };
    let (project, request) = find::request(engine, typed)?;
    let plan = engine_plan::plan(engine, &request).await?;
    let changed = match plan.base.as_ref().filter(|_| files) {
        Some(base) => {
            let (base, commit) = (&base.commit, &plan.commit);
            let found = history::changed_files(engine, &project.id, base, commit, plan.dirty)?;
            Some(found)
        }
        None => None,
    };
    if out.json {
        match changed {
            Some(changed) => out.value(&Explained { plan, changed }),
            None => out.value(&plan),
        }
        return Ok(Outcome::Done);
    }
    print(out, &project, &plan, usize::MAX);
    match changed {
        Some(changed) => print_changed(out, &changed),
        None if files => out.line("\nno base, so there are no files that differ from it"),
        None => {}
    }
    for target in &plan.targets {
        out.line(format!("\n{} is made from", target.name));
        for field in &target.fields {
            let value = plain(&field.value);
            out.line(format!("  {}  {value}", out.ink(Ink::Faint, &plain(&field.name))));
        }
    }
    Ok(Outcome::Done)
}

/// A plan with the files behind its number.
#[derive(Serialize)]
struct Explained {
    #[serde(flatten)]
    plan: Plan,
    changed: ChangedFiles,
}

fn print_changed(out: &Out, changed: &ChangedFiles) {
    let noun = if changed.total == 1 {
        "file differs"
    } else {
        "files differ"
    };
    out.line(format!("\n{} {noun} from the base", changed.total));
    for file in &changed.files {
        let (letter, ink) = match file.kind {
            ChangeKind::Added => ("A", Ink::Good),
            ChangeKind::Modified => ("M", Ink::Plain),
            ChangeKind::Deleted => ("D", Ink::Bad),
            ChangeKind::Renamed => ("R", Ink::Plain),
            ChangeKind::Mode => ("X", Ink::Plain),
            ChangeKind::Type => ("T", Ink::Plain),
        };
        let from = file.from.as_ref().map(|from| format!("{} → ", plain(from)));
        let (from, path) = (from.unwrap_or_default(), plain(&file.path));
        out.line(format!("  {}  {from}{path}", out.ink(ink, letter)));
    }
    let more = changed.total as usize - changed.files.len();
    if more > 0 {
        out.line(out.ink(Ink::Faint, &format!("  and {more} more")));
    }
}

fn print(out: &Out, project: &Project, plan: &Plan, most: usize) {
    let branch = plan
        .branch
        .as_deref()
        .map(|branch| format!(" ({})", plain(branch)));
    let dirty = if plan.dirty {
        " with uncommitted changes"
    } else {
        ""
    };
    out.line(format!(
        "{}  {} at {}{}{dirty}",
        out.ink(Ink::Strong, text::decision(plan.decision)),
        plain(&project.name),
        short(&plan.commit),
        branch.unwrap_or_default()
    ));
    out.line(plain(&plan.reason));
    if let Some(active) = &plan.active {
        out.line(format!(
            "build {active} of the same is under way; a new request joins it"
        ));
    }
    if !plan.engine_checked {
        out.line(out.ink(
            Ink::Warn,
            "the Docker engine could not be asked, so nobody knows whether older images still exist",
        ));
    }
    for warning in &plan.warnings {
        out.line(out.ink(Ink::Warn, &format!("warning: {}", plain(warning))));
    }
    if let Some(expected) = expected(&plan.estimate).filter(|_| plan.decision != Decision::Reuse) {
        out.line(format!("\nexpected  {expected}"));
    }
    let services: Vec<&PlannedTarget> = plan
        .targets
        .iter()
        .filter(|target| target.reference.is_some())
        .collect();
    if !services.is_empty() {
        print_services(out, &services, plan.pipeline.is_some());
        if let Some(pipeline) = &plan.pipeline {
            print_steps(out, pipeline);
            if most > SHOWN {
                print_conditions(out, plan);
            }
        }
        if most == SHOWN {
            return;
        }
    }
    if plan.candidates.is_empty() {
        return;
    }
    let mut rows = vec![text::heading([
        "", "BUILD", "COMMIT", "BACK", "FILES", "EXPECTED", "WHY",
    ])];
    rows.extend(plan.candidates.iter().take(most).map(candidate));
    out.line("");
    text::table(out, &rows);
    if plan.candidates.len() > most {
        let more = plan.candidates.len() - most;
        out.line(out.ink(
            Ink::Faint,
            &format!("and {more} more: headstart explain {}", short(&plan.commit)),
        ));
    }
}

/// Prints what becomes of each service of a recipe with several targets.
fn print_services(out: &Out, services: &[&PlannedTarget], is_pipeline: bool) {
    let what = if is_pipeline { "TARGET" } else { "SERVICE" };
    let mut rows = vec![text::heading([what, "", "WHY", "IMAGE"])];
    rows.extend(services.iter().map(|service| {
        let (word, ink) = match service.decision {
            Decision::Reuse => ("reuse", Ink::Good),
            Decision::Incremental | Decision::Full => ("build", Ink::Plain),
        };
        vec![
            (plain(&service.name), Ink::Strong),
            (word.to_owned(), ink),
            (plain(&service.reason), Ink::Plain),
            (
                plain(service.reference.as_deref().unwrap_or_default()),
                Ink::Faint,
            ),
        ]
    }));
    out.line("");
    text::table(out, &rows);
    let from: Vec<&str> = services
        .iter()
        .filter(|service| service.decision != Decision::Reuse)
        .flat_map(|service| service.cache_from.iter().map(String::as_str))
        .collect();
    if !from.is_empty() {
        out.line(out.ink(Ink::Faint, "\nlayers are looked for in"));
        for cache in from {
            let reference = cache.strip_prefix("type=registry,ref=");
            let shown = reference.filter(|rest| !rest.contains(',')).unwrap_or(cache);
            out.line(out.ink(Ink::Faint, &format!("  {}", plain(shown))));
        }
    }
}

/// Prints how the steps of a pipeline get their code.
fn print_steps(out: &Out, pipeline: &PipelinePlan) {
    let mut rows = vec![text::heading(["STEP", "RUNS", "IMAGE", "CODE", "WHY"])];
    rows.extend(pipeline.steps.iter().map(|step| {
        let code = match step.delivery {
            Delivery::Included => "in the image",
            Delivery::CodeRepository => "from the repository",
            Delivery::ArtifactStore => "uploaded",
            Delivery::None => "none",
        };
        vec![
            (plain(&step.name), Ink::Strong),
            (plain(&step.runs), Ink::Plain),
            (plain(&step.target), Ink::Plain),
            (code.to_owned(), Ink::Plain),
            (plain(&step.reason), Ink::Faint),
        ]
    }));
    out.line("");
    text::table(out, &rows);
    let checkout = &pipeline.checkout;
    let name = match &checkout.repository {
        Some(name) => format!("repository {}: ", plain(name)),
        None => String::new(),
    };
    out.line(out.ink(Ink::Faint, &format!("\n{name}{}", plain(&checkout.reason))));
}

/// Prints for each older build every condition with what is wanted and what it has.
fn print_conditions(out: &Out, plan: &Plan) {
    for one in plan.candidates.iter().filter(|one| !one.conditions.is_empty()) {
        let producer = one.producer.as_deref().map(|name| format!(" by {}", plain(name)));
        out.line(format!(
            "\n{} at {}{}",
            one.build,
            short(&one.commit),
            producer.unwrap_or_default()
        ));
        let mut rows = vec![text::heading(["", "CONDITION", "EXPECTED", "ACTUAL"])];
        rows.extend(one.conditions.iter().map(|condition| {
            let (mark, ink) = if condition.holds {
                ("✓", Ink::Good)
            } else {
                ("✕", Ink::Bad)
            };
            vec![
                (mark.to_owned(), ink),
                (plain(&condition.name), Ink::Plain),
                (plain(&condition.expected), Ink::Plain),
                (plain(&condition.actual), Ink::Plain),
            ]
        }));
        text::table(out, &rows);
    }
}

fn candidate(one: &Candidate) -> Vec<(String, Ink)> {
    let (word, ink) = match one.verdict {
        Verdict::Chosen => ("chosen", Ink::Good),
        Verdict::Eligible => ("eligible", Ink::Plain),
        Verdict::Rejected => ("rejected", Ink::Faint),
    };
    let number = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    vec![
        (word.to_owned(), ink),
        (one.build.as_str().chars().take(8).collect(), ink),
        (short(&one.commit), ink),
        (number(one.distance), ink),
        (number(one.changed_files), ink),
        (one.expected_ms.map_or("-".to_owned(), text::duration), ink),
        (plain(&one.reasons.join("; ")), ink),
    ]
}

/// Returns what a build is expected to take, as far as there is data.
fn expected(estimate: &Estimate) -> Option<String> {
    let spread = |one: Quantiles| {
        format!(
            "{} (80 % within {})",
            text::duration(one.p50),
            text::duration(one.p80)
        )
    };
    match (estimate.load_ms, estimate.incremental_ms, estimate.full_ms) {
        (load, Some(rest), full) => {
            let all = load.map_or(0, |load| load.p50) + rest.p50;
            let against = full.map(|full| format!(" instead of {}", text::duration(full.p50)));
            let factor = estimate
                .speedup
                .map(|factor| format!(", {factor:.1} times as fast"));
            Some(format!(
                "{}{}{}",
                text::duration(all),
                against.unwrap_or_default(),
                factor.unwrap_or_default()
            ))
        }
        (_, None, Some(full)) => Some(format!("{} for a full build", spread(full))),
        (_, None, None) => None,
    }
}
