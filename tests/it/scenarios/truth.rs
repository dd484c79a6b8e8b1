//! What a fault does to the truth, through the real binary: what it shows is
//! right while something is wrong, and after a restart.

mod clock;
mod crowd;
mod names;
mod roots;
mod store;
mod tokens;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use m365mon_simulator::directory::DOMAIN;

use crate::rooms::doctor::stage::{Stage, selected, site, steve};
use crate::support::origin::{Ca, H1, Origin};
use crate::support::stack::{PATIENCE, Process, eventually, get, http};

const FAST: &str = ", interval: 2s, timeout: 1s";

/// The value of a series, by how its line begins.
fn value(metrics: &str, begin: &str) -> Option<f64> {
    let line = metrics.lines().find(|line| line.starts_with(begin))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// How many probes of a resource had this outcome.
fn probes(metrics: &str, resource: &str, outcome: &str) -> f64 {
    let labels = [
        format!("resource=\"{resource}\""),
        format!("outcome=\"{outcome}\""),
    ];
    metrics
        .lines()
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .find_map(|line| value(line, "m365_resource_probes_total{"))
        .unwrap_or_default()
}

fn wait_for(address: SocketAddr, begin: &str, pleases: impl Fn(f64) -> bool) -> String {
    eventually(begin, || {
        let metrics = get(address, "/metrics");
        value(&metrics, begin).filter(|value| pleases(*value))?;
        Some(metrics)
    })
}

fn serve(stage: &Stage) -> (Process, SocketAddr) {
    Process::serve(&stage.path("m365mon.yml"), &[])
}

/// A 5xx that asks to come back in an hour: the next tick confirms it, what is
/// wrong stays shown, and probing goes on.
#[test]
fn a_server_error_with_a_long_wait_is_confirmed_and_stays_shown() {
    let stage = Stage::set();
    stage.configure(&selected(), &site("app", "sites/intranet", FAST));
    stage.fault(
        "graph.microsoft.com",
        r#"{"unavailable": {"retry_after": {"seconds": 3600}}}"#,
    );
    let (_exporter, address) = serve(&stage);
    let failures = "m365_resource_consecutive_failures{";
    wait_for(address, failures, |count| count >= 2.0);
    // Confirmed by the very next tick, though an hour was asked for, and shown
    // while it is held.
    for _ in 0..3 {
        let metrics = get(address, "/metrics");
        assert!(
            value(&metrics, failures).is_some_and(|count| count >= 2.0),
            "{metrics}"
        );
        assert_eq!(value(&metrics, "m365_resource_up{"), Some(0.0), "{metrics}");
        assert_eq!(value(&metrics, "m365_resource_http_status{"), Some(503.0));
        let problem = metrics
            .lines()
            .find(|line| line.starts_with("m365_resource_problem{"));
        assert!(
            problem.is_some_and(|line| line.contains("server_error")),
            "{metrics}"
        );
    }
}

/// A sign-in that ended is shown as ended from the first scrape after a restart,
/// and the moment of the refusal stays where it was.
#[test]
fn a_dead_sign_in_is_dead_after_a_restart() {
    let stage = Stage::set();
    stage.configure(&steve(), &site("steve", "sites/intranet", FAST));
    stage.sign_in("steve");
    // A new password: what was signed in before is refused.
    stage.tell(
        "/users",
        &format!(r#"{{"user": "steve@{DOMAIN}", "password": "another-one"}}"#),
    );
    let (mut exporter, address) = serve(&stage);
    let needed = "m365_account_sign_in_required{";
    let moment = "m365_resource_token_expiry_timestamp_seconds{";
    let before = wait_for(address, needed, |needed| needed == 1.0);
    let refused = value(&before, moment).unwrap();
    exporter.signal("TERM");
    assert_eq!(exporter.exit_code(), 0);
    let (_exporter, address) = serve(&stage);
    // The first scrape there is: nothing is waited for.
    let first = get(address, "/metrics");
    assert_eq!(value(&first, needed), Some(1.0), "{first}");
    let now = value(&first, moment).unwrap();
    assert!((now - refused).abs() < 1.0, "{refused} became {now}");
}

/// A store that cannot be written is said in the metrics: nobody has to sign in
/// first to find out.
#[test]
fn a_store_that_cannot_be_written_is_said() {
    for blocked in ["folder", "link", "pipe"] {
        let stage = Stage::set();
        stage.configure(&steve(), &site("steve", "sites/intranet", FAST));
        stage.sign_in("steve");
        let lock = stage.path("m365mon.tokens.lock");
        std::fs::remove_file(&lock).unwrap();
        match blocked {
            "folder" => std::fs::create_dir(&lock).unwrap(),
            "link" => {
                std::os::unix::fs::symlink(stage.path("elsewhere"), &lock).unwrap();
            }
            _ => {
                let made = std::process::Command::new("mkfifo").arg(&lock).status();
                assert!(made.unwrap().success());
            }
        }
        let (mut exporter, address) = serve(&stage);
        wait_for(address, "m365mon_storage_writable", |can| can == 0.0);
        assert!(
            !stage.path("elsewhere").exists(),
            "{blocked}: nobody follows it"
        );
        exporter.signal("TERM");
        assert_eq!(exporter.exit_code(), 0, "{blocked}");
    }
}

/// A store that is no file is refused, and makes nobody wait.
#[test]
fn a_store_that_is_a_pipe_keeps_nobody_waiting() {
    let stage = Stage::set();
    stage.configure(&steve(), &site("steve", "sites/intranet", FAST));
    let store = stage.path("m365mon.tokens");
    let made = std::process::Command::new("mkfifo").arg(&store).status();
    assert!(made.unwrap().success());
    let (mut exporter, address) = serve(&stage);
    wait_for(address, "m365mon_storage_writable", |can| can == 0.0);
    exporter.signal("TERM");
    assert_eq!(exporter.exit_code(), 0);
}

/// One server that plays Entra and Graph: what it writes after any request.
async fn both(ca: &Ca, token: &'static [u8], graph: &'static [u8]) -> Origin {
    let tls = ca.tls_for(&["login.microsoftonline.com", "graph.microsoft.com"], H1);
    Origin::start(move |_, stream| {
        let tls = tls.clone();
        async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let Ok(mut stream) = tls.accept(stream).await else {
                return;
            };
            let head = crate::support::origin::read_head(&mut stream).await;
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.trim().parse().unwrap());
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            let answer = if head.starts_with("POST") {
                token
            } else {
                graph
            };
            _ = stream.write_all(answer).await;
            _ = stream.shutdown().await;
        }
    })
    .await
}

fn configure(folder: &Path, ca: &Ca, cloud: SocketAddr) -> std::path::PathBuf {
    let file = folder.join("m365mon.yml");
    std::fs::write(folder.join("secret.txt"), "canary-7d").unwrap();
    let text = format!(
        "http: {{ca_file: \"{}\", resolve: {{login.microsoftonline.com: \"{cloud}\", graph.microsoft.com: \"{cloud}\"}}}}\n\
         accounts:\n  - {{name: contoso, tenant: contoso.onmicrosoft.com, client_id: 11111111-2222-3333-4444-555555555555, \
         client_secret: {{secret_file: secret.txt, expires: 2099-01-01}}}}\n\
         resources:\n  - {{name: intranet, account: contoso, kind: sharepoint_site, \
         url: https://contoso.sharepoint.com/sites/intranet, interval: 2s, timeout: 1s}}\n",
        ca.file.path().display()
    );
    std::fs::write(&file, text).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_none_is_no_success() {
    let token = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"access_token\":\"canary-8\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
    // Broken UTF-8, and items that are no objects.
    for graph in [
        &b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nrequest-id: 81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f\r\n\r\n{\"value\":[{\"displayName\":\"\xff\xfe\"}]}"[..],
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nrequest-id: 81170202-4f3e-4c4b-9e3c-0a1b2c3d4e5f\r\n\r\n{\"value\":[\"canary-9\",1]}",
    ] {
        let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
        let cloud = both(&ca, token, graph).await;
        let file = configure(folder.path(), &ca, cloud.address);
        let (exporter, address) = Process::serve(&file, &[]);
        let metrics = wait_for(address, "m365_resource_problem{", |one| one == 1.0);
        assert!(metrics.contains("reason=\"bad_response\""), "{metrics}");
        assert_eq!(value(&metrics, "m365_resource_up{"), Some(0.0));
        assert!(!exporter.output().contains("canary"));
    }
}

/// Five hundred and twelve clients that ask and do not read keep neither health
/// nor a scrape out.
#[test]
fn slow_readers_keep_nobody_out() {
    const READERS: usize = 512;
    let stage = Stage::set();
    stage.configure(&selected(), &site("app", "sites/intranet", FAST));
    let (_exporter, address) = serve(&stage);
    let mut held = Vec::new();
    let asks = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(40);
    for _ in 0..READERS {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_write_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        _ = stream.write_all(asks.as_bytes());
        held.push(stream);
    }
    for path in ["/-/healthy", "/metrics"] {
        let began = Instant::now();
        let (status, ..) = http(address, "GET", path, &[], "").unwrap();
        assert_eq!(status, 200, "{path}");
        // Without them it takes a moment; it took half a minute.
        assert!(
            began.elapsed() < PATIENCE / 4,
            "{path}: {:?}",
            began.elapsed()
        );
    }
}
