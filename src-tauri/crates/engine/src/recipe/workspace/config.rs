//! `.gitpod.yml`, read with places. An invalid document gives the default configuration plus its problems.

use serde::Serialize;
use serde_json::Value;

use crate::recipe::valid::{is_variable, leaves_folder, wrong_reference};
use crate::recipe::yaml::{Node, Reader, Tree};
use crate::wire::{Problem, Severity};

/// Where the workspace's image comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ImageSource {
    /// An image reference.
    Reference(String),
    /// A Dockerfile of the repository.
    File {
        /// Path relative to the repository's root.
        file: String,
        /// Build context; the Dockerfile's folder when absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<String>,
    },
}

/// One task. Blank parts are kept as written; composing skips them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Task {
    /// Name shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Runs first, on every start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Runs in the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<String>,
    /// Runs in the build after `init`; deprecated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prebuild: Option<String>,
    /// Runs on every start of a workspace, never in the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Environment, in the order written; any JSON value.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub env: serde_json::Map<String, Value>,
}

/// Another repository to lay beside the main one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdditionalRepository {
    /// Where it is cloned from.
    pub url: String,
    /// Folder below `/workspace`; the last part of the URL when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout_location: Option<String>,
}

/// A workspace config.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// Image; the default image when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSource>,
    /// Tasks, side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// Ports, as written (each with at least `port`: a number or a range).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Value>,
    /// Other repositories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_repositories: Vec<AdditionalRepository>,
    /// Folder of the repository below `/workspace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout_location: Option<String>,
    /// Folder that a workspace opens, below `/workspace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_location: Option<String>,
    /// Git settings for the workspace.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub git_config: serde_json::Map<String, Value>,
}

/// A config and everything there is to say about its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The config; the default one when the file has errors.
    pub config: Config,
    /// Errors and warnings in the order of the file.
    pub problems: Vec<Problem>,
}

impl Parsed {
    /// Returns whether the file can be used.
    pub fn usable(&self) -> bool {
        self.problems
            .iter()
            .all(|problem| problem.severity != Severity::Error)
    }
}

const KEYS: [&str; 14] = [
    "image",
    "tasks",
    "ports",
    "additionalRepositories",
    "checkoutLocation",
    "workspaceLocation",
    "gitConfig",
    "mainConfiguration",
    "vscode",
    "jetbrains",
    "github",
    "coreDump",
    "experimentalNetwork",
    "env",
];
const TASK_KEYS: [&str; 8] = [
    "name", "before", "init", "prebuild", "command", "env", "openIn", "openMode",
];

/// Reads a workspace config; never fails, tells in `problems`.
pub fn parse(file: &str, bytes: &[u8]) -> Parsed {
    let (mut reader, root) = match Reader::parse(file, bytes) {
        Ok(parsed) => parsed,
        Err(problem) => {
            return Parsed {
                config: Config::default(),
                problems: vec![problem],
            };
        }
    };
    let config = read_config(&mut reader, &root);
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| (problem.line, problem.column));
    let parsed = Parsed { config, problems };
    if parsed.usable() {
        parsed
    } else {
        Parsed {
            config: Config::default(),
            ..parsed
        }
    }
}

fn read_config(reader: &mut Reader<'_>, root: &Node) -> Config {
    let mut config = Config::default();
    for (key, node) in reader.map("the file", root) {
        match key.value.as_str() {
            "image" => config.image = read_image(reader, node),
            "tasks" => {
                config.tasks = reader
                    .list("tasks", node)
                    .iter()
                    .map(|task| read_task(reader, task))
                    .collect()
            }
            "ports" => {
                config.ports = reader
                    .list("ports", node)
                    .iter()
                    .filter_map(|port| read_port(reader, port))
                    .collect()
            }
            "additionalRepositories" => {
                config.additional_repositories = reader
                    .list("additionalRepositories", node)
                    .iter()
                    .filter_map(|repository| read_repository(reader, repository))
                    .collect();
            }
            "checkoutLocation" => config.checkout_location = read_location(reader, "checkoutLocation", node),
            "workspaceLocation" => {
                config.workspace_location = read_location(reader, "workspaceLocation", node)
            }
            "gitConfig" => {
                config.git_config = reader
                    .map("`gitConfig`", node)
                    .iter()
                    .map(|(name, value)| (name.value.clone(), value.value.json()))
                    .collect();
            }
            known if KEYS.contains(&known) => {}
            _ => reader.unknown_key(key, "in the file", &KEYS),
        }
    }
    config
}

fn read_image(reader: &mut Reader<'_>, node: &Node) -> Option<ImageSource> {
    match &node.value {
        Tree::Null => None,
        Tree::Text(reference) => {
            if let Some(why) = wrong_reference(reference) {
                reader.error(
                    node,
                    format!("`image` is not an image reference: {why}"),
                    "write it as name:tag",
                );
                return None;
            }
            Some(ImageSource::Reference(reference.clone()))
        }
        Tree::Map(entries) => {
            let (mut file, mut context) = (None, None);
            for (key, value) in entries {
                match key.value.as_str() {
                    "file" => file = read_path(reader, "image.file", value),
                    "context" => context = read_path(reader, "image.context", value),
                    _ => reader.unknown_key(key, "in `image`", &["file", "context"]),
                }
            }
            if file.is_none() {
                reader.error(
                    node,
                    "`image` needs `file`, the path of a Dockerfile",
                    "add `file: .gitpod.Dockerfile`",
                );
            }
            Some(ImageSource::File { file: file?, context })
        }
        other => {
            let message = format!(
                "`image` has to be a name or `file` and `context`, not {}",
                other.kind()
            );
            reader.error(node, message, "write `image: debian:12`");
            None
        }
    }
}

fn read_path(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<String> {
    let text = reader.text(name, node)?;
    if let Some(why) = leaves_folder(&text) {
        reader.error(
            node,
            format!("`{name}` {why}"),
            "give a path inside the repository",
        );
        return None;
    }
    Some(text)
}

fn read_location(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<String> {
    let text = reader.text(name, node)?;
    if let Some(why) = leaves_folder(&text) {
        reader.error(node, format!("`{name}` {why}"), "give a folder below /workspace");
        return None;
    }
    Some(text)
}

fn read_task(reader: &mut Reader<'_>, node: &Node) -> Task {
    let mut task = Task::default();
    for (key, value) in reader.map("a task", node) {
        match key.value.as_str() {
            "name" => task.name = reader.text("name", value),
            "before" => task.before = reader.text("before", value),
            "init" => task.init = reader.text("init", value),
            "prebuild" => {
                reader.warning(key, "`prebuild` is deprecated", "move it into `init`");
                task.prebuild = reader.text("prebuild", value);
            }
            "command" => task.command = reader.text("command", value),
            "env" => {
                for (name, value) in reader.map("`env`", value) {
                    if is_variable(&name.value) {
                        task.env.insert(name.value.clone(), value.value.json());
                    } else {
                        let message =
                            format!("`{}` cannot be the name of a variable", name.value.escape_debug());
                        reader.error(
                            name,
                            message,
                            "use letters, digits and `_`, not beginning with a digit",
                        );
                    }
                }
            }
            known if TASK_KEYS.contains(&known) => {}
            _ => reader.unknown_key(key, "in a task", &TASK_KEYS),
        }
    }
    task
}

fn read_port(reader: &mut Reader<'_>, node: &Node) -> Option<Value> {
    let entries = reader.map("a port", node);
    let Some((_, port)) = entries.iter().find(|(key, _)| key.value == "port") else {
        if matches!(node.value, Tree::Map(_) | Tree::Null) {
            reader.error(node, "an entry of `ports` needs `port`", "add `port: 8080`");
        }
        return None;
    };
    let good = match &port.value {
        Tree::Integer(number) => (1..=65535).contains(number),
        Tree::Text(range) => is_port_range(range),
        _ => false,
    };
    if !good {
        reader.error(
            port,
            "`port` has to be a number from 1 to 65535 or a range",
            "write `8080` or `3000-3999`",
        );
        return None;
    }
    Some(node.value.json())
}

fn is_port_range(range: &str) -> bool {
    let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
    match range.split_once('-') {
        Some((from, to)) => matches!((port(from), port(to)), (Some(from), Some(to)) if from <= to),
        None => port(range).is_some(),
    }
}

fn read_repository(reader: &mut Reader<'_>, node: &Node) -> Option<AdditionalRepository> {
    let (mut url, mut checkout_location) = (None, None);
    for (key, value) in reader.map("an additional repository", node) {
        match key.value.as_str() {
            "url" => url = reader.text("url", value),
            "checkoutLocation" => checkout_location = read_location(reader, "checkoutLocation", value),
            _ => reader.unknown_key(key, "in an additional repository", &["url", "checkoutLocation"]),
        }
    }
    let Some(url) = url else {
        reader.error(
            node,
            "an additional repository needs `url`",
            "add `url: https://…`",
        );
        return None;
    };
    if url.starts_with('-') || url.contains("::") || url.chars().any(char::is_control) {
        reader.error(
            node,
            "`url` is not the address of a repository",
            "write `https://…`, `ssh://…` or a path",
        );
        return None;
    }
    Some(AdditionalRepository {
        url,
        checkout_location,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(yaml: &str) -> String {
        let line = |p: &Problem| {
            let at = |n: Option<u32>| n.map_or("-".to_owned(), |n| n.to_string());
            format!("{:?} {}:{} {}\n", p.severity, at(p.line), at(p.column), p.message)
        };
        parse(".gitpod.yml", yaml.as_bytes())
            .problems
            .iter()
            .map(line)
            .collect()
    }

    #[test]
    fn every_part_of_a_config_is_read() {
        let parsed = parse(
            ".gitpod.yml",
            b"image: {file: .gitpod.Dockerfile, context: docker}\ntasks:\n- name: app\n  init: make\n  env: {A: 1}\nports:\n- port: 3000-3999\ncheckoutLocation: src\nadditionalRepositories:\n- url: https://example.org/a.git\n",
        );
        assert_eq!(parsed.problems, [], "nothing is wrong with it");
        insta::assert_snapshot!(serde_json::to_string(&parsed.config).unwrap(), @r#"{"image":{"file":".gitpod.Dockerfile","context":"docker"},"tasks":[{"name":"app","init":"make","env":{"A":1}}],"ports":[{"port":"3000-3999"}],"additionalRepositories":[{"url":"https://example.org/a.git"}],"checkoutLocation":"src"}"#);
    }

    #[test]
    fn problems_stand_at_their_line_and_column() {
        insta::assert_snapshot!(problems(
            "image: 42\ntasks:\n  - intt: make\n    init: [a]\nports:\n  - port: 70000\n"
        ));
    }

    #[test]
    fn a_syntax_error_is_one_problem_at_its_place() {
        insta::assert_snapshot!(problems("tasks:\n  - init: 'make\n"));
    }

    #[test]
    fn an_empty_file_is_the_default_config() {
        for text in ["", "# nothing\n", "---\n"] {
            let parsed = parse(".gitpod.yml", text.as_bytes());
            assert_eq!(
                parsed,
                Parsed {
                    config: Config::default(),
                    problems: vec![]
                },
                "{text:?}"
            );
        }
    }

    #[test]
    fn paths_that_leave_the_repository_are_refused() {
        for path in ["../Dockerfile", "/etc/passwd", "a/../../b"] {
            let yaml = format!("image:\n  file: {path}\n");
            assert!(
                !parse(".gitpod.yml", yaml.as_bytes()).usable(),
                "{path} must not be read"
            );
        }
    }
}
