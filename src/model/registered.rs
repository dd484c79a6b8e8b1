//! What a directory says of the credentials that are registered for an
//! application (Microsoft Graph, "passwordCredential" and "keyCredential").

use super::{Secret, Timestamp};

/// The credentials of one application, from its own object and from its service
/// principal's.
#[derive(Debug, Clone, Default)]
pub struct RegisteredCredentials {
    /// Secrets, of both objects.
    pub secrets: Vec<RegisteredSecret>,
    /// Certificates, of both objects.
    pub certificates: Vec<RegisteredCertificate>,
    /// Both objects were read. An application of another tenant has only its
    /// service principal here.
    pub whole: bool,
}

/// One secret, without its value.
#[derive(Debug, Clone)]
pub struct RegisteredSecret {
    /// Its first three characters; compared once and not kept. `None` for those
    /// made by older means.
    pub hint: Option<Secret>,
    /// Valid from; `None` is always.
    pub starts: Option<Timestamp>,
    /// Valid until; `None` where nobody said.
    pub ends: Option<Timestamp>,
}

/// One certificate.
#[derive(Debug, Clone)]
pub struct RegisteredCertificate {
    /// The certificate, DER; `None` where the directory does not show it.
    pub der: Option<Vec<u8>>,
    /// The directory's name for it: SHA-1 of the certificate, unless whoever
    /// registered it chose another.
    pub identifier: Option<Vec<u8>>,
    /// Valid until.
    pub ends: Option<Timestamp>,
}
