//! `accounts[].audiences`: which host belongs to an audience that is not
//! Microsoft's. It is the account that says so, never a resource: a token goes
//! nowhere else.

use url::Url;

use super::Context;
use crate::config::diagnostic::quoted;
use crate::config::fields::{self, Fields};
use crate::config::yaml::Value;
use crate::model::{Audience, BoundHosts};

/// Reads the bindings; complains about those that may not be.
pub(super) fn read(fields: &Fields<'_>, context: &Context<'_>) -> BoundHosts {
    let mut bound = BoundHosts::new();
    let Some(node) = fields.get("audiences") else {
        return bound;
    };
    let Value::Mapping(entries) = &node.value else {
        context.diagnostics.refuse(
            node.at,
            format!(
                "\"audiences\" must be a mapping of audiences to hosts such as {{\"api://contoso-health\": api.contoso.com}}, not {}",
                node.shape().as_str()
            ),
        );
        return bound;
    };
    for entry in entries {
        let Some(name) = entry.key.as_deref() else {
            continue;
        };
        let Some(host) = fields::text(&entry.value, name, context.diagnostics) else {
            continue;
        };
        let wrong = if Audience::is_microsofts(name) {
            Some(format!(
                "the audience {} is Microsoft's own and has its hosts already",
                quoted(name)
            ))
        } else if name.to_ascii_lowercase().starts_with("http") {
            Some(format!(
                "the audience {} names its host itself; only others (\"api://…\", a GUID) are bound",
                quoted(name)
            ))
        } else if !is_host(host.value) {
            Some(format!(
                "the audience {} must be bound to a host such as \"api.contoso.com\", not {}",
                quoted(name),
                quoted(host.value)
            ))
        } else {
            None
        };
        match wrong {
            Some(wrong) => context.diagnostics.refuse(entry.at, wrong),
            None => {
                bound.insert(name.into(), host.value.to_ascii_lowercase().into());
            }
        }
    }
    bound
}

/// `host` or `host:port`, and nothing more.
fn is_host(text: &str) -> bool {
    Url::parse(&format!("https://{text}/")).is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default();
        let whole = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        !host.is_empty() && whole.eq_ignore_ascii_case(text)
    })
}
