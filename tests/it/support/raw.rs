//! HTTP as bytes on a socket, so that tests can say exactly what they send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{operator, page};

/// Generous: the machine may be slow, and a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// What a person reads of a page.
    pub(crate) fn words(&self) -> String {
        page::words(self.text())
    }

    fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no head: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Self {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = dechunk(&answer.body);
        }
        answer
    }
}

/// Takes a chunked body apart; panics unless it ended as it should.
fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = bytes.windows(2).position(|w| w == b"\r\n");
        let line = line.unwrap_or_else(|| panic!("the body was cut off"));
        let size = std::str::from_utf8(&bytes[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        bytes = &bytes[line + 2..];
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&bytes[..size]);
        bytes = &bytes[size + 2..];
    }
}

/// Sends bytes and reads until the server closes.
pub(crate) async fn exchange(addr: SocketAddr, request: &[u8]) -> Vec<u8> {
    let talk = async {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        // A server that has heard enough may close before it has read all.
        _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer).await;
        answer
    };
    tokio::time::timeout(PATIENCE, talk).await.unwrap()
}

/// `METHOD PATH` with headers, one a line; `Host` is the address unless named.
pub(crate) async fn request(addr: SocketAddr, line: &str, headers: &[&str]) -> Answer {
    request_with(addr, line, headers, "").await
}

/// The same with a body, whose length is said if it has one.
pub(crate) async fn request_with(
    addr: SocketAddr,
    line: &str,
    headers: &[&str],
    body: &str,
) -> Answer {
    let mut text = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
    let says = |name: &str| headers.iter().any(|h| h.to_lowercase().contains(name));
    if !headers
        .iter()
        .any(|h| h.to_lowercase().starts_with("host:"))
    {
        text.push_str(&format!("host: {addr}\r\n"));
    }
    if !says(operator::HEADER) {
        text.push_str(&operator::line());
        text.push_str("\r\n");
    }
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    Answer::parse(&exchange(addr, text.as_bytes()).await)
}

pub(crate) async fn get(addr: SocketAddr, path: &str) -> Answer {
    request(addr, &format!("GET {path}"), &[]).await
}
