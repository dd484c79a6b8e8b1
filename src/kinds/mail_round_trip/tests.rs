use super::*;
use crate::kinds::Stopped;
use crate::kinds::testing::{ScriptedAsk, answer, value, with_status};
use crate::model::Reason;

fn kind() -> MailRoundTrip {
    MailRoundTrip {
        from: Mailbox(Some("monitoring@contoso.com".into())),
        to: "probe@contoso.com".into(),
        to_account: None,
        delivery_timeout: USUAL_DELIVERY,
    }
}

const NONE: &str = r#"{"value":[]}"#;
const FOUND: &str = r#"{"value":[{"id":"AAMk=","receivedDateTime":"2026-11-30T08:00:07Z","sentDateTime":"2026-11-30T08:00:04.1234567Z"}]}"#;

fn accepted() -> Answer {
    with_status(202, "")
}

fn steps(script: &ScriptedAsk) -> Vec<&'static str> {
    script.sent().iter().map(|(step, _)| *step).collect()
}

#[tokio::test]
async fn sent_once_found_and_removed() {
    let mut script = ScriptedAsk::of([
        accepted(),
        answer(NONE),
        answer(FOUND),
        with_status(204, ""),
        answer(NONE),
    ]);
    let found = script.probe(&kind()).await.unwrap();
    let took = value(&found.readings, DELIVERY, &[]).unwrap();
    assert!((2.0..3.1).contains(&took), "{took}");
    assert_eq!(steps(&script), [SEND, FIND, FIND, DELETE, DELETE]);
    assert!(script.cleaning);
    let sent = script.sent()[0].1.body.as_ref().unwrap();
    let sent = String::from_utf8(sent.content.to_vec()).unwrap();
    assert!(
        sent.contains("m365mon-0123456789abcdef") && sent.contains("\"saveToSentItems\":false")
    );
    assert!(
        !format!("{:?}", script.sent()).contains("AAMk"),
        "{:?}",
        script.sent()
    );
}

#[tokio::test]
async fn without_the_right_to_delete_nothing_more_is_tried() {
    let mut script = ScriptedAsk::of([accepted(), answer(FOUND), with_status(403, "")]);
    script.probe(&kind()).await.unwrap();
    assert_eq!(steps(&script), [SEND, FIND, DELETE]);
}

#[tokio::test]
async fn a_lost_answer_is_never_sent_again() {
    let mut script = ScriptedAsk::with([Err(Stopped::Asked)]);
    script.probe(&kind()).await.unwrap_err();
    assert_eq!(steps(&script), [SEND]);
}

#[tokio::test]
async fn lost_and_come_back() {
    let reason = |stopped: &Stopped| match stopped {
        Stopped::Judged { reason, .. } => *reason,
        other => panic!("{other:?}"),
    };
    let nothing = (0..100).map(|_| answer(NONE));
    let mut script = ScriptedAsk::of(std::iter::once(accepted()).chain(nothing));
    let stopped = script.probe(&kind()).await.unwrap_err();
    assert_eq!(reason(&stopped), Reason::Timeout);
    assert!(script.sent().len() < 40 && script.cleaning);

    // After 1, 3, 7 and 15 seconds; from then on the sender's mailbox is asked too.
    let looks = (0..5).map(|_| answer(NONE));
    let back = answer(r#"{"value":[{"id":"x"}]}"#);
    let mut script = ScriptedAsk::of(std::iter::once(accepted()).chain(looks).chain([back]));
    let stopped = script.probe(&kind()).await.unwrap_err();
    assert_eq!(reason(&stopped), Reason::NotFound);
}

/// What others write about us stays, and so does what another tenant's exporter
/// left: whole subjects of ours, from the mailbox that sends ours.
#[tokio::test]
async fn only_our_own_messages_are_cleared() {
    let message = |id: &str, subject: &str, from: &str| {
        format!(
            r#"{{"id":"{id}","subject":"{subject}","from":{{"emailAddress":{{"name":"x","address":"{from}"}}}}}}"#
        )
    };
    let ours = "m365mon-aaaaaaaaaaaaaaaa";
    let left = [
        message("1", "m365mon-notes", "monitoring@contoso.com"),
        message("2", "m365mon-upgrade on Friday", "steve@contoso.com"),
        message("3", ours, "Monitoring@contoso.com"),
        message(
            "4",
            "m365mon-bbbbbbbbbbbbbbbb is late",
            "monitoring@contoso.com",
        ),
        message("5", "m365mon-cccccccccccccccc", "steve@contoso.com"),
        message(
            "6",
            "RE: m365mon-dddddddddddddddd",
            "monitoring@contoso.com",
        ),
        r#"{"id":"7","subject":"m365mon-eeeeeeeeeeeeeeee"}"#.to_owned(),
        r#"{"id":"8","subject":"m365mon-eeeeeeeeeeeeeeee","from":null}"#.to_owned(),
        r#"{"id":"9"}"#.to_owned(),
        "null".to_owned(),
        message("10", "m365mon-ffffffffffffffff", "monitoring@contoso.com"),
    ];
    let left = answer(&format!(r#"{{"value":[{}]}}"#, left.join(",")));
    let found = |from: &str| {
        answer(&FOUND.replace(
            r#""id":"AAMk=""#,
            &format!(r#""id":"AAMk=","from":{{"emailAddress":{{"address":"{from}"}}}}"#),
        ))
    };
    let by_id = MailRoundTrip {
        from: Mailbox(Some("2b1f5e0c-1111-2222-3333-444455556666".into())),
        ..kind()
    };
    for (kind, found, removed) in [
        (kind(), answer(FOUND), &["3", "10"][..]),
        (kind(), found("monitoring@contoso.com"), &["3", "10"]),
        // Sent by another name of the mailbox: what arrived tells.
        (kind(), found("steve@contoso.com"), &["5"]),
        (by_id.clone(), found("monitoring@contoso.com"), &["3", "10"]),
        // Nobody knows by what address it sends.
        (by_id, answer(FOUND), &[]),
    ] {
        let gone = (0..3).map(|_| with_status(204, ""));
        let answers = [accepted(), found, with_status(204, ""), left.clone()];
        let mut script = ScriptedAsk::of(answers.into_iter().chain(gone));
        script.probe(&kind).await.unwrap();
        let paths = script.sent().iter().map(|(_, request)| request.url.path());
        let paths = paths.filter_map(|path| path.strip_suffix("/permanentDelete"));
        let ids: Vec<&str> = paths.filter_map(|path| path.rsplit('/').next()).collect();
        assert_eq!((ids[0], &ids[1..]), ("AAMk%3D", removed));
        assert!(!format!("{:?}", script.sent()).contains(ours));
    }
}

/// A figure that makes no sense costs the figure alone.
#[tokio::test]
async fn odd_times_decide_nothing() {
    for (times, took) in [
        (
            r#""receivedDateTime":"2026-11-30T08:00:07Z","sentDateTime":"2026-11-30T08:00:09Z""#,
            Some(0.0),
        ),
        (
            r#""receivedDateTime":"","sentDateTime":"2026-11-30T08:00:04Z""#,
            None,
        ),
        (
            r#""receivedDateTime":"2026-11-30T08:00:07Z","sentDateTime":"0001-01-01T00:00:00Z""#,
            None,
        ),
        (
            r#""receivedDateTime":"0001-01-01T08:00:00Z","sentDateTime":"yesterday""#,
            None,
        ),
        (r#""receivedDateTime":7,"sentDateTime":null"#, None),
        (r#""subject":7,"from":{"emailAddress":{}}"#, None),
    ] {
        let found = answer(&format!(r#"{{"value":[{{"id":"AAMk=",{times}}}]}}"#));
        let mut script = ScriptedAsk::of([accepted(), found, with_status(403, "")]);
        let readings = script.probe(&kind()).await.unwrap().readings;
        assert_eq!(value(&readings, DELIVERY, &[]), took, "{times}");
    }
}

/// Sender and receiver may be one mailbox by two names: the message that arrives
/// between the looks is not one that came back.
#[tokio::test]
async fn the_message_itself_did_not_come_back() {
    let itself = r#"{"id":"AAMk=","subject":"m365mon-0123456789abcdef"}"#;
    let back = r#"{"id":"x","subject":"Unzustellbar: m365mon-0123456789abcdef"}"#;
    let to_itself = |from: &str| MailRoundTrip {
        from: Mailbox(Some(from.into())),
        ..kind()
    };
    for from in ["2b1f5e0c-1111-2222-3333-444455556666", "probe@contoso.com"] {
        let looks = || (0..5).map(|_| answer(NONE));
        let seen = answer(&format!(r#"{{"value":[{itself}]}}"#));
        let then = [seen, answer(FOUND), with_status(403, "")];
        let script = std::iter::once(accepted()).chain(looks()).chain(then);
        let mut script = ScriptedAsk::of(script);
        script.probe(&to_itself(from)).await.unwrap();

        let both = answer(&format!(r#"{{"value":[{itself},{back}]}}"#));
        let script = std::iter::once(accepted()).chain(looks()).chain([both]);
        let mut script = ScriptedAsk::of(script);
        let stopped = script.probe(&to_itself(from)).await.unwrap_err();
        assert!(
            matches!(
                stopped,
                Stopped::Judged {
                    reason: Reason::NotFound,
                    ..
                }
            ),
            "{stopped:?}"
        );
    }
}

#[test]
fn rights_are_the_least_on_each_mailbox() {
    let account = crate::fixtures::account("contoso");
    let names = |all: Vec<Permission>| -> Vec<String> {
        all.iter()
            .map(|one| format!("{}: {}", one.describe(), one.name))
            .collect()
    };
    assert_eq!(
        names(kind().permissions(&account)),
        [
            "the role Application Mail.Send of Exchange on the mailbox: Mail.Send",
            "the role Application Mail.ReadBasic of Exchange on the mailbox: Mail.ReadBasic.All",
        ]
    );
    let grants = format!("{:?}", kind().grants(&account));
    for part in [
        "monitoring@contoso.com",
        SEND_ROLE,
        READ_ROLE,
        "probe@contoso.com",
    ] {
        assert!(grants.contains(part), "{grants}");
    }
    let other = Arc::new(crate::fixtures::account("other"));
    let there = MailRoundTrip {
        to_account: Some(Arc::clone(&other)),
        ..kind()
    };
    let mine = format!("{:?}", there.grants(&account));
    assert!(!mine.contains("probe@"), "{mine}");
    let theirs = format!("{:?}", there.grants(&other));
    assert!(
        !theirs.contains(SEND_ROLE) && theirs.contains("probe@"),
        "{theirs}"
    );
}

/// A person sends and reads as themselves, or by what others share.
#[test]
fn a_person_needs_the_shared_permissions_for_the_mailboxes_of_others() {
    let steve = crate::fixtures::delegated("steve", "steve@contoso.com");
    for (from, to, names) in [
        (
            None,
            "steve@contoso.com",
            &["Mail.Send", "Mail.ReadBasic"][..],
        ),
        (
            None,
            "probe@contoso.com",
            &["Mail.Send", "Mail.ReadBasic", "Mail.ReadBasic.Shared"],
        ),
        (
            Some("info@contoso.com"),
            "probe@contoso.com",
            &["Mail.Send.Shared", "Mail.ReadBasic.Shared"],
        ),
    ] {
        let kind = MailRoundTrip {
            from: Mailbox(from.map(Into::into)),
            to: to.into(),
            ..kind()
        };
        let needed = kind.permissions(&steve);
        let found: Vec<&str> = needed.iter().map(|one| &*one.name).collect();
        assert_eq!(found, names, "{from:?} to {to}");
        let grants = format!("{:?}", kind.grants(&steve));
        // No role of Exchange is a person's.
        assert!(!grants.contains("Application "), "{grants}");
        assert_eq!(grants.contains("-AccessRights SendAs"), from.is_some());
    }
}

/// Which mailbox refused decides what is tested, and Exchange's own words for a
/// refused mail decide before that.
#[test]
fn the_step_and_the_code_of_a_refusal_decide_what_mends_it() {
    let app = crate::fixtures::account("contoso");
    let told = |step: &str, body: &str, reason: Reason| {
        let error = ServiceError::read(body.as_bytes());
        let refused = Refused {
            reason,
            error: &error,
            step,
            held: None,
            lacking: false,
        };
        format!("{:?}", kind().advise(&app, &refused))
    };
    let code = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"canary"}}}}"#);
    for (step, body, reason, words, not) in [
        (
            SEND,
            code("ErrorAccessDenied"),
            Reason::Forbidden,
            "Application Mail.Send",
            "probe@",
        ),
        (
            SEND,
            code("ErrorAccessDenied"),
            Reason::Forbidden,
            "monitoring@",
            "Mail.ReadBasic",
        ),
        (
            FIND,
            code("ErrorAccessDenied"),
            Reason::Forbidden,
            "probe@",
            "Application Mail.Send",
        ),
        (
            FIND,
            code("ErrorAccessDenied"),
            Reason::Forbidden,
            "Application Mail.ReadBasic",
            "canary",
        ),
        (
            SEND,
            code("ErrorInvalidUser"),
            Reason::NotFound,
            "monitoring@",
            "probe@",
        ),
        (
            FIND,
            code("ErrorInvalidUser"),
            Reason::NotFound,
            "probe@",
            "monitoring@",
        ),
        (
            SEND,
            code("ErrorSendAsDenied"),
            Reason::Forbidden,
            "send as `from`",
            "Test",
        ),
        (
            SEND,
            code("ErrorInvalidRecipients"),
            Reason::Rejected,
            "check `to`",
            "monitoring@",
        ),
        (
            SEND,
            code("ErrorQuotaExceeded"),
            Reason::ServerError,
            "is full",
            "probe@",
        ),
        (
            SEND,
            code("ErrorMessageSubmissionBlocked"),
            Reason::Forbidden,
            "Get-BlockedSenderAddress",
            "Test",
        ),
        (
            SEND,
            code("ErrorExceededMessageLimit"),
            Reason::Forbidden,
            "send no more",
            "Test",
        ),
    ] {
        let advice = told(step, &body, reason);
        assert!(
            advice.contains(words),
            "{step} {body}: no {words} in {advice}"
        );
        assert!(!advice.contains(not), "{step} {body}: {not} in {advice}");
    }
}
