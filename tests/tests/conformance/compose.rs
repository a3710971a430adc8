//! Building compose projects: registries, references, flags, the build model and bake's arguments.
//!
//! Upstream's names and caches are asked for (`preevy`, [`Scheme::Preevy`]); everything else is what our own builds do.

use anyhow::{Context, Result};
use headstart_engine::recipe::compose::build_model::{
    BuildModel, DEPLOY_ARGS, Request, Service, Spec, bake_args,
};
use headstart_engine::recipe::compose::caches::{Branches, Caches, Scheme};
use headstart_engine::recipe::compose::environment_id;
use headstart_engine::recipe::compose::flags::{Asked, FlagError, Flags};
use headstart_engine::recipe::compose::normalised;
use headstart_engine::recipe::compose::reference::{ImageName, Owner};
use headstart_engine::recipe::compose::registry::{Registry, SingleName, parse};
use serde_json::{Map, Value, json};

use crate::Case;
use crate::base_selection::texts;

const PREFIX: &str = "preevy";

pub(crate) fn registry(case: &Case) -> Result<Option<Value>> {
    let text = case.input["registry"]
        .as_str()
        .context("the case has no registry")?;
    let single_name = &case.input["single_name"];
    let asked = match single_name {
        Value::Null => SingleName::Detect,
        Value::Bool(false) => SingleName::Off,
        name => SingleName::Named(name.as_str().context("a single name is text")?),
    };
    let parsed = match parse(text, asked) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(Some(json!({ "error": error.to_string() }))),
    };
    // Upstream keeps an empty name, which makes the same references as none.
    let none = if single_name == "" { json!("") } else { Value::Null };
    let scheme = if parsed.single_name.is_some() {
        "single name"
    } else {
        "plain"
    };
    Ok(Some(json!({
        "registry": parsed.host_and_path,
        "single_name": parsed.single_name.map_or(none, Value::from),
        "scheme": scheme,
    })))
}

pub(crate) fn reference(case: &Case) -> Result<Option<Value>> {
    let text = |name: &str| case.input[name].as_str();
    let (Some(project), Some(service), Some(tag)) = (text("project"), text("service"), text("tag")) else {
        return Ok(None);
    };
    let owner = Owner {
        project: project.to_owned(),
        service: service.to_owned(),
    };
    let name = ImageName::new(PREFIX, &owner);
    let in_registry = |single_name: SingleName<'_>| -> Result<String> {
        let registry = text("registry")
            .map(|text| parse(text, single_name))
            .transpose()?;
        Ok(name.reference(registry.as_ref(), tag))
    };
    let given = text("single_name").map_or(SingleName::Detect, SingleName::Named);
    let made = in_registry(given)?;
    let mut answer = json!({ "ref": made, "plain": made, "valid_docker_reference": is_valid(&made) });
    for asked in names(&case.expected) {
        let single_name = asked
            .strip_prefix("single_name(")
            .and_then(|rest| rest.strip_suffix(')'));
        if let Some(single_name) = single_name {
            answer[asked] = in_registry(SingleName::Named(single_name))?.into();
        }
    }
    Ok(known(answer, &case.expected))
}

pub(crate) fn bake(case: &Case) -> Result<Option<Value>> {
    let spec = spec(&case.input["spec"])?;
    Ok(Some(arguments(case, &spec)?.into()))
}

pub(crate) fn build(case: &Case) -> Result<Option<Value>> {
    let compose = &case.input["compose"];
    let spec = spec(&case.input["spec"])?;
    let services = services(compose)?;
    let request = Request {
        project: compose["name"].as_str().context("the case has no project")?,
        services: &services,
        spec: &spec,
        scheme: Scheme::Preevy,
        prefix: PREFIX,
        tag: case.input["tag"].as_str().unwrap_or("abcdef"),
        branches: &Branches::default(),
    };
    let model = BuildModel::generate(&request)?;
    let file = model.to_compose(compose);
    let deployed = model.to_deploy(compose);
    // Bake is not started when there is nothing to build, so it says nothing.
    let bake = if model.is_empty() {
        None
    } else {
        Some(arguments(case, &spec)?)
    };
    let mut answer = json!({
        "build_model": file,
        "build_services": file["services"],
        "bake_args": bake,
        "bake_args_prefix": bake.as_ref().map(|args| &args[..1]),
        "buildx_result": null,
        "deploy_model": deployed,
    });
    if let Some(built) = model.services.first() {
        answer["deploy_image"] = deployed["services"][&built.name]["image"].clone();
    }
    for built in &model.services {
        let mut shown = file["services"][&built.name]["build"].clone();
        shown["image"] = built.reference.clone().into();
        answer[&built.name] = only(&shown, &case.expected[&built.name]);
    }
    Ok(known(answer, &case.expected))
}

pub(crate) fn flags(case: &Case) -> Result<Option<Value>> {
    let text = |name: &str| case.input[name].as_str().map(str::to_owned);
    let given = |name: &str| case.input[name] == true;
    let flags = Flags {
        no_build: given("no-build"),
        registry: text("registry"),
        registry_single_name: text("registry-single-name"),
        no_registry_single_name: given("no-registry-single-name"),
        no_registry_cache: given("no-registry-cache"),
        builder: text("builder"),
        no_cache: given("no-cache"),
        github_cache: given("github-add-build-cache"),
    };
    let asked = match flags.read() {
        Ok(asked) => asked,
        Err(error) => return Ok(Some(json!({ "error": in_their_words(&error) }))),
    };
    Ok(Some(match asked {
        Asked { spec: None, notices } => json!({
            "build_spec": null,
            "deploy": format!("docker compose {} with the user's `image` values", DEPLOY_ARGS.join(" ")),
            "note": notices.join("; "),
        }),
        Asked { spec: Some(spec), .. } => {
            let shown = json!({
                "registry": spec.registry.map(|Registry { host_and_path, single_name }| {
                    json!({ "registry": host_and_path, "single_name": single_name })
                }),
                "registry_cache": spec.registry_cache,
                "no_cache": spec.no_cache,
                "builder": spec.builder,
            });
            json!({ "build_spec": only(&shown, &case.expected["build_spec"]) })
        }
    }))
}

pub(crate) fn github_cache(case: &Case) -> Result<Option<Value>> {
    let (Some(project), Some(service)) = (case.input["project"].as_str(), case.input["service"].as_str())
    else {
        return Ok(None);
    };
    let own = |name: &str| texts(&case.input[name]).into_iter().map(str::to_owned).collect();
    let mut caches = Caches {
        from: own("cache_from"),
        to: own("cache_to"),
    };
    caches.add_github(Scheme::Preevy, project, service);
    Ok(Some(json!({ "cache_from": caches.from, "cache_to": caches.to })))
}

pub(crate) fn environment(case: &Case) -> Result<Option<Value>> {
    let text = |name: &str| case.input[name].as_str();
    Ok(match (case.input.as_str(), text("project"), text("branch")) {
        (Some(name), _, _) => Some(normalised(name).into()),
        (None, Some(project), Some(branch)) => Some(environment_id(project, branch).into()),
        _ => None,
    })
}

fn spec(value: &Value) -> Result<Spec> {
    let registry = &value["registry"];
    let registry = match registry["registry"].as_str() {
        // The name was read before: nothing is detected any more.
        Some(text) => {
            let single_name = registry["single_name"].as_str();
            Some(parse(
                text,
                single_name.map_or(SingleName::Off, SingleName::Named),
            )?)
        }
        None => None,
    };
    Ok(Spec {
        registry,
        registry_cache: value["registry_cache"].as_bool().unwrap_or(true),
        github_cache: false,
        no_cache: value["no_cache"] == true,
        builder: value["builder"].as_str().map(str::to_owned),
    })
}

fn services(compose: &Value) -> Result<Vec<Service>> {
    let all = compose["services"]
        .as_object()
        .context("the case has no services")?;
    let service = |(name, service): (&String, &Value)| Service {
        name: name.clone(),
        image: service["image"].as_str().map(str::to_owned),
        build: service.get("build").cloned(),
    };
    Ok(all.iter().map(service).collect())
}

fn arguments(case: &Case, spec: &Spec) -> Result<Vec<String>> {
    let file = case.input["model_file"]
        .as_str()
        .unwrap_or("docker-compose.build.yaml");
    Ok(bake_args(file, spec, case.input["platform"].as_str()))
}

/// Upstream's parser has words of its own for what is wrong with flags.
fn in_their_words(error: &FlagError) -> String {
    match error {
        FlagError::Needs { needs, .. } => format!("depends on {needs}"),
        FlagError::Exclusive { .. } => "flags are mutually exclusive".to_owned(),
        FlagError::Registry(error) => error.to_string(),
    }
}

/// Returns an answer unless more is asked than it knows of.
fn known(answer: Value, expected: &Value) -> Option<Value> {
    names(expected)
        .all(|name| answer.get(name).is_some())
        .then_some(answer)
}

/// Returns whether Docker would take a reference, as far as names can go wrong.
fn is_valid(reference: &str) -> bool {
    let (repository, tag) = reference.rsplit_once(':').unwrap_or((reference, ""));
    let part = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_uppercase());
    repository.len() <= 255 && tag.len() <= 128 && repository.split('/').all(part)
}

/// Returns the parts of an answer that are expected: a case names only those that it is about.
fn only(answer: &Value, expected: &Value) -> Value {
    let part = |name: &str| Some((name.to_owned(), answer.get(name)?.clone()));
    names(expected).filter_map(part).collect::<Map<_, _>>().into()
}

fn names(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
}
