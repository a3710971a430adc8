//! Finding, pinning, comparing and deleting builds.

use headstart_tests::window::{Desktop, Window};
use headstart_tests::{Home, Repository, has_image, wait_for};
use std::time::Duration;

#[test]
fn builds_are_found_opened_pinned_compared_and_deleted_with_a_way_back() {
    let home = Home::new();
    let repository = Repository::empty();
    repository.tasks(&[
        ("pages", "ls *.txt > pages"),
        (
            "check",
            "if [ -e empty.txt ]; then echo checking; echo 'empty.txt has no title' >&2; exit 3; fi",
        ),
    ]);
    repository.write("wren.txt", "Wren\n");
    repository.commit("Write the page of the wren");
    home.add(&repository.path);
    let full = home.build(&["--project", repository.arg()]);
    repository.write("robin.txt", "Robin\n");
    repository.commit("Write the page of the robin");
    let incremental = home.build(&["--project", repository.arg()]);
    repository.write("empty.txt", "");
    repository.commit("Keep a place for the owl");
    let failed = home
        .try_build(&["--project", repository.arg()])
        .exits(1)
        .last_json();
    let id = |build: &serde_json::Value| build["id"].as_str().unwrap_or_default().to_owned();
    let (full, incremental) = (id(&full), id(&incremental));
    let desktop = Desktop::new(&home);
    let window = Window::open(&desktop);

    // Filters.
    window.press("g");
    window.press("b");
    listed(&window, &["owl", "robin", "wren"]);
    window.click("button", "failed");
    listed(&window, &["owl"]);
    window.click("button", "Show all builds");
    listed(&window, &["owl", "robin", "wren"]);
    let beginning = (1..=32)
        .map(|length| &full[..length])
        .find(|start| !incremental.starts_with(start) && !id(&failed).starts_with(start));
    window.fill(
        "Search builds",
        &format!("startswith:{}", beginning.unwrap_or(&full)),
    );
    listed(&window, &["wren"]);
    window.fill("Search builds", "robin");
    listed(&window, &["robin"]);
    window.click("button", "Show all builds");
    listed(&window, &["owl", "robin", "wren"]);

    // A failed build opens where it failed.
    window.click("option", "Keep a place for the owl");
    window.until("the failing step to be selected", |window| {
        window
            .seen("option", "check, failed, exit code 3")
            .iter()
            .any(|step| step.selected)
            .then_some(())
    });
    window.see_text("empty.txt has no title");
    window.picture("build-failed");
    window.press("Escape");
    window.press("Escape");
    listed(&window, &["owl", "robin", "wren"]);

    // Pinned builds stay.
    window.click("option", "Write the page of the robin");
    window.click("button", "Pin: keep from deletion");
    window.see("button", "Unpin");
    assert_eq!(home.show(&incremental)["pinned"], true);
    window.press("g");
    window.press("b");

    // Two are compared.
    listed(&window, &["owl", "robin", "wren"]);
    window.press("j");
    window.press("j");
    window.press("Space");
    window.press("j");
    window.press("Space");
    window.see("toolbar", "Selected builds");
    window.picture("builds-selected");
    window.press("c");
    window.see_gone("toolbar", "Selected builds");
    window.see("button", "Write the page of the wren");
    window.see("button", "Write the page of the robin");
    window.press("Escape");

    // Deleted, undone, and deleted for good.
    listed(&window, &["owl", "robin", "wren"]);
    delete(&window);
    window.click("button", "Undo");
    listed(&window, &["owl", "robin", "wren"]);
    assert_eq!(home.builds().len(), 3, "nothing was deleted yet");
    delete(&window);
    listed(&window, &["owl", "robin"]);
    wait_for("the build to be deleted", Duration::from_secs(30), || {
        (home.builds().len() == 2).then_some(())
    });
    assert!(
        home.builds().iter().all(|build| id(build) != full),
        "the one that was asked for is gone"
    );
    let image = format!("headstart/{}", repository.name);
    // The record goes first; the image follows.
    wait_for("its image to go with it", Duration::from_secs(30), || {
        (!has_image(&format!("{image}:{full}"))).then_some(())
    });
}

/// Waits until exactly these builds are listed, each recognised by a word.
fn listed(window: &Window, words: &[&str]) {
    window.until(&format!("the builds of {words:?}"), |window| {
        let seen = window.seen("option", "");
        (seen.len() == words.len()
            && seen
                .iter()
                .zip(words)
                .all(|(build, word)| build.name.contains(word)))
        .then_some(())
    });
}

/// Deletes the oldest build of the list after a look at what that does.
fn delete(window: &Window) {
    window.press("j");
    window.press("End");
    window.press("Delete");
    let plan = window.see("dialog", "Delete 1 build");
    window.until("what deleting frees", |window| {
        let text = window.seen("dialog", "Delete 1 build").pop()?.text;
        (text.contains("Frees") && text.contains("Images that go")).then_some(())
    });
    window.picture("delete");
    assert!(!plan.disabled);
    window.click("button", "Delete");
}
