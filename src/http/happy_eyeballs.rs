//! TCP to the first address that answers (RFC 8305, "Happy Eyeballs", in its
//! simple form): families interleaved, the next attempt after a short stagger
//! or as soon as the last one failed.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::failure::is_our_shortage;

/// RFC 8305, section 8: the recommended connection attempt delay.
const STAGGER: Duration = Duration::from_millis(250);

/// Addresses of one name that are tried, both families among them; a name
/// server can hardly send more.
const MOST_ADDRESSES: usize = 1024;

/// Connects to one of the addresses; `TCP_NODELAY` is set, since without it
/// Nagle's algorithm adds 40 ms that no user of a browser sees.
pub(super) async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting = interleave(addresses).into_iter().take(MOST_ADDRESSES);
    let mut attempts = FuturesUnordered::new();
    let mut worst: Option<io::Error> = None;
    loop {
        if let Some(address) = waiting.next() {
            attempts.push(TcpStream::connect(address));
        } else if attempts.is_empty() {
            return Err(worst.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()));
        }
        let ended = tokio::select! {
            ended = attempts.next() => ended,
            () = sleep(STAGGER), if waiting.len() > 0 => None,
        };
        match ended {
            Some(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Some(Err(error)) if is_our_shortage(&error) => return Err(error),
            // "Refused" says more than "no route for IPv6 here".
            Some(Err(error)) if worst.as_ref().is_none_or(tells_little) => worst = Some(error),
            Some(Err(_)) | None => {}
        }
    }
}

fn tells_little(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::HostUnreachable
    )
}

/// Alternates the families, beginning with that of the first address: the
/// resolver sorted them by RFC 6724 already.
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else {
        return Vec::new();
    };
    let (mut same, mut other) = (Vec::new(), Vec::new());
    for address in addresses {
        if address.is_ipv4() == first.is_ipv4() {
            same.push(*address);
        } else {
            other.push(*address);
        }
    }
    let mut out = Vec::with_capacity(addresses.len());
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    loop {
        let before = out.len();
        out.extend(same.next());
        out.extend(other.next());
        if out.len() == before {
            return out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    #[test]
    fn families_alternate() {
        let mixed = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]);
        let wanted = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"]);
        assert_eq!(interleave(&mixed), wanted);
        assert!(interleave(&[]).is_empty());
    }

    /// Twenty addresses of one family that lead nowhere, before the one that does.
    #[tokio::test]
    async fn the_last_of_many_addresses_is_reached() {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = taken.local_addr().unwrap();
        let refused = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        let mut many = vec![refused; 40];
        many.push(good);
        let stream = connect(&many).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
    }

    #[tokio::test]
    async fn a_refused_address_does_not_hold_up_the_next() {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = taken.local_addr().unwrap();
        let refused = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        let stream = connect(&[refused, good]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        assert!(stream.nodelay().unwrap());
        let error = connect(&[refused]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
