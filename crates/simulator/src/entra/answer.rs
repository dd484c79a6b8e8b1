//! The outside of Entra's answers: the headers that every one carries, and
//! the error body of the token endpoint (PROTOCOL sections 2.1 and 3.2).

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::aadsts::{self, EntraError};
use crate::Tenant;
use m365mon_base::{Random, is_guid};

/// Version and slice, as `x-ms-ests-server` has them.
const SERVER: &str = "2.1.22000.8 - WEULR1 ProdSlices";

/// What one answer is known by.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    /// `trace_id`, `x-ms-request-id`.
    pub(super) id: String,
    /// `correlation_id`: the client's own where it sent one.
    pub(super) correlation: String,
    /// The tenant's time.
    pub(super) now: Timestamp,
    /// `client-request-id` was sent, and is sent back.
    echo: bool,
    cookie: String,
}

impl Trace {
    /// A new one for a request with these headers.
    pub(super) fn new(tenant: &Tenant, headers: &HeaderMap) -> Self {
        let sent = headers
            .get("client-request-id")
            .and_then(|value| value.to_str().ok())
            .filter(|value| is_guid(value));
        Self {
            id: tenant.random.uuid(),
            correlation: sent.map_or_else(|| tenant.random.uuid(), str::to_ascii_lowercase),
            now: tenant.clock.now(),
            echo: sent.is_some(),
            cookie: tenant.random.text(22),
        }
    }

    /// A JSON answer.
    pub(super) fn json(&self, status: StatusCode, body: &Value) -> Response {
        let kind = HeaderValue::from_static("application/json; charset=utf-8");
        self.dressed(status, kind, body.to_string())
    }

    /// A page.
    pub(super) fn page(&self, status: StatusCode, html: String) -> Response {
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        let mut response = self.dressed(status, kind, html);
        let headers = response.headers_mut();
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("strict-origin-when-cross-origin"),
        );
        response
    }

    /// A redirect; to nowhere if the address has characters that no header takes.
    pub(super) fn redirect(&self, to: &str) -> Response {
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        let mut response = self.dressed(StatusCode::FOUND, kind, String::new());
        if let Ok(to) = HeaderValue::from_str(to) {
            response.headers_mut().insert(header::LOCATION, to);
        }
        response
    }

    /// A refusal of the token endpoint.
    pub(super) fn refuse(&self, refusal: &EntraError) -> Response {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        self.json(status, &self.error_body(refusal))
    }

    /// The sentence with its trailer.
    pub(super) fn sentence(&self, refusal: &EntraError) -> String {
        format!(
            "{} Trace ID: {} Correlation ID: {} Timestamp: {}",
            refusal.description(),
            self.id,
            self.correlation,
            aadsts::stamp(self.now)
        )
    }

    /// The body of a refusal.
    pub(super) fn error_body(&self, refusal: &EntraError) -> Value {
        let mut body = json!({
            "error": refusal.error,
            "error_description": self.sentence(refusal),
            "error_codes": [refusal.code],
            "timestamp": aadsts::stamp(self.now),
            "trace_id": self.id,
            "correlation_id": self.correlation,
            "error_uri": error_uri(refusal.code),
        });
        if let Some(suberror) = refusal.suberror {
            body["suberror"] = suberror.into();
        }
        if let Some(claims) = &refusal.claims {
            body["claims"] = claims.as_str().into();
        }
        body
    }

    fn dressed(&self, status: StatusCode, kind: HeaderValue, body: String) -> Response {
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, kind);
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store, no-cache"),
            (header::PRAGMA, "no-cache"),
            (header::EXPIRES, "-1"),
            (
                header::STRICT_TRANSPORT_SECURITY,
                "max-age=31536000; includeSubDomains",
            ),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (
                HeaderName::from_static("p3p"),
                r#"CP="DSP CUR OTPi IND OTRi ONL FIN""#,
            ),
            (HeaderName::from_static("x-ms-ests-server"), SERVER),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let mut insert = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(HeaderName::from_static(name), value);
            }
        };
        insert("x-ms-request-id", &self.id);
        // By the tenant's clock, which may be another than this machine's.
        let date = self.now.strftime("%a, %d %b %Y %H:%M:%S GMT");
        insert("date", &date.to_string());
        if self.echo {
            insert("client-request-id", &self.correlation);
        }
        insert(
            "set-cookie",
            &format!(
                "fpc={}; path=/; secure; HttpOnly; SameSite=None",
                self.cookie
            ),
        );
        response
    }
}

/// Where Microsoft explains a number.
pub(super) fn error_uri(code: u32) -> String {
    format!("https://login.microsoftonline.com/error?code={code}")
}
