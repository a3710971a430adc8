//! Asking `docker buildx`.

use std::time::Duration;

pub(super) use crate::bake::Answer;
use crate::bake::ask_program;
use crate::engine::Engine;
use crate::error::Result;

/// Runs `docker buildx` with these arguments and waits for its end.
pub(super) async fn ask(engine: &Engine, arguments: &[&str], limit: Duration) -> Result<Answer> {
    // Says what to install when it is missing.
    engine.docker().buildx().await?;
    let words = ["buildx"].iter().chain(arguments);
    let all: Vec<String> = words.map(|word| (*word).to_owned()).collect();
    let env = engine.docker().location.env();
    ask_program("docker", &all, engine.home(), &env, limit).await
}
