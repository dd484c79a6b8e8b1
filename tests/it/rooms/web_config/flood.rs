//! Wrong passwords at speed, handshakes that never end, streams that nobody
//! reads: scrapes go on.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use base64::Engine as _;

use super::{ALICE, Serving, TLS, folder_with_tls};
use crate::support::stack::http;

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
