//! Where token requests go: one request out, one bounded answer back. The
//! seam between what we say to Entra and how it travels, so that tests can
//! answer by script under paused time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use url::Url;

use crate::http::{FormValue, NetFailure, SimpleBody, SimpleClient, SimpleRequest, UseProxy};
use crate::model::{AccountReason, RequestId, Secret, TokenProblem, bounded_text};

/// No token endpoint may take longer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// One request.
pub(crate) struct EndpointRequest {
    pub(crate) url: Url,
    pub(crate) content: Content,
    /// Extra headers; values may be secret.
    pub(crate) headers: Vec<(http::HeaderName, Secret)>,
    /// By which proxy; never by one for managed identity, which is link-local.
    pub(crate) proxy: UseProxy,
}

/// What is sent.
pub(crate) enum Content {
    /// GET.
    Nothing,
    /// POST of a form.
    Form(Vec<(String, Secret)>),
}

/// An answer of any status, its body whole and at most 1 MiB.
pub(crate) struct EndpointAnswer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl EndpointAnswer {
    /// Entra's `x-ms-request-id`.
    pub(super) fn request_id(&self) -> Option<RequestId> {
        let value = self.headers.get("x-ms-request-id")?.to_str().ok()?;
        RequestId::parse(value)
    }
}

/// No answer.
#[derive(Debug, Clone)]
pub(crate) struct NoAnswer {
    pub(crate) reason: AccountReason,
    /// For people; without secrets.
    pub(crate) detail: String,
}

impl NoAnswer {
    /// Names the host once.
    fn sentence(&self, host: &str) -> String {
        let detail = &self.detail;
        match detail
            .strip_prefix(host)
            .and_then(|rest| rest.strip_prefix(": "))
        {
            Some(rest) => format!("no answer from {host}: {rest}"),
            None if detail.contains(host) => format!("no answer: {detail}"),
            None => format!("no answer from {host}: {detail}"),
        }
    }

    pub(super) fn problem(self, host: &str) -> TokenProblem {
        TokenProblem {
            reason: self.reason,
            code: None,
            detail: bounded_text(&self.sentence(host), 300),
        }
    }
}

/// Sends requests. Never follows a redirect, never retries.
pub(crate) trait Endpoint: Send + Sync {
    fn send(&self, request: EndpointRequest) -> BoxFuture<'_, Result<EndpointAnswer, NoAnswer>>;
}

impl Endpoint for SimpleClient {
    fn send(&self, request: EndpointRequest) -> BoxFuture<'_, Result<EndpointAnswer, NoAnswer>> {
        let failed = |failure: NetFailure| NoAnswer {
            reason: failure.account_reason(),
            detail: failure.detail,
        };
        let mut headers = http::HeaderMap::new();
        for (name, value) in request.headers {
            if let Ok(mut value) = http::HeaderValue::from_str(value.expose()) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        let (method, body) = match request.content {
            Content::Nothing => (http::Method::GET, SimpleBody::Empty),
            Content::Form(fields) => (
                http::Method::POST,
                SimpleBody::Form(
                    fields
                        .into_iter()
                        .map(|(name, value)| (name, FormValue::Secret(value)))
                        .collect(),
                ),
            ),
        };
        let request = SimpleRequest {
            method,
            url: request.url,
            headers,
            body,
            timeout: TIMEOUT,
            proxy: request.proxy,
        };
        Box::pin(async move {
            let answer = SimpleClient::send(self, request).await.map_err(failed)?;
            Ok(EndpointAnswer {
                status: answer.status,
                headers: answer.headers,
                body: answer.body,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_named_once() {
        for (detail, wanted) in [
            (
                "h.com: connection refused",
                "no answer from h.com: connection refused",
            ),
            (
                "h.com could not be resolved",
                "no answer: h.com could not be resolved",
            ),
            (
                "this machine is out of buffers",
                "no answer from h.com: this machine is out of buffers",
            ),
        ] {
            let no_answer = NoAnswer {
                reason: AccountReason::Connect,
                detail: detail.to_owned(),
            };
            assert_eq!(no_answer.problem("h.com").detail, wanted);
        }
    }
}
