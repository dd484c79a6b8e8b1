use super::*;
use m365mon::model::Reference;

const PATIENCE: Duration = Duration::from_secs(30);

async fn reach(network: &Network, reference: &str, patience: Duration) -> Result<(), NetFailure> {
    let client = ProbeClient::new(network).unwrap();
    let reference = Reference::parse(reference).unwrap();
    client.reach(&reference.target, patience).await
}

/// The network of tests, with a host of ours in it.
fn network(ca: &Ca, address: SocketAddr) -> Network {
    let mut settings = ca.settings(address);
    let at = m365mon::model::ResolveOverride { address };
    settings.resolve.insert(OURS.into(), at);
    Network::new(&settings).unwrap()
}

const OURS: &str = "www.contoso.com";

#[tokio::test]
async fn an_answer_of_any_status_is_enough() {
    let ca = Ca::new();
    for status in [200, 204, 301, 401, 404, 429, 500, 503] {
        for alpn in [H1, H2] {
            let heard = Arc::new(parking_lot::Mutex::new(Vec::new()));
            let seen = heard.clone();
            let tls = ca.tls(OURS, 2100, alpn);
            let origin = Origin::answering(tls, move |_, request| {
                for (name, value) in request.headers() {
                    seen.lock()
                        .push(format!("{name}: {}", value.to_str().unwrap()));
                }
                seen.lock().push(request.uri().to_string());
                json(status, "{}")
            })
            .await;
            let network = network(&ca, origin.address);
            let reached = reach(&network, "https://www.contoso.com/health?q=1", PATIENCE).await;
            assert!(reached.is_ok(), "{status}: {reached:?}");
            let heard = heard.lock().join("\n").to_lowercase();
            assert!(heard.contains("/health?q=1"), "{heard}");
            assert!(heard.contains("user-agent: "), "{heard}");
            for secret in ["authorization", "cookie", "client-request-id"] {
                assert!(!heard.contains(secret), "{heard}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_trusted_is_not_reached() {
    let (ca, stranger) = (Ca::new(), Ca::new());
    for tls in [
        stranger.tls(OURS, 2100, H2),
        ca.tls(OURS, 2020, H2),
        ca.good(H2),
    ] {
        let origin = Origin::answering(tls, |_, _| json(200, "{}")).await;
        let network = network(&ca, origin.address);
        let failure = reach(&network, "https://www.contoso.com", PATIENCE)
            .await
            .unwrap_err();
        assert_eq!(failure.reason(), Reason::Tls, "{failure}");
    }
}

#[tokio::test]
async fn a_connection_is_enough_by_tcp() {
    let ca = Ca::new();
    let origin = Origin::start(|_, stream: TcpStream| async move { drop(stream) }).await;
    let network = network(&ca, origin.address);
    let at = |address: SocketAddr| format!("tcp://{address}");
    assert!(reach(&network, &at(origin.address), PATIENCE).await.is_ok());
    // By its name, at the port that is named.
    let named = format!("tcp://{OURS}:{}", origin.address.port());
    assert!(reach(&network, &named, PATIENCE).await.is_ok());
    let failure = reach(&network, &at(refused()), PATIENCE).await.unwrap_err();
    assert_eq!(failure.reason(), Reason::Connect);
}

#[tokio::test]
async fn a_host_that_says_nothing_takes_no_longer_than_it_may() {
    let ca = Ca::new();
    let origin = Origin::start(|_, mut stream: TcpStream| async move {
        // As long as the other side likes.
        _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;
    let network = network(&ca, origin.address);
    let short = Duration::from_millis(50);
    let failure = reach(&network, "https://www.contoso.com", short)
        .await
        .unwrap_err();
    assert_eq!(
        failure.kind,
        NetFailureKind::Timeout(Phase::Tls),
        "{failure}"
    );
}

#[tokio::test]
async fn the_way_of_the_probes() {
    let ca = Ca::new();
    let origin = Origin::answering(ca.tls(OURS, 2100, H2), |_, _| json(404, "{}")).await;
    let onward = origin.address;
    let heads = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let heard = heads.clone();
    let proxy = Origin::start(move |_, mut stream: TcpStream| {
        let heard = heard.clone();
        async move {
            let head = read_head(&mut stream).await;
            let line = head.lines().next().unwrap_or_default().to_owned();
            let answer = if line.contains("refused") {
                "HTTP/1.1 403 Forbidden\r\n\r\n"
            } else {
                "HTTP/1.1 200 OK\r\n\r\n"
            };
            heard.lock().push(line);
            _ = stream.write_all(answer.as_bytes()).await;
            let mut onward = TcpStream::connect(onward).await.unwrap();
            _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
        }
    })
    .await;
    let network = ca.network_through(proxy.address);
    for (reference, reason) in [
        ("https://www.contoso.com", None),
        ("tcp://www.contoso.com:25", None),
        ("tcp://[2620:fe::fe]:53", None),
        ("tcp://refused.contoso.com:25", Some(Reason::Proxy)),
    ] {
        let reached = reach(&network, reference, PATIENCE).await;
        let found = reached.err().map(|failure| failure.reason());
        assert_eq!(found, reason, "{reference}");
    }
    assert_eq!(
        *heads.lock(),
        [
            "CONNECT www.contoso.com:443 HTTP/1.1",
            "CONNECT www.contoso.com:25 HTTP/1.1",
            "CONNECT [2620:fe::fe]:53 HTTP/1.1",
            "CONNECT refused.contoso.com:25 HTTP/1.1",
        ]
    );
}
