//! BuildKit's progress as `--progress rawjson` prints it: a stream of JSON objects, pretty-printed or one a line
//! depending on the version, possibly cut off in the middle of the last one, possibly with plain error text between.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// One object of the stream.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Update {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) vertexes: Vec<Vertex>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) statuses: Vec<Status>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) logs: Vec<Log>,
}

/// A step, as far as it is known now.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Vertex {
    pub(crate) digest: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "milliseconds")]
    pub(crate) started: Option<i64>,
    #[serde(default, deserialize_with = "milliseconds")]
    pub(crate) completed: Option<i64>,
    #[serde(default)]
    pub(crate) cached: bool,
    #[serde(default)]
    pub(crate) error: String,
}

/// Progress within a step.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Status {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) vertex: String,
    #[serde(default)]
    pub(crate) current: i64,
    #[serde(default)]
    pub(crate) total: i64,
}

/// Bytes that a step wrote.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Log {
    #[serde(default)]
    pub(crate) vertex: String,
    #[serde(default)]
    pub(crate) stream: i64,
    #[serde(default, deserialize_with = "base64")]
    pub(crate) data: Vec<u8>,
    #[serde(default, deserialize_with = "milliseconds")]
    pub(crate) timestamp: Option<i64>,
}

/// Go writes empty lists as `null`.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    // Go's zero time stands for "not yet".
    let at = text
        .filter(|text| !text.starts_with("0001-"))
        .and_then(|text| text.parse::<Timestamp>().ok());
    Ok(at.map(Timestamp::as_millisecond))
}

fn base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    let Some(text) = text else { return Ok(Vec::new()) };
    data_encoding::BASE64
        .decode(text.as_bytes())
        .map_err(serde::de::Error::custom)
}

/// Cuts a byte stream into updates and other text.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    buffer: Vec<u8>,
    /// Text that is not JSON, at most its last part: what buildx says when it ends with an error.
    noise: String,
}

/// Most noise kept, in bytes.
const MAX_NOISE: usize = 16 * 1024;

impl Decoder {
    /// Takes more bytes and returns the updates that are complete now.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Update> {
        self.buffer.extend_from_slice(bytes);
        let mut updates = Vec::new();
        let mut used = 0;
        loop {
            let rest = &self.buffer[used..];
            let Some(begin) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) else {
                used = self.buffer.len();
                break;
            };
            if rest[begin] == b'{' {
                let mut stream = serde_json::Deserializer::from_slice(&rest[begin..]).into_iter::<Update>();
                match stream.next() {
                    Some(Ok(update)) => {
                        used += begin + stream.byte_offset();
                        updates.push(update);
                        continue;
                    }
                    Some(Err(error)) if error.is_eof() => {
                        used += begin;
                        break;
                    }
                    _ => {}
                }
            }
            let Some(newline) = rest[begin..].iter().position(|byte| *byte == b'\n') else {
                used += begin;
                break;
            };
            let line = String::from_utf8_lossy(&rest[begin..begin + newline]).into_owned();
            used += begin + newline + 1;
            self.note(&line);
        }
        self.buffer.drain(..used);
        updates
    }

    fn note(&mut self, line: &str) {
        self.noise.push_str(line);
        self.noise.push('\n');
        if self.noise.len() > MAX_NOISE {
            let cut =
                (self.noise.len() - MAX_NOISE..self.noise.len()).find(|at| self.noise.is_char_boundary(*at));
            self.noise.drain(..cut.unwrap_or(0));
        }
    }

    /// Ends the stream and returns the text that was not JSON; half an object at the end is dropped.
    pub(crate) fn finish(mut self) -> String {
        let rest = std::mem::take(&mut self.buffer);
        if rest.first().is_some_and(|byte| *byte != b'{') {
            self.note(&String::from_utf8_lossy(&rest));
        }
        self.noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = br#"
{
  "vertexes": [
    {"digest": "sha256:a", "name": "[1/2] FROM x", "started": "2026-01-02T03:04:05.678901234Z"}
  ]
}
{"statuses":[{"id":"transferring","vertex":"sha256:a","current":5,"total":10,"timestamp":"0001-01-01T00:00:00Z"}]}
{"logs":[{"vertex":"sha256:a","stream":1,"data":"aGkK","timestamp":"2026-01-02T03:04:06Z"}],"vertexes":null}
ERROR: it broke
{"vertexes":[{"digest":"sha256:a","na"#;

    #[test]
    fn objects_are_found_however_the_stream_is_cut() {
        for size in [1, 7, 64, STREAM.len()] {
            let mut decoder = Decoder::default();
            let updates: Vec<Update> = STREAM
                .chunks(size)
                .flat_map(|chunk| decoder.push(chunk))
                .collect();
            assert_eq!(updates.len(), 3, "in pieces of {size}");
            assert_eq!(updates[0].vertexes[0].started, Some(1_767_323_045_678));
            assert_eq!(
                (updates[1].statuses[0].current, updates[1].statuses[0].total),
                (5, 10)
            );
            assert_eq!(updates[2].logs[0].data, b"hi\n");
            assert_eq!(
                decoder.finish(),
                "ERROR: it broke\n",
                "half an object at the end is tolerated"
            );
        }
    }

    #[test]
    fn an_object_of_another_shape_is_not_a_reason_to_stop() {
        let mut decoder = Decoder::default();
        let updates = decoder.push(b"{\"vertexes\": 5}\n{\"warnings\": []}\n");
        assert_eq!(updates.len(), 1);
    }
}
