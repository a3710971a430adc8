//! Inputs of datum pipelines.

use super::glob::Glob;
use super::schedule::Schedule;
use super::spec::Place;

/// Branch that is read when a spec names none.
pub(super) const BRANCH: &str = "master";

/// What a pipeline reads.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a pipeline has few inputs, and most are the large variant"
)]
pub enum Input {
    /// Files of a repository.
    Pfs(Pfs),
    /// The datums of each.
    Union(Vec<Self>),
    /// Every combination.
    Cross(Vec<Self>),
    /// Combinations whose keys are equal.
    Join(Vec<Self>),
    /// All whose keys are equal, as one datum.
    Group(Vec<Self>),
    /// A clock.
    Cron(Cron),
}

/// Files of a repository as an input.
#[derive(Clone, Debug)]
pub struct Pfs {
    /// Name: the folder below `/pfs`.
    pub name: String,
    /// Repository.
    pub repo: String,
    /// Branch.
    pub branch: String,
    /// Commit, when it is not the newest of the branch.
    pub commit: Option<String>,
    /// What is a datum.
    pub glob: Glob,
    /// The glob as it was written.
    pub glob_text: String,
    /// Template of a join's key.
    pub join_on: String,
    /// Whether a datum stays when it has nobody to join.
    pub outer_join: bool,
    /// Template of a group's key.
    pub group_by: String,
    /// Whether files are only read when they are opened.
    pub lazy: bool,
    /// Whether files are there without their contents.
    pub empty_files: bool,
    /// When the branch moves on, if it does not follow each commit.
    pub trigger: Option<Trigger>,
    /// Where it stands.
    pub place: Place,
}

/// When a branch moves on to the newest commit of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trigger {
    /// Branch that is watched.
    pub branch: String,
    /// Whether everything has to be true, and not only one.
    pub all: bool,
    /// Clock.
    pub cron_spec: Option<String>,
    /// New bytes.
    pub size: Option<u64>,
    /// New commits.
    pub commits: Option<u32>,
}

/// A clock as an input: each tick is a file in a repository of its own.
#[derive(Clone, Debug)]
pub struct Cron {
    /// Name: the folder below `/pfs`.
    pub name: String,
    /// Repository.
    pub repo: String,
    /// When it ticks, as it was written.
    pub spec: String,
    /// When it ticks.
    pub schedule: Schedule,
    /// First time that counts, Unix milliseconds; none for when the pipeline is made.
    pub start: Option<i64>,
    /// Whether only the newest tick is kept.
    pub overwrite: bool,
    /// Where it stands.
    pub place: Place,
}

/// A repository or a clock among inputs.
#[derive(Clone, Copy, Debug)]
pub enum Leaf<'a> {
    /// Files of a repository.
    Pfs(&'a Pfs),
    /// A clock.
    Cron(&'a Cron),
}

impl Leaf<'_> {
    /// Returns its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Pfs(pfs) => &pfs.name,
            Self::Cron(cron) => &cron.name,
        }
    }

    /// Returns the repository it reads.
    pub fn repo(&self) -> &str {
        match self {
            Self::Pfs(pfs) => &pfs.repo,
            Self::Cron(cron) => &cron.repo,
        }
    }

    /// Returns the branch it reads.
    pub fn branch(&self) -> &str {
        match self {
            Self::Pfs(pfs) => &pfs.branch,
            Self::Cron(_) => BRANCH,
        }
    }

    /// Returns where it stands.
    pub fn place(&self) -> Place {
        match self {
            Self::Pfs(pfs) => pfs.place,
            Self::Cron(cron) => cron.place,
        }
    }
}

impl Input {
    /// Returns the repositories and clocks, in the order in which they stand.
    pub fn leaves(&self) -> Vec<Leaf<'_>> {
        match self {
            Self::Pfs(pfs) => vec![Leaf::Pfs(pfs)],
            Self::Cron(cron) => vec![Leaf::Cron(cron)],
            Self::Union(inner) | Self::Cross(inner) | Self::Join(inner) | Self::Group(inner) => {
                inner.iter().flat_map(Self::leaves).collect()
            }
        }
    }

    /// Returns the same inputs with each list by name, so that nothing depends on the order of the spec. A list goes by the
    /// name of its first.
    #[must_use]
    pub fn sorted(&self) -> Self {
        let sort = |inner: &[Self]| {
            let mut inner: Vec<Self> = inner.iter().map(Self::sorted).collect();
            inner.sort_by(|one, other| one.name().cmp(other.name()));
            inner
        };
        match self {
            Self::Pfs(_) | Self::Cron(_) => self.clone(),
            Self::Union(inner) => Self::Union(sort(inner)),
            Self::Cross(inner) => Self::Cross(sort(inner)),
            Self::Join(inner) => Self::Join(sort(inner)),
            Self::Group(inner) => Self::Group(sort(inner)),
        }
    }

    /// Returns its name; that of a list is its first's.
    pub fn name(&self) -> &str {
        match self {
            Self::Pfs(pfs) => &pfs.name,
            Self::Cron(cron) => &cron.name,
            Self::Union(inner) | Self::Cross(inner) | Self::Join(inner) | Self::Group(inner) => {
                inner.first().map_or("", Self::name)
            }
        }
    }
}
