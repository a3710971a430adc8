//! Where a checkout stands towards a registered code repository, and what a run makes of that: asked of an engine about real
//! repositories.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use headstart_engine::recipe::pipeline::StepDelivery;
use headstart_engine::recipe::pipeline::delivery::{Wishes, decide, needs};
use headstart_engine::recipe::pipeline::settings::DockerSettings;
use headstart_engine::wire::{CheckoutState, CodeRepository, RepositoryKind};
use headstart_engine::{Engine, project, repositories};
use serde_json::{Map, Value, json};

use crate::Case;
use crate::same_commit::engine;

/// Answers how a checkout differs from its repository.
pub(crate) fn local_repository(case: &Case) -> Result<Option<Value>> {
    let Some(input) = case.input.as_object() else {
        return Ok(None);
    };
    let Some(state) = state_of(input)? else {
        return Ok(None);
    };
    let is_dirty = state.uncommitted || state.untracked;
    let folder = Path::new(&state.folder)
        .file_name()
        .map(|name| name.to_string_lossy());
    Ok(Some(json!({
        "is_dirty": is_dirty,
        "has_local_changes": is_dirty || state.unpushed,
        "context": state.repository.as_ref().and(folder),
        "subdirectory": state.subdirectory,
    })))
}

/// Answers whether a run may go on, and with which repository.
pub(crate) fn verify(case: &Case) -> Result<Option<Value>> {
    let input = &case.input;
    let context = &input["context"];
    let has = |change: &str| context[change] == json!(true);
    let state = CheckoutState {
        repository: context.is_object().then(|| "app".to_owned()),
        folder: "/app".to_owned(),
        subdirectory: String::new(),
        commit: None,
        branch: None,
        uncommitted: has("is_dirty"),
        untracked: false,
        unpushed: has("has_local_changes"),
        usable: context.is_object() && !has("is_dirty") && !has("has_local_changes"),
        reason: String::new(),
    };
    let images_needed = input["build_required"].as_bool().unwrap_or(true);
    let required = input["required"].as_bool().unwrap_or(false);
    // Upstream's words for what ours say in ours.
    let kind = |said: &str| {
        ["uncommitted", "unpushed"]
            .into_iter()
            .find(|word| said.contains(&format!("{word} changes")))
    };
    let none = "there is no code repository active at your current source root";
    Ok(Some(
        match repositories::verify(&state, required, images_needed) {
            Err(error) => {
                let said = error.to_string();
                let told = kind(&said).map(|word| format!("has {word} changes"));
                let told = told.or_else(|| said.contains(none).then(|| none.to_owned()));
                json!({ "error": told.unwrap_or(said) })
            }
            Ok(verified) => {
                let warning = verified.warning.map(|said| match kind(&said) {
                Some(word) => format!(
                    "Unable to use code repository to download code for this run as there are {word} changes."
                ),
                None => said,
            });
                json!({ "code_repository": verified.repository, "warning": warning })
            }
        },
    ))
}

/// Answers what a run records of its code.
pub(crate) fn code_reference(case: &Case) -> Result<Option<Value>> {
    let Some(input) = case.input.as_object() else {
        return Ok(None);
    };
    Ok(state_of(input)?.map(|state| {
        json!({
            "code_reference": repositories::recorded_commit(&state).is_some(),
            "code_repository": state.usable,
        })
    }))
}

/// Answers whether code is put into the artifact store.
pub(crate) fn upload(case: &Case) -> Result<Option<Value>> {
    let Some(input) = case.input.as_object() else {
        return Ok(None);
    };
    if input.get("build") == Some(&Value::Null) {
        // Without a build there are no steps in containers.
        return Ok(Some(json!(needs(&[]).upload)));
    }
    if input.get("settings") != Some(&json!("defaults")) {
        return Ok(None);
    }
    let mut input = input.clone();
    input.remove("settings");
    let Some(state) = state_of(&input)? else {
        return Ok(None);
    };
    let allowed = DockerSettings::default().allowed();
    let wishes = Wishes {
        allowed,
        installs_code: false,
        ready_image: false,
    };
    let (delivery, reason) = decide(wishes, state.usable);
    let step = StepDelivery {
        step: "step".to_owned(),
        allowed,
        delivery,
        reason: reason.to_owned(),
    };
    Ok(Some(json!({ "upload": needs(&[step]).upload })))
}

/// Makes a remote and a checkout as a case describes them, and returns where the checkout stands; none when the case describes
/// something that this adapter knows nothing of.
fn state_of(input: &Map<String, Value>) -> Result<Option<CheckoutState>> {
    const KNOWN: [&str; 14] = [
        "modified",
        "staged",
        "untracked",
        "ignored",
        "dirty",
        "clean",
        "ahead",
        "unpushed",
        "behind",
        "pushed_as",
        "detached",
        "offline",
        "remotes",
        "source_root",
    ];
    if input.keys().any(|key| !KNOWN.contains(&key.as_str())) {
        return Ok(None);
    }
    let is = |key: &str| {
        input
            .get(key)
            .is_some_and(|value| value != &json!(false) && !value.is_null())
    };
    let count = |key: &str| input.get(key).and_then(Value::as_u64).unwrap_or(0);
    let text = |key: &str| input.get(key).and_then(Value::as_str);

    let place = tempfile::tempdir()?;
    let (far, near) = (place.path().join("far.git"), place.path().join("repo"));
    let root = place.path().join(text("source_root").unwrap_or("repo"));
    let git = |arguments: &[&str]| git_in(&near, arguments);
    let commit = |name: &str| -> Result<()> {
        fs::write(near.join("file"), name)?;
        git(&["add", "-A"])?;
        git(&["commit", "-q", "-m", name])
    };
    fs::create_dir_all(&root)?;
    git_in(place.path(), &["init", "-q", "--bare", "-b", "main", "far.git"])?;
    git(&["init", "-q", "-b", "main"])?;
    fs::write(
        root.join(".gitpod.yml"),
        "image: debian:12\ntasks:\n- init: make\n",
    )?;
    fs::write(near.join(".gitignore"), "*.log\n")?;
    commit("first")?;
    let address = match is("remotes") {
        true => "https://git.example/other".to_owned(),
        false => far.to_string_lossy().into_owned(),
    };
    git(&["remote", "add", "origin", &address])?;
    if !is("remotes") {
        for number in 0..count("behind") {
            commit(&format!("theirs {number}"))?;
        }
        git(&["push", "-q", "origin", "main"])?;
        git(&["reset", "-q", "--hard", &format!("HEAD~{}", count("behind"))])?;
    }
    for number in 0..count("ahead").max(u64::from(is("unpushed") || is("pushed_as"))) {
        commit(&format!("mine {number}"))?;
    }
    if let Some(name) = text("pushed_as") {
        git(&["push", "-q", "origin", &format!("main:{name}")])?;
    }
    if is("detached") {
        git(&["checkout", "-q", "--detach"])?;
    }
    if is("modified") || is("dirty") || is("staged") {
        fs::write(near.join("file"), "changed")?;
    }
    if is("staged") {
        git(&["add", "-A"])?;
    }
    if is("untracked") {
        fs::write(near.join("new"), "")?;
    }
    if is("ignored") {
        fs::write(near.join("x.log"), "")?;
    }
    if is("offline") {
        fs::remove_dir_all(&far)?;
    }
    let engine = engine(place.path())?;
    let url = far.to_string_lossy().into_owned();
    let kind = RepositoryKind::Git;
    let name = "app".to_owned();
    repositories::save(&engine, CodeRepository { name, kind, url })?;
    ask(&engine, &root).map(Some)
}

fn ask(engine: &Engine, root: &Path) -> Result<CheckoutState> {
    let project = project::add(engine, root)?.id;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(repositories::state(engine, &project, false))?)
}

fn git_in(folder: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {arguments:?}: {said}");
    Ok(())
}
