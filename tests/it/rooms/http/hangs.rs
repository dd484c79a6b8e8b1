//! Time flies only once the server hangs, so no machine is too slow.

use super::*;

async fn send(network: &Network, hanging: Arc<Notify>) -> Result<ProbeAnswer, Box<ProbeFailure>> {
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
    assert_eq!(failure.exchange.broke_in, Some(phase));
    assert!(failure.exchange.phases.unwrap().get(phase) > Duration::from_secs(3500));
    assert!(failure.exchange.phases.unwrap().total() < Duration::from_secs(3700));
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
        assert!(failure.exchange.connection.certificate_expiry.is_some());
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
    assert!(answer.exchange.phases.unwrap().transfer > Duration::from_secs(3500));
}
