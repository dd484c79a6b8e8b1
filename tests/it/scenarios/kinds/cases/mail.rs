//! What becomes of mail that is sent: cases that take long, each in a tenant of its
//! own.

use m365mon::model::Reason::{self, *};
use serde_json::{Value, json};

use super::forms::*;

pub(super) fn slow() -> Vec<(&'static str, Vec<Case>)> {
    let mail = |value: Value| json!({"mail": value});
    let one = |what, orders: Value, reason: Option<Reason>| {
        (
            "mail_round_trip",
            vec![case(what, orders, Value::Null, reason)],
        )
    };
    vec![
        one("delivered as junk", mail(json!({"junk": true})), None),
        one("late by some seconds", mail(json!({"delay": "4s"})), None),
        of_sending(
            "may not send as `from` (403)",
            403,
            "ErrorSendAsDenied",
            Forbidden,
        ),
        of_sending("no address (400)", 400, "ErrorInvalidRecipients", Rejected),
        of_sending(
            "sending mailbox full (400)",
            400,
            "ErrorQuotaExceeded",
            Rejected,
        ),
        of_sending(
            "sending mailbox full (507)",
            507,
            "ErrorQuotaExceeded",
            ServerError,
        ),
        of_sending(
            "blocked by the outbound spam policy (403)",
            403,
            "ErrorMessageSubmissionBlocked",
            Forbidden,
        ),
        of_sending(
            "limit of sending (429)",
            429,
            "ErrorExceededMessageLimit",
            Throttled,
        ),
        (
            "mail_round_trip",
            vec![answered(
                "right missing on the receiving mailbox alone",
                &json!({"path": "/users/probe@"}),
                403,
                &error(
                    "ErrorAccessDenied",
                    "Access is denied. Check credentials and try again.",
                ),
                Forbidden,
            )],
        ),
        one("lost", mail(json!({"lost": true})), Some(Timeout)),
        one(
            "came back, in German",
            mail(json!({"bounces": true, "bounce_prefix": "Unzustellbar: "})),
            Some(NotFound),
        ),
        one(
            "recipient has no mailbox",
            mailbox("probe", json!({"remove": true})),
            Some(NotFound),
        ),
        one(
            "503, and sent all the same",
            mail(json!({"unsure": true})),
            Some(ServerError),
        ),
    ]
}

/// Sending is refused, with one of Exchange's codes.
fn of_sending(
    what: &'static str,
    status: u16,
    code: &str,
    reason: Reason,
) -> (&'static str, Vec<Case>) {
    let scope = json!({"path": "/sendMail"});
    let message = "The message could not be sent.";
    let one = answered(what, &scope, status, &error(code, message), reason);
    ("mail_round_trip", vec![one])
}
