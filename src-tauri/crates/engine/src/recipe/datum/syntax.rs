//! The syntax of glob patterns: text into a tree.

use std::iter::Peekable;
use std::str::Chars;

use super::pattern::quoted;

/// Deepest nesting of groups and braces.
const MAX_DEPTH: usize = 12;
/// Most groups that repeat or negate: what a match costs grows with them.
const MAX_COSTLY: usize = 16;
/// Names that `[:name:]` may have.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Characters that stand for themselves.
    Text(String),
    /// One character of a level.
    Single,
    /// Any characters of a level.
    Any,
    /// Any characters.
    Everything,
    /// One of a class of characters, as a regular expression writes it.
    Class(String),
    /// One part after the other.
    All(Vec<Node>),
    /// One of them: braces.
    OneOf(Vec<Node>),
    /// One of them, captured: `@` once, `?` at most once, `*` and `+` repeatedly, `!` none of them.
    Group(char, Vec<Node>),
}

/// Reads a pattern. The error is the end of a sentence that begins with the pattern.
pub(super) fn parse(pattern: &str) -> Result<Node, String> {
    let mut parser = Parser {
        rest: pattern.chars().peekable(),
        costly: 0,
    };
    parser.sequence(Within::Nothing, 0).map(|(node, _)| node)
}

/// What a sequence is part of, which says where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    Group,
    Braces,
}

/// How a sequence ended.
#[derive(PartialEq, Eq)]
enum End {
    Pattern,
    Alternative,
    Closed,
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    costly: usize,
}

impl Parser<'_> {
    fn sequence(&mut self, within: Within, depth: usize) -> Result<(Node, End), String> {
        if depth > MAX_DEPTH {
            return Err(format!("nests groups deeper than {MAX_DEPTH}"));
        }
        let mut parts = Vec::new();
        let mut text = String::new();
        let end = loop {
            let Some(c) = self.rest.next() else {
                break End::Pattern;
            };
            let grouped = self.rest.peek() == Some(&'(');
            let part = match (c, within) {
                ('|', Within::Group) | (',', Within::Braces) => break End::Alternative,
                (')', Within::Group) | ('}', Within::Braces) => break End::Closed,
                ('\\', _) => {
                    text.push(self.rest.next().ok_or("ends with a `\\` that escapes nothing")?);
                    continue;
                }
                ('(', _) => Node::Group('@', self.alternatives(Within::Group, depth)?),
                ('^', _) if grouped => {
                    return Err("has a group `^(`, which does not exist; write `!(`".to_owned());
                }
                ('@' | '!' | '+' | '?' | '*', _) if grouped => {
                    self.rest.next();
                    if c != '@' && c != '?' {
                        self.costly += 1;
                    }
                    if self.costly > MAX_COSTLY {
                        return Err(format!("has more than {MAX_COSTLY} groups that repeat or negate"));
                    }
                    Node::Group(c, self.alternatives(Within::Group, depth)?)
                }
                ('{', _) => Node::OneOf(self.alternatives(Within::Braces, depth)?),
                ('[', _) => Node::Class(self.class()?),
                ('?', _) => Node::Single,
                ('*', _) if self.rest.peek() == Some(&'*') => {
                    let mut ahead = self.rest.clone();
                    ahead.next();
                    if ahead.peek() == Some(&'(') {
                        // `**(a)` is a star and a group that repeats.
                        Node::Any
                    } else {
                        self.rest.next();
                        Node::Everything
                    }
                }
                ('*', _) => Node::Any,
                (c, _) => {
                    text.push(c);
                    continue;
                }
            };
            flush(&mut text, &mut parts);
            parts.push(part);
        };
        flush(&mut text, &mut parts);
        let node = if parts.len() == 1 {
            parts.swap_remove(0)
        } else {
            Node::All(parts)
        };
        match (within, &end) {
            (Within::Group, End::Pattern) => Err("is incomplete: a `(` is not closed".to_owned()),
            (Within::Braces, End::Pattern) => Err("is incomplete: a `{` is not closed".to_owned()),
            _ => Ok((node, end)),
        }
    }

    fn alternatives(&mut self, within: Within, depth: usize) -> Result<Vec<Node>, String> {
        let mut found = Vec::new();
        loop {
            let (node, end) = self.sequence(within, depth + 1)?;
            found.push(node);
            if end == End::Closed {
                return Ok(found);
            }
        }
    }

    /// Reads a class behind its `[`, as a regular expression writes it.
    fn class(&mut self) -> Result<String, String> {
        let open = || "is incomplete: a `[` is not closed".to_owned();
        let mut class = "[".to_owned();
        if let Some('!' | '^') = self.rest.peek() {
            self.rest.next();
            class.push('^');
        }
        let mut empty = true;
        loop {
            let c = self.rest.next().ok_or_else(open)?;
            match c {
                ']' => break,
                '[' if self.rest.peek() == Some(&':') => class.push_str(&self.named()?),
                c => {
                    let low = self.literal(c).ok_or_else(open)?;
                    class.push_str(&self.range(low)?);
                }
            }
            empty = false;
        }
        if empty {
            return Err("has a class that is empty: `[]`".to_owned());
        }
        Ok(class + "]")
    }

    /// Reads what may follow a class's character: a `-` and the end of a range.
    fn range(&mut self, low: char) -> Result<String, String> {
        let mut ahead = self.rest.clone();
        let dash = ahead.next() == Some('-');
        if !dash || matches!(ahead.peek(), None | Some(']' | '[')) {
            return Ok(quoted(low));
        }
        self.rest.next();
        let next = self.rest.next();
        let high = next
            .and_then(|c| self.literal(c))
            .ok_or("is incomplete: a `[` is not closed")?;
        if high < low {
            return Err(format!("has a range `{low}-{high}` that runs backwards"));
        }
        Ok(format!("{}-{}", quoted(low), quoted(high)))
    }

    fn literal(&mut self, c: char) -> Option<char> {
        if c == '\\' { self.rest.next() } else { Some(c) }
    }

    /// Reads a `[:name:]` behind its `[`.
    fn named(&mut self) -> Result<String, String> {
        self.rest.next();
        let mut name = String::new();
        let mut not = false;
        loop {
            match self.rest.next() {
                Some('^') if name.is_empty() && !not => not = true,
                Some(c) if c.is_ascii_alphabetic() && name.len() < 16 => name.push(c),
                Some(':') if self.rest.peek() == Some(&']') => break,
                _ => return Err(format!("has a class `[:{name}` that is not closed with `:]`")),
            }
        }
        self.rest.next();
        if !CLASSES.contains(&name.as_str()) {
            return Err(format!("has a class `[:{name}:]` that does not exist"));
        }
        Ok(format!("[:{}{name}:]", if not { "^" } else { "" }))
    }
}

fn flush(text: &mut String, parts: &mut Vec<Node>) {
    if !text.is_empty() {
        parts.push(Node::Text(std::mem::take(text)));
    }
}
