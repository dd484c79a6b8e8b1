//! `file_round_trip`: can a file be written, read and removed? A small file
//! under a name that nobody else uses is put into the configured folder, read
//! back through the download address, compared and removed. What an earlier run
//! left there is found by its name and age, and removed too; nothing else is
//! touched.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use url::Url;

use super::advice::forbidden;
use super::ask::{Answer, Ask, Findings, Stopped};
use super::body;
use super::key::{Address, Text};
use super::lenient::{Lenient, Moment, all_of};
use super::mark::{LEFT_BEHIND, is_ours, named};
use super::request::{Body, encode};
use super::site::{self, SELECTED};
use super::{
    Advice, AnyKey, BadBody, Define, Effort, Grant, Info, Key, Keys, Permission, ProbeFuture,
    Refused, Remedy, Request, Setting, SiteRole, Spec, UNADDRESSED, Wide,
};
use crate::model::{Account, Method, Provider, Reason, Service, Timestamp, quoted};

/// A folder of a site in which a file is written, read and removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRoundTrip {
    url: Url,
    /// Names of folders in the library, parted by slashes.
    folder: Arc<str>,
}

static URL: Key<Address> = site::url_key(
    "The site, best one that is there for this alone and has no retention, as `https://contoso.sharepoint.com/sites/monitoring`.",
);
static FOLDER: Key<Text> = Key::required(
    "folder",
    Text {
        takes: "path of a folder in the site's library",
        check: is_folder,
    },
    "the folder that files may be written to, as \"m365mon\"",
    "The only folder that is written to, below the library's root; it is made where it is not there yet.",
);
static KEYS: &[&dyn AnyKey] = &[&URL, &FOLDER];

fn is_folder(text: &str) -> Result<(), String> {
    let fits = |name: &str| {
        !name.is_empty()
            && !name.bytes().all(|b| b == b'.')
            && name.trim() == name
            && !name.contains(|c: char| c.is_control() || "\"*:<>?\\|#%".contains(c))
    };
    if text.len() <= 200 && text.split('/').all(fits) {
        return Ok(());
    }
    Err(format!(
        "must be the path of a folder such as \"m365mon\" or \"Monitoring/m365mon\", without slashes around it and without any of \" * : < > ? \\ | # %, not {}",
        quoted(text)
    ))
}

const PUT: &str = "put";
const GET: &str = "get";
const DELETE: &str = "delete";
/// Behind the name that is ours.
const ENDING: &str = ".txt";
const SIZE: usize = 1_024;
/// So many of them are removed in one probe.
const MOST_REMOVED: usize = 10;

#[derive(Deserialize)]
struct Item {
    id: String,
}

#[derive(Deserialize)]
struct Children {
    value: Vec<Lenient<Child>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Child {
    id: String,
    name: String,
    #[serde(default)]
    created_date_time: Moment,
}

impl Define for FileRoundTrip {
    const INFO: &'static Info = &Info {
        name: "file_round_trip",
        title: "File round trip",
        help: "Writes a file of 1 kB into a folder, reads it back and removes it.",
        proves: "Files can be written, downloaded and removed in this site.",
        proves_not: "That large files, synchronisation or editing in the browser work.",
        holds: "file with an id",
        keys: KEYS,
        service: Service::SharePoint,
        // Microsoft Learn, "Avoid getting throttled or blocked in SharePoint
        // Online": an upload 2, a download 1, a removal 2, a list 2.
        cost: 7,
        steps: &[PUT, GET, DELETE],
        interval: Some(Duration::from_secs(900)),
        writes: true,
        microsoft_service: "SharePoint",
        in_service_level: true,
        example: "{name: files, account: contoso, kind: file_round_trip, url: https://contoso.sharepoint.com/sites/monitoring, folder: m365mon}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, account: Option<&Account>) -> Option<Self> {
        let url = URL.take(keys).given();
        let folder = FOLDER.take(keys).given();
        if let (Some(url), Some(account)) = (&url, account) {
            site::warn_of_cloud(url, &account.cloud, keys);
        }
        Some(Self {
            url: url?,
            folder: folder?,
        })
    }
}

impl Spec for FileRoundTrip {
    fn target(&self) -> Cow<'_, str> {
        format!("{} of {}", self.folder, self.url).into()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        vec![URL.show(&self.url), FOLDER.show(&self.folder)]
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        let reason = "writes, reads and removes its own small files in the one site on which an \
                      administrator granted the application the role write";
        let permission = Permission::of_graph(account, SELECTED, reason).broader(&[
            "Sites.ReadWrite.All",
            "Sites.Manage.All",
            "Sites.FullControl.All",
            "Files.ReadWrite.All",
        ]);
        vec![match account.person() {
            // What the person may not write to, no scope opens.
            Some(_) => permission,
            None => permission.wide(Wide {
                names: &["Sites.ReadWrite.All", "Files.ReadWrite.All"],
                says: "opens every file of the tenant for writing; Sites.Selected with the role \
                       write on the one configured site does",
                test: None,
            }),
        }]
    }

    fn grants(&self, account: &Account) -> Vec<Grant> {
        let role = Grant::SiteRole {
            url: self.url.clone(),
            role: SiteRole::Write,
        };
        let person = account.person().map(|person| {
            let how = format!(
                "{} must be allowed to edit in {}: make the person a member of the site",
                person.username, self.url
            );
            Grant::ByHand(how.into())
        });
        [role].into_iter().chain(person).collect()
    }

    /// Its file has another name each time.
    fn request(&self, _: &Account) -> Option<Request> {
        None
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let _: Item = body::object(Self::INFO.holds, answer)?;
        Ok(Findings::default())
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        match refused.reason {
            Reason::Forbidden => {
                let beside = ", or the role write on this one site";
                let grants = self.grants(account).into_iter().map(Remedy::Grant);
                let kept = "if only the removal is refused: a retention policy or label keeps the \
                            files; take a site without one";
                let remedies = grants.chain([Remedy::say(kept)]).collect();
                Some(forbidden(
                    &self.permissions(account),
                    beside,
                    refused,
                    remedies,
                ))
            }
            Reason::NotFound => Some(
                Advice::say("no such site, or its library is gone; check `url`").with(vec![
                    Remedy::say(format!("does a browser find {}?", self.url)),
                ]),
            ),
            Reason::ServerError if refused.error.has("quotaLimitReached") => Some(
                Advice::say("the site or the tenant is full").with(vec![Remedy::say(
                    "nobody can save a file there: raise the quota, or empty the recycle bins",
                )]),
            ),
            Reason::Locked => Some(Advice::say("the site or the file is locked").with(vec![
                Remedy::say(
                    "the site may be read-only or archived, or a retention label holds the file",
                ),
            ])),
            _ => None,
        }
    }

    /// Put, get, download, remove in one of two ways, and the clean-up.
    fn effort(&self, _: &Account) -> Effort {
        Effort::of(6)
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let nonce = ask.nonce();
            let name = named(&nonce) + ENDING;
            let left_before = self.left_before(account, &*ask);
            let gone = self.there_and_back(account, ask, &name, &nonce).await;
            ask.clean_up();
            if gone.is_err() {
                // Whether it is there may not be known: the name is ours alone.
                let file = self.of_file(account, &name, "", "");
                if let Some(file) = file.map(removing) {
                    drop(ask.send("", file).await);
                }
            }
            self.clear(account, ask, left_before).await;
            gone.map(|()| Findings::default())
        })
    }
}

impl FileRoundTrip {
    async fn there_and_back(
        &self,
        account: &Account,
        ask: &mut dyn Ask,
        name: &str,
        nonce: &str,
    ) -> Result<(), Stopped> {
        let content = content(nonce);
        let put = self.put(account, name, &content).ok_or(UNADDRESSED)?;
        let answer = ask.send(PUT, put).await?;
        // What else is in it stays there: it holds a download address too.
        let item: Item = body::object(Self::INFO.holds, &answer)?;
        let get = self.of_file(account, name, ":/content", "");
        let get = get.ok_or(UNADDRESSED)?.expecting(&[200, 302]);
        let answer = ask.send(GET, get.leading_to(&self.url)).await?;
        let read = if answer.status == 302 {
            let download = self.download(answer.header("location"))?;
            ask.send(GET, download).await?
        } else {
            answer
        };
        if read.body != content {
            return Err(Stopped::judged(
                Reason::BadResponse,
                "the file that came back is not the one that was written",
            ));
        }
        self.remove(account, ask, DELETE, &item.id).await
    }

    /// Something of a file in the folder, by its name.
    fn of_file(&self, account: &Account, name: &str, what: &str, query: &str) -> Option<Request> {
        let what = format!("drive/root:/{}/{name}{what}", self.encoded_folder());
        Request::of_site(&account.cloud, &self.url, &what, query)
    }

    /// Something of an item, by its id.
    fn of_item(&self, account: &Account, id: &str, what: &str) -> Option<Request> {
        let path = |id: &str| format!("drive/items/{id}{what}");
        let request = Request::of_site(&account.cloud, &self.url, &path(&encode(id)), "")?;
        let shown = Request::of_site(&account.cloud, &self.url, &path("{id}"), "");
        let shown = shown.map_or_else(|| path("{id}"), |shown| shown.shown);
        Some(Request { shown, ..request })
    }

    fn encoded_folder(&self) -> String {
        let names: Vec<String> = self.folder.split('/').map(encode).collect();
        names.join("/")
    }

    /// Microsoft Graph "Upload small files": only where nothing has this name.
    fn put(&self, account: &Account, name: &str, content: &Bytes) -> Option<Request> {
        let query = "@microsoft.graph.conflictBehavior=fail";
        let request = self.of_file(account, name, ":/content", query)?;
        Some(Request {
            method: Method::Put,
            body: Some(Body {
                content_type: "text/plain",
                content: content.clone(),
            }),
            ..request.expecting(&[200, 201])
        })
    }

    /// The address that a download is redirected to: on the site's own host,
    /// without a token, and shown nowhere, for it is a key by itself.
    fn download(&self, location: Option<&str>) -> Result<Request, Stopped> {
        let url = location.and_then(|location| Url::parse(location).ok());
        let Some(url) = url.filter(|url| url.scheme() == "https") else {
            return Err(Stopped::judged(
                Reason::BadResponse,
                "the answer names no download address",
            ));
        };
        let own = url.origin() == self.url.origin() && url.username().is_empty();
        if !own {
            return Err(Stopped::judged(
                Reason::BadResponse,
                "the download address is on another host than the site",
            ));
        }
        let shown = "the download address".to_owned();
        let request = Request::get(url, shown, Provider::Workload);
        Ok(Request {
            accept: "*/*",
            body_limit: 4 * SIZE,
            ..request
        })
    }

    /// Permanently where that is allowed, else into the recycle bin.
    async fn remove(
        &self,
        account: &Account,
        ask: &mut dyn Ask,
        step: &'static str,
        id: &str,
    ) -> Result<(), Stopped> {
        let permanently = self.of_item(account, id, "/permanentDelete");
        let permanently = permanently.ok_or(UNADDRESSED)?;
        let permanently = Request {
            method: Method::Post,
            ..permanently.expecting(&[204, 400, 403, 404, 405, 501])
        };
        if ask.send(step, permanently).await?.status == 204 {
            return Ok(());
        }
        let delete = self.of_item(account, id, "").ok_or(UNADDRESSED)?;
        ask.send(step, removing(delete)).await.map(|_| ())
    }

    /// What was made until then no probe under way has made, this exporter's or
    /// another's with the same timeout.
    fn left_before(&self, account: &Account, ask: &dyn Ask) -> Option<Timestamp> {
        let longest = self.effort(account).longest(ask.timeout());
        ask.now().checked_sub(longest.max(LEFT_BEHIND)).ok()
    }

    /// Removes what earlier runs left: files with a name of ours in our folder
    /// that are older than any run under way.
    async fn clear(&self, account: &Account, ask: &mut dyn Ask, left_before: Option<Timestamp>) {
        let Some(left_before) = left_before else {
            return;
        };
        let what = format!("drive/root:/{}:/children", self.encoded_folder());
        let query = "$select=id,name,createdDateTime&$top=200";
        let Some(list) = Request::of_site(&account.cloud, &self.url, &what, query) else {
            return;
        };
        let Ok(answer) = ask.send("", list.expecting(&[200, 404])).await else {
            return;
        };
        let Ok(children) = body::object::<Children>("list of files", &answer) else {
            return;
        };
        let left = all_of(children.value).filter(|child| is_left_behind(child, left_before));
        for child in left.take(MOST_REMOVED) {
            if self.remove(account, ask, "", &child.id).await.is_err() {
                return;
            }
        }
    }
}

/// A kilobyte that nobody has written before.
fn content(nonce: &str) -> Bytes {
    let line = format!("{nonce} written by m365mon, which removes it\n");
    let mut text = line.repeat(SIZE / line.len() + 1);
    text.truncate(SIZE);
    text.into()
}

fn removing(request: Request) -> Request {
    Request {
        method: Method::Delete,
        ..request.expecting(&[204, 404])
    }
}

fn is_left_behind(child: &Child, before: Timestamp) -> bool {
    let created = child.created_date_time.given();
    child.name.strip_suffix(ENDING).is_some_and(is_ours)
        && created.is_some_and(|created| created <= before)
}

#[cfg(test)]
mod tests;
