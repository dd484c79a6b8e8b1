//! Where Microsoft asks to slow down, one limit stops its own probes and nobody
//! else's: each gate of an exporter that watches all kinds, closed and open again.

use std::collections::BTreeSet;

use m365mon_simulator::directory::{TENANT_ID, load_team};

use super::served::Served;
use crate::support::stack::eventually;
use crate::support::tenant::{fault, mend};

/// Paths of Graph that no kind asks so often. A team may be asked every five
/// minutes, which the configuration holds `teams_team` to (Microsoft's rule for who
/// polls Teams); an `http_endpoint` with the same path counts against the same
/// limit. Nothing here has a path of "the rest of Graph", which answers so.
pub(super) fn by_path() -> String {
    let team = load_team(1, TENANT_ID).id;
    let line = |name: &str, path: &str, more: &str| {
        format!(
            "  - {{name: {name}-00001, account: contoso-services, kind: http_endpoint, interval: 4s, \
             url: \"https://graph.microsoft.com/v1.0/{path}\"{more}}}\n"
        )
    };
    let teams = line("teams-path", &format!("teams/{team}/channels"), "");
    teams + &line("planner-path", "planner/plans", ", expect_status: [400]")
}

/// Where a service throttles, which gate closes, and whose probes that holds back.
struct Gate {
    scope: &'static str,
    gate: &'static str,
    resource: &'static str,
}

const fn gate(scope: &'static str, gate: &'static str, resource: &'static str) -> Gate {
    Gate {
        scope,
        gate,
        resource,
    }
}

/// All gates there are, two of them at a time.
#[rustfmt::skip]
const GATES: [[Gate; 2]; 5] = [
    [
        gate(r#"{"workload": "sharepoint"}"#, "sharepoint", "sharepoint-site-00001"),
        gate(r#"{"workload": "teams"}"#, "teams", "teams-path-00001"),
    ],
    [
        gate(r#"{"workload": "outlook"}"#, "outlook", "exchange-calendar-00001"),
        gate(r#"{"workload": "presence"}"#, "presence", "presence-00001"),
    ],
    [
        gate(r#"{"workload": "directory"}"#, "directory", "directory-sync-00001"),
        gate(r#"{"service": "orders"}"#, "host", "http-endpoint-00001"),
    ],
    [
        gate(r#"{"workload": "service_communications"}"#, "service_communications", "message-center-00001"),
        gate(r#"{"service": "login"}"#, "entra", "sign-in-00001"),
    ],
    [
        // Intune counts among them.
        gate(r#"{"workload": "security"}"#, "security", "apple-push-certificate-00001"),
        gate(r#"{"workload": "graph"}"#, "graph", "planner-path-00001"),
    ],
];

/// A service that throttles stops its own probes and nobody else's.
pub(super) fn each(served: &Served) {
    let every = GATES.iter().flatten().map(|one| one.gate);
    let services = m365mon::model::Service::ALL.iter();
    assert_eq!(
        every.collect::<BTreeSet<_>>(),
        services.map(|service| service.as_str()).collect()
    );
    for (round, closing) in GATES.iter().enumerate() {
        for Gate { scope, gate, .. } in closing {
            let kind = r#"{"throttled": {"retry_after": {"seconds": 12}}}"#;
            let order = format!(r#"{{"name": "{gate}", "scope": {scope}, "kind": {kind}}}"#);
            fault(served.control, &order);
        }
        let names = closing.each_ref().map(|one| one.gate).join(" and ");
        eventually(&format!("{names} are closed"), || {
            let closed = served.closed();
            let both = closing.iter().all(|one| closed.contains(one.gate));
            both.then_some(())
        });
        // From here on nothing but the gates stops anybody.
        mend(served.control);
        let held = closing.each_ref().map(|one| served.successes(one.resource));
        // Those of the round before may wait still.
        let rounds = GATES.iter().enumerate();
        let witnesses: Vec<_> = rounds
            .filter(|(other, _)| *other != round && *other + 1 != round)
            .flat_map(|(_, gates)| gates)
            .map(|one| (one.resource, served.successes(one.resource)))
            .collect();
        for (resource, before) in witnesses {
            eventually(&format!("{resource} goes on without {names}"), || {
                (served.successes(resource) > before).then_some(())
            });
        }
        let closed = served.closed();
        for (one, before) in closing.iter().zip(held) {
            // Not on a machine that took more than its wait for this.
            if closed.contains(one.gate) {
                assert_eq!(served.successes(one.resource), before, "{}", one.gate);
            }
        }
        let before = round.checked_sub(1).map(|before| &GATES[before]);
        let may = before.into_iter().chain([closing]).flatten();
        let may: BTreeSet<_> = may.map(|one| one.gate).collect();
        let other: Vec<_> = closed
            .iter()
            .filter(|gate| !may.contains(&***gate))
            .collect();
        assert!(other.is_empty(), "{other:?} closed too");
    }
}
