//! The way to a host: its name, a connection, a handshake. One request without
//! a token tells all three; whatever is answered proves them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use url::Url;

use super::finding::DoctorStep;
use crate::http::{
    NetFailureKind, Network, ProbeAnswer, ProbeClient, ProbeFailure, ProbeRequest, Route,
};
use crate::kinds::Resource;
use crate::model::{
    Account, Audience, ConnectionPolicy, Method, Phase, Phases, ProxySetting, Service,
};

const TIMEOUT: Duration = Duration::from_secs(10);
/// A discovery document is a few kilobytes.
const MOST_BODY: usize = 64 << 10;

/// What became of a request.
pub(super) type Went = Result<ProbeAnswer, Box<ProbeFailure>>;

/// The way out of here.
pub(super) struct Ways<'a> {
    pub(super) network: &'a Network,
    pub(super) client: &'a ProbeClient,
    /// What the account says of proxies.
    pub(super) proxy: Option<Arc<ProxySetting>>,
}

impl Ways<'_> {
    /// Sends a request without a token over a new connection.
    pub(super) async fn get(&self, url: Url, headers: HeaderMap) -> Went {
        let request = ProbeRequest {
            method: Method::Get,
            url,
            headers,
            body: Bytes::new(),
            connection: ConnectionPolicy::New,
            proxy: self.proxy.clone(),
            timeout: TIMEOUT,
            body_limit: MOST_BODY,
        };
        self.client.send(request).await
    }

    /// The same, with the steps of the way as far as it went.
    pub(super) async fn go(&self, url: Url, headers: HeaderMap) -> (Vec<DoctorStep>, Went) {
        let host = url.host_str().unwrap_or_default().to_owned();
        let proxy = match self.network.route_to(&url, self.proxy.as_deref()) {
            Ok(Route::Proxy(name)) => Some(name),
            Ok(Route::Direct | Route::Configured) | Err(_) => None,
        };
        let result = self.get(url, headers).await;
        (steps(&host, proxy.as_deref(), &result), result)
    }
}

/// The steps of the way to `host`, from what became of a request to it.
fn steps(host: &str, proxy: Option<&str>, result: &Went) -> Vec<DoctorStep> {
    let (phases, broke) = match result {
        Ok(answer) => (answer.exchange.phases, None),
        Err(failure) => (failure.exchange.phases, broke_in(failure)),
    };
    let phases = phases.unwrap_or_default();
    // Through a proxy the names that are resolved here are the proxy's.
    let (resolved, connected) = match proxy {
        None => ("resolved".to_owned(), "connected".to_owned()),
        Some(proxy) => (
            format!("the proxy {proxy} resolves it; found the proxy itself"),
            format!("connected through the proxy {proxy}"),
        ),
    };
    let all = [
        ("dns", Phase::Resolve, resolved.as_str()),
        ("connect", Phase::Connect, connected.as_str()),
        ("tls", Phase::Tls, "a certificate that is trusted here"),
    ];
    let mut steps = Vec::new();
    for (name, phase, words) in all {
        match (&broke, result) {
            (Some(broken), Err(failure)) if *broken == phase => {
                let step = DoctorStep::refuted(name, host, failure.net.detail.clone());
                steps.push(step.mend(mend(host, failure.net.kind, phase)));
                return steps;
            }
            _ => steps.push(DoctorStep::proved(
                name,
                host,
                format!("{words}{}", took(&phases, phase)),
            )),
        }
    }
    steps
}

fn took(phases: &Phases, phase: Phase) -> String {
    format!(" in {:.1} ms", phases.get(phase).as_secs_f64() * 1e3)
}

/// The phase of the way in which it broke; `None` if it broke behind it.
const fn broke_in(failure: &ProbeFailure) -> Option<Phase> {
    match failure.net.kind {
        NetFailureKind::Dns => Some(Phase::Resolve),
        NetFailureKind::Tls => Some(Phase::Tls),
        NetFailureKind::Proxy => Some(Phase::Connect),
        NetFailureKind::Timeout(phase) => match phase {
            Phase::Processing | Phase::Transfer => None,
            on_the_way => Some(on_the_way),
        },
        NetFailureKind::Connect | NetFailureKind::Internal => match failure.exchange.broke_in {
            Some(Phase::Processing | Phase::Transfer) | None => None,
            on_the_way => on_the_way,
        },
        NetFailureKind::Broken | NetFailureKind::TooLarge => None,
    }
}

/// What mends a way.
fn mend(host: &str, kind: NetFailureKind, phase: Phase) -> Vec<String> {
    let name = host.split(':').next().unwrap_or(host);
    match (kind, phase) {
        (NetFailureKind::Internal, _) => {
            vec!["ulimit -n   # descriptors, then memory, of this machine".into()]
        }
        (NetFailureKind::Proxy, _) => vec![
            format!("curl -v -x PROXY https://{name}/   # what does the proxy say?"),
            "http.proxy_url in m365mon.yml, with a user and a password if the proxy wants them"
                .into(),
        ],
        (_, Phase::Resolve) => vec![
            format!("getent hosts {name}   # does this machine resolve it?"),
            "let it ask a name server, or name a proxy in http.proxy_url".into(),
        ],
        (_, Phase::Tls) => vec![
            format!("openssl s_client -connect {name}:443 -servername {name} </dev/null"),
            "an inspecting proxy or firewall: exempt Microsoft 365 from it, or put its root into \
             http.ca_file"
                .into(),
        ],
        _ => vec![
            format!("curl -v https://{name}/   # can this machine reach it?"),
            format!("let it out to {name}, TCP 443, or name a proxy in http.proxy_url"),
        ],
    }
}

/// Which API a host serves, by what is asked of it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Serves {
    /// Microsoft Graph.
    Graph,
    /// SharePoint's own REST, which tells its tenant.
    SharePoint,
    /// Any other: it is only looked whether it can be reached.
    Other,
}

impl Serves {
    /// What the resources ask of `audience`.
    pub(super) fn of(audience: &Audience, account: &Account, resources: &[&Arc<Resource>]) -> Self {
        let sharepoint = resources.iter().any(|resource| {
            resource.service() == Service::SharePoint
                && resource.audience().as_ref() == Some(audience)
        });
        if *audience == Audience::graph(&account.cloud) {
            Self::Graph
        } else if sharepoint {
            Self::SharePoint
        } else {
            Self::Other
        }
    }
}

/// The steps of the way to the host of an API; for SharePoint also whether the
/// host belongs to the tenant, where it tells (the realm of its challenge).
pub(super) async fn audience(
    ways: &Ways<'_>,
    audience: &Audience,
    serves: Serves,
    tenant_id: Option<&str>,
) -> Vec<DoctorStep> {
    let host = audience.host();
    let path = match serves {
        Serves::Graph => "v1.0/",
        Serves::SharePoint => "_api/web",
        Serves::Other => "",
    };
    // Of many APIs the audience is no address at all, or one of another host.
    let Ok(url) = Url::parse(&format!("https://{host}/{path}")) else {
        return vec![DoctorStep::unseen("dns", host, "it makes no URL")];
    };
    let mut headers = HeaderMap::new();
    if serves == Serves::SharePoint {
        // An empty bearer is what makes SharePoint name its tenant.
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer"));
    }
    let (mut steps, result) = ways.go(url, headers).await;
    match &result {
        Ok(answer) if serves == Serves::SharePoint => {
            if let (Some(realm), Some(tenant_id)) = (realm(answer), tenant_id) {
                steps.push(if realm.eq_ignore_ascii_case(tenant_id) {
                    DoctorStep::proved("tenant", host, "the host belongs to the account's tenant")
                } else {
                    DoctorStep::refuted("tenant", host, "the host belongs to another tenant")
                        .mend(["check the resource's `url`, or give it an account of that tenant"])
                });
            }
        }
        Err(failure) if broke_in(failure).is_none() => {
            steps.push(DoctorStep::refuted(
                "answer",
                host,
                failure.net.detail.clone(),
            ));
        }
        _ => {}
    }
    steps
}

/// The tenant of a SharePoint host, by its challenge.
fn realm(answer: &ProbeAnswer) -> Option<String> {
    let values = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts
        .filter_map(|text| text.split_once("realm=\"")?.1.split_once('"'))
        .map(|(realm, _)| realm.to_owned())
        .find(|realm| crate::model::is_guid(realm))
}
