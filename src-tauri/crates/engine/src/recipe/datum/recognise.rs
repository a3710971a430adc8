//! Which files are pipeline specs.

use super::fields::snake;
use crate::recipe::yaml::{Node, Reader, Tree};

/// Returns whether a file is a pipeline spec, or one with a mistake in it, by its content. A compose file, a run config and
/// anything with `kind` are none.
pub fn looks_like(bytes: &[u8]) -> bool {
    match Reader::documents("", bytes) {
        Ok((_, documents)) => documents.iter().any(is_spec),
        // What cannot be read may still be known by its words.
        Err(_) => std::str::from_utf8(bytes).is_ok_and(has_words),
    }
}

fn is_spec(document: &Node) -> bool {
    let Tree::Map(entries) = &document.value else {
        return false;
    };
    let field = |name: &str| {
        let found = entries.iter().find(|(key, _)| snake(&key.value) == name);
        found.map(|(_, node)| &node.value)
    };
    let has = |tree: Option<&Tree>, keys: &[&str]| matches!(tree, Some(Tree::Map(inner)) if inner.iter().any(|(key, _)| keys.contains(&snake(&key.value).as_str())));
    if ["services", "steps", "kind", "api_version", "apiversion"]
        .iter()
        .any(|key| field(key).is_some())
    {
        return false;
    }
    let pipeline = has(field("pipeline"), &["name"]);
    let transform = has(
        field("transform"),
        &["image", "cmd", "build", "dockerfile", "stdin"],
    );
    let input = has(
        field("input"),
        &["pfs", "cross", "union", "join", "group", "cron", "git"],
    );
    [pipeline, transform, input].iter().filter(|part| **part).count() >= 2
        || pipeline && field("spout").is_some()
}

fn has_words(text: &str) -> bool {
    let key = |name: &str| {
        let beginning = format!("{name}:");
        text.contains(&format!("\"{name}\"")) || text.lines().any(|line| line.starts_with(&beginning))
    };
    key("pipeline") && (key("transform") || key("input")) && !key("services") && !key("steps")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_known_by_their_shape() {
        for text in [
            "pipeline: {name: p}\ntransform: {image: a}\ninput: {pfs: {repo: a}}",
            "transform: {cmd: [a]}\ninput: {cross: []}",
            "{\"pipeline\": {\"name\": \"p\"},\n\t\"input\": {\"pfs\": {}}}",
            "a: 1\n---\npipeline: {name: p}\ntransform: {build: {}}",
            "{\"pipeline\": {\"name\": \"p\"},\n\"transform\": {",
            "pipeline:\n  name: p\ntransform:\n\timage: a\n",
        ] {
            assert!(looks_like(text.as_bytes()), "{text}");
        }
        for text in [
            "services: {a: {image: b}}",
            "pipeline: main.flow\nsettings: {docker: {}}",
            "pipeline: {name: p}\ntransform: {image: a}\nsteps: {}",
            "kind: Pipeline\ntransform: {image: a}\ninput: {pfs: {}}",
            "image: debian:12\ntasks: []",
            "pipeline: {stages: []}\ninput: {file: {}}",
            "",
            "\0",
        ] {
            assert!(!looks_like(text.as_bytes()), "{text}");
        }
    }
}
