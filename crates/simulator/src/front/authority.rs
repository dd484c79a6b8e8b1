//! The certificate authority of the simulated cloud, and certificates for any
//! host on demand. One for each host is made and kept; all share one key,
//! because keys cost more than signatures.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::server::{ClientHello, ResolvesServerCert, WantsServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ConfigBuilder, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::faults::FaultKind;

/// No certificate could be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// By the certificate library.
    #[error("could not make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// By the TLS library.
    #[error("could not use a certificate: {0}")]
    Use(#[from] rustls::Error),
    /// The folder holds something else.
    #[error("{0} holds no certificate or key that can be used here")]
    Read(String),
    /// The folder.
    #[error("could not keep the certificate authority: {0}")]
    Keep(#[from] io::Error),
}

/// An authority and the certificates it made.
pub struct Authority {
    pem: String,
    own: Issuer<'static, KeyPair>,
    /// Known to nobody: made when first asked for.
    stranger: Mutex<Option<Arc<Issuer<'static, KeyPair>>>>,
    leaf_key: KeyPair,
    year: i32,
    /// What everybody is shown instead.
    given: Option<Arc<ServerConfig>>,
    ready: Mutex<HashMap<(String, LeafKind), Arc<ServerConfig>>>,
}

/// How a certificate is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum LeafKind {
    Right,
    WrongHost,
    Expired,
    Untrusted,
    /// None at all: the handshake ends with an alert.
    Missing,
}

/// Has no certificate for anyone.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesServerCert for NoCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca.key";
/// Hosts beyond this are not kept.
const MOST_KEPT: usize = 1000;

fn issuer_params(name: &str, year: i32) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.not_before = date_time_ymd(year - 1, 1, 1);
    params.not_after = date_time_ymd(year + 10, 1, 1);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

const NAME: &str = "m365mon simulated tenant";

impl Authority {
    /// A new one, valid around `year`.
    pub fn new(year: i32) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let params = issuer_params(NAME, year)?;
        let pem = params.self_signed(&key)?.pem();
        Self::with(pem, key, year)
    }

    fn with(pem: String, key: KeyPair, year: i32) -> Result<Self, AuthorityError> {
        Ok(Self {
            own: Issuer::new(issuer_params(NAME, year)?, key),
            pem,
            stranger: Mutex::default(),
            leaf_key: KeyPair::generate()?,
            year,
            given: None,
            ready: Mutex::default(),
        })
    }

    /// The one kept in `dir` (`ca.pem`, `ca.key`), or a new one, kept there
    /// from now on.
    pub fn kept_in(dir: &Path, year: i32) -> Result<Self, AuthorityError> {
        let (certificate_file, key_file) = (dir.join(CERTIFICATE_FILE), dir.join(KEY_FILE));
        match (
            std::fs::read_to_string(&certificate_file),
            std::fs::read_to_string(&key_file),
        ) {
            (Ok(pem), Ok(key)) => {
                let key = KeyPair::from_pem(&key)
                    .map_err(|_| AuthorityError::Read(dir.display().to_string()))?;
                Self::with(pem, key, year)
            }
            _ => {
                let authority = Self::new(year)?;
                write_private(&key_file, &authority.own.key().serialize_pem())?;
                std::fs::write(&certificate_file, &authority.pem)?;
                Ok(authority)
            }
        }
    }

    /// Shows every client the same chain, whose last is the one to trust. What
    /// goes wrong on command goes wrong with certificates of its own.
    pub fn showing(mut self, chain: &str, key: &str) -> Result<Self, AuthorityError> {
        let refuse = |what: &str| AuthorityError::Read(what.to_owned());
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| refuse("the file of the certificate"))?;
        let last = chain
            .rfind("-----BEGIN CERTIFICATE-----")
            .ok_or_else(|| refuse("the file of the certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| refuse("the file of the private key"))?;
        self.given = Some(Arc::new(with_protocols(
            server()?.with_single_cert(certificates, key)?,
        )));
        self.pem = chain.get(last..).unwrap_or_default().to_owned();
        Ok(self)
    }

    /// The certificate to trust.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// What to answer a client that asked for `host` (empty: none named), gone
    /// wrong as `fault` says.
    pub(super) fn server_config(
        &self,
        host: &str,
        fault: Option<&FaultKind>,
    ) -> Result<Arc<ServerConfig>, AuthorityError> {
        let variety = match fault {
            Some(FaultKind::TlsWrongHost) => LeafKind::WrongHost,
            Some(FaultKind::TlsExpired) => LeafKind::Expired,
            Some(FaultKind::TlsUntrusted) => LeafKind::Untrusted,
            Some(FaultKind::TlsBroken) => LeafKind::Missing,
            _ => LeafKind::Right,
        };
        if let (LeafKind::Right, Some(given)) = (variety, &self.given) {
            return Ok(Arc::clone(given));
        }
        let key = (host.to_owned(), variety);
        if let Some(config) = self.ready.lock().get(&key) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.make(host, variety)?);
        let mut ready = self.ready.lock();
        if ready.len() < MOST_KEPT {
            ready.insert(key, Arc::clone(&config));
        }
        Ok(config)
    }

    fn make(&self, host: &str, variety: LeafKind) -> Result<ServerConfig, AuthorityError> {
        let names: Vec<String> = match (variety, host) {
            (LeafKind::WrongHost, _) => vec!["wrong-host.contoso.com".into()],
            (_, "" | "localhost") => ["localhost", "127.0.0.1", "::1"].map(Into::into).into(),
            (_, host) => vec![host.to_owned()],
        };
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "m365mon simulated host");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = if variety == LeafKind::Expired {
            (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1))
        } else {
            (
                date_time_ymd(self.year - 1, 1, 1),
                date_time_ymd(self.year + 2, 1, 1),
            )
        };
        let leaf = if variety == LeafKind::Untrusted {
            params.signed_by(&self.leaf_key, &*self.stranger()?)?
        } else {
            params.signed_by(&self.leaf_key, &self.own)?
        };
        let mut chain = vec![leaf.der().clone()];
        if variety != LeafKind::Untrusted {
            chain.extend(CertificateDer::from_pem_slice(self.pem.as_bytes()).ok());
        }
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        let config = server()?;
        Ok(with_protocols(if variety == LeafKind::Missing {
            config.with_cert_resolver(Arc::new(NoCertificate))
        } else {
            config.with_single_cert(chain, key)?
        }))
    }

    fn stranger(&self) -> Result<Arc<Issuer<'static, KeyPair>>, AuthorityError> {
        let mut stranger = self.stranger.lock();
        if let Some(issuer) = &*stranger {
            return Ok(Arc::clone(issuer));
        }
        let params = issuer_params("nobody knows this authority", self.year)?;
        let issuer = Arc::new(Issuer::new(params, KeyPair::generate()?));
        *stranger = Some(Arc::clone(&issuer));
        Ok(issuer)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

fn server() -> Result<ConfigBuilder<ServerConfig, WantsServerCert>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth())
}

fn with_protocols(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    // tempfile creates with mode 0600; the rename makes the change whole.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_kept_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = Authority::kept_in(dir.path(), 2026).unwrap();
        let second = Authority::kept_in(dir.path(), 2027).unwrap();
        assert_eq!(first.pem(), second.pem());
        for fault in [
            None,
            Some(&FaultKind::TlsExpired),
            Some(&FaultKind::TlsUntrusted),
        ] {
            assert!(second.server_config("graph.microsoft.com", fault).is_ok());
        }
        std::fs::write(dir.path().join(KEY_FILE), "nothing").unwrap();
        assert!(Authority::kept_in(dir.path(), 2026).is_err());
    }
}
