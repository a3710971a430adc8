//! The environment of a target as named fields, and the key made from them.

use crate::secrets::{is_secret_name, redacted};
use crate::text::escaped;
use crate::wire::KeyField;

/// Raised when the meaning of fields changes, so that keys of different rules never match.
const VERSION: &str = "headstart environment 1";

/// Everything that has to be equal for an older build to serve, as `(name, value)` fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    fields: Vec<(String, String)>,
}

impl Environment {
    /// Adds a field.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.fields.push((name.into(), value.into()));
    }

    /// Returns whether there is a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// Returns the key: 64 hexadecimal digits of BLAKE3 over the fields in order of their names, each with its length,
    /// so that no two lists of fields give the same bytes.
    pub fn key(&self) -> String {
        let mut sorted: Vec<_> = self.fields.iter().collect();
        sorted.sort();
        let mut hash = blake3::Hasher::new();
        let mut put = |text: &str| {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        put(VERSION);
        for (name, value) in sorted {
            put(name);
            put(value);
        }
        hash.finalize().to_hex().to_string()
    }

    /// Returns the fields as they may be shown and stored: values of variables and build
    /// arguments that name secrets are replaced.
    pub fn shown(&self) -> Vec<KeyField> {
        let show = |(name, value): &(String, String)| {
            let variable = name.rsplit('.').next().unwrap_or(name);
            let names_variable =
                name.contains(".env.") || name.contains(".args.") || name.starts_with("environment.");
            let secret = names_variable && is_secret_name(variable);
            KeyField {
                name: name.clone(),
                value: if secret { redacted(value) } else { escaped(value) },
            }
        };
        self.fields.iter().map(show).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(&str, &str)]) -> Environment {
        let mut environment = Environment::default();
        fields
            .iter()
            .for_each(|(name, value)| environment.set(*name, *value));
        environment
    }

    #[test]
    fn the_key_depends_on_fields_but_not_on_their_order() {
        assert_eq!(
            of(&[("a", "1"), ("b", "2")]).key(),
            of(&[("b", "2"), ("a", "1")]).key()
        );
        assert_ne!(of(&[("a", "1")]).key(), of(&[("a", "2")]).key());
        assert_ne!(
            of(&[("a", "bc")]).key(),
            of(&[("ab", "c")]).key(),
            "lengths keep fields apart"
        );
    }

    #[test]
    fn a_secret_counts_in_the_key_but_is_not_shown() {
        let one = of(&[("tasks[0].env.API_TOKEN", "hunter2")]);
        assert_ne!(one.key(), of(&[("tasks[0].env.API_TOKEN", "other")]).key());
        assert!(!one.shown()[0].value.contains("hunter2"));
        let baked = of(&[("environment.API_TOKEN", "hunter2")]).shown();
        assert!(!baked[0].value.contains("hunter2"));
    }
}
