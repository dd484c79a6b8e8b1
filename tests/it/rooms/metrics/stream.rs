//! How it is written: exemplars, chunks, gzip, escaping.

use std::io;

use bytes::Bytes;
use m365mon::kinds::Resource;
use m365mon::metrics::{CHUNK, Chunks, Format, Rendering};
use proptest::prelude::*;

use crate::support::exposition::eventful::{SUCCESS, eventful, without_process};
use crate::support::exposition::parser::parse;
use crate::support::exposition::stage::{self, Stage, configuration, labels, secret_account, site};

#[tokio::test(start_paused = true)]
async fn exemplars_carry_the_request_id() {
    let stage = eventful().await;
    let page = stage.scrape();
    let exemplars: Vec<_> = page
        .samples
        .iter()
        .filter_map(|s| Some((s, s.exemplar.as_ref()?)))
        .collect();
    for (sample, (labels, value, time)) in &exemplars {
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["request_id"]);
        assert!(*time >= stage::START as f64);
        if let Some(le) = sample.labels.get("le") {
            assert!(*value <= le.trim_start_matches('+').parse().unwrap_or(f64::INFINITY));
        }
    }
    // Four buckets of intranet, one of wiki, one of the mailbox, one problem.
    assert_eq!(exemplars.len(), 7, "{exemplars:?}");
}

#[derive(Default)]
struct Sizes(Vec<usize>);

impl Chunks for Sizes {
    fn chunk(&mut self, chunk: Bytes) -> io::Result<()> {
        self.0.push(chunk.len());
        if self.0.len() == 3 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn big_pages_come_in_chunks_and_stop_when_nobody_listens() {
    let account = secret_account("contoso");
    let resources = (0..500)
        .map(|number| site(&format!("site-{number}"), &account))
        .collect();
    let stage = Stage::new(&configuration(&[], &[&account], resources));
    for slot in stage.state.slots().iter() {
        slot.record(&stage.report(SUCCESS, 100));
    }
    for format in [Format::OpenMetrics, Format::Text] {
        let plain = without_process(&stage.text(format));
        assert!(plain.len() > 10 * CHUNK);
        assert_eq!(without_process(&stage.gzipped(format)), plain);
        let mut sizes = Sizes::default();
        let rendering = Rendering {
            format,
            gzip: false,
        };
        let error = stage.exposition.write(rendering, &mut sizes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert!(
            sizes
                .0
                .iter()
                .all(|size| (CHUNK..CHUNK + CHUNK / 8).contains(size)),
            "{:?}",
            sizes.0
        );
    }
    stage.scrape();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_label_value_comes_back(
        name in ".{1,40}",
        team in "[\\PC\"\\\\\n#{} =]{0,40}",
        location in "(\\PC|[\"\\\\\n#{}]){0,40}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let account = secret_account(&name);
            let resource = Resource {
                labels: labels(&[("location", &location), ("team", &team)]),
                ..site(&name, &account)
            };
            let stage = Stage::new(&configuration(&[("location", &location)], &[&account], vec![resource]));
            stage.slot(&name).record(&stage.report(SUCCESS, 100));
            let parsed = stage.scrape();
            for sample in &parsed.samples {
                for (label, value) in [("resource", &name), ("account", &name), ("team", &team), ("location", &location)] {
                    if let Some(found) = sample.labels.get(label) {
                        assert_eq!(found, value);
                    }
                }
            }
            assert_eq!(parsed.value("m365_resource_up", ("resource", &name)), Some(1.0));
        });
    }
}

/// The parser itself notices what is wrong.
#[test]
fn the_parser_is_strict() {
    for bad in [
        "a 1\n",
        "# HELP a A.\n# TYPE a gauge\nb 1\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\na{b=\"c} 1\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\na 1\na 1\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\na 1\n",
        "# HELP a A.\n# TYPE a counter\na 1\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\na inf\n# EOF\n",
    ] {
        let outcome = std::panic::catch_unwind(|| parse(bad, Format::OpenMetrics));
        assert!(outcome.is_err(), "{bad}");
    }
}
