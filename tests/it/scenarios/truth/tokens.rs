//! A token endpoint in trouble: what is told of the account, and how often Entra
//! is asked meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::FAST;
use crate::rooms::doctor::stage::site;
use crate::support::origin::{Ca, H1, Origin, read_head};
use crate::support::stack::{Process, eventually, free_address, get};

/// Each account, which is the first label of its host as well; what its token
/// endpoint writes before it closes; and the reason that is told.
const TROUBLES: [(&str, &str, &str); 9] = [
    ("ssh", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "bad_response"),
    ("page", "<html>hello</html>", "bad_response"),
    ("version", "HTTP/3.0 200 OK\r\n\r\n", "bad_response"),
    ("half", "HTTP/1.1 20", "bad_response"),
    (
        "cut",
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        "bad_response",
    ),
    ("nothing", "", "connect"),
    (
        "odd",
        "HTTP/1.1 999 Unknown\r\nContent-Length: 0\r\n\r\n",
        "unexpected_status",
    ),
    (
        "unwell",
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
        "server_error",
    ),
    (
        "throttled",
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
        "throttled",
    ),
];
/// Nobody listens there.
const REFUSED: &str = "refused";
/// All is well behind a proxy that says more than it must.
const PROXIED: &str = "proxied";

const TOKEN: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n\
    {\"access_token\":\"canary-8\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
const LISTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n\
    {\"value\":[{\"displayName\":\"Documents\"}]}";
const CONNECTED: &str = "HTTP/1.1 100 Continue\r\n\r\n\
    HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n\
    HTTP/1.1 200 Connection established\r\n\r\n";

/// When each account asked for a token.
type Asked = Arc<Mutex<HashMap<String, Vec<Instant>>>>;

fn host(account: &str) -> String {
    format!("{account}.contoso.com")
}

/// Entra for all of them, and Graph for the one that gets a token.
async fn cloud(ca: &Ca, asked: Asked) -> Origin {
    let accounts = TROUBLES.iter().map(|(account, ..)| *account);
    let mut hosts: Vec<String> = accounts.chain([PROXIED]).map(host).collect();
    hosts.push("graph.microsoft.com".to_owned());
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let tls = ca.tls_for(&hosts, H1);
    Origin::start(move |_, stream| {
        let (tls, asked) = (tls.clone(), Arc::clone(&asked));
        async move {
            let Ok(mut stream) = tls.accept(stream).await else {
                return;
            };
            let head = read_head(&mut stream).await;
            let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
            let length = header("content-length: ").map_or(0, |length| length.parse().unwrap());
            _ = stream.read_exact(&mut vec![0; length]).await;
            let account = header("host: ").unwrap_or_default();
            let account = account.split('.').next().unwrap_or_default().to_owned();
            let trouble = TROUBLES.iter().find(|(name, ..)| *name == account);
            let answer = match (head.starts_with("POST"), trouble) {
                (true, Some((_, answer, _))) => answer,
                (true, None) => TOKEN,
                (false, _) => LISTS,
            };
            if head.starts_with("POST") {
                asked
                    .lock()
                    .entry(account)
                    .or_default()
                    .push(Instant::now());
            }
            _ = stream.write_all(answer.as_bytes()).await;
            _ = stream.shutdown().await;
        }
    })
    .await
}

/// A proxy that connects everybody to `cloud`.
async fn proxy(cloud: std::net::SocketAddr) -> Origin {
    Origin::start(move |_, mut stream| async move {
        read_head(&mut stream).await;
        _ = stream.write_all(CONNECTED.as_bytes()).await;
        let mut onward = tokio::net::TcpStream::connect(cloud).await.unwrap();
        _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_endpoint_in_trouble() {
    let (ca, folder, asked) = (Ca::new(), tempfile::tempdir().unwrap(), Asked::default());
    let cloud = cloud(&ca, Arc::clone(&asked)).await;
    let proxy = proxy(cloud.address).await;
    let all = TROUBLES
        .iter()
        .map(|(account, _, reason)| (*account, *reason));
    let troubles: Vec<(&str, &str)> = all.chain([(REFUSED, "connect")]).collect();
    let (mut resolve, mut accounts, mut resources) = (String::new(), String::new(), String::new());
    for account in troubles
        .iter()
        .map(|(account, _)| *account)
        .chain([PROXIED])
    {
        let (host, more) = (
            host(account),
            match account {
                PROXIED => format!(", proxy_url: \"http://{}\"", proxy.address),
                _ => String::new(),
            },
        );
        let address = if account == REFUSED {
            free_address()
        } else {
            cloud.address
        };
        if account != PROXIED {
            resolve += &format!("    {host}: \"{address}\"\n");
        }
        accounts += &format!(
            "  - {{name: {account}, tenant: contoso.onmicrosoft.com, \
             client_id: 11111111-2222-3333-4444-555555555555, \
             cloud: {{login_url: \"https://{host}\", graph_url: \"https://graph.microsoft.com\"}}, \
             client_secret: {{secret_file: secret.txt, expires: 2099-01-01}}{more}}}\n"
        );
        resources += &site(account, "sites/intranet", FAST);
        resources.push('\n');
    }
    let file = folder.path().join("m365mon.yml");
    std::fs::write(folder.path().join("secret.txt"), "canary-7d").unwrap();
    let text = format!(
        "http:\n  ca_file: \"{}\"\n  resolve:\n{resolve}accounts:\n{accounts}resources:\n{resources}",
        ca.file.path().display()
    );
    std::fs::write(&file, text).unwrap();
    let (exporter, address) = Process::serve(&file, &[]);

    // What each is told to be, and the one behind the proxy is well.
    let told = |metrics: &str, account: &str, reason: &str| {
        metrics.lines().any(|line| {
            line.starts_with("m365_account_problem{")
                && line.contains(&format!("account=\"{account}\""))
                && line.contains(&format!("reason=\"{reason}\""))
                && line.ends_with(" 1")
        })
    };
    let metrics = eventually("all troubles are told", || {
        let metrics = get(address, "/metrics");
        let all_told = troubles
            .iter()
            .all(|(account, reason)| told(&metrics, account, reason));
        let up = metrics.lines().find(|line| {
            line.starts_with("m365_resource_up{") && line.contains("resource=\"proxied-site\"")
        });
        (all_told && up.is_some_and(|up| up.ends_with(" 1"))).then_some(metrics)
    });
    assert!(proxy.connections() > 0);
    assert!(!told(&metrics, PROXIED, "proxy"), "{metrics}");

    // A wait of a second does not stop the doubling: the third wait is one of four
    // seconds, a fifth less at most.
    for account in ["unwell", "throttled"] {
        let times = eventually("the fourth request", || {
            let asked = asked.lock();
            asked.get(account).filter(|times| times.len() >= 4).cloned()
        });
        let waited = times[3].duration_since(times[2]);
        assert!(
            waited >= Duration::from_millis(3200),
            "{account}: {times:?}"
        );
    }

    // In one line each, and a host that is named is named once.
    let log = exporter.output();
    for (account, reason) in troubles {
        let words = format!("account={account} ");
        let mut lines = log
            .lines()
            .filter(|line| line.contains("gets no token") && line.contains(&words));
        let line = lines.next().unwrap_or_else(|| panic!("{account}: {log}"));
        assert!(line.contains(&format!("reason={reason} ")), "{line}");
        let named = line.matches(&host(account)).count();
        let answered = ["odd", "unwell", "throttled"].contains(&account);
        assert_eq!(named, usize::from(!answered), "{line}");
    }
    assert!(!log.contains("canary"), "{log}");
}
