use serde::{Deserialize, Serialize};

use super::KeyField;

/// A buildx builder: something that builds images, beside or far from the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Builder {
    /// Name, unique.
    pub name: String,
    /// `docker`, `docker-container`, `kubernetes`, `remote` or another one that buildx knows.
    pub driver: String,
    /// Whether builds that name no builder go to it.
    pub selected: bool,
    /// Whether Docker made it for a context: it comes and goes with the context and cannot be removed.
    pub is_context: bool,
    /// What it builds with, at least one unless it could not be asked.
    pub nodes: Vec<BuilderNode>,
    /// Why it could not be asked or does not work, one sentence.
    pub problem: Option<String>,
    /// Whether it can write a registry cache.
    pub can_export_cache: bool,
    /// Why it cannot, one sentence.
    pub why_not: Option<String>,
    /// What to do about that, one sentence.
    pub hint: Option<String>,
    /// What building with it costs, one sentence.
    pub warning: Option<String>,
}

/// One BuildKit daemon of a builder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuilderNode {
    /// Name.
    pub name: String,
    /// Docker context, socket or address.
    pub endpoint: String,
    /// `running`, `inactive`, `stopped` or `error`.
    pub status: String,
    /// Platforms it builds for, such as `linux/amd64`; empty when it is not known before it runs.
    pub platforms: Vec<String>,
    /// Version of BuildKit, such as `v0.13.1`, when it says one.
    pub buildkit: Option<String>,
    /// Driver options it was made with, secret-looking values replaced.
    pub options: Vec<KeyField>,
    /// What is wrong with it, one sentence.
    pub problem: Option<String>,
}

/// How a builder of one's own runs BuildKit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum BuilderDriver {
    /// In a container of an engine.
    DockerContainer,
    /// In pods of a cluster.
    Kubernetes,
    /// Somewhere already, at an address.
    Remote,
}

impl BuilderDriver {
    /// Returns the name that buildx uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DockerContainer => "docker-container",
            Self::Kubernetes => "kubernetes",
            Self::Remote => "remote",
        }
    }
}

/// A builder to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct NewBuilder {
    /// Name: a letter, then letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// How it runs.
    pub driver: BuilderDriver,
    /// `docker-container`: docker context or engine address, none for the engine in use. `kubernetes`: kube context, none
    /// for the current one. `remote`: address of BuildKit, such as `tcp://build.example:1234`; has to be given.
    pub endpoint: Option<String>,
    /// Driver options as `name=value`, such as `image=registry.example/buildkit` or `replicas=2`.
    pub options: Vec<String>,
    /// Platforms to build for, such as `linux/arm64`; empty for those it finds.
    pub platforms: Vec<String>,
}

/// What a builder keeps on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuilderUsage {
    /// Its name.
    pub builder: String,
    /// All of it. Sizes come from buildx, which rounds them to four digits.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub total_bytes: u64,
    /// What nothing uses now: the most that a prune of `all` can free.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub reclaimable_bytes: u64,
    /// The part of it that no image shares and that is no frontend: what a prune without `all` frees.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub prunable_bytes: u64,
    /// Number of entries.
    pub records: u32,
    /// Number of entries that nothing uses now.
    pub reclaimable_records: u32,
    /// Number of entries that a prune without `all` removes.
    pub prunable_records: u32,
    /// The largest entries, largest first, at most 100.
    pub entries: Vec<CacheEntry>,
}

/// An entry of a builder's cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CacheEntry {
    /// BuildKit's id of it.
    pub id: String,
    /// `regular`, `source.local`, `exec.cachemount`, `frontend` or `internal`.
    pub kind: String,
    /// Size.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub bytes: u64,
    /// Where it comes from, as BuildKit says.
    pub description: String,
    /// Whether an image uses the same bytes.
    pub shared: bool,
    /// Whether nothing uses it now.
    pub reclaimable: bool,
    /// When it was last used, in words: `2 hours ago`.
    pub last_used: Option<String>,
}

/// What a prune freed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuilderPruned {
    /// The builder's name.
    pub builder: String,
    /// Freed, as buildx says.
    #[cfg_attr(feature = "bindings", specta(type = u32))]
    pub freed_bytes: u64,
}
