//! `app_credentials`: when do the secrets and certificates of applications end,
//! and the certificates that sign for single sign-on? Ends are asked for; names
//! of applications, secrets, hints and keys are read over.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::ask::{Answer, Ask, Findings, Stopped};
use super::body;
use super::key::{Flag, Pairs};
use super::lenient::{Lenient, Moment, all_of};
use super::pages::{Collected, Pages};
use super::reading::{Reading, ReadingUnit};
use super::{
    AnyKey, BadBody, Define, Effort, Impact, Info, Key, Keys, Permission, ProbeFuture, Refusals,
    Request, Setting, Spec, UNADDRESSED,
};
use crate::model::{Account, Reason, Sample, Service, Timestamp, is_guid, quoted};

/// Credentials of applications in the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppCredentials {
    /// Names of our own, each with a client id.
    applications: Vec<(Arc<str>, Arc<str>)>,
    /// Count those of all applications too.
    all: bool,
}

static APPLICATIONS: Key<Pairs> = Key::optional(
    "applications",
    Pairs {
        takes: "mapping of names to client ids, at most 100",
    },
    "",
    "Applications whose ends are told one by one, as `{payroll: 11111111-2222-3333-4444-555555555555}`; the name is a label.",
);
static ALL: Key<Flag> = Key::optional(
    "all",
    Flag,
    "`false`",
    "Count the credentials of all applications too, by when they end: one request for every hundred applications.",
);
static KEYS: &[&dyn AnyKey] = &[&APPLICATIONS, &ALL];

const EXPIRY: u8 = 0;
const CREDENTIALS: u8 = 1;
const MOST_APPLICATIONS: usize = 100;
static READINGS: &[Reading] = &[
    Reading {
        metric: "m365_application_credential_expiry_timestamp_seconds",
        unit: ReadingUnit::Seconds,
        labels: &["application", "credential", "end"],
        help: "When credentials of a named application end: last is the end after which none is left, first the next end of one.",
        most: MOST_APPLICATIONS * CREDENTIAL_KINDS.len() * 2,
    },
    Reading {
        metric: "m365_application_credentials",
        unit: ReadingUnit::None,
        labels: &["due"],
        help: "Credentials of all applications, by when they end; absent where there are more than can be counted.",
        most: DUE.len() + 1,
    },
];

const SECRET: &str = "client_secret";
const CERTIFICATE: &str = "client_certificate";
const SIGNING: &str = "saml_signing";
const CREDENTIAL_KINDS: [&str; 3] = [SECRET, CERTIFICATE, SIGNING];
/// The time left, in days, below which a credential is due so.
const DUE: [(&str, i64); 4] = [("expired", 0), ("7d", 7), ("30d", 30), ("90d", 90)];
const LATER: &str = "later";

const OF_APPLICATION: &str = "$select=id,passwordCredentials,keyCredentials";
const OF_PRINCIPAL: &str = "$select=id,preferredTokenSigningKeyThumbprint,keyCredentials";
const APPLICATIONS_STEP: &str = "applications";
const SIGNING_STEP: &str = "signing";
/// Microsoft Graph, "List applications": 150 requests a minute as soon as keys
/// are selected, for a whole tenant.
const PAUSE: Duration = Duration::from_millis(400);
/// So many of the named are asked without a pause.
const WITHOUT_PAUSE: usize = 25;
/// An application, and its service principal.
const REQUESTS_OF_ONE: u32 = 2;
const LISTED_APPLICATIONS: Pages = Pages {
    step: APPLICATIONS_STEP,
    what: "list of applications",
    most: 100,
    pause: PAUSE,
    then: 1,
};
const LISTED_PRINCIPALS: Pages = Pages {
    step: SIGNING_STEP,
    what: "list of service principals",
    then: 0,
    ..LISTED_APPLICATIONS
};
/// A hundred applications with a few certificates each.
const LONGEST_PAGE: usize = 4 << 20;

/// An application, or a service principal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Holder {
    #[serde(rename = "id")]
    _id: String,
    #[serde(default)]
    password_credentials: Lenient<Vec<Lenient<Credential>>>,
    #[serde(default)]
    key_credentials: Lenient<Vec<Lenient<Credential>>>,
    #[serde(default)]
    preferred_token_signing_key_thumbprint: Lenient<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    #[serde(default)]
    end_date_time: Moment,
    /// Of a key: the SHA-1 of its certificate, base64.
    #[serde(default)]
    custom_key_identifier: Lenient<String>,
}

impl Define for AppCredentials {
    const INFO: &'static Info = &Info {
        name: "app_credentials",
        title: "Credentials of applications",
        help: "Asks when secrets and certificates of applications end, and the certificates that sign for single sign-on.",
        proves: "The directory answers; the ends are readings.",
        proves_not: "That an application uses the credential that lives longest.",
        holds: "application with an id",
        keys: KEYS,
        service: Service::Directory,
        limit_per_application: true,
        refusals: Refusals {
            people: ", or a policy keeps people from reading the directory",
            applications: "",
            not_found: "no such application in this tenant; check the client ids in `applications`",
        },
        readings: READINGS,
        steps: &[APPLICATIONS_STEP, SIGNING_STEP],
        interval: Some(Duration::from_secs(3_600)),
        timeout: Some(Duration::from_secs(120)),
        impact: Impact::Housekeeping,
        example: "{name: credentials, account: contoso, kind: app_credentials, applications: {payroll: 11111111-2222-3333-4444-555555555555}, all: true}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, _: Option<&Account>) -> Option<Self> {
        let applications = APPLICATIONS.take(keys).or(Vec::new());
        let all = ALL.take(keys).or(false);
        let (applications, all) = (applications?, all?);
        let refuse = |message: String| keys.refuse(APPLICATIONS.name, message);
        if applications.is_empty() && !all {
            refuse("\"applications\" is missing: name the applications by their client ids, or say \"all: true\"".to_owned());
            return None;
        }
        if applications.len() > MOST_APPLICATIONS {
            refuse(format!(
                "\"applications\" takes at most {MOST_APPLICATIONS} of them; \"all: true\" counts the others"
            ));
            return None;
        }
        for (name, id) in &applications {
            if !(1..=64).contains(&name.len()) || name.chars().any(char::is_control) {
                refuse(format!(
                    "\"applications\" takes names of 1 to 64 characters, not {}",
                    quoted(name)
                ));
                return None;
            }
            if !is_guid(id) {
                refuse(format!(
                    "\"applications\" takes client ids such as \"11111111-2222-3333-4444-555555555555\", not {}",
                    quoted(id)
                ));
                return None;
            }
        }
        Some(Self { applications, all })
    }
}

impl Spec for AppCredentials {
    fn target(&self) -> Cow<'_, str> {
        let names: Vec<&str> = self.applications.iter().map(|(name, _)| &**name).collect();
        match (names.is_empty(), self.all) {
            (true, _) => "all applications".into(),
            (false, true) => format!("{} and all others", names.join(", ")).into(),
            (false, false) => names.join(", ").into(),
        }
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        let named = Some(&self.applications).filter(|named| !named.is_empty());
        let named = named.into_iter().map(|named| APPLICATIONS.show(named));
        named.chain([ALL.show(&self.all)]).collect()
    }

    /// An application may read its own registration without any (Microsoft Graph,
    /// "Get servicePrincipal").
    fn permissions(&self, account: &Account) -> Vec<Permission> {
        let own = account
            .client_id
            .as_deref()
            .filter(|_| account.person().is_none());
        let is_own = |id: &str| own.is_some_and(|own| own.eq_ignore_ascii_case(id));
        if !self.all && self.applications.iter().all(|(_, id)| is_own(id)) {
            return Vec::new();
        }
        vec![
            Permission::of_graph(
                account,
                "Application.Read.All",
                "reads when credentials of applications end; there is nothing narrower",
            )
            .broader(match account.person() {
                Some(_) => &["Application.ReadWrite.All", "Directory.Read.All"],
                // Nobody can consent to the second: it is for applications alone.
                None => &[
                    "Application.ReadWrite.All",
                    "Application.ReadWrite.OwnedBy",
                    "Directory.Read.All",
                ],
            }),
        ]
    }

    /// The first: Microsoft Graph "Get application" by its client id, or "List
    /// applications".
    fn request(&self, account: &Account) -> Option<Request> {
        match self.applications.first() {
            Some((_, id)) => one(account, "applications", id, OF_APPLICATION),
            None => listed(account, "/applications", OF_APPLICATION),
        }
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        holder(answer).map(|_| Findings::default())
    }

    /// The timeout is made for pages of all applications: that each of the named
    /// takes as long fits into no interval, and need not.
    fn effort(&self, _: &Account) -> Effort {
        let named = u32::try_from(self.applications.len()).unwrap_or(u32::MAX);
        let requests = named.saturating_mul(REQUESTS_OF_ONE);
        let first = requests.min(REQUESTS_OF_ONE);
        let named = Effort::of(first)
            .and_up_to(requests - first, Duration::ZERO)
            .waiting(self.pause_before_each().saturating_mul(named));
        if !self.all {
            return named;
        }
        let principals = LISTED_PRINCIPALS.effort().waiting(PAUSE);
        named.and(LISTED_APPLICATIONS.effort()).and(principals)
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let now = ask.now();
            let (mut readings, mut missing) = (Vec::new(), Vec::new());
            for (name, id) in &self.applications {
                let pause = self.pause_before_each();
                if !pause.is_zero() {
                    ask.wait(pause).await;
                }
                match named(account, ask, name, id, now).await? {
                    Some(ends) => readings.extend(ends),
                    None => missing.push(quoted(name)),
                }
            }
            if self.all {
                readings.extend(counted(account, ask, now).await?);
            }
            if missing.is_empty() {
                return Ok(Findings { readings });
            }
            // The ends of the others are as true as before.
            Err(Stopped::Partly {
                reason: Reason::NotFound,
                sentence: format!(
                    "the tenant has no application {}; check the client ids in \"applications\"",
                    missing.join(", ")
                )
                .into(),
                readings,
            })
        })
    }
}

impl AppCredentials {
    /// Of the named.
    fn pause_before_each(&self) -> Duration {
        match self.applications.len() {
            ..=WITHOUT_PAUSE => Duration::ZERO,
            _ => REQUESTS_OF_ONE * PAUSE,
        }
    }
}

/// One application or service principal; a 404 is looked at by who asks.
fn one(account: &Account, list: &str, id: &str, query: &str) -> Option<Request> {
    let path = format!("/{list}(appId='{id}')");
    let request = Request::of_graph(&account.cloud, &path, query)?;
    Some(request.expecting(&[200, 404]).within(LONGEST_PAGE))
}

fn listed(account: &Account, path: &str, query: &str) -> Option<Request> {
    let query = format!("{query}&$top=100");
    let request = Request::of_graph(&account.cloud, path, &query)?;
    Some(request.within(LONGEST_PAGE))
}

fn holder(answer: &Answer) -> Result<Holder, BadBody> {
    body::object(AppCredentials::INFO.holds, answer)
}

/// The ends of one application; `None` if there is none. One that another tenant
/// owns has a service principal here and nothing else.
async fn named(
    account: &Account,
    ask: &mut dyn Ask,
    name: &str,
    id: &str,
    now: Timestamp,
) -> Result<Option<Vec<Sample>>, Stopped> {
    let request = one(account, "applications", id, OF_APPLICATION).ok_or(UNADDRESSED)?;
    let application = ask.send(APPLICATIONS_STEP, request).await?;
    let request = one(account, "servicePrincipals", id, OF_PRINCIPAL).ok_or(UNADDRESSED)?;
    let principal = ask.send(SIGNING_STEP, request).await?;
    if application.status == 404 && principal.status == 404 {
        return Ok(None);
    }
    let mut ends: Vec<(&str, Vec<Timestamp>)> = Vec::new();
    if application.status != 404 {
        let application = holder(&application)?;
        ends.push((SECRET, ends_of(application.password_credentials)));
        ends.push((CERTIFICATE, ends_of(application.key_credentials)));
    }
    if principal.status != 404 {
        ends.push((SIGNING, signing(holder(&principal)?).into_iter().collect()));
    }
    let mut samples = Vec::new();
    for (credential, ends) in ends {
        let Some(last) = ends.iter().max() else {
            continue;
        };
        // What ended already is no news while another lives.
        let first = ends.iter().filter(|end| **end > now).min().unwrap_or(last);
        for (which, end) in [("first", first), ("last", last)] {
            let at = end.as_second() as f64;
            samples.push(Sample::of(EXPIRY, [name, credential, which], at));
        }
    }
    Ok(Some(samples))
}

/// How many credentials of all applications end when.
async fn counted(
    account: &Account,
    ask: &mut dyn Ask,
    now: Timestamp,
) -> Result<Vec<Sample>, Stopped> {
    let request = listed(account, "/applications", OF_APPLICATION);
    let applications: Collected<Holder> = LISTED_APPLICATIONS.all(ask, request).await?;
    ask.wait(PAUSE).await;
    let request = listed(account, "/servicePrincipals", OF_PRINCIPAL);
    let principals: Collected<Holder> = LISTED_PRINCIPALS.all(ask, request).await?;
    if !applications.whole || !principals.whole {
        return Ok(Vec::new());
    }
    let own = applications.items.into_iter().flat_map(|one| {
        let secrets = ends_of(one.password_credentials);
        secrets.into_iter().chain(ends_of(one.key_credentials))
    });
    // Service principals carry Microsoft's own keys too: what signs counts alone.
    let signing = principals.items.into_iter().filter_map(signing);
    let mut counts = DUE.map(|(due, _)| (due, 0_u32)).to_vec();
    counts.push((LATER, 0));
    for end in own.chain(signing) {
        let due = due(end, now);
        for (known, count) in &mut counts {
            *count += u32::from(*known == due);
        }
    }
    let samples = counts.into_iter();
    Ok(samples
        .map(|(due, count)| Sample::of(CREDENTIALS, [due], count.into()))
        .collect())
}

fn ends_of(credentials: Lenient<Vec<Lenient<Credential>>>) -> Vec<Timestamp> {
    let credentials = all_of(credentials.0.unwrap_or_default());
    credentials
        .filter_map(|one| one.end_date_time.given())
        .collect()
}

/// The end of the certificate that signs, of those that were ever there.
fn signing(principal: Holder) -> Option<Timestamp> {
    let thumbprint = principal.preferred_token_signing_key_thumbprint.0?;
    let signs = |one: &Credential| {
        let id = one.custom_key_identifier.0.as_deref().unwrap_or_default();
        let hash = STANDARD.decode(id).unwrap_or_default();
        let digits: String = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        digits.eq_ignore_ascii_case(&thumbprint) || id.eq_ignore_ascii_case(&thumbprint)
    };
    let keys = all_of(principal.key_credentials.0.unwrap_or_default());
    keys.filter(signs)
        .filter_map(|one| one.end_date_time.given())
        .max()
}

fn due(end: Timestamp, now: Timestamp) -> &'static str {
    const DAY: i64 = 86_400;
    let left = end.as_second() - now.as_second();
    let first = DUE.iter().find(|(_, days)| left <= days * DAY);
    first.map_or(LATER, |(due, _)| due)
}

#[cfg(test)]
mod tests;
