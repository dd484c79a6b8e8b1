//! The running configuration as YAML, for `/config`: with every default filled
//! in and every secret replaced; what came from the environment is `${NAME}` again. But for a
//! proxy it can be read again.

mod windows;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::kinds::{Configuration, Labels, Resource, Setting, Variables};
use crate::model::duration;
use crate::model::{Account, AppCredential, Cloud, ProxySetting, SecretSource, SignIn};

const HIDDEN: &str = "<secret>";

/// What is written: text in quotes, numbers and words as they are.
enum Out {
    Text(String),
    Plain(String),
    List(Vec<Out>),
    Mapping(Vec<(String, Out)>),
}

impl Out {
    fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().to_owned())
    }

    fn path(path: &Path) -> Self {
        Self::Text(path.display().to_string())
    }

    fn duration(value: Duration) -> Self {
        Self::Plain(duration::format(value))
    }

    fn of(setting: Setting) -> Self {
        match setting {
            Setting::Text(text) => Self::Text(text),
            Setting::Plain(word) => Self::Plain(word),
            Setting::List(items) => Self::List(items.into_iter().map(Self::of).collect()),
            Setting::Mapping(entries) => Self::Mapping(
                entries
                    .into_iter()
                    .map(|(key, value)| (key, Self::of(value)))
                    .collect(),
            ),
            Setting::Secret => Self::text(HIDDEN),
        }
    }

    fn mapping<const N: usize>(entries: [(&str, Out); N]) -> Self {
        Self::Mapping(
            entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }
}

/// The configuration as YAML, without a secret in it.
#[must_use]
pub fn redacted(configuration: &Configuration) -> String {
    let http = &configuration.http;
    let limits = configuration.limits;
    let metrics = &configuration.metrics;
    let mut settings = Vec::new();
    settings.extend(proxy(&http.proxy));
    if let Some(ca_file) = &http.ca_file {
        settings.push(("ca_file".to_owned(), Out::path(ca_file)));
    }
    settings.push(("user_agent".to_owned(), Out::text(&http.user_agent)));
    let resolve = http
        .resolve
        .iter()
        .map(|(host, to)| (host.to_string(), Out::text(to.address.to_string())))
        .collect();
    settings.push(("resolve".to_owned(), Out::Mapping(resolve)));

    let buckets = metrics.histogram_buckets.iter();
    let whole = Out::mapping([
        ("labels", labels(&configuration.labels)),
        ("storage", Out::path(&configuration.storage.file)),
        (
            "storage_key_file",
            Out::path(&configuration.storage.key_file),
        ),
        ("http", Out::Mapping(settings)),
        (
            "limits",
            Out::mapping([
                (
                    "probes_in_flight",
                    Out::Plain(limits.probes_in_flight.to_string()),
                ),
                ("per_account", Out::Plain(limits.per_account.to_string())),
                ("on_scrape", Out::Plain(limits.on_scrape.to_string())),
            ]),
        ),
        (
            "metrics",
            Out::mapping([
                ("histogram", Out::Plain(metrics.histogram.to_string())),
                ("phases", Out::Plain(metrics.phases.to_string())),
                (
                    "histogram_buckets",
                    Out::List(buckets.map(|bound| Out::Plain(bound.to_string())).collect()),
                ),
            ]),
        ),
        (
            "accounts",
            Out::List(
                configuration
                    .accounts
                    .iter()
                    .map(|one| account(one))
                    .collect(),
            ),
        ),
        ("windows", windows::windows(&configuration.windows)),
        (
            "references",
            Out::List(
                configuration
                    .references
                    .iter()
                    .map(|reference| Out::text(&reference.name))
                    .collect(),
            ),
        ),
        (
            "resources",
            Out::List(
                configuration
                    .resources
                    .iter()
                    .enumerate()
                    .map(|(number, one)| resource(number, one, configuration))
                    .collect(),
            ),
        ),
    ]);
    let mut page = RedactedPage {
        text: String::new(),
        variables: &configuration.variables,
    };
    page.write(&whole, 0, "");
    page.text
}

fn proxy(setting: &ProxySetting) -> Option<(String, Out)> {
    let (key, shown) = match setting {
        ProxySetting::Environment => return None,
        ProxySetting::Fixed(_) => ("proxy_url", Out::text(HIDDEN)),
        ProxySetting::Direct => ("proxy_url", Out::Plain("null".to_owned())),
        ProxySetting::File(path) => ("proxy_url_file", Out::path(path)),
    };
    Some((key.to_owned(), shown))
}

fn labels(labels: &Labels) -> Out {
    let pairs = labels.iter();
    Out::Mapping(
        pairs
            .map(|(name, value)| (name.to_string(), Out::text(value)))
            .collect(),
    )
}

fn account(account: &Account) -> Out {
    let mut entries = vec![("name".to_owned(), Out::text(&account.name))];
    let mut add = |key: &str, value: Out| entries.push((key.to_owned(), value));
    add(
        "cloud",
        match &account.cloud {
            Cloud::Custom {
                login_url,
                graph_url,
            } => Out::mapping([
                ("login_url", Out::text(login_url)),
                ("graph_url", Out::text(graph_url)),
            ]),
            named => Out::Plain(named.as_str().to_owned()),
        },
    );
    if let Some(tenant) = &account.tenant {
        add("tenant", Out::text(tenant.as_str()));
    }
    if let Some(client_id) = &account.client_id {
        add("client_id", Out::text(client_id));
    }
    if !account.audiences.is_empty() {
        let bound = account.audiences.iter();
        let bound = bound.map(|(name, host)| (name.to_string(), Out::text(host)));
        add("audiences", Out::Mapping(bound.collect()));
    }
    let app = match &account.sign_in {
        SignIn::App(app) => Some(app),
        SignIn::Delegated { person, client } => {
            let mut delegated = vec![("username".to_owned(), Out::text(&person.username))];
            if let Some(url) = &person.redirect_url {
                delegated.push(("redirect_url".to_owned(), Out::text(url.as_str())));
            }
            if let Some(age) = person.max_age {
                delegated.push(("max_age".to_owned(), Out::duration(age)));
            }
            add("delegated", Out::Mapping(delegated));
            client.as_ref()
        }
        SignIn::Nobody => None,
        SignIn::ManagedIdentity => {
            add("managed_identity", Out::Mapping(Vec::new()));
            None
        }
    };
    if let Some(app) = app {
        let (key, value) = credential(app);
        add(key, value);
    }
    entries.extend(account.proxy.as_deref().and_then(proxy));
    Out::Mapping(entries)
}

fn credential(app: &AppCredential) -> (&'static str, Out) {
    match app {
        AppCredential::ClientSecret { secret, expires } => {
            let mut entries = vec![source("secret", secret)];
            if let Some(expires) = expires {
                entries.push(("expires".to_owned(), Out::text(expires.to_string())));
            }
            ("client_secret", Out::Mapping(entries))
        }
        AppCredential::ClientCertificate {
            certificate_file,
            key_file,
            passphrase,
        } => {
            let mut entries = vec![("certificate_file".to_owned(), Out::path(certificate_file))];
            // The same file is the default, and its path may be a variable's.
            if key_file != certificate_file {
                entries.push(("key_file".to_owned(), Out::path(key_file)));
            }
            entries.extend(
                passphrase
                    .iter()
                    .map(|secret| source("key_passphrase", secret)),
            );
            ("client_certificate", Out::Mapping(entries))
        }
        AppCredential::WorkloadIdentity { token_file } => (
            "workload_identity",
            Out::mapping([("token_file", Out::path(token_file))]),
        ),
    }
}

fn source(name: &str, source: &SecretSource) -> (String, Out) {
    match source {
        SecretSource::Inline(_) => (name.to_owned(), Out::text(HIDDEN)),
        SecretSource::File(path) => (format!("{name}_file"), Out::path(path)),
        SecretSource::Environment(variable) => (format!("{name}_env"), Out::text(variable)),
    }
}

fn resource(number: usize, resource: &Resource, configuration: &Configuration) -> Out {
    let is_variable = |key: &str| {
        let path = format!("resources[{number}].{key}");
        configuration.variables.get(&path).is_some()
    };
    let mut entries = vec![("name".to_owned(), Out::text(&resource.name))];
    // What needs no account has one without a name.
    if !resource.account.name.is_empty() {
        entries.push(("account".to_owned(), Out::text(&resource.account.name)));
    }
    entries.push((
        "kind".to_owned(),
        Out::Plain(resource.kind.as_str().to_owned()),
    ));
    let mut add = |key: &str, value: Out| entries.push((key.to_owned(), value));
    for (key, setting) in resource.kind.settings() {
        add(key, Out::of(setting));
    }
    add("interval", Out::duration(resource.interval));
    add("timeout", Out::duration(resource.timeout));
    add("mode", Out::Plain(resource.mode.as_str().to_owned()));
    let connection = resource.connection.as_str();
    add("connection", Out::Plain(connection.to_owned()));
    // Where it follows from an interval that is not shown, it is not shown either.
    let usual = resource.min_age == resource.interval * 9 / 10;
    if !(usual && is_variable("interval")) || is_variable("min_age") {
        add("min_age", Out::duration(resource.min_age));
    }
    add("impact", Out::Plain(resource.impact.as_str().to_owned()));
    let own: Labels = resource
        .labels
        .iter()
        .filter(|label| !configuration.labels.contains(label))
        .cloned()
        .collect();
    if !own.is_empty() {
        add("labels", labels(&own));
    }
    entries.extend(resource.proxy.as_deref().and_then(proxy));
    Out::Mapping(entries)
}

/// What is written, and which values came from the environment.
struct RedactedPage<'c> {
    text: String,
    variables: &'c Variables,
}

impl RedactedPage<'_> {
    /// Block style; text is written as JSON, which YAML reads as it is. `path` is
    /// that of the value.
    fn write(&mut self, out: &Out, indent: usize, path: &str) {
        if let Some(name) = self.variables.get(path) {
            _ = writeln!(self.text, " ${{{name}}}");
            return;
        }
        match out {
            Out::Text(text) => {
                _ = writeln!(self.text, " {}", serde_json::Value::from(text.as_str()));
            }
            Out::Plain(word) => {
                _ = writeln!(self.text, " {word}");
            }
            Out::List(items) if items.is_empty() => self.text.push_str(" []\n"),
            Out::Mapping(entries) if entries.is_empty() => self.text.push_str(" {}\n"),
            Out::List(items) => {
                if indent > 0 {
                    self.text.push('\n');
                }
                for (number, item) in items.iter().enumerate() {
                    let path = format!("{path}[{number}]");
                    _ = write!(self.text, "{:indent$}-", "");
                    match item {
                        Out::Mapping(entries) if !entries.is_empty() => {
                            self.text.push(' ');
                            self.entries(entries, indent + 2, true, &path);
                        }
                        _ => self.write(item, indent + 2, &path),
                    }
                }
            }
            Out::Mapping(entries) => {
                if indent > 0 {
                    self.text.push('\n');
                }
                self.entries(entries, indent, false, path);
            }
        }
    }

    /// `begun`: the first key stands on a line that is already indented.
    fn entries(&mut self, entries: &[(String, Out)], indent: usize, begun: bool, path: &str) {
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 || !begun {
                _ = write!(self.text, "{:indent$}", "");
            }
            let word = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let reserved = matches!(key.as_str(), "true" | "false" | "null");
            if word && !reserved && !key.starts_with(|c: char| c.is_ascii_digit()) {
                self.text.push_str(key);
            } else {
                _ = write!(self.text, "{}", serde_json::Value::from(key.as_str()));
            }
            self.text.push(':');
            self.write(value, indent + 2, &Variables::join(path, key));
        }
    }
}
