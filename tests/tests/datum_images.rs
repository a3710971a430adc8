//! Images of datum pipelines with a real engine and a real registry: what is there is used, what changed is built, and what
//! is pushed has a name of its content.
#![expect(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

use std::path::Path;
use std::sync::Mutex;

use headstart_engine::datums::images::{
    self, LookedImage, WantedImage, Whereabouts, builder_image, check_login, push_as,
};
use headstart_engine::wire::{BuildId, BuildStatus, BuiltImage, Stack};
use headstart_engine::{Config, Engine, builds, settings, stack};
use headstart_tests::{BUSYBOX, Home, docker, has_image, registry, try_docker, unique};
use tempfile::TempDir;

/// An engine with a home, and a folder with a Dockerfile.
struct Place {
    home: TempDir,
    folder: TempDir,
    engine: Engine,
    stack: Stack,
    /// Name of the images, without a registry.
    name: String,
}

impl Place {
    fn new() -> Self {
        Self::with_docker_config(None)
    }

    fn with_docker_config(config: Option<&Path>) -> Self {
        let home = TempDir::with_prefix("headstart-home-").unwrap();
        let of_user = || Path::new(&std::env::var("HOME").unwrap_or_default()).join(".docker");
        let engine = Engine::open(Config {
            home: home.path().to_owned(),
            docker_host: std::env::var("DOCKER_HOST").ok(),
            docker_context: std::env::var("DOCKER_CONTEXT").ok(),
            docker_config: config.map_or_else(of_user, Path::to_owned),
        })
        .unwrap();
        let stack = stack::get(&engine, stack::LOCAL).unwrap();
        let place = Self {
            home,
            folder: TempDir::new().unwrap(),
            engine,
            stack,
            name: format!("headstart/{}", unique("dat")),
        };
        place.write(
            "Dockerfile",
            &format!("FROM {BUSYBOX}\nCOPY app /app\nCOPY tools /tools\n"),
        );
        place.write("app/main.sh", "echo one\n");
        place.write("tools/x", "x\n");
        place.write(".dockerignore", "**/*.log\n");
        place
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn wanted(&self, registry: Option<&str>) -> WantedImage {
        let repository = match registry {
            Some(registry) => format!("{registry}/{}", self.name),
            None => self.name.clone(),
        };
        let dockerfile = self.folder.path().join("Dockerfile");
        WantedImage::of_dockerfile("map", &repository, &dockerfile, registry.is_some())
    }

    async fn look(&self, wanted: &WantedImage) -> LookedImage {
        images::look(&self.engine, &self.stack, wanted).await.unwrap()
    }

    /// Builds if need be; returns the image and the builds that began.
    async fn build(&self, wanted: &WantedImage) -> (BuiltImage, Vec<BuildId>) {
        let looked = self.look(wanted).await;
        let begun: Mutex<Vec<BuildId>> = Mutex::default();
        let built = images::build(&self.engine, &self.stack, wanted, &looked, |id| {
            begun.lock().unwrap().push(id);
        })
        .await
        .unwrap();
        assert_eq!(built.reference, looked.reference);
        (built, begun.into_inner().unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let name = format!("reference=*{}", self.name);
        let anywhere = format!("reference=*/*{}", self.name);
        let format = "{{.Repository}}:{{.Tag}}";
        let listed = try_docker(&[
            "images", "--filter", &name, "--filter", &anywhere, "--format", format,
        ]);
        for reference in listed.unwrap_or_default().lines() {
            drop(try_docker(&["rmi", "--force", reference]));
        }
        if std::env::var("HEADSTART_DEV_REGISTRY").is_ok() {
            registry::remove_repository(&self.name);
        }
        assert!(self.home.path().exists(), "nothing removes the whole home");
    }
}

#[tokio::test]
async fn an_unchanged_folder_is_built_once_and_a_changed_file_builds_again() {
    let place = Place::new();
    let wanted = place.wanted(None);
    let first = place.look(&wanted).await;
    assert_eq!(first.exists, Whereabouts::Missing);
    assert!(
        first.reason.starts_with("it was never built before"),
        "{}",
        first.reason
    );
    assert!(first.reason.contains("no registry"), "{}", first.reason);
    assert!(first.reference.starts_with(&format!("{}:key-", place.name)));
    assert!(!has_image(&first.reference), "looking writes nothing");

    let (built, begun) = place.build(&wanted).await;
    assert_eq!(begun.len(), 1);
    let said = docker(&[
        "run",
        "--rm",
        "--network",
        "none",
        &built.reference,
        "sh",
        "/app/main.sh",
    ]);
    assert_eq!(said, "one");
    let record = builds::get(&place.engine, &begun[0]).unwrap();
    assert_eq!(record.status, BuildStatus::Succeeded);
    assert_eq!(record.pipeline.as_deref(), Some("map"));
    assert_eq!(record.images, std::slice::from_ref(&built));
    assert!(
        record
            .steps
            .iter()
            .any(|step| step.name.contains("COPY app /app")),
        "{:?}",
        record.steps
    );
    assert!(record.log_lines > 0);
    let work = place.home.path().join("work");
    assert_eq!(
        std::fs::read_dir(work).unwrap().count(),
        0,
        "the copy of the folder is gone"
    );

    // What the ignore file leaves out, what the Dockerfile does not copy, and other dates are no change.
    place.write("app/noise.log", "noise");
    place.write("spec.json", "{}");
    place.write("app/main.sh", "echo one\n");
    let again = place.look(&wanted).await;
    assert_eq!(
        (again.exists, &again.build),
        (Whereabouts::Here, &Some(begun[0].clone()))
    );
    let (same, none) = place.build(&wanted).await;
    assert_eq!((same.digest, none.as_slice()), (built.digest, [].as_slice()));

    place.write("app/main.sh", "echo two\n");
    let changed = place.look(&wanted).await;
    assert_eq!(changed.exists, Whereabouts::Missing);
    assert!(
        changed
            .reason
            .starts_with("build context of the Dockerfile changed"),
        "{}",
        changed.reason
    );
    let (other, begun) = place.build(&wanted).await;
    assert_eq!(begun.len(), 1);
    assert_eq!(
        docker(&[
            "run",
            "--rm",
            "--network",
            "none",
            &other.reference,
            "sh",
            "/app/main.sh"
        ]),
        "two"
    );

    // The same content once more is the first image: nothing is built.
    place.write("app/main.sh", "echo one\n");
    assert_eq!(place.build(&wanted).await.1, []);
    docker(&["rmi", "--force", &built.reference]);
    let gone = place.look(&wanted).await;
    assert_eq!(gone.exists, Whereabouts::Missing, "{}", gone.reason);
}

#[tokio::test]
async fn an_image_with_a_registry_is_pushed_once_and_used_from_there() {
    let place = Place::new();
    let host = registry::registry();
    let wanted = place.wanted(Some(&host));
    let (built, begun) = place.build(&wanted).await;
    let tag = built.reference.rsplit_once(':').unwrap().1.to_owned();
    assert_eq!(registry::tags(&place.name), std::slice::from_ref(&tag));
    let record = builds::get(&place.engine, &begun[0]).unwrap();
    assert!(
        record.steps.iter().any(|step| step.name.starts_with("push ")),
        "{:?}",
        record.steps
    );
    assert!(registry::digest(&place.name, &tag).is_some());

    let here = place.look(&wanted).await;
    assert_eq!(
        (here.exists, here.to_push),
        (Whereabouts::Here, false),
        "{}",
        here.reason
    );
    docker(&["rmi", "--force", &built.reference]);
    let far = place.look(&wanted).await;
    assert_eq!(
        (far.exists, far.to_push),
        (Whereabouts::InRegistry, false),
        "{}",
        far.reason
    );
    let (again, none) = place.build(&wanted).await;
    assert_eq!((again.digest.as_str(), none.len()), (built.digest.as_str(), 0));
    assert!(
        has_image(&built.reference),
        "what only the registry has is pulled"
    );

    // Here and not there: it is pushed, and not built.
    registry::remove_repository(&place.name);
    let lost = place.look(&wanted).await;
    assert_eq!(
        (lost.exists, lost.to_push),
        (Whereabouts::Here, true),
        "{}",
        lost.reason
    );
    assert_eq!(place.build(&wanted).await.1, []);
    assert_eq!(registry::tags(&place.name), [tag]);
}

#[tokio::test]
async fn a_tag_that_somebody_moved_is_not_believed() {
    let place = Place::new();
    let wanted = place.wanted(None);
    let looked = place.look(&wanted).await;
    docker(&["tag", BUSYBOX, &looked.reference]);
    assert_eq!(place.look(&wanted).await.exists, Whereabouts::Missing);
    let (_, begun) = place.build(&wanted).await;
    assert_eq!(begun.len(), 1);
}

#[tokio::test]
async fn a_failing_build_says_which_step_and_leaves_no_image() {
    let place = Place::new();
    place.write(
        "Dockerfile",
        &format!("FROM {BUSYBOX}\nRUN echo trouble && exit 3\n"),
    );
    let wanted = place.wanted(None);
    let looked = place.look(&wanted).await;
    let begun = Mutex::new(None);
    let error = images::build(&place.engine, &place.stack, &wanted, &looked, |id| {
        *begun.lock().unwrap() = Some(id);
    })
    .await
    .unwrap_err()
    .to_string();
    let id = begun.into_inner().unwrap().unwrap();
    assert!(
        error.contains(id.as_str()) && error.contains("exit code: 3"),
        "{error}"
    );
    let record = builds::get(&place.engine, &id).unwrap();
    assert_eq!(record.status, BuildStatus::Failed);
    assert!(!has_image(&looked.reference));
    assert_eq!(place.look(&wanted).await.exists, Whereabouts::Missing);
}

#[tokio::test]
async fn files_that_change_after_they_were_looked_at_make_no_image_of_that_name() {
    let place = Place::new();
    let wanted = place.wanted(None);
    let looked = place.look(&wanted).await;
    place.write("app/main.sh", "echo later\n");
    let built = images::build(&place.engine, &place.stack, &wanted, &looked, drop).await;
    let error = built.unwrap_err().to_string();
    assert!(error.contains("changed after they were looked at"), "{error}");
    assert!(!has_image(&looked.reference));
}

#[tokio::test]
async fn a_registry_that_does_not_answer_is_named_with_what_to_do() {
    let place = Place::new();
    // Nothing listens on a port that was free just now.
    let nowhere = format!("127.0.0.1:{}", headstart_tests::free_port());
    let wanted = place.wanted(Some(&nowhere));
    let looked = place.look(&wanted).await;
    let built = images::build(&place.engine, &place.stack, &wanted, &looked, drop).await;
    let error = built.unwrap_err().to_string();
    assert!(
        error.contains("could not be pushed") && error.contains(&nowhere),
        "{error}"
    );
    assert!(error.contains("no login"), "{error}");
    assert!(!has_image(&looked.reference), "only what succeeded is used again");
}

#[tokio::test]
async fn an_image_that_is_there_is_pushed_under_a_tag_of_its_content() {
    let place = Place::new();
    let repository = format!("{}/{}", registry::registry(), place.name);
    let stack = &place.stack;
    let first = push_as(&place.engine, stack, BUSYBOX, &repository).await.unwrap();
    let tag = first.strip_prefix(&format!("{repository}:image-")).unwrap();
    assert_eq!(tag.len(), 32);
    assert_eq!(registry::tags(&place.name), [format!("image-{tag}")]);
    let again = push_as(&place.engine, stack, BUSYBOX, &format!("{repository}:1"))
        .await
        .unwrap();
    assert_eq!(
        again, first,
        "the same image has the same tag, whatever tag the spec has"
    );
    assert_eq!(registry::tags(&place.name).len(), 1);

    let error = push_as(&place.engine, stack, "headstart/nothing:1", &repository).await;
    assert!(error.unwrap_err().to_string().contains("does not have it"));
    let gone = images::present(&place.engine, stack, &format!("{repository}:nothing")).await;
    let error = gone.unwrap_err().to_string();
    assert!(
        error.contains("could not be pulled") && error.contains("not found"),
        "{error}"
    );
    let nowhere = format!("127.0.0.1:{}/{}", headstart_tests::free_port(), place.name);
    let error = push_as(&place.engine, stack, BUSYBOX, &nowhere)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("could not be pushed"), "{error}");
    let left = docker(&["images", "--quiet", &nowhere]);
    assert_eq!(left, "", "a name that leads nowhere does not stay");
}

#[tokio::test]
async fn a_login_that_somebody_names_has_to_be_there_before_anything_is_built() {
    let config = TempDir::new().unwrap();
    // `ada:x`, as docker writes it.
    let text = r#"{"auths": {"r.example:5000": {"auth": "YWRhOng="}}}"#;
    std::fs::write(config.path().join("config.json"), text).unwrap();
    let place = Place::with_docker_config(Some(config.path()));
    let check = async |registry: Option<&str>, user: Option<&str>| {
        let checked = check_login(&place.engine, "r.example:5000/acme/app", registry, user).await;
        checked.map_err(|error| error.to_string())
    };
    assert_eq!(check(None, None).await, Ok(()));
    assert_eq!(check(Some("r.example:5000"), None).await, Ok(()));
    assert_eq!(
        check(Some("https://r.example:5000/v2/"), Some("ada")).await,
        Ok(())
    );
    assert_eq!(check(None, Some("ada")).await, Ok(()));
    let other = check(None, Some("ben")).await.unwrap_err();
    assert!(other.contains("of ada, not of ben"), "{other}");
    let elsewhere = check(Some("other.example"), None).await.unwrap_err();
    assert!(
        elsewhere.contains("r.example:5000") && elsewhere.contains("other.example"),
        "{elsewhere}"
    );
    let hub = check_login(&place.engine, "acme/app", Some("docker.io"), None).await;
    assert!(
        hub.unwrap_err()
            .to_string()
            .contains("no login for index.docker.io")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_the_same_image_at_the_same_time_waits_for_the_same_build() {
    let place = Place::new();
    let wanted = place.wanted(None);
    let ((one, first), (other, second)) = tokio::join!(place.build(&wanted), place.build(&wanted));
    assert_eq!((&one, &first), (&other, &second));
    assert_eq!(first.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_cancelled_by_hand_and_when_nobody_waits_for_it_any_more() {
    let place = Place::new();
    let nap = headstart_tests::long_nap();
    place.write(
        "Dockerfile",
        &format!("FROM {BUSYBOX}\nRUN echo begun && sleep {nap}\n"),
    );
    let wanted = place.wanted(None);
    let looked = place.look(&wanted).await;
    for by_hand in [true, false] {
        let (tell, told) = tokio::sync::oneshot::channel();
        let tell = Mutex::new(Some(tell));
        let (engine, stack, image, found) = (
            place.engine.clone(),
            place.stack.clone(),
            wanted.clone(),
            looked.clone(),
        );
        let building = tokio::spawn(async move {
            images::build(&engine, &stack, &image, &found, |id| {
                drop(tell.lock().unwrap().take().unwrap().send(id));
            })
            .await
        });
        let id = told.await.unwrap();
        let engine = place.engine.clone();
        let status = |id: &BuildId| builds::get(&engine, id).unwrap().status;
        let naps = || !headstart_tests::processes_with(&nap).is_empty();
        wait(naps).await;
        if by_hand {
            builds::cancel(&place.engine, &id).unwrap();
            let error = building.await.unwrap().unwrap_err().to_string();
            assert!(error.contains("was cancelled"), "{error}");
        } else {
            building.abort();
        }
        wait(|| status(&id).is_final()).await;
        assert_eq!(status(&id), BuildStatus::Cancelled);
        wait(|| !naps()).await;
        assert!(!has_image(&looked.reference));
    }
}

/// Waits until something holds.
async fn wait(holds: impl Fn() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it did not come within 30 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_build_of_a_folder_is_listed_shown_opened_and_deleted_as_any_other() {
    let place = Place::new();
    let (built, begun) = place.build(&place.wanted(None)).await;
    let id = begun[0].as_str();
    let home = Home::new();
    let headstart = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        let output = command.env("HEADSTART_HOME", place.home.path()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let listed = headstart(&["builds", "list", "--pipeline", "map"]);
    assert!(listed.contains(&id[..8]), "{listed}");
    let shown = headstart(&["builds", "show", id]);
    assert!(
        shown.contains(&built.reference) && shown.contains("image for map"),
        "{shown}"
    );
    assert!(headstart(&["builds", "logs", id]).contains("docker buildx bake"));
    assert_eq!(
        headstart(&["shell", id, "--", "sh", "/app/main.sh"]).trim(),
        "one"
    );
    assert_eq!(
        headstart(&["project", "list", "--json"]).trim(),
        "[]",
        "a folder is no project"
    );
    headstart(&["inbox"]);
    headstart(&["insights"]);
    headstart(&["builds", "delete", id, "--yes"]);
    assert!(!has_image(&built.reference));
    assert_eq!(place.look(&place.wanted(None)).await.exists, Whereabouts::Missing);
}

#[tokio::test]
async fn the_builder_for_a_language_is_built_once_of_what_the_settings_name() {
    let place = Place::new();
    let mut changed = settings::get(&place.engine).unwrap();
    for image in &mut changed.builder_images {
        image.image = BUSYBOX.to_owned();
    }
    settings::set(&place.engine, changed).unwrap();
    let wanted = builder_image(&place.engine, "python").unwrap();
    let (built, _) = place.build(&wanted).await;
    assert!(
        built.reference.starts_with("headstart/python-build:key-"),
        "{}",
        built.reference
    );
    let listed = docker(&[
        "run",
        "--rm",
        "--network",
        "none",
        &built.reference,
        "sh",
        "-c",
        "pwd; ls",
    ]);
    assert_eq!(listed, "/app\nbuild.sh\nrun.sh");
    let (same, begun) = place.build(&wanted).await;
    assert_eq!((&same, begun.len()), (&built, 0));
    docker(&["rmi", "--force", &built.reference]);
    let error = builder_image(&place.engine, "cobol").unwrap_err().to_string();
    assert!(error.contains("go, node, python, rust"), "{error}");
}
