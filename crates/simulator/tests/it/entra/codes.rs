//! Authorization codes, from the browser's redirect to the tokens.

use axum::body::Body;
use axum::http::{Request, header};
use m365mon_simulator::directory::TENANT_ID;

use super::support::{
    Answer, CONFIDENTIAL, Entra, HOST, LOCAL_URI, PUBLIC, SPA, STEVE, WEB_URI, encode, payload,
};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const SCOPE: &str = "openid profile offline_access Mail.ReadBasic";

async fn code(entra: &Entra, client: &str, uri: &str, pkce: bool) -> String {
    let mut query = vec![
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", uri),
        (
            "scope",
            if client == SPA {
                "openid offline_access User.Read"
            } else {
                SCOPE
            },
        ),
        ("state", "st&te"),
        ("nonce", "n1"),
    ];
    if pkce {
        query.push(("code_challenge", CHALLENGE));
        query.push(("code_challenge_method", "S256"));
    }
    let answer = entra.sign_in(&query, STEVE).await;
    assert_eq!(answer.status, 302, "{}", answer.text);
    assert_eq!(answer.location().0, uri);
    assert_eq!(answer.parameter("state"), "st&te");
    answer.parameter("code")
}

async fn redeem(
    entra: &Entra,
    client: &str,
    uri: &str,
    code: &str,
    more: &[(&str, &str)],
) -> Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("redirect_uri", uri),
        ("code", code),
    ];
    form.extend_from_slice(more);
    entra.token(&form).await
}

#[tokio::test]
async fn a_code_is_worth_everything_once() {
    let entra = Entra::new();
    let code = code(&entra, PUBLIC, LOCAL_URI, true).await;
    let verifier = [("code_verifier", VERIFIER), ("client_info", "1")];
    let answer = redeem(&entra, PUBLIC, LOCAL_URI, &code, &verifier).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(
        body["scope"],
        "Mail.ReadBasic User.Read profile openid email"
    );
    assert!(body["refresh_token"].is_string() && body["client_info"].is_string());
    let claims = entra.claims(&answer);
    assert_eq!(claims.idtyp, "user");
    assert_eq!(claims.upn.as_deref(), Some(STEVE));
    assert_eq!(claims.appidacr, "0");
    assert!(claims.has_scope(&["Mail.ReadBasic"]));
    let id = payload(body["id_token"].as_str().unwrap());
    assert_eq!(id["aud"], PUBLIC);
    assert_eq!(id["iss"], format!("https://{HOST}/{TENANT_ID}/v2.0"));
    assert_eq!(id["nonce"], "n1");
    assert_eq!(id["preferred_username"], STEVE);
    assert_eq!(id["tid"], TENANT_ID);
    assert_eq!(id["oid"], claims.oid);
    let again = redeem(&entra, PUBLIC, LOCAL_URI, &code, &verifier).await;
    assert_eq!(
        (again.error().as_str(), again.code()),
        ("invalid_grant", 54_005)
    );
}

#[tokio::test]
async fn a_code_is_bound_to_what_asked_for_it() {
    let entra = Entra::new();
    let fine = code(&entra, CONFIDENTIAL, WEB_URI, true).await;
    let secret = ("client_secret", "right");
    let verifier = ("code_verifier", VERIFIER);
    let other = VERIFIER.replace('d', "e");
    let table = [
        (
            "no code",
            CONFIDENTIAL,
            WEB_URI,
            "",
            vec![secret, verifier],
            900_144,
        ),
        (
            "no address",
            CONFIDENTIAL,
            "",
            &fine,
            vec![secret, verifier],
            900_144,
        ),
        (
            "garbage",
            CONFIDENTIAL,
            WEB_URI,
            "x",
            vec![secret, verifier],
            70_000,
        ),
        (
            "other client",
            PUBLIC,
            LOCAL_URI,
            &fine,
            vec![verifier],
            70_000,
        ),
        (
            "other address",
            CONFIDENTIAL,
            LOCAL_URI,
            &fine,
            vec![secret, verifier],
            500_112,
        ),
        (
            "no secret",
            CONFIDENTIAL,
            WEB_URI,
            &fine,
            vec![verifier],
            7_000_218,
        ),
        (
            "wrong secret",
            CONFIDENTIAL,
            WEB_URI,
            &fine,
            vec![("client_secret", "x"), verifier],
            7_000_215,
        ),
        (
            "no verifier",
            CONFIDENTIAL,
            WEB_URI,
            &fine,
            vec![secret],
            50_148,
        ),
        (
            "other verifier",
            CONFIDENTIAL,
            WEB_URI,
            &fine,
            vec![secret, ("code_verifier", &other)],
            501_481,
        ),
        (
            "in the end",
            CONFIDENTIAL,
            WEB_URI,
            &fine,
            vec![secret, verifier],
            0,
        ),
    ];
    for (what, client, uri, code, more, expected) in table {
        let answer = redeem(&entra, client, uri, code, &more).await;
        let got = if answer.status == 200 {
            0
        } else {
            answer.code()
        };
        assert_eq!(got, expected, "{what}: {}", answer.text);
    }
    let public = code(&entra, PUBLIC, LOCAL_URI, true).await;
    let answer = redeem(&entra, PUBLIC, LOCAL_URI, &public, &[secret, verifier]).await;
    assert_eq!(answer.code(), 700_025);

    let bare = code(&entra, PUBLIC, LOCAL_URI, false).await;
    let answer = redeem(&entra, PUBLIC, LOCAL_URI, &bare, &[verifier]).await;
    assert_eq!(answer.code(), 501_481, "a verifier that nobody announced");
    let answer = redeem(&entra, PUBLIC, LOCAL_URI, &bare, &[]).await;
    assert_eq!(answer.status, 200);

    let late = code(&entra, PUBLIC, LOCAL_URI, true).await;
    entra
        .tenant
        .clock
        .advance(std::time::Duration::from_secs(600));
    let answer = redeem(&entra, PUBLIC, LOCAL_URI, &late, &[verifier]).await;
    assert_eq!(answer.code(), 70_008);
}

#[tokio::test]
async fn a_code_may_ask_for_another_api_it_has_consent_for() {
    let entra = Entra::new();
    let secret = ("client_secret", "right");
    let first = code(&entra, CONFIDENTIAL, WEB_URI, false).await;
    let scope = ("scope", "https://contoso.sharepoint.com/AllSites.Read");
    let answer = redeem(&entra, CONFIDENTIAL, WEB_URI, &first, &[secret, scope]).await;
    assert_eq!(entra.claims(&answer).aud, "https://contoso.sharepoint.com");
    assert_eq!(entra.claims(&answer).scp.as_deref(), Some("AllSites.Read"));
    assert_eq!(entra.claims(&answer).appidacr, "1");
    let second = code(&entra, CONFIDENTIAL, WEB_URI, false).await;
    let scope = ("scope", "Calendars.Read");
    let answer = redeem(&entra, CONFIDENTIAL, WEB_URI, &second, &[secret, scope]).await;
    assert_eq!(answer.code(), 65_001);
    assert_eq!(answer.json()["suberror"], "consent_required");
}

#[tokio::test]
async fn single_page_applications_come_with_an_origin() {
    let entra = Entra::new();
    let uri = "https://page.contoso.com/";
    let code = code(&entra, SPA, uri, true).await;
    let verifier = [("code_verifier", VERIFIER)];
    let answer = redeem(&entra, SPA, uri, &code, &verifier).await;
    assert_eq!(answer.code(), 9_002_327);
    let send = async |form: Vec<(&str, &str)>| {
        let request = Request::post(format!("https://{HOST}/{TENANT_ID}/oauth2/v2.0/token"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, "https://page.contoso.com")
            .body(Body::from(encode(&form)))
            .unwrap();
        entra.send(request).await
    };
    let answer = send(vec![
        ("grant_type", "authorization_code"),
        ("client_id", SPA),
        ("redirect_uri", uri),
        ("code", &code),
        verifier[0],
    ])
    .await;
    let body = answer.json();
    let token = body["refresh_token"].as_str().unwrap();
    let refresh = vec![
        ("grant_type", "refresh_token"),
        ("client_id", SPA),
        ("refresh_token", token),
    ];
    entra
        .tenant
        .clock
        .advance(std::time::Duration::from_secs(86_399));
    let answer = send(refresh.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    // The successor inherits the end.
    let successor = body["refresh_token"].as_str().unwrap();
    entra
        .tenant
        .clock
        .advance(std::time::Duration::from_secs(1));
    for token in [token, successor] {
        let mut refresh = refresh.clone();
        refresh[2].1 = token;
        assert_eq!(send(refresh).await.code(), 700_084);
    }
}
