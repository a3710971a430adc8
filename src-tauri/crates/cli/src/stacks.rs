//! `stacks`: where and with what builds are made.

use headstart_engine::wire::Stack;
use headstart_engine::{Engine, stack};

use crate::compose_args::{Additions, Save, Stacks};
use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::text::plain;

pub(crate) async fn run(out: &Out, engine: &Engine, command: Stacks) -> Result<Outcome, Failure> {
    match command {
        Stacks::List => {
            let all = stack::list(engine)?;
            if out.json {
                out.value(&all);
            } else {
                all.iter().for_each(|one| show(out, one));
            }
        }
        Stacks::Show { name } => shown(out, &stack::get(engine, &name)?),
        Stacks::Save(typed) => shown(out, &save(engine, *typed)?),
        Stacks::Remove { name } => {
            stack::remove(engine, &name)?;
            if out.json {
                out.value(&serde_json::json!({ "removed": name }));
            }
        }
        Stacks::Use { name, of } => {
            let project = find::project(engine, &of)?;
            stack::use_for(engine, &project.id, &name)?;
            if out.json {
                out.value(&serde_json::json!({ "project": project.id, "stack": name }));
            } else {
                out.line(format!("{} uses the stack {name}", plain(&project.name)));
            }
        }
        Stacks::Check { name } => return check(out, engine, &name).await,
    }
    Ok(Outcome::Done)
}

fn save(engine: &Engine, typed: Save) -> Result<Stack, Failure> {
    let known = stack::list(engine)?
        .into_iter()
        .find(|one| one.name == typed.name);
    let mut one = known.unwrap_or_else(|| Stack::named(&typed.name));
    let set = |place: &mut Option<String>, given: Option<String>| {
        if let Some(text) = given {
            *place = Some(text).filter(|text| !text.is_empty());
        }
    };
    set(&mut one.context, typed.context);
    set(&mut one.builder, typed.builder);
    set(&mut one.registry, typed.registry);
    set(&mut one.registry_single_name, typed.registry_single_name);
    set(&mut one.platform, typed.platform);
    one.detect_single_name = typed.detect_single_name.unwrap_or(one.detect_single_name);
    one.registry_cache = typed.registry_cache.unwrap_or(one.registry_cache);
    one.prefix = typed.prefix.unwrap_or(one.prefix);
    let Additions {
        artifact_store,
        requirements,
        apt_packages,
        environment,
        ca_bundle,
    } = typed.additions;
    set(&mut one.artifact_store, artifact_store.map(whole));
    set(&mut one.ca_bundle, ca_bundle.map(whole));
    let list = |place: &mut Vec<String>, given: Vec<String>| {
        if !given.is_empty() {
            *place = given;
        }
    };
    // The engine drops what is empty, so that one empty text empties the list.
    list(&mut one.requirements, requirements);
    list(&mut one.apt_packages, apt_packages);
    if !environment.is_empty() {
        let given = environment.iter().filter(|text| !text.is_empty());
        one.environment = given.map(|text| variable(text)).collect::<Result<_, _>>()?;
    }
    Ok(stack::save(engine, one)?)
}

/// Returns a path as it holds wherever Headstart is started; nothing stays nothing.
fn whole(path: String) -> String {
    match std::path::absolute(&path) {
        Ok(whole) if !path.is_empty() => whole.to_string_lossy().into_owned(),
        _ => path,
    }
}

fn variable(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        Failure::usage(
            format!("{text} has no value"),
            "write it as NAME=VALUE; NAME= sets an empty one",
        )
    })?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

async fn check(out: &Out, engine: &Engine, name: &str) -> Result<Outcome, Failure> {
    let checks = stack::check(engine, name).await?;
    if out.json {
        out.value(&checks);
    }
    for one in checks.iter().filter(|_| !out.json) {
        let (mark, ink) = if one.ok {
            ("✓", Ink::Good)
        } else {
            ("✕", Ink::Bad)
        };
        out.line(format!("{} {}", out.ink(ink, mark), plain(&one.message)));
        if let Some(hint) = &one.hint {
            out.line(format!("  {}", out.ink(Ink::Faint, &plain(hint))));
        }
    }
    Ok(if checks.iter().all(|one| one.ok) {
        Outcome::Done
    } else {
        Outcome::Unreachable
    })
}

fn shown(out: &Out, one: &Stack) {
    if out.json {
        out.value(one);
    } else {
        show(out, one);
    }
}

fn show(out: &Out, one: &Stack) {
    out.line(out.ink(Ink::Strong, &one.name));
    let or = |text: &Option<String>, none: &str| text.clone().unwrap_or_else(|| none.to_owned());
    let registry = match (&one.registry, &one.registry_single_name) {
        (Some(registry), Some(name)) => format!("{registry}, all images in {name}"),
        (registry, _) => or(registry, "none: images are loaded into the engine"),
    };
    let mut facts = vec![
        ("engine", or(&one.context, "as the docker command finds it")),
        ("builder", or(&one.builder, "the selected one")),
        ("registry", registry),
        ("platform", or(&one.platform, "the engine's")),
        ("prefix", one.prefix.clone()),
    ];
    if one.registry.is_some() && !one.registry_cache {
        facts.push(("cache", "not in the registry".to_owned()));
    }
    let variables: Vec<String> = one
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let added = [
        ("artifacts", one.artifact_store.clone().unwrap_or_default()),
        ("python", one.requirements.join(", ")),
        ("apt", one.apt_packages.join(", ")),
        ("env", variables.join(", ")),
        ("certs", one.ca_bundle.clone().unwrap_or_default()),
    ];
    facts.extend(added.into_iter().filter(|(_, value)| !value.is_empty()));
    for (name, value) in facts {
        out.line(format!(
            "  {}  {}",
            out.ink(Ink::Faint, &format!("{name:9}")),
            plain(&value)
        ));
    }
}
