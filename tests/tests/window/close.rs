//! The window goes while a build runs.

use headstart_tests::window::{Desktop, Window};
use headstart_tests::{Home, Repository, processes_with};
use serde_json::{Value, json};

#[test]
fn a_closed_window_lets_its_build_go_on_and_a_crash_loses_no_record() {
    let home = Home::new();
    let repository = Repository::with_task("echo at work; sleep 6; echo done with it");
    home.add(&repository.path);
    let desktop = Desktop::new(&home);

    // Closed by its button: the build goes on without a window, and the program ends after it.
    let window = Window::open(&desktop);
    window.click("button", "Build");
    window.see("option", "make, running");
    let closed = newest(&home);
    window.close();
    window.until("the window to close", |window| (!window.is_open()).then_some(()));
    assert_eq!(
        home.show(&closed)["status"],
        "running",
        "closing the window cancels nothing"
    );
    window.wait_for_end();
    assert_eq!(home.show(&closed)["status"], "succeeded");

    // Killed: the build is cut off, and says so.
    repository.write("more.txt", "more\n");
    repository.commit("second");
    let window = Window::open(&desktop);
    window.click("option", "second");
    window.see("button", "Build");
    window.press("b");
    window.see("option", "make, running");
    window.see_text("at work");
    let killed = newest(&home);
    assert_ne!(killed, closed);
    window.kill();
    let window = Window::open(&desktop);
    window.press("g");
    window.press("b");
    window.click("option", "interrupted");
    window.see("img", "interrupted");
    window.see_text("at work");
    window.picture("build-interrupted");
    let record = home.show(&killed);
    assert_eq!(record["status"], json!("interrupted"));
    assert_eq!(
        processes_with(&killed),
        Vec::<String>::new(),
        "nothing of it runs any more"
    );
}

fn newest(home: &Home) -> String {
    let builds = home.builds();
    builds
        .first()
        .and_then(|build| build["id"].as_str())
        .map(str::to_owned)
        .unwrap_or_else(|| {
            panic!(
                "a build that is shown is in the catalogue: {}",
                Value::from(builds.clone())
            )
        })
}
