//! `examples/stack/run`: one command, and Prometheus, Alertmanager and the demo
//! know of each other.

use std::process::Command;

use crate::contract::queries::root;
use crate::support::stack::{Process, eventually, free_address, get, http};

#[test]
fn one_command_brings_up_the_stack_and_leaves_nothing() {
    let [demo, prometheus, alertmanager] = [(); 3].map(|()| free_address());
    let temporary = tempfile::tempdir().unwrap();
    let mut stack = Process::start(
        "examples/stack/run",
        Command::new(root().join("examples/stack/run"))
            .arg("--interval=1s")
            .env("M365MON", env!("CARGO_BIN_EXE_m365mon"))
            .env("DEMO", demo.to_string())
            .env("PROMETHEUS", prometheus.to_string())
            .env("ALERTMANAGER", alertmanager.to_string())
            .env("TMPDIR", temporary.path()),
    );
    for program in [prometheus, alertmanager] {
        eventually("the stack is ready", || {
            http(program, "GET", "/-/ready", &[], "").filter(|answer| answer.0 == 200)
        });
    }
    let ask =
        |path: &str| -> serde_json::Value { serde_json::from_str(&get(prometheus, path)).unwrap() };
    eventually("Prometheus has scraped the demo", || {
        let answer = ask("/api/v1/query?query=count(m365_resource_up)");
        let found = answer["data"]["result"].as_array().unwrap().len();
        (found == 1).then_some(())
    });
    let rules = ask("/api/v1/rules");
    let groups = rules["data"]["groups"].as_array().unwrap().len();
    assert!(groups > 5, "{rules}");
    eventually("Prometheus knows the Alertmanager", || {
        let answer = ask("/api/v1/alertmanagers");
        let url = answer["data"]["activeAlertmanagers"][0]["url"].as_str()?;
        url.contains(&alertmanager.to_string()).then_some(())
    });

    stack.signal("TERM");
    assert_eq!(stack.exit_code(), 0, "{}", stack.output());
    let left: Vec<_> = std::fs::read_dir(temporary.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    for address in [demo, prometheus, alertmanager] {
        assert!(http(address, "GET", "/", &[], "").is_none(), "{address}");
    }
}
