//! `onedrive`: does somebody's OneDrive answer? The id of the drive is asked
//! for, and where wanted its quota; names of files never are.

use std::borrow::Cow;

use serde::Deserialize;
use url::Url;

use super::advice::forbidden;
use super::body;
use super::key::{Address, Flag};
use super::lenient::Lenient;
use super::reading::{Reading, ReadingUnit};
use super::site::{self, EVERY_SITE, SELECTED};
use super::{
    Advice, Answer, AnyKey, BadBody, Define, Findings, Grant, Info, Key, Keys, KnownMessage,
    Permission, Refused, Remedy, Request, Setting, SiteRole, Spec, Taken,
};
use crate::model::{Account, Reason, Sample, Service, quoted};

/// A person's drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneDrive {
    /// The personal site that holds it; `None` is the signed-in person's own.
    url: Option<Url>,
    /// Ask for the quota too.
    quota: bool,
}

static URL: Key<Address> = Key::optional(
    "url",
    Address {
        takes: "`https://` URL",
        parse: personal,
    },
    "the person of `delegated`",
    "The personal site that holds the drive, as `https://contoso-my.sharepoint.com/personal/steve_contoso_com`. Needed unless the account is delegated.",
);
static QUOTA: Key<Flag> = Key::optional(
    "quota",
    Flag,
    "`false`",
    "Ask for the quota too; Microsoft's figures are often wrong, and absent where the account does not own the drive.",
);
static KEYS: &[&dyn AnyKey] = &[&URL, &QUOTA];

const SUCH_AS: &str = "https://contoso-my.sharepoint.com/personal/steve_contoso_com";

/// The address of a personal site.
fn personal(text: &str) -> Result<Url, String> {
    let url = site::parse(text)?;
    let mut path = url.path_segments().into_iter().flatten();
    let first = path.next().unwrap_or_default();
    let named = path.next().is_some_and(|name| !name.is_empty()) && path.next().is_none();
    if first.eq_ignore_ascii_case("personal") && named {
        return Ok(url);
    }
    Err(format!(
        "must be the address of a personal site such as \"{SUCH_AS}\", not {}; the library of another site is what \"sharepoint_site\" is for",
        quoted(text)
    ))
}

const QUOTA_TOTAL: u8 = 0;
const USED: u8 = 1;
const DELETED: u8 = 2;
static READINGS: &[Reading] = &[
    Reading {
        metric: "m365_drive_quota_bytes",
        unit: ReadingUnit::Bytes,
        labels: &[],
        help: "What the drive may hold, as Microsoft says; a hint.",
        most: 1,
    },
    Reading {
        metric: "m365_drive_used_bytes",
        unit: ReadingUnit::Bytes,
        labels: &[],
        help: "What the drive holds, as Microsoft says; a hint, often wrong.",
        most: 1,
    },
    Reading {
        metric: "m365_drive_deleted_bytes",
        unit: ReadingUnit::Bytes,
        labels: &[],
        help: "What is in the recycle bin of the drive, as Microsoft says; a hint.",
        most: 1,
    },
];

#[derive(Deserialize)]
struct Drive {
    #[serde(rename = "id")]
    _id: String,
    #[serde(default)]
    quota: Lenient<Quota>,
}

#[derive(Deserialize)]
struct Quota {
    #[serde(default)]
    total: Lenient<i64>,
    #[serde(default)]
    used: Lenient<i64>,
    #[serde(default)]
    deleted: Lenient<i64>,
}

impl Define for OneDrive {
    const INFO: &'static Info = &Info {
        name: "onedrive",
        title: "OneDrive",
        help: "Asks for the id of a person's drive, with its quota where that is wanted.",
        proves: "The drive answers, and the account may read it.",
        proves_not: "That files open, that the synchronisation of a computer works.",
        holds: "drive with an id",
        keys: KEYS,
        service: Service::SharePoint,
        // Microsoft Learn, "Avoid getting throttled or blocked in SharePoint Online": a single item.
        cost: 1,
        readings: READINGS,
        microsoft_service: "OneDriveForBusiness",
        in_service_level: true,
        example: "{name: steves-files, account: contoso, kind: onedrive, url: https://contoso-my.sharepoint.com/personal/steve_contoso_com}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        let quota = QUOTA.take(keys).or(false);
        let url = URL.take(keys);
        let person = account.is_some_and(|account| account.person().is_some());
        match (&url, account) {
            (Taken::Absent, Some(_)) if !person => {
                keys.refuse(URL.name, format!("\"url\" is missing: an account without \"delegated\" has no drive of its own; name the personal site, as \"{SUCH_AS}\""));
                return None;
            }
            (Taken::Given(_), Some(_)) if person => {
                keys.refuse(URL.name, "\"url\" is for accounts without \"delegated\": through this one the signed-in person's own drive is asked; drop \"url\" or name another account".to_owned());
                return None;
            }
            (Taken::Given(url), Some(account)) => site::warn_of_cloud(url, &account.cloud, keys),
            _ => {}
        }
        Some(Self {
            url: url.optional()?,
            quota: quota?,
        })
    }
}

impl Spec for OneDrive {
    fn target(&self) -> Cow<'_, str> {
        self.url.as_ref().map_or("me", Url::as_str).into()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        let url = self.url.iter().map(|url| URL.show(url));
        url.chain([QUOTA.show(&self.quota)]).collect()
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![match (account.person(), self.quota) {
            (Some(_), false) => Permission::of_graph(
                account,
                "User.Read",
                "reads the id of the signed-in person's own drive",
            )
            .broader(&[
                "Files.Read",
                "Files.ReadWrite",
                "Files.Read.All",
                "Files.ReadWrite.All",
            ]),
            (Some(_), true) => Permission::of_graph(
                account,
                "Files.Read",
                "reads the quota of the signed-in person's own drive",
            )
            .broader(&["Files.ReadWrite", "Files.Read.All", "Files.ReadWrite.All"]),
            (None, _) => Permission::of_graph(
                account,
                SELECTED,
                "reads the id of the drives whose personal sites granted the application the role \
                 read, and of no other",
            )
            .or(&["Sites.Read.All"])
            .broader(&[
                "Files.Read.All",
                "Files.ReadWrite.All",
                "Sites.ReadWrite.All",
                "Sites.Manage.All",
                "Sites.FullControl.All",
            ])
            .wide(EVERY_SITE),
        }]
    }

    fn grants(&self, _: &Account) -> Vec<Grant> {
        let site = self.url.iter().map(|url| Grant::SiteRole {
            url: url.clone(),
            role: SiteRole::Read,
        });
        site.collect()
    }

    /// Microsoft Graph "Get drive", or "Get driveItem" of its root, which costs
    /// least where nothing of the drive itself is wanted.
    fn request(&self, account: &Account) -> Option<Request> {
        let cloud = &account.cloud;
        match (&self.url, self.quota) {
            (None, false) => Request::of_graph(cloud, "/me/drive", "$select=id"),
            (None, true) => Request::of_graph(cloud, "/me/drive", "$select=id,quota"),
            (Some(url), false) => Request::of_site(cloud, url, "drive/root", "$select=id"),
            (Some(url), true) => Request::of_site(cloud, url, "drive", "$select=id,quota"),
        }
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let drive: Drive = body::object(Self::INFO.holds, answer)?;
        let quota = drive.quota.0.filter(|_| self.quota);
        Ok(Findings::of(
            quota.into_iter().flat_map(|quota| figures(&quota)),
        ))
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        match refused.reason {
            Reason::Forbidden => Some(self.forbidden(account, refused)),
            Reason::NotFound if self.url.is_none() => Some(
                Advice::say(
                    "the person has no OneDrive yet: it is made when the person asks for it, as \
                     this probe does, and takes some minutes",
                )
                .with(vec![Remedy::say(
                    "if it is not there in an hour, open OneDrive once as this person, who needs a \
                     licence for it; if the probe worked an hour ago, this is Microsoft's",
                )]),
            ),
            Reason::NotFound => Some(
                Advice::say("no such drive: it was never made, or its owner is gone").with(vec![
                    Remedy::say(
                        "a OneDrive is made when its owner opens it for the first time, and takes \
                         some minutes; if the probe worked an hour ago, this is Microsoft's",
                    ),
                ]),
            ),
            Reason::Rejected => {
                let says = if refused.says(KnownMessage::NoSharePointLicence) {
                    "the tenant has no SharePoint, hence no OneDrive"
                } else {
                    "the person has no OneDrive: no licence for it, or the account is blocked"
                };
                Some(Advice::say(says).with(vec![Remedy::say(
                    "give the person a licence that holds SharePoint, then open OneDrive once",
                )]))
            }
            Reason::Locked => Some(
                Advice::say("the drive is locked: read-only or archived").with(vec![Remedy::say(
                    "60 days after its owner lost the licence a OneDrive becomes read-only, after \
                     93 it is archived: a monitoring account has to keep its licence",
                )]),
            ),
            _ => None,
        }
    }
}

impl OneDrive {
    fn forbidden(&self, account: &Account, refused: &Refused<'_>) -> Advice {
        let beside = match self.url {
            Some(_) => ", or the grant on this one personal site",
            None => ", or the person has no drive",
        };
        let grants = self.grants(account).into_iter().map(Remedy::Grant);
        let mut remedies: Vec<Remedy> = grants.collect();
        if remedies.is_empty() {
            remedies.push(Remedy::SignIn);
        }
        forbidden(&self.permissions(account), beside, refused, remedies)
    }
}

/// All is zero where the caller may not see it.
fn figures(quota: &Quota) -> Vec<Sample> {
    if quota.total.0.is_none_or(|total| total <= 0) {
        return Vec::new();
    }
    let figures = [
        (QUOTA_TOTAL, quota.total.0),
        (USED, quota.used.0),
        (DELETED, quota.deleted.0),
    ];
    let known = figures
        .into_iter()
        .filter_map(|(reading, bytes)| Some((reading, bytes.filter(|bytes| *bytes >= 0)?)));
    known
        .map(|(reading, bytes)| Sample::plain(reading, bytes as f64))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::kinds::testing::{answer, value};

    fn drive(url: Option<&str>, quota: bool) -> OneDrive {
        OneDrive {
            url: url.map(|url| personal(url).unwrap()),
            quota,
        }
    }

    #[test]
    fn the_smallest_request() {
        let person = fixtures::delegated("steve", "steve@contoso.com");
        let app = fixtures::account("contoso");
        let site = "/sites/contoso-my.sharepoint.com:/personal/steve_contoso_com:/drive";
        for (url, quota, account, path) in [
            (None, false, &person, "/me/drive?$select=id"),
            (None, true, &person, "/me/drive?$select=id,quota"),
            (
                Some(SUCH_AS),
                false,
                &app,
                &*format!("{site}/root?$select=id"),
            ),
            (
                Some(SUCH_AS),
                true,
                &app,
                &*format!("{site}?$select=id,quota"),
            ),
        ] {
            let request = drive(url, quota).request(account).unwrap();
            let wanted = format!("https://graph.microsoft.com/v1.0{path}");
            assert_eq!(request.url.as_str(), wanted);
            assert!(!request.shown.contains("steve"), "{}", request.shown);
        }
    }

    #[test]
    fn quotas() {
        for (quota, figures) in [
            (
                r#"{"total":100,"used":40,"deleted":2,"remaining":1,"state":"normal"}"#,
                [Some(100.0), Some(40.0), Some(2.0)],
            ),
            (
                r#"{"total":100,"used":-5,"deleted":null,"remaining":200}"#,
                [Some(100.0), None, None],
            ),
            (r#"{"total":0,"used":0,"deleted":0}"#, [None; 3]),
            (r#"{"used":40}"#, [None; 3]),
            ("null", [None; 3]),
            ("{}", [None; 3]),
            ("\"x\"", [None; 3]),
        ] {
            let body = answer(&format!(r#"{{"id":"b!9f3k","quota":{quota}}}"#));
            let found = drive(None, true).judge(&body).unwrap().readings;
            let told = [QUOTA_TOTAL, USED, DELETED].map(|reading| value(&found, reading, &[]));
            assert_eq!(told, figures, "{quota}");
            assert_eq!(
                drive(None, false).judge(&body).unwrap(),
                Findings::default()
            );
        }
    }

    #[test]
    fn what_is_no_drive() {
        for body in ["{}", r#"{"id":null}"#, r#"{"id":"x","error":{"code":"x"}}"#] {
            assert!(drive(None, false).judge(&answer(body)).is_err(), "{body}");
        }
    }

    #[test]
    fn personal_sites() {
        assert!(personal(SUCH_AS).is_ok());
        assert!(personal("https://contosoeur-my.sharepoint.com/Personal/x/").is_ok());
        for bad in [
            "https://contoso.sharepoint.com/sites/intranet",
            "https://contoso-my.sharepoint.com/",
            "https://contoso-my.sharepoint.com/personal",
            "https://contoso-my.sharepoint.com/personal/steve/sub",
        ] {
            let wrong = personal(bad).unwrap_err();
            assert!(wrong.contains("personal site"), "{wrong}");
        }
    }
}
