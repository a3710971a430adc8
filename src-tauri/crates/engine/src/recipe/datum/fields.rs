//! Values of specs as types: each is read or told of, never guessed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::amounts;
use super::names::cut;
use crate::recipe::yaml::{Node, Reader, Tree};

/// Returns a key as specs usually write it: clusters take `datumTries` for `datum_tries` as well.
pub(super) fn snake(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    let mut snake = String::with_capacity(key.len() + 4);
    for (at, c) in letters.iter().enumerate() {
        if c.is_ascii_uppercase() {
            let behind = at > 0 && letters[at - 1] != '_';
            let inner = behind && !letters[at - 1].is_ascii_uppercase();
            let ends = behind && letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
            if inner || ends {
                snake.push('_');
            }
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// Returns a text, empty for nothing.
pub(super) fn text(reader: &mut Reader<'_>, name: &str, node: &Node) -> String {
    reader.text(name, node).unwrap_or_default()
}

/// Returns true or false; nothing is false.
pub(super) fn boolean(reader: &mut Reader<'_>, name: &str, node: &Node) -> bool {
    match &node.value {
        Tree::Bool(value) => *value,
        Tree::Null => false,
        other => {
            let message = format!("`{name}` has to be true or false, not {}", other.kind());
            reader.error(node, message, "");
            false
        }
    }
}

/// Returns a whole number within bounds; nothing is none. Clusters take numbers in quotes too.
pub(super) fn integer(reader: &mut Reader<'_>, name: &str, node: &Node, low: i64, high: i64) -> Option<i64> {
    let value = match &node.value {
        Tree::Null => return None,
        Tree::Integer(value) => i64::try_from(*value).ok(),
        Tree::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and fits")]
            Some(*value as i64)
        }
        Tree::Text(text) => text.parse().ok(),
        _ => None,
    };
    let value = value.filter(|value| (low..=high).contains(value));
    if value.is_none() {
        let message = format!("`{name}` has to be a whole number from {low} to {high}");
        reader.error(node, message, "");
    }
    value
}

/// Returns a number that is not negative; nothing is none.
pub(super) fn number(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<f64> {
    let value = match &node.value {
        Tree::Null => return None,
        #[expect(clippy::cast_precision_loss, reason = "such a number is refused or tiny")]
        Tree::Integer(value) => Some(*value as f64),
        Tree::Float(value) => Some(*value),
        Tree::Text(text) => text.parse().ok(),
        _ => None,
    };
    match value.filter(|value| value.is_finite()) {
        Some(value) if value < 0.0 => reader.error(node, format!("`{name}` cannot be negative"), ""),
        Some(value) => return Some(value),
        None => reader.error(node, format!("`{name}` has to be a number"), ""),
    }
    None
}

/// Returns a list of texts.
pub(super) fn texts(reader: &mut Reader<'_>, name: &str, node: &Node) -> Vec<String> {
    let items = reader.list(name, node);
    items
        .iter()
        .filter_map(|item| match &item.value {
            Tree::Null => {
                reader.error(item, format!("`{name}` has an entry that is empty"), "");
                None
            }
            _ => reader.text(name, item),
        })
        .collect()
}

/// Returns a mapping from texts to texts.
pub(super) fn text_map(reader: &mut Reader<'_>, name: &str, node: &Node) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for (key, value) in reader.map(&format!("`{name}`"), node) {
        let shown = format!("{name}.{}", cut(&key.value));
        let value = text(reader, &shown, value);
        map.insert(key.value.clone(), value);
    }
    map
}

/// Returns a duration; nothing is none.
pub(super) fn duration(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<Duration> {
    let text = reader.text(name, node)?;
    match amounts::duration(&text) {
        Ok(duration) => Some(duration).filter(|duration| !duration.is_zero()),
        Err(why) => {
            reader.error(node, format!("`{name}` {why}"), "");
            None
        }
    }
}

/// Returns an amount of bytes; nothing is none.
pub(super) fn quantity(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<u64> {
    let text = match &node.value {
        Tree::Null => return None,
        Tree::Integer(value) => value.to_string(),
        _ => reader.text(name, node)?,
    };
    if text.is_empty() {
        return None;
    }
    match amounts::quantity(&text) {
        Ok(bytes) => Some(bytes),
        Err(why) => {
            reader.error(node, format!("`{name}` {why}"), "");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_in_both_spellings() {
        for (key, known) in [
            ("datumTries", "datum_tries"),
            ("datum_tries", "datum_tries"),
            ("TFJob", "tf_job"),
            ("URL", "url"),
            ("s3Out", "s3_out"),
            ("ÉtatX", "État_x"),
        ] {
            assert_eq!(snake(key), known);
        }
    }
}
