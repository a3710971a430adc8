//! What a pipeline runs, as specs say it.

use serde_saphyr::Spanned;

use super::fields;
use super::names::cut;
use super::spec::{BuildStep, Secret, Transform};
use crate::recipe::valid;
use crate::recipe::yaml::{Node, Reader, Tree};

const TRANSFORM: [&str; 16] = [
    "image",
    "cmd",
    "stdin",
    "err_cmd",
    "err_stdin",
    "env",
    "secrets",
    "image_pull_secrets",
    "accept_return_code",
    "debug",
    "user",
    "working_dir",
    "dockerfile",
    "build",
    "network",
    "memory_volume",
];
const BUILD: [&str; 3] = ["path", "language", "image"];
const SECRET: [&str; 4] = ["name", "key", "env_var", "mount_path"];

/// A transform as it was read, with what is checked later.
#[derive(Default)]
pub(super) struct Read<'n> {
    pub(super) transform: Transform,
    pub(super) network: bool,
    /// Where the image stands.
    pub(super) image: Option<&'n Node>,
    /// Where the build step stands.
    pub(super) build: Option<&'n Spanned<String>>,
}

/// Reads a transform.
pub(super) fn read<'n>(reader: &mut Reader<'_>, node: &'n Node) -> Read<'n> {
    let mut found = Read::default();
    for (key, value) in reader.map("`transform`", node) {
        let transform = &mut found.transform;
        match fields::snake(&key.value).as_str() {
            "image" => {
                transform.image = image(reader, "image", value);
                found.image = Some(value);
            }
            "cmd" => transform.cmd = fields::texts(reader, "cmd", value),
            "stdin" => transform.stdin = fields::texts(reader, "stdin", value),
            "err_cmd" => transform.err_cmd = fields::texts(reader, "err_cmd", value),
            "err_stdin" => transform.err_stdin = fields::texts(reader, "err_stdin", value),
            "env" => {
                transform.env = fields::text_map(reader, "env", value);
                let wrong = |name: &String| name.is_empty() || name.contains(['=', '\0']);
                if let Some(name) = transform.env.keys().find(|name| wrong(name)) {
                    let message = format!("`{}` cannot be the name of a variable", cut(name));
                    reader.error(value, message, "use letters, digits and `_`");
                }
            }
            "secrets" => {
                let items = reader.list("secrets", value);
                transform.secrets = items.iter().filter_map(|item| secret(reader, item)).collect();
            }
            "image_pull_secrets" => {
                transform.image_pull_secrets = fields::texts(reader, "image_pull_secrets", value);
            }
            "accept_return_code" => {
                let codes = reader.list("accept_return_code", value).iter();
                let codes = codes.filter_map(|item| {
                    let code = fields::integer(reader, "accept_return_code", item, 0, 255)?;
                    i32::try_from(code).ok()
                });
                transform.accept_return_code = codes.collect();
            }
            "debug" => transform.debug = fields::boolean(reader, "debug", value),
            "user" => transform.user = filled(reader, "user", value),
            "working_dir" => transform.working_dir = filled(reader, "working_dir", value),
            "dockerfile" => transform.dockerfile = filled(reader, "dockerfile", value),
            "build" => {
                if value.value != Tree::Null {
                    transform.build = Some(build(reader, value));
                    found.build = Some(key);
                }
            }
            "network" => found.network = fields::boolean(reader, "network", value),
            "memory_volume" => {}
            _ => reader.unknown_key(key, "in `transform`", &TRANSFORM),
        }
    }
    found
}

fn image(reader: &mut Reader<'_>, name: &str, node: &Node) -> String {
    let text = fields::text(reader, name, node);
    if !text.is_empty()
        && let Some(why) = valid::wrong_reference(&text)
    {
        let message = format!("`{}` is no image: {why}", cut(&text));
        reader.error(node, message, "write it as `name:tag`");
        return String::new();
    }
    text
}

fn filled(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<String> {
    let text = reader.text(name, node).filter(|text| !text.is_empty())?;
    if text.chars().any(char::is_control) {
        reader.error(node, format!("`{name}` contains a control character"), "");
        return None;
    }
    Some(text)
}

fn build(reader: &mut Reader<'_>, node: &Node) -> BuildStep {
    let mut step = BuildStep::default();
    let before = reader.problems.len();
    for (key, value) in reader.map("`build`", node) {
        match fields::snake(&key.value).as_str() {
            "path" => step.path = filled(reader, "path", value).unwrap_or_default(),
            "language" => {
                step.language = filled(reader, "language", value);
                // It becomes part of an image's name.
                let wrong = |c: char| !c.is_ascii_alphanumeric() && !"_.-".contains(c);
                if let Some(language) = step.language.take_if(|language| language.contains(wrong)) {
                    let message = format!("`{}` cannot be a language", cut(&language));
                    reader.error(value, message, "write it as `python` or `go`");
                }
            }
            "image" => step.image = Some(image(reader, "image", value)).filter(|image| !image.is_empty()),
            _ => reader.unknown_key(key, "in `build`", &BUILD),
        }
    }
    let told = reader.has_error_since(before);
    match (&step.language, &step.image) {
        (Some(_), Some(_)) => reader.error(
            node,
            "cannot specify both a build `language` and `image`",
            "remove one of them",
        ),
        (None, None) if !told => reader.error(
            node,
            "must specify either a build `language` or `image`",
            "add `language: python`, or the image of a builder",
        ),
        _ => {}
    }
    step
}

fn secret(reader: &mut Reader<'_>, node: &Node) -> Option<Secret> {
    let mut secret = Secret::default();
    for (key, value) in reader.map("a secret", node) {
        match fields::snake(&key.value).as_str() {
            "name" => secret.name = fields::text(reader, "name", value),
            "key" => secret.key = filled(reader, "key", value),
            "env_var" => {
                secret.env_var = filled(reader, "env_var", value);
                if let Some(name) = secret.env_var.take_if(|name| !valid::is_variable(name)) {
                    let message = format!("`{}` cannot be the name of a variable", cut(&name));
                    reader.error(value, message, "use letters, digits and `_`");
                    return None;
                }
            }
            "mount_path" => {
                secret.mount_path = filled(reader, "mount_path", value);
                let wrong =
                    |path: &mut String| !path.starts_with('/') || path.split('/').any(|part| part == "..");
                if let Some(path) = secret.mount_path.take_if(wrong) {
                    let message = format!("the secret's path `{}` is not absolute", cut(&path));
                    reader.error(value, message, "begin it with `/`, without `..`");
                    return None;
                }
            }
            _ => reader.unknown_key(key, "in the secret", &SECRET),
        }
    }
    if secret.name.is_empty() {
        reader.error(node, "a secret has no `name`", "name the secret");
        return None;
    }
    if secret.mount_path.is_none() && (secret.env_var.is_none() || secret.key.is_none()) {
        let message = format!("nothing says where the secret `{}` goes", cut(&secret.name));
        reader.error(node, message, "add `mount_path`, or `env_var` and `key`");
        return None;
    }
    Some(secret)
}
