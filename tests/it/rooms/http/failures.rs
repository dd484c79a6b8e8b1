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
    assert_eq!(failure.exchange.broke_in, Some(Phase::Resolve));
}

#[tokio::test]
async fn refused_connections() {
    let ca = Ca::new();
    let failure = failure(&ca.network(refused())).await;
    assert_eq!(failure.net.reason(), Reason::Connect);
    assert_eq!(failure.exchange.broke_in, Some(Phase::Connect));
    assert_eq!(
        failure.net.to_string(),
        "contoso.sharepoint.com: connection refused while connecting"
    );
}

#[tokio::test]
async fn bad_certificates() {
    let ca = Ca::new();
    let stranger = Ca::new();
    for (tls, words, end) in [
        (
            ca.tls("contoso2.invalid", 2100, H2),
            "for another name",
            "2100",
        ),
        (
            ca.tls(HOST, 2020, H2),
            "expired at 2020-01-01T00:00:00Z",
            "2020",
        ),
        (stranger.good(H2), "signed by nobody we trust", "2100"),
    ] {
        let origin = Origin::answering(tls, |_, _| json(200, "{}")).await;
        let failure = failure(&ca.network(origin.address)).await;
        assert_eq!(failure.net.reason(), Reason::Tls);
        assert_eq!(failure.exchange.broke_in, Some(Phase::Tls));
        assert!(failure.net.to_string().contains(words), "{}", failure.net);
        // Refused, and yet seen.
        let shown = &failure.exchange.connection;
        let end = format!("{end}-01-01T00:00:00Z").parse().ok();
        assert_eq!(shown.certificate_expiry, end, "{words}");
        // Who is not trusted here deceives nobody.
        assert_eq!(shown.intercepted, Some(false), "{words}");
    }
}

/// A root that was renewed under its old name stands beside the old one for a
/// while: what either signed is good, in whatever order the file has them.
#[tokio::test]
async fn two_trusted_roots_of_one_name() {
    let (old, new, stranger) = (Ca::named("twins"), Ca::named("twins"), Ca::named("twins"));
    let read = |ca: &Ca| std::fs::read_to_string(ca.file.path()).unwrap();
    for roots in [read(&old) + &read(&new), read(&new) + &read(&old)] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, roots.as_bytes()).unwrap();
        for (ca, good) in [(&old, true), (&new, true), (&stranger, false)] {
            let origin = Origin::answering(ca.good(H2), |_, _| json(200, "{}")).await;
            let mut settings = ca.settings(origin.address);
            settings.ca_file = Some(file.path().to_owned());
            let network = Network::new(&settings).unwrap();
            if good {
                assert_eq!(probe(&network).await.unwrap().status, 200);
            } else {
                let failure = failure(&network).await;
                assert_eq!(failure.net.reason(), Reason::Tls);
                let told = failure.net.to_string();
                assert!(told.contains("signed by nobody we trust"), "{told}");
            }
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
    assert_eq!(found.exchange.broke_in, Some(Phase::Tls));
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
        assert_eq!(found.exchange.broke_in, Some(Phase::Processing));
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
