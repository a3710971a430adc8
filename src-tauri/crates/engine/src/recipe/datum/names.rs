//! What pipelines, repositories, branches and inputs may be called.

use crate::text::one_line;

/// Longest name of a pipeline, in characters.
pub const MAX: usize = 63;
/// What the name of a build pipeline and its repository ends with.
pub const BUILD: &str = "_build";

/// Returns why a text cannot be the name of a pipeline, as a sentence.
pub fn wrong_pipeline(name: &str) -> Option<String> {
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let marked = (!name.is_empty() && !begins).then(|| "does not begin with a letter or a digit".to_owned());
    if let Some(why) = marked.or_else(|| wrong(name, &['_', '-'])) {
        return Some(format!("the pipeline name `{}` {why}", cut(name)));
    }
    let length = name.chars().count();
    (length > MAX)
        .then(|| format!("the pipeline name is {length} characters long, but must have at most {MAX}"))
}

/// Returns why a pipeline cannot have a build step under its name, as a sentence.
pub fn wrong_with_build(name: &str) -> Option<String> {
    let most = MAX - BUILD.len();
    let length = name.chars().count();
    (length > most).then(|| {
        format!(
            "the pipeline name is {length} characters long, but with a build step must have at most {most}: \
             its build pipeline is called `{}{BUILD}`",
            cut(name)
        )
    })
}

/// Returns why a text cannot be the name of a repository, as the end of a sentence.
pub(super) fn wrong_repository(name: &str) -> Option<String> {
    wrong(name, &['_', '-'])
}

/// Returns why a text cannot be the name of a branch, as the end of a sentence.
pub(super) fn wrong_branch(name: &str) -> Option<String> {
    wrong(name, &['_', '-', '.', '/'])
}

/// Returns why a text cannot be the name of an input, which is a folder, as the end of a sentence.
pub(super) fn wrong_input(name: &str) -> Option<String> {
    wrong(name, &['_', '-', '.'])
}

fn wrong(name: &str, marks: &[char]) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return Some("does not begin with a letter, a digit or `_`".to_owned());
    }
    if name.chars().count() > 2 * MAX {
        return Some(format!("is longer than {} characters", 2 * MAX));
    }
    let other = name
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !marks.contains(c))?;
    Some(format!("has the character `{other}`, which names do not have"))
}

/// Returns the beginning of a text, enough to know it, in one line.
pub(super) fn cut(text: &str) -> String {
    one_line(&text.chars().take(80).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_and_two_marks() {
        for name in ["foo", "2x", "x_", "a-b_c", &"a".repeat(63)] {
            assert_eq!(wrong_pipeline(name), None, "{name}");
        }
        for name in ["", "_x", "-x", "a.b", "a b", "é", &"a".repeat(64)] {
            assert!(wrong_pipeline(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_build_step_needs_room_for_its_own_name() {
        assert_eq!(wrong_with_build(&"a".repeat(57)), None);
        let said = wrong_with_build(&"a".repeat(58)).expect("it is too long");
        assert!(
            said.contains("58") && said.contains("at most 57") && said.contains("_build"),
            "{said}"
        );
    }
}
