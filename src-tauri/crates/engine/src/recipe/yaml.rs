//! YAML with places: a tree that knows the line and column of every value, so that each problem can be shown where it
//! stands. Refuses files that are too large, too deep or that multiply by aliases.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::json;
use crate::text::{one_line, sentence};
use crate::wire::{Problem, Severity};

/// Largest config file read, in bytes.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// Largest file with several documents, in bytes: a hundred of them fit.
const MAX_STREAM_BYTES: usize = 1 << 16;

/// Most warnings and errors that are kept: each looks its line up, and nobody reads as many.
const MAX_WARNINGS: usize = 100;
const MAX_ERRORS: usize = 500;

/// Most values that aliases may stand for, in all of a file: enough for any config, too few to keep a machine busy.
const MAX_REPLAYED: usize = 20_000;

/// Deepest nesting read: each level takes stack, and a thread has little of it.
const MAX_DEPTH: usize = 24;
/// Most values read: far more than any config has.
const MAX_VALUES: usize = 50_000;

/// A value and where it stands.
pub(crate) type Node = Spanned<Tree>;

/// A YAML value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl Tree {
    /// Returns what kind of value this is, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// Returns the value as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Integer(value) => match i64::try_from(*value) {
                Ok(small) => small.into(),
                Err(_) => value.to_string().into(),
            },
            Self::Float(value) => (*value).into(),
            Self::Text(text) => text.clone().into(),
            Self::List(items) => items.iter().map(|item| item.value.json()).collect(),
            Self::Map(entries) => entries
                .iter()
                .map(|(key, item)| (key.value.clone(), item.value.json()))
                .collect(),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Tree;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a YAML value")
            }
            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Null)
            }
            fn visit_none<E>(self) -> Result<Tree, E> {
                Ok(Tree::Null)
            }
            fn visit_some<D: de::Deserializer<'de>>(self, inner: D) -> Result<Tree, D::Error> {
                Tree::deserialize(inner)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
                Ok(Tree::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
                Ok(Tree::Integer(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
                Ok(Tree::Integer(value.into()))
            }
            fn visit_i128<E>(self, value: i128) -> Result<Tree, E> {
                Ok(Tree::Integer(value))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
                Ok(Tree::Float(value))
            }
            fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.to_owned()))
            }
            fn visit_string<E>(self, text: String) -> Result<Tree, E> {
                Ok(Tree::Text(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Tree::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
                let mut map = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    map.push(entry);
                }
                Ok(Tree::Map(map))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A config file being read: collects problems with their places.
pub(crate) struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    /// Problems so far, in the order found.
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Reads a whole file; on a syntax error returns only the problem.
    pub(crate) fn parse(file: &'a str, bytes: &'a [u8]) -> Result<(Self, Node), Problem> {
        let reader = Self::open(file, bytes, MAX_BYTES)?;
        match serde_saphyr::from_str_with_options::<Option<Node>>(reader.text, options()) {
            Ok(Some(node)) => Ok((reader, node)),
            Ok(None) => {
                let nothing = Spanned::new(
                    Tree::Null,
                    serde_saphyr::Location::UNKNOWN,
                    serde_saphyr::Location::UNKNOWN,
                );
                Ok((reader, nothing))
            }
            Err(error) => Err(reader.syntax_error(&error)),
        }
    }

    /// Reads every document of a file: JSON values when its first character is `{`, YAML documents otherwise. Documents
    /// with nothing in them are left out; on a syntax error returns only the problem.
    pub(crate) fn documents(file: &'a str, bytes: &'a [u8]) -> Result<(Self, Vec<Node>), Problem> {
        let reader = Self::open(
            file,
            bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes),
            MAX_STREAM_BYTES,
        )?;
        if reader.text.trim_start().starts_with('{') {
            return match json::documents(reader.text, MAX_DEPTH, MAX_VALUES) {
                Ok(documents) => Ok((reader, documents)),
                Err((place, message)) => Err(reader.problem_at(Severity::Error, Some(place), message, None)),
            };
        }
        match serde_saphyr::from_multiple_with_options::<Node>(reader.text, options()) {
            Ok(mut documents) => {
                documents.retain(|document| document.value != Tree::Null);
                Ok((reader, documents))
            }
            Err(error) => Err(reader.syntax_error(&error)),
        }
    }

    /// Returns what a syntax error says, at its place.
    fn syntax_error(&self, error: &serde_saphyr::Error) -> Problem {
        let place = error.location().map(|at| (at.line(), at.column()));
        let mut message = first_line(&error.without_snippet().to_string());
        if let Some((line, column)) = place {
            // The problem says it beside its message.
            message = message.replace(&format!(" at line {line}, column {column}"), "");
        }
        self.problem_at(Severity::Error, place, message, None)
    }

    /// Checks that a file is text of a size that is read.
    fn open(file: &'a str, bytes: &'a [u8], most: usize) -> Result<Self, Problem> {
        let whole = |line: Option<u32>, message: String, hint: &str| Problem {
            severity: Severity::Error,
            file: file.to_owned(),
            line,
            column: line.map(|_| 1),
            message,
            hint: Some(hint.to_owned()),
            snippet: None,
        };
        if bytes.len() > most {
            let message = format!(
                "the file has {} bytes, more than the {most} that are read",
                bytes.len()
            );
            return Err(whole(
                None,
                message,
                "make it smaller; a config file is usually a few kilobytes",
            ));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
                + 1;
            let message = "the file is not UTF-8 text".to_owned();
            whole(u32::try_from(line).ok(), message, "save it as UTF-8")
        })?;
        let reader = Self {
            file,
            text,
            problems: Vec::new(),
        };
        if text.contains('\0') {
            let line = text
                .split('\0')
                .next()
                .map_or(1, |before| before.matches('\n').count() + 1);
            let message = "the file contains a NUL character".to_owned();
            return Err(whole(
                u32::try_from(line).ok(),
                message,
                "it is probably not a YAML file",
            ));
        }
        Ok(reader)
    }

    fn problem_at(
        &self,
        severity: Severity,
        place: Option<(u64, u64)>,
        message: String,
        hint: Option<String>,
    ) -> Problem {
        let place = place.filter(|(line, _)| *line > 0);
        let line = place.and_then(|(line, _)| u32::try_from(line).ok());
        let snippet = line
            .and_then(|line| self.text.lines().nth(line as usize - 1))
            .map(|line| one_line(&line.chars().take(160).collect::<String>()));
        let column = place.and_then(|(_, column)| u32::try_from(column).ok());
        Problem {
            severity,
            file: self.file.to_owned(),
            line,
            column,
            message: sentence(&message),
            hint: hint.map(|hint| sentence(&hint)),
            snippet,
        }
    }

    /// Records an error at a node.
    pub(crate) fn error<T>(&mut self, at: &Spanned<T>, message: impl Into<String>, hint: &str) {
        self.push(Severity::Error, at, message.into(), hint);
    }

    /// Records a warning at a node.
    pub(crate) fn warning<T>(&mut self, at: &Spanned<T>, message: impl Into<String>, hint: &str) {
        self.push(Severity::Warning, at, message.into(), hint);
    }

    fn push<T>(&mut self, severity: Severity, at: &Spanned<T>, message: String, hint: &str) {
        if self.is_full(severity) {
            return;
        }
        let place = Some((at.referenced.line(), at.referenced.column()));
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        let problem = self.problem_at(severity, place, message, hint);
        self.problems.push(problem);
    }

    /// Returns whether no more problems of a severity are kept.
    fn is_full(&self, severity: Severity) -> bool {
        let most = match severity {
            Severity::Error => MAX_ERRORS,
            Severity::Warning => MAX_WARNINGS,
        };
        let told = self
            .problems
            .iter()
            .filter(|problem| problem.severity == severity);
        told.count() >= most
    }

    /// Returns whether an error is among the problems behind the first so many.
    pub(crate) fn has_error_since(&self, before: usize) -> bool {
        self.problems[before..]
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }

    /// Returns a value as text; anything else is an error, except nothing.
    pub(crate) fn text(&mut self, name: &str, node: &Node) -> Option<String> {
        match &node.value {
            Tree::Text(text) => Some(text.clone()),
            Tree::Null => None,
            other => {
                let message = format!("`{name}` has to be text, not {}", other.kind());
                let hint = match other {
                    Tree::Bool(_) | Tree::Integer(_) | Tree::Float(_) => "put it in quotes",
                    _ => "",
                };
                self.error(node, message, hint);
                None
            }
        }
    }

    /// Returns a value as a list; anything else is an error, except nothing.
    pub(crate) fn list<'n>(&mut self, name: &str, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Tree::List(items) => items,
            Tree::Null => &[],
            other => {
                self.error(
                    node,
                    format!("`{name}` has to be a list, not {}", other.kind()),
                    "begin each entry with `- `",
                );
                &[]
            }
        }
    }

    /// Returns a value as a mapping; anything else is an error, except nothing.
    pub(crate) fn map<'n>(&mut self, name: &str, node: &'n Node) -> &'n [(Spanned<String>, Node)] {
        match &node.value {
            Tree::Map(entries) => entries,
            Tree::Null => &[],
            other => {
                self.error(
                    node,
                    format!("{name} has to be a mapping, not {}", other.kind()),
                    "write it as `key: value`",
                );
                &[]
            }
        }
    }

    /// Warns of a key that means nothing here, and names the nearest one that does.
    pub(crate) fn unknown_key(&mut self, key: &Spanned<String>, within: &str, known: &[&str]) {
        if self.is_full(Severity::Warning) {
            return;
        }
        let near = known.iter().min_by_key(|word| distance(word, &key.value));
        let hint = match near {
            Some(word) if distance(word, &key.value) <= 2 => format!("did you mean `{word}`?"),
            _ => "it has no effect".to_owned(),
        };
        let shown: String = key.value.chars().take(60).collect();
        self.warning(key, format!("unknown key `{shown}` {within}"), &hint);
    }
}

/// Returns how much of a file is read.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        with_snippet: false,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPLAYED },
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_VALUES },
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or("the file is not valid YAML");
    // What a program that reads YAML could set is no help to whoever wrote it.
    let said = line.split(", set DuplicateKeyPolicy").next();
    said.unwrap_or(line).trim().to_owned()
}

/// Levenshtein distance, enough for spotting a typing mistake in a short key.
fn distance(left: &str, right: &str) -> usize {
    if right.len() > 64 {
        return usize::MAX;
    }
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let insert_or_delete = row[j].min(row[j + 1]) + 1;
            let replace = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = insert_or_delete.min(replace);
        }
    }
    row[right.len()]
}
