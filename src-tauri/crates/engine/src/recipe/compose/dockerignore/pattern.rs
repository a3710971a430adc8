//! One pattern of an ignore file: how it is cleaned, checked and matched.

use regex::Regex;

use super::go_regexp;

/// A pattern is not valid.
#[derive(Debug)]
pub(super) struct Invalid;

/// A pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// Whether it lets in again what others exclude, `!…`.
    pub(super) exception: bool,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Regex(Regex),
    /// Go refuses its expression, which BuildKit notices when it tries it.
    Refused,
}

impl Pattern {
    /// Reads a line; none when it is empty or a comment.
    pub(super) fn read(line: &str) -> Result<Option<Self>, Invalid> {
        // Only what begins with `#` is a comment: ` # x` is a pattern.
        if line.starts_with('#') || line.trim().is_empty() {
            return Ok(None);
        }
        let line = line.trim();
        let (mark, text) = match line.strip_prefix('!') {
            Some(text) => ("!", text.trim()),
            None => ("", line),
        };
        let mut cleaned = match text {
            "" => String::new(),
            text => clean(text),
        };
        if cleaned.len() > 1 && cleaned.starts_with('/') {
            cleaned.remove(0);
        }
        // Trimmed and cleaned a second time with its mark, as upstream does: `/ docs` is `docs`, and `!/` is refused.
        let whole = format!("{mark}{cleaned}");
        let whole = match whole.trim() {
            "" => return Ok(None),
            whole => clean(whole),
        };
        let (exception, text) = match whole.strip_prefix('!') {
            Some("") => return Err(Invalid),
            Some(text) => (true, text),
            None => (false, whole.as_str()),
        };
        if !is_well_formed(text) {
            return Err(Invalid);
        }
        Ok(Some(Self {
            exception,
            kind: compile(text),
        }))
    }

    /// Returns whether it matches a path itself.
    pub(super) fn matches(&self, path: &str) -> Result<bool, Invalid> {
        Ok(match &self.kind {
            Kind::Exact(text) => path == text,
            Kind::Prefix(text) => path.starts_with(text),
            Kind::Suffix(text) => path.ends_with(text) || text.strip_prefix('/') == Some(path),
            Kind::Regex(regex) => regex.is_match(path),
            Kind::Refused => return Err(Invalid),
        })
    }
}

/// Returns a path without empty parts, `.` and what `..` undoes, as Go's `filepath.Clean`.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// Returns whether Go's `filepath.Match` takes a pattern: classes are closed and not empty, ranges have both ends, and an
/// escape escapes something.
fn is_well_formed(pattern: &str) -> bool {
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.next().is_none() => return false,
            '[' => {
                rest.next_if_eq(&'^');
                let mut count = 0;
                while count == 0 || rest.next_if_eq(&']').is_none() {
                    if !is_bound(&mut rest) || (rest.next_if_eq(&'-').is_some() && !is_bound(&mut rest)) {
                        return false;
                    }
                    count += 1;
                }
            }
            _ => {}
        }
    }
    true
}

/// Reads one end of a range.
fn is_bound(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    match rest.next() {
        None | Some('-' | ']') => false,
        Some('\\') => rest.next().is_some() && rest.peek().is_some(),
        Some(_) => rest.peek().is_some(),
    }
}

/// How a pattern is compared.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Exact,
    Prefix,
    Suffix,
    Regexp,
}

/// Translates a pattern as upstream does, into Go's regular expressions where plain comparison is not enough. What looks
/// odd in it (`|` and `{2}` keep their meaning, `[*]` is no class of one star) is what BuildKit matches.
fn compile(pattern: &str) -> Kind {
    let mut go = "^".to_owned();
    let mut form = Form::Exact;
    let mut rest = pattern.chars().peekable();
    let mut first = true;
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                form = match (rest.peek().is_none(), form) {
                    (true, Form::Exact) => Form::Prefix,
                    (true, _) => {
                        go.push_str(".*");
                        Form::Regexp
                    }
                    (false, _) => {
                        go.push_str("(.*/)?");
                        Form::Regexp
                    }
                };
                if first {
                    form = Form::Suffix;
                }
            }
            '*' => {
                go.push_str("[^/]*");
                form = Form::Regexp;
            }
            '?' => {
                go.push_str("[^/]");
                form = Form::Regexp;
            }
            '.' | '+' | '(' | ')' | '$' => go.extend(['\\', c]),
            '\\' => {
                go.push('\\');
                go.extend(rest.next());
                form = Form::Regexp;
            }
            '[' | ']' => {
                go.push(c);
                form = Form::Regexp;
            }
            c => go.push(c),
        }
        first = false;
    }
    let without = |text: Option<&str>| text.unwrap_or(pattern).to_owned();
    match form {
        Form::Exact => Kind::Exact(pattern.to_owned()),
        Form::Prefix => Kind::Prefix(without(pattern.strip_suffix("**"))),
        Form::Suffix => Kind::Suffix(without(pattern.strip_prefix("**"))),
        Form::Regexp => go_regexp::compile(&format!("{go}$")).map_or(Kind::Refused, Kind::Regex),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", ".")]
    #[case("/", "/")]
    #[case("a//b/./c/", "a/b/c")]
    #[case("a/../../b", "../b")]
    #[case("/../a", "/a")]
    #[case("a/..", ".")]
    fn paths_are_cleaned_as_in_go(#[case] path: &str, #[case] cleaned: &str) {
        assert_eq!(clean(path), cleaned);
    }

    /// What matches the path itself; `!` before a path says that it does not.
    #[rstest]
    #[case("**", "file dir/file")]
    #[case("**/**", "file dir/file")]
    #[case("dir/**", "dir/file dir/dir2/file !dir !other/file")]
    #[case("**/dir", "dir a/dir a/b/dir !dirs !dir/file")]
    #[case("**/dir2/*", "dir2/file dir/dir2/file !dir2 !dir2/a/b")]
    #[case("**/dir2/**", "dir/dir2/dir3/file !dir2")]
    #[case("**file", "file dir/file dir/my-file !file.txt")]
    #[case("**/file", "file dir/file !dir/my-file")]
    #[case("**/file*txt", "file.txt a/b/filetxt !a/file.txt/b")]
    #[case("**/**/*.txt", "file.txt a/b/c.txt !file.txt2")]
    #[case("a**/*.txt", "a/file.txt ab/c/d.txt !b/a/file.txt")]
    #[case("a/*.txt", "a/file.txt !a/dir/file.txt")]
    #[case("a/*.txt**", "a/file.txt a/file.txt/b/c")]
    #[case("abc/**", "abc/def/ghi !abc")]
    #[case("**/.foo", ".foo a/.foo !bar.foo")]
    #[case(".*", ".foo !foo !a/.foo")]
    #[case("abc?def", "abcZdef abc☺def !abcdef !abc/def")]
    #[case("a(b)c/def", "a(b)c/def")]
    #[case("a.|)$(}+{bc", "a.|)$(}+{bc")]
    #[case("dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl")]
    #[case("a\\\\", "a\\")]
    #[case("a\\*b", "a*b !ab !axb")]
    #[case("[a-ζ]*", "α beta !Z")]
    #[case("[\\]a]", "] a !b")]
    #[case("[x\\-]", "x - !z")]
    #[case("a[^a]b", "a☺b !aab")]
    #[case("a*b*c*d*e*/f", "axbxcxdxexxx/f !axbxcxdxe/xxx/f")]
    #[case("[[&&a~]*", "[x &x ax ~x !b")]
    fn a_pattern_matches_what_upstream_matches(#[case] pattern: &str, #[case] paths: &str) {
        let pattern = Pattern::read(pattern).unwrap().unwrap();
        for path in paths.split(' ') {
            let (path, expected) = path.strip_prefix('!').map_or((path, true), |path| (path, false));
            assert_eq!(pattern.matches(path).unwrap(), expected, "{path}");
        }
    }

    /// Upstream escapes neither of these: its table of characters to escape ends before them.
    #[rstest]
    #[case("a|b*", "a ax xbx !x")]
    #[case("?{2}", "ab !a !abc")]
    #[case("{a,b}*", "{a,b} {a,b}c !a")]
    #[case("a{02}*", "a{02}x !aa")]
    #[case("a^b*", "!a^b !ab")]
    #[case("[*]", "[] ^] [^] ] !x] !*")]
    #[case("\\d*", "1 12 !d !dx")]
    fn what_is_odd_upstream_is_odd_here(#[case] pattern: &str, #[case] paths: &str) {
        a_pattern_matches_what_upstream_matches(pattern, paths);
    }
}
