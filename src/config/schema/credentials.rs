//! How an account signs in: the person, and what proves who the application is.

use std::borrow::Cow;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use url::Url;

use crate::config::diagnostic::{quoted, quoted_url};
use crate::kinds::Key;
use crate::kinds::key::{
    Address, FilePath, Form, KeyPart, Keys, Lasting, Parsed, Role, SecretText, Setting, Table,
    Text, VariableName, record,
};
use crate::model::{Delegated, SecretSource, is_guest, is_upn};

record!(
    /// `accounts[].delegated`.
    pub(in crate::config) DELEGATED: Delegated, "accounts[].delegated", "A person who consents; no password is ever asked for.",
    {
        username: Key::required(
            "username",
            Text { takes: "user principal name", check: is_member },
            "who signs in, as \"steve@contoso.com\"",
            "Who signs in, as `steve@contoso.com`.",
        ),
        redirect_url: Key::maybe(
            "redirect_url",
            Address {
                takes: "`https` URL, or `http` on `localhost` or `127.0.0.1`",
                parse: redirect_url,
            },
            "this exporter's `/auth/callback`",
            "Where Entra sends the browser back to; its path ends in `/auth/callback`.",
        ),
        max_age: Key::maybe(
            "max_age",
            Lasting::seconds(3_600, 365 * 86_400),
            "",
            "How long a sign-in lasts where a policy of the tenant limits it.",
        ),
    }
);

/// The three places where one secret may stand, in the order in which they are
/// advised.
pub(in crate::config) struct SecretKeys {
    /// A file that holds it.
    pub(in crate::config) file: Key<SecretFile>,
    /// An environment variable that holds it.
    pub(in crate::config) variable: Key<VariableName>,
    /// The secret itself.
    pub(in crate::config) text: Key<SecretText>,
}

impl SecretKeys {
    /// The names of all three.
    pub(in crate::config) const fn names(&self) -> [&'static str; 3] {
        [self.file.name, self.variable.name, self.text.name]
    }

    /// The one that is given; complains about a second.
    pub(in crate::config) fn take(&self, keys: &dyn Keys) -> Option<SecretSource> {
        let mut given = self.names().into_iter().filter(|key| keys.is_given(key));
        if let (Some(first), Some(second)) = (given.next(), given.next()) {
            let message = format!("\"{second}\" and \"{first}\" exclude each other");
            keys.refuse_part(second, KeyPart::Key, message);
            return None;
        }
        let file = || self.file.take(keys).given().map(SecretSource::File);
        let variable = || self.variable.take(keys).given();
        let text = self.text.take(keys).given().map(SecretSource::Inline);
        text.or_else(file)
            .or_else(|| variable().map(SecretSource::Environment))
    }

    /// The key and what it is set to.
    pub(in crate::config) fn show(&self, source: &SecretSource) -> (&'static str, Setting) {
        match source {
            SecretSource::File(path) => self.file.show(path),
            SecretSource::Environment(variable) => self.variable.show(variable),
            SecretSource::Inline(secret) => self.text.show(secret),
        }
    }
}

const SECRET_TEXT: SecretText = SecretText {
    takes: "text",
    check: |_| Ok(()),
};

/// `secret` and its twins.
pub(in crate::config) static SECRET: SecretKeys = SecretKeys {
    file: Key::optional(
        "secret_file",
        SecretFile { twin: "secret" },
        "",
        "Holds the secret; white space around it does not count. Read again when it changes.",
    ),
    variable: Key::optional("secret_env", VariableName, "", "Holds the secret."),
    text: Key::optional(
        "secret",
        SECRET_TEXT,
        "",
        "The secret itself. A file is the better place.",
    ),
};
/// `accounts[].client_secret.expires`.
pub(in crate::config) static EXPIRES: Key<Parsed<Timestamp>> = Key::optional(
    "expires",
    Parsed {
        takes: "date (`2027-03-01`) or time (`2027-03-01T12:00:00Z`)",
        parse: date_or_time,
    },
    "",
    "When the secret ends. Without it the directory is asked, once a day; the earlier of both counts.",
);

/// `accounts[].client_secret`.
pub(in crate::config) static CLIENT_SECRET: Table = Table {
    path: "accounts[].client_secret",
    help: "Exactly one of `secret_file`, `secret_env` and `secret`.",
    keys: &[&SECRET.file, &SECRET.variable, &SECRET.text, &EXPIRES],
};

/// `accounts[].client_certificate.certificate_file`.
pub(in crate::config) static CERTIFICATE_FILE: Key<FilePath> = Key::required(
    "certificate_file",
    FilePath::THEIRS,
    "a PEM file; it may hold the key as well",
    "PEM; may hold the key as well.",
);
/// `accounts[].client_certificate.key_file`.
pub(in crate::config) static KEY_FILE: Key<FilePath> = Key::optional(
    "key_file",
    FilePath::THEIRS,
    "the same file",
    "PEM, PKCS#8 or PKCS#1.",
);
/// `key_passphrase` and its twins.
pub(in crate::config) static PASSPHRASE: SecretKeys = SecretKeys {
    file: Key::optional(
        "key_passphrase_file",
        SecretFile {
            twin: "key_passphrase",
        },
        "",
        "For an encrypted key: a file that holds the passphrase.",
    ),
    variable: Key::optional(
        "key_passphrase_env",
        VariableName,
        "",
        "Holds the passphrase.",
    ),
    text: Key::optional(
        "key_passphrase",
        SECRET_TEXT,
        "",
        "The passphrase itself. A file is the better place.",
    ),
};

/// `accounts[].client_certificate`.
pub(in crate::config) static CLIENT_CERTIFICATE: Table = Table {
    path: "accounts[].client_certificate",
    help: "At most one of `key_passphrase_file`, `key_passphrase_env` and `key_passphrase`.",
    keys: &[
        &CERTIFICATE_FILE,
        &KEY_FILE,
        &PASSPHRASE.file,
        &PASSPHRASE.variable,
        &PASSPHRASE.text,
    ],
};

/// `accounts[].workload_identity.token_file`.
pub(in crate::config) static TOKEN_FILE: Key<FilePath> = Key::optional(
    "token_file",
    FilePath::THEIRS,
    "`AZURE_FEDERATED_TOKEN_FILE`",
    "Holds the token; read again when it changes.",
);

/// `accounts[].workload_identity`.
pub(in crate::config) static WORKLOAD_IDENTITY: Table = Table {
    path: "accounts[].workload_identity",
    help: "`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE` and `AZURE_AUTHORITY_HOST` fill what the file leaves out; where both say something, the file counts. `AZURE_AUTHORITY_HOST` only tells which of the known clouds it is.",
    keys: &[&TOKEN_FILE],
};

/// `accounts[].managed_identity`.
pub(in crate::config) static MANAGED_IDENTITY: Table = Table {
    path: "accounts[].managed_identity",
    help: "Has no keys: write `managed_identity: {}`.",
    keys: &[],
};

/// The path of a file that holds a secret, and not the secret itself.
pub(in crate::config) struct SecretFile {
    /// Where the secret itself may stand.
    twin: &'static str,
}

impl Form for SecretFile {
    type Value = PathBuf;

    fn takes(&self) -> Cow<'static, str> {
        FilePath::THEIRS.takes()
    }

    fn read(&self, key: &'static str, keys: &dyn Keys) -> Option<PathBuf> {
        if looks_like_a_secret(keys.text(key)?) {
            let twin = self.twin;
            keys.refuse_part(
                key,
                KeyPart::Key,
                format!(
                    "\"{key}\" takes the path of a file (not shown: this looks like the secret \
                     itself; write it into a file, or under \"{twin}\")"
                ),
            );
            return None;
        }
        FilePath::THEIRS.read(key, keys)
    }

    fn show(&self, value: &PathBuf) -> Setting {
        FilePath::THEIRS.show(value)
    }

    fn role(&self) -> Role {
        Role::Source
    }
}

/// The form of the secrets that Entra makes: three letters, a digit, `Q~` and
/// 31 to 34 letters more.
fn looks_like_a_secret(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'~' | b'.' | b'_' | b'-');
    matches!(text.as_bytes(), [_, _, _, b'0'..=b'9', b'Q', b'~', ..])
        && (37..=44).contains(&text.len())
        && text.bytes().all(letter)
}

/// A date begins at midnight UTC: rather warned a few hours early.
fn date_or_time(text: &str) -> Result<Timestamp, String> {
    let day = || {
        let date: Date = text.parse().ok()?;
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        (text.len() == 10).then(|| zoned.timestamp())
    };
    text.parse().ok().or_else(day).ok_or_else(|| {
        let found = quoted(text);
        format!("must be a date such as \"2027-03-01\", not {found}")
    })
}

fn is_member(text: &str) -> Result<(), String> {
    if is_guest(text) {
        Err(format!(
            "is the name of a guest, {}; an account is for a member of its \
             tenant, and a guest's home address is no member's name either",
            quoted(text)
        ))
    } else if is_upn(text) {
        Ok(())
    } else {
        Err(format!(
            "must be a user principal name such as \"steve@contoso.com\", not {}",
            quoted(text)
        ))
    }
}

/// What Entra accepts as the address of a web or native application, and what
/// leads back to this exporter.
fn redirect_url(text: &str) -> Result<Url, String> {
    let wrong = |problem: &str| {
        Err(format!(
            "must be an address such as \"https://m365mon.contoso.com/auth/callback\"; {} {problem}",
            quoted_url(text)
        ))
    };
    let Ok(url) = Url::parse(text) else {
        return wrong("is not a URL");
    };
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => return wrong("is not encrypted; http is for localhost and 127.0.0.1 only"),
        _ => return wrong("is neither https nor http"),
    }
    if text.len() > 256 {
        return wrong("is longer than the 256 characters that Entra allows");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("has a user in it");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("has a query or a fragment");
    }
    if text.contains('*') {
        return wrong("has a wildcard");
    }
    if !url.path().ends_with("/auth/callback") {
        return wrong("does not end in /auth/callback, where this exporter listens");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let day: Timestamp = "2027-03-01T00:00:00Z".parse().unwrap();
        assert_eq!(date_or_time("2027-03-01"), Ok(day));
        assert_eq!(date_or_time("2027-03-01T01:00:00+01:00"), Ok(day));
        for bad in [
            "",
            "2027-02-30",
            "01.03.2027",
            "2027-3-1",
            "20270301",
            "soon",
        ] {
            assert!(date_or_time(bad).is_err(), "{bad}");
        }
    }
}
