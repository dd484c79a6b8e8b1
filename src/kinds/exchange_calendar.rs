//! `exchange_calendar`: can events of a calendar be listed? One id of one event
//! is asked for; subjects, people and places never are.

use std::borrow::Cow;

use super::key::Text;
use super::mailbox::{self, Mailbox};
use super::{
    Advice, AnyKey, Define, Grant, Info, Key, Keys, Permission, Refused, Remedy, Request,
    ServiceError, Setting, Spec, Wide,
};
use crate::model::{Account, Reason, Service};

/// The calendar of a mailbox: one event id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeCalendar {
    mailbox: Mailbox,
}

static USER: Key<Text> =
    mailbox::user_key("Whose calendar. Needed unless the account is delegated.");
static KEYS: &[&dyn AnyKey] = &[&USER];

/// The least role of Exchange that reads calendars: there is none for
/// `Calendars.ReadBasic`.
pub(super) const ROLE: &str = "Application Calendars.Read";

impl Define for ExchangeCalendar {
    const INFO: &'static Info = &Info {
        name: "exchange_calendar",
        title: "Exchange calendar",
        help: "Asks for one event id of the calendar.",
        proves: "The calendar answers, and the account may read it.",
        proves_not: "That invitations arrive, that rooms can be booked, that others see who is free.",
        keys: KEYS,
        service: Service::Outlook,
        microsoft_service: "Exchange",
        in_service_level: true,
        example: "{name: steves-calendar, account: contoso, kind: exchange_calendar, user: steve@contoso.com}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        Mailbox::read(&USER, keys, account).map(|mailbox| Self { mailbox })
    }
}

impl Spec for ExchangeCalendar {
    fn target(&self) -> Cow<'_, str> {
        self.mailbox.target()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        self.mailbox.0.iter().map(|user| USER.show(user)).collect()
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

    /// Microsoft Graph "List events".
    fn request(&self, account: &Account) -> Option<Request> {
        Request::of_user(
            &account.cloud,
            self.mailbox.user(),
            "calendar/events",
            "$select=id&$top=1",
        )
    }

    fn reason(&self, account: &Account, reason: Reason, error: &ServiceError) -> Reason {
        self.mailbox.reason(account, reason, error)
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        self.mailbox.advise(self, account, refused)
    }
}

/// What it takes to read a calendar, or what others may see of it.
pub(super) fn permission(account: &Account, mailbox: &Mailbox) -> Permission {
    match (mailbox.user(), account.person()) {
        (None, Some(_)) => Permission::of_graph(
            account,
            "Calendars.ReadBasic",
            "reads ids of events in the person's own calendar, never a subject; an administrator \
             has to consent to it",
        )
        .broader(&["Calendars.Read", "Calendars.ReadWrite"]),
        // Microsoft Graph, "Get shared or delegated Outlook calendar and its
        // events": there is no basic permission for calendars of others.
        (Some(_), Some(_)) => Permission::of_graph(
            account,
            "Calendars.Read.Shared",
            "reads ids of events in a calendar that is shared with the person, never a subject; \
             there is nothing narrower for the calendars of others",
        )
        .broader(&["Calendars.ReadWrite.Shared"]),
        (user, None) => mailbox::granted(
            Permission::of_graph(
                account,
                "Calendars.ReadBasic",
                "reads ids of events, never a subject; a role assignment in Exchange (RBAC for \
                 Applications) narrows it down to one mailbox",
            )
            .or(&["Calendars.ReadBasic.All"])
            .broader(&["Calendars.Read", "Calendars.ReadWrite"])
            .wide(Wide {
                names: &["Calendars.ReadBasic", "Calendars.ReadBasic.All"],
                says: "opens every calendar of the tenant, unless an access policy restricts it, \
                       which cannot be seen from here; a role of Exchange on the configured ones \
                       does",
                test: user.map(|user| Remedy::TestPolicy(user.into())),
            }),
            ROLE,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::kinds::testing::answer;

    fn calendar(user: Option<&str>) -> ExchangeCalendar {
        ExchangeCalendar {
            mailbox: Mailbox(user.map(Into::into)),
        }
    }

    #[test]
    fn one_id_is_asked_for() {
        for (user, path) in [
            (None, "me"),
            (Some("steve@contoso.com"), "users/steve@contoso.com"),
        ] {
            let account = fixtures::delegated("steve", "steve@contoso.com");
            let request = calendar(user).request(&account).unwrap();
            assert_eq!(
                request.url.as_str(),
                format!(
                    "https://graph.microsoft.com/v1.0/{path}/calendar/events?$select=id&$top=1"
                )
            );
        }
    }

    #[test]
    fn an_empty_calendar_is_an_answer() {
        let judge = |body: &str| calendar(None).judge(&answer(body));
        assert!(judge(r#"{"value":[]}"#).is_ok());
        assert!(judge(r#"{"value":[{"id":"AAMkA="}],"@odata.nextLink":"https://x"}"#).is_ok());
        assert!(judge(r#"{"error":{"code":"x"}}"#).is_err());
    }

    /// The basic permission opens the person's own calendar only.
    #[test]
    fn a_shared_calendar_has_a_permission_of_its_own() {
        let person = fixtures::delegated("steve", "steve@contoso.com");
        for (user, name, not) in [
            (None, "Calendars.ReadBasic", "Calendars.Read.Shared"),
            (
                Some("info@contoso.com"),
                "Calendars.Read.Shared",
                "Calendars.ReadBasic",
            ),
        ] {
            let [needed] = &calendar(user).permissions(&person)[..] else {
                panic!("one permission");
            };
            assert_eq!(needed.name, name);
            assert!(!needed.is_met_by(not), "{user:?}");
        }
    }

    #[test]
    fn exchange_narrows_an_application_down() {
        let app = fixtures::account("contoso");
        let kind = calendar(Some("steve@contoso.com"));
        let [needed] = &kind.permissions(&app)[..] else {
            panic!("one permission");
        };
        assert_eq!(
            needed.describe(),
            "the role Application Calendars.Read of Exchange on the mailbox"
        );
        assert!(needed.is_met_by("Calendars.ReadBasic"));
        assert_eq!(
            kind.grants(&app),
            [Grant::MailboxRole {
                user: "steve@contoso.com".into(),
                role: ROLE
            }]
        );
    }
}
