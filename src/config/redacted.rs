//! The running configuration as YAML, for `/config`: with every default filled
//! in and every secret replaced; what came from the environment is `${NAME}` again. But for a
//! proxy it can be read again.

mod windows;

use std::fmt::Write as _;

use super::schema;
use crate::kinds::{Configuration, Labels, Resource, Setting, Variables};
use crate::model::{Account, AppCredential, Cloud, ProxySetting, SignIn};

fn text(text: impl AsRef<str>) -> Setting {
    Setting::Text(text.as_ref().to_owned())
}

/// Keys with their values, as a mapping.
fn mapping<'s>(entries: impl IntoIterator<Item = (&'s str, Setting)>) -> Setting {
    let entries = entries.into_iter();
    Setting::Mapping(
        entries
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

/// The configuration as YAML, without a secret in it.
#[must_use]
pub fn redacted(configuration: &Configuration) -> String {
    let mut whole = vec![("labels", labels(&configuration.labels))];
    whole.extend(schema::ROOT.show(&configuration.storage));
    let http = &configuration.http;
    let proxy = proxy(&http.proxy).into_iter();
    let accounts = configuration.accounts.iter().map(|one| account(one));
    let references = configuration.references.iter();
    let resources = configuration.resources.iter().enumerate();
    whole.extend([
        ("http", mapping(proxy.chain(schema::HTTP.show(http)))),
        (
            "limits",
            mapping(schema::LIMITS.show(&configuration.limits)),
        ),
        (
            "metrics",
            mapping(schema::METRICS.show(&configuration.metrics)),
        ),
        ("accounts", Setting::List(accounts.collect())),
        ("windows", windows::windows(&configuration.windows)),
        (
            "references",
            Setting::List(references.map(|one| text(&one.name)).collect()),
        ),
        (
            "resources",
            Setting::List(
                resources
                    .map(|(number, one)| resource(number, one, configuration))
                    .collect(),
            ),
        ),
    ]);
    let mut page = RedactedPage {
        text: String::new(),
        variables: &configuration.variables,
    };
    page.write(&mapping(whole), 0, "");
    page.text
}

fn proxy(setting: &ProxySetting) -> Option<(&'static str, Setting)> {
    Some(match setting {
        ProxySetting::Environment => return None,
        ProxySetting::Fixed(url) => schema::PROXY_URL.show(url),
        ProxySetting::Direct => (schema::PROXY_URL.name, Setting::Plain("null".to_owned())),
        ProxySetting::File(path) => schema::PROXY_URL_FILE.show(path),
    })
}

fn labels(labels: &Labels) -> Setting {
    let pairs = labels.iter();
    mapping(pairs.map(|(name, value)| (&**name, text(value))))
}

fn account(account: &Account) -> Setting {
    let mut entries = vec![("name", text(&account.name))];
    entries.push((
        "cloud",
        match &account.cloud {
            Cloud::Custom {
                login_url,
                graph_url,
            } => mapping([
                schema::LOGIN_URL.show(login_url),
                schema::GRAPH_URL.show(graph_url),
            ]),
            named => Setting::Plain(named.as_str().to_owned()),
        },
    ));
    let tenant = account.tenant.iter();
    entries.extend(tenant.map(|tenant| schema::TENANT.show(tenant)));
    let client_id = account.client_id.iter();
    entries.extend(client_id.map(|id| schema::CLIENT_ID.show(id)));
    entries.extend(schema::AUDIENCES.shown(&account.audiences));
    let app = match &account.sign_in {
        SignIn::App(app) => Some(app),
        SignIn::Delegated { person, client } => {
            entries.push(("delegated", mapping(schema::DELEGATED.show(person))));
            client.as_ref()
        }
        SignIn::Nobody => None,
        SignIn::ManagedIdentity => {
            entries.push(("managed_identity", mapping([])));
            None
        }
    };
    entries.extend(app.map(credential));
    entries.extend(account.proxy.as_deref().and_then(proxy));
    mapping(entries)
}

fn credential(app: &AppCredential) -> (&'static str, Setting) {
    match app {
        AppCredential::ClientSecret { secret, expires } => {
            let secret = [schema::SECRET.show(secret)].into_iter();
            let expires = expires.iter().map(|when| schema::EXPIRES.show(when));
            ("client_secret", mapping(secret.chain(expires)))
        }
        AppCredential::ClientCertificate {
            certificate_file,
            key_file,
            passphrase,
        } => {
            let mut entries = vec![schema::CERTIFICATE_FILE.show(certificate_file)];
            // The same file is the default, and its path may be a variable's.
            if key_file != certificate_file {
                entries.push(schema::KEY_FILE.show(key_file));
            }
            let passphrase = passphrase.iter();
            entries.extend(passphrase.map(|secret| schema::PASSPHRASE.show(secret)));
            ("client_certificate", mapping(entries))
        }
        AppCredential::WorkloadIdentity { token_file } => (
            "workload_identity",
            mapping([schema::TOKEN_FILE.show(token_file)]),
        ),
    }
}

fn resource(number: usize, resource: &Resource, configuration: &Configuration) -> Setting {
    let is_variable = |key: &str| {
        let path = format!("resources[{number}].{key}");
        configuration.variables.get(&path).is_some()
    };
    let mut entries = vec![("name", text(&resource.name))];
    // What needs no account has one without a name.
    if !resource.account.name.is_empty() {
        entries.push(("account", text(&resource.account.name)));
    }
    let kind = resource.kind.as_str().to_owned();
    entries.push(("kind", Setting::Plain(kind)));
    entries.extend(resource.kind.settings());
    entries.extend([
        schema::INTERVAL.show(&resource.interval),
        schema::TIMEOUT.show(&resource.timeout),
        schema::MODE.show(&resource.mode),
        schema::CONNECTION.show(&resource.connection),
    ]);
    // Where it follows from an interval that is not shown, it is not shown either.
    let usual = resource.min_age == resource.interval * 9 / 10;
    if !(usual && is_variable("interval")) || is_variable("min_age") {
        entries.push(schema::MIN_AGE.show(&resource.min_age));
    }
    entries.push(schema::IMPACT.show(&resource.impact));
    let own: Labels = resource
        .labels
        .iter()
        .filter(|label| !configuration.labels.contains(label))
        .cloned()
        .collect();
    if !own.is_empty() {
        entries.push(("labels", labels(&own)));
    }
    entries.extend(resource.proxy.as_deref().and_then(proxy));
    mapping(entries)
}

/// What is written, and which values came from the environment.
struct RedactedPage<'c> {
    text: String,
    variables: &'c Variables,
}

impl RedactedPage<'_> {
    /// Block style; text is written as JSON, which YAML reads as it is. `path` is
    /// that of the value.
    fn write(&mut self, out: &Setting, indent: usize, path: &str) {
        if let Some(name) = self.variables.get(path) {
            _ = writeln!(self.text, " ${{{name}}}");
            return;
        }
        match out {
            Setting::Text(text) => {
                _ = writeln!(self.text, " {}", serde_json::Value::from(text.as_str()));
            }
            Setting::Plain(word) => {
                _ = writeln!(self.text, " {word}");
            }
            Setting::Secret => _ = writeln!(self.text, " \"<secret>\""),
            Setting::List(items) if items.is_empty() => self.text.push_str(" []\n"),
            Setting::Mapping(entries) if entries.is_empty() => self.text.push_str(" {}\n"),
            Setting::List(items) => {
                if indent > 0 {
                    self.text.push('\n');
                }
                for (number, item) in items.iter().enumerate() {
                    let path = format!("{path}[{number}]");
                    _ = write!(self.text, "{:indent$}-", "");
                    match item {
                        Setting::Mapping(entries) if !entries.is_empty() => {
                            self.text.push(' ');
                            self.entries(entries, indent + 2, true, &path);
                        }
                        _ => self.write(item, indent + 2, &path),
                    }
                }
            }
            Setting::Mapping(entries) => {
                if indent > 0 {
                    self.text.push('\n');
                }
                self.entries(entries, indent, false, path);
            }
        }
    }

    /// `begun`: the first key stands on a line that is already indented.
    fn entries(&mut self, entries: &[(String, Setting)], indent: usize, begun: bool, path: &str) {
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
