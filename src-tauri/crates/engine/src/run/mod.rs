//! Runs: containers started from a build, and compose projects.

pub mod deploy;
pub mod deploys;
pub(crate) mod images;
pub mod pipelines;
mod ports;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Mutex;

use futures_util::StreamExt;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::docker::Attached;
use crate::engine::{Engine, lock};
use crate::error::{Error, Result};
use crate::secrets::{is_secret_name, redacted};
use crate::wire::{Build, BuildId, BuildStatus, ImageDetail, KeyField, Run, ShellEvent};

pub(crate) use deploys::Deploys;

const LABEL: &str = "dev.headstart.run";

/// The shells this process is attached to, by container.
#[derive(Default)]
pub(crate) struct Shells(Mutex<HashMap<String, tokio::sync::mpsc::Sender<Vec<u8>>>>);

/// Lists running containers that came from builds.
pub async fn list(engine: &Engine) -> Result<Vec<Run>> {
    let listed = engine.docker().containers(LABEL).await?;
    let label = |labels: &HashMap<String, String>, name: &str| labels.get(name).cloned().unwrap_or_default();
    Ok(listed
        .into_iter()
        .map(|container| Run {
            build: BuildId(label(&container.labels, LABEL)),
            project_name: label(&container.labels, "dev.headstart.project"),
            commit: label(&container.labels, "dev.headstart.run.commit"),
            id: container.id,
            name: container.name,
            created_at: container.created * 1000,
            status: container.status,
        })
        .collect())
}

/// Opens a shell in a new container of a build's image and reports it until it ends. The container goes with it, also
/// when `on_event` returns false because nobody listens any more.
pub async fn shell(
    engine: &Engine,
    build: &BuildId,
    size: (u16, u16),
    on_event: impl Fn(ShellEvent) -> bool + Send,
) -> Result<()> {
    let (build, reference) = image_of(engine, build).await?;
    let labels = HashMap::from([
        (LABEL.to_owned(), build.id.to_string()),
        ("dev.headstart.project".to_owned(), build.project_name.clone()),
        ("dev.headstart.run.commit".to_owned(), build.commit.clone()),
    ]);
    let Attached {
        id,
        mut output,
        input,
    } = engine.docker().shell(&reference, labels, size).await?;
    let (sender, receiver) = tokio::sync::mpsc::channel(64);
    lock(&engine.shells().0).insert(id.clone(), sender);
    let writer = tokio::spawn(write_all(input, receiver));
    let mut listening = on_event(ShellEvent::Started { run: id.clone() });
    while listening {
        let Some(bytes) = output.next().await else { break };
        listening = on_event(ShellEvent::Output {
            base64: data_encoding::BASE64.encode(&bytes),
        });
    }
    lock(&engine.shells().0).remove(&id);
    writer.abort();
    if listening {
        let code = engine.docker().wait(&id).await;
        on_event(ShellEvent::Exited { code });
    }
    engine.docker().remove_container(&id).await
}

async fn write_all(
    mut input: Pin<Box<dyn AsyncWrite + Send>>,
    mut typed: tokio::sync::mpsc::Receiver<Vec<u8>>,
) {
    while let Some(bytes) = typed.recv().await {
        if input.write_all(&bytes).await.is_err() || input.flush().await.is_err() {
            return;
        }
    }
}

/// Sends typed bytes to a shell of this process.
pub async fn write(engine: &Engine, run: &str, bytes: &[u8]) -> Result<()> {
    let sender = lock(&engine.shells().0).get(run).cloned();
    let sender = sender.ok_or_else(|| ended(run))?;
    sender.send(bytes.to_vec()).await.map_err(|_| ended(run))
}

/// Tells a shell the size of its terminal, in columns and rows.
pub async fn resize(engine: &Engine, run: &str, size: (u16, u16)) -> Result<()> {
    if !lock(&engine.shells().0).contains_key(run) {
        return Err(ended(run));
    }
    engine.docker().resize(run, size).await
}

/// Stops and removes a run's container.
pub async fn stop(engine: &Engine, run: &str) -> Result<()> {
    let ours = engine
        .docker()
        .containers(LABEL)
        .await?
        .into_iter()
        .any(|container| container.id == run);
    if !ours {
        return Err(ended(run));
    }
    engine.docker().remove_container(run).await
}

/// Returns what the Engine knows of a build's image.
pub async fn image_detail(engine: &Engine, build: &BuildId) -> Result<ImageDetail> {
    let (_, reference) = image_of(engine, build).await?;
    let image = engine
        .docker()
        .image(&reference)
        .await?
        .ok_or_else(|| gone(&reference))?;
    let show = |variable: String| match variable.split_once('=') {
        Some((name, value)) if is_secret_name(name) => format!("{name}={}", redacted(value)),
        _ => variable,
    };
    Ok(ImageDetail {
        shell_command: format!("docker run --rm -it {reference} sh"),
        reference,
        digest: image.digest,
        bytes: image.bytes,
        layers: image.layers,
        platform: image.platform,
        created: image.created,
        working_dir: image.working_dir,
        user: image.user,
        env: image.env.into_iter().map(show).collect(),
        labels: image
            .labels
            .into_iter()
            .map(|(name, value)| KeyField { name, value })
            .collect(),
    })
}

/// Returns a build and its image's reference; refuses builds that have none.
pub async fn image_of(engine: &Engine, build: &BuildId) -> Result<(Build, String)> {
    let build = engine.catalogue().build(build)?;
    if build.status != BuildStatus::Succeeded {
        let state = build.status.as_str().replace('_', " ");
        return Err(Error::refused(
            format!("the build has {state}, it has no image"),
            "choose one that succeeded",
        ));
    }
    let Some(image) = build.images.first().cloned() else {
        return Err(Error::refused("the build has no image", "build the commit again"));
    };
    match engine.docker().image(&image.reference).await? {
        Some(found) if found.digest == image.digest => Ok((build, image.reference)),
        _ => Err(gone(&image.reference)),
    }
}

fn gone(reference: &str) -> Error {
    Error::refused(
        format!("the Engine does not have {reference} any more"),
        "build the commit again",
    )
}

/// Returns an error for a shell that is not there any more.
fn ended(id: &str) -> Error {
    let short: String = id.chars().take(12).collect();
    Error::refused(format!("the shell {short} has ended"), "open a new one")
}
