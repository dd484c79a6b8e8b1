//! A sign-in whose browser comes back to this very process (RFC 8252 section
//! 7.3): a listener on the loopback addresses, for one answer.

use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::output;
use crate::entra::{BrowserSignIn, Consent, ConsentError, LOOPBACK, SignedInAs, Wanted};
use crate::model::{Account, Secret};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// What must be registered: Entra takes any port of it (RFC 8252 section 7.3).
pub(super) const REDIRECT: &str = LOOPBACK;
const HEAD: Duration = Duration::from_secs(10);

/// What the browser brought.
struct Callback {
    state: Secret,
    result: Result<Secret, (String, String)>,
}

/// Signs a person in with a browser on this machine, or with one whose port is
/// forwarded here.
pub(crate) async fn sign_in(
    consent: &Consent,
    account: &Account,
    wanted: &Wanted,
) -> Result<SignedInAs, ConsentError> {
    let begin = |redirect: &str| consent.browser(account, wanted, redirect);
    let (begun, code) = come_back(begin, output::say).await?;
    consent.finish_browser(account, begun, &code).await
}

/// Lets a browser go where `begin` says for this redirect URI, `tell`s a person
/// where that is, and waits for the code.
pub(crate) async fn come_back(
    begin: impl FnOnce(&str) -> Result<BrowserSignIn, ConsentError>,
    tell: impl FnOnce(&str),
) -> Result<(BrowserSignIn, Secret), ConsentError> {
    let unable = |error: std::io::Error| {
        ConsentError::Unable(format!("cannot listen on the loopback address: {error}"))
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(unable)?;
    let port = listener.local_addr().map_err(unable)?.port();
    // Some browsers try this one first; without IPv6 they do not.
    let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
    let begun = begin(&format!("{REDIRECT}:{port}"))?;
    tell(&format!(
        "Open this in a browser on this machine:\n\n  {}\n\n\
         If the browser is on another machine, run this there first:\n\n  \
         ssh -L {port}:localhost:{port} THIS-MACHINE\n",
        begun.url
    ));
    let (sender, mut callbacks) = mpsc::channel(4);
    let listening = tokio::spawn(serve(listener, sender.clone()));
    let second = second.map(|listener| tokio::spawn(serve(listener, sender)));
    let callback = tokio::time::timeout(PATIENCE, async {
        while let Some(callback) = callbacks.recv().await {
            if callback.state == begun.state {
                return Some(callback.result);
            }
        }
        None
    })
    .await;
    // Give the answer's page a moment to reach the browser.
    tokio::time::sleep(Duration::from_millis(200)).await;
    listening.abort();
    if let Some(second) = second {
        second.abort();
    }
    match callback {
        Ok(Some(Ok(code))) => Ok((begun, code)),
        Ok(Some(Err((error, description)))) => Err(Consent::refused(&error, &description)),
        Ok(None) | Err(_) => Err(ConsentError::Expired),
    }
}

async fn serve(listener: TcpListener, callbacks: mpsc::Sender<Callback>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(converse(stream, callbacks.clone()));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn converse(stream: TcpStream, callbacks: mpsc::Sender<Callback>) {
    let service = service_fn(|request: Request<hyper::body::Incoming>| {
        let answer = answer(&request, &callbacks);
        async move { Ok::<_, Infallible>(answer) }
    });
    _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Takes the answer of a sign-in from the query; everything else (a browser
/// also asks for its icon) is not found.
fn answer<B>(request: &Request<B>, callbacks: &mpsc::Sender<Callback>) -> Response<Full<Bytes>> {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let get = |name: &str| {
        url::form_urlencoded::parse(query)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let result = match (get("code"), get("error")) {
        (Some(code), None) => Some(Ok(Secret::new(code))),
        (_, Some(error)) => Some(Err((error, get("error_description").unwrap_or_default()))),
        (None, None) => None,
    };
    let (status, text) = match (request.uri().path(), get("state"), result) {
        ("/", Some(state), Some(result)) => {
            let text = match result {
                Ok(_) => {
                    "Thank you. The rest is said where you ran m365mon; this page can be closed."
                }
                Err(_) => {
                    "That did not work. Why is said where you ran m365mon; this page can be closed."
                }
            };
            _ = callbacks.try_send(Callback {
                state: Secret::new(state),
                result,
            });
            (StatusCode::OK, text)
        }
        _ => (StatusCode::NOT_FOUND, "Nothing is here."),
    };
    let page = format!("<!doctype html><meta charset=utf-8><title>m365mon</title><p>{text}\n");
    let mut response = Response::new(Full::new(Bytes::from(page)));
    *response.status_mut() = status;
    for (name, value) in [
        (http::header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (http::header::CACHE_CONTROL, "no-store"),
        (http::header::REFERRER_POLICY, "no-referrer"),
        (
            http::header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, http::HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(path: &str) -> (StatusCode, Option<Callback>) {
        let (sender, mut callbacks) = mpsc::channel(1);
        let request = Request::builder().uri(path).body(()).unwrap();
        let status = answer(&request, &sender).status();
        (status, callbacks.try_recv().ok())
    }

    #[test]
    fn takes_a_code_or_an_error_and_nothing_else() {
        let (status, callback) = ask("/?code=c%20d&state=s");
        let callback = callback.unwrap();
        assert_eq!((status, callback.state.expose()), (StatusCode::OK, "s"));
        assert_eq!(callback.result.unwrap().expose(), "c d");
        let (_, callback) = ask("/?error=access_denied&error_description=x&state=s");
        assert_eq!(callback.unwrap().result.unwrap_err().0, "access_denied");
        for path in ["/", "/?code=c", "/favicon.ico?code=c&state=s", "/?state=s"] {
            let (status, callback) = ask(path);
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            assert!(callback.is_none());
        }
    }
}
