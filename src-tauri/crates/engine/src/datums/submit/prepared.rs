//! A submission before anything of it is done: what is in the file, what it needs, and what it would change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::code::{Code, uploaded};
use super::counts::Counted;
use super::images::{Image, builder_image, pipeline_image};
use crate::data::{self, DataStore};
use crate::datums::records::{self, PipelineRecord};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::blocking;
use crate::recipe::RecipeError;
use crate::recipe::datum::spec::{Asked, Spec, read_for};
use crate::recipe::datum::transformation::{SOURCE, Transformed, build_folder, spec_folder, transformed};
use crate::recipe::datum::world::missing_repositories;
use crate::recipe::yaml;
use crate::stack;
use crate::wire::{Problem, Severity, Stack, SubmitRequest};

/// Where specs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// To the stack.
    Here,
    /// To a cluster that others run.
    Cluster,
}

/// A file of specs, read and looked into.
pub(super) struct Prepared {
    /// Name shown: the file's, or `-`.
    pub(super) file: String,
    /// The file.
    pub(super) path: Option<PathBuf>,
    /// What it says.
    pub(super) bytes: Vec<u8>,
    pub(super) stack: Stack,
    pub(super) store: Arc<DataStore>,
    pub(super) pipelines: Vec<One>,
    pub(super) problems: Vec<Problem>,
}

/// One pipeline to be submitted.
pub(super) struct One {
    /// The spec as the user wrote it, with the image that it gets.
    pub(super) spec: Spec,
    /// The spec as it runs: with code and what is built of it as inputs.
    pub(super) runs: Spec,
    /// The version before.
    pub(super) before: Option<PipelineRecord>,
    /// Its code, when it has a build step.
    pub(super) code: Option<WithCode>,
    /// Image that its workers run.
    pub(super) image: Option<Image>,
    /// Its data; none while that cannot be known.
    pub(super) counted: Option<Counted>,
}

/// A build step: the code, and the pipeline that builds it.
pub(super) struct WithCode {
    pub(super) code: Code,
    pub(super) transformed: Transformed,
    /// Image of the builder.
    pub(super) builder: Image,
    /// The build pipeline's version before.
    pub(super) before: Option<PipelineRecord>,
}

impl WithCode {
    /// Says what is uploaded, if anything.
    pub(super) fn action(&self) -> Option<String> {
        let upload = &self.code.upload;
        let what = match upload.files {
            1 => "1 file".to_owned(),
            files => format!("{files} files"),
        };
        (upload.differing > 0).then(|| format!("put {what} of code into {}@{SOURCE}", self.transformed.repo))
    }

    /// Returns whether what is built would differ.
    pub(super) fn changed(&self) -> bool {
        let builder = self.before.as_ref().map(|before| before.salt.as_str());
        self.code.upload.differing > 0 || builder != Some(self.builder.shown.reference.as_str())
    }
}

impl Prepared {
    /// Reads a request. Problems of the file are kept; what keeps it from being looked into at all is an error.
    pub(super) async fn of(
        engine: &Engine,
        request: &SubmitRequest,
        destination: Destination,
    ) -> Result<Self> {
        let (bytes, path, location) = given(request)?;
        let folder = match (&path, &request.folder) {
            (Some(path), _) => spec_folder(&path.to_string_lossy(), Path::new("/")),
            (None, Some(folder)) => PathBuf::from(folder),
            (None, None) => PathBuf::new(),
        };
        let asked = Asked {
            location: &location,
            build: request.build,
            push_images: request.push_images,
        };
        let file = path.as_deref().and_then(Path::file_name);
        let file = file.map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned());
        let (specs, mut problems) = read_for(&file, &bytes, asked);
        let name = request.stack.as_deref().unwrap_or(stack::LOCAL);
        let stack = stack::get(engine, name)?;
        let store = DataStore::of(engine, Some(name))?;
        let repos = {
            let engine = engine.clone();
            let name = name.to_owned();
            blocking(move || data::list(&engine, Some(&name))).await?
        };
        let exists = |repo: &str| repos.iter().any(|one| one.name == repo);
        // A cluster has repositories of its own.
        if destination == Destination::Here {
            problems.extend(missing_repositories(&file, &specs, &exists));
        }
        let mut prepared = Self {
            file,
            path,
            bytes,
            stack,
            store,
            pipelines: Vec::new(),
            problems,
        };
        for spec in specs {
            prepared.add(engine, request, &folder, spec).await?;
        }
        prepared
            .problems
            .sort_by_key(|problem| (problem.line, problem.column));
        Ok(prepared)
    }

    /// Looks into one spec.
    async fn add(
        &mut self,
        engine: &Engine,
        request: &SubmitRequest,
        folder: &Path,
        spec: Spec,
    ) -> Result<()> {
        let before = records::pipeline(&self.store, &spec.name)?;
        if let Some(before) = &before {
            if request.create {
                self.problem(
                    &spec,
                    format!("pipeline {} exists already", spec.name),
                    "update it instead",
                );
            }
            if let Some(other) = &before.builds_for {
                let message = format!("{} builds the code of {other}", spec.name);
                self.problem(&spec, message, "give the pipeline another name");
            }
        }
        if self.pipelines.iter().any(|one| one.spec.name == spec.name) {
            let message = format!("{} stands in the file twice", spec.name);
            self.problem(&spec, message, "give one of them another name");
            return Ok(());
        }
        if let Some(repo) = self.foreign_repo(engine, &spec)? {
            let message = format!("the repository {repo} exists, and no pipeline writes it");
            self.problem(
                &spec,
                message,
                "a pipeline writes a repository of its own name; choose another name",
            );
        }
        let (mut spec, code) = match self.code(engine, request, folder, &spec).await {
            Ok(code) => (spec, code),
            Err(Error::Recipe(RecipeError::Invalid { problems })) => {
                self.problems.extend(problems);
                return Ok(());
            }
            Err(Error::Refused { message, hint }) => {
                self.problem(&spec, message, hint.as_deref().unwrap_or_default());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let image = match &code {
            Some(code) if code.transformed.pipeline.transform.image == code.builder.shown.reference => None,
            _ => match pipeline_image(engine, &self.stack, request, folder, &spec, code.is_some()).await {
                Ok(image) => Some(image),
                Err(Error::Refused { message, hint }) => {
                    self.problem(&spec, message, hint.as_deref().unwrap_or_default());
                    return Ok(());
                }
                Err(error) => return Err(error),
            },
        };
        let mut runs = match &code {
            Some(code) => code.transformed.pipeline.clone(),
            None => spec.clone(),
        };
        if let Some(image) = image.as_ref().filter(|image| image.renames()) {
            spec.set_image(&image.shown.reference);
            runs.set_image(&image.shown.reference);
        }
        let counted = {
            let (store, spec, runs, before) =
                (self.store.clone(), spec.clone(), runs.clone(), before.clone());
            let changed = code.as_ref().is_some_and(WithCode::changed);
            blocking(move || Counted::of(&store, &spec, &runs, before.as_ref(), changed)).await?
        };
        // What another pipeline of the file writes is not there yet.
        let waits = spec.input.iter().flat_map(|input| input.leaves());
        let waits = waits
            .clone()
            .any(|leaf| self.pipelines.iter().any(|one| one.spec.name == leaf.repo()));
        self.pipelines.push(One {
            counted: counted.filter(|_| !waits),
            spec,
            runs,
            before,
            code,
            image,
        });
        Ok(())
    }

    /// Returns a repository of the pipeline's name that is somebody's own. A deleted pipeline leaves its repository, which it
    /// may have back.
    fn foreign_repo(&self, engine: &Engine, spec: &Spec) -> Result<Option<String>> {
        let all = data::list(engine, Some(&self.stack.name))?;
        let is_users = |repo: &crate::wire::DataRepo| {
            let mut heads = repo.branches.iter().filter_map(|branch| branch.head.as_ref());
            repo.pipeline.is_none() && heads.any(|head| head.job.is_none())
        };
        let found = all
            .into_iter()
            .find(|repo| repo.name == spec.name && is_users(repo));
        Ok(found.map(|repo| repo.name))
    }

    async fn code(
        &self,
        engine: &Engine,
        request: &SubmitRequest,
        folder: &Path,
        spec: &Spec,
    ) -> Result<Option<WithCode>> {
        let Some(step) = &spec.transform.build else {
            return Ok(None);
        };
        let builder = builder_image(engine, &self.stack, step).await?;
        let reference = builder.shown.reference.clone();
        let Some(transformed) = transformed(spec, &|_| reference.clone()) else {
            return Ok(None);
        };
        let place = build_folder(&step.path, folder);
        let (store, repo) = (self.store.clone(), transformed.repo.clone());
        let (meaning, include_git) = (request.ignore, request.include_git);
        let code = blocking(move || {
            let before = uploaded(&store, &repo, SOURCE)?;
            Code::of(&place, meaning, include_git, &store, before)
        })
        .await?;
        let before = records::pipeline(&self.store, &transformed.repo)?;
        Ok(Some(WithCode {
            code,
            transformed,
            builder,
            before,
        }))
    }

    /// Notes an error at the name of a pipeline.
    fn problem(&mut self, spec: &Spec, message: String, hint: &str) {
        self.problems.push(Problem {
            severity: Severity::Error,
            file: self.file.clone(),
            line: Some(spec.place.line.max(1)),
            column: Some(spec.place.column.max(1)),
            message: crate::text::sentence(&message),
            hint: (!hint.is_empty()).then(|| crate::text::sentence(hint)),
            snippet: None,
        });
    }

    /// Returns whether nothing stands against submitting.
    pub(super) fn is_fine(&self) -> bool {
        let wrong = |problem: &Problem| problem.severity == Severity::Error;
        !self.pipelines.is_empty() && !self.problems.iter().any(wrong)
    }
}

/// Returns the specs of a request as they stand, their file, and what they are called.
fn given(request: &SubmitRequest) -> Result<(Vec<u8>, Option<PathBuf>, String)> {
    let limit = yaml::MAX_BYTES as u64 + 1;
    match (&request.path, &request.text) {
        (Some(path), None) => {
            let asked = Asked {
                location: path,
                ..Asked::default()
            };
            if !asked.is_local() {
                return Err(Error::refused(
                    format!("{path} is not on this machine"),
                    "download the spec, read it, and give the file",
                ));
            }
            let whole = std::path::absolute(path).map_err(Error::file("finding", path))?;
            let mut bytes = Vec::new();
            let read = std::fs::File::open(&whole).and_then(|file| {
                std::io::Read::read_to_end(&mut std::io::Read::take(file, limit), &mut bytes)
            });
            read.map_err(|error| {
                Error::refused(
                    format!("{path} cannot be read: {error}"),
                    "give a file with pipeline specs, in JSON or YAML",
                )
            })?;
            Ok((bytes, Some(whole), path.clone()))
        }
        (None, Some(text)) => Ok((text.as_bytes().to_vec(), None, "-".to_owned())),
        _ => Err(Error::refused(
            "nothing was given to submit",
            "give a file with pipeline specs, or the specs themselves",
        )),
    }
}
