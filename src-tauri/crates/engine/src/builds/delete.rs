//! Deleting builds: what would go is shown first; what is deleted stays deleted.

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::wire::{BuildId, DeletePlan, DoomedImage, KeptBuild};

/// Says what deleting builds would do: records, images and the bytes that only they use.
pub async fn delete_plan(engine: &Engine, builds: &[BuildId]) -> Result<DeletePlan> {
    let own_bytes = engine.docker().own_bytes().await.ok();
    let mut plan = DeletePlan {
        builds: Vec::new(),
        images: Vec::new(),
        bytes: 0,
        kept: Vec::new(),
        dependants: Vec::new(),
        engine_checked: own_bytes.is_some(),
    };
    for id in builds {
        let build = match engine.catalogue().build(id) {
            Err(Error::NoBuild(_)) => continue,
            other => other?,
        };
        if build.pinned || !build.status.is_final() {
            let reason = if build.pinned {
                "pinned"
            } else {
                build.status.as_str()
            };
            plan.kept.push(KeptBuild {
                build: id.clone(),
                reason: reason.to_owned(),
            });
            continue;
        }
        for image in build.images {
            // A service that was not built again is the image of several builds.
            let sharers = engine.catalogue().sharers(&image.reference, &image.digest)?;
            if sharers.iter().any(|other| !builds.contains(other)) {
                continue;
            }
            let bytes = own_bytes
                .as_ref()
                .map(|bytes| bytes.get(&image.reference).copied().unwrap_or(0));
            plan.bytes += bytes.unwrap_or(0);
            plan.images.push(DoomedImage {
                build: id.clone(),
                reference: image.reference,
                bytes,
            });
        }
        plan.bytes += std::fs::metadata(engine.log_path(id)).map_or(0, |log| log.len());
        plan.builds.push(id.clone());
    }
    for id in &plan.builds {
        let dependants = engine.catalogue().dependants(id)?;
        plan.dependants
            .extend(dependants.into_iter().filter(|id| !builds.contains(id)));
    }
    plan.dependants.sort();
    plan.dependants.dedup();
    Ok(plan)
}

/// Deletes builds with their images and logs, except pinned and active ones. Without an engine only records and logs
/// go; the answer says what was done.
pub async fn delete(engine: &Engine, builds: &[BuildId]) -> Result<DeletePlan> {
    let mut plan = delete_plan(engine, builds).await?;
    let mut gone = Vec::new();
    for id in std::mem::take(&mut plan.builds) {
        // The record goes first: an image without a record is litter, a record without an image a lie.
        if !engine.catalogue().delete_build(&id)? {
            plan.kept.push(KeptBuild {
                build: id,
                reason: "changed meanwhile".to_owned(),
            });
            continue;
        }
        engine.forget_log(&id);
        drop(std::fs::remove_file(engine.log_path(&id)));
        gone.push(id);
    }
    plan.images.retain(|image| gone.contains(&image.build));
    if plan.engine_checked {
        for image in &plan.images {
            engine.docker().remove_image(&image.reference).await?;
        }
    }
    plan.builds = gone;
    Ok(plan)
}
