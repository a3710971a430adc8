//! A run config read from a commit, and the images its steps need.

use std::collections::BTreeMap;

use serde_json::Value;

use super::config::{RunConfig, Source, StepConfig};
use super::delivery::{Wishes, decide};
use super::image::{Made, make};
use super::loaded::Loaded;
use super::names::{COMPONENT, image_key, image_tag, read_source};
use super::settings::Replicate;
use crate::bake::TargetSpec;
use crate::recipe::{Code, Environment, ExtraRepository, Images, Recipe, Resolved, Start, TaskMarks};
use crate::wire::{Delivery, Integration, Problem, Severity};

/// What a step runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// A Python object that is called, with the parameters as keyword arguments.
    Source {
        /// Module, as Python imports it.
        module: String,
        /// Name of the object within it.
        object: String,
    },
    /// A command, word by word.
    Command(Vec<String>),
}

impl Runs {
    /// Returns it as people write it.
    pub fn shown(&self) -> String {
        match self {
            Self::Source { module, object } => format!("{module}.{object}"),
            Self::Command(words) => words.join(" "),
        }
    }
}

/// The ways in which a step's code may get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// `allow_including_files_in_images`.
    pub include: bool,
    /// `allow_download_from_code_repository`.
    pub repository: bool,
    /// `allow_download_from_artifact_store`.
    pub artifact_store: bool,
}

/// A step as the run config has it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSpec {
    /// Name.
    pub name: String,
    /// What it runs.
    pub runs: Runs,
    /// Parameters, those of the pipeline included.
    pub parameters: BTreeMap<String, Value>,
    /// Variables of its container, beside those of its image.
    pub environment: Vec<(String, String)>,
    /// Target that its settings make. When those of another step come to the same image, it runs in that one:
    /// [`PipelineImage::steps`] has the last word.
    pub target: String,
    /// How its code may get in.
    pub allowed: Allowed,
}

/// What the stack, the settings and the checkout have a part in.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Python packages of the stack.
    pub requirements: &'a [String],
    /// Debian packages of the stack.
    pub apt_packages: &'a [String],
    /// Variables of the stack.
    pub environment: &'a [(String, String)],
    /// What names of integrations stand for.
    pub integrations: &'a [Integration],
    /// Whether code can be fetched from a registered repository.
    pub repository_usable: bool,
    /// What is known of the images that [`PipelineRecipe::images`] names.
    pub images: &'a Images,
    /// Platform, such as `linux/amd64`.
    pub platform: &'a str,
    /// File with certificates that installers have to trust, on this machine: mounted as the secret `ca_bundle` when
    /// packages are installed, never stored, no part of keys.
    pub ca_bundle: Option<&'a str>,
    /// Packages of the local Python environment, when [`PipelineRecipe::replicates`] asks for them and they could be read.
    pub frozen: Option<&'a str>,
}

/// How one step's code gets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDelivery {
    /// The step.
    pub step: String,
    /// How it may.
    pub allowed: Allowed,
    /// How it does.
    pub delivery: Delivery,
    /// Why, one sentence.
    pub reason: String,
}

/// One image that steps need.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineImage {
    /// Key: `orchestrator` for what the pipeline's settings make, `<step>.orchestrator` for a step's own.
    pub key: String,
    /// Steps that run in it.
    pub steps: Vec<String>,
    /// How the code of its first step gets in.
    pub delivery: Delivery,
    /// Why, one sentence.
    pub delivery_reason: String,
    /// How the code of each of its steps gets in: one may allow less than another.
    pub deliveries: Vec<StepDelivery>,
    /// Everything that has to be equal for an older image to serve, without the stack's place of images.
    pub environment: Environment,
    /// What of the source its build can see; the same for all commits when the code is not part of it.
    pub code: Code,
    /// Whether the code is part of it.
    pub includes_code: bool,
    /// `target_repository`, when set.
    pub repository: Option<String>,
    /// Tag: pipeline, step and component.
    pub tag: String,
    /// `prevent_build_reuse`.
    pub prevent_reuse: bool,
    /// The image itself, of one that is used as it is (`skip_build`).
    pub ready: Option<String>,
    /// Dockerfile that was made for it, as it may be shown: without values of variables that name secrets.
    pub dockerfile: Option<String>,
    /// Bake targets, the result last; none for one that is used as it is.
    pub targets: Vec<TargetSpec>,
}

/// Returns the image that a step runs in.
pub fn image_of_step<'a>(images: &'a [PipelineImage], step: &str) -> Option<&'a PipelineImage> {
    images
        .iter()
        .find(|image| image.steps.iter().any(|name| name == step))
}

/// A run config of a commit.
#[derive(Clone, Debug)]
pub struct PipelineRecipe {
    pub(super) config: RunConfig,
    /// Settings of the steps, in their order, with what they lead to; those of the pipeline when there are no steps.
    pub(super) loaded: Vec<Loaded>,
    /// Name of a pipeline that has none.
    pub(super) folder: String,
    pub(super) problems: Vec<Problem>,
}

impl PipelineRecipe {
    /// Returns the pipeline's name; `pipeline` is the one that a request names instead of the config's.
    pub fn name(&self, pipeline: Option<&str>) -> Result<String, String> {
        let last = |source: &Source| {
            let object = source.object.rsplit('.').next();
            object.unwrap_or_default().to_owned()
        };
        if let Some(requested) = requested(pipeline)?
            && self.config.pipeline.as_ref() != Some(&requested)
        {
            return Ok(last(&requested));
        }
        let own = self.config.name.clone();
        Ok(own
            .or_else(|| self.config.pipeline.as_ref().map(last))
            .unwrap_or_else(|| self.folder.clone()))
    }

    /// Returns the steps in the order in which they run.
    pub fn steps(&self, pipeline: Option<&str>) -> Result<Vec<StepSpec>, String> {
        let requested = requested(pipeline)?;
        let source = requested.as_ref().or(self.config.pipeline.as_ref());
        let runs = |source: &Source| Runs::Source {
            module: source.module.clone(),
            object: source.object.clone(),
        };
        if self.config.steps.is_empty() {
            let command = self.config.command.clone().filter(|_| requested.is_none());
            let runs = command.map(Runs::Command).or_else(|| source.map(runs)).ok_or(
                "the run config names no pipeline: add `pipeline: module.instance` or `command`, or name the pipeline to run",
            )?;
            return Ok(vec![StepSpec {
                name: self.name(pipeline)?,
                runs,
                parameters: self.config.parameters.clone(),
                environment: Vec::new(),
                target: image_key(COMPONENT, None),
                allowed: self.loaded[0].settings.allowed(),
            }]);
        }
        let spec = |(at, step): (usize, &StepConfig)| {
            let runs = match (&step.command, &step.source, source) {
                (Some(command), _, _) => Runs::Command(command.clone()),
                (None, Some(own), _) => runs(own),
                (None, None, Some(of)) => Runs::Source {
                    module: of.module.clone(),
                    object: step.name.clone(),
                },
                (None, None, None) => {
                    return Err(format!(
                        "the step {} has neither `source` nor `command`, and there is no `pipeline` whose module it could be in",
                        step.name
                    ));
                }
            };
            let mut parameters = self.config.parameters.clone();
            parameters.extend(step.parameters.clone());
            Ok(StepSpec {
                name: step.name.clone(),
                runs,
                parameters,
                environment: step.environment.clone(),
                target: self.key(at),
                allowed: self.loaded[at].settings.allowed(),
            })
        };
        self.config.steps.iter().enumerate().map(spec).collect()
    }

    /// Returns the build that the config names: an id or a file.
    pub fn build(&self) -> Option<&str> {
        self.config.build.as_deref()
    }

    /// Returns how the local Python environment is wanted, when it is.
    pub fn replicates(&self) -> Option<Replicate> {
        self.loaded
            .iter()
            .find_map(|loaded| loaded.settings.replicate_local_python_environment)
    }

    /// Returns the images that steps need, each once, those of more steps first. The error is a sentence.
    pub fn resolve(
        &self,
        pipeline: Option<&str>,
        around: &Surroundings<'_>,
    ) -> Result<Vec<PipelineImage>, String> {
        let name = self.name(pipeline)?;
        let mut images: Vec<PipelineImage> = Vec::new();
        for (at, loaded) in self.loaded.iter().enumerate() {
            let settings = &loaded.settings;
            let step = self.config.steps.get(at).map(|step| step.name.as_str());
            let wishes = Wishes {
                allowed: settings.allowed(),
                installs_code: settings.local_project_install_command.is_some(),
                ready_image: settings.skip_build,
            };
            let (delivery, reason) = decide(wishes, around.repository_usable);
            let delivered = StepDelivery {
                step: step.unwrap_or(&name).to_owned(),
                allowed: wishes.allowed,
                delivery,
                reason: reason.to_owned(),
            };
            let includes_code = delivery == Delivery::Included;
            let key = self.key(at);
            let Made {
                environment,
                code,
                dockerfile,
                targets,
            } = make(loaded, around, includes_code, &key).map_err(|error| match step {
                Some(step) => format!("step {step}: {error}"),
                None => error,
            })?;
            let same = images.iter_mut().find(|image| {
                image.environment == environment
                    && image.code == code
                    && image.repository == settings.target_repository
            });
            if let Some(image) = same {
                image.steps.push(delivered.step.clone());
                image.deliveries.push(delivered);
                image.prevent_reuse |= settings.prevent_build_reuse;
                continue;
            }
            let own = key
                .strip_suffix(COMPONENT)
                .and_then(|step| step.strip_suffix('.'));
            images.push(PipelineImage {
                tag: image_tag(&name, own, COMPONENT),
                key,
                steps: vec![delivered.step.clone()],
                delivery,
                delivery_reason: delivered.reason.clone(),
                deliveries: vec![delivered],
                environment,
                code,
                includes_code,
                repository: settings.target_repository.clone(),
                prevent_reuse: settings.prevent_build_reuse,
                ready: settings.parent_image.clone().filter(|_| settings.skip_build),
                dockerfile,
                targets,
            });
        }
        images.sort_by_key(|image| std::cmp::Reverse(image.steps.len()));
        Ok(images)
    }

    /// Returns the key of a step's image: that of the first step with the same settings, or the pipeline's own.
    fn key(&self, at: usize) -> String {
        let loaded = &self.loaded[at];
        if self.config.steps.is_empty() || loaded.settings == self.config.docker.settings {
            return image_key(COMPONENT, None);
        }
        let first = self.loaded.iter().position(|other| other == loaded);
        image_key(COMPONENT, Some(&self.config.steps[first.unwrap_or(at)].name))
    }

    /// Resolves with what is known of images alone: no stack, no repository, no integrations.
    fn alone(&self, images: &Images, platform: &str) -> Vec<PipelineImage> {
        let around = Surroundings {
            requirements: &[],
            apt_packages: &[],
            environment: &[],
            integrations: &[],
            repository_usable: false,
            images,
            platform,
            ca_bundle: None,
            frozen: None,
        };
        PipelineRecipe::resolve(self, None, &around).unwrap_or_default()
    }
}

/// Reads the pipeline that a request names.
fn requested(pipeline: Option<&str>) -> Result<Option<Source>, String> {
    let Some(text) = pipeline else { return Ok(None) };
    match read_source(text) {
        Ok((module, object)) => Ok(Some(Source { module, object })),
        Err(why) => Err(format!("the pipeline `{}` {why}", crate::text::one_line(text))),
    }
}

impl Recipe for PipelineRecipe {
    fn images(&self) -> Vec<String> {
        let mut images: Vec<String> = self.loaded.iter().flat_map(Loaded::images).collect();
        images.sort();
        images.dedup();
        images
    }

    fn resolve(&self, images: &Images, platform: &str) -> Vec<Resolved> {
        let resolved = |image: PipelineImage| Resolved {
            name: image.key,
            environment: image.environment,
            code: image.code,
        };
        self.alone(images, platform).into_iter().map(resolved).collect()
    }

    fn repositories(&self) -> Vec<ExtraRepository> {
        Vec::new()
    }

    fn targets(&self, _: &Start, images: &Images) -> Vec<TargetSpec> {
        let all = self.alone(images, "").into_iter();
        all.flat_map(|image| image.targets).collect()
    }

    fn tasks(&self) -> Option<TaskMarks> {
        None
    }

    fn warnings(&self) -> Vec<Problem> {
        let warning = |problem: &&Problem| problem.severity == Severity::Warning;
        self.problems.iter().filter(warning).cloned().collect()
    }

    fn pipeline(&self) -> Option<&PipelineRecipe> {
        Some(self)
    }
}
