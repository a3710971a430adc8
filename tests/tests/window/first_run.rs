//! From nothing to the first history.

use headstart_tests::window::{Desktop, Window};
use headstart_tests::{BUSYBOX, Home, Repository};
use serde_json::json;

#[test]
fn projects_are_dropped_pasted_or_typed_and_previewed_before_they_are_added() {
    let home = Home::new();
    let good = Repository::with_task("echo made > made.txt");
    good.write("src/wren.txt", "Wren\n");
    good.commit("Write the page of the wren");
    let bad = Repository::empty();
    bad.write(
        ".gitpod.yml",
        format!("image: {BUSYBOX}\ntasks:\n  - init: make\n    comand: make run\n  - [\n"),
    );
    bad.commit("A config that cannot be read");
    let desktop = Desktop::new(&home);
    let window = Window::open(&desktop);

    window.see_text("Never build twice what a commit you already have can give you.");
    window.see("button", "Choose a folder…");

    // A broken config, dropped: it is told where it is broken while it is still held.
    let drag = window.drag(&bad.path);
    window.see_text("Workspace config that cannot be used yet 1 problem: drop to see where");
    window.picture("drop");
    drag.let_go();
    let dialog = window.see("dialog", "Add a project");
    window.until("the place of the problem", |window| {
        let text = window.seen("dialog", "Add a project").pop()?.text;
        let place = text.split(".gitpod.yml:").nth(1)?;
        let mut numbers = place.split([':', ' ']).map(str::parse::<u32>);
        let (line, column) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        assert!(
            line >= 5 && column >= 1,
            "line and column are those of the file: {line}:{column}"
        );
        Some(())
    });
    window.picture("preview-problem");
    assert!(
        window
            .seen("button", "Add ")
            .iter()
            .all(|button| !button.name.starts_with("Add hst")),
        "what cannot be read cannot be added: {dialog:?}"
    );
    window.escape();

    // A path, pasted.
    window.paste(good.arg());
    window.see("dialog", &format!("Add {}", good.name));
    window.see_text("Workspace config, 1 task");
    window.picture("preview");
    window.escape();
    assert_eq!(home.json(&["project", "list"]), json!([]), "looking adds nothing");

    // A path, typed.
    window.command("Add a project by its path");
    window.fill("Path", good.arg());
    window.press("Enter");
    window.click("button", &format!("Add {}", good.name));
    window.see("listbox", "Commits");
    window.see("option", "Write the page of the wren");
    window.see("option", "first");
}
