//! Which logins docker has. Passwords are never read: docker's own program uses them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::Location;
use crate::bake::ask_program;
use crate::error::{Error, Result};

/// Docker Hub, as names without a registry mean it.
pub(crate) const HUB: &str = "index.docker.io";
/// Longest wait for a credential helper.
const LIMIT: Duration = Duration::from_secs(15);

/// Returns the host that a key of docker's configuration or somebody's words mean.
pub(crate) fn registry_host(text: &str) -> String {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = text.split('/').next().unwrap_or_default().to_ascii_lowercase();
    match host.as_str() {
        "docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => HUB.to_owned(),
        _ => host,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Configuration {
    auths: BTreeMap<String, Auth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    identitytoken: Option<String>,
}

/// Lists the users that docker is logged in as at a host, as [`registry_host`] has it; none for one whose name is not known.
pub(crate) async fn registry_users(
    location: &Location,
    home: &Path,
    wanted: &str,
) -> Result<Vec<Option<String>>> {
    let path = location.config.join("config.json");
    let configuration: Configuration = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| {
            Error::refused(
                format!(
                    "docker's configuration {} cannot be read: {error}",
                    path.display()
                ),
                "correct the file",
            )
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Configuration::default(),
        Err(error) => return Err(Error::file("reading", path)(error)),
    };
    let own_helper = configuration
        .cred_helpers
        .iter()
        .find(|(key, _)| registry_host(key) == wanted);
    let helper = own_helper
        .map(|(_, helper)| helper)
        .or(configuration.creds_store.as_ref());
    if let Some(helper) = helper.filter(|helper| !helper.is_empty()) {
        let users = kept_by(home, &location.env(), helper, wanted).await?;
        // A helper for one registry may make credentials when they are asked for, and list none.
        let may_make = own_helper.is_some() && users.is_empty();
        return Ok(if may_make { vec![None] } else { users });
    }
    Ok(in_file(&configuration, wanted))
}

/// Lists the users whose logins stand in the configuration itself.
fn in_file(configuration: &Configuration, wanted: &str) -> Vec<Option<String>> {
    let of_host = configuration
        .auths
        .iter()
        .filter(|(key, _)| registry_host(key) == wanted);
    of_host
        .filter(|(_, auth)| auth.auth.is_some() || auth.username.is_some() || auth.identitytoken.is_some())
        .map(|(_, auth)| auth.username.clone().or_else(|| user_of(auth.auth.as_deref()?)))
        .collect()
}

/// Returns the user of an encoded `user:password`. Decoding ends at the colon: what is behind it is nobody's business.
fn user_of(encoded: &str) -> Option<String> {
    let mut user = Vec::new();
    for group in encoded.as_bytes().chunks(4) {
        let decoded = data_encoding::BASE64.decode(group).ok()?;
        match decoded.iter().position(|byte| *byte == b':') {
            Some(end) => {
                user.extend_from_slice(&decoded[..end]);
                return String::from_utf8(user).ok();
            }
            None => user.extend(decoded),
        }
    }
    None
}

/// Asks a credential helper for whom it keeps credentials of a host. Its list has servers and users, no passwords.
async fn kept_by(
    home: &Path,
    env: &[(String, String)],
    helper: &str,
    wanted: &str,
) -> Result<Vec<Option<String>>> {
    let program = format!("docker-credential-{helper}");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !helper.chars().all(plain) {
        return Err(Error::refused(
            format!("docker's configuration names {helper:?} as its credential helper"),
            "correct `credsStore` or `credHelpers` there",
        ));
    }
    let answer = ask_program(&program, &["list".to_owned()], home, env, LIMIT).await;
    let answer = answer.map_err(|error| match error {
        Error::MissingProgram { program, .. } => Error::MissingProgram {
            program,
            hint: "docker's configuration names it for its logins: install it, or log in without it"
                .to_owned(),
        },
        other => other,
    })?;
    if !answer.success {
        let said = answer.stderr.lines().chain(answer.stdout.lines()).next();
        return Err(Error::refused(
            format!(
                "{program} does not list its logins: {}",
                said.unwrap_or("it did not say why")
            ),
            "see that `docker login` works",
        ));
    }
    let all: BTreeMap<String, String> = serde_json::from_str(&answer.stdout).unwrap_or_default();
    let of_host = all
        .into_iter()
        .filter(|(server, _)| registry_host(server) == wanted);
    Ok(of_host.map(|(_, user)| Some(user)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_found_by_host_whatever_the_key_looks_like() {
        let encoded = data_encoding::BASE64.encode(b"ada:very secret");
        let text = format!(
            r#"{{"auths": {{"https://index.docker.io/v1/": {{"auth": "{encoded}"}}, "r.example:5000": {{}},
                "https://r.example/v2/": {{"username": "ben", "identitytoken": "t"}}}}}}"#
        );
        let configuration: Configuration = serde_json::from_str(&text).unwrap();
        let of = |name: &str| in_file(&configuration, &registry_host(name));
        assert_eq!(of("docker.io"), [Some("ada".to_owned())]);
        assert_eq!(of("r.example"), [Some("ben".to_owned())]);
        assert!(
            of("r.example:5000").is_empty(),
            "an entry without credentials is no login"
        );
        assert!(of("elsewhere").is_empty());
    }

    #[test]
    fn the_user_is_read_and_what_is_behind_the_colon_is_not() {
        let encode = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
        assert_eq!(user_of(&encode("ada:x")), Some("ada".to_owned()));
        assert_eq!(user_of(&encode("a:")), Some("a".to_owned()));
        assert_eq!(user_of("no base64!"), None);
        // What follows the user may be anything, even no encoding at all.
        assert_eq!(
            user_of(&format!("{}????", encode("adam:x"))),
            Some("adam".to_owned())
        );
    }
}
