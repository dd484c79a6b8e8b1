//! Probes of several requests, from the schedule to the report: the real
//! scheduler and the real prober on paused time, in front of services that answer
//! after a while.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use m365mon::config;
use m365mon::http::{BodyEnd, ProbeAnswer, ProbeFailure, ProbeRequest, ProbeTransport};
use m365mon::kinds::Resource;
use m365mon::model::{Clock, Exchange, Phases, ProxySetting, Report, Story, Timestamp};
use m365mon::probe::{MayAsk, Prober, TenantProber};
use m365mon::scheduler::Scheduler;
use m365mon::state::{Record, State};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use url::Url;

use super::house::{Dice, START, pass};
use crate::support::one_secret::OneSecret;

/// Answers everything, after this time; lists in so many pages.
struct Service {
    takes: Duration,
    pages: u32,
}

impl Service {
    fn body(&self, url: &Url) -> String {
        let path = url.path();
        if path.ends_with("/openid-configuration") {
            return r#"{"issuer":"https://login.microsoftonline.com/t/v2.0","token_endpoint":"https://login.microsoftonline.com/t/oauth2/v2.0/token"}"#.into();
        }
        if path.contains("(appId=") {
            return r#"{"id":"1"}"#.into();
        }
        let token = url.query_pairs().find(|(name, _)| name == "$skiptoken");
        let page: u32 = token.map_or(1, |(_, page)| page.parse().unwrap());
        let mut next = url.clone();
        next.set_query(Some(&format!("$skiptoken={}", page + 1)));
        let link = (page < self.pages).then_some(next);
        serde_json::json!({"@odata.nextLink": link, "value": []}).to_string()
    }
}

impl ProbeTransport for Service {
    fn send(&self, request: ProbeRequest) -> BoxFuture<'_, Result<ProbeAnswer, Box<ProbeFailure>>> {
        Box::pin(async move {
            assert!(self.takes < request.timeout, "{}", request.url.path());
            sleep(self.takes).await;
            let mut headers = HeaderMap::new();
            let json = HeaderValue::from_static("application/json");
            headers.insert("content-type", json);
            Ok(ProbeAnswer {
                status: 200,
                headers,
                body: Bytes::from(self.body(&request.url)),
                body_end: BodyEnd::Complete,
                exchange: Exchange {
                    status: Some(200),
                    phases: Some(Phases {
                        processing: self.takes,
                        ..Phases::default()
                    }),
                    ..Exchange::default()
                },
            })
        })
    }

    fn is_proxied(&self, _: &Url, _: Option<&ProxySetting>) -> bool {
        false
    }
}

/// The prober in earnest; what it reports is kept.
struct Noted {
    prober: TenantProber,
    reports: Arc<Mutex<Vec<Report>>>,
}

impl Prober for Noted {
    fn probe(
        &self,
        resource: Arc<Resource>,
        story: Story,
        may_ask: MayAsk,
        until: Instant,
    ) -> BoxFuture<'static, Option<Report>> {
        let (probe, reports) = (
            self.prober.probe(resource, story, may_ask, until),
            Arc::clone(&self.reports),
        );
        Box::pin(async move {
            let report = probe.await;
            reports.lock().extend(report.clone());
            report
        })
    }
}

/// Some time of one resource, its line of YAML beside name and account: what its
/// probes reported, how many ended how, and when tokens were asked for.
struct Course {
    reports: Vec<Report>,
    outcomes: [u64; 3],
    tokens: Vec<Instant>,
}

async fn course(line: &str, service: Service, seconds: f64) -> Course {
    let text = format!(
        "accounts:\n  - {{name: contoso, tenant: contoso.onmicrosoft.com, client_id: 11111111-2222-3333-4444-555555555555, client_secret: {{secret: canary}}}}\nresources:\n  - {{name: watched, account: contoso, {line}}}\n"
    );
    let nothing = BTreeMap::<String, String>::new();
    let loaded = config::parse(&text, Path::new("m365mon.yml"), &nothing).unwrap();
    let configuration = loaded.configuration;
    let clock = Clock::following_tokio(Timestamp::from_second(START).unwrap());
    let random = Arc::new(Dice::new(1));
    // A fresh token comes after a moment.
    let entra = Arc::new(OneSecret {
        secret: "canary".into(),
        takes: Duration::from_millis(700),
        ..OneSecret::default()
    });
    let reports = Arc::default();
    let prober = Noted {
        prober: TenantProber::new(service, entra.clone(), clock.clone(), random.clone()),
        reports: Arc::clone(&reports),
    };
    let state = State::new(clock.clone(), 20);
    let scheduler = Scheduler::new(Arc::new(prober), state.clone(), clock, random);
    state.configure(&configuration);
    scheduler.configure(&configuration);
    let driver = tokio::spawn(scheduler.clone().run());
    pass(seconds).await;
    let slot = state.slot("watched").unwrap();
    let course = Course {
        reports: reports.lock().clone(),
        outcomes: slot.read(Record::outcomes),
        tokens: entra.asked.lock().clone(),
    };
    scheduler.shutdown(Duration::ZERO).await;
    driver.abort();
    course
}

/// So many applications by their names.
fn applications(count: u32) -> String {
    let one = |number| format!("a{number}: 11111111-2222-3333-4444-{number:012}");
    let all: Vec<String> = (0..count).map(one).collect();
    format!("applications: {{{}}}", all.join(", "))
}

/// Each request has its timeout, and all of them the interval.
#[tokio::test(start_paused = true)]
async fn many_requests_are_not_cut_off() {
    let named = format!("kind: app_credentials, {}", applications(51));
    for (line, takes, pages, readings) in [
        // Pauses of 0.8 s between them.
        (format!("{named}, timeout: 10s"), 300, 1, 0),
        (format!("{named}, timeout: 10s"), 9_000, 1, 0),
        (named, 300, 1, 0),
        ("kind: app_credentials, all: true".into(), 60_000, 12, 5),
        (
            "kind: app_credentials, all: true, interval: 5m".into(),
            1_000,
            40,
            5,
        ),
        ("kind: service_health".into(), 9_000, 5, 0),
        ("kind: message_center".into(), 9_000, 20, 9),
        ("kind: licenses, expiry: true".into(), 9_000, 10, 0),
        ("kind: sign_in".into(), 9_000, 1, 0),
    ] {
        let service = Service {
            takes: Duration::from_millis(takes),
            pages,
        };
        let course = course(&line, service, 7_300.0).await;
        let what = format!("{line}: {:?} {:?}", course.outcomes, course.reports);
        let [good, bad, unknown] = course.outcomes;
        assert!(good >= 1 && (bad, unknown) == (0, 0), "{what}");
        for report in &course.reports {
            assert_eq!(report.readings.len(), readings, "{what}");
        }
    }
}

/// More pages than the interval has time for are not begun: the figures are
/// absent, and the service answered all the same.
#[tokio::test(start_paused = true)]
async fn a_list_longer_than_the_interval_is_not_a_failure() {
    for line in [
        "kind: message_center, interval: 1m",
        "kind: app_credentials, all: true, interval: 1m, timeout: 10s",
        "kind: licenses, expiry: true, interval: 1m",
        "kind: service_health, interval: 1m",
    ] {
        let service = Service {
            takes: Duration::from_secs(9),
            pages: u32::MAX,
        };
        let course = course(line, service, 600.0).await;
        let what = format!("{line}: {:?} {:?}", course.outcomes, course.reports);
        let [good, bad, unknown] = course.outcomes;
        assert!(good >= 8 && (bad, unknown) == (0, 0), "{what}");
        for report in &course.reports {
            assert!(report.readings.is_empty(), "{what}");
        }
    }
}

/// A token is asked for as often as the configuration says, by the ticks that are
/// nearest to that.
#[tokio::test(start_paused = true)]
async fn a_sign_in_keeps_its_interval() {
    for (interval, every, apart) in [
        (60, 300, 300),
        (300, 300, 300),
        (60, 600, 600),
        (600, 300, 600),
        (120, 300, 360),
        (240, 300, 480),
    ] {
        let line = format!("kind: sign_in, interval: {interval}s, token_interval: {every}s");
        let service = Service {
            takes: Duration::from_millis(400),
            pages: 1,
        };
        let course = course(&line, service, 7_260.0).await;
        assert_eq!(course.outcomes[1..], [0, 0], "{:?}", course.reports);
        let apart_by: Vec<_> = course
            .tokens
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).as_secs_f64().round() as u64)
            .collect();
        // The first tick after a start is not yet at its place.
        assert!(apart_by.len() >= 10, "{line}: {apart_by:?}");
        let settled = &apart_by[1..];
        assert!(
            settled.iter().all(|gap| *gap == apart),
            "{line}: {apart_by:?}"
        );
    }
}
