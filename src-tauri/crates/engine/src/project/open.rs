//! A project ready for work: its row, its repository, its commit's files as a dialect sees them.

use std::path::Path;

use crate::catalogue::ProjectRow;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::{self, Options, Recipe, RecipeError, SourceView};
use crate::settings;
use crate::source::{CommitId, Repo, RepoPath, SourceError, TreeId, files_of, path_key, read_file_in};
use crate::wire::ProjectId;

/// A project whose repository could be opened.
pub(crate) struct Opened {
    engine: Engine,
    pub(crate) row: ProjectRow,
    pub(crate) repo: Repo,
    /// The source root within the repository.
    pub(crate) prefix: RepoPath,
    pub(crate) options: Options,
}

/// Opens a project.
pub(crate) fn open(engine: &Engine, project: &ProjectId) -> Result<Opened> {
    let row = engine.catalogue().project(project)?;
    let root = Path::new(&row.root);
    if !root.exists() {
        engine.forget_repo(project);
        return Err(Error::refused(
            format!("the folder {} is not there any more", row.root),
            "bring it back, or remove the project and add it at its new place",
        ));
    }
    let repo = engine.repo(project, root)?;
    let prefix = repo.source_root().clone();
    let options = options(engine, &repo)?;
    Ok(Opened {
        engine: engine.clone(),
        row,
        repo,
        prefix,
        options,
    })
}

/// Returns what recipes of a repository may need to know.
pub(crate) fn options(engine: &Engine, repo: &Repo) -> Result<Options> {
    let folder = repo.workdir().unwrap_or_else(|| repo.git_dir());
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    // The name becomes a path in an image: only what is harmless in every tool on the way.
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    let repository: String = name.trim_end_matches(".git").chars().map(safe).take(64).collect();
    let repository = repository.trim_start_matches(['.', '-']).to_owned();
    Ok(Options {
        default_image: settings::get(engine)?.default_image,
        repository: if repository.is_empty() {
            "workspace".to_owned()
        } else {
            repository
        },
        prefix: String::from_utf8_lossy(repo.source_root().as_bytes()).into_owned(),
    })
}

/// The files of a tree; paths are relative to a prefix unless said otherwise.
pub(crate) struct TreeView<'a> {
    pub(crate) engine: &'a Engine,
    /// Where the project lies on disk, for files that are not committed, such as `.env`.
    pub(crate) root: &'a Path,
    pub(crate) repo: &'a Repo,
    pub(crate) tree: TreeId,
    pub(crate) prefix: &'a RepoPath,
}

impl TreeView<'_> {
    fn path(&self, path: &str) -> Result<RepoPath, SourceError> {
        let inner = RepoPath::from_relative(Path::new(path))?;
        let parts = inner
            .components()
            .fold(self.prefix.clone(), |whole, part| whole.join(part));
        Ok(parts)
    }
}

impl SourceView for TreeView<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let limit = recipe::yaml::MAX_BYTES as u64;
        Ok(read_file_in(self.repo, self.tree, &self.path(path)?, limit)?.map(|file| file.bytes))
    }

    fn key(&self, path: &str) -> Result<Option<String>, SourceError> {
        let path = self.path(path)?;
        if path.is_empty() {
            return Ok(Some(format!("directory:{}", self.tree)));
        }
        path_key(self.repo, self.tree, &path)
    }

    fn read_whole(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let limit = recipe::yaml::MAX_BYTES as u64;
        let path = RepoPath::from_relative(Path::new(path))?;
        Ok(read_file_in(self.repo, self.tree, &path, limit)?.map(|file| file.bytes))
    }

    fn key_whole(&self, path: &str) -> Result<Option<String>, SourceError> {
        if path.is_empty() {
            return Ok(Some(format!("directory:{}", self.tree)));
        }
        path_key(self.repo, self.tree, &RepoPath::from_relative(Path::new(path))?)
    }

    fn files(&self, folder: &str) -> Result<Option<Vec<(String, String)>>, SourceError> {
        let folder = RepoPath::from_relative(Path::new(folder))?;
        let Some(tree) = self.repo.subtree(self.tree, &folder)? else {
            return Ok(None);
        };
        Ok(Some(files_of(self.repo, tree)?))
    }

    fn compose(&self, file: &str) -> Result<recipe::compose::Resolved, String> {
        crate::docker::resolve_compose(self, file)
    }
}

impl Opened {
    /// Returns the tree of the source root at a commit: the code key of a recipe that sees all of it.
    pub(crate) fn source_tree(&self, repo: &Repo, tree: TreeId) -> Result<TreeId> {
        let missing = || SourceError::NoSuchPath {
            path: self.prefix.clone(),
            tree: format!("tree {tree}"),
        };
        Ok(repo.subtree(tree, &self.prefix)?.ok_or_else(missing)?)
    }

    /// Returns the key of the source root's files at a commit; none when the commit does not have the folder.
    pub(crate) fn source_of(&self, commit: CommitId) -> Result<Option<String>, SourceError> {
        let tree = self.repo.commit(commit)?.tree;
        Ok(self
            .repo
            .subtree(tree, &self.prefix)?
            .map(|tree| tree.to_string()))
    }

    /// Reads the recipe as a tree has it.
    pub(crate) fn recipe(&self, repo: &Repo, tree: TreeId) -> Result<Box<dyn Recipe>, RecipeError> {
        let view = TreeView {
            engine: &self.engine,
            root: Path::new(&self.row.root),
            repo,
            tree,
            prefix: &self.prefix,
        };
        recipe::dialect(self.row.dialect).read(&self.row.recipe, &view, &self.options)
    }

    /// Returns the commit that a request means: HEAD when none is named.
    pub(crate) fn commit(&self, wanted: Option<&str>) -> Result<CommitId> {
        Ok(self.repo.resolve(wanted.unwrap_or("HEAD"))?)
    }
}
