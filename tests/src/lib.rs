//! Shared by the journeys: temporary homes, repositories, the program under test, and what to ask Docker.
//!
//! Every journey has a home and a folder name of its own, so that journeys run side by side and clean up by themselves:
//! images are named after the folder they come from.

pub mod code_builder;
pub mod compose;
pub mod datum;
mod docker;
pub mod fault_proxy;
mod files;
mod headstart;
mod http;
mod memory;
pub mod pipeline;
pub mod registry;
mod repository;
pub mod second_engine;
pub mod window;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use docker::{Listing, docker, has_image, in_image, listing, remove_images, try_docker};
pub use files::{Files, digest};
pub use headstart::{Home, Run, Running, binary};
pub use http::{Answer, free_port, http};
pub use memory::peak;
pub use repository::{BUSYBOX, Repository};

/// Waits until a question has an answer; panics with what was waited for when it takes too long.
pub fn wait_for<T>(what: &str, limit: Duration, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns a name that no other journey has.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{prefix}-{:x}{:x}{next:x}",
        std::process::id(),
        now.subsec_nanos()
    )
}

/// Returns seconds for `sleep` that no other journey uses, so that its processes can be told from theirs.
pub fn long_nap() -> String {
    let name = unique("");
    let digits: String = name.bytes().map(|byte| char::from(b'0' + byte % 10)).collect();
    format!("300.{digits}")
}

/// Lists processes whose command line contains a text, as `pid command line`; threads and zombies do not count.
pub fn processes_with(text: &str) -> Vec<String> {
    let ours = std::process::id().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().into_string().ok()?;
            if pid == ours || !pid.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(text).then(|| format!("{pid} {line}"))
        })
        .collect()
}

/// Returns the root of this workspace.
pub fn workspace() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}
