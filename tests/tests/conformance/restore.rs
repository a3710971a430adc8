//! How a base is used: as it is, with the changed files laid over it, or not at all.

use anyhow::{Context as _, Result};
use headstart_engine::bake::{Context, TargetSpec};
use headstart_engine::plan::plan;
use headstart_engine::plan::select::{Choice, Existence, Facts, Limits, select};
use headstart_engine::project;
use headstart_engine::recipe::workspace::TARGET;
use headstart_engine::recipe::workspace::config::Task;
use headstart_engine::recipe::workspace::tasks::{self, Section};
use headstart_engine::recipe::{Images, Recipe, Start};
use headstart_engine::wire::{BuildRequest, BuildStatus};
use serde_json::{Value, json};

use crate::Case;
use crate::same_commit::{Place, engine};
use crate::workspace::{DEFAULT_IMAGE, Declared, recipe};

pub(crate) fn answer(case: &Case) -> Result<Option<Value>> {
    let input = &case.input;
    if input["stash"] == json!(true) {
        return local_changes().map(Some);
    }
    if input["stash_error"].is_string() {
        return no_commit_yet().map(Some);
    }
    let (existence, same_code) = match input["snapshot"].as_str() {
        Some("ok") => (Existence::Present, input["head_before"] == input["head_after"]),
        Some("missing" | "broken" | "corrupt") => (Existence::Gone, false),
        _ => return Ok(None),
    };
    restore(existence, same_code).map(Some)
}

fn restore(existence: Existence, same_code: bool) -> Result<Value> {
    let base = Facts {
        status: BuildStatus::Succeeded,
        failed_step: None,
        distance: Some(u32::from(!same_code)),
        differences: Vec::new(),
        same_code,
        dirty: false,
        existence,
        chain: 0,
        layers: None,
        expected_ms: None,
        created_at: 0,
    };
    let limits = Limits {
        max_chain: 20,
        max_layers: 100,
    };
    let tasks = json!([{ "init": "make all" }]);
    let declared = Declared {
        tasks: Some(&tasks),
        ..Declared::default()
    };
    let recipe = recipe(&declared.files()?, DEFAULT_IMAGE)?;
    Ok(match select(&[base], limits, None).choice {
        Choice::Reuse(_) => {
            let task = Task {
                init: Some("make all".to_owned()),
                ..Task::default()
            };
            let again = tasks::sections(&task, tasks::Start::OnPrebuild)
                .iter()
                .any(|section| matches!(section, Section::Part("init", _)));
            json!({ "source": if again { "other" } else { "prebuild" }, "cleared": false, "git_clone": false })
        }
        Choice::Incremental(_) => {
            let reference = "headstart/base:1".to_owned();
            let built = built(
                recipe.as_ref(),
                &Start::Base {
                    reference,
                    removals: false,
                    moved: Vec::new(),
                },
            )?;
            json!({
                "source": if built.init_runs { "other" } else { "prebuild" },
                "cleared": built.from != "headstart/base:1",
                "git_clone": built.whole_source,
            })
        }
        Choice::Full(_) => {
            let built = built(recipe.as_ref(), &Start::Image)?;
            json!({
                "source": if built.init_runs { "other" } else { "prebuild" },
                "cleared": built.from == DEFAULT_IMAGE,
                "git_clone": built.whole_source,
            })
        }
    })
}

/// What a build does, read from its bake target.
struct Built {
    from: String,
    whole_source: bool,
    init_runs: bool,
}

fn built(recipe: &dyn Recipe, start: &Start) -> Result<Built> {
    let targets: Vec<TargetSpec> = recipe.targets(start, &Images::new());
    let target = targets
        .iter()
        .find(|target| target.name == TARGET)
        .context("no target")?;
    let dockerfile = target.dockerfile.as_deref().context("no Dockerfile")?;
    let from = dockerfile.lines().find_map(|line| line.strip_prefix("FROM "));
    let scripts = target.contexts.iter().any(|(_, context)| match context {
        Context::Scripts { files, .. } => files.iter().any(|(_, text)| text.contains("make all")),
        _ => false,
    });
    Ok(Built {
        from: from.context("the Dockerfile has no FROM")?.to_owned(),
        whole_source: target
            .contexts
            .iter()
            .any(|(_, context)| *context == Context::Source),
        init_runs: scripts && dockerfile.contains("run.sh"),
    })
}

/// Plans a commit, with and without uncommitted changes, while the work tree has some, and looks whether they are still there.
fn local_changes() -> Result<Value> {
    let place = Place::new()?;
    let file = place.source().join("file");
    std::fs::write(&file, "changed by hand\n")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for dirty in [false, true] {
        let request = BuildRequest {
            dirty,
            ..place.request.clone()
        };
        runtime.block_on(plan(&place.engine, &request))?;
    }
    let kept = std::fs::read_to_string(&file)? == "changed by hand\n";
    let stashed = place.source().join(".git/refs/stash").exists();
    Ok(
        json!({ "reset_hard": !kept, "stashed": stashed, "work_tree": if kept { "untouched" } else { "changed" } }),
    )
}

/// Plans in a repository that has no commit.
fn no_commit_yet() -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("source");
    git2::Repository::init(&source)?;
    std::fs::write(source.join(".gitpod.yml"), "image: debian:12\n")?;
    let engine = engine(folder.path())?;
    let project = project::add(&engine, &source)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let planned = runtime.block_on(plan(&engine, &BuildRequest::head(project.id)));
    Ok(json!({ "error": planned.err().map(|error| error.to_string()) }))
}
