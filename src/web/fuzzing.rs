//! For `fuzz/entries.rs`: a request held against the rules of who may see and do
//! what.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::http::HeaderMap;

use super::access;
use super::external::ExternalUrl;
use super::operator::{OperatorKey, Operators};
use super::visitor::{Peer, Visitor, is_loopback_host};
use crate::model::{Clock, SystemRandom};

/// `line` is a method, a space and a target. Nobody holds this key.
pub(crate) fn request(line: &[u8], headers: &HeaderMap) {
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().unwrap_or_default().trim_ascii();
    let Ok(request) = http::Request::builder().method(method).uri(target).body(()) else {
        return;
    };
    let (mut parts, ()) = request.into_parts();
    parts.headers = headers.clone();
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 5));
    parts.extensions.insert(Peer(peer));
    let Some(key) = OperatorKey::parse(&[7; 32]) else {
        return;
    };
    let random = Arc::new(SystemRandom::new());
    let operators = Operators::new(Vec::new(), Some(key), Clock::system(), random);
    let external: Option<ExternalUrl> = "https://monitor.contoso.com".parse().ok();
    for external in [None, external.as_ref()] {
        let visitor = Visitor::new(&parts, &operators, external);
        let (visit, act) = (visitor.may_visit(), visitor.may_act());
        assert!(visit.is_err() && act.is_err(), "{parts:?}");
        assert!(visitor.may_submit().is_err(), "{parts:?}");
        assert!(visitor.operator().is_none(), "{parts:?}");
        let mut hosts = parts
            .headers
            .get_all("host")
            .iter()
            .filter_map(|host| host.to_str().ok());
        if visitor.at_home().is_ok() && external.is_none() {
            assert!(hosts.all(is_loopback_host), "{parts:?}");
        }
        _ = (
            visitor.same_site(),
            visitor.says_its_site(),
            visitor.is_secure(),
        );
    }
    _ = access::credentials(&parts.headers);
}
