//! Submitting specs: a plan that can be looked at, and applied as one.
//!
//! What takes long and is seen by nobody comes first: images are built, code is copied. Repositories, code, pipelines and
//! jobs then become visible in one transaction, or not at all.

mod changes;
mod code;
mod counts;
mod images;
mod prepared;

use std::collections::BTreeMap;
use std::path::Path;

use super::graph::graph;
use super::jobs::start;
use super::records::{self, PipelineRecord};
use super::waves::{Order, queue, reads};
use crate::clock::now_ms;
use crate::data::{self, Root, Writing};
use crate::engine::{Engine, random_hex};
use crate::error::{Error, Result};
use crate::recipe::RecipeError;
use crate::recipe::datum::edit::set_image;
use crate::recipe::datum::input::{Input, Leaf};
use crate::recipe::datum::spec::Spec;
use crate::recipe::datum::transformation::{BUILT, SOURCE};
use crate::wire::{
    Job, PipelineSubmission, SubmitEvent, SubmitPlan, SubmitRequest, Submitted, UpdateChoice, WireError,
};
use changes::changes;
use prepared::{Destination, One, Prepared, WithCode};

/// Says what submitting would do; writes nothing.
pub async fn plan(engine: &Engine, request: &SubmitRequest) -> Result<SubmitPlan> {
    let prepared = Prepared::of(engine, request, Destination::Here).await?;
    let pipelines = prepared.pipelines.iter().map(|one| submission(one, request));
    let specs = prepared.pipelines.iter().map(|one| {
        serde_json::to_string_pretty(&one.spec.json())
            .map_err(|error| Error::internal("a spec could not be written", error))
    });
    Ok(SubmitPlan {
        file: prepared.file.clone(),
        stack: prepared.stack.name.clone(),
        store: prepared.store.folder().display().to_string(),
        pipelines: pipelines.collect(),
        actions: actions(&prepared, request),
        can_submit: prepared.is_fine(),
        spec: specs.collect::<Result<Vec<_>>>()?.join("\n"),
        problems: prepared.problems,
    })
}

fn submission(one: &One, request: &SubmitRequest) -> PipelineSubmission {
    let choice = choice(one, request);
    let datums = one.counted.as_ref().and_then(|counted| counted.with(choice));
    let builder = one.code.iter().map(|code| &code.builder);
    let each_ms = one.counted.as_ref().and_then(|counted| counted.each_ms);
    let workers = u64::from(one.runs.parallelism.workers(1)).max(1);
    PipelineSubmission {
        name: one.spec.name.clone(),
        description: one.spec.description.clone(),
        version: one.before.as_ref().map_or(0, |before| before.version) + 1,
        changes: match &one.before {
            Some(before) => changes(&before.submitted, &one.spec.json()),
            None => Vec::new(),
        },
        graph: graph(
            &one.spec.name,
            &one.runs,
            one.counted.as_ref().map(|counted| &counted.data),
        ),
        code: one.code.as_ref().map(|code| code.code.upload.clone()),
        images: builder
            .chain(&one.image)
            .map(|image| image.shown.clone())
            .collect(),
        choices: one
            .counted
            .as_ref()
            .map(|counted| counted.choices.clone())
            .unwrap_or_default(),
        datums,
        expected_ms: datums
            .zip(each_ms)
            .map(|(datums, each)| (datums.new + datums.redo) * each / workers),
    }
}

/// Returns what happens to processed data: what was asked for, unless the spec wants everything again.
fn choice(one: &One, request: &SubmitRequest) -> UpdateChoice {
    match one.spec.reprocess {
        true => UpdateChoice::ReprocessAll,
        false => request.choice,
    }
}

/// Lists what is done, in order: what takes time first, then what becomes visible at once.
fn actions(prepared: &Prepared, request: &SubmitRequest) -> Vec<String> {
    let mut all = Vec::new();
    for one in &prepared.pipelines {
        let builder = one.code.iter().map(|code| &code.builder);
        all.extend(builder.chain(&one.image).filter_map(images::Image::action));
    }
    let code = prepared.pipelines.iter().filter_map(|one| one.code.as_ref());
    all.extend(code.filter_map(WithCode::action));
    all.extend(visible_actions(prepared));
    if request.write_back && prepared.pipelines.iter().any(One::is_renamed) {
        all.push(format!("write the new image into {}", prepared.file));
    }
    all
}

/// Lists what becomes visible.
fn visible_actions(prepared: &Prepared) -> Vec<String> {
    let mut all = Vec::new();
    for one in &prepared.pipelines {
        let name = &one.spec.name;
        if let Some(code) = one.code.as_ref().filter(|code| code.before.is_none()) {
            let repo = &code.transformed.repo;
            all.push(format!("create the pipeline {repo}, which builds the code"));
        }
        all.push(match &one.before {
            None => format!("create the pipeline {name}"),
            Some(before) => format!("update the pipeline {name} to version {}", before.version + 1),
        });
    }
    all
}

/// Submits: does all of the plan's actions, or none. The jobs go on in the background.
pub async fn submit(
    engine: &Engine,
    request: &SubmitRequest,
    on_event: impl Fn(SubmitEvent) + Send + Sync,
) -> Result<Submitted> {
    let mut prepared = Prepared::of(engine, request, Destination::Here).await?;
    if !prepared.is_fine() {
        let problems = std::mem::take(&mut prepared.problems);
        return Err(RecipeError::Invalid { problems }.into());
    }
    let warnings = warnings(&prepared);
    let mut done = Vec::new();
    let applied = apply(engine, request, &prepared, &on_event, &mut done).await;
    let (jobs, pipelines) = applied.map_err(|error| undone(&error, &done))?;
    engine.data_changed();
    let ids = jobs.iter().map(|job| job.id.clone()).collect();
    start(engine, prepared.store.clone(), jobs);
    Ok(Submitted {
        pipelines,
        jobs: ids,
        done,
        warnings,
    })
}

fn warnings(prepared: &Prepared) -> Vec<String> {
    let problems = prepared.problems.iter().map(|problem| match problem.line {
        Some(line) => format!("{}:{line}: {}", problem.file, problem.message),
        None => problem.message.clone(),
    });
    let code = prepared.pipelines.iter().filter_map(|one| one.code.as_ref());
    problems
        .chain(code.flat_map(|code| code.code.warnings.clone()))
        .collect()
}

/// Builds and pushes the images that specs need and returns the specs with them, for a cluster: JSON, one pipeline after the
/// other. What they do with code and data is the cluster's.
pub async fn finished_spec(
    engine: &Engine,
    request: &SubmitRequest,
    on_action: impl Fn(String) + Send,
) -> Result<String> {
    let mut prepared = Prepared::of(engine, request, Destination::Cluster).await?;
    if !prepared.is_fine() {
        let problems = std::mem::take(&mut prepared.problems);
        return Err(RecipeError::Invalid { problems }.into());
    }
    let mut text = String::new();
    for one in &prepared.pipelines {
        if let Some(image) = &one.image
            && let Some(action) = image.action()
        {
            on_action(action);
            image.ready(engine, &prepared.stack, |_| {}).await?;
        }
        let spec = serde_json::to_string_pretty(&one.spec.json())
            .map_err(|error| Error::internal("a spec could not be written", error))?;
        text.push_str(&spec);
        text.push('\n');
    }
    if request.write_back {
        write_back(&prepared)?;
    }
    Ok(text)
}

/// Returns an error that says what became of the submission.
fn undone(error: &Error, done: &[String]) -> Error {
    let told = super::jobs::told(error);
    let hint = WireError::from(Error::refused(String::new(), String::new())).hint;
    let kept = match done {
        [] => "nothing was submitted".to_owned(),
        done => format!(
            "nothing was submitted; what stays for the next time: {}",
            done.join(", ")
        ),
    };
    let own = match error {
        Error::Refused { hint, .. } => hint.clone(),
        _ => hint,
    };
    Error::Refused {
        message: format!("{told}; {kept}"),
        hint: own.filter(|hint| !hint.is_empty()),
    }
}

/// What became visible at once.
struct Visible {
    jobs: Vec<Job>,
    pipelines: Vec<String>,
}

async fn apply(
    engine: &Engine,
    request: &SubmitRequest,
    prepared: &Prepared,
    on_event: &(impl Fn(SubmitEvent) + Send + Sync),
    done: &mut Vec<String>,
) -> Result<(Vec<Job>, Vec<String>)> {
    for one in &prepared.pipelines {
        let builder = one.code.iter().map(|code| &code.builder);
        for image in builder.chain(&one.image) {
            let Some(action) = image.action() else { continue };
            on_event(SubmitEvent::Doing {
                action: action.clone(),
            });
            let building = |build| on_event(SubmitEvent::Building { build });
            image.ready(engine, &prepared.stack, building).await?;
            done.push(format!("the image {}", image.shown.reference));
        }
    }
    // Held until the transaction is through, so that nobody sweeps away what it refers to.
    let writing = prepared.store.writing()?;
    let mut roots: BTreeMap<String, Root> = BTreeMap::new();
    for code in prepared.pipelines.iter().filter_map(|one| one.code.as_ref()) {
        let Some(action) = code.action() else { continue };
        on_event(SubmitEvent::Doing { action });
        let root = copied(&writing, code, on_event)?;
        roots.insert(code.transformed.repo.clone(), root);
    }
    for action in visible_actions(prepared) {
        on_event(SubmitEvent::Doing { action });
    }
    let visible = prepared
        .store
        .write(|tx| make_visible(engine, request, prepared, tx, &roots))?;
    drop(writing);
    done.clear();
    for name in &visible.pipelines {
        done.push(format!("{name} was submitted"));
    }
    if request.write_back {
        done.extend(write_back(prepared)?);
    }
    Ok((visible.jobs, visible.pipelines))
}

fn copied(writing: &Writing, code: &WithCode, on_event: &impl Fn(SubmitEvent)) -> Result<Root> {
    let mut last = std::time::Instant::now();
    code.code.write(writing, |files, bytes| {
        if last.elapsed().as_millis() > 100 {
            last = std::time::Instant::now();
            on_event(SubmitEvent::Copying { files, bytes });
        }
    })
}

/// Makes repositories, code, pipelines and jobs.
fn make_visible(
    engine: &Engine,
    request: &SubmitRequest,
    prepared: &Prepared,
    tx: &rusqlite::Transaction<'_>,
    roots: &BTreeMap<String, Root>,
) -> Result<Visible> {
    let mut seeds: Vec<String> = Vec::new();
    let mut pipelines = Vec::new();
    for one in &prepared.pipelines {
        if let Some(code) = &one.code {
            let repo = &code.transformed.repo;
            data::ensure_repo_in(tx, repo, &format!("Code of {}", one.spec.name), Some(repo))?;
            if let Some(root) = roots.get(repo) {
                let message = format!(
                    "{} files from {}",
                    code.code.upload.files, code.code.upload.folder
                );
                data::commit_in(tx, repo, SOURCE, *root, &message, None)?;
            }
            let record = build_record(prepared, one, code);
            let has_output = data::head(tx, repo, BUILT)?.is_some();
            if code.changed() || !has_output {
                seeds.push(repo.clone());
            }
            put(tx, &record, &code.transformed.build_pipeline)?;
        }
        let name = &one.spec.name;
        data::ensure_repo_in(tx, name, &one.spec.description, Some(name))?;
        for leaf in one.runs.input.iter().flat_map(Input::leaves) {
            if let Leaf::Cron(cron) = leaf {
                data::ensure_repo_in(tx, &cron.repo, &format!("Ticks of {name}"), Some(name))?;
            }
        }
        let record = record(prepared, one, request, one.pinned(request))?;
        put(tx, &record, &one.runs)?;
        seeds.push(name.clone());
        pipelines.push(name.clone());
    }
    let order = Order::of(records::pipelines_in(tx)?)?;
    let named: Vec<&str> = seeds.iter().map(String::as_str).collect();
    let owner = engine.owner_path();
    let wanted = (prepared.stack.name.as_str(), owner.as_str(), "it was submitted");
    let jobs = queue(tx, &order, (&named, &[]), wanted)?;
    Ok(Visible { jobs, pipelines })
}

fn put(tx: &rusqlite::Transaction<'_>, record: &PipelineRecord, spec: &Spec) -> Result<()> {
    records::put_pipeline(tx, record)?;
    let branches = reads(spec);
    let branches: Vec<(&str, &str)> = branches
        .iter()
        .map(|(repo, branch)| (repo.as_str(), branch.as_str()))
        .collect();
    data::set_readers_in(tx, &record.name, &branches)
}

fn build_record(prepared: &Prepared, one: &One, code: &WithCode) -> PipelineRecord {
    let spec = &code.transformed.build_pipeline;
    let before = code.before.as_ref();
    PipelineRecord {
        name: code.transformed.repo.clone(),
        stack: prepared.stack.name.clone(),
        version: before.map_or(0, |before| before.version) + 1,
        stopped: false,
        submitted: spec.json(),
        spec: spec.json(),
        path: None,
        builds_for: Some(one.spec.name.clone()),
        // Another builder builds everything again.
        salt: code.builder.shown.reference.clone(),
        choice: UpdateChoice::CodeAsInput,
        pinned: BTreeMap::new(),
        created_at: before.map_or_else(now_ms, |before| before.created_at),
        updated_at: now_ms(),
    }
}

fn record(
    prepared: &Prepared,
    one: &One,
    request: &SubmitRequest,
    pinned: BTreeMap<String, String>,
) -> Result<PipelineRecord> {
    let before = one.before.as_ref();
    let choice = choice(one, request);
    let salt = match (&one.spec.salt, before) {
        (Some(salt), _) => salt.clone(),
        (None, Some(before)) if choice != UpdateChoice::ReprocessAll => before.salt.clone(),
        _ => random_hex(16)?,
    };
    let mut spec = one.runs.json();
    // What is stored has its code among its inputs already.
    if let Some(transform) = spec
        .get_mut("transform")
        .and_then(serde_json::Value::as_object_mut)
    {
        transform.remove("build");
    }
    Ok(PipelineRecord {
        name: one.spec.name.clone(),
        stack: prepared.stack.name.clone(),
        version: before.map_or(0, |before| before.version) + 1,
        stopped: before.is_some_and(|before| before.stopped),
        submitted: one.spec.json(),
        spec,
        path: prepared.path.as_ref().map(|path| path.display().to_string()),
        builds_for: None,
        salt,
        choice,
        pinned,
        created_at: before.map_or_else(now_ms, |before| before.created_at),
        updated_at: now_ms(),
    })
}

impl One {
    /// Returns whether it runs another image than its spec names.
    fn is_renamed(&self) -> bool {
        self.image.as_ref().is_some_and(images::Image::renames)
    }

    /// Returns the digests that code counts with from now on: those it had, when it is used for new data only.
    fn pinned(&self, request: &SubmitRequest) -> BTreeMap<String, String> {
        match &self.before {
            Some(before) if choice(self, request) == UpdateChoice::NewDataOnly => {
                match before.pinned.is_empty() {
                    true => self
                        .counted
                        .as_ref()
                        .map(|counted| counted.code.clone())
                        .unwrap_or_default(),
                    false => before.pinned.clone(),
                }
            }
            _ => BTreeMap::new(),
        }
    }
}

/// Writes the images into the user's file, and nothing else of it.
fn write_back(prepared: &Prepared) -> Result<Vec<String>> {
    let Some(path) = &prepared.path else {
        return Ok(Vec::new());
    };
    let mut text = String::from_utf8_lossy(&prepared.bytes).into_owned();
    let mut done = Vec::new();
    for one in &prepared.pipelines {
        let Some(image) = one.image.as_ref().filter(|image| image.renames()) else {
            continue;
        };
        text = set_image(&text, one.spec.document, &image.shown.reference).map_err(|why| {
            Error::refused(
                format!("the image could not be written into {}: {why}", path.display()),
                "write it by hand",
            )
        })?;
        done.push(format!("{} names {} now", prepared.file, image.shown.reference));
    }
    if !done.is_empty() {
        replace(path, &prepared.bytes, text.as_bytes())?;
    }
    Ok(done)
}

/// Replaces a file's content in one go, unless somebody changed it meanwhile.
fn replace(path: &Path, before: &[u8], after: &[u8]) -> Result<()> {
    let now = std::fs::read(path).map_err(Error::file("reading", path))?;
    if now != before {
        return Err(Error::refused(
            format!(
                "{} was changed meanwhile, so the image was not written into it",
                path.display()
            ),
            "submit it again",
        ));
    }
    let real = std::fs::canonicalize(path).map_err(Error::file("finding", path))?;
    let name = format!(
        ".{}.{}",
        real.file_name().unwrap_or_default().to_string_lossy(),
        random_hex(8)?
    );
    let partial = real.with_file_name(name);
    let kept = std::fs::metadata(&real)
        .map_err(Error::file("reading", &real))?
        .permissions();
    let written = std::fs::write(&partial, after)
        .and_then(|()| std::fs::set_permissions(&partial, kept))
        .and_then(|()| std::fs::rename(&partial, &real));
    written.map_err(|error| {
        drop(std::fs::remove_file(&partial));
        Error::file("writing", path)(error)
    })
}
