//! A tenant's discovery document (OpenID Connect Discovery 1.0; Microsoft:
//! "OpenID Connect on the Microsoft identity platform"). It serves checks only:
//! no endpoint is ever taken from it.

use serde::Deserialize;
use url::Url;

use crate::model::{Account, Cloud, is_guid};

static CLOUDS: [Cloud; 4] = [Cloud::Global, Cloud::GccHigh, Cloud::Dod, Cloud::China];
/// Behind the tenant in its URL.
pub(super) const PATH: &str = "v2.0/.well-known/openid-configuration";

/// What is read of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Discovery {
    /// Who issues the tenant's id tokens.
    pub issuer: String,
    #[serde(default)]
    msgraph_host: Option<String>,
}

impl Discovery {
    /// Where the login host of this root keeps that of `tenant`; `None` if the
    /// two make no URL.
    #[must_use]
    pub fn url(login_root: &str, tenant: &str) -> Option<Url> {
        format!("{login_root}/{tenant}/{PATH}").parse().ok()
    }

    /// Reads an answer's body; `None` if it is no such document.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The cloud in which the tenant lives, by the Graph that it names; `None`
    /// if that is not one of Microsoft's.
    #[must_use]
    pub fn cloud(&self) -> Option<Cloud> {
        let host = self.msgraph_host.as_ref()?.to_ascii_lowercase();
        let graph = format!("https://{host}");
        CLOUDS
            .iter()
            .find(|cloud| cloud.graph_url() == graph)
            .cloned()
    }

    /// The tenant's GUID, lower-case, where the issuer names it.
    #[must_use]
    pub fn tenant_id(&self) -> Option<String> {
        let id = self.issuer.split('/').find(|part| is_guid(part));
        id.map(str::to_lowercase)
    }
}

/// The login hosts that may know an account's tenant: its own first, then, for
/// Microsoft's clouds, the others.
#[must_use]
pub fn login_roots(account: &Account) -> Vec<&str> {
    let mut roots = vec![account.cloud.login_url()];
    if !matches!(account.cloud, Cloud::Custom { .. }) {
        for root in CLOUDS.iter().map(Cloud::login_url) {
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_says() {
        let read = |text: &str| Discovery::read(text.as_bytes());
        let document = read(
            r#"{"issuer": "https://login.microsoftonline.us/9999AAAA-2222-3333-4444-555555555555/v2.0",
                "msgraph_host": "Graph.Microsoft.us"}"#,
        )
        .unwrap();
        assert_eq!(document.cloud(), Some(Cloud::GccHigh));
        assert_eq!(
            document.tenant_id().as_deref(),
            Some("9999aaaa-2222-3333-4444-555555555555")
        );
        let bare = read(r#"{"issuer": "https://issuer.example"}"#).unwrap();
        assert_eq!((bare.cloud(), bare.tenant_id()), (None, None));
        assert!(read("<html>").is_none());
    }
}
