//! Words for people: tables, durations, ages, sizes; and foreign text made harmless.

use headstart_engine::inbox;
use headstart_engine::wire::{BuildStatus, Decision};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::out::{Ink, Out};

/// Returns whether a character could make a terminal show something else than what is there.
pub(crate) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}'
            | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns foreign text as one harmless line: control characters become visible symbols.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(harmless).collect()
}

fn harmless(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{7f}' => '␡',
        c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        c if is_hostile(c) => '\u{fffd}',
        c => c,
    }
}

/// Returns text without its colour codes.
pub(crate) fn without_colours(text: &str) -> String {
    coloured(text, false)
}

/// Returns harmless text that keeps its colour codes.
pub(crate) fn keeping_colours(text: &str) -> String {
    coloured(text, true)
}

fn coloured(text: &str, keep: bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        let (before, code) = rest.split_at(at);
        clean.extend(before.chars().map(harmless));
        let length = code[1..]
            .strip_prefix('[')
            .and_then(|inner| {
                Some((
                    inner,
                    inner.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?,
                ))
            })
            .filter(|(inner, end)| inner[*end..].starts_with('m'))
            .map(|(_, end)| end + 3);
        let length = match length {
            Some(length) => {
                if keep {
                    clean.push_str(&code[..length]);
                }
                length
            }
            None => {
                clean.push('␛');
                1
            }
        };
        rest = &code[length..];
    }
    clean.extend(rest.chars().map(harmless));
    clean
}

/// Returns a duration in words.
pub(crate) fn duration(ms: u64) -> String {
    inbox::duration(ms)
}

/// Returns how long ago something was: `now`, `5 min ago`, `3 h ago`, `2 d ago`, or the date.
pub(crate) fn age(at_ms: i64, now_ms: i64) -> String {
    let seconds = (now_ms - at_ms).max(0) / 1000;
    match seconds {
        0..10 => "now".to_owned(),
        10..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..2_592_000 => format!("{} d ago", seconds / 86_400),
        _ => date(at_ms),
    }
}

/// Returns a day.
pub(crate) fn date(at_ms: i64) -> String {
    strftime(at_ms, "%Y-%m-%d")
}

/// Returns a point in time.
pub(crate) fn time(at_ms: i64) -> String {
    strftime(at_ms, "%Y-%m-%d %H:%M:%S")
}

fn strftime(at_ms: i64, format: &str) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => at
            .to_zoned(jiff::tz::TimeZone::system())
            .strftime(format)
            .to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

/// Returns now, in the catalogue's unit.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Returns a size in words.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", units[unit])
}

/// Returns a number with its noun: `1 file`, `2 files`.
pub(crate) fn count(number: u32, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// Returns the beginning of a commit id.
pub(crate) fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}

/// Returns a state in words, and its colour.
pub(crate) fn status(status: BuildStatus) -> (String, Ink) {
    let ink = match status {
        BuildStatus::Succeeded => Ink::Good,
        BuildStatus::Failed | BuildStatus::TimedOut | BuildStatus::Interrupted => Ink::Bad,
        BuildStatus::Cancelled | BuildStatus::Superseded => Ink::Warn,
        BuildStatus::Queued | BuildStatus::Running => Ink::Accent,
    };
    (status.as_str().replace('_', " "), ink)
}

/// Returns a decision's word.
pub(crate) fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Reuse => "reuse",
        Decision::Incremental => "incremental",
        Decision::Full => "full",
    }
}

/// Cuts a text to a number of columns.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 0;
    let mut cut: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used < columns
        })
        .collect();
    cut.push('…');
    cut
}

/// Prints rows in aligned columns; the last column is cut where the terminal ends. The first row is the heading.
pub(crate) fn table(out: &Out, rows: &[Vec<(String, Ink)>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|(text, _)| text.width())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let before_last: usize = widths.iter().rev().skip(1).map(|width| width + 2).sum();
    let room = out.columns().map(|all| all.saturating_sub(before_last).max(10));
    for (index, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, (text, ink)) in row.iter().enumerate() {
            let last = column + 1 == columns;
            let text = match room.filter(|_| last) {
                Some(room) => cut(text, room),
                None => text.clone(),
            };
            let pad = if last {
                0
            } else {
                widths[column] + 2 - text.width()
            };
            let ink = if index == 0 { Ink::Faint } else { *ink };
            line += &out.ink(ink, &text);
            line += &" ".repeat(pad);
        }
        out.line(line.trim_end());
        if out.is_closed() {
            return;
        }
    }
}

/// Returns a heading for [`table`].
pub(crate) fn heading<const N: usize>(names: [&str; N]) -> Vec<(String, Ink)> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), Ink::Faint))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_command_a_terminal() {
        assert_eq!(
            plain("a\x1b]0;x\x07\u{202e}b\n\u{9b}2J"),
            "a␛]0;x␇\u{fffd}b␊\u{fffd}2J"
        );
        assert_eq!(without_colours("\x1b[31mred\x1b[0m \x1b[2J"), "red ␛[2J");
        assert_eq!(keeping_colours("\x1b[31mred\x1b[2J\x1b["), "\x1b[31mred␛[2J␛[");
    }

    #[test]
    fn ages_and_sizes_are_short() {
        let minute = 60_000;
        let shown = |ms| age(0, ms);
        assert_eq!(
            [
                shown(0),
                shown(59 * 1000),
                shown(5 * minute),
                shown(180 * minute),
                shown(2880 * minute)
            ],
            ["now", "59 s ago", "5 min ago", "3 h ago", "2 d ago"]
        );
        assert_eq!(
            [bytes(999), bytes(1_500), bytes(999_999), bytes(3_100_000_000)],
            ["999 B", "1.5 kB", "1.0 MB", "3.1 GB"]
        );
    }

    #[test]
    fn texts_are_cut_by_columns() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("ab", 4), "ab");
    }
}
