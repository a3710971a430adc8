//! Regular expressions in Go's syntax. Only what differs in patterns of an ignore file is translated: Rust's classes nest and
//! have operators, its braces have to be a repetition, and some of its escapes are others.

use regex::{Regex, RegexBuilder};

/// Largest compiled expression, in bytes; patterns come from repositories that nobody vouches for.
const MAX_COMPILED: usize = 1 << 20;
/// Most repetitions that Go allows.
const MAX_REPEAT: u32 = 1000;

/// Names in `[[:alpha:]]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// Compiles an expression; none when Go refuses it.
pub(super) fn compile(go: &str) -> Option<Regex> {
    let mut rust = String::with_capacity(go.len());
    let mut rest = go;
    let mut repeated = false;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let repeats = matches!(c, '*' | '?') || (c == '{' && repetition(after).is_some());
        // Go refuses a repetition of a repetition.
        if repeats && repeated {
            return None;
        }
        repeated = repeats;
        rest = match c {
            '\\' => escape(after, &mut rust)?,
            '[' => class(after, &mut rust)?,
            '{' => match repetition(after) {
                Some((count, end)) if count <= MAX_REPEAT => {
                    rust.push_str(&rest[..=end]);
                    &after[end..]
                }
                Some(_) => return None,
                None => {
                    rust.push_str("\\{");
                    after
                }
            },
            '}' | ']' => {
                rust.extend(['\\', c]);
                after
            }
            c => {
                rust.push(c);
                after
            }
        };
    }
    RegexBuilder::new(&rust).size_limit(MAX_COMPILED).build().ok()
}

/// Reads `2}`, `2,}` or `2,3}` behind a brace: the larger count and where it ends. Anything else is no repetition.
fn repetition(after: &str) -> Option<(u32, usize)> {
    let (inside, _) = after.split_once('}')?;
    let (low, high) = inside.split_once(',').unwrap_or((inside, inside));
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let plain = text == "0" || !text.starts_with('0');
        (digits && plain).then(|| text.parse().unwrap_or(u32::MAX))
    };
    let low = number(low)?;
    let high = if high.is_empty() { low } else { number(high)? };
    Some((low.max(high), inside.len() + 1))
}

/// Translates what stands behind a backslash and returns the rest.
fn escape<'a>(after: &'a str, rust: &mut String) -> Option<&'a str> {
    let c = after.chars().next()?;
    match c {
        // Go means ASCII.
        'd' | 's' | 'w' => rust.push_str(perl(c)),
        'D' | 'S' | 'W' => {
            let class = perl(c.to_ascii_lowercase());
            rust.push_str(&class.replacen('[', "[^", 1));
        }
        // `\<` is a `<` in Go and the beginning of a word in Rust.
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => literal(c, rust),
        c => rust.extend(['\\', c]),
    }
    Some(&after[c.len_utf8()..])
}

fn perl(c: char) -> &'static str {
    match c {
        'd' => "[0-9]",
        's' => "[\\t\\n\\f\\r ]",
        _ => "[0-9A-Za-z_]",
    }
}

/// Translates a class from behind its bracket and returns the rest.
fn class<'a>(after: &'a str, rust: &mut String) -> Option<&'a str> {
    rust.push('[');
    let mut rest = after;
    if let Some(negated) = rest.strip_prefix('^') {
        rust.push('^');
        rest = negated;
    }
    let mut first = true;
    loop {
        if let Some(end) = rest.strip_prefix(']').filter(|_| !first) {
            rust.push(']');
            return Some(end);
        }
        first = false;
        if let Some((name, end)) = rest.strip_prefix("[:").and_then(|name| name.split_once(":]")) {
            // Rust would read a name it does not know as a class within the class.
            if !CLASSES.contains(&name.trim_start_matches('^')) {
                return None;
            }
            rust.push_str(&format!("[:{name}:]"));
            rest = end;
            continue;
        }
        rest = bound(rest, rust)?;
        if let Some(high) = rest.strip_prefix('-').filter(|high| !high.starts_with(']')) {
            rust.push('-');
            rest = bound(high, rust)?;
        }
    }
}

/// Translates one character of a class and returns the rest.
fn bound<'a>(rest: &'a str, rust: &mut String) -> Option<&'a str> {
    let c = rest.chars().next()?;
    let after = &rest[c.len_utf8()..];
    if c == '\\' {
        return escape(after, rust);
    }
    literal(c, rust);
    Some(after)
}

fn literal(c: char, rust: &mut String) {
    let mut text = [0; 4];
    match c {
        // Operators within a class.
        '&' | '~' => rust.extend(['\\', c]),
        c => rust.push_str(&regex::escape(c.encode_utf8(&mut text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("^[[:alpha:]]$", "a !1 ![")]
    #[case("^[[a]]$", "[] a] !a")]
    #[case("^[]a]$", "] a")]
    #[case("^[a-c-]$", "b - !d")]
    #[case("^[a&&b]$", "a & b")]
    #[case("^a{2,3}$", "aa aaa !a")]
    #[case("^a{,3}$", "a{,3} !aa")]
    #[case("^\\<a\\>$", "<a> !a")]
    #[case("^\\D\\w$", "aa !1a")]
    fn an_expression_means_what_it_means_in_go(#[case] go: &str, #[case] texts: &str) {
        let regex = compile(go).unwrap();
        for text in texts.split(' ') {
            let (text, expected) = text.strip_prefix('!').map_or((text, true), |text| (text, false));
            assert_eq!(regex.is_match(text), expected, "{text}");
        }
    }

    #[rstest]
    #[case("[a")]
    #[case("[b-a]")]
    #[case("[[:no:]]")]
    #[case("a{1001}")]
    #[case("(a)?{2}")]
    #[case("\\")]
    #[case("\\é")]
    #[case("((a{1000}){1000}){1000}")]
    fn what_go_refuses_is_refused(#[case] go: &str) {
        assert!(compile(go).is_none());
    }
}
