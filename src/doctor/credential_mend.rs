//! What mends a credential's files, by what is wrong with them.

use std::path::Path;

use super::mend::another_secret;
use crate::entra::{CredentialFault, CredentialTrouble, NEW_PAIR, Part};
use crate::files::there;
use crate::model::{Account, AppCredential, SecretSource};
use crate::setup::{Commands, shell};

/// Commands and clicks, the likeliest first.
pub(super) fn credential_mend(account: &Account, fault: &CredentialFault) -> Vec<String> {
    let Some(credential) = account.app_credential() else {
        return Vec::new();
    };
    let upload = format!(
        "{}   # uploads the certificate",
        Commands::of(account).script()
    );
    let mut how: Vec<String> = fault.commands().map(str::to_owned).collect();
    match (fault.trouble, fault.part) {
        (CredentialTrouble::Denied, _) => {
            let file = file_of(credential, fault.part).map_or_else(word, shown);
            how.push(format!(
                "chgrp GROUP {file} && chmod 640 {file}   # a group of the user that runs m365mon"
            ));
        }
        (CredentialTrouble::Missing, Part::Secret) => {
            if let AppCredential::ClientSecret {
                secret: SecretSource::Environment(name),
                ..
            } = credential
            {
                how.push(format!(
                    "export {name}=…   # for the process of the exporter"
                ));
            }
            how.push("the secret's value, one line; who has it no more makes a new one:".into());
            how.extend(another_secret(account));
        }
        (CredentialTrouble::Missing, Part::Token) => how.push(
            "whatever writes the token file does not run here: in Kubernetes the pod needs the \
             label azure.workload.identity/use: \"true\" and a service account that names the \
             client id"
                .into(),
        ),
        (CredentialTrouble::Missing, Part::Passphrase) => {
            how.push(
                "the passphrase, one line, into the file that key_passphrase_file names".into(),
            );
        }
        (CredentialTrouble::Missing, Part::Certificate | Part::Key) => {
            how.push("a path is relative to the folder of m365mon.yml: is it right?".into());
            how.push(format!("{NEW_PAIR}   # else a new pair"));
            how.push(upload);
        }
        (CredentialTrouble::SecretId, _) => how.extend(another_secret(account)),
        (CredentialTrouble::WrongPair, _) => {
            let of = |part| file_of(credential, part).map_or_else(word, shown);
            how.push(format!(
                "openssl x509 -noout -pubkey -in {}   # must print the same as the next line",
                of(Part::Certificate)
            ));
            how.push(format!("openssl pkey -pubout -in {}", of(Part::Key)));
            how.push(format!(
                "{NEW_PAIR}   # where the right key is lost: a new pair"
            ));
            how.push(upload);
        }
        (CredentialTrouble::Swapped, _) => {
            let of = |part| file_of(credential, part).map_or_else(word, shown);
            how.push(format!(
                "client_certificate: {{certificate_file: {}, key_file: {}}}   # in m365mon.yml",
                of(Part::Key),
                of(Part::Certificate)
            ));
        }
        (CredentialTrouble::NoPassphrase, _) => {
            how.push(
                "client_certificate: {…, key_passphrase_file: PATH}   # in m365mon.yml".into(),
            );
            let key = file_of(credential, Part::Key).map_or_else(word, shown);
            how.push(format!(
                "openssl pkey -in {key} -out key.pem   # or a key without one; mode 0600"
            ));
        }
        (CredentialTrouble::WrongPassphrase, _) => {
            let key = file_of(credential, Part::Key).map_or_else(word, shown);
            how.push(format!(
                "openssl pkey -noout -in {key}   # asks for the passphrase: which one opens it?"
            ));
        }
        (CredentialTrouble::NotRsa, _) => {
            if how.is_empty() {
                how.push(NEW_PAIR.to_owned());
            }
            how.push(upload);
        }
        (CredentialTrouble::Content, Part::Secret) => {
            how.push("the secret's value, one line and nothing else; a new one:".into());
            how.extend(another_secret(account));
        }
        (CredentialTrouble::Content, Part::Certificate | Part::Key) if how.is_empty() => {
            how.push(format!("{NEW_PAIR}   # a new pair"));
            how.push(upload);
        }
        (CredentialTrouble::Content, _) => {}
    }
    how
}

/// The file of a part, where it is one.
fn file_of(credential: &AppCredential, part: Part) -> Option<&Path> {
    match (credential, part) {
        (AppCredential::ClientSecret { secret, .. }, _) => path_of(secret),
        (AppCredential::ClientCertificate { key_file, .. }, Part::Key) => Some(key_file),
        (AppCredential::ClientCertificate { passphrase, .. }, Part::Passphrase) => {
            path_of(passphrase.as_ref()?)
        }
        (
            AppCredential::ClientCertificate {
                certificate_file, ..
            },
            _,
        ) => Some(certificate_file),
        (AppCredential::WorkloadIdentity { token_file }, _) => Some(token_file),
    }
}

fn path_of(source: &SecretSource) -> Option<&Path> {
    match source {
        SecretSource::File(path) => Some(path),
        SecretSource::Environment(_) | SecretSource::Inline(_) => None,
    }
}

/// What leads nowhere may be a secret in the wrong place, and is not shown.
fn shown(path: &Path) -> String {
    match there(path) {
        Some(found) if found == path => shell(&path.to_string_lossy()),
        _ => word(),
    }
}

fn word() -> String {
    "FILE".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entra::check_credential;
    use crate::fixtures;
    use crate::model::{Clock, SignIn, SystemRandom};

    fn mended(credential: AppCredential) -> (String, String) {
        let account = Account {
            sign_in: SignIn::App(credential),
            ..fixtures::account("contoso")
        };
        let now = Clock::system().now();
        let fault = check_credential(&account, now, &SystemRandom::new()).unwrap_err();
        (
            fault.to_string(),
            credential_mend(&account, &fault).join("\n"),
        )
    }

    fn pair(certificate: &str, key: &str) -> AppCredential {
        let file = |name: &str| Path::new("tests/data").join(name);
        AppCredential::ClientCertificate {
            certificate_file: file(certificate),
            key_file: file(key),
            passphrase: None,
        }
    }

    #[test]
    fn a_pair_is_mended_by_what_is_wrong_with_it() {
        for (certificate, key, words) in [
            (
                "files/pair.pfx",
                "files/pair.pfx",
                &["openssl pkcs12 -in tests/data/files/pair.pfx -nodes"][..],
            ),
            (
                "files/certificate.der",
                "app-key.pem",
                &["openssl x509 -inform DER -in"],
            ),
            (
                "app-certificate.pem",
                "files/key.der",
                &["openssl pkey -inform DER -in"],
            ),
            (
                "app-certificate.pem",
                "files/openssh-key",
                &["ssh-keygen -p -m PKCS8"],
            ),
            (
                "app-certificate.pem",
                "files/ec.pem",
                &["-newkey rsa:2048", "m365mon setup"],
            ),
            (
                "app-certificate.pem",
                "files/ec-sec1.pem",
                &["-newkey rsa:2048", "m365mon setup"],
            ),
            (
                "app-certificate.pem",
                "files/ed25519.pem",
                &["-newkey rsa:2048", "m365mon setup"],
            ),
            (
                "app-certificate.pem",
                "rsa-test-key.pem",
                &[
                    "x509 -noout -pubkey -in tests/data/app-certificate.pem",
                    "pkey -pubout -in tests/data/rsa-test-key.pem",
                ],
            ),
            (
                "app-key.pem",
                "app-certificate.pem",
                &[
                    "certificate_file: tests/data/app-certificate.pem, key_file: tests/data/app-key.pem",
                ],
            ),
            (
                "app-certificate.pem",
                "rsa-test-key-aes256.pem",
                &[
                    "key_passphrase_file: PATH",
                    "openssl pkey -in tests/data/rsa-test-key-aes256.pem -out key.pem",
                ],
            ),
            (
                "app-certificate.pem",
                "files/key-old-encryption.pem",
                &["openssl pkcs8 -topk8 -in"],
            ),
            (
                "app-certificate.pem",
                "missing.pem",
                &["relative to the folder", "-newkey rsa:2048"],
            ),
            (
                "app-certificate.pem",
                "app-certificate.pem",
                &["-newkey rsa:2048"],
            ),
        ] {
            let (fault, how) = mended(pair(certificate, key));
            for word in words {
                assert!(how.contains(word), "{certificate} {key}: {fault}\n{how}");
            }
            assert!(!how.contains("ls -l"), "{how}");
        }
    }

    #[test]
    fn a_secret_is_mended_by_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.txt");
        let of = |source| {
            mended(AppCredential::ClientSecret {
                secret: source,
                expires: None,
            })
        };
        let from_file = || of(SecretSource::File(file.clone()));
        let (_, missing) = from_file();
        assert!(missing.contains("Add-MgApplicationPassword"), "{missing}");
        for (content, words) in [
            (
                "99999999-2222-3333-4444-555555555555",
                "its SecretText (the value, not the id) into ",
            ),
            ("one\ntwo", "one line and nothing else"),
            ("", "one line and nothing else"),
        ] {
            std::fs::write(&file, content).unwrap();
            let (fault, how) = from_file();
            assert!(how.contains(words), "{fault}\n{how}");
            assert!(content.is_empty() || !how.contains(content), "{how}");
        }
        let (_, variable) = of(SecretSource::Environment("M365MON_NO_SUCH_SECRET".into()));
        assert!(
            variable.starts_with("export M365MON_NO_SUCH_SECRET="),
            "{variable}"
        );
    }
}
