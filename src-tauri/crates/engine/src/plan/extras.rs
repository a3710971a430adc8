//! Additional repositories: fetched into mirrors of our own when a build asks for them, read from there when planning.

use std::collections::HashSet;

use super::Difference;
use crate::catalogue::ExtraSource;
use crate::engine::Engine;
use crate::error::Result;
use crate::recipe::Recipe;
use crate::repositories::mirror;
use crate::source::{CommitId, Delta, Repo, RepoPath, TreeId, ancestors, delta};

/// Commits of an additional repository that a base may be behind.
const REACH: usize = 101;

/// An additional repository at the commit a build would use.
pub(crate) struct Extra {
    pub(crate) url: String,
    pub(crate) folder: String,
    pub(crate) repo: Repo,
    pub(crate) commit: CommitId,
    pub(crate) tree: TreeId,
    /// Its newest commits: the ones a base may have been built with.
    history: HashSet<CommitId>,
}

impl Extra {
    /// Returns what a build's record says of it.
    pub(crate) fn source(&self) -> ExtraSource {
        ExtraSource {
            url: self.url.clone(),
            folder: self.folder.clone(),
            commit: self.commit.to_string(),
        }
    }
}

/// The additional repositories of a recipe, as far as they are known.
#[derive(Default)]
pub(crate) struct Extras {
    /// Those that have been fetched, in the order of the recipe.
    pub(crate) known: Vec<Extra>,
    /// Addresses of those that have not.
    pub(crate) unfetched: Vec<String>,
}

impl Extras {
    /// Opens the mirrors of a recipe's additional repositories.
    pub(crate) fn open(engine: &Engine, recipe: &dyn Recipe) -> Result<Self> {
        let mut extras = Self::default();
        for repository in recipe.repositories() {
            let path = mirror::path(engine, &repository.url);
            if !path.exists() {
                extras.unfetched.push(repository.url);
                continue;
            }
            let repo = Repo::open(&path)?;
            let commit = repo.resolve("HEAD")?;
            extras.known.push(Extra {
                tree: repo.commit(commit)?.tree,
                history: ancestors(&repo, commit, REACH)?
                    .into_iter()
                    .map(|step| step.commit)
                    .collect(),
                url: repository.url,
                folder: repository.folder,
                repo,
                commit,
            });
        }
        Ok(extras)
    }

    /// Returns the key of all the code a build sees: the source tree, with the additional repositories' trees if there
    /// are any. With one that was not fetched it is a key that no build has.
    pub(crate) fn code_key(&self, source: &str) -> String {
        if !self.unfetched.is_empty() {
            return format!("{source}-not-fetched");
        }
        if self.known.is_empty() {
            return source.to_owned();
        }
        let mut hash = blake3::Hasher::new();
        hash.update(source.as_bytes());
        for extra in &self.known {
            hash.update(format!("\0{}\0{}", extra.folder, extra.tree).as_bytes());
        }
        hash.finalize().to_hex().to_string()
    }

    /// Lists what speaks against a build that was made with other commits of the additional repositories.
    pub(crate) fn objections(&self, sources: &[ExtraSource]) -> Vec<Difference> {
        let differs = |text: String| Difference {
            field: "additionalRepositories".to_owned(),
            text,
        };
        if let Some(url) = self.unfetched.first() {
            return vec![differs(format!(
                "additional repository {url} has not been fetched yet"
            ))];
        }
        if self.known.len() != sources.len() {
            let (before, now) = (sources.len(), self.known.len());
            return vec![differs(format!(
                "built with {before} additional repositories, now {now}"
            ))];
        }
        let mut found = Vec::new();
        for (extra, source) in self.known.iter().zip(sources) {
            if extra.url != source.url || extra.folder != source.folder {
                found.push(differs(format!(
                    "additional repository changed: {} → {}",
                    source.url, extra.url
                )));
            } else if !source
                .commit
                .parse()
                .is_ok_and(|commit| extra.history.contains(&commit))
            {
                let short: String = source.commit.chars().take(7).collect();
                found.push(differs(format!(
                    "built with {short} of {}, which is not an ancestor within reach",
                    extra.url
                )));
            }
        }
        found
    }

    /// Compares the additional repositories with those a base was built with.
    pub(crate) fn deltas(&self, sources: &[ExtraSource]) -> Result<Vec<Delta>> {
        let mut deltas = Vec::new();
        for (extra, source) in self.known.iter().zip(sources) {
            let base = extra.repo.commit(extra.repo.resolve(&source.commit)?)?;
            deltas.push(delta(&extra.repo, base.tree, extra.tree, &RepoPath::default())?);
        }
        Ok(deltas)
    }

    /// Returns what is worth knowing before building.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        self.unfetched
            .iter()
            .map(|url| format!("additional repository {url} has not been fetched yet; the build fetches it"))
    }
}

/// Brings the mirrors of additional repositories up to date.
pub(crate) async fn fetch(engine: &Engine, urls: &[String]) -> Result<()> {
    for url in urls {
        mirror::update(engine, url, &format!("the additional repository {url}")).await?;
    }
    Ok(())
}
