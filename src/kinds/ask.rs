//! How a kind asks: what it hands out and what comes back. `graph` does the
//! asking; a kind never sees a token, a connection or a clock.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;

use super::{BadBody, Request, ServiceError};
use crate::model::{Audience, Reason, Sample, Timestamp, TokenProblem};

/// Asks services on behalf of one probe. Every call is a step of it, timed and
/// told; the first that does not succeed decides the probe.
pub trait Ask: Send {
    /// Sends a request, with a token where the request names an audience, and
    /// reads the answer. `step` names the stage (empty where there is only one);
    /// several calls with one name are one step, whose latency is that of the
    /// last. Bounded by the resource's timeout.
    ///
    /// # Errors
    /// No token, no answer, or an answer with a status that the request does
    /// not expect. The asker knows which, and says so in the report.
    fn send<'a>(
        &'a mut self,
        step: &'static str,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Stopped>>;

    /// Asks Entra for a token that does not come from the cache, as a measured
    /// step; the token goes into the cache.
    ///
    /// # Errors
    /// There is none; the reason is that of a probe: what is wrong with the way
    /// to Entra or with Entra is a failure, refused credentials are not.
    fn sign_in<'a>(
        &'a mut self,
        step: &'static str,
        audience: &'a Audience,
    ) -> BoxFuture<'a, Result<(), Stopped>>;

    /// Lets time pass, which counts for no latency; never beyond the next tick.
    fn wait(&mut self, time: Duration) -> BoxFuture<'_, ()>;

    /// What is sent from now on cleans up after the probe: it has one timeout
    /// of its own in all, and its failure changes no verdict. Once a service asked
    /// for a wait, nothing is sent.
    fn clean_up(&mut self);

    /// How long the probe has been going on.
    fn elapsed(&self) -> Duration;

    /// What time it is.
    fn now(&self) -> Timestamp;

    /// How long one request may take.
    fn timeout(&self) -> Duration;

    /// True if so many requests surely end before the next tick: asked before what
    /// is good to have.
    fn has_time(&self, requests: u32) -> bool;

    /// True if this tick is one of those, `every` so long, at which a token is asked
    /// for by [`Self::sign_in`]; also where that never succeeded in this process.
    fn is_sign_in_due(&self, every: Duration) -> bool;

    /// Who the token for this audience speaks for: the object id (`oid`) in it.
    /// `None` where the token cannot be read.
    ///
    /// # Errors
    /// There is no token.
    fn object_id<'a>(
        &'a mut self,
        audience: &'a Audience,
    ) -> BoxFuture<'a, Result<Option<String>, Stopped>>;

    /// A GUID for this machine: always the same, and telling nothing about it.
    fn machine(&self) -> String;

    /// 16 hexadecimal digits that nobody can guess.
    fn nonce(&mut self) -> String;
}

/// An answer with a status that was expected, and whole.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, lower case, without parameters.
    pub content_type: String,
    /// The whole body.
    pub body: Bytes,
    /// What the body says if it is an error that the request expects.
    pub error: ServiceError,
    headers: HeaderMap,
}

impl Answer {
    /// Puts one together.
    #[must_use]
    pub const fn new(
        status: u16,
        content_type: String,
        body: Bytes,
        error: ServiceError,
        headers: HeaderMap,
    ) -> Self {
        Self {
            status,
            content_type,
            body,
            error,
            headers,
        }
    }

    /// The first value of a header, where it is text; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Answer {
    /// Without body and headers, which may hold content of a tenant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why a probe went no further.
#[derive(Debug, Clone, PartialEq)]
pub enum Stopped {
    /// [`Ask`] knows.
    Asked,
    /// The answer is not what was asked for.
    Bad(BadBody),
    /// A measured token request brought no token.
    SignIn(TokenProblem),
    /// The kind's own verdict on what it was told.
    Judged {
        /// Why not.
        reason: Reason,
        /// What happened and what to do, for people; without content of a tenant.
        sentence: Cow<'static, str>,
    },
    /// Some of what was asked for is not there; the rest was found.
    Partly {
        /// Why not.
        reason: Reason,
        /// What is missing and what to do, for people.
        sentence: Cow<'static, str>,
        /// The rest.
        readings: Vec<Sample>,
    },
}

impl Stopped {
    /// A verdict of the kind's own.
    pub fn judged(reason: Reason, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::Judged {
            reason,
            sentence: sentence.into(),
        }
    }
}

impl From<BadBody> for Stopped {
    fn from(bad: BadBody) -> Self {
        Self::Bad(bad)
    }
}

/// What a successful probe found beside the verdict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Numbers, in any order.
    pub readings: Vec<Sample>,
}

impl Findings {
    /// With these numbers.
    pub fn of(readings: impl IntoIterator<Item = Sample>) -> Self {
        Self {
            readings: readings.into_iter().collect(),
        }
    }
}
