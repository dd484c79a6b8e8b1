//! What a web configuration asks of clients. A file that was cut short, or that
//! somebody is writing, asks for less than the one before: a running exporter
//! does not believe it.

use crate::config::web::{ClientAuth, WebFile};

/// What a client must bring along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demands {
    /// A name and a password.
    users: bool,
    /// A certificate: nothing, whichever there is, one that is verified if it
    /// is there, any, a verified one.
    certificate: u8,
    /// One of the names that are listed.
    names: bool,
}

impl Demands {
    pub(super) fn of(web: &WebFile) -> Self {
        let tls = web.tls.as_ref();
        let certificate = match tls.map(|tls| &tls.client_auth) {
            None | Some(ClientAuth::None) => 0,
            Some(ClientAuth::Request) => 1,
            Some(ClientAuth::VerifyIfGiven(_)) => 2,
            Some(ClientAuth::RequireAny) => 3,
            Some(ClientAuth::RequireAndVerify(_)) => 4,
        };
        Self {
            users: !web.users.is_empty(),
            certificate,
            names: tls.is_some_and(|tls| !tls.allowed_sans.is_empty()),
        }
    }

    /// What of these the next one gives up.
    pub(super) const fn given_up_by(self, next: Self) -> Option<&'static str> {
        if self.users && !next.users {
            Some("\"basic_auth_users\"")
        } else if self.certificate > next.certificate {
            Some("the \"client_auth_type\" that is in force")
        } else if self.names && !next.names {
            Some("\"client_allowed_sans\"")
        } else {
            None
        }
    }
}
