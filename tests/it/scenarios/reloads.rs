//! Reloads without end, of good and bad files, while probes and scrapes go on:
//! nothing that did not change is lost, doubled or counted back, and nothing
//! leaks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use m365mon::model::{Random as _, SystemRandom};

use crate::support::stack::{eventually, get, http};
use crate::support::tenant::{Pair, pair};
use crate::support::vitals::Vitals;

/// `M365MON_TEST_RELOADS=1000` for the whole figure.
fn reloads() -> usize {
    std::env::var("M365MON_TEST_RELOADS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(500)
}

/// Puts a file in the place of another in one step.
fn replace(path: &Path, text: &[u8]) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, path).unwrap();
}

/// Counters by series: of probes and problems, and what is skipped.
fn counters(metrics: &str) -> BTreeMap<String, f64> {
    metrics
        .lines()
        .filter(|line| {
            line.starts_with("m365_resource_prob") || line.starts_with("m365mon_probes_skipped")
        })
        .filter_map(|line| {
            let (series, value) = line.split('#').next()?.trim().rsplit_once(' ')?;
            let (name, _) = series.split_once('{')?;
            let counts = name.ends_with("_total") || name.ends_with("_bucket");
            counts.then(|| Some((series.to_owned(), value.parse().ok()?)))?
        })
        .collect()
}

fn probes(counters: &BTreeMap<String, f64>, resource: &str) -> f64 {
    let begin = format!("m365_resource_probes_total{{resource=\"{resource}\"");
    sum(counters, &begin)
}

fn sum(counters: &BTreeMap<String, f64>, begin: &str) -> f64 {
    let those = counters
        .iter()
        .filter(|(series, _)| series.starts_with(begin));
    those.map(|(_, value)| value).sum()
}

/// The resources that no version of the file changes.
const UNCHANGED: [&str; 4] = ["home", "intranet", "finance", "info-mailbox"];

/// One of the files, and whether it is good.
fn version(good: &str, number: usize) -> (Vec<u8>, bool) {
    let added = format!(
        "{good}  - {{name: added-{}, account: contoso-app, kind: sharepoint_site, \
         url: \"https://contoso.sharepoint.com/sites/intranet\", interval: {}s}}\n",
        number % 7,
        1 + number % 3
    );
    match number % 9 {
        0 => (good.into(), true),
        1 | 2 => (added.into(), true),
        3 => (
            // Another interval and a label for one, another one gone.
            good.replace(
                "name: hr,",
                "name: hr, interval: 3s, labels: {team: people},",
            )
            .lines()
            .filter(|line| !line.contains("name: marketing,"))
            .flat_map(|line| [line, "\n"])
            .collect::<String>()
            .into(),
            true,
        ),
        4 => (good.replace("kind:", "kinds:").into(), false),
        5 => (b"resources: [".to_vec(), false),
        6 => (vec![0xff, 0, 0x80, b'\n'], false),
        7 => (b"- a list\n".to_vec(), false),
        _ => (
            added
                .replace("account: contoso-app", "account: nobody")
                .into(),
            false,
        ),
    }
}

fn post(address: SocketAddr) -> u16 {
    let headers = [("Origin", &*format!("http://{address}"))];
    http(address, "POST", "/-/reload", &headers, "").unwrap().0
}

#[test]
fn nothing_is_lost_doubled_or_leaked() {
    let folder = tempfile::tempdir().unwrap();
    let Pair {
        tenant: _tenant,
        exporter,
        address,
        ..
    } = pair(folder.path(), &["--web.enable-lifecycle"], |_| {});
    let config = folder.path().join("tenant/m365mon.yml");
    let good = std::fs::read_to_string(&config).unwrap();
    let warm = |metrics: &str| {
        let counters = counters(metrics);
        UNCHANGED.iter().all(|name| probes(&counters, name) >= 3.0)
    };
    eventually("it is warm", || {
        warm(&get(address, "/metrics")).then_some(())
    });
    for number in 0..9 {
        replace(&config, &version(&good, number).0);
        _ = post(address);
    }
    let before = Vitals::of(exporter.id());
    let mut last = counters(&get(address, "/metrics"));
    let (first, began) = (last.clone(), Instant::now());

    for _ in 0..reloads() {
        let mut bytes = [0; 2];
        SystemRandom::new().fill(&mut bytes);
        let (text, is_good) = version(&good, usize::from(bytes[0]));
        replace(&config, &text);
        if bytes[1] % 2 == 0 {
            exporter.signal("HUP");
        } else {
            let status = post(address);
            assert_eq!(status, if is_good { 200 } else { 500 });
        }
        let now = counters(&get(address, "/metrics"));
        for (series, value) in &last {
            let stays = UNCHANGED
                .iter()
                .any(|name| series.contains(&format!("{{resource=\"{name}\"")));
            if stays || series.starts_with("m365mon_") {
                let found = now.get(series).copied().unwrap_or(-1.0);
                assert!(found >= *value, "{series} went from {value} to {found}");
            }
        }
        last = now;
    }
    // Each tick of a second brought one report, or is among the skipped.
    let passed = began.elapsed().as_secs_f64();
    let skipped = sum(&last, "m365mon_probes_skipped") - sum(&first, "m365mon_probes_skipped");
    for name in UNCHANGED {
        let reports = probes(&last, name) - probes(&first, name);
        assert!(reports <= passed + 2.0, "{name}: {reports} in {passed} s");
        assert!(
            reports + skipped >= passed - 2.0,
            "{name}: {reports} and {skipped} skipped in {passed} s"
        );
    }

    replace(&config, good.as_bytes());
    eventually("the last file is good", || {
        (post(address) == 200).then_some(())
    });
    let after = eventually("as few files and threads as before", || {
        let after = Vitals::of(exporter.id());
        let few = after.files <= before.files + 8 && after.threads <= before.threads + 2;
        few.then_some(after)
    });
    println!(
        "{} reloads in {passed:.0} s: {before:?}, then {after:?}",
        reloads()
    );
    assert!(
        after.memory <= before.memory + 24 * 1024,
        "{before:?} {after:?}"
    );
    assert!(!exporter.output().contains("panicked"));
}
