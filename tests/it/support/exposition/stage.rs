//! A state that a test fills as it likes, and its expositions.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use m365mon::kinds::{Configuration, Resource};
use m365mon::metrics::{BuildInfo, Exposition, Format, Rendering};
use m365mon::model::{Account, Clock, Exchange, Phases, Report, RequestId, Timestamp, Verdict};
use m365mon::state::{ResourceSlot, State};

use super::super::fixtures;
pub(crate) use super::super::fixtures::{labels, site};
use super::parser::{Parsed, parse};

/// When the clock of every test starts: 2025-11-25T00:00:00Z.
pub(crate) const START: i64 = 1_764_028_800;

pub(crate) const BUILD: BuildInfo = BuildInfo {
    version: "1.2.3",
    revision: "0123456789abcdef",
    rustc_version: "1.95.0",
};

pub(crate) struct Stage {
    pub(crate) clock: Clock,
    pub(crate) state: Arc<State>,
    pub(crate) exposition: Exposition,
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

pub(crate) fn secret_account(name: &str) -> Arc<Account> {
    Arc::new(fixtures::account(name))
}

pub(crate) fn delegated_account(name: &str) -> Arc<Account> {
    Arc::new(fixtures::delegated(name, "steve@contoso.com"))
}

pub(crate) fn mailbox(name: &str, account: &Arc<Account>) -> Resource {
    Resource {
        interval: Duration::from_secs(120),
        ..fixtures::mailbox(name, account)
    }
}

pub(crate) fn configuration(
    process: &[(&str, &str)],
    accounts: &[&Arc<Account>],
    resources: Vec<Resource>,
) -> Configuration {
    Configuration {
        labels: labels(process),
        accounts: accounts.iter().map(|account| (*account).clone()).collect(),
        ..fixtures::configuration(resources)
    }
}

impl Stage {
    /// Must be called on a runtime with paused time.
    pub(crate) fn new(configuration: &Configuration) -> Self {
        let clock = Clock::following_tokio(at(0));
        let state = State::new(clock.clone(), 20);
        state.configure(configuration);
        Self {
            clock,
            exposition: Exposition::new(state.clone(), BUILD),
            state,
        }
    }

    pub(crate) fn slot(&self, name: &str) -> Arc<ResourceSlot> {
        self.state.slot(name).unwrap()
    }

    /// A report that ends now.
    pub(crate) fn report(&self, verdict: Verdict, milliseconds: u64) -> Report {
        let phases = Phases {
            resolve: Duration::from_millis(1),
            connect: Duration::from_millis(9),
            tls: Duration::from_millis(20),
            processing: Duration::from_millis(milliseconds.saturating_sub(31)),
            transfer: Duration::from_millis(1),
        };
        Report {
            exchange: Exchange {
                phases: Some(phases),
                status: Some(200),
                request_id: RequestId::parse("81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f"),
                ..Exchange::default()
            },
            ..Report::without_request(self.clock.now(), self.clock.now(), verdict, "")
        }
    }

    pub(crate) fn text(&self, format: Format) -> String {
        let mut out = Vec::new();
        let rendering = Rendering {
            format,
            gzip: false,
        };
        self.exposition.write(rendering, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    pub(crate) fn gzipped(&self, format: Format) -> String {
        let mut out = Vec::new();
        let rendering = Rendering { format, gzip: true };
        self.exposition.write(rendering, &mut out).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&*out)
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    /// Both formats, which must say the same but for exemplars.
    pub(crate) fn scrape(&self) -> Parsed {
        let [open, text] =
            [Format::OpenMetrics, Format::Text].map(|format| parse(&self.text(format), format));
        same(&open, &text);
        open
    }

    pub(crate) fn probe_text(&self, name: &str, report: Option<&Report>, format: Format) -> String {
        let mut out = Vec::new();
        let rendering = Rendering {
            format,
            gzip: false,
        };
        let timeout = Duration::from_millis(9_500);
        let slot = self.slot(name);
        self.exposition
            .probe_page(&slot, report, timeout, rendering, &mut out)
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    pub(crate) fn probe(&self, name: &str, report: Option<&Report>) -> Parsed {
        let [open, text] = [Format::OpenMetrics, Format::Text]
            .map(|format| parse(&self.probe_text(name, report, format), format));
        same(&open, &text);
        open
    }
}

/// The samples are the same, but for the process, which lives on.
pub(crate) fn same(open: &Parsed, text: &Parsed) {
    let comparable = |parsed: &Parsed| {
        let samples = parsed
            .samples
            .iter()
            .filter(|s| !s.name.starts_with("process_"));
        samples
            .map(|s| (s.name.clone(), s.labels.clone(), s.value))
            .collect::<Vec<_>>()
    };
    assert_eq!(comparable(open), comparable(text));
    assert_eq!(open.families.len(), text.families.len());
    for (name, (kind, help)) in &open.families {
        let name = if kind == "counter" {
            format!("{name}_total")
        } else {
            name.clone()
        };
        assert_eq!(
            text.families.get(&name),
            Some(&(kind.clone(), help.clone())),
            "{name}"
        );
    }
}
