//! `proxy_url` and its twin `proxy_url_file`: of `http` for all, of an account or
//! a resource for its own requests.

use std::sync::Arc;

use super::mapping_keys::MappingKeys;
use crate::config::schema::{PROXY_URL, PROXY_URL_FILE};
use crate::config::yaml::Node;
use crate::kinds::Keys as _;
use crate::model::ProxySetting;

/// What `http` says; `None` where it says nothing.
pub(super) fn for_all(keys: &MappingKeys<'_>) -> Option<ProxySetting> {
    // Those of accounts and resources are read alike.
    let fixed = PROXY_URL.take(keys).given().map(ProxySetting::Fixed);
    let Some(file) = PROXY_URL_FILE.take(keys).given() else {
        return fixed;
    };
    let context = keys.context;
    let place = keys.fields.place(PROXY_URL_FILE.name);
    if keys.is_given(PROXY_URL.name) {
        context.diagnostics.refuse(
            place,
            "\"proxy_url_file\" and \"proxy_url\" exclude each other",
        );
    }
    let place = context.diagnostics.place(place);
    context.places.note_file(&file, place);
    Some(ProxySetting::File(file))
}

/// What an account or a resource says for itself: `null` is no proxy at all.
/// Equal settings are shared.
pub(super) fn own(keys: &MappingKeys<'_>) -> Option<Arc<ProxySetting>> {
    let (fields, context) = (keys.fields, keys.context);
    let none = fields.given(PROXY_URL.name).is_some_and(Node::is_null);
    let setting = match for_all(keys) {
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
