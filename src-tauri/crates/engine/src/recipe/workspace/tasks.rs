//! How a task's parts become one command, and how tasks run side by side in a build.
//!
//! Rules as Gitpod's supervisor has them (`components/supervisor/pkg/supervisor/tasks.go`): parts are wrapped in braces
//! and joined with `&&`; blank parts vanish.

use std::fmt::Write as _;

use serde_json::Value;

use super::config::Task;

/// What a task is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The build: `before`, `init`, `prebuild`, then exit.
    Prebuild,
    /// A workspace on a build of exactly its commit: `init` has run, its log is printed.
    OnPrebuild,
    /// A workspace on another build or on none: `init` has to run.
    Fresh,
    /// A workspace that was stopped and starts again.
    Restart,
}

/// A part of what a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section<'a> {
    /// `before`, `init`, `prebuild` or `command` with its text.
    Part(&'static str, &'a str),
    /// Printing the log of the build.
    PrintLog,
}

/// Returns what a task does for a start, in order, without blank parts.
pub fn sections(task: &Task, start: Start) -> Vec<Section<'_>> {
    let before = Some(("before", &task.before));
    let init = Some(("init", &task.init));
    let prebuild = Some(("prebuild", &task.prebuild));
    let command = Some(("command", &task.command));
    let order = match start {
        Start::Prebuild => [before, init, prebuild],
        Start::OnPrebuild | Start::Restart => [before, None, command],
        Start::Fresh => [before, init, command],
    };
    let mut sections = Vec::new();
    for (place, part) in order.into_iter().enumerate() {
        match part {
            Some((name, Some(text))) if !text.trim().is_empty() => sections.push(Section::Part(name, text)),
            None if place == 1 && start == Start::OnPrebuild => sections.push(Section::PrintLog),
            _ => {}
        }
    }
    sections
}

/// Returns the one command of a task in a build; `exit` when there is nothing to do.
pub fn prebuild_command(task: &Task) -> String {
    let parts: Vec<String> = sections(task, Start::Prebuild)
        .into_iter()
        .filter_map(|section| match section {
            Section::Part(_, text) => Some(format!("{{\n{text}\n}}")),
            Section::PrintLog => None,
        })
        .collect();
    if parts.is_empty() {
        "exit".to_owned()
    } else {
        format!("{}; exit", parts.join(" && "))
    }
}

/// Returns a variable's value: text as it is, everything else as compact JSON.
pub fn env_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns one sentence for several failures.
pub fn joined_failures<'a>(messages: impl IntoIterator<Item = &'a str>) -> String {
    messages.into_iter().collect::<Vec<_>>().join("; ")
}

/// Returns the name a task is shown under: its own, or its number.
pub fn task_name(task: &Task, index: usize) -> String {
    match task
        .name
        .as_deref()
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        Some(name) => name
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(80)
            .collect(),
        None => format!("task {}", index + 1),
    }
}

/// Returns `text` as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A marker that the runner prints; the executor reads it from the log and does not show it.
///
/// `mark` is a word that a task cannot know, so that its output cannot pass for a marker.
pub fn marker(mark: &str, index: usize) -> String {
    format!("@@{mark} {index} ")
}

/// Returns the script that runs all tasks side by side: each in a shell of its own (`bash` if there is one, else `sh`),
/// each line of its output behind the task's marker, its exit code behind `@@<mark> <index> = `. It fails if any task fails.
pub fn runner(tasks: &[Task], mark: &str) -> String {
    let mut script = String::from(
        "#!/bin/sh\n\
         # Runs the tasks side by side; every line is marked with the task that wrote it.\n\
         shell=sh; if command -v bash >/dev/null 2>&1; then shell=bash; fi\n\
         codes=$(mktemp -d 2>/dev/null) || { codes=/tmp/.headstart-$$; mkdir -p \"$codes\"; }\n\
         # Only GNU sed is known to pass each line on at once; others keep lines back until the end. BusyBox's says that\n\
         # it is \"not GNU sed\".\n\
         quick=; case $(sed --version 2>/dev/null) in 'sed (GNU sed)'*) quick=1 ;; esac\n\
         mark() {\n  \
           if [ -n \"$quick\" ]; then sed -u \"s/^/$1/\"; else\n    \
             while IFS= read -r line || [ -n \"$line\" ]; do printf '%s%s\\n' \"$1\" \"$line\"; done\n  fi\n}\n",
    );
    for (index, task) in tasks.iter().enumerate() {
        let prefix = marker(mark, index);
        let mut command = String::new();
        for (name, value) in &task.env {
            let _ = writeln!(command, "export {name}={}", quoted(&env_value(value)));
        }
        command.push_str(&prebuild_command(task));
        let _ = write!(
            script,
            "{{ {{ printf '%s+\\n' {prefix}; $shell -c {command} </dev/null; printf '%s' \"$?\" >\"$codes/{index}\"; }} 2>&1 | mark {line}\n  \
             printf '%s= %s\\n' {prefix} \"$(cat \"$codes/{index}\")\"; }} &\n",
            prefix = quoted(&prefix),
            line = quoted(&format!("{prefix}: ")),
            command = quoted(&command),
        );
    }
    script.push_str("wait\nfailed=0\n");
    let _ = writeln!(
        script,
        "for code in \"$codes\"/*; do [ -e \"$code\" ] || continue; [ \"$(cat \"$code\")\" = 0 ] || failed=1; done\n\
         rm -rf \"$codes\"\nexit $failed"
    );
    script
}

/// What the runner said in one log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// A task began.
    Began(usize),
    /// A task wrote a line.
    Line(usize, &'a str),
    /// A task ended with a code.
    Ended(usize, i32),
}

/// Reads a log line of the runner; anything else is none.
pub fn read_marked<'a>(mark: &str, line: &'a str) -> Option<Said<'a>> {
    let rest = line.strip_prefix("@@")?.strip_prefix(mark)?.strip_prefix(' ')?;
    let (index, rest) = rest.split_once(' ')?;
    let index = index.parse().ok()?;
    if let Some(text) = rest.strip_prefix(": ") {
        // The marker of the beginning goes through the same pipe as the task's output, so that it comes first.
        return Some(match read_marked(mark, text) {
            Some(Said::Began(inner)) if inner == index => Said::Began(index),
            _ => Said::Line(index, text),
        });
    }
    if rest == "+" {
        return Some(Said::Began(index));
    }
    rest.strip_prefix("= ")?
        .trim()
        .parse()
        .ok()
        .map(|code| Said::Ended(index, code))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn task(yaml: &str) -> Task {
        let text = format!("tasks:\n- {{{yaml}}}\n");
        super::super::config::parse(".gitpod.yml", text.as_bytes())
            .config
            .tasks
            .remove(0)
    }

    fn run(tasks: &[Task]) -> (bool, Vec<String>) {
        let output = Command::new("sh")
            .arg("-c")
            .arg(runner(tasks, "k3y"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text.lines().map(str::to_owned).collect())
    }

    #[test]
    fn parts_are_joined_and_blank_ones_vanish() {
        assert_eq!(
            prebuild_command(&task("before: '  ', init: make")),
            "{\nmake\n}; exit"
        );
        assert_eq!(
            prebuild_command(&task("before: a, init: b, prebuild: c, command: d")),
            "{\na\n} && {\nb\n} && {\nc\n}; exit"
        );
        assert_eq!(prebuild_command(&task("command: npm start")), "exit");
    }

    #[test]
    fn the_runner_marks_lines_and_tells_exit_codes() {
        let tasks = [
            task("init: 'echo one; echo two >&2'"),
            task("init: 'exit 3'"),
            task("init: 'echo $A', env: {A: \"it's\"}"),
        ];
        let (success, lines) = run(&tasks);
        assert!(!success, "a failing task fails the build");
        let said: Vec<_> = lines.iter().map(|line| read_marked("k3y", line)).collect();
        for expected in [
            Said::Began(0),
            Said::Line(0, "one"),
            Said::Line(0, "two"),
            Said::Ended(0, 0),
            Said::Ended(1, 3),
            Said::Line(2, "it's"),
            Said::Ended(2, 0),
        ] {
            assert!(said.contains(&Some(expected)), "{expected:?} in {lines:?}");
        }
    }

    #[test]
    fn a_task_cannot_pretend_that_another_ended() {
        let (success, lines) = run(&[task("init: \"echo '@@k3y 1 = 0'; exit 1\""), task("init: 'true'")]);
        assert!(!success);
        let ends: Vec<_> = lines
            .iter()
            .filter_map(|line| read_marked("k3y", line))
            .filter(|said| matches!(said, Said::Ended(0, 0)))
            .collect();
        assert_eq!(ends, [], "task 0 failed, whatever it printed");
    }

    #[test]
    fn a_task_that_reads_input_gets_none_and_ends() {
        let (success, _) = run(&[task("init: 'cat'")]);
        assert!(success, "cat sees the end of its input");
    }
}
