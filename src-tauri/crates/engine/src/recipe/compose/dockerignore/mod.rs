//! `.dockerignore`: which files of a context a build can see, decided as BuildKit decides it.
//!
//! Paths are relative to the context and `/`-separated, also on Windows. The rules are those of `moby/patternmatcher`:
//! patterns are tried in order, a later one wins, and what matches a folder matches everything in it.

mod go_regexp;
mod pattern;

use std::collections::HashMap;

use thiserror::Error;

use pattern::{Invalid, Pattern};

/// Longest line that BuildKit reads, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// Why a `.dockerignore` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line} of the ignore file is no valid pattern: {pattern:?}")]
pub struct IgnoreError {
    /// The line, from 1.
    pub line: usize,
    /// Its beginning.
    pub pattern: String,
}

/// The patterns of an ignore file.
#[derive(Clone, Debug, Default)]
pub struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: Pattern,
    /// What is told when the pattern turns out to be no valid one.
    wrong: IgnoreError,
}

/// Returns the ignore files of a Dockerfile (its path relative to the context, or to wherever it lies), first the one that
/// wins when it exists, even empty: `<Dockerfile>.dockerignore` beside it, else the context's `.dockerignore`.
pub fn files(dockerfile: &str) -> [String; 2] {
    [format!("{dockerfile}.dockerignore"), ".dockerignore".to_owned()]
}

impl Ignore {
    /// Reads an ignore file.
    pub fn read(bytes: &[u8]) -> Result<Self, IgnoreError> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut rules = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = IgnoreError {
                line: index + 1,
                pattern: line.chars().take(200).collect(),
            };
            if line.len() >= MAX_LINE {
                return Err(wrong);
            }
            match Pattern::read(line) {
                Ok(Some(pattern)) => rules.push(Rule { pattern, wrong }),
                Ok(None) => {}
                Err(Invalid) => return Err(wrong),
            }
        }
        Ok(Self { rules })
    }

    /// Returns the files that a build can see, in the order given. Fails when a pattern has to be tried whose expression is
    /// not valid; as long as it need not be, BuildKit builds.
    pub fn kept<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> Result<Vec<&'a str>, IgnoreError> {
        let mut folders = HashMap::new();
        let mut kept = Vec::new();
        for path in paths {
            if !self.excluded(path, &mut folders)? {
                kept.push(path);
            }
        }
        Ok(kept)
    }

    /// Returns whether a file is excluded. `folders` remembers which patterns matched each folder.
    fn excluded<'a>(
        &self,
        path: &'a str,
        folders: &mut HashMap<&'a str, Vec<bool>>,
    ) -> Result<bool, IgnoreError> {
        let mut parent: Option<&'a str> = None;
        for (end, _) in path.match_indices('/') {
            let folder = &path[..end];
            if !folders.contains_key(folder) {
                let above = parent.map(|parent| folders[parent].as_slice());
                let (_, matched) = self.decide(folder, above)?;
                folders.insert(folder, matched);
            }
            parent = Some(folder);
        }
        let above = parent.map(|parent| folders[parent].as_slice());
        Ok(self.decide(path, above)?.0)
    }

    /// Returns whether a path is excluded, and which patterns matched it or a folder it lies in. A pattern that could not
    /// change the answer is not tried and counts as not matched, for what lies below too: BuildKit keeps it so.
    fn decide(&self, path: &str, above: Option<&[bool]>) -> Result<(bool, Vec<bool>), IgnoreError> {
        let mut excluded = false;
        let mut matched = vec![false; self.rules.len()];
        for (index, Rule { pattern, wrong }) in self.rules.iter().enumerate() {
            let inherited = above.is_some_and(|above| above[index]);
            let tried = !inherited && pattern.exception == excluded;
            if inherited || tried && pattern.matches(path).map_err(|Invalid| wrong.clone())? {
                matched[index] = true;
                excluded = !pattern.exception;
            }
        }
        Ok((excluded, matched))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn kept(ignore: &str, paths: &[&str]) -> String {
        let ignore = Ignore::read(ignore.as_bytes()).unwrap();
        ignore.kept(paths.iter().copied()).unwrap().join(" ")
    }

    const TREE: [&str; 9] = [
        ".git/HEAD",
        "Dockerfile",
        "docs/README.md",
        "docs/guide/a.md",
        "node_modules/x/index.js",
        "src/a.rs",
        "src/b.md",
        "src/deep/er/c.rs",
        "web/node_modules/y.js",
    ];

    #[rstest]
    #[case::nothing("", "-")]
    #[case::comments("# docs\n\n   \n#", "-")]
    #[case::comment_must_begin_the_line(" # docs\n", "-")]
    #[case::folder("docs", "docs/README.md docs/guide/a.md")]
    #[case::slashes("/docs/", "docs/README.md docs/guide/a.md")]
    #[case::dots("./src/../docs//", "docs/README.md docs/guide/a.md")]
    #[case::spaces("  docs \t\r\n", "docs/README.md docs/guide/a.md")]
    #[case::spaces_behind_a_slash("/ docs\n! web /\n/ /", "docs/README.md docs/guide/a.md")]
    #[case::byte_order_mark("\u{feff}docs", "docs/README.md docs/guide/a.md")]
    #[case::only_the_root("node_modules", "node_modules/x/index.js")]
    #[case::any_depth("**/node_modules", "node_modules/x/index.js web/node_modules/y.js")]
    #[case::star_is_one_part("*/*.md", "docs/README.md src/b.md")]
    #[case::double_star_is_any("**/*.md", "docs/README.md docs/guide/a.md src/b.md")]
    #[case::inside("src/**", "src/a.rs src/b.md src/deep/er/c.rs")]
    #[case::question("src/?.rs", "src/a.rs")]
    #[case::class("src/[a-b].*", "src/a.rs src/b.md")]
    #[case::negated_class("src/[^a].*", "src/b.md")]
    #[case::escape("src/\\a.rs\nsrc/\\[b", "-")]
    #[case::dot_is_a_dot("src/aXrs\n.git", ".git/HEAD")]
    #[case::exception("src\n!src/a.rs", "src/b.md src/deep/er/c.rs")]
    #[case::exception_with_spaces("src\n  !  /src/a.rs  ", "src/b.md src/deep/er/c.rs")]
    #[case::the_last_match_wins("src\n!src/a.rs\nsrc/*.rs", "src/a.rs src/b.md src/deep/er/c.rs")]
    #[case::exception_first("!src/a.rs\nsrc", "src/a.rs src/b.md src/deep/er/c.rs")]
    #[case::exception_of_a_folder(
        "**\n!src/deep",
        ".git/HEAD Dockerfile docs/README.md docs/guide/a.md node_modules/x/index.js src/a.rs src/b.md web/node_modules/y.js"
    )]
    #[case::exception_any_depth(
        "**\n!**/*.rs",
        ".git/HEAD Dockerfile docs/README.md docs/guide/a.md node_modules/x/index.js src/b.md web/node_modules/y.js"
    )]
    #[case::outside("../docs\n..", "-")]
    #[case::root("/\n.", "-")]
    fn patterns_exclude(#[case] ignore: &str, #[case] excluded: &str) {
        let expected: Vec<&str> = excluded.split(' ').filter(|path| *path != "-").collect();
        let kept = kept(ignore, &TREE);
        let gone: Vec<&str> = TREE
            .into_iter()
            .filter(|path| !kept.split(' ').any(|kept| kept == *path))
            .collect();
        assert_eq!(gone, expected);
    }

    #[rstest]
    #[case("docs\n[", 2)]
    #[case("!", 1)]
    #[case("!/", 1)]
    #[case("a\\", 1)]
    #[case("[]a]", 1)]
    #[case("[x-]", 1)]
    #[case("ok\n\n*[-x]", 3)]
    fn an_invalid_pattern_is_told_with_its_line(#[case] ignore: &str, #[case] line: usize) {
        assert_eq!(Ignore::read(ignore.as_bytes()).unwrap_err().line, line);
    }

    #[test]
    fn an_invalid_expression_is_told_when_it_is_tried() {
        let ignore = Ignore::read(b"a\n!*{2}").unwrap();
        assert_eq!(
            ignore.kept(["b"]),
            Ok(vec!["b"]),
            "nothing is excluded that it could let in"
        );
        assert_eq!(ignore.kept(["b", "a"]).unwrap_err().line, 2);
    }

    #[test]
    fn an_endless_line_is_refused() {
        assert!(Ignore::read("a".repeat(MAX_LINE).as_bytes()).is_err());
        assert!(Ignore::read("a".repeat(MAX_LINE - 1).as_bytes()).is_ok());
    }

    #[test]
    fn a_pattern_that_changed_nothing_for_a_folder_is_not_inherited() {
        // The third pattern was not needed for `a`; for `a/b` it matches no more. BuildKit keeps the file.
        assert_eq!(kept("a\n!a/b\na", &["a/b", "a/c"]), "a/b");
    }

    #[test]
    fn the_dockerfiles_own_ignore_file_comes_first() {
        assert_eq!(
            files("web/Dockerfile"),
            ["web/Dockerfile.dockerignore", ".dockerignore"]
        );
    }

    proptest! {
        #[test]
        fn the_answer_does_not_depend_on_other_paths(
            ignore in prop::collection::vec("!?[ab*?/.]{1,5}", 0..5),
            paths in prop::collection::vec("[ab]{1,2}(/[ab]{1,2}){0,3}", 1..6),
        ) {
            let Ok(ignore) = Ignore::read(ignore.join("\n").as_bytes()) else { return Ok(()) };
            let together = ignore.kept(paths.iter().map(String::as_str)).unwrap();
            let alone: Vec<&str> = paths.iter().flat_map(|path| ignore.kept([path.as_str()]).unwrap()).collect();
            prop_assert_eq!(together, alone);
        }

        #[test]
        fn no_file_is_too_strange_to_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(ignore) = Ignore::read(&bytes) {
                drop(ignore.kept(["a/b", "ü"]));
            }
        }

        #[test]
        fn without_exceptions_a_folder_takes_everything_in_it(
            ignore in prop::collection::vec("[ab*?/]{1,5}", 1..4),
            folder in "[ab]{1,2}(/[ab]{1,2}){0,2}",
        ) {
            let Ok(ignore) = Ignore::read(ignore.join("\n").as_bytes()) else { return Ok(()) };
            let inside = format!("{folder}/x");
            let gone = |path: &str| ignore.kept([path]).unwrap().is_empty();
            prop_assert!(!gone(&folder) || gone(&inside));
        }
    }
}
