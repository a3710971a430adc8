//! A build's log file: one line of text per line, `#<step> <seconds> <text>`, as `--progress plain` writes it, so that
//! it can be read with any program. Step 0 is Headstart itself.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::wire::{LogLine, LogPage};

/// Appends to a log.
pub(crate) struct LogWriter {
    file: BufWriter<File>,
    path: PathBuf,
    started_at: i64,
}

impl LogWriter {
    /// Creates an empty log; times are counted from `started_at`.
    pub(crate) fn create(path: &Path, started_at: i64) -> Result<Self> {
        let file = File::create(path).map_err(Error::file("writing", path))?;
        Ok(Self {
            file: BufWriter::new(file),
            path: path.to_owned(),
            started_at,
        })
    }

    /// Appends a line that a step wrote at a time.
    pub(crate) fn line(&mut self, step: u32, at: i64, text: &str) -> Result<()> {
        let ms = (at - self.started_at).max(0);
        writeln!(self.file, "#{step} {}.{:03} {text}", ms / 1000, ms % 1000)
            .map_err(Error::file("writing", &self.path))
    }

    /// Makes what was appended visible to readers.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(Error::file("writing", &self.path))
    }
}

/// Where each line of a log begins and which step it belongs to. Grows with the file.
#[derive(Default)]
pub(crate) struct LogIndex {
    /// Bytes indexed; always the beginning of a line.
    end: u64,
    offsets: Vec<u64>,
    steps: HashMap<u32, Vec<u32>>,
}

impl LogIndex {
    /// Reads what was appended since the last time.
    pub(crate) fn refresh(&mut self, path: &Path) -> Result<()> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::file("reading", path)(error)),
        };
        let length = file.metadata().map_err(Error::file("reading", path))?.len();
        if length <= self.end {
            return Ok(());
        }
        file.seek(SeekFrom::Start(self.end))
            .map_err(Error::file("reading", path))?;
        let mut buffer = vec![0; 1 << 20];
        let mut pending: Vec<u8> = Vec::new();
        let mut at = self.end;
        loop {
            let count = file.read(&mut buffer).map_err(Error::file("reading", path))?;
            if count == 0 {
                return Ok(());
            }
            let mut chunk = &buffer[..count];
            while let Some(newline) = chunk.iter().position(|byte| *byte == b'\n') {
                let (line, rest) = chunk.split_at(newline + 1);
                let length = (pending.len() + line.len()) as u64;
                let step = if pending.is_empty() {
                    step_of(line)
                } else {
                    step_of(&[&pending, line].concat())
                };
                pending.clear();
                let number = u32::try_from(self.offsets.len()).unwrap_or(u32::MAX);
                self.offsets.push(at);
                self.steps.entry(step).or_default().push(number);
                at += length;
                self.end = at;
                chunk = rest;
            }
            pending.extend_from_slice(chunk);
        }
    }

    /// Returns how many lines the log, or one step's part of it, has.
    pub(crate) fn len(&self, step: Option<u32>) -> u32 {
        let count = match step {
            Some(step) => self.steps.get(&step).map_or(0, Vec::len),
            None => self.offsets.len(),
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Reads lines `from .. from + count` of the log, or of one step's part of it.
    pub(crate) fn page(&self, path: &Path, step: Option<u32>, from: u32, count: u32) -> Result<LogPage> {
        let total = self.len(step);
        let last = from.saturating_add(count.min(5_000)).min(total);
        let mut lines = Vec::new();
        if from < last {
            let file = File::open(path).map_err(Error::file("reading", path))?;
            for number in from..last {
                let global = match step {
                    Some(step) => self.steps.get(&step).map_or(0, |lines| lines[number as usize]),
                    None => number,
                };
                lines.push(self.read_line(&file, path, global, number)?);
            }
        }
        Ok(LogPage { total, lines })
    }

    fn read_line(&self, file: &File, path: &Path, global: u32, number: u32) -> Result<LogLine> {
        let begin = self.offsets[global as usize];
        let end = self.offsets.get(global as usize + 1).copied().unwrap_or(self.end);
        let mut bytes = vec![0; usize::try_from(end - begin).unwrap_or(0)];
        file.read_exact_at(&mut bytes, begin)
            .map_err(Error::file("reading", path))?;
        Ok(parse_line(&bytes, number))
    }

    /// Returns the numbers of lines that contain a text, case-insensitive, at most `limit`.
    pub(crate) fn search(
        &self,
        path: &Path,
        step: Option<u32>,
        text: &str,
        limit: usize,
    ) -> Result<Vec<u32>> {
        let wanted = text.to_lowercase();
        let mut found = Vec::new();
        let total = self.len(step);
        let mut from = 0;
        while from < total && found.len() < limit {
            let page = self.page(path, step, from, 5_000)?;
            let hits = page
                .lines
                .iter()
                .filter(|line| without_colours(&line.text).to_lowercase().contains(&wanted));
            found.extend(hits.map(|line| line.number).take(limit - found.len()));
            from += 5_000;
        }
        Ok(found)
    }
}

fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = rest[at..].find('m').map_or("", |end| &rest[at + end + 1..]);
    }
    plain + rest
}

fn step_of(line: &[u8]) -> u32 {
    let digits = line.strip_prefix(b"#").unwrap_or_default();
    let end = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(digits.len());
    std::str::from_utf8(&digits[..end])
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn parse_line(bytes: &[u8], number: u32) -> LogLine {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\n');
    let mut parts = text.splitn(3, ' ');
    let step = parts.next().map_or(0, |step| step_of(step.as_bytes()));
    let at_ms = parts
        .next()
        .and_then(|at| at.parse::<f64>().ok())
        .map_or(0, |seconds| (seconds * 1000.0).round() as u64);
    LogLine {
        number,
        step,
        at_ms,
        text: parts.next().unwrap_or("").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_back_whole_and_by_step_while_the_log_grows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut writer = LogWriter::create(&path, 1_000).unwrap();
        writer.line(0, 1_000, "begin").unwrap();
        writer.line(7, 2_345, "hello  world").unwrap();
        writer.flush().unwrap();
        let mut index = LogIndex::default();
        index.refresh(&path).unwrap();
        assert_eq!(index.len(None), 2);
        writer.line(7, 3_000, "").unwrap();
        writer.flush().unwrap();
        index.refresh(&path).unwrap();
        let page = index.page(&path, Some(7), 0, 10).unwrap();
        let texts: Vec<_> = page
            .lines
            .iter()
            .map(|line| (line.number, line.at_ms, line.text.as_str()))
            .collect();
        assert_eq!(texts, [(0, 1_345, "hello  world"), (1, 2_000, "")]);
        assert_eq!(index.search(&path, None, "WORLD", 10).unwrap(), [1]);
    }

    #[test]
    fn a_line_cut_off_by_a_crash_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "#1 0.000 whole\n#1 0.0").unwrap();
        let mut index = LogIndex::default();
        index.refresh(&path).unwrap();
        assert_eq!(index.len(None), 1);
    }
}
