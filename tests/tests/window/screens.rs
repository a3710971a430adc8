//! Every screen, by keyboard, in both themes and at two sizes.

use std::process::Command;

use headstart_tests::window::{Desktop, Window};
use headstart_tests::{Home, Repository, unique, workspace};

#[test]
fn every_screen_is_reached_by_keyboard_in_both_themes() {
    let folder = tempfile::TempDir::with_prefix("headstart-repo-").unwrap_or_else(|error| panic!("{error}"));
    let repository = Repository::at(&folder.path().join(unique("field-guide")));
    let made = Command::new(workspace().join(".ci/setup/sample.sh"))
        .arg(&repository.path)
        .status();
    assert!(made.is_ok_and(|status| status.success()), "the sample repository");
    let home = Home::new();
    home.add(&repository.path);
    for commit in ["v0.1", "v0.2", "main~1"] {
        home.build(&["--project", repository.arg(), "--commit", commit]);
    }
    drop(
        home.try_build(&["--project", repository.arg(), "--commit", "main~3"])
            .exits(1),
    );
    let desktop = Desktop::new(&home);
    let mut window = Window::open(&desktop);

    // The history, from row to row.
    window.see("option", "Say where the words come from");
    let selected = |window: &Window| window.seen("option", "").iter().position(|row| row.selected);
    let at_first = window.until("HEAD to be selected", selected);
    window.press("j");
    window.press("j");
    window.until("two rows further down", |window| {
        (selected(window)? == at_first + 2).then_some(())
    });
    window.press("k");
    window.until("one row up again", |window| {
        (selected(window)? == at_first + 1).then_some(())
    });
    window.see("region", "Decision");
    window.press("Escape");
    window.see_gone("region", "Decision");
    window.press("Enter");
    window.click("listbox", "Commits");
    window.press("Enter");
    window.see("region", "Decision");

    // The keys and the palette close by Escape.
    window.press("?");
    window.see("dialog", "Keys");
    window.escape();
    window.open_palette();
    window.escape();

    for theme in ["light", "dark"] {
        window.command(if theme == "light" {
            "Light colours"
        } else {
            "Dark colours"
        });
        window.until("the theme", |window| (window.theme() == theme).then_some(()));
        for (width, height) in [(1280, 800), (900, 600)] {
            window.resize(width, height);
            walk(
                &window,
                &format!("{theme}{}", if width == 900 { "-small" } else { "" }),
            );
        }
    }
}

/// Takes a picture of each screen.
fn walk(window: &Window, kind: &str) {
    let shot = |name: &str| window.picture(&format!("{name}-{kind}"));
    go(window, "h", "History");
    window.see("option", "Say where the words come from");
    window.press("h");
    window.press("p");
    if window.seen("region", "Decision").is_empty() {
        window.press("p");
    }
    window.see("region", "Decision");
    window.until("estimates", |window| {
        window
            .seen("region", "Decision")
            .pop()?
            .text
            .contains("about")
            .then_some(())
    });
    shot("history");

    go(window, "b", "Builds");
    window.see("option", "Tell the house sparrow");
    shot("builds");
    window.click("option", "Keep a place for the owl");
    window.see_text("a page needs a title");
    shot("build-failed");
    window.press("g");
    window.press("b");
    window.click("option", "Tell the house sparrow");
    window.see("button", "Build again");
    window.see_text("compiled");
    shot("build");
    go(window, "r", "Runs");
    window.see_text("Nothing runs");
    shot("runs");
    go(window, "s", "Stacks");
    window.see_text("The engine answers");
    window.see_text("buildx is there");
    shot("stacks");
    go(window, "i", "Insights");
    window.see_text("Slowest steps");
    window.see_text("pages");
    shot("insights");
    window.press("ctrl+,");
    window.see("heading", "Settings");
    shot("settings");
    window.press("?");
    window.see("dialog", "Keys");
    shot("keys");
    window.escape();
    window.press("g");
    window.press("n");
    window.see("heading", "Inbox");
    shot("inbox");
    window.press("Escape");
    window.see_gone("heading", "Inbox");
    go(window, "h", "History");
    window.open_palette();
    window.type_text("owl");
    window.see("option", "Write the page of the owl");
    shot("palette");
    window.escape();
}

fn go(window: &Window, key: &str, section: &str) {
    window.press("g");
    window.press(key);
    window.until(&format!("{section} to be shown"), |window| {
        window
            .seen("button", section)
            .iter()
            .any(|item| item.current)
            .then_some(())
    });
}
