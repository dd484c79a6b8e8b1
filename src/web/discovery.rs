//! `/sd`: HTTP service discovery of the resources whose home is `/probe`.
//!
//! A JSON list of target groups as Prometheus' `http_sd_configs` takes it, one
//! group a resource, complete every time. Every target is this exporter; the
//! labels tell Prometheus which page to scrape and how to name the instance.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::model::{Mode, Resource};

/// Where Prometheus finds this exporter.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// Host, and port where one is named.
    pub(super) host: String,
    /// `http` or `https`.
    pub(super) scheme: &'a str,
    /// The path before ours, without a trailing slash.
    pub(super) prefix: &'a str,
}

/// One target group.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    targets: [String; 1],
    labels: BTreeMap<&'static str, String>,
}

/// The groups of all `on_probe` resources, in the order of the configuration.
pub(super) fn groups<'a>(
    resources: impl IntoIterator<Item = &'a Arc<Resource>>,
    place: &Place<'_>,
) -> Vec<Group> {
    resources
        .into_iter()
        .filter(|resource| resource.mode == Mode::OnProbe)
        .map(|resource| Group {
            targets: [place.host.clone()],
            labels: BTreeMap::from([
                ("__metrics_path__", format!("{}/probe", place.prefix)),
                ("__scheme__", place.scheme.to_owned()),
                ("__param_resource", resource.name.as_ref().to_owned()),
                ("instance", resource.name.as_ref().to_owned()),
                (
                    "__meta_m365_account",
                    resource.account.name.as_ref().to_owned(),
                ),
                ("__meta_m365_kind", resource.kind.as_str().to_owned()),
            ]),
        })
        .collect()
}
