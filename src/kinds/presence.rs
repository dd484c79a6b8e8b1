//! `presence`: does the presence service of Teams answer? The signed-in
//! person's own presence is asked for; what it says is read over.

use std::borrow::Cow;

use serde::Deserialize;

use super::body;
use super::{Answer, BadBody, Define, Findings, Info, Keys, Permission, Refusals, Request, Spec};
use crate::model::{Account, Service};

/// The signed-in person's own presence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence;

/// A user object, which the service has been seen to send instead, has no
/// availability. The word is looked at and dropped.
#[derive(Deserialize)]
struct Present {
    availability: String,
}

impl Define for Presence {
    const INFO: &'static Info = &Info {
        name: "presence",
        title: "Teams presence",
        help: "Asks for the presence of the signed-in person.",
        proves: "The presence service of Teams answers.",
        proves_not: "That a presence is right or recent, that chats, meetings or calls work.",
        holds: "presence",
        service: Service::Presence,
        refusals: Refusals {
            people: "; if it worked an hour ago, the service fails on its own side",
            applications: "",
            not_found: "the person has no Teams; a licence may be missing",
        },
        microsoft_service: "microsoftteams",
        in_service_level: true,
        not_in: &["china"],
        example: "{name: teams-presence, account: steve, kind: presence}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        if account.is_some_and(|account| account.person().is_none()) {
            keys.refuse(
                "account",
                "\"presence\" asks for a person's own presence and needs a delegated account: an application could only read that of everybody".to_owned(),
            );
            return None;
        }
        Some(Self)
    }
}

impl Spec for Presence {
    fn target(&self) -> Cow<'_, str> {
        "me".into()
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![
            Permission::of_graph(
                account,
                "Presence.Read",
                "reads the person's own presence, which is looked at and dropped",
            )
            .broader(&["Presence.Read.All"]),
        ]
    }

    /// Microsoft Graph, "Get presence"; it takes no `$select`.
    fn request(&self, account: &Account) -> Option<Request> {
        Request::of_user(&account.cloud, None, "presence", "")
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let present: Present = body::object(Self::INFO.holds, answer)?;
        if present.availability.is_empty() {
            return Err(BadBody::Shape(Self::INFO.holds));
        }
        Ok(Findings::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::{ScriptedAsk, answer};

    #[tokio::test]
    async fn a_presence_and_what_is_none() {
        for (body, fine) in [
            (
                r#"{"id":"2b1f","availability":"Offline","activity":"Offline"}"#,
                true,
            ),
            (r#"{"availability":"PresenceUnknown"}"#, true),
            (r#"{"availability":null}"#, false),
            (r#"{"displayName":"somebody","id":"2b1f"}"#, false),
            (r#"{"error":{"code":"Unauthorized"}}"#, false),
        ] {
            let mut script = ScriptedAsk::of([answer(body)]);
            script.account = crate::fixtures::delegated("steve", "steve@contoso.com");
            assert_eq!(script.probe(&Presence).await.is_ok(), fine, "{body}");
            let (_, request) = &script.sent()[0];
            assert_eq!(request.url.path(), "/v1.0/me/presence");
            assert_eq!(request.url.query(), None);
        }
    }
}
