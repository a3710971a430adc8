//! The flags of a build, as people give them, to what is built.

use thiserror::Error;

use super::build_model::Spec;
use super::registry::{self, RegistryError, SingleName};

/// The flags of `plan`, `build` and `up` that say where images go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--no-build`.
    pub no_build: bool,
    /// `--registry=<name>`.
    pub registry: Option<String>,
    /// `--registry-single-name=<repository>`.
    pub registry_single_name: Option<String>,
    /// `--no-registry-single-name`.
    pub no_registry_single_name: bool,
    /// `--no-registry-cache`.
    pub no_registry_cache: bool,
    /// `--builder=<name>`.
    pub builder: Option<String>,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `--github-add-build-cache`.
    pub github_cache: bool,
}

/// What flags ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How to build; none with `--no-build`.
    pub spec: Option<Spec>,
    /// Sentences about flags that have no effect.
    pub notices: Vec<String>,
}

/// Why flags cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FlagError {
    /// One that means nothing without another.
    #[error("{flag} depends on {needs}")]
    Needs {
        /// It.
        flag: &'static str,
        /// What is missing.
        needs: &'static str,
    },
    /// Two that contradict each other.
    #[error("{first} and {second} are mutually exclusive")]
    Exclusive {
        /// One.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// The registry has no usable name.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

const REGISTRY: &str = "--registry";
const SINGLE_NAME: &str = "--registry-single-name";
const NO_SINGLE_NAME: &str = "--no-registry-single-name";
const NO_REGISTRY_CACHE: &str = "--no-registry-cache";

impl Flags {
    /// Returns what the flags ask for. Contradictions are refused also where `--no-build` makes them meaningless.
    pub fn read(&self) -> Result<Asked, FlagError> {
        self.check()?;
        if self.no_build {
            let given = self.given().into_iter();
            let notice = |flag| format!("{flag} has no effect with --no-build");
            return Ok(Asked {
                spec: None,
                notices: given.map(notice).collect(),
            });
        }
        let single_name = match (&self.registry_single_name, self.no_registry_single_name) {
            (Some(name), _) => SingleName::Named(name),
            (None, true) => SingleName::Off,
            (None, false) => SingleName::Detect,
        };
        let registry = self.registry.as_deref();
        let spec = Spec {
            registry: registry
                .map(|text| registry::parse(text, single_name))
                .transpose()?,
            registry_cache: !self.no_registry_cache,
            github_cache: self.github_cache,
            no_cache: self.no_cache,
            builder: self.builder.clone(),
        };
        let unused = self.registry.is_none() && self.no_registry_single_name;
        Ok(Asked {
            spec: Some(spec),
            notices: unused
                .then(|| format!("{NO_SINGLE_NAME} has no effect without {REGISTRY}"))
                .into_iter()
                .collect(),
        })
    }

    fn check(&self) -> Result<(), FlagError> {
        if self.registry_single_name.is_some() && self.no_registry_single_name {
            return Err(FlagError::Exclusive {
                first: SINGLE_NAME,
                second: NO_SINGLE_NAME,
            });
        }
        let dependent = [
            (self.registry_single_name.is_some(), SINGLE_NAME),
            (self.no_registry_cache, NO_REGISTRY_CACHE),
        ];
        match dependent.into_iter().find(|(given, _)| *given) {
            Some((_, flag)) if self.registry.is_none() => Err(FlagError::Needs {
                flag,
                needs: REGISTRY,
            }),
            _ => Ok(()),
        }
    }

    /// Lists the flags given that say how to build.
    fn given(&self) -> Vec<&'static str> {
        let flags = [
            (self.registry.is_some(), REGISTRY),
            (self.registry_single_name.is_some(), SINGLE_NAME),
            (self.no_registry_single_name, NO_SINGLE_NAME),
            (self.no_registry_cache, NO_REGISTRY_CACHE),
            (self.builder.is_some(), "--builder"),
            (self.no_cache, "--no-cache"),
            (self.github_cache, "--github-add-build-cache"),
        ];
        let given = flags.into_iter().filter(|(given, _)| *given);
        given.map(|(_, flag)| flag).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Flags {
        Flags {
            registry: Some("123.dkr.ecr.us-east-1.amazonaws.com/n".into()),
            ..Flags::default()
        }
    }

    fn single_name(flags: &Flags) -> Option<String> {
        flags.read().unwrap().spec.unwrap().registry.unwrap().single_name
    }

    #[test]
    fn nothing_given_loads_images_and_keeps_caches() {
        let asked = Flags::default().read().unwrap();
        assert_eq!((asked.spec, asked.notices.len()), (Some(Spec::default()), 0));
    }

    #[test]
    fn a_single_name_is_detected_named_or_off() {
        let named = Flags {
            registry_single_name: Some("m".into()),
            ..registry()
        };
        let off = Flags {
            no_registry_single_name: true,
            ..registry()
        };
        assert_eq!(single_name(&registry()).as_deref(), Some("n"));
        assert_eq!(single_name(&named).as_deref(), Some("m"));
        assert_eq!(single_name(&off), None);
    }

    #[test]
    fn the_rest_passes_straight_through() {
        let flags = Flags {
            no_registry_cache: true,
            builder: Some("b".into()),
            no_cache: true,
            github_cache: true,
            ..registry()
        };
        let spec = flags.read().unwrap().spec.unwrap();
        assert!(!spec.registry_cache && spec.no_cache && spec.github_cache);
        assert_eq!(spec.builder.as_deref(), Some("b"));
    }

    #[test]
    fn flags_that_need_or_exclude_another_are_refused() {
        let name = Flags {
            registry_single_name: Some("n".into()),
            ..Flags::default()
        };
        let cache = Flags {
            no_registry_cache: true,
            no_build: true,
            ..Flags::default()
        };
        let both = Flags {
            no_registry_single_name: true,
            ..name.clone()
        };
        let message = |flags: &Flags| flags.read().unwrap_err().to_string();
        assert_eq!(message(&name), "--registry-single-name depends on --registry");
        assert_eq!(message(&cache), "--no-registry-cache depends on --registry");
        assert_eq!(
            message(&both),
            "--registry-single-name and --no-registry-single-name are mutually exclusive"
        );
        let host = Flags {
            registry: Some("me@host".into()),
            ..Flags::default()
        };
        assert_eq!(message(&host), RegistryError::Credentials.to_string());
    }

    #[test]
    fn flags_without_effect_are_told() {
        let off = Flags {
            no_registry_single_name: true,
            ..Flags::default()
        };
        let asked = off.read().unwrap();
        assert_eq!(
            asked.notices,
            ["--no-registry-single-name has no effect without --registry"]
        );
        let flags = Flags {
            no_build: true,
            builder: Some("b".into()),
            ..registry()
        };
        let asked = flags.read().unwrap();
        assert_eq!(asked.spec, None);
        assert_eq!(
            asked.notices,
            [
                "--registry has no effect with --no-build",
                "--builder has no effect with --no-build"
            ]
        );
        let alone = Flags {
            no_build: true,
            ..Flags::default()
        };
        assert_eq!(alone.read().unwrap().notices, [""; 0]);
    }
}
