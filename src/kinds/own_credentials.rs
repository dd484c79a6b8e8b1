//! Not a kind: what an account may ask about itself. An application may read its
//! own application and its own service principal without any permission
//! (Microsoft Graph, "Get servicePrincipal"), and both say when its credentials
//! end. Other members of these objects are read over.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::ask::{Answer, Ask, Stopped};
use super::body;
use super::lenient::{Lenient, Moment, all_of};
use super::{EntraDirectory, Impact, Kind, Mode, Request, Resource, UNADDRESSED};
use crate::model::{
    Account, AppCredential, Audience, ConnectionPolicy, RegisteredCertificate,
    RegisteredCredentials, RegisteredSecret, Secret, SignIn,
};

/// Hundreds of certificates.
const LONGEST: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);
const HOLDS: &str = "directory entry with credentials";

/// The accounts among these resources that have something to learn of their own
/// credential, each once: those that sign in as the application itself with a
/// secret, or with a certificate where Graph is asked anyway (the file of a
/// certificate says its end; a secret says nothing).
#[must_use]
pub fn with_own_credential<'a>(
    resources: impl IntoIterator<Item = &'a Arc<Resource>>,
) -> Vec<Arc<Account>> {
    let mut found: Vec<Arc<Account>> = Vec::new();
    for resource in resources {
        let account = &resource.account;
        let fits = match &account.sign_in {
            SignIn::App(AppCredential::ClientSecret { .. }) => true,
            SignIn::App(AppCredential::ClientCertificate { .. }) => {
                resource.audience() == Some(Audience::graph(&account.cloud))
            }
            SignIn::App(AppCredential::WorkloadIdentity { .. })
            | SignIn::Delegated { .. }
            | SignIn::ManagedIdentity
            | SignIn::Nobody => false,
        };
        if fits && !found.iter().any(|known| known.name == account.name) {
            found.push(Arc::clone(account));
        }
    }
    found
}

/// What is asked then: the account's own entry in the directory.
#[must_use]
pub fn own_entry(account: &Arc<Account>) -> Resource {
    Resource {
        name: "".into(),
        account: Arc::clone(account),
        kind: Kind::from(EntraDirectory),
        interval: 6 * TIMEOUT,
        timeout: TIMEOUT,
        mode: Mode::Background,
        connection: ConnectionPolicy::Reuse,
        min_age: Duration::ZERO,
        labels: Arc::new([]),
        impact: Impact::Housekeeping,
        proxy: None,
    }
}

/// Reads what is registered for the account's application. An object that is
/// refused (403) or not there (404: an application of another tenant has no
/// application object here) is as if it held nothing.
///
/// # Errors
/// No token, no answer, or none that can be read.
pub async fn own_credentials(
    account: &Account,
    ask: &mut dyn Ask,
) -> Result<RegisteredCredentials, Stopped> {
    // Keys count against a limit of their own, so they are asked for only where
    // they are of use.
    let what = match account.app_credential() {
        Some(AppCredential::ClientCertificate { .. }) => "keyCredentials",
        _ => "passwordCredentials",
    };
    let id = account.client_id.as_deref().unwrap_or_default();
    let mut registered = RegisteredCredentials {
        whole: true,
        ..RegisteredCredentials::default()
    };
    for list in ["applications", "servicePrincipals"] {
        let path = format!("/{list}(appId='{}')", super::request::encode(id));
        let query = format!("$select=id,{what}");
        let request = Request::of_graph(&account.cloud, &path, &query).ok_or(UNADDRESSED)?;
        let request = request.expecting(&[200, 403, 404]).within(LONGEST);
        let answer = ask.send("", request).await?;
        if answer.status == 200 {
            read(&answer, &mut registered)?;
        } else {
            registered.whole = false;
        }
    }
    Ok(registered)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnObject {
    #[serde(rename = "id")]
    _id: String,
    #[serde(default)]
    password_credentials: Lenient<Vec<Lenient<OwnSecret>>>,
    #[serde(default)]
    key_credentials: Lenient<Vec<Lenient<OwnKey>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnSecret {
    #[serde(default)]
    hint: Lenient<String>,
    #[serde(default)]
    start_date_time: Moment,
    #[serde(default)]
    end_date_time: Moment,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnKey {
    #[serde(default)]
    key: Lenient<String>,
    #[serde(default)]
    custom_key_identifier: Lenient<String>,
    #[serde(default)]
    end_date_time: Moment,
}

fn read(answer: &Answer, registered: &mut RegisteredCredentials) -> Result<(), Stopped> {
    let holder: OwnObject = body::object(HOLDS, answer)?;
    let secrets = all_of(holder.password_credentials.0.unwrap_or_default());
    registered
        .secrets
        .extend(secrets.map(|one| RegisteredSecret {
            hint: one.hint.0.filter(|hint| !hint.is_empty()).map(Secret::new),
            starts: one.start_date_time.given(),
            ends: one.end_date_time.given(),
        }));
    let keys = all_of(holder.key_credentials.0.unwrap_or_default());
    let bytes = |text: Lenient<String>| STANDARD.decode(text.0?).ok();
    registered
        .certificates
        .extend(keys.map(|one| RegisteredCertificate {
            der: bytes(one.key),
            identifier: bytes(one.custom_key_identifier),
            ends: one.end_date_time.given(),
        }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::kinds::testing::{ScriptedAsk, answer, with_status};

    const APPLICATION: &str = r#"{"id":"9d1e","passwordCredentials":[
        {"displayName":"canary","hint":"Xy7","startDateTime":"2026-09-01T00:00:00Z","endDateTime":"2027-03-01T00:00:00.1234567Z"},
        {"hint":null,"startDateTime":null,"endDateTime":"0001-01-01T00:00:00Z"},
        {"hint":7,"endDateTime":"soon"}, null, 5]}"#;

    async fn ask(script: &mut ScriptedAsk) -> Result<RegisteredCredentials, Stopped> {
        let account = script.account.clone();
        own_credentials(&account, script).await
    }

    #[tokio::test]
    async fn both_objects_are_asked_for_secrets_only() {
        let mut script = ScriptedAsk::of([answer(APPLICATION), answer(r#"{"id":"7c0e"}"#)]);
        let registered = ask(&mut script).await.unwrap();
        let id = "11111111-2222-3333-4444-555555555555";
        for ((_, request), list) in script
            .sent()
            .iter()
            .zip(["applications", "servicePrincipals"])
        {
            assert_eq!(
                request.url.as_str(),
                format!(
                    "https://graph.microsoft.com/v1.0/{list}(appId='{id}')?$select=id,passwordCredentials"
                )
            );
        }
        assert!(registered.whole && registered.certificates.is_empty());
        let [first, second, third] = &registered.secrets[..] else {
            panic!("{registered:?}");
        };
        assert_eq!(first.hint.as_ref().unwrap().expose(), "Xy7");
        assert_eq!(first.ends.unwrap().as_second(), 1_803_859_200);
        for none in [second, third] {
            assert!(none.hint.is_none() && none.starts.is_none() && none.ends.is_none());
        }
        assert!(!format!("{registered:?}").contains("Xy7"));
    }

    #[tokio::test]
    async fn a_refusal_is_no_error_and_a_failure_is() {
        for status in [403, 404] {
            let refused = with_status(status, r#"{"error":{"code":"x"}}"#);
            let mut script = ScriptedAsk::of([refused, answer(r#"{"id":"7c0e"}"#)]);
            let registered = ask(&mut script).await.unwrap();
            assert!(!registered.whole && registered.secrets.is_empty());
        }
        let mut script = ScriptedAsk::of([answer(r#"{"value":[]}"#)]);
        assert!(matches!(ask(&mut script).await, Err(Stopped::Bad(_))));
        let mut script = ScriptedAsk::of([]);
        assert!(matches!(ask(&mut script).await, Err(Stopped::Asked)));
    }

    #[test]
    fn whose_credential_has_an_end_to_learn() {
        let of = |account: Account, kind: Kind| {
            let resource = fixtures::resource("a", &Arc::new(account), kind);
            let resources = [Arc::new(resource.clone()), Arc::new(resource)];
            with_own_credential(&resources).len()
        };
        let directory = || Kind::from(EntraDirectory);
        assert_eq!(of(fixtures::account("contoso"), directory()), 1);
        assert_eq!(
            of(
                fixtures::delegated("steve", "steve@contoso.com"),
                directory()
            ),
            0
        );
        assert_eq!(
            of(fixtures::managed_identity("machine", None), directory()),
            0
        );
    }
}
