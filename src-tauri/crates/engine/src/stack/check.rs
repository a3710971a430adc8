//! Trying a stack: does each part of it work, and if not, what to do.

use super::status::status_of;
use super::{additions, get};
use crate::artifacts::Store;
use crate::builders;
use crate::engine::Engine;
use crate::error::Result;
use crate::registry;
use crate::wire::{Stack, StackCheck, StackPart, WireError};

/// Tries the parts of a stack; nothing is pushed or built.
pub async fn check(engine: &Engine, name: &str) -> Result<Vec<StackCheck>> {
    let stack = get(engine, name)?;
    let (of_engine, of_builder, of_registry) = tokio::join!(
        check_engine(engine, &stack),
        check_builder(engine, &stack),
        check_registry(engine, &stack)
    );
    let mut checks = vec![of_engine];
    checks.extend(of_builder);
    checks.extend(of_registry);
    checks.extend(check_artifact_store(engine, &stack));
    checks.extend(check_ca_bundle(&stack));
    Ok(checks)
}

fn good(part: StackPart, message: String) -> StackCheck {
    StackCheck {
        part,
        ok: true,
        message,
        hint: None,
    }
}

fn bad(part: StackPart, message: String, hint: Option<String>) -> StackCheck {
    StackCheck {
        part,
        ok: false,
        message,
        hint,
    }
}

async fn check_engine(engine: &Engine, stack: &Stack) -> StackCheck {
    let status = status_of(&engine.docker_at(stack.context.as_deref())).await;
    match status.problem {
        None => good(
            StackPart::Engine,
            format!(
                "engine {} for {} answers",
                status.version.unwrap_or_default(),
                status.platform.unwrap_or_default()
            ),
        ),
        Some(problem) => bad(StackPart::Engine, problem, status.hint),
    }
}

async fn check_builder(engine: &Engine, stack: &Stack) -> Vec<StackCheck> {
    let builders = match builders::list(engine).await {
        Ok(builders) => builders,
        Err(error) => {
            let error = WireError::from(error);
            return vec![bad(StackPart::Builder, error.message, error.hint)];
        }
    };
    // A context that is not the one in use builds with the builder that has its name.
    let in_use = engine.docker().location.builder_name();
    let of_context = || stack.context.as_ref().filter(|name| **name != in_use);
    let named = stack.builder.as_ref().or_else(of_context);
    let found = builders.into_iter().find(|builder| match named {
        Some(name) => builder.name == *name,
        None => builder.selected,
    });
    let Some(builder) = found else {
        let name = named.cloned().unwrap_or_default();
        let hint = "make it in the list of builders, or choose another one".to_owned();
        return vec![bad(
            StackPart::Builder,
            format!("there is no builder {name}"),
            Some(hint),
        )];
    };
    let mut checks = vec![match &builder.problem {
        Some(problem) => bad(
            StackPart::Builder,
            format!("builder {}: {problem}", builder.name),
            builder.hint.clone(),
        ),
        None => good(
            StackPart::Builder,
            format!(
                "builder {} with the {} driver is ready",
                builder.name, builder.driver
            ),
        ),
    }];
    if stack.registry.is_some() && stack.registry_cache {
        checks.push(match builder.can_export_cache {
            true => good(
                StackPart::Cache,
                "layers can be cached in the registry".to_owned(),
            ),
            false => bad(
                StackPart::Cache,
                builder
                    .why_not
                    .unwrap_or_else(|| "this builder cannot write a registry cache".to_owned()),
                builder.hint,
            ),
        });
    } else if stack.registry.is_none()
        && let Some(warning) = builder.warning
    {
        checks.push(bad(
            StackPart::Cache,
            warning,
            Some("name a registry, or use the engine's own builder".to_owned()),
        ));
    }
    checks
}

async fn check_registry(engine: &Engine, stack: &Stack) -> Option<StackCheck> {
    let registry = stack.registry.as_ref()?;
    Some(match registry::answers(engine, registry).await {
        Ok(()) => good(StackPart::Registry, format!("{registry} answers")),
        Err(said) => bad(
            StackPart::Registry,
            format!("{registry}: {said}"),
            Some("check the name, and log in with `docker login` where it asks for it".to_owned()),
        ),
    })
}

fn check_artifact_store(engine: &Engine, stack: &Stack) -> Option<StackCheck> {
    let folder = stack.artifact_store.as_ref()?;
    Some(match Store::of(engine, stack).probe() {
        Ok(()) => good(
            StackPart::ArtifactStore,
            format!("artifact store {folder} can be written to"),
        ),
        Err(error) => {
            let error = WireError::from(error);
            bad(StackPart::ArtifactStore, error.message, error.hint)
        }
    })
}

fn check_ca_bundle(stack: &Stack) -> Option<StackCheck> {
    let file = stack.ca_bundle.as_ref()?;
    Some(match additions::read_ca_bundle(file) {
        Ok(()) => good(StackPart::CaBundle, format!("certificates in {file} can be read")),
        Err(error) => {
            let error = WireError::from(error);
            bad(StackPart::CaBundle, error.message, error.hint)
        }
    })
}
