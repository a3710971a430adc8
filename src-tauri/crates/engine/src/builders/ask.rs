//! Asking `docker buildx`.

use std::time::Duration;

pub(super) use crate::bake::Answer;
use crate::bake::ask_program;
use crate::engine::Engine;
use crate::error::Result;

/// Runs `docker buildx` with these arguments and waits for its end.
pub(super) async fn ask(engine: &Engine, arguments: &[&str], limit: Duration) -> Result<Answer> {
    ask_at(engine, None, arguments, limit).await
}

/// Runs `docker buildx` about one builder. That of a docker context works in its context only, in use or not.
pub(super) async fn ask_about(
    engine: &Engine,
    builder: &str,
    arguments: &[&str],
    limit: Duration,
) -> Result<Answer> {
    let location = &engine.docker().location;
    let context = (location.has_context(builder) && builder != location.builder_name()).then_some(builder);
    ask_at(engine, context, arguments, limit).await
}

async fn ask_at(
    engine: &Engine,
    context: Option<&str>,
    arguments: &[&str],
    limit: Duration,
) -> Result<Answer> {
    // Says what to install when it is missing.
    engine.docker().buildx().await?;
    let words = ["buildx"].iter().chain(arguments);
    let all: Vec<String> = words.map(|word| (*word).to_owned()).collect();
    let env = engine.docker_at(context).location.env();
    ask_program("docker", &all, engine.home(), &env, limit).await
}
