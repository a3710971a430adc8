//! Other people's builds: their records travel with the images in a registry.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::error::Result;
use crate::plan::prepare;
use crate::project::open;
use crate::source::ancestors;
use crate::stack;
use crate::wire::{BuildRequest, Dialect, ProjectId, SyncReport};

/// Commits of a project, from HEAD back, whose images are asked for.
const DEPTH: usize = 20;

/// Asks the registries of the projects' stacks for builds of what these projects need, and takes their records over. What
/// a project needs is what its newest commits' keys say: names of images are made of them.
pub async fn sync(engine: &Engine, project: Option<&ProjectId>) -> Result<SyncReport> {
    let mut report = SyncReport::default();
    let mut asked = BTreeSet::new();
    for row in engine.catalogue().projects()? {
        if row.dialect != Dialect::Pipeline || project.is_some_and(|project| *project != row.id) {
            continue;
        }
        let name = stack::of_project(engine, &row.id)?;
        if stack::get(engine, &name)?.registry.is_none() {
            report.problems.push(format!(
                "{}: its stack {name} has no registry that others could share",
                row.name
            ));
            continue;
        }
        for commit in commits(engine, &row.id)? {
            let request = BuildRequest {
                commit: Some(commit),
                ..BuildRequest::head(row.id.clone())
            };
            match prepare(engine, &request).await {
                Ok(prepared) => {
                    for target in &prepared.plan.targets {
                        asked.insert((target.environment_key.clone(), target.code_key.clone()));
                    }
                    if !prepared.plan.engine_checked {
                        let problem = format!("{}: the registry of stack {name} does not answer", row.name);
                        report.problems.push(problem);
                        break;
                    }
                    for record in prepared.steps.iter().flat_map(|steps| &steps.foreign) {
                        if engine.catalogue().import(record)? {
                            report.imported.push(record.build.id.clone());
                        }
                    }
                    let found = prepared
                        .plan
                        .targets
                        .iter()
                        .filter(|target| target.build.is_some());
                    report.known += u32::try_from(found.count()).unwrap_or(0);
                }
                // An old commit may have no run config yet.
                Err(error) => tracing::debug!(%error, "a commit was passed over"),
            }
        }
    }
    report.asked = u32::try_from(asked.len()).unwrap_or(u32::MAX);
    let new = u32::try_from(report.imported.len()).unwrap_or(0);
    report.known = report.known.saturating_sub(new);
    report.problems.dedup();
    Ok(report)
}

fn commits(engine: &Engine, project: &ProjectId) -> Result<Vec<String>> {
    let opened = open(engine, project)?;
    let Ok(head) = opened.commit(None) else {
        return Ok(Vec::new());
    };
    let older = ancestors(&opened.repo, head, DEPTH)?;
    let mut all = vec![head.to_string()];
    all.extend(older.into_iter().map(|step| step.commit.to_string()));
    all.dedup();
    Ok(all)
}
