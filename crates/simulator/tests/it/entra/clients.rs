//! The token endpoint's first questions, and client credentials.

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use m365mon_simulator::directory::Cloud;
use m365mon_simulator::directory::{OTHER_TENANT_ID, TENANT_ID};
use m365mon_simulator::entra::Policy;

use super::support::{CONFIDENTIAL, Entra, GRAPH, HOST, PUBLIC, encode};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const CLIENT: (&str, &str) = ("client_id", CONFIDENTIAL);
const SECRET: (&str, &str) = ("client_secret", "right");
const SCOPE: (&str, &str) = ("scope", GRAPH);

#[tokio::test]
async fn a_secret_gets_a_token_and_nothing_else() {
    let entra = Entra::new();
    let answer = entra.token(&[GRANT, CLIENT, SECRET, SCOPE]).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    let mut fields: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(
        fields,
        ["access_token", "expires_in", "ext_expires_in", "token_type"]
    );
    let life = body["expires_in"].as_i64().unwrap();
    assert!((3599..=5399).contains(&life), "{life}");
    let claims = entra.claims(&answer);
    assert_eq!(claims.aud, "https://graph.microsoft.com");
    assert_eq!(claims.roles, Some(vec!["Sites.Read.All".to_owned()]));
    assert_eq!(
        (claims.appidacr.as_str(), claims.idtyp.as_str()),
        ("1", "app")
    );
    assert_eq!(claims.exp - entra.tenant.clock.epoch(), life + 1);
    assert_eq!(answer.header("cache-control"), "no-store, no-cache");
    assert_eq!(answer.header("pragma"), "no-cache");
    assert_eq!(
        answer.header("content-type"),
        "application/json; charset=utf-8"
    );
    assert!(answer.header("x-ms-ests-server").contains("ProdSlices"));
    assert_eq!(answer.header("x-ms-request-id").len(), 36);
    assert!(answer.header("set-cookie").starts_with("fpc="));
}

#[tokio::test]
async fn an_error_has_all_its_parts() {
    let entra = Entra::new();
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let request = Request::post(format!("https://{HOST}/{TENANT_ID}/oauth2/v2.0/token"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("client-request-id", id)
        .body(Body::from(encode(&[
            GRANT,
            CLIENT,
            ("client_secret", "wrong"),
            SCOPE,
        ])))
        .unwrap();
    let answer = entra.send(request).await;
    assert_eq!(answer.status, 401);
    let body = answer.json();
    assert_eq!(body["error"], "invalid_client");
    assert_eq!(body["error_codes"], serde_json::json!([7_000_215]));
    assert_eq!(body["correlation_id"], id);
    assert_eq!(answer.header("client-request-id"), id);
    assert_eq!(body["trace_id"], answer.header("x-ms-request-id"));
    assert_eq!(body["timestamp"], "2027-03-01 12:00:00Z");
    assert_eq!(
        body["error_uri"],
        "https://login.microsoftonline.com/error?code=7000215"
    );
    let text = body["error_description"].as_str().unwrap();
    assert!(text.starts_with("AADSTS7000215: Invalid client secret provided."));
    for part in ["Trace ID: ", "Correlation ID: ", "Timestamp: "] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!answer.text.contains("wrong"));
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let entra = Entra::new();
    let sharepoint = "https://contoso.sharepoint.com/.default";
    let two = format!("{GRAPH} {sharepoint}");
    for (form, status, error, code) in [
        (vec![], 400, "invalid_request", 900_144),
        (vec![CLIENT, SECRET, SCOPE], 400, "invalid_request", 900_144),
        (vec![GRANT, SECRET, SCOPE], 400, "invalid_request", 900_144),
        (vec![GRANT, CLIENT, SECRET], 400, "invalid_request", 90_014),
        (vec![GRANT, CLIENT, SCOPE], 401, "invalid_client", 7_000_218),
        (
            vec![GRANT, CLIENT, SECRET, SCOPE, SCOPE],
            400,
            "invalid_request",
            9_000_411,
        ),
        (
            vec![
                GRANT,
                CLIENT,
                SECRET,
                ("resource", "https://graph.microsoft.com"),
            ],
            400,
            "invalid_request",
            901_002,
        ),
        (
            vec![("grant_type", "password"), CLIENT, SECRET, SCOPE],
            400,
            "unsupported_grant_type",
            70_003,
        ),
        (
            vec![GRANT, CLIENT, ("client_secret", "old"), SCOPE],
            401,
            "invalid_client",
            7_000_222,
        ),
        (
            vec![GRANT, CLIENT, ("client_secret", "early"), SCOPE],
            401,
            "invalid_client",
            7_000_215,
        ),
        (
            vec![GRANT, ("client_id", PUBLIC), SECRET, SCOPE],
            401,
            "invalid_client",
            700_025,
        ),
        (
            vec![GRANT, ("client_id", PUBLIC), SCOPE],
            401,
            "invalid_client",
            7_000_218,
        ),
        (
            vec![GRANT, ("client_id", OTHER_TENANT_ID), SECRET, SCOPE],
            400,
            "unauthorized_client",
            700_016,
        ),
        (
            vec![GRANT, CLIENT, SECRET, SCOPE, ("claims", "{")],
            400,
            "invalid_request",
            90_013,
        ),
        (
            vec![
                GRANT,
                CLIENT,
                SECRET,
                ("scope", "https://graph.microsoft.com/Mail.Read"),
            ],
            400,
            "invalid_scope",
            1_002_012,
        ),
        (
            vec![GRANT, CLIENT, SECRET, ("scope", &two)],
            400,
            "invalid_scope",
            700_022,
        ),
        (
            vec![
                GRANT,
                CLIENT,
                SECRET,
                ("scope", "https://contoso2.sharepoint.com/.default"),
            ],
            400,
            "invalid_resource",
            500_011,
        ),
        (
            vec![GRANT, CLIENT, SECRET, ("scope", "\u{7f}")],
            400,
            "invalid_scope",
            70_011,
        ),
    ] {
        let answer = entra.token(&form).await;
        assert_eq!(
            (answer.status, answer.error().as_str(), answer.code()),
            (status, error, code),
            "{form:?}"
        );
    }
}

#[tokio::test]
async fn only_forms_and_only_posts() {
    let entra = Entra::new();
    let url = format!("https://{HOST}/{TENANT_ID}/oauth2/v2.0/token");
    let request = |kind: &str| {
        Request::post(&url)
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(encode(&[GRANT, CLIENT, SECRET, SCOPE])))
            .unwrap()
    };
    let answer = entra.send(request("application/json")).await;
    assert_eq!((answer.status, answer.code()), (400, 900_144));
    assert!(answer.text.contains("grant_type"));
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    assert_eq!(entra.send(request(form)).await.status, 200);
    let answer = entra.get(&format!("/{TENANT_ID}/oauth2/v2.0/token")).await;
    assert_eq!((answer.status, answer.code()), (400, 900_561));
    let long = "x".repeat(65 * 1024);
    assert_eq!(entra.token(&[("grant_type", &long)]).await.status, 413);
}

#[tokio::test]
async fn tenants_and_clouds() {
    let entra = Entra::new();
    let form = encode(&[GRANT, CLIENT, SECRET, SCOPE]);
    let ask = async |host: &str, tenant: &str| {
        let request = Request::post(format!("https://{host}/{tenant}/oauth2/v2.0/token"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.clone()))
            .unwrap();
        let answer = entra.send(request).await;
        if answer.status == 200 {
            0
        } else {
            answer.code()
        }
    };
    for (host, tenant, code) in [
        (HOST, TENANT_ID, 0),
        (HOST, "CONTOSO.onmicrosoft.com", 0),
        ("login.windows.net", "contoso.com", 0),
        ("localhost:8443", "contoso.com", 0),
        (HOST, "common", 9_001_023),
        (HOST, "consumers", 9_001_023),
        (HOST, "organizations", 50_059),
        (HOST, "contoso2.com", 90_002),
        (HOST, "00000000-1111-2222-3333-444444444444", 90_002),
        (HOST, "nonsense", 900_023),
        (HOST, OTHER_TENANT_ID, 700_016),
        ("login.microsoftonline.us", "contoso.com", 900_382),
        ("login.partner.microsoftonline.cn", "contoso.com", 900_382),
    ] {
        assert_eq!(ask(host, tenant).await, code, "{host} {tenant}");
    }
    entra.change(|directory| {
        directory.organization_mut(TENANT_ID).unwrap().cloud = Cloud::GccHigh;
    });
    assert_eq!(ask(HOST, TENANT_ID).await, 900_382);
    // Graph has another name there.
    assert_eq!(ask("login.microsoftonline.us", TENANT_ID).await, 500_011);
}

#[tokio::test]
async fn basic_authentication_and_origin() {
    let entra = Entra::new();
    let ask = async |authorization: Option<&str>, origin: Option<&str>, form: &[(&str, &str)]| {
        let mut request = Request::post(format!("https://{HOST}/{TENANT_ID}/oauth2/v2.0/token"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(value) = authorization {
            let value = format!("Basic {}", STANDARD.encode(value));
            request = request.header(header::AUTHORIZATION, value);
        }
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let answer = entra.send(request.body(Body::from(encode(form))).unwrap());
        let answer = answer.await;
        if answer.status == 200 {
            0
        } else {
            answer.code()
        }
    };
    let right = format!("{CONFIDENTIAL}:righ%74");
    assert_eq!(ask(Some(&right), None, &[GRANT, SCOPE]).await, 0);
    let wrong = format!("{CONFIDENTIAL}:wrong");
    assert_eq!(ask(Some(&wrong), None, &[GRANT, SCOPE]).await, 7_000_215);
    let both = [GRANT, SCOPE, CLIENT, SECRET];
    assert_eq!(ask(Some(&right), None, &both).await, 9_002_313);
    assert_eq!(ask(None, None, &both).await, 0);
    let origin = Some("https://page.contoso.com");
    assert_eq!(ask(None, origin, &both).await, 9_002_326);
}

#[tokio::test]
async fn lifetimes() {
    let entra = Entra::new();
    let ask = async |claims: &str| {
        let form = [GRANT, CLIENT, SECRET, SCOPE, ("claims", claims)];
        entra.token(&form).await
    };
    let cp1 = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
    let mut lives = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let body = ask("{}").await.json();
        assert!(body["refresh_in"].is_null());
        lives.insert(body["expires_in"].as_i64().unwrap());
    }
    assert!(lives.len() > 5, "{lives:?}");
    let answer = ask(cp1).await;
    let body = answer.json();
    let life = body["expires_in"].as_i64().unwrap();
    assert!((20 * 3600 - 1..28 * 3600).contains(&life), "{life}");
    assert_eq!(body["refresh_in"].as_i64().unwrap(), (life + 1) / 2);
    assert!(entra.claims(&answer).takes_challenges());
    entra.change(|directory| {
        let contoso = directory.organization_mut(TENANT_ID).unwrap();
        contoso.token_lifetime = Some(std::time::Duration::from_secs(60));
    });
    entra.tenant.entra.set_policy(Policy {
        numbers_as_strings: true,
        ..Policy::default()
    });
    let body = ask(cp1).await.json();
    assert_eq!(body["expires_in"], "59");
    assert!(body["refresh_in"].is_null());
}

#[tokio::test]
async fn a_claims_challenge_is_answered() {
    let entra = Entra::new();
    let cp1 = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
    let form = [GRANT, CLIENT, SECRET, SCOPE, ("claims", cp1)];
    let before = entra.claims(&entra.token(&form).await);
    entra
        .tenant
        .clock
        .advance(std::time::Duration::from_secs(5));
    entra.tenant.tokens.revoke_subject(&before.oid);
    let since = entra.tenant.tokens.challenge(&before).unwrap();
    let claims = format!(
        r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{since}"}},"xms_cc":{{"values":["cp1"]}}}}}}"#
    );
    let form = [GRANT, CLIENT, SECRET, SCOPE, ("claims", &*claims)];
    let after = entra.claims(&entra.token(&form).await);
    assert_eq!(entra.tenant.tokens.challenge(&after), None);
}

#[tokio::test]
async fn a_disabled_application_is_refused() {
    let entra = Entra::new();
    entra.change(|directory| {
        directory.application_mut(CONFIDENTIAL).unwrap().disabled = true;
    });
    let answer = entra.token(&[GRANT, CLIENT, SECRET, SCOPE]).await;
    assert_eq!(answer.code(), 7_000_112);
}
