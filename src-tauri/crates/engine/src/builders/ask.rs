//! Asking `docker buildx`, with a time limit; nothing it starts outlives the question.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::bake::{end_group, kill_group, spawn};
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Most that is read of an answer; a cache of fifty thousand entries fits.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// What buildx said.
pub(super) struct Answer {
    pub(super) success: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Kills a question's processes when nobody waits for the answer any more.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            kill_group(group);
        }
    }
}

/// Runs `docker buildx` with these arguments and waits for its end.
pub(super) async fn ask(engine: &Engine, arguments: &[&str], limit: Duration) -> Result<Answer> {
    // Says what to install when it is missing.
    engine.docker().buildx().await?;
    let all: Vec<String> = ["buildx"]
        .iter()
        .chain(arguments)
        .map(|word| (*word).to_owned())
        .collect();
    let mut child = spawn("docker", &all, engine.home(), &engine.docker().location.env())?;
    let group = child.id().unwrap_or(0);
    let mut guard = Group(Some(group));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (stdout, stderr, status) = tokio::join!(read(stdout), read(stderr), child.wait());
        status.map(|status| Answer {
            success: status.success(),
            stdout,
            stderr,
        })
    };
    let answer = tokio::time::timeout(limit, work).await;
    guard.0 = None;
    match answer {
        Ok(answer) => answer.map_err(|error| Error::internal("buildx could not be waited for", error)),
        Err(elapsed) => {
            end_group(group).await;
            Err(Error::Builder {
                message: format!(
                    "docker buildx {} did not answer within {} s",
                    arguments.first().unwrap_or(&""),
                    limit.as_secs()
                ),
                hint: "a builder may be out of reach; see which one with `docker buildx ls`".to_owned(),
                source: elapsed.into(),
            })
        }
    }
}

async fn read<R: AsyncRead + Unpin>(stream: Option<R>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What came before an error still counts.
        drop(stream.take(MAX_BYTES).read_to_end(&mut bytes).await);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
