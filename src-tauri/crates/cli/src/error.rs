//! What went wrong, as text or JSON on standard error, and the exit code it means.

use std::ffi::OsString;
use std::process::ExitCode;

use headstart_engine::wire::{ErrorCode, Problem, Severity, WireError};

use crate::text::plain;

/// How a command that could do its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0.
    Done,
    /// 1: the build or task failed, or was cancelled, timed out or cut off.
    Failed,
    /// 3: the Docker engine is not there.
    Unreachable,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) struct Failure(WireError);

impl From<headstart_engine::Error> for Failure {
    fn from(error: headstart_engine::Error) -> Self {
        Self(WireError::from(error))
    }
}

impl Failure {
    /// Returns a failure that the user can do something about.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message, Some(hint.into()))
    }

    /// Returns a failure of the program or the system.
    pub(crate) fn broken(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message, None)
    }

    /// Returns a failure about what a path holds.
    pub(crate) fn config(message: impl Into<String>, problems: Vec<Problem>) -> Self {
        let mut failure = Self::new(ErrorCode::Config, message, None);
        failure.0.problems = problems;
        failure
    }

    fn new(code: ErrorCode, message: impl Into<String>, hint: Option<String>) -> Self {
        Self(WireError {
            code,
            message: message.into(),
            hint,
            detail: None,
            problems: Vec::new(),
        })
    }

    /// Prints it and returns the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if json {
            let text = serde_json::to_string(&self.0).unwrap_or_default();
            to_stderr(&crate::out::ascii_only_where_hostile(&text));
        } else {
            to_stderr(&self.text());
        }
        ExitCode::from(match self.0.code {
            ErrorCode::Internal => 1,
            ErrorCode::Engine => 3,
            ErrorCode::NotFound
            | ErrorCode::BadRequest
            | ErrorCode::Config
            | ErrorCode::Repository
            | ErrorCode::NewerCatalogue => 2,
        })
    }

    fn text(&self) -> String {
        let error = &self.0;
        if !error.problems.is_empty() {
            let all: Vec<String> = error.problems.iter().map(problem).collect();
            return all.join("\n");
        }
        let mut text = format!("error: {}", plain(&error.message));
        for cause in error.detail.iter().flat_map(|detail| detail.lines()) {
            let cause = cause.strip_prefix("caused by: ").unwrap_or(cause);
            text += &format!("\n  caused by: {}", plain(cause));
        }
        if let Some(hint) = &error.hint {
            text += &format!("\nhint: {}", plain(hint));
        }
        text
    }
}

/// Returns a problem with its place, the line it stands in and a mark below the column.
pub(crate) fn problem(problem: &Problem) -> String {
    let kind = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        (Some(line), None) => format!(":{line}"),
        _ => String::new(),
    };
    let mut text = format!(
        "{kind}: {}{place}: {}",
        plain(&problem.file),
        plain(&problem.message)
    );
    if let (Some(line), Some(snippet)) = (problem.line, &problem.snippet) {
        let margin = " ".repeat(line.to_string().len());
        text += &format!("\n {margin} |\n {line} | {}", plain(snippet));
        if let Some(column) = problem.column {
            let before: String = snippet.chars().take(column.saturating_sub(1) as usize).collect();
            let blank = " ".repeat(unicode_width::UnicodeWidthStr::width(plain(&before).as_str()));
            text += &format!("\n {margin} | {blank}^");
        }
    }
    if let Some(hint) = &problem.hint {
        text += &format!("\nhint: {}", plain(hint));
    }
    text
}

/// Reports arguments that make no sense, or prints the help that was asked for.
pub(crate) fn usage(error: &clap::Error, words: &[OsString]) -> ExitCode {
    if error.use_stderr() && words.iter().any(|word| word == "--json") {
        let text = error.to_string();
        let (message, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
        let message = message.trim().trim_start_matches("error: ");
        return Failure::usage(message, rest.trim()).report(true);
    }
    // A closed pipe is no reason to say anything.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

pub(crate) fn to_stderr(text: &str) {
    use std::io::Write;
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_and_points_at_the_column() {
        let shown = problem(&Problem {
            severity: Severity::Error,
            file: ".gitpod.yml".into(),
            line: Some(12),
            column: Some(5),
            message: "unknown key `intt`".into(),
            hint: Some("did you mean `init`?".into()),
            snippet: Some("  - intt: make".into()),
        });
        assert_eq!(
            shown,
            "error: .gitpod.yml:12:5: unknown key `intt`\n    |\n 12 |   - intt: make\n    |     ^\nhint: did you mean `init`?"
        );
    }
}
