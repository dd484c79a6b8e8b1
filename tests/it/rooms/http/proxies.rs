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
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 502 Bad Gateway\r\n\r\n",
            "refused to connect us (502)",
        ),
        ("SSH-2.0-OpenSSH\r\n\r\n", "does not speak HTTP"),
        ("HTTP/1.1 200 OK\r\n\r\n<html>", "sent more than an answer"),
        ("HTTP/1.1 200", "closed the connection"),
        ("", "closed the connection"),
    ] {
        let (proxy, _) = proxy(answer, None).await;
        let failure = failure(&ca.network_through(proxy.address)).await;
        assert_eq!(failure.net.reason(), Reason::Proxy, "{answer} {failure:?}");
        assert_eq!(failure.exchange.broke_in, Some(Phase::Connect));
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
    assert_eq!(unknown.exchange.broke_in, Some(Phase::Resolve));
}

#[tokio::test]
async fn are_not_to_blame_for_what_comes_after() {
    let ca = Ca::new();
    let origin = Origin::answering(ca.tls(HOST, 2020, H2), |_, _| json(200, "{}")).await;
    let (proxy, _) = proxy("HTTP/1.1 200 OK\r\n\r\n", Some(origin.address)).await;
    let failure = failure(&ca.network_through(proxy.address)).await;
    assert_eq!(failure.net.reason(), Reason::Tls);
}

/// What a sender says for itself wins over what holds for all, in both clients.
#[tokio::test]
async fn of_a_senders_own() {
    use m365mon::http::{SimpleBody, SimpleClient, SimpleRequest, UseProxy};
    use m365mon::model::ProxySetting;

    let ca = Ca::new();
    let origin = Origin::answering(ca.good(H2), |_, _| json(200, "{}")).await;
    let established = "HTTP/1.1 200 OK\r\n\r\n";
    let (of_all, all) = proxy(established, Some(origin.address)).await;
    let (of_one, one) = proxy(established, Some(origin.address)).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let url = format!("http://{}", of_one.address);
    std::fs::write(file.path(), format!("{url}\n")).unwrap();
    let own = [
        ProxySetting::Fixed(Secret::new(url)),
        ProxySetting::File(file.path().to_owned()),
        ProxySetting::File("/not/there".into()),
        ProxySetting::Direct,
    ]
    .map(Arc::new);
    let mut settings = ca.settings(origin.address);
    settings.proxy = ProxySetting::Fixed(Secret::new(format!("http://{}", of_all.address)));
    settings.own_proxies = own.to_vec();
    let network = Network::new(&settings).unwrap();
    let (measured, simple) = (
        ProbeClient::new(&network).unwrap(),
        SimpleClient::new(&network).unwrap(),
    );
    let [fixed, in_file, gone, direct] = own;
    for (own, way) in [
        (None, Some(&all)),
        (Some(fixed), Some(&one)),
        (Some(in_file), Some(&one)),
        (Some(direct), None),
    ] {
        let request = || SimpleRequest {
            method: Method::GET,
            url: Url::parse(&format!("https://{HOST}/lists")).unwrap(),
            headers: HeaderMap::new(),
            body: SimpleBody::Empty,
            timeout: LONG,
            proxy: own.clone().map_or(UseProxy::Configured, UseProxy::Own),
        };
        let probe = ProbeRequest {
            proxy: own.clone(),
            ..get(ConnectionPolicy::New)
        };
        for measures in [true, false] {
            all.lock().clear();
            one.lock().clear();
            let status = if measures {
                measured.send(probe.clone()).await.unwrap().status
            } else {
                // A kept tunnel would not be seen.
                let simple = SimpleClient::new(&network).unwrap();
                simple.send(request()).await.unwrap().status
            };
            assert_eq!(status, 200);
            for heard in [&all, &one] {
                let went = way.is_some_and(|way| Arc::ptr_eq(way, heard));
                assert_eq!(!heard.lock().is_empty(), went, "{own:?} {measures}");
            }
        }
        let url = Url::parse(&format!("https://{HOST}/")).unwrap();
        assert_eq!(measured.is_proxied(&url, own.as_deref()), way.is_some());
    }
    // One whose file is of no use keeps nobody else from being asked.
    let request = ProbeRequest {
        proxy: Some(gone),
        ..get(ConnectionPolicy::New)
    };
    let failure = measured.send(request).await.err().unwrap();
    assert_eq!(failure.net.reason(), Reason::Proxy);
    drop(simple);
}
