//! Lines out of the pieces in which containers write.

/// Longest line that is kept together, in bytes.
const LONGEST: usize = 64 * 1024;

/// The line that has not ended yet.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// Takes a piece and calls with each line that it ends, without its end. A line without end is told in parts.
    pub(crate) fn push(&mut self, piece: &[u8], mut line: impl FnMut(&[u8])) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.0.extend_from_slice(&rest[..end]);
            line(self.0.strip_suffix(b"\r").unwrap_or(&self.0));
            self.0.clear();
            rest = &rest[end + 1..];
        }
        self.0.extend_from_slice(rest);
        if self.0.len() > LONGEST {
            line(&std::mem::take(&mut self.0));
        }
    }

    /// Calls with what stands behind the last end of a line, if anything.
    pub(crate) fn finish(&mut self, line: impl FnOnce(&[u8])) {
        if !self.0.is_empty() {
            line(&std::mem::take(&mut self.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_are_cut() {
        let text = b"one\r\ntwo\n\nthree";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let mut found: Vec<Vec<u8>> = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece, |line| found.push(line.to_vec()));
            }
            lines.finish(|line| found.push(line.to_vec()));
            assert_eq!(found, [&b"one"[..], b"two", b"", b"three"], "pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_told_in_parts() {
        let mut lines = Lines::default();
        let mut told = 0;
        for _ in 0..40 {
            lines.push(&[b'x'; 10_000], |line| told += line.len());
        }
        lines.finish(|line| told += line.len());
        assert_eq!(told, 400_000);
    }
}
