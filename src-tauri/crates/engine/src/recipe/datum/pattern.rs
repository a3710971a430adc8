//! Glob patterns as datum pipelines write them, compiled for any separators.
//!
//! `*` and `?` stop at a separator, `**` does not. `[..]` is a class (`[!..]`, `[a-z]`, `[[:alpha:]]`), `{a,b}` an alternative,
//! `\` takes the meaning of the next character. Groups capture: `(a|b)` and `@(a|b)` once, `?()` at most once, `*()` any
//! number of times, `+()` at least once, `!()` anything else. A pattern that would be slow to match is refused.

use fancy_regex::{Regex, RegexBuilder};

use super::syntax::{self, Node};

/// Longest pattern, in bytes.
pub const MAX_BYTES: usize = 1024;
/// Steps after which a match counts as none: only negations can take as many.
const MAX_STEPS: usize = 100_000;
/// Most bytes a compiled pattern may take.
const MAX_COMPILED: usize = 1 << 21;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    matcher: Matcher,
    parsed: Node,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// Text, stars and question marks, which take no time to compile; with the characters at which they stop.
    Plain(Vec<char>),
    /// Everything else.
    Regex(Box<Regex>),
}

impl Pattern {
    /// Compiles a pattern that is matched against whole texts, with the characters at which `*` and `?` stop.
    ///
    /// The error is the end of a sentence that begins with the pattern.
    pub fn compile(pattern: &str, separators: &[char]) -> Result<Self, String> {
        if pattern.len() > MAX_BYTES {
            return Err(format!("is longer than {MAX_BYTES} bytes"));
        }
        let parsed = syntax::parse(pattern)?;
        if parts(&parsed).iter().all(is_plain) {
            let matcher = Matcher::Plain(separators.to_vec());
            return Ok(Self { matcher, parsed });
        }
        let regex = compiled(&parsed, separators)?;
        let matcher = Matcher::Regex(Box::new(regex));
        Ok(Self { matcher, parsed })
    }

    /// Returns whether a whole text matches. A text that would take too long does not.
    pub fn matches(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Plain(separators) => matches_plain(parts(&self.parsed), separators, text),
            Matcher::Regex(regex) => regex.is_match(text).unwrap_or(false),
        }
    }

    /// Returns what each group matched, empty for one that took no part; none when the text does not match.
    pub fn captures(&self, text: &str) -> Option<Vec<String>> {
        let mut groups = self.groups(text)?;
        groups.remove(0);
        Some(groups)
    }

    /// Returns a template with `$1` and `${1}` replaced by what the groups matched and `$$` by `$`; none when the text does
    /// not match. A group that does not exist is empty, a `$` that begins nothing stays.
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        let groups = self.groups(text)?;
        let mut expanded = String::new();
        let mut rest = template;
        while let Some(at) = rest.find('$') {
            expanded.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                expanded.push('$');
                rest = after;
            } else if let Some((digits, after)) = reference(rest) {
                let group = digits.parse::<usize>().ok().and_then(|number| groups.get(number));
                expanded.push_str(group.map_or("", String::as_str));
                rest = after;
            } else {
                expanded.push('$');
            }
        }
        expanded.push_str(rest);
        Some(expanded)
    }

    /// Returns what was read of the pattern.
    pub(super) fn parsed(&self) -> &Node {
        &self.parsed
    }

    /// Returns the whole match and each group's.
    fn groups(&self, text: &str) -> Option<Vec<String>> {
        let Matcher::Regex(regex) = &self.matcher else {
            return self.matches(text).then(|| vec![text.to_owned()]);
        };
        let found = regex.captures(text).ok()??;
        let group = |at| {
            found
                .get(at)
                .map_or_else(String::new, |group| group.as_str().to_owned())
        };
        Some((0..found.len()).map(group).collect())
    }
}

/// Returns the parts that a pattern has one after the other.
fn parts(parsed: &Node) -> &[Node] {
    match parsed {
        Node::All(parts) => parts,
        part => std::slice::from_ref(part),
    }
}

fn is_plain(part: &Node) -> bool {
    matches!(part, Node::Text(_) | Node::Single | Node::Any | Node::Everything)
}

/// Matches plain parts: each moves the places that the parts before it can have come to.
fn matches_plain(parts: &[Node], separators: &[char], text: &str) -> bool {
    let mut places = vec![false; text.len() + 1];
    places[0] = true;
    for part in parts {
        let mut next = vec![false; text.len() + 1];
        let mut inside = false;
        for (at, _) in places
            .iter()
            .enumerate()
            .filter(|(at, _)| text.is_char_boundary(*at))
        {
            let letter = text[at..].chars().next();
            let before = text[..at].chars().next_back();
            match part {
                Node::Text(fixed) if places[at] && text[at..].starts_with(fixed.as_str()) => {
                    next[at + fixed.len()] = true;
                }
                Node::Single if places[at] => {
                    if let Some(letter) = letter.filter(|letter| !separators.contains(letter)) {
                        next[at + letter.len_utf8()] = true;
                    }
                }
                Node::Any | Node::Everything => {
                    let stops =
                        *part == Node::Any && before.is_some_and(|before| separators.contains(&before));
                    inside = places[at] || inside && !stops;
                    next[at] = inside;
                }
                _ => {}
            }
        }
        places = next;
    }
    places[text.len()]
}

fn compiled(parsed: &Node, separators: &[char]) -> Result<Regex, String> {
    RegexBuilder::new(&translated(parsed, separators))
        .backtrack_limit(MAX_STEPS)
        .delegate_size_limit(MAX_COMPILED)
        .delegate_dfa_size_limit(MAX_COMPILED)
        .build()
        .map_err(|_| "is too large".to_owned())
}

/// Splits a text behind a `$` into a group's number and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (text, braced) = match text.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = text.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let after = if braced { after.strip_prefix('}')? } else { after };
    Some((digits, after))
}

/// A piece of a regular expression. How far a negation looks depends on what comes behind it.
enum Piece {
    Text(String),
    /// The end of an alternative of a negation; the last one closes it.
    Negated {
        last: bool,
    },
    /// Something that bounds what a negation before it looks at.
    Boundary,
}

fn translated(parsed: &Node, separators: &[char]) -> String {
    let any = if separators.is_empty() {
        ".".to_owned()
    } else {
        format!("[^{}]", separators.iter().map(|c| quoted(*c)).collect::<String>())
    };
    let mut pieces = Vec::new();
    translate(parsed, &any, &mut pieces);
    let closed = pieces
        .iter()
        .position(|piece| matches!(piece, Piece::Negated { last: true }));
    let bounded = closed.is_some_and(|at| pieces[at..].iter().any(|piece| matches!(piece, Piece::Boundary)));
    let mut regex = r"(?s)\A".to_owned();
    for piece in pieces {
        match piece {
            Piece::Text(text) => regex.push_str(&text),
            Piece::Negated { .. } if !bounded => regex.push_str(r"\z"),
            Piece::Negated { .. } | Piece::Boundary => {}
        }
    }
    regex + r"\z"
}

fn translate(node: &Node, any: &str, pieces: &mut Vec<Piece>) {
    let text = |pieces: &mut Vec<Piece>, text: String| pieces.push(Piece::Text(text));
    match node {
        Node::Text(characters) => {
            text(pieces, characters.chars().map(quoted).collect());
            pieces.push(Piece::Boundary);
        }
        Node::Single => text(pieces, any.to_owned()),
        Node::Any => {
            text(pieces, format!("{any}*"));
            pieces.push(Piece::Boundary);
        }
        Node::Everything => {
            text(pieces, ".*".to_owned());
            pieces.push(Piece::Boundary);
        }
        Node::Class(class) => text(pieces, class.clone()),
        Node::All(children) => {
            for child in children {
                translate(child, any, pieces);
            }
        }
        Node::OneOf(children) => {
            text(pieces, "(?:".to_owned());
            alternatives(children, any, pieces, false);
            text(pieces, ")".to_owned());
        }
        Node::Group('!', children) => {
            text(pieces, "((?!(?:".to_owned());
            alternatives(children, any, pieces, true);
            pieces.push(Piece::Negated { last: true });
            text(pieces, format!(")){any}*)"));
        }
        Node::Group('@', children) => {
            text(pieces, "(".to_owned());
            alternatives(children, any, pieces, false);
            text(pieces, ")".to_owned());
        }
        Node::Group(times, children) => {
            text(pieces, "((?:".to_owned());
            alternatives(children, any, pieces, false);
            text(pieces, format!("){times})"));
        }
    }
}

fn alternatives(children: &[Node], any: &str, pieces: &mut Vec<Piece>, negated: bool) {
    for (at, child) in children.iter().enumerate() {
        if at > 0 {
            if negated {
                pieces.push(Piece::Negated { last: false });
            }
            pieces.push(Piece::Text("|".to_owned()));
        }
        translate(child, any, pieces);
    }
}

/// Returns a character as it stands for itself in a regular expression, in a class too.
pub(super) fn quoted(c: char) -> String {
    if c.is_ascii_punctuation() {
        format!("\\{c}")
    } else {
        c.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str, separators: &[char]) -> bool {
        let pattern = Pattern::compile(pattern, separators).expect(pattern);
        pattern.matches(text)
    }

    #[test]
    fn stars_stop_at_separators_and_double_stars_do_not() {
        assert!(
            matches("a*c", "a/b/c", &[]),
            "without separators nothing stops a star"
        );
        assert!(!matches("a*c", "a/b/c", &['/']));
        assert!(matches("a**c", "a/b/c", &['/']));
        assert!(matches("**is**a***test*", "this is a test", &[]));
        assert!(!matches("a?c", "a/c", &['/']));
    }

    #[test]
    fn plain_patterns_match_what_their_regular_expressions_do() {
        let texts = [
            "", "a", "b", "ab", "ba", "a/b", "/", "é", "aé/b", "abab", "a//b", "\n",
        ];
        let parts = ["a", "b", "*", "**", "?", "/", "é"];
        for one in parts {
            for two in parts {
                for three in parts {
                    let pattern = format!("{one}{two}{three}");
                    for separators in [&[][..], &['/'], &['/', 'b']] {
                        let plain = Pattern::compile(&pattern, separators).expect(&pattern);
                        assert!(matches!(plain.matcher, Matcher::Plain(_)), "{pattern}");
                        let regex = compiled(&plain.parsed, separators).expect(&pattern);
                        for text in texts {
                            let expected = regex.is_match(text).expect("it is small");
                            assert_eq!(
                                plain.matches(text),
                                expected,
                                "{pattern} ~ {text:?} with {separators:?}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn classes_are_those_of_a_shell() {
        assert!(matches("[a-zA-Z_]*", "Z9", &[]));
        assert!(matches("[[:^alpha:]]", ".", &[]));
        assert!(matches("[^[:alpha:]]", ".", &[]));
        assert!(!matches("[![:graph:]]", "!", &[]));
        assert!(
            matches(r"[\]\-^]", "^", &[]),
            "escaped characters stand for themselves"
        );
        assert!(
            matches("[&&~~a]", "&", &[]),
            "what regular expressions read into a class does not"
        );
    }

    #[test]
    fn negations_look_as_far_as_the_next_fixed_part() {
        for (pattern, text, expected) in [
            ("!(*.js|*.json)", "a.js", false),
            ("!(*.js|*.json)", "a.js.gz", true),
            ("a!(x)", "a", true),
            ("a!(x)", "ax", false),
            ("!(!(foo))", "foo", true),
            ("!(!(!(foo)))", "foo", false),
            ("!(foo)*", "foobar", false),
            ("!(foo)", "foobar", true),
            ("*(!(f))", "fff", true),
            ("+(!(f))", "f", false),
            ("@(!(z*)|*x)", "zoot", false),
            ("@(!(z*)|*x)", "zoox", true),
            ("*.!(js|css)", "bar.min.js", true),
            ("!(*.*).!(*.*)", "mad.moo.cow", false),
        ] {
            assert_eq!(matches(pattern, text, &[]), expected, "{pattern} ~ {text}");
        }
        assert!(
            !matches("!(x)", "foo/bar", &['/']),
            "a negation stays within its level"
        );
    }

    #[test]
    fn groups_capture_and_templates_are_filled_in() {
        let pattern = Pattern::compile("(*)-(*)?(.gz)", &['/']).expect("a pattern");
        assert_eq!(
            pattern.captures("a-b.c"),
            Some(vec!["a".into(), "b.c".into(), String::new()])
        );
        assert_eq!(pattern.captures("a"), None, "what does not match has no groups");
        let expand = |template| pattern.expand("a-b", template);
        assert_eq!(expand("${2}1-$1$$$9").as_deref(), Some("b1-a$"));
        assert_eq!(
            expand("$x ${1 $").as_deref(),
            Some("$x ${1 $"),
            "what is no reference stays"
        );
    }

    #[test]
    fn wrong_patterns_are_refused_with_a_reason() {
        for (pattern, said) in [
            ("[a", "`[` is not closed"),
            ("(a", "`(` is not closed"),
            ("{a,", "`{` is not closed"),
            ("[b-a]", "range `b-a` that runs backwards"),
            ("[[:nope:]]", "`[:nope:]`"),
            ("[]", "is empty"),
            ("^(a)", "`^(`"),
            ("a\\", "`\\`"),
        ] {
            let error = Pattern::compile(pattern, &[]).expect_err(pattern);
            assert!(error.contains(said), "{pattern}: {error}");
        }
        assert!(Pattern::compile(&"a".repeat(MAX_BYTES + 1), &[]).is_err());
        assert!(
            Pattern::compile(&"(".repeat(200), &[]).is_err(),
            "too deep is refused too"
        );
    }
}
