//! Handing a finished spec to a real cluster: to the `pachctl` of this machine, argument for argument.

use std::path::Path;
use std::process::Stdio;

use headstart_engine::wire::SubmitRequest;
use headstart_engine::{Engine, datums};
use tokio::io::AsyncWriteExt;

use crate::error::{Failure, Outcome};
use crate::out::Out;
use crate::text::plain;

/// Builds or pushes images as the request says, and gives the specs with these images to `pachctl`, or writes them to a file.
pub(crate) async fn submit(
    out: &Out,
    engine: &Engine,
    request: &SubmitRequest,
    output: Option<&Path>,
    create: bool,
) -> Result<Outcome, Failure> {
    let spec = datums::finished_spec(engine, request, |action| {
        if !out.json {
            out.line(plain(&action));
        }
    })
    .await?;
    if let Some(path) = output {
        std::fs::write(path, &spec).map_err(|error| {
            Failure::usage(
                format!("{} cannot be written: {error}", path.display()),
                "choose another file",
            )
        })?;
        out.line(format!("the spec is in {}", path.display()));
    }
    let mut words = vec![if create { "create" } else { "update" }, "pipeline", "-f", "-"];
    if request.choice == headstart_engine::wire::UpdateChoice::ReprocessAll && !create {
        words.push("--reprocess");
    }
    let mut child = match tokio::process::Command::new("pachctl")
        .args(&words)
        .stdin(Stdio::piped())
        .spawn()
    {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return match output {
                // What was asked for is there, and the rest can be done by hand.
                Some(path) => {
                    out.line(format!(
                        "there is no pachctl on this machine; where there is one, run: pachctl {} pipeline -f {}",
                        words[0],
                        path.display()
                    ));
                    Ok(Outcome::Done)
                }
                None => Err(Failure::usage(
                    "there is no pachctl on this machine",
                    "install it, or let the spec be written to a file with --output",
                )),
            };
        }
        Err(error) => return Err(Failure::broken(format!("pachctl could not be started: {error}"))),
    };
    if let Some(mut input) = child.stdin.take() {
        // It says by its exit code what it thinks of a spec that it does not read to the end.
        drop(input.write_all(spec.as_bytes()).await);
    }
    let status = child
        .wait()
        .await
        .map_err(|error| Failure::broken(format!("pachctl could not be waited for: {error}")))?;
    Ok(match status.success() {
        true => Outcome::Done,
        false => Outcome::Failed,
    })
}
