//! `message_center`: what Microsoft announces, counted, and the next date by
//! which somebody has to act. Titles and texts are never asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::ask::{Answer, Ask, Findings};
use super::lenient::{Lenient, Moment};
use super::pages::{Collected, Pages};
use super::reading::{Reading, ReadingUnit};
use super::{
    BadBody, Define, Effort, Impact, Info, Keys, Permission, ProbeFuture, Refusals, Request, Spec,
};
use crate::model::{Account, Sample, Service, Timestamp};

/// The message center of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageCenter;

const MESSAGES: u8 = 0;
const NEXT_ACTION: u8 = 1;
static READINGS: &[Reading] = &[
    Reading {
        metric: "m365_message_center_messages",
        unit: ReadingUnit::None,
        labels: &["category", "severity"],
        help: "Messages in the message center, by category and severity; absent where there are more than can be counted.",
        most: 16,
    },
    Reading {
        metric: "m365_message_center_next_action_timestamp_seconds",
        unit: ReadingUnit::Seconds,
        labels: &[],
        help: "The next date by which Microsoft wants somebody to act; absent where there is none to come.",
        most: 1,
    },
];

/// Microsoft Graph, `serviceUpdateCategory`, with the label of each.
const CATEGORIES: [(&str, &str); 3] = [
    ("preventOrFixIssue", "prevent_or_fix_issue"),
    ("planForChange", "plan_for_change"),
    ("stayInformed", "stay_informed"),
];
/// Microsoft Graph, `serviceUpdateSeverity`.
const SEVERITIES: [(&str, &str); 3] = [
    ("normal", "normal"),
    ("high", "high"),
    ("critical", "critical"),
];
/// For words that are in neither list.
const UNKNOWN: &str = "unknown";

/// Pages of a hundred; a tenant has some hundred messages.
const PAGES: Pages = Pages {
    step: "",
    what: "list of messages",
    most: 20,
    pause: Duration::ZERO,
    then: 0,
};
const LONGEST_PAGE: usize = 512 << 10;
const PAGE_SIZE: &[(&str, &str)] = &[("prefer", "odata.maxpagesize=100")];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(default)]
    category: Lenient<String>,
    #[serde(default)]
    severity: Lenient<String>,
    #[serde(default)]
    action_required_by_date_time: Moment,
}

impl Define for MessageCenter {
    const INFO: &'static Info = &Info {
        name: "message_center",
        title: "Message center",
        help: "Counts Microsoft's announcements to the tenant, and asks for the dates to act by.",
        proves: "Microsoft's service communications answer; the counts are readings.",
        proves_not: "That anybody reads the messages.",
        holds: PAGES.what,
        service: Service::ServiceCommunications,
        limit_per_application: true,
        refusals: Refusals::not_found(
            "the service communications API does not know this; it may not be there in this cloud",
        ),
        readings: READINGS,
        interval: Some(Duration::from_secs(3_600)),
        impact: Impact::Housekeeping,
        microsoft_service: "OSDPPlatform",
        example: "{name: announcements, account: contoso, kind: message_center}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        if account.is_some_and(|account| account.person().is_some()) {
            keys.refuse("account", "\"message_center\" needs an account without \"delegated\": a person would need an administrative role beside the permission, an application needs the permission alone".to_owned());
            return None;
        }
        Some(Self)
    }
}

impl Spec for MessageCenter {
    fn target(&self) -> Cow<'_, str> {
        "the message center".into()
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![Permission::of_graph(
            account,
            "ServiceMessage.Read.All",
            "reads what Microsoft announces to this tenant; nothing of people is in it",
        )]
    }

    /// Microsoft Graph "List serviceAnnouncement messages".
    fn request(&self, account: &Account) -> Option<Request> {
        let path = "/admin/serviceAnnouncement/messages";
        let query = "$select=id,category,severity,actionRequiredByDateTime";
        let request = Request::of_graph(&account.cloud, path, query)?;
        Some(Request {
            headers: PAGE_SIZE,
            body_limit: LONGEST_PAGE,
            ..request
        })
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        PAGES.one::<Message>(answer)?;
        Ok(Findings::default())
    }

    fn effort(&self, _: &Account) -> Effort {
        PAGES.effort()
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let messages: Collected<Message> = PAGES.all(ask, self.request(account)).await?;
            let Collected { items, whole } = &messages;
            let mut readings = if *whole { counts(items) } else { Vec::new() };
            readings.extend(next_action(items, ask.now()));
            Ok(Findings { readings })
        })
    }
}

/// The label of a word, whatever its case.
fn label(words: &[(&str, &'static str)], word: &Lenient<String>) -> &'static str {
    let word = word.0.as_deref().unwrap_or_default();
    let known = words.iter().find(|(one, _)| one.eq_ignore_ascii_case(word));
    known.map_or(UNKNOWN, |(_, label)| label)
}

/// Every pair of known words has a count; those with an unknown one only where
/// there is something to count.
fn counts(messages: &[Message]) -> Vec<Sample> {
    let pairs = CATEGORIES.iter().flat_map(|(_, category)| {
        SEVERITIES
            .iter()
            .map(|(_, severity)| (*category, *severity))
    });
    let mut counts: BTreeMap<(&str, &str), u32> = pairs.map(|pair| (pair, 0)).collect();
    for message in messages {
        let category = label(&CATEGORIES, &message.category);
        let severity = label(&SEVERITIES, &message.severity);
        *counts.entry((category, severity)).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((category, severity), count)| {
            Sample::of(MESSAGES, [category, severity], count.into())
        })
        .collect()
}

fn next_action(messages: &[Message], now: Timestamp) -> Option<Sample> {
    let dates = messages
        .iter()
        .filter_map(|one| one.action_required_by_date_time.given());
    let next = dates.filter(|date| *date > now).min()?;
    Some(Sample::plain(NEXT_ACTION, next.as_second() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::{ScriptedAsk, answer, value};

    const MESSAGES_BODY: &str = r#"{"value":[
        {"id":"MC1","category":"planForChange","severity":"normal","title":"canary","actionRequiredByDateTime":null},
        {"id":"MC2","category":"PlanForChange","severity":"Normal","actionRequiredByDateTime":"2026-12-24T00:00:00.0000000Z"},
        {"id":"MC3","category":"stayInformed","severity":"high","actionRequiredByDateTime":"2026-12-03T00:00:00Z"},
        {"id":"MC4","category":"stayInformed","severity":"normal","actionRequiredByDateTime":"2026-11-01T00:00:00Z"},
        {"id":"MC5","category":"somethingNew","severity":null,"actionRequiredByDateTime":"0001-01-01T00:00:00Z"},
        null]}"#;

    #[tokio::test]
    async fn counts_and_the_next_date() {
        let mut script = ScriptedAsk::of([answer(MESSAGES_BODY)]);
        let found = script.probe(&MessageCenter).await.unwrap().readings;
        let count = |category: &str, severity: &str| value(&found, MESSAGES, &[category, severity]);
        assert_eq!(count("plan_for_change", "normal"), Some(2.0));
        assert_eq!(count("stay_informed", "high"), Some(1.0));
        assert_eq!(count("prevent_or_fix_issue", "critical"), Some(0.0));
        assert_eq!(count("unknown", "unknown"), Some(1.0));
        assert_eq!(count("unknown", "high"), None);
        let next: Timestamp = "2026-12-03T00:00:00Z".parse().unwrap();
        let told = value(&found, NEXT_ACTION, &[]);
        assert_eq!(told, Some(next.as_second() as f64));
    }

    #[tokio::test]
    async fn an_empty_center() {
        let mut script = ScriptedAsk::of([answer(r#"{"value":[]}"#)]);
        let found = script.probe(&MessageCenter).await.unwrap().readings;
        assert_eq!(found.len(), 9);
        assert!(found.iter().all(|one| one.value == 0.0));
    }

    /// A count of a part would be a wrong one.
    #[tokio::test]
    async fn what_cannot_be_counted_whole_is_not_told() {
        let here = "https://graph.microsoft.com/v1.0/admin/serviceAnnouncement/messages?$skip=1";
        let page = |next: &str| {
            answer(&format!(
                r#"{{"@odata.nextLink":"{next}","value":[{{"actionRequiredByDateTime":"2026-12-03T00:00:00Z"}}]}}"#
            ))
        };
        for (answers, sent) in [
            ((0..30).map(|_| page(here)).collect::<Vec<_>>(), PAGES.most),
            (vec![page("https://elsewhere.example/x")], 1),
        ] {
            let mut script = ScriptedAsk::of(answers);
            let found = script.probe(&MessageCenter).await.unwrap().readings;
            assert_eq!(script.sent().len(), sent);
            assert!(found.iter().all(|one| one.reading == NEXT_ACTION));
        }
    }

    #[tokio::test]
    async fn what_is_no_list() {
        for body in ["{}", r#"{"value":null}"#, r#"{"error":{"code":"x"}}"#] {
            let mut script = ScriptedAsk::of([answer(body)]);
            assert!(script.probe(&MessageCenter).await.is_err(), "{body}");
        }
    }
}
