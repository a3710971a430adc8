//! The pipeline dialect: run configs, as ZenML has them.
//!
//! A run config names steps and what their images are made of; the code itself is delivered to an image that is there, so
//! that a change of code builds nothing. Everything a commit has a say in is read at once; what is made of it is pure.

mod config;
pub mod delivery;
pub mod dockerfile;
pub mod given;
mod image;
mod loaded;
pub mod names;
mod recipe;
pub mod requirements;
pub mod settings;
#[cfg(test)]
mod tests;

pub use recipe::{
    Allowed, PipelineImage, PipelineRecipe, Runs, StepDelivery, StepSpec, Surroundings, image_of_step,
};

use config::RunConfig;
use settings::Placed;

use crate::recipe::yaml::Reader;
use crate::recipe::{Dialect, Options, Recipe, RecipeError, SourceView};
use crate::wire::{self, Problem, Recognised, Severity};

/// The dialect.
pub struct Pipeline;

/// Returns whether a file is a run config, whatever its name.
pub fn looks_like(bytes: &[u8]) -> bool {
    Reader::parse("", bytes).is_ok_and(|(_, root)| config::is_run_config(&root))
}

/// Returns the module that a run config's pipeline is in, else that of its first step that names one.
pub fn module_of(bytes: &[u8]) -> Option<String> {
    let (mut reader, root) = Reader::parse("", bytes).ok()?;
    let config = config::read(&mut reader, &root);
    let of_steps = config.steps.into_iter().find_map(|step| step.source);
    Some(config.pipeline.or(of_steps)?.module)
}

impl Dialect for Pipeline {
    fn kind(&self) -> wire::Dialect {
        wire::Dialect::Pipeline
    }

    fn files(&self) -> &'static [&'static str] {
        &[
            "run.yaml",
            "run.yml",
            "pipeline.yaml",
            "pipeline.yml",
            "run_config.yaml",
            "run_config.yml",
        ]
    }

    fn recognise(&self, file: &str, bytes: &[u8], _: &Options) -> (Recognised, Vec<Problem>) {
        let mut recognised = Recognised {
            dialect: self.kind(),
            file: file.to_owned(),
            summary: "Run config that cannot be used yet".to_owned(),
            details: Vec::new(),
        };
        match parse(file, bytes) {
            Ok((config, reader)) => {
                let problems = tidy(reader.problems);
                if !problems.iter().any(|problem| problem.severity == Severity::Error) {
                    (recognised.summary, recognised.details) = describe(&config);
                }
                (recognised, problems)
            }
            Err(problems) => (recognised, problems),
        }
    }

    fn read(
        &self,
        file: &str,
        view: &dyn SourceView,
        options: &Options,
    ) -> Result<Box<dyn Recipe>, RecipeError> {
        let found = view.read(file).map_err(|source| RecipeError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        let bytes = found.ok_or_else(|| RecipeError::Missing {
            file: file.to_owned(),
        })?;
        let invalid = |problems| RecipeError::Invalid { problems };
        let (config, mut reader) = parse(file, &bytes).map_err(invalid)?;
        let used: Vec<&Placed> = if config.steps.is_empty() {
            vec![&config.docker]
        } else {
            config.steps.iter().map(|step| &step.docker).collect()
        };
        let mut loaded: Vec<loaded::Loaded> = Vec::new();
        for placed in used {
            let known = loaded.iter().find(|known| known.settings == placed.settings);
            loaded.push(match known.cloned() {
                Some(known) => known,
                None => loaded::load(&mut reader, placed, view, &options.prefix),
            });
        }
        let problems = tidy(reader.problems);
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(invalid(problems));
        }
        Ok(Box::new(PipelineRecipe {
            config,
            loaded,
            folder: options.repository.clone(),
            problems,
        }))
    }
}

/// Reads a run config, or tells why the file is none.
fn parse<'a>(file: &'a str, bytes: &'a [u8]) -> Result<(RunConfig, Reader<'a>), Vec<Problem>> {
    let (mut reader, root) = Reader::parse(file, bytes).map_err(|problem| vec![problem])?;
    if !config::is_run_config(&root) {
        reader.error(
            &root,
            "this is no run config",
            "begin with `pipeline: module.instance`, `command` or `steps`",
        );
        return Err(reader.problems);
    }
    let config = config::read(&mut reader, &root);
    Ok((config, reader))
}

/// Returns problems in the order of the file, each once: steps repeat those of the settings they share.
fn tidy(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.line, problem.column));
    let mut seen: Vec<Problem> = Vec::new();
    for problem in problems {
        if !seen.contains(&problem) {
            seen.push(problem);
        }
    }
    seen
}

/// Says what a run config is, in one line and in more.
fn describe(config: &RunConfig) -> (String, Vec<String>) {
    let image = |placed: &Placed| {
        let settings = &placed.settings;
        match (&settings.dockerfile, &settings.parent_image) {
            (_, Some(parent)) if settings.skip_build => format!("image {parent} as it is"),
            (Some(file), _) => format!("image from {file}"),
            (None, Some(parent)) => format!("image on {parent}"),
            (None, None) => "no image".to_owned(),
        }
    };
    let what = |source: Option<&config::Source>, command: Option<&Vec<String>>| match (source, command) {
        (_, Some(command)) => Some(crate::text::one_line(&match command.as_slice() {
            [sh, c, text] if sh == "sh" && c == "-c" => text.clone(),
            words => words.join(" "),
        })),
        (Some(source), None) => Some(format!("{}.{}", source.module, source.object)),
        (None, None) => None,
    };
    let own = what(config.pipeline.as_ref(), config.command.as_ref());
    let name = config.name.clone().or_else(|| own.clone());
    let mut details = Vec::new();
    for step in &config.steps {
        let runs = what(step.source.as_ref(), step.command.as_ref());
        let runs = runs.map(|runs| format!("{runs}, ")).unwrap_or_default();
        details.push(format!("{}: {runs}{}", step.name, image(&step.docker)));
    }
    if config.steps.is_empty() {
        details.push(image(&config.docker));
    }
    if let Some(build) = &config.build {
        details.push(format!("build {build}"));
    }
    let count = config.steps.len().max(1);
    let noun = if count == 1 { "step" } else { "steps" };
    let of = name.map(|name| format!(" {name}")).unwrap_or_default();
    (format!("Pipeline{of}, {count} {noun}"), details)
}
