//! Bytes that builds write.

use headstart_engine::bake;

use crate::pieces::{Dice, PIECES, hostile};
use crate::place::{LIMIT, cut, timed};

#[test]
fn log_lines_are_harmless_text() {
    let mut dice = Dice(6);
    let mut lines: Vec<Vec<u8>> = PIECES.iter().map(|piece| piece.to_vec()).collect();
    for _ in 0..300 {
        lines.push(hostile(&mut dice));
    }
    for _ in 0..100 {
        lines.push((0..dice.below(300)).map(|_| dice.below(256) as u8).collect());
    }
    for piece in PIECES {
        lines.push(piece.repeat((1 << 20) / piece.len()));
    }
    lines.push([b"\x1b[".to_vec(), b"1;".repeat(500_000), b"m".to_vec()].concat());
    lines.push(b"\x1b[".repeat(500_000));
    for line in &lines {
        let (mut clean, mut took) = timed(|| bake::sanitise(line));
        if took > LIMIT {
            (clean, took) = timed(|| bake::sanitise(line));
        }
        let what = cut(&String::from_utf8_lossy(line));
        assert!(took <= LIMIT, "{what} took {took:?}");
        assert!(
            clean.len() < 100_000,
            "{what}: an endless line is cut, not {}",
            clean.len()
        );
        let bad = without_colours(&clean).chars().find(|c| {
            c.is_control() && *c != '\t' || matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(bad, None, "{what} became {:?}", cut(&clean));
        assert_eq!(
            bake::sanitise(clean.as_bytes()),
            clean,
            "{what}: clean text stays as it is"
        );
    }
}

/// Drops colour codes: the only escape sequences a log may have.
fn without_colours(text: &str) -> String {
    let mut rest = text;
    let mut left = String::new();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        left.push_str(before);
        let end = after.find(|c: char| !(c.is_ascii_digit() || matches!(c, ';' | ':')));
        match end.filter(|end| after[*end..].starts_with('m')) {
            Some(end) => rest = &after[end + 1..],
            None => {
                left.push('\u{1b}');
                rest = after;
            }
        }
    }
    left + rest
}
