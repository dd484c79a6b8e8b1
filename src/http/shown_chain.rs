//! The certificates that a peer showed, also where they were refused: a
//! handshake that fails takes them along, so they are looked at while they are
//! verified.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::certificate;
use crate::model::Timestamp;

/// What is kept of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShownChain {
    /// The earliest `notAfter` in it.
    pub(super) expiry: Option<Timestamp>,
}

tokio::task_local! {
    static SHOWN: RefCell<Option<ShownChain>>;
}

/// Runs one handshake, and tells which certificates were shown in it; `None` if
/// it ended before any, or resumed a session, which shows none.
pub(super) async fn watching<F: Future>(handshake: F) -> (F::Output, Option<ShownChain>) {
    let watched = async {
        let ended = handshake.await;
        (ended, SHOWN.with(RefCell::take))
    };
    SHOWN.scope(RefCell::default(), watched).await
}

/// A verifier whose work is watched. The verdict is the inner one's alone.
pub(super) struct WatchedVerifier(pub(super) Arc<dyn ServerCertVerifier>);

impl fmt::Debug for WatchedVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ServerCertVerifier for WatchedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // Requests that nobody measures are verified outside such a scope.
        _ = SHOWN.try_with(|shown| {
            let chain = std::iter::once(end_entity).chain(intermediates);
            *shown.borrow_mut() = Some(ShownChain {
                expiry: certificate::earliest_expiry(chain.map(|der| &**der)),
            });
        });
        let inner = &self.0;
        inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.0.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.0.root_hint_subjects()
    }
}
