//! Builders as data: for a language an image, a `build.sh` that makes something that runs of a pipeline's source, and a
//! `run.sh` that runs it. Nothing here knows of Docker.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::settings;
use crate::wire::{BuilderImage, CodeBuilder};

/// Names of a builder's files, the Dockerfile first.
pub const FILES: [&str; 3] = ["Dockerfile", "build.sh", "run.sh"];

/// The files of a builder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuilderFiles {
    /// Dockerfile. Its working directory is `/app`, where both scripts lie.
    pub dockerfile: String,
    /// Run through `sh` in the working directory: reads `/pfs/source`, puts what runs and `run.sh` into `/pfs/out`.
    pub build: String,
    /// Run through `sh` as `/pfs/build/run.sh`; passes its arguments on.
    pub run: String,
}

impl BuilderFiles {
    /// Returns the files with their names, in the order of [`FILES`].
    pub fn named(&self) -> [(&'static str, &str); 3] {
        let [dockerfile, build, run] = FILES;
        [
            (dockerfile, &self.dockerfile),
            (build, &self.build),
            (run, &self.run),
        ]
    }
}

/// A builder that comes with the product.
struct Official {
    language: &'static str,
    dockerfile: &'static str,
    build: &'static str,
    run: &'static str,
}

macro_rules! official {
    ($language:literal) => {
        Official {
            language: $language,
            dockerfile: include_str!(concat!($language, "/Dockerfile")),
            build: include_str!(concat!($language, "/build.sh")),
            run: include_str!(concat!($language, "/run.sh")),
        }
    };
}

const OFFICIAL: [Official; 4] = [
    official!("go"),
    official!("node"),
    official!("python"),
    official!("rust"),
];

/// What a builder for any other language begins with.
const SKELETON: Official = official!("skeleton");

/// Image that a builder for another language begins with: it has a shell and a package manager.
const ANY: &str = "debian:stable";

/// Lists the languages whose builders come with the product, sorted.
pub fn languages() -> Vec<&'static str> {
    OFFICIAL.iter().map(|official| official.language).collect()
}

/// Returns the official builder for a language, which begins with an image; none when there is no official one. Without
/// `base` it begins with the image that its own Dockerfile names.
pub fn official(language: &str, base: Option<&str>) -> Option<BuilderFiles> {
    let found = OFFICIAL.iter().find(|official| official.language == language)?;
    Some(BuilderFiles {
        dockerfile: base.map_or_else(
            || found.dockerfile.to_owned(),
            |base| based_on(found.dockerfile, base),
        ),
        build: found.build.to_owned(),
        run: found.run.to_owned(),
    })
}

/// Returns what a builder for a language without an official one begins with: comments, and scripts to be filled in.
pub fn skeleton(language: &str, base: Option<&str>) -> BuilderFiles {
    let filled = |text: &str| {
        text.replace("{language}", language)
            .replace("{image}", base.unwrap_or(ANY))
    };
    BuilderFiles {
        dockerfile: filled(SKELETON.dockerfile),
        build: filled(SKELETON.build),
        run: filled(SKELETON.run),
    }
}

/// Returns the image that a Dockerfile begins with, or an empty text.
pub fn base_of(dockerfile: &str) -> &str {
    let from = dockerfile.lines().find_map(|line| line.strip_prefix("FROM "));
    from.unwrap_or_default()
}

/// Returns the image that the builder for a language begins with, as the settings have it.
pub fn base_image(engine: &Engine, language: &str) -> Result<Option<String>> {
    let images = settings::get(engine)?.builder_images;
    let usual = BuilderImage::usual();
    let of = |images: Vec<BuilderImage>| {
        let found = images.into_iter().find(|image| image.language == language);
        found.map(|found| found.image)
    };
    Ok(of(images).or_else(|| of(usual)))
}

/// Writes a builder for a language into a folder, which is made when it is missing: the official one, or else one to be
/// filled in. It begins with `base`, or with what the settings say.
///
/// # Errors
/// Nothing is written when one of the three files is there already, or when a name is none.
pub fn create(engine: &Engine, language: &str, base: Option<&str>, folder: &Path) -> Result<CodeBuilder> {
    checked_language(language)?;
    let base = match base {
        Some(base) => Some(checked_image(base)?.to_owned()),
        None => base_image(engine, language)?,
    };
    let files = official(language, base.as_deref()).unwrap_or_else(|| skeleton(language, base.as_deref()));
    let there: Vec<&str> = FILES
        .into_iter()
        .filter(|name| folder.join(name).symlink_metadata().is_ok())
        .collect();
    if !there.is_empty() {
        return Err(Error::refused(
            format!("{} is in {} already", there.join(" and "), folder.display()),
            "give another folder, or move it away: nothing is overwritten",
        ));
    }
    std::fs::create_dir_all(folder).map_err(Error::file("making the folder", folder))?;
    let mut written = Vec::new();
    for (name, text) in files.named() {
        let path = folder.join(name);
        if let Err(error) = write_new(&path, text) {
            // Half a builder would be in the way of the next attempt.
            for path in &written {
                drop(std::fs::remove_file(path));
            }
            return Err(Error::file("writing", path)(error));
        }
        written.push(path);
    }
    Ok(CodeBuilder {
        language: language.to_owned(),
        folder: folder.to_string_lossy().into_owned(),
        files: FILES.map(str::to_owned).into(),
        base: base_of(&files.dockerfile).to_owned(),
    })
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Returns a Dockerfile that begins with another image.
fn based_on(dockerfile: &str, base: &str) -> String {
    let lines = dockerfile.lines().map(|line| match line.strip_prefix("FROM ") {
        Some(_) => format!("FROM {base}\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// Refuses a language whose name could not be part of an image's name.
pub(crate) fn checked_language(language: &str) -> Result<()> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends_well =
        language.bytes().next().is_some_and(is_plain) && language.bytes().last().is_some_and(is_plain);
    let separators_stand_alone = !["--", "..", "__", "-.", ".-", "_-", "-_", "_.", "._"]
        .iter()
        .any(|pair| language.contains(pair));
    let letters = language.bytes().all(|b| is_plain(b) || b"-._".contains(&b));
    if ends_well && letters && separators_stand_alone && language.len() <= 40 {
        return Ok(());
    }
    Err(Error::refused(
        format!("{language:?} is no name for a language"),
        "use lower-case letters and digits, with single `-`, `.` or `_` between them, at most 40",
    ))
}

/// Refuses what is no image reference: it becomes a line of a Dockerfile.
fn checked_image(image: &str) -> Result<&str> {
    if settings::is_image(image) {
        return Ok(image);
    }
    Err(Error::refused(
        format!("{image:?} is no image reference"),
        "write it as name:tag",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_official_builder_keeps_the_contract() {
        let usual = BuilderImage::usual();
        for language in languages() {
            let files = official(language, None).unwrap();
            let image = usual.iter().find(|image| image.language == language).unwrap();
            assert_eq!(base_of(&files.dockerfile), image.image, "{language}");
            assert!(
                files
                    .dockerfile
                    .contains("\nWORKDIR /app\nCOPY build.sh run.sh ./\n")
            );
            assert!(
                files.build.contains("\nset -eu\n"),
                "{language} stops at the first error"
            );
            assert!(files.build.contains("cp /app/run.sh /pfs/out/"), "{language}");
            assert!(files.run.contains("\"$@\""), "{language} passes its arguments on");
        }
        assert_eq!(usual.len(), languages().len());
    }

    #[test]
    fn another_base_image_changes_one_line() {
        let usual = official("python", None).unwrap();
        let other = official("python", Some("acme/python:3.9")).unwrap();
        assert_eq!(base_of(&other.dockerfile), "acme/python:3.9");
        let differing = usual
            .dockerfile
            .lines()
            .zip(other.dockerfile.lines())
            .filter(|(one, other)| one != other);
        assert_eq!(differing.count(), 1);
        assert_eq!((usual.build, usual.run), (other.build, other.run));
    }

    #[test]
    fn a_language_without_an_official_builder_gets_one_to_be_filled_in() {
        assert_eq!(official("cobol", None), None);
        let files = skeleton("cobol", Some("acme/cobol:1"));
        assert_eq!(base_of(&files.dockerfile), "acme/cobol:1");
        assert!(files.named().iter().all(|(_, text)| !text.contains(['{', '}'])));
    }

    #[test]
    fn names_of_languages_fit_into_names_of_images() {
        for good in ["go", "python", "c99", "objective-c", "a.b"] {
            assert!(checked_language(good).is_ok(), "{good}");
        }
        for bad in ["", "C++", "-c", "c-", "a--b", "a b", "../x", "ä", &"x".repeat(41)] {
            assert!(checked_language(bad).is_err(), "{bad}");
        }
    }
}
