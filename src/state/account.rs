//! Where an account stands: its last token request, what it holds, when a
//! person must act, and how Microsoft's limits treat it.

use std::sync::Arc;

use parking_lot::Mutex;

use super::account_snapshot::{AccountSnapshot, LastRate, LastToken, TokenProblemCount};
use super::histogram::Histogram;
use super::packed::Micros;
use crate::kinds::Resource;
use crate::model::{
    Account, AccountReason, AccountStatus, Audience, Hold, Moment, Outcome, Reason, Report,
    Service, Timestamp, TokenReport,
};

/// How many limits are told apart.
const SERVICES: usize = Service::ALL.len();

/// Different pairs of reason and code that are told apart per account; what
/// comes after counts without its code. The known codes are far fewer.
const MOST_CODES: usize = 64;

/// One account of the current configuration and what is known of it.
#[derive(Debug)]
pub struct AccountSlot {
    account: Arc<Account>,
    facts: Arc<Mutex<AccountFacts>>,
}

#[derive(Debug)]
struct AccountFacts {
    outcomes: [u64; 3],
    problems: Vec<TokenProblemCount>,
    durations: Histogram,
    last: Option<LastToken>,
    /// Since when tokens for an audience are refused until a person acts.
    refused: Vec<(Audience, Timestamp)>,
    /// Audiences whose last token request did not succeed, and why.
    troubled: Vec<(Audience, AccountReason)>,
    status: AccountStatus,
    /// Services in use, in the order of [`Service::ALL`].
    used: [bool; SERVICES],
    throttled: [u64; SERVICES],
    rates: [Option<LastRate>; SERVICES],
}

impl AccountSlot {
    /// A slot for `account` that goes on counting where `before` stopped. A
    /// changed account forgets how the old one stood.
    pub(super) fn follow(before: Option<&Arc<Self>>, account: &Arc<Account>) -> Arc<Self> {
        let facts = match before {
            Some(before) if before.account == *account => return before.clone(),
            Some(before) => {
                let mut facts = before.facts.lock();
                facts.last = None;
                facts.refused.clear();
                facts.troubled.clear();
                facts.status = AccountStatus::default();
                facts.rates = [None; SERVICES];
                before.facts.clone()
            }
            None => Arc::new(Mutex::new(AccountFacts {
                outcomes: [0; 3],
                problems: Vec::new(),
                durations: Histogram::new(crate::model::DEFAULT_BUCKETS.into()),
                last: None,
                refused: Vec::new(),
                troubled: Vec::new(),
                status: AccountStatus::default(),
                used: Service::ALL.map(|service| service == Service::Entra),
                throttled: [0; SERVICES],
                rates: [None; SERVICES],
            })),
        };
        Arc::new(Self {
            account: account.clone(),
            facts,
        })
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// A resource counts against this service: its counter starts at zero.
    pub(super) fn uses(&self, service: Service) {
        self.facts.lock().used[service as usize] = true;
    }

    /// A probe through this account got an answer, or not.
    pub(super) fn answered(&self, resource: &Resource, report: &Report, at: Moment) {
        let service = resource.service() as usize;
        // Also while it cleaned up after a success.
        let throttled = report.verdict.reason() == Some(Reason::Throttled)
            || matches!(report.exchange.hold, Some(Hold::Gate { .. }));
        // No answer says nothing about the rate; an answer that is silent about
        // it says that there is plenty.
        if report.exchange.status.is_none() && !throttled {
            return;
        }
        let rate = report.exchange.server.rate_limit.map(|rate| LastRate {
            at,
            interval: resource.interval,
            remaining_ratio: rate.remaining_ratio(),
        });
        let mut facts = self.facts.lock();
        facts.rates[service] = rate;
        facts.throttled[service] += u64::from(throttled);
    }

    /// Counts, and logs when an account's trouble begins and when it is over:
    /// one line each, however many audiences and resources are concerned.
    pub(super) fn token_request(&self, report: &TokenReport) {
        let change = self.facts.lock().token_request(report);
        let account = &*self.account.name;
        let audience = report.audience.as_str();
        let request_id = report.request_id.as_ref().map(tracing::field::display);
        match (change, &report.result) {
            (TokenChange::Begins, Err(problem)) => tracing::warn!(
                account,
                audience,
                reason = problem.reason.as_str(),
                code = problem.code,
                request_id,
                detail = &*problem.detail,
                "the account gets no token"
            ),
            (TokenChange::Goes, Err(problem)) => tracing::info!(
                account,
                audience,
                reason = problem.reason.as_str(),
                code = problem.code,
                request_id,
                detail = &*problem.detail,
                "the account still gets no token"
            ),
            (TokenChange::Ends, _) => {
                tracing::info!(account, audience, "the account gets tokens again");
            }
            _ => {}
        }
    }

    pub(super) fn set_status(&self, status: &AccountStatus) {
        let mut facts = self.facts.lock();
        let before = facts.status.sign_in_required_since;
        // A refused request has told it already.
        let begins = before.is_none()
            && status.sign_in_required_since.is_some()
            && facts.troubled.is_empty();
        facts.status.clone_from(status);
        drop(facts);
        if begins {
            tracing::warn!(account = &*self.account.name, "a person must sign in");
        }
    }

    /// A copy of everything.
    #[must_use]
    pub fn snapshot(&self) -> AccountSnapshot {
        let facts = self.facts.lock();
        let services = Service::ALL.into_iter().zip(0..);
        AccountSnapshot {
            outcomes: facts.outcomes,
            problems: facts.problems.clone(),
            durations: facts.durations.clone(),
            last: facts.last.clone(),
            status: facts.status.clone(),
            throttled: services
                .clone()
                .filter(|(_, place): &(Service, usize)| facts.used[*place])
                .map(|(service, place)| (service, facts.throttled[place]))
                .collect(),
            rates: services
                .filter_map(|(service, place)| Some((service, facts.rates[place]?)))
                .collect(),
            refused: facts.refused.clone(),
        }
    }
}

/// What a token request changed, to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenChange {
    /// Nothing was wrong before.
    Begins,
    /// Something is wrong for another reason than before.
    Goes,
    /// Nothing is wrong any more.
    Ends,
    /// It repeats.
    Nothing,
}

impl AccountFacts {
    /// Notes for which audience it was and says what is new about that.
    fn trouble(&mut self, report: &TokenReport) -> TokenChange {
        let place = self
            .troubled
            .iter()
            .position(|(audience, _)| *audience == report.audience);
        let known = |troubled: &[(Audience, AccountReason)], wanted| {
            troubled.iter().any(|(_, reason)| *reason == wanted)
        };
        match (
            report.result.as_ref().err().map(|problem| problem.reason),
            place,
        ) {
            (None, None) => TokenChange::Nothing,
            (None, Some(place)) => {
                self.troubled.swap_remove(place);
                if self.troubled.is_empty() {
                    TokenChange::Ends
                } else {
                    TokenChange::Nothing
                }
            }
            (Some(reason), place) => {
                // Where it stands was told before anybody asked.
                let told = reason == AccountReason::SignInRequired
                    && self.status.sign_in_required_since.is_some();
                let change = match () {
                    () if self.troubled.is_empty() && told => TokenChange::Nothing,
                    () if self.troubled.is_empty() => TokenChange::Begins,
                    () if known(&self.troubled, reason) => TokenChange::Nothing,
                    () => TokenChange::Goes,
                };
                match place.and_then(|place| self.troubled.get_mut(place)) {
                    Some(known) => known.1 = reason,
                    None => self.troubled.push((report.audience.clone(), reason)),
                }
                change
            }
        }
    }

    fn token_request(&mut self, report: &TokenReport) -> TokenChange {
        let change = self.trouble(report);
        let problem = report.result.as_ref().err();
        let outcome = problem.map_or(Outcome::Success, |problem| problem.reason.outcome());
        self.outcomes[outcome.index()] += 1;
        self.durations
            .observe(report.took.as_secs_f64(), Micros::of(report.at), None);
        let place = self
            .refused
            .iter()
            .position(|(audience, _)| *audience == report.audience);
        match problem.map(|problem| problem.reason) {
            None => {
                if let Some(place) = place {
                    self.refused.swap_remove(place);
                }
            }
            Some(AccountReason::SignInRequired | AccountReason::Refused) => {
                if place.is_none() {
                    self.refused.push((report.audience.clone(), report.at));
                }
            }
            // What else went wrong neither ends a refusal nor begins one.
            Some(_) => {}
        }
        if let Some(problem) = problem {
            self.count_problem(problem.reason, problem.code);
            if problem.reason == AccountReason::Throttled {
                self.throttled[Service::Entra as usize] += 1;
            }
        }
        self.last = Some(LastToken {
            audience: report.audience.clone(),
            at: report.at,
            result: report.result.clone(),
            request_id: report.request_id.clone(),
        });
        change
    }

    fn count_problem(&mut self, reason: AccountReason, code: Option<u32>) {
        let full = self.problems.len() >= MOST_CODES;
        let find = |problems: &[TokenProblemCount], code| {
            problems
                .iter()
                .position(|p| p.reason == reason && p.code == code)
        };
        let place = find(&self.problems, code)
            .map(|place| (place, code))
            .or_else(|| full.then(|| find(&self.problems, None).map(|place| (place, None)))?);
        if let Some((place, _)) = place {
            self.problems[place].count += 1;
        } else {
            self.problems.push(TokenProblemCount {
                reason,
                code: if full { None } else { code },
                count: 1,
            });
        }
    }
}

#[cfg(test)]
mod tests;
