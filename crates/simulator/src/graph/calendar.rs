//! Calendars and what others see of them (PROTOCOL-KINDS section 5). The
//! availability service answers 200 even where it could find out nothing: the
//! error stands inside.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::entity::EVENT;
use super::error::GraphError;
use super::guard;
use super::mail;
use super::query::Query;
use super::route::{Route, get, post};
use super::{Answer, Call, json_body, time};
use crate::chance::guid_of;
use crate::directory::User;

pub(super) const ROUTES: &[Route] = &[
    get("{person}/calendar/events", |call, names| {
        events(call, names, false)
    }),
    get("{person}/events", |call, names| events(call, names, false)),
    get("{person}/calendar/calendarView", |call, names| {
        events(call, names, true)
    }),
    get("{person}/calendarView", |call, names| {
        events(call, names, true)
    }),
    post("{person}/calendar/getSchedule", schedule),
];

/// Schedules in one request.
const MOST_SCHEDULES: usize = 100;

fn opened(call: &Call<'_>, names: &[&str]) -> Result<mail::Opened, GraphError> {
    let name = names.first().copied().unwrap_or_default();
    if name != "me" {
        return mail::open(call, name, &guard::READ_CALENDAR);
    }
    if call.claims.app_only() {
        return Err(GraphError::bad_request(
            "/me request is only valid with delegated authentication flow.",
        ));
    }
    mail::open(call, &call.claims.oid, &guard::READ_CALENDAR)
}

/// An hour, as Exchange writes it: without a zone in the text.
fn moment(at: jiff::Timestamp) -> Value {
    let text = at.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string();
    json!({"dateTime": text, "timeZone": "UTC"})
}

fn event(owner: &User, number: u32, now: jiff::Timestamp) -> Map<String, Value> {
    let id = guid_of(&format!("event {} {number}", owner.id)).replace('-', "");
    let after = |hours: u64| {
        let time = Duration::from_secs(hours * 3600);
        now.checked_add(time).unwrap_or(now)
    };
    let begin = u64::from(number) * 24 + 2;
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("@odata.etag", format!("W/\"{number}\"").into());
    put("id", format!("AAMkAGE{id}=").into());
    put("subject", format!("Meeting {number}").into());
    put("createdDateTime", time(now).into());
    put("lastModifiedDateTime", time(now).into());
    put("start", moment(after(begin)));
    put("end", moment(after(begin + 1)));
    put("isAllDay", false.into());
    put("isCancelled", false.into());
    put("showAs", "busy".into());
    put("location", json!({"displayName": "Room 4.12"}));
    let person = json!({"emailAddress": {"name": owner.display_name, "address": owner.upn}});
    put("organizer", person);
    whole
}

fn events(call: &Call<'_>, names: &[&str], view: bool) -> Result<Answer, GraphError> {
    let opened = opened(call, names)?;
    let asked = &call.incoming.query;
    let given = |name: &str| {
        let mut pairs = asked.iter();
        pairs.any(|(n, value)| n.eq_ignore_ascii_case(name) && !value.is_empty())
    };
    if view && !(given("startDateTime") && given("endDateTime")) {
        return Err(GraphError::new(
            400,
            "ErrorInvalidParameter",
            "This request requires a time window specified by the query string parameters \
             StartDateTime and EndDateTime.",
        ));
    }
    let query = Query::parse(asked, &EVENT)?;
    let owner = &opened.owner;
    let context = format!(
        "{}/$metadata#users('{}')/calendar/events",
        call.root, owner.id
    );
    let now = call.tenant.clock.now();
    let items = (0..opened.mailbox.events).map(|number| event(owner, number, now));
    let body = query.page(&EVENT, items, context, &call.url(), asked);
    Ok(Answer {
        permit: Some(opened.permit),
        ..body.into()
    })
}

/// What a schedule request asks for.
struct Question {
    schedules: Vec<String>,
    begin: jiff::civil::DateTime,
    end: jiff::civil::DateTime,
    /// Minutes.
    interval: i64,
}

fn invalid(message: impl Into<String>) -> GraphError {
    GraphError::new(400, "ErrorInvalidParameter", message)
}

fn read(body: &Value) -> Result<Question, GraphError> {
    const KNOWN: [&str; 4] = [
        "schedules",
        "startTime",
        "endTime",
        "availabilityViewInterval",
    ];
    let object = body
        .as_object()
        .ok_or_else(|| GraphError::bad_request("The payload is no object."))?;
    let unknown = object
        .keys()
        .find(|key| !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(key)));
    if let Some(unknown) = unknown {
        return Err(GraphError::bad_request(format!(
            "The parameter '{unknown}' in the request payload is not a valid parameter for the \
             operation 'getSchedule'."
        )));
    }
    let member = |name: &str| {
        let mut pairs = object.iter();
        pairs
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let schedules: Option<Vec<String>> = member("schedules").and_then(Value::as_array).map(|all| {
        let texts = all.iter().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    });
    let schedules = schedules
        .filter(|all| (1..=MOST_SCHEDULES).contains(&all.len()))
        .ok_or_else(|| invalid("The parameter schedules is not valid."))?;
    let at = |name: &str| {
        let value = member(name).unwrap_or(&Value::Null);
        let zone = value["timeZone"]
            .as_str()
            .is_some_and(|zone| !zone.is_empty());
        let text = value["dateTime"].as_str().filter(|_| zone);
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| invalid(format!("The parameter {name} is not valid.")))
    };
    let (begin, end): (jiff::civil::DateTime, _) = (at("startTime")?, at("endTime")?);
    let window = begin.until(end).ok();
    let fits = end > begin && window.is_some_and(|window| window.get_days() <= 62);
    if !fits {
        return Err(invalid(
            "The requested time window is not valid: it ends before it begins, or is longer than 62 days.",
        ));
    }
    let interval = match member("availabilityViewInterval") {
        None => 30,
        // As it really answers to one that is there and null.
        Some(Value::Null) => {
            return Err(GraphError::new(
                500,
                "InternalServerError",
                "Object reference not set to an instance of an object.",
            ));
        }
        Some(value) => value
            .as_i64()
            .filter(|minutes| (5..=1440).contains(minutes))
            .ok_or_else(|| {
                invalid("The merged free/busy interval value is invalid. It must be between 5 and 1440.")
            })?,
    };
    Ok(Question {
        schedules,
        begin,
        end,
        interval,
    })
}

/// `getSchedule`.
fn schedule(call: &Call<'_>, names: &[&str]) -> Result<Answer, GraphError> {
    let opened = opened(call, names)?;
    let question = read(&json_body(call)?)?;
    let directory = call.tenant.directory.read();
    let seconds = question.begin.until(question.end).ok();
    let minutes = seconds.and_then(|span| span.total(jiff::Unit::Minute).ok());
    let parts = minutes.unwrap_or_default() / question.interval as f64;
    let free = "0".repeat((parts.ceil() as usize).saturating_sub(1).min(2_000));
    let found = question.schedules.iter().map(|address| {
        let whose = directory
            .user(address)
            .filter(|user| user.organization == call.claims.tid)
            .and_then(|user| Some((user, user.mailbox.as_ref()?)));
        let Some((user, mailbox)) = whose else {
            let message = format!(
                "Unable to resolve e-mail address {address} to an Active Directory object."
            );
            return failed(address, "5009", &message);
        };
        if let Some(code) = &mailbox.schedule_error {
            let message = "The availability of the mailbox could not be found out.";
            return failed(address, code, message);
        }
        let item = json!({
            // Of a room, its subject is the organizer's name.
            "isPrivate": false, "status": "busy", "subject": user.display_name,
            "location": "Room 4.12", "isMeeting": true, "isRecurring": false,
            "isException": false, "isReminderSet": true,
            "start": written(question.begin), "end": written(question.end),
        });
        json!({
            "scheduleId": address, "availabilityView": format!("2{free}"), "scheduleItems": [item],
            "workingHours": {
                "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "startTime": "08:00:00.0000000", "endTime": "17:00:00.0000000",
                "timeZone": {"name": "W. Europe Standard Time"},
            },
        })
    });
    let context = format!(
        "{}/$metadata#Collection(microsoft.graph.scheduleInformation)",
        call.root
    );
    let body = json!({"@odata.context": context, "value": found.collect::<Vec<_>>()});
    Ok(Answer {
        permit: Some(opened.permit),
        ..body.into()
    })
}

fn written(at: jiff::civil::DateTime) -> Value {
    let text = at.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string();
    json!({"dateTime": text, "timeZone": "UTC"})
}

fn failed(address: &str, code: &str, message: &str) -> Value {
    json!({
        "scheduleId": address, "scheduleItems": [],
        "error": {"message": message, "responseCode": code},
    })
}
