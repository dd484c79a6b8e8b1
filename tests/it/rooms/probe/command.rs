//! `m365mon probe` as a program: what it says to people, to scripts, to
//! collectors of files and to monitoring that runs plugins.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::simulated::Scene;
use crate::support::schema::Schema;

/// What a run left: exit code, stdout, stderr.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

async fn run(scene: &Scene, arguments: &[&str]) -> Run {
    run_with(scene.folder.path(), arguments, None).await
}

async fn run_with(folder: &Path, arguments: &[&str], stdin: Option<String>) -> Run {
    let folder = folder.to_owned();
    let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .arg("probe")
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(stdin.unwrap_or_default().as_bytes())
            .unwrap();
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    })
    .await
    .unwrap()
}

/// Every kind of end there is: up, down, not known.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    let finance = "https://contoso.sharepoint.com/sites/finance";
    scene.act(json!({"site": {"url": finance, "remove": true}}));
    scene
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plugins_speak_the_rules_of_plugins() {
    let scene = scene().await;
    for (arguments, code, first) in [
        (&["intranet"][..], 0, "M365 OK - intranet: answered in "),
        (
            &["intranet", "--slow", "1ms"],
            1,
            "M365 WARNING - intranet: answered in ",
        ),
        (&["finance"], 2, "M365 CRITICAL - finance: not_found: "),
        (
            &["steve-mailbox"],
            3,
            "M365 UNKNOWN - steve-mailbox: token: ",
        ),
        (
            &["nowhere"],
            3,
            "M365 UNKNOWN - there is no resource \"nowhere\", there is: ",
        ),
        (
            &["intranet", "--config.file", "missing.yml"],
            3,
            "M365 UNKNOWN - missing.yml: ",
        ),
        (
            &["intranet", "steve-mailbox", "finance"],
            2,
            "M365 CRITICAL - 1 of 3 down: finance (not_found) - 1 of 3 not known: steve-mailbox (token) | 'intranet'=",
        ),
    ] {
        let run = run(&scene, &[&["--format", "nagios"], arguments].concat()).await;
        assert_eq!(run.code, Some(code), "{} {}", run.out, run.err);
        assert!(run.out.starts_with(first), "{}", run.out);
    }
    let all = run(&scene, &["--all", "--format", "nagios"]).await;
    assert_eq!(all.code, Some(2), "{}", all.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_is_what_its_schema_says() {
    let scene = scene().await;
    let schema = Schema::of("probe");
    for (names, code, outcome) in [
        (&["intranet"][..], 0, "success"),
        (&["finance", "intranet"], 1, "failure"),
        (&["steve-mailbox", "intranet"], 2, "inconclusive"),
        (&["finance", "steve-mailbox"], 1, "failure"),
    ] {
        let run = run(&scene, &[&["--format", "json"], names].concat()).await;
        assert_eq!(run.code, Some(code), "{} {}", run.out, run.err);
        let told = schema.read(&run.out);
        assert_eq!(told["outcome"], outcome);
        let probed: Vec<&str> = told["probes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|probe| probe["resource"].as_str().unwrap())
            .collect();
        assert_eq!(probed, names);
    }
    // The check itself bites.
    for wrong in [
        json!({}),
        json!({"outcome": "up", "probes": []}),
        json!({"outcome": "success", "probes": [{}]}),
        json!({"outcome": "success", "probes": [], "more": 1}),
    ] {
        assert!(schema.check(&wrong).is_err(), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_of_files_gets_the_gauges() {
    let scene = scene().await;
    let file = scene.folder.path().join("m365mon.prom");
    let names = ["finance", "intranet", "steve-mailbox"];
    let arguments = [
        "--format",
        "openmetrics",
        "--output",
        file.to_str().unwrap(),
    ];
    let run = run(&scene, &[&arguments[..], &names].concat()).await;
    assert_eq!((run.code, &*run.out), (Some(1), ""), "{}", run.err);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    // Prometheus' text format, which node_exporter reads, knows no exemplars.
    assert!(!text.contains("} #") && !text.contains(" # {"), "{text}");
    let types: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    assert_eq!(types, ["gauge"].into());
    let of = |metric: &str, resource: &str| {
        let wanted = format!("resource=\"{resource}\"");
        text.lines()
            .find(|line| line.starts_with(&format!("{metric}{{")) && line.contains(&wanted))
            .and_then(|line| line.rsplit(' ').next())
            .map(|value| value.parse::<f64>().unwrap())
    };
    assert_eq!(of("m365_resource_up", "intranet"), Some(1.0));
    assert_eq!(of("m365_resource_up", "finance"), Some(0.0));
    assert_eq!(of("m365_resource_up", "steve-mailbox"), None);
    assert_eq!(of("m365_resource_problem", "steve-mailbox"), Some(1.0));
    assert!(of("m365_resource_latency_seconds", "intranet") > Some(0.0));
    assert_eq!(of("m365_resource_latency_seconds", "finance"), None);
    for name in names {
        assert!(of("m365_resource_last_probe_timestamp_seconds", name).is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_that_a_service_wants_is_kept_within_a_run() {
    let scene = scene().await;
    scene.fault(&json!({"throttled": {"retry_after": {"seconds": 30}}}));
    let file = std::fs::read_to_string(scene.folder.path().join("m365mon.yml")).unwrap();
    let (accounts, _) = file.split_once("\nresources:").unwrap();
    let sites: String = (0..40)
        .map(|n| format!("\n  - {{name: site-{n}, account: contoso-app, kind: sharepoint_site, url: \"https://contoso.sharepoint.com/sites/intranet\"}}"))
        .collect();
    let file = format!("{accounts}\nresources:{sites}\n");
    let arguments = ["--all", "--format", "json", "--config.file", "-"];
    let told = run_with(scene.folder.path(), &arguments, Some(file)).await;
    assert_eq!(told.code, Some(2), "{} {}", told.out, told.err);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    let probes = told["probes"].as_array().unwrap();
    assert!(
        probes.iter().all(|probe| probe["reason"] == "throttled"),
        "{told}"
    );
    let held = probes
        .iter()
        .filter(|probe| probe["http_status"].is_null())
        .count();
    // Sixteen at once are under way before the first is refused.
    assert!(held >= 40 - 16, "only {held} of 40 were held back");
}

/// As many at once as a gate lets, so that hundreds take seconds; and never more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_probed_at_once() {
    let scene = scene().await;
    scene.fault(&json!({"latency": {"from": "1s"}}));
    let file = std::fs::read_to_string(scene.folder.path().join("m365mon.yml")).unwrap();
    let (accounts, _) = file.split_once("\nresources:").unwrap();
    let sites: String = (0..48)
        .map(|n| format!("\n  - {{name: site-{n}, account: contoso-app, kind: sharepoint_site, timeout: 30s, interval: 60s, url: \"https://contoso.sharepoint.com/sites/intranet\"}}"))
        .collect();
    let file = format!("{accounts}\nresources:{sites}\n");
    let arguments = ["--all", "--format", "json", "--config.file", "-"];
    let told = run_with(scene.folder.path(), &arguments, Some(file)).await;
    assert_eq!(told.code, Some(0), "{} {}", told.out, told.err);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    let moment = |probe: &Value, key: &str| -> jiff::Timestamp {
        probe[key].as_str().unwrap().parse().unwrap()
    };
    let mut changes: Vec<(jiff::Timestamp, i32)> = told["probes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|probe| {
            [
                (moment(probe, "started"), 1),
                (moment(probe, "finished"), -1),
            ]
        })
        .collect();
    // Of one moment the ends first.
    changes.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, change) in changes {
        now += change;
        most = most.max(now);
    }
    assert!((9..=16).contains(&most), "{most} at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_for_each_of_all_problems_first() {
    let scene = scene().await;
    let all = run(&scene, &["--all"]).await;
    assert_eq!(all.code, Some(1), "{}", all.out);
    let lines: Vec<&str> = all.out.lines().collect();
    assert!(
        lines[0].starts_with("down       finance: not_found: "),
        "{}",
        all.out
    );
    // The resources of steve's, who has not signed in, are one line.
    assert!(
        lines[1].starts_with("not known  intranet-as-steve, intranet-rest, steve-mailbox: token: "),
        "{}",
        all.out
    );
    assert!(
        lines[2].starts_with("answered   home: in 0."),
        "{}",
        all.out
    );
    let last = lines[lines.len() - 1];
    assert!(
        last.contains(" probed: ") && last.ends_with(" not known"),
        "{last}"
    );
    assert!(
        all.out
            .contains("\n\nthe whole story: m365mon probe finance\n\n"),
        "{}",
        all.out
    );
}

/// Who looks sees how far it is, and lines that end where the terminal does.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_is_told_meanwhile() {
    let scene = scene().await;
    let folder = scene.folder.path().to_owned();
    let told = tokio::task::spawn_blocking(move || {
        let program = env!("CARGO_BIN_EXE_m365mon");
        Command::new("script")
            .args([
                "-qec",
                &format!("stty cols 60; {program} probe --all"),
                "/dev/null",
            ])
            .current_dir(folder)
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    assert_eq!(told.status.code(), Some(1));
    let told = String::from_utf8(told.stdout)
        .unwrap()
        .replace("\r\n", "\n");
    let (meanwhile, rest) = told.rsplit_once("\r\u{1b}[K").unwrap();
    assert!(meanwhile.contains("0 of 13 probed; "), "{meanwhile:?}");
    assert!(
        meanwhile.contains("12 of 13 probed, 4 problems"),
        "{meanwhile:?}"
    );
    assert!(
        rest.starts_with("down       finance: not_found: "),
        "{rest}"
    );
    assert!(
        rest.ends_with("13 probed: 9 answered, 1 down, 3 not known\n"),
        "{rest}"
    );
    for line in rest.lines() {
        assert!(line.chars().count() <= 60, "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_writes_is_asked_for_by_name_only() {
    let scene = scene().await;
    let file = std::fs::read_to_string(scene.folder.path().join("m365mon.yml")).unwrap();
    let (accounts, _) = file.split_once("\nresources:").unwrap();
    let mail = "  - {name: mail, account: contoso-app, kind: mail_round_trip, interval: 10m, \
                from: monitoring@contoso.onmicrosoft.com, to: helpdesk@contoso.onmicrosoft.com}\n";
    let site = "  - {name: intranet, account: contoso-app, kind: sharepoint_site, \
                url: \"https://contoso.sharepoint.com/sites/intranet\"}\n";
    let arguments = ["--all", "--format", "json", "--config.file", "-"];
    for (named, count) in [(&[][..], 1), (&["mail"][..], 2)] {
        let arguments = [&arguments[..], named].concat();
        let file = format!("{accounts}\nresources:\n{mail}{site}");
        let run = run_with(scene.folder.path(), &arguments, Some(file)).await;
        let announced = run.err.starts_with("mail writes: ");
        assert_eq!(announced, count == 2, "{}", run.err);
        let told: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(told["probes"].as_array().unwrap().len(), count, "{told}");
    }
    let only = format!("{accounts}\nresources:\n{mail}");
    let run = run_with(scene.folder.path(), &arguments, Some(only)).await;
    assert_eq!(run.code, Some(3));
    assert!(
        run.err.contains("name those that shall be probed"),
        "{}",
        run.err
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_stories_and_a_configuration_from_a_pipe() {
    let scene = scene().await;
    let file = std::fs::read_to_string(scene.folder.path().join("m365mon.yml")).unwrap();
    let from_pipe = ["intranet", "finance", "intranet", "--config.file", "-"];
    let told = run_with(scene.folder.path(), &from_pipe, Some(file)).await;
    assert_eq!(told.code, Some(1), "{} {}", told.out, told.err);
    let stories: Vec<&str> = told.out.split("\n\n").collect();
    assert_eq!(stories.len(), 3, "{}", told.out);
    // Problems first, the sum last.
    assert!(stories[0].contains("verdict: failure, not_found: "));
    assert!(stories[1].contains("intranet is a sharepoint_site"));
    assert_eq!(stories[2], "2 probed: 1 answered, 1 down, 0 not known\n");
    assert_eq!(told.err, "", "no progress where nobody looks");
    let wrong = run_with(
        scene.folder.path(),
        &from_pipe,
        Some("accounts: [}".to_owned()),
    )
    .await;
    assert_eq!(wrong.code, Some(3));
    assert!(wrong.err.starts_with("stdin:1:"), "{}", wrong.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_usage_is_said() {
    let scene = scene().await;
    for (arguments, words) in [
        (&[][..], "RESOURCE"),
        (
            &["intranet", "--slow", "fast", "--format", "nagios"],
            "a duration such as 4s",
        ),
        (
            &["intranet", "--slow", "4s"],
            "--slow is for --format nagios",
        ),
        (
            &["intranet", "--output", "missing/file"],
            "missing/file: cannot be written: ",
        ),
    ] {
        let run = run(&scene, arguments).await;
        assert_eq!(run.code, Some(3), "{arguments:?} {}", run.out);
        assert!(run.err.contains(words), "{arguments:?} {}", run.err);
    }
}
