//! How many series a resource makes: counted, bounded, and written down in
//! `docs/scaling.md`.

use std::time::Duration;

use m365mon::metrics::Format;
use m365mon::model::{
    AccountObserver as _, AccountStatus, CredentialKind, MetricsSettings, Reason, Sample,
};

use crate::support::exposition::eventful::{SUCCESS, problem};
use crate::support::exposition::stage::{Stage, at, configuration, secret_account, site};

/// A resource of an account whose secret ends.
fn stage(settings: impl Fn(&mut MetricsSettings)) -> Stage {
    let account = secret_account("contoso");
    let mut configuration = configuration(&[], &[&account], vec![site("intranet", &account)]);
    settings(&mut configuration.metrics);
    let stage = Stage::new(&configuration);
    let status = AccountStatus {
        deadlines: vec![(CredentialKind::ClientSecret, at(86_400))],
        ..AccountStatus::default()
    };
    stage.state.status(&account, &status);
    stage
}

fn succeed(stage: &Stage) {
    let mut report = stage.report(SUCCESS, 200);
    report.exchange.server.latency = Some(Duration::from_millis(30));
    report.exchange.connection.certificate_expiry = Some(at(86_400));
    report.exchange.connection.intercepted = Some(false);
    report.readings = Box::new([Sample::plain(0, 1.0)]);
    stage.slot("intranet").record(&report);
}

fn series(stage: &Stage) -> usize {
    let text = stage.text(Format::Text);
    text.lines()
        .filter(|line| {
            line.contains("{resource=\"intranet\"") || line.contains(",resource=\"intranet\"")
        })
        .count()
}

#[tokio::test(start_paused = true)]
async fn the_series_of_a_resource_are_as_many_as_documented() {
    let all = |_: &mut MetricsSettings| {};
    let without_phases = |settings: &mut MetricsSettings| settings.phases = false;
    let without_histogram = |settings: &mut MetricsSettings| settings.histogram = false;
    let without_both = |settings: &mut MetricsSettings| {
        settings.phases = false;
        settings.histogram = false;
    };
    let count = |stage: Stage| {
        succeed(&stage);
        let healthy = series(&stage);
        // The worst of lives: every reason there is, a failure last.
        for reason in Reason::ALL {
            stage
                .slot("intranet")
                .record(&stage.report(problem(reason), 100));
        }
        succeed(&stage);
        let recovered = series(&stage);
        stage
            .slot("intranet")
            .record(&stage.report(problem(Reason::Throttled), 100));
        let most = series(&stage);
        assert_eq!(recovered + 1, most);
        (healthy, most)
    };
    let counts = [
        ("everything", count(stage(all))),
        ("`phases: false`", count(stage(without_phases))),
        ("`histogram: false`", count(stage(without_histogram))),
        ("both", count(stage(without_both))),
    ];
    let documentation = crate::contract::queries::root().join("docs/scaling.md");
    let documentation = std::fs::read_to_string(documentation).unwrap();
    for (what, (healthy, most)) in counts {
        let row = format!("| {what} | {healthy} | {most} |");
        assert!(documentation.contains(&row), "docs/scaling.md lacks {row}");
    }
}
