//! How the Docker engine is.

use crate::docker::Docker;
use crate::engine::Engine;
use crate::wire::EngineStatus;

/// Asks the Docker engine how it is; an engine that does not answer is an answer.
pub async fn status(engine: &Engine) -> EngineStatus {
    status_of(engine.docker()).await
}

/// Asks one Docker engine how it is.
pub(super) async fn status_of(docker: &Docker) -> EngineStatus {
    let mut status = EngineStatus {
        reachable: false,
        context: docker.location.context_name(),
        endpoint: docker.location.endpoint().unwrap_or_default(),
        version: None,
        platform: None,
        storage: None,
        containerd_store: None,
        buildx: None,
        builder: None,
        problem: None,
        hint: None,
    };
    let about = async {
        docker.ping().await?;
        docker.ask_about().await
    };
    let (about, buildx) = tokio::join!(about, docker.buildx());
    match about {
        Ok(about) => {
            status.reachable = true;
            status.version = about.version;
            status.platform = Some(about.platform);
            status.storage = about.storage;
            status.containerd_store = Some(about.containerd_store);
        }
        Err(error) => {
            let error = crate::wire::WireError::from(error);
            status.problem = Some(error.message);
            status.hint = error.hint;
        }
    }
    match buildx {
        Ok(buildx) => {
            status.buildx = Some(buildx.version.clone());
            // The builder of a docker context has the context's name.
            status.builder = Some(docker.location.builder_name());
        }
        Err(error) if status.problem.is_none() => {
            let error = crate::wire::WireError::from(error);
            status.problem = Some(error.message);
            status.hint = error.hint;
        }
        Err(_) => {}
    }
    status
}
