//! The Docker engine, asked through its API for everything that is not a build: does this image exist, what is in it,
//! containers, disk use, removal. Builds go through `buildx`, see [`bake`](crate::bake).

mod compose;
mod containers;
mod lines;
mod location;
mod logins;
mod plugin;
mod steps;
mod upload;
mod workers;

use std::collections::HashMap;
use std::time::Duration;

use bollard::errors::Error as BollardError;
use bollard::query_parameters::{ListImagesOptions, RemoveImageOptions};
use tokio::sync::OnceCell;

use crate::error::{Error, Result};

pub(crate) use compose::resolve_compose;
pub(crate) use containers::Attached;
pub(crate) use lines::Lines;
pub(crate) use location::{Location, in_context};
pub(crate) use logins::{HUB, registry_host, registry_users};
pub(crate) use plugin::{Buildx, probe_buildx};
pub(crate) use steps::{StepContainer, Written};
pub(crate) use workers::{WorkerSpec, whole};

/// Longest wait for an answer of the Engine.
const TIMEOUT_S: u64 = 120;

/// What the Engine says about itself.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) version: Option<String>,
    pub(crate) platform: String,
    pub(crate) storage: Option<String>,
    pub(crate) containerd_store: bool,
}

/// An image the Engine has.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageInfo {
    /// Id, which is what "by digest" means for an image that was never pushed.
    pub(crate) digest: String,
    pub(crate) user: Option<String>,
    pub(crate) layers: u32,
    pub(crate) bytes: u64,
    pub(crate) platform: String,
    pub(crate) created: Option<String>,
    pub(crate) working_dir: Option<String>,
    pub(crate) env: Vec<String>,
    pub(crate) labels: Vec<(String, String)>,
}

/// A connection to the Engine, made when it is first needed.
pub(crate) struct Docker {
    pub(crate) location: Location,
    about: OnceCell<About>,
    client: OnceCell<bollard::Docker>,
    buildx: OnceCell<Buildx>,
}

impl Docker {
    pub(crate) fn new(location: Location) -> Self {
        Self {
            location,
            about: OnceCell::new(),
            client: OnceCell::new(),
            buildx: OnceCell::new(),
        }
    }

    async fn client(&self) -> Result<&bollard::Docker> {
        self.client.get_or_try_init(|| async { self.connect() }).await
    }

    fn connect(&self) -> Result<bollard::Docker> {
        let endpoint = self.location.endpoint()?;
        let version = bollard::API_DEFAULT_VERSION;
        let connected = match endpoint.split_once("://") {
            Some(("unix", path)) => bollard::Docker::connect_with_unix(path, TIMEOUT_S, version),
            Some(("tcp" | "http", _)) => bollard::Docker::connect_with_http(&endpoint, TIMEOUT_S, version),
            _ => {
                return Err(Error::EngineUnreachable {
                    endpoint,
                    source: "only unix:// and tcp:// addresses can be asked about images".into(),
                });
            }
        };
        connected.map_err(|source| Error::EngineUnreachable {
            endpoint,
            source: source.into(),
        })
    }

    /// Turns a client error into ours: the Engine said no, or it could not be asked.
    fn failed(&self, error: BollardError) -> Error {
        match error {
            BollardError::DockerResponseServerError { message, .. } => Error::EngineRefused { message },
            other => {
                let endpoint = self
                    .location
                    .endpoint()
                    .unwrap_or_else(|_| self.location.context_name());
                Error::EngineUnreachable {
                    endpoint,
                    source: other.into(),
                }
            }
        }
    }

    /// Asks whether the Engine answers now.
    pub(crate) async fn ping(&self) -> Result<()> {
        let client = self.client().await?;
        match tokio::time::timeout(Duration::from_secs(5), client.ping()).await {
            Ok(answer) => answer.map(drop).map_err(|error| self.failed(error)),
            Err(elapsed) => {
                let endpoint = self.location.endpoint()?;
                Err(Error::EngineUnreachable {
                    endpoint,
                    source: elapsed.into(),
                })
            }
        }
    }

    /// Asks the Engine about itself, once.
    pub(crate) async fn about(&self) -> Result<&About> {
        self.about.get_or_try_init(|| self.ask_about()).await
    }

    /// Asks the Engine about itself now.
    pub(crate) async fn ask_about(&self) -> Result<About> {
        let client = self.client().await?;
        let info = client.info().await.map_err(|error| self.failed(error))?;
        let architecture = match info.architecture.as_deref() {
            Some("x86_64") => "amd64",
            Some("aarch64") => "arm64",
            Some(other) => other,
            None => "amd64",
        };
        let storage = info.driver;
        let containerd_store = info
            .driver_status
            .unwrap_or_default()
            .iter()
            .any(|pair| pair.iter().any(|text| text.contains("io.containerd.snapshotter")));
        Ok(About {
            version: info.server_version,
            platform: format!("{}/{architecture}", info.os_type.as_deref().unwrap_or("linux")),
            storage,
            containerd_store,
        })
    }

    /// Returns the version of buildx, asked once.
    pub(crate) async fn buildx(&self) -> Result<&Buildx> {
        self.buildx.get_or_try_init(|| probe_buildx(&self.location)).await
    }

    /// Returns what the Engine has under a reference or digest; none when it has nothing.
    pub(crate) async fn image(&self, reference: &str) -> Result<Option<ImageInfo>> {
        let client = self.client().await?;
        let image = match client.inspect_image(reference).await {
            Ok(image) => image,
            Err(BollardError::DockerResponseServerError { status_code: 404, .. }) => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let config = image.config.unwrap_or_default();
        let not_empty = |text: Option<String>| text.filter(|text| !text.is_empty());
        let mut labels: Vec<_> = config.labels.unwrap_or_default().into_iter().collect();
        labels.sort();
        Ok(Some(ImageInfo {
            digest: image.id.unwrap_or_default(),
            user: not_empty(config.user).filter(|user| user != "root" && user != "0"),
            layers: image
                .root_fs
                .and_then(|root| root.layers)
                .map_or(0, |layers| u32::try_from(layers.len()).unwrap_or(u32::MAX)),
            bytes: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            platform: format!(
                "{}/{}",
                image.os.as_deref().unwrap_or("linux"),
                image.architecture.as_deref().unwrap_or("amd64")
            ),
            created: image.created.map(|at| at.to_string()),
            working_dir: not_empty(config.working_dir),
            env: config.env.unwrap_or_default(),
            labels,
        }))
    }

    /// Removes a tag, and its image when nothing else uses it; a missing one is not an error.
    pub(crate) async fn remove_image(&self, reference: &str) -> Result<()> {
        let client = self.client().await?;
        let options = RemoveImageOptions {
            force: true,
            noprune: false,
            ..Default::default()
        };
        match client.remove_image(reference, Some(options), None).await {
            Ok(_) | Err(BollardError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Lists images. The Engine fails the whole list when one of them is removed meanwhile; it is asked again then.
    async fn images(&self, shared_size: bool) -> Result<Vec<bollard::models::ImageSummary>> {
        let client = self.client().await?;
        let mut attempts = 0;
        loop {
            let options = ListImagesOptions {
                shared_size,
                ..Default::default()
            };
            match client.list_images(Some(options)).await {
                Err(BollardError::DockerResponseServerError {
                    status_code: 404 | 500,
                    ..
                }) if attempts < 10 => attempts += 1,
                answer => return answer.map_err(|error| self.failed(error)),
            }
            tokio::time::sleep(Duration::from_millis(20 * attempts)).await;
        }
    }

    /// Returns the digests of all tagged images, by reference.
    pub(crate) async fn tagged(&self) -> Result<HashMap<String, String>> {
        let images = self.images(false).await?;
        let tags = images.into_iter().flat_map(|image| {
            let id = image.id;
            image.repo_tags.into_iter().map(move |tag| (tag, id.clone()))
        });
        Ok(tags.collect())
    }

    /// Returns the bytes that only one image uses, by reference.
    pub(crate) async fn own_bytes(&self) -> Result<HashMap<String, u64>> {
        let images = self.images(true).await?;
        let mut bytes = HashMap::new();
        for image in images {
            let own = u64::try_from(image.size - image.shared_size.max(0)).unwrap_or(0);
            for tag in image.repo_tags {
                bytes.insert(tag, own);
            }
        }
        Ok(bytes)
    }
}
