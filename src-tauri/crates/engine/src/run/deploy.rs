//! Deploying compose projects: `docker compose up` with the images that were built, and what runs of it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::ports::published;
use crate::bake::{end_group, kill_group, sanitise, spawn};
use crate::engine::{Engine, random_hex};
use crate::error::{Error, Result};
use crate::plan::{Prepared, Services, prepare};
use crate::recipe::compose::build_model::DEPLOY_ARGS;
use crate::recipe::compose::{ComposeProject, ROOT};
use crate::stack;
use crate::wire::{
    BuildId, BuildRequest, ComposeFiles, Decision, DeployEvent, DeployedService, Deployment, ProjectId,
    WireError,
};

/// Labels of containers that were deployed from here.
const PROJECT: &str = "dev.headstart.deploy.project";
const PROJECT_NAME: &str = "dev.headstart.deploy.name";
const STACK: &str = "dev.headstart.deploy.stack";
/// Labels that compose itself puts on containers.
const COMPOSE_PROJECT: &str = "com.docker.compose.project";
const COMPOSE_SERVICE: &str = "com.docker.compose.service";

/// Longest time for bringing a project up or down: images may have to be pulled.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Returns the services of a compose project, the interim build file and the file that would be deployed.
pub async fn files(engine: &Engine, request: &BuildRequest) -> Result<ComposeFiles> {
    let prepared = prepare(engine, request).await?;
    let (project, services) = compose(&prepared)?;
    let deployed = deploy_model(project, services, &prepared);
    let build = crate::bake::shown_file(&prepared, services);
    let yaml = |value: &Value| {
        serde_saphyr::to_string(value)
            .map_err(|error| Error::internal("the compose file could not be written", error))
    };
    let registry = services
        .chosen
        .spec
        .as_ref()
        .and_then(|spec| spec.registry.as_ref());
    let (output, reason) = match registry {
        Some(registry) => (
            "push",
            format!(
                "images are pushed because the registry {} is set",
                registry.host_and_path
            ),
        ),
        None if request.options.registry.as_deref().map(str::trim) == Some("") => (
            "load",
            "images are loaded into the engine because this build leaves the registry out".to_owned(),
        ),
        None => (
            "load",
            "images are loaded into the engine because no registry is set".to_owned(),
        ),
    };
    let mut command = Vec::new();
    let mut build_file = String::new();
    if !services.built.is_empty() {
        command = ["docker", "buildx", "bake", "--file", "bake.json"]
            .map(str::to_owned)
            .to_vec();
        command.extend(
            services
                .chosen
                .spec
                .as_ref()
                .and_then(|spec| spec.builder.as_ref())
                .map(|name| format!("--builder={name}")),
        );
        build_file = serde_json::to_string_pretty(&redacted(&build))
            .map_err(|error| Error::internal("the build file could not be written", error))?;
    }
    Ok(ComposeFiles {
        compose_project: project.name().to_owned(),
        services: project.shown(),
        build_file,
        deploy_file: yaml(&redacted(&deployed))?,
        command,
        output: output.to_owned(),
        output_reason: reason,
        warnings: prepared.plan.warnings.clone(),
    })
}

/// Brings up what a request means with the images it has; everything has to be built already. Reports what compose says.
/// When `cancelled` is ready, compose is ended; what it has started by then goes on running.
pub async fn deploy(
    engine: &Engine,
    request: &BuildRequest,
    cancelled: impl Future<Output = ()> + Send,
    on_event: impl Fn(DeployEvent) + Send + Sync,
) -> Result<()> {
    let line = |text| on_event(DeployEvent::Line { text });
    match bring_up(engine, request, cancelled, line).await {
        Ok(Some(deployment)) => on_event(DeployEvent::Done { deployment }),
        Ok(None) => on_event(DeployEvent::Cancelled),
        Err(error) => {
            let message = error.to_string();
            on_event(DeployEvent::Failed {
                error: WireError::from(error),
            });
            return Err(Error::refused(message, "see what compose says"));
        }
    }
    Ok(())
}

/// Brings a compose project up and returns what runs; none when it was cancelled.
pub(super) async fn bring_up(
    engine: &Engine,
    request: &BuildRequest,
    cancelled: impl Future<Output = ()> + Send,
    on_line: impl Fn(String) + Send + Sync,
) -> Result<Option<Deployment>> {
    // How the images came to be is settled; a deployment only uses them.
    let request = BuildRequest {
        full: false,
        no_cache: false,
        base: None,
        ..request.clone()
    };
    let prepared = prepare(engine, &request).await?;
    let (project, services) = compose(&prepared)?;
    let missing: Vec<&str> = prepared
        .plan
        .targets
        .iter()
        .filter(|target| target.decision != Decision::Reuse)
        .map(|target| target.name.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(Error::refused(
            format!("not built yet: {}", missing.join(", ")),
            "build first; `headstart up` does both",
        ));
    }
    let name = project.name().to_owned();
    let model = deploy_model(project, services, &prepared);
    let path = write_model(engine, &name, &model)?;
    let root = PathBuf::from(&prepared.opened.row.root);
    let mut arguments: Vec<String> = ["compose", "--project-name", &name, "--file"]
        .map(str::to_owned)
        .into();
    arguments.push(path.to_string_lossy().into_owned());
    arguments.extend([
        "--project-directory".to_owned(),
        root.to_string_lossy().into_owned(),
    ]);
    arguments.extend(DEPLOY_ARGS.map(str::to_owned));
    arguments.extend(request.services.iter().cloned());
    let env = engine.docker_at(prepared.context()).location.env();
    let said = run_compose(&arguments, &root, &env, cancelled, on_line).await?;
    let Some((success, last)) = said else {
        return Ok(None);
    };
    if !success {
        return Err(Error::refused(
            format!("docker compose up failed: {last}"),
            "its own lines above say what; `headstart down` removes what was started",
        ));
    }
    let catalogue = engine.catalogue();
    catalogue.set_setting(&commit_key(&name), &prepared.plan.commit)?;
    let builds = prepared
        .plan
        .targets
        .iter()
        .filter_map(|target| target.build.as_ref());
    let newest = builds.max_by_key(|build| catalogue.build(build).map_or(0, |build| build.created_at));
    let newest = newest.map_or("", |build| build.as_str());
    catalogue.set_setting(&build_key(&name), newest)?;
    let all = list(engine).await?;
    Ok(all
        .into_iter()
        .find(|deployment| deployment.compose_project == name))
}

/// Returns the key of the setting that remembers which commit runs.
fn commit_key(compose_project: &str) -> String {
    format!("deployed commit of {compose_project}")
}

/// Returns the key of the setting that remembers the newest build that runs. It is no label: a container whose labels
/// differ is started again.
fn build_key(compose_project: &str) -> String {
    format!("deployed build of {compose_project}")
}

/// Stops and removes what runs of a compose project; its volumes stay unless they are named.
pub async fn take_down(engine: &Engine, compose_project: &str, volumes: bool) -> Result<()> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if compose_project.is_empty()
        || compose_project.starts_with(['-', '_'])
        || !compose_project.chars().all(valid)
    {
        return Err(Error::refused(
            format!("{compose_project:?} is no name of a compose project"),
            "`headstart ps` lists them",
        ));
    }
    let running = list(engine).await?;
    let stack = running
        .iter()
        .find(|deployment| deployment.compose_project == compose_project);
    let context = match stack {
        Some(deployment) => stack::get(engine, &deployment.stack)
            .ok()
            .and_then(|stack| stack.context),
        None => {
            return Err(Error::refused(
                format!("nothing of {compose_project} runs that was deployed from here"),
                "`headstart ps` lists what does",
            ));
        }
    };
    let mut arguments: Vec<String> = [
        "compose",
        "--project-name",
        compose_project,
        "down",
        "--remove-orphans",
    ]
    .map(str::to_owned)
    .into();
    arguments.extend(volumes.then(|| "--volumes".to_owned()));
    let home = engine.home().to_owned();
    let said = run_compose(
        &arguments,
        &home,
        &engine.docker_at(context.as_deref()).location.env(),
        std::future::pending(),
        |_| {},
    )
    .await?;
    match said {
        Some((false, last)) => Err(Error::refused(
            format!("docker compose down failed: {last}"),
            "try again, or look at it with `docker compose ls`",
        )),
        _ => {
            drop(std::fs::remove_file(model_path(engine, compose_project)));
            Ok(())
        }
    }
}

/// Lists what runs of compose projects that were deployed from here, by name.
pub async fn list(engine: &Engine) -> Result<Vec<Deployment>> {
    let docker = engine.docker_at(None);
    let mut listed = docker.deployed(PROJECT).await?;
    let host = docker.location.host_name();
    let mut hosts = vec![host; listed.len()];
    let contexts: BTreeSet<String> = stack::list(engine)?
        .into_iter()
        .filter_map(|stack| stack.context)
        .collect();
    for context in contexts {
        let docker = engine.docker_at(Some(&context));
        // An engine that is out of reach hides what it runs, and nothing else.
        let found = docker.deployed(PROJECT).await.unwrap_or_default();
        for container in found {
            if listed.iter().all(|known| known.id != container.id) {
                listed.push(container);
                hosts.push(docker.location.host_name());
            }
        }
    }
    let mut all: BTreeMap<String, Deployment> = BTreeMap::new();
    for (container, host) in listed.into_iter().zip(hosts) {
        let label = |name: &str| {
            container
                .labels
                .get(name)
                .filter(|text| !text.is_empty())
                .cloned()
        };
        let Some(name) = label(COMPOSE_PROJECT) else {
            continue;
        };
        let deployment = all.entry(name.clone()).or_insert_with(|| Deployment {
            compose_project: name.clone(),
            project: label(PROJECT).map(ProjectId),
            project_name: label(PROJECT_NAME).unwrap_or_else(|| name.clone()),
            build: None,
            commit: None,
            stack: label(STACK).unwrap_or_else(|| stack::LOCAL.to_owned()),
            services: Vec::new(),
        });
        deployment.services.push(DeployedService {
            name: label(COMPOSE_SERVICE).unwrap_or_else(|| container.name.clone()),
            container: container.id,
            health: health(&container.status),
            exit_code: exit_code(&container.status),
            state: container.state,
            status: container.status,
            image: container.image,
            ports: published(&container.ports, &host),
        });
    }
    let known: Vec<ProjectId> = engine
        .catalogue()
        .projects()?
        .into_iter()
        .map(|row| row.id)
        .collect();
    let mut all: Vec<Deployment> = all.into_values().collect();
    for deployment in &mut all {
        deployment.project = deployment.project.take().filter(|id| known.contains(id));
        let remembered = |key: &str| engine.catalogue().setting(key);
        deployment.commit = remembered(&commit_key(&deployment.compose_project))?;
        let build = remembered(&build_key(&deployment.compose_project))?.map(BuildId);
        // One that was deleted since cannot be shown.
        let is_known = |build: &BuildId| engine.catalogue().build(build).is_ok();
        deployment.build = build.filter(is_known);
        deployment
            .services
            .sort_by(|one, other| one.name.cmp(&other.name));
    }
    Ok(all)
}

/// Follows the log of a deployed service's containers until they end or `on_line` returns false.
pub async fn service_log(
    engine: &Engine,
    compose_project: &str,
    service: &str,
    on_line: impl Fn(String) -> bool + Send,
) -> Result<()> {
    let all = list(engine).await?;
    let found = all
        .iter()
        .find(|deployment| deployment.compose_project == compose_project)
        .and_then(|deployment| deployment.services.iter().find(|one| one.name == service));
    let Some(found) = found else {
        return Err(Error::refused(
            format!("{service} of {compose_project} does not run"),
            "deploy it first",
        ));
    };
    let context = all
        .iter()
        .find(|deployment| deployment.compose_project == compose_project)
        .and_then(|deployment| stack::get(engine, &deployment.stack).ok())
        .and_then(|stack| stack.context);
    engine
        .docker_at(context.as_deref())
        .log_lines(&found.container, move |bytes| on_line(sanitise(bytes)))
        .await
}

pub(super) fn compose(prepared: &Prepared) -> Result<(&ComposeProject, &Services)> {
    match (prepared.recipe.compose(), &prepared.services) {
        (Some(project), Some(services)) => Ok((project, services)),
        _ => Err(Error::refused(
            format!("{} is no compose file", prepared.opened.row.recipe),
            "only compose projects are deployed; open a shell in a workspace instead",
        )),
    }
}

/// Returns the whole model with the images that were built, paths on this machine and our labels.
fn deploy_model(project: &ComposeProject, services: &Services, prepared: &Prepared) -> Value {
    let mut model = project.config().clone();
    let place = repository_folder(prepared);
    if let Some(all) = model.get_mut("services").and_then(Value::as_object_mut) {
        for (name, service) in all
            .iter_mut()
            .filter_map(|(name, service)| Some((name, service.as_object_mut()?)))
        {
            service.remove("build");
            // `compose config` writes these for what is not set.
            service
                .retain(|key, value| !(value.is_null() && ["command", "entrypoint"].contains(&key.as_str())));
            if let Some(reference) = services.references.get(name) {
                service.insert("image".into(), json!(reference));
            }
            // Nothing here may differ between commits unless the image does: compose would start the service again.
            let own = [
                (PROJECT, prepared.opened.row.id.as_str()),
                (PROJECT_NAME, &prepared.opened.row.name),
                (STACK, &prepared.plan.stack),
            ];
            let labels = service
                .entry("labels")
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(labels) = labels.as_object_mut() {
                // A dollar would begin a variable.
                labels.extend(
                    own.into_iter()
                        .map(|(name, value)| (name.to_owned(), json!(value.replace('$', "$$")))),
                );
            }
        }
    }
    placed(&model, &place)
}

/// Returns the folder on this machine that the repository's paths mean when containers mount them.
fn repository_folder(prepared: &Prepared) -> String {
    let root = Path::new(&prepared.opened.row.root);
    let levels = prepared.opened.prefix.components().count();
    root.ancestors()
        .nth(levels)
        .unwrap_or(root)
        .to_string_lossy()
        .replace('$', "$$")
}

fn placed(value: &Value, folder: &str) -> Value {
    match value {
        Value::String(text) => text.replace(ROOT, folder).into(),
        Value::Array(list) => list.iter().map(|value| placed(value, folder)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), placed(value, folder)))
            .collect(),
        other => other.clone(),
    }
}

/// Replaces values whose names say that they are secrets, and those that stand in a `secrets` section.
fn redacted(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(redacted).collect(),
        Value::Object(map) => {
            let show = |(key, value): (&String, &Value)| {
                let secret = crate::secrets::is_secret_name(key) && value.is_string();
                let shown = match value {
                    Value::String(text) if secret => crate::secrets::redacted(text).into(),
                    other => redacted(other),
                };
                (key.clone(), shown)
            };
            map.iter().map(show).collect()
        }
        other => other.clone(),
    }
}

fn model_path(engine: &Engine, compose_project: &str) -> PathBuf {
    engine
        .home()
        .join("deployments")
        .join(format!("{compose_project}.yaml"))
}

/// Writes the file that is deployed. Variables of services stand in it, so only the user may read it.
fn write_model(engine: &Engine, compose_project: &str, model: &Value) -> Result<PathBuf> {
    let path = model_path(engine, compose_project);
    let folder = engine.home().join("deployments");
    std::fs::create_dir_all(&folder).map_err(Error::file("making the folder", &folder))?;
    let partial = folder.join(format!(".{}", random_hex(12)?));
    let text = serde_json::to_vec_pretty(model)
        .map_err(|error| Error::internal("the compose file could not be written", error))?;
    let write = || {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)?;
        std::io::Write::write_all(&mut file, &text)?;
        std::fs::rename(&partial, &path)
    };
    write().map_err(Error::file("writing", &path))?;
    Ok(path)
}

/// Ends compose when nobody waits for it any more.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        kill_group(self.0);
    }
}

/// Runs `docker compose` and tells its lines. Returns whether it succeeded and its last line; none when it was ended
/// because `cancelled` was ready.
async fn run_compose(
    arguments: &[String],
    folder: &Path,
    env: &[(String, String)],
    cancelled: impl Future<Output = ()> + Send,
    on_line: impl Fn(String) + Send + Sync,
) -> Result<Option<(bool, String)>> {
    let mut child = spawn("docker", arguments, folder, env)?;
    let group = Group(child.id().unwrap_or(0));
    let (sender, mut lines) = tokio::sync::mpsc::channel::<String>(256);
    let readers = [
        child
            .stdout
            .take()
            .map(|stream| tokio::spawn(read_lines(stream, sender.clone()))),
        child
            .stderr
            .take()
            .map(|stream| tokio::spawn(read_lines(stream, sender))),
    ];
    let mut last = String::new();
    let late = tokio::time::sleep(LIMIT);
    tokio::pin!(late, cancelled);
    loop {
        tokio::select! {
            line = lines.recv() => {
                let Some(text) = line else { break };
                if !text.trim().is_empty() {
                    last.clone_from(&text);
                }
                on_line(text);
            }
            () = &mut cancelled => {
                end_group(group.0).await;
                return Ok(None);
            }
            () = &mut late => {
                end_group(group.0).await;
                return Ok(Some((
                    false,
                    format!("no end after {} min", LIMIT.as_secs() / 60),
                )));
            }
        }
    }
    for reader in readers.into_iter().flatten() {
        drop(reader.await);
    }
    let status = child
        .wait()
        .await
        .map_err(|error| Error::internal("docker compose could not be waited for", error))?;
    Ok(Some((status.success(), last.trim().to_owned())))
}

async fn read_lines<R: AsyncRead + Unpin>(stream: R, lines: tokio::sync::mpsc::Sender<String>) {
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    while reader
        .read_until(b'\n', &mut bytes)
        .await
        .is_ok_and(|count| count > 0)
    {
        while bytes.last().is_some_and(|byte| b"\r\n".contains(byte)) {
            bytes.pop();
        }
        if lines.send(sanitise(&bytes)).await.is_err() {
            return;
        }
        bytes.clear();
    }
}

/// Reads the health that the Engine writes into a container's status: `Up 2 minutes (healthy)`.
fn health(status: &str) -> Option<String> {
    let (_, inside) = status.rsplit_once('(')?;
    let inside = inside.trim_end_matches(')').trim_start_matches("health: ");
    ["healthy", "unhealthy", "starting"]
        .contains(&inside)
        .then(|| inside.to_owned())
}

/// Reads the exit code of a container that has ended: `Exited (1) 2 minutes ago`.
fn exit_code(status: &str) -> Option<i32> {
    status.strip_prefix("Exited (")?.split_once(')')?.0.parse().ok()
}

/// Refuses an address that is not a port of something that runs: only those may be opened.
pub async fn check_port(engine: &Engine, url: &str) -> Result<()> {
    let all = list(engine).await?;
    let mut ports = all
        .iter()
        .flat_map(|deployment| &deployment.services)
        .flat_map(|service| &service.ports);
    if ports.any(|port| port.url.as_deref() == Some(url)) {
        return Ok(());
    }
    Err(Error::refused(
        format!("{url} is not a port of something that runs"),
        "look at what runs again",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_tells_health_and_exit_code() {
        assert_eq!(health("Up 2 minutes (healthy)").as_deref(), Some("healthy"));
        assert_eq!(
            health("Up 2 seconds (health: starting)").as_deref(),
            Some("starting")
        );
        assert_eq!(health("Exited (1) 2 minutes ago"), None);
        assert_eq!(exit_code("Exited (137) 2 minutes ago"), Some(137));
        assert_eq!(exit_code("Up 2 minutes"), None);
    }

    #[test]
    fn secrets_are_replaced_wherever_they_stand() {
        let model = json!({"services": {"web": {"environment": {"API_TOKEN": "hunter2", "LEVEL": "debug"}}}});
        let shown = redacted(&model);
        assert!(!shown.to_string().contains("hunter2"));
        assert!(shown.to_string().contains("debug"));
    }
}
