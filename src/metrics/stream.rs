//! From the encoder to the client: whole lines gathered to chunks, rewritten
//! if the client wants text 0.0.4, gzipped if it wants that. Nothing ever holds
//! the whole.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use parking_lot::Mutex;

use super::Format;
use super::text::Rewriter;

/// How much goes out at once, and rarely a line more: small enough to keep
/// memory flat, large enough that the number of writes does not matter.
pub const CHUNK: usize = 64 * 1024;

/// Takes an exposition piece by piece.
pub trait Chunks {
    /// Takes the next piece. An error ends the rendering: the client is gone.
    ///
    /// # Errors
    /// When nobody takes pieces any more.
    fn chunk(&mut self, chunk: Bytes) -> io::Result<()>;
}

impl Chunks for Vec<u8> {
    fn chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        self.extend_from_slice(&chunk);
        Ok(())
    }
}

/// Hands an exemplar from the label encoder to the line it belongs to.
///
/// The registry's crate lets nobody make exemplars for a histogram that is not
/// its own, so they are written here: whoever encodes the labels of a line
/// leaves the exemplar, and the newline that ends this line takes it along.
#[derive(Debug)]
pub(super) struct ExemplarSlot {
    /// False where exemplars would only be cut off again.
    wanted: bool,
    armed: AtomicBool,
    exemplar: Mutex<String>,
}

impl ExemplarSlot {
    pub(super) fn new(format: Format) -> Arc<Self> {
        Arc::new(Self {
            wanted: format == Format::OpenMetrics,
            armed: AtomicBool::new(false),
            exemplar: Mutex::default(),
        })
    }

    /// Leaves an exemplar for the line that is being written.
    pub(super) fn put(&self, write: impl FnOnce(&mut String)) {
        if self.wanted {
            let mut exemplar = self.exemplar.lock();
            exemplar.clear();
            write(&mut exemplar);
            self.armed.store(true, Ordering::Relaxed);
        }
    }
}

/// Where the encoder writes.
pub(super) struct LineWriter<'a, C: Chunks> {
    /// Whole lines, and the beginning of one; UTF-8, for only text comes in.
    lines: Vec<u8>,
    exemplar_slot: Arc<ExemplarSlot>,
    out: Output<'a, C>,
    /// What the formatting traits cannot carry.
    error: Option<io::Error>,
}

struct Output<'a, C: Chunks> {
    rewriter: Option<Rewriter>,
    encoding: Encoding<'a, C>,
}

enum Encoding<'a, C: Chunks> {
    Identity(Gather<'a, C>),
    Gzip(Box<GzEncoder<Gather<'a, C>>>),
}

impl<'a, C: Chunks> LineWriter<'a, C> {
    pub(super) fn new(
        format: Format,
        gzip: bool,
        exemplar_slot: Arc<ExemplarSlot>,
        chunks: &'a mut C,
    ) -> Self {
        let gather = Gather {
            buffer: Vec::new(),
            chunks,
        };
        Self {
            lines: buffer(),
            exemplar_slot,
            out: Output {
                rewriter: (format == Format::Text).then(Rewriter::default),
                encoding: if gzip {
                    Encoding::Gzip(Box::new(GzEncoder::new(gather, Compression::fast())))
                } else {
                    Encoding::Identity(gather)
                },
            },
            error: None,
        }
    }

    /// Sends what is left. `encoded` is what the encoder said.
    pub(super) fn finish(mut self, encoded: fmt::Result) -> io::Result<()> {
        if let Some(error) = self.error {
            return Err(error);
        }
        encoded.map_err(io::Error::other)?;
        self.out.lines(&mut self.lines)?;
        match self.out.encoding {
            Encoding::Identity(gather) => gather.finish(),
            Encoding::Gzip(encoder) => encoder.finish()?.finish(),
        }
    }
}

impl<C: Chunks> fmt::Write for LineWriter<'_, C> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The encoder ends every sample with a newline of its own; all that
        // comes between is only copied, four million times a big page.
        if text != "\n" {
            append(&mut self.lines, text.as_bytes());
            return Ok(());
        }
        if self.exemplar_slot.armed.load(Ordering::Relaxed) {
            self.exemplar_slot.armed.store(false, Ordering::Relaxed);
            self.lines
                .extend_from_slice(self.exemplar_slot.exemplar.lock().as_bytes());
        }
        self.lines.push(b'\n');
        if self.lines.len() >= CHUNK
            && let Err(error) = self.out.lines(&mut self.lines)
        {
            self.error = Some(error);
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// A line is far shorter than the reserve: the buffer never grows.
fn buffer() -> Vec<u8> {
    Vec::with_capacity(CHUNK + CHUNK / 8)
}

/// Appends bytes. Most are few: up to sixteen are copied by two moves of a
/// fixed length, of which the second may write again what the first did, for
/// that is quicker than to call for a copy of any length.
fn append(lines: &mut Vec<u8>, text: &[u8]) {
    let begin = lines.len();
    if let [byte] = text {
        lines.push(*byte);
    } else if text.len() > 16 {
        lines.extend_from_slice(text);
    } else if let (Some(head), Some(tail)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        lines.extend_from_slice(head);
        lines.truncate(begin + text.len() - 8);
        lines.extend_from_slice(tail);
    } else if let (Some(head), Some(tail)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        lines.extend_from_slice(head);
        lines.truncate(begin + text.len() - 4);
        lines.extend_from_slice(tail);
    } else if let (Some(head), Some(tail)) = (text.first_chunk::<2>(), text.last_chunk::<2>()) {
        lines.extend_from_slice(head);
        lines.truncate(begin + text.len() - 2);
        lines.extend_from_slice(tail);
    }
}

impl<C: Chunks> Output<'_, C> {
    /// Takes whole lines out of the buffer.
    fn lines(&mut self, lines: &mut Vec<u8>) -> io::Result<()> {
        match (&mut self.rewriter, &mut self.encoding) {
            // As they are: the buffer itself goes out.
            (None, Encoding::Identity(gather)) => {
                let lines = std::mem::replace(lines, buffer());
                return gather.chunks.chunk(Bytes::from(lines));
            }
            (None, encoding) => encoding.write_all(lines)?,
            (Some(rewriter), encoding) => {
                let text = str::from_utf8(lines).map_err(io::Error::other)?;
                rewriter.rewrite(text, encoding)?;
            }
        }
        lines.clear();
        Ok(())
    }
}

impl<C: Chunks> io::Write for Encoding<'_, C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Identity(gather) => gather.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gathers bytes to chunks.
struct Gather<'a, C> {
    buffer: Vec<u8>,
    chunks: &'a mut C,
}

impl<C: Chunks> Gather<'_, C> {
    fn finish(mut self) -> io::Result<()> {
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.chunks
            .chunk(Bytes::from(std::mem::take(&mut self.buffer)))
    }
}

impl<C: Chunks> io::Write for Gather<'_, C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(CHUNK.min(bytes.len().max(4096)));
        }
        let room = CHUNK - self.buffer.len();
        let (fits, _) = bytes.split_at(room.min(bytes.len()));
        self.buffer.extend_from_slice(fits);
        if self.buffer.len() >= CHUNK {
            self.send()?;
        }
        Ok(fits.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_appended_is_what_was_given(texts in proptest::collection::vec(".{0,24}", 0..20)) {
            let mut lines = Vec::new();
            for text in &texts {
                append(&mut lines, text.as_bytes());
            }
            prop_assert_eq!(String::from_utf8(lines).unwrap(), texts.concat());
        }
    }
}
