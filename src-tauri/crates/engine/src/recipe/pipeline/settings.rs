//! Docker settings: what the images of a pipeline and of its steps are made of.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::Allowed;
use crate::recipe::valid::{is_variable, leaves_folder, wrong_reference};
use crate::recipe::yaml::{Node, Reader, Tree};
use crate::secrets::is_secret_name;

/// Docker settings, with the names that run configs have for them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DockerSettings {
    /// Image that everything is added to.
    pub parent_image: Option<String>,
    /// Dockerfile of the repository whose image everything is added to instead.
    pub dockerfile: Option<String>,
    /// Folder that the Dockerfile copies from; none when it copies nothing.
    pub build_context_root: Option<String>,
    /// How the Dockerfile is built.
    pub parent_image_build_config: Option<BuildConfig>,
    /// How what is added is built.
    pub build_config: Option<BuildConfig>,
    /// Use the parent image as it is.
    pub skip_build: bool,
    /// Never use an image that is there.
    pub prevent_build_reuse: bool,
    /// Name of the image within the registry.
    pub target_repository: Option<String>,
    /// What installs Python packages.
    pub python_package_installer: Installer,
    /// Its options, none for one without a value.
    #[serde(serialize_with = "as_map")]
    pub python_package_installer_args: Vec<(String, Option<String>)>,
    /// Leave `requirements.txt` and `pyproject.toml` alone when no setting names them.
    pub disable_automatic_requirements_detection: bool,
    /// Install what the local Python environment has.
    pub replicate_local_python_environment: Option<Replicate>,
    /// A `pyproject.toml` whose dependencies are installed.
    pub pyproject_path: Option<String>,
    /// Python packages.
    pub requirements: Option<Requirements>,
    /// Integrations whose packages are installed.
    pub required_integrations: Vec<String>,
    /// Install the packages of the stack.
    pub install_stack_requirements: bool,
    /// Command that installs the code itself.
    pub local_project_install_command: Option<String>,
    /// Debian packages.
    pub apt_packages: Vec<String>,
    /// Variables.
    #[serde(serialize_with = "as_map")]
    pub environment: Vec<(String, String)>,
    /// User that steps run as.
    pub user: Option<String>,
    /// Entrypoint, word by word.
    pub entrypoint: Option<Vec<String>>,
    /// The code may be part of the image.
    pub allow_including_files_in_images: bool,
    /// The code may come from a code repository.
    pub allow_download_from_code_repository: bool,
    /// The code may come from the artifact store.
    pub allow_download_from_artifact_store: bool,
}

fn as_map<V: Serialize + Clone, S: Serializer>(
    pairs: &[(String, V)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

impl Default for DockerSettings {
    fn default() -> Self {
        Self {
            parent_image: None,
            dockerfile: None,
            build_context_root: None,
            parent_image_build_config: None,
            build_config: None,
            skip_build: false,
            prevent_build_reuse: false,
            target_repository: None,
            python_package_installer: Installer::Pip,
            python_package_installer_args: Vec::new(),
            disable_automatic_requirements_detection: true,
            replicate_local_python_environment: None,
            pyproject_path: None,
            requirements: None,
            required_integrations: Vec::new(),
            install_stack_requirements: true,
            local_project_install_command: None,
            apt_packages: Vec::new(),
            environment: Vec::new(),
            user: None,
            entrypoint: None,
            allow_including_files_in_images: true,
            allow_download_from_code_repository: true,
            allow_download_from_artifact_store: true,
        }
    }
}

impl DockerSettings {
    /// Returns the ways in which code may get in.
    pub fn allowed(&self) -> Allowed {
        Allowed {
            include: self.allow_including_files_in_images,
            repository: self.allow_download_from_code_repository,
            artifact_store: self.allow_download_from_artifact_store,
        }
    }

    fn allow(&mut self, allowed: Allowed) {
        self.allow_including_files_in_images = allowed.include;
        self.allow_download_from_code_repository = allowed.repository;
        self.allow_download_from_artifact_store = allowed.artifact_store;
    }
}

/// How one of the two images of a pipeline is built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BuildConfig {
    /// Ignore file.
    pub dockerignore: Option<String>,
    /// Build arguments.
    #[serde(serialize_with = "as_map")]
    pub buildargs: Vec<(String, String)>,
    /// Stage.
    pub target: Option<String>,
    /// Labels.
    #[serde(serialize_with = "as_map")]
    pub labels: Vec<(String, String)>,
}

/// What installs Python packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Installer {
    /// pip.
    #[default]
    Pip,
    /// uv, which is installed with pip.
    Uv,
}

/// How the local Python environment is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replicate {
    /// `pip freeze`.
    PipFreeze,
    /// `poetry export`.
    PoetryExport,
}

/// Python packages as a setting names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Requirements {
    /// They themselves.
    List(Vec<String>),
    /// A file of the repository.
    File(String),
}

/// Settings with the places of the fields that were named.
#[derive(Clone, Debug, Default)]
pub(super) struct Placed {
    pub(super) settings: DockerSettings,
    places: BTreeMap<String, Spanned<()>>,
}

impl Placed {
    /// Returns where a field stands, or where the settings begin.
    pub(super) fn place(&self, field: &str) -> Spanned<()> {
        let unknown = || {
            Spanned::new(
                (),
                serde_saphyr::Location::UNKNOWN,
                serde_saphyr::Location::UNKNOWN,
            )
        };
        let found = self.places.get(field).or_else(|| self.places.get(""));
        found.cloned().unwrap_or_else(unknown)
    }

    /// Returns whether a field was named.
    pub(super) fn has(&self, field: &str) -> bool {
        self.places.contains_key(field)
    }
}

/// What opening a repository would have to run, which it never does.
pub const REFUSED: [&str; 1] = ["pyproject_export_command"];

const KEYS: [&str; 27] = [
    "parent_image",
    "dockerfile",
    "build_context_root",
    "parent_image_build_config",
    "build_config",
    "build_options",
    "dockerignore",
    "skip_build",
    "prevent_build_reuse",
    "target_repository",
    "python_package_installer",
    "python_package_installer_args",
    "disable_automatic_requirements_detection",
    "replicate_local_python_environment",
    "pyproject_path",
    "pyproject_export_command",
    "requirements",
    "required_integrations",
    "install_stack_requirements",
    "local_project_install_command",
    "apt_packages",
    "environment",
    "user",
    "entrypoint",
    "allow_including_files_in_images",
    "allow_download_from_code_repository",
    "allow_download_from_artifact_store",
];

/// Fields that older run configs have and that change nothing any more.
const GONE: [&str; 3] = ["copy_files", "copy_global_config", "required_hub_plugins"];

/// Reads settings: those of `base`, with the fields that `node` names replaced.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node, base: &Placed) -> Placed {
    let mut placed = base.clone();
    let Placed { settings, places } = &mut placed;
    let at = |node: &Node| Spanned::new((), node.referenced, node.defined);
    places.insert(String::new(), at(node));
    let entries = reader.map("docker settings", node);
    let names_switch = entries.iter().any(|(key, _)| key.value.starts_with("allow_"));
    for (key, value) in entries {
        let name = key.value.as_str();
        places.insert(name.to_owned(), at(value));
        match name {
            "parent_image" => {
                settings.parent_image = reader.text(name, value);
                if let Some(why) = settings.parent_image.as_deref().and_then(wrong_reference) {
                    reader.error(
                        value,
                        format!("`{name}` is not an image reference: {why}"),
                        "write it as name:tag",
                    );
                }
            }
            "dockerfile" => settings.dockerfile = path(reader, name, value),
            "build_context_root" => settings.build_context_root = path(reader, name, value),
            "parent_image_build_config" | "build_config" => {
                let config = (value.value != Tree::Null).then(|| build_config(reader, name, value));
                if name == "build_config" {
                    settings.build_config = config;
                } else {
                    settings.parent_image_build_config = config;
                }
            }
            "build_options" => {
                let config = settings.parent_image_build_config.get_or_insert_default();
                build_options(reader, value, config);
            }
            "dockerignore" => {
                let ignore = path(reader, name, value);
                settings.build_config.get_or_insert_default().dockerignore = ignore;
            }
            "skip_build" => set(&mut settings.skip_build, reader, name, value),
            "prevent_build_reuse" => set(&mut settings.prevent_build_reuse, reader, name, value),
            "target_repository" => settings.target_repository = repository(reader, name, value),
            "python_package_installer" => {
                settings.python_package_installer = match reader.text(name, value).as_deref() {
                    None | Some("pip") => Installer::Pip,
                    Some("uv") => Installer::Uv,
                    Some(_) => {
                        reader.error(value, format!("`{name}` is `pip` or `uv`"), "");
                        Installer::Pip
                    }
                }
            }
            "python_package_installer_args" => {
                settings.python_package_installer_args = installer_args(reader, name, value)
            }
            "disable_automatic_requirements_detection" => set(
                &mut settings.disable_automatic_requirements_detection,
                reader,
                name,
                value,
            ),
            "replicate_local_python_environment" => {
                settings.replicate_local_python_environment = replicate(reader, name, value)
            }
            "pyproject_path" => settings.pyproject_path = path(reader, name, value),
            name if REFUSED.contains(&name) => {
                if value.value != Tree::Null {
                    refuse_command(reader, name, value);
                }
            }
            "requirements" => settings.requirements = requirements(reader, name, value),
            "required_integrations" => settings.required_integrations = words(reader, name, value),
            "install_stack_requirements" => {
                set(&mut settings.install_stack_requirements, reader, name, value)
            }
            "local_project_install_command" => {
                settings.local_project_install_command = reader
                    .text(name, value)
                    .filter(|command| !command.trim().is_empty());
            }
            "apt_packages" => settings.apt_packages = apt_packages(reader, name, value),
            "environment" => settings.environment = environment(reader, value),
            "user" => settings.user = user(reader, name, value),
            "entrypoint" => settings.entrypoint = command(reader, name, value),
            "allow_including_files_in_images" => {
                set(&mut settings.allow_including_files_in_images, reader, name, value)
            }
            "allow_download_from_code_repository" => set(
                &mut settings.allow_download_from_code_repository,
                reader,
                name,
                value,
            ),
            "allow_download_from_artifact_store" => set(
                &mut settings.allow_download_from_artifact_store,
                reader,
                name,
                value,
            ),
            "source_files" => match source_files(reader, name, value) {
                Some(_) if names_switch => reader.warning(
                    key,
                    "`source_files` is ignored because one of the `allow_…` settings is there",
                    "remove it",
                ),
                Some(allowed) => settings.allow(allowed),
                None => {}
            },
            gone if GONE.contains(&gone) => {
                reader.warning(key, format!("`{gone}` has no effect any more"), "remove it")
            }
            _ => reader.unknown_key(key, "in docker settings", &KEYS),
        }
    }
    check(reader, &placed);
    placed
}

/// Tells what does not fit together.
fn check(reader: &mut Reader<'_>, placed: &Placed) {
    let settings = &placed.settings;
    if settings.skip_build && settings.parent_image.is_none() {
        reader.error(
            &placed.place("skip_build"),
            "`skip_build` needs `parent_image`, the image that is used as it is",
            "add `parent_image: name:tag`",
        );
    }
    if settings.local_project_install_command.is_some() {
        let place = placed.place("local_project_install_command");
        if !settings.allow_including_files_in_images {
            reader.error(
                &place,
                "`local_project_install_command` needs the code in the image, which `allow_including_files_in_images` forbids",
                "remove one of them",
            );
        }
        if settings.skip_build {
            reader.warning(
                &place,
                "`local_project_install_command` has no effect with `skip_build`",
                "",
            );
        }
    }
    if settings.dockerfile.is_some() && settings.parent_image.is_some() && !settings.skip_build {
        reader.warning(
            &placed.place("parent_image"),
            "`parent_image` is ignored because there is a `dockerfile`",
            "remove one of them",
        );
    }
    if settings.dockerfile.is_none() && settings.build_context_root.is_some() {
        reader.warning(
            &placed.place("build_context_root"),
            "`build_context_root` has no effect without `dockerfile`",
            "",
        );
    }
    if settings
        .build_config
        .as_ref()
        .is_some_and(|config| config.target.is_some())
    {
        reader.warning(
            &placed.place("build_config"),
            "`target` has no effect here: what is added to an image is one stage",
            "write it below `parent_image_build_config` for the `dockerfile`",
        );
    }
}

fn set(field: &mut bool, reader: &mut Reader<'_>, name: &str, node: &Node) {
    match &node.value {
        Tree::Bool(value) => *field = *value,
        Tree::Null => {}
        other => reader.error(
            node,
            format!("`{name}` has to be true or false, not {}", other.kind()),
            "",
        ),
    }
}

fn path(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<String> {
    let text = reader.text(name, node)?;
    if let Some(why) = leaves_folder(&text) {
        reader.error(
            node,
            format!("`{name}` {why}"),
            "give a path inside the source root; builds take their files from its commits",
        );
        return None;
    }
    let parts: Vec<&str> = text
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    Some(parts.join("/"))
}

/// Reads a list of texts without control characters and options.
fn words(reader: &mut Reader<'_>, name: &str, node: &Node) -> Vec<String> {
    let mut words = Vec::new();
    for item in reader.list(name, node) {
        if let Some(text) = reader.text(&format!("an entry of {name}"), item) {
            let text = text.trim().to_owned();
            if text.chars().any(char::is_control) {
                reader.error(item, format!("an entry of `{name}` has a control character"), "");
            } else if !text.is_empty() {
                words.push(text);
            }
        }
    }
    words
}

fn requirements(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<Requirements> {
    match &node.value {
        Tree::Text(_) => path(reader, name, node).map(Requirements::File),
        Tree::Null => None,
        _ => Some(Requirements::List(words(reader, name, node))),
    }
}

fn repository(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<String> {
    let text = reader.text(name, node)?;
    let valid = |part: &str| crate::recipe::compose::is_component(part);
    if text.is_empty() || text.len() > 200 || !text.split('/').all(valid) {
        reader.error(
            node,
            format!("`{name}` is no name of an image repository"),
            "use lower-case letters and digits, with `.`, `_`, `-` or `/` between them",
        );
        return None;
    }
    Some(text)
}

fn apt_packages(reader: &mut Reader<'_>, name: &str, node: &Node) -> Vec<String> {
    let mut packages = words(reader, name, node);
    packages.retain(|package| {
        // An option would be one of apt-get, quoted or not.
        let valid = package.starts_with(|c: char| c.is_ascii_alphanumeric())
            && package
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.:=~/*".contains(c));
        if !valid {
            let shown = crate::text::one_line(package);
            reader.error(node, format!("`{shown}` is no name of a Debian package"), "");
        }
        valid
    });
    packages
}

fn user(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<String> {
    let text = match &node.value {
        Tree::Integer(id) => id.to_string(),
        _ => reader.text(name, node)?,
    };
    let valid = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    };
    if text.matches(':').count() > 1 || !text.split(':').all(valid) {
        reader.error(
            node,
            format!("`{name}` is no user"),
            "write a name or an id, with `:group` behind it if need be",
        );
        return None;
    }
    Some(text)
}

/// Reads a value that a shell would see as one word.
fn scalar(reader: &mut Reader<'_>, what: &str, node: &Node) -> Option<String> {
    match node.value.json() {
        Value::String(text) => Some(text),
        Value::Null => Some(String::new()),
        value @ (Value::Bool(_) | Value::Number(_)) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => {
            reader.error(
                node,
                format!("{what} has to be text, not {}", node.value.kind()),
                "",
            );
            None
        }
    }
}

/// Reads variables, whatever they are for. In an image they have names in capitals.
pub(super) fn variables(reader: &mut Reader<'_>, node: &Node) -> Vec<(Spanned<String>, String)> {
    let mut found = Vec::new();
    for (key, value) in reader.map("`environment`", node) {
        let name = &key.value;
        if !is_variable(name) {
            let message = format!("`{}` cannot be the name of a variable", name.escape_debug());
            reader.error(
                key,
                message,
                "use letters, digits and `_`, not beginning with a digit",
            );
            continue;
        }
        let Some(text) = scalar(reader, &format!("the variable {name}"), value) else {
            continue;
        };
        if text.contains('\0') {
            reader.error(value, format!("the variable {name} has a NUL character"), "");
            continue;
        }
        found.push((key.clone(), text));
    }
    found
}

fn environment(reader: &mut Reader<'_>, node: &Node) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::new();
    for (key, value) in variables(reader, node) {
        let name = key.value.to_ascii_uppercase();
        if name != key.value {
            reader.warning(
                &key,
                format!("the variable {} is called {name} in the image", key.value),
                "write its name in capitals",
            );
        }
        if value.contains(['\n', '\r']) {
            reader.error(
                &key,
                format!("the variable {name} has several lines, which a Dockerfile cannot hold"),
                "put the text into a file, or give it to a step by its own `environment`",
            );
            continue;
        }
        if is_secret_name(&name) {
            reader.warning(
                &key,
                format!("the variable {name} looks like a secret and can be read from the image"),
                "give it to the container when it runs",
            );
        }
        if let Some(other) = kept.iter_mut().find(|(known, _)| *known == name) {
            other.1 = value;
        } else {
            kept.push((name, value));
        }
    }
    kept
}

fn installer_args(reader: &mut Reader<'_>, name: &str, node: &Node) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    for (key, value) in reader.map(&format!("`{name}`"), node) {
        let option = key.value.trim_start_matches('-');
        let valid = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if option.is_empty() || !option.chars().all(valid) {
            reader.error(key, format!("`{}` is no option", key.value.escape_debug()), "");
            continue;
        }
        let given = match &value.value {
            Tree::Null | Tree::Bool(true) => None,
            _ => match scalar(reader, &format!("the option {option}"), value) {
                Some(text) => Some(text),
                None => continue,
            },
        };
        all.push((option.to_owned(), given));
    }
    all
}

fn replicate(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<Replicate> {
    match &node.value {
        Tree::Null | Tree::Bool(false) => None,
        Tree::Bool(true) => Some(Replicate::PipFreeze),
        Tree::Text(text) if text == "pip_freeze" => Some(Replicate::PipFreeze),
        Tree::Text(text) if text == "poetry_export" => Some(Replicate::PoetryExport),
        _ => {
            refuse_command(reader, name, node);
            None
        }
    }
}

fn refuse_command(reader: &mut Reader<'_>, name: &str, node: &Node) {
    reader.error(
        node,
        format!("`{name}` would run a command of the repository, and opening one runs nothing from it"),
        "commit what the command writes and name that file as `requirements`",
    );
}

/// Reads the older setting that three switches replaced.
fn source_files(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<Allowed> {
    let (include, repository) = match reader.text(name, node)?.as_str() {
        "download" => (false, true),
        "include" => (true, false),
        "download_or_include" => (true, true),
        "ignore" => (false, false),
        other => {
            reader.error(
                node,
                format!("Invalid source file mode `{}`.", crate::text::one_line(other)),
                "use the `allow_…` settings instead",
            );
            return None;
        }
    };
    Some(Allowed {
        include,
        repository,
        artifact_store: false,
    })
}

fn build_config(reader: &mut Reader<'_>, within: &str, node: &Node) -> BuildConfig {
    let mut config = BuildConfig::default();
    for (key, value) in reader.map(&format!("`{within}`"), node) {
        match key.value.as_str() {
            "dockerignore" => config.dockerignore = path(reader, "dockerignore", value),
            "build_options" => build_options(reader, value, &mut config),
            _ => reader.unknown_key(key, &format!("in `{within}`"), &["build_options", "dockerignore"]),
        }
    }
    config
}

fn build_options(reader: &mut Reader<'_>, node: &Node, config: &mut BuildConfig) {
    for (key, value) in reader.map("`build_options`", node) {
        match key.value.as_str() {
            "buildargs" => {
                config.buildargs = pairs(reader, "buildargs", value);
                for (name, _) in &config.buildargs {
                    if is_secret_name(name) {
                        reader.warning(
                            value,
                            format!(
                                "the build argument {name} looks like a secret and can be read from the image"
                            ),
                            "",
                        );
                    }
                }
            }
            "labels" => config.labels = pairs(reader, "labels", value),
            "target" => config.target = reader.text("target", value),
            "pull" | "rm" | "forcerm" | "nocache" | "platform" | "network_mode" | "cache_from" => reader
                .warning(
                    key,
                    format!("the build option `{}` has no effect", key.value),
                    "BuildKit decides this, or the stack",
                ),
            _ => reader.unknown_key(key, "in `build_options`", &["buildargs", "labels", "target"]),
        }
    }
}

fn pairs(reader: &mut Reader<'_>, within: &str, node: &Node) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (key, value) in reader.map(&format!("`{within}`"), node) {
        if let Some(text) = scalar(reader, &format!("`{}`", key.value), value) {
            all.push((key.value.clone(), text));
        }
    }
    all
}

/// Reads a command: word by word, or text for a shell.
pub(super) fn command(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<Vec<String>> {
    let words: Vec<String> = match &node.value {
        Tree::Null => return None,
        Tree::Text(text) => vec!["sh".into(), "-c".into(), text.clone()],
        _ => {
            let mut words = Vec::new();
            for item in reader.list(name, node) {
                words.extend(scalar(reader, &format!("a word of `{name}`"), item));
            }
            words
        }
    };
    let empty = words.is_empty() || words.iter().all(|word| word.trim().is_empty());
    let blank = words.len() == 3 && matches!(&node.value, Tree::Text(text) if text.trim().is_empty());
    if empty || blank {
        reader.error(node, format!("`{name}` is empty"), "name what to run");
        return None;
    }
    if words.iter().any(|word| word.contains('\0')) {
        reader.error(node, format!("`{name}` has a NUL character"), "");
        return None;
    }
    Some(words)
}

/// Returns options of a build as bake names them.
pub(super) fn bake_options(config: Option<&BuildConfig>, with_target: bool) -> Option<Map<String, Value>> {
    let config = config?;
    let mut options = Map::new();
    let object = |pairs: &[(String, String)]| -> Map<String, Value> {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect()
    };
    if !config.buildargs.is_empty() {
        options.insert("args".into(), object(&config.buildargs).into());
    }
    if !config.labels.is_empty() {
        options.insert("labels".into(), object(&config.labels).into());
    }
    if let Some(target) = config.target.as_ref().filter(|_| with_target) {
        options.insert("target".into(), target.clone().into());
    }
    (!options.is_empty()).then_some(options)
}
