//! A Docker engine of a journey's own: with nothing in it, and behind a docker context. The one that everybody shares is
//! neither wiped nor stopped by a test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::Home;

/// An engine that was started for one journey and ends with it. It changes no packet filter, so that it cannot disturb the
/// engine that everybody uses; its containers see each other and this machine.
pub struct SecondEngine {
    dir: TempDir,
    bridge: String,
    process: Child,
}

/// Name of the docker context that leads to the engine.
pub const CONTEXT: &str = "second";

impl SecondEngine {
    /// Starts an engine; none where this user may not, which is said.
    pub fn start() -> Option<Self> {
        if !may_be_root() {
            eprintln!("left out: starting a second Docker engine needs root");
            return None;
        }
        // Sockets have short paths.
        let dir =
            TempDir::with_prefix_in("hse-", "/tmp").unwrap_or_else(|error| panic!("no folder: {error}"));
        let at = |name: &str| dir.path().join(name);
        // Several journeys may have one at a time, also in one process.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let number = (std::process::id().wrapping_mul(4).wrapping_add(next)) % 250;
        let bridge = format!("hse{}x{next}", std::process::id());
        run_as_root(&["ip", "link", "add", &bridge, "type", "bridge"]);
        run_as_root(&[
            "ip",
            "address",
            "add",
            &format!("10.214.{number}.1/24"),
            "dev",
            &bridge,
        ]);
        // An overlay cannot lie on another one, as it would in many containers.
        let kind = Command::new("stat")
            .args(["-f", "-c", "%T"])
            .arg(dir.path())
            .output();
        let on_overlay = kind.is_ok_and(|kind| kind.stdout.starts_with(b"overlay"));
        let config = serde_json::json!({
            "features": { "containerd-snapshotter": true },
            "storage-driver": if on_overlay { "native" } else { "overlayfs" },
            "insecure-registries": ["127.0.0.0/8"],
            "default-address-pools": [{ "base": format!("10.215.{number}.0/24"), "size": 28 }],
            "iptables": false,
            "ip6tables": false,
            "ip-forward": false,
            "bridge": bridge,
            "data-root": at("data"),
            "exec-root": at("run"),
            "pidfile": at("pid"),
            "hosts": [format!("unix://{}", at("socket").display())],
            "shutdown-timeout": 5,
        });
        let written = std::fs::write(at("daemon.json"), config.to_string());
        assert!(written.is_ok(), "{}: {written:?}", at("daemon.json").display());
        let log = std::fs::File::create(at("log")).unwrap_or_else(|error| panic!("no log: {error}"));
        let file = text(&at("daemon.json"));
        // It ends with this test, however that happens.
        let process = as_root(&[
            "setpriv",
            "--pdeathsig",
            "TERM",
            "dockerd",
            "--config-file",
            &file,
        ])
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("dockerd: {error}"));
        let engine = Self { dir, bridge, process };
        let started = std::time::Instant::now();
        while crate::try_docker(&["--host", &engine.address(), "version"]).is_err() {
            let said = || std::fs::read_to_string(engine.dir.path().join("log")).unwrap_or_default();
            assert!(
                started.elapsed().as_secs() < 60,
                "the second engine did not start: {}",
                said()
            );
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        engine.make_context();
        Some(engine)
    }

    fn make_context(&self) {
        let config = self.config();
        let made = std::fs::create_dir(&config);
        assert!(made.is_ok(), "{}: {made:?}", config.display());
        // A user's own plugins lie beside the user's own contexts.
        let own = std::env::var_os("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")));
        if let Some(plugins) = own.map(|own| own.join("cli-plugins")).filter(|own| own.exists()) {
            drop(std::os::unix::fs::symlink(plugins, config.join("cli-plugins")));
        }
        let address = format!("host={}", self.address());
        let context = Command::new("docker")
            .args(["context", "create", CONTEXT, "--docker", &address])
            .env("DOCKER_CONFIG", &config)
            .output();
        assert!(
            context.is_ok_and(|output| output.status.success()),
            "a docker context"
        );
    }

    /// Returns the engine's address.
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Returns a home in which the engine is known as the context [`CONTEXT`], beside the usual one.
    pub fn home(&self) -> Home {
        Home::new().with("DOCKER_CONFIG", self.config().to_string_lossy())
    }

    /// Returns the folder of docker's settings in which the context is.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("config")
    }

    /// Runs docker with this engine and returns what it printed.
    pub fn docker(&self, arguments: &[&str]) -> String {
        let address = self.address();
        crate::docker(&[&["--host", &address], arguments].concat())
    }

    /// Brings an image from the usual engine.
    pub fn bring(&self, image: &str) {
        let save = Command::new("docker")
            .args(["save", image])
            .stdout(Stdio::piped())
            .spawn();
        let mut save = save.unwrap_or_else(|error| panic!("docker: {error}"));
        let tar = save.stdout.take().map_or_else(Stdio::null, Stdio::from);
        let load = Command::new("docker")
            .args(["--host", &self.address(), "load", "--quiet"])
            .stdin(tar)
            .output();
        let saved = save.wait();
        assert!(saved.is_ok_and(|status| status.success()), "docker save {image}");
        assert!(
            load.is_ok_and(|output| output.status.success()),
            "docker load {image}"
        );
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }
}

impl Drop for SecondEngine {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.dir.path().join("pid")) {
            drop(as_root(&["kill", pid.trim()]).status());
        }
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            if std::time::Instant::now() > deadline {
                drop(self.process.kill());
                drop(self.process.wait());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        drop(as_root(&["ip", "link", "delete", &self.bridge]).status());
        // What it left belongs to root.
        for name in ["data", "run"] {
            drop(as_root(&["rm", "-rf", "--", &text(&self.dir.path().join(name))]).status());
        }
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn may_be_root() -> bool {
    is_root() || as_root(&["true"]).status().is_ok_and(|status| status.success())
}

fn as_root(arguments: &[&str]) -> Command {
    let mut words = arguments.iter();
    let mut command = if is_root() {
        Command::new(words.next().unwrap_or(&"true"))
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("-n");
        sudo
    };
    command
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn run_as_root(arguments: &[&str]) {
    let status = as_root(arguments).status();
    assert!(status.is_ok_and(|status| status.success()), "{arguments:?}");
}
