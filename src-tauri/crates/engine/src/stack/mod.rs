//! Stacks: where and with what builds are made, and where their images go.

mod additions;
mod check;
mod spec;
mod status;

use crate::artifacts::Store;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::wire::{BuildOptions, BuildRequest, Dialect, ProjectId, Stack};

pub use check::check;
pub(crate) use spec::{Chosen, choose};
pub use status::status;

/// Name of the stack that always exists.
pub const LOCAL: &str = "local";

/// Lists the stacks, the default one first.
pub fn list(engine: &Engine) -> Result<Vec<Stack>> {
    let stored = engine.catalogue().stacks()?;
    let (mut local, others): (Vec<Stack>, Vec<Stack>) =
        stored.into_iter().partition(|stack| stack.name == LOCAL);
    if local.is_empty() {
        local.push(Stack::named(LOCAL));
    }
    local.extend(others);
    Ok(local)
}

/// Returns the stack of a name.
pub fn get(engine: &Engine, name: &str) -> Result<Stack> {
    let all = list(engine)?;
    let names: Vec<String> = all.iter().map(|stack| stack.name.clone()).collect();
    all.into_iter().find(|stack| stack.name == name).ok_or_else(|| {
        Error::refused(
            format!("there is no stack {name}"),
            format!("there are: {}", names.join(", ")),
        )
    })
}

/// Returns the name of the stack that a project uses.
pub fn of_project(engine: &Engine, project: &ProjectId) -> Result<String> {
    let chosen = engine.catalogue().project_stack(project)?;
    Ok(chosen.unwrap_or_else(|| LOCAL.to_owned()))
}

/// Checks and stores a stack, a new one or one with new settings. Its artifact store is made when it is missing.
pub fn save(engine: &Engine, stack: Stack) -> Result<Stack> {
    let stack = spec::checked(stack)?;
    if stack.artifact_store.is_some() {
        Store::of(engine, &stack).probe()?;
    }
    engine.catalogue().put_stack(&stack)?;
    Ok(stack)
}

/// Removes a stack. Its builds stay; projects that used it use the default one.
pub fn remove(engine: &Engine, name: &str) -> Result<()> {
    if name == LOCAL {
        return Err(Error::refused(
            "the stack local is the default one and stays",
            "change its settings, or make another stack",
        ));
    }
    get(engine, name)?;
    engine.catalogue().delete_stack(name)?;
    Ok(())
}

/// Refuses what a request says about stacks and services where it would mean nothing: a workspace's image belongs to the
/// engine that its incremental builds start from.
pub(crate) fn refuse_options(request: &BuildRequest) -> Result<()> {
    let options = BuildOptions {
        stack: request.options.stack.clone().filter(|name| name != LOCAL),
        ..request.options.clone()
    };
    if options == BuildOptions::default() && request.services.is_empty() {
        return Ok(());
    }
    Err(Error::refused(
        "services, registries, builders and other stacks are for compose projects; this one is a workspace",
        "leave them out",
    ))
}

/// Makes a project use a stack.
pub fn use_for(engine: &Engine, project: &ProjectId, name: &str) -> Result<()> {
    get(engine, name)?;
    if engine.catalogue().project(project)?.dialect == Dialect::Workspace && name != LOCAL {
        return Err(Error::refused(
            "workspace projects are built by the engine of the docker command line",
            "keep the stack local for it",
        ));
    }
    engine.catalogue().set_project_stack(project, name)
}
