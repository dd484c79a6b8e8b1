//! The refusals of Entra ID: one constructor per situation, each with its
//! AADSTS number, OAuth code, HTTP status and the sentence that Microsoft
//! writes. Sources: RFC 6749 section 5.2, Microsoft's `reference-error-codes`
//! page, and recorded answers. Used by every endpoint of `simulator::entra`;
//! nothing here looks anything up.

mod client;
mod person;
mod request;

pub(super) use client::*;
pub(super) use person::*;
pub(super) use request::*;

use jiff::Timestamp;

/// One refusal. Becomes a JSON body at the token endpoint, a redirect or a
/// page at the authorization endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraError {
    /// HTTP status at the token endpoint: 400, 401 for `invalid_client`.
    pub status: u16,
    /// The OAuth 2.0 code.
    pub error: &'static str,
    /// The AADSTS number.
    pub code: u32,
    /// The sentence after `AADSTSnnn: `.
    pub text: String,
    /// Microsoft's finer reason, where it gives one.
    pub suberror: Option<&'static str>,
    /// A claims challenge to be passed on to the authorization endpoint.
    pub claims: Option<String>,
}

impl EntraError {
    /// A refusal as the number's usual OAuth code has it.
    #[must_use]
    pub fn new(error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self {
            status: if error == "invalid_client" { 401 } else { 400 },
            error,
            code,
            text: text.into(),
            suberror: None,
            claims: None,
        }
    }

    /// The same with a suberror.
    #[must_use]
    pub const fn suberror(mut self, suberror: &'static str) -> Self {
        self.suberror = Some(suberror);
        self
    }

    /// The same with a claims challenge.
    #[must_use]
    pub fn claims(mut self, claims: impl Into<String>) -> Self {
        self.claims = Some(claims.into());
        self
    }

    /// The first line of `error_description`.
    #[must_use]
    pub fn description(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.text)
    }
}

/// `2021-10-29 17:16:31Z`: how Entra writes a time in bodies and sentences.
pub(in crate::entra) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `2021-10-29T17:16:31.0000000Z`: how Entra writes a time within some sentences.
pub(in crate::entra) fn long_stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.0000000Z").to_string()
}
