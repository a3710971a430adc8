//! Registries that refuse, forget, break down or hang up: a cache never fails a build, a push that fails always does.

use headstart_tests::compose::ComposeRepository;
use headstart_tests::fault_proxy::{Fault, FaultProxy, MESSAGE};
use headstart_tests::{BUSYBOX, Home, registry, unique};
use serde_json::{Value, json};

/// A service with steps that no other build has run before.
fn service() -> ComposeRepository {
    let once = unique("once");
    ComposeRepository::with(
        "services:\n  web:\n    build: .\n",
        &[
            (
                "Dockerfile",
                &format!("FROM {BUSYBOX}\nRUN echo {once} > /once\nCOPY page /page\n"),
            ),
            ("page", "one\n"),
        ],
    )
}

fn warnings(build: &Value) -> String {
    build["warnings"].to_string()
}

#[test]
fn a_cache_that_cannot_be_written_or_read_is_a_warning_that_names_it() {
    let proxy = FaultProxy::start();
    let place = proxy.place();
    let repo = service();
    let home = Home::new();
    home.add(&repo.path);
    let image = repo.image("web");
    let cache = format!("{place}/{image}:buildcache");
    for (number, status) in [401, 404, 500].into_iter().enumerate() {
        proxy.breaks(&[("PUT", "/manifests/buildcache", Fault::Status(status))]);
        repo.write("page", format!("written {number}\n"));
        repo.commit("another page");
        let build = home.build(&["--registry", place]);
        assert_eq!(build["status"], "succeeded");
        assert!(
            warnings(&build).contains("cache") && warnings(&build).contains(&status.to_string()),
            "{status} when writing: {}",
            warnings(&build)
        );
        assert!(
            registry::digest(&image, &repo.head()[..12]).is_some(),
            "the image is there"
        );
    }
    proxy.breaks(&[]);
    repo.write("page", "good\n");
    repo.commit("a page that is cached");
    let build = home.build(&["--registry", place]);
    assert_eq!(build["warnings"], json!([]));
    for (number, status) in [401, 500].into_iter().enumerate() {
        proxy.breaks(&[
            ("GET", "/manifests/buildcache", Fault::Status(status)),
            ("HEAD", "/manifests/buildcache", Fault::Status(status)),
        ]);
        repo.write("page", format!("read {number}\n"));
        repo.commit("another page");
        let build = home.build(&["--registry", place]);
        assert!(
            warnings(&build).contains(&cache) && warnings(&build).contains(&status.to_string()),
            "{status} when reading: {}",
            warnings(&build)
        );
    }
    // A cache that is not there yet is no trouble.
    proxy.breaks(&[
        ("GET", "/manifests/buildcache", Fault::Status(404)),
        ("HEAD", "/manifests/buildcache", Fault::Status(404)),
    ]);
    repo.write("page", "missing\n");
    repo.commit("another page");
    assert_eq!(home.build(&["--registry", place])["warnings"], json!([]));
}

#[test]
fn a_connection_that_breaks_in_the_middle_of_a_cache_is_a_warning() {
    let proxy = FaultProxy::start();
    let place = proxy.place();
    let repo = service();
    let home = Home::new();
    home.add(&repo.path);
    home.build(&["--registry", place]);
    // Nothing but the cache is read from this registry.
    proxy.breaks(&[("GET", "/blobs/", Fault::Reset(400))]);
    repo.write("page", "two\n");
    repo.commit("another page");
    let build = home.build(&["--registry", place]);
    assert_eq!(build["status"], "succeeded");
    let cache = format!("{place}/{}:buildcache", repo.image("web"));
    assert!(warnings(&build).contains(&cache), "{}", warnings(&build));
}

#[test]
fn a_push_that_fails_fails_the_build_with_the_registrys_words() {
    let proxy = FaultProxy::start();
    let place = proxy.place();
    let repo = service();
    let home = Home::new();
    home.add(&repo.path);
    for (method, path, status) in [
        ("PUT", "/manifests/", 401),
        ("PUT", "/manifests/", 404),
        ("PUT", "/manifests/", 500),
        ("POST", "/blobs/uploads/", 500),
    ] {
        proxy.breaks(&[(method, path, Fault::Status(status))]);
        repo.write("page", format!("{method} {status}\n"));
        repo.commit("a layer that the registry does not have");
        let run = home
            .try_build(&["--registry", place, "--no-registry-cache"])
            .exits(1);
        let build = run.last_json();
        assert_eq!(build["status"], "failed", "{build}");
        let error = build["error"].as_str().unwrap_or_default();
        assert!(error.contains(&format!("{status} {MESSAGE}")), "{error}");
        assert_eq!(home.json(&["plan", "--registry", place])["decision"], "full");
    }
    proxy.breaks(&[]);
    assert_eq!(home.build(&["--registry", place])["status"], "succeeded");
}

#[test]
fn a_registry_that_is_not_there_fails_the_build_and_not_the_engine() {
    let repo = service();
    let home = Home::new();
    home.add(&repo.path);
    for (place, word) in [
        ("127.0.0.1:1", "refused"),
        ("registry.invalid", "registry.invalid"),
    ] {
        let run = home.try_build(&["--registry", place]).exits(3);
        let build = run.last_json();
        assert_eq!(build["status"], "failed", "{}", build["error"]);
        let error = build["error"].as_str().unwrap_or_default();
        assert!(error.contains(word), "{place}: {error}");
        assert!(
            warnings(&build).contains(&format!("{place}/{}:buildcache", repo.image("web"))),
            "{}",
            warnings(&build)
        );
        // A plan asks as well as it can.
        assert_eq!(home.json(&["plan", "--registry", place])["decision"], "full");
    }
    assert_eq!(home.build(&[])["status"], "succeeded", "without it all is well");
}
