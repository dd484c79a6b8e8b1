//! Replicas: with `--shard` they share the resources, Prometheus deals out what
//! `/sd` lists, and a second Prometheus costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use crate::support::stack::{Process, Prometheus, eventually, get, http};
use crate::support::tenant::{Pair, pair};

#[test]
fn three_shards_show_every_resource_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let whole = pair(folder.path(), &[], |_| {});
    let names = |page: &str| -> Vec<String> {
        page.lines()
            .filter(|line| line.starts_with("m365_resource_interval_seconds{"))
            .filter_map(|line| {
                Some(
                    line.split_once("resource=\"")?
                        .1
                        .split_once('"')?
                        .0
                        .to_owned(),
                )
            })
            .collect()
    };
    let all = names(&get(whole.address, "/metrics"));
    assert!(all.len() > 10, "{all:?}");

    let config = folder.path().join("tenant/m365mon.yml");
    let mut seen = BTreeMap::<String, u32>::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let (_replica, address) = Process::serve(&config, &["--shard", shard]);
        for name in names(&get(address, "/metrics")) {
            *seen.entry(name).or_default() += 1;
        }
    }
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    assert_eq!(seen.len(), all.len());
}

/// Changes the lines of the configuration that the tenant wrote, one resource each.
fn reconfigure(file: &Path, change: impl Fn(&str) -> String) {
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| {
        if line.starts_with("  - {name: ") {
            change(line)
        } else {
            line.to_owned()
        }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    std::fs::write(file, text).unwrap();
}

fn with(line: &str, more: &str) -> String {
    format!("{}, {more}}}", line.strip_suffix('}').unwrap())
}

/// `examples/sharding`: three replicas, and a Prometheus that deals out what
/// `/sd` lists. Every resource is probed by exactly one of them.
#[test]
fn prometheus_deals_out_on_probe_resources_to_three_replicas() {
    let folder = tempfile::tempdir().unwrap();
    let Pair {
        tenant: _tenant,
        exporter,
        ..
    } = pair(folder.path(), &[], |_| {});
    drop(exporter);
    let config = folder.path().join("tenant/m365mon.yml");
    reconfigure(&config, |line| {
        if line.contains("kind: sharepoint_site") {
            with(line, "mode: on_probe")
        } else {
            line.to_owned()
        }
    });
    let text = std::fs::read_to_string(&config).unwrap();
    let names: BTreeSet<String> = text
        .lines()
        .filter_map(|line| {
            let (name, _) = line.strip_prefix("  - {name: ")?.split_once(',')?;
            Some(name.to_owned())
        })
        .collect();
    let sites = text.matches("mode: on_probe").count();
    assert!(sites >= 8 && names.len() > sites, "{text}");

    let example = crate::contract::queries::root().join("examples/sharding/prometheus.yml");
    let mut example = std::fs::read_to_string(example).unwrap();
    example = example.replace("60s", "1s").replace("15s", "1s");
    let replicas: Vec<(Process, SocketAddr)> = ["1/3", "2/3", "3/3"]
        .map(|shard| Process::serve(&config, &["--shard", shard]))
        .into();
    for (place, (_, address)) in replicas.iter().enumerate() {
        let name = format!("replica-{}:10365", place + 1);
        assert!(example.contains(&name));
        example = example.replace(&name, &address.to_string());
    }
    let prometheus = Prometheus::start(folder.path(), &example);

    // From either job, once; whoever was probed carries its latest outcome.
    let seen = || -> BTreeMap<String, f64> {
        let found = prometheus.query("count by (resource) (m365_resource_interval_seconds)");
        let name = |labels: &serde_json::Value| labels["resource"].as_str().unwrap().to_owned();
        found
            .iter()
            .map(|(labels, count)| (name(labels), *count))
            .collect()
    };
    eventually("Prometheus knows every resource", || {
        let seen = seen();
        assert!(seen.values().all(|count| *count == 1.0), "{seen:?}");
        (seen.len() == names.len()).then_some(())
    });
    assert_eq!(seen().into_keys().collect::<BTreeSet<_>>(), names);
    prometheus.wait_for(
        "count(m365_resource_last_probe_timestamp_seconds{job=\"m365mon-probes\"})",
        |count| count == sites as f64,
    );

    // Each site is a target once, and the replicas share them.
    let targets = get(prometheus.address(), "/api/v1/targets?state=active");
    let targets: serde_json::Value = serde_json::from_str(&targets).unwrap();
    let of_probes: Vec<(&str, &str)> = targets["data"]["activeTargets"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|target| target["labels"]["job"] == "m365mon-probes")
        .map(|target| {
            let text = |value: &'static str| target[value].as_str().unwrap();
            let instance = target["labels"]["instance"].as_str().unwrap();
            (instance, text("scrapeUrl"))
        })
        .collect();
    assert_eq!(of_probes.len(), sites, "{of_probes:?}");
    let used = replicas
        .iter()
        .filter(|(_, address)| {
            let host = format!("http://{address}/");
            of_probes.iter().any(|(_, url)| url.starts_with(&host))
        })
        .count();
    assert!(used >= 2, "{of_probes:?}");
}

/// Two Prometheus servers scrape one exporter; the tenant does not notice.
#[test]
fn a_second_prometheus_causes_no_further_probe() {
    let folder = tempfile::tempdir().unwrap();
    let Pair {
        tenant: _tenant,
        exporter,
        control,
        ..
    } = pair(folder.path(), &[], |_| {});
    drop(exporter);
    let config = folder.path().join("tenant/m365mon.yml");
    reconfigure(&config, |line| {
        if line.contains("kind: sharepoint_site") {
            with(line, "mode: on_scrape, interval: 2s, timeout: 1s")
        } else {
            with(line, "interval: 2s, timeout: 1s")
        }
    });
    let (status, ..) = http(control, "DELETE", "/requests", &[], "").unwrap();
    assert_eq!(status, 204);
    let began = Instant::now();
    let (_exporter, address) = Process::serve(&config, &[]);
    let scraping = format!(
        "global: {{scrape_interval: 2s, scrape_timeout: 2s}}\nscrape_configs:\n\
         - {{job_name: m365mon, static_configs: [{{targets: ['{address}']}}]}}\n"
    );
    let servers = ["one", "two"].map(|name| {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        Prometheus::start(&folder, &scraping)
    });
    for prometheus in &servers {
        prometheus.wait_for("count_over_time(up[5m])", |scrapes| scrapes >= 8.0);
        prometheus.wait_for("min(m365_resource_up{account=\"contoso-app\"})", |up| {
            up == 1.0
        });
    }

    let told = get(control, "/requests?latest=2000");
    let passed = began.elapsed().as_secs_f64();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let mut asked = BTreeMap::<&str, Vec<f64>>::new();
    for request in told["latest"].as_array().unwrap() {
        if request["service"] == "graph" {
            let time: jiff::Timestamp = request["time"].as_str().unwrap().parse().unwrap();
            let times = asked
                .entry(request["target"].as_str().unwrap())
                .or_default();
            times.push(time.as_millisecond() as f64 / 1e3);
        }
    }
    assert!(asked.len() >= 10, "{asked:?}");
    for (target, times) in &asked {
        // As many as one server would have caused, or none at all.
        let most = passed / 1.8 + 2.0;
        assert!(
            (times.len() as f64) <= most,
            "{target}: {times:?} in {passed}"
        );
        // A report is used again for nine tenths of its interval.
        let on_scrape = target.contains("/sites/");
        for pair in times.windows(2) {
            let gap = pair[1] - pair[0];
            assert!(!on_scrape || gap >= 1.79, "{target}: {times:?}");
        }
    }
}
