//! The catalogue of metrics, and the collector that shows the `state` in both
//! exposition formats.
//!
//! `prometheus-client` encodes OpenMetrics 1.0 from our own collector; text
//! 0.0.4 is that stream rewritten while it flows. A scrape copies what it shows
//! first, so all families tell of one moment, judges freshness while copying,
//! and never waits for a probe. What was removed from the configuration is gone
//! with the next scrape, for nothing is kept here but labels.
//!
//! Called by the web room (`/metrics`, `/probe`) on a thread that may block.

mod catalogue;
mod collect;
mod document;
mod family;
mod labels;
mod negotiate;
mod once;
mod planned;
mod probe_page;
mod process;
mod samples;
mod scrape;
mod stream;
mod table;
mod text;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

pub use catalogue::{Metric, MetricSubject, Type, Unit, catalogue};
pub use document::documentation;
pub use negotiate::Format;
pub use stream::{CHUNK, Chunks};

use crate::kinds::Resource;
use crate::model::Report;
use crate::state::{ResourceSlot, State};
use planned::PlannedAt;
use probe_page::{Home, ProbeFacts};
use samples::{SamplePool, Samples};
use scrape::Scrape;
use stream::{ExemplarSlot, LineWriter};
use table::SeriesTable;

/// What a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildInfo {
    /// Of the package.
    pub version: &'static str,
    /// The commit it was built from, or `unknown`.
    pub revision: &'static str,
    /// Of the compiler.
    pub rustc_version: &'static str,
}

impl BuildInfo {
    /// This build.
    pub const THIS: Self = Self {
        version: env!("CARGO_PKG_VERSION"),
        revision: env!("M365MON_BUILD_REVISION"),
        rustc_version: env!("M365MON_RUSTC_VERSION"),
    };
}

/// How an answer is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rendering {
    /// The format.
    pub format: Format,
    /// Whether to gzip it, at the fastest level.
    pub gzip: bool,
}

/// Says something of a resource.
type Predicate = dyn Fn(&Resource) -> bool + Send + Sync;

/// Writes what there is to show.
pub struct Exposition {
    state: Arc<State>,
    build: BuildInfo,
    /// Of those that `/metrics` shows.
    shown: Box<Predicate>,
    /// Of those whose requests go through a proxy.
    proxied: Box<Predicate>,
    /// Of the latest configuration.
    table: Mutex<Option<Arc<SeriesTable>>>,
    pool: SamplePool,
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exposition")
    }
}

impl Exposition {
    /// Shows everything whose home is `/metrics`.
    #[must_use]
    pub fn new(state: Arc<State>, build: BuildInfo) -> Self {
        Self::showing(state, build, |_| true, |_| false)
    }

    /// Shows, of the resources whose home is `/metrics`, those that `shown`
    /// picks: the ones of this shard. `proxied` tells whose requests go through
    /// a proxy; it is asked once per configuration.
    #[must_use]
    pub fn showing(
        state: Arc<State>,
        build: BuildInfo,
        shown: impl Fn(&Resource) -> bool + Send + Sync + 'static,
        proxied: impl Fn(&Resource) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            state,
            build,
            shown: Box::new(shown),
            proxied: Box::new(proxied),
            table: Mutex::default(),
            pool: SamplePool::default(),
        }
    }

    /// Writes `/metrics`. Takes milliseconds per thousand resources and blocks
    /// when `chunks` does.
    ///
    /// # Errors
    /// What `chunks` answered: the client is gone.
    pub fn write(&self, rendering: Rendering, chunks: &mut impl Chunks) -> io::Result<()> {
        let exemplar_slot = ExemplarSlot::new(rendering.format);
        let page = collect::MetricsPage {
            scrape: Scrape::sample(&self.state, self.table(), &self.pool),
            build: self.build,
            exemplar_slot: exemplar_slot.clone(),
        };
        render(page, exemplar_slot, rendering, chunks)
    }

    /// Writes the answer of `/probe` about `slot`: `report` is what the probe
    /// left, if it left one, and `timeout` what it had. A resource at home here
    /// brings its `m365_resource_*` along.
    ///
    /// # Errors
    /// What `chunks` answered: the client is gone.
    pub fn probe_page(
        &self,
        slot: &ResourceSlot,
        report: Option<&Report>,
        timeout: Duration,
        rendering: Rendering,
        chunks: &mut impl Chunks,
    ) -> io::Result<()> {
        let exemplar_slot = ExemplarSlot::new(rendering.format);
        let resource = slot.resource();
        let home = (resource.mode == crate::kinds::Mode::OnProbe).then(|| {
            let board = self.state.board();
            let metrics = &board.metrics;
            let now = self.state.clock().moment();
            let bounds = metrics.histogram.then(|| metrics.histogram_buckets.clone());
            let mut samples = Samples::new(bounds, 1);
            samples.sample(slot, now, &self.state.closed_gates());
            Home {
                resource: resource.clone(),
                labels: table::resource_labels(resource),
                info: table::info_labels(resource, (self.proxied)(resource)),
                windows: board.windows.places(&resource.name).into(),
                planned: PlannedAt::new(
                    board.windows.clone(),
                    planned::labels(&board.windows),
                    now.civil,
                ),
                samples,
                token_expiry: slot
                    .account()
                    .snapshot()
                    .token_expiry(resource.audience().as_ref()),
                phases: metrics.phases,
            }
        });
        let page = probe_page::ProbePage {
            facts: ProbeFacts::new(report, timeout),
            home,
            exemplar_slot: exemplar_slot.clone(),
        };
        render(page, exemplar_slot, rendering, chunks)
    }

    /// Writes the gauges of these resources as OpenMetrics: for a program that
    /// probes once and ends, so that nothing of it could count.
    ///
    /// # Errors
    /// What `chunks` answered.
    pub fn gauges_of(
        &self,
        slots: &[Arc<ResourceSlot>],
        chunks: &mut impl Chunks,
    ) -> io::Result<()> {
        let rendering = Rendering {
            format: Format::OpenMetrics,
            gzip: false,
        };
        let exemplar_slot = ExemplarSlot::new(rendering.format);
        let page = once::OncePage::take(&self.state, slots, &*self.proxied, exemplar_slot.clone());
        render(page, exemplar_slot, rendering, chunks)
    }

    /// The table of the current configuration, made at its first scrape.
    fn table(&self) -> Arc<SeriesTable> {
        let board = self.state.board();
        let mut table = self.table.lock();
        match &*table {
            Some(table) if Arc::ptr_eq(&table.board, &board) => table.clone(),
            _ => {
                let made = Arc::new(SeriesTable::new(board, &*self.shown, &*self.proxied));
                *table = Some(made.clone());
                made
            }
        }
    }
}

fn render(
    page: impl Collector,
    exemplar_slot: Arc<ExemplarSlot>,
    rendering: Rendering,
    chunks: &mut impl Chunks,
) -> io::Result<()> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(page));
    let mut writer = LineWriter::new(rendering.format, rendering.gzip, exemplar_slot, chunks);
    let encoded = encode(&mut writer, &registry);
    writer.finish(encoded)
}
