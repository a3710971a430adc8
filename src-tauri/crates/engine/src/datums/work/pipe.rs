//! A pipe from code that writes and blocks to a stream that is sent, and back.

use std::io::{self, Read, Write};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;

/// How much is sent at a time.
const PIECE: usize = 256 * 1024;
/// Pieces on their way.
const PIECES: usize = 8;

/// The end that is written to, on a thread that may block.
pub(super) struct Writer {
    buffer: Vec<u8>,
    pieces: mpsc::Sender<io::Result<Bytes>>,
}

/// Returns the two ends of a pipe to a stream.
pub(super) fn out() -> (Writer, impl Stream<Item = io::Result<Bytes>> + Send + 'static) {
    let (pieces, mut received) = mpsc::channel(PIECES);
    let stream = futures_util::stream::poll_fn(move |context| received.poll_recv(context));
    let buffer = Vec::with_capacity(PIECE);
    (Writer { buffer, pieces }, stream)
}

impl Writer {
    fn send(&mut self, piece: io::Result<Bytes>) -> io::Result<()> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads any more");
        self.pieces.blocking_send(piece).map_err(gone)
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        self.send(Ok(piece.into()))
    }
}

/// The end that is read from, on a thread that may block.
pub(super) struct Reader {
    piece: Bytes,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
}

/// Returns a reader, and what has to be driven so that it gets something.
pub(super) fn into<E: Send + 'static>(
    stream: impl Stream<Item = Result<Bytes, E>> + Send,
    failed: impl Fn(E) -> io::Error + Send,
) -> (Reader, impl Future<Output = ()> + Send) {
    let (sender, pieces) = mpsc::channel(PIECES);
    let driven = async move {
        let mut stream = std::pin::pin!(stream);
        while let Some(piece) = stream.next().await {
            if sender.send(piece.map_err(&failed)).await.is_err() {
                return;
            }
        }
    };
    let piece = Bytes::new();
    (Reader { piece, pieces }, driven)
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(into.len());
        into[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
