//! How an account signs in: exactly one way, and what that way needs.

use super::mapping_keys::MappingKeys;
use super::{Context, paths};
use crate::config::diagnostic::one_of;
use crate::config::fields::{Fields, Spanned};
use crate::config::schema;
use crate::config::yaml::Shape;
use crate::kinds::{Keys as _, Taken};
use crate::model::{AppCredential, Delegated, SignIn};

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

fn client_secret(fields: &Fields<'_>, context: &Context<'_>) -> Option<AppCredential> {
    let place = fields.place("client_secret");
    let fields = fields.mapping("client_secret", &schema::CLIENT_SECRET)?;
    let keys = MappingKeys::new(&fields, context);
    let any = schema::SECRET.names();
    let secret = schema::SECRET.take(&keys);
    if !any.iter().any(|key| keys.is_given(key)) {
        context.diagnostics.refuse(
            fields.at,
            format!("\"client_secret\" needs one of {}", one_of(any)),
        );
    }
    let expires = schema::EXPIRES.take(&keys);
    if matches!(expires, Taken::Absent) {
        context.diagnostics.warn(
            place,
            "\"client_secret\" without \"expires\": nobody will be warned before the secret ends; the portal shows the date",
        );
    }
    Some(AppCredential::ClientSecret {
        secret: secret?,
        expires: expires.given(),
    })
}

fn client_certificate(fields: &Fields<'_>, context: &Context<'_>) -> Option<AppCredential> {
    let fields = fields.mapping("client_certificate", &schema::CLIENT_CERTIFICATE)?;
    let keys = MappingKeys::new(&fields, context);
    let certificate_file = schema::CERTIFICATE_FILE.take(&keys).given();
    let key_file = schema::KEY_FILE.take(&keys).given();
    let passphrase = schema::PASSPHRASE.take(&keys);
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
    let token_file = match schema::TOKEN_FILE.take(&MappingKeys::new(&fields, context)) {
        Taken::Given(path) => path,
        Taken::Refused => return None,
        Taken::Absent => {
            let Some(twin) = context.env.var(VARIABLE) else {
                fields.missing("token_file", &format!("give it, or set {VARIABLE}"));
                return None;
            };
            let path = Spanned {
                value: context.diagnostics.path_at(fields.at, twin),
                at: fields.at,
            };
            paths::warn_if_missing(&path, VARIABLE, context);
            path.value
        }
    };
    Some(AppCredential::WorkloadIdentity { token_file })
}

fn delegated(fields: &Fields<'_>, context: &Context<'_>) -> Option<Delegated> {
    let fields = fields.mapping("delegated", &schema::DELEGATED.table)?;
    schema::DELEGATED.read(&MappingKeys::new(&fields, context), ())
}
