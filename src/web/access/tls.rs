//! From `tls_server_config` and the files that it names to what rustls takes.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, RootCertStore, ServerConfig, SupportedCipherSuite};
use tokio_util::sync::CancellationToken;

use super::client::ClientCertificates;
use super::contents::Contents;
use crate::config::Diagnostic;
use crate::config::web::{ClientAuth, Pem, PemSource, TlsServer};
use crate::files::{self, FileForm, WantedForm};
use crate::http::{alternative_names, provider};
use crate::web::visitor::Secured;

/// TLS as the file has it now.
pub(in crate::web) struct ServerTls {
    /// For each handshake.
    pub(in crate::web) config: Arc<ServerConfig>,
    /// Ends when another one took its place: connections made under this one
    /// answer what they were asked and close.
    pub(in crate::web) retired: CancellationToken,
    /// What a certificate that a client shows is worth.
    pub(super) clients: Clients,
    /// Without a verified one nothing but health is answered.
    certificate_needed: bool,
}

/// What a certificate that a client shows is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clients {
    /// Nothing: nobody verified it.
    Unverified,
    /// A client with one is known, others may come as well.
    Verified,
    /// The handshake lets clients without one in, so that health can be asked
    /// for; for everything else one is needed, which this says how to verify.
    NeededLater {
        /// The client CA signed it.
        verified: bool,
    },
}

impl ServerTls {
    /// True if nobody gets in without a certificate that the client CA signed.
    pub(super) const fn asks_everybody(&self) -> bool {
        self.certificate_needed
    }

    /// What to know of a client that showed a certificate, or none.
    pub(in crate::web) fn secured(&self, shown: Option<&CertificateDer<'_>>) -> Secured {
        let (verified, needed) = match self.clients {
            Clients::Unverified => (false, false),
            Clients::Verified => (true, false),
            Clients::NeededLater { verified } => (verified, true),
        };
        Secured {
            verified_client: shown
                .filter(|_| verified)
                .map(|shown| alternative_names(shown).unwrap_or_default().into()),
            certificate_missing: shown.is_none() && needed,
        }
    }
}

/// Builds it. With `health_without_auth` a client without a certificate gets
/// through the handshake even where one is needed.
pub(super) fn tls(
    tls: &TlsServer,
    http2: bool,
    health_without_auth: bool,
    contents: &Contents,
) -> Result<ServerTls, Vec<Diagnostic>> {
    let mut provider = provider();
    if let Some(suites) = &tls.cipher_suites {
        let of_12 = |suite: &SupportedCipherSuite| matches!(suite, SupportedCipherSuite::Tls12(_));
        let all = std::mem::take(&mut provider.cipher_suites);
        let chosen = suites
            .iter()
            .filter_map(|wanted| all.iter().find(|suite| u16::from(suite.suite()) == *wanted));
        provider.cipher_suites = all.iter().filter(|suite| !of_12(suite)).copied().collect();
        provider.cipher_suites.extend(chosen.copied());
    }
    if let Some(curves) = &tls.curves {
        let all = std::mem::take(&mut provider.kx_groups);
        provider.kx_groups = curves
            .iter()
            .filter_map(|wanted| all.iter().find(|group| u16::from(group.name()) == *wanted))
            .copied()
            .collect();
    }
    let provider = Arc::new(provider);

    let mut complaints = Vec::new();
    let key = certified_key(tls, contents, &provider)
        .map_err(|found| complaints.extend(found))
        .ok();
    let (verifier, clients) = match client_verifier(tls, health_without_auth, contents, &provider) {
        Ok(found) => found,
        Err(complaint) => {
            complaints.push(complaint);
            (None, Clients::Unverified)
        }
    };
    let Some(key) = key.filter(|_| complaints.is_empty()) else {
        return Err(complaints);
    };

    let mut versions = Vec::new();
    if tls.tls12 {
        versions.push(&rustls::version::TLS12);
    }
    if tls.tls13 {
        versions.push(&rustls::version::TLS13);
    }
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| vec![tls.certificate.place.diagnostic(error.to_string())])?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.ignore_client_order = tls.prefer_server_order;
    config.alpn_protocols = match http2 {
        true => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        false => vec![b"http/1.1".to_vec()],
    };
    Ok(ServerTls {
        config: Arc::new(config),
        retired: CancellationToken::new(),
        clients,
        certificate_needed: matches!(tls.client_auth, ClientAuth::RequireAndVerify(_)),
    })
}

fn certified_key(
    tls: &TlsServer,
    contents: &Contents,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Vec<Diagnostic>> {
    let (chain, key) = match (
        certificates(&tls.certificate, contents),
        private_key(&tls.key, contents),
    ) {
        (Ok(chain), Ok(key)) => (chain, key),
        (chain, key) => return Err(chain.err().into_iter().chain(key.err()).collect()),
    };
    let Pem { place, name, .. } = &tls.key;
    fitting(&chain, &key, provider).map_err(|error| {
        vec![match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                place.diagnostic(format!("\"{name}\" is not the key of the certificate"))
            }
            rustls::Error::InvalidCertificate(error) => tls.certificate.place.diagnostic(format!(
                "\"{}\" holds a certificate that cannot be used: {error:?}",
                tls.certificate.name
            )),
            _ => place.diagnostic(format!(
                "\"{name}\" holds a key that cannot be used; RSA of 2048 to 8192 bits, ECDSA on \
                 P-256 or P-384 and Ed25519 can"
            )),
        }]
    })
}

/// The key with its certificate first and the others of the chain after it, in
/// whatever order the file has them.
fn fitting(
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, rustls::Error> {
    let mut mismatch = InconsistentKeys::KeyMismatch.into();
    for first in 0..chain.len() {
        let mut ordered = chain.to_vec();
        if let Some(begin) = ordered.get_mut(..=first) {
            begin.rotate_right(1);
        }
        match CertifiedKey::from_der(ordered, key.clone_key(), provider) {
            Err(error @ rustls::Error::InconsistentKeys(_)) => mismatch = error,
            found => return found,
        }
    }
    Err(mismatch)
}

fn private_key(pem: &Pem, contents: &Contents) -> Result<PrivateKeyDer<'static>, Diagnostic> {
    let Pem { place, name, .. } = pem;
    let bytes = contents.of(pem)?;
    let refuse = |what: &str| place.diagnostic(format!("\"{name}\" {what}"));
    let text = files::decode(&bytes).unwrap_or_default();
    let found = files::pem::sections(&text)
        .into_iter()
        .find(|section| section.label.ends_with("PRIVATE KEY"));
    let readable = found.filter(|section| section.label != "OPENSSH PRIVATE KEY");
    let Some(section) = readable else {
        return Err(refuse(&advice(pem, &bytes, WantedForm::Key)));
    };
    if section.old_encryption || section.label == "ENCRYPTED PRIVATE KEY" {
        return Err(refuse("holds a key under a passphrase; it must have none"));
    }
    let der = section
        .der
        .ok_or_else(|| refuse("holds a key that is damaged"))?;
    let der = der.to_vec();
    Ok(match &*section.label {
        "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(der.into()),
        "EC PRIVATE KEY" => PrivateKeyDer::Sec1(der.into()),
        _ => PrivateKeyDer::Pkcs8(der.into()),
    })
}

/// What it is instead of what is wanted, and what to do.
fn advice(pem: &Pem, bytes: &[u8], wanted: WantedForm) -> String {
    let path = match &pem.source {
        PemSource::File(path) => path,
        PemSource::Text(_) => Path::new(""),
    };
    FileForm::of(bytes).advice(wanted, path)
}

type Verifier = Option<Arc<dyn ClientCertVerifier>>;

fn client_verifier(
    tls: &TlsServer,
    health_without_auth: bool,
    contents: &Contents,
    provider: &Arc<CryptoProvider>,
) -> Result<(Verifier, Clients), Diagnostic> {
    let (needed, ca) = match &tls.client_auth {
        ClientAuth::None => return Ok((None, Clients::Unverified)),
        ClientAuth::Request => (false, None),
        ClientAuth::RequireAny => (true, None),
        ClientAuth::VerifyIfGiven(ca) => (false, Some(ca)),
        ClientAuth::RequireAndVerify(ca) => (true, Some(ca)),
    };
    let mut listed = Vec::new();
    let mut verifier = None;
    if let Some(ca) = ca {
        listed = certificates(ca, contents)?;
        let refuse = |what: String| ca.place.diagnostic(format!("\"{}\": {what}", ca.name));
        let mut roots = RootCertStore::empty();
        for certificate in &listed {
            roots
                .add(certificate.clone())
                .map_err(|error| refuse(format!("a certificate that cannot be used: {error}")))?;
        }
        let built = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .build()
            .map_err(|error| refuse(error.to_string()))?;
        verifier = Some(built);
    }
    let verified = ca.is_some();
    let clients = match (needed && health_without_auth, verified) {
        (true, verified) => Clients::NeededLater { verified },
        (false, true) => Clients::Verified,
        (false, false) => Clients::Unverified,
    };
    let certificates = ClientCertificates {
        mandatory: needed && !health_without_auth,
        verifier,
        listed,
        allowed_names: tls.allowed_sans.clone(),
        algorithms: provider.signature_verification_algorithms,
    };
    Ok((Some(Arc::new(certificates)), clients))
}

/// At least one.
fn certificates(
    pem: &Pem,
    contents: &Contents,
) -> Result<Vec<CertificateDer<'static>>, Diagnostic> {
    let Pem { place, name, .. } = pem;
    let bytes = contents.of(pem)?;
    let refuse = |what: &str| place.diagnostic(format!("\"{name}\" {what}"));
    let text = files::decode(&bytes).unwrap_or_default();
    let found: Option<Vec<_>> = files::pem::sections(&text)
        .into_iter()
        .filter(|section| matches!(&*section.label, "CERTIFICATE" | "X509 CERTIFICATE"))
        .map(|section| section.der.map(|der| CertificateDer::from(der.to_vec())))
        .collect();
    match found {
        None => Err(refuse("holds a certificate that is damaged")),
        Some(found) if found.is_empty() => {
            Err(refuse(&advice(pem, &bytes, WantedForm::Certificate)))
        }
        Some(found) => Ok(found),
    }
}
