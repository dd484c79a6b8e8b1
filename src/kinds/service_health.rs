//! `service_health`: what Microsoft itself says of its services. The verdict is
//! that the API answered; what it says is a reading, for a page must not hang on
//! Microsoft's word alone. Titles and texts of incidents are never asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::ask::{Answer, Ask, Findings};
use super::body::{self, next_page};
use super::key::NameList;
use super::reading::{Reading, ReadingUnit, label_value};
use super::{
    AnyKey, BadBody, Define, Grant, Impact, Info, Key, Keys, Permission, ProbeFuture, Refusals,
    Request, Setting, Spec, UNADDRESSED,
};
use crate::model::{Account, Sample, Service, Timestamp};

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
        help: "Issues of a service that Microsoft calls open.",
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
/// Pages of a hundred open issues.
const MOST_PAGES: usize = 5;
const PAGE_SIZE: &[(&str, &str)] = &[("prefer", "odata.maxpagesize=100")];

#[derive(Deserialize)]
struct Overviews {
    value: Vec<Overview>,
}

#[derive(Deserialize)]
struct Overview {
    id: String,
    service: Option<String>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct Issues {
    value: Vec<Issue>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issue {
    service: Option<String>,
    classification: Option<String>,
    is_resolved: Option<bool>,
    start_date_time: Option<Timestamp>,
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
        steps: &["overviews", "issues"],
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
        let overviews: Overviews = body::object(Self::INFO.holds, answer)?;
        Ok(Findings::of(self.statuses(&overviews)))
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let request = self.request(account).ok_or(UNADDRESSED)?;
            let answer = ask.send("overviews", request).await?;
            let overviews: Overviews = body::object(Self::INFO.holds, &answer)?;
            let mut readings = self.statuses(&overviews);
            let mut request = issues_request(account).ok_or(UNADDRESSED)?;
            let mut open = Vec::new();
            for _ in 0..MOST_PAGES {
                let answer = ask.send("issues", request.clone()).await?;
                let page: Issues = body::object("list of issues", &answer)?;
                open.extend(page.value);
                match page.next.and_then(|next| next_page(&request, &next)) {
                    Some(next) => request = next,
                    None => break,
                }
            }
            readings.extend(self.issues(&overviews, &open));
            Ok(Findings { readings })
        })
    }
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
        overviews: &'o Overviews,
    ) -> impl Iterator<Item = (&'o str, &'o Overview)> {
        let wanted = |id: &str| {
            self.services.is_empty() || self.services.iter().any(|one| one.eq_ignore_ascii_case(id))
        };
        let services = overviews.value.iter();
        let services = services.filter_map(|one| Some((label_value(&one.id)?, one)));
        let found: Vec<_> = services.filter(|(id, _)| wanted(id)).collect();
        found.into_iter().take(MOST_SERVICES)
    }

    fn statuses(&self, overviews: &Overviews) -> Vec<Sample> {
        let mut samples = Vec::new();
        for (id, overview) in self.wanted(overviews) {
            let word = overview.status.as_deref().unwrap_or_default();
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
    fn issues(&self, overviews: &Overviews, issues: &[Issue]) -> Vec<Sample> {
        let mut by_service: BTreeMap<&str, Vec<&Issue>> = BTreeMap::new();
        for issue in issues
            .iter()
            .filter(|issue| issue.is_resolved != Some(true))
        {
            if let Some(name) = &issue.service {
                by_service.entry(name).or_default().push(issue);
            }
        }
        let mut samples = Vec::new();
        for (id, overview) in self.wanted(overviews) {
            let name = overview.service.as_deref().unwrap_or_default();
            let open = by_service.get(name).map_or(&[][..], Vec::as_slice);
            for classification in CLASSIFICATIONS {
                let of_it = |issue: &&&Issue| {
                    let word = issue.classification.as_deref().unwrap_or_default();
                    word.eq_ignore_ascii_case(classification)
                };
                let count = open.iter().filter(of_it).count();
                samples.push(Sample::of(OPEN_ISSUES, [id, classification], count as f64));
            }
            let oldest = open.iter().filter_map(|issue| issue.start_date_time).min();
            samples.extend(
                oldest.map(|oldest| Sample::of(OLDEST_ISSUE, [id], oldest.as_second() as f64)),
            );
        }
        samples
    }
}

#[cfg(test)]
mod tests;
