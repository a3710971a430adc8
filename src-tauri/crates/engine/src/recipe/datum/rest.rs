//! The fields of specs that nothing else depends on: resources, limits, and what only clusters know.

use serde_saphyr::Spanned;

use super::fields::{self, snake};
use super::names::wrong_branch;
use super::spec::{ChunkSpec, Gpu, Parallelism, Resources, Spec};
use crate::recipe::yaml::{Node, Reader, Tree};

/// Most workers of a pipeline.
const MAX_WORKERS: i64 = 10_000;

const KEYS: [&str; 36] = [
    "pipeline",
    "description",
    "metadata",
    "transform",
    "parallelism_spec",
    "input",
    "output_branch",
    "datum_tries",
    "datum_timeout",
    "job_timeout",
    "resource_requests",
    "resource_limits",
    "reprocess",
    "reprocess_spec",
    "chunk_spec",
    "datum_set_spec",
    "cache_size",
    "max_queue_size",
    "standby",
    "autoscaling",
    "enable_stats",
    "salt",
    "update",
    "scheduling_spec",
    "sidecar_resource_limits",
    "sidecar_resource_requests",
    "hashtree_spec",
    "pod_spec",
    "pod_patch",
    "spec_commit",
    "spout",
    "service",
    "egress",
    "s3_out",
    "tf_job",
    "dry_run",
];
/// What a spec may ask for that only a cluster has: field, what it is called, and what to do.
const REFUSED: [(&str, &str, &str); 5] = [
    (
        "spout",
        "spouts are",
        "put the data into a repository and read that",
    ),
    ("service", "services are", "run it with a cluster"),
    ("egress", "egress is", "export the output branch to a folder"),
    ("s3_out", "output through s3 is", "write to `/pfs/out` instead"),
    (
        "tf_job",
        "TensorFlow jobs are",
        "run the training as the pipeline's command",
    ),
];
/// What only a cluster heeds.
const CLUSTER_ONLY: [&str; 2] = ["pod_spec", "pod_patch"];

/// Reads a field that nothing else depends on.
pub(super) fn read(reader: &mut Reader<'_>, key: &Spanned<String>, node: &Node, spec: &mut Spec) {
    let field = snake(&key.value);
    let count = |value: Option<i64>| {
        value
            .and_then(|value| u32::try_from(value).ok())
            .filter(|value| *value > 0)
    };
    match field.as_str() {
        "pipeline" | "transform" | "input" | "parallelism_spec" => {}
        "description" => spec.description = fields::text(reader, &field, node),
        "output_branch" => {
            let text = fields::text(reader, &field, node);
            if text.is_empty() {
                return;
            }
            if let Some(why) = wrong_branch(&text) {
                reader.error(
                    node,
                    format!("the output branch {why}"),
                    "use letters, digits, `_` and `-`",
                );
            }
            spec.output_branch = text;
        }
        "datum_tries" => {
            spec.datum_tries =
                count(fields::integer(reader, &field, node, 0, 1000)).unwrap_or(spec.datum_tries);
        }
        "datum_timeout" => spec.datum_timeout = fields::duration(reader, &field, node),
        "job_timeout" => spec.job_timeout = fields::duration(reader, &field, node),
        "resource_requests" => spec.resource_requests = resources(reader, &field, node),
        "resource_limits" => spec.resource_limits = resources(reader, &field, node),
        "reprocess" => spec.reprocess = fields::boolean(reader, &field, node),
        "reprocess_spec" => match fields::text(reader, &field, node).as_str() {
            "" | "until_success" => {}
            "every_job" => spec.reprocess_every_job = true,
            _ => reader.error(
                node,
                "`reprocess_spec` has to be `until_success` or `every_job`",
                "",
            ),
        },
        "chunk_spec" | "datum_set_spec" => spec.chunk_spec = chunks(reader, &field, node),
        "cache_size" => {
            if fields::quantity(reader, &field, node).is_some() {
                spec.cache_size = match &node.value {
                    Tree::Text(text) => text.clone(),
                    other => other.json().to_string(),
                };
            }
        }
        "max_queue_size" => {
            let size = fields::integer(reader, &field, node, 0, 1_000_000);
            spec.max_queue_size = count(size).unwrap_or(spec.max_queue_size);
        }
        "standby" | "autoscaling" => spec.standby = fields::boolean(reader, &field, node),
        "enable_stats" => spec.enable_stats = fields::boolean(reader, &field, node),
        "salt" => spec.salt = reader.text(&field, node).filter(|salt| !salt.is_empty()),
        "metadata" => {
            for (key, value) in reader.map("`metadata`", node) {
                match snake(&key.value).as_str() {
                    "annotations" => spec.annotations = fields::text_map(reader, "annotations", value),
                    "labels" => spec.labels = fields::text_map(reader, "labels", value),
                    _ => reader.unknown_key(key, "in `metadata`", &["annotations", "labels"]),
                }
            }
        }
        "hashtree_spec" => {
            let zero = |node: &Node| matches!(node.value, Tree::Integer(0));
            let entries = reader.map("`hashtree_spec`", node);
            let constant = entries.iter().find(|(key, _)| snake(&key.value) == "constant");
            if node.value != Tree::Null && constant.is_none_or(|(_, node)| zero(node)) {
                let message = "invalid pipeline spec: HashtreeSpec.Constant must be > 0";
                reader.error(node, message, "remove `hashtree_spec`, which has no effect here");
            }
        }
        known if CLUSTER_ONLY.contains(&known) => {
            if !matches!(&node.value, Tree::Null) {
                reader.warning(
                    key,
                    format!("`{known}` has no effect here, only in a cluster"),
                    "",
                );
            }
        }
        known => {
            let refused = REFUSED.iter().find(|(name, ..)| *name == known);
            let asked = !matches!(&node.value, Tree::Null | Tree::Bool(false));
            match refused {
                Some((_, what, hint)) if asked => {
                    reader.error(key, format!("{what} not supported here"), hint);
                }
                Some(_) => {}
                None if KEYS.contains(&known) => {}
                None => reader.unknown_key(key, "in the spec", &KEYS),
            }
        }
    }
}

pub(super) fn parallelism(reader: &mut Reader<'_>, node: &Node, service: bool) -> Parallelism {
    let (mut constant, mut coefficient) = (None, None);
    for (key, value) in reader.map("`parallelism_spec`", node) {
        match snake(&key.value).as_str() {
            "constant" => {
                constant =
                    fields::integer(reader, "constant", value, 0, MAX_WORKERS).filter(|count| *count > 0);
            }
            "coefficient" => {
                coefficient = fields::number(reader, "coefficient", value).filter(|each| *each > 0.0);
            }
            // Older specs say which of the two they mean.
            "strategy" => {}
            _ => reader.unknown_key(key, "in `parallelism_spec`", &["constant", "coefficient"]),
        }
    }
    if service && constant != Some(1) {
        let message = "services can only be run with a constant parallelism of 1";
        reader.error(node, message, "services are for clusters");
    }
    match (constant, coefficient) {
        (Some(_), Some(_)) => {
            let message =
                "contradictory parallelism strategies: must set at most one of `constant` and `coefficient`";
            reader.error(node, message, "remove one of them");
            Parallelism::Constant(1)
        }
        (None, Some(each)) => Parallelism::Coefficient(each),
        (constant, None) => {
            Parallelism::Constant(constant.and_then(|count| u32::try_from(count).ok()).unwrap_or(1))
        }
    }
}

fn resources(reader: &mut Reader<'_>, field: &str, node: &Node) -> Resources {
    let mut found = Resources::default();
    for (key, value) in reader.map(&format!("`{field}`"), node) {
        match snake(&key.value).as_str() {
            "cpu" => found.cpu = fields::number(reader, "cpu", value).filter(|cpu| *cpu > 0.0),
            "memory" => found.memory = fields::quantity(reader, "memory", value).filter(|bytes| *bytes > 0),
            "disk" => found.disk = fields::quantity(reader, "disk", value).filter(|bytes| *bytes > 0),
            "gpu" => found.gpu = gpu(reader, value),
            _ => reader.unknown_key(key, &format!("in `{field}`"), &["cpu", "memory", "gpu", "disk"]),
        }
    }
    found
}

fn gpu(reader: &mut Reader<'_>, node: &Node) -> Option<Gpu> {
    let mut gpu = Gpu::default();
    for (key, value) in reader.map("`gpu`", node) {
        match snake(&key.value).as_str() {
            "type" => gpu.kind = fields::text(reader, "type", value),
            "number" => {
                let number = fields::integer(reader, "number", value, 0, 1024);
                gpu.number = number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
            }
            _ => reader.unknown_key(key, "in `gpu`", &["type", "number"]),
        }
    }
    (gpu.number > 0).then_some(gpu)
}

fn chunks(reader: &mut Reader<'_>, field: &str, node: &Node) -> ChunkSpec {
    let mut found = ChunkSpec::default();
    for (key, value) in reader.map(&format!("`{field}`"), node) {
        let name = snake(&key.value);
        match name.as_str() {
            "number" | "size_bytes" => {
                let amount = fields::integer(reader, &name, value, 0, 1 << 50);
                let amount = amount
                    .and_then(|amount| u64::try_from(amount).ok())
                    .filter(|amount| *amount > 0);
                if name == "number" {
                    found.number = amount;
                } else {
                    found.size_bytes = amount;
                }
            }
            "per_worker" => {}
            _ => reader.unknown_key(key, &format!("in `{field}`"), &["number", "size_bytes"]),
        }
    }
    found
}
