//! What a kind may do while its probe is under way.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::super::client::Attempt;
use super::super::machine;
use super::super::response::Response;
use super::{Budget, Probing, no_token_in_time, note};
use crate::kinds::{Answer, Ask, Request, Stopped};
use crate::model::{Audience, Exchange, Phases, Timestamp};

/// Whether so long after a tick this one is the next of those that are `every` so
/// long. A tick begins when its turn comes: one that was late is followed by one
/// that seems early.
fn is_due(since: Option<Duration>, every: Duration, interval: Duration) -> bool {
    let early = (interval / 2).min(every / 10);
    since.is_none_or(|since| since.saturating_add(early) >= every)
}

impl Ask for Probing<'_> {
    fn send<'a>(
        &'a mut self,
        step: &'static str,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Stopped>> {
        Box::pin(async move {
            if !step.is_empty() {
                self.story.tell(|| format!("step {step}"));
            }
            if self.for_clean_up.is_some() && self.hold.is_some() {
                self.story
                    .tell(|| "left alone: the service asked for a wait".into());
                return Err(Stopped::Asked);
            }
            let began = Instant::now();
            let outcome = self.ask(&request).await;
            if let Some(left) = &mut self.for_clean_up {
                left.0 = left.0.saturating_sub(began.elapsed());
            }
            self.keep(step, outcome)
        })
    }

    fn sign_in<'a>(
        &'a mut self,
        step: &'static str,
        audience: &'a Audience,
    ) -> BoxFuture<'a, Result<(), Stopped>> {
        Box::pin(async move {
            self.story.tell(|| format!("step {step}"));
            let began = Instant::now();
            let time = self.time_for_a_request();
            let tokens = &self.client.tokens;
            let account = &self.resource.account;
            let signing_in = tokens.fresh_token(account, audience, self.story);
            let signed_in = match timeout_at(began + time, signing_in).await {
                Ok(signed_in) => signed_in,
                Err(_) => Err(no_token_in_time()),
            };
            // Which part of it was the network's is not told by the client for
            // token requests: all of it counts as waiting for the answer.
            let phases = Phases {
                processing: began.elapsed(),
                ..Phases::default()
            };
            note(&mut self.steps, step, phases);
            self.decisive = step;
            let exchange = Exchange {
                phases: Some(phases),
                ..Exchange::default()
            };
            match signed_in {
                Ok(()) => {
                    self.signed_in = true;
                    let outcome = Attempt::Response(Box::new(Response::of_sign_in(exchange)));
                    self.outcome = Some(outcome);
                    Ok(())
                }
                Err(problem) => {
                    let stopped = Stopped::SignIn(problem);
                    self.outcome =
                        Some(Attempt::Response(Box::new(Response::of_sign_in(exchange))));
                    Err(stopped)
                }
            }
        })
    }

    fn wait(&mut self, time: Duration) -> BoxFuture<'_, ()> {
        let until = (Instant::now() + time).min(self.next);
        Box::pin(sleep_until(until))
    }

    fn clean_up(&mut self) {
        self.story.tell(|| "cleaning up".into());
        self.for_clean_up = Some(Budget(self.resource.timeout));
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn now(&self) -> Timestamp {
        self.client.clock.now()
    }

    fn timeout(&self) -> Duration {
        self.resource.timeout
    }

    fn has_time(&self, requests: u32) -> bool {
        let has_time = self.until_next() >= self.resource.timeout.saturating_mul(requests);
        if !has_time {
            let story = self.story;
            story.tell(|| "no further page: it might not come before the next tick".into());
        }
        has_time
    }

    fn is_sign_in_due(&self, every: Duration) -> bool {
        is_due(self.since_sign_in, every, self.resource.interval)
    }

    fn object_id<'a>(
        &'a mut self,
        audience: &'a Audience,
    ) -> BoxFuture<'a, Result<Option<String>, Stopped>> {
        Box::pin(async move {
            let account = Arc::clone(&self.resource.account);
            match self.token(&account, audience).await {
                Ok(token) => Ok(token.object_id()),
                Err(problem) => self.keep("", Attempt::NoToken(problem)).map(|_| None),
            }
        })
    }

    fn machine(&self) -> String {
        machine::guid(&*self.client.random)
    }

    fn nonce(&mut self) -> String {
        let id = self.client.random.uuid();
        let digits = id.chars().filter(char::is_ascii_hexdigit);
        digits.take(16).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_that_is_meant() {
        let ms = Duration::from_millis;
        for (interval, every, since, due) in [
            (60_000, 300_000, None, true),
            (60_000, 300_000, Some(240_100), false),
            (60_000, 300_000, Some(299_900), true),
            (60_000, 300_000, Some(300_000), true),
            (300_000, 300_000, Some(299_500), true),
            (300_000, 300_000, Some(271_000), true),
            // Each is a row in the sign-in log: not much oftener than was said.
            (240_000, 300_000, Some(240_000), false),
            (10_000, 300_000, Some(290_300), false),
            (10_000, 300_000, Some(299_700), true),
            (600_000, 300_000, Some(599_000), true),
        ] {
            let found = is_due(since.map(ms), ms(every), ms(interval));
            assert_eq!(found, due, "{interval} {every} {since:?}");
        }
    }
}
