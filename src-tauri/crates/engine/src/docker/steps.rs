//! Containers that run the steps of a pipeline.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{LogsOptions, RemoveVolumeOptions, StartContainerOptions};
use futures_util::StreamExt;

use super::Docker;
use super::containers::stream;
use super::lines::Lines;
use crate::error::Result;

/// What a step's container is made of.
#[derive(Clone, Debug)]
pub(crate) struct StepContainer {
    /// Image, by reference or digest.
    pub(crate) image: String,
    /// Words of the command.
    pub(crate) command: Vec<String>,
    /// Whether the image's own entrypoint gets the command.
    pub(crate) keeps_entrypoint: bool,
    /// Variables as `NAME=value`.
    pub(crate) environment: Vec<String>,
    /// Where it works; none for the image's own folder.
    pub(crate) working_dir: Option<String>,
    /// Labels.
    pub(crate) labels: HashMap<String, String>,
    /// Mounts as `volume:folder`.
    pub(crate) binds: Vec<String>,
}

/// A line that a container wrote.
pub(crate) struct Written {
    /// The line, without its end.
    pub(crate) bytes: Vec<u8>,
}

impl Docker {
    /// Creates a container for a step and returns its id.
    pub(crate) async fn create_step(&self, step: StepContainer) -> Result<String> {
        let client = self.client().await?;
        let body = ContainerCreateBody {
            image: Some(step.image),
            cmd: Some(step.command),
            entrypoint: (!step.keeps_entrypoint).then(Vec::new),
            env: Some(step.environment),
            working_dir: step.working_dir,
            labels: Some(step.labels),
            host_config: Some(HostConfig {
                binds: Some(step.binds),
                init: Some(true),
                ..Default::default()
            }),
            ..Default::default()
        };
        let created = client
            .create_container(None, body)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(created.id)
    }

    /// Starts a container.
    pub(crate) async fn start_step(&self, id: &str) -> Result<()> {
        let client = self.client().await?;
        client
            .start_container(id, None::<StartContainerOptions>)
            .await
            .map_err(|error| self.failed(error))
    }

    /// Follows all that a container writes, from its start until it ends.
    pub(crate) async fn follow(&self, id: &str, lines: tokio::sync::mpsc::Sender<Written>) -> Result<()> {
        let client = self.client().await?;
        let options = LogsOptions {
            follow: true,
            stdout: true,
            stderr: true,
            tail: "all".to_owned(),
            ..Default::default()
        };
        let mut output = Box::pin(client.logs(id, Some(options)));
        // The two streams come in pieces of their own, and a piece of one must not end up in a line of the other.
        let mut open = [Lines::default(), Lines::default()];
        while let Some(piece) = output.next().await {
            let piece = piece.map_err(|error| self.failed(error))?;
            let mut ended = Vec::new();
            open[stream(&piece)].push(&piece.into_bytes(), |line| ended.push(line.to_vec()));
            for bytes in ended {
                if lines.send(Written { bytes }).await.is_err() {
                    return Ok(());
                }
            }
        }
        for mut rest in open {
            let mut last = None;
            rest.finish(|line| last = Some(line.to_vec()));
            if let Some(bytes) = last {
                drop(lines.send(Written { bytes }).await);
            }
        }
        Ok(())
    }

    /// Removes a volume; a missing one is not an error.
    pub(crate) async fn remove_volume(&self, name: &str) -> Result<()> {
        let client = self.client().await?;
        match client
            .remove_volume(name, Some(RemoveVolumeOptions { force: true }))
            .await
        {
            Ok(())
            | Err(bollard::errors::Error::DockerResponseServerError {
                status_code: 404 | 409,
                ..
            }) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }
}
