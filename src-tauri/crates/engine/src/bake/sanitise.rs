//! Log text made harmless: hostile bytes must not reach a terminal, a web page or a log file unchanged.

/// Longest line kept in one piece, in characters.
const MAX_LINE: usize = 16 * 1024;

/// Returns one log line as text: colour codes (`ESC [ … m`) are kept, other control characters become visible
/// symbols, bytes that are not UTF-8 are replaced, and what a carriage return overwrote is dropped.
pub fn sanitise(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches('\r');
    let text = text.rsplit('\r').find(|part| !part.is_empty()).unwrap_or("");
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.chars();
    let mut kept = 0;
    while let Some(c) = rest.next() {
        kept += 1;
        if kept > MAX_LINE {
            clean.push_str(" … (line cut)");
            break;
        }
        match c {
            '\u{1b}' => {
                let ahead = rest.as_str();
                match colour_code(ahead) {
                    Some(length) => {
                        clean.push('\u{1b}');
                        clean.push_str(&ahead[..length]);
                        rest = ahead[length..].chars();
                    }
                    None => clean.push('␛'),
                }
            }
            '\t' => clean.push('\t'),
            c if (c as u32) < 0x20 => clean.push(char::from_u32(0x2400 + c as u32).unwrap_or('�')),
            '\u{7f}' => clean.push('␡'),
            c if ('\u{80}'..='\u{9f}').contains(&c) => clean.push('�'),
            // Text that turns the reading direction around could show a line as something it is not.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}' => {
                clean.push('�')
            }
            '\u{2028}' | '\u{2029}' => clean.push('␤'),
            c => clean.push(c),
        }
    }
    clean
}

/// Returns the length of `[ … m` at the beginning, if that is what stands there.
fn colour_code(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
    (end <= 64 && inner[end..].starts_with('m')).then_some(end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_everything_else_becomes_harmless() {
        let cases: [(&[u8], &str); 8] = [
            (b"plain", "plain"),
            (b"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
            (b"\x1b]0;title\x07", "␛]0;title␇"),
            (b"\x1b[2J\x1b[H", "␛[2J␛[H"),
            (b"10%\r50%\r100%\r", "100%"),
            (b"a\0b\xff", "a␀b�"),
            ("a\u{202e}b".as_bytes(), "a�b"),
            (b"\x1b[", "␛["),
        ];
        for (given, expected) in cases {
            assert_eq!(sanitise(given), expected, "{given:?}");
        }
    }

    #[test]
    fn an_endless_line_is_cut() {
        assert!(sanitise(&vec![b'x'; 1 << 20]).len() < 2 * MAX_LINE);
    }
}
