//! A person at the simulated Entra's pages: follows, fills in, presses.

use http::{HeaderMap, Method};
use m365mon::http::{Network, SimpleAnswer, SimpleBody, SimpleClient, SimpleRequest, UseProxy};
use m365mon::model::HttpSettings;
use m365mon_simulator::directory::DOMAIN;
use url::Url;

/// What a person says to the page that asks for consent, or for approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    Accept,
    Cancel,
    /// Back without an administrator's approval.
    Return,
}

/// One person with a browser that remembers nothing.
pub(crate) struct Person {
    client: SimpleClient,
    pub(crate) username: String,
    password: String,
}

impl Person {
    pub(crate) fn new(settings: &HttpSettings, name: &str, password: &str) -> Self {
        let client = SimpleClient::new(&Network::new(settings).unwrap()).unwrap();
        Self::with(client, name, password)
    }

    pub(crate) fn with(client: SimpleClient, name: &str, password: &str) -> Self {
        Self {
            client,
            username: format!("{name}@{DOMAIN}"),
            password: password.to_owned(),
        }
    }

    /// Opens Entra's page and goes on to the end: where Entra sends back to.
    pub(crate) async fn go(&self, url: &str, says: Says) -> Url {
        let root = Url::parse(url).unwrap();
        let mut answer = self
            .send(Method::GET, root.clone(), SimpleBody::Empty)
            .await;
        for _ in 0..6 {
            if let Some(target) = answer.headers.get("location") {
                return Url::parse(target.to_str().unwrap()).unwrap();
            }
            let page = String::from_utf8(answer.body.to_vec()).unwrap();
            let field = |from: &str| {
                let rest = page
                    .split(from)
                    .nth(1)
                    .unwrap_or_else(|| panic!("no {from}: {page}"));
                rest.split('"').next().unwrap().to_owned()
            };
            let mut fields = vec![("ctx".to_owned(), field("name=\"ctx\" value=\"").into())];
            // The first form of a page is not always the one that is meant.
            let action = if page.contains("name=\"passwd\"") {
                fields.push(("login".to_owned(), self.username.clone().into()));
                fields.push(("passwd".to_owned(), self.password.clone().into()));
                field("action=\"")
            } else {
                let answer = match says {
                    Says::Accept => "accept",
                    Says::Cancel => "cancel",
                    Says::Return => "return",
                };
                assert!(page.contains(&format!("value=\"{answer}\"")), "{page}");
                fields.push(("answer".to_owned(), answer.to_owned().into()));
                let tenant = root.path().split('/').nth(1).unwrap();
                format!("/{tenant}/consent")
            };
            let url = root.join(&action).unwrap();
            answer = self.send(Method::POST, url, SimpleBody::Form(fields)).await;
        }
        panic!("the sign-in does not come to an end");
    }

    /// Follows Entra's redirect to a listener on this machine.
    pub(crate) async fn arrive(&self, at: Url) {
        assert_eq!(at.host_str(), Some("localhost"));
        let answer = self.send(Method::GET, at, SimpleBody::Empty).await;
        assert_eq!(answer.status, 200);
    }

    async fn send(&self, method: Method, url: Url, body: SimpleBody) -> SimpleAnswer {
        let proxy = if url.scheme() == "http" {
            UseProxy::Never
        } else {
            UseProxy::Configured
        };
        let request = SimpleRequest {
            method,
            url,
            headers: HeaderMap::new(),
            body,
            timeout: std::time::Duration::from_secs(60),
            proxy,
        };
        self.client.send(request).await.unwrap()
    }
}
