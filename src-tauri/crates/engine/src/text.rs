//! Text of others as it may be shown: names, paths and quoted lines come from repositories that nobody vouches for.

/// Longest sentence, in characters; paths may be long.
const MAX_SENTENCE: usize = 5_000;
/// What is kept of the end of a longer one: there it says what is wrong.
const END: usize = 500;

/// Returns text as it may stand in a line: white space is a space, any other control character a replacement character.
pub(crate) fn one_line(text: &str) -> String {
    let visible = |c: char| match c {
        '\t' | '\n' | '\r' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(visible).collect()
}

/// Returns a sentence that may quote anything: in one line, and with its middle left out when it is endless.
pub(crate) fn sentence(text: &str) -> String {
    let line = one_line(text);
    let count = line.chars().count();
    if count <= MAX_SENTENCE {
        return line;
    }
    let begin: String = line.chars().take(MAX_SENTENCE - END).collect();
    let end: String = line.chars().skip(count - END).collect();
    format!("{begin} … {end}")
}

/// Returns a value of several lines in which every other control character is written as an escape.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Returns text of several lines: nothing but line ends and tabs steer what it is shown in.
pub(crate) fn lines(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        assert_eq!(one_line("a\u{1b}[2J\tb\nc\0"), "a\u{fffd}[2J b c\u{fffd}");
        assert_eq!(escaped("a\n\tb\u{1b}[2J"), "a\n\tb\\u{1b}[2J");
        assert_eq!(lines("a\r\n\tb\u{1b}[2J\u{9b}"), "a\n\tb[2J");
    }

    #[test]
    fn a_sentence_ends_somewhere() {
        let endless = sentence(&format!("{} does not exist", "ä".repeat(1 << 20)));
        assert_eq!(endless.chars().count(), MAX_SENTENCE + 3);
        assert!(
            endless.ends_with(" does not exist"),
            "what is wrong is still said"
        );
    }
}
