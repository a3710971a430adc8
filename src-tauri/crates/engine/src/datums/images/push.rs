//! Between a stack's engine and registries: giving an image a tag of its content and pushing it, which is what
//! `--push-images` does, and pulling what an engine lacks. Docker's own program does it, with the logins it has.

use std::time::Duration;

use super::names::{registry_of, split};
use crate::bake::{docker, push};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::registry;
use crate::wire::Stack;

/// Longest time for giving an image another name.
const TAG: Duration = Duration::from_secs(60);

/// An image as it is pushed, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedPush {
    /// Its name with the tag of its content: `repository:image-<32 hexadecimal digits>`.
    pub reference: String,
    /// Whether the registry has it already.
    pub there: bool,
    /// Why it is pushed or not, one sentence.
    pub reason: String,
}

/// Finds out what an image of a stack's engine would be pushed as, and whether it is there; writes nothing.
///
/// # Errors
/// A sentence when the engine does not have the image.
pub async fn look_push(engine: &Engine, stack: &Stack, source: &str, repository: &str) -> Result<LookedPush> {
    let image = engine.docker_at(stack.context.as_deref()).image(source).await?;
    let Some(image) = image else {
        return Err(Error::refused(
            format!(
                "{source} cannot be pushed: the engine of the stack {} does not have it",
                stack.name
            ),
            format!("build it or `docker pull {source}`, or let --build make it of its Dockerfile"),
        ));
    };
    let content = image.digest.trim_start_matches("sha256:");
    let (repository, _) = split(repository);
    let reference = format!("{repository}:image-{}", &content[..content.len().min(32)]);
    let place = registry_of(repository);
    let (there, reason) = match registry::digest(engine, &reference).await {
        Ok(_) => (true, format!("{place} has this image already")),
        Err(said) => {
            tracing::debug!(reference, said, "the registry does not have it");
            (false, format!("{place} does not have this image yet"))
        }
    };
    Ok(LookedPush {
        reference,
        there,
        reason,
    })
}

/// Pushes an image of a stack's engine to a repository under a tag of its content, unless it is there, and returns its
/// name there.
///
/// # Errors
/// A sentence with the registry and what to do when it does not take the image; the new tag is gone then.
pub async fn push_as(engine: &Engine, stack: &Stack, source: &str, repository: &str) -> Result<String> {
    let looked = look_push(engine, stack, source, repository).await?;
    if looked.there {
        return Ok(looked.reference);
    }
    let reference = looked.reference;
    let answer = docker(engine, stack, &["tag", source, &reference], TAG).await?;
    if !answer.success {
        let said = answer.stderr.trim().to_owned();
        return Err(Error::refused(
            format!("{source} could not be named {reference}: {said}"),
            "see that the name in the spec is one that docker takes",
        ));
    }
    if let Err(error) = push(engine, stack, &reference).await {
        // The image keeps its own name; removing one of several takes only that.
        drop(docker(engine, stack, &["rmi", "--no-prune", &reference], TAG).await);
        return Err(error);
    }
    Ok(reference)
}

/// Makes sure that a stack's engine has an image, pulling it when it does not, and returns its digest there.
///
/// # Errors
/// A sentence with what docker said and what to do.
pub async fn present(engine: &Engine, stack: &Stack, reference: &str) -> Result<String> {
    let context = stack.context.as_deref();
    let docker = engine.docker_at(context);
    crate::run::images::present(engine, &docker, context, (reference, ""), |_| Ok(())).await
}
