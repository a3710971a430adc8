//! What compose files mean: our build file says the same as `docker buildx bake` says of the file itself, and adds names,
//! caches, labels and where the images go. Each folder of `fixtures/compose` is one project: `refused` holds a part of the
//! sentence with which it is refused, `not-committed` files that git does not know.
#![expect(clippy::unwrap_used, reason = "a comparison that cannot be made has failed")]

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use headstart_engine::run::deploy;
use headstart_engine::wire::{BuildRequest, WireError};
use headstart_engine::{Config, Engine, project};
use headstart_tests::{Home, Repository, workspace};
use serde_json::{Map, Value, json};

/// Projects that are looked at at the same time.
const AT_ONCE: usize = 4;

#[test]
fn every_compose_file_means_what_bake_takes_it_for_or_is_refused_with_the_reason() {
    let mut names: Vec<String> = std::fs::read_dir(workspace().join("tests/fixtures/compose"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 50, "the fixtures are there: {names:?}");
    let left = Mutex::new(names.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(name) = left.lock().unwrap().next() else {
                        break;
                    };
                    if let Err(why) = compare(name) {
                        wrong.lock().unwrap().push(format!("{name}: {why}"));
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} of {}\n{}",
        wrong.len(),
        names.len(),
        wrong.join("\n\n")
    );
}

/// Returns what is wrong with the project of a fixture.
fn compare(name: &str) -> Result<(), String> {
    let fixture = workspace().join("tests/fixtures/compose").join(name);
    let repo = Repository::empty();
    copy(&fixture, &repo.path);
    repo.git(&["add", "-A"]);
    repo.commit("first");
    copy(&fixture.join("not-committed"), &repo.path);
    let refused = std::fs::read_to_string(fixture.join("refused")).ok();

    let home = Home::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let ours = runtime.block_on(async {
        let engine = open(home.path());
        let project = project::add(&engine, &repo.path)?;
        deploy::files(&engine, &BuildRequest::head(project.id)).await
    });
    let ours = match (ours.map_err(WireError::from), refused) {
        (Ok(ours), None) => ours,
        (Ok(_), Some(part)) => return Err(format!("is not refused because of {part}")),
        (Err(error), None) => return Err(format!("is refused: {error:?}")),
        (Err(error), Some(part)) => {
            let mut said: Vec<String> = vec![error.message];
            said.extend(error.problems.iter().map(|problem| {
                format!(
                    "{}:{} {}",
                    problem.file,
                    problem.line.unwrap_or(0),
                    problem.message
                )
            }));
            let said = said.join("\n");
            let place = repo.path.to_string_lossy().into_owned();
            return match said.contains(&part) && !said.contains(&place) && !said.contains("headstart-home") {
                true => Ok(()),
                false => Err(format!(
                    "the reason should name {part} and no folder of ours: {said}"
                )),
            };
        }
    };
    if ours.build_file.is_empty() {
        return match ours.services.iter().any(|service| service.built) {
            true => Err("has no build file".to_owned()),
            false => Ok(()),
        };
    }
    let file = repo.path.join("headstart-bake.json");
    std::fs::write(&file, &ours.build_file).unwrap();
    let ours_printed = print(&repo.path, &["headstart-bake.json"])?;
    let files: Vec<&str> = ["compose.yaml", "docker-compose.yml", "compose.override.yaml"]
        .into_iter()
        .filter(|file| repo.path.join(file).exists())
        .collect();
    let theirs = print(&repo.path, &files)?;
    let inactive: BTreeSet<String> = ["debug", "tools"].map(str::to_owned).into();
    let mut wanted = theirs["target"].as_object().cloned().unwrap_or_default();
    if name == "profiles" {
        // Bake takes services of every profile for targets; what is not deployed is not built here.
        wanted.retain(|target, _| !inactive.contains(target));
    }
    let built = ours_printed["target"].as_object().cloned().unwrap_or_default();
    let mut wrong = Vec::new();
    for target in wanted.keys().chain(built.keys()).collect::<BTreeSet<_>>() {
        let (Some(one), Some(other)) = (built.get(target), wanted.get(target)) else {
            wrong.push(format!(
                "target {target} is only one's: {}",
                Value::Object(built.clone())
            ));
            continue;
        };
        wrong.extend(differences(target, one, other, &repo.path));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n  "))
    }
}

/// Compares a target of ours with bake's own.
fn differences(name: &str, ours: &Value, theirs: &Value, root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let list = |target: &Value, key: &str| target[key].as_array().cloned().unwrap_or_default();
    for key in ["cache-from", "cache-to"] {
        let (ours, theirs) = (list(ours, key), list(theirs, key));
        if !ours.starts_with(&theirs) {
            wrong.push(format!("{name}.{key}: {ours:?} does not begin with {theirs:?}"));
        }
    }
    let (tags, own) = (list(ours, "tags"), list(theirs, "tags"));
    if let Some(lost) = own.iter().find(|tag| !tags.contains(tag)) {
        wrong.push(format!("{name}: the tag {lost} is lost: {tags:?}"));
    }
    if !tags.iter().any(|tag| {
        tag.as_str()
            .is_some_and(|tag| tag.starts_with("headstart-") && tag.ends_with(":latest"))
    }) {
        wrong.push(format!("{name}: has no name of ours: {tags:?}"));
    }
    if ours["output"] != json!(["type=docker"]) {
        wrong.push(format!("{name}: goes to {}", ours["output"]));
    }
    let (mut one, mut other) = (plain(ours, root), plain(theirs, root));
    for key in ["cache-from", "cache-to", "tags", "output"] {
        one.remove(key);
        other.remove(key);
    }
    if !other.contains_key("platforms") {
        one.remove("platforms");
    }
    if one != other {
        wrong.push(format!(
            "{name}:\n    ours  {}\n    bake's {}",
            Value::Object(one),
            Value::Object(other)
        ));
    }
    wrong
}

/// Writes every path in one way: relative to the project.
fn plain(target: &Value, root: &Path) -> Map<String, Value> {
    let mut plain = target.as_object().cloned().unwrap_or_default();
    let context = plain
        .get("context")
        .and_then(Value::as_str)
        .unwrap_or(".")
        .to_owned();
    plain.insert("context".to_owned(), relative(&context, root).into());
    if let Some(dockerfile) = plain.get("dockerfile").and_then(Value::as_str) {
        let whole = root.join(relative(&context, root)).join(dockerfile);
        let text = if context.contains(':') {
            dockerfile.to_owned()
        } else {
            relative(&whole.to_string_lossy(), root)
        };
        plain.insert("dockerfile".to_owned(), text.into());
    }
    if let Some(contexts) = plain.get_mut("contexts").and_then(Value::as_object_mut) {
        contexts
            .values_mut()
            .for_each(|value| *value = relative(value.as_str().unwrap(), root).into());
    }
    // Bake writes them in another order each time.
    if let Some(limits) = plain.get_mut("ulimits").and_then(Value::as_array_mut) {
        limits.sort_by_key(ToString::to_string);
    }
    if let Some(secrets) = plain.get_mut("secret").and_then(Value::as_array_mut) {
        for secret in secrets {
            let parts = secret
                .as_str()
                .unwrap()
                .split(',')
                .map(|part| match part.split_once("src=") {
                    Some((before, path)) => format!("{before}src={}", relative(path, root)),
                    None => part.to_owned(),
                });
            *secret = parts.collect::<Vec<_>>().join(",").into();
        }
    }
    plain
}

fn relative(path: &str, root: &Path) -> String {
    if path.contains("://") || path.contains('@') {
        return path.to_owned();
    }
    let mut clean = PathBuf::new();
    for part in root.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            part => clean.push(part),
        }
    }
    let inside = clean.strip_prefix(root).unwrap_or(&clean).to_string_lossy();
    if inside.is_empty() {
        ".".to_owned()
    } else {
        inside.into_owned()
    }
}

/// Asks bake what files mean.
fn print(folder: &Path, files: &[&str]) -> Result<Value, String> {
    let mut command = Command::new("docker");
    command.args(["buildx", "bake", "--print"]).current_dir(folder);
    command.args(files.iter().flat_map(|file| ["--file", file]));
    let output = command.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .map_err(|_| format!("bake {files:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn open(home: &Path) -> Engine {
    let variable = |name: &str| std::env::var(name).ok();
    let config = variable("DOCKER_CONFIG").or_else(|| variable("HOME").map(|home| format!("{home}/.docker")));
    let config = Config {
        home: home.to_owned(),
        docker_host: variable("DOCKER_HOST"),
        docker_context: variable("DOCKER_CONTEXT"),
        docker_config: config.unwrap_or_default().into(),
    };
    Engine::open(config).unwrap()
}

/// Copies what belongs to a project; nothing when there is no such folder.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if name == "refused" || name == "not-committed" {
            continue;
        }
        let place = to.join(name);
        if path.is_dir() {
            std::fs::create_dir_all(&place).unwrap();
            copy(&path, &place);
        } else {
            std::fs::copy(&path, &place).unwrap();
        }
    }
}
