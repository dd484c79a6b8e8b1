//! The simulated tenant in a process of its own, what it is told through its
//! control endpoint, and an exporter with the configuration that it wrote.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use super::stack::{Process, address_after, http};

/// What says that a body is JSON.
pub(crate) const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

/// Starts a tenant that writes into `tenant` of this folder, and waits until it
/// has; its control endpoint.
pub(crate) fn simulate(folder: &Path, more: &[&str]) -> (Process, SocketAddr) {
    let dir = folder.join("tenant");
    let own = [
        "simulate",
        "--listen=127.0.0.1:0",
        "--dir",
        dir.to_str().unwrap(),
    ];
    let tenant = Process::m365mon(&[&own, more].concat());
    let control = tenant.wait_for("control endpoint", |text| {
        address_after(text, "control endpoint  http://")
            .filter(|_| text.contains("configuration  "))
    });
    (tenant, control)
}

/// Tells the tenant something; what it says to that, if it is JSON.
pub(crate) fn tell(control: SocketAddr, path: &str, json: &str) -> Value {
    let (status, _, body) = http(control, "POST", path, &JSON, json).unwrap();
    assert!(
        (200..300).contains(&status),
        "{path} {json}: {status} {body}"
    );
    serde_json::from_str(&body).unwrap_or_default()
}

/// Puts a fault in force.
pub(crate) fn fault(control: SocketAddr, json: &str) {
    tell(control, "/faults", json);
}

/// Ends all faults.
pub(crate) fn mend(control: SocketAddr) {
    let (status, ..) = http(control, "DELETE", "/faults", &[], "").unwrap();
    assert!((200..300).contains(&status));
}

/// The application whose secret is in the configuration that [`simulate`] wrote.
pub(crate) fn client_id(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("tenant/simulator.json")).ok()?;
    let endpoints: Value = serde_json::from_str(&text).ok()?;
    Some(endpoints["client_id"].as_str()?.to_owned())
}

/// A tenant, and an exporter with the configuration that it wrote.
pub(crate) struct Pair {
    pub(crate) tenant: Process,
    pub(crate) exporter: Process,
    pub(crate) control: SocketAddr,
    pub(crate) address: SocketAddr,
}

/// Starts both; `prepare` is told the control endpoint in between.
pub(crate) fn pair(folder: &Path, arguments: &[&str], prepare: impl Fn(SocketAddr)) -> Pair {
    let (tenant, control) = simulate(folder, &["--interval=1s"]);
    prepare(control);
    let (exporter, address) = Process::serve(&folder.join("tenant/m365mon.yml"), arguments);
    Pair {
        tenant,
        exporter,
        control,
        address,
    }
}
