//! Reading a body no further than it is wanted, and no gzip bomb either.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::wiped::Wiped;

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BodyEnd {
    /// Whole.
    Complete,
    /// There was more than the limit; the rest was not read.
    TooLarge,
    /// Truncated, reset, or in an encoding that we did not ask for or cannot undo.
    Broken,
    /// Time ran out while reading.
    TimedOut,
}

/// Collects a body, decoded, up to a limit. It outlives the reading, so that
/// what had come before time ran out is still there.
pub(super) struct Collector {
    coding: Coding,
    /// Nothing came. Such a body is whole, however it is said to be encoded: a 204 has
    /// none, and front doors name an encoding all the same.
    empty: bool,
}

enum Coding {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
    Unknown,
}

/// A buffer that refuses to grow beyond its limit.
struct Bounded {
    bytes: Wiped,
    limit: usize,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        let room = self.limit - self.bytes.len();
        if more.len() > room {
            self.bytes.extend(&more[..room]);
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Collector {
    /// For an answer with these headers.
    pub(super) fn new(headers: &HeaderMap, limit: usize) -> Self {
        let bounded = Bounded {
            bytes: Wiped::default(),
            limit,
            full: false,
        };
        let mut codings = headers.get_all(CONTENT_ENCODING).iter();
        let coding = match (
            codings.next().map(http::HeaderValue::as_bytes),
            codings.next(),
        ) {
            (None, _) => Coding::Plain(bounded),
            (Some(one), None) if one.eq_ignore_ascii_case(b"identity") => Coding::Plain(bounded),
            (Some(one), None)
                if one.eq_ignore_ascii_case(b"gzip") || one.eq_ignore_ascii_case(b"x-gzip") =>
            {
                Coding::Gzip(Box::new(MultiGzDecoder::new(bounded)))
            }
            _ => Coding::Unknown,
        };
        Self {
            coding,
            empty: true,
        }
    }

    /// Reads to the end, the limit or the first fault.
    pub(super) async fn read(&mut self, body: &mut Incoming) -> BodyEnd {
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                return BodyEnd::Broken;
            };
            if let Some(data) = frame.data_ref()
                && let Err(end) = self.take(data)
            {
                return end;
            }
        }
        self.end()
    }

    fn take(&mut self, data: &[u8]) -> Result<(), BodyEnd> {
        if data.is_empty() {
            return Ok(());
        }
        self.empty = false;
        let (taken, full) = match &mut self.coding {
            Coding::Plain(bounded) => (bounded.write_all(data), bounded.full),
            Coding::Gzip(decoder) => (decoder.write_all(data), decoder.get_ref().full),
            Coding::Unknown => return Err(BodyEnd::Broken),
        };
        match taken {
            _ if full => Err(BodyEnd::TooLarge),
            Ok(()) => Ok(()),
            Err(_) => Err(BodyEnd::Broken),
        }
    }

    fn end(&mut self) -> BodyEnd {
        if self.empty {
            return BodyEnd::Complete;
        }
        match &mut self.coding {
            Coding::Plain(_) => BodyEnd::Complete,
            Coding::Gzip(decoder) => match decoder.try_finish() {
                _ if decoder.get_ref().full => BodyEnd::TooLarge,
                Ok(()) => BodyEnd::Complete,
                Err(_) => BodyEnd::Broken,
            },
            Coding::Unknown => BodyEnd::Broken,
        }
    }

    /// What was read, at most the limit.
    pub(super) fn into_bytes(self) -> Bytes {
        match self.coding {
            Coding::Plain(mut bounded) => std::mem::take(&mut bounded.bytes).into_bytes(),
            Coding::Gzip(mut decoder) => std::mem::take(&mut decoder.get_mut().bytes).into_bytes(),
            Coding::Unknown => Bytes::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn feed(encoding: Option<&'static str>, limit: usize, chunks: &[&[u8]]) -> (BodyEnd, Bytes) {
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        }
        let mut collector = Collector::new(&headers, limit);
        for chunk in chunks {
            if let Err(end) = collector.take(chunk) {
                return (end, collector.into_bytes());
            }
        }
        (collector.end(), collector.into_bytes())
    }

    #[test]
    fn plain_up_to_the_limit() {
        assert_eq!(
            feed(None, 3, &[b"ab", b"c"]),
            (BodyEnd::Complete, "abc".into())
        );
        assert_eq!(
            feed(None, 3, &[b"ab", b"cd"]),
            (BodyEnd::TooLarge, "abc".into())
        );
        assert_eq!(
            feed(Some("identity"), 3, &[]),
            (BodyEnd::Complete, Bytes::new())
        );
        assert_eq!(feed(Some("br"), 3, &[b"x"]).0, BodyEnd::Broken);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 20 << 20]);
        let (end, body) = feed(Some("GZIP"), 1000, &[&bomb]);
        assert_eq!((end, body.len()), (BodyEnd::TooLarge, 1000));
    }

    /// As a 204 has it, and an empty 200.
    #[test]
    fn nothing_at_all_is_whole() {
        for encoding in [
            None,
            Some("gzip"),
            Some("x-gzip"),
            Some("identity"),
            Some("br"),
        ] {
            for chunks in [&[][..], &[b"".as_slice()]] {
                let whole = (BodyEnd::Complete, Bytes::new());
                assert_eq!(feed(encoding, 9, chunks), whole, "{encoding:?}");
            }
        }
    }

    #[test]
    fn a_cut_stream_is_broken() {
        let whole = gzip(b"{\"value\":[]}");
        assert_eq!(
            feed(Some("gzip"), 99, &[&whole[..whole.len() - 4]]).0,
            BodyEnd::Broken
        );
        assert_eq!(feed(Some("gzip"), 99, &[b"{}"]).0, BodyEnd::Broken);
    }

    proptest! {
        #[test]
        fn gzip_in_any_pieces(data in proptest::collection::vec(any::<u8>(), 0..2000), at in 0_usize..2000) {
            let packed = gzip(&data);
            let (head, tail) = packed.split_at(at.min(packed.len()));
            prop_assert_eq!(feed(Some("gzip"), 4000, &[head, tail]), (BodyEnd::Complete, data.into()));
        }

        #[test]
        fn junk_never_exceeds_the_limit(data in proptest::collection::vec(any::<u8>(), 0..500)) {
            prop_assert!(feed(Some("gzip"), 64, &[&data]).1.len() <= 64);
        }
    }
}
