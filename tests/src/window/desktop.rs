//! A desktop session that nobody sees, one per journey: a display, a message bus, a notification daemon, a WebDriver.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Home, wait_for, workspace};

/// What runs inside the session. It ends when its standard input does, which is when the test ends, however that
/// happens; `with-display.sh` then ends everything else.
const SESSION: &str = r#"
dbus-monitor --session "interface='org.freedesktop.Notifications'" >"$1/notifications" 2>/dev/null &
WebKitWebDriver --port="$2" --replace-on-new-session >"$1/webdriver" 2>&1 &
printf 'DISPLAY=%s\n' "$DISPLAY"
printf 'DBUS_SESSION_BUS_ADDRESS=%s\n' "$DBUS_SESSION_BUS_ADDRESS"
printf 'XDG_RUNTIME_DIR=%s\n' "$XDG_RUNTIME_DIR"
echo
exec cat >/dev/null
"#;

/// A session, its programs, and the folders the window keeps its own things in.
pub struct Desktop {
    /// Where the WebDriver answers.
    pub webdriver: String,
    environment: HashMap<String, String>,
    dir: TempDir,
    session: Child,
    input: Option<ChildStdin>,
}

/// A desktop notification as the message bus carried it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its first line.
    pub title: String,
    /// What it says.
    pub body: String,
}

impl Desktop {
    /// Starts a session in which programs use a home's catalogue.
    pub fn new(home: &Home) -> Self {
        let dir = TempDir::with_prefix("headstart-desk-")
            .unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let port = free_port();
        let script = workspace().join(".ci/setup/with-display.sh");
        let log = File::create(dir.path().join("session"));
        let log = log.unwrap_or_else(|error| panic!("no file in a temporary folder: {error}"));
        let mut session = Command::new(&script)
            .args(["sh", "-c", SESSION, "session"])
            .arg(dir.path())
            .arg(port.to_string())
            .env("HEADSTART_SCREEN", "1280x800x24")
            .env("HEADSTART_HOME", home.path())
            // What the window remembers of itself is neither the user's nor another journey's.
            .env("XDG_CONFIG_HOME", dir.path().join("config"))
            .env("XDG_DATA_HOME", dir.path().join("data"))
            .env("XDG_CACHE_HOME", dir.path().join("cache"))
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("RUST_LOG")
            .envs(home.env().iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
        let input = session.stdin.take();
        let output = BufReader::new(
            session
                .stdout
                .take()
                .unwrap_or_else(|| unreachable!("it is piped")),
        );
        let lines = output
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty());
        let environment: HashMap<String, String> = lines
            .filter_map(|line| {
                line.split_once('=')
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
            })
            .collect();
        let desktop = Self {
            webdriver: format!("http://127.0.0.1:{port}"),
            environment,
            dir,
            session,
            input,
        };
        assert!(
            desktop.environment.len() == 3,
            "a window needs a display, and none could be started: {}",
            desktop.said("session")
        );
        wait_for("the WebDriver", Duration::from_secs(20), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        desktop
    }

    /// Returns a command that is to run in the session.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(&self.environment).stdin(Stdio::null());
        command
    }

    /// Returns the display's name.
    pub fn display(&self) -> &str {
        &self.environment["DISPLAY"]
    }

    /// Returns the notifications shown so far.
    pub fn notifications(&self) -> Vec<Notification> {
        notifications(&self.said("notifications"))
    }

    /// Waits for a notification that a test recognises.
    pub fn wait_for_notification(&self, what: &str, test: impl Fn(&Notification) -> bool) -> Notification {
        wait_for(what, Duration::from_secs(30), || {
            self.notifications()
                .into_iter()
                .find(|notification| test(notification))
        })
    }

    /// Closes all notifications.
    pub fn close_notifications(&self) {
        drop(self.command("dunstctl").arg("close-all").output());
    }

    /// Clicks the only notification there is.
    pub fn click_notification(&self) {
        wait_for("the notification to be shown", Duration::from_secs(20), || {
            let shown = self.command("dunstctl").args(["count", "displayed"]).output();
            shown
                .is_ok_and(|shown| shown.stdout.trim_ascii() == b"1")
                .then_some(())
        });
        let status = self.command("dunstctl").arg("action").status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "a click on a notification"
        );
    }

    /// Stores a picture of a part of the screen, as `width x height` from its upper left corner.
    pub fn picture(&self, file: &Path, (width, height): (u32, u32)) {
        let status = self
            .command("import")
            .args([
                "-window",
                "root",
                "-crop",
                &format!("{width}x{height}+0+0"),
                "+repage",
            ])
            .arg(file)
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "a picture of the screen"
        );
    }

    fn said(&self, file: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(file)).unwrap_or_default()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        drop(self.input.take());
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if !matches!(self.session.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(self.session.kill());
        drop(self.session.wait());
    }
}

/// Returns the `headstart-app` beside this test. `HEADSTART_APP_BIN` names another one.
pub(super) fn app_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("HEADSTART_APP_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap_or_default();
    // target/<profile>/deps/<test>
    let path = test
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("."))
        .join("headstart-app");
    assert!(
        path.exists(),
        "{} is not built; `make test` builds it: first the page, then cargo build -p headstart-app --features \
         headstart-app/custom-protocol",
        path.display()
    );
    path
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener
        .unwrap_or_else(|error| panic!("no free port: {error}"))
        .port()
}

/// Reads the calls of `Notify` in what `dbus-monitor` printed: program, icon, title and body are its strings.
fn notifications(monitored: &str) -> Vec<Notification> {
    monitored
        .split("\nmethod call ")
        .filter(|call| {
            call.lines()
                .next()
                .is_some_and(|line| line.ends_with("member=Notify"))
        })
        .filter_map(|call| {
            let mut strings = call.lines().filter_map(|line| {
                line.strip_prefix("   string \"")
                    .and_then(|text| text.strip_suffix('"'))
            });
            Some(Notification {
                title: strings.nth(2)?.to_owned(),
                body: strings.next()?.to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Notification, notifications};

    #[test]
    fn notifications_are_read_from_what_the_bus_carried() {
        let said = "signal time=1.2 sender=org.freedesktop.DBus path=/ interface=x; member=NameAcquired\n   \
            string \":1.4\"\n\
            method call time=1.3 sender=:1.9 -> destination=:1.1 serial=9 path=/x; interface=x; member=Notify\n   \
            string \"Headstart\"\n   uint32 0\n   string \"headstart\"\n   string \"guide built\"\n   \
            string \"9c1e77a built in 5.3 s\"\n   array [\n      string \"default\"\n   ]\n";
        let seen = Notification {
            title: "guide built".to_owned(),
            body: "9c1e77a built in 5.3 s".to_owned(),
        };
        assert_eq!(notifications(said), [seen]);
    }
}
