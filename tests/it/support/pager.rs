//! Alertmanager as we configure it, and a pager that keeps what it is sent.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::stack::{Process, eventually, free_address, http};
use crate::contract::queries::root;

/// What was sent to the webhook, and where to.
#[derive(Clone, Default)]
pub(crate) struct Received(Arc<Mutex<Vec<(String, Value)>>>);

impl Received {
    /// Listens; answers 200 to everything.
    pub(crate) fn listen() -> (SocketAddr, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Self::default();
        let list = received.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let list = list.clone();
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(&stream);
                    let (mut path, mut length) = (String::new(), 0);
                    loop {
                        let mut line = String::new();
                        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                            break;
                        }
                        if path.is_empty() {
                            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                        }
                        if let Some((name, value)) = line.split_once(':')
                            && name.eq_ignore_ascii_case("content-length")
                        {
                            length = value.trim().parse().unwrap();
                        }
                    }
                    let mut body = vec![0; length];
                    if reader.read_exact(&mut body).is_ok()
                        && let Ok(value) = serde_json::from_slice(&body)
                    {
                        list.0.lock().unwrap().push((path, value));
                    }
                    _ = (&stream).write_all(
                        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                    );
                });
            }
        });
        (address, received)
    }

    /// Notifications at a path: status, alert and account, in order.
    pub(crate) fn at(&self, path: &str) -> Vec<(String, String, String)> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|(to, _)| to == path)
            .map(|(_, body)| {
                let names: BTreeSet<String> = body["alerts"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|alert| word(&alert["labels"]["alertname"]))
                    .collect();
                (
                    word(&body["status"]),
                    Vec::from_iter(names).join("+"),
                    word(&body["commonLabels"]["account"]),
                )
            })
            .collect()
    }

    /// The first alert of the first notification of a name.
    pub(crate) fn alert(&self, name: &str) -> Value {
        let list = self.0.lock().unwrap();
        let mut alerts = list
            .iter()
            .flat_map(|(_, body)| body["alerts"].as_array().unwrap());
        alerts
            .find(|alert| alert["labels"]["alertname"] == name)
            .unwrap_or_else(|| panic!("no {name} was sent"))
            .clone()
    }
}

/// Debian's Alertmanager with our routes, without their patience.
pub(crate) fn alertmanager(folder: &Path, webhook: SocketAddr) -> (Process, SocketAddr) {
    let text = std::fs::read_to_string(root().join("alerts/alertmanager.yml")).unwrap();
    let quick: String = text
        .lines()
        .map(|line| match line.split_once(": ") {
            Some((key, _)) if ["group_wait", "group_interval"].contains(&key.trim()) => {
                format!("{key}: 1s\n")
            }
            _ => line.replace("127.0.0.1:9095", &webhook.to_string()) + "\n",
        })
        .collect();
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, quick).unwrap();
    let texts = "m365mon.tmpl";
    std::fs::copy(root().join("alerts").join(texts), folder.join(texts)).unwrap();
    let address = free_address();
    let process = Process::start(
        "prometheus-alertmanager",
        Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.path={}",
                folder.join("alertmanager").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address="),
    );
    eventually("Alertmanager is ready", || {
        http(address, "GET", "/-/ready", &[], "").filter(|answer| answer.0 == 200)
    });
    (process, address)
}
