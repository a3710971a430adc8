//! Which older build a pipeline's images are taken from: asked of a whole engine.
//!
//! The older build is a real record of the engine, whose Docker builds nothing: only how it ended, and which image it has,
//! is then rewritten.

use std::path::Path;

use anyhow::{Context, Result};
use git2::{Repository, Signature, Time};
use headstart_engine::builds;
use headstart_engine::plan;
use headstart_engine::recipe::pipeline::Pipeline;
use headstart_engine::recipe::{Dialect, Options};
use headstart_engine::stack;
use headstart_engine::wire::{BuildRequest, Decision, Plan, Stack};
use headstart_tests::Files;
use serde_json::{Value, json};

use crate::Case;
use crate::same_commit::{IMAGE, Place};

const FILE: &str = "run.yaml";

/// What one of two builds is made of and for.
#[derive(Clone, Default)]
struct Of<'a> {
    stack: &'a str,
    /// Name of a registry; the first one of a case is the engine itself.
    registry: Option<&'a str>,
    python: &'a str,
    checksum: &'a str,
    contains_code: bool,
    pipeline: Option<&'a str>,
    prevent_reuse: bool,
}

impl<'a> Of<'a> {
    fn read(value: &'a Value) -> Self {
        let text = |name: &str| value[name].as_str();
        Self {
            stack: text("stack").unwrap_or("S"),
            registry: text("registry").filter(|name| *name != "CR"),
            python: text("python").unwrap_or("3.11"),
            checksum: text("checksum").unwrap_or("abc"),
            contains_code: value["contains_code"] == true,
            pipeline: None,
            prevent_reuse: false,
        }
    }

    fn config(&self) -> String {
        // Images are named after minor versions, which are what packages are made for.
        let minor: Vec<&str> = self.python.split('.').take(2).collect();
        let docker = json!({
            "parent_image": format!("localhost:1/python:{}", minor.join(".")),
            "requirements": [self.checksum],
            "prevent_build_reuse": self.prevent_reuse,
            "allow_download_from_artifact_store": !self.contains_code,
        });
        json!({ "pipeline": "main.flow", "settings": { "docker": docker } }).to_string()
    }

    fn request(&self, place: &Place) -> Result<BuildRequest> {
        let name = self.stack.to_lowercase();
        stack::save(&place.engine, Stack::named(&name))?;
        let mut request = place.request.clone();
        request.dirty = true;
        request.options.stack = Some(name);
        // Nobody listens there, so nobody knows what it has.
        request.options.registry = self
            .registry
            .map(|name| format!("localhost:1/{}", name.to_lowercase()));
        request.pipeline = self.pipeline.map(str::to_owned);
        Ok(request)
    }

    fn write(&self, place: &Place) -> Result<()> {
        Ok(std::fs::write(place.source().join(FILE), self.config())?)
    }
}

/// Makes a repository with one commit of a run config.
fn commit(source: &Path) -> Result<()> {
    std::fs::create_dir(source)?;
    std::fs::write(source.join(FILE), Of::read(&json!({})).config())?;
    std::fs::write(source.join("main.py"), "flow = print\n")?;
    let git = Repository::init(source)?;
    let mut index = git.index()?;
    index.add_path(Path::new(FILE))?;
    index.add_path(Path::new("main.py"))?;
    index.write()?;
    let tree = git.find_tree(index.write_tree()?)?;
    let who = Signature::new("Ada", "ada@example.com", &Time::new(1_700_000_000, 0))?;
    git.commit(Some("HEAD"), &who, &who, "first", &tree, &[])
        .context("committing")?;
    Ok(())
}

/// Makes a build of `older` (with this image), and plans `wanted` beside it.
fn plan_beside(older: Option<&Of<'_>>, image: &str, wanted: &Of<'_>) -> Result<Plan> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let place = Place::with(commit)?;
        if let Some(older) = older {
            older.write(&place)?;
            let first = builds::start(&place.engine, &older.request(&place)?).await?;
            place.wait(&first).await?;
            place.succeed(&first, "orchestrator", image)?;
        }
        wanted.write(&place)?;
        Ok(plan::plan(&place.engine, &wanted.request(&place)?).await?)
    })
}

fn is_reused(plan: &Plan) -> bool {
    plan.decision == Decision::Reuse
}

pub(crate) fn find(case: &Case) -> Result<Option<Value>> {
    let input = &case.input;
    let usual = Of::read(&Value::Null);
    if let Some(candidate) = input["candidates"].get(0) {
        let plan = plan_beside(Some(&Of::read(candidate)), IMAGE, &Of::read(&input["run"]))?;
        return Ok(Some(json!({ "reused": is_reused(&plan) })));
    }
    if input["pipeline"].is_string() {
        let other = Of {
            pipeline: Some("main.other"),
            ..usual.clone()
        };
        let plan = plan_beside(Some(&other), IMAGE, &usual)?;
        return Ok(Some(json!({ "reused": is_reused(&plan) })));
    }
    if input["image"] == "gone" {
        let plan = plan_beside(Some(&usual), "headstart/gone:1", &usual)?;
        return Ok(Some(json!({ "reused": is_reused(&plan) })));
    }
    let plan = plan_beside(Some(&usual), IMAGE, &usual)?;
    let conditions: Vec<&str> = plan.candidates[0]
        .conditions
        .iter()
        .map(|condition| condition.name.as_str())
        .collect();
    Ok(Some(json!({ "build": plan.build, "query": conditions })))
}

pub(crate) fn gate(case: &Case) -> Result<Option<Value>> {
    let usual = Of::read(&Value::Null);
    if case.input["found"] == false {
        let plan = plan_beside(None, IMAGE, &usual)?;
        let action = if is_reused(&plan) { "reuse" } else { "build" };
        return Ok(Some(
            json!({ "action": action, "info": [plan.targets[0].reason] }),
        ));
    }
    let wanted = Of {
        prevent_reuse: case.input["prevent_build_reuse"] == true,
        contains_code: case.input["requires_included_code"] == true,
        ..usual
    };
    let older = Of {
        prevent_reuse: false,
        ..wanted.clone()
    };
    let plan = plan_beside(Some(&older), IMAGE, &wanted)?;
    Ok(Some(json!({ "searched": is_reused(&plan) })))
}

pub(crate) fn argument(case: &Case) -> Result<Option<Value>> {
    if case.input["build"] == "dict" {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let registered = runtime.block_on(async {
            let place = Place::with(commit)?;
            let request = place.request.clone();
            let text = format!("images: {{orchestrator: '{IMAGE}'}}\n");
            let id = builds::register(&place.engine, &request, "build.yaml", &text).await?;
            let build = builds::get(&place.engine, &id)?;
            anyhow::Ok(build.project == request.project)
        })?;
        let action = if registered { "register" } else { "other" };
        return Ok(Some(json!({ "action": action })));
    }
    let named = |build: &str| -> Option<String> {
        let text =
            json!({ "command": ["ls"], "build": build, "settings": { "docker": { "parent_image": "x" } } });
        let mut files = Files::default();
        files.0.insert(FILE.into(), text.to_string());
        let options = Options {
            default_image: String::new(),
            repository: "repository".into(),
            prefix: String::new(),
        };
        let recipe = Pipeline.read(FILE, &files, &options).ok()?;
        recipe.pipeline()?.build().map(str::to_owned)
    };
    let forms = [
        ("uuid", "0d3f6f4e-6b0e-4c1e-9a55-1f2d3c4b5a69"),
        ("yaml path", "builds/mine.yaml"),
    ];
    let accepts: Vec<&str> = forms
        .into_iter()
        .filter(|(_, build)| named(build).as_deref() == Some(*build))
        .map(|(form, _)| form)
        .collect();
    Ok(Some(json!({ "accepts": accepts })))
}
