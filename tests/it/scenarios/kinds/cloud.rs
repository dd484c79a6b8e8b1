//! A tenant in the test's own process, with an exporter's configuration of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use m365mon::config;
use m365mon::entra::{Consent, TokenStore, Tokens};
use m365mon::http::{Network, ProbeClient, SimpleClient};
use m365mon::kinds::{self, Configuration, Resource};
use m365mon::model::{Audience, Clock, IgnoreAccounts, Report, Story, SystemRandom};
use m365mon::probe::TenantProber;
use m365mon_simulator::command::Command;
use m365mon_simulator::directory::{
    CERTIFICATE_CLIENT_ID, DELEGATED_CLIENT_ID, DOMAIN, SELECTED_CLIENT_ID,
};
use m365mon_simulator::entra::approve_device;
use m365mon_simulator::{Options, Running, start};
use serde_json::{Value, json};

use super::configuration;
use crate::support::tenant::tell;

struct NoEnvironment;

impl config::Environment for NoEnvironment {
    fn var(&self, _: &str) -> Option<String> {
        None
    }
}

/// A tenant in this process, asked over TLS; its application has no right yet.
pub(super) struct Cloud {
    pub(super) running: Running,
    folder: tempfile::TempDir,
    pub(super) configuration: Configuration,
    network: Network,
}

impl Cloud {
    pub(super) async fn with(lines: &str) -> Self {
        let running = start(Options::default()).await.unwrap();
        // A sign-in by device code shall not be what a test waits for.
        let mut policy = running.tenant.entra.policy();
        policy.device_interval = 1;
        running.tenant.entra.set_policy(policy);
        let folder = tempfile::tempdir().unwrap();
        // Also good where the tenant's clock is set back.
        let before = Clock::system().now() - jiff::SignedDuration::from_hours(24);
        perform(&running, &json!({"clock": {"set": before.to_string()}}));
        let secret = json!({"secret": {"app": SELECTED_CLIENT_ID, "change": "new"}});
        let made = perform(&running, &secret);
        perform(&running, &json!({"clock": {"reset": true}}));
        std::fs::write(
            folder.path().join("secret.txt"),
            made["secret"].as_str().unwrap(),
        )
        .unwrap();
        std::fs::write(folder.path().join("ca.pem"), &running.ca_pem).unwrap();
        let file = folder.path().join("m365mon.yml");
        std::fs::write(&file, configuration(running.addr, "ca.pem", lines)).unwrap();
        let configuration = config::load(&file, &NoEnvironment).unwrap().configuration;
        let network = Network::new(&configuration.http).unwrap();
        for command in [
            json!({"app": {"app": SELECTED_CLIENT_ID, "revoke": ["Sites.Selected"]}}),
            json!({"app": {"app": CERTIFICATE_CLIENT_ID, "revoke": ["Sites.Selected"]}}),
            json!({"app": {
                "app": CERTIFICATE_CLIENT_ID, "resource": "sharepoint", "revoke": ["Sites.Selected"],
            }}),
            json!({"mailbox": {"user": format!("monitoring@{DOMAIN}"), "unassign": SELECTED_CLIENT_ID}}),
            json!({"consent": {"app": DELEGATED_CLIENT_ID, "user": format!("steve@{DOMAIN}"), "revoke": true}}),
            // A mail may arrive at once.
            json!({"mail": {"delay": "0s", "bounce_after": "0s"}}),
        ] {
            perform(&running, &command);
        }
        let cloud = Self {
            running,
            folder,
            configuration,
            network,
        };
        let mut accounts = cloud.configuration.accounts.iter();
        if accounts.any(|account| *account.name == *"certified") {
            cloud.register_certificate().await;
        }
        cloud
    }

    /// Lets the application prove itself by the certificate in the configuration.
    async fn register_certificate(&self) {
        let pem = std::fs::read_to_string("tests/data/app-certificate.pem").unwrap();
        let order = json!({"app": CERTIFICATE_CLIENT_ID, "pem": pem}).to_string();
        let control = self.running.control_addr;
        let told =
            tokio::task::spawn_blocking(move || tell(control, "/entra/certificates", &order));
        told.await.unwrap();
    }

    /// The configuration's file.
    pub(super) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("m365mon.yml")
    }

    pub(super) fn act(&self, commands: &[Value]) {
        for command in commands {
            perform(&self.running, command);
        }
    }

    pub(super) fn resource(&self, name: &str) -> &Arc<Resource> {
        let mut resources = self.configuration.resources.iter();
        resources.find(|resource| *resource.name == *name).unwrap()
    }

    fn tokens(&self) -> Arc<Tokens> {
        let tokens = Tokens::new(
            SimpleClient::new(&self.network).unwrap(),
            TokenStore::new(&self.configuration.storage, None),
            Clock::system(),
            Arc::new(SystemRandom::new()),
            Arc::new(IgnoreAccounts),
        );
        tokens.configure(&self.configuration.accounts);
        tokens
    }

    /// Signs steve in for what the resource needs.
    pub(super) async fn sign_in(&self, resource: &Resource) {
        let needs = kinds::needs_of(&resource.account, &self.configuration.resources);
        self.sign_in_for(resource, kinds::wanted(&needs)).await;
    }

    /// Signs steve in for other permissions than the resource asks for.
    pub(super) async fn sign_in_for(
        &self,
        resource: &Resource,
        mut wanted: BTreeMap<Audience, Vec<String>>,
    ) {
        let account = &resource.account;
        let consent = Consent::new(
            SimpleClient::new(&self.network).unwrap(),
            TokenStore::new(&self.configuration.storage, None),
            Clock::system(),
            Arc::new(SystemRandom::new()),
        );
        if wanted.is_empty() {
            // Who signed in is Graph's to say.
            wanted.insert(Audience::graph(&account.cloud), Vec::new());
        }
        for one in wanted {
            let code = consent.device_code(account, &[one].into()).await.unwrap();
            let steve = format!("steve@{DOMAIN}");
            approve_device(&self.running.tenant, code.user_code(), &steve).unwrap();
            consent.finish_device(account, code).await.unwrap();
        }
    }

    /// Probes once, with a token of its own.
    pub(super) async fn probe(&self, name: &str, timeout: Duration) -> Report {
        let resource = Resource {
            timeout,
            ..(**self.resource(name)).clone()
        };
        let client = ProbeClient::new(&self.network).unwrap();
        let random = Arc::new(SystemRandom::new());
        let prober = TenantProber::new(client, self.tokens(), Clock::system(), random);
        prober.explained(&resource, &Story::untold()).await.0
    }
}

fn perform(running: &Running, command: &Value) -> Value {
    let read: Command = serde_json::from_value(command.clone())
        .unwrap_or_else(|error| panic!("{command}: {error}"));
    read.perform(&running.tenant)
        .unwrap_or_else(|error| panic!("{command}: {error}"))
}
