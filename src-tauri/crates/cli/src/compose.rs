//! `up`, `down` and `ps`: compose projects from source to running containers.

use std::sync::atomic::{AtomicBool, Ordering};

use headstart_engine::run::deploy;
use headstart_engine::wire::{Decision, DeployEvent, DeployedService, Deployment};
use headstart_engine::{Engine, plan};

use crate::compose_args::{Down, Up};
use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::text::{plain, short};
use crate::work;

pub(crate) async fn up(out: &Out, engine: &Engine, typed: Up) -> Result<Outcome, Failure> {
    if let Some(added) = find::add_compose_here(engine, &typed.request.of)?
        && !out.json
    {
        out.line(format!(
            "added: {} ({}), {}",
            plain(&added.name),
            added.id,
            plain(&added.recipe)
        ));
    }
    let (_, request) = find::request(engine, typed.request)?;
    let planned = plan::plan(engine, &request).await?;
    if !out.json {
        planned
            .warnings
            .iter()
            .for_each(|warning| out.line(out.ink(Ink::Faint, &plain(warning))));
    }
    if planned
        .targets
        .iter()
        .any(|target| target.decision != Decision::Reuse)
    {
        match work::build_request(out, engine, &request).await? {
            Outcome::Done => {}
            other => return Ok(other),
        }
    } else if !out.json && !planned.targets.is_empty() {
        out.line(plain(&planned.reason));
    }
    let mut signals = work::Signals::listen()?;
    let failed = AtomicBool::new(false);
    let cancelled = AtomicBool::new(false);
    let on_event = |event: DeployEvent| {
        match &event {
            DeployEvent::Failed { .. } => failed.store(true, Ordering::Relaxed),
            DeployEvent::Cancelled => cancelled.store(true, Ordering::Relaxed),
            _ => {}
        }
        if out.json {
            out.json_line(&event);
            return;
        }
        match event {
            DeployEvent::Line { text } => out.line(out.ink(Ink::Faint, &plain(&text))),
            DeployEvent::Done { deployment } => show(out, &deployment),
            DeployEvent::Cancelled => out.line("cancelled; `headstart ps` lists what was started"),
            DeployEvent::Building { .. } | DeployEvent::Failed { .. } => {}
        }
    };
    let ended = deploy::deploy(engine, &request, signals.next(), on_event).await;
    match ended {
        Ok(()) if cancelled.load(Ordering::Relaxed) => Ok(Outcome::Failed),
        Ok(()) => Ok(Outcome::Done),
        // Its event has said it in JSON already.
        Err(_) if out.json && failed.load(Ordering::Relaxed) => Ok(Outcome::Failed),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn down(out: &Out, engine: &Engine, typed: Down) -> Result<Outcome, Failure> {
    let name = match typed.name {
        Some(name) => name,
        None => {
            let project = find::project(engine, &typed.of)?;
            let all = deploy::list(engine).await?;
            let own: Vec<_> = all
                .iter()
                .filter(|one| one.project.as_ref() == Some(&project.id))
                .collect();
            match own.as_slice() {
                [one] => one.compose_project.clone(),
                [] => {
                    out.line(format!("nothing of {} runs", plain(&project.name)));
                    return Ok(Outcome::Done);
                }
                several => {
                    let names: Vec<&str> = several.iter().map(|one| one.compose_project.as_str()).collect();
                    return Err(Failure::usage(
                        format!("{} compose projects of {} run", several.len(), project.name),
                        format!("say which one: {}", names.join(", ")),
                    ));
                }
            }
        }
    };
    deploy::take_down(engine, &name, typed.volumes).await?;
    if out.json {
        out.value(&serde_json::json!({ "down": name }));
    } else {
        out.line(format!("{} {name}", out.ink(Ink::Good, "down")));
    }
    Ok(Outcome::Done)
}

pub(crate) async fn ps(out: &Out, engine: &Engine) -> Result<Outcome, Failure> {
    let all = deploy::list(engine).await?;
    if out.json {
        out.value(&all);
    } else if all.is_empty() {
        out.line("nothing runs that was deployed from here; `headstart up` deploys a compose project");
    } else {
        all.iter().for_each(|deployment| show(out, deployment));
    }
    Ok(Outcome::Done)
}

fn show(out: &Out, deployment: &Deployment) {
    let commit = deployment.commit.as_deref().map(short).unwrap_or_default();
    out.line(format!(
        "{} {}",
        out.ink(Ink::Strong, &plain(&deployment.compose_project)),
        out.ink(Ink::Faint, &commit)
    ));
    let width = deployment
        .services
        .iter()
        .map(|service| service.name.chars().count())
        .max()
        .unwrap_or(0);
    for service in &deployment.services {
        out.line(format!(
            "  {:width$}  {}  {}",
            plain(&service.name),
            state(out, service),
            ports(service)
        ));
    }
}

fn state(out: &Out, service: &DeployedService) -> String {
    let ink = match (service.state.as_str(), service.health.as_deref()) {
        ("running", Some("unhealthy")) => Ink::Bad,
        ("running", _) => Ink::Good,
        ("exited", _) if service.exit_code == Some(0) => Ink::Faint,
        _ => Ink::Bad,
    };
    out.ink(ink, &plain(&service.status))
}

fn ports(service: &DeployedService) -> String {
    let link = |port: &headstart_engine::wire::PublishedPort| port.url.clone();
    service
        .ports
        .iter()
        .filter_map(link)
        .collect::<Vec<_>>()
        .join("  ")
}
