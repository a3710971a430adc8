//! Python packages as files: which there are, in which order they are installed, and what is in them.

use super::Surroundings;
use super::loaded::Loaded;
use crate::wire::Integration;

/// Where packages come from, in the order in which they are installed: what comes later may change what came earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The local Python environment.
    Local,
    /// The stack.
    Stack,
    /// Integrations that the settings require.
    Integrations,
    /// The project's `pyproject.toml`.
    Pyproject,
    /// The settings themselves.
    User,
}

impl Origin {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::Local,
        Self::Stack,
        Self::Integrations,
        Self::Pyproject,
        Self::User,
    ];

    /// Returns its name in the fields of an environment.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Stack => "stack",
            Self::Integrations => "integrations",
            Self::Pyproject => "pyproject",
            Self::User => "user",
        }
    }

    /// Returns the name of its file in the image.
    pub fn file(self) -> &'static str {
        match self {
            Self::Local => ".headstart_local_requirements",
            Self::Stack => ".headstart_stack_requirements",
            Self::Integrations => ".headstart_integration_requirements",
            Self::Pyproject => ".headstart_pyproject_requirements",
            Self::User => ".headstart_user_requirements",
        }
    }
}

/// A file of packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequirementsFile {
    /// Where it comes from.
    pub origin: Origin,
    /// What is in it, with a line end behind every line.
    pub text: String,
}

/// Returns what is installed, in order. The error is a sentence.
pub(super) fn files(loaded: &Loaded, around: &Surroundings<'_>) -> Result<Vec<RequirementsFile>, String> {
    let settings = &loaded.settings;
    let text = |origin: Origin| -> Result<Option<String>, String> {
        Ok(match origin {
            Origin::Local => match settings.replicate_local_python_environment {
                None => None,
                Some(_) => Some(normal(
                    around.frozen.ok_or("Unable to export local python packages.")?,
                )),
            },
            Origin::Stack if settings.install_stack_requirements => {
                sorted(around.requirements.iter().map(String::as_str))
            }
            Origin::Stack => None,
            Origin::Integrations => {
                let found = integrations(&settings.required_integrations, around.integrations)?;
                sorted(
                    found
                        .iter()
                        .flat_map(|one| one.requirements.iter().map(String::as_str)),
                )
            }
            Origin::Pyproject => loaded.pyproject.clone(),
            Origin::User => loaded.requirements.clone(),
        })
    };
    let mut files = Vec::new();
    for origin in Origin::ALL {
        let text = text(origin)?.filter(|text| has_packages(text));
        files.extend(text.map(|text| RequirementsFile { origin, text }));
    }
    Ok(files)
}

/// Returns the Debian packages of settings, stack and integrations, sorted. The error is a sentence.
pub(super) fn apt_packages(loaded: &Loaded, around: &Surroundings<'_>) -> Result<Vec<String>, String> {
    let settings = &loaded.settings;
    let mut all = settings.apt_packages.clone();
    if settings.install_stack_requirements {
        all.extend(around.apt_packages.iter().cloned());
    }
    for integration in integrations(&settings.required_integrations, around.integrations)? {
        all.extend(integration.apt_packages.iter().cloned());
    }
    all.sort();
    all.dedup();
    Ok(all)
}

fn integrations<'a>(names: &[String], known: &'a [Integration]) -> Result<Vec<&'a Integration>, String> {
    let find = |name: &String| {
        let found = known.iter().find(|integration| integration.name == *name);
        found.ok_or_else(|| {
            let names: Vec<&str> = known
                .iter()
                .map(|integration| integration.name.as_str())
                .collect();
            let names = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            format!("there is no integration {name}; known are {names}")
        })
    };
    names.iter().map(find).collect()
}

fn sorted<'a>(packages: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<&str> = packages.map(str::trim).collect();
    all.sort_unstable();
    all.dedup();
    (!all.is_empty()).then(|| lines(all.into_iter()))
}

/// Returns lines as the text of a file.
pub(super) fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.fold(String::new(), |mut text, line| {
        text.push_str(line);
        text.push('\n');
        text
    })
}

/// Returns a text with one kind of line end.
pub(super) fn normal(text: &str) -> String {
    lines(text.trim_start_matches('\u{feff}').lines())
}

/// Returns whether anything is to be installed.
fn has_packages(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .any(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Lists other files that a text of packages refers to.
pub(super) fn other_files(text: &str) -> Vec<&str> {
    let refers = |line: &&str| {
        let word = line.split([' ', '=']).next().unwrap_or_default();
        let option = matches!(
            word,
            "-r" | "--requirement" | "-c" | "--constraint" | "-e" | "--editable" | "--find-links" | "-f"
        );
        let remote = line.contains("://");
        (option || line.starts_with("./") || line.starts_with("../")) && !remote
    };
    text.lines().map(str::trim).filter(refers).collect()
}
