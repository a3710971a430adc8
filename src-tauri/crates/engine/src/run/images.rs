//! Images that containers are started from: here already, or pulled.

use std::time::Duration;

use crate::bake::ask_program;
use crate::docker::{Docker, in_context};
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Longest time for getting an image from a registry.
const PULL: Duration = Duration::from_secs(30 * 60);

/// Makes sure that an engine has an image, and returns what it is used by. `digest` is the only one that will do; any will
/// when it is empty.
pub(crate) async fn present(
    engine: &Engine,
    docker: &Docker,
    context: Option<&str>,
    (reference, digest): (&str, &str),
    say: impl FnOnce(&str) -> Result<()>,
) -> Result<String> {
    let here = docker.image(reference).await?;
    if let Some(here) = here.filter(|here| digest.is_empty() || here.digest == digest) {
        return Ok(here.digest);
    }
    if !digest.is_empty()
        && let Some(here) = docker.image(digest).await?
    {
        return Ok(here.digest);
    }
    let name = match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') && !digest.is_empty() => format!("{name}@{digest}"),
        _ => reference.to_owned(),
    };
    say(&format!("pulling {name}"))?;
    // The docker program knows the user's credentials, which are never read here.
    let mut env = engine.docker().location.env();
    if let Some(context) = context {
        env.extend(in_context(context));
    }
    let words = ["pull", "--quiet", &name].map(str::to_owned);
    let answer = ask_program("docker", &words, engine.home(), &env, PULL).await?;
    if !answer.success {
        let said = answer.stderr.lines().rfind(|line| !line.trim().is_empty());
        return Err(Error::refused(
            format!(
                "the image {name} could not be pulled: {}",
                said.unwrap_or("docker did not say why").trim()
            ),
            "see that the registry has it and that `docker login` was done, or build it again",
        ));
    }
    let pulled = docker.image(&name).await?;
    Ok(pulled.map_or(name, |image| image.digest))
}
