//! Files into a container, streamed through the Engine: that works wherever the engine is.

use std::path::Path;
use std::time::Duration;

use tar::{EntryType, Header};
use tokio_util::io::ReaderStream;

use super::Docker;
use super::workers::whole;
use crate::error::{Error, Result};

/// Longest upload; an engine may be far away.
pub(super) const UPLOAD_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// How much is read and sent at a time.
const PIECE_BYTES: usize = 256 * 1024;

impl Docker {
    /// Unpacks an archive (a tar, compressed or not) into a folder of a container, which may not have been started yet.
    ///
    /// `folder` is absolute, made when it is missing, and everybody may write to it; what it has and the archive has not
    /// stays. The archive has to be checked before, see [`check_entries`](crate::artifacts::check_entries).
    pub(crate) async fn upload(&self, container: &str, folder: &str, archive: &Path) -> Result<()> {
        self.put_tar(container, "/", whole(only_folder(folder)?)).await?;
        let file = tokio::fs::File::open(archive)
            .await
            .map_err(Error::file("reading", archive))?;
        let pieces = ReaderStream::with_capacity(file, PIECE_BYTES);
        self.put_tar(container, folder, pieces).await
    }
}

/// Returns a tar with nothing but a folder.
fn only_folder(folder: &str) -> Result<Vec<u8>> {
    let name = folder.strip_prefix('/').unwrap_or_default().trim_end_matches('/');
    if name.is_empty() || name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Error::refused(
            format!("{folder:?} cannot be the folder that code is unpacked to"),
            "write it as /folder/below",
        ));
    }
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Directory);
    header.set_mode(0o777);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(0);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, format!("{name}/"), std::io::empty())
        .and_then(|()| tar.into_inner())
        .map_err(|error| Error::internal("a folder could not be packed", error))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::PathBuf;
    use std::process::Command;

    use bollard::models::ContainerCreateBody;
    use bollard::query_parameters::StartContainerOptions;

    use super::*;
    use crate::artifacts::Store;
    use crate::docker::Location;
    use crate::source::testing::TestRepo;

    #[test]
    fn only_an_absolute_folder_below_the_root_is_made() {
        for folder in ["", "/", "code", "/a/../b", "/a//b", "//"] {
            assert!(only_folder(folder).is_err(), "{folder:?}");
        }
        let tar = only_folder("/workspace/my code/").unwrap();
        let mut tar = tar::Archive::new(&*tar);
        let names: Vec<PathBuf> = tar
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().into_owned())
            .collect();
        assert_eq!(names, [PathBuf::from("workspace/my code/")]);
    }

    /// The engine that tests run with, as the docker command finds it.
    fn engine() -> Docker {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let config = variable("DOCKER_CONFIG").map(PathBuf::from);
        let home = variable("HOME").map(|home| Path::new(&home).join(".docker"));
        Docker::new(Location {
            host: variable("DOCKER_HOST"),
            context: variable("DOCKER_CONTEXT"),
            config: config.or(home).unwrap_or_default(),
        })
    }

    #[tokio::test]
    async fn code_is_in_a_container_before_it_starts_and_any_user_may_write_it() {
        let docker = engine();
        docker.ping().await.expect("this test needs a Docker engine");
        let test = TestRepo::new();
        let tree = test.tree(&[
            ("a b/é\n", b"name"),
            ("run*", b"#!/bin/sh\necho ran >> \"$1\"\n"),
            ("log", b""),
            ("l@", b"log"),
        ]);
        let dir = tempfile::tempdir().unwrap();
        let stored = Store::at(dir.path()).add(&test.repo(), tree).unwrap();
        let client = docker.client().await.unwrap();
        let folder = "/deeply/nested folder/code";
        let script =
            "cat 'a b/'* && ./run log && echo new > 'a b/new' && cat l && ls -dn . | cut -c1-10 && id -u";
        let body = ContainerCreateBody {
            image: Some("headstart-sample/busybox:1".into()),
            cmd: Some(vec![
                "sh".into(),
                "-c".into(),
                format!("cd '{folder}' && {script}"),
            ]),
            user: Some("12345:54321".into()),
            labels: Some(HashMap::from([("dev.headstart.test".into(), "upload".into())])),
            network_disabled: Some(true),
            ..Default::default()
        };
        let container = client.create_container(None, body).await.unwrap().id;
        let uploaded = docker.upload(&container, folder, &stored.path).await;
        let again = docker.upload(&container, folder, &stored.path).await;
        let started = client
            .start_container(&container, None::<StartContainerOptions>)
            .await;
        let code = docker.wait(&container).await;
        let said = Command::new("docker")
            .args(["logs", &container])
            .output()
            .unwrap();
        docker.remove_container(&container).await.unwrap();
        uploaded.unwrap();
        again.expect("a second time, over itself");
        started.unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&said.stdout),
            String::from_utf8_lossy(&said.stderr)
        );
        assert_eq!(code, Some(0), "{said}");
        assert!(said.starts_with("nameran\ndrwxrwxrwx"), "{said}");
        assert!(said.ends_with("12345\n"), "{said}");
    }

    #[tokio::test]
    async fn a_container_that_is_gone_is_an_answer_of_the_engine() {
        let docker = engine();
        docker.ping().await.expect("this test needs a Docker engine");
        let error = docker
            .upload("headstart-no-such-container", "/code", Path::new("/dev/null"))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::EngineRefused { .. }), "{error}");
    }
}
