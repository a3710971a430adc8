//! Run configs, read with places.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::names::{read_source, wrong_name};
use super::settings::{self, Placed};
use crate::recipe::yaml::{Node, Reader, Tree};
use crate::text::one_line;

/// A run config.
#[derive(Clone, Debug, Default)]
pub(super) struct RunConfig {
    /// The pipeline's name, when it is not that of its object.
    pub(super) name: Option<String>,
    /// The pipeline's object.
    pub(super) pipeline: Option<Source>,
    /// What a pipeline that is no Python object runs.
    pub(super) command: Option<Vec<String>>,
    /// Arguments.
    pub(super) parameters: BTreeMap<String, Value>,
    /// A build by id or by file.
    pub(super) build: Option<String>,
    /// Docker settings.
    pub(super) docker: Placed,
    /// Steps, in the order in which they run.
    pub(super) steps: Vec<StepConfig>,
}

/// A Python object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) module: String,
    pub(super) object: String,
}

/// A step of a run config.
#[derive(Clone, Debug)]
pub(super) struct StepConfig {
    pub(super) name: String,
    pub(super) source: Option<Source>,
    pub(super) command: Option<Vec<String>>,
    pub(super) parameters: BTreeMap<String, Value>,
    /// Variables of its container.
    pub(super) environment: Vec<(String, String)>,
    /// Docker settings, those of the pipeline included.
    pub(super) docker: Placed,
}

const KEYS: [&str; 10] = [
    "pipeline",
    "command",
    "name",
    "parameters",
    "build",
    "settings",
    "settings.docker",
    "steps",
    "run_name",
    "tags",
];
/// What other tools read in a run config, and nobody misses here.
const IGNORED: [&str; 8] = [
    "run_name",
    "tags",
    "extra",
    "model",
    "enable_cache",
    "enable_artifact_metadata",
    "enable_artifact_visualization",
    "enable_step_logs",
];
/// What people would expect to change something.
const WITHOUT_EFFECT: [&str; 7] = [
    "schedule",
    "retry",
    "on_failure",
    "on_success",
    "failure_hook_source",
    "success_hook_source",
    "substitutions",
];
const STEP_KEYS: [&str; 6] = [
    "source",
    "command",
    "parameters",
    "settings",
    "settings.docker",
    "environment",
];
/// What a step is given by parts of a stack that are not there.
const STEP_WITHOUT_EFFECT: [&str; 2] = ["step_operator", "experiment_tracker"];

/// Returns whether a document is a run config.
pub(super) fn is_run_config(root: &Node) -> bool {
    let Tree::Map(entries) = &root.value else {
        return false;
    };
    let entry = |name: &str| {
        let found = entries.iter().find(|(key, _)| key.value == name);
        found.map(|(_, node)| &node.value)
    };
    if entry("services").is_some() || entry("kind").is_some() {
        return false;
    }
    if let Some(Tree::Map(steps)) = entry("steps") {
        // Other tools have steps with an image each; here images come from settings.
        let another = |node: &Node| {
            matches!(&node.value, Tree::Map(fields)
                if fields.iter().any(|(key, _)| matches!(key.value.as_str(), "image" | "commands" | "run" | "uses")))
        };
        if steps.iter().any(|(_, node)| another(node)) {
            return false;
        }
        return true;
    }
    // The pipeline may be named beside the config, which then has nothing but settings.
    let settings = match entry("settings") {
        Some(Tree::Map(settings)) => settings.iter().any(|(key, _)| key.value == "docker"),
        _ => entry("settings.docker").is_some(),
    };
    settings
        || matches!(entry("pipeline"), Some(Tree::Text(_)))
        || entry("steps").is_none() && matches!(entry("command"), Some(Tree::Text(_) | Tree::List(_)))
}

/// Reads a run config; what is wrong is told by the reader.
pub(super) fn read(reader: &mut Reader<'_>, root: &Node) -> RunConfig {
    let mut config = RunConfig::default();
    let entries = reader.map("a run config", root);
    // Steps begin with the pipeline's settings, wherever in the file those stand.
    for (key, node) in entries {
        match key.value.as_str() {
            "settings" => {
                if let Some(docker) = docker(reader, node) {
                    config.docker = settings::read(reader, docker, &config.docker);
                }
            }
            "settings.docker" => config.docker = settings::read(reader, node, &config.docker),
            _ => {}
        }
    }
    for (key, node) in entries {
        match key.value.as_str() {
            "name" => config.name = name(reader, "name", node),
            "pipeline" => config.pipeline = source(reader, "pipeline", node),
            "command" => config.command = settings::command(reader, "command", node),
            "parameters" => config.parameters = parameters(reader, node),
            "build" => config.build = build(reader, node),
            "settings" | "settings.docker" => {}
            "steps" => {
                for (step, node) in reader.map("`steps`", node) {
                    if let Some(step) = read_step(reader, step, node, &config.docker) {
                        config.steps.push(step);
                    }
                }
            }
            known if IGNORED.contains(&known) => {}
            known if WITHOUT_EFFECT.contains(&known) => {
                if node.value != Tree::Null {
                    reader.warning(key, format!("`{known}` has no effect here"), "");
                }
            }
            _ => reader.unknown_key(key, "in the run config", &KEYS),
        }
    }
    if let Some((key, _)) = entries.iter().find(|(key, _)| key.value == "command")
        && !config.steps.is_empty()
    {
        reader.warning(
            key,
            "`command` has no effect because there are `steps`",
            "give each step its own `command`",
        );
    }
    check_images(reader, &config);
    config
}

fn read_step(
    reader: &mut Reader<'_>,
    key: &Spanned<String>,
    node: &Node,
    base: &Placed,
) -> Option<StepConfig> {
    if let Some(why) = wrong_name(&key.value) {
        let shown = one_line(&key.value.chars().take(80).collect::<String>());
        reader.error(
            key,
            format!("the step name `{shown}` {why}"),
            "use letters, digits, `_` and `-`",
        );
        return None;
    }
    let mut step = StepConfig {
        name: key.value.clone(),
        source: None,
        command: None,
        parameters: BTreeMap::new(),
        environment: Vec::new(),
        docker: base.clone(),
    };
    for (field, value) in reader.map(&format!("the step {}", key.value), node) {
        match field.value.as_str() {
            "source" => step.source = source(reader, "source", value),
            "command" => step.command = settings::command(reader, "command", value),
            "parameters" => step.parameters = parameters(reader, value),
            "environment" => {
                step.environment = settings::variables(reader, value)
                    .into_iter()
                    .map(|(name, value)| (name.value, value))
                    .collect();
            }
            "settings" => {
                if let Some(docker) = docker(reader, value) {
                    step.docker = settings::read(reader, docker, base);
                }
            }
            "settings.docker" => step.docker = settings::read(reader, value, base),
            known if IGNORED.contains(&known) || known == "outputs" => {}
            known if WITHOUT_EFFECT.contains(&known) || STEP_WITHOUT_EFFECT.contains(&known) => {
                if value.value != Tree::Null {
                    reader.warning(field, format!("`{known}` has no effect here"), "");
                }
            }
            _ => reader.unknown_key(field, &format!("in the step {}", key.value), &STEP_KEYS),
        }
    }
    if step.source.is_some() && step.command.is_some() {
        reader.error(
            key,
            format!("the step {} has both `source` and `command`", key.value),
            "remove one of them",
        );
    }
    Some(step)
}

/// Returns the docker settings among settings.
fn docker<'n>(reader: &mut Reader<'_>, node: &'n Node) -> Option<&'n Node> {
    let mut found = None;
    for (key, value) in reader.map("`settings`", node) {
        if key.value == "docker" {
            found = Some(value);
        } else {
            reader.warning(
                key,
                format!("the settings `{}` have no effect here", one_line(&key.value)),
                "what a step runs on is said by the stack",
            );
        }
    }
    found
}

fn name(reader: &mut Reader<'_>, field: &str, node: &Node) -> Option<String> {
    let text = reader.text(field, node)?;
    if let Some(why) = wrong_name(&text) {
        reader.error(
            node,
            format!("`{field}` {why}"),
            "use letters, digits, `_` and `-`",
        );
        return None;
    }
    Some(text)
}

/// Tells of images that nothing says how to make.
fn check_images(reader: &mut Reader<'_>, config: &RunConfig) {
    let without =
        |placed: &Placed| placed.settings.parent_image.is_none() && placed.settings.dockerfile.is_none();
    let hint = "add `settings: {docker: {parent_image: name:tag}}`, or a `dockerfile`";
    if config.steps.is_empty() && without(&config.docker) {
        let message = "nothing says which image the pipeline runs in";
        reader.error(&config.docker.place(""), message, hint);
    }
    for step in config.steps.iter().filter(|step| without(&step.docker)) {
        let message = format!("nothing says which image the step {} runs in", step.name);
        reader.error(&step.docker.place(""), message, hint);
    }
}

fn source(reader: &mut Reader<'_>, field: &str, node: &Node) -> Option<Source> {
    let text = reader.text(field, node)?;
    match read_source(&text) {
        Ok((module, object)) => Some(Source { module, object }),
        Err(why) => {
            reader.error(node, format!("`{field}` {why}"), "");
            None
        }
    }
}

fn parameters(reader: &mut Reader<'_>, node: &Node) -> BTreeMap<String, Value> {
    reader
        .map("`parameters`", node)
        .iter()
        .map(|(name, value)| (name.value.clone(), value.value.json()))
        .collect()
}

fn build(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    if let Tree::Map(_) = node.value {
        reader.error(
            node,
            "`build` has to be the id of a build or the path of a file",
            "write the build into a file and name that",
        );
        return None;
    }
    let text = reader.text("build", node)?.trim().to_owned();
    if text.is_empty() || text.starts_with('-') || text.chars().any(char::is_control) {
        reader.error(node, "`build` is neither an id nor a path", "");
        return None;
    }
    Some(text)
}
