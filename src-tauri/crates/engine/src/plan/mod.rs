//! Plans: what a commit can start from, what that saves, and why.
//!
//! Making a plan starts nothing and changes no record of a build; it works without a Docker engine, with the images'
//! existence unknown.

mod estimate;
mod extras;
mod images;
mod reasons;
pub mod select;

use std::collections::HashSet;

use crate::catalogue::Candidate as Older;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::project::{Opened, open};
use crate::recipe::{Images, Recipe, Resolved};
use crate::source::{
    CommitId, CommitInfo, Delta, DirtyTree, Repo, SourceError, TreeId, ancestors, delta, dirty_tree,
};
use crate::stack;
use crate::wire::{
    BaseRef, BuildId, BuildRequest, BuildStatus, Candidate, Decision, Estimate, Plan, PlannedTarget, Verdict,
};
use select::{Choice, Existence, Facts, Limits, Selection, select};

pub(crate) use estimate::{Incremental, quantiles};
pub(crate) use extras::{Extra, Extras, fetch};
pub(crate) use images::{Present, look_up, present, remember};
pub use reasons::{Difference, environment_differences};

/// Candidates whose changed files are counted; the ones further away are judged by distance.
const COUNTED: usize = 10;
/// Records of each kind needed before a full build is preferred to a base that could be used.
const ENOUGH: u32 = 3;

/// Plans a commit.
pub async fn plan(engine: &Engine, request: &BuildRequest) -> Result<Plan> {
    Ok(prepare(engine, request).await?.plan)
}

/// A plan together with what a build of it needs.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) opened: Opened,
    /// Where the trees can be read: the user's repository, with the work tree's objects when it is dirty.
    pub(crate) repo: Repo,
    pub(crate) commit: CommitInfo,
    pub(crate) tree: TreeId,
    pub(crate) recipe: Box<dyn Recipe>,
    pub(crate) images: Images,
    pub(crate) target: Resolved,
    /// Additional repositories, in the order of the recipe.
    pub(crate) extras: Extras,
    /// The base's whole tree, difference, chain length and image.
    pub(crate) base: Option<ChosenBase>,
    /// The field that made the nearest build unusable.
    pub(crate) broke_on: Option<String>,
    /// Keeps the work tree's objects while the build reads them.
    pub(crate) _scratch: Option<Scratch>,
}

pub(crate) struct ChosenBase {
    pub(crate) delta: Delta,
    /// Differences of the additional repositories, in their order.
    pub(crate) extras: Vec<Delta>,
    pub(crate) chain: u32,
    pub(crate) reference: String,
    pub(crate) ended_at: Option<i64>,
}

impl ChosenBase {
    /// Returns whether the base has something too much.
    pub(crate) fn removes(&self) -> bool {
        self.extras
            .iter()
            .chain([&self.delta])
            .any(|delta| !delta.deleted.is_empty())
    }

    /// Returns the places of the additional repositories with files to write.
    pub(crate) fn moved(&self) -> Vec<usize> {
        (0..self.extras.len())
            .filter(|place| !self.extras[*place].changed.is_empty())
            .collect()
    }
}

/// A directory of ours that is removed when nobody needs it any more.
pub(crate) struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// What is known before the Engine is asked.
struct Read {
    opened: Opened,
    repo: Repo,
    commit: CommitInfo,
    tree: TreeId,
    source: TreeId,
    branch: Option<String>,
    recipe: Box<dyn Recipe>,
    extras: Extras,
    dirty: bool,
    scratch: Option<Scratch>,
    warnings: Vec<String>,
}

pub(crate) async fn prepare(engine: &Engine, request: &BuildRequest) -> Result<Prepared> {
    let read = {
        let (engine, request) = (engine.clone(), request.clone());
        blocking(move || read(&engine, &request)).await?
    };
    let references = read.recipe.images();
    let (known, present) = tokio::join!(look_up(engine, &references), present(engine));
    let known = known?;
    let (engine, request) = (engine.clone(), request.clone());
    blocking(move || decide(&engine, &request, read, known, &present)).await
}

/// Lists the addresses of the additional repositories that a build of a request needs.
pub(crate) fn repositories(engine: &Engine, request: &BuildRequest) -> Result<Vec<String>> {
    let opened = open(engine, &request.project)?;
    let commit = opened.repo.commit(opened.commit(request.commit.as_deref())?)?;
    let recipe = opened.recipe(&opened.repo, commit.tree)?;
    Ok(recipe
        .repositories()
        .into_iter()
        .map(|repository| repository.url)
        .collect())
}

/// Runs work that reads disks away from the asynchronous threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal("a background task stopped unexpectedly", error)),
    }
}

fn read(engine: &Engine, request: &BuildRequest) -> Result<Read> {
    let opened = open(engine, &request.project)?;
    let id = opened.commit(request.commit.as_deref())?;
    let commit = opened.repo.commit(id)?;
    let branch = match request.commit.as_deref() {
        // A branch that was named is meant, even if HEAD is on another one at the same commit.
        Some(name) if is_branch(&opened.repo, name, id)? => Some(name.to_owned()),
        _ => opened.repo.branch_of(id)?,
    };
    let mut warnings = Vec::new();
    let (repo, tree, scratch) = if request.dirty {
        let (dirty, scratch) = read_work_tree(engine, &opened, id, &mut warnings)?;
        (dirty.repo, dirty.tree, Some(scratch))
    } else {
        (opened.repo.clone(), commit.tree, None)
    };
    let dirty = tree != commit.tree;
    let recipe = opened.recipe(&repo, tree)?;
    warnings.extend(recipe.warnings().into_iter().map(|problem| match problem.line {
        Some(line) => format!("{}:{line}: {}", problem.file, problem.message),
        None => format!("{}: {}", problem.file, problem.message),
    }));
    let source = opened.source_tree(&repo, tree)?;
    let extras = Extras::open(engine, recipe.as_ref())?;
    warnings.extend(extras.warnings());
    Ok(Read {
        opened,
        repo,
        commit,
        tree,
        source,
        branch,
        recipe,
        extras,
        dirty,
        scratch,
        warnings,
    })
}

fn is_branch(repo: &Repo, name: &str, commit: CommitId) -> Result<bool> {
    let named = |label: &crate::source::RefLabel| {
        label.kind == crate::source::RefKind::Branch && label.name == name && label.commit == commit
    };
    Ok(repo.refs()?.iter().any(named))
}

/// Reads the work tree with its uncommitted changes, which belong to `commit`, as a tree.
pub(crate) fn read_work_tree(
    engine: &Engine,
    opened: &Opened,
    commit: CommitId,
    warnings: &mut Vec<String>,
) -> Result<(DirtyTree, Scratch)> {
    if opened.repo.head()?.commit() != Some(commit) {
        return Err(Error::refused(
            "uncommitted changes belong to HEAD, and another commit was asked for",
            "leave the commit out, or build it without the uncommitted changes",
        ));
    }
    let folder = engine
        .home()
        .join("work")
        .join(format!("tree-{}", crate::engine::random_hex(12)?));
    let scratch = Scratch(folder);
    let dirty = dirty_tree(&opened.repo, &opened.prefix, &scratch.0)?;
    for path in &dirty.skipped {
        warnings.push(format!(
            "{path} cannot be part of a build (a nested repository or a special file)"
        ));
    }
    Ok((dirty, scratch))
}

/// An older build with all that the choice needs, and its place.
struct Considered {
    older: Older,
    facts: Facts,
    differences: Vec<Difference>,
    changed_files: Option<u32>,
}

fn decide(
    engine: &Engine,
    request: &BuildRequest,
    read: Read,
    known: images::Known,
    present: &Present,
) -> Result<Prepared> {
    let Read {
        opened,
        repo,
        commit,
        tree,
        source,
        branch,
        recipe,
        extras,
        dirty,
        scratch,
        mut warnings,
    } = read;
    let project = &opened.row.id;
    let settings = crate::settings::get(engine)?;
    let mut resolved = recipe.resolve(&known.images, &known.platform);
    let target = resolved
        .pop()
        .ok_or_else(|| Error::refused("the recipe has no target", "add one"))?;
    let environment_key = target.environment.key();
    let fields = target.environment.shown();
    let code_key = extras.code_key(&source.to_string());
    warnings.extend(known.notes);

    let depth = settings.history_depth as usize;
    let history = ancestors(&repo, commit.id, depth + 1)?;
    let distance = |id: &str| {
        let found = history.iter().find(|step| step.commit.to_string() == id);
        found.and_then(|step| u32::try_from(step.index).ok())
    };
    let ids: Vec<String> = history.iter().map(|step| step.commit.to_string()).collect();
    let mut olders = engine
        .catalogue()
        .candidates(project, ids.iter().map(String::as_str))?;
    olders.extend(engine.catalogue().exact(project, &environment_key, &code_key)?);
    olders.extend(engine.catalogue().recent(project, 5)?);
    if let Some(wanted) = &request.base {
        let id = engine.catalogue().build_by_prefix(wanted)?;
        let build = engine.catalogue().build(&id)?;
        olders.extend(
            engine
                .catalogue()
                .candidates(project, std::iter::once(build.commit.as_str()))?,
        );
    }
    let mut seen = HashSet::new();
    olders.retain(|older| seen.insert(older.id.clone()));

    let incremental = Incremental::new(engine.catalogue().timings(
        project,
        &environment_key,
        Decision::Incremental,
    )?);
    let full = engine
        .catalogue()
        .timings(project, &environment_key, Decision::Full)?;
    let full = quantiles(full.into_iter().map(|timing| timing.total_ms).collect());

    let mut considered: Vec<Considered> = olders
        .into_iter()
        .map(|older| {
            let old = (older.environment_key.as_str(), older.environment.as_slice());
            let mut differences = environment_differences(old, (&environment_key, &fields));
            differences.extend(extras.objections(&older.sources));
            let distance = distance(&older.commit);
            let facts = facts_of(
                &older,
                distance,
                &differences,
                &code_key,
                present.existence(&older),
            );
            Considered {
                older,
                facts,
                differences,
                changed_files: None,
            }
        })
        .collect();
    considered.sort_by_key(|one| (one.facts.distance.unwrap_or(u32::MAX), -one.facts.created_at));

    let compare = |older: &Older| -> Result<Delta, SourceError> {
        let base: CommitId = older.commit.parse().map_err(|_| SourceError::UnknownRevision {
            spec: older.commit.clone(),
        })?;
        delta(&repo, repo.commit(base)?.tree, tree, &opened.prefix)
    };
    let usable = |one: &Considered| {
        one.facts.status == BuildStatus::Succeeded
            && one.facts.distance.is_some()
            && one.facts.differences.is_empty()
            && one.facts.existence != Existence::Gone
            && !one.facts.dirty
    };
    for one in considered.iter_mut().filter(|one| usable(one)).take(COUNTED) {
        match compare(&one.older) {
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
            let found = compare(&one.older)?;
            let beside = extras.deltas(&one.older.sources)?;
            let changed = beside.iter().chain([&found]).map(Delta::files).sum::<usize>();
            base = Some(BaseRef {
                build: one.older.id.clone(),
                commit: one.older.commit.clone(),
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
        commit: commit.id.to_string(),
        branch,
        dirty,
        recipe: opened.row.recipe.clone(),
        stack: stack::LOCAL.to_owned(),
        platform: known.platform.clone(),
        build,
        base,
        estimate,
        candidates,
        targets: vec![PlannedTarget {
            name: target.name.clone(),
            environment_key,
            code_key,
            fields,
        }],
        reason,
        warnings,
        engine_checked: known.checked && present.checked(),
        active,
    };
    Ok(Prepared {
        plan,
        opened,
        repo,
        commit,
        tree,
        recipe,
        images: known.images,
        target,
        extras,
        base: chosen_base,
        broke_on,
        _scratch: scratch,
    })
}

/// Returns what counts about an older build; its expected time is not known yet.
pub(crate) fn facts_of(
    older: &Older,
    distance: Option<u32>,
    differences: &[Difference],
    code_key: &str,
    existence: Existence,
) -> Facts {
    Facts {
        status: older.status,
        failed_step: older.failed_step.clone(),
        distance,
        differences: differences
            .iter()
            .map(|difference| difference.text.clone())
            .collect(),
        same_code: older.code_key == code_key,
        dirty: older.dirty,
        existence,
        chain: older.chain,
        layers: older.layers,
        expected_ms: None,
        created_at: older.created_at,
    }
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
    let reuse = considered[at].facts.same_code && considered[at].facts.differences.is_empty();
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

fn estimate_of(
    incremental: &Incremental,
    full: Option<crate::wire::Quantiles>,
    base: Option<&BaseRef>,
) -> Estimate {
    let load_ms = incremental.load();
    let incremental_ms = base.and_then(|base| incremental.rest(base.changed_files));
    let speedup = match (full, load_ms, incremental_ms) {
        (Some(full), Some(load), Some(rest)) if load.p50 + rest.p50 > 0 => {
            Some(full.p50 as f64 / (load.p50 + rest.p50) as f64)
        }
        _ => None,
    };
    Estimate {
        full_ms: full,
        load_ms: load_ms.filter(|_| base.is_some()),
        incremental_ms,
        speedup,
    }
}

fn reason_of(choice: &Choice, considered: &[Considered], base: Option<&BaseRef>) -> String {
    let short = |commit: &str| commit.chars().take(7).collect::<String>();
    match choice {
        Choice::Reuse(at) => format!("built already at {}", short(&considered[*at].older.commit)),
        Choice::Incremental(_) => {
            let base = base.map(|base| (short(&base.commit), base.distance, base.changed_files));
            let (commit, distance, files) = base.unwrap_or_default();
            let commits = if distance == 1 { "commit" } else { "commits" };
            let noun = if files == 1 { "file" } else { "files" };
            format!("built on {commit}, {distance} {commits} back, {files} {noun} changed")
        }
        Choice::Full(why) => why.clone(),
    }
}

fn candidates_of(considered: Vec<Considered>, selection: Selection) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = considered
        .into_iter()
        .zip(selection.verdicts)
        .map(|(one, (verdict, reasons))| Candidate {
            build: one.older.id,
            commit: one.older.commit,
            distance: one.facts.distance,
            changed_files: one.changed_files,
            expected_ms: one.facts.expected_ms,
            verdict,
            reasons,
        })
        .collect();
    let rank = |verdict: Verdict| match verdict {
        Verdict::Chosen => 0,
        Verdict::Eligible => 1,
        Verdict::Rejected => 2,
    };
    // Stable: within a verdict the nearest stay first.
    candidates.sort_by_key(|candidate| rank(candidate.verdict));
    candidates
}
