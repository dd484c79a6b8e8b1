//! CONNECT through an HTTP proxy (RFC 9110, section 9.3.6).

use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::proxy::ProxyServer;
use super::{NetFailure, NetFailureKind};

/// No proxy has more than this to say before it connects.
const MOST_HEAD: usize = 16 << 10;
/// Interim answers that are passed over.
const MOST_INTERIM: usize = 8;

/// Asks the proxy at the other end of `stream` to connect us to
/// `host:port`; afterwards the stream is the tunnel.
pub(super) async fn connect<S>(
    stream: &mut S,
    proxy: &ProxyServer,
    host: &str,
    port: u16,
    user_agent: &HeaderValue,
) -> Result<(), NetFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let failed = |what: &str| {
        NetFailure::new(
            NetFailureKind::Proxy,
            format!("{host}: the proxy {} {what}", proxy.name()),
        )
    };
    let mut head =
        format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    head.extend_from_slice(b"User-Agent: ");
    head.extend_from_slice(user_agent.as_bytes());
    if let Some(value) = &proxy.authorization {
        head.extend_from_slice(b"\r\nProxy-Authorization: ");
        head.extend_from_slice(value.as_bytes());
    }
    head.extend_from_slice(b"\r\n\r\n");
    let sent = stream.write_all(&head).await;
    zeroize::Zeroize::zeroize(&mut head);
    sent.map_err(|error| failed("closed the connection").caused_by(error))?;

    let mut answer = Vec::with_capacity(512);
    let mut interim = 0;
    let end = loop {
        if let Some(end) = find_end(&answer) {
            // What is said before the answer itself (RFC 9110, section 15.2).
            let before = status(&answer).is_some_and(|status| (100..200).contains(&status));
            if before && interim < MOST_INTERIM {
                interim += 1;
                answer.drain(..end);
                continue;
            }
            break end;
        }
        if answer.len() >= MOST_HEAD {
            return Err(failed("answered with too many headers"));
        }
        match stream.read_buf(&mut answer).await {
            Ok(0) => return Err(failed("closed the connection without connecting us")),
            Ok(_) => {}
            Err(error) => return Err(failed("broke the connection").caused_by(error)),
        }
    };
    match status(&answer) {
        // A TLS server never speaks first: what follows is not from it.
        Some(200..=299) if end < answer.len() => Err(failed("sent more than an answer")),
        Some(200..=299) => Ok(()),
        Some(407) => Err(failed("wants a user name and a password (407)")),
        Some(status) => Err(failed(&format!("refused to connect us ({status})"))),
        None => Err(failed("does not speak HTTP")),
    }
}

/// Behind the empty line; lenient about bare line feeds.
fn find_end(answer: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(feed) = answer[at..].iter().position(|b| *b == b'\n') {
        at += feed + 1;
        match answer.get(at..) {
            Some([b'\n', ..]) => return Some(at + 1),
            Some([b'\r', b'\n', ..]) => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// The status of `HTTP/1.x SSS …`.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|b| *b == b'\r' || *b == b'\n').next()?;
    let rest = line.strip_prefix(b"HTTP/1.")?;
    match rest {
        [b'0' | b'1', b' ', a, b, c, tail @ ..] if tail.is_empty() || tail[0] == b' ' => {
            [a, b, c].iter().try_fold(0_u16, |sum, digit| {
                digit
                    .is_ascii_digit()
                    .then(|| sum * 10 + u16::from(**digit - b'0'))
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn status_lines() {
        assert_eq!(
            status(b"HTTP/1.1 200 Connection established\r\n"),
            Some(200)
        );
        assert_eq!(status(b"HTTP/1.0 407\r\n"), Some(407));
        for bad in [
            &b"HTTP/2 200\r\n"[..],
            b"",
            b"HTTP/1.1 2000\r\n",
            b"SSH-2.0",
        ] {
            assert_eq!(status(bad), None);
        }
    }

    #[test]
    fn ends() {
        assert_eq!(find_end(b"a\r\nb\r\n\r\n!"), Some(8));
        assert_eq!(find_end(b"a\n\n"), Some(3));
        assert_eq!(find_end(b"a\r\nb\r\n"), None);
    }

    proptest! {
        #[test]
        fn any_answer_ends(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            _ = find_end(&bytes);
            _ = status(&bytes);
        }
    }
}
