//! `free_busy`: can others see whether a room is free? One hour of one schedule
//! is asked for, as a room finder does; what it says is read over. The answer
//! comes with 200 even where it holds an error only.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Answer, Ask, Findings, Stopped};
use super::body;
use super::exchange_calendar::{ROLE, permission};
use super::key::Text;
use super::lenient::Lenient;
use super::mailbox::{self, Mailbox};
use super::{
    Advice, AnyKey, BadBody, Define, Grant, Info, Key, Keys, Permission, ProbeFuture, Refused,
    Remedy, Request, ServiceError, Setting, Spec, UNADDRESSED,
};
use crate::model::{Account, Reason, Service, Timestamp, is_upn, quoted};

/// One schedule, seen from one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeBusy {
    mailbox: Mailbox,
    /// The address of whose schedule is looked at.
    schedule: Arc<str>,
}

static USER: Key<Text> =
    mailbox::user_key("From whose mailbox it is asked. Needed unless the account is delegated.");
static SCHEDULE: Key<Text> = Key::required(
    "schedule",
    Text {
        takes: "mail address",
        check: is_address,
    },
    "the mail address of a room, as \"room-ams-4.12@contoso.com\"",
    "Whose schedule is looked at: the mail address of a room, best one that shows free and busy only.",
);
static KEYS: &[&dyn AnyKey] = &[&USER, &SCHEDULE];

fn is_address(text: &str) -> Result<(), String> {
    if is_upn(text) {
        return Ok(());
    }
    Err(format!(
        "must be a mail address such as \"room-ams-4.12@contoso.com\", not {}",
        quoted(text)
    ))
}

#[derive(Deserialize)]
struct Schedules {
    /// One was asked for.
    value: [Schedule; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schedule {
    #[serde(default)]
    availability_view: Lenient<String>,
    #[serde(default)]
    error: Option<Failure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    /// A text, also where it is a number.
    #[serde(default)]
    response_code: Value,
}

impl Define for FreeBusy {
    const INFO: &'static Info = &Info {
        name: "free_busy",
        title: "Free and busy",
        help: "Asks for one hour of one schedule, as a room finder does.",
        proves: "Exchange's availability service answers for this schedule, across servers and organisations.",
        proves_not: "That the room can be booked, that the calendar is right.",
        holds: "schedule",
        keys: KEYS,
        service: Service::Outlook,
        microsoft_service: "Exchange",
        in_service_level: true,
        example: "{name: room-finder, account: contoso, kind: free_busy, user: steve@contoso.com, schedule: room-ams-4.12@contoso.com}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        let mailbox = Mailbox::read(&USER, keys, account);
        let schedule = SCHEDULE.take(keys).given();
        Some(Self {
            mailbox: mailbox?,
            schedule: schedule?,
        })
    }
}

impl Spec for FreeBusy {
    fn target(&self) -> Cow<'_, str> {
        format!("{} from {}", self.schedule, self.mailbox.target()).into()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        let user = self.mailbox.0.iter().map(|user| USER.show(user));
        user.chain([SCHEDULE.show(&self.schedule)]).collect()
    }

    fn subject<'a>(&'a self, account: &'a Account) -> Option<Cow<'a, str>> {
        self.mailbox.subject(account)
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![permission(account, &self.mailbox)]
    }

    fn grants(&self, account: &Account) -> Vec<Grant> {
        self.mailbox.grants(account, ROLE, Some(mailbox::CALENDAR))
    }

    /// Its body names an hour, so that it is made when it is sent.
    fn request(&self, _: &Account) -> Option<Request> {
        None
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let Schedules { value: [one] } = body::object(Self::INFO.holds, answer)?;
        match (one.error, one.availability_view.0) {
            (None, Some(_)) => Ok(Findings::default()),
            _ => Err(BadBody::Shape(Self::INFO.holds)),
        }
    }

    fn reason(&self, account: &Account, reason: Reason, error: &ServiceError) -> Reason {
        self.mailbox.reason(account, reason, error)
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        let advice = self.mailbox.advise(self, account, refused)?;
        Some(match refused.reason {
            Reason::NotFound => {
                let says =
                    "no such mailbox to ask from, or no such schedule; check `user` and `schedule`";
                Advice::say(says).with(advice.remedies)
            }
            Reason::Forbidden => {
                let mut remedies = advice.remedies.clone();
                remedies.push(Remedy::say(
                    "does the owner of the schedule share free and busy with the organisation? \
                     Get-MailboxFolderPermission of the calendar shows it for Default",
                ));
                advice.with(remedies)
            }
            _ => advice,
        })
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let request = self.question(account, ask.now()).ok_or(UNADDRESSED)?;
            let answer = ask.send("", request).await?;
            let schedules: Schedules = body::object(Self::INFO.holds, &answer)?;
            let [one] = &schedules.value;
            match &one.error {
                Some(failure) => Err(failed(&failure.response_code)),
                None => Ok(self.judge(&answer)?),
            }
        })
    }
}

impl FreeBusy {
    /// Microsoft Graph "Get free/busy schedule": the hour that goes on.
    fn question(&self, account: &Account, now: Timestamp) -> Option<Request> {
        const HOUR: i64 = 3_600;
        let begin = now.as_second().div_euclid(HOUR) * HOUR;
        let at = |second: i64| {
            let time = Timestamp::from_second(second).ok()?;
            let text = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            Some(json!({"dateTime": text, "timeZone": "UTC"}))
        };
        let question = json!({
            "schedules": [&*self.schedule],
            "startTime": at(begin)?,
            "endTime": at(begin + HOUR)?,
            "availabilityViewInterval": 60,
        });
        let path = "calendar/getSchedule";
        let request = Request::of_user(&account.cloud, self.mailbox.user(), path, "")?;
        Some(request.post(question.to_string()))
    }
}

/// What an error inside of a 200 means, by its code (names of EWS).
fn failed(code: &Value) -> Stopped {
    let number = code.as_u64().map(|number| number.to_string());
    let code = number.as_deref().or_else(|| code.as_str());
    match code.unwrap_or_default() {
        "5009" | "ErrorMailRecipientNotFound" => Stopped::judged(
            Reason::NotFound,
            "Exchange knows nobody by this address; check `schedule`",
        ),
        "ErrorNoFreeBusyAccess" => Stopped::judged(
            Reason::Forbidden,
            "the owner of the schedule does not share free and busy with who asks",
        ),
        "ErrorServerBusy" => Stopped::judged(
            Reason::Throttled,
            "the availability service is busy, it says, and wants less to do",
        ),
        _ => Stopped::judged(
            Reason::ServerError,
            "the availability service could not look at the schedule",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::{ScriptedAsk, answer};

    fn room() -> FreeBusy {
        FreeBusy {
            mailbox: Mailbox(Some("steve@contoso.com".into())),
            schedule: "room-ams-4.12@contoso.com".into(),
        }
    }

    async fn probe(body: &str) -> Result<Findings, Stopped> {
        ScriptedAsk::of([answer(body)]).probe(&room()).await
    }

    #[tokio::test]
    async fn one_hour_of_one_room() {
        let body = r#"{"value":[{"scheduleId":"room-ams-4.12@contoso.com","availabilityView":"2",
            "scheduleItems":[{"status":"busy","subject":"canary"}],"workingHours":{}}]}"#;
        let mut script = ScriptedAsk::of([answer(body)]);
        script.probe(&room()).await.unwrap();
        let [(_, request)] = script.sent() else {
            panic!("one request");
        };
        assert_eq!(
            request.url.as_str(),
            "https://graph.microsoft.com/v1.0/users/steve@contoso.com/calendar/getSchedule"
        );
        let sent: Value = serde_json::from_slice(&request.body.as_ref().unwrap().content).unwrap();
        assert_eq!(
            sent,
            json!({
                "schedules": ["room-ams-4.12@contoso.com"],
                "startTime": {"dateTime": "2026-11-30T08:00:00", "timeZone": "UTC"},
                "endTime": {"dateTime": "2026-11-30T09:00:00", "timeZone": "UTC"},
                "availabilityViewInterval": 60,
            })
        );
    }

    #[tokio::test]
    async fn an_error_inside_of_a_success() {
        for (code, reason) in [
            (r#""5009""#, Reason::NotFound),
            ("5009", Reason::NotFound),
            (r#""ErrorMailRecipientNotFound""#, Reason::NotFound),
            (r#""ErrorNoFreeBusyAccess""#, Reason::Forbidden),
            (r#""ErrorServerBusy""#, Reason::Throttled),
            (
                r#""ErrorProxyRequestProcessingFailed""#,
                Reason::ServerError,
            ),
            (r#""SomethingNew""#, Reason::ServerError),
            ("null", Reason::ServerError),
        ] {
            let body = format!(
                r#"{{"value":[{{"scheduleId":"x","error":{{"message":"canary","responseCode":{code}}}}}]}}"#
            );
            match probe(&body).await {
                Err(Stopped::Judged {
                    reason: found,
                    sentence,
                }) => {
                    assert_eq!(found, reason, "{code}");
                    assert!(!sentence.contains("canary"));
                }
                other => panic!("{code}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_schedule() {
        for body in [
            r#"{"value":[]}"#,
            r#"{"value":[null]}"#,
            r#"{"value":[{"scheduleId":"x"}]}"#,
            r#"{"error":{"code":"x"}}"#,
        ] {
            assert!(matches!(probe(body).await, Err(Stopped::Bad(_))), "{body}");
        }
        let quiet = r#"{"value":[{"availabilityView":"0","error":null}]}"#;
        assert!(probe(quiet).await.is_ok());
    }
}
