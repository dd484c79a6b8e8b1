//! A simulated tenant in a process of its own, and `m365mon doctor` beside it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use m365mon_simulator::directory::{
    CERTIFICATE_CLIENT_ID, DELEGATED_CLIENT_ID, DOMAIN, IDENTITY_CLIENT_ID, SELECTED_CLIENT_ID,
};
use serde_json::Value;

use crate::support::stack::{Process, address_after, eventually, http};
use crate::support::tenant::{JSON, mend, simulate, tell};

/// A tenant, a folder, and what was seen so far.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    _tenant: Process,
    pub(crate) tls: SocketAddr,
    pub(crate) proxy: SocketAddr,
    pub(crate) metadata: SocketAddr,
    pub(crate) control: SocketAddr,
    /// What must not be seen in anything.
    secrets: Vec<String>,
}

/// What one run of the doctor said.
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) json: Value,
}

impl Stage {
    pub(crate) fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (tenant, control) = simulate(folder.path(), &[]);
        let after = |mark: &str| tenant.wait_for(mark, |text| address_after(text, mark));
        let mut stage = Self {
            tls: after("simulated tenant  https://"),
            proxy: after("CONNECT proxy     http://"),
            control,
            metadata: after("metadata service  http://"),
            folder,
            _tenant: tenant,
            secrets: Vec::new(),
        };
        let made = stage.tell(
            "/secrets",
            &format!(r#"{{"app": "{SELECTED_CLIENT_ID}", "change": "new"}}"#),
        );
        stage.keep("secret.txt", made["secret"].as_str().unwrap());
        stage
    }

    /// Registers the certificate of [`certificate`].
    pub(crate) fn upload(&self) {
        let pem = std::fs::read_to_string("tests/data/app-certificate.pem").unwrap();
        let order = serde_json::json!({"app": CERTIFICATE_CLIENT_ID, "pem": pem});
        self.tell("/entra/certificates", &order.to_string());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a secret that must not be seen.
    pub(crate) fn keep(&mut self, file: &str, secret: &str) {
        std::fs::write(self.path(file), secret).unwrap();
        self.secrets.push(secret.to_owned());
    }

    /// Orders something at the control endpoint.
    pub(crate) fn tell(&self, path: &str, json: &str) -> Value {
        tell(self.control, path, json)
    }

    /// Puts a fault in force.
    pub(crate) fn fault(&self, host: &str, kind: &str) {
        self.tell(
            "/faults",
            &format!(r#"{{"scope": {{"host": "{host}"}}, "kind": {kind}}}"#),
        );
    }

    /// Ends all faults.
    pub(crate) fn mend(&self) {
        mend(self.control);
    }

    /// Writes a configuration with these accounts and resources.
    pub(crate) fn configure(&self, accounts: &str, resources: &str) {
        self.configure_with("", accounts, resources);
    }

    /// The same with more names that are found at the tenant's address.
    pub(crate) fn configure_with(&self, hosts: &str, accounts: &str, resources: &str) {
        let tls = self.tls;
        let text = format!(
            "storage: m365mon.tokens\nhttp:\n  ca_file: tenant/ca.pem\n  resolve:\n    \
             login.microsoftonline.com: \"{tls}\"\n    graph.microsoft.com: \"{tls}\"\n    \
             contoso.sharepoint.com: \"{tls}\"\n{hosts}\naccounts:\n{accounts}\nresources:\n{resources}\n"
        );
        std::fs::write(self.path("m365mon.yml"), text).unwrap();
    }

    /// Runs a command of the exporter on the configuration.
    pub(crate) fn run(&self, words: &[&str], environment: &[(&str, &str)]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .args(words)
            .arg("--config.file")
            .arg(self.path("m365mon.yml"))
            .env_remove("M365MON_STORAGE_KEY")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        for out in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(out);
            for secret in &self.secrets {
                assert!(!text.contains(secret), "a secret is told: {text}");
            }
            assert!(!text.contains("eyJ"), "a token is told: {text}");
        }
        output
    }

    /// Lets the doctor look.
    pub(crate) fn doctor(&self, environment: &[(&str, &str)]) -> Told {
        let output = self.run(&["doctor", "--json"], environment);
        let text = String::from_utf8(output.stdout).unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        Told {
            code: output.status.code().unwrap(),
            json: serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{error}: {text}{complaints}")),
        }
    }

    /// Signs steve in by device code.
    pub(crate) fn sign_in(&self, account: &str) {
        let config = self.path("m365mon.yml");
        let mut login = Process::m365mon(&[
            "login",
            account,
            "--device-code",
            "--config.file",
            config.to_str().unwrap(),
        ]);
        let code = login.wait_for("code", |text| {
            let code = text.split("enter the code ").nth(1)?;
            let code = code.split_whitespace().next()?;
            Some(code.to_owned())
        });
        let order = format!(r#"{{"user": "steve@{DOMAIN}", "code": "{code}"}}"#);
        eventually("the device is known", || {
            let answer = http(self.control, "POST", "/devices", &JSON, &order)?;
            (200..300).contains(&answer.0).then_some(())
        });
        assert_eq!(login.exit_code(), 0, "{}", login.output());
    }
}

impl Told {
    /// The steps of this name, of the accounts and of their resources.
    pub(crate) fn steps(&self, name: &str) -> Vec<Value> {
        let accounts = self.json["accounts"].as_array().unwrap();
        let mut found = Vec::new();
        for account in accounts {
            let resources = account["resources"].as_array().unwrap();
            let of_resources = resources
                .iter()
                .flat_map(|r| r["steps"].as_array().unwrap());
            let steps = account["steps"].as_array().unwrap().iter();
            found.extend(steps.chain(of_resources).filter(|s| s["step"] == name));
        }
        found.into_iter().cloned().collect()
    }

    /// The one step of this name.
    pub(crate) fn step(&self, name: &str) -> Value {
        let mut steps = self.steps(name);
        assert_eq!(steps.len(), 1, "{name}: {:#}", self.json);
        steps.remove(0)
    }

    /// Asserts what was found by the one step of this name, and that all of
    /// `words` stand in what it tells.
    pub(crate) fn is(&self, name: &str, finding: &str, words: &[&str]) {
        let step = self.step(name);
        assert_eq!(step["finding"], finding, "{step:#}");
        let text = step.to_string();
        for word in words {
            assert!(text.contains(word), "no {word:?} in {step:#}");
        }
    }
}

/// Accounts, as they are written into the configuration.
pub(crate) fn selected() -> String {
    format!(
        "  - name: app\n    tenant: {DOMAIN}\n    client_id: {SELECTED_CLIENT_ID}\n    \
         client_secret: {{secret_file: secret.txt, expires: 2027-12-31}}"
    )
}

pub(crate) fn steve() -> String {
    format!(
        "  - name: steve\n    tenant: {DOMAIN}\n    client_id: {DELEGATED_CLIENT_ID}\n    \
         delegated: {{username: steve@{DOMAIN}}}"
    )
}

pub(crate) fn certificate() -> String {
    let folder = std::env::current_dir().unwrap().join("tests/data");
    let folder = folder.display();
    format!(
        "  - name: cert\n    tenant: {DOMAIN}\n    client_id: {CERTIFICATE_CLIENT_ID}\n    \
         client_certificate: {{certificate_file: {folder}/app-certificate.pem, key_file: {folder}/app-key.pem}}"
    )
}

pub(crate) fn identity() -> String {
    format!("  - name: machine\n    client_id: {IDENTITY_CLIENT_ID}\n    managed_identity: {{}}")
}

/// Resources, likewise.
pub(crate) fn site(account: &str, path: &str, more: &str) -> String {
    format!(
        "  - {{name: {account}-site, account: {account}, kind: sharepoint_site, \
         url: \"https://contoso.sharepoint.com/{path}\"{more}}}"
    )
}

pub(crate) fn mailbox(account: &str, user: &str) -> String {
    format!(
        "  - {{name: {account}-mailbox, account: {account}, kind: exchange_mailbox, \
         user: {user}@{DOMAIN}}}"
    )
}

/// The exit code and what was found.
pub(super) fn findings(told: &Told) -> (i32, &str) {
    (told.code, told.json["finding"].as_str().unwrap())
}

/// One site and one mailbox through the least of all applications.
pub(super) fn least() -> Stage {
    let stage = Stage::set();
    let resources = [
        site("app", "sites/intranet", ""),
        mailbox("app", "monitoring"),
    ];
    stage.configure(&selected(), &resources.join("\n"));
    stage
}
