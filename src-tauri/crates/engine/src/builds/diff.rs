//! Two builds side by side.

use crate::engine::Engine;
use crate::error::Result;
use crate::wire::{Build, BuildDiff, BuildId, FieldDiff, StepDiff};

/// Compares two builds: facts, key fields, steps by name.
pub fn diff(engine: &Engine, left: &BuildId, right: &BuildId) -> Result<BuildDiff> {
    let (left, right) = (super::get(engine, left)?, super::get(engine, right)?);
    let fields = fields(&left, &right);
    let steps = steps(&left, &right);
    Ok(BuildDiff {
        left,
        right,
        fields,
        steps,
    })
}

fn fields(left: &Build, right: &Build) -> Vec<FieldDiff> {
    let list = |build: &Build| {
        let mut all = vec![
            ("commit".to_owned(), build.commit.clone()),
            ("status".to_owned(), build.status.as_str().to_owned()),
            ("code key".to_owned(), build.code_key.clone()),
            ("environment key".to_owned(), build.environment_key.clone()),
            (
                "decision".to_owned(),
                format!("{:?}", build.decision).to_lowercase(),
            ),
        ];
        all.extend(
            build
                .base
                .iter()
                .map(|base| ("base".to_owned(), base.commit.clone())),
        );
        all.extend(
            build
                .images
                .iter()
                .map(|image| (format!("image {}", image.target), image.digest.clone())),
        );
        all.extend(
            build
                .fields
                .iter()
                .map(|field| (field.name.clone(), field.value.clone())),
        );
        all
    };
    let (before, after) = (list(left), list(right));
    let mut names: Vec<&String> = before.iter().chain(&after).map(|(name, _)| name).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(*name));
    let value = |of: &[(String, String)], name: &str| {
        of.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    names
        .into_iter()
        .map(|name| {
            let (left, right) = (value(&before, name), value(&after, name));
            FieldDiff {
                name: name.clone(),
                equal: left == right,
                left,
                right,
            }
        })
        .collect()
}

fn steps(left: &Build, right: &Build) -> Vec<StepDiff> {
    // The place in the Dockerfile differs between full and incremental; what is done counts.
    let key = |name: &str| super::insights::without_place(name);
    let mut rest: Vec<_> = right
        .steps
        .iter()
        .map(|step| (key(&step.name), Some(step)))
        .collect();
    let mut pairs: Vec<StepDiff> = left
        .steps
        .iter()
        .map(|step| {
            let name = key(&step.name);
            let twin = rest
                .iter_mut()
                .find(|(other, step)| *other == name && step.is_some());
            let right = twin.and_then(|(_, step)| step.take()).cloned();
            StepDiff {
                name,
                left: Some(step.clone()),
                right,
            }
        })
        .collect();
    let unmatched = rest
        .into_iter()
        .filter_map(|(name, step)| step.map(|step| (name, step)));
    pairs.extend(unmatched.map(|(name, step)| StepDiff {
        name,
        left: None,
        right: Some(step.clone()),
    }));
    pairs
}
