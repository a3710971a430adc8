//! Values of secrets, looked up when a worker starts and kept nowhere.
//!
//! A spec names a secret and a key of it. Their value stands in the file `secrets/<name>/<key>` of the data directory, or in
//! the system's keyring under the attributes `headstart-secret` (the name) and `key`.

use std::path::Path;
use std::time::Duration;

use crate::bake::ask_program;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::recipe::datum::spec::Secret;

/// Longest wait for a keyring, which may ask the user for a password.
const LIMIT: Duration = Duration::from_secs(120);

/// What a worker gets of secrets.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    /// Variables as `NAME=value`.
    pub(crate) variables: Vec<String>,
    /// Files: whole path and content.
    mounted: Vec<(String, Vec<u8>)>,
}

impl Secrets {
    /// Returns the files as a tar that is unpacked at the root; none when there are none.
    pub(crate) fn files(&self) -> Result<Option<Vec<u8>>> {
        if self.mounted.is_empty() {
            return Ok(None);
        }
        let packing = |error| Error::internal("secrets could not be packed", error);
        let mut tar = tar::Builder::new(Vec::new());
        for (path, content) in &self.mounted {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o444);
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, path.trim_start_matches('/'), content.as_slice())
                .map_err(packing)?;
        }
        tar.into_inner().map(Some).map_err(packing)
    }
}

/// Looks the secrets of a spec up.
pub(crate) async fn look_up(engine: &Engine, secrets: &[Secret]) -> Result<Secrets> {
    let mut found = Secrets::default();
    for secret in secrets {
        if let Some(variable) = secret.env_var.as_ref().filter(|name| !name.is_empty()) {
            let key = secret.key.as_deref().unwrap_or_default();
            let value = value(engine, &secret.name, key).await?;
            let text = String::from_utf8(value).map_err(|_| {
                Error::refused(
                    format!(
                        "the secret {}/{key} is not UTF-8 text, so it cannot be a variable",
                        secret.name
                    ),
                    "give it a `mount_path` instead of an `env_var`",
                )
            })?;
            found
                .variables
                .push(format!("{variable}={}", text.trim_end_matches('\n')));
        }
        if let Some(folder) = secret.mount_path.as_ref().filter(|path| !path.is_empty()) {
            if !folder.starts_with('/') || folder.split('/').any(|part| part == "..") {
                return Err(Error::refused(
                    format!("the secret {} has the mount_path {folder}", secret.name),
                    "write it as an absolute folder, such as /etc/secret",
                ));
            }
            let keys = match secret.key.as_deref().filter(|key| !key.is_empty()) {
                Some(key) => vec![key.to_owned()],
                None => keys(engine, &secret.name)?,
            };
            for key in keys {
                let content = value(engine, &secret.name, &key).await?;
                found.mounted.push((format!("{folder}/{key}"), content));
            }
        }
    }
    Ok(found)
}

/// Lists the keys of a secret that lies in files.
fn keys(engine: &Engine, name: &str) -> Result<Vec<String>> {
    let folder = engine.home().join("secrets").join(checked(name)?);
    let entries = std::fs::read_dir(&folder).map_err(|_| missing(engine, name, "<key>"))?;
    let mut keys: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    keys.sort();
    Ok(keys)
}

async fn value(engine: &Engine, name: &str, key: &str) -> Result<Vec<u8>> {
    let name = checked(name)?;
    if key.is_empty() || key.contains('/') || key == ".." {
        return Err(Error::refused(
            format!("the secret {name} is asked for the key {key:?}"),
            "give the `key` of the secret that holds the value",
        ));
    }
    let path = engine.home().join("secrets").join(name).join(key);
    match std::fs::read(&path) {
        Ok(content) => return Ok(content),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::file("reading", path)(error)),
    }
    let words = ["lookup", "headstart-secret", name, "key", key].map(str::to_owned);
    match ask_program("secret-tool", &words, Path::new("/"), &[], LIMIT).await {
        Ok(answer) if answer.success && !answer.stdout.is_empty() => Ok(answer.stdout.into()),
        _ => Err(missing(engine, name, key)),
    }
}

fn missing(engine: &Engine, name: &str, key: &str) -> Error {
    let path = engine.home().join("secrets").join(name).join(key);
    Error::refused(
        format!("there is no secret {name} with the key {key}"),
        format!(
            "put its value into {}, or into the keyring: secret-tool store --label {name} headstart-secret {name} key {key}",
            path.display()
        ),
    )
}

/// Refuses a name that is no single folder.
fn checked(name: &str) -> Result<&str> {
    match name {
        "" | "." | ".." => {}
        _ if name.contains(['/', '\\', '\0']) => {}
        _ => return Ok(name),
    }
    Err(Error::refused(
        format!("{name:?} cannot be the name of a secret"),
        "name secrets with letters, digits, `-`, `_` and `.`",
    ))
}
