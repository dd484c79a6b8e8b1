//! Planned downtime and references as a real Prometheus sees them: the exporter
//! against the simulated tenant over TLS, a window that comes by a reload, a
//! reference that goes away.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::support::stack::{Prometheus, eventually, get};
use crate::support::tenant::{Pair, fault, pair};

/// Takes connections and says nothing, until it is dropped.
struct Listener {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let flag = over.clone();
        let thread = std::thread::spawn(move || {
            for _stream in listener.incoming() {
                if flag.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        Self {
            address,
            over,
            thread: Some(thread),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes it up.
        _ = std::net::TcpStream::connect(self.address);
        _ = self.thread.take().map(JoinHandle::join);
    }
}

#[test]
fn a_window_by_reload_and_references_in_a_real_prometheus() {
    let folder = tempfile::tempdir().unwrap();
    let Pair {
        tenant: _tenant,
        exporter,
        control,
        address,
    } = pair(folder.path(), &[], |_| {});
    let path = folder.path().join("tenant/m365mon.yml");
    let before = std::fs::read_to_string(&path).unwrap();
    let prometheus = Prometheus::scraping(folder.path(), &[("m365mon", address)]);
    prometheus.wait_for("m365_resource_up{resource=\"finance\"}", |up| up == 1.0);
    // What a probe's own way is, and that nobody but us trusts this tenant.
    prometheus.wait_for(
        "m365_resource_info{resource=\"finance\", via=\"direct\", host=\"graph.microsoft.com\", service=\"SharePoint\", impact=\"users\"}",
        |one| one == 1.0,
    );
    prometheus.wait_for(
        "m365_resource_tls_intercepted{resource=\"finance\"}",
        |one| one == 1.0,
    );
    prometheus.wait_for(
        "m365_resource_certificate_expiry_timestamp_seconds{resource=\"finance\"} - time()",
        |left| left > 0.0,
    );
    prometheus.wait_for_none("m365_resource_planned_downtime or m365mon_reference_up");
    prometheus.wait_for("m365mon_config_reloads_total{result=\"success\"}", |n| {
        n == 0.0
    });

    let reload = |text: &str, count: f64| {
        std::fs::write(&path, text).unwrap();
        exporter.signal("HUP");
        prometheus.wait_for("m365mon_config_reloads_total{result=\"success\"}", |n| {
            n == count
        });
    };
    let reference = Listener::start();
    let name = format!("tcp://{}", reference.address);
    let with = format!(
        "labels: {{location: amsterdam}}\n{before}\
         windows:\n  - {{name: move, type: maintenance, start: 2020-01-01T00:00, end: 2100-01-01T00:00, match: {{resource: finance}}}}\n  \
         - {{name: never, type: service_hours, start: 2100-01-01T00:00, end: 2100-01-02T00:00, match: {{kind: exchange_mailbox}}}}\n\
         references: [\"{name}\"]\n"
    );
    reload(&with, 1.0);
    let planned = |labels: &str| format!("m365_resource_planned_downtime{{{labels}}}");
    let of = planned(
        "resource=\"finance\", window=\"move\", type=\"maintenance\", location=\"amsterdam\"",
    );
    prometheus.wait_for(&of, |one| one == 1.0);
    prometheus.wait_for(
        &format!(
            "min({})",
            planned("kind=\"exchange_mailbox\", type=\"service_hours\"")
        ),
        |one| one == 1.0,
    );
    let up = format!("m365mon_reference_up{{reference=\"{name}\", location=\"amsterdam\"}}");
    prometheus.wait_for(&up, |up| up == 1.0);
    let api: serde_json::Value = serde_json::from_str(&get(address, "/api/v1/resources")).unwrap();
    assert_eq!(api["references"][0]["reference"], *name);
    assert_eq!(api["references"][0]["up"], true);
    let finance = api["resources"].as_array().unwrap();
    let finance = finance.iter().find(|one| one["name"] == "finance").unwrap();
    assert_eq!(finance["planned"][0]["window"], "move");
    assert_eq!(finance["planned"][0]["until"], "2100-01-01T00:00:00Z");
    let page = get(address, "/");
    assert!(page.contains("planned") && page.contains(&name), "{page}");

    // Probing goes on, and what is down is down.
    fault(
        control,
        r#"{"scope": {"host": "graph.microsoft.com"}, "kind": "refuse"}"#,
    );
    prometheus.wait_for("m365_resource_up{resource=\"finance\"}", |up| up == 0.0);
    prometheus.wait_for(&of, |one| one == 1.0);

    // A file that is refused changes nothing and is counted.
    std::fs::write(&path, with.replace("resource: finance", "resource: finace")).unwrap();
    exporter.signal("HUP");
    prometheus.wait_for("m365mon_config_reloads_total{result=\"failure\"}", |n| {
        n == 1.0
    });
    exporter.wait_for("the complaint", |log| {
        log.contains("there is no resource \\\"finace\\\", did you mean \\\"finance\\\"?")
            .then_some(())
    });
    prometheus.wait_for(&of, |one| one == 1.0);

    // Without windows and references their series are gone.
    drop(reference);
    reload(&before, 2.0);
    prometheus.wait_for_none("m365_resource_planned_downtime or m365mon_reference_up");
    eventually("own answers are timed", || {
        let count = "m365mon_http_request_duration_seconds_count{handler=\"/metrics\"}";
        prometheus
            .query(count)
            .first()
            .filter(|(_, n)| *n > 3.0)
            .map(|_| ())
    });
}
