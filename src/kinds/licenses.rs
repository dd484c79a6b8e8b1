//! `licenses`: how many licences there are and how many are used, by part
//! number; where wanted when a subscription lapses. Nobody's own licences are
//! asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::ask::{Answer, Ask, Findings};
use super::key::{Flag, NameList};
use super::lenient::{Lenient, Moment};
use super::pages::{Collected, Pages};
use super::reading::{Reading, ReadingUnit, label_value};
use super::{
    AnyKey, BadBody, Define, Effort, Impact, Info, Key, Keys, Permission, ProbeFuture, Refusals,
    Request, Setting, Spec,
};
use crate::model::{Account, Sample, Service, quoted};

/// The licences of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licenses {
    /// Part numbers; empty for all.
    skus: Vec<Arc<str>>,
    /// Ask when subscriptions lapse too.
    expiry: bool,
}

static SKUS: Key<NameList> = Key::optional(
    "skus",
    NameList {
        takes: "list of part numbers",
    },
    "all that the tenant has, at most 64",
    "Which licences are told, by Microsoft's part numbers (`SPE_E3`, `EXCHANGESTANDARD`), whatever their case. Free ones come in pools of thousands that never run short.",
);
static EXPIRY: Key<Flag> = Key::optional(
    "expiry",
    Flag,
    "`false`",
    "Ask when subscriptions lapse too: one more request, and a wider permission.",
);
static KEYS: &[&dyn AnyKey] = &[&SKUS, &EXPIRY];

const UNITS: u8 = 0;
const CONSUMED: u8 = 1;
const NEXT_LIFECYCLE: u8 = 2;
const MOST_SKUS: usize = 64;
static READINGS: &[Reading] = &[
    Reading {
        metric: "m365_license_units",
        unit: ReadingUnit::None,
        labels: &["sku", "state"],
        help: "Licences of a part number, by state: enabled are paid for, warning have lapsed and still work, suspended work no longer, locked_out were cancelled.",
        most: MOST_SKUS * 4,
    },
    Reading {
        metric: "m365_license_consumed_units",
        unit: ReadingUnit::None,
        labels: &["sku"],
        help: "Licences of a part number that are assigned.",
        most: MOST_SKUS,
    },
    Reading {
        metric: "m365_license_next_lifecycle_timestamp_seconds",
        unit: ReadingUnit::Seconds,
        labels: &["sku"],
        help: "When the first subscription of a part number that still works moves to its next state, unless it is renewed.",
        most: MOST_SKUS,
    },
];

const UNITS_STEP: &str = "units";
const EXPIRY_STEP: &str = "expiry";
/// Neither list comes in pages in practice.
const LICENSES: Pages = Pages {
    step: UNITS_STEP,
    what: "list of licences",
    most: 10,
    pause: Duration::ZERO,
    then: 0,
};
const SUBSCRIPTIONS: Pages = Pages {
    step: EXPIRY_STEP,
    what: "list of subscriptions",
    ..LICENSES
};
const LONGEST_PAGE: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sku {
    sku_part_number: String,
    #[serde(default)]
    consumed_units: Lenient<i64>,
    #[serde(default)]
    prepaid_units: Lenient<Prepaid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prepaid {
    #[serde(default)]
    enabled: Lenient<i64>,
    #[serde(default)]
    warning: Lenient<i64>,
    #[serde(default)]
    suspended: Lenient<i64>,
    #[serde(default)]
    locked_out: Lenient<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    sku_part_number: String,
    #[serde(default)]
    status: Lenient<String>,
    #[serde(default)]
    next_lifecycle_date_time: Moment,
}

impl Define for Licenses {
    const INFO: &'static Info = &Info {
        name: "licenses",
        title: "Licences",
        help: "Asks how many licences there are and how many are assigned, by part number.",
        proves: "The directory answers; the counts are readings.",
        proves_not: "That a licence works for somebody, that Microsoft's count is right to the minute.",
        holds: LICENSES.what,
        keys: KEYS,
        service: Service::Directory,
        limit_per_application: true,
        refusals: Refusals {
            people: ", or a role such as Directory Readers that lets the person see licences",
            applications: "",
            not_found: "the directory does not know this list; drop `expiry` if this cloud has no list of subscriptions",
        },
        readings: READINGS,
        steps: &[UNITS_STEP, EXPIRY_STEP],
        interval: Some(Duration::from_secs(3_600)),
        impact: Impact::Housekeeping,
        example: "{name: licences, account: contoso, kind: licenses, skus: [SPE_E3, EXCHANGESTANDARD], expiry: true}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, _: Option<&Account>) -> Option<Self> {
        let skus = SKUS.take(keys).or(Vec::new());
        let expiry = EXPIRY.take(keys).or(false);
        let (skus, expiry) = (skus?, expiry?);
        if let Some(odd) = skus.iter().find(|sku| label_value(sku).is_none()) {
            keys.refuse(
                SKUS.name,
                format!(
                    "\"skus\" takes part numbers such as \"SPE_E3\", not {}",
                    quoted(odd)
                ),
            );
            return None;
        }
        if skus.len() > MOST_SKUS {
            keys.refuse(
                SKUS.name,
                format!("\"skus\" takes at most {MOST_SKUS} part numbers"),
            );
            return None;
        }
        Some(Self { skus, expiry })
    }
}

impl Spec for Licenses {
    fn target(&self) -> Cow<'_, str> {
        if self.skus.is_empty() {
            "all licences".into()
        } else {
            self.skus.join(", ").into()
        }
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        let skus = Some(&self.skus).filter(|skus| !skus.is_empty());
        let skus = skus.into_iter().map(|skus| SKUS.show(skus));
        skus.chain([EXPIRY.show(&self.expiry)]).collect()
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![if self.expiry {
            Permission::of_graph(
                account,
                "Organization.Read.All",
                "reads when subscriptions lapse, and the counts of licences",
            )
            .broader(&["Organization.ReadWrite.All", "Directory.Read.All"])
        } else {
            Permission::of_graph(
                account,
                "LicenseAssignment.Read.All",
                "reads the counts of licences",
            )
            // Microsoft Graph "List subscribedSkus" does not name
            // LicenseAssignment.ReadWrite.All.
            .broader(&[
                "Organization.Read.All",
                "Organization.ReadWrite.All",
                "Directory.Read.All",
            ])
        }]
    }

    /// Microsoft Graph "List subscribedSkus".
    fn request(&self, account: &Account) -> Option<Request> {
        let query = "$select=skuPartNumber,consumedUnits,prepaidUnits";
        of_directory(account, "/subscribedSkus", query)
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let skus: Vec<Sku> = LICENSES.one(answer)?;
        Ok(Findings::of(self.counts(&skus)))
    }

    fn effort(&self, _: &Account) -> Effort {
        let units = LICENSES.effort();
        match self.expiry {
            true => units.and(SUBSCRIPTIONS.effort()),
            false => units,
        }
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let step = if self.expiry { UNITS_STEP } else { "" };
            let request = self.request(account);
            let then = u32::from(self.expiry);
            let pages = Pages {
                step,
                then,
                ..LICENSES
            };
            let skus: Collected<Sku> = pages.all(ask, request).await?;
            let mut readings = self.counts(&skus.items);
            if self.expiry {
                // Microsoft Graph "List subscriptions" (companySubscription).
                let query = "$select=skuPartNumber,status,nextLifecycleDateTime";
                let request = of_directory(account, "/directory/subscriptions", query);
                let subscriptions: Collected<Subscription> =
                    SUBSCRIPTIONS.all(ask, request).await?;
                readings.extend(self.ends(&subscriptions.items));
            }
            Ok(Findings { readings })
        })
    }
}

fn of_directory(account: &Account, path: &str, query: &str) -> Option<Request> {
    let request = Request::of_graph(&account.cloud, path, query)?;
    Some(request.within(LONGEST_PAGE))
}

impl Licenses {
    /// The part number as a label, if it is wanted and fits one.
    fn wanted<'s>(&self, sku: &'s str) -> Option<&'s str> {
        let named = self.skus.iter().any(|one| one.eq_ignore_ascii_case(sku));
        label_value(sku).filter(|_| self.skus.is_empty() || named)
    }

    fn counts(&self, skus: &[Sku]) -> Vec<Sample> {
        let mut samples = Vec::new();
        // A part number that stands twice counts once.
        let mut by_sku: BTreeMap<&str, &Sku> = BTreeMap::new();
        for sku in skus {
            if let Some(label) = self.wanted(&sku.sku_part_number) {
                by_sku.entry(label).or_insert(sku);
            }
        }
        for (label, sku) in by_sku.into_iter().take(MOST_SKUS) {
            let consumed = sku.consumed_units.0.map(|consumed| consumed as f64);
            samples.extend(consumed.map(|count| Sample::of(CONSUMED, [label], count)));
            let Some(prepaid) = &sku.prepaid_units.0 else {
                continue;
            };
            for (state, count) in [
                ("enabled", prepaid.enabled),
                ("warning", prepaid.warning),
                ("suspended", prepaid.suspended),
                ("locked_out", prepaid.locked_out),
            ] {
                let count = count.0.map(|count| count as f64);
                samples.extend(count.map(|count| Sample::of(UNITS, [label, state], count)));
            }
        }
        samples
    }

    /// The first end of those subscriptions that still work.
    fn ends(&self, subscriptions: &[Subscription]) -> Vec<Sample> {
        let mut first: BTreeMap<&str, f64> = BTreeMap::new();
        for one in subscriptions {
            let status = one.status.0.as_deref().unwrap_or_default();
            let over = ["Suspended", "Deleted", "LockedOut"];
            let works = !over.iter().any(|word| word.eq_ignore_ascii_case(status));
            let label = self.wanted(&one.sku_part_number).filter(|_| works);
            if let (Some(label), Some(end)) = (label, one.next_lifecycle_date_time.seconds()) {
                let known = first.entry(label).or_insert(end);
                *known = known.min(end);
            }
        }
        let ends = first.into_iter().take(MOST_SKUS);
        ends.map(|(label, end)| Sample::of(NEXT_LIFECYCLE, [label], end))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::{ScriptedAsk, answer, value};

    const SKUS_BODY: &str = r#"{"value":[
        {"skuPartNumber":"SPE_E3","consumedUnits":412,"servicePlans":[{"servicePlanType":"x"}],
         "prepaidUnits":{"enabled":425,"suspended":0,"warning":5,"lockedOut":1,"newer":7}},
        {"skuPartNumber":"FLOW_FREE","consumedUnits":3,"prepaidUnits":{"enabled":10000}},
        {"skuPartNumber":"ODD","consumedUnits":null,"prepaidUnits":null},
        {"skuPartNumber":"not a part number","consumedUnits":1},
        {"skuPartNumber":null},null]}"#;

    fn licences(skus: &[&str], expiry: bool) -> Licenses {
        Licenses {
            skus: skus.iter().map(|sku| (*sku).into()).collect(),
            expiry,
        }
    }

    #[tokio::test]
    async fn counts_by_part_number() {
        let mut script = ScriptedAsk::of([answer(SKUS_BODY)]);
        let found = script.probe(&licences(&[], false)).await.unwrap().readings;
        let units = |sku: &str, state: &str| value(&found, UNITS, &[sku, state]);
        assert_eq!(units("SPE_E3", "enabled"), Some(425.0));
        assert_eq!(units("SPE_E3", "warning"), Some(5.0));
        assert_eq!(units("SPE_E3", "locked_out"), Some(1.0));
        assert_eq!(units("FLOW_FREE", "warning"), None);
        assert_eq!(value(&found, CONSUMED, &["SPE_E3"]), Some(412.0));
        assert!(!found.iter().any(|one| &*one.labels[0] == "ODD"));
        assert!(!found.iter().any(|one| one.labels[0].contains(' ')));
        assert_eq!(script.sent().len(), 1);
    }

    #[tokio::test]
    async fn only_the_named_and_their_ends() {
        let subscriptions = r#"{"value":[
            {"skuPartNumber":"SPE_E3","status":"Enabled","nextLifecycleDateTime":"2027-03-01T00:00:00.1234567Z"},
            {"skuPartNumber":"SPE_E3","status":"warning","nextLifecycleDateTime":"2027-01-01T00:00:00Z"},
            {"skuPartNumber":"SPE_E3","status":"Deleted","nextLifecycleDateTime":"2025-01-01T00:00:00Z"},
            {"skuPartNumber":"SPE_E3","status":"Enabled","nextLifecycleDateTime":"0001-01-01T00:00:00Z"},
            {"skuPartNumber":"FLOW_FREE","status":"Enabled","nextLifecycleDateTime":"2027-01-01T00:00:00Z"},
            {"skuPartNumber":"SPE_E3","status":null,"nextLifecycleDateTime":null}]}"#;
        let mut script = ScriptedAsk::of([answer(SKUS_BODY), answer(subscriptions)]);
        let kind = licences(&["spe_e3"], true);
        let found = script.probe(&kind).await.unwrap().readings;
        let end: crate::model::Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        let told = value(&found, NEXT_LIFECYCLE, &["SPE_E3"]);
        assert_eq!(told, Some(end.as_second() as f64));
        assert!(found.iter().all(|one| &*one.labels[0] == "SPE_E3"));
        let steps: Vec<_> = script.sent().iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, [UNITS_STEP, EXPIRY_STEP]);
    }

    #[test]
    fn what_is_no_list() {
        for body in ["{}", r#"{"value":null}"#, r#"{"error":{"code":"x"}}"#] {
            assert!(licences(&[], false).judge(&answer(body)).is_err(), "{body}");
        }
    }
}
