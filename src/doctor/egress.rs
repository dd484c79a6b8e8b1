//! Whether Entra and the services are reached the same way. A policy that
//! binds tokens to an address refuses what was fetched through one address and
//! used through another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use url::Url;

use super::finding::DoctorStep;
use crate::http::{Network, Route};
use crate::kinds::Resource;
use crate::model::{Account, Audience, SignIn};

/// Where requests for an audience go; its own name may be no address.
fn root_of(audience: &Audience) -> String {
    format!("https://{}", audience.host())
}

/// One step, where there is more than one host.
pub(super) fn step(
    network: &Network,
    account: &Account,
    audiences: &BTreeSet<Audience>,
    resources: &[&Arc<Resource>],
) -> Option<DoctorStep> {
    let login = (!matches!(account.sign_in, SignIn::ManagedIdentity | SignIn::Nobody))
        .then(|| account.cloud.login_url().to_owned());
    let of_account = account.proxy.as_deref();
    let of_resources = resources.iter().filter_map(|resource| {
        let own = resource.proxy.as_deref()?;
        Some((root_of(&resource.audience()?), Some(own)))
    });
    let roots = login
        .into_iter()
        .chain(audiences.iter().map(root_of))
        .map(|root| (root, of_account))
        .chain(of_resources);
    let mut ways: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (root, own) in roots {
        let url = Url::parse(&root).ok()?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let way = match network.route_to(&url, own) {
            Ok(Route::Direct | Route::Configured) => "directly".to_owned(),
            Ok(Route::Proxy(name)) => format!("through the proxy {name}"),
            Err(failure) => return Some(DoctorStep::refuted("egress", &host, failure.detail)),
        };
        ways.entry(way).or_default().insert(host);
    }
    let mut shown = ways.iter().map(|(way, hosts)| {
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        format!("{} {way}", hosts.join(", "))
    });
    let first = shown.next()?;
    if ways.len() == 1 {
        let detail = format!(
            "one way out is configured: {first}; by which public address the far side sees us \
             cannot be seen from here"
        );
        return Some(DoctorStep::proved("egress", "", detail));
    }
    let rest: Vec<String> = shown.collect();
    let detail = format!(
        "different ways out: {first}; {}; whether the far side sees one address cannot be seen \
         from here",
        rest.join("; ")
    );
    Some(DoctorStep::unseen("egress", "", detail).mend([
        "one way for all of them: http.proxy_url in m365mon.yml, or NO_PROXY without Microsoft's hosts",
        "or a named location in Entra with all addresses, where a policy asks for one",
    ]))
}
