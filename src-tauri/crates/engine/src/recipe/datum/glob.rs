//! The globs of inputs: which files and folders of a commit are datums.

use super::names::cut;
use super::pattern::Pattern;
use super::syntax::Node;
use crate::text::one_line;

/// A glob over the paths of a commit, which begin with `/`; the root is `/`.
#[derive(Clone, Debug)]
pub struct Glob {
    clean: String,
    pattern: Pattern,
    prefix: String,
    depth: Option<usize>,
}

impl Glob {
    /// Compiles a glob. Paths in it are made absolute and cleaned, so `` is `/`, `*` is `/*` and a `/` at its end means
    /// nothing. The error is a sentence.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let clean = clean(pattern);
        let compiled = Pattern::compile(&clean, &['/'])
            .map_err(|why| format!("the glob `{}` {}", cut(pattern), one_line(&why)))?;
        let prefix = folder(compiled.parsed());
        // The slash in front is no level of its own.
        let depth = match clean.as_str() {
            "/" => Some(0),
            _ => slashes(compiled.parsed()),
        };
        Ok(Self {
            clean,
            pattern: compiled,
            prefix,
            depth,
        })
    }

    /// Returns the cleaned pattern.
    pub fn as_str(&self) -> &str {
        &self.clean
    }

    /// Returns whether a path matches.
    pub fn matches(&self, path: &str) -> bool {
        self.may(path) && self.pattern.matches(path)
    }

    /// Returns what each group matched; none when the path does not match.
    pub fn captures(&self, path: &str) -> Option<Vec<String>> {
        self.pattern.captures(path).filter(|_| self.may(path))
    }

    /// Returns a template with `$1` or `${1}` replaced by what the groups matched; none when the path does not match.
    pub fn expand(&self, path: &str, template: &str) -> Option<String> {
        self.pattern.expand(path, template).filter(|_| self.may(path))
    }

    /// Returns whether a path may match at all: the root has no name that a star could stand for.
    fn may(&self, path: &str) -> bool {
        path != "/" || self.clean == "/"
    }

    /// Returns the longest folder that is, or holds, everything that matches: `/` for the whole commit.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the deepest level at which something can match, 0 being the root; none when there is no end.
    pub fn max_depth(&self) -> Option<usize> {
        self.depth
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.clean == other.clean
    }
}

/// Returns a pattern as an absolute path without empty, `.` and `..` parts.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Returns the folder of the characters that every match begins with.
fn folder(parsed: &Node) -> String {
    let text = match parsed {
        Node::Text(text) => text.as_str(),
        Node::All(parts) => match parts.first() {
            Some(Node::Text(text)) => text.as_str(),
            _ => "",
        },
        _ => "",
    };
    match text.rfind('/') {
        Some(at) if at > 0 => text[..at].to_owned(),
        _ => "/".to_owned(),
    }
}

/// Returns the most slashes that a match can have.
fn slashes(node: &Node) -> Option<usize> {
    let most = |children: &[Node]| {
        let counts: Option<Vec<usize>> = children.iter().map(slashes).collect();
        counts.map(|counts| counts.into_iter().max().unwrap_or(0))
    };
    match node {
        Node::Text(text) => Some(text.matches('/').count()),
        Node::Single | Node::Any | Node::Group('!', _) => Some(0),
        Node::Everything => None,
        // A class may have a slash among its characters, and one that is negated has.
        Node::Class(_) => Some(1),
        Node::All(children) => children.iter().map(slashes).sum(),
        Node::OneOf(children) | Node::Group('@' | '?', children) => most(children),
        Node::Group(_, children) => most(children).filter(|count| *count == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str) -> Glob {
        Glob::new(pattern).expect(pattern)
    }

    #[test]
    fn globs_are_cleaned() {
        for (pattern, cleaned) in [
            ("", "/"),
            ("/", "/"),
            ("*", "/*"),
            ("dir/", "/dir"),
            ("/a//./b/../*", "/a/*"),
            ("../..", "/"),
        ] {
            assert_eq!(glob(pattern).as_str(), cleaned, "{pattern:?}");
        }
        assert!(glob("").matches("/"));
        assert!(!glob("*").matches("/dir/file"), "a star stays in its level");
        assert!(!glob("**").matches("/"), "only `/` is the root");
        assert_eq!(glob("(*)").captures("/"), None);
    }

    #[test]
    fn a_glob_says_where_its_matches_are() {
        for (pattern, prefix, depth) in [
            ("/", "/", Some(0)),
            ("/*", "/", Some(1)),
            ("/dir/*", "/dir", Some(2)),
            ("/dir/sub/f*.gz", "/dir/sub", Some(3)),
            ("/dir/file", "/dir", Some(2)),
            (r"/a\*b/*", "/a*b", Some(2)),
            ("/**", "/", None),
            ("/a/**.txt", "/a", None),
            ("/{a,b/c}/*", "/", Some(3)),
            ("/+(a/)b", "/", None),
            ("/+(a|b)/x", "/", Some(2)),
            ("/[!a]", "/", Some(2)),
        ] {
            let glob = glob(pattern);
            assert_eq!((glob.prefix(), glob.max_depth()), (prefix, depth), "{pattern}");
        }
    }

    #[test]
    fn a_wrong_glob_is_named_in_its_error() {
        let error = Glob::new("/[a").expect_err("it is not closed");
        assert_eq!(error, "the glob `/[a` is incomplete: a `[` is not closed");
    }
}
