//! The tenant's discovery document: the tenant exists, it lives in this cloud,
//! and this machine's clock is right.

use http::header::{DATE, HeaderMap};
use serde::Deserialize;
use url::Url;

use super::finding::Step;
use super::way::Ways;
use crate::http::ProbeAnswer;
use crate::model::{Account, Clock, Cloud, Timestamp, is_guid};

/// What it tells.
pub(super) struct Discovered {
    pub(super) steps: Vec<Step>,
    /// The login host can be reached.
    pub(super) reached: bool,
    /// The tenant's GUID.
    pub(super) tenant_id: Option<String>,
}

/// Entra refuses assertions from a clock that is further off (AADSTS700024).
const MOST_SECONDS_OFF: i64 = 300;
const CLOUDS: [Cloud; 4] = [Cloud::Global, Cloud::GccHigh, Cloud::Dod, Cloud::China];

#[derive(Deserialize)]
struct Document {
    issuer: String,
    #[serde(default)]
    msgraph_host: Option<String>,
}

/// Reads the document of the account's tenant.
pub(super) async fn look(ways: &Ways<'_>, account: &Account, clock: &Clock) -> Discovered {
    let tenant = account.tenant.as_ref().map_or("", |tenant| tenant.as_str());
    let login = account.cloud.login_url();
    let host = login.strip_prefix("https://").unwrap_or(login);
    let mut found = Discovered {
        steps: Vec::new(),
        reached: false,
        tenant_id: None,
    };
    let Some(url) = url(login, tenant) else {
        found
            .steps
            .push(Step::refuted("discovery", host, "`tenant` makes no URL"));
        return found;
    };
    let (steps, result) = ways.go(url, HeaderMap::new()).await;
    found.steps = steps;
    match &result {
        Ok(answer) => {
            found.reached = true;
            found.steps.push(self::clock(host, answer, clock.now()));
            let (step, tenant_id) = tenant_step(ways, account, tenant, answer).await;
            found.steps.push(step);
            found.tenant_id = tenant_id;
        }
        Err(failure) => {
            let broke_on_the_way = found
                .steps
                .iter()
                .any(|step| step.finding == super::Finding::Refuted);
            if !broke_on_the_way {
                let step = Step::refuted("discovery", host, failure.net.detail.clone());
                found.steps.push(step);
            }
        }
    }
    found
}

fn url(login: &str, tenant: &str) -> Option<Url> {
    Url::parse(&format!(
        "{login}/{tenant}/v2.0/.well-known/openid-configuration"
    ))
    .ok()
}

/// How far this machine's clock is off, by the answer's `Date`.
fn clock(host: &str, answer: &ProbeAnswer, now: Timestamp) -> Step {
    let date = answer
        .headers
        .get(DATE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
    let Some(date) = date else {
        return Step::unseen("clock", host, "the answer names no time");
    };
    let off = now.duration_since(date.timestamp()).as_secs();
    let detail = match off {
        -1..=1 => "right within a second".to_owned(),
        2.. => format!("this machine's clock is {off} s ahead"),
        _ => format!("this machine's clock is {} s behind", -off),
    };
    if off.abs() <= MOST_SECONDS_OFF {
        Step::proved("clock", host, detail)
    } else {
        Step::refuted("clock", host, detail).mend([
            "timedatectl set-ntp true   # or: chronyc makestep",
            "timedatectl status",
        ])
    }
}

async fn tenant_step(
    ways: &Ways<'_>,
    account: &Account,
    tenant: &str,
    answer: &ProbeAnswer,
) -> (Step, Option<String>) {
    let unread = format!(
        "the discovery document cannot be read (status {})",
        answer.status
    );
    let not_entra = |detail| {
        Step::refuted("discovery", tenant, detail)
            .mend(["is there a proxy or a sign-in page between here and Entra?"])
    };
    match answer.status {
        200 => {}
        400 | 404 => return (elsewhere(ways, account, tenant).await, None),
        429 | 500.. => {
            let step = Step::unseen("discovery", tenant, unread);
            return (step.mend(["wait and try again"]), None);
        }
        _ => return (not_entra(unread), None),
    }
    let Ok(document) = serde_json::from_slice::<Document>(&answer.body) else {
        return (not_entra(unread), None);
    };
    let id = document.issuer.split('/').find(|part| is_guid(part));
    let id = id.map(str::to_lowercase);
    let step = match cloud_of(&document) {
        Some(cloud) if cloud != account.cloud && !is_custom(&account.cloud) => {
            wrong_cloud(tenant, &cloud)
        }
        _ => {
            let shown = id.as_deref().unwrap_or("without an id");
            let detail = format!("the tenant exists in this cloud ({shown})");
            Step::proved("discovery", tenant, detail)
        }
    };
    (step, id)
}

const fn is_custom(cloud: &Cloud) -> bool {
    matches!(cloud, Cloud::Custom { .. })
}

fn cloud_of(document: &Document) -> Option<Cloud> {
    let host = document.msgraph_host.as_ref()?.to_ascii_lowercase();
    let graph = format!("https://{host}");
    CLOUDS.into_iter().find(|cloud| cloud.graph_url() == graph)
}

fn wrong_cloud(tenant: &str, cloud: &Cloud) -> Step {
    let word = cloud.as_str();
    Step::refuted(
        "discovery",
        tenant,
        format!("the tenant lives in another cloud: {word}"),
    )
    .mend([format!(
        "cloud: {word}   # for this account, in m365mon.yml"
    )])
}

/// The tenant is unknown here; perhaps another login host knows it. Nothing
/// secret is sent, and no endpoint is taken from the answers.
async fn elsewhere(ways: &Ways<'_>, account: &Account, tenant: &str) -> Step {
    if !is_custom(&account.cloud) {
        let mut asked = vec![account.cloud.login_url()];
        for login in CLOUDS.iter().map(Cloud::login_url) {
            if asked.contains(&login) {
                continue;
            }
            asked.push(login);
            let Some(url) = url(login, tenant) else {
                continue;
            };
            let Ok(answer) = ways.get(url, HeaderMap::new()).await else {
                continue;
            };
            let document = serde_json::from_slice::<Document>(&answer.body).ok();
            if let Some(cloud) = document.as_ref().and_then(cloud_of)
                && answer.status == 200
            {
                return wrong_cloud(tenant, &cloud);
            }
        }
    }
    Step::refuted("discovery", tenant, "there is no such tenant in this cloud").mend([
        "check `tenant` for a typing error: Entra admin center → Overview → Primary domain",
        "check `cloud`",
    ])
}
