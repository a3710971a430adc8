//! A compose project from its file to containers that answer, and back to nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use headstart_tests::window::{Desktop, Window};
use headstart_tests::{BUSYBOX, Home, Repository, docker, processes_with, try_docker};

/// A repository whose compose file has three services, and what is deployed of it; all of it goes away with it.
struct Shop {
    repository: Repository,
    /// Port of the web service on this machine.
    port: u16,
}

impl Shop {
    fn new() -> Self {
        let repository = Repository::empty();
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let port = port
            .unwrap_or_else(|error| panic!("no free port: {error}"))
            .port();
        repository.write(
            "compose.yaml",
            format!(
                "services:\n  \
                   web:\n    build: web\n    ports: [\"127.0.0.1:{port}:8000\"]\n    \
                     depends_on: {{api: {{condition: service_healthy}}}}\n    stop_grace_period: 0s\n  \
                   api:\n    build: api\n    stop_grace_period: 0s\n    healthcheck:\n      \
                     {{test: [CMD, test, -e, /ready], interval: 1s, retries: 60}}\n  \
                   cache:\n    image: {BUSYBOX}\n    command: sleep 3600\n    stop_grace_period: 0s\n"
            ),
        );
        repository.write(
            "web/Dockerfile",
            format!(
                "FROM {BUSYBOX}\nCOPY index.html /www/\nRUN sleep 1\n\
                 CMD [\"sh\", \"-c\", \"echo serving on 8000; exec httpd -f -v -p 8000 -h /www\"]\n"
            ),
        );
        repository.write("web/index.html", "Birds of the garden\n");
        repository.write(
            "api/Dockerfile",
            format!(
                "FROM {BUSYBOX}\nCOPY birds.txt /\nRUN grep -c . /birds.txt\n\
                 CMD [\"sh\", \"-c\", \"echo reading birds; cat /birds.txt; sleep 3600\"]\n"
            ),
        );
        repository.write("api/birds.txt", "Wren\nRobin\nOwl\n");
        repository.commit("Serve the birds of the garden");
        Self { repository, port }
    }

    /// Returns what the web service answers.
    fn fetched(&self) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer.rsplit("\r\n").next()?.trim().to_owned()).filter(|body| !body.is_empty())
    }

    /// Lets the api service be healthy, which the web service waits for.
    fn let_api_be_ready(&self) {
        let service = "label=com.docker.compose.service=api";
        let id = docker(&["ps", "--quiet", "--filter", &self.label(), "--filter", service]);
        docker(&["exec", &id, "touch", "/ready"]);
    }

    /// Lists its containers, running or not, as `id image`.
    fn containers(&self) -> Vec<String> {
        let listed = docker(&[
            "ps",
            "--all",
            "--no-trunc",
            "--format",
            "{{.ID}} {{.Image}}",
            "--filter",
            &self.label(),
        ]);
        listed.lines().map(str::to_owned).collect()
    }

    fn networks(&self) -> String {
        docker(&["network", "ls", "--quiet", "--filter", &self.label()])
    }

    fn label(&self) -> String {
        format!("label=com.docker.compose.project={}", self.repository.name)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let remove = |list: &[&str], remove: &[&str]| {
            let found = try_docker(list).unwrap_or_default();
            for one in found.lines() {
                drop(try_docker(&[remove, &[one]].concat()));
            }
        };
        let label = self.label();
        remove(
            &["ps", "--all", "--quiet", "--filter", &label],
            &["rm", "--force", "--volumes"],
        );
        remove(
            &["network", "ls", "--quiet", "--filter", &label],
            &["network", "rm"],
        );
        let images = format!("headstart-{}-*", self.repository.name);
        remove(
            &["images", "--format", "{{.Repository}}:{{.Tag}}", &images],
            &["rmi", "--force"],
        );
    }
}

#[test]
fn a_compose_project_is_dropped_built_deployed_watched_and_taken_down() {
    let home = Home::new();
    let shop = Shop::new();
    let name = &shop.repository.name;
    let card = format!("Compose project {name}");
    let desktop = Desktop::new(&home);
    let window = Window::open(&desktop);

    // The file itself is dropped.
    window.command("Light colours");
    let drag = window.drag(&shop.repository.path.join("compose.yaml"));
    window.see_text("Compose file, 3 services (2 built)");
    window.picture("compose-drop");
    drag.let_go();
    window.see("dialog", &format!("Add {name}"));
    window.see_text("Compose file, 3 services (2 built)");
    window.picture("compose-preview");
    window.click("button", &format!("Add {name}"));
    window.see("option", "Serve the birds of the garden");

    // The plan, service by service.
    window.see("region", "Decision");
    window.see_text("2 services to build");
    let services = window.see("region", "Services").text;
    for service in ["web", "api", "cache"] {
        assert!(services.contains(service), "{service} is listed: {services}");
    }
    window.picture("compose-plan-light");
    window.press("e");
    window.see("dialog", "Files");
    window.see_text("What “docker compose up” gets");
    let files = window.see("dialog", "Files").text;
    assert!(
        files.contains("\"target\"") && files.contains("services:"),
        "both files are shown: {files}"
    );
    window.picture("compose-files-light");
    window.escape();

    // Built and deployed.
    window.click("button", "Build & deploy");
    window.see("article", &format!("Deploy of {name}"));
    window.see_text("Building");
    window.picture("compose-building-light");
    waiting(&window);
    window.picture("compose-deploying-light");

    // Cancelled, which is no failure, and begun again; the page may be loaded anew meanwhile.
    let file = format!("deployments/{name}.yaml");
    assert_ne!(processes_with(&file), [""; 0], "compose is at work");
    window.press("shift+x");
    window.see_text("What had been started by then goes on running");
    assert_eq!(processes_with(&file), [""; 0], "no process is left");
    window.picture("compose-cancelled-light");
    window.click("button", "Deploy again");
    waiting(&window);
    window.reload();
    window.press("g");
    window.press("r");
    waiting(&window);
    window.see("button", "Cancel");
    shop.let_api_be_ready();
    up(&window, &card, 3);
    let address = format!("localhost:{}", shop.port);
    let link = window.see("button", &address).name;
    assert_eq!(link, address, "the port is a link");
    let body = window.until("the web service to answer", |_| shop.fetched());
    assert_eq!(body, "Birds of the garden");
    window.picture("compose-runs-light");
    window.click("button", "Log of web");
    window.see("log", "Log of web");
    window.see_text("serving on 8000");
    window.picture("compose-log-light");
    window.press("Escape");
    window.see_gone("log", "Log of web");

    // What the build made, by service.
    window.click("button", "Build");
    window.see_text("web 2/3");
    window.picture("compose-build-light");

    // One file of one service changes: the other stays as it is.
    let before = shop.containers();
    shop.repository.write("web/index.html", "Birds of the wood\n");
    shop.repository.commit("Move to the wood");
    window.command("Dark colours");
    window.press("g");
    window.press("h");
    window.click("option", "Move to the wood");
    window.see_text("1 of 2 to build");
    window.see_text("1 of 2 services are built");
    let services = window.see("region", "Services").text;
    assert!(services.contains("reuse"), "the api is there already: {services}");
    window.picture("compose-plan-dark");
    window.press("e");
    window.see_text("What “docker compose up” gets");
    window.picture("compose-files-dark");
    window.escape();
    window.press("d");
    window.see("article", &format!("Deploy of {name}"));
    window.see_text("Building");
    window.picture("compose-building-dark");
    window.until("the new page", |_| {
        shop.fetched().filter(|body| body == "Birds of the wood")
    });
    up(&window, &card, 3);
    let after = shop.containers();
    assert_eq!(
        after
            .iter()
            .filter(|container| before.contains(container))
            .count(),
        2,
        "only the web service was started anew: {before:?}, {after:?}"
    );
    window.click("button", "Log of api");
    window.see_text("reading birds");
    window.picture("compose-log-dark");
    window.press("Escape");
    window.press("g");
    window.press("b");
    window.picture("compose-builds-dark");
    window.click("option", "Move to the wood");
    window.see_text("COPY index.html");
    window.picture("compose-build-dark");

    // Down.
    window.press("g");
    window.press("r");
    window.click("button", "Down");
    window.see("dialog", &format!("Take {name} down?"));
    window.picture("compose-down-dark");
    window.click("button", "Take down");
    window.see_text("Nothing runs");
    assert_eq!(shop.containers(), [""; 0], "no container is left");
    assert_eq!(shop.networks(), "", "no network is left");
    assert!(
        !home.path().join(&file).exists(),
        "the file that was deployed is gone"
    );
    assert_eq!(processes_with(&file), [""; 0], "no process is left");
}

#[test]
fn the_registry_of_a_stack_is_left_out_of_one_build() {
    let home = Home::new();
    let shop = Shop::new();
    home.add(&shop.repository.path);
    // Names below .invalid are never found, wherever this runs.
    home.json(&["stacks", "save", "ci", "--registry", "registry.invalid/shop"]);
    home.run(&["stacks", "use", "ci"]).ok();
    let desktop = Desktop::new(&home);
    let window = Window::open(&desktop);
    window.see("region", "Decision");
    window.see_text("cached from 1 image");
    window.click("summary", "Options as the stack says");
    window.see_text("mages are pushed because the registry registry.invalid/shop is set");
    window.picture("compose-options-light");
    window.click("checkbox", "Push to the registry");
    window.see_text("this build leaves the registry out");
    window.until("no cache in a registry", |window| {
        let services = window.see("region", "Services").text;
        (!services.contains("cached from")).then_some(())
    });
    window.picture("compose-options-engine-light");
    window.click("button", "Back to the stack’s");
    window.see_text("cached from 1 image");
}

/// Waits until compose waits for the api service.
fn waiting(window: &Window) {
    window.until("the api to be waited for", |window| {
        let rows = window.seen("listitem", "");
        rows.iter()
            .any(|row| row.text.contains("api-1") && row.text.contains("waiting"))
            .then_some(())
    });
}

/// Waits until a deployment has this many running services.
fn up(window: &Window, card: &str, services: usize) {
    window.until(&format!("{services} running services"), |window| {
        let text = window.seen("article", card).pop()?.text;
        text.contains(&format!("{services} running")).then_some(())
    });
}
