//! `teams_team`: can the channels of a team be listed? Ids of channels are asked
//! for; names and messages never are. Microsoft lets an application poll Teams
//! at a slow pace only, so this kind keeps one.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::advice::forbidden;
use super::key::Text;
use super::{
    Advice, AnyKey, Define, Grant, Info, Instead, Key, Keys, Permission, Refused, Remedy, Request,
    Setting, Spec, StandIn, Wide,
};
use crate::model::{Account, Reason, Service, is_guid, quoted};

/// A team: the ids of its channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamsTeam {
    /// The id of the team, which is that of its group.
    team: Arc<str>,
}

static TEAM: Key<Text> = Key::required(
    "team",
    Text {
        takes: "object id",
        check: is_team,
    },
    "the id of the team, as in \"groupId=…\" of a link to it",
    "The team, by its id: `groupId` in the link that Teams gives to it.",
);
static KEYS: &[&dyn AnyKey] = &[&TEAM];

fn is_team(text: &str) -> Result<(), String> {
    if is_guid(text) {
        return Ok(());
    }
    Err(format!(
        "must be the id of a team, such as \"5f1c0000-2222-3333-4444-555555555555\" (\"groupId\" in the link to the team), not {}",
        quoted(text)
    ))
}

/// What a team itself consents to (resource-specific consent).
const OF_THE_TEAM: &str = "ChannelSettings.Read.Group";

impl Define for TeamsTeam {
    const INFO: &'static Info = &Info {
        name: "teams_team",
        title: "Team in Teams",
        help: "Asks for the ids of the channels of a team.",
        proves: "Teams answers for this team, and the account may read it.",
        proves_not: "That messages, calls or meetings work.",
        keys: KEYS,
        service: Service::Teams,
        // Microsoft Graph, "Use the Microsoft Graph API to work with Microsoft
        // Teams", polling requirements.
        interval: Some(Duration::from_secs(300)),
        least_interval: Some(Duration::from_secs(300)),
        microsoft_service: "microsoftteams",
        in_service_level: true,
        instead: Instead {
            absent: "no permission on channels is in the token",
            works: "the team itself gives the right (resource-specific consent)",
            fine: "that is right with consent in one team, which is never in the token",
        },
        example: "{name: service-desk, account: contoso, kind: teams_team, team: 5f1c0000-2222-3333-4444-555555555555}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, _: Option<&Account>) -> Option<Self> {
        TEAM.take(keys).given().map(|team| Self { team })
    }
}

impl Spec for TeamsTeam {
    fn target(&self) -> Cow<'_, str> {
        (&*self.team).into()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        vec![TEAM.show(&self.team)]
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![if account.person().is_some() {
            Permission::of_graph(
                account,
                "Channel.ReadBasic.All",
                "reads ids of channels of the teams in which the person is a member",
            )
            .broader(&[
                "ChannelSettings.Read.All",
                "ChannelSettings.ReadWrite.All",
                "Group.Read.All",
                "Group.ReadWrite.All",
            ])
        } else {
            Permission::of_graph(
                account,
                OF_THE_TEAM,
                "reads ids of channels of the one team that consents to it",
            )
            // What a token says where some team consented.
            .or(&["Channel.ReadBasic.All", "Group.Selected"])
            .broader(&[
                "ChannelSettings.Read.All",
                "ChannelSettings.ReadWrite.All",
                "Group.Read.All",
                "Group.ReadWrite.All",
            ])
            .granted_by(StandIn::TeamConsent(OF_THE_TEAM))
            .wide(Wide {
                names: &["Channel.ReadBasic.All"],
                says: "opens the names of all channels of the tenant; consent in each configured \
                       team (resource-specific consent) does",
                test: None,
            })
        }]
    }

    fn grants(&self, account: &Account) -> Vec<Grant> {
        vec![match account.person() {
            Some(person) => Grant::ByHand(
                format!(
                    "{} must be a member of the team {}: one of its owners adds the person in Teams",
                    person.username, self.team
                )
                .into(),
            ),
            None => Grant::TeamConsent {
                team: (&*self.team).into(),
                permission: OF_THE_TEAM,
            },
        }]
    }

    /// Microsoft Graph "List channels".
    fn request(&self, account: &Account) -> Option<Request> {
        let path = format!("/teams/{}/channels", self.team);
        Request::of_graph(&account.cloud, &path, "$select=id")
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        let ours = "if it worked an hour ago and nobody changed anything, this is Microsoft's: \
                    Teams has said 403 and 404 for living teams while it was out of order";
        match refused.reason {
            Reason::Forbidden => {
                let beside = match account.person() {
                    Some(_) => {
                        ", or the person is no member of the team or has no licence for Teams"
                    }
                    None => ", or the application is not installed in this team",
                };
                let grants = self.grants(account).into_iter().map(Remedy::Grant);
                let remedies = grants.chain([Remedy::say(ours)]).collect();
                Some(forbidden(
                    &self.permissions(account),
                    beside,
                    refused,
                    remedies,
                ))
            }
            Reason::NotFound => Some(
                Advice::say(
                    "no such team: check `team`; a group without a team, and a team younger than \
                     a quarter of an hour, is not found either",
                )
                .with(vec![Remedy::say(ours)]),
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::kinds::ServiceError;
    use crate::kinds::testing::answer;

    const TEAM_ID: &str = "5f1c0000-2222-3333-4444-555555555555";

    fn team() -> TeamsTeam {
        TeamsTeam {
            team: TEAM_ID.into(),
        }
    }

    #[test]
    fn ids_of_channels() {
        let request = team().request(&fixtures::account("contoso")).unwrap();
        assert_eq!(
            request.url.as_str(),
            format!("https://graph.microsoft.com/v1.0/teams/{TEAM_ID}/channels?$select=id")
        );
        let judge = |body: &str| team().judge(&answer(body));
        let channels =
            r#"{"@odata.count":148,"value":[{"id":"19:4a95@thread.tacv2"},{"id":null}]}"#;
        assert!(judge(channels).is_ok());
        assert!(judge(r#"{"@odata.count":148,"value":[]}"#).is_ok());
        assert!(judge(r#"{"error":{"code":"x"}}"#).is_err());
    }

    #[test]
    fn a_team_consents_by_itself() {
        let app = fixtures::account("contoso");
        let [needed] = &team().permissions(&app)[..] else {
            panic!("one permission");
        };
        assert!(needed.is_met_by("Group.Selected"));
        assert!(!needed.is_met_by("Team.ReadBasic.All"));
        assert_eq!(
            team().grants(&app),
            [Grant::TeamConsent {
                team: TEAM_ID.into(),
                permission: OF_THE_TEAM
            }]
        );
    }

    #[test]
    fn a_refusal_may_be_microsofts_own() {
        for account in [
            fixtures::account("contoso"),
            fixtures::delegated("steve", "steve@contoso.com"),
        ] {
            for reason in [Reason::Forbidden, Reason::NotFound] {
                let refused = Refused {
                    reason,
                    error: &ServiceError::default(),
                    step: "",
                    held: None,
                    lacking: false,
                };
                let advice = team().advise(&account, &refused).unwrap();
                let said = format!("{advice:?}");
                assert!(said.contains("worked an hour ago"), "{said}");
            }
        }
    }

    #[test]
    fn teams() {
        assert_eq!(is_team(TEAM_ID), Ok(()));
        for bad in [
            "Service Desk",
            "19:4a95@thread.tacv2",
            "https://teams.microsoft.com/l/team/x",
        ] {
            assert!(is_team(bad).unwrap_err().contains("groupId"), "{bad}");
        }
    }
}
