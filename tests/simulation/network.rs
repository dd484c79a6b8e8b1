//! The ways to the world, without sockets: token requests and measured requests
//! arrive there as the exporter made them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use tokio::time::sleep;
use url::Url;

use super::Sabotage;
use super::world::{Mood, Place, World};
use crate::entra::simulated::{Content, Endpoint, EndpointAnswer, EndpointRequest, NoAnswer};
use crate::http::{
    BodyEnd, NetFailure, NetFailureKind, ProbeAnswer, ProbeFailure, ProbeRequest, ProbeTransport,
};
use crate::model::{AccountReason, Exchange, Phase, Phases, ProxySetting, Random as _};

/// The whole way out.
#[derive(Clone)]
pub(super) struct Network {
    pub(super) world: Arc<World>,
    pub(super) sabotage: Option<Sabotage>,
}

const LONG: Duration = Duration::from_secs(3600);

impl Endpoint for Network {
    fn send(&self, request: EndpointRequest) -> BoxFuture<'_, Result<EndpointAnswer, NoAnswer>> {
        Box::pin(self.token(request))
    }
}

impl Network {
    async fn token(&self, request: EndpointRequest) -> Result<EndpointAnswer, NoAnswer> {
        let world = &self.world;
        let fields: Vec<(String, String)> = match request.content {
            Content::Form(fields) => fields
                .into_iter()
                .map(|(name, value)| (name, value.expose().to_owned()))
                .collect(),
            Content::Nothing => Vec::new(),
        };
        let get = |name: &str| {
            let found = fields.iter().find(|(key, _)| key == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        let (client, scope) = (get("client_id"), get("scope"));
        world.note(format!("token request {client} {scope}"));
        let gate = format!("entra {client}");
        world.arrives(&gate);
        let _counted = world.token_request(client, scope);
        let _twice = (self.sabotage == Some(Sabotage::TwoTokenRequests))
            .then(|| world.token_request(client, scope));
        sleep(world.chance.millis(30, 400)).await;
        let fail = |reason| {
            Err(NoAnswer {
                reason,
                detail: "simulated".into(),
            })
        };
        match world.mood(Place::Entra) {
            Mood::Slow(millis) => sleep(Duration::from_millis(millis)).await,
            Mood::Throttles(seconds) => {
                world.asks_to_wait(&gate, seconds);
                let body = r#"{"error":"temporarily_unavailable","error_description":"AADSTS90055: throttled.","error_codes":[90055]}"#;
                return Ok(self.entra(429, body.into(), Some(seconds)));
            }
            Mood::Sick(after) => {
                return Ok(self.entra(503, "<html>unavailable</html>".into(), after));
            }
            Mood::Unreachable => return fail(AccountReason::Connect),
            Mood::NoName => return fail(AccountReason::Dns),
            Mood::Html => return Ok(self.entra(200, "<html>captive</html>".into(), None)),
            Mood::Hangs => {
                sleep(Duration::from_secs(30)).await;
                return fail(AccountReason::Timeout);
            }
            Mood::EndsSignIns => world.end_sign_in(client),
            _ => {}
        }
        let host = scope_host(scope);
        let number = world.number();
        let life = *world.chance.pick(&[900_u64, 3599, 4210, 86_399]);
        let token = format!("at|{host}|{client}|{number}");
        let refresh = match get("grant_type") {
            "refresh_token" => match world.refresh(client, get("refresh_token")) {
                Some(new) => format!(r#","refresh_token":"{new}""#),
                None => {
                    let body = r#"{"error":"invalid_grant","error_description":"AADSTS700082: expired.","error_codes":[700082]}"#;
                    return Ok(self.entra(400, body.into(), None));
                }
            },
            _ => String::new(),
        };
        let body = format!(
            r#"{{"token_type":"Bearer","expires_in":{life},"access_token":"{token}","scope":"{scope}"{refresh}}}"#
        );
        Ok(self.entra(200, body, None))
    }

    fn entra(&self, status: u16, body: String, retry_after: Option<u64>) -> EndpointAnswer {
        self.world.note(format!("token answer {status}"));
        EndpointAnswer {
            status,
            headers: self.headers(
                "application/json; charset=utf-8",
                "x-ms-request-id",
                retry_after,
            ),
            body: Bytes::from(body),
        }
    }

    fn headers(&self, kind: &'static str, id: &'static str, after: Option<u64>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(kind));
        let guid = self.world.chance.uuid();
        headers.insert(id, HeaderValue::from_str(&guid).unwrap());
        if let Some(seconds) = after {
            headers.insert("retry-after", HeaderValue::from(seconds));
        }
        headers
    }
}

/// The host that the first scope of an API is for.
fn scope_host(scope: &str) -> String {
    let api = scope.split(' ').find(|one| one.contains("://"));
    let url = api.and_then(|one| Url::parse(one).ok());
    let host = url.and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "graph.microsoft.com".into())
}

/// Whose mood decides, and what the limit is counted for.
pub(super) fn place_of(url: &Url, client: &str) -> (Place, String) {
    let path = url.path();
    let rest = |at: usize| path.split('/').nth(at).unwrap_or_default().to_owned();
    if path.contains("/messages") {
        (Place::Outlook, format!("outlook {client} {}", rest(3)))
    } else if path.contains("/presence") {
        (Place::Presence, format!("presence {client}"))
    } else if path.contains("/serviceAnnouncement") {
        (Place::Health, format!("health {client}"))
    } else if path.contains("/applications") || path.contains("/servicePrincipals") {
        (Place::Directory, format!("directory {client}"))
    } else {
        (Place::SharePoint, format!("sharepoint {client}"))
    }
}

impl ProbeTransport for Network {
    fn send(&self, request: ProbeRequest) -> BoxFuture<'_, Result<ProbeAnswer, Box<ProbeFailure>>> {
        Box::pin(self.probe(request))
    }

    fn is_proxied(&self, _: &Url, _: Option<&ProxySetting>) -> bool {
        false
    }
}

impl Network {
    async fn probe(&self, request: ProbeRequest) -> Result<ProbeAnswer, Box<ProbeFailure>> {
        let world = &self.world;
        let host = match self.sabotage {
            Some(Sabotage::TokenElsewhere) => "evil.contoso.example",
            _ => request.url.host_str().unwrap_or_default(),
        };
        let bearer = request.headers.get("authorization");
        let bearer = bearer
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut token = bearer.trim_start_matches("Bearer at|").split('|');
        let (audience, client) = (
            token.next().unwrap_or_default(),
            token.next().unwrap_or_default(),
        );
        let (place, limit) = place_of(&request.url, client);
        if !bearer.is_empty() && audience != host {
            world.violated(
                "no token to another host",
                format!("one for {audience} came to {host}"),
            );
        }
        world.note(format!("{place:?} {}", request.url.path()));
        world.arrives(&limit);
        let mood = world.mood(place);
        let takes = match mood {
            Mood::Slow(millis) => Duration::from_millis(millis),
            Mood::Hangs => LONG,
            _ => world.chance.millis(20, 900),
        };
        if takes > request.timeout {
            sleep(request.timeout).await;
            let net = NetFailure::timeout(Phase::Processing, host);
            return Err(failed(net, Phase::Processing, request.timeout));
        }
        sleep(takes).await;
        let (status, kind, body, after) = match mood {
            Mood::Unreachable => {
                let net = NetFailure::new(NetFailureKind::Connect, "refused");
                return Err(failed(net, Phase::Connect, takes));
            }
            Mood::NoName => {
                let net = NetFailure::new(NetFailureKind::Dns, "no such name");
                return Err(failed(net, Phase::Resolve, takes));
            }
            Mood::Throttles(seconds) => {
                world.asks_to_wait(&limit, seconds);
                if self.sabotage == Some(Sabotage::Impatient) {
                    world.arrives(&limit);
                }
                (429, JSON, error("TooManyRequests"), Some(seconds))
            }
            Mood::Sick(after) => (503, JSON, error("ServiceUnavailable"), after),
            Mood::Refuses(_) => (401, JSON, error("InvalidAuthenticationToken"), None),
            Mood::Forbids => (403, JSON, error("accessDenied"), None),
            Mood::KnowsNothing => (404, JSON, error("itemNotFound"), None),
            Mood::Html => (200, "text/html", "<html>".into(), None),
            _ => (200, JSON, good(place, request.url.path()), None),
        };
        world.note(format!("{place:?} answers {status}"));
        let mut headers = self.headers(kind, "request-id", after);
        if mood == Mood::Refuses(true) {
            let challenge = "Bearer realm=\"\", error=\"insufficient_claims\", claims=\"e30=\"";
            headers.insert("www-authenticate", HeaderValue::from_static(challenge));
        }
        Ok(ProbeAnswer {
            status,
            headers,
            body: Bytes::from(body),
            body_end: BodyEnd::Complete,
            exchange: Exchange {
                status: Some(status),
                ..measured(takes, Phase::Processing)
            },
        })
    }
}

const JSON: &str = "application/json";

fn error(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"simulated"}}}}"#)
}

fn good(place: Place, path: &str) -> String {
    match place {
        Place::Presence => r#"{"id":"1","availability":"Available","activity":"Available"}"#.into(),
        Place::Health if path.ends_with("healthOverviews") => {
            r#"{"value":[{"id":"Exchange","service":"Exchange Online","status":"serviceOperational"}]}"#.into()
        }
        Place::Health => r#"{"value":[]}"#.into(),
        Place::Outlook => r#"{"value":[{"id":"AAMkA="}]}"#.into(),
        _ => r#"{"value":[{"displayName":"Documents","id":"1"}]}"#.into(),
    }
}

fn measured(takes: Duration, phase: Phase) -> Exchange {
    let mut phases = Phases::default();
    match phase {
        Phase::Resolve => phases.resolve = takes,
        Phase::Connect => phases.connect = takes,
        _ => phases.processing = takes,
    }
    Exchange {
        phases: Some(phases),
        ..Exchange::default()
    }
}

fn failed(net: NetFailure, phase: Phase, takes: Duration) -> Box<ProbeFailure> {
    Box::new(ProbeFailure {
        net,
        exchange: Exchange {
            broke_in: Some(phase),
            ..measured(takes, phase)
        },
    })
}
