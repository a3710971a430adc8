//! What Headstart can give each of many commits, for the rows of the graph: the same rules as a plan, asked once for all.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use crate::catalogue::{Candidate, OlderTarget};
use crate::engine::Engine;
use crate::error::Result;
use crate::plan::select::{Choice, Existence, Facts, Limits, select};
use crate::plan::{
    Extras, Incremental, Present, blocking, differences_of, facts_of, images_of, look_up, pipeline_images_of,
    present, quantiles,
};
use crate::project::{Opened, open};
use crate::recipe::{Images, Recipe, RecipeError};
use crate::repositories;
use crate::source::{CommitId, CommitInfo, ancestors};
use crate::stack::{Chosen, choose};
use crate::wire::{BuildRequest, BuildStatus, CommitState, CommitStateKind, Decision, GraphQuery, ProjectId};

/// Most commits in one question.
const MOST: usize = 500;

/// A commit with its recipe as it is there.
struct Read {
    id: String,
    info: Option<CommitInfo>,
    recipe: Result<Box<dyn Recipe>, RecipeError>,
    extras: Extras,
    code_key: String,
    /// Ids of the commit and its ancestors within reach, nearest first.
    reach: Vec<String>,
    /// Their sources, in the same order; empty with additional repositories, which have commits of their own.
    sources: Vec<Option<String>>,
}

/// Returns the build state of commits, in the order asked; unknown commits are `unusable`.
pub async fn states(engine: &Engine, project: &ProjectId, commits: &[String]) -> Result<Vec<CommitState>> {
    let (engine, project) = (engine.clone(), project.clone());
    let commits: Vec<String> = commits.iter().take(MOST).cloned().collect();
    let (opened, read) = {
        let (engine, project) = (engine.clone(), project.clone());
        blocking(move || read_all(&engine, &project, &commits)).await?
    };
    let references: BTreeSet<String> = read
        .iter()
        .filter_map(|one| one.recipe.as_ref().ok())
        .flat_map(|recipe| recipe.images())
        .collect();
    let references: Vec<String> = references.into_iter().collect();
    let (known, present) = tokio::join!(look_up(&engine, engine.docker(), &references), present(&engine));
    let known = known?;
    blocking(move || judge_all(&engine, &opened, read, &known.images, &known.platform, &present)).await
}

fn read_all(engine: &Engine, project: &ProjectId, commits: &[String]) -> Result<(Opened, Vec<Read>)> {
    let opened = open(engine, project)?;
    let depth = crate::settings::get(engine)?.history_depth as usize + 1;
    let refs = super::all_refs(&opened.repo)?;
    let graph = engine.graphs().open(&opened, &GraphQuery::default(), &refs)?;
    let mut trees: HashMap<CommitId, Option<String>> = HashMap::new();
    let mut all = Vec::with_capacity(commits.len());
    for id in commits {
        let commit: Option<CommitId> = id.parse().ok();
        let info = commit.and_then(|commit| opened.repo.commit(commit).ok());
        let missing = || RecipeError::Missing {
            file: opened.row.recipe.clone(),
        };
        let (mut recipe, mut source, mut reach) = (Err(missing()), String::new(), Vec::new());
        let mut sources = Vec::new();
        if let Some(info) = &info {
            let steps = match graph.ancestors(info.id, depth) {
                Some(steps) => steps,
                None => ancestors(&opened.repo, info.id, depth)?,
            };
            for step in &steps {
                let tree = match trees.get(&step.commit) {
                    Some(tree) => tree.clone(),
                    None => {
                        let tree = opened.source_of(step.commit)?;
                        trees.insert(step.commit, tree.clone());
                        tree
                    }
                };
                sources.push(tree);
            }
            reach = steps.into_iter().map(|step| step.commit.to_string()).collect();
            if let Ok(tree) = opened.source_tree(&opened.repo, info.tree) {
                recipe = opened.recipe(&opened.repo, info.tree);
                source = tree.to_string();
            }
        }
        let extras = match &recipe {
            Ok(recipe) => Extras::open(engine, recipe.as_ref())?,
            Err(_) => Extras::default(),
        };
        let code_key = extras.code_key(&source);
        if !(extras.known.is_empty() && extras.unfetched.is_empty()) {
            sources.clear();
        }
        all.push(Read {
            id: id.clone(),
            info,
            recipe,
            extras,
            code_key,
            reach,
            sources,
        });
    }
    Ok((opened, all))
}

fn judge_all(
    engine: &Engine,
    opened: &Opened,
    read: Vec<Read>,
    images: &Images,
    platform: &str,
    present: &Present,
) -> Result<Vec<CommitState>> {
    let project = &opened.row.id;
    let settings = crate::settings::get(engine)?;
    let limits = Limits {
        max_chain: settings.max_chain,
        max_layers: settings.max_layers,
    };
    let wanted: BTreeSet<&str> = read
        .iter()
        .flat_map(|one| one.reach.iter().map(String::as_str))
        .collect();
    let mut by_commit: HashMap<String, Vec<Candidate>> = HashMap::new();
    for candidate in engine.catalogue().candidates(project, wanted.into_iter())? {
        by_commit
            .entry(candidate.commit.clone())
            .or_default()
            .push(candidate);
    }
    let all_sources: BTreeSet<&str> = read
        .iter()
        .flat_map(|one| one.sources.iter().flatten().map(String::as_str))
        .collect();
    // By environment and source: what was built before history was rewritten.
    let mut by_source: HashMap<String, HashMap<String, Candidate>> = HashMap::new();
    let chosen = choose(engine, &BuildRequest::head(project.clone())).ok();
    // What HEAD's remote has, it has of the commits before it; a plan looks at each by itself.
    let usable = read
        .iter()
        .any(|one| matches!(&one.recipe, Ok(recipe) if recipe.pipeline().is_some()))
        && opened.repo.head()?.commit().is_some_and(|head| {
            repositories::checkout(engine, opened, head, false).is_ok_and(|checkout| checkout.usable)
        });
    let mut speedups: HashMap<String, Option<f64>> = HashMap::new();
    let mut states = Vec::with_capacity(read.len());
    for one in &read {
        let mut state = CommitState {
            commit: one.id.clone(),
            kind: CommitStateKind::None,
            build: None,
            base_commit: None,
            distance: None,
            speedup: None,
            duration_ms: None,
            reason: None,
            built_from: None,
        };
        match &one.recipe {
            Ok(recipe) if recipe.compose().is_some() => {
                let olders = by_commit.get(&one.id).map_or(&[][..], Vec::as_slice);
                if let (Some(compose), Some(chosen)) = (recipe.compose(), &chosen) {
                    let resolved = recipe.resolve(images, platform_of(chosen, platform));
                    let found = images_of(engine, project, compose, resolved, chosen)?;
                    judge_services(&mut state, olders, &found, chosen, present, "services");
                }
            }
            Ok(recipe) if recipe.pipeline().is_some() => {
                let olders = by_commit.get(&one.id).map_or(&[][..], Vec::as_slice);
                if let (Some(pipeline), Some(chosen)) = (recipe.pipeline(), &chosen) {
                    let there = (images, platform_of(chosen, platform));
                    let found = pipeline_images_of(engine, pipeline, (&one.code_key, usable), there, chosen);
                    match found {
                        Ok(found) => judge_services(&mut state, olders, &found, chosen, present, "images"),
                        Err(error) => {
                            state.kind = CommitStateKind::Unusable;
                            state.reason = Some(error.to_string());
                        }
                    }
                }
            }
            Ok(recipe) => {
                let Some(target) = recipe.resolve(images, platform).pop() else {
                    continue;
                };
                let (key, fields) = (target.environment.key(), target.environment.shown());
                let mut olders: Vec<(Option<u32>, Candidate)> = Vec::new();
                for (distance, commit) in one.reach.iter().enumerate() {
                    for candidate in by_commit.get(commit).into_iter().flatten() {
                        olders.push((u32::try_from(distance).ok(), candidate.clone()));
                    }
                }
                let same_sources = match by_source.entry(key.clone()) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => {
                        let found =
                            engine
                                .catalogue()
                                .of_sources(project, &key, all_sources.iter().copied())?;
                        let by_code = found.into_iter().map(|older| (older.code_key.clone(), older));
                        new.insert(by_code.collect())
                    }
                };
                for (distance, source) in one.sources.iter().enumerate().skip(1) {
                    let Some(older) = source.as_ref().and_then(|source| same_sources.get(source)) else {
                        continue;
                    };
                    if !olders.iter().any(|(_, known)| known.id == older.id) {
                        olders.push((u32::try_from(distance).ok(), older.clone()));
                    }
                }
                for exact in engine.catalogue().exact(project, &key, &one.code_key)? {
                    if !olders.iter().any(|(_, known)| known.id == exact.id) {
                        olders.push((None, exact));
                    }
                }
                judge(&mut state, &olders, &key, &fields, one, present, limits);
                if state.kind == CommitStateKind::Base {
                    state.speedup = match speedups.get(&key) {
                        Some(known) => *known,
                        None => {
                            let measured = speedup(engine, project, &key)?;
                            speedups.insert(key, measured);
                            measured
                        }
                    };
                }
            }
            Err(error) => {
                state.kind = CommitStateKind::Unusable;
                state.reason = Some(if one.info.is_some() {
                    error.to_string()
                } else {
                    "no such commit".to_owned()
                });
            }
        }
        states.push(state);
    }
    Ok(states)
}

fn platform_of<'a>(chosen: &'a Chosen, platform: &'a str) -> &'a str {
    chosen.stack.platform.as_deref().unwrap_or(platform)
}

/// Judges a commit whose recipe has several targets: it is built when every one of them has its image.
fn judge_services(
    state: &mut CommitState,
    olders: &[Candidate],
    found: &[(String, Option<OlderTarget>)],
    chosen: &Chosen,
    present: &Present,
    noun: &str,
) {
    let own = olders
        .iter()
        .filter(|older| !older.dirty)
        .max_by_key(|older| older.created_at);
    if let Some(running) = own.filter(|older| !older.status.is_final()) {
        state.kind = CommitStateKind::Running;
        state.build = Some(running.id.clone());
        return;
    }
    // Registries are asked when a commit is planned, not for every row.
    let pushed = chosen.spec.as_ref().is_some_and(|spec| spec.registry.is_some());
    let there =
        |older: &&OlderTarget| pushed || present.has(&older.reference, &older.digest) != Existence::Gone;
    let have: Vec<&OlderTarget> = found
        .iter()
        .filter_map(|(_, older)| older.as_ref())
        .filter(there)
        .collect();
    if !found.is_empty() && have.len() == found.len() {
        state.kind = CommitStateKind::Built;
        state.build = have.first().map(|older| older.build.clone());
        state.duration_ms = own
            .filter(|own| state.build.as_ref() == Some(&own.id))
            .and_then(|own| own.duration_ms);
        return;
    }
    if let Some(failed) = own.filter(|own| matches!(own.status, BuildStatus::Failed | BuildStatus::TimedOut))
    {
        state.kind = CommitStateKind::Failed;
        state.build = Some(failed.id.clone());
        state.duration_ms = failed.duration_ms;
        state.reason = Some(
            failed
                .failed_step
                .as_ref()
                .map_or("failed".to_owned(), |step| format!("failed at {step}")),
        );
        return;
    }
    if !have.is_empty() {
        state.reason = Some(format!("{} of {} {noun} are built", have.len(), found.len()));
    }
}

fn judge(
    state: &mut CommitState,
    olders: &[(Option<u32>, Candidate)],
    environment_key: &str,
    fields: &[crate::wire::KeyField],
    one: &Read,
    present: &Present,
    limits: Limits,
) {
    let own = |status: &[BuildStatus]| {
        olders
            .iter()
            .filter(|(distance, older)| {
                *distance == Some(0) && status.contains(&older.status) && !older.dirty
            })
            .map(|(_, older)| older)
            .max_by_key(|older| older.created_at)
    };
    if let Some(running) = own(&[BuildStatus::Queued, BuildStatus::Running]) {
        state.kind = CommitStateKind::Running;
        state.build = Some(running.id.clone());
        state.built_from = running.base_commit.clone();
        return;
    }
    let facts: Vec<Facts> = olders
        .iter()
        .map(|(distance, older)| {
            let mut differences = differences_of(older, (environment_key, fields));
            differences.extend(one.extras.objections(&older.sources));
            facts_of(
                older,
                *distance,
                &differences,
                &one.code_key,
                present.existence(older),
            )
        })
        .collect();
    let selection = select(&facts, limits, None);
    if let Choice::Reuse(at) = selection.choice {
        let older = &olders[at].1;
        state.kind = CommitStateKind::Built;
        state.build = Some(older.id.clone());
        state.duration_ms = older.duration_ms;
        state.built_from = older.base_commit.clone();
        return;
    }
    let newest_own = own(&BuildStatus::ALL);
    if let Some(failed) =
        newest_own.filter(|older| matches!(older.status, BuildStatus::Failed | BuildStatus::TimedOut))
    {
        state.kind = CommitStateKind::Failed;
        state.build = Some(failed.id.clone());
        state.duration_ms = failed.duration_ms;
        state.built_from = failed.base_commit.clone();
        state.reason = Some(match (&failed.failed_step, failed.status) {
            (_, BuildStatus::TimedOut) => "timed out".to_owned(),
            (Some(step), _) => format!("failed at {step}"),
            (None, _) => "failed".to_owned(),
        });
        return;
    }
    if let Choice::Incremental(at) = selection.choice {
        state.kind = CommitStateKind::Base;
        state.distance = olders[at].0;
        // The commit in the graph that has the base's source.
        let place = state
            .distance
            .and_then(|distance| one.reach.get(distance as usize));
        state.base_commit = place.cloned();
        return;
    }
    let nearest = (0..olders.len())
        .filter(|at| facts[*at].status == BuildStatus::Succeeded && facts[*at].distance.is_some())
        .min_by_key(|at| (facts[*at].distance, -facts[*at].created_at));
    if let Some(at) = nearest {
        // Everything but the code: the code of an ancestor always differs.
        let why = selection.verdicts[at].1.first().cloned();
        state.kind = if facts[at].existence == Existence::Gone && facts[at].differences.is_empty() {
            CommitStateKind::None
        } else {
            CommitStateKind::Blocked
        };
        state.base_commit = Some(olders[at].1.commit.clone());
        state.distance = olders[at].0;
        state.reason = why;
    }
}

fn speedup(engine: &Engine, project: &ProjectId, environment_key: &str) -> Result<Option<f64>> {
    let catalogue = engine.catalogue();
    let full = catalogue.timings(project, environment_key, Decision::Full)?;
    let full = quantiles(full.into_iter().map(|timing| timing.total_ms).collect());
    let incremental = Incremental::new(catalogue.timings(project, environment_key, Decision::Incremental)?);
    Ok(match (full, incremental.total_ms(1)) {
        (Some(full), Some(total)) if total > 0 => Some(full.p50 as f64 / total as f64),
        _ => None,
    })
}
