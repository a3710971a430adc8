//! What docker settings lead to at a commit: the files they name, read once so that everything after is pure.

use std::collections::BTreeMap;

use super::requirements::{lines, normal, other_files};
use super::settings::{DockerSettings, Placed, Requirements};
use crate::recipe::compose::dockerignore;
use crate::recipe::dockerfile::{outside, with_arguments};
use crate::recipe::yaml::Reader;
use crate::recipe::{SourceView, context};
use crate::secrets::without_logins;
use crate::text::one_line;

/// Settings and what the commit has for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Loaded {
    pub(super) settings: DockerSettings,
    /// The Dockerfile.
    pub(super) dockerfile: Option<CustomDockerfile>,
    /// The user's packages.
    pub(super) requirements: Option<String>,
    /// Packages of `pyproject.toml`.
    pub(super) pyproject: Option<String>,
    /// The ignore file that counts for the code.
    pub(super) ignore: Option<IgnoreFile>,
    /// Key of the code after ignore rules; only where it may become part of the image.
    pub(super) code: Option<String>,
}

/// A Dockerfile of the repository.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CustomDockerfile {
    pub(super) text: String,
    /// Images it starts from.
    pub(super) images: Vec<String>,
    /// The folder of the source root that it copies from, with the key of what it sees of it.
    pub(super) context: Option<(String, String)>,
    /// The text of its ignore file, when that is not the context's own.
    pub(super) ignore: Option<String>,
}

/// An ignore file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IgnoreFile {
    pub(super) text: String,
    /// Named by the settings, and not the one that BuildKit finds by itself.
    pub(super) named: bool,
}

/// Reads what settings name; what is missing is told by the reader.
pub(super) fn load(reader: &mut Reader<'_>, placed: &Placed, view: &dyn SourceView, prefix: &str) -> Loaded {
    let mut load = Load {
        reader,
        placed,
        view,
        prefix,
    };
    let settings = placed.settings.clone();
    if settings.skip_build {
        return Loaded {
            settings,
            ..Loaded::default()
        };
    }
    let (requirements, pyproject) = load.packages(&settings);
    for value in settings
        .python_package_installer_args
        .iter()
        .filter_map(|(_, value)| value.as_deref())
    {
        load.warn_of_login("python_package_installer_args", value);
    }
    let dockerfile = load.dockerfile(&settings);
    let ignore = load.ignore(&settings);
    let code = load.code(&settings, ignore.as_ref());
    Loaded {
        dockerfile,
        requirements,
        pyproject,
        ignore,
        code,
        settings,
    }
}

struct Load<'l, 'r> {
    reader: &'l mut Reader<'r>,
    placed: &'l Placed,
    view: &'l dyn SourceView,
    prefix: &'l str,
}

impl Load<'_, '_> {
    fn error(&mut self, field: &str, message: String, hint: &str) {
        let place = self.placed.place(field);
        self.reader.error(&place, message, hint);
    }

    /// Reads a text file that a field names; none with the problem told, or when it is optional and missing.
    fn text(&mut self, field: &str, path: &str, optional: bool) -> Option<String> {
        match self.view.read(path) {
            Ok(Some(bytes)) => match String::from_utf8(bytes) {
                Ok(text) if !text.contains('\0') => return Some(text),
                _ => self.error(
                    field,
                    format!("{} is no text", one_line(path)),
                    "save it as UTF-8",
                ),
            },
            Ok(None) if optional => {}
            Ok(None) => self.error(
                field,
                format!("there is no {} in this commit", one_line(path)),
                "commit it, or correct its path, which begins at the source root",
            ),
            Err(error) => self.error(field, format!("{} cannot be read: {error}", one_line(path)), ""),
        }
        None
    }

    fn packages(&mut self, settings: &DockerSettings) -> (Option<String>, Option<String>) {
        let named = settings.requirements.is_some()
            || settings.pyproject_path.is_some()
            || settings.replicate_local_python_environment.is_some();
        if !named && !settings.disable_automatic_requirements_detection {
            let field = "disable_automatic_requirements_detection";
            if let Some(text) = self.text(field, "requirements.txt", true) {
                return (self.requirements(field, "requirements.txt", &text), None);
            }
            if let Some(text) = self.text(field, "pyproject.toml", true) {
                return (None, self.pyproject(field, "pyproject.toml", &text));
            }
        }
        let requirements = match &settings.requirements {
            None => None,
            Some(Requirements::List(packages)) => {
                let text = lines(packages.iter().map(String::as_str));
                self.requirements("requirements", "requirements", &text)
            }
            Some(Requirements::File(path)) => self
                .text("requirements", path, false)
                .and_then(|text| self.requirements("requirements", path, &text)),
        };
        let field = "pyproject_path";
        let pyproject = settings.pyproject_path.as_deref().and_then(|path| {
            let text = self.text(field, path, false)?;
            self.pyproject(field, path, &text)
        });
        (requirements, pyproject)
    }

    fn requirements(&mut self, field: &str, path: &str, text: &str) -> Option<String> {
        if let Some(line) = other_files(text).first() {
            let place = self.placed.place(field);
            let shown: String = line.chars().take(120).collect();
            self.reader.warning(
                &place,
                format!(
                    "{}: the line `{shown}` leads to a file that the image does not have",
                    one_line(path)
                ),
                "write its packages into one file",
            );
        }
        let text = normal(text);
        self.warn_of_login(field, &text);
        (!text.trim().is_empty()).then_some(text)
    }

    fn warn_of_login(&mut self, field: &str, text: &str) {
        if without_logins(text) != text {
            let place = self.placed.place(field);
            self.reader.warning(
                &place,
                "an address has a login in it, which can be read from the image",
                "use an index that needs none, or one in the local network",
            );
        }
    }

    /// Reads the packages that a `pyproject.toml` declares.
    fn pyproject(&mut self, field: &str, path: &str, text: &str) -> Option<String> {
        let shown = one_line(path);
        let document: toml::Table = match toml::from_str(text) {
            Ok(document) => document,
            Err(error) => {
                self.error(field, format!("{shown} is no TOML: {}", error.message()), "");
                return None;
            }
        };
        let declared = document
            .get("project")
            .and_then(|project| project.get("dependencies"));
        let Some(declared) = declared else {
            self.error(
                field,
                format!("{shown} has no `dependencies` below `[project]`"),
                "write its packages into a file and name that as `requirements`; tools that know them are not run",
            );
            return None;
        };
        let packages: Option<Vec<&str>> = declared
            .as_array()
            .and_then(|all| all.iter().map(toml::Value::as_str).collect());
        let one_line_each = |all: &Vec<&str>| all.iter().all(|package| !package.contains(char::is_control));
        let Some(packages) = packages.filter(one_line_each) else {
            self.error(
                field,
                format!("the `dependencies` of {shown} have to be a list of packages"),
                "",
            );
            return None;
        };
        (!packages.is_empty()).then(|| lines(packages.into_iter()))
    }

    fn dockerfile(&mut self, settings: &DockerSettings) -> Option<CustomDockerfile> {
        let path = settings.dockerfile.as_deref()?;
        let text = self.text("dockerfile", path, false)?;
        let config = settings.parent_image_build_config.as_ref();
        let arguments: BTreeMap<String, String> = config
            .map(|config| config.buildargs.iter().cloned().collect())
            .unwrap_or_default();
        let images = outside(&with_arguments(&text, &arguments)).images;
        // The text is given to BuildKit without its place, so what lies beside it has to be given too.
        let [beside, _] = dockerignore::files(path);
        let ignore = match config.and_then(|config| config.dockerignore.as_deref()) {
            Some(named) => Some((
                named.to_owned(),
                self.text("parent_image_build_config", named, false)?,
            )),
            None => self.text("dockerfile", &beside, true).map(|text| (beside, text)),
        };
        let context = match settings.build_context_root.as_deref() {
            None => None,
            Some(folder) => {
                let own = context::join(folder, ".dockerignore").ok()?;
                let counts = match &ignore {
                    Some((path, text)) => Some((path.clone(), text.clone())),
                    None => self
                        .text("build_context_root", &own, true)
                        .map(|text| (own, text)),
                };
                let key = self.key("build_context_root", folder, counts.as_ref())?;
                Some((folder.to_owned(), key))
            }
        };
        Some(CustomDockerfile {
            text,
            images,
            context,
            ignore: ignore.map(|(_, text)| text),
        })
    }

    fn ignore(&mut self, settings: &DockerSettings) -> Option<IgnoreFile> {
        let named = settings
            .build_config
            .as_ref()
            .and_then(|config| config.dockerignore.as_deref());
        match named {
            Some(path) => {
                // Named the old way or the new.
                let field = ["dockerignore", "build_config"]
                    .into_iter()
                    .find(|field| self.placed.has(field))
                    .unwrap_or("build_config");
                self.text(field, path, false)
                    .map(|text| IgnoreFile { text, named: true })
            }
            None => self
                .text("", ".dockerignore", true)
                .map(|text| IgnoreFile { text, named: false }),
        }
    }

    fn code(&mut self, settings: &DockerSettings, ignore: Option<&IgnoreFile>) -> Option<String> {
        let allowed = settings.allowed();
        let installs = settings.local_project_install_command.is_some();
        if !installs && (!allowed.include || allowed.artifact_store) {
            return None;
        }
        let ignore = ignore.map(|file| {
            let config = settings.build_config.as_ref();
            let named = config.and_then(|config| config.dockerignore.clone());
            (
                named.unwrap_or_else(|| ".dockerignore".to_owned()),
                file.text.clone(),
            )
        });
        self.key("", "", ignore.as_ref())
    }

    /// Returns the key of a folder of the source root after ignore rules.
    fn key(&mut self, field: &str, folder: &str, ignore: Option<&(String, String)>) -> Option<String> {
        let found = context::join(self.prefix, folder).and_then(|whole| {
            let ignore = ignore.map(|(path, text)| (path.as_str(), text.as_bytes()));
            context::key(self.view, &whole, ignore)
        });
        match found {
            Ok(Some(key)) => return Some(key),
            Ok(None) => {
                let shown = if folder.is_empty() {
                    "the source root"
                } else {
                    folder
                };
                self.error(field, format!("there is no folder {shown} in this commit"), "");
            }
            Err(error) => self.error(field, error, ""),
        }
        None
    }
}

impl Loaded {
    /// Lists the images whose digests count.
    pub(super) fn images(&self) -> Vec<String> {
        match &self.dockerfile {
            Some(custom) => custom.images.clone(),
            None => self.settings.parent_image.iter().cloned().collect(),
        }
    }
}
