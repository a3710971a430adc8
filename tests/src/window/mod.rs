//! The real window, looked at and used as a person does: what is on the screen has a role and a name, and is clicked or
//! typed at. Nothing is told to the page in any other way.

mod desktop;
mod neighbour;

use std::path::Path;
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions, MouseActions, PointerAction};
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use neighbour::Neighbour;

pub use desktop::{Desktop, Notification};

use crate::{wait_for, workspace};

/// Machines are noisy; what takes longer is broken.
const PATIENCE: Duration = Duration::from_secs(45);
const PAGE: &str = include_str!("page.js");
const LEFT: u64 = 0;
const PALETTE: &str = "Find an action, commit, branch or build";

/// The window of a running application. Dropping it kills the application, as a crash would.
pub struct Window<'a> {
    /// The session it is in.
    pub desktop: &'a Desktop,
    client: Option<Client>,
    runtime: Runtime,
    size: (u32, u32),
}

/// Something on the screen.
#[derive(Clone, Debug, Deserialize)]
pub struct Seen {
    /// What it is called.
    pub name: String,
    /// What stands in it; the value of a field.
    pub text: String,
    /// A button or switch that is on.
    pub pressed: bool,
    /// The selected one of a list.
    pub selected: bool,
    /// The section that is shown.
    pub current: bool,
    /// Cannot be used now.
    pub disabled: bool,
    /// Takes what is typed.
    pub focused: bool,
}

impl<'a> Window<'a> {
    /// Starts the application and waits for its page.
    pub fn open(desktop: &'a Desktop) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
        let options = json!({"binary": desktop::app_binary(), "args": []});
        let capabilities = serde_json::Map::from_iter([("webkitgtk:browserOptions".to_owned(), options)]);
        let client = runtime.block_on(
            ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
                .capabilities(capabilities)
                .connect(&desktop.webdriver),
        );
        let client = client.unwrap_or_else(|error| panic!("the window did not open: {error}"));
        let window = Self {
            desktop,
            client: Some(client),
            runtime,
            size: (1280, 800),
        };
        window.see("navigation", "Sections");
        window
    }

    /// Waits until something of a role and a name is on the screen. An exact name is preferred to one that begins with
    /// what is asked for, and that to one that contains it.
    pub fn see(&self, role: &str, name: &str) -> Seen {
        self.until(&format!("the {role} “{name}”"), |window| {
            window.seen(role, name).into_iter().next()
        })
    }

    /// Waits until a text is on the screen.
    pub fn see_text(&self, text: &str) {
        self.until(&format!("the text “{text}”"), |window| {
            window.text().contains(text).then_some(())
        });
    }

    /// Waits until nothing of a role and a name is on the screen.
    pub fn see_gone(&self, role: &str, name: &str) {
        self.until(&format!("the {role} “{name}” to go"), |window| {
            window.seen(role, name).is_empty().then_some(())
        });
    }

    /// Returns what of a role and a name is on the screen now.
    pub fn seen(&self, role: &str, name: &str) -> Vec<Seen> {
        let found = self.ask(&[json!("all"), json!(role), json!(name)]);
        serde_json::from_value(found).unwrap_or_default()
    }

    /// Returns all text on the screen now.
    pub fn text(&self) -> String {
        self.ask(&[json!("text")]).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a text stands on the screen in something of its own, and returns its colour.
    pub fn colour_of(&self, text: &str) -> String {
        self.until(&format!("the text “{text}” by itself"), |window| {
            let colour = window.ask(&[json!("colour"), json!(""), json!(text)]);
            colour.as_str().map(str::to_owned)
        })
    }

    /// Waits until a question about the window has an answer; panics with what was waited for, what stands on the
    /// screen, and leaves a picture of it.
    pub fn until<T>(&self, what: &str, mut question: impl FnMut(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = question(self) {
                return answer;
            }
            if Instant::now() > deadline {
                let thread = std::thread::current();
                let test = thread.name().unwrap_or("window").replace("::", "-");
                self.picture(&format!("failed-{test}"));
                panic!(
                    "{what}: not within {PATIENCE:?}; on the screen stands: {}",
                    self.text()
                );
            }
            std::thread::sleep(Duration::from_millis(40));
        }
    }

    /// Clicks something as soon as it can be reached.
    pub fn click(&self, role: &str, name: &str) {
        let (x, y) = self.until(&format!("the {role} “{name}” to click"), |window| {
            let target = window.ask(&[json!("target"), json!(role), json!(name)]);
            let [point] = serde_json::from_value::<[(f64, f64); 1]>(target).ok()?;
            Some(point)
        });
        let mouse = pointer_at(x, y)
            .then(PointerAction::Down { button: LEFT })
            .then(PointerAction::Up { button: LEFT });
        let done = self.runtime.block_on(self.client().perform_actions(mouse));
        done.unwrap_or_else(|error| panic!("clicking the {role} “{name}”: {error}"));
    }

    /// Presses a key, or several at once: `b`, `Enter`, `ctrl+k`.
    pub fn press(&self, chord: &str) {
        let keys: Vec<char> = match chord {
            "+" => vec!['+'],
            chord => chord.split('+').map(key_of).collect(),
        };
        let down = keys.iter().map(|&value| KeyAction::Down { value });
        let up = keys.iter().rev().map(|&value| KeyAction::Up { value });
        self.perform_keys(down.chain(up));
    }

    /// Types a text, key by key.
    pub fn type_text(&self, text: &str) {
        self.perform_keys(
            text.chars()
                .flat_map(|value| [KeyAction::Down { value }, KeyAction::Up { value }]),
        );
    }

    fn perform_keys(&self, actions: impl Iterator<Item = KeyAction>) {
        let keys = actions.fold(KeyActions::new("keys".to_owned()), |keys, action| {
            keys.then(action)
        });
        let done = self.runtime.block_on(self.client().perform_actions(keys));
        done.unwrap_or_else(|error| panic!("pressing keys: {error}"));
    }

    /// Clicks a field and replaces what stands in it.
    pub fn fill(&self, field: &str, text: &str) {
        self.click("textbox", field);
        self.press("ctrl+a");
        self.type_text(text);
        self.until(&format!("the field “{field}” to say “{text}”"), |window| {
            window
                .seen("textbox", field)
                .iter()
                .any(|seen| seen.text == text)
                .then_some(())
        });
    }

    /// Runs what the palette finds for some words.
    pub fn command(&self, words: &str) {
        self.open_palette();
        self.type_text(words);
        self.until(&format!("“{words}” in the palette"), |window| {
            window
                .seen("option", words)
                .iter()
                .any(|entry| entry.selected)
                .then_some(())
        });
        self.press("Enter");
        self.see_gone("dialog", PALETTE);
    }

    /// Opens the palette, ready for what is typed.
    pub fn open_palette(&self) {
        self.press("ctrl+k");
        self.see("dialog", PALETTE);
        self.until("the palette to take what is typed", |window| {
            window
                .seen("combobox", PALETTE)
                .iter()
                .any(|field| field.focused)
                .then_some(())
        });
    }

    /// Closes the palette or a dialog.
    pub fn escape(&self) {
        self.press("Escape");
        self.see_gone("dialog", "");
    }

    /// Returns the theme that is shown, `light` or `dark`.
    pub fn theme(&self) -> String {
        let theme = self.run("return document.documentElement.dataset.theme");
        theme.as_str().unwrap_or_default().to_owned()
    }

    /// Loads the page again, as a person does who thinks it hangs.
    pub fn reload(&self) {
        let done = self.runtime.block_on(self.client().refresh());
        done.unwrap_or_else(|error| panic!("loading the page again: {error}"));
        self.see("navigation", "Sections");
    }

    /// Makes the window another size.
    pub fn resize(&mut self, width: u32, height: u32) {
        let done = self
            .runtime
            .block_on(self.client().set_window_rect(0, 0, width, height));
        done.unwrap_or_else(|error| panic!("resizing the window: {error}"));
        self.size = (width, height);
        self.until("the window to be resized", |window| {
            (window.run("return [innerWidth, innerHeight]") == json!([width, height])).then_some(())
        });
    }

    /// Stores a picture of the window in `tests/screens/`.
    pub fn picture(&self, name: &str) {
        // Neither notifications nor the tooltip of what was clicked last belong to it.
        self.desktop.close_notifications();
        let corner = pointer_at(f64::from(self.size.0 - 3), f64::from(self.size.1 - 3));
        drop(self.runtime.block_on(self.client().perform_actions(corner)));
        // What was just drawn in the page reaches the screen a frame or two later.
        self.run("return new Promise((done) => requestAnimationFrame(() => setTimeout(done, 250)))");
        let folder = workspace().join("tests/screens");
        drop(std::fs::create_dir_all(&folder));
        self.desktop
            .picture(&folder.join(format!("{name}.png")), self.size);
    }

    /// Drags a file or folder over the middle of the window from another program; it is let go with [`Drag::let_go`].
    pub fn drag(&self, path: &Path) -> Drag {
        let list = neighbour::uri_list(path);
        let neighbour =
            Neighbour::offering(self.desktop.display(), "XdndSelection", &list, &["text/uri-list"]);
        neighbour.hold_over((self.size.0 / 2, self.size.1 / 2));
        Drag(neighbour)
    }

    /// Pastes a text that another program holds in the clipboard.
    pub fn paste(&self, text: &str) {
        let types = ["UTF8_STRING", "text/plain;charset=utf-8", "text/plain"];
        let clipboard = Neighbour::offering(self.desktop.display(), "CLIPBOARD", text, &types);
        clipboard.focus_window();
        self.press("ctrl+v");
    }

    /// Gives the keyboard to the window, as a window manager does.
    pub fn focus(&self) {
        self.manager().focus_window();
    }

    /// Closes the window by its close button.
    pub fn close(&self) {
        self.manager().close_window();
    }

    /// Returns whether the window is to be seen.
    pub fn is_open(&self) -> bool {
        self.manager().sees_window()
    }

    fn manager(&self) -> Neighbour {
        Neighbour::offering(self.desktop.display(), "HEADSTART_TESTS", "", &[])
    }

    /// Ends the application as a crash would.
    pub fn kill(self) {
        for process in self.processes() {
            drop(
                std::process::Command::new("kill")
                    .args(["-KILL", &process.to_string()])
                    .status(),
            );
        }
        self.wait_for_end();
    }

    /// Waits until the application has ended by itself.
    pub fn wait_for_end(self) {
        wait_for("the application to end", PATIENCE, || {
            self.processes().is_empty().then_some(())
        });
    }

    /// Returns the processes of the application in this session.
    fn processes(&self) -> Vec<u32> {
        let binary = desktop::app_binary().canonicalize().unwrap_or_default();
        let display = format!("DISPLAY={}\0", self.desktop.display());
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let process = entry.file_name().to_str()?.parse().ok()?;
                let runs = std::fs::read_link(entry.path().join("exe")).ok()?;
                let environment = std::fs::read(entry.path().join("environ")).ok()?;
                let here = String::from_utf8_lossy(&environment).contains(&display);
                (here && runs == binary).then_some(process)
            })
            .collect()
    }

    fn end(&mut self) {
        if let Some(client) = self.client.take() {
            let closing = async { tokio::time::timeout(Duration::from_secs(10), client.close()).await };
            drop(self.runtime.block_on(closing));
        }
    }

    fn client(&self) -> &Client {
        self.client
            .as_ref()
            .unwrap_or_else(|| unreachable!("it is there until the window is dropped"))
    }

    fn ask(&self, arguments: &[Value]) -> Value {
        // A page that is being drawn anew has no answer; whoever waits asks again.
        let answer = self
            .runtime
            .block_on(self.client().execute(PAGE, arguments.to_vec()));
        answer.unwrap_or(Value::Null)
    }

    fn run(&self, script: &str) -> Value {
        let answer = self.runtime.block_on(self.client().execute(script, Vec::new()));
        answer.unwrap_or(Value::Null)
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Something held over the window by another program.
pub struct Drag(Neighbour);

impl Drag {
    /// Drops it.
    pub fn let_go(self) {
        self.0.let_go();
    }
}

fn pointer_at(x: f64, y: f64) -> MouseActions {
    let duration = Some(Duration::ZERO);
    MouseActions::new("mouse".to_owned()).then(PointerAction::MoveTo { duration, x, y })
}

fn key_of(name: &str) -> char {
    let key = match name {
        "ctrl" => Key::Control,
        "shift" => Key::Shift,
        "alt" => Key::Alt,
        "Enter" => Key::Enter,
        "Escape" => Key::Escape,
        "Delete" => Key::Delete,
        "Tab" => Key::Tab,
        "Down" => Key::Down,
        "Up" => Key::Up,
        "Left" => Key::Left,
        "Right" => Key::Right,
        "End" => Key::End,
        "Space" => return ' ',
        name => return name.chars().next().unwrap_or_default(),
    };
    char::from(key)
}
