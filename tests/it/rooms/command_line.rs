//! The command line as a whole: exit codes mean the same for every command, a
//! document in JSON is what its schema says, a shell completes names.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use m365mon_simulator::directory::SELECTED_CLIENT_ID;
use serde_json::Value;

use super::doctor::stage::{Stage, mailbox, selected, site, steve};
use crate::support::schema::Schema;

fn run(folder: &Path, words: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .args(words)
        .current_dir(folder)
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("STATE_DIRECTORY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read it is gone by then.
    _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A site that is there, one that is not, and a mailbox of somebody who has not
/// signed in.
fn stage() -> Stage {
    let stage = Stage::set();
    let accounts = [selected(), steve()].join("\n");
    let gone = site("app", "sites/gone", "").replace("app-site", "gone");
    let resources = [
        site("app", "sites/intranet", ""),
        gone,
        mailbox("steve", "steve"),
    ];
    stage.configure(&accounts, &resources.join("\n"));
    std::fs::write(stage.path("broken.yml"), "accounts: [}").unwrap();
    std::fs::write(stage.path("empty.yml"), "accounts: []\nresources: []\n").unwrap();
    stage
}

/// Half of a script is none: a disk that is full is no success.
#[test]
fn what_could_not_be_written_is_an_error() {
    let stage = stage();
    for words in [
        &["setup"][..],
        &["check-config"],
        &["completions", "bash"],
        &["version"],
        &["tokens"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let output = Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .args(words)
            .current_dir(stage.path(""))
            .stdin(Stdio::null())
            .stdout(full.unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {told}");
        assert!(told.contains("incomplete"), "{words:?}: {told}");
    }
}

/// 0 fine, 1 no, 2 not found out, 3 wrong usage or configuration (DESIGN 7):
/// each command with each of them that it can have.
#[test]
fn exit_codes_are_the_same_everywhere() {
    let stage = stage();
    let folder = stage.path("");
    let broken = ["--config.file", "broken.yml"];
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("127.0.0.1:{}", taken.local_addr().unwrap().port());
    let with_broken = |words: &[&'static str]| [words, &broken[..]].concat();
    let table: Vec<(Vec<&str>, i32)> = vec![
        (vec!["--version"], 0),
        (vec!["--help"], 0),
        (vec!["version"], 0),
        (vec!["nonsense"], 3),
        (vec!["--nonsense"], 3),
        (vec!["version", "--nonsense"], 3),
        (with_broken(&["serve"]), 3),
        (vec!["serve", "--web.listen-address", "nowhere"], 3),
        (with_broken(&[]), 3),
        (vec!["open", "--operator-file"], 3),
        (vec!["open"], 1),
        (vec!["check-config"], 0),
        (with_broken(&["check-config"]), 3),
        (with_broken(&["check-config", "--format", "json"]), 3),
        (vec!["probe", "app-site"], 0),
        (vec!["probe", "gone"], 1),
        (vec!["probe", "steve-mailbox"], 2),
        (vec!["probe", "--all"], 1),
        (vec!["probe", "app-site", "steve-mailbox"], 2),
        (vec!["probe"], 3),
        (vec!["probe", "nowhere"], 3),
        (with_broken(&["probe", "x"]), 3),
        (vec!["doctor"], 1),
        (vec!["doctor", "--account", "nobody"], 3),
        (with_broken(&["doctor"]), 3),
        (vec!["setup"], 0),
        (vec!["setup", "--account", "nobody"], 3),
        (with_broken(&["setup"]), 3),
        (vec!["login", "app"], 3),
        (vec!["login", "nobody"], 3),
        (with_broken(&["login", "steve"]), 3),
        (vec!["logout", "steve"], 0),
        (vec!["logout", "app"], 3),
        (with_broken(&["logout", "steve"]), 3),
        (vec!["discover"], 3),
        (vec!["discover", "nobody"], 3),
        (with_broken(&["discover", "app"]), 3),
        (vec!["tokens"], 0),
        (with_broken(&["tokens"]), 3),
        (vec!["names", "accounts"], 0),
        (with_broken(&["names", "accounts"]), 3),
        (vec!["hash-password"], 0),
        (vec!["completions", "bash"], 0),
        (vec!["completions", "sh"], 3),
        (vec!["report", "--month", "yesterday"], 3),
        (
            vec![
                "report",
                "--month",
                "2026-10",
                "--prometheus.url",
                "http://127.0.0.1:1/",
            ],
            1,
        ),
        (vec!["demo", "--speed", "0"], 3),
        (vec!["simulate"], 3),
        (
            vec!["simulate", "--dir", "x", "--scenario", "missing.yml"],
            3,
        ),
        (vec!["simulate", "--dir", "broken.yml/x"], 1),
        (vec!["simulate", "--dir", "x", "--listen", &taken], 1),
    ];
    let mut commands = BTreeSet::new();
    for (words, code) in &table {
        let output = run(&folder, words, "a password of some length\n");
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(*code), "{words:?}\n{out}\n{err}");
        // What is wrong is told, on stderr unless a document tells it.
        let told = if words.contains(&"json") { &out } else { &err };
        assert!(*code != 3 || !told.is_empty(), "{words:?} says nothing");
        commands.extend(words.first().map(|word| (*word).to_owned()));
    }
    // Something that only cannot be seen.
    stage.configure(&selected(), &site("app", "sites/intranet", ""));
    stage.fault("graph.microsoft.com", r#"{"throttled": {}}"#);
    assert_eq!(run(&folder, &["doctor"], "").status.code(), Some(2));
    stage.mend();
    assert_eq!(run(&folder, &["doctor"], "").status.code(), Some(0));
    // A store that cannot be read.
    stage.configure(&steve(), &site("steve", "sites/intranet", ""));
    std::fs::write(stage.path("m365mon.tokens"), "nonsense").unwrap();
    let output = run(&folder, &["tokens", "--format", "json"], "");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let told = Schema::of("tokens").read(&text(&output.stdout));
    assert_eq!(told["accounts"][0]["state"], "unknown");

    let all = m365mon::cli::command();
    for command in all.get_subcommands() {
        let name = command.get_name();
        assert!(commands.contains(name), "{name} is not in the table");
    }
}

#[test]
fn documents_are_what_their_schemas_say() {
    let stage = stage();
    let folder = stage.path("");
    let json = |words: &[&str], schema: &str| -> Value {
        let output = run(&folder, &[words, &["--format", "json"]].concat(), "");
        assert_eq!(text(&output.stderr), "", "{words:?}");
        Schema::of(schema).read(&text(&output.stdout))
    };
    let told = json(&["doctor"], "doctor");
    assert_eq!(told["finding"], "refuted");
    assert_eq!(told["accounts"][1]["account"], "steve");
    // What no document says is not in the schema's favour.
    assert!(
        Schema::of("doctor")
            .check(&serde_json::json!({"finding": "well"}))
            .is_err()
    );

    let told = json(&["tokens"], "tokens");
    assert_eq!(told["accounts"][0]["state"], "ready");
    assert_eq!(
        told["accounts"][0]["ends"]["client_secret"],
        "2027-12-31T00:00:00Z"
    );
    assert_eq!(told["accounts"][1]["state"], "not_signed_in");
    stage.sign_in("steve");
    let told = json(&["tokens"], "tokens");
    assert_eq!(told["accounts"][1]["state"], "signed_in");
    assert!(told["accounts"][1]["ends"]["refresh_token"].is_string());
    let scopes = &told["accounts"][1]["sign_in"]["scopes"];
    assert!(
        scopes
            .as_array()
            .unwrap()
            .contains(&"Mail.ReadBasic".into()),
        "{scopes}"
    );

    let told = json(&["check-config"], "check-config");
    assert_eq!(told["fine"], true);
    assert_eq!(told["asks"]["accounts"][0]["account"], "app");
    assert_eq!(told["asks"]["resources"].as_array().unwrap().len(), 2);
    let told = json(
        &["check-config", "--config.file", "broken.yml"],
        "check-config",
    );
    assert_eq!(told["fine"], false);
    assert_eq!(told["complaints"][0]["line"], 1);
    assert_eq!(told["asks"], Value::Null);

    let told = json(&["probe", "--all"], "probe");
    assert_eq!(told["outcome"], "failure");
}

/// What bash offers for a line, by the script that the program prints.
fn completed(folder: &Path, line: &str) -> Vec<String> {
    let script = "source <(\"$1\" completions bash)\n\
        read -ra COMP_WORDS <<<\"$2\"; [[ $2 == *' ' ]] && COMP_WORDS+=('')\n\
        COMP_WORDS[0]=$1; COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n\
        _m365mon_with_names \"$1\" \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"\n\
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", script, "bash", env!("CARGO_BIN_EXE_m365mon"), line])
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(text(&output.stderr), "", "{line}");
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_names_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let account = |name: &str| {
        format!(
            "  - {{name: {name}, tenant: contoso.com, client_id: {SELECTED_CLIENT_ID}, client_secret: {{secret: x}}}}\n"
        )
    };
    let file = |name: &str, accounts: &str, resources: &[&str]| {
        let resources: String = resources
            .iter()
            .map(|one| format!("  - {{name: \"{one}\", account: app, kind: sharepoint_site, url: \"https://contoso.sharepoint.com/sites/x\"}}\n"))
            .collect();
        let text = format!(
            "accounts:\n{}{accounts}resources:\n{resources}",
            account("app")
        );
        std::fs::write(folder.path().join(name), text).unwrap();
    };
    file("m365mon.yml", "", &["intranet", "intranet-rest", "hr"]);
    file("other.yml", &account("steve"), &["elsewhere"]);
    for (line, expected) in [
        ("m365mon probe in", &["intranet", "intranet-rest"][..]),
        ("m365mon probe hr ", &["intranet", "intranet-rest", "hr"]),
        ("m365mon probe --all h", &["hr"]),
        ("m365mon probe --config.file other.yml ", &["elsewhere"]),
        ("m365mon login --config.file other.yml ", &["app", "steve"]),
        ("m365mon login --device-code ", &["app"]),
        ("m365mon logout s", &[]),
        ("m365mon doctor --account ", &["app"]),
        (
            "m365mon setup --config.file other.yml --account s",
            &["steve"],
        ),
        (
            "m365mon probe --format ",
            &["text", "json", "openmetrics", "nagios"],
        ),
        ("m365mon probe --config.file missing.yml ", &[""]),
    ] {
        let offered = completed(folder.path(), line);
        let expected: Vec<_> = if expected.is_empty() {
            vec![""]
        } else {
            expected.to_vec()
        };
        assert_eq!(offered, expected, "{line}");
    }
    // The other shells ask for the same names.
    for (shell, words) in [
        (
            "zsh",
            &[":_m365mon_resources'", ":_m365mon_accounts'", "names $1"][..],
        ),
        (
            "fish",
            &[
                "__fish_m365mon_names resources",
                "__fish_m365mon_names accounts",
            ],
        ),
    ] {
        let script = text(&run(folder.path(), &["completions", shell], "").stdout);
        for word in words {
            assert!(script.contains(word), "{shell}: {word}\n{script}");
        }
    }
}

#[test]
fn an_absent_prometheus_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "report",
        "--month",
        "2026-10",
        "--prometheus.url",
        "http://127.0.0.1:1/x",
    ];
    let output = run(folder.path(), &words, "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "Prometheus does not answer at 127.0.0.1:1 (--prometheus.url): connection refused\n"
    );
}

#[test]
fn the_version_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let [word, flag] = ["version", "--version"].map(|one| run(folder.path(), &[one], "").stdout);
    assert_eq!(text(&word), text(&flag));
    let start = format!("m365mon {} (revision ", env!("CARGO_PKG_VERSION"));
    assert!(text(&word).starts_with(&start));
}
