//! Whether one of the roots that everybody trusts (Mozilla's) vouches for a
//! chain. A chain that is trusted here and by none of them comes from somebody
//! on the way who opens TLS, with a root that was put on this machine.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use ring::digest::{Context, SHA256};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

/// Hosts whose verdict is kept; there are far fewer different ones.
const MOST_HOSTS: usize = 1024;

/// The public roots, and what they said lately: a probe with a new connection
/// every minute meets the same chain for weeks.
pub(super) struct PublicRoots {
    verifier: Arc<dyn ServerCertVerifier>,
    verdicts: Mutex<HashMap<Box<str>, ChainVerdict>>,
}

#[derive(Clone, Copy)]
struct ChainVerdict {
    chain: [u8; 32],
    public: bool,
}

impl PublicRoots {
    pub(super) fn new(verifier: Arc<dyn ServerCertVerifier>) -> Self {
        Self {
            verifier,
            verdicts: Mutex::default(),
        }
    }

    /// True if one of the roots vouches for the chain that `host` showed.
    pub(super) fn vouch_for(&self, host: &str, chain: &[CertificateDer<'_>]) -> bool {
        let mut digest = Context::new(&SHA256);
        for certificate in chain {
            digest.update(certificate);
        }
        let mut seen = [0; 32];
        seen.copy_from_slice(digest.finish().as_ref());
        let known = self.verdicts.lock().get(host).copied();
        if let Some(known) = known.filter(|known| known.chain == seen) {
            return known.public;
        }
        let public = self.verify(host, chain);
        let mut verdicts = self.verdicts.lock();
        if verdicts.len() >= MOST_HOSTS {
            verdicts.clear();
        }
        let verdict = ChainVerdict {
            chain: seen,
            public,
        };
        verdicts.insert(host.into(), verdict);
        public
    }

    fn verify(&self, host: &str, chain: &[CertificateDer<'_>]) -> bool {
        let (Some((leaf, rest)), Ok(name)) = (chain.split_first(), ServerName::try_from(host))
        else {
            return false;
        };
        // Whether the host staples an answer about revocation says nothing here.
        self.verifier
            .verify_server_cert(leaf, rest, &name, &[], UnixTime::now())
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;

    use super::*;
    use crate::http::provider;

    const HOST: &str = "contoso.sharepoint.com";

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn chain(authority: &CertifiedIssuer<'static, KeyPair>) -> [CertificateDer<'static>; 1] {
        let params = CertificateParams::new([HOST.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        [params.signed_by(&key, authority).unwrap().into()]
    }

    #[test]
    fn each_chain_is_judged_by_itself() {
        let (public, stranger) = (authority(), authority());
        let mut roots = RootCertStore::empty();
        roots.add(public.der().clone()).unwrap();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()));
        let roots = PublicRoots::new(verifier.build().unwrap());
        let (good, bad) = (chain(&public), chain(&stranger));
        for _ in 0..2 {
            assert!(roots.vouch_for(HOST, &good));
            assert!(!roots.vouch_for(HOST, &bad));
            assert!(!roots.vouch_for(HOST, &[]));
        }
        for number in 0..=MOST_HOSTS {
            roots.vouch_for(&format!("host{number}.contoso.com"), &bad);
        }
        assert!(roots.verdicts.lock().len() <= MOST_HOSTS);
    }
}
