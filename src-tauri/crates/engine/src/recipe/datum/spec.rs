//! Specs of datum pipelines, with every default filled in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::fields::snake;
use super::image;
use super::input::Input;
pub use super::read::{Asked, read, read_for};

/// Annotation by which a pipeline asks for network; a cluster takes it and thinks nothing of it.
pub const NETWORK: &str = "headstart.dev/network";

/// Where something stands in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// A pipeline's spec.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The pipeline's name.
    pub name: String,
    /// Where the name stands.
    pub place: Place,
    /// Which of the file's documents it is, from 0.
    pub document: usize,
    /// What it says of itself.
    pub description: String,
    /// What runs.
    pub transform: Transform,
    /// How many workers there are.
    pub parallelism: Parallelism,
    /// What it reads.
    pub input: Option<Input>,
    /// Branch of its repository that it writes.
    pub output_branch: String,
    /// How often a datum is tried.
    pub datum_tries: u32,
    /// How long a datum may take.
    pub datum_timeout: Option<Duration>,
    /// How long a job may take.
    pub job_timeout: Option<Duration>,
    /// What a worker is promised.
    pub resource_requests: Resources,
    /// What a worker may use.
    pub resource_limits: Resources,
    /// Whether processed datums are processed again.
    pub reprocess: bool,
    /// Whether processed datums are processed again by every job.
    pub reprocess_every_job: bool,
    /// How datums are handed out.
    pub chunk_spec: ChunkSpec,
    /// Memory for caches, as it is written.
    pub cache_size: String,
    /// Datums that a worker may have waiting.
    pub max_queue_size: u32,
    /// Whether its workers go when there is nothing to do.
    pub standby: bool,
    /// Whether statistics of datums are kept.
    pub enable_stats: bool,
    /// Salt of its datums' hashes, when the spec brings one.
    pub salt: Option<String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Whether its containers get network.
    pub network: bool,
    /// The spec as it was written.
    pub(super) raw: Map<String, Value>,
}

/// What a pipeline runs.
#[derive(Clone, Debug, Default)]
pub struct Transform {
    /// Image; empty only when there is a build step, whose builder then serves.
    pub image: String,
    /// Command, without a shell; empty with a build step, or to run what the image runs.
    pub cmd: Vec<String>,
    /// Lines that the command reads.
    pub stdin: Vec<String>,
    /// Command that may rescue a failed datum.
    pub err_cmd: Vec<String>,
    /// Lines that that command reads.
    pub err_stdin: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Secrets.
    pub secrets: Vec<Secret>,
    /// Secrets that a cluster pulls images with.
    pub image_pull_secrets: Vec<String>,
    /// Exit codes that count as success, besides 0.
    pub accept_return_code: Vec<i32>,
    /// Whether workers say more.
    pub debug: bool,
    /// User of the containers.
    pub user: Option<String>,
    /// Folder that the command starts in.
    pub working_dir: Option<String>,
    /// Dockerfile that the image is built from when that is asked for, relative to the spec.
    pub dockerfile: Option<String>,
    /// Code that is built before the pipeline runs.
    pub build: Option<BuildStep>,
}

/// A secret of a pipeline: a file below `mount_path`, a variable, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// Name.
    pub name: String,
    /// Which of its values a variable gets.
    pub key: Option<String>,
    /// Variable.
    pub env_var: Option<String>,
    /// Folder.
    pub mount_path: Option<String>,
}

/// How a pipeline's code is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildStep {
    /// Folder of the code, relative to the spec; empty for the spec's own.
    pub path: String,
    /// Language, whose builder is used.
    pub language: Option<String>,
    /// Builder.
    pub image: Option<String>,
}

/// How many workers a pipeline has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Parallelism {
    /// So many.
    Constant(u32),
    /// So many for each node.
    Coefficient(f64),
}

impl Parallelism {
    /// Returns how many workers that is on so many nodes: at least one.
    pub fn workers(self, nodes: u32) -> u32 {
        match self {
            Self::Constant(workers) => workers.max(1),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a cast of a number that is too large or negative ends at the bound"
            )]
            Self::Coefficient(each) => ((each * f64::from(nodes)).floor() as u32).max(1),
        }
    }
}

/// Resources of a worker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// Processors.
    pub cpu: Option<f64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Graphics processors.
    pub gpu: Option<Gpu>,
    /// Bytes on disk.
    pub disk: Option<u64>,
}

/// Graphics processors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gpu {
    /// Kind, as a cluster calls it.
    pub kind: String,
    /// How many.
    pub number: u32,
}

/// How datums are handed out to workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChunkSpec {
    /// So many at once.
    pub number: Option<u64>,
    /// About so many bytes at once.
    pub size_bytes: Option<u64>,
}

impl Spec {
    /// Returns a spec that says nothing but its pipeline's name.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            place: Place::default(),
            document: 0,
            description: String::new(),
            transform: Transform {
                image: image::DEFAULT.to_owned(),
                ..Transform::default()
            },
            parallelism: Parallelism::Constant(1),
            input: None,
            output_branch: "master".to_owned(),
            datum_tries: 3,
            datum_timeout: None,
            job_timeout: None,
            resource_requests: Resources::default(),
            resource_limits: Resources::default(),
            reprocess: false,
            reprocess_every_job: false,
            chunk_spec: ChunkSpec::default(),
            cache_size: "64M".to_owned(),
            max_queue_size: 1,
            standby: false,
            enable_stats: false,
            salt: None,
            annotations: BTreeMap::new(),
            labels: BTreeMap::new(),
            network: false,
            raw: Map::from_iter([("pipeline".to_owned(), json!({ "name": name }))]),
        }
    }

    /// Returns the spec as a cluster takes it: what was written stays as it was, unknown fields too, and a wish for network
    /// is an annotation.
    pub fn json(&self) -> Value {
        let mut raw = self.raw.clone();
        if let Some(transform) = raw.get_mut("transform").and_then(Value::as_object_mut) {
            transform.shift_remove("network");
        }
        if self.network {
            let annotations = object(object(&mut raw, "metadata"), "annotations");
            annotations.insert(NETWORK.to_owned(), "true".into());
        }
        Value::Object(raw)
    }

    /// Gives the pipeline another image, in what a cluster gets too.
    pub fn set_image(&mut self, reference: &str) {
        reference.clone_into(&mut self.transform.image);
        set(object(&mut self.raw, "transform"), "image", reference.into());
    }

    /// Gives the pipeline another command, in what a cluster gets too.
    pub fn set_cmd(&mut self, cmd: &[&str]) {
        self.transform.cmd = cmd.iter().map(|&word| word.to_owned()).collect();
        set(object(&mut self.raw, "transform"), "cmd", json!(cmd));
    }
}

/// Sets a field under the spelling that it has already.
pub(super) fn set(object: &mut Map<String, Value>, field: &str, value: Value) {
    let key = spelling(object, field);
    object.insert(key, value);
}

/// Returns an object's inner object, which is made when it is missing.
fn object<'a>(outer: &'a mut Map<String, Value>, field: &str) -> &'a mut Map<String, Value> {
    let key = spelling(outer, field);
    let inner = outer.entry(key).or_insert_with(|| json!({}));
    if !inner.is_object() {
        *inner = json!({});
    }
    match inner {
        Value::Object(inner) => inner,
        _ => unreachable!("it was just made an object"),
    }
}

/// Returns how an object spells a field.
fn spelling(object: &Map<String, Value>, field: &str) -> String {
    let written = object.keys().find(|key| snake(key) == field);
    written.cloned().unwrap_or_else(|| field.to_owned())
}
