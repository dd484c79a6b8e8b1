//! One request held against the web configuration.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::passwords::PasswordVerdict;
use super::{Access, WebConfig};
use crate::model::Secret;
use crate::web::errors::Outside;
use crate::web::reply::plain;
use crate::web::visitor::{Authenticated, Peer, Secured};

/// What `--web.health-without-auth` exempts.
const HEALTH: [&str; 2] = ["/-/healthy", "/-/ready"];
/// How often to come back when many passwords wait to be looked at.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"m365mon\", charset=\"UTF-8\"");

/// Lets a request in, or answers it.
pub(in crate::web) async fn authenticate(
    Shared(access): Shared<Option<Arc<Access>>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(access) = access else {
        return next.run(request).await;
    };
    let config = access.now.load_full();
    let mut response = match access.check(&config, request).await {
        Ok(request) => next.run(request).await,
        Err(mut refused) => {
            refused.extensions_mut().insert(Outside);
            refused
        }
    };
    for (name, value) in &config.headers {
        // Of several policies a browser obeys each: the pages' own cannot be
        // loosened.
        if name == header::CONTENT_SECURITY_POLICY {
            response.headers_mut().append(name, value.clone());
        } else {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

impl Access {
    async fn check(&self, config: &WebConfig, mut request: Request) -> Result<Request, Response> {
        if self.health_without_auth && HEALTH.contains(&request.uri().path()) {
            return Ok(request);
        }
        if let Some(Err(wait)) = config.bucket.as_ref().map(super::Bucket::take) {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            return Err(too_many(
                seconds.into(),
                "too many requests; see rate_limit",
            ));
        }
        let secured = request.extensions().get::<Secured>().cloned();
        if secured
            .as_ref()
            .is_some_and(|secured| secured.certificate_missing)
        {
            return Err(plain(
                StatusCode::FORBIDDEN,
                "a client certificate is needed here",
            ));
        }
        let certificate = secured.and_then(|secured| secured.verified_client);
        let mut shown = certificate.map(|certificate| Authenticated {
            user: None,
            certificate,
        });
        if !config.users.is_empty() {
            let peer = request.extensions().get::<Peer>().map_or(
                SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
                |peer| peer.0,
            );
            let user = self.ask_password(config, peer, request.headers()).await?;
            shown.get_or_insert_default().user = Some(user);
        }
        if let Some(shown) = shown {
            request.extensions_mut().insert(shown);
        }
        Ok(request)
    }

    async fn ask_password(
        &self,
        config: &WebConfig,
        peer: SocketAddr,
        headers: &HeaderMap,
    ) -> Result<Arc<str>, Response> {
        let Some((name, password)) = credentials(headers) else {
            return Err(unauthorized());
        };
        let look = self
            .passwords
            .look(&config.users, peer.ip(), &name, password);
        match look.await {
            PasswordVerdict::Right => Ok(name.as_str().into()),
            PasswordVerdict::Wrong => {
                self.wrong_password(peer);
                Err(unauthorized())
            }
            PasswordVerdict::Busy => Err(too_many(RETRY_AFTER, "too many passwords to look at")),
        }
    }
}

/// Name and password of `Authorization: Basic` (RFC 7617); `None` without
/// exactly one that can be read.
pub(in crate::web) fn credentials(headers: &HeaderMap) -> Option<(Zeroizing<String>, Secret)> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let text = std::str::from_utf8(&decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((
        Zeroizing::new(name.to_owned()),
        Secret::new(password.to_owned()),
    ))
}

fn unauthorized() -> Response {
    let mut response = plain(
        StatusCode::UNAUTHORIZED,
        "a user name and password of the web configuration are needed",
    );
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, CHALLENGE);
    response
}

fn too_many(retry_after: HeaderValue, why: &str) -> Response {
    let headers = [(header::RETRY_AFTER, retry_after)];
    (headers, plain(StatusCode::TOO_MANY_REQUESTS, why)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        credentials(&headers)
            .map(|(name, password)| (name.to_string(), password.expose().to_owned()))
    }

    #[test]
    fn basic() {
        let pair = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
        assert_eq!(of(&["Basic YWxpY2U6YTpi"]), pair("alice", "a:b"));
        assert_eq!(of(&["basic  YWxpY2U6"]), pair("alice", ""));
        assert_eq!(of(&["BASIC Og=="]), pair("", ""));
        for bad in [
            "",
            "Basic",
            "Basic ",
            "Basic YWxpY2U=",
            "Basic YWxpY2U6YTpi!",
            "Basic /w==",
            "Bearer YWxpY2U6YTpi",
        ] {
            assert_eq!(of(&[bad]), None, "{bad:?}");
        }
        assert_eq!(of(&["Basic YWxpY2U6YTpi"; 2]), None, "which one?");
        assert_eq!(of(&[]), None);
    }
}
