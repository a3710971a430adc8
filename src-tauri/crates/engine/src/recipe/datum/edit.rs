//! Changing the image in somebody's spec file: that value changes and nothing else.

use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_saphyr::Spanned;

use super::fields::snake;
use super::names::cut;
use crate::recipe::json::{self, STRICT};
use crate::recipe::valid::wrong_reference;
use crate::recipe::yaml::{Node, Reader, Tree};

/// Returns the text of a file in which the image of one of its specs is another; `document` counts from 0. When the spec
/// names no image, one is added to its transform. The error is a sentence.
pub fn set_image(text: &str, document: usize, reference: &str) -> Result<String, String> {
    if let Some(why) = wrong_reference(reference) {
        return Err(format!("`{}` is no image: {why}", cut(reference)));
    }
    let changed = if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        vec![in_json(text, document, reference)?]
    } else {
        // Most references stand without quotes; a few would mean something else.
        vec![
            in_yaml(text, document, reference, false)?,
            in_yaml(text, document, reference, true)?,
        ]
    };
    let mut wanted = documents(text)?;
    if let Some(spec) = wanted.get_mut(document) {
        put(spec, reference);
    }
    let same = |text: &String| documents(text).is_ok_and(|found| found == wanted);
    changed
        .into_iter()
        .find(same)
        .ok_or_else(|| "the image is written in a way that cannot be changed safely".to_owned())
}

fn in_json(text: &str, document: usize, reference: &str) -> Result<String, String> {
    let parts = json::parts(text.trim_start_matches('\u{feff}')).map_err(|(_, message)| message)?;
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let (begin, end) = parts.get(document).ok_or_else(|| no_spec(document))?;
    let (begin, end) = (begin + mark, end + mark);
    let root = CstRootNode::parse(&text[begin..end], &STRICT).map_err(|error| error.to_string())?;
    let transform = root
        .object_value()
        .and_then(|spec| property(&spec, "transform"))
        .and_then(|transform| transform.object_value())
        .ok_or("the spec has no transform")?;
    match property(&transform, "image") {
        Some(image) => match image.value().and_then(|value| value.as_string_lit()) {
            Some(literal) => literal.set_raw_value(format!("\"{reference}\"")),
            None => image.set_value(CstInputValue::String(reference.to_owned())),
        },
        None => drop(transform.insert(0, "image", CstInputValue::String(reference.to_owned()))),
    }
    Ok(format!("{}{root}{}", &text[..begin], &text[end..]))
}

fn property(object: &CstObject, name: &str) -> Option<jsonc_parser::cst::CstObjectProp> {
    let mut properties = object.properties().into_iter();
    properties.find(|property| property.decoded_name().is_some_and(|found| snake(&found) == name))
}

fn in_yaml(text: &str, document: usize, reference: &str, quote: bool) -> Result<String, String> {
    let bare = text.trim_start_matches('\u{feff}');
    let mark = text.len() - bare.len();
    let (_, documents) = Reader::documents("", bare.as_bytes()).map_err(|problem| problem.message)?;
    let spec = documents.get(document).ok_or_else(|| no_spec(document))?;
    let (_, transform) = entry(spec, "transform").ok_or("the spec has no transform")?;
    let value = if quote {
        format!("\"{reference}\"")
    } else {
        reference.to_owned()
    };
    let (begin, end, value) = match entry(transform, "image") {
        Some((_, image)) if image.value != Tree::Null => {
            let begin = offset(image, bare)?;
            let written = token(&bare[begin..]).ok_or("the image is written over several lines")?;
            let value = match written.chars().next() {
                Some(mark @ ('"' | '\'')) => format!("{mark}{reference}{mark}"),
                _ => value,
            };
            (begin, begin + written.len(), value)
        }
        Some((key, _)) => {
            // A key without a value: it stands behind the colon.
            let begin = offset(key, bare)?;
            let colon = begin + bare[begin..].find(':').ok_or("the image has no value")? + 1;
            (colon, colon, format!(" {value}"))
        }
        None => missing(transform, bare, &value)?,
    };
    Ok(format!("{}{value}{}", &text[..begin + mark], &text[end + mark..]))
}

/// Returns where an image is added to a transform that has none, and what is written there.
fn missing(transform: &Node, text: &str, value: &str) -> Result<(usize, usize, String), String> {
    let Tree::Map(entries) = &transform.value else {
        return Err("the spec has no transform".to_owned());
    };
    let begin = offset(transform, text)?;
    let flow = text[begin..].starts_with('{');
    let Some((first, _)) = entries.first() else {
        return Ok((begin + 1, begin + 1, format!("image: {value}")));
    };
    let at = offset(first, text)?;
    if flow {
        return Ok((at, at, format!("image: {value}, ")));
    }
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let indent = &text[line..at];
    if !indent.bytes().all(|byte| byte == b' ') {
        return Err("the transform begins in the middle of a line".to_owned());
    }
    let end = if text[..at].ends_with("\r\n") || text[..line].ends_with("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    Ok((at, at, format!("image: {value}{end}{indent}")))
}

/// Returns the scalar or alias that a text begins with, in one line.
fn token(text: &str) -> Option<&str> {
    let line = text.lines().next()?;
    let mut letters = line.char_indices().peekable();
    let (_, first) = letters.next()?;
    match first {
        '"' => {
            let mut escaped = false;
            let end = letters.find(|(_, c)| {
                let closes = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                closes
            });
            end.map(|(at, _)| &line[..=at])
        }
        '\'' => {
            while let Some((at, c)) = letters.next() {
                if c == '\'' && letters.next_if(|(_, next)| *next == '\'').is_none() {
                    return Some(&line[..=at]);
                }
            }
            None
        }
        '|' | '>' | '&' | '!' => None,
        _ => {
            let end = line
                .find(|c: char| c.is_whitespace() || ",]}".contains(c))
                .unwrap_or(line.len());
            Some(&line[..end])
        }
    }
}

fn entry<'n>(node: &'n Node, name: &str) -> Option<&'n (Spanned<String>, Node)> {
    let Tree::Map(entries) = &node.value else {
        return None;
    };
    entries.iter().find(|(key, _)| snake(&key.value) == name)
}

/// Returns where a value begins, in bytes.
fn offset<T>(node: &Spanned<T>, text: &str) -> Result<usize, String> {
    let at = &node.referenced;
    let line_start = match at.line() {
        0 => return Err("the place of the image is not known".to_owned()),
        1 => 0,
        line => {
            let mut ends = text.match_indices('\n');
            let before = usize::try_from(line).unwrap_or(usize::MAX) - 2;
            ends.nth(before).map_or(text.len(), |(end, _)| end + 1)
        }
    };
    let column = usize::try_from(at.column()).unwrap_or(1).max(1) - 1;
    let within = text[line_start..].char_indices().nth(column);
    within
        .map(|(at, _)| line_start + at)
        .ok_or_else(|| "the place of the image is not known".to_owned())
}

fn documents(text: &str) -> Result<Vec<serde_json::Value>, String> {
    let (_, documents) = Reader::documents("", text.as_bytes()).map_err(|problem| problem.message)?;
    Ok(documents
        .iter()
        .map(|document| sorted(document.value.json()))
        .collect())
}

/// Returns a spec with its transform's keys in order, so that it does not matter where an image is added.
fn sorted(mut spec: serde_json::Value) -> serde_json::Value {
    spec.sort_all_objects();
    spec
}

fn put(spec: &mut serde_json::Value, reference: &str) {
    let Some(spec) = spec.as_object_mut() else { return };
    let Some((_, transform)) = spec.iter_mut().find(|(key, _)| snake(key) == "transform") else {
        return;
    };
    let Some(transform) = transform.as_object_mut() else {
        return;
    };
    match transform.iter_mut().find(|(key, _)| snake(key) == "image") {
        Some((_, image)) => *image = reference.into(),
        None => drop(transform.insert("image".to_owned(), reference.into())),
    }
    transform.sort_keys();
}

fn no_spec(document: usize) -> String {
    format!("the file has no spec number {}", document + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "localhost:5000/app:new";

    #[test]
    fn only_the_value_changes() {
        for (text, document, changed) in [
            (
                "# top\ntransform:   # t\n  image:   'app:1'   # why\n  cmd: [a]\n",
                0,
                "'app:1'",
            ),
            ("transform:\n    image: app:1\r\n", 0, "app:1"),
            (
                "transform: {cmd: [\"é\"], image: app:1, env: {image: app:1}}\n",
                0,
                "app:1",
            ),
            ("a: &x app:1\ntransform:\n  image: *x\n", 0, "*x"),
            (
                "transform: {image: a}\n---\n# two\ntransform: {image: \"b:1\"}\n",
                1,
                "\"b:1\"",
            ),
            (
                "{\n\t\"transform\" : { \"cmd\":[ ],\"image\"\t:\t\"a:1\" }\n}\n",
                0,
                "\"a:1\"",
            ),
            (
                "{\"transform\": {\"image\": \"a\"}}\n\n{ \"transform\": {\"image\": \"b\" } }",
                1,
                "\"b\"",
            ),
            ("\u{feff}transform:\n  image: app:1\n", 0, "app:1"),
        ] {
            let result = set_image(text, document, NEW).expect(text);
            let quote = changed.chars().next().filter(|c| "\"'".contains(*c));
            let written = quote.map_or_else(|| NEW.to_owned(), |quote| format!("{quote}{NEW}{quote}"));
            assert_eq!(result.replacen(&written, changed, 1), text);
        }
    }

    #[test]
    fn an_image_is_added_when_there_is_none() {
        for (text, expected) in [
            (
                "transform:\n  # run\n  cmd: [a]\n",
                "transform:\n  # run\n  image: localhost:5000/app:new\n  cmd: [a]\n",
            ),
            (
                "transform: { cmd: [a] }",
                "transform: { image: localhost:5000/app:new, cmd: [a] }",
            ),
            ("transform: {}\n", "transform: {image: localhost:5000/app:new}\n"),
            (
                "transform:\n  image:\n  cmd: [a]\n",
                "transform:\n  image: localhost:5000/app:new\n  cmd: [a]\n",
            ),
            (
                "{\n  \"transform\": {\n    \"cmd\": []\n  }\n}",
                "{\n  \"transform\": {\n    \"image\": \"localhost:5000/app:new\",\n    \"cmd\": []\n  }\n}",
            ),
        ] {
            assert_eq!(set_image(text, 0, NEW).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_changed_is_said() {
        for text in [
            "pipeline: {name: p}",
            "transform:\n  image: &a !!str a:1\n  user: *a\n",
            "{\"a\": 1}",
            "[",
            "{",
            "",
        ] {
            assert!(set_image(text, 0, NEW).is_err(), "{text}");
        }
        assert!(
            set_image("transform: {image: a}", 1, NEW).is_err(),
            "there is no second spec"
        );
        assert!(
            set_image("transform: {image: a}", 0, "a b").is_err(),
            "that is no image"
        );
    }
}
