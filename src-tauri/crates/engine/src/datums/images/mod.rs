//! Images of datum pipelines: what a folder's image would be called, whether it is there already, building it, and giving
//! an image that is there a name of its own in a registry.
//!
//! Tags are made of content, so an unchanged folder is built once and pushed once, whoever asks and how often.

mod build;
mod context;
mod names;
mod push;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use build::build;
pub use names::{check_login, is_pushed, registry_of, split};
pub use push::{LookedPush, look_push, present, push_as};

use crate::datums::builders::{self, BuilderFiles};
use crate::docker::Docker;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::{blocking, environment_differences, look_up};
use crate::recipe::Images;
use crate::recipe::compose::reference::names_registry;
use crate::recipe::dockerfile::{outside, with_arguments};
use crate::registry;
use crate::secrets::{is_secret_name, redacted};
use crate::wire::{BuildFilter, BuildId, BuildStatus, DatumImage, ImageAction, KeyField, Stack};
use context::{Context, Seen, part_of, read_dockerfile};

/// Labels of an image that say what it was made of.
const ENVIRONMENT: &str = "dev.headstart.environment";
const CODE: &str = "dev.headstart.code";
/// What a base image that nobody has seen is called in keys.
const UNSEEN: &str = "not resolved";

/// What an image is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// A folder on disk.
    Folder {
        /// Dockerfile, absolute.
        dockerfile: PathBuf,
        /// Context, absolute: what `.dockerignore` there or beside the Dockerfile leaves of it.
        context: PathBuf,
    },
    /// The files of an official builder.
    Builder {
        /// Its language.
        language: String,
        /// Its files.
        files: BuilderFiles,
    },
}

/// An image that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedImage {
    /// What it is for: the pipeline's name, or `<language>-build`.
    pub name: String,
    /// Its name without a tag.
    pub repository: String,
    /// What it is made of.
    pub source: ImageSource,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Whether it has to be in the registry of its name; [`is_pushed`] tells.
    pub push: bool,
}

impl WantedImage {
    /// Returns the image of a Dockerfile whose context is its own folder.
    pub fn of_dockerfile(name: &str, repository: &str, dockerfile: &Path, push: bool) -> Self {
        Self {
            name: name.to_owned(),
            repository: repository.to_owned(),
            source: ImageSource::Folder {
                dockerfile: dockerfile.to_owned(),
                context: dockerfile.parent().map(Path::to_owned).unwrap_or_default(),
            },
            args: BTreeMap::new(),
            push,
        }
    }

    /// Returns what its builds are kept under in the catalogue: something that is no path, a name and the recipe.
    fn place(&self) -> (String, String, String) {
        match &self.source {
            ImageSource::Folder { dockerfile, .. } => {
                let part = |path: Option<&std::ffi::OsStr>| {
                    path.map(|part| part.to_string_lossy().into_owned())
                        .unwrap_or_default()
                };
                let folder = part(dockerfile.parent().and_then(Path::file_name));
                let name = if folder.is_empty() {
                    self.name.clone()
                } else {
                    folder
                };
                let root = format!("dockerfile:{}", dockerfile.display());
                (root, name, part(dockerfile.file_name()))
            }
            ImageSource::Builder { language, .. } => (
                format!("builder:{language}"),
                format!("{language}-build"),
                "Dockerfile".to_owned(),
            ),
        }
    }
}

/// Where an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// In the stack's engine.
    Here,
    /// Only in its registry, where the engine pulls it from.
    InRegistry,
    /// Nowhere: it has to be built.
    Missing,
}

/// What was found out about an image that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedImage {
    /// Its name with the tag of its content: `repository:key-<32 hexadecimal digits>`.
    pub reference: String,
    /// Where it is.
    pub exists: Whereabouts,
    /// Whether its registry lacks it and it is wanted there.
    pub to_push: bool,
    /// Why it is built or not, one sentence.
    pub reason: String,
    /// Build that made it.
    pub build: Option<BuildId>,
    /// Digest of everything but the files.
    pub environment_key: String,
    /// Digest of the files.
    pub code_key: String,
    /// Fields behind the keys.
    pub fields: Vec<KeyField>,
    /// Platform.
    pub platform: String,
    /// Files of the context.
    pub files: u64,
    /// Their sizes.
    pub bytes: u64,
    /// Whether the engine was asked; otherwise nobody knows where the image is.
    pub engine_checked: bool,
    /// Digests of the images it begins with.
    bases: Images,
    /// Dockerfile text that was looked at.
    dockerfile: String,
}

impl LookedImage {
    /// Returns what a plan shows of it; `role` is "builder" or "pipeline".
    pub fn shown(&self, role: &str) -> DatumImage {
        DatumImage {
            role: role.to_owned(),
            reference: self.reference.clone(),
            action: match self.exists {
                Whereabouts::Here if self.to_push => ImageAction::Push,
                Whereabouts::Here => ImageAction::Reuse,
                Whereabouts::InRegistry => ImageAction::Pull,
                Whereabouts::Missing => ImageAction::Build,
            },
            reason: self.reason.clone(),
            build: self.build.clone(),
            push: self.to_push,
        }
    }
}

/// Returns the image of the official builder for a language, with the base image that the settings name.
pub fn builder_image(engine: &Engine, language: &str) -> Result<WantedImage> {
    let base = builders::base_image(engine, language)?;
    let Some(files) = builders::official(language, base.as_deref()) else {
        let official = builders::languages().join(", ");
        return Err(Error::refused(
            format!("there is no builder for {language}; there are builders for {official}"),
            format!(
                "write one with `headstart builder new {language}`, and name its image as `transform.build.image`"
            ),
        ));
    };
    Ok(WantedImage {
        name: format!("{language}-build"),
        repository: format!("headstart/{language}-build"),
        source: ImageSource::Builder {
            language: language.to_owned(),
            files,
        },
        args: BTreeMap::new(),
        push: false,
    })
}

/// Finds out what a wanted image would be called and where it is; writes nothing. Without an engine that answers, nothing
/// is known to be there.
pub async fn look(engine: &Engine, stack: &Stack, wanted: &WantedImage) -> Result<LookedImage> {
    let (dockerfile, seen) = {
        let wanted = wanted.clone();
        blocking(move || {
            let (dockerfile, context) = read(&wanted)?;
            Ok((dockerfile, context.digest()?))
        })
        .await?
    };
    let docker = engine.docker_at(stack.context.as_deref());
    let references = outside(&with_arguments(&dockerfile, &wanted.args)).images;
    let known = look_up(engine, &docker, &references).await?;
    let platform = stack.platform.clone().unwrap_or(known.platform);
    let mut looked = keyed(wanted, dockerfile, &seen, platform, known.images);
    looked.engine_checked = known.checked;
    if known.checked {
        find(engine, &docker, wanted, &mut looked).await?;
    }
    looked.reason = reason(engine, stack, wanted, &looked)?;
    Ok(looked)
}

/// Reads a Dockerfile and lists what its build uses.
fn read(wanted: &WantedImage) -> Result<(String, Context)> {
    let (text, mut context) = match &wanted.source {
        ImageSource::Folder { dockerfile, context } => {
            (read_dockerfile(dockerfile)?, Context::read(context, dockerfile)?)
        }
        ImageSource::Builder { files, .. } => {
            let [_, build, run] = files.named();
            (files.dockerfile.clone(), Context::of_texts(&[build, run]))
        }
    };
    context.narrow(&outside(&text).context);
    Ok((text, context))
}

/// Returns what is known of an image before anybody is asked where it is.
fn keyed(
    wanted: &WantedImage,
    dockerfile: String,
    seen: &Seen,
    platform: String,
    bases: Images,
) -> LookedImage {
    let field = |name: &str, value: &str| KeyField {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let mut hash = blake3::Hasher::new();
    let mut fields = Vec::new();
    for part in ["headstart image", &dockerfile, &platform] {
        part_of(&mut hash, part.as_bytes());
    }
    let text = blake3::hash(dockerfile.as_bytes()).to_hex();
    fields.push(field("image.file.content", &text[..32]));
    fields.push(field("platform", &platform));
    for (name, value) in &wanted.args {
        part_of(&mut hash, name.as_bytes());
        part_of(&mut hash, value.as_bytes());
        let shown = if is_secret_name(name) {
            redacted(value)
        } else {
            value.clone()
        };
        fields.push(field(&format!("build.args.{name}"), &shown));
    }
    for (reference, facts) in &bases {
        let digest = facts.digest.as_deref().unwrap_or(UNSEEN);
        part_of(&mut hash, reference.as_bytes());
        part_of(&mut hash, digest.as_bytes());
        fields.push(field(&format!("image.from[{reference}]"), digest));
    }
    fields.push(field("image.context[.]", &seen.digest[..32]));
    let environment_key = hash.finalize().to_hex().to_string();
    let mut both = blake3::Hasher::new();
    part_of(&mut both, environment_key.as_bytes());
    part_of(&mut both, seen.digest.as_bytes());
    LookedImage {
        reference: format!("{}:key-{}", wanted.repository, &both.finalize().to_hex()[..32]),
        exists: Whereabouts::Missing,
        to_push: wanted.push,
        reason: String::new(),
        build: None,
        environment_key,
        code_key: seen.digest.clone(),
        fields,
        platform,
        files: seen.files,
        bytes: seen.bytes,
        engine_checked: false,
        bases,
        dockerfile,
    }
}

/// Asks the engine and, where that matters, the registry for the image. A tag alone proves nothing: somebody may have moved
/// it, so what the image says of itself has to agree.
async fn find(
    engine: &Engine,
    docker: &Docker,
    wanted: &WantedImage,
    looked: &mut LookedImage,
) -> Result<()> {
    if let Some(image) = docker.image(&looked.reference).await? {
        let says = |name: &str, value: &str| {
            image
                .labels
                .iter()
                .any(|label| label.0 == name && label.1 == value)
        };
        if says(ENVIRONMENT, &looked.environment_key) && says(CODE, &looked.code_key) {
            looked.exists = Whereabouts::Here;
            let same = [(looked.reference.as_str(), image.digest.as_str())];
            looked.build = engine.catalogue().newest_with(&same)?;
        }
    }
    let could_be_there = wanted.push || names_registry(&wanted.repository);
    if !could_be_there || (looked.exists == Whereabouts::Here && !wanted.push) {
        return Ok(());
    }
    match registry::labels(engine, &looked.reference).await {
        Ok(Some(labels))
            if labels[ENVIRONMENT] == looked.environment_key && labels[CODE] == looked.code_key =>
        {
            looked.to_push = false;
            if looked.exists == Whereabouts::Missing {
                looked.exists = Whereabouts::InRegistry;
            }
        }
        Ok(_) => {}
        Err(said) => tracing::debug!(
            reference = looked.reference,
            said,
            "the registry could not be asked"
        ),
    }
    Ok(())
}

/// Says why an image is built or not.
fn reason(engine: &Engine, stack: &Stack, wanted: &WantedImage, looked: &LookedImage) -> Result<String> {
    let stays = if wanted.push || matches!(wanted.source, ImageSource::Builder { .. }) {
        ""
    } else {
        "; it stays in the engine, because its name has no registry"
    };
    let why = match looked.exists {
        _ if !looked.engine_checked => {
            "the Docker engine does not answer, so nobody knows whether it is there".to_owned()
        }
        Whereabouts::Here if looked.to_push => {
            "an image of the same Dockerfile and files is here, and its registry does not have it".to_owned()
        }
        Whereabouts::Here => "an image of the same Dockerfile and files is here".to_owned(),
        Whereabouts::InRegistry => "its registry has an image of the same Dockerfile and files".to_owned(),
        Whereabouts::Missing => why_missing(engine, stack, wanted, looked)?,
    };
    Ok(format!("{why}{stays}"))
}

fn why_missing(engine: &Engine, stack: &Stack, wanted: &WantedImage, looked: &LookedImage) -> Result<String> {
    let never = || "it was never built before".to_owned();
    let Some(project) = engine.catalogue().find_place(&wanted.place().0)? else {
        return Ok(never());
    };
    let filter = BuildFilter {
        project: Some(project),
        status: vec![BuildStatus::Succeeded],
        stack: Some(stack.name.clone()),
        pipeline: Some(wanted.name.clone()),
        limit: 1,
        ..BuildFilter::default()
    };
    let (_, newest) = engine.catalogue().list(&filter)?;
    let Some(newest) = newest.into_iter().next() else {
        return Ok(never());
    };
    let whole = |environment: &str, code: &str| format!("{environment}{code}");
    let before = whole(&newest.environment_key, &newest.code_key);
    let now = whole(&looked.environment_key, &looked.code_key);
    let differences = environment_differences((&before, &newest.fields), (&now, &looked.fields));
    Ok(match differences.into_iter().next() {
        Some(difference) => difference.text,
        None => "its image is gone".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::ImageFacts;

    fn looked(wanted: &WantedImage, base: Option<&str>, code: &str) -> LookedImage {
        let facts = ImageFacts {
            digest: base.map(str::to_owned),
            user: None,
        };
        let seen = Seen {
            digest: blake3::hash(code.as_bytes()).to_hex().to_string(),
            files: 1,
            bytes: 1,
        };
        let bases = Images::from([("debian:12".to_owned(), facts)]);
        keyed(
            wanted,
            "FROM debian:12".to_owned(),
            &seen,
            "linux/amd64".to_owned(),
            bases,
        )
    }

    #[test]
    fn a_tag_stands_for_everything_that_an_image_is_made_of() {
        let wanted = WantedImage::of_dockerfile("map", "acme/app", Path::new("/w/Dockerfile"), false);
        let first = looked(&wanted, Some("sha256:1"), "a");
        let tag = first.reference.strip_prefix("acme/app:key-").unwrap();
        assert_eq!(tag.len(), 32);
        assert_eq!(looked(&wanted, Some("sha256:1"), "a").reference, first.reference);
        let with_argument = WantedImage {
            args: BTreeMap::from([("TOKEN".to_owned(), "very secret".to_owned())]),
            ..wanted.clone()
        };
        let other = [
            looked(&wanted, Some("sha256:1"), "b"),
            looked(&wanted, Some("sha256:2"), "a"),
            looked(&wanted, None, "a"),
            looked(&with_argument, Some("sha256:1"), "a"),
        ];
        for image in &other {
            assert_ne!(image.reference, first.reference);
        }
        let shown = format!("{:?}", other[3].fields);
        assert!(
            shown.contains("TOKEN") && !shown.contains("very secret"),
            "{shown}"
        );
    }

    #[test]
    fn a_plan_shows_what_happens_with_an_image() {
        let wanted = WantedImage::of_dockerfile("map", "r.example/app", Path::new("/w/Dockerfile"), true);
        let mut image = looked(&wanted, None, "a");
        let mut shown = |exists, to_push| {
            (image.exists, image.to_push) = (exists, to_push);
            let shown = image.shown("pipeline");
            (shown.action, shown.push)
        };
        assert_eq!(shown(Whereabouts::Missing, true), (ImageAction::Build, true));
        assert_eq!(shown(Whereabouts::Here, true), (ImageAction::Push, true));
        assert_eq!(shown(Whereabouts::Here, false), (ImageAction::Reuse, false));
        assert_eq!(shown(Whereabouts::InRegistry, false), (ImageAction::Pull, false));
    }

    #[test]
    fn the_context_is_the_folder_of_the_dockerfile() {
        let wanted = WantedImage::of_dockerfile("map", "acme/app", Path::new("/w/docker/Dev"), false);
        let ImageSource::Folder { context, .. } = &wanted.source else {
            unreachable!("it is a folder");
        };
        assert_eq!(context, Path::new("/w/docker"));
        let (root, name, recipe) = wanted.place();
        assert_eq!((name.as_str(), recipe.as_str()), ("docker", "Dev"));
        assert!(
            !root.starts_with('/'),
            "a folder that is a project too has a row of its own"
        );
    }
}
