//! The tenant's discovery document: the tenant exists, it lives in this cloud,
//! and this machine's clock is right.

use http::header::HeaderMap;

use super::finding::DoctorStep;
use super::way::Ways;
use crate::entra::{Discovery, login_roots};
use crate::http::{ProbeAnswer, date};
use crate::model::{Account, Clock, Cloud, Timestamp};

/// What it tells.
pub(super) struct FoundTenant {
    pub(super) steps: Vec<DoctorStep>,
    /// The login host can be reached.
    pub(super) reached: bool,
    /// The tenant's GUID.
    pub(super) tenant_id: Option<String>,
}

/// Entra refuses assertions from a clock that is further off (AADSTS700024).
const MOST_SECONDS_OFF: i64 = 300;

/// Reads the document of the account's tenant.
pub(super) async fn look(ways: &Ways<'_>, account: &Account, clock: &Clock) -> FoundTenant {
    let tenant = account.tenant.as_ref().map_or("", |tenant| tenant.as_str());
    let login = account.cloud.login_url();
    let host = login.strip_prefix("https://").unwrap_or(login);
    let mut found = FoundTenant {
        steps: Vec::new(),
        reached: false,
        tenant_id: None,
    };
    let Some(url) = Discovery::url(login, tenant) else {
        found.steps.push(DoctorStep::refuted(
            "discovery",
            host,
            "`tenant` makes no URL",
        ));
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
                let step = DoctorStep::refuted("discovery", host, failure.net.detail.clone());
                found.steps.push(step);
            }
        }
    }
    found
}

/// How far this machine's clock is off, by the answer's `Date`.
fn clock(host: &str, answer: &ProbeAnswer, now: Timestamp) -> DoctorStep {
    let Some(date) = date(&answer.headers, now) else {
        return DoctorStep::unseen("clock", host, "the answer names no time");
    };
    let off = now.duration_since(date).as_secs();
    let detail = match off {
        -1..=1 => "right within a second".to_owned(),
        2.. => format!("this machine's clock is {off} s ahead"),
        _ => format!("this machine's clock is {} s behind", -off),
    };
    if off.abs() <= MOST_SECONDS_OFF {
        DoctorStep::proved("clock", host, detail)
    } else {
        DoctorStep::refuted("clock", host, detail).mend([
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
) -> (DoctorStep, Option<String>) {
    let unread = format!(
        "the discovery document cannot be read (status {})",
        answer.status
    );
    let not_entra = |detail| {
        DoctorStep::refuted("discovery", tenant, detail)
            .mend(["is there a proxy or a sign-in page between here and Entra?"])
    };
    match answer.status {
        200 => {}
        400 | 404 => return (elsewhere(ways, account, tenant).await, None),
        429 | 500.. => {
            let step = DoctorStep::unseen("discovery", tenant, unread);
            return (step.mend(["wait and try again"]), None);
        }
        _ => return (not_entra(unread), None),
    }
    let Some(document) = Discovery::read(&answer.body) else {
        return (not_entra(unread), None);
    };
    let id = document.tenant_id();
    let step = match document.cloud() {
        Some(cloud) if cloud != account.cloud && !is_custom(&account.cloud) => {
            wrong_cloud(tenant, &cloud)
        }
        _ => {
            let shown = id.as_deref().unwrap_or("without an id");
            let detail = format!("the tenant exists in this cloud ({shown})");
            DoctorStep::proved("discovery", tenant, detail)
        }
    };
    (step, id)
}

const fn is_custom(cloud: &Cloud) -> bool {
    matches!(cloud, Cloud::Custom { .. })
}

fn wrong_cloud(tenant: &str, cloud: &Cloud) -> DoctorStep {
    let word = cloud.as_str();
    DoctorStep::refuted(
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
async fn elsewhere(ways: &Ways<'_>, account: &Account, tenant: &str) -> DoctorStep {
    for login in login_roots(account).into_iter().skip(1) {
        let Some(url) = Discovery::url(login, tenant) else {
            continue;
        };
        let Ok(answer) = ways.get(url, HeaderMap::new()).await else {
            continue;
        };
        let found = (answer.status == 200).then(|| Discovery::read(&answer.body));
        if let Some(cloud) = found.flatten().and_then(|document| document.cloud()) {
            return wrong_cloud(tenant, &cloud);
        }
    }
    DoctorStep::refuted("discovery", tenant, "there is no such tenant in this cloud").mend([
        "check `tenant` for a typing error: Entra admin center → Overview → Primary domain",
        "check `cloud`",
    ])
}
