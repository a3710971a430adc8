//! git as a child process, for what only it can do: talk to servers with the user's credentials and addresses.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// Runs git in a folder of ours. It asks nothing, runs no hooks and no helper that an address names, and is ended after
/// `limit`. An error says why, as git itself said it.
pub(crate) async fn git(arguments: &[&str], folder: &Path, limit: Duration) -> Result<(), String> {
    let running = Command::new("git")
        .args(["-c", "protocol.ext.allow=never", "-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        // Nobody may be there to answer a window either. Credential helpers work.
        .env("GIT_ASKPASS", "")
        .env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(limit, running).await {
        Err(_) => return Err(format!("it took longer than {} s", limit.as_secs())),
        Ok(Err(error)) => return Err(format!("git could not be started: {error}")),
        Ok(Ok(output)) => output,
    };
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    // What follows the reason is advice.
    let why = lines()
        .find(|line| line.starts_with("fatal: "))
        .or(lines().next_back());
    Err(why.unwrap_or("git did not say why").to_owned())
}
