//! Which values must not be shown or stored.

/// Returns whether a variable's name says that its value is a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const MARKS: [&str; 9] = [
        "secret",
        "token",
        "password",
        "passwd",
        "passphrase",
        "apikey",
        "api_key",
        "private_key",
        "credential",
    ];
    let name = name.to_ascii_lowercase().replace('-', "_");
    MARKS.iter().any(|mark| name.contains(mark))
}

/// Returns what is shown and stored instead of a secret: enough to see that it changed, not what it is.
pub(crate) fn redacted(value: &str) -> String {
    let digest = blake3::hash(value.as_bytes()).to_hex();
    format!("redacted ({})", &digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_and_ordinary_ones_are_not() {
        for name in [
            "NPM_TOKEN",
            "db-password",
            "ApiKey",
            "AWS_SECRET_ACCESS_KEY",
            "MY_CREDENTIALS",
        ] {
            assert!(is_secret_name(name), "{name} names a secret");
        }
        for name in ["PATH", "LANG", "MAKEFLAGS", "NODE_ENV"] {
            assert!(!is_secret_name(name), "{name} does not name a secret");
        }
    }

    #[test]
    fn a_redacted_value_differs_with_the_secret_but_does_not_contain_it() {
        assert_ne!(
            redacted("hunter2"),
            redacted("hunter3"),
            "a change has to be visible"
        );
        assert!(
            !redacted("hunter2").contains("hunter2"),
            "the value must not be readable"
        );
    }
}
