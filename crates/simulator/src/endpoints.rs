//! The web service that publishes the addresses of Microsoft 365
//! (endpoints.office.com; PROTOCOL-KINDS section 15). It knows no tenant and
//! wants no token, but a GUID of whoever asks.

use axum::body::Body;
use http::{Method, Response, StatusCode, header};
use m365mon_base::is_guid;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::Tenant;
use super::incoming::IncomingRequest;
use super::response::{set, status_only};

/// The newest version, for all instances.
#[derive(Debug)]
pub struct Endpoints(Mutex<String>);

impl Default for Endpoints {
    fn default() -> Self {
        Self(Mutex::new("2026113000".to_owned()))
    }
}

impl Endpoints {
    /// Publishes another version: year, month, day and a number of two digits.
    pub fn publish(&self, version: &str) {
        version.clone_into(&mut self.0.lock());
    }

    fn latest(&self) -> String {
        self.0.lock().clone()
    }
}

const INSTANCES: [&str; 4] = ["Worldwide", "USGovDoD", "USGovGCCHigh", "China"];
/// The sample of the documentation, which is blocked.
const SAMPLE: &str = "b10c5ed1-bad1-445f-b386-b919946339a7";

/// Answers one request.
pub(super) fn answer(tenant: &Tenant, incoming: &IncomingRequest) -> Response<Body> {
    if incoming.method != Method::GET {
        return status_only(StatusCode::METHOD_NOT_ALLOWED);
    }
    let option = |name: &str| {
        let mut pairs = incoming.query.iter();
        pairs
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    };
    let id = option("clientrequestid").unwrap_or_default();
    if !is_guid(id) {
        return text(
            StatusCode::BAD_REQUEST,
            "The clientrequestid parameter is required and has to be a GUID.",
        );
    }
    if id.eq_ignore_ascii_case(SAMPLE) {
        return text(StatusCode::FORBIDDEN, "This client request id is blocked.");
    }
    let path = incoming.path.trim_matches('/').to_ascii_lowercase();
    let (what, rest) = path.split_once('/').unwrap_or((&path, ""));
    let asked = rest.split('/').next().filter(|name| !name.is_empty());
    let asked = asked.or_else(|| option("instance"));
    let known = |name: &str| {
        INSTANCES
            .into_iter()
            .find(|one| one.eq_ignore_ascii_case(name))
    };
    let instance = match asked {
        Some(name) => match known(name) {
            Some(instance) => Some(instance),
            None => {
                let says =
                    "The instance name is not one of: Worldwide, USGovDoD, USGovGCCHigh, China.";
                return text(StatusCode::BAD_REQUEST, says);
            }
        },
        None => None,
    };
    let latest = tenant.endpoints.latest();
    let body = match (what, instance) {
        ("version", instance) => {
            let one = |instance: &str| {
                let mut version = json!({"instance": instance, "latest": latest});
                if option("allversions").is_some_and(|all| all.eq_ignore_ascii_case("true")) {
                    version["versions"] = json!([latest, "2026103100"]);
                }
                version
            };
            match instance {
                Some(instance) => one(instance),
                None => Value::Array(INSTANCES.into_iter().map(one).collect()),
            }
        }
        ("endpoints", Some(_)) => json!([{
            "id": 1, "serviceArea": "Exchange", "serviceAreaDisplayName": "Exchange Online",
            "urls": ["outlook.office.com", "outlook.office365.com"],
            "ips": ["13.107.6.152/31", "2603:1006::/40"], "tcpPorts": "80,443",
            "expressRoute": true, "category": "Optimize", "required": true,
        }]),
        ("changes", Some(_)) => json!([]),
        _ => return status_only(StatusCode::NOT_FOUND),
    };
    if option("format").is_some_and(|format| format.eq_ignore_ascii_case("csv")) {
        return text(StatusCode::OK, &format!("latest\r\n{latest}\r\n"));
    }
    let mut answer = Response::new(Body::from(body.to_string()));
    set(
        &mut answer,
        header::CONTENT_TYPE,
        "application/json; charset=utf-8",
    );
    set(&mut answer, header::CACHE_CONTROL, "public, max-age=3600");
    signed(answer)
}

fn text(status: StatusCode, says: &str) -> Response<Body> {
    let mut answer = Response::new(Body::from(says.to_owned()));
    *answer.status_mut() = status;
    set(
        &mut answer,
        header::CONTENT_TYPE,
        "text/plain; charset=utf-8",
    );
    signed(answer)
}

fn signed(mut answer: Response<Body>) -> Response<Body> {
    let reference = "Ref A: 0F0F0F0F00000000000000000000F001 Ref B: AMS231020512031 Ref C: 2026-11-30T09:00:01Z";
    set(
        &mut answer,
        http::HeaderName::from_static("x-msedge-ref"),
        reference,
    );
    answer
}

/// What a fault on command looks like here.
pub(super) fn refusal(status: StatusCode) -> Response<Body> {
    text(status, "")
}
