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
    // No body at all, whatever is said of it.
    for head in [
        "HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n".to_owned(),
        "HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n".to_owned(),
        format!("{OK}Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let (_, ended, length) = end(head.into_bytes()).await;
        assert_eq!((ended, length), (BodyEnd::Complete, 0));
    }
}
