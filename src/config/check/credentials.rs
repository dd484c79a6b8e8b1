//! How an account signs in: exactly one way, and what that way needs.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use url::Url;

use super::{Context, paths};
use crate::config::diagnostic::{one_of, quoted, quoted_url};
use crate::config::fields::{Fields, Spanned};
use crate::config::schema;
use crate::config::yaml::{Node, Shape};
use crate::model::{AppCredential, Delegated, SecretSource, SignIn, is_guest, is_upn, meant};

const HOUR: Duration = Duration::from_secs(3_600);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The keys of which one proves who the application is.
const CREDENTIALS: [&str; 4] = [
    "client_secret",
    "client_certificate",
    "workload_identity",
    "managed_identity",
];

/// Which credentials an account names.
pub(super) struct CredentialChoice {
    delegated: bool,
    app: Option<&'static str>,
    sound: bool,
}

impl CredentialChoice {
    /// Finds out, and complains about combinations that make no sense.
    pub(super) fn read(fields: &Fields<'_>, context: &Context<'_>) -> Self {
        let diagnostics = context.diagnostics;
        let mut sound = true;
        let mut app = None;
        for name in CREDENTIALS {
            let Some(node) = fields.given(name) else {
                continue;
            };
            if node.shape() == Shape::Null {
                // Nothing can be said with it but that it is there.
                if matches!(name, "managed_identity" | "workload_identity") {
                    diagnostics.refuse(
                        node.at,
                        format!("\"{name}\" has no value; write \"{name}: {{}}\", or leave it out"),
                    );
                    sound = false;
                    app = app.or(Some(name));
                }
                continue;
            }
            match app {
                None => app = Some(name),
                Some(first) => {
                    diagnostics.refuse(
                        fields.place(name),
                        format!(
                            "\"{name}\" and \"{first}\" exclude each other; an account has one way to sign in"
                        ),
                    );
                    sound = false;
                }
            }
        }
        let delegated = fields.get("delegated").is_some();
        if delegated && app == Some("managed_identity") {
            diagnostics.refuse(
                fields.place("managed_identity"),
                "\"managed_identity\" and \"delegated\" exclude each other; an identity of a machine acts for no person",
            );
            sound = false;
        }
        if !delegated && app.is_none() && sound {
            diagnostics.refuse(
                fields.at,
                format!(
                    "no credential; an account needs \"delegated\" or one of {}",
                    one_of(CREDENTIALS)
                ),
            );
            sound = false;
        }
        Self {
            delegated,
            app,
            sound,
        }
    }

    /// True if `AZURE_*` variables fill what the file leaves out.
    pub(super) fn takes_environment(&self) -> bool {
        self.app == Some("workload_identity")
    }

    /// True if neither tenant nor application need to be named.
    pub(super) fn is_managed(&self) -> bool {
        self.app == Some("managed_identity") && !self.delegated
    }

    /// The way itself; complains about what it lacks.
    pub(super) fn sign_in(&self, fields: &Fields<'_>, context: &Context<'_>) -> Option<SignIn> {
        let app = self.app.map(|name| match name {
            "client_secret" => client_secret(fields, context),
            "client_certificate" => client_certificate(fields, context),
            "workload_identity" => workload_identity(fields, context),
            _ => None,
        });
        let managed = self.app == Some("managed_identity")
            && fields
                .mapping("managed_identity", &schema::MANAGED_IDENTITY)
                .is_some();
        let person = self.delegated.then(|| delegated(fields, context));
        if !self.sound {
            return None;
        }
        match (person, app) {
            (Some(person), None) => Some(SignIn::Delegated {
                person: person?,
                client: None,
            }),
            (Some(person), Some(client)) => Some(SignIn::Delegated {
                person: person?,
                client: Some(client?),
            }),
            (None, _) if managed => Some(SignIn::ManagedIdentity),
            (None, Some(app)) => Some(SignIn::App(app?)),
            (None, None) => None,
        }
    }
}

/// The one of `{name}`, `{name}_file` and `{name}_env` that is given.
fn source(fields: &Fields<'_>, name: &str, context: &Context<'_>) -> Option<SecretSource> {
    let (file, env) = (format!("{name}_file"), format!("{name}_env"));
    let given: Vec<&str> = [file.as_str(), env.as_str(), name]
        .into_iter()
        .filter(|key| fields.get(key).is_some())
        .collect();
    if let [first, second, ..] = given[..] {
        context.diagnostics.refuse(
            fields.place(second),
            format!("\"{second}\" and \"{first}\" exclude each other"),
        );
        return None;
    }
    if let Some(secret) = fields.secret(name) {
        return Some(SecretSource::Inline(secret.value));
    }
    if let Some(text) = fields.get(&file).and_then(Node::text)
        && looks_like_a_secret(text)
    {
        context.diagnostics.refuse(
            fields.place(&file),
            format!(
                "\"{file}\" takes the path of a file (not shown: this looks like the secret \
                 itself; write it into a file, or under \"{name}\")"
            ),
        );
        return None;
    }
    if let Some(path) = paths::existing(fields, &file, context) {
        return Some(SecretSource::File(path));
    }
    let variable = fields.text(&env)?;
    let valid = |text: &str| {
        text.len() <= 128
            && !text.starts_with(|c: char| c.is_ascii_digit())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if !valid(variable.value) {
        // Perhaps the secret itself.
        context.diagnostics.refuse(
            variable.at,
            format!(
                "\"{env}\" must be the name of an environment variable: letters, digits and \"_\" (not shown)"
            ),
        );
        return None;
    }
    if context.env.var(variable.value).is_none() {
        context.diagnostics.warn(
            variable.at,
            format!("\"{env}\": the environment variable it names is not set here"),
        );
    }
    Some(SecretSource::Environment(variable.value.into()))
}

/// The form of the secrets that Entra makes: three letters, a digit, `Q~` and
/// 31 to 34 letters more.
fn looks_like_a_secret(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'~' | b'.' | b'_' | b'-');
    matches!(text.as_bytes(), [_, _, _, b'0'..=b'9', b'Q', b'~', ..])
        && (37..=44).contains(&text.len())
        && text.bytes().all(letter)
}

fn client_secret(fields: &Fields<'_>, context: &Context<'_>) -> Option<AppCredential> {
    let place = fields.place("client_secret");
    let fields = fields.mapping("client_secret", &schema::CLIENT_SECRET)?;
    let any = ["secret_file", "secret_env", "secret"];
    let secret = source(&fields, "secret", context);
    if any.iter().all(|key| fields.get(key).is_none()) {
        context.diagnostics.refuse(
            fields.at,
            format!("\"client_secret\" needs one of {}", one_of(any)),
        );
    }
    let expires = fields.text("expires");
    let when = expires.as_ref().and_then(|text| {
        let when = moment(text.value);
        if when.is_none() {
            context.diagnostics.refuse(
                text.at,
                format!(
                    "\"expires\" must be a date such as \"2027-03-01\", not {}",
                    quoted(text.value)
                ),
            );
        }
        when
    });
    if fields.get("expires").is_none() {
        context.diagnostics.warn(
            place,
            "\"client_secret\" without \"expires\": nobody will be warned before the secret ends; the portal shows the date",
        );
    }
    Some(AppCredential::ClientSecret {
        secret: secret?,
        expires: when,
    })
}

/// A date begins at midnight UTC: rather warned a few hours early.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    if text.len() != 10 {
        return None;
    }
    let date: Date = text.parse().ok()?;
    let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

fn client_certificate(fields: &Fields<'_>, context: &Context<'_>) -> Option<AppCredential> {
    let fields = fields.mapping("client_certificate", &schema::CLIENT_CERTIFICATE)?;
    let certificate_file = paths::existing(&fields, "certificate_file", context);
    let key_file = paths::existing(&fields, "key_file", context);
    let passphrase = source(&fields, "key_passphrase", context);
    if fields.get("certificate_file").is_none() {
        fields.missing(
            "certificate_file",
            "a PEM file; it may hold the key as well",
        );
    }
    let certificate_file = certificate_file?;
    Some(AppCredential::ClientCertificate {
        key_file: key_file.unwrap_or_else(|| certificate_file.clone()),
        certificate_file,
        passphrase,
    })
}

fn workload_identity(fields: &Fields<'_>, context: &Context<'_>) -> Option<AppCredential> {
    const VARIABLE: &str = "AZURE_FEDERATED_TOKEN_FILE";
    let fields = fields.mapping("workload_identity", &schema::WORKLOAD_IDENTITY)?;
    let Some(path) = paths::path(&fields, "token_file", context) else {
        if fields.get("token_file").is_some() {
            return None;
        }
        let Some(twin) = context.env.var(VARIABLE) else {
            fields.missing("token_file", &format!("give it, or set {VARIABLE}"));
            return None;
        };
        let path = Spanned {
            value: context.diagnostics.path_at(fields.at, twin),
            at: fields.at,
        };
        paths::warn_if_missing(&path, VARIABLE, context);
        return Some(AppCredential::WorkloadIdentity {
            token_file: path.value,
        });
    };
    paths::warn_if_missing(&path, "token_file", context);
    Some(AppCredential::WorkloadIdentity {
        token_file: path.value,
    })
}

fn delegated(fields: &Fields<'_>, context: &Context<'_>) -> Option<Delegated> {
    let fields = fields.mapping("delegated", &schema::DELEGATED)?;
    let username = username(&fields, context);
    let redirect_url = fields
        .text("redirect_url")
        .map(|text| redirect_url(&text, context));
    let max_age = fields.duration("max_age", HOUR, YEAR);
    Some(Delegated {
        username: username?,
        redirect_url: redirect_url.flatten(),
        max_age: max_age.map(|age| age.value),
    })
}

fn username(fields: &Fields<'_>, context: &Context<'_>) -> Option<Arc<str>> {
    if fields.get("username").is_none() {
        fields.missing("username", "who signs in, as \"steve@contoso.com\"");
        return None;
    }
    let text = fields.text("username")?;
    if is_guest(text.value) {
        context.diagnostics.refuse(
            text.at,
            format!(
                "\"username\" is the name of a guest, {}; an account is for a member of its \
                 tenant, and a guest's home address is no member's name either",
                quoted(text.value)
            ),
        );
        return None;
    }
    if is_upn(text.value) {
        return Some(text.value.into());
    }
    context.diagnostics.refuse(
        text.at,
        format!(
            "\"username\" must be a user principal name such as \"steve@contoso.com\", not {}{}",
            quoted(text.value),
            meant(text.value, is_upn)
        ),
    );
    None
}

/// What Entra accepts as the address of a web or native application, and what
/// leads back to this exporter.
fn redirect_url(text: &Spanned<&str>, context: &Context<'_>) -> Option<Url> {
    let refuse = |problem: &str| {
        context.diagnostics.refuse(
            text.at,
            format!(
                "\"redirect_url\" must be an address such as \"https://m365mon.contoso.com/auth/callback\"; {} {problem}",
                quoted_url(text.value)
            ),
        );
        None
    };
    let Ok(url) = Url::parse(text.value) else {
        let fits =
            |other: &str| Url::parse(other).is_ok_and(|url| url.path().ends_with("/auth/callback"));
        return refuse(&format!("is not a URL{}", meant(text.value, fits)));
    };
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => return refuse("is not encrypted; http is for localhost and 127.0.0.1 only"),
        _ => return refuse("is neither https nor http"),
    }
    if text.value.len() > 256 {
        return refuse("is longer than the 256 characters that Entra allows");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("has a user in it");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("has a query or a fragment");
    }
    if text.value.contains('*') {
        return refuse("has a wildcard");
    }
    if !url.path().ends_with("/auth/callback") {
        return refuse("does not end in /auth/callback, where this exporter listens");
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let day: Timestamp = "2027-03-01T00:00:00Z".parse().unwrap();
        assert_eq!(moment("2027-03-01"), Some(day));
        assert_eq!(moment("2027-03-01T01:00:00+01:00"), Some(day));
        for bad in [
            "",
            "2027-02-30",
            "01.03.2027",
            "2027-3-1",
            "20270301",
            "soon",
        ] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn principal_names() {
        for good in [
            "steve@contoso.com",
            "o'brien@contoso.com",
            "a_b#EXT#@contoso.onmicrosoft.com",
        ] {
            assert!(is_upn(good), "{good}");
        }
        for bad in [
            "",
            "steve",
            "@contoso.com",
            "steve@contoso",
            "a@b@c.de",
            "a b@c.de",
            "a/b@c.de",
        ] {
            assert!(!is_upn(bad), "{bad}");
        }
    }
}
