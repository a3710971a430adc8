//! One image of a pipeline: what has to be equal for an older one to serve, and how it is built.

use super::Surroundings;
use super::dockerfile::{Additions, CA_SECRET};
use super::loaded::{CustomDockerfile, Loaded};
use super::requirements::{apt_packages, files};
use super::settings::{BuildConfig, Installer, bake_options};
use crate::bake::{Context, TargetSpec};
use crate::recipe::valid::is_variable;
use crate::recipe::{Code, Environment};
use crate::secrets::{is_secret_name, redacted, without_logins};

/// Name of the image that a Dockerfile of the repository makes, within the Dockerfile that adds to it.
const PARENT: &str = "parent";
/// Value of a field that is longer than this stands there as its digest.
const LONGEST_VALUE: usize = 2048;

/// An image that was made up.
pub(super) struct Made {
    pub(super) environment: Environment,
    pub(super) code: Code,
    pub(super) dockerfile: Option<String>,
    pub(super) targets: Vec<TargetSpec>,
}

/// Makes up the image that settings ask for. The error is a sentence.
pub(super) fn make(
    loaded: &Loaded,
    around: &Surroundings<'_>,
    includes_code: bool,
    key: &str,
) -> Result<Made, String> {
    let settings = &loaded.settings;
    let mut fields = Environment::default();
    let code = if includes_code {
        Code::Key(loaded.code.clone().unwrap_or_else(|| "missing".to_owned()))
    } else {
        Code::Key("delivered".to_owned())
    };
    set_base(&mut fields, loaded, around)?;
    fields.set("platform", around.platform);
    fields.set("code", if includes_code { "included" } else { "delivered" });
    if settings.skip_build {
        return Ok(Made {
            environment: fields,
            code,
            dockerfile: None,
            targets: Vec::new(),
        });
    }
    let requirements = files(loaded, around)?;
    let apt_packages = apt_packages(loaded, around)?;
    let environment = variables(loaded, around)?;
    let install_command = settings.local_project_install_command.as_deref();
    let installs = !requirements.is_empty() || !apt_packages.is_empty() || install_command.is_some();
    let additions = Additions {
        environment: &environment,
        apt_packages: &apt_packages,
        requirements: &requirements,
        installer: settings.python_package_installer,
        installer_args: &settings.python_package_installer_args,
        code: includes_code,
        install_command,
        user: settings.user.as_deref(),
        entrypoint: settings.entrypoint.as_deref(),
        certificates: installs && around.ca_bundle.is_some(),
    };
    set_additions(&mut fields, loaded, &additions);

    let custom = loaded.dockerfile.as_ref();
    let parent_config = settings.parent_image_build_config.as_ref();
    if let Some(custom) = custom.filter(|_| additions.is_empty()) {
        return Ok(Made {
            environment: fields,
            code,
            dockerfile: Some(without_logins(&custom.text)),
            targets: vec![of_dockerfile(custom, parent_config, key.to_owned(), true)],
        });
    }
    let config = settings.build_config.as_ref();
    set_options(&mut fields, "build", config);
    let mut targets = Vec::new();
    let mut contexts = Vec::new();
    let from = match custom {
        Some(custom) => {
            let name = format!("{key}-intermediate-build");
            targets.push(of_dockerfile(custom, parent_config, name.clone(), false));
            contexts.push((PARENT.to_owned(), Context::Target(name)));
            PARENT
        }
        None => settings.parent_image.as_deref().unwrap_or_default(),
    };
    let shown: Vec<(String, String)> = environment
        .iter()
        .map(|(name, value)| {
            let value = if is_secret_name(name) {
                redacted(value)
            } else {
                value.clone()
            };
            (name.clone(), value)
        })
        .collect();
    let dockerfile = Additions {
        environment: &shown,
        ..additions.clone()
    }
    .dockerfile(from);
    let named = loaded
        .ignore
        .as_ref()
        .filter(|ignore| ignore.named && includes_code);
    targets.push(TargetSpec {
        name: key.to_owned(),
        dockerfile: Some(additions.dockerfile(from)),
        dockerfile_path: None,
        context: if includes_code {
            Context::SourceFolder(String::new())
        } else {
            Context::Empty
        },
        contexts,
        result: true,
        definition: bake_options(config, false),
        ignore: named.map(|ignore| ignore.text.clone()),
        secrets: around
            .ca_bundle
            .filter(|_| installs)
            .map(|path| (CA_SECRET.to_owned(), path.to_owned()))
            .into_iter()
            .collect(),
    });
    Ok(Made {
        environment: fields,
        code,
        dockerfile: Some(without_logins(&dockerfile)),
        targets,
    })
}

fn of_dockerfile(
    custom: &CustomDockerfile,
    config: Option<&BuildConfig>,
    name: String,
    result: bool,
) -> TargetSpec {
    TargetSpec {
        name,
        dockerfile: Some(custom.text.clone()),
        dockerfile_path: None,
        context: match &custom.context {
            Some((folder, _)) => Context::SourceFolder(folder.clone()),
            None => Context::Empty,
        },
        contexts: Vec::new(),
        result,
        definition: bake_options(config, true),
        ignore: custom.ignore.clone().filter(|_| custom.context.is_some()),
        secrets: Vec::new(),
    }
}

/// Sets what an image begins with.
fn set_base(fields: &mut Environment, loaded: &Loaded, around: &Surroundings<'_>) -> Result<(), String> {
    let digest = |reference: &str| {
        let known = around
            .images
            .get(reference)
            .and_then(|facts| facts.digest.clone());
        known.unwrap_or_else(|| "not resolved".to_owned())
    };
    match (&loaded.dockerfile, &loaded.settings.parent_image) {
        (Some(custom), _) => {
            fields.set("dockerfile", &blake3::hash(custom.text.as_bytes()).to_hex()[..32]);
            if let Some((_, key)) = &custom.context {
                fields.set("dockerfile.context", key);
            }
            for image in &custom.images {
                fields.set(format!("image.from[{image}]"), digest(image));
            }
            set_options(
                fields,
                "dockerfile",
                loaded.settings.parent_image_build_config.as_ref(),
            );
        }
        (None, Some(parent)) => {
            fields.set("parent_image", parent);
            fields.set("parent_image.digest", digest(parent));
        }
        (None, None) => {
            return Err(
                "there is no image to start from; name one as `parent_image`, or a `dockerfile`".to_owned(),
            );
        }
    }
    Ok(())
}

fn set_options(fields: &mut Environment, within: &str, config: Option<&BuildConfig>) {
    let Some(config) = config else { return };
    for (name, value) in &config.buildargs {
        fields.set(format!("{within}.args.{name}"), value);
    }
    for (name, value) in &config.labels {
        fields.set(format!("{within}.labels.{name}"), value);
    }
    if let Some(target) = &config.target {
        fields.set(format!("{within}.target"), target);
    }
}

/// Sets what is added to it, each meaning a field of its own, so that a reason can name the one that changed.
fn set_additions(fields: &mut Environment, loaded: &Loaded, additions: &Additions<'_>) {
    for (name, value) in additions.environment {
        fields.set(format!("environment.{name}"), value);
    }
    if !additions.apt_packages.is_empty() {
        fields.set("apt_packages", additions.apt_packages.join(" "));
    }
    for file in additions.requirements {
        fields.set(
            format!("requirements.{}", file.origin.name()),
            shown(file.text.trim_end()),
        );
    }
    if !additions.requirements.is_empty() {
        let mut installer = match additions.installer {
            Installer::Pip => "pip".to_owned(),
            Installer::Uv => "uv".to_owned(),
        };
        for (name, value) in additions.installer_args {
            installer.push_str(&match value {
                Some(value) => format!(" --{name}={value}"),
                None => format!(" --{name}"),
            });
        }
        fields.set("installer", without_logins(&installer));
    }
    if let Some(command) = additions.install_command {
        fields.set("local_project_install_command", shown(command));
    }
    if let Some(user) = additions.user {
        fields.set("user", user);
    }
    if let Some(entrypoint) = additions.entrypoint {
        fields.set(
            "entrypoint",
            serde_json::Value::from(entrypoint.to_vec()).to_string(),
        );
    }
    if let Some(ignore) = loaded.ignore.as_ref().filter(|_| additions.code) {
        fields.set("ignore", shown(&ignore.text));
    }
}

/// Returns the variables of stack and settings; those of the settings win.
fn variables(loaded: &Loaded, around: &Surroundings<'_>) -> Result<Vec<(String, String)>, String> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (name, value) in around.environment {
        if !is_variable(name) || value.contains(['\n', '\r', '\0']) {
            return Err(format!(
                "the stack's variable {} cannot stand in a Dockerfile",
                crate::text::one_line(name)
            ));
        }
        all.push((name.clone(), value.clone()));
    }
    for (name, value) in &loaded.settings.environment {
        all.retain(|(known, _)| known != name);
        all.push((name.clone(), value.clone()));
    }
    Ok(all)
}

/// Returns a text as the value of a field: readable, unless it is long. A login is not what is installed.
fn shown(text: &str) -> String {
    let text = without_logins(text);
    if text.len() < LONGEST_VALUE {
        return text;
    }
    let lines = text.lines().count();
    format!("{lines} lines, {}", &blake3::hash(text.as_bytes()).to_hex()[..32])
}
