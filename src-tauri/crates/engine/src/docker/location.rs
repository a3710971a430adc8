//! Where the Engine is, as the docker command line finds it: `DOCKER_HOST`, then `DOCKER_CONTEXT`, then the context that
//! the configuration names, then the default socket.

use std::path::PathBuf;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// What the client knows of its surroundings; the engine itself looks nothing up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Location {
    /// `DOCKER_HOST`.
    pub(crate) host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub(crate) context: Option<String>,
    /// `DOCKER_CONFIG` or `~/.docker`.
    pub(crate) config: PathBuf,
}

/// Returns the variables that make the docker programs use a context.
pub(crate) fn in_context(name: &str) -> Vec<(String, String)> {
    // An address in the surroundings would win over the context; an empty one does not.
    let set = |variable: &str, value: &str| (variable.to_owned(), value.to_owned());
    vec![set("DOCKER_CONTEXT", name), set("DOCKER_HOST", "")]
}

const DEFAULT: &str = "unix:///var/run/docker.sock";

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextFile {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    host: Option<String>,
}

impl Location {
    /// Returns the name of the context in use, or the address that takes its place.
    pub(crate) fn context_name(&self) -> String {
        match (&self.host, self.named_context()) {
            (Some(host), _) => host.clone(),
            (None, Some(name)) => name,
            (None, None) => "default".to_owned(),
        }
    }

    /// Returns the name of the builder that buildx uses for this engine.
    pub(crate) fn builder_name(&self) -> String {
        if self.host.is_some() {
            "default".to_owned()
        } else {
            self.named_context().unwrap_or_else(|| "default".to_owned())
        }
    }

    fn named_context(&self) -> Option<String> {
        let from_file = || {
            let text = std::fs::read_to_string(self.config.join("config.json")).ok()?;
            serde_json::from_str::<ConfigFile>(&text).ok()?.current_context
        };
        let name = self.context.clone().or_else(from_file)?;
        (!name.is_empty() && name != "default").then_some(name)
    }

    /// Returns whether there is a docker context of this name.
    pub(crate) fn has_context(&self, name: &str) -> bool {
        name == "default" || self.context_file(name).exists()
    }

    fn context_file(&self, name: &str) -> PathBuf {
        let digest: String = Sha256::digest(name.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.config.join("contexts/meta").join(digest).join("meta.json")
    }

    /// Returns the machine that published ports are on.
    pub(crate) fn host_name(&self) -> String {
        let endpoint = self.endpoint().unwrap_or_default();
        let far = endpoint
            .strip_prefix("tcp://")
            .or_else(|| endpoint.strip_prefix("ssh://"))
            .and_then(|rest| rest.rsplit('@').next())
            .and_then(|rest| rest.split(['/', ':']).next());
        far.filter(|host| !host.is_empty())
            .unwrap_or("localhost")
            .to_owned()
    }

    /// Returns the Engine's address.
    pub(crate) fn endpoint(&self) -> Result<String> {
        if let Some(host) = &self.host {
            return Ok(if host.contains("://") {
                host.clone()
            } else {
                format!("tcp://{host}")
            });
        }
        let Some(name) = self.named_context() else {
            return Ok(DEFAULT.to_owned());
        };
        let file = self.context_file(&name);
        let missing = |why: String| Error::EngineUnreachable {
            endpoint: format!("docker context {name}"),
            source: why.into(),
        };
        let text = std::fs::read_to_string(&file)
            .map_err(|error| missing(format!("{}: {error}", file.display())))?;
        let context: ContextFile = serde_json::from_str(&text).map_err(|error| missing(error.to_string()))?;
        let host = context.endpoints.docker.and_then(|endpoint| endpoint.host);
        host.ok_or_else(|| missing("the context names no Docker address".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> (tempfile::TempDir, Location) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.json"), r#"{"currentContext": "far"}"#).unwrap();
        let digest: String = Sha256::digest(b"far")
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let meta = dir.path().join("contexts/meta").join(digest);
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:1"}}}"#,
        )
        .unwrap();
        let location = Location {
            config: dir.path().to_owned(),
            ..Location::default()
        };
        (dir, location)
    }

    #[test]
    fn the_host_wins_over_the_context_and_the_context_over_the_default() {
        let (_dir, location) = config();
        assert_eq!(location.endpoint().unwrap(), "tcp://far:1");
        let with_host = Location {
            host: Some("unix:///x".into()),
            ..location.clone()
        };
        assert_eq!(with_host.endpoint().unwrap(), "unix:///x");
        let explicit = Location {
            context: Some("default".into()),
            ..location
        };
        assert_eq!(explicit.endpoint().unwrap(), DEFAULT);
    }

    #[test]
    fn a_context_that_is_gone_is_an_error_that_names_it() {
        let (_dir, location) = config();
        let gone = Location {
            context: Some("nowhere".into()),
            ..location
        };
        assert!(gone.endpoint().unwrap_err().to_string().contains("nowhere"));
    }
}
