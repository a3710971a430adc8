//! What buildx complains about, as errors that say what to do.

use super::ask::Answer;
use crate::error::{Error, Result};
use crate::text;

impl Answer {
    /// Returns what was printed, or the error that the complaint means. `action` is what was tried: "be removed".
    pub(super) fn output(self, builder: &str, action: &str) -> Result<String> {
        if self.success {
            Ok(self.stdout)
        } else {
            Err(complaint(builder, action, &self.stderr))
        }
    }
}

/// Returns the error that buildx's complaint about a builder means.
fn complaint(builder: &str, action: &str, said: &str) -> Error {
    let has = |mark: &str| said.contains(mark);
    let reason = reason(said);
    if has("no builder \"") || has("failed to find instance \"") {
        return Error::NoBuilder(builder.to_owned());
    }
    if has("context builder cannot be removed") {
        return context_builder(builder);
    }
    if has("to switch to context") || has("to switch to default context") {
        return Error::refused(
            format!("the builder {builder} belongs to a docker context that is not in use"),
            format!(
                "switch to the context with `docker context use {builder}`; its builder is selected then"
            ),
        );
    }
    if has("existing instance for") {
        return Error::refused(
            format!("there is a builder {builder} already"),
            "give another name, or remove that one first",
        );
    }
    if has("No such container: buildx_buildkit_") || has("is not running") {
        return Error::refused(
            format!("the builder {builder} does not run, so it has no cache to look at"),
            "start it first (bootstrap)",
        );
    }
    let usage = [
        "invalid driver option",
        "unrecognized url scheme",
        "no remote endpoint provided",
        "invalid name ",
        "is a reserved name",
        "failed to parse driver options",
        "unknown operating system or architecture",
        "failed to parse",
        "invalid value",
    ];
    if usage.iter().any(|mark| has(mark)) {
        return Error::refused(
            format!("the builder {builder} could not {action}: {reason}"),
            "give other options",
        );
    }
    let (message, hint) = explained(builder, action, said, &reason);
    Error::Builder {
        message,
        hint: hint.to_owned(),
        source: text::sentence(&reason).into(),
    }
}

/// Returns why a context's own builder stays.
pub(super) fn context_builder(builder: &str) -> Error {
    Error::refused(
        format!("the builder {builder} belongs to the docker context {builder} and goes only with it"),
        if builder == "default" {
            "it is the engine's own and costs nothing; select another builder to build elsewhere".to_owned()
        } else {
            format!("`docker context rm {builder}` removes the context and its builder")
        },
    )
}

/// Returns what happened and what can be done about it.
fn explained(builder: &str, action: &str, said: &str, reason: &str) -> (String, &'static str) {
    let has = |mark: &str| said.contains(mark);
    if let Some(image) = said
        .lines()
        .find_map(|line| line.split_once("pulling image ").map(|(_, rest)| rest))
        .and_then(|rest| rest.split_whitespace().next())
        .filter(|_| has("failed to resolve reference") || has("pull") && has("booting buildkit"))
    {
        return (
            format!("the builder {builder} could not {action}: its image {image} could not be pulled"),
            "check that the engine reaches the registry, or make the builder with a BuildKit image that it has: option image=…",
        );
    }
    if has("waiting for connection") || has("connection refused") || has("i/o timeout") {
        return (
            format!("the builder {builder} could not {action}: nothing answers at its address"),
            "start BuildKit there, or remove the builder and make it with another address",
        );
    }
    if has("Kubernetes") || has("kubernetes") {
        return (
            format!("the builder {builder} could not {action}: the cluster cannot be used"),
            "check the kube config and its current context, or give the option namespace=…",
        );
    }
    if has("Cannot connect to the Docker daemon") || has("error during connect") || has("no such host") {
        return (
            format!("the builder {builder} could not {action}: its engine cannot be reached"),
            "start that engine, or check the docker context or address",
        );
    }
    let first = reason.lines().next().unwrap_or("buildx did not say why");
    (
        format!(
            "the builder {builder} could not {action}: {}",
            text::sentence(first)
        ),
        "try it again, or look at the builder with `docker buildx inspect`",
    )
}

/// Returns the last complaint of buildx without its mark.
fn reason(said: &str) -> String {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let general = |line: &&str| !line.contains("failed to remove one or more builders");
    let marked = lines()
        .filter_map(|line| line.strip_prefix("ERROR: "))
        .rfind(general);
    let any = || lines().rfind(|line| !line.starts_with("ERROR: "));
    text::sentence(marked.or_else(any).unwrap_or("buildx did not say why"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ErrorCode, WireError};

    fn wire(said: &str) -> WireError {
        complaint("team", "be started", said).into()
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_named() {
        let error = wire(
            "#1 [internal] booting buildkit\n#1 pulling image moby/buildkit:buildx-stable-1 done\n\
             #1 ERROR: Error response from daemon: failed to resolve reference\n------\n > [internal] booting buildkit:\n------\n\
             ERROR: Error response from daemon: failed to resolve reference \"docker.io/moby/buildkit:buildx-stable-1\": no such host\n",
        );
        assert_eq!(error.code, ErrorCode::Engine);
        assert_eq!(
            error.message,
            "the builder team could not be started: its image moby/buildkit:buildx-stable-1 could not be pulled"
        );
        assert!(
            error.detail.unwrap().contains("no such host"),
            "buildx's words are kept"
        );
        assert!(error.hint.unwrap().contains("image="));
    }

    #[test]
    fn complaints_are_told_apart() {
        for (said, code, mark) in [
            (
                "ERROR: no builder \"team\" found",
                ErrorCode::NotFound,
                "no builder team",
            ),
            (
                "ERROR: failed to find instance \"team\": open x: no such file or directory",
                ErrorCode::NotFound,
                "no builder team",
            ),
            (
                "failed to remove team: context builder cannot be removed, run `docker context rm team` to remove this context\nERROR: failed to remove one or more builders",
                ErrorCode::BadRequest,
                "goes only with it",
            ),
            (
                "ERROR: run `docker context use team` to switch to context team",
                ErrorCode::BadRequest,
                "not in use",
            ),
            (
                "ERROR: existing instance for \"team\" but no append mode, specify",
                ErrorCode::BadRequest,
                "already",
            ),
            (
                "ERROR: failed to initialize builder team (team0): invalid driver option nosuch for docker-container driver",
                ErrorCode::BadRequest,
                "invalid driver option nosuch",
            ),
            (
                "ERROR: Error response from daemon: No such container: buildx_buildkit_team0",
                ErrorCode::BadRequest,
                "does not run",
            ),
            (
                "#1 [internal] waiting for connection\n#1 ERROR: context deadline exceeded\nERROR: context deadline exceeded",
                ErrorCode::Engine,
                "nothing answers",
            ),
            (
                "ERROR: failed to initialize builder team (team0): cannot determine Kubernetes namespace, specify manually",
                ErrorCode::Engine,
                "cluster",
            ),
            (
                "failed to remove team: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?\nERROR: failed to remove one or more builders",
                ErrorCode::Engine,
                "engine cannot be reached",
            ),
            ("ERROR: something new", ErrorCode::Engine, "something new"),
            ("", ErrorCode::Engine, "did not say why"),
        ] {
            let error = wire(said);
            assert_eq!(error.code, code, "{said}");
            assert!(error.message.contains(mark), "{said}: {}", error.message);
            assert!(error.hint.is_some(), "{said}: there is a way out");
        }
    }
}
