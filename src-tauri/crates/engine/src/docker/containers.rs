//! Containers: listing, attaching, ending.

use std::collections::HashMap;
use std::pin::Pin;

use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, HostConfig, PortSummary};
use bollard::query_parameters::{
    AttachContainerOptions, ListContainersOptions, LogsOptions, RemoveContainerOptions,
    ResizeContainerTTYOptions, StartContainerOptions, WaitContainerOptions,
};
use futures_util::{Stream, StreamExt};
use tokio::io::AsyncWrite;

use super::Docker;
use super::lines::Lines;
use super::workers::whole;
use crate::error::Result;

/// What a container writes, until it ends.
pub(crate) type ContainerOutput = Pin<Box<dyn Stream<Item = Vec<u8>> + Send>>;

/// A container with somebody at its input and output.
pub(crate) struct Attached {
    pub(crate) id: String,
    pub(crate) output: ContainerOutput,
    pub(crate) input: Pin<Box<dyn AsyncWrite + Send>>,
}

/// A container as the Engine lists it: id, name, labels, creation in seconds since the epoch, status.
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) labels: HashMap<String, String>,
    pub(crate) created: i64,
    pub(crate) status: String,
}

/// A container of a deployment, also one that has ended.
pub(crate) struct Deployed {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) labels: HashMap<String, String>,
    pub(crate) image: String,
    pub(crate) state: String,
    pub(crate) status: String,
    pub(crate) ports: Vec<PortSummary>,
}

impl Docker {
    /// Lists containers that have a label, also those that have ended.
    pub(crate) async fn deployed(&self, label: &str) -> Result<Vec<Deployed>> {
        let client = self.client().await?;
        let options = ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([("label".to_owned(), vec![label.to_owned()])])),
            ..Default::default()
        };
        let all = client
            .list_containers(Some(options))
            .await
            .map_err(|error| self.failed(error))?;
        let listed = all.into_iter().filter_map(|container| {
            let name = container
                .names
                .and_then(|names| names.into_iter().next())
                .unwrap_or_default();
            Some(Deployed {
                id: container.id?,
                name: name.trim_start_matches('/').to_owned(),
                labels: container.labels.unwrap_or_default(),
                image: container.image.unwrap_or_default(),
                state: container.state.map(|state| state.to_string()).unwrap_or_default(),
                status: container.status.unwrap_or_default(),
                ports: container.ports.unwrap_or_default(),
            })
        });
        Ok(listed.collect())
    }

    /// Follows a container's log from its last thousand lines until it ends or `on_line` returns false.
    pub(crate) async fn log_lines(&self, id: &str, on_line: impl Fn(&[u8]) -> bool + Send) -> Result<()> {
        let client = self.client().await?;
        let options = LogsOptions {
            follow: true,
            stdout: true,
            stderr: true,
            tail: "1000".to_owned(),
            ..Default::default()
        };
        let mut output = Box::pin(client.logs(id, Some(options)));
        // The two streams come in pieces of their own, and a piece of one must not end up in a line of the other.
        let mut open = [Lines::default(), Lines::default()];
        let mut goes_on = true;
        while let Some(piece) = output.next().await {
            let piece = piece.map_err(|error| self.failed(error))?;
            let lines = &mut open[stream(&piece)];
            lines.push(&piece.into_bytes(), |line| goes_on = goes_on && on_line(line));
            if !goes_on {
                return Ok(());
            }
        }
        for mut lines in open {
            lines.finish(|line| {
                on_line(line);
            });
        }
        Ok(())
    }

    /// Creates a container, attaches to it and starts it, so that nothing it writes is missed. `files` are put into it
    /// before it starts.
    pub(crate) async fn attached(
        &self,
        body: ContainerCreateBody,
        files: Option<Vec<u8>>,
    ) -> Result<Attached> {
        let client = self.client().await?;
        let created = client
            .create_container(None, body)
            .await
            .map_err(|error| self.failed(error))?;
        let start = async {
            if let Some(files) = files {
                self.put_tar(&created.id, "/", whole(files)).await?;
            }
            let attach = AttachContainerOptions {
                stream: true,
                stdin: true,
                stdout: true,
                stderr: true,
                ..Default::default()
            };
            let attached = client
                .attach_container(&created.id, Some(attach))
                .await
                .map_err(|error| self.failed(error))?;
            client
                .start_container(&created.id, None::<StartContainerOptions>)
                .await
                .map_err(|error| self.failed(error))?;
            Ok(attached)
        };
        let attached = match start.await {
            Ok(attached) => attached,
            Err(error) => {
                self.remove_container(&created.id).await?;
                return Err(error);
            }
        };
        let output = attached
            .output
            .filter_map(|item| async move { item.ok().map(|log| log.into_bytes().to_vec()) });
        Ok(Attached {
            id: created.id,
            output: Box::pin(output),
            input: attached.input,
        })
    }

    /// Starts a shell in a new container, which is removed when it ends.
    pub(crate) async fn shell(
        &self,
        image: &str,
        labels: HashMap<String, String>,
        (columns, rows): (u16, u16),
    ) -> Result<Attached> {
        let script = "command -v bash >/dev/null 2>&1 && exec bash -l || exec sh -l";
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: Some(vec!["sh".into(), "-c".into(), script.into()]),
            entrypoint: Some(Vec::new()),
            env: Some(vec!["TERM=xterm-256color".into()]),
            tty: Some(true),
            open_stdin: Some(true),
            stdin_once: Some(true),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            labels: Some(labels),
            host_config: Some(HostConfig {
                auto_remove: Some(true),
                init: Some(false),
                console_size: Some(vec![rows.into(), columns.into()]),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.attached(body, None).await
    }

    /// Waits for a container's end and returns its exit code, when the Engine tells.
    pub(crate) async fn wait(&self, id: &str) -> Option<i32> {
        let client = self.client().await.ok()?;
        let answer = Box::pin(client.wait_container(id, None::<WaitContainerOptions>))
            .next()
            .await?;
        match answer {
            Ok(answer) => i32::try_from(answer.status_code).ok(),
            Err(bollard::errors::Error::DockerContainerWaitError { code, .. }) => i32::try_from(code).ok(),
            Err(_) => None,
        }
    }

    /// Tells a container the size of its terminal.
    pub(crate) async fn resize(&self, id: &str, (columns, rows): (u16, u16)) -> Result<()> {
        let client = self.client().await?;
        let options = ResizeContainerTTYOptions {
            h: rows.into(),
            w: columns.into(),
        };
        client
            .resize_container_tty(id, options)
            .await
            .map_err(|error| self.failed(error))
    }

    /// Stops and removes a container; a missing one is not an error.
    pub(crate) async fn remove_container(&self, id: &str) -> Result<()> {
        let client = self.client().await?;
        let options = RemoveContainerOptions {
            force: true,
            v: true,
            ..Default::default()
        };
        match client.remove_container(id, Some(options)).await {
            Ok(())
            | Err(bollard::errors::Error::DockerResponseServerError {
                status_code: 404 | 409,
                ..
            }) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Lists running containers that have a label.
    pub(crate) async fn containers(&self, label: &str) -> Result<Vec<Listed>> {
        let client = self.client().await?;
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListContainersOptions {
            filters: Some(filters),
            ..Default::default()
        };
        let all = client
            .list_containers(Some(options))
            .await
            .map_err(|error: bollard::errors::Error| self.failed(error))?;
        let listed = all.into_iter().filter_map(|container| {
            let name = container
                .names
                .and_then(|names| names.into_iter().next())
                .unwrap_or_default();
            Some(Listed {
                id: container.id?,
                name: name.trim_start_matches('/').to_owned(),
                labels: container.labels.unwrap_or_default(),
                created: container.created.unwrap_or(0),
                status: container.status.unwrap_or_default(),
            })
        });
        Ok(listed.collect())
    }
}

/// Returns the place of the stream that a piece was written to.
pub(crate) fn stream(piece: &LogOutput) -> usize {
    usize::from(matches!(piece, LogOutput::StdErr { .. }))
}
