//! `m365mon probe` as a program: what it says to people, to scripts, to
//! collectors of files and to monitoring that runs plugins.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::simulated::Scene;

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
            "M365 UNKNOWN - there is no resource \"nowhere\"; there is: ",
        ),
        (
            &["intranet", "--config.file", "missing.yml"],
            3,
            "M365 UNKNOWN - missing.yml: ",
        ),
        (
            &["intranet", "steve-mailbox", "finance"],
            2,
            "M365 CRITICAL - 1 of 3 down: finance (not_found); 1 of 3 not known: steve-mailbox (token) | 'intranet'=",
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
    let schema = include_str!("../../../../docs/schemas/probe.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    for (names, code, outcome) in [
        (&["intranet"][..], 0, "success"),
        (&["finance", "intranet"], 1, "failure"),
        (&["steve-mailbox", "intranet"], 2, "inconclusive"),
        (&["finance", "steve-mailbox"], 1, "failure"),
    ] {
        let run = run(&scene, &[&["--format", "json"], names].concat()).await;
        assert_eq!(run.code, Some(code), "{} {}", run.out, run.err);
        let told: Value = serde_json::from_str(&run.out).unwrap();
        fits(&schema, &told, "").unwrap();
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
        assert!(fits(&schema, &wrong, "").is_err(), "{wrong}");
    }
}

/// As much of JSON Schema as ours say.
fn fits(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let fitting = types
        .iter()
        .any(|one| *one == name || *one == "number" && name == "integer");
    if !fitting {
        return Err(format!("{at}: {name}, not {types:?}"));
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        return Err(format!("{at}: {value} is none of {choices:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        fits(&schema["items"], item, &format!("{at}[]"))?;
    }
    let Some(object) = value.as_object() else {
        return Ok(());
    };
    for key in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(key.as_str().unwrap()) {
            return Err(format!("{at}: {key} is missing"));
        }
    }
    for (key, inner) in object {
        let known = [&schema["properties"][key], &schema["additionalProperties"]];
        let Some(known) = known.into_iter().find(|one| one.is_object()) else {
            return Err(format!("{at}: {key} is not in the schema"));
        };
        fits(known, inner, &format!("{at}.{key}"))?;
    }
    Ok(())
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
    // Eight at once are under way before the first is refused.
    assert!(held >= 40 - 16, "only {held} of 40 were held back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_stories_and_a_configuration_from_a_pipe() {
    let scene = scene().await;
    let file = std::fs::read_to_string(scene.folder.path().join("m365mon.yml")).unwrap();
    let from_pipe = ["intranet", "finance", "intranet", "--config.file", "-"];
    let told = run_with(scene.folder.path(), &from_pipe, Some(file)).await;
    assert_eq!(told.code, Some(1), "{} {}", told.out, told.err);
    let stories: Vec<&str> = told.out.split("\n\n").collect();
    assert_eq!(stories.len(), 2, "{}", told.out);
    assert!(stories[0].contains("intranet is a sharepoint_site"));
    assert!(stories[1].contains("verdict: failure, not_found: "));
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
        (&["--all", "intranet"], "cannot be used with"),
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
