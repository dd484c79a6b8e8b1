//! Which cloud a tenant lives in, for an error that can name it: Entra only
//! says that it is not this one.

use std::time::Duration;

use super::classify::TokenRefusal;
use super::discovery::{Discovery, login_roots};
use super::endpoint::{Content, EndpointRequest};
use super::endpoint_client::TokenEndpointClient;
use crate::http::UseProxy;
use crate::model::{Account, Cloud};

/// For all questions together.
const PATIENCE: Duration = Duration::from_secs(10);

/// Adds to a refusal in which cloud the tenant lives, where that may be why.
pub(super) async fn name_it(
    client: &TokenEndpointClient,
    account: &Account,
    refusal: &mut TokenRefusal,
) {
    if may_be_elsewhere(refusal.problem.code)
        && let Some(cloud) = where_it_lives(client, account).await
    {
        let found = format!("; this tenant lives in another cloud: set `cloud: {cloud}`");
        refusal.problem.detail.push_str(&found);
    }
}

/// The codes after which the tenant may live elsewhere.
const fn may_be_elsewhere(code: Option<u32>) -> bool {
    matches!(code, Some(90_002 | 90_038 | 900_382 | 900_432 | 900_440))
}

/// The word for `cloud:` under which the account's tenant is to be found, if
/// it is another one. Asks the discovery documents of the account's own login
/// host and, for Microsoft's clouds, of the others; nothing secret is sent and
/// no endpoint is taken from the answers.
async fn where_it_lives(client: &TokenEndpointClient, account: &Account) -> Option<&'static str> {
    let tenant = account.tenant.as_ref()?.as_str();
    let found = tokio::time::timeout(PATIENCE, async {
        for root in login_roots(account) {
            if let Some(cloud) = described(client, account, root, tenant).await {
                return Some(cloud);
            }
        }
        None
    });
    let found = found.await.ok().flatten()?;
    (found != account.cloud).then(|| found.as_str())
}

/// What one login host says of a tenant.
async fn described(
    client: &TokenEndpointClient,
    account: &Account,
    root: &str,
    tenant: &str,
) -> Option<Cloud> {
    let request = EndpointRequest {
        url: Discovery::url(root, tenant)?,
        content: Content::Nothing,
        headers: Vec::new(),
        proxy: UseProxy::of(account),
    };
    let answer = client.endpoint.send(request).await.ok()?;
    if answer.status != 200 {
        return None;
    }
    Discovery::read(&answer.body)?.cloud()
}
