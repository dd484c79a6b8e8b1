//! What can be said before anything is sent: the configuration, the
//! credential's files, the sign-in in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::credential_mend::credential_mend;
use super::finding::DoctorStep;
use crate::entra::{Consent, CredentialFacts, check_credential, contradicts, written_end};
use crate::kinds::Resource;
use crate::model::{Account, AppCredential, Clock, CredentialExpiry, Random, Timestamp};
use crate::setup::Commands;

/// What is configured.
pub(super) fn configuration(resources: &[&Arc<Resource>]) -> DoctorStep {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for resource in resources {
        *kinds.entry(resource.kind.as_str()).or_default() += 1;
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let detail = if kinds.is_empty() {
        "no resource uses this account: only its sign-in is examined".to_owned()
    } else {
        kinds.join(", ")
    };
    DoctorStep::proved("configuration", "", detail)
}

/// The application's own credential, as far as this machine can tell, and its
/// end as the directory knows it, once that was asked for.
pub(super) fn check(
    account: &Account,
    registered: Option<CredentialExpiry>,
    clock: &Clock,
    random: &dyn Random,
) -> Option<DoctorStep> {
    let credential = account.app_credential()?;
    let name = match credential {
        AppCredential::ClientSecret { .. } => "client_secret",
        AppCredential::ClientCertificate { .. } => "client_certificate",
        AppCredential::WorkloadIdentity { .. } => "workload_identity",
    };
    Some(match check_credential(account, clock.now(), random) {
        Ok(facts) => {
            let facts = facts.unwrap_or_default();
            judge(name, account, &facts, registered, clock.now())
        }
        Err(fault) => DoctorStep::refuted("credential", name, fault.to_string())
            .mend(credential_mend(account, &fault)),
    })
}

fn judge(
    name: &str,
    account: &Account,
    facts: &CredentialFacts,
    registered: Option<CredentialExpiry>,
    now: Timestamp,
) -> DoctorStep {
    if let Some(token) = &facts.federated {
        let detail = format!(
            "a token of {} for the subject {}, meant for {}",
            token.issuer, token.subject, token.audience
        );
        return match token.ends {
            Some(end) if end <= now => {
                DoctorStep::refuted("credential", name, format!("{detail}; it ended {}", day(end)))
                    .mend(["whatever writes the token file (in Kubernetes the kubelet) has stopped: restart the pod"])
            }
            _ => DoctorStep::proved("credential", name, detail),
        };
    }
    let what = facts.thumbprint.as_ref().map_or_else(
        || "can be read".to_owned(),
        |thumbprint| format!("the key belongs to the certificate {thumbprint}"),
    );
    let known = facts.ends.into_iter().chain(registered);
    match known.min_by_key(|(_, end)| *end) {
        Some((_, end)) if end <= now => {
            let detail = format!("{what}, but it ended {}", day(end));
            DoctorStep::refuted("credential", name, detail).mend([Commands::of(account).script()])
        }
        Some(end) => {
            let of = match registered {
                Some(there) if there == end => ", by the directory",
                _ => "",
            };
            let detail = format!("{what}, {}{of}", ends(end, now));
            match written_end(account).zip(registered) {
                Some((written, (_, there))) if contradicts(written, there) => {
                    let (written, there) = (day(written), day(there));
                    let detail = format!(
                        "{detail}; warning: `expires` says {written}, the directory {there}"
                    );
                    DoctorStep::proved("credential", name, detail).mend([format!(
                        "client_secret: {{…, expires: {there}}}   # in m365mon.yml, or without \
                         `expires`: the directory is asked every day"
                    )])
                }
                _ => DoctorStep::proved("credential", name, detail),
            }
        }
        None => {
            let detail = format!("{what}; when it ends cannot be seen");
            DoctorStep::unseen("credential", name, detail).mend([
                "Entra admin center → App registrations → the application → Certificates & \
                 secrets: the column Expires",
                "client_secret: {…, expires: YYYY-MM-DD}   # in m365mon.yml",
            ])
        }
    }
}

fn ends((_, end): CredentialExpiry, now: Timestamp) -> String {
    let days = end.duration_since(now).as_hours() / 24;
    format!("ends {} ({days} days)", day(end))
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// Whether somebody is signed in, by the store.
pub(super) async fn sign_in(consent: &Consent, account: &Account, clock: &Clock) -> DoctorStep {
    let person = account.person();
    let username = person.map_or("", |person| &*person.username);
    let how = Commands::of(account).sign_in();
    let status = match consent.status(account).await {
        Ok(Some(status)) => status,
        Ok(None) => {
            return DoctorStep::refuted("sign_in", username, "nobody is signed in").mend([how]);
        }
        Err(error) => return DoctorStep::refuted("sign_in", username, error.to_string()),
    };
    let now = clock.now();
    let most = person.and_then(|person| person.max_age);
    let consent_ends = most.and_then(|most| status.consented_at.checked_add(most).ok());
    let end = consent_ends.map_or(status.ends, |end| end.min(status.ends));
    let detail = format!(
        "signed in {}, good until {} unless renewed",
        day(status.consented_at),
        day(end)
    );
    if end <= now {
        DoctorStep::refuted(
            "sign_in",
            username,
            format!("signed in {}, ended {}", day(status.consented_at), day(end)),
        )
        .mend([how])
    } else {
        DoctorStep::proved("sign_in", username, detail)
    }
}
