//! A pipeline as a small graph: what it reads, what builds its code, what it writes.

use super::enumerate::Enumerated;
use crate::recipe::datum::input::{Input, Leaf};
use crate::recipe::datum::spec::Spec;
use crate::wire::{DatumGraph, DatumNode, DatumNodeKind};

/// Draws a pipeline. `counted` are its datums as they were, or will be.
pub(super) fn graph(name: &str, spec: &Spec, counted: Option<&Enumerated>) -> DatumGraph {
    let mut graph = DatumGraph {
        combined: spec.input.as_ref().map(combined).unwrap_or_default(),
        ..DatumGraph::default()
    };
    let code = format!("{name}_build");
    let count = |name: &str| {
        let leaves = counted?.datums.leaves().iter();
        let count: usize = leaves
            .filter(|leaf| leaf.name == name)
            .map(|leaf| leaf.files.len())
            .sum();
        Some(count as u64)
    };
    let is_code = |repo: &str| repo == code;
    let leaves: Vec<Leaf<'_>> = spec.input.iter().flat_map(Input::leaves).collect();
    let builds = leaves
        .iter()
        .any(|leaf| matches!(leaf, Leaf::Pfs(pfs) if is_code(&pfs.repo)));
    let last = if builds { 2 } else { 1 };
    for (number, leaf) in leaves.iter().enumerate() {
        let id = format!("input-{number}");
        let (kind, name, detail) = match leaf {
            Leaf::Pfs(pfs) if is_code(&pfs.repo) && pfs.branch == "source" => (
                DatumNodeKind::Source,
                pfs.repo.clone(),
                "branch source".to_owned(),
            ),
            // What is built is drawn as the pipeline that builds it.
            Leaf::Pfs(pfs) if is_code(&pfs.repo) => {
                graph
                    .nodes
                    .push(node("build", DatumNodeKind::Build, &code, "build.sh", None, 1));
                graph.edges.push(("build".to_owned(), "pipeline".to_owned()));
                continue;
            }
            Leaf::Pfs(pfs) => {
                let branch = match pfs.branch.as_str() {
                    "master" => String::new(),
                    other => format!("@{other}"),
                };
                (
                    DatumNodeKind::Input,
                    pfs.repo.clone(),
                    format!("{branch} {}", pfs.glob.as_str()).trim().to_owned(),
                )
            }
            Leaf::Cron(cron) => (DatumNodeKind::Cron, cron.repo.clone(), cron.spec.clone()),
        };
        let datums = count(leaf.name()).filter(|_| kind != DatumNodeKind::Source);
        graph.nodes.push(node(&id, kind, &name, &detail, datums, 0));
        if kind == DatumNodeKind::Source {
            graph.edges.push((id.clone(), "build".to_owned()));
        }
        graph.edges.push((id, "pipeline".to_owned()));
    }
    let total = counted.map(|all| all.datums.len() as u64);
    let image = spec.transform.image.as_str();
    graph.nodes.push(node(
        "pipeline",
        DatumNodeKind::Pipeline,
        name,
        image,
        total,
        last,
    ));
    let branch = format!("branch {}", spec.output_branch);
    graph.nodes.push(node(
        "output",
        DatumNodeKind::Output,
        name,
        &branch,
        None,
        last + 1,
    ));
    graph.edges.push(("pipeline".to_owned(), "output".to_owned()));
    graph.nodes.sort_by_key(|node| node.column);
    graph
}

fn node(
    id: &str,
    kind: DatumNodeKind,
    name: &str,
    detail: &str,
    datums: Option<u64>,
    column: u32,
) -> DatumNode {
    DatumNode {
        id: id.to_owned(),
        kind,
        name: name.to_owned(),
        detail: detail.to_owned(),
        datums,
        column,
    }
}

/// Says in words how inputs are combined.
fn combined(input: &Input) -> String {
    let all = |word: &str, inputs: &[Input]| {
        let parts: Vec<String> = inputs
            .iter()
            .map(|input| match input {
                Input::Pfs(_) | Input::Cron(_) => combined(input),
                _ => format!("({})", combined(input)),
            })
            .collect();
        match parts.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{word} of {} and {last}", rest.join(", ")),
            _ => format!("{word} of {}", parts.join(", ")),
        }
    };
    match input {
        Input::Pfs(pfs) => pfs.name.clone(),
        Input::Cron(cron) => cron.name.clone(),
        Input::Union(inputs) => all("union", inputs),
        Input::Cross(inputs) => all("cross", inputs),
        Input::Join(inputs) => all("join", inputs),
        Input::Group(inputs) => all("group", inputs),
    }
}
