//! The link that is written to a terminal, and where it is not.

use std::net::{Ipv6Addr, TcpListener};
use std::process::{Command, Stdio};

use super::Exporter;
use crate::support::stack::{Process, free_address};

/// What a person at a terminal is told.
fn at_a_terminal(port: u16) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("m365mon.yml"),
        "accounts: []\nresources: []\n",
    )
    .unwrap();
    let serve = format!(
        "{} serve --web.listen-address 127.0.0.1:{port}",
        env!("CARGO_BIN_EXE_m365mon")
    );
    let mut command = Command::new("script");
    command
        .args([
            "--quiet",
            "--flush",
            "--return",
            "--command",
            &serve,
            "/dev/null",
        ])
        .current_dir(folder.path())
        .env_remove("JOURNAL_STREAM")
        .env_remove("M365MON_WEB_OPERATOR_FILE")
        .stdin(Stdio::null());
    let terminal = Process::start("script", &mut command);
    terminal.wait_for("a word on operators", |output| {
        let done = [
            "/operator#",
            "no link for operators is shown",
            "to become an operator: ",
        ];
        done.iter()
            .any(|mark| output.contains(mark))
            .then(|| output.to_owned())
    })
}

#[test]
fn no_link_where_localhost_may_lead_elsewhere() {
    let free = free_address().port();
    let told = at_a_terminal(free);
    assert!(
        told.contains(&format!("http://localhost:{free}/operator#")),
        "{told}"
    );
    let Ok(other) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return;
    };
    let told = at_a_terminal(other.local_addr().unwrap().port());
    assert!(told.contains("no link for operators is shown"), "{told}");
    assert!(!told.contains("/operator#"), "{told}");
    // Without a terminal there is a command, not a link.
    let exporter = Exporter::start(&[]);
    let said = exporter.process.wait_for("the command", |log| {
        log.contains("to become an operator: ")
            .then(|| log.to_owned())
    });
    assert!(!said.contains("/operator#"), "{said}");
}
