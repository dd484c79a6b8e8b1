//! Several requests in one (PROTOCOL-KINDS section 18): each is answered as it
//! would be alone, and the answers come in another order.

use http::Method;
use m365mon_base::Random as _;
use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::route::{Route, post};
use super::{Answer, Call, handle, json_body};
use crate::incoming::{IncomingRequest, percent_decode};

pub(super) const ROUTES: &[Route] = &[post("$batch", batch)];

const MOST: usize = 20;

fn part(call: &Call<'_>, asked: &Value) -> Option<Value> {
    let id = asked["id"].as_str()?;
    let method: Method = asked["method"]
        .as_str()?
        .to_ascii_uppercase()
        .parse()
        .ok()?;
    let url = asked["url"].as_str()?.trim_start_matches('/');
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let outer = call.incoming;
    let version = outer.path.trim_start_matches('/').split('/').next()?;
    let raw_path = format!("/{version}/{path}");
    let header = |name: &str| {
        let headers = asked["headers"].as_object()?;
        let mut pairs = headers.iter();
        pairs
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| value.as_str())
            .map(str::to_ascii_lowercase)
    };
    let inner = IncomingRequest {
        host: outer.host.clone(),
        method,
        path: percent_decode(&raw_path),
        raw_path,
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        accept: outer.accept.clone(),
        takes_gzip: false,
        bearer: outer.bearer.clone(),
        request_id: call.tenant.random.uuid(),
        client_request_id: outer.client_request_id.clone(),
        content_type: header("content-type").unwrap_or_default(),
        prefer: header("prefer").unwrap_or_default(),
        consistency: header("consistencylevel").unwrap_or_default(),
        body: asked["body"].to_string().into(),
    };
    let mut headers = Map::new();
    let (status, body) = match handle(call.tenant, &inner) {
        Ok(answer) => {
            if let Some(location) = answer.location {
                headers.insert("Location".into(), location.into());
            }
            (answer.status.as_u16(), answer.body)
        }
        Err(error) => {
            if let Some(seconds) = error.retry_after {
                headers.insert("Retry-After".into(), seconds.to_string().into());
            }
            let body = json!({"error": {"code": error.code, "message": error.message}});
            (error.status, Some(body))
        }
    };
    if body.is_some() {
        headers.insert("Content-Type".into(), "application/json".into());
    }
    Some(json!({"id": id, "status": status, "headers": headers, "body": body}))
}

fn batch(call: &Call<'_>, _: &[&str]) -> Result<Answer, GraphError> {
    let body = json_body(call)?;
    let asked = body["requests"].as_array().map_or(&[][..], Vec::as_slice);
    if asked.is_empty() || asked.len() > MOST {
        return Err(GraphError::bad_request(format!(
            "Number of batch request steps exceeds the maximum value of {MOST}, or there is none."
        )));
    }
    let answers: Option<Vec<Value>> = asked.iter().rev().map(|one| part(call, one)).collect();
    let answers =
        answers.ok_or_else(|| GraphError::bad_request("Invalid batch payload format."))?;
    Ok(json!({"responses": answers}).into())
}
