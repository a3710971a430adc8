//! Names of images: their registry, and whether docker has a login for it.

use crate::docker::{HUB, registry_host, registry_users};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::compose::reference::names_registry;

/// Returns the registry that an image's name leads to: `host[:port]`, or Docker Hub's when it names none.
pub fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if names_registry(image) => host,
        _ => HUB,
    }
}

/// Splits an image's name into repository and tag or digest; the tag is a colon after the last slash.
pub fn split(image: &str) -> (&str, Option<&str>) {
    if let Some((repository, digest)) = image.split_once('@') {
        return (repository, Some(digest));
    }
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (image, None),
    }
}

/// Returns whether an image is pushed: when its name has a registry, or somebody named one.
pub fn is_pushed(repository: &str, registry: Option<&str>) -> bool {
    registry.is_some() || names_registry(repository)
}

/// Checks, before anything is built, that docker has the login that somebody named: for a registry, and for a user of it.
/// With neither named nothing is asked: docker uses what it has, and some registries want no login.
///
/// # Errors
/// A sentence when there is no such login, or when the registry is not the one that the image's name leads to: a registry
/// that is named chooses a login and never the place.
pub async fn check_login(
    engine: &Engine,
    repository: &str,
    registry: Option<&str>,
    username: Option<&str>,
) -> Result<()> {
    if registry.is_none() && username.is_none() {
        return Ok(());
    }
    let place = registry_of(repository);
    let wanted = registry_host(registry.unwrap_or(place));
    if wanted != registry_host(place) {
        return Err(Error::refused(
            format!("{repository} is pushed to {place}, and a login for {wanted} does not help there"),
            format!("name the image {wanted}/… in the spec: --registry chooses a login, not the place"),
        ));
    }
    let logins = registry_users(&engine.docker().location, engine.home(), &wanted).await?;
    let login = match username {
        Some(user) => format!("docker login --username {user} {wanted}"),
        None => format!("docker login {wanted}"),
    };
    match username {
        _ if logins.is_empty() => Err(Error::refused(
            format!("docker has no login for {wanted}"),
            format!("do it once: {login}"),
        )),
        Some(user)
            if !logins
                .iter()
                .any(|login| login.as_deref().is_none_or(|name| name == user)) =>
        {
            let users: Vec<&str> = logins.iter().flatten().map(String::as_str).collect();
            Err(Error::refused(
                format!(
                    "docker's login for {wanted} is of {}, not of {user}",
                    users.join(", ")
                ),
                format!("change it: {login}"),
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_the_colon_after_the_last_slash() {
        for (image, expected) in [
            ("ubuntu", ("ubuntu", None)),
            ("acme/app:1", ("acme/app", Some("1"))),
            ("localhost:5000/x", ("localhost:5000/x", None)),
            ("localhost:5000/x:2", ("localhost:5000/x", Some("2"))),
            ("r.example/x@sha256:00", ("r.example/x", Some("sha256:00"))),
        ] {
            assert_eq!(split(image), expected, "{image}");
        }
    }

    #[test]
    fn images_go_to_the_registry_of_their_name() {
        assert_eq!(registry_of("r.example:5000/acme/app"), "r.example:5000");
        assert_eq!(registry_of("acme/app"), HUB);
        assert!(is_pushed("localhost/x", None) && is_pushed("acme/app", Some("docker.io")));
        assert!(!is_pushed("acme/app", None));
    }
}
