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

/// Returns a text in which no web address has a user and password any more; both may be a token.
pub(crate) fn without_logins(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        rest = after;
        let web = before.ends_with("http://") || before.ends_with("https://");
        let host = after
            .find(|c: char| c == '/' || c.is_whitespace() || "\"'".contains(c))
            .unwrap_or(after.len());
        if let Some(end) = after[..host].rfind('@').filter(|_| web) {
            shown.push_str("redacted");
            rest = &after[end..];
        }
    }
    shown.push_str(rest);
    shown
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

    #[test]
    fn addresses_lose_their_logins_and_nothing_else() {
        let text = "a @ https://u:p@w@h/x#@y\n-i http://tok@h\ngit+ssh://git@h/x https://h/u@v";
        assert_eq!(
            without_logins(text),
            "a @ https://redacted@h/x#@y\n-i http://redacted@h\ngit+ssh://git@h/x https://h/u@v"
        );
    }
}
