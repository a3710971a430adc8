//! What names and paths in config files may be.

/// Returns why a text cannot be an image reference; the Engine has the last word on those that can.
pub(crate) fn wrong_reference(reference: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@[]".contains(c);
    if reference.is_empty() {
        return Some("it is empty");
    }
    if reference.len() > 512 {
        return Some("it is longer than 512 characters");
    }
    if reference.starts_with(|c: char| !c.is_ascii_alphanumeric() && c != '[') {
        return Some("it has to begin with a letter or a digit");
    }
    (!reference.chars().all(allowed)).then_some("it has characters that image names do not have")
}

/// Returns why a path is not one inside its folder, as the end of a sentence.
pub(crate) fn leaves_folder(path: &str) -> Option<&'static str> {
    if path.trim().is_empty() {
        return Some("is empty");
    }
    if path.starts_with('/') {
        return Some("has to be relative");
    }
    if path.chars().any(char::is_control) {
        return Some("contains a control character");
    }
    path.split('/')
        .any(|part| part == "..")
        .then_some("leaves its folder with `..`")
}

/// Returns whether a text can be the name of a variable.
pub(crate) fn is_variable(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
