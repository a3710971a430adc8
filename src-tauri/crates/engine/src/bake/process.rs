//! The child process of a build: in a group of its own, which ends with it and with us.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};

use crate::error::{Error, Result};

/// How long a group may take to end after it was asked to.
const GRACE: Duration = Duration::from_millis(700);

/// Starts a program in a process group of its own. It is killed when this process dies, however that happens.
pub(crate) fn spawn(
    program: &str,
    arguments: &[String],
    folder: &Path,
    env: &[(String, String)],
) -> Result<Child> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .process_group(0);
    #[cfg(target_os = "linux")]
    die_with_parent(&mut command);
    command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::MissingProgram {
            program: program.to_owned(),
            hint: "install the Docker command line with its buildx plugin".to_owned(),
        },
        _ => Error::internal(format!("{program} could not be started"), error),
    })
}

#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "only between fork and exec can a child ask to die with its parent"
)]
fn die_with_parent(command: &mut Command) {
    // SAFETY: the closure makes one system call, which is async-signal-safe, and touches no memory of the parent.
    unsafe {
        command.pre_exec(|| {
            rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
            Ok(())
        });
    }
}

/// Asks a process group to end, and kills what is left of it shortly after.
pub(crate) async fn end_group(group: u32) {
    if !signal_group(group, Signal::INT) {
        return;
    }
    let deadline = tokio::time::Instant::now() + GRACE;
    while tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if !is_alive(group) {
            return;
        }
    }
    signal_group(group, Signal::KILL);
}

/// Kills what is left of a process group at once.
pub(crate) fn kill_group(group: u32) {
    signal_group(group, Signal::KILL);
}

fn pid(group: u32) -> Option<Pid> {
    // Groups 0 and 1 would mean our own group and every process.
    i32::try_from(group)
        .ok()
        .filter(|raw| *raw > 1)
        .and_then(Pid::from_raw)
}

fn signal_group(group: u32, signal: Signal) -> bool {
    pid(group).is_some_and(|pid| kill_process_group(pid, signal).is_ok())
}

fn is_alive(group: u32) -> bool {
    pid(group).is_some_and(|pid| test_kill_process_group(pid).is_ok())
}
