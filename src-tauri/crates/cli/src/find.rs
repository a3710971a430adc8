//! Which project, build or run is meant: ids may be shortened, projects are found by name or folder too.

use std::path::Path;

use headstart_engine::wire::{BuildId, BuildOptions, BuildRequest, Dialect, Project, Run};
use headstart_engine::{Engine, Error, builds, project, run, stack};

use crate::args::{OfProject, Where};
use crate::error::Failure;

/// Returns the project that is named; else the one around the current directory, else the only one.
pub(crate) fn project(engine: &Engine, of: &OfProject) -> Result<Project, Failure> {
    match &of.project {
        Some(wanted) => named_project(engine, wanted),
        None => {
            let here = std::env::current_dir()
                .ok()
                .and_then(|here| here.canonicalize().ok());
            match here.map(|here| around(engine, &here)).transpose()?.flatten() {
                Some(project) => Ok(project),
                None => Ok(project::find(engine, None)?),
            }
        }
    }
}

/// Returns the project with an id (or the beginning of one), a name, or a folder at or below its source root.
pub(crate) fn named_project(engine: &Engine, wanted: &str) -> Result<Project, Failure> {
    let missing = match project::find(engine, Some(wanted)) {
        Err(error @ Error::NoProject(_)) => error,
        other => return Ok(other?),
    };
    if let Some(project) = Path::new(wanted)
        .canonicalize()
        .ok()
        .map(|path| around(engine, &path))
        .transpose()?
        .flatten()
    {
        return Ok(project);
    }
    let mut found: Vec<Project> = project::list(engine)?
        .into_iter()
        .filter(|project| !wanted.is_empty() && project.id.as_str().starts_with(wanted))
        .collect();
    match found.len() {
        0 => Err(missing.into()),
        1 => Ok(found.remove(0)),
        count => Err(Failure::usage(
            format!("{wanted} is the beginning of {count} project ids"),
            "give more characters of the id",
        )),
    }
}

fn around(engine: &Engine, path: &Path) -> Result<Option<Project>, Failure> {
    let projects = project::list(engine)?;
    let within = projects
        .into_iter()
        .filter(|project| path.starts_with(&project.root));
    // Of projects within each other the innermost is meant.
    Ok(within.max_by_key(|project| project.root.len()))
}

/// Adds the compose project in the current directory, if there is one that is not known yet: who deploys it there means
/// that one, and no other.
pub(crate) fn add_compose_here(engine: &Engine, of: &OfProject) -> Result<Option<Project>, Failure> {
    let here = std::env::current_dir()
        .ok()
        .and_then(|here| here.canonicalize().ok());
    let Some(here) = here.filter(|_| of.project.is_none()) else {
        return Ok(None);
    };
    if around(engine, &here)?.is_some() {
        return Ok(None);
    }
    let found = project::preview(engine, &here)?;
    let is_compose = found
        .recognised
        .is_some_and(|recipe| recipe.dialect == Dialect::Compose);
    match found.can_add && is_compose {
        true => Ok(Some(project::add(engine, &here)?)),
        false => Ok(None),
    }
}

/// Returns the build with an id, or the beginning of one.
pub(crate) fn build(engine: &Engine, wanted: &str) -> Result<BuildId, Failure> {
    Ok(builds::find(engine, wanted)?)
}

/// Returns the run with an id, the beginning of one, or a name.
pub(crate) async fn run_named(engine: &Engine, wanted: &str) -> Result<Run, Failure> {
    let mut found: Vec<Run> = run::list(engine)
        .await?
        .into_iter()
        .filter(|run| !wanted.is_empty() && (run.id.starts_with(wanted) || run.name == wanted))
        .collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::usage(
            format!("there is no run {wanted}"),
            "list the runs to see which there are: headstart runs shells",
        )),
        count => Err(Failure::usage(
            format!("{wanted} means {count} runs"),
            "give more characters of the id",
        )),
    }
}

/// Checks that a recipe that was named is the one there is, and a stack one of those.
pub(crate) fn check_place(engine: &Engine, project: &Project, place: &Where) -> Result<(), Failure> {
    if let Some(name) = &place.stack {
        stack::get(engine, name)?;
    }
    if let Some(recipe) = &place.recipe
        && recipe.trim_start_matches("./") != project.recipe
    {
        return Err(Failure::usage(
            format!("{} has no recipe {recipe}", project.name),
            format!("it is built by {}", project.recipe),
        ));
    }
    Ok(())
}

/// Registers the build that a request names by a file, and names it by its id instead.
pub(crate) async fn register_named(engine: &Engine, request: &mut BuildRequest) -> Result<(), Failure> {
    let Some(file) = request.base.clone().filter(|named| Path::new(named).is_file()) else {
        return Ok(());
    };
    let text = std::fs::read_to_string(&file).map_err(|error| {
        Failure::usage(
            format!("{file} cannot be read: {error}"),
            "name a build by its id or a file",
        )
    })?;
    let id = builds::register(engine, request, &file, &text).await?;
    request.base = Some(id.to_string());
    Ok(())
}

/// Returns the project that a run config belongs to, added if it is new, with the config's path when it is not the
/// project's own recipe.
fn configured(engine: &Engine, of: &OfProject, file: &Path) -> Result<(Project, Option<String>), Failure> {
    let path = file.canonicalize().map_err(|error| {
        Failure::usage(
            format!("{} cannot be opened: {error}", file.display()),
            "name a run config",
        )
    })?;
    let project = match &of.project {
        Some(wanted) => Some(named_project(engine, wanted)?),
        None => around(engine, &path)?,
    };
    let Some(project) = project else {
        return Ok((project::add(engine, &path)?, None));
    };
    let Some(inside) = path.strip_prefix(&project.root).ok().and_then(Path::to_str) else {
        return Err(Failure::usage(
            format!("{} does not lie in {}", file.display(), project.root),
            "name a run config of the project, or leave --project out",
        ));
    };
    let config = (inside != project.recipe).then(|| inside.to_owned());
    Ok((project, config))
}

/// Returns the engine's request for what was typed.
pub(crate) fn request(
    engine: &Engine,
    typed: crate::args::Request,
) -> Result<(Project, BuildRequest), Failure> {
    let (project, config) = match &typed.config {
        Some(file) => configured(engine, &typed.of, file)?,
        None => (project(engine, &typed.of)?, None),
    };
    check_place(engine, &project, &typed.place)?;
    // What is named behind a pipeline's request is the pipeline itself.
    let is_pipeline = config.is_some() || project.dialect == Dialect::Pipeline;
    let mut services = typed.services;
    let pipeline = if is_pipeline { services.pop() } else { None };
    if is_pipeline && !services.is_empty() {
        return Err(Failure::usage(
            "one pipeline is built or run at a time",
            "name one as module.instance",
        ));
    }
    let request = BuildRequest {
        project: project.id.clone(),
        commit: typed.commit,
        dirty: typed.dirty,
        full: typed.full,
        no_cache: typed.no_cache,
        base: typed.base,
        services,
        pipeline,
        config,
        options: BuildOptions {
            stack: typed.place.stack,
            registry: typed.options.registry,
            registry_single_name: typed.options.registry_single_name,
            no_registry_single_name: typed.options.no_registry_single_name,
            no_registry_cache: typed.options.no_registry_cache,
            builder: typed.options.builder,
            no_build: typed.options.no_build,
        },
    };
    Ok((project, request))
}
