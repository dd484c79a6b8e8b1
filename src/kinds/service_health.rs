//! `service_health`: what Microsoft itself says of its services. The verdict is
//! that the API answered; what it says is a reading, for a page must not hang on
//! Microsoft's word alone. Titles and texts of incidents are never asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::ask::{Answer, Ask, Findings};
use super::body;
use super::key::NameList;
use super::lenient::{Lenient, Moment, all_of};
use super::pages::{Collected, Pages};
use super::reading::{Reading, ReadingUnit, label_value};
use super::{
    AnyKey, BadBody, Define, Effort, Grant, Impact, Info, Key, Keys, Permission, ProbeFuture,
    Refusals, Request, Setting, Spec, UNADDRESSED,
};
use crate::model::{Account, Sample, Service};

/// Microsoft's word on its services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceHealth {
    /// Ids of services, in lower case; empty for all that the tenant has.
    services: Vec<Arc<str>>,
}

static SERVICES: Key<NameList> = Key::optional(
    "services",
    NameList {
        takes: "list of Microsoft's ids of services",
    },
    "all that the tenant has",
    "Which services are told, by Microsoft's ids (`Exchange`, `SharePoint`, `microsoftteams`), whatever their case.",
);
static KEYS: &[&dyn AnyKey] = &[&SERVICES];

const STATUS: u8 = 0;
const OPEN_ISSUES: u8 = 1;
const OLDEST_ISSUE: u8 = 2;
const MOST_SERVICES: usize = 64;
static READINGS: &[Reading] = &[
    Reading {
        metric: "m365_service_status",
        unit: ReadingUnit::None,
        labels: &["service", "status"],
        help: "What Microsoft says of a service: 1 for the status that it has, 0 for the others.",
        most: MOST_SERVICES * 4,
    },
    Reading {
        metric: "m365_service_open_issues",
        unit: ReadingUnit::None,
        labels: &["service", "classification"],
        help: "Issues of a service that Microsoft calls open; absent where there are more than can be counted.",
        most: MOST_SERVICES * 2,
    },
    Reading {
        metric: "m365_service_oldest_issue_timestamp_seconds",
        unit: ReadingUnit::Seconds,
        labels: &["service"],
        help: "When the oldest open issue of a service began, by Microsoft's word.",
        most: MOST_SERVICES,
    },
];

/// Microsoft's seventeen statuses are four to us; each with those that it
/// stands for, in lower case (Microsoft Graph, `serviceHealthStatus`).
const STATUSES: [(&str, &[&str]); 3] = [
    (
        "operational",
        &[
            "serviceoperational",
            "servicerestored",
            "falsepositive",
            "postincidentreviewpublished",
            "resolved",
            "resolvedexternal",
            "mitigated",
            "mitigatedexternal",
        ],
    ),
    (
        "degraded",
        &[
            "servicedegradation",
            "investigating",
            "restoringservice",
            "verifyingservice",
            "extendedrecovery",
            "investigationsuspended",
            "confirmed",
            "reported",
        ],
    ),
    ("interrupted", &["serviceinterruption"]),
];
const UNKNOWN: &str = "unknown";
const CLASSIFICATIONS: [&str; 2] = ["incident", "advisory"];
const OVERVIEWS_STEP: &str = "overviews";
/// Of a hundred open issues each.
const ISSUES: Pages = Pages {
    step: "issues",
    what: "list of issues",
    most: 5,
    pause: Duration::ZERO,
    then: 0,
};
const PAGE_SIZE: &[(&str, &str)] = &[("prefer", "odata.maxpagesize=100")];

#[derive(Deserialize)]
struct Overviews {
    value: Vec<Lenient<Overview>>,
}

#[derive(Deserialize)]
struct Overview {
    id: String,
    #[serde(default)]
    service: Lenient<String>,
    #[serde(default)]
    status: Lenient<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issue {
    #[serde(default)]
    service: Lenient<String>,
    #[serde(default)]
    classification: Lenient<String>,
    #[serde(default)]
    is_resolved: Lenient<bool>,
    #[serde(default)]
    start_date_time: Moment,
}

impl Define for ServiceHealth {
    const INFO: &'static Info = &Info {
        name: "service_health",
        title: "Service health",
        help: "Asks what Microsoft says of its services, and for the open issues.",
        proves: "Microsoft's service communications answer; their words are readings.",
        proves_not: "That a service works: what people feel is told tens of minutes late.",
        holds: "list of services",
        keys: KEYS,
        service: Service::ServiceCommunications,
        limit_per_application: true,
        refusals: Refusals {
            people: ", or the person's administrative role",
            applications: "",
            not_found: "the service communications API does not know this; it may not be there in this cloud",
        },
        readings: READINGS,
        steps: &[OVERVIEWS_STEP, ISSUES.step],
        interval: Some(Duration::from_secs(300)),
        least_interval: Some(Duration::from_secs(60)),
        impact: Impact::Housekeeping,
        microsoft_service: "OSDPPlatform",
        example: "{name: microsofts-word, account: contoso, kind: service_health, services: [Exchange, SharePoint, microsoftteams]}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, _: Option<&Account>) -> Option<Self> {
        let services = SERVICES.take(keys).or(Vec::new())?;
        let services: Vec<Arc<str>> = services
            .iter()
            .map(|service| service.to_lowercase().into())
            .collect();
        Some(Self { services })
    }
}

impl Spec for ServiceHealth {
    fn target(&self) -> Cow<'_, str> {
        if self.services.is_empty() {
            "all services".into()
        } else {
            self.services.join(", ").into()
        }
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        if self.services.is_empty() {
            return Vec::new();
        }
        vec![SERVICES.show(&self.services)]
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![Permission::of_graph(
            account,
            "ServiceHealth.Read.All",
            "reads what Microsoft says of its services to this tenant; nothing of people is in it",
        )]
    }

    fn grants(&self, account: &Account) -> Vec<Grant> {
        // Microsoft Graph, "Overview for accessing service health": a person
        // must hold an administrative role as well.
        account
            .person()
            .map(|person| {
                Grant::ByHand(
                    format!(
                        "{} needs an administrative role that reads service health, such as \
                         Service Support Administrator; an application needs none",
                        person.username
                    )
                    .into(),
                )
            })
            .into_iter()
            .collect()
    }

    fn request(&self, account: &Account) -> Option<Request> {
        let path = "/admin/serviceAnnouncement/healthOverviews";
        Request::of_graph(&account.cloud, path, "")
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        Ok(Findings::of(self.statuses(&overviews(answer)?)))
    }

    fn effort(&self, _: &Account) -> Effort {
        Effort::ONE.and(ISSUES.effort())
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let request = self.request(account).ok_or(UNADDRESSED)?;
            let answer = ask.send(OVERVIEWS_STEP, request).await?;
            let overviews = overviews(&answer)?;
            let mut readings = self.statuses(&overviews);
            let open: Collected<Issue> = ISSUES.all(ask, issues_request(account)).await?;
            if open.whole {
                readings.extend(self.issues(&overviews, &open.items));
            }
            Ok(Findings { readings })
        })
    }
}

/// Those of another shape are left out.
fn overviews(answer: &Answer) -> Result<Vec<Overview>, BadBody> {
    let overviews: Overviews = body::object(ServiceHealth::INFO.holds, answer)?;
    Ok(all_of(overviews.value).collect())
}

/// Microsoft Graph, "List serviceAnnouncement issues"; ids and texts stay there.
fn issues_request(account: &Account) -> Option<Request> {
    let path = "/admin/serviceAnnouncement/issues";
    let query =
        "$filter=isResolved%20eq%20false&$select=service,classification,isResolved,startDateTime";
    let request = Request::of_graph(&account.cloud, path, query)?;
    Some(Request {
        headers: PAGE_SIZE,
        body_limit: 512 << 10,
        ..request
    })
}

impl ServiceHealth {
    /// The overviews that are wanted, with an id that fits a label.
    fn wanted<'o>(
        &self,
        overviews: &'o [Overview],
    ) -> impl Iterator<Item = (&'o str, &'o Overview)> {
        let wanted = |id: &str| {
            self.services.is_empty() || self.services.iter().any(|one| one.eq_ignore_ascii_case(id))
        };
        let services = overviews.iter();
        let services = services.filter_map(|one| Some((label_value(&one.id)?, one)));
        let found: Vec<_> = services.filter(|(id, _)| wanted(id)).collect();
        found.into_iter().take(MOST_SERVICES)
    }

    fn statuses(&self, overviews: &[Overview]) -> Vec<Sample> {
        let mut samples = Vec::new();
        for (id, overview) in self.wanted(overviews) {
            let word = overview.status.0.as_deref().unwrap_or_default();
            let word = word.to_ascii_lowercase();
            let known = STATUSES.iter().find(|(_, words)| words.contains(&&*word));
            let status = known.map_or(UNKNOWN, |(status, _)| status);
            let all = STATUSES.iter().map(|(status, _)| *status).chain([UNKNOWN]);
            samples.extend(all.map(|each| {
                Sample::of(STATUS, [id, each], if each == status { 1.0 } else { 0.0 })
            }));
        }
        samples
    }

    /// Issues name their service, overviews its id: the overview joins them.
    fn issues(&self, overviews: &[Overview], issues: &[Issue]) -> Vec<Sample> {
        let mut by_service: BTreeMap<&str, Vec<&Issue>> = BTreeMap::new();
        for issue in issues
            .iter()
            .filter(|issue| issue.is_resolved.0 != Some(true))
        {
            if let Some(name) = &issue.service.0 {
                by_service.entry(name).or_default().push(issue);
            }
        }
        let mut samples = Vec::new();
        for (id, overview) in self.wanted(overviews) {
            let name = overview.service.0.as_deref().unwrap_or_default();
            let open = by_service.get(name).map_or(&[][..], Vec::as_slice);
            for classification in CLASSIFICATIONS {
                let of_it = |issue: &&&Issue| {
                    let word = issue.classification.0.as_deref().unwrap_or_default();
                    word.eq_ignore_ascii_case(classification)
                };
                let count = open.iter().filter(of_it).count();
                samples.push(Sample::of(OPEN_ISSUES, [id, classification], count as f64));
            }
            let begins = open.iter();
            let begins = begins.filter_map(|issue| issue.start_date_time.given());
            let oldest = begins.min().map(|oldest| oldest.as_second() as f64);
            samples.extend(oldest.map(|oldest| Sample::of(OLDEST_ISSUE, [id], oldest)));
        }
        samples
    }
}

#[cfg(test)]
mod tests;
