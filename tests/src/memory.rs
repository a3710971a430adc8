//! How much memory a program needs.

use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// Runs a command to its end without its output. Returns how it ended, and the most memory that it had, in bytes: of a program
/// that grows in its last milliseconds a little less.
pub fn peak(command: &mut Command) -> std::io::Result<(ExitStatus, u64)> {
    let mut running = command.stdout(Stdio::null()).spawn()?;
    let path = format!("/proc/{}/status", running.id());
    let mut most = 0;
    loop {
        // The system counts the most by itself; who reads often sees the end of it.
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0) * 1024);
        if let Some(ended) = running.try_wait()? {
            return Ok((ended, most));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
