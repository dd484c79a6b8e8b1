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
        assert_eq!(
            (
                first.exchange.connection.reused,
                second.exchange.connection.reused
            ),
            (false, true)
        );
        let only = Phases {
            processing: second.exchange.phases.unwrap().processing,
            transfer: second.exchange.phases.unwrap().transfer,
            ..Phases::default()
        };
        assert_eq!(second.exchange.phases, Some(only));
        assert_eq!(
            second.exchange.connection.certificate_expiry,
            first.exchange.connection.certificate_expiry
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
        assert_eq!((next.status, next.exchange.connection.reused), (200, false));
        assert_eq!(next.exchange.repeat, None);
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
    assert_eq!(
        ask(&client, ConnectionPolicy::Reuse).await.exchange.repeat,
        None
    );
    let second = ask(&client, ConnectionPolicy::Reuse).await;
    assert_eq!(second.exchange.repeat, Some(Repeat::NewConnection));
    assert!(!second.exchange.connection.reused);
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
    assert_eq!((failure.exchange.repeat, origin.connections()), (None, 1));
}

#[tokio::test]
async fn of_http2_are_shared() {
    let ca = Ca::new();
    let origin = Origin::answering(ca.good(H2), |_, _| json(200, "{}")).await;
    let client = ProbeClient::new(&ca.network(origin.address)).unwrap();
    ask(&client, ConnectionPolicy::Reuse).await;
    let many = (0..20).map(|_| ask(&client, ConnectionPolicy::Reuse));
    let answers = futures_util::future::join_all(many).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.exchange.connection.reused)
    );
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

#[tokio::test]
async fn whose_certificates_no_public_root_vouches_for() {
    const OURS: &str = "api.contoso.com";
    let ca = Ca::new();
    for (host, expected) in [(HOST, Some(true)), (OURS, None)] {
        let origin = Origin::answering(ca.tls(host, 2100, H2), |_, _| json(200, "{}")).await;
        let mut settings = ca.settings(origin.address);
        let address = origin.address;
        let at = m365mon::model::ResolveOverride { address };
        settings.resolve.insert(OURS.into(), at);
        let client = ProbeClient::new(&Network::new(&settings).unwrap()).unwrap();
        let mut intercepted = Vec::new();
        for policy in [
            ConnectionPolicy::New,
            ConnectionPolicy::Reuse,
            ConnectionPolicy::Reuse,
            ConnectionPolicy::New,
        ] {
            let request = ProbeRequest {
                url: format!("https://{host}/").parse().unwrap(),
                ..get(policy)
            };
            let answer = client.send(request).await.unwrap();
            intercepted.push(answer.exchange.connection.intercepted);
        }
        assert_eq!(intercepted, [expected; 4], "{host}");
    }
}
