//! Who is an operator: sees names and addresses of people, the configuration
//! and stories, and acts.
//!
//! By name: users and certificates of the web configuration that
//! `--web.operators` lists. By key: whoever holds the operator key, in the
//! header of a script or as the cookie that a link of `m365mon open` was
//! exchanged for. Being on the same machine proves nothing: proxies,
//! forwarders, sidecars and other users are there too.

mod key;
mod key_file;
mod session;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::http::HeaderMap;

use super::visitor::Authenticated;
use crate::model::{Clock, Random, Secret};

pub use key::{COOKIE_LIFE, LINK_LIFE, OperatorKey};
pub use key_file::{KeyFileError, OperatorKeyFile, key_places, read_key};
use session::Sessions;
pub(super) use session::{COOKIE_NAME, HOST_PREFIX};

/// Scripts send the key in this header: no page of another site can.
pub const KEY_HEADER: &str = "x-m365mon-operator";

/// One entry of `--web.operators`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperatorName {
    /// A user of `basic_auth_users`.
    User(String),
    /// A subject alternative name of a client's certificate, exactly.
    Certificate(String),
}

impl FromStr for OperatorName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("user", name)) if !name.is_empty() => Ok(Self::User(name.to_owned())),
            Some(("cert", name)) if !name.is_empty() => Ok(Self::Certificate(name.to_owned())),
            _ => Err(
                "it must be user:NAME, a user of --web.config.file, or cert:NAME, a subject \
                 alternative name of a client's certificate"
                    .to_owned(),
            ),
        }
    }
}

/// Who does something; for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Actor {
    /// A user of the web configuration.
    User(Arc<str>),
    /// A client's certificate, by the name that made it an operator.
    Certificate(Arc<str>),
    /// Whoever holds the operator key.
    Key,
    /// Whoever was invited to sign in for one account, with who made the invitation:
    /// no operator.
    Invited(Arc<str>),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Certificate(name) => write!(f, "cert:{name}"),
            Self::Key => f.write_str("operator"),
            Self::Invited(by) => write!(f, "an invitation of {by}"),
        }
    }
}

/// All operators of one process.
pub(super) struct Operators {
    named: Vec<OperatorName>,
    sessions: Option<Sessions>,
}

impl Operators {
    pub(super) fn new(
        named: Vec<OperatorName>,
        key: Option<OperatorKey>,
        clock: Clock,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            named,
            sessions: key.map(|key| Sessions::new(key, clock, random)),
        }
    }

    /// Which operator sent a request, if one did.
    pub(super) fn of(
        &self,
        authenticated: Option<&Authenticated>,
        headers: &HeaderMap,
    ) -> Option<Actor> {
        let by_name = authenticated.and_then(|shown| self.named(shown));
        by_name.or_else(|| {
            let sessions = self.sessions.as_ref()?;
            sessions.holds_key(headers).then_some(Actor::Key)
        })
    }

    fn named(&self, shown: &Authenticated) -> Option<Actor> {
        self.named.iter().find_map(|one| match one {
            OperatorName::User(name) => {
                let user = shown.user.as_ref()?;
                (**user == **name).then(|| Actor::User(Arc::clone(user)))
            }
            OperatorName::Certificate(name) => {
                let found = shown.certificate.iter().any(|one| one == name);
                found.then(|| Actor::Certificate(name.as_str().into()))
            }
        })
    }

    /// Exchanges what a link ends with for the value of a cookie, once.
    pub(super) fn exchange(&self, link: &str) -> Option<Secret> {
        self.sessions.as_ref()?.exchange(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SystemRandom;

    #[test]
    fn names() {
        assert_eq!("user:a:b".parse(), Ok(OperatorName::User("a:b".into())));
        let san = "spiffe://contoso.com/ops";
        assert_eq!(
            format!("cert:{san}").parse(),
            Ok(OperatorName::Certificate(san.into()))
        );
        for bad in ["", "alice", "user:", "cert:", "User:alice", "key:x"] {
            assert!(bad.parse::<OperatorName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_who_is_listed_exactly() {
        let named = vec![
            OperatorName::User("alice".into()),
            OperatorName::Certificate("ops.contoso.com".into()),
        ];
        let random = Arc::new(SystemRandom::new());
        let operators = Operators::new(named, None, Clock::system(), random);
        let of = |user: Option<&str>, certificate: &[&str]| {
            let shown = Authenticated {
                user: user.map(Into::into),
                certificate: certificate.iter().map(|&name| name.to_owned()).collect(),
            };
            let actor = operators.of(Some(&shown), &HeaderMap::new());
            actor.map(|actor| actor.to_string())
        };
        assert_eq!(of(Some("alice"), &[]).as_deref(), Some("user:alice"));
        let both = of(None, &["x", "ops.contoso.com"]);
        assert_eq!(both.as_deref(), Some("cert:ops.contoso.com"));
        for (user, certificate) in [
            (Some("Alice"), &[][..]),
            (Some("bob"), &["OPS.contoso.com", "*.contoso.com"]),
            (Some("ops.contoso.com"), &["alice"]),
            (None, &[]),
        ] {
            assert_eq!(of(user, certificate), None, "{user:?} {certificate:?}");
        }
        assert!(operators.of(None, &HeaderMap::new()).is_none());
    }
}
