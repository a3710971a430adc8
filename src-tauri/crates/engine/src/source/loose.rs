//! Loose object files read without libgit2, which waits for ever when one was cut short (a crash, a full disk).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::ZlibDecoder;
use git2::{ObjectType, Oid};

/// What a loose object file begins with.
pub(crate) struct Loose {
    pub(crate) kind: ObjectType,
    pub(crate) bytes: u64,
    content: ZlibDecoder<BufReader<File>>,
}

/// Opens the loose file of an object in one object directory and reads its header; `None` when there is no such file.
pub(crate) fn open(objects: &Path, id: Oid) -> io::Result<Option<Loose>> {
    let hex = id.to_string();
    let file = match File::open(objects.join(&hex[..2]).join(&hex[2..])) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut content = ZlibDecoder::new(BufReader::with_capacity(16 * 1024, file));
    let mut header = Vec::with_capacity(32);
    let mut byte = [0];
    loop {
        content.read_exact(&mut byte)?;
        match byte[0] {
            0 => break,
            _ if header.len() >= 32 => return Err(io::Error::other("its header is too long")),
            byte => header.push(byte),
        }
    }
    let header = std::str::from_utf8(&header).unwrap_or_default();
    let parsed = header
        .split_once(' ')
        .and_then(|(kind, bytes)| Some((ObjectType::from_str(kind)?, bytes.parse().ok()?)));
    let (kind, bytes) = parsed.ok_or_else(|| io::Error::other("its header makes no sense"))?;
    Ok(Some(Loose { kind, bytes, content }))
}

impl Loose {
    /// Reads all of the object and compares it with its id.
    pub(crate) fn read(self, id: Oid) -> io::Result<(ObjectType, Vec<u8>)> {
        let mut data = Vec::new();
        // One byte more than promised is enough to notice that there is more.
        self.content
            .take(self.bytes.saturating_add(1))
            .read_to_end(&mut data)?;
        if data.len() as u64 != self.bytes {
            return Err(io::Error::other("its length is not what it says"));
        }
        match Oid::hash_object(self.kind, &data) {
            Ok(actual) if actual == id => Ok((self.kind, data)),
            _ => Err(io::Error::other("its content does not match its id")),
        }
    }
}
