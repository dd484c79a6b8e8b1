//! `proxy_url` and its twin `proxy_url_file`: of `http` for all, of an account or
//! a resource for its own requests.

use std::sync::Arc;

use url::Url;

use super::{Context, paths};
use crate::config::fields::Fields;
use crate::config::yaml::Node;
use crate::model::ProxySetting;

/// What `http` says; `None` where it says nothing.
pub(super) fn for_all(fields: &Fields<'_>, context: &Context<'_>) -> Option<ProxySetting> {
    let fixed = fields.secret("proxy_url").and_then(|proxy| {
        let Some(problem) = problem(proxy.value.expose()) else {
            return Some(ProxySetting::Fixed(proxy.value));
        };
        context
            .diagnostics
            .refuse(proxy.at, format!("\"proxy_url\" (not shown) {problem}"));
        None
    });
    let Some(file) = paths::existing(fields, "proxy_url_file", context) else {
        return fixed;
    };
    if fields
        .given("proxy_url")
        .is_some_and(|node| !node.is_null())
    {
        context.diagnostics.refuse(
            fields.place("proxy_url_file"),
            "\"proxy_url_file\" and \"proxy_url\" exclude each other",
        );
    }
    let place = context.diagnostics.place(fields.place("proxy_url_file"));
    context.places.note_file(&file, place);
    Some(ProxySetting::File(file))
}

/// What an account or a resource says for itself: `null` is no proxy at all.
/// Equal settings are shared.
pub(super) fn own(fields: &Fields<'_>, context: &Context<'_>) -> Option<Arc<ProxySetting>> {
    let none = fields.given("proxy_url").is_some_and(Node::is_null);
    let setting = match for_all(fields, context) {
        Some(ProxySetting::File(_)) if none => {
            context.diagnostics.refuse(
                fields.place("proxy_url_file"),
                "\"proxy_url_file\" names a proxy and \"proxy_url: null\" none; leave one of them out",
            );
            return None;
        }
        None if none => ProxySetting::Direct,
        other => other?,
    };
    let mut known = context.proxies.borrow_mut();
    if let Some(same) = known.iter().find(|known| ***known == setting) {
        return Some(Arc::clone(same));
    }
    let setting = Arc::new(setting);
    known.push(Arc::clone(&setting));
    Some(setting)
}

fn problem(text: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(text) else {
        return Some("must be a URL such as \"http://proxy.contoso.com:3128\"");
    };
    if url.scheme() != "http" {
        return Some(
            "must begin with \"http://\": the tunnel through the proxy is encrypted by itself",
        );
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Some("names no host");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Some("must end after the host and port");
    }
    None
}
