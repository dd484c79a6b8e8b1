//! A token for each API.

use super::Held;
use super::finding::Step;
use super::mend::token_mend;
use crate::entra::Tokens;
use crate::model::{Account, AccountReason, Audience, Story, TokenProblem};

/// Asks for one and reads its rights.
pub(super) async fn ask(tokens: &Tokens, account: &Account, audience: &Audience) -> (Step, Held) {
    let about = audience.as_str();
    match tokens
        .access_token(account, audience, &Story::untold())
        .await
    {
        Ok(token) => {
            let minutes = token.life().as_secs() / 60;
            let step = Step::proved("token", about, format!("issued, for {minutes} minutes"));
            (step, Ok(token.rights()))
        }
        Err(problem) => (refused(account, audience, &problem), Err(problem)),
    }
}

/// Nothing was asked for, because of something above.
pub(super) fn not_asked(audience: &Audience, because: &str) -> (Step, Held) {
    let problem = TokenProblem {
        reason: AccountReason::Internal,
        code: None,
        detail: because.to_owned(),
    };
    let step = Step::unseen(
        "token",
        audience.as_str(),
        format!("not asked for: {because}"),
    );
    (step, Err(problem))
}

fn refused(account: &Account, audience: &Audience, problem: &TokenProblem) -> Step {
    let about = audience.as_str();
    let detail = problem.detail.clone();
    let step = match problem.reason {
        AccountReason::Throttled => Step::unseen("token", about, detail),
        AccountReason::Dns
        | AccountReason::Connect
        | AccountReason::Tls
        | AccountReason::Proxy
        | AccountReason::Timeout
        | AccountReason::ServerError
        | AccountReason::BadResponse
        | AccountReason::UnexpectedStatus
        | AccountReason::SignInRequired
        | AccountReason::Refused
        | AccountReason::Internal => Step::refuted("token", about, detail),
    };
    step.mend(token_mend(account, audience, problem))
}
