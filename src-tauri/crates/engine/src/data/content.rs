//! Content of files: bytes of any length, as a sequence of chunks that are cut where the content says.

use std::io::{self, Read};
use std::sync::Arc;

use fastcdc::v2020::StreamCDC;

use super::bytes::{Fields, put_number};
use super::digest::Digest;
use super::store::DataStore;
use super::writing::Writing;
use crate::error::{Error, Result};

/// Sizes of chunks of large files.
const LEAST: usize = 256 * 1024;
const AVERAGE: usize = 1024 * 1024;
const MOST: usize = 4 * 1024 * 1024;

/// Chunks that are smaller than this on the average are not worth keeping.
const SMALL: u64 = 128 * 1024;

/// Longer sequences lie in a chunk of their own.
const LISTED: usize = 64;

const LIST: u8 = b'C';

/// What a file holds, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// Digest of the bytes.
    pub(crate) digest: Digest,
    /// How many there are.
    pub(crate) bytes: u64,
    pub(super) chunks: Chunks,
}

/// Where the bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// In the chunk of the content's own digest; nowhere when there are none.
    Whole,
    /// In these, one after the other.
    Several(Arc<[Chunk]>),
    /// In those that a chunk lists.
    Listed(Digest),
}

/// A part of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) digest: Digest,
    pub(super) bytes: u32,
}

impl Writing {
    /// Keeps what a reader gives, to its end. Its errors are returned as they are, inside of an internal error.
    pub(crate) fn write_content(&self, reader: &mut dyn Read) -> Result<Content> {
        let reading = |error| match own(error) {
            Ok(own) => own,
            Err(error) => Error::internal("the content could not be read", error),
        };
        let mut start = Vec::new();
        reader
            .take(LEAST as u64)
            .read_to_end(&mut start)
            .map_err(reading)?;
        if start.len() < LEAST {
            let bytes = start.len() as u64;
            let digest = match start.is_empty() {
                true => Digest::of(&[]),
                false => self.keep_chunk(&start)?,
            };
            return Ok(Content {
                digest,
                bytes,
                chunks: Chunks::Whole,
            });
        }
        let mut whole = blake3::Hasher::new();
        let mut chunks = Vec::new();
        let mut bytes = 0;
        for piece in StreamCDC::new(start.as_slice().chain(reader), LEAST, AVERAGE, MOST) {
            let piece = piece.map_err(|error| reading(error.into()))?.data;
            whole.update(&piece);
            bytes += piece.len() as u64;
            let digest = self.keep_chunk(&piece)?;
            chunks.push(Chunk {
                digest,
                bytes: u32::try_from(piece.len()).unwrap_or(u32::MAX),
            });
        }
        self.content(whole.finalize().into(), bytes, chunks)
    }

    /// Joins contents into one.
    pub(super) fn concatenate(&self, parts: &[Content]) -> Result<Content> {
        if let [one] = parts {
            return Ok(one.clone());
        }
        let total: u64 = parts.iter().map(|part| part.bytes).sum();
        let mut chunks = Vec::new();
        for part in parts {
            chunks.extend_from_slice(&self.chunks_of(part)?);
        }
        let reader = |chunks: &[Chunk]| ContentReader::new(self.store(), chunks.into());
        // Many small pieces are cut anew: a file that a thousand datums wrote to is not read in a thousand pieces.
        if total < SMALL * chunks.len() as u64 {
            return self.write_content(&mut reader(&chunks));
        }
        // Large ones stay as they are, so that nothing is stored twice.
        let mut whole = blake3::Hasher::new();
        whole
            .update_reader(reader(&chunks))
            .map_err(|error| match own(error) {
                Ok(own) => own,
                Err(error) => Error::internal("the content could not be read", error),
            })?;
        self.content(whole.finalize().into(), total, chunks)
    }

    fn content(&self, digest: Digest, bytes: u64, chunks: Vec<Chunk>) -> Result<Content> {
        let chunks = match chunks.as_slice() {
            [] => Chunks::Whole,
            [one] if one.digest == digest => Chunks::Whole,
            few if few.len() <= LISTED => Chunks::Several(few.into()),
            many => {
                let mut list = vec![LIST];
                put_chunks(&mut list, many);
                Chunks::Listed(self.keep_page(list)?)
            }
        };
        Ok(Content {
            digest,
            bytes,
            chunks,
        })
    }
}

impl DataStore {
    /// Returns a reader of content. Damage is an error, which says what to do, and never a wrong byte.
    pub(crate) fn read_content(self: &Arc<Self>, content: &Content) -> Result<ContentReader> {
        Ok(ContentReader::new(self, self.chunks_of(content)?))
    }

    /// Returns all of the content, for what is known to be small.
    pub(crate) fn content_bytes(&self, content: &Content) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        self.each_chunk(content, |bytes| {
            all.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(all)
    }

    /// Hands over content piece by piece.
    pub(crate) fn each_chunk(
        &self,
        content: &Content,
        mut work: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        self.each_chunk_while(content, |bytes| work(bytes).map(|()| true))
    }

    /// Hands over content piece by piece, as long as it is wanted.
    pub(super) fn each_chunk_while(
        &self,
        content: &Content,
        mut work: impl FnMut(&[u8]) -> Result<bool>,
    ) -> Result<()> {
        for chunk in self.chunks_of(content)?.iter() {
            if !work(&self.chunk(chunk.digest)?)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns the beginning of content.
    pub(super) fn beginning(&self, content: &Content, most: usize) -> Result<Vec<u8>> {
        let mut start = Vec::new();
        for chunk in self.chunks_of(content)?.iter() {
            if start.len() >= most {
                break;
            }
            start.extend_from_slice(&self.chunk(chunk.digest)?);
        }
        start.truncate(most);
        Ok(start)
    }

    pub(super) fn chunks_of(&self, content: &Content) -> Result<Arc<[Chunk]>> {
        match &content.chunks {
            Chunks::Whole if content.bytes == 0 => Ok(Arc::default()),
            Chunks::Whole => {
                let bytes = u32::try_from(content.bytes).unwrap_or(u32::MAX);
                Ok([Chunk {
                    digest: content.digest,
                    bytes,
                }]
                .into())
            }
            Chunks::Several(chunks) => Ok(chunks.clone()),
            Chunks::Listed(list) => Ok(decode_list(&self.chunk(*list)?)?.into()),
        }
    }
}

impl Content {
    /// Returns about how many bytes its list of chunks takes in a page.
    pub(super) fn encoded_chunks(&self) -> usize {
        match &self.chunks {
            Chunks::Whole => 0,
            Chunks::Several(chunks) => 36 * chunks.len(),
            Chunks::Listed(_) => 32,
        }
    }

    pub(super) fn encode(&self, page: &mut Vec<u8>) {
        page.extend_from_slice(&self.digest.0);
        put_number(page, self.bytes);
        match &self.chunks {
            Chunks::Whole => page.push(0),
            Chunks::Several(chunks) => {
                page.push(1);
                put_chunks(page, chunks);
            }
            Chunks::Listed(list) => {
                page.push(2);
                page.extend_from_slice(&list.0);
            }
        }
    }

    pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Self> {
        let digest = fields.digest()?;
        let bytes = fields.number()?;
        let chunks = match fields.byte()? {
            0 => Chunks::Whole,
            1 => Chunks::Several(chunks(fields)?.into()),
            2 => Chunks::Listed(fields.digest()?),
            _ => return Err(Fields::damaged()),
        };
        Ok(Self {
            digest,
            bytes,
            chunks,
        })
    }
}

/// Reads a list of chunks.
pub(super) fn decode_list(page: &[u8]) -> Result<Vec<Chunk>> {
    let mut fields = Fields::of_kind(page, LIST)?;
    let list = chunks(&mut fields)?;
    fields.end(list)
}

fn put_chunks(page: &mut Vec<u8>, chunks: &[Chunk]) {
    put_number(page, chunks.len() as u64);
    for chunk in chunks {
        page.extend_from_slice(&chunk.digest.0);
        put_number(page, u64::from(chunk.bytes));
    }
}

fn chunks(fields: &mut Fields<'_>) -> Result<Vec<Chunk>> {
    let count = fields.number()?;
    let mut chunks = Vec::new();
    for _ in 0..count {
        let digest = fields.digest()?;
        let bytes = u32::try_from(fields.number()?).map_err(|_| Fields::damaged())?;
        chunks.push(Chunk { digest, bytes });
    }
    Ok(chunks)
}

/// Reads content from a store.
pub(crate) struct ContentReader {
    store: Arc<DataStore>,
    chunks: Arc<[Chunk]>,
    next: usize,
    current: io::Cursor<Vec<u8>>,
}

impl ContentReader {
    fn new(store: &Arc<DataStore>, chunks: Arc<[Chunk]>) -> Self {
        Self {
            store: store.clone(),
            chunks,
            next: 0,
            current: io::Cursor::default(),
        }
    }
}

impl Read for ContentReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.current.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            let Some(chunk) = self.chunks.get(self.next) else {
                return Ok(0);
            };
            let bytes = self.store.chunk(chunk.digest).map_err(io::Error::other)?;
            self.next += 1;
            self.current = io::Cursor::new(bytes);
        }
    }
}

/// Returns the engine's error inside of one of input and output, as a [`ContentReader`] gives it.
pub(crate) fn own(error: io::Error) -> std::result::Result<Error, io::Error> {
    match error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
        true => match error.into_inner().map(|inner| inner.downcast::<Error>()) {
            Some(Ok(inner)) => Ok(*inner),
            Some(Err(other)) => Err(io::Error::other(other)),
            None => Err(io::ErrorKind::Other.into()),
        },
        false => Err(error),
    }
}
