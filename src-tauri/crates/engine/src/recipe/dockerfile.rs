//! What a Dockerfile takes from outside: images it starts from and files of its context. Only as much as keys need;
//! whatever is not understood counts as "everything", so that a key is at worst too strict, never too lax.

use std::collections::BTreeMap;

/// What a Dockerfile uses of its context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContextUse {
    /// Exactly these paths, relative to the context; none when it copies nothing.
    Paths(Vec<String>),
    /// Possibly anything.
    All,
}

/// What was found in a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outside {
    /// Images named in `FROM`, `COPY --from` and mounts, without variables.
    pub(crate) images: Vec<String>,
    /// Files of the context.
    pub(crate) context: ContextUse,
    /// The user of the last stage.
    pub(crate) user: Option<String>,
}

/// Reads a Dockerfile.
pub(crate) fn outside(text: &str) -> Outside {
    let mut found = Outside {
        images: Vec::new(),
        context: ContextUse::Paths(Vec::new()),
        user: None,
    };
    let mut stages: Vec<String> = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let Some(comment) = line.trim().strip_prefix('#') else {
            break;
        };
        let directive = comment
            .split('=')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        // Another frontend or escape character may give the rest another meaning.
        if place < 8 && (directive == "syntax" || directive == "escape") && comment.contains('=') {
            found.context = ContextUse::All;
        }
    }
    for instruction in instructions(text) {
        let mut words = instruction.split_whitespace();
        let Some(keyword) = words.next() else { continue };
        let words: Vec<&str> = words.collect();
        match keyword.to_ascii_uppercase().as_str() {
            "FROM" => {
                found.user = None;
                let mut rest = words.iter().filter(|word| !word.starts_with("--"));
                if let Some(image) = rest.next() {
                    note_image(&mut found.images, &stages, image);
                }
                if let (Some(word), Some(name)) = (rest.next(), rest.next())
                    && word.eq_ignore_ascii_case("as")
                {
                    stages.push(name.to_ascii_lowercase());
                }
            }
            "USER" => {
                found.user = words
                    .first()
                    .filter(|user| !user.contains('$'))
                    .map(|user| (*user).to_owned())
            }
            "COPY" | "ADD" => note_copy(&mut found, &stages, &words),
            "RUN" => {
                for mount in words.iter().filter_map(|word| word.strip_prefix("--mount=")) {
                    match mount.split(',').find_map(|part| part.strip_prefix("from=")) {
                        Some(image) => note_image(&mut found.images, &stages, image),
                        None if mount.contains("type=bind") || !mount.contains("type=") => {
                            found.context = ContextUse::All;
                        }
                        None => {}
                    }
                }
            }
            "ONBUILD" => found.context = ContextUse::All,
            _ => {}
        }
    }
    found.images.sort();
    found.images.dedup();
    found
}

fn note_image(images: &mut Vec<String>, stages: &[String], image: &str) {
    let is_stage = stages.contains(&image.to_ascii_lowercase()) || image.parse::<usize>().is_ok();
    if !is_stage && image != "scratch" && !image.contains('$') {
        images.push(image.to_owned());
    }
}

fn note_copy(found: &mut Outside, stages: &[String], words: &[&str]) {
    let (flags, rest): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with("--"));
    if let Some(from) = flags.iter().find_map(|flag| flag.strip_prefix("--from=")) {
        note_image(&mut found.images, stages, from);
        return;
    }
    let Some((_, sources)) = rest.split_last() else {
        return;
    };
    for source in sources {
        if source.starts_with("<<") || source.contains("://") {
            continue;
        }
        let odd = |c: char| "*?[]$\\\"',{}".contains(c);
        let path = source.trim_start_matches("./").trim_matches('/');
        if source.contains(odd) || path.is_empty() || path == "." || path.split('/').any(|part| part == "..")
        {
            found.context = ContextUse::All;
        } else if let ContextUse::Paths(paths) = &mut found.context {
            paths.push(path.to_owned());
        }
    }
}

/// Joins continued lines and drops comments and the bodies of here-documents.
fn instructions(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut current = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with('#') || (current.is_empty() && line.trim().is_empty()) {
            continue;
        }
        match line.trim_end().strip_suffix('\\') {
            Some(begin) => {
                current.push_str(begin);
                current.push(' ');
                continue;
            }
            None => current.push_str(line),
        }
        let ends: Vec<String> = current
            .split_whitespace()
            .filter_map(|word| word.split_once("<<").map(|(_, end)| end.trim_start_matches('-')))
            .map(|end| end.trim_matches(['"', '\'']).to_owned())
            .filter(|end| !end.is_empty())
            .collect();
        for end in ends {
            for body in lines.by_ref() {
                if body.trim() == end {
                    break;
                }
            }
        }
        all.push(std::mem::take(&mut current));
    }
    if !current.trim().is_empty() {
        all.push(current);
    }
    all
}

/// Puts build arguments and their defaults where `FROM` names its image by them.
pub(crate) fn with_arguments(text: &str, arguments: &BTreeMap<String, String>) -> String {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = Vec::new();
    let mut begun = false;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        if keyword == "ARG" && !begun {
            for word in words {
                let (name, default) = word.split_once('=').unwrap_or((word, ""));
                let value = arguments.get(name).cloned();
                known.insert(
                    name.to_owned(),
                    value.unwrap_or_else(|| default.trim_matches('"').to_owned()),
                );
            }
        }
        if keyword == "FROM" {
            begun = true;
            let mut line = line.to_owned();
            for (name, value) in known.iter().rev() {
                line = line
                    .replace(&format!("${{{name}}}"), value)
                    .replace(&format!("${name}"), value);
            }
            lines.push(line);
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_of_a_from_line_may_come_from_an_argument() {
        let text = "ARG BASE=debian:12\nARG TAG\nFROM ${BASE} AS a\nFROM app:$TAG\n";
        let given = BTreeMap::from([("TAG".to_owned(), "7".to_owned())]);
        assert_eq!(
            outside(&with_arguments(text, &given)).images,
            ["app:7", "debian:12"]
        );
        let given = BTreeMap::from([
            ("BASE".to_owned(), "alpine:3".to_owned()),
            ("TAG".to_owned(), "8".to_owned()),
        ]);
        assert_eq!(
            outside(&with_arguments(text, &given)).images,
            ["alpine:3", "app:8"]
        );
    }

    #[test]
    fn a_dockerfile_that_copies_nothing_does_not_depend_on_its_context() {
        let found = outside("FROM debian:12\nRUN apt-get install \\\n  gcc\nUSER dev\n");
        assert_eq!(found.context, ContextUse::Paths(vec![]));
        assert_eq!(found.images, ["debian:12"]);
        assert_eq!(found.user.as_deref(), Some("dev"));
    }

    #[test]
    fn copied_paths_are_named_and_stages_are_not_images() {
        let found = outside(
            "FROM a:1 AS build\nCOPY ./tools/x.sh cfg/ /opt/\nFROM b:2\nCOPY --from=build /x /x\nCOPY --from=c:3 /y /y\n",
        );
        assert_eq!(
            found.context,
            ContextUse::Paths(vec!["tools/x.sh".into(), "cfg".into()])
        );
        assert_eq!(found.images, ["a:1", "b:2", "c:3"]);
    }

    #[test]
    fn whatever_is_not_understood_counts_as_everything() {
        for text in [
            "FROM a\nCOPY . .",
            "FROM a\nCOPY *.sh /x",
            "FROM a\nARG f\nCOPY $f /x",
            "FROM a\nADD [\"a b\", \"/x\"]",
            "# syntax=other/frontend\nFROM a",
            "FROM a\nRUN --mount=type=bind,target=/src make",
            "FROM a\nONBUILD COPY x /x",
        ] {
            assert_eq!(outside(text).context, ContextUse::All, "{text}");
        }
    }

    #[test]
    fn bodies_of_here_documents_are_not_instructions() {
        let found = outside("FROM a\nRUN <<EOF\nCOPY . .\nEOF\nCOPY <<TXT /x\nhello\nTXT\n");
        assert_eq!(found.context, ContextUse::Paths(vec![]));
    }
}
