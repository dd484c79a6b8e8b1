//! Wrong passwords at speed, handshakes that never end, streams that nobody
//! reads: scrapes go on.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use base64::Engine as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use super::{ALICE, Serving, TLS, folder_with_tls};
use crate::support::stack::{PATIENCE, http};

/// Resident memory, in MiB.
fn memory(serving: &Serving) -> u64 {
    let status = format!("/proc/{}/status", serving.process.id());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn wrong_passwords_at_speed() {
    let folder = tempfile::tempdir().unwrap();
    // Work that is felt in a debug build too.
    let hash = bcrypt::hash("correct horse", 8).unwrap();
    let serving = Serving::start(
        folder,
        &format!("basic_auth_users: {{alice: {hash}}}\n"),
        &[],
    );
    // Before the flood, as any scraper would have been.
    assert_eq!(
        serving.curl("/metrics", &["-u", ALICE]).unwrap().status,
        200
    );
    let basic = |user: &str| {
        format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(user)
        )
    };
    let before = memory(&serving);
    let (ended, tried) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (serving, ended, tried) = (&serving, &ended, &tried);
            scope.spawn(move || {
                let mut number = 0;
                while !ended.load(Ordering::Relaxed) {
                    number += 1;
                    let name = if number % 2 == 0 { "alice" } else { "nobody" };
                    let authorization = basic(&format!("{name}:{thread}-{number}"));
                    let headers = [("Authorization", &*authorization)];
                    let reply = http(serving.address, "GET", "/metrics", &headers, "");
                    let status = reply.map(|reply| reply.0);
                    assert!(matches!(status, Some(401 | 429)), "{status:?}");
                    tried.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let authorization = basic(ALICE);
        let mut slowest = std::time::Duration::ZERO;
        while tried.load(Ordering::Relaxed) < 200 {
            let began = Instant::now();
            let headers = [("Authorization", &*authorization)];
            let reply = http(serving.address, "GET", "/metrics", &headers, "").unwrap();
            assert_eq!(reply.0, 200);
            slowest = slowest.max(began.elapsed());
        }
        ended.store(true, Ordering::Relaxed);
        println!("slowest scrape {slowest:?}");
    });
    let grown = memory(&serving).saturating_sub(before);
    assert!(grown < 64, "{grown} MiB more");
    let log = serving.process.output();
    assert!(
        log.matches("that do not fit").count() < 100,
        "not a line each"
    );
}

#[test]
fn handshakes_that_never_end() {
    let (folder, _) = folder_with_tls();
    let serving = Serving::start(folder, TLS, &[]);
    // More than the server keeps; none says a word.
    let silent: Vec<TcpStream> = (0..700)
        .map(|_| TcpStream::connect(serving.address).unwrap())
        .collect();
    assert_eq!(serving.status("/metrics", &[]), 200);
    drop(silent);
    assert_eq!(serving.status("/metrics", &[]), 200);
}

/// Whoever waits for no look waits behind one of each other address, and no
/// more: forty addresses with wrong passwords keep no scraper out that starts
/// anew, with a password that nothing remembers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_passwords_from_forty_addresses() {
    const ADDRESSES: u8 = 40;
    let folder = tempfile::tempdir().unwrap();
    let hash = bcrypt::hash("correct horse", 6).unwrap();
    let web = format!("basic_auth_users: {{alice: {hash}}}\n");
    let serving = Serving::start(folder, &web, &[]);
    let server = serving.address;
    let (ended, wrong) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut floods = Vec::new();
    for address in 0..ADDRESSES {
        for lane in 0..4 {
            let (ended, wrong) = (Arc::clone(&ended), Arc::clone(&wrong));
            floods.push(tokio::spawn(async move {
                let mut number = 0;
                while !ended.load(Ordering::Relaxed) {
                    number += 1;
                    let user = format!("alice:{address}-{lane}-{number}");
                    let from = [127, 0, 1, address + 1];
                    if ask(server, from, &user).await == Some(401) {
                        wrong.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }));
        }
    }
    let flooded = async {
        while wrong.load(Ordering::Relaxed) < 2 * usize::from(ADDRESSES) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, flooded).await.unwrap();
    let before = wrong.load(Ordering::Relaxed);
    let status = ask(server, [127, 0, 0, 1], ALICE).await;
    let meanwhile = wrong.load(Ordering::Relaxed) - before;
    ended.store(true, Ordering::Relaxed);
    assert_eq!(status, Some(200));
    // One of each, and what was being answered already.
    assert!(
        meanwhile < 3 * usize::from(ADDRESSES),
        "{meanwhile} went before"
    );
    for flood in floods {
        flood.await.unwrap();
    }
}

/// One request from an address of this machine.
async fn ask(server: SocketAddr, from: [u8; 4], user: &str) -> Option<u16> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind((from, 0).into()).ok()?;
    let mut stream = socket.connect(server).await.ok()?;
    let credentials = base64::engine::general_purpose::STANDARD.encode(user);
    let request = format!(
        "GET /sd HTTP/1.1\r\nHost: {server}\r\nAuthorization: Basic {credentials}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}
