//! `/metrics` of many resources, in this process: what it costs to write, with
//! and without gzip, against a reference of the same bytes.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use m365mon::config;
use m365mon::metrics::{BuildInfo, Chunks, Exposition, Format, Rendering};
use m365mon::model::{Clock, Exchange, Phases, Report, RequestId, Timestamp, Verdict};
use m365mon::state::State;

use crate::reference::Page;
use crate::usage;

/// Counts what goes out and drops it.
#[derive(Default)]
struct Sink {
    bytes: usize,
    kept: Option<Vec<u8>>,
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the exposition writes into: the same, by whole chunks.
struct Counter(Sink);

impl Chunks for Counter {
    fn chunk(&mut self, chunk: bytes::Bytes) -> io::Result<()> {
        self.0.write_all(&chunk)
    }
}

/// The cost of one page.
pub(crate) struct Cost {
    /// Of the page, uncompressed.
    pub(crate) bytes: usize,
    pub(crate) lines: usize,
    /// CPU time of the exporter's own code, and of the reference's.
    pub(crate) ours: Duration,
    pub(crate) reference: Duration,
}

impl Cost {
    pub(crate) fn ratio(&self) -> f64 {
        self.ours.as_secs_f64() / self.reference.as_secs_f64()
    }
}

/// A configuration with so many sites of ten accounts, as people write it.
pub(crate) fn configuration(resources: usize) -> String {
    let mut text = String::from("labels: {location: amsterdam}\naccounts:\n");
    for account in 1..=10 {
        _ = writeln!(
            text,
            "  - {{name: contoso-{account:02}, tenant: contoso-{account:02}.onmicrosoft.com, \
             client_id: 11111111-2222-3333-4444-{account:012}, client_secret: {{secret: none}}}}"
        );
    }
    text.push_str("resources:\n");
    for number in 0..resources {
        let account = number % 10 + 1;
        _ = writeln!(
            text,
            "  - {{name: site-{number:05}, account: contoso-{account:02}, kind: sharepoint_site, \
             url: \"https://contoso-{account:02}.sharepoint.com/sites/{number:05}\", \
             labels: {{team: web}}}}"
        );
    }
    text
}

/// A state in which every one of `resources` was probed a few times, so that
/// all metrics show.
pub(crate) fn exposition(resources: usize) -> anyhow::Result<Exposition> {
    struct Nothing;
    impl config::Environment for Nothing {
        fn var(&self, _name: &str) -> Option<String> {
            None
        }
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("m365mon.yml");
    std::fs::write(&file, configuration(resources))?;
    let loaded = config::load(&file, &Nothing).context("the configuration of the benchmark")?;
    let clock = Clock::system();
    let state = State::new(clock.clone(), 20);
    state.configure(&loaded.configuration);
    for (number, slot) in state.slots().iter().enumerate() {
        for probe in 0..5_u64 {
            slot.record(&report(number as u64, probe, clock.now()));
        }
    }
    Ok(Exposition::new(state, BuildInfo::THIS))
}

fn report(resource: u64, probe: u64, now: Timestamp) -> Report {
    // Any numbers that differ and spread over the buckets of the histogram.
    let mix = (resource * 5 + probe).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let micros = |bits: u32, most: u64| Duration::from_micros(mix.rotate_left(bits) % most + 1);
    let phases = Phases {
        resolve: micros(3, 2_000),
        connect: micros(7, 30_000),
        tls: micros(11, 60_000),
        processing: micros(19, 300_000 << (mix % 4)),
        transfer: micros(29, 9_000),
    };
    let id = format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        mix >> 32,
        mix & 0xffff,
        (mix >> 16) & 0xfff,
        (mix >> 28) & 0xfff,
        mix & 0xffff_ffff_ffff
    );
    Report {
        exchange: Exchange {
            phases: Some(phases),
            status: Some(200),
            request_id: RequestId::parse(&id),
            ..Exchange::default()
        },
        ..Report::without_request(now, now, Verdict::Success, "")
    }
}

/// Writes the page by both ways in turn, `rounds` times, and takes the quickest
/// of each: whatever else runs on the machine only ever adds.
pub(crate) fn cost(resources: usize, gzip: bool, rounds: usize) -> anyhow::Result<Cost> {
    let exposition = exposition(resources)?;
    let format = Format::OpenMetrics;
    let ours = |kept: Option<Vec<u8>>, gzip: bool| -> anyhow::Result<Sink> {
        let mut sink = Counter(Sink { bytes: 0, kept });
        exposition.write(Rendering { format, gzip }, &mut sink)?;
        Ok(sink.0)
    };
    let plain = ours(Some(Vec::new()), false)?.kept.unwrap_or_default();
    let text = String::from_utf8(plain)?;
    let page = Page::parse(&text)?;
    let mut again = Vec::with_capacity(text.len());
    page.write(&mut again)?;
    ensure!(
        again == text.as_bytes(),
        "the reference writes something else"
    );
    let reference = || -> anyhow::Result<Sink> {
        let mut sink = Sink::default();
        if gzip {
            let mut encoder = GzEncoder::new(&mut sink, Compression::fast());
            encoder.write_all(text.as_bytes())?;
            encoder.finish()?;
        } else {
            page.write(&mut sink)?;
        }
        Ok(sink)
    };
    // The kernel's clock of a thread is not fine: small pages are written often.
    let pages = u32::try_from(20_000 / resources.max(1)).unwrap_or(1).max(2);
    let mut best = [Duration::MAX; 2];
    for _ in 0..rounds {
        let before = usage::this_thread()?;
        for _ in 0..pages {
            ours(None, gzip)?;
        }
        let between = usage::this_thread()?;
        for _ in 0..pages {
            reference()?;
        }
        let after = usage::this_thread()?;
        for (best, cost) in best.iter_mut().zip([between - before, after - between]) {
            *best = (*best).min(cost / pages);
        }
    }
    let [ours, reference] = best;
    Ok(Cost {
        bytes: text.len(),
        lines: text.lines().count(),
        ours,
        reference,
    })
}

/// Renders nothing but our page, for a profiler.
pub(crate) fn render(resources: usize, gzip: bool, rounds: usize) -> anyhow::Result<()> {
    let exposition = Arc::new(exposition(resources)?);
    let format = Format::OpenMetrics;
    for _ in 0..rounds {
        let mut sink = Counter(Sink::default());
        exposition.write(Rendering { format, gzip }, &mut sink)?;
    }
    Ok(())
}
