//! Building from the history: in full, on a base, and cancelled; what the desktop hears of it.

use headstart_tests::window::{Desktop, Window};
use headstart_tests::{Home, Repository, processes_with};
use serde_json::json;

/// Does its work once, as a compiler does: what an older build left is kept.
const PAGES: &str = "if [ ! -e out ]; then printf '\\033[32mcompiling\\033[0m pages\\n'; sleep 4; date > out; fi; echo pages are there";

#[test]
fn commits_are_built_in_full_then_on_a_base_and_cancelled_builds_are_no_news() {
    let home = Home::new();
    let repository = Repository::empty();
    repository.tasks(&[("pages", PAGES), ("words", "wc -w *.txt")]);
    repository.write("wren.txt", "Wren\n");
    let first = repository.commit("Write the page of the wren");
    home.add(&repository.path);
    let desktop = Desktop::new(&home);
    let window = Window::open(&desktop);
    window.focus();

    // Whoever looks at the window is told of long builds only; here every one counts as long.
    window.press("ctrl+,");
    window.fill("Seconds a build takes at least", "0");
    window.press("Tab");
    window.until("the setting to be stored", |_| {
        let stored = home.json(&["settings", "get"]);
        (stored["notifications"]["focused_threshold_s"] == json!(0)).then_some(())
    });

    // In full, by mouse.
    window.press("g");
    window.press("h");
    window.click("option", "Write the page of the wren");
    window.until("a full plan", |window| {
        window
            .see("region", "Decision")
            .text
            .contains("Full build")
            .then_some(())
    });
    window.click("button", "Build");
    window.see("button", "Cancel");
    window.see("img", "running");
    window.see("option", "pages, running");
    let coloured = window.colour_of("compiling");
    assert_ne!(
        coloured,
        window.colour_of("pages"),
        "what a task writes in green is shown in green"
    );
    window.picture("build-running");
    ended(&window, "succeeded");
    window.see("option", "pages, done");
    window.see("option", "words, done");
    let told =
        desktop.wait_for_notification("news of the first build", |news| news.body.contains(&first[..7]));
    assert_eq!(told.title, format!("{} built", repository.name));
    assert!(
        told.body.contains(" built in ") && told.body.contains(" s"),
        "the time is told: {}",
        told.body
    );

    // The inbox has it too, and leads to the build.
    window.press("g");
    window.press("h");
    window.see("listbox", "Commits");
    window.press("g");
    window.press("n");
    window.click("button", &format!("{} built", repository.name));
    window.see("heading", "Write the page of the wren");
    window.see("button", "Build again");

    // A commit made meanwhile is there with the next change of the catalogue, and what is selected stays selected. (Coming
    // back to the window does the same, but a driven page believes that it always has the keyboard.)
    window.press("g");
    window.press("h");
    window.see("listbox", "Commits");
    repository.write("robin.txt", "Robin\n");
    let second = repository.commit("Write the page of the robin");
    let full = home.builds().swap_remove(0);
    let _ = home
        .run(&["builds", "pin", full["id"].as_str().unwrap_or_default()])
        .ok();
    window.see("option", "Write the page of the robin");
    window.until("the same commit to be selected, a row further down", |window| {
        let rows = window.seen("option", "");
        rows.iter()
            .find(|row| row.selected)?
            .name
            .contains("wren")
            .then_some(())
    });

    // It has a base.
    window.click("option", "Write the page of the robin");
    window.until("an incremental plan with its base", |window| {
        let text = window.see("region", "Decision").text;
        let origin = format!("on {} · 1 back · 1 file", &first[..7]);
        (text.contains("Incremental") && text.contains(&origin)).then_some(())
    });
    window.picture("history-incremental");

    // On its base, by keyboard.
    window.press("b");
    window.see("heading", "Write the page of the robin");
    ended(&window, "succeeded");
    window.see_text(&format!("on {} , 1 back, 1 file", &first[..7]).replace(" ,", ","));
    window.see_text("saved");
    let told = desktop.wait_for_notification("news of the second build", |news| {
        news.body.contains(&second[..7])
    });
    assert!(
        told.body.ends_with(" saved"),
        "what was saved is told: {}",
        told.body
    );

    // Cancelled: in full, so that there is time for it.
    repository.write("owl.txt", "Owl\n");
    let third = repository.commit("Write the page of the owl");
    window.press("g");
    window.press("h");
    window.click("option", "Write the page of the owl");
    window.see("button", "Build");
    window.press("shift+b");
    window.see("heading", "Write the page of the owl");
    window.colour_of("compiling");
    window.click("button", "Cancel");
    ended(&window, "cancelled");
    let newest = home.builds().swap_remove(0);
    assert_eq!(
        (&newest["status"], &newest["commit"]),
        (&json!("cancelled"), &json!(third))
    );
    let id = newest["id"].as_str().unwrap_or_default();
    assert_eq!(
        processes_with(id),
        Vec::<String>::new(),
        "nothing of it runs any more"
    );

    // The next build is news again, and the cancelled one was none.
    window.press("g");
    window.press("h");
    window.see("button", "Build");
    desktop.close_notifications();
    window.press("b");
    window.see("heading", "Write the page of the owl");
    ended(&window, "succeeded");
    desktop.wait_for_notification("news of the last build", |news| news.body.contains(&third[..7]));
    let told: Vec<String> = desktop
        .notifications()
        .into_iter()
        .map(|news| news.title)
        .collect();
    assert_eq!(
        told,
        vec![format!("{} built", repository.name); 3],
        "who cancelled knows"
    );

    // A click on it leads to the build.
    window.press("g");
    window.press("h");
    window.see("listbox", "Commits");
    desktop.click_notification();
    window.see("heading", "Write the page of the owl");
    window.see("button", "Build again");
}

fn ended(window: &Window, status: &str) {
    window.see("button", "Build again");
    window.see("img", status);
}
