//! What the registry beside the engine has; `.ci/setup/registry.sh env` says where it is.

use serde_json::Value;

use crate::http::http;

/// Media types of everything that can stand behind a tag.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Returns where the registry is, `host:port`.
pub fn registry() -> String {
    std::env::var("HEADSTART_DEV_REGISTRY").unwrap_or_else(|_| {
        panic!("HEADSTART_DEV_REGISTRY is not set; .ci/setup/with-engine.sh COMMAND runs a command with a registry")
    })
}

/// Lists the tags of a repository, sorted; none when there is no such repository.
pub fn tags(repository: &str) -> Vec<String> {
    let answer = ask("GET", &format!("/v2/{repository}/tags/list"));
    let list: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let mut tags: Vec<String> = list["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    tags.sort();
    tags
}

/// Returns the digest behind a tag.
pub fn digest(repository: &str, tag: &str) -> Option<String> {
    let answer = ask("HEAD", &format!("/v2/{repository}/manifests/{tag}"));
    let digest = answer.header("docker-content-digest").map(str::to_owned);
    digest.filter(|_| answer.status == 200)
}

/// Returns the manifest behind a tag.
pub fn manifest(repository: &str, tag: &str) -> Value {
    let answer = ask("GET", &format!("/v2/{repository}/manifests/{tag}"));
    serde_json::from_str(&answer.body).unwrap_or_default()
}

/// Lists the repositories whose name begins with a text.
pub fn repositories(prefix: &str) -> Vec<String> {
    let answer = ask("GET", "/v2/_catalog?n=10000");
    let list: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let names = list["repositories"].as_array().cloned().unwrap_or_default();
    names
        .iter()
        .filter_map(Value::as_str)
        .filter(|name| name.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

/// Removes everything behind the tags of a repository.
pub fn remove_repository(repository: &str) {
    for tag in tags(repository) {
        if let Some(digest) = digest(repository, &tag) {
            ask("DELETE", &format!("/v2/{repository}/manifests/{digest}"));
        }
    }
}

fn ask(method: &str, path: &str) -> crate::http::Answer {
    http(&registry(), method, path, MANIFESTS).unwrap_or_else(|error| panic!("the registry: {error}"))
}
