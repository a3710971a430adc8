//! What a dropped path is. Reads the file on disk (or in a bare repository the one at HEAD) and runs nothing.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::open::{TreeView, options};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::{DIALECTS, Dialect, Options, SourceView, yaml};
use crate::recipe::{datum, pipeline};
use crate::source::{Head, Repo, SourceError};
use crate::text::one_line;
use crate::wire::{Preview, Problem, Severity};

pub(super) fn preview(engine: &Engine, path: &Path) -> Result<Preview> {
    let absolute = std::fs::canonicalize(path).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => format!("{} does not exist", path.display()),
            _ => format!("{} cannot be opened: {error}", path.display()),
        };
        Error::refused(
            why,
            "give a repository folder with a .gitpod.yml, compose.yaml or run.yaml, or that file itself",
        )
    })?;
    if let Some(preview) = datum_pipelines(path, &absolute) {
        return Ok(preview);
    }
    let named = recipe_file(path, &absolute);
    let config = if named.is_none() {
        run_config(&absolute)
    } else {
        None
    };
    let (root, named) = match (named, config) {
        (Some(name), _) => (path_of_parent(path)?, Some(name)),
        (None, Some((root, name))) => (root, Some(name)),
        (None, None) => (absolute.clone(), None),
    };
    let shown = |path: &Path| one_line(&path.to_string_lossy());
    let mut preview = Preview {
        path: shown(path),
        name: root
            .file_name()
            .map(|name| shown(Path::new(name)))
            .unwrap_or_else(|| "project".into()),
        root: shown(&root),
        recognised: None,
        repository: None,
        problems: Vec::new(),
        already: None,
        datum_pipelines: Vec::new(),
        can_add: false,
    };
    if root.to_str() != Some(&preview.root) {
        // It could not be found again by what is stored and shown of it.
        preview.problems.push(whole_file(
            &preview.name,
            "the folder's path has characters that cannot be shown".to_owned(),
            "rename it, without control characters and in UTF-8",
        ));
        return Ok(preview);
    }
    if !root.is_dir() {
        let what = if absolute.is_dir() { "folder" } else { "file" };
        preview.problems.push(whole_file(
            &preview.name,
            format!("this {what} is not one Headstart can build from"),
            "drop a repository folder, its .gitpod.yml, its compose.yaml or a run config",
        ));
        return Ok(preview);
    }
    let repo = match Repo::open(&root) {
        Ok(repo) => repo,
        Err(error) => {
            let hint =
                "Headstart plans along git history: run `git init` and commit, or choose another folder";
            preview
                .problems
                .push(whole_file(&preview.name, error.to_string(), hint));
            return Ok(preview);
        }
    };
    preview.already = engine.catalogue().project_at(&preview.root)?.map(|row| row.id);
    preview.repository = Some(describe(&repo)?);
    let options = options(engine, &repo)?;
    match find_recipe(engine, &root, &repo, named.as_deref(), &options) {
        Ok((recognised, problems)) => {
            preview.recognised = recognised;
            preview.problems = problems;
        }
        Err(problem) => preview.problems.push(problem),
    }
    if preview.recognised.is_none() && preview.problems.is_empty() {
        let names: Vec<&str> = DIALECTS
            .iter()
            .flat_map(|dialect| dialect.files())
            .copied()
            .collect();
        preview.problems.push(whole_file(
            &preview.name,
            format!("there is none of {} in this folder", names.join(", ")),
            "add a .gitpod.yml with an `image` and `tasks` (an empty one uses the default image), a compose.yaml, or a run.yaml",
        ));
    }
    let errors = preview
        .problems
        .iter()
        .any(|problem| problem.severity == Severity::Error);
    preview.can_add = preview.recognised.is_some() && !errors;
    Ok(preview)
}

/// Returns the preview of a spec of datum pipelines, which needs no repository: it is submitted, not added.
fn datum_pipelines(path: &Path, file: &Path) -> Option<Preview> {
    let kind = file.extension()?.to_str()?;
    let about = file.metadata().ok()?;
    let is_small = about.is_file() && about.len() <= yaml::MAX_BYTES as u64;
    let bytes = (matches!(kind, "json" | "yaml" | "yml") && is_small).then(|| std::fs::read(file).ok())??;
    if !datum::looks_like(&bytes) {
        return None;
    }
    let shown = |path: &Path| one_line(&path.to_string_lossy());
    let name = file.file_name().map(|name| shown(Path::new(name)))?;
    let (specs, problems) = datum::spec::read(&name, &bytes);
    Some(Preview {
        path: shown(path),
        root: shown(file.parent()?),
        recognised: None,
        repository: None,
        problems,
        already: None,
        // One in which everything is wrong is a spec all the same.
        datum_pipelines: match specs.is_empty() {
            true => vec![name.clone()],
            false => specs.into_iter().map(|spec| spec.name).collect(),
        },
        can_add: false,
        name,
    })
}

/// Returns the file name when the path itself is named like a recipe (whatever it is).
fn recipe_file(path: &Path, absolute: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let known = DIALECTS.iter().any(|dialect| dialect.files().contains(&name));
    (known && !absolute.join(".git").exists()).then(|| name.to_owned())
}

/// Returns the source root of a run config of any name, and its path within it: the nearest folder upwards that has the
/// module it names, else the folder it lies in.
fn run_config(file: &Path) -> Option<(PathBuf, String)> {
    let is_yaml = matches!(file.extension()?.to_str()?, "yaml" | "yml");
    let is_small = file
        .metadata()
        .is_ok_and(|about| about.is_file() && about.len() <= yaml::MAX_BYTES as u64);
    let bytes = (is_yaml && is_small).then(|| std::fs::read(file).ok())??;
    let module = pipeline::looks_like(&bytes).then(|| pipeline::module_of(&bytes))?;
    let own = file.parent()?;
    let has = |folder: &Path, module: &str| {
        let first = module.split('.').next().unwrap_or(module);
        folder.join(format!("{first}.py")).is_file() || folder.join(first).is_dir()
    };
    // A repository is as far up as code can be taken from.
    let top = own
        .ancestors()
        .find(|folder| folder.join(".git").exists())
        .unwrap_or(own);
    let root = module
        .and_then(|module| {
            own.ancestors()
                .take_while(|folder| folder.starts_with(top))
                .find(|folder| has(folder, &module))
        })
        .unwrap_or(own);
    let inside = file.strip_prefix(root).ok()?.to_str()?;
    Some((root.to_owned(), inside.to_owned()))
}

/// Returns the folder a recipe lies in. A link counts for the folder it lies in, not for where it leads.
fn path_of_parent(path: &Path) -> Result<PathBuf> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::canonicalize(parent).map_err(Error::file("opening", parent))
}

fn whole_file(file: &str, message: String, hint: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        file: file.to_owned(),
        line: None,
        column: None,
        message,
        hint: Some(hint.to_owned()),
        snippet: None,
    }
}

type Found = (Option<crate::wire::Recognised>, Vec<Problem>);

fn find_recipe(
    engine: &Engine,
    root: &Path,
    repo: &Repo,
    named: Option<&str>,
    options: &Options,
) -> Result<Found, Problem> {
    let mut known = DIALECTS.iter().flat_map(|dialect| dialect.files());
    if let Some(file) = named.filter(|name| known.all(|file| file != name)) {
        let bytes = read_on_disk(root, file)?;
        return Ok(match bytes {
            Some(bytes) => recognise(&pipeline::Pipeline, file, &bytes, options),
            None => (None, Vec::new()),
        });
    }
    for dialect in DIALECTS {
        for file in dialect.files() {
            if named.is_some_and(|name| name != *file) {
                continue;
            }
            let bytes = if repo.is_bare() {
                read_at_head(engine, root, repo, file)
            } else {
                read_on_disk(root, file)
            };
            if let Some(bytes) = bytes? {
                return Ok(recognise(dialect, file, &bytes, options));
            }
        }
    }
    Ok((None, Vec::new()))
}

fn recognise(dialect: &dyn Dialect, file: &str, bytes: &[u8], options: &Options) -> Found {
    let (recognised, problems) = dialect.recognise(file, bytes, options);
    (Some(recognised), problems)
}

fn read_on_disk(root: &Path, file: &str) -> Result<Option<Vec<u8>>, Problem> {
    let path = root.join(file);
    let refuse = |why: &str, hint: &str| Err(whole_file(file, why.to_owned(), hint));
    let real = match std::fs::canonicalize(&path) {
        Ok(real) => real,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            return Ok(None);
        }
        Err(error) => {
            return refuse(
                &format!("the file cannot be opened: {error}"),
                "make it an ordinary file",
            );
        }
    };
    if !real.starts_with(root) {
        return refuse(
            "the file is a link that leads out of the folder",
            "replace it by the file itself",
        );
    }
    let kind =
        std::fs::metadata(&real).map_err(|error| whole_file(file, error.to_string(), "make it readable"))?;
    if kind.is_dir() {
        return refuse("this is a folder, not a file", "make it a YAML file");
    }
    if !kind.is_file() {
        return refuse("this is not an ordinary file", "make it a YAML file");
    }
    let mut bytes = Vec::new();
    // One byte more than is accepted, so that a larger file is noticed without reading all of it.
    let limit = yaml::MAX_BYTES as u64 + 1;
    let read = std::fs::File::open(&real).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    read.map_err(|error| {
        whole_file(
            file,
            format!("the file cannot be read: {error}"),
            "make it readable",
        )
    })?;
    Ok(Some(bytes))
}

fn read_at_head(engine: &Engine, root: &Path, repo: &Repo, file: &str) -> Result<Option<Vec<u8>>, Problem> {
    let read = || -> Result<Option<Vec<u8>>, SourceError> {
        let Some(commit) = repo.head()?.commit() else {
            return Ok(None);
        };
        let view = TreeView {
            engine,
            root,
            repo,
            tree: repo.commit(commit)?.tree,
            prefix: repo.source_root(),
        };
        view.read(file)
    };
    read().map_err(|error| whole_file(file, error.to_string(), "put an ordinary file there"))
}

/// Returns a repository's state in a few words.
fn describe(repo: &Repo) -> Result<String> {
    let mut words = match repo.head()? {
        Head::Branch { name, commit } => format!("branch {name} at {}", commit.short()),
        Head::Detached { commit } => format!("detached at {}", commit.short()),
        Head::Unborn { branch } => format!("branch {branch}, no commits yet"),
    };
    if repo.is_bare() {
        words.push_str(", bare");
    }
    if repo.is_shallow() {
        words.push_str(", shallow");
    }
    Ok(words)
}
