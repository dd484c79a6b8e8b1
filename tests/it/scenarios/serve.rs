//! The binary itself: `m365mon serve` as an operator meets it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use crate::support::operator;
use crate::support::raw::{Answer, PATIENCE, get, request};

const CANARY: &str = "canary-Qm9yZWQ-secret";

fn configuration(resources: &str) -> String {
    format!(
        "accounts:\n\
         \x20 - name: contoso\n\
         \x20   tenant: contoso.onmicrosoft.com\n\
         \x20   client_id: 11111111-2222-3333-4444-555555555555\n\
         \x20   client_secret: {{secret: {CANARY}}}\n\
         http: {{resolve: {{login.microsoftonline.com: \"127.0.0.1:9\", graph.microsoft.com: \"127.0.0.1:9\"}}}}\n\
         resources:\n{resources}"
    )
}

fn site(name: &str) -> String {
    format!(
        "  - {{name: {name}, account: contoso, kind: sharepoint_site, \
         url: https://contoso.sharepoint.com/sites/{name}, mode: on_scrape}}\n"
    )
}

/// The binary with a clean environment.
fn m365mon() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_m365mon"));
    command.env_clear().stdin(Stdio::null());
    command.env("M365MON_WEB_OPERATOR_FILE", operator::key_file());
    command
}

/// A running `serve`, ended when dropped.
struct Serving {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
    addr: SocketAddr,
    config: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl Serving {
    fn start(resources: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("m365mon.yml");
        std::fs::write(&config, configuration(resources)).unwrap();
        Self::run(config, Some(folder), arguments)
    }

    fn run(config: PathBuf, folder: Option<tempfile::TempDir>, arguments: &[&str]) -> Self {
        let mut child = m365mon()
            .arg("serve")
            .arg("--config.file")
            .arg(&config)
            .args(["--web.listen-address", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                let Ok(line) = line else { return };
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let mut serving = Self {
            child,
            lines,
            seen: Vec::new(),
            addr: ([0, 0, 0, 0], 0).into(),
            config,
            _folder: folder,
        };
        let line = serving.line("listening");
        let addr = line.rsplit("addr=").next().unwrap();
        serving.addr = addr.parse().unwrap();
        serving
    }

    /// Waits for a log line that holds `part`.
    fn line(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no line with {part:?} in {:#?}", self.seen);
            };
            self.seen.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.config, text).unwrap();
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.unwrap().success());
    }

    async fn get(&self, path: &str) -> Answer {
        get(self.addr, path).await
    }

    /// Ends it as an init system would and gives everything that it logged.
    fn stop(mut self) -> (Option<i32>, Vec<String>, String) {
        self.signal("TERM");
        let code = self.child.wait().unwrap().code();
        self.seen.extend(self.lines.iter());
        let mut out = String::new();
        let stdout = self.child.stdout.take();
        stdout.unwrap().read_to_string(&mut out).unwrap();
        (code, std::mem::take(&mut self.seen), out)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn run(arguments: &[&str], folder: &Path) -> Output {
    m365mon()
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter(|line| line.starts_with(name))
        .find_map(|line| line.rsplit_once(' '))
        .map(|(_, value)| value)
}

#[tokio::test]
async fn serves_reloads_and_stops() {
    let mut serving = Serving::start(&site("intranet"), &[]);
    let text = serving.get("/metrics").await;
    assert!(
        text.text().contains("resource=\"intranet\""),
        "{}",
        text.text()
    );
    assert_eq!(serving.get("/-/ready").await.status, 200);
    assert_eq!(serving.get("/-/healthy").await.status, 200);

    serving.write("accounts: 3\nresources: []\n");
    serving.signal("HUP");
    serving.line("configuration not reloaded");
    let answer = serving.get("/metrics").await;
    let text = answer.text();
    let successful = "m365mon_config_last_reload_successful";
    assert!(
        matches!(value(text, successful), Some("0" | "0.0")),
        "{text}"
    );
    assert!(text.contains("resource=\"intranet\""), "{text}");

    serving.write(&configuration(&format!(
        "{}{}",
        site("intranet"),
        site("second")
    )));
    serving.signal("HUP");
    serving.line("changed_resources=\"+1 -0 ~0\" changed_accounts=\"+0 -0 ~0\"");
    let answer = serving.get("/metrics").await;
    let text = answer.text();
    assert!(
        matches!(value(text, successful), Some("1" | "1.0")),
        "{text}"
    );
    assert!(text.contains("resource=\"second\""), "{text}");

    // What the new file names does not work: nothing changes either.
    let broken = configuration(&site("third")).replace("http: {", "http: {ca_file: missing.pem, ");
    serving.write(&broken);
    serving.signal("HUP");
    serving.line("configuration not reloaded");
    assert!(!serving.get("/metrics").await.text().contains("third"));

    let (code, lines, _) = serving.stop();
    assert_eq!(code, Some(0), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("msg=stopped")));
}

#[tokio::test]
async fn no_secret_in_anything_that_comes_out() {
    let second = site("second").replace("mode: on_scrape", "interval: 1s, timeout: 900ms");
    let sites = format!("{}{second}", site("intranet"));
    let mut serving = Serving::start(&sites, &["--log.level", "trace"]);
    serving.line("level=debug");
    let mut out = String::new();
    for path in [
        "/",
        "/metrics",
        "/probe?resource=intranet",
        "/probe?resource=intranet&debug=true",
        "/probe?resource=unknown",
        "/sd",
        "/-/healthy",
        "/config",
    ] {
        out.push_str(serving.get(path).await.text());
    }
    serving.write(&format!("{}nonsense: 1\n", configuration(&sites)));
    serving.signal("HUP");
    let (code, lines, stdout) = serving.stop();
    assert_eq!(code, Some(0));
    out.push_str(&lines.join("\n"));
    out.push_str(&stdout);
    assert!(!out.contains(CANARY), "{out}");
}

#[tokio::test]
async fn reloads_over_http_for_operators() {
    let serving = Serving::start(&site("intranet"), &["--web.enable-lifecycle"]);
    let post = async |headers: &[&str]| request(serving.addr, "POST /-/reload", headers).await;
    assert_eq!(post(&[]).await.status, 200);
    assert_eq!(
        request(serving.addr, "PUT /-/reload", &[]).await.status,
        200
    );
    assert_eq!(post(&["host: exporter.contoso.com"]).await.status, 421);
    assert_eq!(post(&[operator::EVERYONE]).await.status, 403);
    assert_eq!(post(&["origin: https://evil.example"]).await.status, 403);
    assert_eq!(post(&["sec-fetch-site: cross-site"]).await.status, 403);
    let own = format!("origin: http://{}", serving.addr);
    assert_eq!(post(&[&own]).await.status, 200);

    // Without a change at most one in 5 s reads it; the rest get its answer.
    let count = async || {
        let metrics = serving.get("/metrics").await;
        let mark = "m365mon_config_reloads_total{result=\"success\"} ";
        let line = metrics
            .text()
            .lines()
            .find_map(|line| line.strip_prefix(mark));
        line.unwrap().parse::<f64>().unwrap()
    };
    let (before, began) = (count().await, Instant::now());
    for _ in 0..50 {
        assert_eq!(post(&[]).await.status, 200);
    }
    let most = 1.0 + began.elapsed().as_secs_f64() / 5.0;
    assert!(count().await - before <= most);

    serving.write(&format!("{}nonsense: 1\n", configuration(&site("second"))));
    let answer = post(&[]).await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("m365mon.yml:"), "{}", answer.text());
    assert!(
        answer.text().contains("unknown key \"nonsense\""),
        "{}",
        answer.text()
    );
    assert!(!answer.text().contains(CANARY));
    assert!(!serving.get("/metrics").await.text().contains("\"second\""));

    serving.write(&configuration(&site("second")));
    assert_eq!(post(&[]).await.status, 200);
    assert!(
        serving
            .get("/metrics")
            .await
            .text()
            .contains("resource=\"second\"")
    );
}

/// Against the simulated tenant over TLS, with a real secret and real tokens.
#[tokio::test]
async fn no_token_in_anything_that_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut simulate = m365mon()
        .args(["simulate", "--listen", "127.0.0.1:0", "--dir"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(simulate.stdout.take().unwrap());
    let ready = stdout
        .lines()
        .map(Result::unwrap)
        .any(|line| line.starts_with("configuration"));
    assert!(ready);
    let secret = std::fs::read_to_string(folder.path().join("app-secret.txt")).unwrap();
    let config = folder.path().join("m365mon.yml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace(
        "interval: 10s, timeout: 5s",
        "interval: 2s, timeout: 1500ms",
    );
    std::fs::write(&config, text).unwrap();

    let mut serving = Serving::run(
        config,
        None,
        &["--log.level", "trace", "--web.enable-lifecycle"],
    );
    serving.line("to=success");
    let mut out = String::new();
    for path in [
        "/",
        "/metrics",
        "/resources/intranet",
        "/accounts/contoso-app",
        "/api/v1/resources?resource=intranet",
        "/api/v1/accounts",
        "/config",
        "/probe?resource=intranet",
        "/probe?resource=intranet&debug=true",
    ] {
        let answer = serving.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        out.push_str(answer.text());
    }
    out.push_str(request(serving.addr, "POST /-/reload", &[]).await.text());
    let (code, lines, stdout) = serving.stop();
    _ = simulate.kill();
    _ = simulate.wait();
    assert_eq!(code, Some(0), "{lines:#?}");
    out.push_str(&lines.join("\n"));
    out.push_str(&stdout);
    assert!(out.contains("probe_success 1"), "{out}");
    assert!(!out.contains(secret.trim()), "the secret is in {out}");
    // How every JSON Web Token begins: {"typ or {"alg.
    assert!(!out.contains("eyJ"), "a token is in {out}");
}

#[tokio::test]
async fn log_lines_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("m365mon.yml");
    std::fs::write(&config, configuration(&site("intranet"))).unwrap();
    let mut child = m365mon()
        .env("M365MON_CONFIG_FILE", &config)
        .env("M365MON_WEB_LISTEN_ADDRESS", "127.0.0.1:0,[::1]:0")
        .env("M365MON_LOG_FORMAT", "json")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let listening: Vec<serde_json::Value> = stderr
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .filter(|line: &serde_json::Value| line["msg"] == "listening")
        .take(2)
        .collect();
    _ = child.kill();
    _ = child.wait();
    assert!(
        listening[0]["addr"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    assert!(listening[1]["addr"].as_str().unwrap().starts_with("[::1]:"));
}

#[test]
fn a_taken_port_is_said_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    std::fs::write(folder.path().join("m365mon.yml"), configuration(&site("a"))).unwrap();
    let output = run(&["serve", "--web.listen-address", &addr], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains(&format!("cannot listen on {addr}")), "{said}");
}

#[test]
fn without_a_configuration_it_helps() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&[][..], &["serve"]] {
        let output = run(arguments, folder.path());
        assert_eq!(output.status.code(), Some(3));
        let said = stderr(&output);
        for part in ["m365mon.yml", "m365mon demo", "examples/"] {
            assert!(said.contains(part), "{said}");
        }
    }
    let unknown = configuration("  - {name: a, intervall: 1m}\n");
    std::fs::write(folder.path().join("m365mon.yml"), unknown).unwrap();
    let output = run(&[], folder.path());
    assert_eq!(output.status.code(), Some(3));
    let said = stderr(&output);
    assert!(said.contains("m365mon.yml:8:"), "{said}");
    assert!(said.contains("did you mean \"interval\"?"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
}

#[test]
fn wrong_usage_is_3() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["--nonsense"][..],
        &["serve", "--log.level", "loud"],
        &["serve", "--web.listen-address", "nowhere"],
        &["serve", "--web.external-url", "ftp://x"],
        &["serve", "--web.telemetry-path", "/probe"],
        &["serve", "--web.telemetry-path", "/runbooks"],
        &["serve", "--timeout-offset", "-1"],
        &["serve", "--history.limit", "1000000"],
    ] {
        let output = run(arguments, folder.path());
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    let output = run(&["--version"], folder.path());
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("m365mon 0.1.0 (revision "), "{said}");
}
