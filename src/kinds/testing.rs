//! A scripted service for the tests of kinds.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::HeaderMap;

use super::ask::{Answer, Ask, Findings, Stopped};
use super::{Request, ServiceError, Spec};
use crate::model::{Account, Audience, Sample, Timestamp};

/// Answers in their order; what is asked beyond them stops the probe.
pub(super) struct ScriptedAsk {
    answers: VecDeque<Result<Answer, Stopped>>,
    sent: Vec<(&'static str, Request)>,
    waited: Duration,
    pub(super) cleaning: bool,
    pub(super) sign_ins: VecDeque<Result<(), Stopped>>,
    /// This tick is one at which a token is asked for.
    pub(super) sign_in_due: bool,
    pub(super) timeout: Duration,
    /// There is time for so many requests beyond the first.
    pub(super) further_in_time: usize,
    pub(super) account: Account,
    pub(super) object_id: Option<String>,
}

impl ScriptedAsk {
    pub(super) fn of(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::with(answers.into_iter().map(Ok))
    }

    pub(super) fn with(answers: impl IntoIterator<Item = Result<Answer, Stopped>>) -> Self {
        Self {
            answers: answers.into_iter().collect(),
            sent: Vec::new(),
            waited: Duration::ZERO,
            cleaning: false,
            sign_ins: VecDeque::new(),
            sign_in_due: true,
            timeout: Duration::from_secs(10),
            further_in_time: usize::MAX,
            account: crate::fixtures::account("contoso"),
            object_id: None,
        }
    }

    pub(super) async fn probe(&mut self, kind: &dyn Spec) -> Result<Findings, Stopped> {
        let account = self.account.clone();
        kind.probe(&account, self).await
    }

    /// What was asked, with the names of the steps.
    pub(super) fn sent(&self) -> &[(&'static str, Request)] {
        &self.sent
    }
}

impl Ask for ScriptedAsk {
    fn send<'a>(
        &'a mut self,
        step: &'static str,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Stopped>> {
        assert!(request.is_consistent(), "{request:?}");
        self.sent.push((step, request));
        let next = self.answers.pop_front().unwrap_or(Err(Stopped::Asked));
        Box::pin(async move { next })
    }

    fn sign_in<'a>(
        &'a mut self,
        _: &'static str,
        _: &'a Audience,
    ) -> BoxFuture<'a, Result<(), Stopped>> {
        let next = self.sign_ins.pop_front().unwrap_or(Err(Stopped::Asked));
        Box::pin(async move { next })
    }

    fn wait(&mut self, time: Duration) -> BoxFuture<'_, ()> {
        self.waited += time;
        Box::pin(async {})
    }

    fn clean_up(&mut self) {
        self.cleaning = true;
    }

    fn elapsed(&self) -> Duration {
        self.waited
    }

    fn now(&self) -> Timestamp {
        "2026-11-30T08:00:00Z".parse().unwrap()
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn has_time(&self, requests: u32) -> bool {
        self.sent.len() + requests as usize <= self.further_in_time.saturating_add(1)
    }

    fn is_sign_in_due(&self, _: Duration) -> bool {
        self.sign_in_due
    }

    fn object_id<'a>(
        &'a mut self,
        _: &'a Audience,
    ) -> BoxFuture<'a, Result<Option<String>, Stopped>> {
        let id = self.object_id.clone();
        Box::pin(async move { Ok(id) })
    }

    fn machine(&self) -> String {
        "b10c5ed1-bad1-445f-b386-b919946339a7".to_owned()
    }

    fn nonce(&mut self) -> String {
        "0123456789abcdef".to_owned()
    }
}

/// A 200 with this JSON.
pub(super) fn answer(body: &str) -> Answer {
    with_status(200, body)
}

/// An answer with this status and JSON.
pub(super) fn with_status(status: u16, body: &str) -> Answer {
    Answer::new(
        status,
        "application/json".to_owned(),
        body.to_owned().into(),
        ServiceError::read(body.as_bytes()),
        HeaderMap::new(),
    )
}

/// A redirect.
pub(super) fn redirect(status: u16, location: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert("location", location.parse().unwrap());
    Answer::new(
        status,
        String::new(),
        bytes::Bytes::new(),
        ServiceError::default(),
        headers,
    )
}

/// The value of a reading with these labels.
pub(super) fn value(samples: &[Sample], reading: u8, labels: &[&str]) -> Option<f64> {
    let same = |one: &&Sample| {
        one.reading == reading
            && one
                .labels
                .iter()
                .map(|label| &**label)
                .eq(labels.iter().copied())
    };
    samples.iter().find(same).map(|one| one.value)
}
