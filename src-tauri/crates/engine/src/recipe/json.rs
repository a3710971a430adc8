//! JSON with places, as trees like those of YAML: a stream of values, one after the other.

use jsonc_parser::ast::Value;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde::de::value::{MapDeserializer, U32Deserializer};
use serde_saphyr::{Location, Spanned};

use super::yaml::{Node, Tree};

/// A line and a column, both from 1.
pub(super) type Place = (u64, u64);

/// How JSON is written: nothing but what the standard has.
pub(crate) const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Reads every value of a stream; the error has its place.
pub(super) fn documents(text: &str, depth: usize, values: usize) -> Result<Vec<Node>, (Place, String)> {
    let mut converter = Converter {
        text,
        base: 0,
        line: 1,
        column: 1,
        at: 0,
        values_left: values,
    };
    let mut documents = Vec::new();
    for (begin, end) in parts(text)? {
        converter.base = begin;
        let parsed =
            parse_to_ast(&text[begin..end], &CollectOptions::default(), &STRICT).map_err(|error| {
                let place = converter.place(begin + error.range().start);
                (place, format!("the JSON is not valid: {}", error.kind()))
            })?;
        if let Some(value) = parsed.value {
            documents.push(converter.node(value, depth)?);
        }
    }
    Ok(documents)
}

/// Returns where each value of a stream begins and ends, in bytes.
pub(crate) fn parts(text: &str) -> Result<Vec<(usize, usize)>, (Place, String)> {
    let mut parts = Vec::new();
    let mut begin = 0;
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    while let Some(value) = stream.next() {
        if let Err(error) = value {
            let place = (error.line() as u64, error.column().max(1) as u64);
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            return Err((place, format!("the JSON is not valid: {said}")));
        }
        parts.push((begin, stream.byte_offset()));
        begin = stream.byte_offset();
    }
    Ok(parts)
}

/// Turns parsed values into trees, in the order in which they stand in the text.
struct Converter<'a> {
    text: &'a str,
    /// Where the value being converted begins.
    base: usize,
    line: u64,
    column: u64,
    /// How far lines have been counted.
    at: usize,
    values_left: usize,
}

impl Converter<'_> {
    fn node(&mut self, value: Value<'_>, depth: usize) -> Result<Node, (Place, String)> {
        let range = jsonc_parser::common::Ranged::range(&value);
        let place = self.place(self.base + range.start);
        let location = location(place);
        let Some(depth) = depth.checked_sub(1) else {
            return Err((place, "the JSON nests too deeply".to_owned()));
        };
        let Some(left) = self.values_left.checked_sub(1) else {
            return Err((place, "the file has too many values".to_owned()));
        };
        self.values_left = left;
        let tree = match value {
            Value::NullKeyword(_) => Tree::Null,
            Value::BooleanLit(literal) => Tree::Bool(literal.value),
            Value::StringLit(literal) => Tree::Text(literal.value.into_owned()),
            Value::NumberLit(literal) => match literal.value.parse::<i128>() {
                Ok(number) => Tree::Integer(number),
                Err(_) => Tree::Float(literal.value.parse().unwrap_or(f64::MAX)),
            },
            Value::Array(array) => {
                let items = array.elements.into_iter().map(|item| self.node(item, depth));
                Tree::List(items.collect::<Result<_, _>>()?)
            }
            Value::Object(object) => {
                let mut entries: Vec<(Spanned<String>, Node)> = Vec::with_capacity(object.properties.len());
                let mut seen = std::collections::HashSet::new();
                for property in object.properties {
                    let place = self.place(self.base + property.range.start);
                    let key = property.name.into_string();
                    if !seen.insert(key.clone()) {
                        let shown: String = key.chars().take(60).collect();
                        return Err((place, format!("the key `{shown}` stands there twice")));
                    }
                    let key = Spanned::new(key, self::location(place), self::location(place));
                    entries.push((key, self.node(property.value, depth)?));
                }
                Tree::Map(entries)
            }
        };
        Ok(Spanned::new(tree, location, location))
    }

    /// Returns the line and column of a byte; asked in the order of the text, all of it is looked at once.
    fn place(&mut self, byte: usize) -> Place {
        if byte < self.at {
            (self.line, self.column, self.at) = (1, 1, 0);
        }
        for c in self.text[self.at..byte].chars() {
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.at = byte;
        (self.line, self.column)
    }
}

/// Makes a location, which can only be deserialised.
fn location((line, column): Place) -> Location {
    let number = |value: u64| {
        U32Deserializer::<serde::de::value::Error>::new(u32::try_from(value).unwrap_or(u32::MAX))
    };
    let fields = [("line", number(line)), ("column", number(column))];
    Location::deserialize(MapDeserializer::new(fields.into_iter())).unwrap_or(Location::UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_stream_has_its_place() {
        let text = "{\"a\": [1, 2.5],\n\t\"é\": {\"b\": \"\\ud83d\\ude00\"}}\n\n  {\"c\": null}";
        let documents = documents(text, 8, 100).expect("JSON");
        let at = |node: &Node| (node.referenced.line(), node.referenced.column());
        assert_eq!(documents.iter().map(at).collect::<Vec<_>>(), [(1, 1), (4, 3)]);
        let Tree::Map(entries) = &documents[0].value else {
            panic!("it is an object");
        };
        assert_eq!(at(&entries[0].1), (1, 7));
        let Tree::Map(inner) = &entries[1].1.value else {
            panic!("it is an object");
        };
        assert_eq!(
            (at(&inner[0].1), &inner[0].1.value),
            ((2, 13), &Tree::Text("😀".into()))
        );
    }

    #[test]
    fn wrong_json_is_refused_at_its_line() {
        for (text, place) in [
            ("{\"a\": 1}\n{\"b\": }", (2, 7)),
            ("{\"a\": 1,\n \"a\": 2}", (2, 2)),
            ("{\"a\":\n[[[[]]]]}", (2, 3)),
            ("{\n// no\n}", (2, 1)),
            ("{\"a\": 1}\n]", (2, 1)),
            ("{\"a\": \"\n\"}", (1, 0)),
        ] {
            let (found, message) = documents(text, 4, 100).expect_err(text);
            assert_eq!(found.0, place.0, "{text}: {message}");
        }
    }
}
