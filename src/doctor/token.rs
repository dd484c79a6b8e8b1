//! A token for each API.

use super::Held;
use super::finding::DoctorStep;
use super::mend::token_mend;
use crate::entra::Tokens;
use crate::model::{Account, AccountReason, Audience, Story, TokenProblem};

/// Asks for one and reads its rights.
pub(super) async fn ask(
    tokens: &Tokens,
    account: &Account,
    audience: &Audience,
) -> (DoctorStep, Held) {
    let about = audience.as_str();
    match tokens
        .access_token(account, audience, &Story::untold())
        .await
    {
        Ok(token) => {
            let minutes = token.life().as_secs() / 60;
            let step = DoctorStep::proved("token", about, format!("issued, for {minutes} minutes"));
            (step, Ok(token.rights()))
        }
        Err(problem) => (refused(account, audience, &problem), Err(problem)),
    }
}

/// Nothing was asked for, because of something above.
pub(super) fn not_asked(audience: &Audience, because: &str) -> (DoctorStep, Held) {
    let problem = TokenProblem {
        reason: AccountReason::Internal,
        code: None,
        detail: because.to_owned(),
    };
    let step = DoctorStep::unseen(
        "token",
        audience.as_str(),
        format!("not asked for: {because}"),
    );
    (step, Err(problem))
}

fn refused(account: &Account, audience: &Audience, problem: &TokenProblem) -> DoctorStep {
    let about = audience.as_str();
    let detail = problem.detail.clone();
    let step = match problem.reason {
        AccountReason::Throttled => DoctorStep::unseen("token", about, detail),
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
        | AccountReason::Internal => DoctorStep::refuted("token", about, detail),
    };
    step.mend(token_mend(account, audience, problem))
}
