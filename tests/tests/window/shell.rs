//! A shell in a built image.

use headstart_tests::window::{Desktop, Window};
use headstart_tests::{Home, Repository, docker};

#[test]
fn a_shell_in_the_built_image_answers_and_its_container_goes_with_it() {
    let home = Home::new();
    let repository = Repository::with_task("echo made > made-by-the-task.txt");
    home.add(&repository.path);
    let build = home.build(&["--project", repository.arg()]);
    let id = build["id"].as_str().unwrap_or_default();
    let containers = || {
        docker(&[
            "ps",
            "--all",
            "--quiet",
            "--filter",
            &format!("label=dev.headstart.run={id}"),
        ])
    };
    let desktop = Desktop::new(&home);
    let window = Window::open(&desktop);

    window.press("g");
    window.press("b");
    window.click("option", "first");
    window.click("button", "Open a shell in this image");
    window.see("tab", "Shell");
    window.until("a shell to type into", |window| {
        window
            .seen("textbox", "Terminal input")
            .iter()
            .any(|field| field.focused)
            .then_some(())
    });
    window.until("the container", |_| (!containers().is_empty()).then_some(()));
    window.until("the prompt", |window| window.text().contains("# ").then_some(()));
    window.type_text("ls; echo 6 times 7 is $((6*7))");
    window.press("Enter");
    window.see_text("made-by-the-task.txt");
    window.see_text("6 times 7 is 42");
    window.picture("shell");

    window.click("button", "Close the shell");
    window.see_gone("tab", "Shell");
    window.until("the container to go", |_| containers().is_empty().then_some(()));
}
