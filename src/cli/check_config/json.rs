//! What `check-config` found, for programs: `docs/schemas/check-config.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::planned::{self, ToldWindow};
use crate::config::{Diagnostic, quota};
use crate::kinds::Configuration;
use crate::model::Timestamp;

/// The document. Fields are only ever added.
#[derive(Serialize)]
pub(super) struct CheckDocument {
    file: String,
    fine: bool,
    complaints: Vec<ToldDiagnostic>,
    warnings: Vec<ToldDiagnostic>,
    asks: Option<Asks>,
}

/// One complaint or warning.
#[derive(Serialize)]
struct ToldDiagnostic {
    file: String,
    line: Option<u32>,
    column: Option<u32>,
    message: String,
}

/// What the configuration asks for.
#[derive(Serialize)]
struct Asks {
    accounts: Vec<ToldAccount>,
    resources: Vec<ToldGroup>,
    calls_a_minute: f64,
    shares: Vec<ToldShare>,
    windows: Vec<ToldWindow>,
}

#[derive(Serialize)]
struct ToldAccount {
    account: String,
    credential: &'static str,
    tenant: Option<String>,
    cloud: &'static str,
}

/// Resources of one kind and mode.
#[derive(Serialize)]
struct ToldGroup {
    kind: &'static str,
    mode: &'static str,
    count: usize,
    calls_a_minute: f64,
}

/// What one application takes of Microsoft's quota.
#[derive(Serialize)]
struct ToldShare {
    cloud: &'static str,
    tenant: Option<String>,
    client_id: Option<String>,
    accounts: Vec<String>,
    calls_a_minute: f64,
    sharepoint_units_a_minute: f64,
    of_minute: f64,
    of_day: f64,
}

impl CheckDocument {
    /// `configuration` is `None` where it could not be read.
    pub(super) fn of(
        file: &Path,
        complaints: &[Diagnostic],
        warnings: &[Diagnostic],
        configuration: Option<&Configuration>,
        now: Timestamp,
    ) -> Self {
        Self {
            file: file.display().to_string(),
            fine: complaints.is_empty(),
            complaints: complaints.iter().map(ToldDiagnostic::of).collect(),
            warnings: warnings.iter().map(ToldDiagnostic::of).collect(),
            asks: configuration.map(|configuration| Asks::of(configuration, now)),
        }
    }
}

impl ToldDiagnostic {
    fn of(diagnostic: &Diagnostic) -> Self {
        let known = |number: u32| (number > 0).then_some(number);
        Self {
            file: diagnostic.file.to_string(),
            line: known(diagnostic.line),
            column: known(diagnostic.column),
            message: diagnostic.message.clone(),
        }
    }
}

impl Asks {
    fn of(configuration: &Configuration, now: Timestamp) -> Self {
        let mut groups: BTreeMap<(&'static str, &'static str), (usize, f64)> = BTreeMap::new();
        for resource in &configuration.resources {
            let key = (resource.kind.as_str(), resource.mode.as_str());
            let (count, calls) = groups.entry(key).or_default();
            *count += 1;
            *calls += quota::calls_of(resource);
        }
        let accounts = configuration.accounts.iter();
        Self {
            accounts: accounts
                .map(|account| ToldAccount {
                    account: account.name.to_string(),
                    credential: account.credential_label(),
                    tenant: account.tenant.as_ref().map(ToString::to_string),
                    cloud: account.cloud.as_str(),
                })
                .collect(),
            resources: groups
                .into_iter()
                .map(|((kind, mode), (count, calls_a_minute))| ToldGroup {
                    kind,
                    mode,
                    count,
                    calls_a_minute,
                })
                .collect(),
            calls_a_minute: quota::calls_a_minute(configuration),
            shares: quota::shares(configuration)
                .iter()
                .filter(|share| share.calls_a_minute > 0.0)
                .map(|share| ToldShare {
                    cloud: share.cloud,
                    tenant: share.tenant.as_ref().map(ToString::to_string),
                    client_id: share.client_id.as_ref().map(ToString::to_string),
                    accounts: share.accounts.iter().map(ToString::to_string).collect(),
                    calls_a_minute: share.calls_a_minute,
                    sharepoint_units_a_minute: share.units_a_minute,
                    of_minute: share.of_minute(),
                    of_day: share.of_day(),
                })
                .collect(),
            windows: planned::all(configuration, now),
        }
    }
}
