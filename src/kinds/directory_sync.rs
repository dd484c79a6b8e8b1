//! `directory_sync`: when did the directory on premises last synchronise? Three
//! members of the organization are asked for; its name, addresses and contacts
//! never are.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::body;
use super::lenient::{Lenient, Moment};
use super::reading::{Reading, ReadingUnit};
use super::{
    Answer, BadBody, Define, Findings, Impact, Info, Keys, Permission, Refusals, Request, Spec,
};
use crate::model::{Account, Sample, Service};

/// Entra Connect's last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectorySync;

const LAST_SYNC: u8 = 0;
const ENABLED: u8 = 1;
static READINGS: &[Reading] = &[
    Reading {
        metric: "m365_directory_last_sync_timestamp_seconds",
        unit: ReadingUnit::Seconds,
        labels: &[],
        help: "When the directory on premises last synchronised; absent where it does not.",
        most: 1,
    },
    Reading {
        metric: "m365_directory_sync_enabled",
        unit: ReadingUnit::None,
        labels: &[],
        help: "1 if the directory on premises synchronises, 0 if it once did; absent where it never did, and where the permission to see it is missing.",
        most: 1,
    },
];

#[derive(Deserialize)]
struct Organizations {
    /// There is one.
    value: [Organization; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organization {
    #[serde(rename = "id")]
    _id: String,
    /// `null` says that it never did, or that the caller may not see it.
    #[serde(default)]
    on_premises_sync_enabled: Lenient<bool>,
    #[serde(default)]
    on_premises_last_sync_date_time: Moment,
}

impl Define for DirectorySync {
    const INFO: &'static Info = &Info {
        name: "directory_sync",
        title: "Directory synchronisation",
        help: "Asks when the directory on premises last synchronised.",
        proves: "The directory answers; when it was synchronised last is a reading.",
        proves_not: "That every object and every password is in it.",
        holds: "list of one organization",
        service: Service::Directory,
        limit_per_application: true,
        refusals: Refusals::not_found(
            "the tenant is not there any more; check `tenant` of the account",
        ),
        readings: READINGS,
        interval: Some(Duration::from_secs(600)),
        impact: Impact::Housekeeping,
        example: "{name: directory-sync, account: contoso, kind: directory_sync}",
        ..Info::USUAL
    };

    fn read(_: &dyn Keys, _: Option<&Account>) -> Option<Self> {
        Some(Self)
    }
}

impl Spec for DirectorySync {
    fn target(&self) -> Cow<'_, str> {
        "the organization".into()
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![
            Permission::of_graph(
                account,
                "Organization.Read.All",
                "reads when the directory was synchronised last; with less, that is empty",
            )
            .broader(&["Organization.ReadWrite.All", "Directory.Read.All"])
            .silent(),
        ]
    }

    /// Microsoft Graph "List organizations".
    fn request(&self, account: &Account) -> Option<Request> {
        let query = "$select=id,onPremisesSyncEnabled,onPremisesLastSyncDateTime";
        Request::of_graph(&account.cloud, "/organization", query)
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let Organizations { value: [one] } = body::object(Self::INFO.holds, answer)?;
        let enabled = one.on_premises_sync_enabled.0;
        let last = one.on_premises_last_sync_date_time.seconds();
        let last = last.filter(|_| enabled == Some(true));
        let samples = [
            last.map(|last| Sample::plain(LAST_SYNC, last)),
            enabled.map(|enabled| Sample::plain(ENABLED, if enabled { 1.0 } else { 0.0 })),
        ];
        Ok(Findings::of(samples.into_iter().flatten()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::{answer, value};

    #[test]
    fn what_is_told() {
        for (members, last, enabled) in [
            (
                r#""onPremisesSyncEnabled":true,"onPremisesLastSyncDateTime":"2026-11-30T07:12:41Z""#,
                Some(1_796_022_761.0),
                Some(1.0),
            ),
            (
                r#""onPremisesSyncEnabled":true,"onPremisesLastSyncDateTime":"2026-11-30T07:12:41.1234567Z","displayName":"canary""#,
                Some(1_796_022_761.0),
                Some(1.0),
            ),
            (
                r#""onPremisesSyncEnabled":false,"onPremisesLastSyncDateTime":"2024-11-30T07:12:41Z""#,
                None,
                Some(0.0),
            ),
            (
                r#""onPremisesSyncEnabled":null,"onPremisesLastSyncDateTime":null"#,
                None,
                None,
            ),
            (
                r#""onPremisesSyncEnabled":true,"onPremisesLastSyncDateTime":"0001-01-01T00:00:00Z""#,
                None,
                Some(1.0),
            ),
            (r#""x":1"#, None, None),
        ] {
            let body = answer(&format!(r#"{{"value":[{{"id":"1",{members}}}]}}"#));
            let found = DirectorySync.judge(&body).unwrap().readings;
            assert_eq!(value(&found, LAST_SYNC, &[]), last, "{members}");
            assert_eq!(value(&found, ENABLED, &[]), enabled, "{members}");
        }
    }

    #[test]
    fn what_is_no_organization() {
        for body in [
            r#"{"value":[]}"#,
            r#"{"value":[{}]}"#,
            r#"{"value":[null]}"#,
            r#"{"error":{"code":"x"}}"#,
        ] {
            assert!(DirectorySync.judge(&answer(body)).is_err(), "{body}");
        }
    }
}
