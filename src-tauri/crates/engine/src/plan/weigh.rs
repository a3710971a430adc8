//! One service of several: its keys, the older images that have them, and what that decides.

use super::read::Read;
use super::reasons::environment_differences;
use super::select::Existence;
use crate::catalogue::OlderTarget;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::compose::build_model::{BuiltService, Request};
use crate::recipe::compose::caches::{Branches, Scheme};
use crate::recipe::compose::{ComposeProject, tags};
use crate::recipe::pipeline::PipelineImage;
use crate::recipe::{Code, Resolved};
use crate::registry::{self, Looked};
use crate::stack::Chosen;
use crate::wire::{Candidate, Condition, Decision, KeyField, PlannedTarget, ProjectId, Verdict};

/// Older images that are compared to say why none serves.
const RECENT: u32 = 8;

/// A service with its keys, and the older images that have them.
pub(super) struct Weighed {
    pub(super) named: BuiltService,
    resolved: Resolved,
    environment_key: String,
    fields: Vec<KeyField>,
    code_key: String,
    /// Why nobody knows whether its source has changed.
    unknown: Option<String>,
    exact: Vec<OlderTarget>,
    newest: Option<OlderTarget>,
    /// Others that are shown with what they lack.
    recent: Vec<OlderTarget>,
    /// The image that serves, once it was looked for.
    pub(super) found: Option<OlderTarget>,
    /// Whether one that would serve is gone.
    gone: bool,
    /// Whether an older image may serve at all.
    pub(super) may_reuse: bool,
    /// Whether every question about its images was answered.
    pub(super) answered: bool,
}

/// Adds what the stack has a part in to a service's environment: an image under another name does not serve, and a
/// registry's has to be in that registry.
fn with_stack(resolved: &mut Resolved, chosen: &Chosen, named: &BuiltService) {
    let name = named
        .reference
        .rsplit_once(':')
        .map_or(named.reference.as_str(), |(name, _)| name);
    let place = match chosen.spec.as_ref().and_then(|spec| spec.registry.as_ref()) {
        Some(registry) => format!("registry {}", registry.host_and_path),
        None => "engine".to_owned(),
    };
    resolved.environment.set("stack.images", place);
    if chosen
        .spec
        .as_ref()
        .and_then(|spec| spec.registry.as_ref())
        .is_none_or(|registry| registry.single_name.is_none())
    {
        resolved.environment.set("stack.name", name);
    }
}

/// Weighs a service: its keys and the older images that have them.
pub(super) fn weigh(
    engine: &Engine,
    read: &Read,
    mut resolved: Resolved,
    chosen: &Chosen,
    named: &BuiltService,
) -> Result<Weighed> {
    with_stack(&mut resolved, chosen, named);
    let environment_key = resolved.environment.key();
    let (code_key, unknown) = match &resolved.code {
        Code::Source => (read.source.to_string(), None),
        Code::Key(key) => (key.clone(), None),
        Code::Unknown { key, why } => (key.clone(), Some(why.clone())),
    };
    let (catalogue, project) = (engine.catalogue(), &read.opened.row.id);
    let fields = resolved.environment.shown();
    // The one that differs least tells most: not that the last build went elsewhere, but what changed since the last one
    // that went here.
    let differing =
        |older: &OlderTarget| environment_differences(("", &older.environment), ("new", &fields)).len();
    let newest = catalogue
        .newest_targets(project, &resolved.name, RECENT)?
        .into_iter()
        .min_by_key(differing);
    Ok(Weighed {
        exact: catalogue.exact_targets(project, &resolved.name, &environment_key, &code_key)?,
        newest,
        recent: Vec::new(),
        fields,
        named: named.clone(),
        found: None,
        gone: false,
        answered: true,
        may_reuse: true,
        environment_key,
        code_key,
        unknown,
        resolved,
    })
}

/// Weighs an image of a pipeline. Whichever project or pipeline made one with its keys, it serves.
pub(super) fn weigh_image(
    engine: &Engine,
    read: &Read,
    image: &PipelineImage,
    chosen: &Chosen,
    named: BuiltService,
) -> Result<Weighed> {
    let mut environment = image.environment.clone();
    environment.set("stack.images", super::pipelines::place(chosen));
    let environment_key = environment.key();
    let (code_key, unknown) = match &image.code {
        Code::Source => (read.source.to_string(), None),
        Code::Key(key) => (key.clone(), None),
        Code::Unknown { key, why } => (key.clone(), Some(why.clone())),
    };
    let (catalogue, project) = (engine.catalogue(), &read.opened.row.id);
    let fields = environment.shown();
    let differing =
        |older: &OlderTarget| environment_differences(("", &older.environment), ("new", &fields)).len();
    let mut recent = catalogue.newest_targets(project, &image.key, RECENT)?;
    recent.sort_by_key(differing);
    Ok(Weighed {
        exact: catalogue.exact_anywhere(&environment_key, &code_key)?,
        newest: (!recent.is_empty()).then(|| recent.remove(0)),
        recent,
        fields,
        named,
        found: None,
        gone: false,
        answered: true,
        may_reuse: !image.prevent_reuse,
        environment_key,
        code_key: code_key.clone(),
        unknown,
        resolved: Resolved {
            name: image.key.clone(),
            environment,
            code: image.code.clone(),
        },
    })
}

/// Returns, for each service that a project's stack would build at some commit, the newest image that has its keys.
pub(crate) fn images_of(
    engine: &Engine,
    project: &ProjectId,
    compose: &ComposeProject,
    resolved: Vec<Resolved>,
    chosen: &Chosen,
) -> Result<Vec<(String, Option<OlderTarget>)>> {
    let model = compose.model(&Request {
        project: compose.name(),
        services: compose.services(),
        spec: &chosen.spec.clone().unwrap_or_default(),
        scheme: Scheme::default(),
        prefix: &chosen.stack.prefix,
        // Names without their tags are all that counts.
        tag: tags::LATEST,
        branches: &Branches::default(),
    });
    let model = model.map_err(|error| Error::refused(error.to_string(), error.hint()))?;
    let mut found = Vec::new();
    for mut service in resolved {
        let named = model.services.iter().find(|built| built.name == service.name);
        let (Some(named), Code::Key(code)) = (named, service.code.clone()) else {
            found.push((service.name, None));
            continue;
        };
        with_stack(&mut service, chosen, named);
        let older =
            engine
                .catalogue()
                .exact_targets(project, &service.name, &service.environment.key(), &code)?;
        found.push((service.name, older.into_iter().next()));
    }
    Ok(found)
}

async fn exists(engine: &Engine, older: &OlderTarget, chosen: &Chosen, pushed: bool) -> Existence {
    if pushed {
        return registry::existence(engine, &older.reference, &older.digest).await;
    }
    let docker = engine.docker_at(chosen.stack.context.as_deref());
    super::images::has(&docker, &older.reference, &older.digest).await
}

impl Weighed {
    /// Returns the name of its target.
    pub(super) fn name(&self) -> &str {
        &self.resolved.name
    }

    /// Returns what a registry is asked for.
    pub(super) fn looked_for(&self) -> Looked<'_> {
        Looked {
            target: &self.resolved.name,
            environment_key: &self.environment_key,
            code_key: &self.code_key,
        }
    }

    /// Returns the fields behind its environment key.
    pub(super) fn fields(&self) -> &[KeyField] {
        &self.fields
    }

    /// Returns the older images that were looked at.
    pub(super) fn looked(&self) -> impl Iterator<Item = &OlderTarget> {
        let found = self.found.iter().filter(|found| {
            let known = |older: &&OlderTarget| older.build == found.build;
            !self.exact.iter().any(|older| known(&older))
        });
        let others = self.newest.iter().chain(&self.recent).filter(|older| {
            let known = |one: &&OlderTarget| one.build == older.build;
            !self.exact.iter().any(|one| known(&one))
        });
        found.chain(&self.exact).chain(others)
    }

    /// Returns what is asked of an older image's code.
    pub(super) fn code_condition(&self, older: &OlderTarget) -> Condition {
        let shown = |key: &str| key.chars().take(12).collect::<String>();
        Condition {
            name: "code in the image".to_owned(),
            expected: shown(&self.code_key),
            actual: shown(&older.code_key),
            holds: self.code_key == older.code_key,
        }
    }

    /// Looks for an image that serves: in the registry that images are pushed to, else in the engine.
    pub(super) async fn look(&mut self, engine: &Engine, chosen: &Chosen, pushed: bool) {
        if self.unknown.is_some() {
            return;
        }
        for older in &self.exact {
            let existence = exists(engine, older, chosen, pushed).await;
            self.answered &= existence != Existence::Unknown;
            self.gone |= existence == Existence::Gone;
            if existence != Existence::Gone {
                self.found = Some(older.clone());
                return;
            }
        }
    }
}

/// Decides how a service gets its image.
pub(super) fn decide(weighed: &Weighed, forced: bool) -> PlannedTarget {
    let named = &weighed.named;
    let found = weighed.found.clone().filter(|_| !forced);
    let short = |commit: &str| commit.chars().take(7).collect::<String>();
    let reason = match (&found, &weighed.unknown, &weighed.newest) {
        (Some(older), ..) => format!("built already at {}", short(&older.commit)),
        (None, Some(why), _) => why.clone(),
        _ if forced => "a full build was asked for".to_owned(),
        (None, None, None) => "never built before".to_owned(),
        _ if weighed.gone => "its image is gone".to_owned(),
        (None, None, Some(newest)) => {
            let old = ("", newest.environment.as_slice());
            let differences = environment_differences(old, (&weighed.environment_key, &weighed.fields));
            match differences.first() {
                Some(difference)
                    if !newest.environment.is_empty() && newest.environment != weighed.fields =>
                {
                    difference.text.clone()
                }
                _ => format!("its files changed since {}", short(&newest.commit)),
            }
        }
    };
    PlannedTarget {
        name: weighed.resolved.name.clone(),
        environment_key: weighed.environment_key.clone(),
        code_key: weighed.code_key.clone(),
        fields: weighed.fields.clone(),
        decision: if found.is_some() {
            Decision::Reuse
        } else {
            Decision::Full
        },
        reason,
        build: found.as_ref().map(|older| older.build.clone()),
        reference: Some(found.map_or_else(|| named.reference.clone(), |older| older.reference)),
        tags: named.tags.clone(),
        cache_from: named.caches.from.clone(),
        cache_to: named.caches.to.clone(),
        steps: Vec::new(),
        dockerfile: None,
        includes_code: false,
    }
}

/// Adds the builds whose images were looked at to the candidates.
pub(super) fn note(candidates: &mut Vec<Candidate>, weighed: &Weighed, target: &PlannedTarget) {
    let chosen = target.build.as_ref();
    for older in weighed.looked() {
        let verdict = if chosen == Some(&older.build) {
            Verdict::Chosen
        } else {
            Verdict::Rejected
        };
        let reason = match verdict {
            Verdict::Chosen => format!("{}: same keys", target.name),
            _ if chosen.is_some() => format!("{}: an image with the same keys serves", target.name),
            _ => format!("{}: {}", target.name, target.reason),
        };
        match candidates
            .iter_mut()
            .find(|one: &&mut Candidate| one.build == older.build)
        {
            Some(one) => {
                if verdict == Verdict::Chosen {
                    one.verdict = verdict;
                }
                if !one.reasons.contains(&reason) {
                    one.reasons.push(reason);
                }
            }
            None => candidates.push(Candidate {
                build: older.build.clone(),
                commit: older.commit.clone(),
                distance: None,
                changed_files: None,
                expected_ms: None,
                verdict,
                reasons: vec![reason],
                conditions: Vec::new(),
                producer: None,
            }),
        }
    }
}
