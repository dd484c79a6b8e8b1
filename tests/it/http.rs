//! The two clients against servers that do what servers, networks and proxies
//! do at their worst.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use m365mon::http::{
    BodyEnd, FormValue, NetFailure, NetFailureKind, Network, PlainBody, PlainClient, PlainRequest,
    ProbeAnswer, ProbeClient, ProbeFailure, ProbeRequest, UseProxy,
};
use m365mon::model::{ConnectionPolicy, IpVersion, Phase, Phases, Reason, Repeat, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use url::Url;

use crate::origin::{Ca, H1, H2, HOST, LONG, Origin, json, read_head, serve_http};

const LIMIT: usize = 1000;
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

fn get(connection: ConnectionPolicy) -> ProbeRequest {
    ProbeRequest {
        url: Url::parse(&format!("https://{HOST}/lists?$top=1")).unwrap(),
        headers: HeaderMap::new(),
        connection,
        timeout: LONG,
        body_limit: LIMIT,
    }
}

async fn probe(network: &Network) -> Result<ProbeAnswer, Box<ProbeFailure>> {
    let client = ProbeClient::new(network).unwrap();
    client.send(get(ConnectionPolicy::New)).await
}

async fn failure(network: &Network) -> ProbeFailure {
    match probe(network).await {
        Ok(answer) => panic!("{answer:?}"),
        Err(failure) => *failure,
    }
}

fn refused() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

mod answers {
    use super::*;

    #[tokio::test]
    async fn come_with_phases_and_facts_over_both_versions() {
        let ca = Ca::new();
        for (alpn, version) in [(H2, 2.0), (H1, 1.1)] {
            let origin = Origin::answering(ca.good(alpn), |_, request| {
                let headers = request.headers();
                assert_eq!(headers["user-agent"], "NONISV|m365mon|m365mon/0");
                assert_eq!(headers["accept-encoding"], "gzip");
                assert_eq!(request.uri().path(), "/lists");
                assert_eq!(request.uri().query(), Some("$top=1"));
                json(200, r#"{"value":[]}"#)
            })
            .await;
            let answer = probe(&ca.network(origin.address)).await.unwrap();
            assert_eq!((answer.status, answer.body_end), (200, BodyEnd::Complete));
            assert_eq!(answer.body, r#"{"value":[]}"#);
            assert_eq!(answer.repeat, None);
            assert_eq!(answer.facts.http_version, Some(version));
            assert_eq!(answer.facts.tls_version, Some("TLS 1.3"));
            assert_eq!(answer.facts.ip_version, Some(IpVersion::V4));
            assert!(!answer.facts.reused);
            let end = "2100-01-01T00:00:00Z".parse().unwrap();
            assert_eq!(answer.facts.certificate_expiry, Some(end));
            for phase in [Phase::Connect, Phase::Tls, Phase::Processing] {
                assert!(answer.phases.get(phase) > Duration::ZERO, "{phase:?}");
            }
        }
    }

    #[tokio::test]
    async fn over_ipv6() {
        let ca = Ca::new();
        let tls = ca.good(H2);
        let serve = move |_, stream| {
            let tls = tls.clone();
            async move {
                let stream = tls.accept(stream).await.unwrap();
                serve_http(stream, |_| json(200, "{}")).await;
            }
        };
        // A machine may have no IPv6 at all.
        let Ok(origin) = Origin::start_on("[::1]:0", serve).await else {
            return;
        };
        let answer = probe(&ca.network(origin.address)).await.unwrap();
        assert_eq!(answer.facts.ip_version, Some(IpVersion::V6));
    }

    #[tokio::test]
    async fn redirects_are_answers() {
        let ca = Ca::new();
        let origin = Origin::answering(ca.good(H2), |_, _| {
            let mut answer = json(302, "");
            let elsewhere = format!("https://{HOST}/elsewhere").parse().unwrap();
            answer.headers_mut().insert("location", elsewhere);
            answer
        })
        .await;
        let answer = probe(&ca.network(origin.address)).await.unwrap();
        assert_eq!(answer.status, 302);
        assert_eq!(origin.connections(), 1);
    }

    #[tokio::test]
    async fn after_early_hints() {
        let ca = Ca::new();
        let bytes = format!(
            "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n{OK}Content-Length: 2\r\n\r\n{{}}"
        );
        let origin = Origin::writing(ca.good(H1), bytes).await;
        let answer = probe(&ca.network(origin.address)).await.unwrap();
        assert_eq!((answer.status, &*answer.body), (200, &b"{}"[..]));
    }

    #[tokio::test]
    async fn only_over_https() {
        let ca = Ca::new();
        let client = ProbeClient::new(&ca.network(refused())).unwrap();
        for url in [
            "http://contoso.sharepoint.com/",
            "https://user:pw@contoso.sharepoint.com/",
        ] {
            let request = ProbeRequest {
                url: Url::parse(url).unwrap(),
                ..get(ConnectionPolicy::New)
            };
            let failure = client.send(request).await.unwrap_err();
            assert_eq!(failure.net.reason(), Reason::Internal, "{url}");
        }
    }
}

mod bodies {
    use std::io::Write;

    use super::*;

    async fn end(bytes: impl Into<Vec<u8>>) -> (u16, BodyEnd, usize) {
        let ca = Ca::new();
        let origin = Origin::writing(ca.good(H1), bytes).await;
        let answer = probe(&ca.network(origin.address)).await.unwrap();
        (answer.status, answer.body_end, answer.body.len())
    }

    #[tokio::test]
    async fn truncated_ones_are_broken() {
        let cut = format!("{OK}Content-Length: 100\r\n\r\n{{\"value\":");
        assert_eq!(end(cut).await, (200, BodyEnd::Broken, 9));
        let chunked = format!("{OK}Transfer-Encoding: chunked\r\n\r\n4\r\n{{\"va\r\n");
        assert_eq!(end(chunked).await, (200, BodyEnd::Broken, 4));
        let nonsense = format!("{OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\n");
        assert_eq!(end(nonsense).await.1, BodyEnd::Broken);
    }

    #[tokio::test]
    async fn too_long_ones_are_cut() {
        let long = format!("{OK}Content-Length: 5000\r\n\r\n{}", "x".repeat(5000));
        assert_eq!(end(long).await, (200, BodyEnd::TooLarge, LIMIT));
    }

    #[tokio::test]
    async fn endless_ones_end() {
        let ca = Ca::new();
        let tls = ca.good(H1);
        let over = Arc::new(Notify::new());
        let told = over.clone();
        let origin = Origin::start(move |_, stream| {
            let (tls, over) = (tls.clone(), over.clone());
            async move {
                let mut stream = tls.accept(stream).await.unwrap();
                read_head(&mut stream).await;
                stream
                    .write_all(format!("{OK}\r\n").as_bytes())
                    .await
                    .unwrap();
                while stream.write_all(&[b' '; 4096]).await.is_ok() {}
                over.notify_one();
            }
        })
        .await;
        let answer = probe(&ca.network(origin.address)).await.unwrap();
        assert_eq!(
            (answer.body_end, answer.body.len()),
            (BodyEnd::TooLarge, LIMIT)
        );
        // The connection does not stay behind.
        tokio::time::timeout(LONG, told.notified()).await.unwrap();
    }

    #[tokio::test]
    async fn gzip_is_undone_and_bombs_are_not() {
        let packed = |data: &[u8]| {
            let level = flate2::Compression::best();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(data).unwrap();
            let body = encoder.finish().unwrap();
            let head = format!(
                "{OK}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            [head.into_bytes(), body].concat()
        };
        assert_eq!(
            end(packed(&[b'x'; 900])).await,
            (200, BodyEnd::Complete, 900)
        );
        assert_eq!(
            end(packed(&vec![0; 10 << 20])).await,
            (200, BodyEnd::TooLarge, LIMIT)
        );
    }
}

mod failures {
    use super::*;

    #[tokio::test]
    async fn names_that_do_not_exist() {
        let ca = Ca::new();
        let mut settings = ca.settings(refused());
        settings.resolve.clear();
        settings.resolve.insert(
            "other.example".into(),
            m365mon::model::ResolveOverride { address: refused() },
        );
        let client = ProbeClient::new(&Network::new(&settings).unwrap()).unwrap();
        let request = ProbeRequest {
            url: Url::parse("https://no-such-tenant.invalid/").unwrap(),
            ..get(ConnectionPolicy::New)
        };
        let failure = client.send(request).await.unwrap_err();
        assert_eq!(failure.net.reason(), Reason::Dns, "{failure:?}");
        assert_eq!(failure.broke_in, Phase::Resolve);
    }

    #[tokio::test]
    async fn refused_connections() {
        let ca = Ca::new();
        let failure = failure(&ca.network(refused())).await;
        assert_eq!(failure.net.reason(), Reason::Connect);
        assert_eq!(failure.broke_in, Phase::Connect);
        assert_eq!(
            failure.net.to_string(),
            "contoso.sharepoint.com: connection refused while connecting"
        );
    }

    #[tokio::test]
    async fn bad_certificates() {
        let ca = Ca::new();
        let stranger = Ca::new();
        for (tls, words) in [
            (ca.tls("fabrikam.invalid", 2100, H2), "for another name"),
            (ca.tls(HOST, 2020, H2), "expired at 2020-01-01T00:00:00Z"),
            (stranger.good(H2), "signed by nobody we trust"),
        ] {
            let origin = Origin::answering(tls, |_, _| json(200, "{}")).await;
            let failure = failure(&ca.network(origin.address)).await;
            assert_eq!(failure.net.reason(), Reason::Tls);
            assert_eq!(failure.broke_in, Phase::Tls);
            assert!(failure.net.to_string().contains(words), "{}", failure.net);
            if words.starts_with("expired") {
                assert!(failure.facts.certificate_expiry.is_some());
            }
        }
    }

    #[tokio::test]
    async fn no_tls_at_all() {
        let ca = Ca::new();
        let origin = Origin::start(|_, mut stream: TcpStream| async move {
            _ = stream.write_all(b"220 mail.contoso.com ESMTP\r\n").await;
            _ = stream.read_u8().await;
        })
        .await;
        let failure = failure(&ca.network(origin.address)).await;
        assert_eq!(failure.net.reason(), Reason::Tls);
    }

    #[tokio::test]
    async fn connections_that_end_before_the_first_byte() {
        let ca = Ca::new();
        let at_once = Origin::start(|_, stream: TcpStream| async move { drop(stream) }).await;
        let found = failure(&ca.network(at_once.address)).await;
        assert_eq!(found.net.reason(), Reason::Connect, "{found:?}");
        assert_eq!(found.broke_in, Phase::Tls);
        for alpn in [H1, H2] {
            let tls = ca.good(alpn);
            let origin = Origin::start(move |_, stream| {
                let tls = tls.clone();
                async move {
                    let mut stream = tls.accept(stream).await.unwrap();
                    _ = stream.read_u8().await;
                }
            })
            .await;
            let found = failure(&ca.network(origin.address)).await;
            assert_eq!(found.net.reason(), Reason::Connect, "{found:?}");
            assert_eq!(found.broke_in, Phase::Processing);
        }
    }

    #[tokio::test]
    async fn answers_that_are_no_answers() {
        let ca = Ca::new();
        let many = "X-Header: y\r\n".repeat(200);
        let long = "y".repeat(1_000_000);
        for bytes in [
            "HTTP/1.1 200 OK\r\nContent-".to_owned(),
            "SSH-2.0-OpenSSH\r\n\r\n".to_owned(),
            format!("{OK}{many}\r\n{{}}"),
            format!("{OK}X-Header: {long}\r\n\r\n{{}}"),
        ] {
            let origin = Origin::writing(ca.good(H1), bytes.clone()).await;
            let failure = failure(&ca.network(origin.address)).await;
            let start = bytes.lines().next().unwrap();
            assert_eq!(
                failure.net.reason(),
                Reason::BadResponse,
                "{start} {failure:?}"
            );
        }
        let origin = Origin::writing(ca.good(H2), "this is no HTTP/2 frame at all, is it?").await;
        let failure = failure(&ca.network(origin.address)).await;
        assert_eq!(failure.net.reason(), Reason::BadResponse, "{failure:?}");
    }
}

/// Time flies only once the server hangs, so no machine is too slow.
mod hangs {
    use super::*;

    async fn send(
        network: &Network,
        hanging: Arc<Notify>,
    ) -> Result<ProbeAnswer, Box<ProbeFailure>> {
        let client = ProbeClient::new(network).unwrap();
        let request = ProbeRequest {
            timeout: Duration::from_secs(3600),
            ..get(ConnectionPolicy::New)
        };
        let probing = tokio::spawn(async move { client.send(request).await });
        hanging.notified().await;
        tokio::time::pause();
        probing.await.unwrap()
    }

    fn assert_timeout(failure: &ProbeFailure, phase: Phase) {
        assert_eq!(failure.net.kind, NetFailureKind::Timeout(phase));
        assert_eq!(failure.net.reason(), Reason::Timeout);
        assert_eq!(failure.broke_in, phase);
        assert!(failure.phases.get(phase) > Duration::from_secs(3500));
        assert!(failure.phases.total() < Duration::from_secs(3700));
    }

    #[tokio::test]
    async fn in_the_tunnel() {
        let (ca, hanging) = (Ca::new(), Arc::new(Notify::new()));
        let told = hanging.clone();
        let proxy = Origin::start(move |_, mut stream: TcpStream| {
            let told = told.clone();
            async move {
                read_head(&mut stream).await;
                told.notify_one();
                _ = stream.read_u8().await;
            }
        })
        .await;
        let failure = send(&ca.network_through(proxy.address), hanging)
            .await
            .unwrap_err();
        assert_timeout(&failure, Phase::Connect);
    }

    #[tokio::test]
    async fn in_the_handshake() {
        let (ca, hanging) = (Ca::new(), Arc::new(Notify::new()));
        let told = hanging.clone();
        let origin = Origin::start(move |_, mut stream: TcpStream| {
            let told = told.clone();
            async move {
                _ = stream.read_u8().await;
                told.notify_one();
                std::future::pending::<()>().await;
            }
        })
        .await;
        let failure = send(&ca.network(origin.address), hanging)
            .await
            .unwrap_err();
        assert_timeout(&failure, Phase::Tls);
    }

    #[tokio::test]
    async fn before_the_answer() {
        for alpn in [H1, H2] {
            let (ca, hanging) = (Ca::new(), Arc::new(Notify::new()));
            let (tls, told) = (ca.good(alpn), hanging.clone());
            let origin = Origin::start(move |_, stream| {
                let (tls, told) = (tls.clone(), told.clone());
                async move {
                    let mut stream = tls.accept(stream).await.unwrap();
                    _ = stream.read_u8().await;
                    told.notify_one();
                    std::future::pending::<()>().await;
                }
            })
            .await;
            let failure = send(&ca.network(origin.address), hanging)
                .await
                .unwrap_err();
            assert_timeout(&failure, Phase::Processing);
            assert!(failure.facts.certificate_expiry.is_some());
            tokio::time::resume();
        }
    }

    #[tokio::test]
    async fn within_the_body() {
        let (ca, hanging) = (Ca::new(), Arc::new(Notify::new()));
        let (tls, told) = (ca.good(H1), hanging.clone());
        let origin = Origin::start(move |_, stream| {
            let (tls, told) = (tls.clone(), told.clone());
            async move {
                let mut stream = tls.accept(stream).await.unwrap();
                read_head(&mut stream).await;
                let part = format!("{OK}Content-Length: 100\r\n\r\n{{\"value\"");
                stream.write_all(part.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                told.notify_one();
                std::future::pending::<()>().await;
            }
        })
        .await;
        let answer = send(&ca.network(origin.address), hanging).await.unwrap();
        assert_eq!((answer.status, answer.body_end), (200, BodyEnd::TimedOut));
        assert_eq!(answer.body, r#"{"value""#);
        assert!(answer.phases.transfer > Duration::from_secs(3500));
    }
}

mod proxies {
    use super::*;

    async fn proxy(
        answer: &'static str,
        origin: Option<SocketAddr>,
    ) -> (Origin, Arc<parking_lot::Mutex<String>>) {
        let head = Arc::new(parking_lot::Mutex::new(String::new()));
        let heard = head.clone();
        let proxy = Origin::start(move |_, mut stream: TcpStream| {
            let heard = heard.clone();
            async move {
                *heard.lock() = read_head(&mut stream).await;
                _ = stream.write_all(answer.as_bytes()).await;
                if let Some(origin) = origin {
                    let mut onward = TcpStream::connect(origin).await.unwrap();
                    _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
                }
            }
        })
        .await;
        (proxy, head)
    }

    #[tokio::test]
    async fn connect_us() {
        let ca = Ca::new();
        let origin = Origin::answering(ca.good(H2), |_, _| json(200, "{}")).await;
        let established = "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n";
        let (proxy, head) = proxy(established, Some(origin.address)).await;
        let answer = probe(&ca.network_through(proxy.address)).await.unwrap();
        assert_eq!(answer.status, 200);
        let head = head.lock().clone();
        assert!(
            head.starts_with("CONNECT contoso.sharepoint.com:443 HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(
            head.contains("\r\nHost: contoso.sharepoint.com:443\r\n"),
            "{head}"
        );
        // monitor:canary
        assert!(
            head.contains("\r\nProxy-Authorization: Basic bW9uaXRvcjpjYW5hcnk=\r\n"),
            "{head}"
        );
    }

    #[tokio::test]
    async fn that_do_not() {
        let ca = Ca::new();
        for (answer, words) in [
            (
                "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                "a user name and a password",
            ),
            (
                "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad",
                "refused to connect us (502)",
            ),
            (
                "HTTP/1.1 302 Found\r\nLocation: https://contoso.com\r\n\r\n",
                "refused to connect us (302)",
            ),
            ("SSH-2.0-OpenSSH\r\n\r\n", "does not speak HTTP"),
            ("HTTP/1.1 200 OK\r\n\r\n<html>", "sent more than an answer"),
            ("HTTP/1.1 200", "closed the connection"),
            ("", "closed the connection"),
        ] {
            let (proxy, _) = proxy(answer, None).await;
            let failure = failure(&ca.network_through(proxy.address)).await;
            assert_eq!(failure.net.reason(), Reason::Proxy, "{answer} {failure:?}");
            assert_eq!(failure.broke_in, Phase::Connect);
            let told = failure.net.to_string();
            assert!(told.contains(words), "{told}");
            assert!(!format!("{failure:?}").contains("canary"));
        }
    }

    #[tokio::test]
    async fn that_are_not_there() {
        let ca = Ca::new();
        let gone = failure(&ca.network_through(refused())).await;
        assert_eq!(gone.net.reason(), Reason::Proxy);
        let mut settings = ca.settings(refused());
        let nowhere = Secret::new("http://no-such-proxy.invalid:3128".into());
        settings.proxy = m365mon::model::ProxySetting::Fixed(nowhere);
        let unknown = failure(&Network::new(&settings).unwrap()).await;
        assert_eq!(unknown.net.reason(), Reason::Proxy, "{unknown:?}");
        assert_eq!(unknown.broke_in, Phase::Resolve);
    }

    #[tokio::test]
    async fn are_not_to_blame_for_what_comes_after() {
        let ca = Ca::new();
        let origin = Origin::answering(ca.tls(HOST, 2020, H2), |_, _| json(200, "{}")).await;
        let (proxy, _) = proxy("HTTP/1.1 200 OK\r\n\r\n", Some(origin.address)).await;
        let failure = failure(&ca.network_through(proxy.address)).await;
        assert_eq!(failure.net.reason(), Reason::Tls);
    }
}

mod connections {
    use super::*;

    async fn ask(client: &ProbeClient, policy: ConnectionPolicy) -> ProbeAnswer {
        client.send(get(policy)).await.unwrap()
    }

    #[tokio::test]
    async fn are_kept_if_wanted() {
        let ca = Ca::new();
        for alpn in [H1, H2] {
            let origin = Origin::answering(ca.good(alpn), |_, _| json(200, "{}")).await;
            let client = ProbeClient::new(&ca.network(origin.address)).unwrap();
            let first = ask(&client, ConnectionPolicy::Reuse).await;
            let second = ask(&client, ConnectionPolicy::Reuse).await;
            assert_eq!(origin.connections(), 1);
            assert_eq!((first.facts.reused, second.facts.reused), (false, true));
            let only = Phases {
                processing: second.phases.processing,
                transfer: second.phases.transfer,
                ..Phases::default()
            };
            assert_eq!(second.phases, only);
            assert_eq!(
                second.facts.certificate_expiry,
                first.facts.certificate_expiry
            );
            ask(&client, ConnectionPolicy::New).await;
            ask(&client, ConnectionPolicy::New).await;
            assert_eq!(origin.connections(), 3);
        }
    }

    #[tokio::test]
    async fn are_not_kept_for_more_than_ninety_seconds() {
        let ca = Ca::new();
        let origin = Origin::answering(ca.good(H2), |_, _| json(200, "{}")).await;
        let client = ProbeClient::new(&ca.network(origin.address)).unwrap();
        for (wait, connections) in [(0, 1), (80, 1), (80, 1), (91, 2)] {
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(wait)).await;
            tokio::time::resume();
            ask(&client, ConnectionPolicy::Reuse).await;
            assert_eq!(origin.connections(), connections);
        }
    }

    #[tokio::test]
    async fn are_given_up_after_a_503() {
        let ca = Ca::new();
        for alpn in [H1, H2] {
            let origin = Origin::answering(ca.good(alpn), |connection, _| {
                json(if connection == 0 { 503 } else { 200 }, "{}")
            })
            .await;
            let client = ProbeClient::new(&ca.network(origin.address)).unwrap();
            assert_eq!(ask(&client, ConnectionPolicy::Reuse).await.status, 503);
            let next = ask(&client, ConnectionPolicy::Reuse).await;
            assert_eq!((next.status, next.facts.reused), (200, false));
            assert_eq!(next.repeat, None);
        }
    }

    /// The first connection answers once and ends at the second request.
    #[tokio::test]
    async fn that_turn_out_dead_are_replaced_once() {
        let ca = Ca::new();
        let tls = ca.good(H1);
        let origin = Origin::start(move |_, stream| {
            let tls = tls.clone();
            async move {
                let mut stream = tls.accept(stream).await.unwrap();
                read_head(&mut stream).await;
                let answer = format!("{OK}Content-Length: 2\r\n\r\n{{}}");
                stream.write_all(answer.as_bytes()).await.unwrap();
                read_head(&mut stream).await;
            }
        })
        .await;
        let client = ProbeClient::new(&ca.network(origin.address)).unwrap();
        assert_eq!(ask(&client, ConnectionPolicy::Reuse).await.repeat, None);
        let second = ask(&client, ConnectionPolicy::Reuse).await;
        assert_eq!(second.repeat, Some(Repeat::NewConnection));
        assert!(!second.facts.reused);
        assert_eq!(origin.connections(), 2);
    }

    /// A half answer on a kept connection is an answer, and is not asked for again.
    #[tokio::test]
    async fn that_die_later_are_not() {
        let ca = Ca::new();
        let tls = ca.good(H1);
        let origin = Origin::start(move |_, stream| {
            let tls = tls.clone();
            async move {
                let mut stream = tls.accept(stream).await.unwrap();
                read_head(&mut stream).await;
                let answer = format!("{OK}Content-Length: 2\r\n\r\n{{}}");
                stream.write_all(answer.as_bytes()).await.unwrap();
                read_head(&mut stream).await;
                stream.write_all(b"HTTP/1.1 200 ").await.unwrap();
            }
        })
        .await;
        let client = ProbeClient::new(&ca.network(origin.address)).unwrap();
        ask(&client, ConnectionPolicy::Reuse).await;
        let failure = client.send(get(ConnectionPolicy::Reuse)).await.unwrap_err();
        assert_eq!(failure.net.reason(), Reason::BadResponse);
        assert_eq!((failure.repeat, origin.connections()), (None, 1));
    }

    #[tokio::test]
    async fn of_http2_are_shared() {
        let ca = Ca::new();
        let origin = Origin::answering(ca.good(H2), |_, _| json(200, "{}")).await;
        let client = ProbeClient::new(&ca.network(origin.address)).unwrap();
        ask(&client, ConnectionPolicy::Reuse).await;
        let many = (0..20).map(|_| ask(&client, ConnectionPolicy::Reuse));
        let answers = futures_util::future::join_all(many).await;
        assert!(answers.iter().all(|answer| answer.facts.reused));
        assert_eq!(origin.connections(), 1);
    }

    #[tokio::test]
    async fn that_are_new_shake_hands_in_full() {
        let ca = Ca::new();
        let (tls, kinds) = (ca.good(H2), Arc::new(parking_lot::Mutex::new(Vec::new())));
        let seen = kinds.clone();
        let origin = Origin::start(move |_, stream| {
            let (tls, seen) = (tls.clone(), seen.clone());
            async move {
                let stream = tls.accept(stream).await.unwrap();
                seen.lock().push(stream.get_ref().1.handshake_kind());
                serve_http(stream, |_| json(200, "{}")).await;
            }
        })
        .await;
        let client = ProbeClient::new(&ca.network(origin.address)).unwrap();
        for _ in 0..3 {
            ask(&client, ConnectionPolicy::New).await;
        }
        let kinds = kinds.lock().clone();
        assert_eq!(kinds, [Some(rustls::HandshakeKind::Full); 3]);
    }
}

mod plain {
    use super::*;

    fn post(url: &str) -> PlainRequest {
        let secret: FormValue = Secret::new("s3cr&t".into()).into();
        PlainRequest {
            method: Method::POST,
            url: Url::parse(url).unwrap(),
            headers: HeaderMap::new(),
            body: PlainBody::Form(vec![
                ("scope".into(), "a b".into()),
                ("client_secret".into(), secret),
            ]),
            timeout: LONG,
            proxy: UseProxy::Configured,
        }
    }

    async fn send(network: &Network) -> Result<m365mon::http::PlainAnswer, NetFailure> {
        let client = PlainClient::new(network).unwrap();
        client.send(post(&format!("https://{HOST}/token"))).await
    }

    async fn reason(network: &Network) -> Reason {
        send(network).await.unwrap_err().reason()
    }

    #[tokio::test]
    async fn forms_arrive_and_answers_come_back() {
        let ca = Ca::new();
        let tls = ca.good(H1);
        let origin = Origin::start(move |_, stream| {
            let tls = tls.clone();
            async move {
                let mut stream = tls.accept(stream).await.unwrap();
                let head = read_head(&mut stream).await.to_lowercase();
                assert!(head.starts_with("post /token http/1.1"), "{head}");
                assert!(
                    head.contains("content-type: application/x-www-form-urlencoded"),
                    "{head}"
                );
                assert!(
                    head.contains("user-agent: nonisv|m365mon|m365mon/0"),
                    "{head}"
                );
                let mut body = vec![0; "scope=a+b&client_secret=s3cr%26t".len()];
                stream.read_exact(&mut body).await.unwrap();
                assert_eq!(body, b"scope=a+b&client_secret=s3cr%26t");
                let answer =
                    "HTTP/1.1 400 Bad Request\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}";
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        })
        .await;
        let answer = send(&ca.network(origin.address)).await.unwrap();
        assert_eq!((answer.status, &*answer.body), (400, &b"{}"[..]));
        assert_eq!(answer.headers["retry-after"], "7");
        assert!(answer.took > Duration::ZERO);
    }

    #[tokio::test]
    async fn speaks_http2_and_follows_no_redirect() {
        let ca = Ca::new();
        let origin = Origin::answering(ca.good(H2), |_, request| {
            assert_eq!(request.version(), http::Version::HTTP_2);
            let mut answer = json(307, "");
            answer
                .headers_mut()
                .insert("location", "/elsewhere".parse().unwrap());
            answer
        })
        .await;
        assert_eq!(send(&ca.network(origin.address)).await.unwrap().status, 307);
    }

    #[tokio::test]
    async fn each_failure_has_its_reason() {
        let (ca, stranger) = (Ca::new(), Ca::new());
        assert_eq!(reason(&ca.network(refused())).await, Reason::Connect);
        assert_eq!(reason(&ca.network_through(refused())).await, Reason::Proxy);
        for tls in [stranger.good(H2), ca.tls(HOST, 2020, H2)] {
            let origin = Origin::answering(tls, |_, _| json(200, "{}")).await;
            assert_eq!(reason(&ca.network(origin.address)).await, Reason::Tls);
        }
        let tls = ca.good(H1);
        let silent = Origin::start(move |_, stream| {
            let tls = tls.clone();
            async move {
                let mut stream = tls.accept(stream).await.unwrap();
                read_head(&mut stream).await;
            }
        })
        .await;
        assert_eq!(reason(&ca.network(silent.address)).await, Reason::Connect);
        let cut = format!("{OK}Content-Length: 100\r\n\r\n{{");
        let cut = Origin::writing(ca.good(H1), cut).await;
        assert_eq!(reason(&ca.network(cut.address)).await, Reason::BadResponse);
        let long = format!("{OK}\r\n{}", " ".repeat(2 << 20));
        let long = Origin::writing(ca.good(H1), long).await;
        let failure = send(&ca.network(long.address)).await.unwrap_err();
        assert_eq!(failure.kind, NetFailureKind::TooLarge);
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
        let proxy = Origin::start(move |_, mut stream: TcpStream| async move {
            read_head(&mut stream).await;
            _ = stream.write_all(answer.as_bytes()).await;
        })
        .await;
        let failure = send(&ca.network_through(proxy.address)).await.unwrap_err();
        assert_eq!(failure.reason(), Reason::Proxy, "{failure:?}");
        assert!(!format!("{failure:?}").contains("canary"));
    }

    #[tokio::test]
    async fn a_silent_server_is_a_timeout() {
        let (ca, hanging) = (Ca::new(), Arc::new(Notify::new()));
        let (tls, told) = (ca.good(H1), hanging.clone());
        let origin = Origin::start(move |_, stream| {
            let (tls, told) = (tls.clone(), told.clone());
            async move {
                let mut stream = tls.accept(stream).await.unwrap();
                read_head(&mut stream).await;
                told.notify_one();
                std::future::pending::<()>().await;
            }
        })
        .await;
        let network = ca.network(origin.address);
        let sending = tokio::spawn(async move { send(&network).await });
        hanging.notified().await;
        tokio::time::pause();
        let failure = sending.await.unwrap().unwrap_err();
        assert_eq!(failure.kind, NetFailureKind::Timeout(Phase::Processing));
    }

    #[tokio::test]
    async fn never_means_no_proxy_and_allows_http() {
        let ca = Ca::new();
        let origin = Origin::start(|_, mut stream: TcpStream| async move {
            read_head(&mut stream).await;
            let answer = format!("{OK}Content-Length: 2\r\n\r\n{{}}");
            _ = stream.write_all(answer.as_bytes()).await;
        })
        .await;
        let client = PlainClient::new(&ca.network_through(refused())).unwrap();
        let mut request = post(&format!("http://{}/metadata", origin.address));
        let failure = client.send(request.clone()).await.unwrap_err();
        assert_eq!(failure.reason(), Reason::Internal);
        request.proxy = UseProxy::Never;
        assert_eq!(client.send(request).await.unwrap().status, 200);
    }
}
