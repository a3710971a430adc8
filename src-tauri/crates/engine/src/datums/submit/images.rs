//! The images that a submission needs, and what has to be done for each.

use std::path::Path;

use crate::datums::images::{
    self, LookedImage, WantedImage, Whereabouts, check_login, is_pushed, look, look_push, split,
};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::datum::image::{BuildFrom, Name};
use crate::recipe::datum::spec::{BuildStep, Spec};
use crate::wire::{BuildId, DatumImage, ImageAction, Stack, SubmitRequest};

/// An image and what is done for it.
pub(super) struct Image {
    /// What is shown of it.
    pub(super) shown: DatumImage,
    work: Work,
}

enum Work {
    /// It is used as it is.
    Nothing,
    /// It is built, or an older build serves.
    Build(Box<(WantedImage, LookedImage)>),
    /// It is pushed under a tag of its own: source and repository.
    Push(String, String),
}

impl Image {
    /// Returns whether the pipeline runs another image than its spec names.
    pub(super) fn renames(&self) -> bool {
        !matches!(self.work, Work::Nothing)
    }

    /// Says what has to be done, if anything.
    pub(super) fn action(&self) -> Option<String> {
        let name = &self.shown.reference;
        match self.shown.action {
            ImageAction::Use | ImageAction::Pull | ImageAction::Reuse => None,
            ImageAction::Build if self.shown.push => Some(format!("build the image {name} and push it")),
            ImageAction::Build => Some(format!("build the image {name}")),
            ImageAction::Push => Some(format!("push the image {name}")),
        }
    }

    /// Does what has to be done.
    pub(super) async fn ready(
        &self,
        engine: &Engine,
        stack: &Stack,
        on_build: impl Fn(BuildId) + Send,
    ) -> Result<()> {
        match &self.work {
            Work::Nothing => Ok(()),
            Work::Build(both) => images::build(engine, stack, &both.0, &both.1, on_build)
                .await
                .map(drop),
            Work::Push(source, repository) => {
                images::push_as(engine, stack, source, repository).await.map(drop)
            }
        }
    }
}

/// Looks at the image of a builder: the one that is named, or the official one of a language.
pub(super) async fn builder_image(engine: &Engine, stack: &Stack, step: &BuildStep) -> Result<Image> {
    match (&step.image, &step.language) {
        (Some(image), _) => as_it_is(engine, stack, "builder", image).await,
        (None, language) => {
            let wanted = images::builder_image(engine, language.as_deref().unwrap_or_default())?;
            built(engine, stack, "builder", wanted).await
        }
    }
}

/// Looks at the image of a pipeline. With a build step, building and pushing have no effect.
pub(super) async fn pipeline_image(
    engine: &Engine,
    stack: &Stack,
    request: &SubmitRequest,
    folder: &Path,
    spec: &Spec,
    has_build_step: bool,
) -> Result<Image> {
    let image = &spec.transform.image;
    if has_build_step || !(request.build || request.push_images) {
        return as_it_is(engine, stack, "pipeline", image).await;
    }
    let (registry, username) = (request.registry.as_deref(), request.username.as_deref());
    let name = Name::split(image);
    let pushes = is_pushed(&name.repository, registry);
    if pushes || username.is_some() {
        check_login(engine, &name.repository, registry, username).await?;
    }
    if request.build {
        let Some(from) = BuildFrom::new(spec.transform.dockerfile.as_deref(), folder) else {
            return Err(Error::refused(
                "transform.dockerfile names no file",
                "name a Dockerfile",
            ));
        };
        let dockerfile = from.context.join(&from.dockerfile);
        let wanted = WantedImage::of_dockerfile(&spec.name, &name.repository, &dockerfile, pushes);
        return built(engine, stack, "pipeline", wanted).await;
    }
    let source = name.source();
    let looked = look_push(engine, stack, &source, &name.repository).await?;
    Ok(Image {
        shown: DatumImage {
            role: "pipeline".to_owned(),
            reference: looked.reference,
            action: if looked.there {
                ImageAction::Reuse
            } else {
                ImageAction::Push
            },
            reason: looked.reason,
            build: None,
            push: !looked.there,
        },
        work: Work::Push(source, split(image).0.to_owned()),
    })
}

async fn built(engine: &Engine, stack: &Stack, role: &str, wanted: WantedImage) -> Result<Image> {
    let looked = look(engine, stack, &wanted).await?;
    Ok(Image {
        shown: DatumImage {
            role: role.to_owned(),
            reference: looked.reference.clone(),
            action: match looked.exists {
                Whereabouts::Missing => ImageAction::Build,
                _ if looked.to_push => ImageAction::Push,
                _ => ImageAction::Reuse,
            },
            reason: looked.reason.clone(),
            build: looked.build.clone(),
            push: looked.to_push,
        },
        work: Work::Build(Box::new((wanted, looked))),
    })
}

async fn as_it_is(engine: &Engine, stack: &Stack, role: &str, image: &str) -> Result<Image> {
    let (action, reason) = match engine.docker_at(stack.context.as_deref()).image(image).await {
        Ok(Some(_)) => (ImageAction::Use, "the engine has it".to_owned()),
        Ok(None) => (ImageAction::Pull, "the engine does not have it yet".to_owned()),
        Err(error) => (
            ImageAction::Use,
            format!("{error}, so nobody knows whether it is there"),
        ),
    };
    Ok(Image {
        shown: DatumImage {
            role: role.to_owned(),
            reference: image.to_owned(),
            action,
            reason,
            build: None,
            push: false,
        },
        work: Work::Nothing,
    })
}
