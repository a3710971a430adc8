//! Containers that process data, and archives in and out of them, streamed: that works wherever the engine is.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HostConfig, VolumeCreateRequest};
use bollard::query_parameters::{DownloadFromContainerOptions, ListVolumesOptions, UploadToContainerOptions};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::{Attached, Docker};
use crate::error::{Error, Result};

/// What a worker's container is made of. It has no network unless that is asked for, and goes away when whoever is
/// attached to it goes, however that happens.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerSpec {
    /// Image.
    pub(crate) image: String,
    /// Words of the command; the image's own entrypoint is not used.
    pub(crate) command: Vec<String>,
    /// Variables as `NAME=value`.
    pub(crate) environment: Vec<String>,
    /// User; none for the image's own.
    pub(crate) user: Option<String>,
    /// Where it works; none for the image's own folder.
    pub(crate) working_dir: Option<String>,
    /// Labels.
    pub(crate) labels: HashMap<String, String>,
    /// Mounts as `volume:folder` with `:ro` behind for those that cannot be written.
    pub(crate) binds: Vec<String>,
    /// Folder in memory that everybody may write to.
    pub(crate) scratch: Option<String>,
    /// Whether it has a network.
    pub(crate) network: bool,
    /// Most memory, in bytes.
    pub(crate) memory: Option<i64>,
    /// Most processors, in billionths.
    pub(crate) nano_cpus: Option<i64>,
    /// A tar with files that are there before it starts.
    pub(crate) files: Option<Vec<u8>>,
}

impl Docker {
    /// Starts a worker and attaches to it.
    pub(crate) async fn worker(&self, spec: WorkerSpec) -> Result<Attached> {
        let scratch = |folder| HashMap::from([(folder, "rw,exec,mode=1777".to_owned())]);
        let body = ContainerCreateBody {
            image: Some(spec.image),
            cmd: Some(spec.command),
            entrypoint: Some(Vec::new()),
            env: Some(spec.environment),
            user: spec.user,
            working_dir: spec.working_dir,
            labels: Some(spec.labels),
            open_stdin: Some(true),
            stdin_once: Some(true),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            host_config: Some(HostConfig {
                auto_remove: Some(true),
                init: Some(true),
                binds: Some(spec.binds),
                tmpfs: spec.scratch.map(scratch),
                network_mode: (!spec.network).then(|| "none".to_owned()),
                memory: spec.memory,
                nano_cpus: spec.nano_cpus,
                security_opt: Some(vec!["no-new-privileges".to_owned()]),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.attached(body, spec.files).await
    }

    /// Makes a volume.
    pub(crate) async fn create_volume(&self, name: &str, labels: HashMap<String, String>) -> Result<()> {
        let client = self.client().await?;
        let wanted = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels),
            ..Default::default()
        };
        client
            .create_volume(wanted)
            .await
            .map(drop)
            .map_err(|error| self.failed(error))
    }

    /// Lists the names of volumes that have a label.
    pub(crate) async fn volumes(&self, label: &str) -> Result<Vec<String>> {
        let client = self.client().await?;
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListVolumesOptions {
            filters: Some(filters),
        };
        let all = client
            .list_volumes(Some(options))
            .await
            .map_err(|error| self.failed(error))?;
        let volumes = all.volumes.unwrap_or_default();
        Ok(volumes.into_iter().map(|volume| volume.name).collect())
    }

    /// Unpacks a tar into a folder of a container that exists.
    pub(crate) async fn put_tar(
        &self,
        container: &str,
        folder: &str,
        tar: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<()> {
        let client = self
            .client()
            .await?
            .clone()
            .with_timeout(super::upload::UPLOAD_TIMEOUT);
        let options = UploadToContainerOptions {
            path: folder.to_owned(),
            no_overwrite_dir_non_dir: Some("true".to_owned()),
            ..Default::default()
        };
        client
            .upload_to_container(container, Some(options), bollard::body_try_stream(tar))
            .await
            .map_err(|error| self.failed(error))
    }

    /// Streams a folder of a container as a tar, whose paths begin with the folder's name.
    pub(crate) async fn get_tar(
        &self,
        container: &str,
        folder: &str,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<'_>> {
        let client = self.client().await?;
        let options = DownloadFromContainerOptions {
            path: folder.to_owned(),
        };
        let pieces = client.download_from_container(container, Some(options));
        Ok(pieces.map(|piece| piece.map_err(|error: bollard::errors::Error| self.failed(error))))
    }
}

/// Returns a tar that is in memory, to be sent.
pub(crate) fn whole(tar: Vec<u8>) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    futures_util::stream::once(std::future::ready(Ok(tar.into())))
}

impl Error {
    /// Returns this error as one of reading.
    pub(crate) fn reading(self) -> std::io::Error {
        std::io::Error::other(self)
    }
}
