//! The decision: which of the older builds serves, and how.

use super::estimate::{Incremental, quantiles};
use super::gather::{Considered, Gathered};
use super::images::Known;
use super::select::{Choice, Facts, Limits, Selection, select};
use super::words::{candidates_of, estimate_of, reason_of};
use super::{ChosenBase, Prepared};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::stack;
use crate::wire::{BaseRef, BuildId, BuildRequest, BuildStatus, Decision, Plan, PlannedTarget, Verdict};

/// Candidates whose changed files are counted; the ones further away are judged by distance.
pub(super) const COUNTED: usize = 10;
/// Records of each kind needed before a full build is preferred to a base that could be used.
const ENOUGH: u32 = 3;

/// Decides among the builds that were gathered; `asked` tells whether the Engine said which of them exist.
pub(super) fn decide(
    engine: &Engine,
    request: &BuildRequest,
    gathered: Gathered,
    known: Known,
    asked: bool,
) -> Result<Prepared> {
    let Gathered {
        mut read,
        target,
        environment_key,
        fields,
        code_key,
        mut considered,
    } = gathered;
    let project = read.opened.row.id.clone();
    let project = &project;
    let settings = crate::settings::get(engine)?;
    read.warnings.extend(known.notes);
    let incremental = Incremental::new(engine.catalogue().timings(
        project,
        &environment_key,
        Decision::Incremental,
    )?);
    let full = engine
        .catalogue()
        .timings(project, &environment_key, Decision::Full)?;
    let full = quantiles(full.into_iter().map(|timing| timing.total_ms).collect());

    for one in considered.iter_mut().filter(|one| one.is_usable()).take(COUNTED) {
        match one.compare(&read) {
            Ok(found) => {
                let count = u32::try_from(found.files()).unwrap_or(u32::MAX);
                one.changed_files = Some(count);
                one.facts.expected_ms = incremental.total_ms(count);
            }
            Err(error) => one.facts.differences.push(format!("cannot be compared: {error}")),
        }
    }

    let limits = Limits {
        max_chain: settings.max_chain,
        max_layers: settings.max_layers,
    };
    let all: Vec<Facts> = considered.iter().map(|one| one.facts.clone()).collect();
    // One slow moment of a busy machine must not turn every next build into a full one.
    let full_to_beat = full.filter(|full| full.samples >= ENOUGH && incremental.samples() >= ENOUGH as usize);
    let mut selection = select(&all, limits, full_to_beat.map(|full| full.p50));
    if let Some(wanted) = &request.base {
        force_base(engine, &mut selection, &considered, wanted)?;
    } else if request.full || request.no_cache {
        force_full(&mut selection, request.no_cache);
    }

    let mut base = None;
    let mut build = None;
    let mut chosen_base = None;
    let decision = match &selection.choice {
        Choice::Reuse(at) => {
            build = Some(considered[*at].older.id.clone());
            Decision::Reuse
        }
        Choice::Incremental(at) => {
            let one = &considered[*at];
            let found = one.compare(&read)?;
            let beside = read.extras.deltas(&one.older.sources)?;
            let changed = beside
                .iter()
                .chain([&found])
                .map(|delta| delta.files())
                .sum::<usize>();
            base = Some(BaseRef {
                build: one.older.id.clone(),
                commit: one.commit.clone(),
                distance: one.facts.distance.unwrap_or(0),
                changed_files: u32::try_from(changed).unwrap_or(u32::MAX),
            });
            chosen_base = Some(ChosenBase {
                delta: found,
                extras: beside,
                chain: one.older.chain + 1,
                reference: one.older.reference.clone().unwrap_or_default(),
                ended_at: one.older.ended_at,
            });
            Decision::Incremental
        }
        Choice::Full(_) => Decision::Full,
    };
    let broke_on = match &selection.choice {
        Choice::Full(_) if !(request.full || request.no_cache) => considered
            .iter()
            .find(|one| one.facts.status == BuildStatus::Succeeded && one.facts.distance.is_some())
            .and_then(|one| one.differences.first())
            .map(|difference| difference.field.clone()),
        _ => None,
    };
    let estimate = estimate_of(&incremental, full, base.as_ref());
    let reason = reason_of(&selection.choice, &considered, base.as_ref());
    let candidates = candidates_of(considered, selection);
    let active = engine.catalogue().active(project, &environment_key, &code_key)?;
    let plan = Plan {
        decision,
        commit: read.commit.id.to_string(),
        branch: read.branch,
        dirty: read.dirty,
        recipe: read.opened.row.recipe.clone(),
        stack: stack::LOCAL.to_owned(),
        platform: known.platform.clone(),
        build: build.clone(),
        base,
        estimate,
        candidates,
        targets: vec![PlannedTarget {
            name: target.name.clone(),
            environment_key: environment_key.clone(),
            code_key: code_key.clone(),
            fields,
            decision,
            reason: reason.clone(),
            build: build.clone(),
            reference: None,
            tags: Vec::new(),
            cache_from: Vec::new(),
            cache_to: Vec::new(),
            steps: Vec::new(),
            dockerfile: None,
            includes_code: false,
        }],
        reason,
        warnings: read.warnings,
        engine_checked: known.checked && asked,
        active,
        pipeline: None,
    };
    Ok(Prepared {
        plan,
        opened: read.opened,
        repo: read.repo,
        commit: read.commit,
        tree: read.tree,
        recipe: read.recipe,
        images: known.images,
        target: target.name,
        environment_key,
        code_key,
        services: None,
        steps: None,
        extras: read.extras,
        base: chosen_base,
        broke_on,
        _scratch: read.scratch,
    })
}

fn force_full(selection: &mut Selection, no_cache: bool) {
    let why = if no_cache {
        "a full build without cache was asked for"
    } else {
        "a full build was asked for"
    };
    for (verdict, reasons) in &mut selection.verdicts {
        if *verdict == Verdict::Chosen {
            *verdict = Verdict::Eligible;
            *reasons = vec!["usable; a full build was asked for".to_owned()];
        }
    }
    selection.choice = Choice::Full(why.to_owned());
}

/// Makes a named build the base, if it can be one.
fn force_base(
    engine: &Engine,
    selection: &mut Selection,
    considered: &[Considered],
    wanted: &str,
) -> Result<()> {
    let id: BuildId = engine.catalogue().build_by_prefix(wanted)?;
    let refuse = |why: String| {
        Error::refused(
            format!("{id} cannot be the base: {why}"),
            "choose another one, or none",
        )
    };
    let Some(at) = considered.iter().position(|one| one.older.id == id) else {
        return Err(refuse("it belongs to another project".to_owned()));
    };
    if selection.verdicts[at].0 == Verdict::Rejected {
        return Err(refuse(selection.verdicts[at].1.join("; ")));
    }
    // A build of exactly this code that is asked for by name is the answer itself.
    let reuse = considered[at].is_exact();
    if !reuse && considered[at].facts.distance.is_none() {
        return Err(refuse("it is not an ancestor within reach".to_owned()));
    }
    for (verdict, reasons) in &mut selection.verdicts {
        if *verdict == Verdict::Chosen {
            *verdict = Verdict::Eligible;
            *reasons = vec!["usable; another base was asked for".to_owned()];
        }
    }
    selection.verdicts[at] = (Verdict::Chosen, vec!["asked for".to_owned()]);
    selection.choice = if reuse {
        Choice::Reuse(at)
    } else {
        Choice::Incremental(at)
    };
    Ok(())
}
