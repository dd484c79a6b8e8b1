//! Certificates of clients: asked for, verified, looked at for a name.
//!
//! A certificate that stands in the client CA's file itself is trusted as it
//! is, while it is valid: a self-signed one per client is the simplest way to
//! do without a CA, and webpki refuses those that say they are a CA themselves.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::http::{alternative_names, certificate_facts};

/// What a certificate must have.
#[derive(Debug)]
pub(super) struct ClientCertificates {
    /// The handshake fails without one.
    pub(super) mandatory: bool,
    /// The CA; without it any certificate will do.
    pub(super) verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// Certificates that are trusted as they are.
    pub(super) listed: Vec<CertificateDer<'static>>,
    /// One of these must be among its names; empty for any.
    pub(super) allowed_names: Vec<String>,
    /// Of the provider.
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertificates {
    fn is_listed(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
        let valid = || {
            let now = i64::try_from(now.as_secs()).ok()?;
            let facts = certificate_facts(certificate)?;
            let valid = facts.not_before.as_second()..=facts.not_after.as_second();
            Some(valid.contains(&now))
        };
        self.listed
            .iter()
            .any(|listed| listed.as_ref() == certificate.as_ref())
            && valid() == Some(true)
    }

    fn has_allowed_name(&self, certificate: &CertificateDer<'_>) -> bool {
        self.allowed_names.is_empty()
            || alternative_names(certificate)
                .unwrap_or_default()
                .iter()
                .any(|name| self.allowed_names.contains(name))
    }
}

impl ClientCertVerifier for ClientCertificates {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier
            .as_ref()
            .map_or(&[], |verifier| verifier.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(verifier) = &self.verifier
            && !self.is_listed(end_entity, now)
        {
            verifier.verify_client_cert(end_entity, intermediates, now)?;
        }
        if self.has_allowed_name(end_entity) {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
