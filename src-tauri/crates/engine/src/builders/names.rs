//! What may stand on a command line for buildx: nothing that a user typed can become an option.

use crate::error::{Error, Result};

/// Longest name; buildx makes container and pod names from it.
const MAX_NAME: usize = 63;

/// Checks the name of a builder that exists: buildx's own, or a docker context's.
pub(super) fn check_known(name: &str) -> Result<()> {
    let fine = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'));
    if fine && name.len() <= 255 {
        return Ok(());
    }
    Err(Error::NoBuilder(name.to_owned()))
}

/// Checks the name of a builder to be made.
pub(super) fn check_new(name: &str) -> Result<()> {
    let fine = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if !fine || name.len() > MAX_NAME {
        return Err(Error::refused(
            format!("{name:?} cannot be the name of a builder"),
            format!(
                "begin with a letter and go on with letters, digits, `.`, `_` and `-`, at most {MAX_NAME}"
            ),
        ));
    }
    if name == "default" {
        return Err(Error::refused(
            "default is the name of the engine's own builder",
            "give another name",
        ));
    }
    Ok(())
}

/// Checks a docker context, kube context or address.
pub(super) fn check_endpoint(endpoint: &str) -> Result<()> {
    if endpoint.starts_with('-') || endpoint.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::refused(
            format!("{endpoint:?} is neither a context nor an address"),
            "give the name of a context, or an address such as tcp://build.example:1234",
        ));
    }
    Ok(())
}

/// Checks a platform, such as `linux/arm/v7`.
pub(super) fn check_platform(platform: &str) -> Result<()> {
    let parts: Vec<&str> = platform.split('/').collect();
    let word = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    if (2..=3).contains(&parts.len()) && parts.iter().all(word) {
        return Ok(());
    }
    Err(Error::refused(
        format!("{platform:?} is no platform"),
        "give a system and an architecture, such as linux/arm64",
    ))
}

/// Returns a driver option as buildx wants it: it reads each as a row of comma-separated values.
pub(super) fn option(text: &str) -> Result<String> {
    let name = text.split_once('=').map_or("", |(name, _)| name);
    let fine = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !text.chars().any(char::is_control);
    if !fine {
        return Err(Error::refused(
            format!("{text:?} is no driver option"),
            "give it as name=value, such as image=registry.example/buildkit",
        ));
    }
    if text.contains([',', '"']) {
        return Ok(format!("\"{}\"", text.replace('"', "\"\"")));
    }
    Ok(text.to_owned())
}

/// Returns an age as buildx's `until` filter wants it; days and weeks are hours there.
pub(super) fn age(text: &str) -> Result<String> {
    let refused = || {
        Error::refused(
            format!("{text:?} is no length of time"),
            "give a number with s, m, h, d or w, such as 36h or 7d",
        )
    };
    let unit = text.chars().next_back().ok_or_else(refused)?;
    let number: u32 = text[..text.len() - unit.len_utf8()]
        .parse()
        .map_err(|_| refused())?;
    match unit {
        's' | 'm' | 'h' => Ok(format!("{number}{unit}")),
        'd' => Ok(format!("{}h", u64::from(number) * 24)),
        'w' => Ok(format!("{}h", u64::from(number) * 24 * 7)),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_looks_like_an_option_passes() {
        for bad in ["", "-f", "--all", "a b", "a/b", "a\nb", "ä", "a;b", "$(x)"] {
            assert!(check_known(bad).is_err(), "{bad:?} names no builder");
            assert!(check_new(bad).is_err(), "{bad:?} can name no builder");
        }
        assert!(check_new("default").is_err(), "that one is the engine's");
        assert!(check_new("1st").is_err(), "buildx wants a letter first");
        assert!(
            check_new(&"a".repeat(64)).is_err(),
            "containers are named after it"
        );
        for good in ["team", "Team-2", "a.b_c"] {
            assert!(check_new(good).is_ok() && check_known(good).is_ok(), "{good}");
        }
        for endpoint in ["--use", "a b", "a\tb"] {
            assert!(check_endpoint(endpoint).is_err(), "{endpoint:?}");
        }
        for platform in ["linux", "--x/y", "linux/", "linux/arm/v7/x", "linux/a,b"] {
            assert!(check_platform(platform).is_err(), "{platform:?}");
        }
        assert!(check_platform("linux/arm/v7").is_ok());
    }

    #[test]
    fn options_with_commas_stay_one_option() {
        assert_eq!(option("replicas=2").unwrap(), "replicas=2");
        assert_eq!(
            option("nodeselector=a=1,b=\"2\"").unwrap(),
            "\"nodeselector=a=1,b=\"\"2\"\"\""
        );
        for bad in ["", "image", "=x", "--image=x", "a\n=x"] {
            assert!(option(bad).is_err(), "{bad:?} is no option");
        }
    }

    #[test]
    fn ages_are_said_in_hours_at_most() {
        assert_eq!(age("90m").unwrap(), "90m");
        assert_eq!(age("7d").unwrap(), "168h");
        assert_eq!(age("2w").unwrap(), "336h");
        for bad in ["", "7", "d", "-1h", "1.5h", "7y", "7é"] {
            assert!(age(bad).is_err(), "{bad:?}");
        }
    }
}
