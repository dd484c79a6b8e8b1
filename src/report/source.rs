//! Asks Prometheus for a period, in pieces that fit into one answer.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use http::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use url::Url;

use super::{Course, Courses, Minute, Period, PrometheusAccess, Watched};
use crate::http::{NetFailure, NetFailureKind, SimpleBody, SimpleClient, SimpleRequest, UseProxy};

/// A minute is asked for at its last millisecond, and for its own samples and those
/// of the second before it: scrapes once a minute that fall on a border would else
/// be two in one minute and none in the next.
const UP: &str =
    "max by (account, kind, resource, location) (last_over_time(m365_resource_up[61s]))";
const FAILING: &str = "max by (account, kind, resource, location, reason) \
    (last_over_time(m365_resource_problem{outcome=\"failure\"}[61s]))";
/// Only minutes that are planned come back.
const PLANNED: &str = "max by (account, kind, resource, location) \
    (last_over_time(m365_resource_planned_downtime[61s])) == 1";
const LATENCY: &str = "max by (account, kind, resource, location) \
    (last_over_time(m365_resource_latency_seconds[61s]))";
const LAST_MILLISECOND: f64 = 59.999;
/// For one piece; a large Prometheus on slow disks may need long.
const PATIENCE: Duration = Duration::from_secs(120);
/// Minutes in the first piece asked for.
const PIECE: usize = 1440;
/// Bytes of an answer that are quoted in an error.
const QUOTED: usize = 200;

/// Where the record is.
#[derive(Clone)]
pub struct Prometheus {
    client: SimpleClient,
    base: Url,
    headers: HeaderMap,
}

/// There is no record to be had, or none of this time.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be a Prometheus' URL.
    #[error("{0} is no URL of a Prometheus")]
    Url(Url),
    /// A password there would stand in shell histories and process lists.
    #[error(
        "the URL of Prometheus holds a user or a password; give --prometheus.username and --prometheus.password-file"
    )]
    PasswordInUrl,
    /// A credential would cross the network unprotected.
    #[error("credentials go to Prometheus over https only, except on this machine")]
    InTheClear,
    /// A credential that no header can carry.
    #[error("the credential for Prometheus cannot be sent: {0}")]
    Credential(&'static str),
    /// No answer.
    #[error("Prometheus does not answer at {place} (--prometheus.url): {says}")]
    Silent {
        /// Host and port.
        place: String,
        /// The class.
        kind: NetFailureKind,
        /// One sentence for people.
        says: String,
    },
    /// An answer that says no.
    #[error("Prometheus answers {status}: {says}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The beginning of what it says.
        says: String,
    },
    /// It answers, and has nothing.
    #[error(
        "nothing was recorded from {from} to {to}: at {base} this query found nothing: {query}"
    )]
    Nothing {
        /// The first minute.
        from: String,
        /// The minute after the last.
        to: String,
        /// Which Prometheus.
        base: Box<Url>,
        /// What it was asked.
        query: &'static str,
    },
    /// An answer of something else.
    #[error("this is no answer of a Prometheus: {0}")]
    Strange(String),
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

impl Prometheus {
    /// `base` is where its pages are, a path included.
    ///
    /// # Errors
    /// When it is neither http nor https, or when the credential cannot be sent there.
    pub fn new(
        client: SimpleClient,
        base: Url,
        access: &PrometheusAccess,
    ) -> Result<Self, SourceError> {
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(SourceError::Url(base));
        }
        let authorization = access.header(&base)?;
        let headers = authorization
            .into_iter()
            .map(|value| (AUTHORIZATION, value));
        Ok(Self {
            client,
            headers: headers.collect(),
            base,
        })
    }

    /// The course of every resource of which anything was recorded.
    ///
    /// # Errors
    /// When Prometheus does not answer as it should, or has nothing of this time.
    pub async fn courses(&self, period: &Period) -> Result<Courses, SourceError> {
        let mut courses = Courses::new();
        self.every(period, UP, |series, at, value| {
            let course = courses.entry(watched(series)).or_insert_with(|| Course {
                minutes: vec![Minute::Unknown; period.minutes],
                ..Course::default()
            });
            if let Some(minute) = course.minutes.get_mut(at) {
                *minute = if value == "1" {
                    Minute::Up
                } else {
                    Minute::Down
                };
            }
        })
        .await?;
        if courses.is_empty() {
            return Err(SourceError::Nothing {
                from: period.moment(0),
                to: period.moment(period.minutes),
                base: Box::new(self.base.clone()),
                query: UP,
            });
        }
        self.every(period, FAILING, |series, at, _| {
            let reason = series.get("reason").cloned().unwrap_or_default();
            if let Some(course) = courses.get_mut(&watched(series)) {
                course.reasons.entry(reason).or_default().push(at);
            }
        })
        .await?;
        self.every(period, PLANNED, |series, at, _| {
            if let Some(course) = courses.get_mut(&watched(series)) {
                course.planned.resize(period.minutes, false);
                if let Some(planned) = course.planned.get_mut(at) {
                    *planned = true;
                }
            }
        })
        .await?;
        self.every(period, LATENCY, |series, _, value| {
            if let Some(course) = courses.get_mut(&watched(series))
                && let Ok(seconds) = value.parse()
            {
                course.latencies.add(seconds);
            }
        })
        .await?;
        Ok(courses)
    }

    /// Hands every value of a query on, with its minute.
    async fn every(
        &self,
        period: &Period,
        query: &str,
        mut take: impl FnMut(&BTreeMap<String, String>, usize, &str),
    ) -> Result<(), SourceError> {
        let (mut first, mut piece) = (0, PIECE);
        while first < period.minutes {
            let end = period.minutes.min(first + piece);
            let found = match self.range(period, query, first, end).await {
                Err(SourceError::Silent {
                    kind: NetFailureKind::TooLarge,
                    ..
                }) if piece > 1 => {
                    piece = piece.div_ceil(4);
                    continue;
                }
                found => found?,
            };
            for series in found {
                for (time, value) in &series.values {
                    let minute = (time - LAST_MILLISECOND - seconds(period.from)) / 60.0;
                    if minute > -0.5 {
                        take(&series.metric, minute.round() as usize, value);
                    }
                }
            }
            first = end;
        }
        Ok(())
    }

    /// The place is said once, with its port.
    fn silent(&self, failure: &NetFailure) -> SourceError {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port_or_known_default().unwrap_or_default();
        let says = failure.detail.strip_prefix(host);
        let says = says.and_then(|rest| rest.strip_prefix(": "));
        SourceError::Silent {
            place: format!("{host}:{port}"),
            kind: failure.kind,
            says: says.unwrap_or(&failure.detail).to_owned(),
        }
    }

    async fn range(
        &self,
        period: &Period,
        query: &str,
        first: usize,
        end: usize,
    ) -> Result<Vec<Series>, SourceError> {
        let time = |minute: usize| {
            let second = period.from + i64::try_from(minute).unwrap_or(i64::MAX) * 60;
            format!("{:.3}", seconds(second) + LAST_MILLISECOND)
        };
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| SourceError::Url(self.base.clone()))?
            .pop_if_empty()
            .extend(["api", "v1", "query_range"]);
        url.query_pairs_mut()
            .append_pair("query", query)
            .append_pair("start", &time(first))
            .append_pair("end", &time(end - 1))
            .append_pair("step", "60");
        // Plain http goes to a Prometheus nearby, past the proxy.
        let proxy = match url.scheme() {
            "https" => UseProxy::Configured,
            _ => UseProxy::Never,
        };
        let answer = self
            .client
            .send(SimpleRequest {
                method: Method::GET,
                url,
                headers: self.headers.clone(),
                body: SimpleBody::Empty,
                timeout: PATIENCE,
                proxy,
            })
            .await
            .map_err(|failure| self.silent(&failure))?;
        let beginning = || {
            let end = answer.body.len().min(QUOTED);
            String::from_utf8_lossy(&answer.body[..end]).into_owned()
        };
        if answer.status != 200 {
            return Err(SourceError::Refused {
                status: answer.status,
                says: beginning(),
            });
        }
        serde_json::from_slice::<Answer>(&answer.body)
            .map(|answer| answer.data.result)
            .map_err(|_| SourceError::Strange(beginning()))
    }
}

/// Exact: seconds of any year that matters fit.
fn seconds(whole: i64) -> f64 {
    whole as f64
}

fn watched(labels: &BTreeMap<String, String>) -> Watched {
    let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
    Watched {
        account: label("account"),
        kind: label("kind"),
        resource: label("resource"),
        location: label("location"),
    }
}
