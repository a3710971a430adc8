//! The same build on an engine that has nothing yet: with our cache in the registry, with the scheme that exports to the
//! tag `latest`, and without a cache. All three are `docker buildx bake` with the directives of the model.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use headstart_engine::recipe::compose::build_model::{BuildModel, Request, Service, Spec, bake_args};
use headstart_engine::recipe::compose::caches::{Branches, Scheme};
use headstart_engine::recipe::compose::registry::{SingleName, parse};
use headstart_tests::second_engine::SecondEngine;
use headstart_tests::{BUSYBOX, registry, unique};
use serde_json::{Value, json};

use crate::figures::{Table, ms};

/// A minute of work, scaled down: what matters is whether it is done again.
const WORK: &str = "sleep 5";
/// Steps that do it.
const STEPS: usize = 2;
/// How much faster a build has to be whose steps are all in the cache.
const FASTER: f64 = 5.0;

/// A build's time, and how many of its steps came from a cache.
struct Built {
    took: Duration,
    cached: usize,
}

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    let Ok(place) = std::env::var("HEADSTART_DEV_REGISTRY") else {
        eprintln!("caches: no registry, left out (make bench provides one)");
        return Ok(());
    };
    let (Some(ours), Some(source), Some(without)) = (
        on_a_new_engine(&place, Some(Scheme::Headstart))?,
        on_a_new_engine(&place, Some(Scheme::Preevy))?,
        on_a_new_engine(&place, None)?,
    ) else {
        return Ok(());
    };
    let shown = |built: &Built| format!("{}, {} of {STEPS} steps cached", ms(built.took), built.cached);
    let ratio = without.took.as_secs_f64() / ours.took.as_secs_f64();
    let beside = format!(
        "cache on `latest` {}; without a cache {}, {ratio:.1} times ours",
        shown(&source),
        shown(&without)
    );
    table.row(
        "second build on a wiped engine",
        shown(&ours),
        beside,
        "5 times faster than without a cache",
        ours.cached == STEPS && ratio >= FASTER,
    );
    Ok(())
}

/// Builds on the usual engine, then the same on an engine without a layer; none where no engine can be started.
fn on_a_new_engine(place: &str, scheme: Option<Scheme>) -> Result<Option<Built>> {
    let folder = tempfile::tempdir()?;
    let project = unique("bench");
    let once = unique("once");
    // Nothing of it was ever built before.
    let steps: String = (0..STEPS)
        .map(|step| format!("RUN {WORK} && echo {once} > /step{step}\n"))
        .collect();
    std::fs::write(
        folder.path().join("Dockerfile"),
        format!("FROM {BUSYBOX}\n{steps}"),
    )?;
    let spec = Spec {
        registry: Some(parse(place, SingleName::Off)?),
        registry_cache: scheme.is_some(),
        ..Spec::default()
    };
    let model = json!({ "name": project, "services": {} });
    let branches = Branches {
        current: Some("main".to_owned()),
        default: "main".to_owned(),
        ..Branches::default()
    };
    let services = [Service {
        name: "web".to_owned(),
        image: None,
        build: Some(json!({ "context": folder.path() })),
    }];
    let generated = BuildModel::generate(&Request {
        project: &project,
        services: &services,
        spec: &spec,
        scheme: scheme.unwrap_or_default(),
        prefix: "headstart",
        tag: "0123456789ab",
        branches: &branches,
    })?;
    let file = folder.path().join("build.yaml");
    std::fs::write(&file, serde_json::to_vec(&generated.to_compose(&model))?)?;
    let first = bake(&file, &spec, None)?;
    ensure!(first.cached == 0, "the first build does all the work");
    let Some(engine) = SecondEngine::start() else {
        return Ok(None);
    };
    engine.bring(BUSYBOX);
    let second = bake(&file, &spec, Some(&engine.address()));
    let image = format!("headstart-{project}-web");
    registry::remove_repository(&image);
    for tag in ["latest", "0123456789ab"] {
        drop(headstart_tests::try_docker(&[
            "rmi",
            "--force",
            &format!("{place}/{image}:{tag}"),
        ]));
    }
    second.map(Some)
}

fn bake(file: &Path, spec: &Spec, engine: Option<&str>) -> Result<Built> {
    let mut command = Command::new("docker");
    command
        .args(["buildx", "bake", "--progress", "rawjson"])
        .args(bake_args(&file.to_string_lossy(), spec, None))
        .env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1");
    if let Some(address) = engine {
        command.env("DOCKER_HOST", address);
    }
    let start = Instant::now();
    let output = command.output().context("docker")?;
    let took = start.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "bake: {said}");
    let mut cached = std::collections::BTreeSet::new();
    // A stream of objects over many lines; what is no JSON any more is a remark at the end.
    let events = serde_json::Deserializer::from_str(&said).into_iter::<Value>();
    for event in events.map_while(Result::ok) {
        let vertexes = event["vertexes"].as_array().cloned().unwrap_or_default();
        let done = vertexes.iter().filter(|vertex| vertex["cached"] == true);
        let names = done.filter_map(|vertex| vertex["name"].as_str().map(str::to_owned));
        cached.extend(names.filter(|name| name.contains("RUN ")));
    }
    Ok(Built {
        took,
        cached: cached.len(),
    })
}
