//! `entra_directory`: does the directory answer? The account asks for its own
//! entry, which needs no permission for an application: the id of its service
//! principal, or that of the signed-in person.

use std::borrow::Cow;

use serde::Deserialize;

use super::advice::of_permissions;
use super::ask::{Answer, Ask, Findings, Stopped};
use super::body;
use super::request::encode;
use super::{
    Advice, BadBody, Define, Info, Keys, Permission, ProbeFuture, Refused, Remedy, Request, Spec,
    UNADDRESSED,
};
use crate::model::{Account, Audience, Reason, Service, is_guid};

/// The account's own entry in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraDirectory;

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "id")]
    _id: String,
}

impl Define for EntraDirectory {
    const INFO: &'static Info = &Info {
        name: "entra_directory",
        title: "Entra directory",
        help: "Asks for the id of the account's own entry: its service principal, or the signed-in person.",
        proves: "Graph lets the token in, and the directory behind it answers.",
        proves_not: "That anybody can sign in, that other entries can be read or changed.",
        holds: "directory entry with an id",
        service: Service::Directory,
        limit_per_application: true,
        microsoft_service: "OrgLiveID",
        example: "{name: directory, account: contoso, kind: entra_directory}",
        ..Info::USUAL
    };

    fn read(_: &dyn Keys, _: Option<&Account>) -> Option<Self> {
        Some(Self)
    }
}

const QUERY: &str = "$select=id";

impl Spec for EntraDirectory {
    fn target(&self) -> Cow<'_, str> {
        "the own entry".into()
    }

    /// An application may read its own service principal without any (Microsoft
    /// Graph, "Get servicePrincipal").
    fn permissions(&self, account: &Account) -> Vec<Permission> {
        if account.person().is_none() {
            return Vec::new();
        }
        vec![
            Permission::of_graph(
                account,
                "User.Read",
                "reads the id of the signed-in person's own entry",
            )
            .broader(&[
                "User.ReadWrite",
                "User.ReadBasic.All",
                "User.Read.All",
                "User.ReadWrite.All",
                "Directory.Read.All",
            ]),
        ]
    }

    /// Microsoft Graph "Get servicePrincipal" by the application's id, or "Get
    /// user"; `None` for a managed identity whose client id nobody wrote down.
    fn request(&self, account: &Account) -> Option<Request> {
        if account.person().is_some() {
            return Request::of_graph(&account.cloud, "/me", QUERY);
        }
        let id = account.client_id.as_deref()?;
        let path = format!("/servicePrincipals(appId='{}')", encode(id));
        Request::of_graph(&account.cloud, &path, QUERY)
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let _: Entry = body::object(Self::INFO.holds, answer)?;
        Ok(Findings::default())
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        if refused.reason == Reason::Unauthorized
            && refused.error.has("Authorization_IdentityNotFound")
        {
            let says = "Graph does not find who the token speaks for: made or removed a moment ago";
            return Some(Advice::say(says).with(vec![Remedy::say(
                "a new service principal takes some minutes to be known everywhere: wait; a \
                 removed one has to be made again",
            )]));
        }
        let person = account.person().is_some();
        if refused.reason == Reason::Forbidden && !person {
            let says =
                "the directory refuses the application its own entry, which needs no permission";
            return Some(Advice::say(says).with(vec![Remedy::say(
                "is the application disabled for sign-in, or a conditional access policy for \
                 workload identities in the way? Entra shows both at its enterprise application",
            )]));
        }
        of_permissions(
            account,
            &self.permissions(account),
            refused,
            "",
            if person {
                "the signed-in person is not in the directory any more; sign in as another"
            } else {
                "the tenant has no service principal of this application; check `client_id` and `tenant`, or consent to it once"
            },
        )
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let request = match self.request(account) {
                Some(request) => request,
                None => by_object_id(account, ask).await?,
            };
            Ok(self.judge(&ask.send("", request).await?)?)
        })
    }
}

/// A managed identity's own service principal, whose id is in its token.
async fn by_object_id(account: &Account, ask: &mut dyn Ask) -> Result<Request, Stopped> {
    let audience = Audience::graph(&account.cloud);
    let id = ask.object_id(&audience).await?;
    let id = id.filter(|id| is_guid(id)).ok_or_else(|| {
        Stopped::judged(
            Reason::Rejected,
            "the token does not say who it speaks for; name the managed identity's `client_id`",
        )
    })?;
    let path = format!("/servicePrincipals/{id}");
    Request::of_graph(&account.cloud, &path, QUERY).ok_or(UNADDRESSED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::kinds::testing::{ScriptedAsk, answer};

    const OWN: &str = r#"{"@odata.context":"x","id":"7c0e0000-2222-3333-4444-555555555555"}"#;

    #[tokio::test]
    async fn each_asks_for_its_own_entry() {
        let app = fixtures::account("contoso");
        for (account, url) in [
            (
                app,
                "https://graph.microsoft.com/v1.0/servicePrincipals(appId='11111111-2222-3333-4444-555555555555')?$select=id",
            ),
            (
                fixtures::delegated("steve", "steve@contoso.com"),
                "https://graph.microsoft.com/v1.0/me?$select=id",
            ),
            (
                fixtures::managed_identity("machine", None),
                "https://graph.microsoft.com/v1.0/servicePrincipals/99999999-2222-3333-4444-555555555555?$select=id",
            ),
        ] {
            let mut script = ScriptedAsk::of([answer(OWN)]);
            script.account = account;
            script.object_id = Some("99999999-2222-3333-4444-555555555555".to_owned());
            script.probe(&EntraDirectory).await.unwrap();
            let [(_, request)] = script.sent() else {
                panic!("one request");
            };
            assert_eq!(request.url.as_str(), url);
        }
    }

    #[tokio::test]
    async fn a_token_without_a_name() {
        for object_id in [None, Some("../users".to_owned())] {
            let mut script = ScriptedAsk::of([answer(OWN)]);
            script.account = fixtures::managed_identity("machine", None);
            script.object_id = object_id;
            let stopped = script.probe(&EntraDirectory).await.unwrap_err();
            let Stopped::Judged { reason, sentence } = stopped else {
                panic!("{stopped:?}");
            };
            assert_eq!(reason, Reason::Rejected);
            assert!(sentence.contains("client_id"), "{sentence}");
        }
    }

    #[test]
    fn what_is_no_entry() {
        for body in [
            "{}",
            r#"{"id":null}"#,
            r#"{"error":{"code":"x"}}"#,
            r#"{"id":"x","error":{"code":"x"}}"#,
            r#"{"value":[]}"#,
        ] {
            let judged = EntraDirectory.judge(&answer(body));
            assert!(matches!(judged, Err(BadBody::Shape(_))), "{body}");
        }
    }
}
