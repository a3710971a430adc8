//! Names made valid: what is lost on the way is told apart by a short hash.

/// Digits of a hash that keeps shortened names apart.
const HASH: usize = 8;

/// Returns a text's first eight hexadecimal digits of BLAKE3.
pub(super) fn short_hash(text: &str) -> String {
    let mut hex = blake3::hash(text.as_bytes()).to_hex().to_string();
    hex.truncate(HASH);
    hex
}

/// Returns ASCII text of at most `max` characters (at least ten): longer text keeps its beginning and gets a hash of all
/// of it.
pub(super) fn shortened(text: &str, max: usize) -> String {
    debug_assert!(text.is_ascii() && max > HASH + 1);
    if text.len() <= max {
        return text.to_owned();
    }
    with_hash(&text[..max - HASH - 1], text)
}

/// Returns a beginning with the hash of the whole behind it.
pub(super) fn with_hash(beginning: &str, whole: &str) -> String {
    let beginning = beginning.trim_end_matches(is_separator);
    format!("{beginning}-{}", short_hash(whole))
}

/// Returns whether a name may be one of what [`with_hash`] returns.
pub(super) fn looks_hashed(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(_, end)| {
        end.len() == HASH && end.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Returns a path component of an image repository, `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`: lower case, everything else a
/// `-`, and only separators that may stand between two letters. Text without any letter or digit is its hash.
pub(super) fn component(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut separators = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            if !name.is_empty() {
                name.push_str(if is_run(&separators) { &separators } else { "-" });
            }
            separators.clear();
            name.push(c);
        } else {
            separators.push(if is_separator(c) { c } else { '-' });
        }
    }
    if name.is_empty() { short_hash(text) } else { name }
}

/// Returns whether a text is a valid path component as it stands.
pub(crate) fn is_component(text: &str) -> bool {
    !text.is_empty() && component(text) == text
}

/// Returns an environment's id, the name of a Compose project that runs one branch of a project: `my-project-feature-x`.
///
/// As Preevy names them, so that both find the same environment: `normalise(project + "-" + normalise(branch))`.
pub fn environment_id(project: &str, branch: &str) -> String {
    normalised(&format!("{project}-{}", normalised(branch)))
}

/// Returns a text as it may be an environment's id: lower case, everything outside `[a-z0-9_-]` a `-`, and an `a` in
/// front of what does not begin with a letter.
pub fn normalised(text: &str) -> String {
    let valid = |c: char| match c {
        'a'..='z' | '0'..='9' | '_' | '-' => c,
        _ => '-',
    };
    let id: String = text.to_lowercase().chars().map(valid).collect();
    if id.starts_with(|c: char| c.is_ascii_lowercase()) {
        id
    } else {
        format!("a{id}")
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, '.' | '_' | '-')
}

fn is_run(separators: &str) -> bool {
    matches!(separators, "" | "." | "_" | "__") || separators.bytes().all(|b| b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("My_Svc", "my_svc")]
    #[case("a__b--c.d", "a__b--c.d")]
    #[case("a._b", "a-b")]
    #[case("a___b", "a-b")]
    #[case("-web-", "web")]
    #[case("a b/c", "a-b-c")]
    #[case("größe", "gr--e")]
    fn a_component_keeps_what_is_valid(#[case] text: &str, #[case] name: &str) {
        assert_eq!(component(text), name);
        assert!(is_component(name));
    }

    #[test]
    fn nothing_valid_is_still_a_name() {
        assert_eq!(component("___"), short_hash("___"));
        assert_ne!(component("___"), component("--"), "two names stay two");
    }

    #[test]
    fn long_names_that_differ_at_the_end_stay_apart() {
        let (one, two) = ("x".repeat(70) + "1", "x".repeat(70) + "2");
        assert_eq!(shortened(&one, 71), one);
        assert_eq!(shortened(&one, 64).len(), 64);
        assert_ne!(shortened(&one, 64), shortened(&two, 64));
        assert!(looks_hashed(&shortened(&one, 64)));
        assert!(!looks_hashed("feature-x"));
    }

    #[rstest]
    #[case("1-fix", "a1-fix")]
    #[case("", "a")]
    #[case("Feature/X", "feature-x")]
    fn an_environment_begins_with_a_letter(#[case] text: &str, #[case] id: &str) {
        assert_eq!(normalised(text), id);
    }

    #[test]
    fn an_environment_is_named_by_project_and_branch() {
        assert_eq!(environment_id("my-project", "1/x"), "my-project-a1-x");
    }

    proptest! {
        #[test]
        fn every_text_gives_a_valid_component(text in "\\PC{0,40}") {
            prop_assert!(is_component(&component(&text)), "{}", component(&text));
        }
    }
}
