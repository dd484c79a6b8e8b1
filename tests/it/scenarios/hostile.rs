//! Bad input of every kind on the exporter's own port: scrapes go on, and
//! memory stays bounded.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::support::stack::{Process, get};
use crate::support::vitals::Vitals;

/// `M365MON_TEST_CONNECTIONS=10000` for the whole figure.
fn connections() -> usize {
    std::env::var("M365MON_TEST_CONNECTIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2000)
}

struct Target {
    exporter: Process,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Target {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("m365mon.yml");
        std::fs::write(
            &config,
            "accounts:\n  - {name: contoso, tenant: contoso.onmicrosoft.com, \
             client_id: 11111111-2222-3333-4444-555555555555, client_secret: {secret: s}}\n\
             http: {resolve: {login.microsoftonline.com: \"127.0.0.1:9\", \
             graph.microsoft.com: \"127.0.0.1:9\"}}\n\
             resources:\n  - {name: intranet, account: contoso, kind: sharepoint_site, \
             url: \"https://contoso.sharepoint.com/sites/intranet\"}\n",
        )
        .unwrap();
        let (exporter, address) = Process::serve(&config, &["--web.enable-lifecycle"]);
        Self {
            exporter,
            address,
            _folder: folder,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
            .set_write_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    /// Sends it, as far as the other side takes it, and reads what comes back.
    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        _ = stream.write_all(bytes);
        _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        _ = stream.take(16 << 20).read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends a request that deserves an answer and reads the beginning of it,
    /// with the connection open: who closes his half may go without one.
    fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut part) {
                Ok(0) | Err(_) => break,
                Ok(read) => answer.extend_from_slice(&part[..read]),
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A scrape is answered; how long it took.
    fn scrape(&self) -> Duration {
        let began = Instant::now();
        let metrics = get(self.address, "/metrics");
        assert!(metrics.contains("m365_resource_interval_seconds{"));
        began.elapsed()
    }

    fn vitals(&self) -> Vitals {
        Vitals::of(self.exporter.id())
    }

    /// Nothing broke, and memory grew by less than so many MiB.
    #[expect(clippy::print_stdout, reason = "figures for whoever runs it by hand")]
    fn is_well(&self, before: Vitals, most: u64, what: &str) {
        let scrape = self.scrape();
        let after = self.vitals();
        println!("{what}: scraped in {scrape:?}, {before:?}, then {after:?}");
        assert!(
            after.memory <= before.memory + most * 1024,
            "{what}: {before:?} {after:?}"
        );
        assert!(!self.exporter.output().contains("panicked"), "{what}");
    }
}

#[test]
fn malformed_requests() {
    let target = Target::start();
    target.scrape();
    let before = target.vitals();
    let long = |begin: &str, what: &str, times: usize, end: &str| {
        [begin, &what.repeat(times), end].concat().into_bytes()
    };
    let end = " HTTP/1.1\r\nHost: x\r\n\r\n";
    for (what, bytes, statuses) in [
        ("10 MB header", long("GET / HTTP/1.1\r\nX: ", "a", 10_000_000, "\r\n\r\n"), &["431", ""][..]),
        ("very many headers", long("GET / HTTP/1.1\r\n", "A: b\r\n", 100_000, "\r\n"), &["431", ""]),
        ("10 MB of path", long("GET /", "a", 10_000_000, end), &["431", "414", ""]),
        ("deep path", long("GET ", "/a", 10_000, end), &["404", "414", "431"]),
        ("dots", long("GET ", "/..", 1000, end), &["404"]),
        ("huge query", long("GET /probe?resource=", "%25", 8_000, end), &["400", "404", "414", "431"]),
        ("many parameters", long("GET /probe?", "a=b&", 5_000, end), &["400", "404"]),
        ("no text", vec![0xff; 100_000], &["400", ""]),
        ("zeros", vec![0; 100_000], &["400", ""]),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), &["400", ""]),
        ("a bad method", b"G@T / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), &["400", "404", "405"]),
        ("a bad version", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n".to_vec(), &["400", "505", ""]),
        ("two lengths", b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_vec(), &["400"]),
        ("length and chunks", b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(), &["400", "403", "421"]),
        ("bad chunks", b"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(), &["400", "403", "421", ""]),
        ("a body of 10 GB", long("POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n", "b", 10_000_000, ""), &["400", "403", "413", "421", ""]),
        ("a folded header", b"GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n".to_vec(), &["400", "421", "200"]),
        ("no host", b"GET /accounts/contoso/sign-in HTTP/1.1\r\n\r\n".to_vec(), &["400", "403", "421"]),
    ] {
        let may_be_cut_off = statuses.contains(&"");
        let answer = if may_be_cut_off { target.send(&bytes) } else { target.ask(&bytes) };
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(statuses.contains(&status), "{what}: {:?}", answer.lines().next());
        target.scrape();
    }
    target.is_well(before, 32, "malformed");
}

#[test]
fn http2_garbage() {
    let target = Target::start();
    target.scrape();
    let before = target.vitals();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    };
    let settings = frame(4, 0, 0, &[]);
    for (what, frames) in [
        ("noise", vec![0xaa; 100_000]),
        (
            "a frame of 16 MB",
            [&[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1][..], &[0; 100_000]].concat(),
        ),
        ("bad header blocks", frame(1, 4, 1, &[0xff; 2000])),
        ("endless continuations", {
            let mut all = frame(1, 0, 1, &[0x82]);
            for _ in 0..5_000 {
                all.extend(frame(9, 0, 1, &[0x40; 100]));
            }
            all
        }),
        ("resets in a row", {
            let mut all = Vec::new();
            for stream in 0..10_000 {
                all.extend(frame(1, 5, stream * 2 + 1, &[0x82, 0x84, 0x86]));
                all.extend(frame(3, 0, stream * 2 + 1, &[0, 0, 0, 8]));
            }
            all
        }),
        ("pings", frame(6, 0, 0, &[0; 8]).repeat(20_000)),
        ("settings", settings.repeat(20_000)),
        (
            "windows",
            frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]).repeat(1_000),
        ),
    ] {
        target.send(&[&preface[..], &settings, &frames].concat());
        target.is_well(before, 48, what);
    }
}

#[test]
fn crowds() {
    let target = Target::start();
    target.scrape();
    let before = target.vitals();

    // A head that never ends, on each of very many connections, and silence on
    // as many more: whoever scrapes still gets in.
    let mut held = Vec::new();
    for number in 0..connections() {
        let Ok(mut stream) = TcpStream::connect(target.address) else {
            break;
        };
        if number % 2 == 0 {
            _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nX-Slow: ");
        }
        held.push(stream);
        if number % 500 == 0 {
            target.scrape();
        }
    }
    assert_eq!(held.len(), connections());
    for stream in held.iter_mut().step_by(2) {
        _ = stream.write_all(b"a");
    }
    target.is_well(before, 64, "idle and trickling connections");
    assert!(target.vitals().files < 700, "{:?}", target.vitals());
    drop(held);

    // A thousand requests on one connection before the first answer is read.
    let one = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let last = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut stream = target.connect();
    stream
        .write_all((one.repeat(999) + last).as_bytes())
        .unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1000);

    // Answers that nobody reads.
    let mut greedy = Vec::new();
    for _ in 0..100 {
        let mut stream = target.connect();
        _ = stream.write_all(one.replace("/-/healthy", "/metrics").repeat(200).as_bytes());
        greedy.push(stream);
    }
    target.is_well(before, 64, "answers that nobody reads");
    drop(greedy);
    target.is_well(before, 64, "afterwards");
}
