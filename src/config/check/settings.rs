//! `http`, `limits` and `metrics`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::{Context, paths, proxy};
use crate::config::diagnostic::quoted;
use crate::config::fields::{self, Fields};
use crate::config::schema;
use crate::config::yaml::{Node, Value};
use crate::model::{
    DEFAULT_BUCKETS, HttpSettings, Limits, MetricsSettings, ProxySetting, ResolveOverride,
};

/// What is sent unless the file says otherwise: traffic that Microsoft can
/// tell apart from the undecorated kind, which it slows down first.
const USER_AGENT: &str = concat!("NONISV|m365mon|m365mon/", env!("CARGO_PKG_VERSION"));
/// Longest `User-Agent`, in bytes.
const MOST_USER_AGENT: usize = 256;
/// Most entries of `http.resolve`.
const MOST_RESOLVE: usize = 1_000;
/// Most buckets.
const MOST_BUCKETS: usize = 30;

/// `http`.
pub(super) fn http(root: &Fields<'_>, context: &Context<'_>) -> HttpSettings {
    let mut settings = HttpSettings {
        proxy: ProxySetting::Environment,
        own_proxies: Vec::new(),
        ca_file: None,
        user_agent: USER_AGENT.into(),
        resolve: BTreeMap::new(),
    };
    let Some(fields) = root.mapping("http", &schema::HTTP) else {
        return settings;
    };
    context.places.note_http(&fields, context.diagnostics);
    if let Some(proxy) = proxy::for_all(&fields, context) {
        settings.proxy = proxy;
    }
    settings.ca_file = paths::existing(&fields, "ca_file", context);
    if let Some(agent) = fields.text("user_agent") {
        let visible = |b: u8| (b' '..=b'~').contains(&b);
        if agent.value.len() > MOST_USER_AGENT {
            context.diagnostics.refuse(
                agent.at,
                format!("\"user_agent\" is too long, at most {MOST_USER_AGENT} bytes are allowed"),
            );
        } else if !agent.value.bytes().all(visible) || agent.value.trim() != agent.value {
            context.diagnostics.refuse(
                agent.at,
                format!(
                    "\"user_agent\" must be plain ASCII without spaces around it, not {}",
                    quoted(agent.value)
                ),
            );
        } else {
            settings.user_agent = agent.value.into();
        }
    }
    if let Some(node) = fields.get("resolve") {
        settings.resolve = resolve(node, context);
    }
    settings
}

fn resolve(node: &Node, context: &Context<'_>) -> BTreeMap<Arc<str>, ResolveOverride> {
    let mut map = BTreeMap::new();
    let diagnostics = context.diagnostics;
    let Value::Mapping(entries) = &node.value else {
        diagnostics.refuse(
            node.at,
            format!(
                "\"resolve\" must be a mapping such as {{contoso.sharepoint.com: \"127.0.0.1:8445\"}}, not {}",
                node.shape().as_str()
            ),
        );
        return map;
    };
    if entries.len() > MOST_RESOLVE {
        diagnostics.refuse(
            node.at,
            format!("too many hosts, at most {MOST_RESOLVE} are allowed"),
        );
        return map;
    }
    for entry in entries {
        let Some(host) = entry.key.as_deref().filter(|host| is_host_name(host)) else {
            let word = entry.key.as_deref().map(quoted).unwrap_or_default();
            diagnostics.refuse(
                entry.at,
                format!("{word} is not a host name such as \"contoso.sharepoint.com\""),
            );
            continue;
        };
        let Some(text) = fields::text(&entry.value, host, diagnostics) else {
            continue;
        };
        let address = text.value.parse::<SocketAddr>().ok();
        let Some(address) = address.filter(|address| address.port() != 0) else {
            let meant = match text.value.parse::<IpAddr>() {
                Ok(ip) => format!(", did you mean \"{}\"?", SocketAddr::new(ip, 443)),
                Err(_) => String::new(),
            };
            diagnostics.refuse(
                text.at,
                format!(
                    "{} must be an address and a port such as \"127.0.0.1:8445\" or \"[::1]:8445\", not {}{meant}",
                    quoted(host),
                    quoted(text.value)
                ),
            );
            continue;
        };
        let host: Arc<str> = host.to_ascii_lowercase().into();
        if map
            .insert(host.clone(), ResolveOverride { address })
            .is_some()
        {
            diagnostics.refuse(entry.at, format!("host {} is given twice", quoted(&host)));
        }
    }
    map
}

fn is_host_name(text: &str) -> bool {
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// `limits`.
pub(super) fn limits(root: &Fields<'_>) -> Limits {
    let mut limits = Limits {
        probes_in_flight: 512,
        per_account: 64,
        on_scrape: 50,
    };
    if let Some(fields) = root.mapping("limits", &schema::LIMITS) {
        if let Some(count) = fields.count("probes_in_flight", 1, 10_000) {
            limits.probes_in_flight = count;
        }
        if let Some(count) = fields.count("per_account", 1, 10_000) {
            limits.per_account = count;
        }
        if let Some(count) = fields.count("on_scrape", 0, 1_000) {
            limits.on_scrape = count;
        }
    }
    limits
}

/// `metrics`.
pub(super) fn metrics(root: &Fields<'_>, context: &Context<'_>) -> MetricsSettings {
    let mut settings = MetricsSettings {
        histogram: true,
        phases: true,
        histogram_buckets: DEFAULT_BUCKETS.into(),
    };
    if let Some(fields) = root.mapping("metrics", &schema::METRICS) {
        settings.histogram = fields.flag("histogram").unwrap_or(true);
        settings.phases = fields.flag("phases").unwrap_or(true);
        if let Some(node) = fields.get("histogram_buckets") {
            match buckets(node) {
                Ok(buckets) => settings.histogram_buckets = buckets,
                Err((at, problem)) => context
                    .diagnostics
                    .refuse(at, format!("\"histogram_buckets\" {problem}")),
            }
        }
    }
    settings
}

fn buckets(node: &Node) -> Result<Arc<[f64]>, (crate::config::diagnostic::Position, String)> {
    let Value::List(items) = &node.value else {
        return Err((
            node.at,
            format!(
                "must be a list of seconds such as [0.1, 1, 10], not {}",
                node.shape().as_str()
            ),
        ));
    };
    if items.is_empty() || items.len() > MOST_BUCKETS {
        return Err((
            node.at,
            format!(
                "must hold from 1 to {MOST_BUCKETS} numbers, not {}",
                items.len()
            ),
        ));
    }
    let mut bounds: Vec<f64> = Vec::with_capacity(items.len());
    for item in items {
        let bound = match item.value {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a whole number of seconds beyond 2^53 is refused below"
            )]
            Value::Integer(value) => value as f64,
            Value::Float(value) => value,
            Value::Text(ref text) if item.is_variable => text.parse().unwrap_or(f64::NAN),
            _ => {
                return Err((
                    item.at,
                    format!(
                        "must hold numbers of seconds, not {}; \"+Inf\" is always there",
                        item.found()
                    ),
                ));
            }
        };
        if !(bound > 0.0 && bound <= 86_400.0) {
            return Err((
                item.at,
                format!(
                    "must hold seconds above 0, at most 86400, not {}",
                    item.found()
                ),
            ));
        }
        if bounds.last().is_some_and(|last| *last >= bound) {
            return Err((
                item.at,
                format!(
                    "must rise, but {bound} follows {}",
                    bounds[bounds.len() - 1]
                ),
            ));
        }
        bounds.push(bound);
    }
    Ok(bounds.into())
}
