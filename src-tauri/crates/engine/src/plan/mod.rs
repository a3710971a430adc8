//! Plans: what a commit can start from, what that saves, and why.
//!
//! Making a plan starts nothing and changes no record of a build; it works without a Docker engine, with the images'
//! existence unknown.

mod decide;
mod estimate;
mod extras;
mod gather;
mod given;
mod images;
mod pipelines;
mod read;
mod reasons;
pub mod select;
mod services;
mod weigh;
mod words;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::project::Opened;
use crate::recipe::{Images, Recipe};
use crate::source::{CommitInfo, Delta, Repo, TreeId};
use crate::wire::{BuildRequest, Plan};

pub(crate) use estimate::{Incremental, quantiles};
pub(crate) use extras::{Extra, Extras, fetch};
use gather::Considered;
pub(crate) use gather::{differences_of, facts_of};
use images::existence;
pub(crate) use images::{Present, look_up, present, remember};
pub(crate) use pipelines::Steps;
pub(crate) use pipelines::images_of as pipeline_images_of;
pub(crate) use read::{Scratch, read_work_tree, repositories};
pub(crate) use services::Services;
pub(crate) use weigh::images_of;

use crate::recipe::workspace::TARGET as WORKSPACE;
pub use reasons::{Difference, environment_differences};
use select::Existence;

/// Plans a commit.
pub async fn plan(engine: &Engine, request: &BuildRequest) -> Result<Plan> {
    Ok(prepare(engine, request).await?.plan)
}

/// A plan together with what a build of it needs.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) opened: Opened,
    /// Where the trees can be read: the user's repository, with the work tree's objects when it is dirty.
    pub(crate) repo: Repo,
    pub(crate) commit: CommitInfo,
    pub(crate) tree: TreeId,
    pub(crate) recipe: Box<dyn Recipe>,
    pub(crate) images: Images,
    /// Name of the target whose image is the result, of a recipe that has one.
    pub(crate) target: String,
    /// The keys of all that is built.
    pub(crate) environment_key: String,
    pub(crate) code_key: String,
    /// What is built, pushed and reused, of a recipe with several targets.
    pub(crate) services: Option<Services>,
    /// The steps of a pipeline.
    pub(crate) steps: Option<Steps>,
    /// Additional repositories, in the order of the recipe.
    pub(crate) extras: Extras,
    /// The base's whole tree, difference, chain length and image.
    pub(crate) base: Option<ChosenBase>,
    /// The field that made the nearest build unusable.
    pub(crate) broke_on: Option<String>,
    /// Keeps the work tree's objects while the build reads them.
    pub(crate) _scratch: Option<Scratch>,
}

impl Prepared {
    /// Returns the docker context of the engine that it is built for; none for the one the docker command line uses.
    pub(crate) fn context(&self) -> Option<&str> {
        self.services.as_ref()?.chosen.stack.context.as_deref()
    }
}

pub(crate) struct ChosenBase {
    pub(crate) delta: Delta,
    /// Differences of the additional repositories, in their order.
    pub(crate) extras: Vec<Delta>,
    pub(crate) chain: u32,
    pub(crate) reference: String,
    pub(crate) ended_at: Option<i64>,
}

impl ChosenBase {
    /// Returns whether the base has something too much.
    pub(crate) fn removes(&self) -> bool {
        self.extras
            .iter()
            .chain([&self.delta])
            .any(|delta| !delta.deleted.is_empty())
    }

    /// Returns the places of the additional repositories with files to write.
    pub(crate) fn moved(&self) -> Vec<usize> {
        (0..self.extras.len())
            .filter(|place| !self.extras[*place].changed.is_empty())
            .collect()
    }
}

/// Plans a commit, and keeps what a build of it needs.
pub(crate) async fn prepare(engine: &Engine, request: &BuildRequest) -> Result<Prepared> {
    let read = {
        let (engine, request) = (engine.clone(), request.clone());
        blocking(move || read::read(&engine, &request)).await?
    };
    let references = read.recipe.images();
    if read.recipe.compose().is_some() {
        let chosen = crate::stack::choose(engine, request)?;
        let docker = engine.docker_at(chosen.stack.context.as_deref());
        let known = look_up(engine, &docker, &references).await?;
        return services::plan(engine, request, read, known, chosen).await;
    }
    if read.recipe.pipeline().is_some() {
        let chosen = crate::stack::choose(engine, request)?;
        let docker = engine.docker_at(chosen.stack.context.as_deref());
        let known = look_up(engine, &docker, &references).await?;
        return pipelines::plan(engine, request, read, known, chosen).await;
    }
    crate::stack::refuse_options(request)?;
    let known = look_up(engine, engine.docker(), &references).await?;
    let target = read
        .recipe
        .resolve(&known.images, &known.platform)
        .pop()
        .ok_or_else(|| Error::refused("the recipe has no target", "add one"))?;
    let mut gathered = {
        let (engine, wanted) = (engine.clone(), request.base.clone());
        blocking(move || gather::gather(&engine, read, target, wanted.as_deref())).await?
    };
    let asked = known.checked && ask(engine, &mut gathered.considered, request.base.as_deref()).await;
    let (engine, request) = (engine.clone(), request.clone());
    blocking(move || decide::decide(&engine, &request, gathered, known, asked)).await
}

/// Asks the Engine for the images that can decide the plan: those of the same keys, and if none is there those of the
/// nearest bases, until enough are found to choose from. Asking for one takes a few milliseconds, listing all of them
/// takes that for every image there is. Returns whether every answer came.
async fn ask(engine: &Engine, considered: &mut [Considered], wanted: Option<&str>) -> bool {
    let is_wanted = |one: &Considered| wanted.is_some_and(|wanted| one.older.id.0.starts_with(wanted));
    let first: Vec<usize> = (0..considered.len())
        .filter(|at| considered[*at].is_exact() || is_wanted(&considered[*at]))
        .collect();
    let mut answered = existences(engine, considered, &first).await;
    if considered
        .iter()
        .any(|one| one.is_exact() && one.facts.existence == Existence::Present)
    {
        return answered;
    }
    let bases: Vec<usize> = (0..considered.len())
        .filter(|at| considered[*at].is_usable() && !first.contains(at))
        .collect();
    for some in bases.chunks(decide::COUNTED) {
        answered &= existences(engine, considered, some).await;
        let present = considered
            .iter()
            .filter(|one| one.is_usable() && one.facts.existence == Existence::Present);
        if present.count() >= decide::COUNTED {
            break;
        }
    }
    answered
}

/// Asks the Engine for the images of some candidates, all at once; returns whether every answer came.
async fn existences(engine: &Engine, considered: &mut [Considered], places: &[usize]) -> bool {
    let questions = places.iter().map(|at| existence(engine, &considered[*at].older));
    let answers = futures_util::future::join_all(questions).await;
    for (at, answer) in places.iter().zip(&answers) {
        considered[*at].facts.existence = *answer;
    }
    !answers.contains(&Existence::Unknown)
}

/// Runs work that reads disks away from the asynchronous threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal("a background task stopped unexpectedly", error)),
    }
}
