//! Which way the requests of a resource go: what `via` says in its metrics.

use url::Url;

use crate::http::ProbeClient;
use crate::kinds::Resource;

/// Tells whether a resource is asked through a proxy, as things stand when it is
/// asked.
pub(crate) fn is_proxied(client: &ProbeClient) -> impl Fn(&Resource) -> bool + Send + Sync + use<> {
    let client = client.clone();
    move |resource| {
        let request = resource.kind.request(&resource.account);
        let url = request.map(|request| request.url).or_else(|| {
            let host = resource.kind.host(&resource.account);
            Url::parse(&format!("https://{host}/")).ok()
        });
        let own = resource.proxy_of(&resource.account).map(|own| &**own);
        url.is_some_and(|url| client.is_proxied(&url, own))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixtures;
    use crate::http::Network;
    use crate::model::{Account, HttpSettings, ProxySetting, Secret};

    /// The way of a probe is that of its resource, else of its account, else of all.
    #[test]
    fn the_way_of_each_resource() {
        let url = |host: &str| ProxySetting::Fixed(Secret::new(format!("http://{host}:3128")));
        let own = Arc::new(url("own.contoso.com"));
        let direct = Arc::new(ProxySetting::Direct);
        let account = |proxy: Option<&Arc<ProxySetting>>| {
            Arc::new(Account {
                proxy: proxy.cloned(),
                ..fixtures::account("contoso")
            })
        };
        let resource = |account: &Arc<Account>, proxy: Option<&Arc<ProxySetting>>| Resource {
            proxy: proxy.cloned(),
            ..fixtures::site("intranet", account)
        };
        for (all, of_account, of_resource, proxied) in [
            (ProxySetting::Direct, None, None, false),
            (url("proxy.contoso.com"), None, None, true),
            (url("proxy.contoso.com"), Some(&direct), None, false),
            (url("proxy.contoso.com"), Some(&direct), Some(&own), true),
            (ProxySetting::Direct, Some(&own), None, true),
            (ProxySetting::Direct, Some(&own), Some(&direct), false),
        ] {
            let network = Network::new(&HttpSettings {
                proxy: all,
                own_proxies: vec![own.clone(), direct.clone()],
                ..fixtures::http()
            });
            let client = ProbeClient::new(&network.unwrap()).unwrap();
            let resource = resource(&account(of_account), of_resource);
            assert_eq!(
                is_proxied(&client)(&resource),
                proxied,
                "{of_account:?} {of_resource:?}"
            );
        }
    }
}
