//! Asking a program, with a time limit; nothing it starts outlives the question.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::process::{end_group, kill_group, spawn};
use crate::error::{Error, Result};

/// Most that is read of an answer; a cache of fifty thousand entries fits.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// What a program said.
pub(crate) struct Answer {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
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

/// Runs a program and waits for its end; `Builder` is the error when the time is up.
pub(crate) async fn ask_program(
    program: &str,
    arguments: &[String],
    folder: &Path,
    env: &[(String, String)],
    limit: Duration,
) -> Result<Answer> {
    let mut child = spawn(program, arguments, folder, env)?;
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
        Ok(answer) => {
            answer.map_err(|error| Error::internal(format!("{program} could not be waited for"), error))
        }
        Err(elapsed) => {
            end_group(group).await;
            let words: Vec<&str> = arguments.iter().take(2).map(String::as_str).collect();
            Err(Error::Builder {
                message: format!(
                    "{program} {} did not answer within {} s",
                    words.join(" "),
                    limit.as_secs()
                ),
                hint: "something it needs may be out of reach; `docker buildx ls` shows the builders"
                    .to_owned(),
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
