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

/// How much goes out at once: small enough to keep memory flat, large enough
/// that the number of writes does not matter.
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
pub(super) struct Hook {
    /// False where exemplars would only be cut off again.
    wanted: bool,
    armed: AtomicBool,
    exemplar: Mutex<String>,
}

impl Hook {
    pub(super) fn new(format: Format) -> Arc<Self> {
        Arc::new(Self {
            wanted: format == Format::OpenMetrics,
            armed: AtomicBool::new(false),
            exemplar: Mutex::default(),
        })
    }

    /// Leaves an exemplar for the line that is being written.
    pub(super) fn arm(&self, write: impl FnOnce(&mut String) -> fmt::Result) -> fmt::Result {
        if !self.wanted {
            return Ok(());
        }
        let mut exemplar = self.exemplar.lock();
        exemplar.clear();
        self.armed.store(true, Ordering::Relaxed);
        write(&mut exemplar)
    }
}

/// Where the encoder writes.
pub(super) struct LineWriter<'a, C: Chunks> {
    lines: String,
    hook: Arc<Hook>,
    out: Stage<'a, C>,
    /// What the formatting traits cannot carry.
    error: Option<io::Error>,
}

struct Stage<'a, C: Chunks> {
    rewriter: Option<Rewriter>,
    coding: Coding<'a, C>,
}

enum Coding<'a, C: Chunks> {
    Identity(Gather<'a, C>),
    Gzip(Box<GzEncoder<Gather<'a, C>>>),
}

impl<'a, C: Chunks> LineWriter<'a, C> {
    pub(super) fn new(format: Format, gzip: bool, hook: Arc<Hook>, chunks: &'a mut C) -> Self {
        let gather = Gather {
            buffer: Vec::new(),
            chunks,
        };
        Self {
            // A line is far shorter than the reserve: the buffer never grows.
            lines: String::with_capacity(CHUNK + CHUNK / 8),
            hook,
            out: Stage {
                rewriter: (format == Format::Text).then(Rewriter::default),
                coding: if gzip {
                    Coding::Gzip(Box::new(GzEncoder::new(gather, Compression::fast())))
                } else {
                    Coding::Identity(gather)
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
        self.out.lines(&self.lines)?;
        match self.out.coding {
            Coding::Identity(gather) => gather.finish(),
            Coding::Gzip(encoder) => encoder.finish()?.finish(),
        }
    }
}

impl<C: Chunks> fmt::Write for LineWriter<'_, C> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The encoder ends every sample with a newline of its own; all that
        // comes between is only copied, three million times a big page.
        if text != "\n" {
            self.lines.push_str(text);
            return Ok(());
        }
        if self.hook.armed.load(Ordering::Relaxed) {
            self.hook.armed.store(false, Ordering::Relaxed);
            self.lines.push_str(&self.hook.exemplar.lock());
        }
        self.lines.push('\n');
        if self.lines.len() >= CHUNK {
            if let Err(error) = self.out.lines(&self.lines) {
                self.error = Some(error);
                return Err(fmt::Error);
            }
            self.lines.clear();
        }
        Ok(())
    }
}

impl<C: Chunks> Stage<'_, C> {
    /// Takes whole lines.
    fn lines(&mut self, lines: &str) -> io::Result<()> {
        match &mut self.rewriter {
            Some(rewriter) => rewriter.rewrite(lines, &mut self.coding),
            None => self.coding.write_all(lines.as_bytes()),
        }
    }
}

impl<C: Chunks> io::Write for Coding<'_, C> {
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
