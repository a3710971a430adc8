//! A builder from its form to its end, and what a prune would free.

use headstart_tests::window::{Desktop, Window};
use headstart_tests::{Home, Repository, unique};
use tempfile::TempDir;

#[test]
fn a_builder_is_made_selected_and_removed_and_says_why_it_cannot_start() {
    // buildx's settings are the user's own; this journey has others.
    let buildx = TempDir::with_prefix("hst-buildx-").unwrap_or_else(|error| panic!("{error}"));
    let home = Home::new().with("BUILDX_CONFIG", buildx.path().to_string_lossy());
    let repository = Repository::with_task("echo built");
    home.add(&repository.path);
    let name = unique("team");
    let card = format!("Builder {name}");
    let own = home.json(&["builders", "inspect"])["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();

    let desktop = Desktop::new(&home);
    let window = Window::open(&desktop);
    window.press("g");
    window.press("s");
    window.see("heading", "Builders");
    window.see("listitem", &format!("Builder {own}"));
    window.press("n");
    window.see("dialog", "New builder");
    assert!(
        window.see("button", "Make builder").disabled,
        "it has no name yet"
    );
    window.fill("Name", &name);
    // Names below .invalid are never found, wherever this runs.
    window.fill("Driver options", "image=registry.invalid/buildkit:none");
    window.picture("builder-new");
    window.click("button", "Make builder");
    window.see_gone("dialog", "New builder");
    window.see("listitem", &card);

    window.command(&format!("Select builder {name}"));
    let selected = |window: &Window, name: &str| {
        window.seen("listitem", &format!("Builder {name}"))[..]
            .first()
            .is_some_and(|card| card.text.contains("selected"))
    };
    window.until("the new builder to be the selected one", |window| {
        (selected(window, &name) && !selected(window, &own)).then_some(())
    });
    assert_eq!(
        home.json(&["builders", "inspect"])["name"],
        name.as_str(),
        "docker sees it too"
    );
    window.command(&format!("Start builder {name}"));
    window.see_text("registry.invalid/buildkit:none could not be pulled");
    window.picture("builder-failed");

    window.command(&format!("Prune cache of {own}"));
    window.see_text("Frees about");
    window.picture("builder-prune");
    window.click("button", "Keep");
    window.see_gone("dialog", "Prune the cache");

    window.command(&format!("Remove builder {name}"));
    window.see("dialog", &format!("Remove {name}"));
    window.click("button", "Remove");
    window.see_gone("listitem", &card);
    window.until("builds to go to the engine's own builder", |window| {
        selected(window, &own).then_some(())
    });
}
