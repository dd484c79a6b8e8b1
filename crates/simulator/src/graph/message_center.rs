//! The message center: what Microsoft announces (PROTOCOL-KINDS section 6).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::entity::SERVICE_MESSAGE;
use super::error::GraphError;
use super::query::Query;
use super::route::{Route, get};
use super::{Answer, Call, guard, time};

pub(super) const ROUTES: &[Route] = &[get("admin/serviceAnnouncement/messages", messages)];

/// Id, category, severity, a major change?, days until somebody must have acted.
const MESSAGES: [(&str, &str, &str, bool, Option<u64>); 3] = [
    ("MC300001", "planForChange", "normal", true, Some(40)),
    ("MC300002", "stayInformed", "normal", false, None),
    ("MC300003", "preventOrFixIssue", "high", false, None),
];

fn messages(call: &Call<'_>, _: &[&str]) -> Result<Answer, GraphError> {
    guard::announcements(call.tenant, &call.claims, &["ServiceMessage.Read.All"])?;
    let asked = &call.incoming.query;
    let query = Query::parse(asked, &SERVICE_MESSAGE)?.sized(&call.incoming.prefer);
    let now = call.tenant.clock.now();
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let before = time(now.checked_sub(days(3)).unwrap_or(now));
    let after = |count| time(now.checked_add(days(count)).unwrap_or(now));
    let items = MESSAGES.iter().map(|(id, category, severity, major, act)| {
        let mut whole = Map::new();
        let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
        put("id", (*id).into());
        put("title", "Something changes".into());
        put("category", (*category).into());
        put("severity", (*severity).into());
        put("isMajorChange", (*major).into());
        put("actionRequiredByDateTime", act.map(after).into());
        put("startDateTime", before.as_str().into());
        put("lastModifiedDateTime", before.as_str().into());
        put("endDateTime", after(90).into());
        put("services", json!(["Exchange Online"]));
        put("tags", json!([]));
        whole
    });
    let context = format!("{}/$metadata#admin/serviceAnnouncement/messages", call.root);
    Ok(query
        .page(&SERVICE_MESSAGE, items, context, &call.url(), asked)
        .into())
}
