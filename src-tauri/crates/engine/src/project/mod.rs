//! Projects: what a dropped path is, and the source roots Headstart knows.

mod open;
mod preview;
mod pulse;

use std::path::{Path, PathBuf};

use crate::catalogue::ProjectRow;
use crate::clock::now_ms;
use crate::engine::{Engine, random_hex};
use crate::error::{Error, Result};
use crate::source::Head;
use crate::text::sentence;
use crate::wire::{Preview, Project, ProjectId};

pub(crate) use open::{Opened, TreeView, open};
pub use pulse::pulse;

/// Lists the projects, oldest first.
pub fn list(engine: &Engine) -> Result<Vec<Project>> {
    engine
        .catalogue()
        .projects()?
        .into_iter()
        .map(|row| shown(engine, row))
        .collect()
}

/// Returns the project with an id, a name or a source root; with none of them given, the only one there is.
pub fn find(engine: &Engine, wanted: Option<&str>) -> Result<Project> {
    let mut projects = engine.catalogue().projects()?;
    let Some(wanted) = wanted else {
        return match projects.len() {
            0 => Err(Error::refused(
                "there is no project yet",
                "add one: headstart project add FOLDER",
            )),
            1 => shown(engine, projects.remove(0)),
            count => Err(Error::refused(
                format!("there are {count} projects"),
                "say which one: --project NAME",
            )),
        };
    };
    let by_path = std::fs::canonicalize(wanted)
        .ok()
        .map(|path| path.to_string_lossy().into_owned());
    let exact = |row: &&ProjectRow| row.id.0 == wanted || by_path.as_deref() == Some(row.root.as_str());
    if let Some(row) = projects.iter().find(exact) {
        return shown(engine, row.clone());
    }
    let named: Vec<_> = projects.iter().filter(|row| row.name == wanted).collect();
    match named.as_slice() {
        [one] => shown(engine, (*one).clone()),
        [] => Err(Error::NoProject(ProjectId(wanted.to_owned()))),
        many => Err(Error::refused(
            format!("{} projects are named {wanted}", many.len()),
            format!(
                "give an id: {}",
                many.iter()
                    .map(|row| row.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        )),
    }
}

/// Says what a path is and what adding it would do; writes nothing.
pub fn preview(engine: &Engine, path: &Path) -> Result<Preview> {
    preview::preview(engine, path)
}

/// Adds the project at a path: a folder with a recipe, or the recipe itself. Adding it again changes nothing.
pub fn add(engine: &Engine, path: &Path) -> Result<Project> {
    let preview = preview::preview(engine, path)?;
    let Some(recognised) = &preview.recognised else {
        return Err(Error::NotRecognised {
            path: path.to_owned(),
        });
    };
    if !preview.can_add {
        return Err(crate::recipe::RecipeError::Invalid {
            problems: preview.problems,
        }
        .into());
    }
    let row = ProjectRow {
        id: ProjectId(random_hex(12)?),
        name: preview.name,
        root: preview.root,
        recipe: recognised.file.clone(),
        dialect: recognised.dialect,
        added_at: now_ms(),
    };
    let row = engine.catalogue().put_project(&row)?;
    shown(engine, row)
}

/// Forgets a project. Its builds stay in the catalogue, its folder is not touched.
pub fn remove(engine: &Engine, project: &ProjectId) -> Result<()> {
    engine.catalogue().remove_project(project, now_ms())?;
    engine.forget_repo(project);
    Ok(())
}

/// Returns a project's folder, for opening it in another program.
pub fn folder(engine: &Engine, project: &ProjectId) -> Result<PathBuf> {
    Ok(PathBuf::from(engine.catalogue().project(project)?.root))
}

fn shown(engine: &Engine, row: ProjectRow) -> Result<Project> {
    let (builds, active) = engine.catalogue().project_counts(&row.id)?;
    let head = open(engine, &row.id).and_then(|opened| Ok(opened.repo.head()?));
    let (branch, problem) = match head {
        Ok(Head::Branch { name, .. }) => (Some(name), None),
        Ok(Head::Unborn { branch }) => (Some(branch), None),
        Ok(Head::Detached { .. }) => (None, None),
        Err(error) => (None, Some(sentence(&error.to_string()))),
    };
    Ok(Project {
        stack: crate::stack::of_project(engine, &row.id)?,
        id: row.id,
        name: row.name,
        root: row.root,
        recipe: row.recipe,
        dialect: row.dialect,
        added_at: row.added_at,
        builds,
        active,
        branch,
        problem,
    })
}
