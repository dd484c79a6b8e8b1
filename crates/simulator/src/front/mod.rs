//! The front of the house: listeners, certificates, and from a request to the
//! service that answers it, with whatever fault was ordered on the way.

pub(super) mod authority;
pub(super) mod listen;

pub use authority::{Authority, AuthorityError};

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use super::connection::ConnectionHandle;
use super::faults::{Subject, Verdict, apply};
use super::hosts::{self, Service};
use super::incoming::{IncomingRequest, client_request_id};
use super::journal::Entry;
use super::response::status_only;
use super::throttle::MailboxPermit;
use super::workload::Workload;
use super::{Tenant, endpoints, entra, graph, orders, sharepoint};

/// Forms are not longer than this.
const MOST_FORM: usize = 64 * 1024;
/// Graph takes no longer request (413).
const MOST_BODY: usize = 4 * 1024 * 1024;

/// From a request to an answer.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) tenant: Arc<Tenant>,
    login: Router,
    metadata: Router,
}

/// What is told of a request beside its answer.
struct RequestDetails {
    subject: Subject,
    grant: Option<String>,
    client_request_id: Option<String>,
}

impl Front {
    pub(super) fn new(tenant: Arc<Tenant>) -> Self {
        Self {
            login: entra::router(Arc::clone(&tenant)),
            metadata: entra::metadata_router(Arc::clone(&tenant)),
            tenant,
        }
    }

    /// Answers one request on a connection whose client asked for `sni`
    /// (empty: for none).
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        sni: &str,
        handle: &Arc<ConnectionHandle>,
    ) -> Response<Body> {
        let host = asked_host(&request);
        let request_line = RequestLine::of(&request, &host);
        let service = hosts::route(&host, request.uri().path());
        // A certificate for one service does not speak for another (RFC 9110, 15.5.20).
        let astray =
            !sni.is_empty() && sni != host && hosts::service_of(sni) != hosts::service_of(&host);
        let Some(service) = service.filter(|_| !astray) else {
            let mut answer = Response::new(Body::from("Misdirected request"));
            *answer.status_mut() = StatusCode::MISDIRECTED_REQUEST;
            return answer;
        };
        let (answer, details) = match service {
            Service::Graph | Service::SharePoint | Service::Orders | Service::Endpoints => {
                self.answer_api(service, &host, request, handle).await
            }
            Service::Login | Service::Metadata | Service::Proxy => {
                Box::pin(self.answer_routed(Service::Login, &host, request, handle)).await
            }
        };
        self.finish(request_line, service, answer, &details, handle)
            .await
    }

    /// Answers one request to the metadata service.
    pub(super) async fn answer_metadata(
        &self,
        request: Request<Incoming>,
        handle: &Arc<ConnectionHandle>,
    ) -> Response<Body> {
        let host = asked_host(&request);
        let request_line = RequestLine::of(&request, "");
        let answered = Box::pin(self.answer_routed(Service::Metadata, &host, request, handle));
        let (answer, details) = answered.await;
        self.finish(request_line, Service::Metadata, answer, &details, handle)
            .await
    }

    async fn finish(
        &self,
        request_line: RequestLine,
        service: Service,
        answer: Option<Response<Body>>,
        details: &RequestDetails,
        handle: &ConnectionHandle,
    ) -> Response<Body> {
        let status = answer.as_ref().map_or(0, |a| a.status().as_u16());
        self.write(request_line, service, status, details, handle);
        match answer {
            Some(answer) => answer,
            // The connection is being cut, or the client waits for ever.
            None => std::future::pending().await,
        }
    }

    async fn answer_api(
        &self,
        service: Service,
        host: &str,
        request: Request<Incoming>,
        handle: &Arc<ConnectionHandle>,
    ) -> (Option<Response<Body>>, RequestDetails) {
        let tenant = &self.tenant;
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(Body::new(body), MOST_BODY).await;
        let too_long = body.is_err();
        let incoming = IncomingRequest::read(tenant, host, &parts, body.unwrap_or_default());
        let subject = api_subject(tenant, service, &incoming);
        let verdict = self.decide(&subject);
        let details = |subject| RequestDetails {
            subject,
            grant: None,
            client_request_id: incoming.client_request_id.clone(),
        };
        // A place in a mailbox is held until the answer is ready, latency included.
        let made: Option<(Response<Body>, Option<MailboxPermit>)> = (!apply::replaces(&verdict))
            .then(|| match service {
                _ if too_long => (status_only(StatusCode::PAYLOAD_TOO_LARGE), None),
                Service::SharePoint => (sharepoint::answer(tenant, &incoming), None),
                Service::Orders => (orders::answer(tenant, &incoming), None),
                Service::Endpoints => (endpoints::answer(tenant, &incoming), None),
                _ => graph::answer(tenant, &incoming),
            });
        tokio::time::sleep(verdict.delay).await;
        let (answer, permit) = made.unzip();
        let stage = apply::Stage {
            clock: &tenant.clock,
            handle,
            refusal: &|status| match service {
                Service::SharePoint => sharepoint::refusal(tenant, &incoming, status),
                Service::Orders => orders::refusal(status),
                Service::Endpoints => endpoints::refusal(status),
                _ => graph::refusal(tenant, &incoming, status),
            },
            challenge: &|| match service {
                Service::Orders => orders::challenge(tenant),
                Service::Endpoints => endpoints::refusal(StatusCode::UNAUTHORIZED),
                Service::SharePoint => {
                    sharepoint::challenge(tenant, &incoming, tenant.clock.epoch())
                }
                _ => graph::challenge(tenant, &incoming, tenant.clock.epoch()),
            },
        };
        let answer = apply::apply(&stage, &verdict, answer).await;
        drop(permit);
        (answer, details(subject))
    }

    async fn answer_routed(
        &self,
        service: Service,
        host: &str,
        request: Request<Incoming>,
        handle: &Arc<ConnectionHandle>,
    ) -> (Option<Response<Body>>, RequestDetails) {
        let tenant = &self.tenant;
        let client_request_id = client_request_id(request.headers());
        let (mut parts, body) = request.into_parts();
        if !parts.headers.contains_key(header::HOST)
            && let Ok(value) = HeaderValue::from_str(host)
        {
            parts.headers.insert(header::HOST, value);
        }
        let body = if parts.method == Method::POST {
            axum::body::to_bytes(Body::new(body), MOST_FORM).await
        } else {
            Ok(Bytes::new())
        };
        let form = body.as_deref().unwrap_or(&[]);
        let (subject, grant) = form_subject(tenant, service, host, &parts, form);
        let details = RequestDetails {
            grant,
            client_request_id,
            subject,
        };
        let verdict = self.decide(&details.subject);
        // Wanted only by a fault that answers in the service's own words.
        let headers = verdict
            .kind
            .as_ref()
            .map(|_| parts.headers.clone())
            .unwrap_or_default();
        let answer = match body {
            Err(_) => Some(status_only(StatusCode::PAYLOAD_TOO_LARGE)),
            Ok(_) if apply::replaces(&verdict) => None,
            Ok(body) => {
                let request = Request::from_parts(parts, Body::from(body));
                let router = if service == Service::Metadata {
                    self.metadata.clone()
                } else {
                    self.login.clone()
                };
                // The router's own error type is Infallible.
                router.oneshot(request).await.ok()
            }
        };
        tokio::time::sleep(verdict.delay).await;
        let refusal = |status: StatusCode| match service {
            Service::Metadata => entra::metadata_trouble(status),
            _ => entra::trouble(tenant, &headers, status.as_u16()),
        };
        let stage = apply::Stage {
            clock: &tenant.clock,
            handle,
            refusal: &refusal,
            challenge: &|| refusal(StatusCode::UNAUTHORIZED),
        };
        (apply::apply(&stage, &verdict, answer).await, details)
    }

    fn decide(&self, subject: &Subject) -> Verdict {
        if self.tenant.faults.is_quiet() {
            Verdict::default()
        } else {
            self.tenant.faults.decide(subject, &self.tenant.random)
        }
    }

    fn write(
        &self,
        request_line: RequestLine,
        service: Service,
        status: u16,
        details: &RequestDetails,
        handle: &ConnectionHandle,
    ) {
        self.tenant.journal.write(Entry {
            number: 0,
            time: self.tenant.clock.now().to_string(),
            service,
            host: details.subject.host.clone(),
            method: request_line.method,
            target: request_line.target,
            status,
            agent: request_line.agent,
            version: request_line.version,
            app: details.subject.app.clone(),
            grant: details.grant.clone(),
            client_request_id: details.client_request_id.clone(),
            connection: handle.number,
        });
    }

    /// Writes a CONNECT into the journal.
    pub(super) fn note_tunnel(&self, handle: &ConnectionHandle, host: &str, status: StatusCode) {
        let details = RequestDetails {
            subject: Subject {
                host: host.to_owned(),
                ..Subject::default()
            },
            grant: None,
            client_request_id: None,
        };
        let request_line = RequestLine {
            method: "CONNECT".into(),
            target: format!("{host}:443"),
            agent: String::new(),
            version: "HTTP/1.1".into(),
        };
        self.write(
            request_line,
            Service::Proxy,
            status.as_u16(),
            &details,
            handle,
        );
    }
}

/// What the journal wants of a request before it is used up.
struct RequestLine {
    method: String,
    target: String,
    agent: String,
    version: String,
}

impl RequestLine {
    fn of(request: &Request<Incoming>, host: &str) -> Self {
        const MOST: usize = 600;
        let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        let uri = request.uri();
        // Entra's queries carry codes and states.
        let login = hosts::route(host, uri.path()) == Some(Service::Login);
        // That of a download is a key by itself.
        let secret = login || uri.path().ends_with("/download.aspx");
        let target = match uri.query() {
            Some(query) if !secret => format!("{}?{query}", uri.path()),
            _ => uri.path().to_owned(),
        };
        let agent = request
            .headers()
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Self {
            method: request.method().to_string(),
            target: cut(&target, MOST),
            agent: cut(agent, 120),
            version: format!("{:?}", request.version()),
        }
    }
}

/// The host that was asked for, lower case, without port.
fn asked_host<B>(request: &Request<B>) -> String {
    let authority = request.uri().authority().map_or_else(
        || {
            request
                .headers()
                .get(header::HOST)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        },
        http::uri::Authority::as_str,
    );
    let host = match authority.rfind(':') {
        Some(at) if !authority.ends_with(']') => &authority[..at],
        _ => authority,
    };
    host.to_ascii_lowercase()
}

fn api_subject(tenant: &Tenant, service: Service, incoming: &IncomingRequest) -> Subject {
    let resource = match service {
        Service::SharePoint => vec![sharepoint::resource_of(incoming)],
        Service::Orders | Service::Endpoints => {
            vec![format!("{}{}", incoming.host, incoming.path)]
        }
        _ => graph::resource_of(tenant, incoming),
    };
    let claims = incoming.claims();
    Subject {
        service: Some(service),
        workload: match service {
            Service::Graph => Some(Workload::of_graph(&incoming.path)),
            Service::SharePoint => Some(Workload::Sharepoint),
            _ => None,
        },
        host: incoming.host.clone(),
        method: incoming.method.to_string(),
        path: incoming.path.clone(),
        resource,
        user: claims
            .map(|c| c.upn.iter().cloned().chain([c.oid.clone()]).collect())
            .unwrap_or_default(),
        app: claims.map(|c| c.appid.clone()),
        tenant: claims
            .map(|c| tenant_names(tenant, &c.tid))
            .unwrap_or_default(),
    }
}

fn tenant_names(tenant: &Tenant, asked: &str) -> Vec<String> {
    let directory = tenant.directory.read();
    let mut names = vec![asked.to_owned()];
    if let Some(organization) = directory.organization(asked) {
        names.push(organization.id.clone());
        names.extend(organization.domains.iter().cloned());
    }
    names
}

fn form_subject(
    tenant: &Tenant,
    service: Service,
    host: &str,
    parts: &http::request::Parts,
    form: &[u8],
) -> (Subject, Option<String>) {
    let mut subject = Subject {
        service: Some(service),
        host: host.to_owned(),
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        tenant: parts
            .uri
            .path()
            .split('/')
            .nth(1)
            .map(|name| tenant_names(tenant, name))
            .unwrap_or_default(),
        ..Subject::default()
    };
    let mut grant = None;
    let query = parts.uri.query().unwrap_or_default();
    let fields =
        url::form_urlencoded::parse(form).chain(url::form_urlencoded::parse(query.as_bytes()));
    for (name, value) in fields {
        let value: String = value.chars().take(128).collect();
        match &*name {
            "client_id" => subject.app = Some(value),
            "username" | "login_hint" | "login" => subject.user.push(value),
            // The last word of the long ones: `device_code`.
            "grant_type" => grant = value.rsplit(':').next().map(str::to_owned),
            _ => {}
        }
    }
    (subject, grant)
}
