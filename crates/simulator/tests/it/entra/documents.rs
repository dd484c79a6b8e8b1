//! Discovery, keys, and what Microsoft's libraries ask for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use m365mon_simulator::directory::Cloud;
use m365mon_simulator::directory::TENANT_ID;
use m365mon_simulator::entra;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

use super::support::{Entra, HOST, PUBLIC, STEVE};

#[tokio::test]
async fn the_configuration_names_what_is_there() {
    let entra = Entra::new();
    let path = "/contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration";
    let answer = entra.get(path).await;
    assert_eq!(answer.header("cache-control"), "max-age=86400, private");
    let body = answer.json();
    let root = format!("https://{HOST}/{TENANT_ID}");
    assert_eq!(body["issuer"], format!("{root}/v2.0"));
    assert_eq!(body["token_endpoint"], format!("{root}/oauth2/v2.0/token"));
    assert_eq!(body["msgraph_host"], "graph.microsoft.com");
    assert_eq!(body["cloud_instance_name"], "microsoftonline.com");
    for name in [
        "authorization_endpoint",
        "device_authorization_endpoint",
        "end_session_endpoint",
        "jwks_uri",
    ] {
        let url = body[name].as_str().unwrap();
        let target = url.strip_prefix(&format!("https://{HOST}")).unwrap();
        // There, whatever it says to an empty request.
        assert_ne!(entra.get(target).await.status, 404, "{name}");
    }
    let answer = entra
        .get("/contoso2.com/v2.0/.well-known/openid-configuration")
        .await;
    assert_eq!((answer.status, answer.code()), (400, 90_002));
    let body = entra
        .get("/common/v2.0/.well-known/openid-configuration")
        .await
        .json();
    assert_eq!(body["issuer"], format!("https://{HOST}/{{tenantid}}/v2.0"));
}

#[tokio::test]
async fn a_tenant_of_another_cloud_is_described_as_such() {
    let entra = Entra::new();
    entra.change(|directory| {
        directory.organization_mut(TENANT_ID).unwrap().cloud = Cloud::GccHigh;
    });
    let path = format!("/{TENANT_ID}/v2.0/.well-known/openid-configuration");
    let body = entra.get(&path).await.json();
    assert_eq!(body["cloud_instance_name"], "microsoftonline.us");
    assert_eq!(body["msgraph_host"], "graph.microsoft.us");
    assert_eq!(body["tenant_region_sub_scope"], "DODCON");
    let endpoint = body["token_endpoint"].as_str().unwrap();
    assert!(endpoint.starts_with("https://login.microsoftonline.us/"));
}

#[tokio::test]
async fn id_tokens_fit_the_published_keys() {
    let entra = Entra::new();
    let token = entra::refresh_token_for(&entra.tenant, PUBLIC, STEVE, "openid Mail.ReadBasic");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", PUBLIC),
        ("refresh_token", token.as_ref().unwrap().expose()),
    ];
    let body = entra.token(&form).await.json();
    let token = body["id_token"].as_str().unwrap();
    let keys = entra.get("/common/discovery/v2.0/keys").await.json();
    let key = &keys["keys"][0];
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let header = token.split('.').next().unwrap();
    let header: serde_json::Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!(header["kid"], key["kid"]);
    assert_eq!(header["alg"], "ES256");
    let mut point = vec![4];
    for part in ["x", "y"] {
        point.extend(decode(key[part].as_str().unwrap()));
    }
    let (signed, signature) = token.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &decode(signature))
        .unwrap();
}

#[tokio::test]
async fn instances_and_realms() {
    let entra = Entra::new();
    let ask = async |endpoint: &str| {
        let target =
            format!("/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}");
        entra.get(&target).await
    };
    let body = ask("https://login.microsoftonline.com/common/oauth2/authorize")
        .await
        .json();
    assert_eq!(body["api-version"], "1.1");
    assert_eq!(body["metadata"][0]["preferred_cache"], "login.windows.net");
    let answer = ask("https://login.contoso.com/common/oauth2/authorize").await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (400, "invalid_instance")
    );
    let body = entra
        .get(&format!("/common/userrealm/{STEVE}?api-version=1.0"))
        .await
        .json();
    assert_eq!(body["account_type"], "Managed");
    let body = entra.get("/common/userrealm/a@contoso2.com").await.json();
    assert_eq!(body["account_type"], "Unknown");
}
