//! What the Engine knows of images, as plans need it: facts about the ones recipes start from, and which results exist.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::{try_join, try_join_all};

use crate::catalogue::Candidate;
use crate::clock::now_ms;
use crate::docker::Docker;
use crate::engine::Engine;
use crate::error::Result;
use crate::plan::select::Existence;
use crate::recipe::{ImageFacts, Images};

/// Longest a plan waits for the Engine; past it the plan goes on without, and says so.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was learned, and whether the Engine answered.
pub(crate) struct Known {
    pub(crate) images: Images,
    pub(crate) checked: bool,
    pub(crate) platform: String,
    /// Sentences about images that moved.
    pub(crate) notes: Vec<String>,
}

const PLATFORM_KEY: &str = "engine platform";

/// Looks up the images of a recipe: at an engine, else as they were last seen.
pub(crate) async fn look_up(engine: &Engine, docker: &Docker, references: &[String]) -> Result<Known> {
    let ask = async {
        let images = references.iter().map(|reference| docker.image(reference));
        let (about, found) = try_join(docker.about(), try_join_all(images)).await?;
        Ok::<_, crate::error::Error>((about.platform.clone(), found))
    };
    let answer = tokio::time::timeout(PATIENCE, ask).await;
    let (checked, platform, found) = match answer {
        Ok(Ok((platform, found))) => (true, Some(platform), found),
        Ok(Err(error)) => {
            tracing::debug!(%error, "planning without the engine");
            (false, None, Vec::new())
        }
        Err(_) => (false, None, Vec::new()),
    };
    let stored = engine.catalogue().setting(PLATFORM_KEY)?;
    let platform = platform.or(stored).unwrap_or_else(|| "linux/amd64".to_owned());
    let mut known = Known {
        images: Images::new(),
        checked,
        platform,
        notes: Vec::new(),
    };
    for (at, reference) in references.iter().enumerate() {
        let seen = engine.catalogue().seen_image(reference, &known.platform)?;
        let facts = match found.get(at).and_then(Option::as_ref) {
            Some(image) => {
                if let Some(seen) = seen.filter(|seen| seen.digest != image.digest) {
                    let digest = |text: &str| {
                        text.trim_start_matches("sha256:")
                            .chars()
                            .take(12)
                            .collect::<String>()
                    };
                    let (old, new) = (digest(&seen.digest), digest(&image.digest));
                    known
                        .notes
                        .push(format!("{reference} moved to another image: {old} → {new}"));
                }
                ImageFacts {
                    digest: Some(image.digest.clone()),
                    user: image.user.clone(),
                }
            }
            None => ImageFacts {
                digest: seen.map(|seen| seen.digest),
                user: None,
            },
        };
        known.images.insert(reference.clone(), facts);
    }
    Ok(known)
}

/// Remembers what a build starts from, so that plans without an engine have the same keys.
pub(crate) fn remember(engine: &Engine, platform: &str, images: &Images) -> Result<()> {
    if engine.catalogue().setting(PLATFORM_KEY)?.as_deref() != Some(platform) {
        engine.catalogue().set_setting(PLATFORM_KEY, platform)?;
    }
    for (reference, facts) in images {
        if let Some(digest) = &facts.digest {
            engine
                .catalogue()
                .note_image(reference, platform, digest, now_ms())?;
        }
    }
    Ok(())
}

/// Asks the Engine whether it has a build's image, under its name and with its digest.
pub(super) async fn existence(engine: &Engine, candidate: &Candidate) -> Existence {
    let (Some(reference), Some(digest)) = (&candidate.reference, &candidate.digest) else {
        return Existence::Gone;
    };
    has(engine.docker(), reference, digest).await
}

/// Asks the Engine whether it has an image with this digest under this name.
pub(super) async fn has(docker: &Docker, reference: &str, digest: &str) -> Existence {
    match tokio::time::timeout(PATIENCE, docker.image(reference)).await {
        Ok(Ok(Some(image))) if image.digest == digest => Existence::Present,
        Ok(Ok(_)) => Existence::Gone,
        Ok(Err(_)) | Err(_) => Existence::Unknown,
    }
}

/// Which of our results the Engine has, by reference, with their digests; none when it did not answer.
pub(crate) struct Present(Option<HashMap<String, String>>);

/// Asks the Engine for all of its tagged images, once for many commits.
pub(crate) async fn present(engine: &Engine) -> Present {
    match tokio::time::timeout(PATIENCE, engine.docker().tagged()).await {
        Ok(Ok(tags)) => Present(Some(tags)),
        _ => Present(None),
    }
}

impl Present {
    /// Returns whether a build's image is there, under its name and with its digest.
    pub(crate) fn existence(&self, candidate: &Candidate) -> Existence {
        match (&candidate.reference, &candidate.digest) {
            (Some(reference), Some(digest)) => self.has(reference, digest),
            _ if self.0.is_none() => Existence::Unknown,
            _ => Existence::Gone,
        }
    }

    /// Returns whether an image is there, under its name and with its digest.
    pub(crate) fn has(&self, reference: &str, digest: &str) -> Existence {
        match &self.0 {
            None => Existence::Unknown,
            Some(tags) if tags.get(reference).is_some_and(|found| found == digest) => Existence::Present,
            Some(_) => Existence::Gone,
        }
    }
}
