//! Which files of a build step's folder are no code: `.pachignore`, in both of its meanings, and `.git`.

use std::collections::HashMap;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::names::cut;
use super::pattern::Pattern;
use crate::text::one_line;
use crate::wire::{IgnoreMeaning, Problem, Severity};

/// The file's name, in the folder of the code.
pub const FILE: &str = ".pachignore";
/// Said of what is in a `.git` folder.
pub const GIT: &str = "`.git` is not code";
/// Largest file, in bytes, and most lines with a rule: each takes time to compile, and again for every file.
const MAX_BYTES: usize = 1 << 13;
const MAX_RULES: usize = 300;

/// The rules of an ignore file.
#[derive(Clone, Debug)]
pub struct Ignore {
    rules: Rules,
    include_git: bool,
}

#[derive(Clone, Debug)]
enum Rules {
    Pachyderm(Vec<Rule>),
    Git {
        matcher: Gitignore,
        lines: HashMap<String, u32>,
    },
}

#[derive(Clone, Debug)]
struct Rule {
    text: String,
    line: u32,
    pattern: Pattern,
}

/// The rule that leaves a file out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ignored<'a> {
    /// The rule as it stands, or a sentence for the built-in one.
    pub rule: &'a str,
    /// Its line; none for the built-in one.
    pub line: Option<u32>,
}

impl Ignore {
    /// Returns the rules of a folder without an ignore file.
    pub fn none(include_git: bool) -> Self {
        Self {
            rules: Rules::Pachyderm(Vec::new()),
            include_git,
        }
    }

    /// Reads an ignore file; the error is at the line that is no rule.
    pub fn read(
        file: &str,
        bytes: &[u8],
        meaning: IgnoreMeaning,
        include_git: bool,
    ) -> Result<Self, Problem> {
        let problem = |line: usize, text: &str, message: String, hint: &str| Problem {
            severity: Severity::Error,
            file: file.to_owned(),
            line: u32::try_from(line).ok(),
            column: Some(1),
            message: one_line(&message),
            hint: Some(hint.to_owned()),
            snippet: Some(one_line(&text.chars().take(160).collect::<String>())),
        };
        if bytes.len() > MAX_BYTES {
            let message = format!("the ignore file has more than {MAX_BYTES} bytes");
            return Err(problem(1, "", message, "make it smaller"));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
                + 1;
            problem(
                line,
                "",
                "the ignore file is not UTF-8 text".to_owned(),
                "save it as UTF-8",
            )
        })?;
        let lines = || (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty());
        if let Some((line, text)) = lines().nth(MAX_RULES) {
            let message = format!("the ignore file has more than {MAX_RULES} rules");
            return Err(problem(line, text, message, "ignore folders instead of files"));
        }
        let wrong = |line: usize, text: &str, why: &str| {
            let message = format!("the rule `{}` {why}", cut(text));
            problem(
                line,
                text,
                message,
                "put `\\` before a character that stands for itself",
            )
        };
        let rules = match meaning {
            IgnoreMeaning::Pachyderm => {
                let rules = lines().map(|(line, text)| {
                    let pattern = Pattern::compile(text, &[]).map_err(|why| wrong(line, text, &why))?;
                    Ok(Rule {
                        text: text.to_owned(),
                        line: u32::try_from(line).unwrap_or(u32::MAX),
                        pattern,
                    })
                });
                Rules::Pachyderm(rules.collect::<Result<_, _>>()?)
            }
            IgnoreMeaning::Gitignore => {
                let mut builder = GitignoreBuilder::new("");
                let mut numbers = HashMap::new();
                for (line, text) in lines() {
                    builder
                        .add_line(None, text)
                        .map_err(|_| wrong(line, text, "is no pattern of a `.gitignore`"))?;
                    numbers.insert(text.to_owned(), u32::try_from(line).unwrap_or(u32::MAX));
                }
                let matcher = builder.build().map_err(|_| {
                    problem(
                        1,
                        "",
                        "the rules are too large together".to_owned(),
                        "use fewer rules",
                    )
                })?;
                Rules::Git {
                    matcher,
                    lines: numbers,
                }
            }
        };
        Ok(Self { rules, include_git })
    }

    /// Returns the rule that leaves a file out; its path is relative to the folder, with `/` between its parts.
    pub fn matching(&self, path: &str) -> Option<Ignored<'_>> {
        if !self.include_git && path.split('/').any(|part| part == ".git") {
            return Some(Ignored {
                rule: GIT,
                line: None,
            });
        }
        match &self.rules {
            Rules::Pachyderm(rules) => {
                rules
                    .iter()
                    .find(|rule| rule.pattern.matches(path))
                    .map(|rule| Ignored {
                        rule: &rule.text,
                        line: Some(rule.line),
                    })
            }
            Rules::Git { matcher, lines } => {
                // What leads out of the folder cannot be in it, and the matcher takes no such path.
                let inside =
                    !path.is_empty() && !path.starts_with('/') && path.split('/').all(|part| part != "..");
                match inside.then(|| matcher.matched_path_or_any_parents(path, false)) {
                    Some(Match::Ignore(glob)) => Some(Ignored {
                        rule: glob.original(),
                        line: lines.get(glob.original()).copied(),
                    }),
                    _ => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, meaning: IgnoreMeaning) -> Ignore {
        Ignore::read(FILE, text.as_bytes(), meaning, false).expect("an ignore file")
    }

    #[test]
    fn pachyderm_knows_no_separators_and_no_comments() {
        let ignore = read("# comment\r\n\n*.pyc\nsub\nlib/*\n!x", IgnoreMeaning::Pachyderm);
        let line = |path: &str| ignore.matching(path).and_then(|ignored| ignored.line);
        assert_eq!(line("a/b/x.pyc"), Some(3), "a star crosses folders");
        assert_eq!(line("sub/a"), None, "a folder's name does not cover its files");
        assert_eq!(line("a/sub"), None, "a name matches only at the top");
        assert_eq!(line("lib/a/b"), Some(5));
        assert_eq!(line("# comment"), Some(1));
        assert_eq!(line("!x"), Some(6), "there is no negation");
    }

    #[test]
    fn git_knows_folders_comments_and_negation() {
        let ignore = read(
            "# comment\nbuild/\n*.log\n!keep.log\n/top",
            IgnoreMeaning::Gitignore,
        );
        let line = |path: &str| ignore.matching(path).and_then(|ignored| ignored.line);
        assert_eq!(line("a/build/x/y"), Some(2));
        assert_eq!(line("a/b.log"), Some(3));
        assert_eq!(line("keep.log"), None);
        assert_eq!((line("top"), line("a/top")), (Some(5), None));
        assert_eq!(
            line("../x.log"),
            None,
            "a path that leaves the folder is no panic"
        );
    }

    #[test]
    fn git_folders_are_no_code_unless_asked_for() {
        let ignored = Ignore::none(false);
        assert_eq!(
            ignored.matching(".git/HEAD"),
            Some(Ignored {
                rule: GIT,
                line: None
            })
        );
        assert!(
            ignored.matching("sub/.git").is_some(),
            "that of a submodule is a file"
        );
        assert_eq!(ignored.matching(".gitignore"), None);
        assert_eq!(Ignore::none(true).matching(".git/HEAD"), None);
    }

    #[test]
    fn a_line_that_is_no_rule_is_an_error_at_its_line() {
        for meaning in [IgnoreMeaning::Pachyderm, IgnoreMeaning::Gitignore] {
            let problem = Ignore::read(FILE, b"a\n\n[b-a]\n", meaning, false).expect_err("it runs backwards");
            assert_eq!(
                (problem.line, problem.snippet.as_deref()),
                (Some(3), Some("[b-a]"))
            );
            assert!(problem.message.contains("`[b-a]`"), "{}", problem.message);
        }
    }
}
