//! `--web.config.file` through the real binary: TLS on real sockets, curl and
//! Prometheus as clients, files that change while it runs.

mod clients;
mod flood;
mod reload;
mod scrape;
mod server;
mod table;
mod users;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};

use crate::support::operator;
use crate::support::stack::{Process, eventually};

/// bcrypt of [`PASSWORD`] at the lowest cost.
pub(crate) const HASH: &str = "$2b$04$ht/Ue0i.m4AFz.VyXS06LO1zTVKVPXpCCEwdygDwr9s0SOMHH9SyS";
/// Whoever knows it is Alice.
pub(crate) const PASSWORD: &str = "correct horse";
/// The same for curl.
pub(crate) const ALICE: &str = "alice:correct horse";

/// A certificate authority and what it signed, as files in a folder.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new one; its certificate is `NAME.pem`.
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}.pem")), issuer.pem()).unwrap();
        Self { issuer }
    }

    /// Writes `NAME.crt` and `NAME.key`.
    pub(crate) fn sign(&self, folder: &Path, name: &str, names: Vec<SanType>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = names;
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(folder.join(format!("{name}.crt")), certificate.pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    /// Writes the server's `server.crt` and `server.key`.
    pub(crate) fn sign_server(&self, folder: &Path) {
        let names = vec![
            dns("localhost"),
            SanType::IpAddress("127.0.0.1".parse().unwrap()),
        ];
        self.sign(folder, "server", names);
    }
}

pub(crate) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

/// The section with the files of [`Authority::sign_server`].
pub(crate) const TLS: &str =
    "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

/// A folder with an authority (`ca.pem`) and a server's certificate.
pub(crate) fn folder_with_tls() -> (tempfile::TempDir, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "ca");
    authority.sign_server(folder.path());
    (folder, authority)
}

/// A running `serve` with a web configuration.
pub(crate) struct Serving {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
}

impl Serving {
    /// Starts it in a folder.
    pub(crate) fn start(folder: tempfile::TempDir, web: &str, flags: &[&str]) -> Self {
        std::fs::write(folder.path().join("web.yml"), web).unwrap();
        std::fs::write(
            folder.path().join("m365mon.yml"),
            "accounts:\n\
             \x20 - {name: contoso, tenant: contoso.onmicrosoft.com, \
             client_id: 11111111-2222-3333-4444-555555555555, client_secret: {secret: canary}}\n\
             resources:\n\
             \x20 - {name: intranet, account: contoso, kind: sharepoint_site, \
             url: https://contoso.sharepoint.com/sites/intranet, mode: on_probe}\n",
        )
        .unwrap();
        let process = Process::start(
            "m365mon",
            Command::new(env!("CARGO_BIN_EXE_m365mon"))
                .current_dir(folder.path())
                .args(["--config.file", "m365mon.yml"])
                .args(["--web.config.file", "web.yml"])
                .args(["--web.listen-address", "127.0.0.1:0"])
                .args(flags),
        );
        let address = process.wait_for("address", |output| {
            let line = output.lines().find(|line| line.contains("listening"))?;
            line.rsplit("addr=").next()?.trim().parse().ok()
        });
        Self {
            process,
            address,
            folder,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file as an editor does: at once.
    pub(crate) fn replace(&self, name: &str, content: &str) {
        let new = self.path("new");
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }

    /// Asks by curl, with TLS if `arguments` say how to trust the server.
    pub(crate) fn curl(&self, path: &str, arguments: &[&str]) -> Result<Reply, String> {
        self.ask(path, &[&["-H", &operator::line()], arguments].concat())
    }

    /// By TLS, trusting `ca.pem`, without the operator key.
    pub(crate) fn tls_as_everyone(&self, path: &str, more: &[&str]) -> Result<Reply, String> {
        self.ask(path, &[&["--cacert", "ca.pem"], more].concat())
    }

    fn ask(&self, path: &str, arguments: &[&str]) -> Result<Reply, String> {
        let tls = arguments.contains(&"--cacert");
        let scheme = if tls { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}{path}", self.address.port());
        let output = Command::new("curl")
            .current_dir(self.folder.path())
            .args(["-sS", "-i", "--max-time", "60"])
            .args(["-w", "\n%{http_code} %{http_version}", &url])
            .args(arguments)
            .output()
            .expect("curl is needed by the tests (scripts/test installs it)");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (text, outcome) = text.rsplit_once('\n').unwrap();
        let (status, version) = outcome.split_once(' ').unwrap();
        Ok(Reply {
            status: status.parse().unwrap(),
            version: version.to_owned(),
            text: text.to_owned(),
        })
    }

    /// By TLS, trusting `ca.pem`.
    pub(crate) fn tls(&self, path: &str, arguments: &[&str]) -> Result<Reply, String> {
        self.curl(path, &[&["--cacert", "ca.pem"], arguments].concat())
    }

    /// The status of an answer by TLS that must come.
    pub(crate) fn status(&self, path: &str, arguments: &[&str]) -> u16 {
        self.tls(path, arguments).unwrap().status
    }

    /// Waits until the last reload was (not) successful, as Prometheus sees it.
    pub(crate) fn wait_for_reload(&self, successful: bool, arguments: &[&str]) {
        let line = format!(
            "m365mon_config_last_reload_successful {}",
            u8::from(successful)
        );
        eventually(&line, || {
            let reply = self.curl("/metrics", arguments).unwrap();
            assert_eq!(reply.status, 200, "{}", reply.text);
            reply.text.contains(&line).then_some(())
        });
    }
}

/// What curl got.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// `1.1` or `2`.
    pub(crate) version: String,
    /// Head and body.
    pub(crate) text: String,
}

impl Reply {
    /// The values of a header; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }
}
