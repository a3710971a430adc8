//! One container that processes datums, one after the other.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;

use crate::docker::{Attached, Docker, Lines, WorkerSpec};
use crate::engine::random_hex;
use crate::error::{Error, Result};

/// Longest wait for the small things a carrier does.
const CARRIER_LIMIT: Duration = Duration::from_secs(600);

/// How a command in a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With an exit code.
    Exit(i32),
    /// It took too long. The worker is gone with it.
    TimedOut,
    /// The worker is gone: out of memory, or somebody removed it.
    Gone,
}

/// A container that reads what to do.
pub(super) struct Worker {
    container: Attached,
    lines: Lines,
    /// Random, so that no output looks like the end of a datum by accident.
    mark: String,
}

impl Worker {
    /// Starts one.
    pub(super) async fn start(docker: &Docker, spec: WorkerSpec) -> Result<Self> {
        Ok(Self {
            container: docker.worker(spec).await?,
            lines: Lines::default(),
            mark: random_hex(32)?,
        })
    }

    /// Returns the container's id.
    pub(super) fn id(&self) -> &str {
        &self.container.id
    }

    /// Runs the command (`run`) or the one that rescues (`err`) for a datum.
    pub(super) async fn datum(
        &mut self,
        kind: &str,
        datum: &str,
        limit: Option<Duration>,
        line: impl FnMut(&[u8]),
    ) -> Result<Ended> {
        let said = format!("{kind} {} {datum}\n", self.mark);
        self.tell(&said, limit, line).await
    }

    /// Lets a carrier do something in its shell.
    pub(super) async fn carry(&mut self, words: &str) -> Result<()> {
        let mut said = Vec::new();
        let line = format!("{} {words}\n", self.mark);
        let ended = self
            .tell(&line, Some(CARRIER_LIMIT), |line| said.extend_from_slice(line))
            .await?;
        match ended {
            Ended::Exit(0) => Ok(()),
            other => Err(Error::refused(
                format!(
                    "the container that carries files did not do `{words}` ({other:?}): {}",
                    String::from_utf8_lossy(&said)
                ),
                "see that the engine has room left (`docker system df`) and that the image has sh, rm and chmod",
            )),
        }
    }

    async fn tell(&mut self, words: &str, limit: Option<Duration>, line: impl FnMut(&[u8])) -> Result<Ended> {
        let input = &mut self.container.input;
        let written = async {
            input.write_all(words.as_bytes()).await?;
            input.flush().await
        };
        if written.await.is_err() {
            return Ok(Ended::Gone);
        }
        let answer = self.answer(line);
        match limit {
            None => answer.await,
            Some(limit) => match tokio::time::timeout(limit, answer).await {
                Ok(ended) => ended,
                Err(_) => Ok(Ended::TimedOut),
            },
        }
    }

    /// Reads until the mark. The empty line before it belongs to it.
    async fn answer(&mut self, mut line: impl FnMut(&[u8])) -> Result<Ended> {
        let mut empty = false;
        let mut code = None;
        while let Some(piece) = self.container.output.next().await {
            let mark = &self.mark;
            self.lines.push(&piece, |text| {
                if let Some(found) = exit_code(text, mark) {
                    code = Some(found);
                    return;
                }
                if std::mem::take(&mut empty) {
                    line(b"");
                }
                match text.is_empty() {
                    true => empty = true,
                    false => line(text),
                }
            });
            if let Some(code) = code {
                return Ok(Ended::Exit(code));
            }
        }
        self.lines.finish(line);
        Ok(Ended::Gone)
    }
}

fn exit_code(line: &[u8], mark: &str) -> Option<i32> {
    let rest = line.strip_prefix(mark.as_bytes())?.strip_prefix(b" ")?;
    std::str::from_utf8(rest).ok()?.parse().ok()
}
