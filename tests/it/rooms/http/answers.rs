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
        assert_eq!(answer.exchange.repeat, None);
        assert_eq!(answer.exchange.connection.http_version, Some(version));
        assert_eq!(answer.exchange.connection.tls_version, Some("TLS 1.3"));
        assert_eq!(answer.exchange.connection.ip_version, Some(IpVersion::V4));
        assert!(!answer.exchange.connection.reused);
        let end = "2100-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(answer.exchange.connection.certificate_expiry, Some(end));
        for phase in [Phase::Connect, Phase::Tls, Phase::Processing] {
            assert!(
                answer.exchange.phases.unwrap().get(phase) > Duration::ZERO,
                "{phase:?}"
            );
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
    assert_eq!(answer.exchange.connection.ip_version, Some(IpVersion::V6));
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
    let bytes =
        format!("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n{OK}Content-Length: 2\r\n\r\n{{}}");
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
