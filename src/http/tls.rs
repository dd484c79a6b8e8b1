//! TLS: one provider, one set of roots, one configuration per purpose. All
//! code that names the crypto provider lives here.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, ClientConfig, RootCertStore};

use super::NetworkError;
use super::public_roots::PublicRoots;
use super::shown_chain::WatchedVerifier;
use crate::files::{self, FileForm, WantedForm};

/// Largest file of roots, in bytes; those of a system have a quarter of one.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What we offer, best first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The provider and the roots, from which configurations are made.
pub(super) struct ClientTls {
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
    /// `None` where the roots that are trusted here are the public ones.
    public: Option<PublicRoots>,
}

impl ClientTls {
    /// Roots from `ca_file` instead of the system's; else the platform's
    /// verifier; else, where the platform has no roots (a container from
    /// scratch), Mozilla's.
    pub(super) fn new(ca_file: Option<&Path>) -> Result<Self, NetworkError> {
        let provider = Arc::new(provider());
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let public = webpki(roots, &provider)?;
        let own: Option<Arc<dyn ServerCertVerifier>> = match ca_file {
            Some(path) => Some(webpki(roots_from(path)?, &provider)?),
            None => match rustls_platform_verifier::Verifier::new(provider.clone()) {
                Ok(platform) => Some(Arc::new(platform)),
                Err(error) => {
                    tracing::info!(%error, "no roots from the platform, using the built-in ones");
                    None
                }
            },
        };
        Ok(match own {
            Some(own) => Self {
                provider,
                verifier: Arc::new(WatchedVerifier(own)),
                public: Some(PublicRoots::new(public)),
            },
            None => Self {
                provider,
                verifier: Arc::new(WatchedVerifier(public)),
                public: None,
            },
        })
    }

    /// True if a public root vouches for this chain, which is trusted here.
    pub(super) fn is_public(&self, host: &str, chain: &[CertificateDer<'_>]) -> bool {
        let public = self.public.as_ref();
        public.is_none_or(|public| public.vouch_for(host, chain))
    }

    /// A configuration with its own session store, or none at all.
    pub(super) fn config(&self, resumption: Resumption) -> Result<ClientConfig, NetworkError> {
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(NetworkError::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier.clone())
            .with_no_client_auth();
        // Without ALPN every connection silently stays on HTTP/1.1.
        config.alpn_protocols = ALPN.iter().map(|p| p.to_vec()).collect();
        config.resumption = resumption;
        Ok(config)
    }
}

/// The one crypto provider, for servers as well. Offers AES-128 with SHA-256
/// first, as browsers do: processors have instructions for all of it, and for
/// SHA-384 most have none.
pub(crate) fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    let first = CipherSuite::TLS13_AES_128_GCM_SHA256;
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != first);
    provider
}

fn webpki(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, NetworkError> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(NetworkError::Verifier)?;
    Ok(verifier)
}

fn roots_from(path: &Path) -> Result<RootCertStore, NetworkError> {
    let refuse = |what: String| NetworkError::Roots {
        sentence: format!("{} {what}", files::shown(path)),
    };
    let bytes = files::read(path, MOST_BYTES).map_err(|error| NetworkError::Roots {
        sentence: error.to_string(),
    })?;
    let text = files::decode(&bytes).unwrap_or_default();
    let sections = files::pem::sections(&text);
    let mut roots = RootCertStore::empty();
    for section in sections {
        if !matches!(&*section.label, "CERTIFICATE" | "X509 CERTIFICATE") {
            continue;
        }
        let der = section
            .der
            .ok_or_else(|| refuse("holds a certificate that is damaged".to_owned()))?;
        roots
            .add(CertificateDer::from(der.to_vec()))
            .map_err(|_| refuse("holds a certificate that cannot be a root".to_owned()))?;
    }
    if roots.is_empty() {
        return Err(refuse(FileForm::of(&bytes).advice(WantedForm::Roots, path)));
    }
    Ok(roots)
}
