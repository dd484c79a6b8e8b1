//! Managed identities: the metadata services.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use m365mon_simulator::directory::IDENTITY_CLIENT_ID;
use m365mon_simulator::entra;

use super::support::{Answer, Entra, send};

const GRAPH: &str = "resource=https%3A%2F%2Fgraph.microsoft.com";

async fn ask(router: &Router, target: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(format!("http://127.0.0.1{target}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(router.clone(), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_instance_metadata_service() {
    let entra = Entra::new();
    let router = entra::metadata_router(entra.tenant.clone());
    let path = "/metadata/identity/oauth2/token";
    let version = "api-version=2018-02-01";
    let marked = [("Metadata", "true")];
    let answer = ask(&router, &format!("{path}?{version}&{GRAPH}"), &marked).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    for number in ["expires_in", "expires_on", "not_before"] {
        let text = body[number].as_str().unwrap();
        assert!(text.parse::<i64>().is_ok(), "{number}");
    }
    assert_eq!(body["resource"], "https://graph.microsoft.com");
    let claims = entra.claims(&answer);
    assert_eq!(claims.appid, IDENTITY_CLIENT_ID);
    assert_eq!(claims.appidacr, "2");
    assert!(claims.has_role(&["Sites.Read.All"]));

    let scoped = "resource=https%3A%2F%2Fgraph.microsoft.com%2F.default";
    for (query, headers, error) in [
        (format!("{version}&{GRAPH}"), &[][..], "bad_request_102"),
        (
            format!("{version}&{GRAPH}"),
            &[("Metadata", "false")],
            "bad_request_102",
        ),
        (
            format!("{version}&{GRAPH}"),
            &[("Metadata", "true"), ("X-Forwarded-For", "1.2.3.4")],
            "invalid_request",
        ),
        (GRAPH.to_owned(), &marked, "invalid_request"),
        (version.to_owned(), &marked, "invalid_request"),
        (
            format!("api-version=2015-01-01&{GRAPH}"),
            &marked,
            "invalid_request",
        ),
        (format!("{version}&{scoped}"), &marked, "invalid_resource"),
        (
            format!("{version}&resource=https%3A%2F%2Fcontoso2.com"),
            &marked,
            "invalid_resource",
        ),
        (
            format!("{version}&{GRAPH}&client_id=other"),
            &marked,
            "invalid_request",
        ),
        (
            format!("{version}&{GRAPH}&client_id={IDENTITY_CLIENT_ID}&object_id=x"),
            &marked,
            "invalid_request",
        ),
    ] {
        let answer = ask(&router, &format!("{path}?{query}"), headers).await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.error(), error, "{query} {}", answer.text);
    }
    let query = format!("{version}&{GRAPH}&client_id={IDENTITY_CLIENT_ID}");
    let answer = ask(&router, &format!("{path}?{query}"), &marked).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn app_service() {
    let entra = Entra::new();
    let router = entra::metadata_router(entra.tenant.clone());
    let secret = entra.tenant.entra.policy().identity_header;
    let right = [("X-IDENTITY-HEADER", secret.as_str())];
    let target = format!("/msi/token?api-version=2019-08-01&{GRAPH}");
    let answer = ask(&router, &target, &right).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.json()["expires_on"].is_string());
    assert!(answer.json()["expires_in"].is_null());
    for (target, headers, status) in [
        (target.clone(), &[][..], 401),
        (target.clone(), &[("X-IDENTITY-HEADER", "x")], 401),
        (format!("/msi/token?{GRAPH}"), &right, 400),
        ("/msi/token?api-version=2019-08-01".into(), &right, 400),
        (format!("{target}&client_id=other"), &right, 400),
    ] {
        let answer = ask(&router, &target, headers).await;
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.json()["statusCode"], status);
        assert!(answer.json()["message"].is_string());
    }
}
