//! Entra in trouble while very many resources of one account want tokens: one
//! request in flight, one per step of the back-off, nobody called down, and
//! recovery without a restart. By the binary, against the simulated tenant.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::support::stack::{Process, eventually, get, http};
use crate::support::tenant::{fault, mend, simulate, tell};

/// `M365MON_TEST_RESOURCES=1000` for the whole figure.
fn resources() -> usize {
    std::env::var("M365MON_TEST_RESOURCES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(150)
}

struct Scene {
    _tenant: Process,
    _exporter: Process,
    control: SocketAddr,
    address: SocketAddr,
}

impl Scene {
    fn start(folder: &Path) -> Self {
        let many = resources();
        let (tenant, control) = simulate(
            folder,
            &[
                &format!("--interval={}s", 2 + many / 125),
                &format!("--mailboxes={many}"),
            ],
        );
        tell(control, "/organizations", r#"{"token_lifetime": "15s"}"#);
        let config = folder.join("tenant/m365mon.yml");
        let text = std::fs::read_to_string(&config).unwrap();
        let text = text.replace("timeout: ", "connection: reuse, timeout: ");
        // Nobody signs in for this account: its resources would be in the way.
        let text: String = text
            .lines()
            .filter(|line| !line.contains("account: contoso-steve"))
            .flat_map(|line| [line, "\n"])
            .collect();
        std::fs::write(&config, text).unwrap();
        let (exporter, address) = Process::serve(&config, &[]);
        Self {
            _tenant: tenant,
            _exporter: exporter,
            control,
            address,
        }
    }

    /// How many resources have a series that begins and ends so.
    fn count(&self, name: &str, part: &str, end: &str) -> usize {
        get(self.address, "/metrics")
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(part) && line.ends_with(end))
            .count()
    }

    fn all(&self) -> usize {
        self.count("m365_resource_interval_seconds{", "", "")
    }

    /// Everything is up, and nothing has a problem.
    fn is_well(&self) -> Option<()> {
        let well = self.count("m365_resource_up{", "", " 1") == self.all()
            && self.count("m365_resource_problem{", "", "") == 0
            && self.count("m365_account_up{account=\"contoso-app\"", "", " 1") == 1;
        well.then_some(())
    }

    /// When tokens were asked for, in seconds, since the journal was forgotten.
    fn asked(&self) -> Vec<f64> {
        let journal = get(self.control, "/requests?latest=2000");
        let journal: Value = serde_json::from_str(&journal).unwrap();
        let entries = journal["latest"].as_array().unwrap();
        let time = |entry: &Value| {
            let time: jiff::Timestamp = entry["time"].as_str().unwrap().parse().unwrap();
            time.as_duration().as_secs_f64()
        };
        entries
            .iter()
            .filter(|entry| entry["service"] == "login")
            .map(time)
            .collect()
    }
}

/// One trouble from its beginning to recovery. `first` and `factor`: the least
/// wait after the first refusal, in seconds, and how it grows.
fn trouble(scene: &Scene, kind: &str, account: &str, first: f64, factor: f64) {
    eventually("everything is well", || scene.is_well());
    fault(
        scene.control,
        &format!(r#"{{"scope": {{"service": "login"}}, "kind": {kind}}}"#),
    );
    let (status, ..) = http(scene.control, "DELETE", "/requests", &[], "").unwrap();
    assert!((200..300).contains(&status));
    // Tokens end, and every resource says why it cannot be probed.
    let all = scene.all();
    assert!(all > resources());
    eventually(&format!("{kind}: inconclusive, token"), || {
        let inconclusive = "outcome=\"inconclusive\",reason=\"token\"";
        let those = scene.count("m365_resource_problem{", inconclusive, " 1");
        (those == all).then_some(())
    });
    let reason = format!("reason=\"{account}\"");
    eventually(&format!("{kind}: the account says {account}"), || {
        (scene.count(
            "m365_account_problem{account=\"contoso-app\"",
            &reason,
            " 1",
        ) == 1)
            .then_some(())
    });
    // Nobody is called down for it.
    assert_eq!(scene.count("m365_resource_up{", "", " 0"), 0, "{kind}");
    let asked = scene.asked();
    assert!(!asked.is_empty());
    let mut least = first;
    for pair in asked.windows(2) {
        let wait = pair[1] - pair[0];
        // Journal times are of the answer: jitter of the machine goes either way.
        assert!(
            wait >= least * 0.75,
            "{kind}: {wait} s after a wait of at least {least} s in {asked:?}"
        );
        least = (least * factor).min(48.0);
    }
    mend(scene.control);
    eventually(&format!("{kind}: recovered"), || scene.is_well());
}

#[test]
fn entra_in_trouble_and_very_many_who_want_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::start(folder.path());
    trouble(&scene, r#"{"unavailable": {}}"#, "server_error", 0.8, 2.0);
    trouble(
        &scene,
        r#"{"throttled": {"retry_after": {"seconds": 7}}}"#,
        "throttled",
        7.0,
        1.0,
    );
    trouble(&scene, "\"html\"", "bad_response", 0.8, 2.0);
    trouble(&scene, "\"reset_before\"", "connect", 0.8, 2.0);
}

#[test]
fn entra_that_is_silent_or_slow_has_one_request_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::start(folder.path());
    // Nothing for half a minute: one request, then the next.
    trouble(&scene, "\"hang\"", "timeout", 30.0, 1.0);
    // Slow, but it answers within the patience of a probe: nobody notices.
    let slow = r#"{"latency": {"from": "300ms", "to": "600ms"}}"#;
    fault(
        scene.control,
        &format!(r#"{{"scope": {{"service": "login"}}, "kind": {slow}}}"#),
    );
    let before = scene.asked().len();
    eventually("several renewals", || {
        (scene.asked().len() >= before + 3).then_some(())
    });
    assert_eq!(scene.count("m365_resource_problem{", "", ""), 0);
}
