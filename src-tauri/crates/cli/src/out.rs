//! Standard output: lines for people, JSON for programs. A reader that went away is no error.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::text::is_hostile;

/// Standard output and how to write to it.
pub(crate) struct Out {
    /// Whether JSON was asked for.
    pub(crate) json: bool,
    /// Whether a person sees it at once.
    pub(crate) terminal: bool,
    colour: bool,
    closed: AtomicBool,
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Strong,
    Faint,
    Good,
    Warn,
    Bad,
    Accent,
}

impl Out {
    pub(crate) fn new(json: bool) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            json,
            terminal: terminal && !dumb,
            colour: terminal && !dumb && !no_colour,
            closed: AtomicBool::new(false),
        }
    }

    /// Prints a line.
    pub(crate) fn line(&self, text: impl Display) {
        self.raw(&format!("{text}\n"));
    }

    /// Prints text as it is.
    pub(crate) fn raw(&self, text: &str) {
        if self.is_closed() {
            return;
        }
        let mut stdout = std::io::stdout().lock();
        if stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .is_err()
        {
            self.closed.store(true, Ordering::Relaxed);
        }
    }

    /// Prints a value as one line of JSON, or over several lines for a person.
    pub(crate) fn value(&self, value: &impl Serialize) {
        let text = if self.terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        self.json_text(text);
    }

    /// Prints a value as one line of JSON, whoever reads it.
    pub(crate) fn json_line(&self, value: &impl Serialize) {
        self.json_text(serde_json::to_string(value));
    }

    fn json_text(&self, text: serde_json::Result<String>) {
        match text {
            Ok(text) => self.line(ascii_only_where_hostile(&text)),
            Err(error) => crate::error::to_stderr(&format!("error: this cannot be written as JSON: {error}")),
        }
    }

    /// Returns whether the reader went away.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Returns a text in a colour, where colours are shown.
    pub(crate) fn ink(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Plain => return text.to_owned(),
            Ink::Strong => "1",
            Ink::Faint => "2",
            Ink::Good => "32",
            Ink::Warn => "33",
            Ink::Bad => "31",
            Ink::Accent => "36",
        };
        if self.colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Returns a log line: its own colours are kept where colours are shown.
    pub(crate) fn log(&self, text: &str) -> String {
        if self.colour && text.contains('\x1b') {
            format!("{}\x1b[0m", crate::text::keeping_colours(text))
        } else {
            crate::text::plain(&crate::text::without_colours(text))
        }
    }

    /// Returns how many columns a line may have; unlimited when no person watches.
    pub(crate) fn columns(&self) -> Option<usize> {
        if !self.terminal {
            return None;
        }
        let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
        Some(width.max(40))
    }

    /// Returns a writer that hides that the reader went away.
    pub(crate) fn writer(&self) -> impl Write {
        Quiet(self)
    }
}

struct Quiet<'a>(&'a Out);

impl Write for Quiet<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.raw(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes characters of JSON text that could deceive a terminal as escapes. They occur inside of strings only.
pub(crate) fn ascii_only_where_hostile(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_hostile(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_meaning_without_hostile_characters() {
        let value = serde_json::json!({"name": "a\u{9b}2J\u{202e}b\u{1b}ü"});
        let text = ascii_only_where_hostile(&value.to_string());
        assert!(!text.chars().any(is_hostile), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
