//! Bad HTTP, slow and idle connections, the end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use m365mon::web::Bounds;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::{CONFIGURATION, Stage};
use crate::support::raw::{PATIENCE, exchange, get};

#[tokio::test]
async fn bad_http_hurts_nobody() {
    let stage = Stage::new().await;
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"hello\r\n\r\n",
        b"GET /metrics\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
    ] {
        let answer = exchange(stage.addr, garbage).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(
            answer.is_empty() || text.starts_with("HTTP/1.1 4"),
            "{garbage:?}: {text}"
        );
    }
    let mut long = b"GET /metrics HTTP/1.1\r\nhost: x\r\nx: ".to_vec();
    long.resize(10 * 1024 * 1024, b'a');
    let answer = exchange(stage.addr, &long).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || text.starts_with("HTTP/1.1 431"),
        "{text}"
    );
    let mut many = b"GET /metrics HTTP/1.1\r\nhost: x\r\n".to_vec();
    for number in 0..2000 {
        many.extend_from_slice(format!("h{number}: x\r\n").as_bytes());
    }
    many.extend_from_slice(b"\r\n");
    let answer = exchange(stage.addr, &many).await;
    let text = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || text.starts_with("HTTP/1.1 431"),
        "{text}"
    );
    let query = format!("/probe?resource={}", "%41".repeat(100_000));
    assert!(matches!(
        exchange(
            stage.addr,
            format!("GET {query} HTTP/1.1\r\n\r\n").as_bytes()
        )
        .await
        .get(9..12),
        None | Some(b"431" | b"414" | b"400")
    ));
    assert_eq!(stage.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_header_that_trickles_in_is_cut_off() {
    let bounds = Bounds {
        header_timeout: Duration::from_millis(200),
        ..Bounds::default()
    };
    let stage = Stage::with(None, bounds).await;
    let answer = exchange(stage.addr, b"GET /metrics HTTP/1.1\r\nhost:").await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"));
}

#[tokio::test]
async fn idle_connections_give_way() {
    let bounds = Bounds {
        connections: 8,
        ..Bounds::default()
    };
    let stage = Stage::with(None, bounds).await;
    let mut idle = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(stage.addr).await.unwrap();
        _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nho").await;
        idle.push(stream);
    }
    assert_eq!(stage.get("/metrics").await.status, 200);
    // The first ones were closed.
    let closed = tokio::time::timeout(PATIENCE, idle[0].read(&mut [0; 1])).await;
    assert!(matches!(closed.unwrap(), Ok(0) | Err(_)));
}

#[tokio::test]
async fn busy_connections_are_left_alone() {
    let bounds = Bounds {
        connections: 1,
        ..Bounds::default()
    };
    let stage = Stage::with(None, bounds).await;
    stage.fake.turns.forget_permits(1000);
    let addr = stage.addr;
    let busy = tokio::spawn(async move { get(addr, "/probe?resource=probed").await });
    let began = async {
        while stage.fake.began.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, began).await.unwrap();
    let waiting = tokio::spawn(async move { get(addr, "/-/healthy").await });
    stage.fake.turns.add_permits(1000);
    assert_eq!(busy.await.unwrap().status, 200);
    assert_eq!(waiting.await.unwrap().status, 200);
}

#[tokio::test]
async fn stopping_lets_answers_end() {
    let stage = Stage::new().await;
    stage.fake.turns.forget_permits(1000);
    let addr = stage.addr;
    let busy = tokio::spawn(async move { get(addr, "/probe?resource=probed").await });
    let idle = TcpStream::connect(addr).await.unwrap();
    let began = async {
        while stage.fake.began.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, began).await.unwrap();
    let stop = stage.server.stop(PATIENCE);
    let release = async { stage.fake.turns.add_permits(1000) };
    tokio::join!(stop, release);
    assert_eq!(busy.await.unwrap().status, 200);
    assert!(TcpStream::connect(addr).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let stage = Stage::new().await;
    stage.fake.turns.forget_permits(1000);
    let addr = stage.addr;
    let request = format!("GET /probe?resource=probed HTTP/1.1\r\nhost: {addr}\r\n\r\n");
    let busy = tokio::spawn(async move { exchange(addr, request.as_bytes()).await });
    let began = async {
        while stage.fake.began.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, began).await.unwrap();
    let stop = stage.server.stop(Duration::from_millis(10));
    tokio::time::timeout(PATIENCE, stop).await.unwrap();
    assert!(busy.await.unwrap().is_empty());
}

/// Readers that take nothing of a large page, one for every place and more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_do_not_read_keep_nobody_out() {
    let bounds = Bounds {
        connections: 32,
        ..Bounds::default()
    };
    let mut text = CONFIGURATION.to_owned();
    for number in 0..6000 {
        text.push_str(&format!(
            "  - {{name: site-{number}, account: contoso, kind: sharepoint_site, \
             url: https://contoso.sharepoint.com/sites/{number}, mode: on_probe}}\n"
        ));
    }
    let stage = Stage::of(&text, None, bounds).await;
    let page = stage.get("/api/v1/resources").await;
    assert!(page.body.len() > 3_000_000, "{}", page.body.len());
    let request = format!(
        "GET /api/v1/resources HTTP/1.1\r\nhost: {}\r\n\r\n",
        stage.addr
    );
    let mut slow = Vec::new();
    for _ in 0..64 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(stage.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    for path in ["/-/healthy", "/metrics", "/-/ready", "/metrics"] {
        stage.get(path).await;
    }
    // Less than the minute that such a reader is given, however slow the machine is.
    assert!(began.elapsed().as_secs() < 50, "{:?}", began.elapsed());
    drop(slow);
}

/// Strangers' probes that hang have a part of the places and no more.
#[tokio::test]
async fn probes_that_hang_leave_places_for_scrapes() {
    let bounds = Bounds {
        connections: 128,
        ..Bounds::default()
    };
    let stage = Stage::with(None, bounds).await;
    stage.fake.turns.forget_permits(1000);
    let addr = stage.addr;
    let mut probes = Vec::new();
    for _ in 0..100 {
        let probe = async move { get(addr, "/probe?resource=probed").await.status };
        probes.push(tokio::spawn(probe));
    }
    let began = async {
        while stage.fake.began.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, began).await.unwrap();
    let refused = async {
        while probes.iter().filter(|probe| probe.is_finished()).count() < 36 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    for _ in 0..9 {
        assert_eq!(stage.get("/sd").await.status, 200);
    }
    stage.fake.turns.add_permits(1000);
    let mut answered = 0;
    for probe in probes {
        answered += usize::from(probe.await.unwrap() == 200);
    }
    assert_eq!(answered, 64);
}
