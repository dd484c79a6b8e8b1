//! Answers as real tenants gave them, with the headers by which they are known
//! for Microsoft's.

use axum::body::Body;
use http::{HeaderName, Response, StatusCode};

use super::Recorded;
use crate::graph::claims_of_challenge;
use crate::response::set;

const ID: &str = "0f0f0f0f-0000-4000-8000-00000000f001";
const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const ERROR_PAGE: &str = "<html><head><title>Error</title></head><body><div id=\"s4-simple-content\">\
<h1>Sorry, something went wrong</h1></div></body></html>";
const GATEWAY_PAGE: &str = "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n\
<center><h1>403 Forbidden</h1></center>\r\n<hr><center>Microsoft-Azure-Application-Gateway/v2\
</center>\r\n</body>\r\n</html>\r\n";

/// The answer; `now` in seconds since 1970.
pub(super) fn answer(form: Recorded, now: i64) -> Response<Body> {
    let (status, kind, body, headers): (u16, &str, String, Vec<(&str, String)>) = match form {
        Recorded::ThrottlePage => (
            302,
            HTML,
            String::new(),
            vec![
                ("location", "/_layouts/15/Throttle.htm".into()),
                ("sprequestguid", ID.into()),
            ],
        ),
        Recorded::UnauthorizedThrottle => (
            401,
            "text/plain",
            "429 TOO MANY REQUESTS".into(),
            vec![("sprequestguid", ID.into())],
        ),
        Recorded::ForbiddenPage => (
            403,
            "text/html",
            GATEWAY_PAGE.into(),
            vec![("server", "Microsoft-Azure-Application-Gateway/v2".into())],
        ),
        Recorded::UnquotedChallenge => {
            let challenge = format!(
                "Bearer realm=\"\", authorization_uri=https://login.microsoftonline.com/common/\
                 oauth2/authorize, client_id=\"00000003-0000-0000-c000-000000000000\", \
                 errorDescription=\"Continuous access evaluation resulted in claims challenge\", \
                 error=\"insufficient_claims\", claims=\"{}\"",
                claims_of_challenge(now)
            );
            let body = r#"{"error":{"code":"InvalidAuthenticationToken","message":"Exception of type 'Microsoft.Graph.AGS.Contracts.ClaimsChallengeRequiredException' was thrown."}}"#;
            let headers = vec![("www-authenticate", challenge), ("request-id", ID.into())];
            (401, JSON, body.into(), headers)
        }
        Recorded::ErrorInSuccess => {
            let body = r#"{"error":{"code":"generalException","message":"General exception while processing"}}"#;
            (200, JSON, body.into(), vec![("request-id", ID.into())])
        }
        Recorded::ErrorPage => (
            200,
            HTML,
            ERROR_PAGE.into(),
            vec![("sprequestguid", ID.into())],
        ),
        Recorded::NoLocation => (
            302,
            JSON,
            String::new(),
            vec![("request-id", ID.into())],
        ),
        Recorded::SharepointFront => (
            503,
            JSON,
            r#"{"error":{"code":"serviceNotAvailable","message":"The service is not available. Try the request again after a delay."}}"#.into(),
            vec![
                ("sprequestguid", ID.into()),
                ("request-id", ID.into()),
                ("retry-after", "120".into()),
            ],
        ),
        Recorded::NestedError => {
            let inner = r#"{\"error\":{\"code\":\"GatewayTimeout\",\"message\":\"\"}}"#;
            let body = format!(r#"{{"error":{{"code":"UnknownError","message":"{inner}"}}}}"#);
            (504, JSON, body, vec![("request-id", ID.into())])
        }
    };
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    set(&mut answer, http::header::CONTENT_TYPE, kind);
    for (name, value) in headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            set(&mut answer, name, &value);
        }
    }
    answer
}
