//! `sharepoint_site`: can the lists of a site be listed? One name of one list
//! is asked for; further pages are left alone.

use std::borrow::Cow;

use url::Url;

use super::advice::{forbidden, probably_missing};
use super::body::{self, Envelope};
use super::key::{Address, OneOf};
use super::reading::{Reading, ReadingUnit};
use super::site::{self, EVERY_SITE, SELECTED};
use super::{
    Advice, Answer, AnyKey, Api, BadBody, Define, Findings, Grant, Info, Key, Keys, Permission,
    Refused, Remedy, Request, Setting, SiteRole, Spec,
};
use crate::model::{Account, AppCredential, Audience, Reason, Sample, Service, SignIn};

/// Which interface of SharePoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SiteApi {
    /// Microsoft Graph.
    Graph,
    /// SharePoint's own REST; the token's audience is the site's host.
    SharePoint,
}

/// A SharePoint site: the names of its lists, one is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharePointSite {
    /// `https://{host}[:port]/{path}`; no query, no fragment, no trailing slash.
    pub url: Url,
    /// How to ask.
    pub api: SiteApi,
}

static URL: Key<Address> = site::url_key(
    "The site, as `https://contoso.sharepoint.com/sites/intranet`; not a page in it.",
);
static API: Key<OneOf<SiteApi>> = Key::optional(
    "api",
    OneOf(&[
        ("graph", SiteApi::Graph),
        ("sharepoint", SiteApi::SharePoint),
    ]),
    "`graph`",
    "Microsoft Graph or SharePoint's own REST. The latter takes no app-only token that was had by a client secret.",
);
static KEYS: &[&dyn AnyKey] = &[&URL, &API];

const HEALTH_SCORE: u8 = 0;
static READINGS: &[Reading] = &[Reading {
    metric: "m365_sharepoint_health_score",
    unit: ReadingUnit::None,
    labels: &[],
    help: "SharePoint's own health score in the answer to the last successful probe, 0 best to 10; SharePoint draws it by lot below 4, which says nothing.",
    most: 1,
}];

impl Define for SharePointSite {
    const INFO: &'static Info = &Info {
        name: "sharepoint_site",
        title: "SharePoint site",
        help: "Asks for the names of the site's lists; one is enough.",
        proves: "The site answers, and the account may read it.",
        proves_not: "That a page is drawn in a browser, that search finds anything, that files open.",
        keys: KEYS,
        service: Service::SharePoint,
        // Microsoft Learn, "Avoid getting throttled or blocked in SharePoint Online": a list call.
        cost: 2,
        readings: READINGS,
        microsoft_service: "SharePoint",
        in_service_level: true,
        example: "{name: intranet, account: contoso, kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/intranet}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        let api = API.take(keys);
        let url = URL.take(keys).given();
        if let (Some(url), Some(account)) = (&url, account) {
            site::warn_of_cloud(url, &account.cloud, keys);
        }
        let api = api.or(SiteApi::Graph)?;
        if api == SiteApi::SharePoint && account.is_some_and(is_by_secret) {
            keys.refuse(
                API.name,
                "\"api: sharepoint\" does not work with a client secret: SharePoint takes app-only tokens only by certificate or federation; use \"api: graph\", \"client_certificate\" or \"delegated\"".to_owned(),
            );
            return None;
        }
        Some(Self { url: url?, api })
    }
}

fn is_by_secret(account: &Account) -> bool {
    matches!(
        account.sign_in,
        SignIn::App(AppCredential::ClientSecret { .. })
    )
}

impl Spec for SharePointSite {
    fn target(&self) -> Cow<'_, str> {
        self.url.as_str().into()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        vec![URL.show(&self.url), API.show(&self.api)]
    }

    fn audience(&self, account: &Account) -> Option<Audience> {
        Some(match self.api {
            SiteApi::Graph => Audience::graph(&account.cloud),
            SiteApi::SharePoint => Audience::sharepoint_of(&self.url),
        })
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![match (self.api, account.person()) {
            (SiteApi::Graph, Some(_)) => Permission::of_graph(
                account,
                "Sites.Read.All",
                "reads the names of lists where the person may read them; Sites.Selected with a \
                 grant on the site narrows it down",
            )
            .or(&[SELECTED])
            .broader(&site::WRITING),
            (SiteApi::Graph, None) => Permission::of_graph(
                account,
                SELECTED,
                "reads the names of lists of the sites on which an administrator granted the \
                 application the role read, and of no other",
            )
            .or(&["Sites.Read.All"])
            .broader(&site::WRITING)
            .wide(EVERY_SITE),
            (SiteApi::SharePoint, Some(_)) => Permission::new(
                Api::SHAREPOINT,
                Audience::sharepoint_of(&self.url),
                account,
                "AllSites.Read",
                "SharePoint's own REST knows only its own permissions; this one reads where the \
                 person may read",
            )
            .or(&[SELECTED])
            .broader(&["AllSites.Write", "AllSites.Manage", "AllSites.FullControl"]),
            (SiteApi::SharePoint, None) => Permission::new(
                Api::SHAREPOINT,
                Audience::sharepoint_of(&self.url),
                account,
                SELECTED,
                "SharePoint's own REST knows only its own permissions; this one reads the sites \
                 on which an administrator granted the application the role read",
            )
            .or(&["Sites.Read.All"])
            .broader(&site::WRITING)
            .wide(EVERY_SITE),
        }]
    }

    fn grants(&self, account: &Account) -> Vec<Grant> {
        let url = self.url.clone();
        vec![match account.person() {
            Some(_) => Grant::SiteVisitor { url },
            None => Grant::SiteRole {
                url,
                role: SiteRole::Read,
            },
        }]
    }

    fn unsupported(&self, account: &Account) -> Option<&'static str> {
        (self.api == SiteApi::SharePoint && is_by_secret(account)).then_some(
            "note: SharePoint's REST takes app-only tokens only by certificate or federation, \
             this account has a secret",
        )
    }

    /// Microsoft Graph "Enumerate lists in a site" by path, or SharePoint's REST
    /// "Working with lists".
    fn request(&self, account: &Account) -> Option<Request> {
        match self.api {
            SiteApi::Graph => Request::of_site(
                &account.cloud,
                &self.url,
                "lists",
                "$select=displayName&$top=1",
            ),
            SiteApi::SharePoint => {
                Request::of_site_rest(&self.url, "web/lists", "$select=Title&$top=1")
            }
        }
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let envelope = match self.api {
            SiteApi::Graph => Envelope::Plain,
            SiteApi::SharePoint => Envelope::PlainOrVerbose,
        };
        body::list(envelope, answer)?;
        let score = answer
            .header("x-sharepointhealthscore")
            .and_then(|score| score.trim().parse::<u8>().ok())
            .filter(|score| *score <= 10);
        Ok(Findings::of(
            score.map(|score| Sample::plain(HEALTH_SCORE, score.into())),
        ))
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        match refused.reason {
            Reason::Forbidden => Some(self.forbidden(account, refused)),
            Reason::NotFound => {
                Some(Advice::say("no such site, or it was deleted; check `url`").with(self.look()))
            }
            Reason::Rejected => Some(Advice {
                sentence: None,
                remedies: self.look(),
            }),
            _ => None,
        }
    }
}

impl SharePointSite {
    fn forbidden(&self, account: &Account, refused: &Refused<'_>) -> Advice {
        let person = account.person();
        let permissions = self.permissions(account);
        let beside = match person {
            Some(_) => ", or the person may not read this site",
            None => ", or the grant on this one site",
        };
        if self.unsupported(account).is_some() {
            return Advice::say(probably_missing(&permissions, beside)).with(vec![
                Remedy::say(
                    "SharePoint's own REST takes app-only tokens by certificate or federation \
                     only: client_certificate instead of client_secret, or drop `api: sharepoint`",
                ),
                Remedy::Script,
            ]);
        }
        let mut remedies = Vec::new();
        if person.is_some() {
            remedies.push(Remedy::Grant(Grant::SiteVisitor {
                url: self.url.clone(),
            }));
        }
        if person.is_none() || site::only_selected(&permissions, refused.held) {
            remedies.push(Remedy::Grant(Grant::SiteRole {
                url: self.url.clone(),
                role: SiteRole::Read,
            }));
        }
        forbidden(&permissions, beside, refused, remedies)
    }

    fn look(&self) -> Vec<Remedy> {
        vec![Remedy::say(format!(
            "does a browser find {}? A site of another tenant needs an account there",
            self.url
        ))]
    }
}
