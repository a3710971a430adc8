//! Builders: what `docker buildx` can build with, asked of buildx itself and changed through it.
//!
//! Nothing here is kept: buildx owns the list, and the user may change it in a terminal meanwhile. The builder of a docker
//! context comes and goes with the context and is never removed from here.

mod ask;
mod caches;
mod listing;
mod names;
mod trouble;
mod usage;

use std::time::Duration;

use ask::{ask, ask_about};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::wire::{Builder, BuilderDriver, BuilderPruned, BuilderUsage, NewBuilder};

/// Longest wait for something that is only written down; buildx itself waits 20 s for a builder that does not answer.
const SHORT: Duration = Duration::from_secs(45);
/// Longest wait for something that pulls an image or removes files.
const LONG: Duration = Duration::from_secs(600);

/// Lists builders, with what each can do. One that cannot be reached is listed with its problem.
pub async fn list(engine: &Engine) -> Result<Vec<Builder>> {
    let has_json = engine.docker().buildx().await?.number >= (0, 13);
    let json = if has_json {
        let answer = ask(engine, &["ls", "--format", "json"], SHORT).await?;
        // Builders that cannot be loaded make it fail in some versions, after it has listed everything.
        listing::from_json(&answer.stdout).filter(|all| !all.is_empty())
    } else {
        None
    };
    let told = |all: &Vec<listing::Listed>| all.iter().any(|builder| builder.selected.is_some());
    let listed = match json {
        Some(all) if told(&all) => all,
        json => {
            let answer = ask(engine, &["ls"], SHORT).await?;
            let table = format!("{}\n{}", answer.stdout, answer.stderr);
            let table = listing::from_table(&table).filter(|all| !all.is_empty());
            match (json, table) {
                (Some(mut all), Some(table)) => {
                    listing::mark_selected(&mut all, &table);
                    all
                }
                (Some(all), None) | (None, Some(all)) => all,
                (None, None) => {
                    answer.output("list", "be read")?;
                    return Ok(Vec::new());
                }
            }
        }
    };
    let own = engine.docker().location.builder_name();
    let knows = |builder: &listing::Listed| builder.name != own || builder.containerd_store.is_some();
    let own_store = if listed.iter().all(knows) {
        None
    } else {
        let about = engine.docker().about().await.ok();
        about.map(|about| about.containerd_store)
    };
    let mut all: Vec<Builder> = listed
        .into_iter()
        .map(|builder| caches::judged(builder, &own, own_store))
        .collect();
    // The one in use first; buildx's own order changes with what was used last.
    all.sort_by(|a, b| (!a.selected, !a.is_context, &a.name).cmp(&(!b.selected, !b.is_context, &b.name)));
    Ok(all)
}

/// Returns one builder.
pub async fn inspect(engine: &Engine, name: &str) -> Result<Builder> {
    names::check_known(name)?;
    let all = list(engine).await?;
    all.into_iter()
        .find(|builder| builder.name == name)
        .ok_or_else(|| Error::NoBuilder(name.to_owned()))
}

/// Makes a builder. It is not started, which happens with its first build or with [`bootstrap`], nor selected.
pub async fn create(engine: &Engine, new: &NewBuilder) -> Result<Builder> {
    let arguments = creation(new)?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    ask(engine, &arguments, SHORT)
        .await?
        .output(&new.name, "be made")?;
    inspect(engine, &new.name).await
}

/// Returns the words that make a builder.
fn creation(new: &NewBuilder) -> Result<Vec<String>> {
    names::check_new(&new.name)?;
    let mut arguments: Vec<String> = ["create", "--name", &new.name, "--driver", new.driver.as_str()]
        .map(str::to_owned)
        .into();
    for option in &new.options {
        arguments.extend(["--driver-opt".to_owned(), names::option(option)?]);
    }
    for platform in &new.platforms {
        names::check_platform(platform)?;
        arguments.extend(["--platform".to_owned(), platform.clone()]);
    }
    match (&new.endpoint, new.driver) {
        (Some(endpoint), _) if !endpoint.is_empty() => {
            names::check_endpoint(endpoint)?;
            arguments.extend(["--".to_owned(), endpoint.clone()]);
        }
        (_, BuilderDriver::Remote) => {
            return Err(Error::refused(
                "a remote builder needs the address of its BuildKit",
                "give it, such as tcp://build.example:1234",
            ));
        }
        _ => {}
    }
    Ok(arguments)
}

/// Makes a builder the one that builds go to when they name none. This is buildx's own setting for the engine in use.
pub async fn select(engine: &Engine, name: &str) -> Result<Builder> {
    names::check_known(name)?;
    ask(engine, &["use", "--", name], SHORT)
        .await?
        .output(name, "be selected")?;
    inspect(engine, name).await
}

/// Starts a builder; the first time, its BuildKit image is pulled.
pub async fn bootstrap(engine: &Engine, name: &str) -> Result<Builder> {
    names::check_known(name)?;
    ask_about(engine, name, &["inspect", "--bootstrap", "--", name], LONG)
        .await?
        .output(name, "be started")?;
    inspect(engine, name).await
}

/// Removes a builder with its cache. The builder of a docker context stays: the error says why.
pub async fn remove(engine: &Engine, name: &str) -> Result<()> {
    names::check_known(name)?;
    if name == "default" {
        return Err(trouble::context_builder(name));
    }
    ask(engine, &["rm", "--", name], LONG)
        .await?
        .output(name, "be removed")
        .map(drop)
}

/// Returns what a builder keeps on disk. It has to run.
pub async fn usage(engine: &Engine, name: &str) -> Result<BuilderUsage> {
    names::check_known(name)?;
    let answer = ask_about(engine, name, &["du", "--verbose", "--builder", name], SHORT).await?;
    Ok(usage::usage(
        name,
        &answer.output(name, "be asked for its disk use")?,
    ))
}

/// Frees what [`usage`] calls prunable, or everything reclaimable with `all`; with `older_than` (`36h`, `7d`) only what
/// was not used for that long.
pub async fn prune(
    engine: &Engine,
    name: &str,
    all: bool,
    older_than: Option<&str>,
) -> Result<BuilderPruned> {
    names::check_known(name)?;
    let until = older_than
        .map(|age| names::age(age).map(|age| format!("until={age}")))
        .transpose()?;
    let mut arguments = vec!["prune", "--force", "--builder", name];
    if all {
        arguments.push("--all");
    }
    if let Some(until) = &until {
        arguments.extend(["--filter", until]);
    }
    let said = ask_about(engine, name, &arguments, LONG)
        .await?
        .output(name, "be pruned")?;
    Ok(BuilderPruned {
        builder: name.to_owned(),
        freed_bytes: usage::freed(&said).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(driver: BuilderDriver) -> NewBuilder {
        NewBuilder {
            name: "team".into(),
            driver,
            endpoint: None,
            options: Vec::new(),
            platforms: Vec::new(),
        }
    }

    #[test]
    fn a_builder_is_made_with_one_word_per_argument() {
        let words = creation(&NewBuilder {
            endpoint: Some("tcp://build.example:1234".into()),
            options: vec!["cacert=/a b/ca.pem".into()],
            platforms: vec!["linux/arm64".into()],
            ..new(BuilderDriver::Remote)
        })
        .unwrap();
        assert_eq!(
            words,
            [
                "create",
                "--name",
                "team",
                "--driver",
                "remote",
                "--driver-opt",
                "cacert=/a b/ca.pem",
                "--platform",
                "linux/arm64",
                "--",
                "tcp://build.example:1234"
            ]
        );
        assert!(
            creation(&new(BuilderDriver::Remote)).is_err(),
            "there is no default address"
        );
        assert!(creation(&new(BuilderDriver::DockerContainer)).is_ok());
    }
}
