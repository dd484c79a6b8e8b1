//! Probes of resources as they are configured, of a service that answers by a rule.

use std::path::Path;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use m365mon::graph::TokenSource;
use m365mon::http::{BodyEnd, ProbeAnswer, ProbeFailure, ProbeRequest, ProbeTransport};
use m365mon::model::{Exchange, Method, Phases, ProxySetting};
use parking_lot::Mutex;
use url::Url;

use super::*;

pub(super) const ID: &str = "81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f";
pub(super) const BLOCKED: &str = "<html>Blocked</html>";
pub(super) const SQUID: &[(&str, &str)] = &[("x-squid-error", "ERR_ACCESS_DENIED 0")];
pub(super) const VIA: &[(&str, &str)] = &[("via", "1.1 proxy.contoso.com (squid/6.6)")];
pub(super) const SIGNED: &[(&str, &str)] = &[("request-id", ID)];
pub(super) const BY_ENTRA: &[(&str, &str)] = &[("x-ms-request-id", ID)];
const ACCOUNTS: &str = "
accounts:
  - {name: contoso, cloud: global, &app}
  - {name: gcc_high, cloud: gcc_high, &app}
  - {name: dod, cloud: dod, &app}
  - {name: china, cloud: china, &app}
  - {name: own, cloud: {login_url: \"https://login.contoso.com\", graph_url: \"https://graph.contoso.com\"}, &app}
  - {name: steve, tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, delegated: {username: steve@contoso.com}}
";
const APP: &str = "tenant: contoso.com, client_id: 11111111-2222-3333-4444-555555555555, \
                   client_certificate: {certificate_file: c.pem, key_file: k.pem}, \
                   audiences: {\"api://contoso-health\": api.contoso.com}";

/// One resource of an account; `line` is the rest of it.
pub(super) fn of(account: &str, line: &str) -> Resource {
    let account = match account {
        "" => String::new(),
        account => format!("account: {account}, "),
    };
    let accounts = ACCOUNTS.replace("&app", APP);
    let text = format!("{accounts}resources:\n  - {{name: r, {account}{line}}}\n");
    let none = std::collections::BTreeMap::<String, String>::new();
    let loaded = m365mon::config::parse(&text, Path::new("m365mon.yml"), &none)
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    Resource::clone(&loaded.configuration.resources[0])
}

pub(super) fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> ProbeAnswer {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    ProbeAnswer {
        status,
        headers,
        body: Bytes::from(body.to_owned()),
        body_end: BodyEnd::Complete,
        exchange: Exchange {
            status: Some(status),
            phases: Some(Phases::default()),
            ..Exchange::default()
        },
    }
}

/// A service that answers by a rule.
struct Ruled<F> {
    rule: F,
    proxied: bool,
    asked: Arc<Mutex<Vec<String>>>,
}

impl<F: Fn(&ProbeRequest) -> ProbeAnswer + Send + Sync> ProbeTransport for Ruled<F> {
    fn send(&self, request: ProbeRequest) -> BoxFuture<'_, Result<ProbeAnswer, Box<ProbeFailure>>> {
        let line = format!("{} {}", request.method.as_str(), request.url);
        self.asked.lock().push(line);
        Box::pin(std::future::ready(Ok((self.rule)(&request))))
    }

    fn is_proxied(&self, _: &Url, _: Option<&ProxySetting>) -> bool {
        self.proxied
    }
}

/// Probes once; the report, and what was asked.
pub(super) async fn probed(
    resource: &Resource,
    tokens: Arc<dyn TokenSource>,
    proxied: bool,
    rule: impl Fn(&ProbeRequest) -> ProbeAnswer + Send + Sync + 'static,
) -> (Report, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let transport = Ruled {
        rule,
        proxied,
        asked: Arc::clone(&asked),
    };
    let random = Arc::new(SystemRandom::new());
    let prober = TenantProber::new(transport, tokens, Clock::system(), random);
    let report = prober.explained(resource, &Story::untold()).await.0;
    let asked = asked.lock().clone();
    (report, asked)
}

pub(super) fn tokens() -> Arc<ScriptedTokens> {
    ScriptedTokens::new(std::iter::repeat_n(Ok(()), 20), [])
}

pub(super) async fn reason(
    resource: &Resource,
    proxied: bool,
    rule: impl Fn(&ProbeRequest) -> ProbeAnswer + Send + Sync + 'static,
) -> Option<Reason> {
    let report = probed(resource, tokens(), proxied, rule).await.0;
    report.verdict.reason()
}

pub(super) const FILES: &str =
    "kind: file_round_trip, url: https://contoso.sharepoint.com/sites/monitoring, folder: m365mon";
pub(super) const DOWNLOAD: &str =
    "https://contoso.sharepoint.com/sites/monitoring/download?tempauth=x";
pub(super) const DISCOVERY: &str =
    r#"{"issuer":"https://login.contoso.com/t","token_endpoint":"https://login.contoso.com/t"}"#;

/// The round trip of a file as it should be.
pub(super) fn files(request: &ProbeRequest) -> ProbeAnswer {
    let path = request.url.path();
    match request.method {
        Method::Put => answer(201, &[], r#"{"id":"01AB"}"#),
        Method::Get if path.ends_with("/content") => {
            answer(302, &[("location", DOWNLOAD), ("request-id", ID)], "")
        }
        Method::Get if path.ends_with("/children") => answer(200, &[], r#"{"value":[]}"#),
        _ => answer(204, SIGNED, ""),
    }
}

/// The content of the file is asked for a second time, and told as it was written.
pub(super) fn round_trip() -> impl Fn(&ProbeRequest) -> ProbeAnswer + Send + Sync + 'static {
    let written = Mutex::new(Bytes::new());
    move |request| {
        if request.method == Method::Put {
            written.lock().clone_from(&request.body);
        }
        if request.url.as_str() == DOWNLOAD {
            let mut file = answer(200, &[], "");
            file.body.clone_from(&written.lock());
            return file;
        }
        files(request)
    }
}
