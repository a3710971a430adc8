//! How two environments differ, field by field, in words.

use crate::wire::KeyField;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field: `tasks[0].init`.
    pub field: String,
    /// In words: "task 1 init changed".
    pub text: String,
}

/// Lists how a new environment differs from an old one, each given by its key and its shown fields; empty exactly when
/// the keys are equal.
pub fn environment_differences(old: (&str, &[KeyField]), new: (&str, &[KeyField])) -> Vec<Difference> {
    if old.0 == new.0 {
        return Vec::new();
    }
    let mut found = differences(old.1, new.1);
    if found.is_empty() {
        // Values that are secrets are compared, but not shown.
        found.push(Difference {
            field: "secret".into(),
            text: "a secret value changed".into(),
        });
    }
    found
}

/// Lists how `new` differs from `old`, most telling first; empty when they are equal.
fn differences(old: &[KeyField], new: &[KeyField]) -> Vec<Difference> {
    let value = |fields: &[KeyField], name: &str| {
        fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.value.clone())
    };
    let mut names: Vec<&str> = new.iter().chain(old).map(|field| field.name.as_str()).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(*name));
    let same_image = value(old, "image") == value(new, "image");
    let mut found = Vec::new();
    for name in names {
        let (before, after) = (value(old, name), value(new, name));
        // Another image has another digest; that is one change, not two.
        if before == after || (name == "image.digest" && !same_image) {
            continue;
        }
        let text = in_words(
            name,
            before.as_deref(),
            after.as_deref(),
            value(new, "image").as_deref(),
        );
        found.push(Difference {
            field: name.to_owned(),
            text,
        });
    }
    found
}

fn in_words(name: &str, before: Option<&str>, after: Option<&str>, image: Option<&str>) -> String {
    let arrow = || {
        format!(
            "{} → {}",
            short(before.unwrap_or("none")),
            short(after.unwrap_or("none"))
        )
    };
    let verb = match (before, after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    if name == "image.digest" {
        return match (before, after) {
            (Some("not resolved"), _) | (_, Some("not resolved")) => {
                format!(
                    "image {} could not be compared by digest",
                    image.unwrap_or("of the base")
                )
            }
            _ => format!("image {} moved: {}", image.unwrap_or("of the base"), arrow()),
        };
    }
    if let Some(from) = name
        .strip_prefix("image.from[")
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return format!("image {from} of the Dockerfile moved: {}", arrow());
    }
    if name == "image.file.content" || name == "dockerfile" {
        return "Dockerfile changed".to_owned();
    }
    if name == "stack.images" {
        let place = |value: Option<&str>| value.unwrap_or("nowhere").to_owned();
        return format!(
            "images go to the {} now, not to the {}",
            place(after),
            place(before)
        );
    }
    if name == "stack.name" {
        return format!("the image has another name: {}", arrow());
    }
    if let Some(argument) = name.strip_prefix("build.args.") {
        return format!("build argument {argument} {verb}");
    }
    if let Some(part) = name.strip_prefix("build.") {
        return format!("{part} of the build section {verb}");
    }
    if let Some(path) = name
        .strip_prefix("image.context[")
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let what = if path == "." { "build context" } else { path };
        return format!("{what} of the Dockerfile {verb}");
    }
    if let Some((index, part)) = name.strip_prefix("tasks[").and_then(|rest| rest.split_once("].")) {
        let number = index
            .parse::<u32>()
            .map_or_else(|_| index.to_owned(), |index| (index + 1).to_string());
        return match part.strip_prefix("env.") {
            Some(variable) => format!("task {number} variable {variable} {verb}"),
            None => format!("task {number} {part} {verb}"),
        };
    }
    match name {
        "image" | "platform" | "folder" => format!("{name} changed: {}", arrow()),
        _ => format!("{name} {verb}: {}", arrow()),
    }
}

/// Returns a value short enough for a sentence; digests by their first digits.
fn short(value: &str) -> String {
    let line = value.lines().next().unwrap_or("");
    let (limit, rest) = match line.strip_prefix("sha256:") {
        Some(hex) => (12, hex),
        None => (60, line),
    };
    let cut: String = rest.chars().take(limit).collect();
    if cut.len() < rest.len() && limit == 60 {
        format!("{cut}…")
    } else {
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&str, &str)]) -> Vec<KeyField> {
        list.iter()
            .map(|(name, value)| KeyField {
                name: (*name).into(),
                value: (*value).into(),
            })
            .collect()
    }

    #[test]
    fn a_service_says_what_of_its_build_changed() {
        let told = |name: &str, before: &str, after: &str| {
            let field = |value: &str| KeyField {
                name: name.to_owned(),
                value: value.to_owned(),
            };
            let found = environment_differences(("a", &[field(before)]), ("b", &[field(after)]));
            found[0].text.clone()
        };
        assert_eq!(told("dockerfile", "0a", "0b"), "Dockerfile changed");
        assert_eq!(told("build.args.LEVEL", "1", "2"), "build argument LEVEL changed");
        assert_eq!(
            told("build.target", "dev", "prod"),
            "target of the build section changed"
        );
        assert_eq!(
            told("stack.images", "engine", "registry r"),
            "images go to the registry r now, not to the engine"
        );
    }

    #[test]
    fn differences_are_named_field_by_field() {
        let old = fields(&[
            ("image", "debian:12"),
            ("image.digest", "sha256:aaaaaaaaaaaaaaaaaaaa"),
            ("tasks[1].init", "make"),
            ("tasks[0].env.A", "1"),
        ]);
        let new = fields(&[
            ("image", "debian:13"),
            ("image.digest", "sha256:bbbbbbbbbbbbbbbbbbbb"),
            ("tasks[1].init", "make all"),
        ]);
        let texts: Vec<_> = differences(&old, &new)
            .into_iter()
            .map(|difference| difference.text)
            .collect();
        assert_eq!(
            texts,
            [
                "image changed: debian:12 → debian:13",
                "task 2 init changed",
                "task 1 variable A removed"
            ]
        );
    }

    #[test]
    fn a_moved_tag_shows_both_digests() {
        let old = fields(&[("image", "a:1"), ("image.digest", "sha256:aaaaaaaaaaaaaaaaaaaa")]);
        let new = fields(&[("image", "a:1"), ("image.digest", "sha256:bbbbbbbbbbbbbbbbbbbb")]);
        assert_eq!(
            differences(&old, &new)[0].text,
            "image a:1 moved: aaaaaaaaaaaa → bbbbbbbbbbbb"
        );
    }
}
