//! What mends a refused token request, by Entra's number.

use crate::files::shown;
use crate::model::powershell::{filter, quoted};
use crate::model::{Account, AccountReason, AppCredential, Audience, SecretSource, TokenProblem};
use crate::setup::{Commands, shell};

/// Commands and clicks, the likeliest first.
pub(super) fn token_mend(
    account: &Account,
    audience: &Audience,
    problem: &TokenProblem,
) -> Vec<String> {
    let mend = Commands::of(account);
    if let Some(how) = problem
        .code
        .and_then(|code| by_code(account, audience, code))
    {
        return how;
    }
    match problem.reason {
        AccountReason::SignInRequired => vec![mend.sign_in()],
        AccountReason::Throttled => vec!["wait; the exporter waits by itself".into()],
        AccountReason::ServerError
        | AccountReason::BadResponse
        | AccountReason::UnexpectedStatus => vec![
            "nothing to mend here if Entra is down: https://status.cloud.microsoft".into(),
            "else: is there a proxy between here and Entra that answers in its place?".into(),
        ],
        AccountReason::Refused => vec![mend.script(), mend.sign_in_log()],
        AccountReason::Dns
        | AccountReason::Connect
        | AccountReason::Tls
        | AccountReason::Proxy
        | AccountReason::Timeout => vec![format!(
            "curl -v {}   # can this machine reach it?",
            account.cloud.login_url()
        )],
        AccountReason::Internal => Vec::new(),
    }
}

fn by_code(account: &Account, audience: &Audience, code: u32) -> Option<Vec<String>> {
    let mend = Commands::of(account);
    let id = account.client_id.as_deref().unwrap_or_default();
    Some(match code {
        7_000_215 | 7_000_222 => another_secret(account),
        50_012 | 50_013 | 700_027 | 7_000_214 | 7_000_274 | 7_000_277 | 1_000_502 => vec![
            format!(
                "Entra admin center → App registrations → {id} → Certificates & secrets → \
                 Certificates: is the thumbprint there?"
            ),
            format!(
                "openssl x509 -noout -fingerprint -sha1 -in {}   # where the portal shows the shorter one",
                certificate_file(account)
            ),
            format!("{}   # uploads the certificate", mend.script()),
        ],
        700_024 => vec![
            "timedatectl set-ntp true   # or: chronyc makestep".into(),
            "timedatectl status".into(),
        ],
        70_021 | 700_211 | 700_212 | 700_213 => vec![
            format!(
                "Entra admin center → App registrations → {id} → Certificates & secrets → \
                 Federated credentials: compare issuer, subject and audience with the step credential"
            ),
            format!("{}   # adds the credential", mend.script()),
        ],
        700_016 | 70_001 | 700_011 => vec![
            "check `client_id` (Application (client) ID, not the object id) and `tenant`".into(),
            format!("{}   # registers an application", mend.script()),
        ],
        7_000_229 => vec![format!("New-MgServicePrincipal -AppId {}", quoted(id))],
        7_000_112 => vec![mend.update_service_principal("-AccountEnabled:$true")],
        7_000_218 => vec![
            "the application is confidential: give the account its client_certificate or \
             client_secret beside `delegated`"
                .into(),
            format!(
                "or, for a sign-in by device code, make it a public client (then whoever knows the \
                 client id can start such a sign-in and send its code to somebody): {}",
                mend.update_application("-IsFallbackPublicClient:$true")
            ),
        ],
        700_025 => vec![
            "the application is a public client: take the credential out of the account".into(),
            format!(
                "or make it confidential: {}",
                mend.update_application("-IsFallbackPublicClient:$false")
            ),
        ],
        50_011 => vec![format!("{}   # registers the redirect URIs", mend.script())],
        50_105 => vec![mend.assign()],
        65_001 => {
            let mut how = Vec::new();
            if account.person().is_some() {
                how.push(mend.sign_in());
            }
            how.push(format!("{}   # consent by an administrator", mend.script()));
            how
        }
        90_093..=90_095 => vec![
            format!("{}   # consent by an administrator, for one person", mend.script()),
            mend.sign_in(),
        ],
        53_000..=53_011 | 530_031..=530_035 | 530_084 | 50_131 => vec![
            format!("{}   # which policy was it?", mend.sign_in_log()),
            "Entra admin center → Protection → Conditional Access → the policy → Users → Exclude: \
             this account; instead, allow it only from the exporter's address (docs/least-privilege.md)"
                .into(),
            "a policy by location: are Entra and Graph reached through the same address? See the \
             step egress"
                .into(),
        ],
        50_072 | 50_074 | 50_076 | 50_078 | 50_079 | 50_158 => vec![
            mend.sign_in(),
            format!("{}   # which policy asked for it?", mend.sign_in_log()),
        ],
        70_043 | 70_044 => vec![
            mend.sign_in(),
            "delegated: {…, max_age: …}   # in m365mon.yml: the policy's sign-in frequency, so that its end is known in time".into(),
        ],
        50_057 => vec![format!(
            "Update-MgUser -UserId {} -AccountEnabled:$true",
            quoted(account.person().map_or("", |person| &*person.username))
        )],
        50_001 | 500_011 => vec![
            format!("check the host of the resource: is {audience} a host of this tenant?"),
            format!(
                "Get-MgServicePrincipal -Filter {}",
                quoted(&format!(
                    "servicePrincipalNames/any(n:n eq '{}')",
                    audience.as_str().replace('\'', "''")
                ))
            ),
        ],
        50_059 | 50_128 | 90_002 | 90_038 | 900_382 | 900_432 | 900_440 => vec![
            "check `tenant` and `cloud`; see the step discovery".into(),
        ],
        _ => return None,
    })
}

/// A new secret, and where it goes.
pub(super) fn another_secret(account: &Account) -> Vec<String> {
    vec![
        new_secret(account),
        format!(
            "its SecretText (the value, not the id) into {}, its EndDateTime into `expires:`",
            secret_place(account)
        ),
    ]
}

fn new_secret(account: &Account) -> String {
    let id = account.client_id.as_deref().unwrap_or_default();
    format!(
        "Add-MgApplicationPassword -ApplicationId (Get-MgApplication -Filter {}).Id \
         -PasswordCredential @{{ DisplayName = 'm365mon'; EndDateTime = (Get-Date).AddMonths(6) }}",
        filter("appId", "eq", id)
    )
}

fn certificate_file(account: &Account) -> String {
    match account.app_credential() {
        Some(AppCredential::ClientCertificate {
            certificate_file, ..
        }) => shell(&certificate_file.to_string_lossy()),
        _ => "CERTIFICATE".to_owned(),
    }
}

fn secret_place(account: &Account) -> String {
    match account.app_credential() {
        Some(AppCredential::ClientSecret { secret, .. }) => match secret {
            SecretSource::File(path) => shown(path),
            SecretSource::Environment(name) => format!("the variable {name}"),
            SecretSource::Inline(_) => "`secret:` (better: a secret_file)".to_owned(),
        },
        _ => "the secret's file".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::model::SignIn;

    fn account(person: bool) -> Account {
        if person {
            return fixtures::delegated("o'neil", "o'neil@contoso.com");
        }
        let credential = AppCredential::ClientSecret {
            secret: SecretSource::File("secret.txt".into()),
            expires: None,
        };
        Account {
            sign_in: SignIn::App(credential),
            ..fixtures::account("o'neil")
        }
    }

    fn mended(person: bool, code: Option<u32>, reason: AccountReason) -> String {
        let account = account(person);
        let problem = TokenProblem {
            reason,
            code,
            detail: String::new(),
        };
        token_mend(&account, &Audience::graph(&account.cloud), &problem).join("\n")
    }

    #[test]
    fn each_number_has_its_command() {
        for (person, code, words) in [
            (false, 7_000_222, "Add-MgApplicationPassword"),
            (false, 7_000_215, "into secret.txt"),
            (false, 700_027, "Certificates: is the thumbprint there?"),
            (false, 700_024, "timedatectl set-ntp true"),
            (false, 700_213, "Federated credentials"),
            (false, 700_016, "check `client_id`"),
            (false, 7_000_229, "New-MgServicePrincipal -AppId '11111111-"),
            (false, 7_000_112, "-AccountEnabled:$true"),
            (true, 7_000_218, "-IsFallbackPublicClient:$true"),
            (true, 700_025, "-IsFallbackPublicClient:$false"),
            (true, 50_011, "redirect URIs"),
            (true, 50_105, "New-MgServicePrincipalAppRoleAssignedTo"),
            (true, 65_001, "m365mon login 'o'\\''neil'"),
            (true, 90_094, "consent by an administrator"),
            (true, 53_003, "Conditional Access"),
            (true, 530_032, "Get-MgAuditLogSignIn"),
            (true, 530_084, "Users → Exclude"),
            (true, 50_076, "m365mon login"),
            (true, 70_043, "max_age"),
            (true, 50_057, "Update-MgUser -UserId 'o''neil@contoso.com'"),
            (
                false,
                500_011,
                "servicePrincipalNames/any(n:n eq ''https://graph.microsoft.com'')",
            ),
            (false, 90_002, "the step discovery"),
        ] {
            let how = mended(person, Some(code), AccountReason::Refused);
            assert!(how.contains(words), "{code}: no {words:?} in {how}");
        }
    }

    #[test]
    fn without_a_number_the_reason_decides() {
        for reason in AccountReason::ALL {
            let how = mended(true, None, reason);
            assert_eq!(
                how.is_empty(),
                reason == AccountReason::Internal,
                "{reason:?}"
            );
        }
        assert!(
            mended(true, Some(50_173), AccountReason::SignInRequired).contains("m365mon login")
        );
    }
}
