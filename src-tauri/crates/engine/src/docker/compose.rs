//! What a compose file means: asked of `docker compose config` and `docker buildx bake --print`, which own the format.
//!
//! They get the small text files of the commit in a folder of ours, never the user's work tree; what they say about that
//! folder is told about the repository. Nothing of the repository is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::bake::ask_program;
use crate::engine::random_hex;
use crate::error::Result;
use crate::project::TreeView;
use crate::recipe::SourceView;
use crate::recipe::compose::{ROOT, Resolved, overrides};

/// Longest time for one question.
const LIMIT: Duration = Duration::from_secs(20);
/// Largest file that a compose file can include, extend or take variables from, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Most such files that are laid out.
const MAX_FILES: usize = 2_000;
/// Most variable files outside git that one compose file may need.
const MAX_ENV_FILES: usize = 20;

/// A folder of ours that is removed with everything in it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Resolves a compose file of a commit. Answers are remembered by what they depend on: most commits change none of it.
pub(crate) fn resolve_compose(view: &TreeView<'_>, file: &str) -> Result<Resolved, String> {
    let files = config_files(view)?;
    let env_file = read_user_file(&view.root.join(".env"));
    let mut hash = blake3::Hasher::new();
    let mut put = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    put(file.as_bytes());
    put(view.root.as_os_str().as_encoded_bytes());
    put(view.prefix.as_bytes());
    put(env_file.as_deref().unwrap_or_default());
    for (path, key) in &files {
        put(path.as_bytes());
        put(key.as_bytes());
    }
    let key = hash.finalize().to_hex().to_string();
    if let Some(known) = view.engine.resolved_compose(&key) {
        return known;
    }
    let runtime = tokio::runtime::Handle::try_current().map_err(|error| error.to_string())?;
    let asked = runtime.block_on(ask(view, file, &files, env_file.as_deref()));
    // Trouble of ours may have passed the next time.
    let resolved = asked.map_err(|error| sentence_of(&error))?;
    view.engine.remember_compose(key, resolved.clone());
    resolved
}

fn sentence_of(error: &crate::error::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Lists the files of the whole repository that a compose file may refer to by itself, with their keys.
fn config_files(view: &TreeView<'_>) -> Result<Vec<(String, String)>, String> {
    let all = view
        .files("")
        .map_err(|error| error.to_string())?
        .unwrap_or_default();
    let wanted = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        [".yml", ".yaml", ".env", ".json"]
            .iter()
            .any(|end| name.ends_with(end))
            || name.starts_with(".env")
    };
    let mut files: Vec<_> = all.into_iter().filter(|(path, _)| wanted(path)).collect();
    // The nearest to the top first: a compose file seldom refers to what lies deep.
    files.sort_by_key(|(path, _)| path.matches('/').count());
    files.truncate(MAX_FILES);
    Ok(files)
}

fn read_user_file(path: &Path) -> Option<Vec<u8>> {
    let small = fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= MAX_BYTES as u64);
    small.then(|| fs::read(path).ok()).flatten()
}

/// Lays out the files and asks. The outer error is trouble of ours, the inner one the tools' opinion of the file.
async fn ask(
    view: &TreeView<'_>,
    file: &str,
    files: &[(String, String)],
    env_file: Option<&[u8]>,
) -> Result<Result<Resolved, String>> {
    let engine = view.engine;
    let scratch = Folder(
        engine
            .home()
            .join("work")
            .join(format!("compose-{}", random_hex(12)?)),
    );
    let prefix = String::from_utf8_lossy(view.prefix.as_bytes()).into_owned();
    // Without a `name` of its own the project is named after its folder.
    let name = view
        .root
        .file_name()
        .map_or_else(|| "app".into(), |name| name.to_owned());
    let repository = if prefix.is_empty() {
        scratch.0.join(name)
    } else {
        scratch.0.join("repository")
    };
    let project = repository.join(&prefix);
    let write = |path: &Path, bytes: &[u8]| {
        let file = crate::error::Error::file("writing", path);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(path, bytes))
            .map_err(file)
    };
    fs::create_dir_all(&project).map_err(crate::error::Error::file("making the folder", &project))?;
    let mut extended = false;
    for (path, _) in files {
        if let Ok(Some(bytes)) = view.read_whole(path)
            && bytes.len() <= MAX_BYTES
        {
            extended |= bytes.windows(6).any(|word| word == b"x-bake");
            write(&repository.join(path), &bytes)?;
        }
    }
    if let Some(bytes) = env_file.filter(|_| !project.join(".env").exists()) {
        write(&project.join(".env"), bytes)?;
    }

    let mut arguments: Vec<String> = ["compose", "--file", file].map(str::to_owned).into();
    for other in overrides(file) {
        if project.join(&other).exists() {
            arguments.extend(["--file".to_owned(), other]);
        }
    }
    arguments.extend(["config", "--format", "json"].map(str::to_owned));
    let mut env = engine.docker().location.env();
    // Looking at a file fetches nothing: including from far away has to be asked for by hand.
    for kind in ["GIT", "OCI"] {
        env.push((format!("COMPOSE_EXPERIMENTAL_{kind}_REMOTE"), "0".to_owned()));
    }
    let mut answer = ask_program("docker", &arguments, &project, &env, LIMIT).await?;
    for _ in 0..MAX_ENV_FILES {
        // Variable files are seldom committed; they are taken from where the project lies.
        let Some(missing) = missing_env_file(&answer.stderr, &project).filter(|_| !answer.success) else {
            break;
        };
        let Some(bytes) = read_user_file(&view.root.join(&missing)) else {
            break;
        };
        write(&project.join(&missing), &bytes)?;
        answer = ask_program("docker", &arguments, &project, &env, LIMIT).await?;
    }
    let place = repository.to_string_lossy().into_owned();
    let beside = scratch.0.to_string_lossy().into_owned();
    let told = |text: &str| text.replace(&place, ROOT).replace(&beside, &format!("{ROOT}/.."));
    let shown = |text: &str| {
        let text = text.replace(&format!("{place}/"), "").replace(&place, ".");
        text.replace(&beside, "..")
    };
    if !answer.success {
        return Ok(Err(complaint(&shown(&answer.stderr))));
    }
    let config: Value = match serde_json::from_str(&told(&answer.stdout)) {
        Ok(config) => config,
        Err(error) => return Ok(Err(format!("docker compose config gave no JSON: {error}"))),
    };
    let mut warnings = warnings(&shown(&answer.stderr));
    let services = config.get("services").and_then(Value::as_object);
    let built = services.is_some_and(|all| {
        all.values()
            .any(|service| service.get("build").is_some_and(Value::is_object))
    });
    let mut bake = Value::Null;
    if built {
        // The ending tells bake that this is a compose file.
        let path = scratch.0.join("resolved.yaml");
        let mut resolved = answer.stdout;
        if extended {
            // What bake itself adds to the format is left out of the JSON.
            let words = arguments
                .iter()
                .map(|word| if word == "json" { "yaml" } else { word });
            let arguments: Vec<String> = words.map(str::to_owned).collect();
            resolved = ask_program("docker", &arguments, &project, &env, LIMIT)
                .await?
                .stdout;
        }
        write(&path, resolved.as_bytes())?;
        // Bake looks whether secrets are there; what is in them is nobody's business here.
        let secrets = secret_files(&config);
        for secret in &secrets {
            let path = repository.join(secret);
            if !path.exists() {
                write(&path, b"")?;
            }
        }
        let arguments = ["buildx", "bake", "--file", &path.to_string_lossy(), "--print"].map(str::to_owned);
        let answer = ask_program("docker", &arguments, &project, &env, LIMIT).await?;
        if !answer.success {
            return Ok(Err(complaint(&shown(&answer.stderr))));
        }
        bake = match serde_json::from_str(&told(&answer.stdout)) {
            Ok(bake) => bake,
            Err(error) => return Ok(Err(format!("docker buildx bake --print gave no JSON: {error}"))),
        };
        let folder = format!("{ROOT}/{prefix}");
        let outside = secrets
            .iter()
            .filter(|path| !matches!(view.key_whole(path), Ok(Some(_))));
        let outside: Vec<String> = outside.cloned().collect();
        settle_paths(
            &mut bake,
            folder.trim_end_matches('/'),
            &outside,
            &repository_on_disk(view),
        );
    }
    warnings.dedup();
    Ok(Ok(Resolved {
        config,
        bake,
        warnings,
    }))
}

/// Returns the repository's folder on this machine.
fn repository_on_disk(view: &TreeView<'_>) -> String {
    let levels = view.prefix.components().count();
    let folder = view.root.ancestors().nth(levels).unwrap_or(view.root);
    folder.to_string_lossy().into_owned()
}

/// Lists the files of secrets that lie in the repository's folder.
fn secret_files(config: &Value) -> Vec<String> {
    let secrets = config.get("secrets").and_then(Value::as_object);
    let inside = |secret: &Value| {
        let path = secret
            .get("file")?
            .as_str()?
            .strip_prefix(ROOT)?
            .strip_prefix('/')?;
        (!path.split('/').any(|part| part == "..")).then(|| path.to_owned())
    };
    secrets
        .into_iter()
        .flatten()
        .filter_map(|(_, secret)| inside(secret))
        .collect()
}

/// Makes paths of targets mean the same wherever bake is run: what bake leaves relative is relative to the project, and
/// secrets that are not committed are where the user keeps them.
fn settle_paths(bake: &mut Value, project: &str, uncommitted: &[String], repository: &str) {
    let targets = bake.get_mut("target").and_then(Value::as_object_mut);
    for target in targets.into_iter().flat_map(|all| all.values_mut()) {
        let contexts = target.get_mut("contexts").and_then(Value::as_object_mut);
        for value in contexts.into_iter().flat_map(|all| all.values_mut()) {
            if let Some(path) = value.as_str()
                && !path.starts_with('/')
                && !path.contains(':')
            {
                *value = format!("{project}/{path}").into();
            }
        }
        let secrets = target.get_mut("secret").and_then(Value::as_array_mut);
        for secret in secrets.into_iter().flatten() {
            for path in uncommitted {
                if let Some(text) = secret.as_str()
                    && let Some(before) = text.strip_suffix(&format!("src={ROOT}/{path}"))
                {
                    *secret = format!("{before}src={repository}/{path}").into();
                }
            }
        }
    }
}

/// Returns the variable file, relative to the project, that compose missed.
fn missing_env_file(stderr: &str, project: &Path) -> Option<PathBuf> {
    let (_, rest) = stderr.split_once("env file ")?;
    let (path, _) = rest.split_once(" not found")?;
    let inside = Path::new(path).strip_prefix(project).ok()?;
    let plain = inside
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    plain.then(|| inside.to_owned())
}

/// Returns what a tool says is wrong, without its progress and warnings.
fn complaint(stderr: &str) -> String {
    let lines: Vec<&str> = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("time=") && !line.starts_with('#'))
        .collect();
    let text = lines.join(" ");
    let text = text.trim_start_matches("ERROR: ");
    if text.is_empty() {
        "docker compose could not read the file and did not say why".to_owned()
    } else {
        text.to_owned()
    }
}

/// Returns the messages of a tool's warnings.
fn warnings(stderr: &str) -> Vec<String> {
    let message = |line: &str| {
        let (_, message) = line.split_once("level=warning msg=\"")?;
        let message = message.trim_end().strip_suffix('"')?.replace("\\\"", "\"");
        // Said of every file with a `version`, which most have.
        (!message.contains("`version` is obsolete")).then_some(message)
    };
    stderr.lines().filter_map(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variable_files_of_the_project_are_looked_for() {
        let said = |path: &str| format!("env file {path} not found: stat {path}: no such file or directory");
        let missing = |path: &str| missing_env_file(&said(path), Path::new("/work/app"));
        assert_eq!(missing("/work/app/config/x.env"), Some("config/x.env".into()));
        assert_eq!(missing("/etc/passwd"), None);
        assert_eq!(missing("/work/app/../other/.env"), None);
    }

    #[test]
    fn warnings_are_told_and_the_obsolete_version_is_not() {
        let text = "time=\"2026\" level=warning msg=\"The \\\"TAG\\\" variable is not set. Defaulting to a blank string.\"\n\
                    time=\"2026\" level=warning msg=\"/a/compose.yaml: `version` is obsolete\"\n";
        assert_eq!(
            warnings(text),
            ["The \"TAG\" variable is not set. Defaulting to a blank string."]
        );
        assert_eq!(
            complaint(&format!("{text}service \"a\" is wrong\n")),
            "service \"a\" is wrong"
        );
    }
}
