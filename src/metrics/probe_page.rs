//! The answer of `/probe`: the names that every blackbox dashboard knows, and
//! for a resource at home here its own metrics as well.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::catalogue as c;
use super::collect::{View, resources, unix};
use super::family::Families;
use super::labels::LabelSet;
use super::planned::PlannedAt;
use super::samples::Samples;
use super::stream::ExemplarSlot;
use crate::kinds::Resource;
use crate::model::{IpVersion, Outcome, Phase, Phases, Report, Timestamp};

/// `/probe`.
#[derive(Debug)]
pub(super) struct ProbePage {
    pub(super) facts: ProbeFacts,
    pub(super) home: Option<Home>,
    pub(super) exemplar_slot: Arc<ExemplarSlot>,
}

/// The resource, when its metrics are shown here and nowhere else.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) resource: Arc<Resource>,
    pub(super) labels: Box<str>,
    pub(super) info: Box<str>,
    pub(super) windows: Box<[u16]>,
    pub(super) planned: PlannedAt,
    pub(super) samples: Samples,
    pub(super) token_expiry: Option<Timestamp>,
    pub(super) phases: bool,
}

/// What the `probe_*` metrics say.
#[derive(Debug)]
pub(super) struct ProbeFacts {
    timeout: f64,
    report: Option<ReportFacts>,
}

#[derive(Debug)]
struct ReportFacts {
    success: Option<bool>,
    duration: f64,
    status: u16,
    http_version: f64,
    tls_version: Option<&'static str>,
    ip: u32,
    phases: Phases,
    certificate_expiry: Option<Timestamp>,
}

impl ProbeFacts {
    pub(super) fn new(report: Option<&Report>, timeout: std::time::Duration) -> Self {
        let report = report.map(|report| ReportFacts {
            success: match report.verdict.outcome() {
                Outcome::Success => Some(true),
                Outcome::Failure => Some(false),
                Outcome::Inconclusive => None,
            },
            duration: report
                .finished
                .duration_since(report.started)
                .as_secs_f64()
                .max(0.0),
            status: report.exchange.status.unwrap_or_default(),
            http_version: report.exchange.connection.http_version.unwrap_or_default(),
            tls_version: report.exchange.connection.tls_version,
            ip: match report.exchange.connection.ip_version {
                Some(IpVersion::V4) => 4,
                Some(IpVersion::V6) => 6,
                None => 0,
            },
            phases: report.exchange.phases.unwrap_or_default(),
            certificate_expiry: report.exchange.connection.certificate_expiry,
        });
        Self {
            timeout: timeout.as_secs_f64(),
            report,
        }
    }

    fn encode(&self, f: &mut Families<'_, '_>) -> fmt::Result {
        let bare = LabelSet::new("");
        let report = self.report.as_ref();
        let success = report.and_then(|report| report.success);
        f.gauges(
            &c::PROBE_SUCCESS,
            success.map(|success| (bare, u32::from(success))),
        )?;
        f.gauges(
            &c::PROBE_DURATION,
            report.map(|report| (bare, report.duration)),
        )?;
        f.gauges(&c::PROBE_TIMEOUT, [(bare, self.timeout)])?;
        let Some(report) = report else {
            return Ok(());
        };
        f.gauges(
            &c::PROBE_HTTP_STATUS_CODE,
            [(bare, u32::from(report.status))],
        )?;
        f.gauges(&c::PROBE_HTTP_VERSION, [(bare, report.http_version)])?;
        f.gauges(
            &c::PROBE_HTTP_SSL,
            [(bare, u32::from(report.tls_version.is_some()))],
        )?;
        f.gauges(&c::PROBE_IP_PROTOCOL, [(bare, report.ip)])?;
        f.gauges(
            &c::PROBE_DNS_LOOKUP_TIME,
            [(bare, report.phases.resolve.as_secs_f64())],
        )?;
        let phases = Phase::ALL.map(|phase| {
            (
                bare.with("phase", phase.as_str()),
                report.phases.get(phase).as_secs_f64(),
            )
        });
        f.gauges(&c::PROBE_HTTP_DURATION, phases)?;
        let expiry = report.certificate_expiry.map(|end| (bare, unix(end)));
        f.gauges(&c::PROBE_SSL_EARLIEST_CERT_EXPIRY, expiry)?;
        let tls = report
            .tls_version
            .map(|version| (bare.with("version", version), 1_u32));
        f.gauges(&c::PROBE_TLS_VERSION_INFO, tls)
    }
}

impl Collector for ProbePage {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families {
            encoder,
            exemplar_slot: &self.exemplar_slot,
            counting: true,
        };
        self.facts.encode(&mut families)?;
        let Some(home) = &self.home else {
            return Ok(());
        };
        let view = home.samples.list.first().map(|sample| View {
            labels: &home.labels,
            info: &home.info,
            windows: &home.windows,
            resource: &home.resource,
            sample,
            place: 0,
            token_expiry: home.token_expiry,
        });
        resources(
            &mut families,
            &view.into_iter(),
            &home.samples,
            &home.planned,
            home.phases,
        )
    }
}
