//! What a stack adds to pipelines: an artifact store, packages, variables, certificates.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};

use crate::error::{Error, Result};
use crate::secrets::is_secret_name;
use crate::wire::Stack;

/// Longest requirement, package name or value.
const MAX_BYTES: usize = 4_096;
/// Most of a kind.
const MAX_COUNT: usize = 500;
/// Values shorter than this are settings, whatever their names look like.
const SECRET_BYTES: usize = 8;
/// What every certificate in a bundle begins with.
const CERTIFICATE: &[u8] = b"-----BEGIN ";

/// Checks what a stack adds, and cleans what people type.
pub(super) fn check(stack: &mut Stack) -> Result<()> {
    if let Some(folder) = &stack.artifact_store {
        absolute("artifact store", folder)?;
    }
    if let Some(file) = &stack.ca_bundle {
        absolute("file with certificates", file)?;
        read_ca_bundle(file)?;
    }
    tidy(&mut stack.requirements);
    tidy(&mut stack.apt_packages);
    for (what, count) in [
        ("requirements", stack.requirements.len()),
        ("apt packages", stack.apt_packages.len()),
        ("variables", stack.environment.len()),
    ] {
        if count > MAX_COUNT {
            return Err(Error::refused(
                format!("{count} {what} are too many for a stack"),
                format!("at most {MAX_COUNT}; put the rest into an image of your own"),
            ));
        }
    }
    stack.requirements.iter().try_for_each(|text| requirement(text))?;
    stack.apt_packages.iter().try_for_each(|name| apt_package(name))?;
    stack
        .environment
        .iter()
        .try_for_each(|(name, value)| variable(name, value))?;
    // Of two values the one that was said last counts, at the place of the first.
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in std::mem::take(&mut stack.environment) {
        match kept.iter_mut().find(|(other, _)| *other == name) {
            Some(place) => place.1 = value,
            None => kept.push((name, value)),
        }
    }
    stack.environment = kept;
    Ok(())
}

/// Reads the beginning of a file with certificates.
pub(super) fn read_ca_bundle(file: &str) -> Result<()> {
    let refuse = |why: String| {
        Err(Error::refused(
            format!("{file} {why}"),
            "name a file with the certificates as PEM, as SSL_CERT_FILE takes it",
        ))
    };
    let mut text = Vec::new();
    let read = File::open(file).and_then(|open| {
        if open.metadata()?.is_dir() {
            return Err(std::io::ErrorKind::IsADirectory.into());
        }
        open.take(1 << 20).read_to_end(&mut text)
    });
    match read {
        Err(error) => refuse(format!("cannot be read: {error}")),
        Ok(_) if !text.windows(CERTIFICATE.len()).any(|part| part == CERTIFICATE) => {
            refuse("has no certificates in it".to_owned())
        }
        Ok(_) => Ok(()),
    }
}

fn absolute(what: &str, path: &str) -> Result<()> {
    let good = Path::new(path).is_absolute()
        && !path.chars().any(char::is_control)
        && !Path::new(path)
            .components()
            .any(|part| part == Component::ParentDir);
    match good {
        true => Ok(()),
        false => Err(Error::refused(
            format!("{path:?} cannot be the {what}"),
            "give a whole path, beginning with / and without ..",
        )),
    }
}

/// Takes away white space, empty texts and repetitions.
fn tidy(list: &mut Vec<String>) {
    let mut kept: Vec<String> = Vec::new();
    for text in list.drain(..) {
        let text = text.trim();
        if !text.is_empty() && !kept.iter().any(|other| other == text) {
            kept.push(text.to_owned());
        }
    }
    *list = kept;
}

fn requirement(text: &str) -> Result<()> {
    // The installer would take a line that begins with - for an option.
    let refuse = |why: &str, hint: &str| {
        let shown: String = text.chars().take(80).collect();
        Err(Error::refused(format!("{shown:?} {why}"), hint.to_owned()))
    };
    if text.len() > MAX_BYTES || text.starts_with(['-', '#']) || text.chars().any(char::is_control) {
        return refuse(
            "is no requirement",
            "write it as a line of requirements.txt: torch>=2,<3",
        );
    }
    let login = text
        .split_once("://")
        .and_then(|(_, rest)| rest.split('/').next())
        .and_then(|authority| authority.rsplit_once('@'));
    if login.is_some_and(|(login, _)| login.contains(':')) {
        return Err(Error::refused(
            "a requirement has a password in its address, which would be stored and shown",
            "leave it out, and give the installer a netrc file instead",
        ));
    }
    Ok(())
}

fn apt_package(name: &str) -> Result<()> {
    let good = name.len() <= 200
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.:~=/_".contains(c));
    match good {
        true => Ok(()),
        false => Err(Error::refused(
            format!("{name:?} is no name of a Debian package"),
            "write it as apt-get takes it: libgomp1, or libgomp1=12.2.0-14",
        )),
    }
}

fn variable(name: &str, value: &str) -> Result<()> {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 200;
    if !good {
        return Err(Error::refused(
            format!("{name:?} is no name of a variable"),
            "use letters, digits and _, such as OMP_NUM_THREADS=4",
        ));
    }
    if value.len() > MAX_BYTES || value.chars().any(char::is_control) {
        return Err(Error::refused(
            format!("the value of {name} is too long, or has a line end in it"),
            "give it to the run instead, or read it from a file",
        ));
    }
    if is_secret_name(name) && value.len() >= SECRET_BYTES {
        return Err(Error::refused(
            format!("{name} looks like a secret, and the stack's variables are stored in every image"),
            "give it to the run instead",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Stack)) -> Result<Stack> {
        let mut stack = Stack::named("ml");
        change(&mut stack);
        check(&mut stack).map(|()| stack)
    }

    #[test]
    fn lists_are_tidied_and_the_last_value_of_a_variable_counts() {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let stack = with(|stack| {
            stack.requirements = list(&[" torch>=2 ", "", "numpy", "torch>=2", "x @ git+https://host/a"]);
            stack.apt_packages = list(&["libgomp1=12.2.0-14", "gcc", "gcc"]);
            stack.environment = vec![
                pair("A", "1"),
                pair("TOKENIZERS_PARALLELISM", "false"),
                pair("A", "2 3"),
            ];
        })
        .unwrap();
        assert_eq!(
            stack.requirements,
            ["torch>=2", "numpy", "x @ git+https://host/a"]
        );
        assert_eq!(stack.apt_packages, ["libgomp1=12.2.0-14", "gcc"]);
        assert_eq!(
            stack.environment,
            [pair("A", "2 3"), pair("TOKENIZERS_PARALLELISM", "false")]
        );
    }

    #[test]
    fn what_a_tool_would_take_for_something_else_is_refused() {
        for text in [
            "-r /etc/passwd",
            "--index-url=x",
            "a\nb",
            "#c",
            "https://me:pw@host/x.whl",
        ] {
            let error = with(|stack| stack.requirements = vec![text.into()]).unwrap_err();
            assert!(!error.to_string().contains("pw"), "{error}");
        }
        for text in ["-o=x", "a b", "a;b", "$(x)", "Ä", "Capital"] {
            assert!(
                with(|stack| stack.apt_packages = vec![text.into()]).is_err(),
                "{text}"
            );
        }
        for (name, value) in [
            ("", "x"),
            ("A B", "x"),
            ("1A", "x"),
            ("A=B", "x"),
            ("A", "x\ny"),
            ("API_TOKEN", "hunter2hunter2"),
        ] {
            let error = with(|stack| stack.environment = vec![(name.into(), value.into())]).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let many = |stack: &mut Stack| stack.requirements = (0..501).map(|n| format!("a{n}")).collect();
        assert!(with(many).is_err());
    }

    #[test]
    fn paths_are_whole_and_certificates_are_there() {
        for path in ["relative", "~/x", "/a/../b", "/a\nb"] {
            assert!(
                with(|stack| stack.artifact_store = Some(path.into())).is_err(),
                "{path:?}"
            );
            assert!(
                with(|stack| stack.ca_bundle = Some(path.into())).is_err(),
                "{path:?}"
            );
        }
        assert!(with(|stack| stack.artifact_store = Some("/srv/artifacts".into())).is_ok());
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        let of = |path: &Path| {
            let path = path.to_string_lossy().into_owned();
            with(|stack| stack.ca_bundle = Some(path)).map_err(|error| error.to_string())
        };
        assert!(of(&file).unwrap_err().contains("cannot be read"));
        assert!(of(dir.path()).unwrap_err().contains("cannot be read"));
        std::fs::write(&file, "no certificate").unwrap();
        assert!(of(&file).unwrap_err().contains("has no certificates"));
        std::fs::write(&file, "# ours\n-----BEGIN CERTIFICATE-----\n").unwrap();
        assert!(of(&file).is_ok());
    }
}
