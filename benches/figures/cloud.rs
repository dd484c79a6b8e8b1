//! The simulated cloud that everybody probes, and configurations for it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::child::{Program, eventually};
use crate::web::Web;

/// Where the API listens that is probed.
pub(crate) const GRAPH: &str = "graph.microsoft.com";

/// Accounts, each in a tenant of its own.
pub(crate) const ACCOUNTS: usize = 10;

/// A running `m365mon simulate`.
pub(crate) struct Cloud {
    program: Program,
    pub(crate) address: SocketAddr,
    pub(crate) control: SocketAddr,
    folder: PathBuf,
    accounts: Vec<Account>,
    mailboxes: usize,
}

/// One of its accounts.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) domain: String,
    pub(crate) client_id: String,
    pub(crate) secret_file: PathBuf,
}

/// What to probe, and how.
#[derive(Clone, Copy)]
pub(crate) struct Fleet {
    pub(crate) sites: usize,
    pub(crate) mailboxes: usize,
    /// Folders of the cloud's mailboxes, each with two readings: first the inbox
    /// of each, then the drafts of each.
    pub(crate) folders: usize,
    pub(crate) interval: Duration,
    pub(crate) connections: Connections,
}

impl Fleet {
    /// Of these, each over a new connection.
    pub(crate) const fn of(sites: usize, mailboxes: usize, interval: Duration) -> Self {
        Self {
            sites,
            mailboxes,
            folders: 0,
            interval,
            connections: Connections::New,
        }
    }
}

/// Whose connections are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connections {
    /// Nobody's.
    New,
    /// Those of mailboxes and folders.
    Half,
    /// All.
    Kept,
}

/// Makes an authority and a leaf for all hosts, both RSA with 2048 bits, as
/// most of the internet has them; `ring` makes no such keys.
fn certificates(folder: &Path) -> anyhow::Result<()> {
    let names = "subjectAltName=DNS:graph.microsoft.com,DNS:login.microsoftonline.com,\
                 DNS:*.sharepoint.com,DNS:localhost,IP:127.0.0.1\n\
                 extendedKeyUsage=serverAuth\n";
    std::fs::write(folder.join("names.txt"), names)?;
    let steps = [
        "req -x509 -newkey rsa:2048 -nodes -keyout authority.key -out authority.pem -days 30 \
         -subj /CN=benchmark-authority",
        "req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=benchmark-host",
        "x509 -req -in leaf.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 30 \
         -extfile names.txt -out leaf.pem",
    ];
    for step in steps {
        let done = Command::new("openssl")
            .args(step.split_whitespace())
            .current_dir(folder)
            .output()
            .context("openssl is needed")?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "openssl {step}: {said}");
    }
    let mut chain = std::fs::read_to_string(folder.join("leaf.pem"))?;
    chain.push_str(&std::fs::read_to_string(folder.join("authority.pem"))?);
    std::fs::write(folder.join("chain.pem"), chain)?;
    Ok(())
}

impl Cloud {
    /// Starts one with so many sites and mailboxes.
    pub(crate) async fn start(
        folder: &Path,
        sites: usize,
        mailboxes: usize,
    ) -> anyhow::Result<Self> {
        certificates(folder)?;
        let dir = folder.join("cloud");
        let program = Program::start(
            "simulate",
            folder,
            Program::m365mon()
                .args(["simulate", "--listen=127.0.0.1:0", "--dir"])
                .arg(&dir)
                .args(["--sites", &sites.to_string()])
                .args(["--mailboxes", &mailboxes.to_string()])
                .args(["--accounts", &ACCOUNTS.to_string()])
                .args(["--tls-certificate", "chain.pem", "--tls-key", "leaf.key"])
                .current_dir(folder),
        )?;
        // The configuration is written last.
        eventually("the simulated cloud is there", async || {
            program.usage()?;
            Ok(dir.join("m365mon.yml").exists().then_some(()))
        })
        .await?;
        let told = std::fs::read_to_string(dir.join("simulator.json"))?;
        let told: Value = serde_json::from_str(&told)?;
        let text = |value: &Value, key: &str| -> anyhow::Result<String> {
            Ok(value[key].as_str().context("a text")?.to_owned())
        };
        let accounts = told["load_accounts"].as_array().context("accounts")?;
        let accounts = accounts
            .iter()
            .map(|account| {
                Ok(Account {
                    name: text(account, "name")?,
                    domain: text(account, "domain")?,
                    client_id: text(account, "client_id")?,
                    secret_file: dir.join(text(account, "secret_file")?),
                })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            program,
            address: text(&told, "tls")?.parse()?,
            control: text(&told, "control")?
                .trim_start_matches("http://")
                .parse()?,
            folder: folder.to_owned(),
            accounts,
            mailboxes,
        })
    }

    pub(crate) const fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn authority_file(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// A file with an operator key, for whoever has to reload an exporter.
    pub(crate) fn operator_key(&self) -> anyhow::Result<PathBuf> {
        let file = self.folder.join("operator");
        if !file.exists() {
            let done = Command::new("openssl")
                .args(["rand", "-base64", "-out"])
                .arg(&file)
                .arg("32")
                .status()
                .context("openssl is needed")?;
            ensure!(done.success(), "openssl rand");
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600))?;
        }
        Ok(file)
    }

    /// Whose the site or mailbox of this number is.
    pub(crate) fn owner(&self, number: usize) -> anyhow::Result<&Account> {
        let place = (number - 1) % self.accounts.len();
        self.accounts.get(place).context("no accounts")
    }

    /// What the exporter asks to probe this site.
    pub(crate) fn path(&self, site: usize) -> anyhow::Result<String> {
        let host = sharepoint_host(self.owner(site)?);
        Ok(format!(
            "/v1.0/sites/{host}:/sites/load-{site:05}:/lists?$select=displayName&$top=1"
        ))
    }

    /// Writes a configuration of the exporter.
    pub(crate) fn configure(&self, name: &str, fleet: Fleet) -> anyhow::Result<PathBuf> {
        let (address, interval) = (self.address, fleet.interval.as_millis());
        let timeout = (interval * 3 / 4).min(10_000);
        let word = |kept: bool| if kept { "reuse" } else { "new" };
        let of_sites = word(fleet.connections == Connections::Kept);
        let of_mail = word(fleet.connections != Connections::New);
        let mut text = format!(
            "http:\n  ca_file: {}\n  resolve:\n    login.microsoftonline.com: \"{address}\"\n    \
             {GRAPH}: \"{address}\"\ndefaults: {{interval: {interval}ms, timeout: {timeout}ms}}\n\
             accounts:\n",
            self.authority_file().display(),
        );
        for account in &self.accounts {
            writeln!(
                text,
                "  - {{name: {}, tenant: {}, client_id: {}, client_secret: {{secret_file: {}}}}}",
                account.name,
                account.domain,
                account.client_id,
                account.secret_file.display()
            )?;
        }
        text.push_str("resources:\n");
        for number in 1..=fleet.sites {
            let account = self.owner(number)?;
            writeln!(
                text,
                "  - {{name: site-{number:05}, account: {}, kind: sharepoint_site, \
                 connection: {of_sites}, url: \"https://{}/sites/load-{number:05}\"}}",
                account.name,
                sharepoint_host(account),
            )?;
        }
        for number in 1..=fleet.mailboxes {
            let account = self.owner(number)?;
            writeln!(
                text,
                "  - {{name: mailbox-{number:05}, account: {}, kind: exchange_mailbox, \
                 connection: {of_mail}, user: load-{number:05}@{}}}",
                account.name, account.domain,
            )?;
        }
        for place in 0..fleet.folders {
            let (number, name) = (place % self.mailboxes + 1, place / self.mailboxes);
            let folder = ["inbox", "drafts"].get(name).context("so many folders")?;
            let account = self.owner(number)?;
            writeln!(
                text,
                "  - {{name: {folder}-{number:05}, account: {}, kind: mailbox_folder, \
                 connection: {of_mail}, user: load-{number:05}@{}, folder: {folder}}}",
                account.name, account.domain,
            )?;
        }
        let file = self.folder.join(format!("{name}.yml"));
        std::fs::write(&file, text)?;
        Ok(file)
    }
}

fn sharepoint_host(account: &Account) -> String {
    account
        .domain
        .replace(".onmicrosoft.com", ".sharepoint.com")
}

impl Cloud {
    /// How many requests of each kind it answered so far: `graph 200`, …
    pub(crate) async fn answered(&self, web: &Web) -> anyhow::Result<BTreeMap<String, u64>> {
        let told = web.get(self.control, "/requests?latest=0").await?;
        let told: Value = serde_json::from_str(&told)?;
        Ok(serde_json::from_value(told["counts"].clone())?)
    }
}
