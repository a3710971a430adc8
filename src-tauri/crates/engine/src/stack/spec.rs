//! What a stack and the flags of one request come to.

use super::{additions, get, of_project};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::compose::build_model::Spec;
use crate::recipe::compose::flags::{FlagError, Flags};
use crate::recipe::compose::registry::{self, SingleName};
use crate::wire::{BuildRequest, Stack};

/// Longest name of a stack.
const MAX_NAME: usize = 40;

/// The stack of one request.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    /// With what the request changed.
    pub(crate) stack: Stack,
    /// How to build; none when nothing is to be built.
    pub(crate) spec: Option<Spec>,
    /// Sentences about flags that have no effect.
    pub(crate) notices: Vec<String>,
}

/// Returns the stack that a request means: its own, else its project's, with what its options change.
pub(crate) fn choose(engine: &Engine, request: &BuildRequest) -> Result<Chosen> {
    let options = &request.options;
    let name = match &options.stack {
        Some(name) => name.clone(),
        None => of_project(engine, &request.project)?,
    };
    let mut stack = get(engine, &name)?;
    // An empty name takes the stack's registry away for this once, as `stacks save --registry ''` does for good.
    let asked_for = options.registry.as_deref().map(str::trim);
    let in_vain = asked_for == Some("") && stack.registry.is_none();
    if options.registry.is_some() {
        // A name that belongs to the stack's registry says nothing about another one.
        stack.registry_single_name = None;
        stack.detect_single_name = true;
        stack.registry_cache = true;
    }
    let given = |option: &Option<String>, own: Option<String>| option.clone().or(own);
    stack.registry = given(&options.registry, stack.registry).filter(|name| !name.trim().is_empty());
    stack.builder = given(&options.builder, stack.builder);
    stack.registry_single_name = given(&options.registry_single_name, stack.registry_single_name);
    if options.no_registry_single_name && options.registry_single_name.is_none() {
        stack.registry_single_name = None;
        stack.detect_single_name = false;
    }
    stack.registry_cache &= !options.no_registry_cache;
    let flags = Flags {
        no_build: options.no_build,
        registry: stack.registry.clone(),
        registry_single_name: stack.registry_single_name.clone(),
        // Contradictions are what the request says against itself, not against its stack.
        no_registry_single_name: options.no_registry_single_name
            || (stack.registry.is_some()
                && stack.registry_single_name.is_none()
                && !stack.detect_single_name),
        no_registry_cache: options.no_registry_cache || (stack.registry.is_some() && !stack.registry_cache),
        builder: stack.builder.clone(),
        no_cache: request.no_cache,
        github_cache: false,
    };
    let asked = flags.read().map_err(refused)?;
    // What a stack has set is not a flag that somebody gave in vain.
    let said = [
        ("--registry ", options.registry.is_some()),
        ("--registry-single-name ", options.registry_single_name.is_some()),
        ("--no-registry-single-name ", options.no_registry_single_name),
        ("--no-registry-cache ", options.no_registry_cache),
        ("--builder ", options.builder.is_some()),
        ("--no-cache ", request.no_cache),
    ];
    let notices = asked.notices.into_iter().filter(|notice| {
        said.iter()
            .all(|(flag, given)| *given || !notice.starts_with(flag))
    });
    let vain = in_vain.then(|| format!("an empty --registry has no effect: the stack {name} has none"));
    Ok(Chosen {
        notices: notices.chain(vain).collect(),
        stack,
        spec: asked.spec,
    })
}

fn refused(error: FlagError) -> Error {
    let hint = match &error {
        FlagError::Registry(error) => error.hint(),
        _ => None,
    };
    Error::refused(
        error.to_string(),
        hint.unwrap_or_else(|| "see `headstart build --help`".to_owned()),
    )
}

/// Checks a stack and cleans what people type.
pub(super) fn checked(mut stack: Stack) -> Result<Stack> {
    let not_empty = |text: Option<String>| {
        text.map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    stack.name = stack.name.trim().to_owned();
    stack.context = not_empty(stack.context);
    stack.builder = not_empty(stack.builder);
    stack.registry = not_empty(stack.registry);
    stack.registry_single_name = not_empty(stack.registry_single_name);
    stack.platform = not_empty(stack.platform);
    stack.artifact_store = not_empty(stack.artifact_store);
    stack.ca_bundle = not_empty(stack.ca_bundle);
    stack.prefix = stack.prefix.trim().to_ascii_lowercase();
    let letters = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if stack.name.is_empty()
        || stack.name.len() > MAX_NAME
        || !letters(&stack.name)
        || stack.name.starts_with('-')
    {
        return Err(Error::refused(
            format!("{:?} cannot be the name of a stack", stack.name),
            format!(
                "use lower-case letters, digits and -, at most {MAX_NAME}, beginning with a letter or digit"
            ),
        ));
    }
    if stack.prefix.is_empty()
        || stack.prefix.len() > 30
        || !letters(&stack.prefix)
        || stack.prefix.starts_with('-')
        || stack.prefix.ends_with('-')
    {
        return Err(Error::refused(
            format!("image names cannot begin with {:?}", stack.prefix),
            "use lower-case letters, digits and -, such as headstart or preevy",
        ));
    }
    for (what, name) in [("docker context", &stack.context), ("builder", &stack.builder)] {
        let valid = |name: &String| {
            name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c))
        };
        if let Some(name) = name.as_ref().filter(|name| !valid(name)) {
            return Err(Error::refused(
                format!("{name:?} cannot be the name of a {what}"),
                "choose one of the list",
            ));
        }
    }
    if let Some(platform) = &stack.platform
        && !platform
            .split('/')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
    {
        return Err(Error::refused(
            format!("{platform:?} is no platform"),
            "write it as linux/amd64",
        ));
    }
    if let Some(text) = &stack.registry {
        let single = match (&stack.registry_single_name, stack.detect_single_name) {
            (Some(name), _) => SingleName::Named(name),
            (None, true) => SingleName::Detect,
            (None, false) => SingleName::Off,
        };
        registry::parse(text, single).map_err(|error| refused(error.into()))?;
    } else if stack.registry_single_name.is_some() {
        return Err(Error::refused(
            "a single name needs a registry",
            "name the registry too, or leave the single name out",
        ));
    }
    additions::check(&mut stack)?;
    Ok(stack)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_cleaned_or_refused() {
        let with = |change: fn(&mut Stack)| {
            let mut stack = Stack::named("ci");
            change(&mut stack);
            checked(stack)
        };
        assert_eq!(
            with(|stack| stack.builder = Some("  ".into())).unwrap().builder,
            None
        );
        assert_eq!(
            with(|stack| stack.prefix = "Preevy".into()).unwrap().prefix,
            "preevy"
        );
        assert!(with(|stack| stack.name = "-x".into()).is_err());
        assert!(with(|stack| stack.name = String::new()).is_err());
        assert!(with(|stack| stack.builder = Some("--push".into())).is_err());
        assert!(with(|stack| stack.registry = Some("me:secret@host".into())).is_err());
        assert!(with(|stack| stack.registry_single_name = Some("x".into())).is_err());
        assert!(with(|stack| stack.platform = Some("linux amd64".into())).is_err());
        assert!(with(|stack| stack.platform = Some("linux/arm64/v8".into())).is_ok());
    }
}
