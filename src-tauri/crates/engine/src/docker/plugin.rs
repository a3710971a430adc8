//! The buildx plugin: whether it is there, and which version.

use std::process::Stdio;

use tokio::process::Command;

use super::{Location, in_context};
use crate::error::{Error, Result};

/// The buildx plugin that `docker` finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Buildx {
    /// Version as it says, such as `0.13.1`.
    pub(crate) version: String,
    /// Major and minor.
    pub(crate) number: (u32, u32),
}

impl Buildx {
    /// Returns whether reading folders outside the bake file's own has to be allowed (`--allow fs.read=…`).
    pub(crate) fn wants_allow(&self) -> bool {
        self.number >= (0, 18)
    }
}

/// Asks the docker command line for its buildx.
pub(crate) async fn probe_buildx(location: &Location) -> Result<Buildx> {
    let mut command = Command::new("docker");
    command
        .args(["buildx", "version"])
        .envs(location.env())
        .stdin(Stdio::null());
    let missing = |program: &str| Error::MissingProgram {
        program: program.to_owned(),
        hint:
            "install the Docker command line with its buildx plugin (packages docker-cli and docker-buildx)"
                .to_owned(),
    };
    let output = command.output().await.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing("docker"),
        _ => Error::internal("docker could not be started", error),
    })?;
    if !output.status.success() {
        return Err(missing("docker buildx"));
    }
    parse(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| missing("a buildx with a version number"))
}

fn parse(text: &str) -> Option<Buildx> {
    let digits = |word: &&str| {
        word.trim_start_matches('v')
            .starts_with(|c: char| c.is_ascii_digit())
    };
    let word = text.split_whitespace().find(digits)?.trim_start_matches('v');
    let mut numbers = word.split(['.', '-', '+']);
    let number = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    Some(Buildx {
        version: word.to_owned(),
        number,
    })
}

impl Location {
    /// Returns the variables that make a docker program use this engine.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let mut env = vec![(
            "DOCKER_CONFIG".to_owned(),
            self.config.to_string_lossy().into_owned(),
        )];
        env.extend(
            self.host
                .iter()
                .map(|host| ("DOCKER_HOST".to_owned(), host.clone())),
        );
        if let Some(context) = &self.context {
            match self.host {
                Some(_) => env.push(("DOCKER_CONTEXT".to_owned(), context.clone())),
                None => env.extend(in_context(context)),
            }
        }
        env
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_several_packagers_are_read() {
        for (text, number, wants) in [
            ("github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3", (0, 13), false),
            (
                "github.com/docker/buildx v0.21.2 1360a9e8d25a2c3d03c2776d53ae62e6ff0a843d",
                (0, 21),
                true,
            ),
            ("github.com/docker/buildx v0.18.0-desktop.1 abc", (0, 18), true),
        ] {
            let buildx = parse(text).unwrap();
            assert_eq!((buildx.number, buildx.wants_allow()), (number, wants), "{text}");
        }
        assert_eq!(parse("nothing"), None);
    }
}
