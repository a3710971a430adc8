use serde::{Deserialize, Serialize};

/// Where and with what builds are made. `local` always exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Stack {
    /// Name: lower-case letters, digits and `-`, at most 40.
    pub name: String,
    /// Docker context of the engine; none for the one the docker command line uses.
    pub context: Option<String>,
    /// Buildx builder; none for the selected one.
    pub builder: Option<String>,
    /// Registry that images are pushed to, `host[:port][/path]`; none loads them into the engine.
    pub registry: Option<String>,
    /// The one repository of a registry that all images share, as ECR needs it.
    pub registry_single_name: Option<String>,
    /// Whether registries that need a single name are recognised.
    pub detect_single_name: bool,
    /// Whether layers are cached in the registry too.
    pub registry_cache: bool,
    /// What image names begin with.
    pub prefix: String,
    /// Platform built for; none for the engine's.
    pub platform: Option<String>,
    /// Folder that pipelines' code is kept in; none for one of Headstart's own. Stacks may share it.
    #[serde(default)]
    pub artifact_store: Option<String>,
    /// Python packages that every pipeline's image gets.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// Debian packages that every pipeline's image gets.
    #[serde(default)]
    pub apt_packages: Vec<String>,
    /// Variables that every pipeline's image gets, as name and value.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
    /// File with certificates that package installers have to trust, for networks that open encrypted connections. It is
    /// mounted while packages are installed and never stored.
    #[serde(default)]
    pub ca_bundle: Option<String>,
}

impl Stack {
    /// Returns a stack with everything as the docker command line has it.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            context: None,
            builder: None,
            registry: None,
            registry_single_name: None,
            detect_single_name: true,
            registry_cache: true,
            prefix: "headstart".to_owned(),
            platform: None,
            artifact_store: None,
            requirements: Vec::new(),
            apt_packages: Vec::new(),
            environment: Vec::new(),
            ca_bundle: None,
        }
    }
}

/// A part of a stack that can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum StackPart {
    /// The engine.
    Engine,
    /// The builder.
    Builder,
    /// The registry.
    Registry,
    /// The registry's cache.
    Cache,
    /// The artifact store.
    ArtifactStore,
    /// The file with certificates.
    CaBundle,
}

/// What trying a part of a stack showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StackCheck {
    /// Which part.
    pub part: StackPart,
    /// Whether it works.
    pub ok: bool,
    /// What was seen, one sentence.
    pub message: String,
    /// What to do, one sentence.
    pub hint: Option<String>,
}

/// What one request changes of its project's stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(default)]
pub struct BuildOptions {
    /// Another stack.
    pub stack: Option<String>,
    /// Registry to push to; an empty one for none, whatever the stack says.
    pub registry: Option<String>,
    /// One repository for all images.
    pub registry_single_name: Option<String>,
    /// Do not recognise registries that need a single name.
    pub no_registry_single_name: bool,
    /// No layer cache in the registry.
    pub no_registry_cache: bool,
    /// Builder.
    pub builder: Option<String>,
    /// Use the images that the file names and build nothing.
    pub no_build: bool,
}
