//! Probes of the simulated tenant, from the configuration file to the verdict:
//! every fault that it knows, and the command.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use m365mon::config;
use m365mon::entra::{TokenStore, Tokens};
use m365mon::http::{Network, ProbeClient, SimpleClient};
use m365mon::kinds::{Configuration, Resource};
use m365mon::model::{Clock, IgnoreAccounts, Reason, Report, Story, SystemRandom};
use m365mon::probe::TenantProber;
use m365mon_simulator::directory::Size;
use m365mon_simulator::{Options, Running, files, start};
use serde_json::{Value, json};

use crate::support::origin::LONG;

struct NoEnvironment;

impl config::Environment for NoEnvironment {
    fn var(&self, _: &str) -> Option<String> {
        None
    }
}

pub(super) struct Scene {
    running: Running,
    pub(super) folder: tempfile::TempDir,
    configuration: Configuration,
    prober: TenantProber,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::with("").await
    }

    /// With further resources, as lines of YAML.
    pub(super) async fn with(resources: &str) -> Self {
        let running = start(Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let size = Size::default();
        files::write(&running, folder.path(), size, LONG * 2).unwrap();
        let file = folder.path().join("m365mon.yml");
        let mut text = std::fs::read_to_string(&file).unwrap();
        text.push_str(resources);
        std::fs::write(&file, text).unwrap();
        let configuration = config::load(&file, &NoEnvironment).unwrap().configuration;
        let network = Network::new(&configuration.http).unwrap();
        let random = Arc::new(SystemRandom::new());
        let tokens = Tokens::new(
            SimpleClient::new(&network).unwrap(),
            TokenStore::new(&configuration.storage, None),
            Clock::system(),
            random.clone(),
            Arc::new(IgnoreAccounts),
        );
        tokens.configure(&configuration.accounts);
        let client = ProbeClient::new(&network).unwrap();
        Self {
            prober: TenantProber::new(client, tokens, Clock::system(), random),
            running,
            folder,
            configuration,
        }
    }

    pub(super) fn act(&self, action: Value) {
        let action: m365mon_simulator::command::Command = serde_json::from_value(action).unwrap();
        action.perform(&self.running.tenant).unwrap();
    }

    pub(super) fn fault(&self, kind: &Value) {
        self.act(json!({"clear_faults": {}}));
        let scope = json!({"host": "graph.microsoft.com"});
        self.act(json!({"fault": {"kind": kind, "scope": scope}}));
    }

    pub(super) async fn probe(&self, name: &str, timeout: Duration) -> Report {
        let resources = &self.configuration.resources;
        let found = resources.iter().find(|r| *r.name == *name).unwrap();
        let resource = Resource {
            timeout,
            ..(**found).clone()
        };
        self.prober.explained(&resource, &Story::untold()).await.0
    }

    pub(super) async fn reason(&self, name: &str) -> Option<Reason> {
        self.probe(name, LONG).await.verdict.reason()
    }
}

#[tokio::test]
async fn every_fault_has_its_reason() {
    use Reason::*;
    let scene = Scene::new().await;
    for name in ["intranet", "monitoring-mailbox"] {
        assert_eq!(scene.reason(name).await, None, "{name}");
    }
    let wait = json!({"seconds": 31});
    for (kind, reason) in [
        (json!({"throttled": {}}), Throttled),
        (json!({"throttled": {"retry_after": wait}}), Throttled),
        (json!({"unavailable": {"retry_after": wait}}), ServerError),
        (json!({"unavailable": {"empty": true}}), ServerError),
        (json!("server_error"), ServerError),
        (json!("bad_gateway"), ServerError),
        (json!({"status": {"status": 418}}), UnexpectedStatus),
        (json!({"status": {"status": 204}}), UnexpectedStatus),
        (json!({"status": {"status": 423}}), Locked),
        (
            json!({"redirect": {"to": "https://graph.microsoft.com/elsewhere"}}),
            UnexpectedStatus,
        ),
        // Without a sign of Microsoft's, to another host: a portal on the way.
        (
            json!({"redirect": {"to": "https://contoso.sharepoint.com/"}}),
            BadResponse,
        ),
        (json!("html"), BadResponse),
        (json!("truncated"), BadResponse),
        (json!("reset_after"), BadResponse),
        (json!("endless"), BadResponse),
        (json!("gzip_bomb"), BadResponse),
        (json!("empty_body"), BadResponse),
        (json!("wrong_content_type"), BadResponse),
        (json!("reset_before"), Connect),
        (json!("refuse"), Connect),
        (json!("tls_wrong_host"), Tls),
        (json!("tls_expired"), Tls),
        (json!("tls_untrusted"), Tls),
        (json!("tls_broken"), Tls),
    ] {
        scene.fault(&kind);
        let report = scene.probe("intranet", LONG).await;
        assert_eq!(report.verdict.reason(), Some(reason), "{kind} {report:?}");
    }
    for kind in ["hang", "hang_body", "tls_hang"] {
        scene.fault(&json!(kind));
        let report = scene.probe("intranet", Duration::from_millis(700)).await;
        assert_eq!(report.verdict.reason(), Some(Timeout), "{kind} {report:?}");
        assert!(report.exchange.broke_in.is_some());
    }
    scene.act(json!({"clear_faults": {}}));
    assert_eq!(scene.reason("intranet").await, None);
}

#[tokio::test]
async fn what_administrators_do_has_its_reason() {
    let scene = Scene::new().await;
    let site = |name: &str| format!("https://contoso.sharepoint.com/sites/{name}");
    scene.act(json!({"site": {"url": site("hr"), "state": "locked"}}));
    scene.act(json!({"site": {"url": site("finance"), "remove": true}}));
    scene.act(json!({"site": {"url": site("marketing"), "empty": true}}));
    scene.act(json!({"mailbox": {"user": "info@contoso.onmicrosoft.com", "enabled": false}}));
    for (name, reason) in [
        ("hr", Some(Reason::Locked)),
        ("finance", Some(Reason::NotFound)),
        ("marketing", None),
        ("info-mailbox", Some(Reason::NotFound)),
        // Nobody has signed in.
        ("steve-mailbox", Some(Reason::Token)),
    ] {
        assert_eq!(scene.reason(name).await, reason, "{name}");
    }
}

/// The command's exit code tells, and its story holds no secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_tells_the_story() {
    let scene = Scene::new().await;
    let file = scene.folder.path().join("m365mon.yml");
    let run = |resource: &str, file: PathBuf| {
        let resource = resource.to_owned();
        tokio::task::spawn_blocking(move || {
            let output = Command::new(env!("CARGO_BIN_EXE_m365mon"))
                .args(["probe", &resource, "--config.file"])
                .arg(file)
                .output()
                .unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (
                output.status.code(),
                text(output.stdout),
                text(output.stderr),
            )
        })
    };
    let (code, story, _) = run("intranet", file.clone()).await.unwrap();
    assert_eq!(code, Some(0), "{story}");
    for words in [
        "intranet is a sharepoint_site, through account contoso-app; it is 20",
        "token request answered at 20",
        "token for https://graph.microsoft.com",
        "GET https://graph.microsoft.com/v1.0/sites/contoso.sharepoint.com:/sites/intranet:/lists",
        "TLS 1.3",
        "resolve",
        "verdict: success",
    ] {
        assert!(story.contains(words), "{story}");
    }
    let secret = std::fs::read_to_string(scene.folder.path().join("app-secret.txt")).unwrap();
    assert!(!story.contains(secret.trim()) && !story.contains("eyJ"));
    scene.fault(&json!("tls_expired"));
    let (code, story, _) = run("intranet", file.clone()).await.unwrap();
    assert_eq!(code, Some(1));
    assert!(story.contains("verdict: failure, tls: "), "{story}");
    let (code, story, _) = run("steve-mailbox", file.clone()).await.unwrap();
    assert_eq!(code, Some(2));
    assert!(story.contains("verdict: inconclusive, token: "), "{story}");
    let (code, _, complaint) = run("nowhere", file.clone()).await.unwrap();
    assert_eq!(code, Some(3));
    assert!(
        complaint.starts_with("there is no resource \"nowhere\"; there is: "),
        "{complaint}"
    );
    let (code, _, _) = run("intranet", file.with_extension("missing"))
        .await
        .unwrap();
    assert_eq!(code, Some(3));
}
