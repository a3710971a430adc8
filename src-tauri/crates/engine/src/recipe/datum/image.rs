//! Names of images in specs: their parts, and what is said about their tags.

use std::path::{Component, Path, PathBuf};

/// Image of a pipeline that names none.
pub const DEFAULT: &str = "ubuntu:16.04";

/// An image's name in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Registry and repository.
    pub repository: String,
    /// Tag.
    pub tag: Option<String>,
    /// `sha256:…`, without its `@`.
    pub digest: Option<String>,
}

impl Name {
    /// Splits a name: a tag follows a colon behind the last slash, a digest an `@`.
    pub fn split(reference: &str) -> Self {
        let (name, digest) = match reference.split_once('@') {
            Some((name, digest)) => (name, Some(digest.to_owned())),
            None => (reference, None),
        };
        let last = name.rfind('/').map_or(0, |at| at + 1);
        let (repository, tag) = match name[last..].find(':') {
            Some(at) => (&name[..last + at], Some(name[last + at + 1..].to_owned())),
            None => (name, None),
        };
        Self {
            repository: repository.to_owned(),
            tag,
            digest,
        }
    }

    /// Returns the image that is pushed when none is built: the tag that was given, or `latest`.
    pub fn source(&self) -> String {
        match &self.digest {
            Some(digest) => format!("{}@{digest}", self.repository),
            None => format!("{}:{}", self.repository, self.tag.as_deref().unwrap_or("latest")),
        }
    }

    /// Returns the image under another tag. The registry stays: what is logged in to never changes a name.
    pub fn with_tag(&self, tag: &str) -> String {
        format!("{}:{tag}", self.repository)
    }
}

/// Returns what to say about the tag of a pipeline's image, a sentence and a hint; none for one that stays what it is.
pub fn tag_warning(reference: &str) -> Option<(String, String)> {
    let name = Name::split(reference);
    let hint = || {
        format!(
            "write a tag that does not move, such as `{}:1.0`, or a digest",
            name.repository
        )
    };
    match (&name.tag, &name.digest) {
        (_, Some(_)) => None,
        (None, None) => Some((
            format!("the image `{reference}` has no tag, so it means `latest`"),
            hint(),
        )),
        (Some(tag), None) if tag == "latest" => Some((
            format!("the image `{reference}` has the tag `latest`, which moves"),
            hint(),
        )),
        (Some(_), None) => None,
    }
}

/// Where an image is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildFrom {
    /// Folder whose files the build sees: that of the Dockerfile.
    pub context: PathBuf,
    /// Name of the Dockerfile in it.
    pub dockerfile: String,
}

impl BuildFrom {
    /// Returns where `transform.dockerfile` (`./Dockerfile` when there is none) leads from the folder of its spec; none
    /// when it names no file.
    pub fn new(dockerfile: Option<&str>, folder: &Path) -> Option<Self> {
        let given = dockerfile.filter(|text| !text.is_empty()).unwrap_or("Dockerfile");
        let path = clean(&folder.join(given));
        Some(Self {
            context: path.parent()?.to_owned(),
            dockerfile: path.file_name()?.to_str()?.to_owned(),
        })
    }
}

/// Returns a path without `.` and with each `..` taken back, as far as it goes.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(cleaned.components().next_back(), Some(Component::Normal(_))) =>
            {
                cleaned.pop();
            }
            Component::ParentDir if cleaned.has_root() => {}
            part => cleaned.push(part),
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        let name = Name::split("localhost:5000/app");
        assert_eq!(
            (name.repository.as_str(), &name.tag),
            ("localhost:5000/app", &None)
        );
        assert_eq!(name.source(), "localhost:5000/app:latest");
        assert_eq!(
            Name::split("localhost:5000/app:v2").with_tag("x"),
            "localhost:5000/app:x"
        );
        assert!(
            tag_warning("localhost:5000/app").is_some(),
            "a registry's port does not stand for a tag"
        );
        assert_eq!(tag_warning("localhost:5000/app@sha256:abc"), None);
        assert_eq!(tag_warning("bash:5"), None);
    }

    #[test]
    fn a_dockerfile_is_built_in_its_folder() {
        let from = |dockerfile| BuildFrom::new(dockerfile, Path::new("/w/p"));
        let expect = |context: &str, dockerfile: &str| {
            Some(BuildFrom {
                context: context.into(),
                dockerfile: dockerfile.into(),
            })
        };
        assert_eq!(from(None), expect("/w/p", "Dockerfile"));
        assert_eq!(from(Some("./docker/Dev")), expect("/w/p/docker", "Dev"));
        assert_eq!(from(Some("../Dockerfile")), expect("/w", "Dockerfile"));
        assert_eq!(from(Some("/abs/D")), expect("/abs", "D"));
        assert_eq!(from(Some("/")), None, "a root is no file");
    }
}
