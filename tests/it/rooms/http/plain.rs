use super::*;

fn post(url: &str) -> SimpleRequest {
    let secret: FormValue = Secret::new("s3cr&t".into()).into();
    SimpleRequest {
        method: Method::POST,
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: SimpleBody::Form(vec![
            ("scope".into(), "a b".into()),
            ("client_secret".into(), secret),
        ]),
        timeout: LONG,
        proxy: UseProxy::Configured,
    }
}

async fn send(network: &Network) -> Result<m365mon::http::SimpleAnswer, NetFailure> {
    let client = SimpleClient::new(network).unwrap();
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
    let no_http = Origin::writing(ca.good(H1), "SSH-2.0-OpenSSH\r\n\r\n").await;
    assert_eq!(
        reason(&ca.network(no_http.address)).await,
        Reason::BadResponse
    );
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
    let client = SimpleClient::new(&ca.network_through(refused())).unwrap();
    let mut request = post(&format!("http://{}/metadata", origin.address));
    let failure = client.send(request.clone()).await.unwrap_err();
    assert_eq!(failure.reason(), Reason::Internal);
    request.proxy = UseProxy::Never;
    assert_eq!(client.send(request).await.unwrap().status, 200);
}
