//! Where a fault strikes.

use serde::{Deserialize, Serialize};

use crate::hosts::Service;
use crate::workload::Workload;

/// What one request is about, as far as known where the fault may strike.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// Which door.
    pub service: Option<Service>,
    /// Which service behind the door.
    pub workload: Option<Workload>,
    /// Host asked for, without port, lower case.
    pub host: String,
    /// `GET`, …
    pub method: String,
    /// Path, decoded, without query.
    pub path: String,
    /// The names of what is asked for: a site's URL without `https://`; UPN and
    /// object id of a mailbox's owner.
    pub resource: Vec<String>,
    /// UPN and object id of the person in the token, or who signs in.
    pub user: Vec<String>,
    /// Client id.
    pub app: Option<String>,
    /// GUID of the organization, and the name it was asked by.
    pub tenant: Vec<String>,
}

/// Where a fault strikes. Nothing set: everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Which door.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Which service behind the door: `teams`, `outlook`, `directory`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// This host; `*.sharepoint.com` for all under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// This method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Paths that contain this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A site by URL (`https://contoso.sharepoint.com/sites/intranet`) or a
    /// mailbox by UPN or object id, whichever API asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// A person by UPN or object id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// An organization by GUID or domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

impl Scope {
    pub(super) fn holds(&self, subject: &Subject) -> bool {
        let same = |want: &Option<String>, have: Option<&str>| {
            want.as_ref()
                .is_none_or(|w| have.is_some_and(|h| w.eq_ignore_ascii_case(h)))
        };
        let among = |want: &Option<String>, have: &[String]| {
            want.as_ref()
                .is_none_or(|w| have.iter().any(|h| w.eq_ignore_ascii_case(h)))
        };
        self.service.is_none_or(|s| subject.service == Some(s))
            && self.workload.is_none_or(|w| subject.workload == Some(w))
            && self.host_holds(&subject.host)
            && same(&self.method, Some(&subject.method))
            && self.path.as_ref().is_none_or(|p| {
                subject
                    .path
                    .to_lowercase()
                    .contains(p.to_lowercase().as_str())
            })
            && self.resource.as_ref().is_none_or(|want| {
                let want = want.strip_prefix("https://").unwrap_or(want);
                let want = want.trim_end_matches('/');
                subject
                    .resource
                    .iter()
                    .any(|have| have.eq_ignore_ascii_case(want))
            })
            && among(&self.user, &subject.user)
            && same(&self.app, subject.app.as_deref())
            && among(&self.tenant, &subject.tenant)
    }

    pub(super) fn host_holds(&self, host: &str) -> bool {
        self.host.as_ref().is_none_or(|want| {
            want.strip_prefix('*').map_or_else(
                || want.eq_ignore_ascii_case(host),
                |suffix| host.ends_with(&suffix.to_ascii_lowercase()),
            )
        })
    }

    /// True if this can be decided before a request is seen: nothing but the host.
    pub(super) fn only_host(&self) -> bool {
        *self
            == Self {
                host: self.host.clone(),
                service: self.service,
                ..Self::default()
            }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A request for the intranet's lists.
    pub(in crate::faults) fn subject() -> Subject {
        Subject {
            service: Some(Service::Graph),
            workload: Some(Workload::Sharepoint),
            host: "graph.microsoft.com".into(),
            method: "GET".into(),
            path: "/v1.0/sites/contoso.sharepoint.com:/sites/intranet:/lists".into(),
            resource: vec!["contoso.sharepoint.com/sites/intranet".into()],
            user: vec!["steve@contoso.com".into(), "oid".into()],
            app: Some("client".into()),
            tenant: vec!["guid".into(), "contoso.com".into()],
        }
    }

    fn scope(json: &str) -> Scope {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn all_conditions_must_hold() {
        let holds = |json| scope(json).holds(&subject());
        assert!(holds("{}"));
        assert!(holds(
            r#"{"service": "graph", "user": "STEVE@contoso.com"}"#
        ));
        assert!(holds(
            r#"{"resource": "https://contoso.sharepoint.com/sites/Intranet/"}"#
        ));
        assert!(holds(
            r#"{"host": "*.microsoft.com", "tenant": "contoso.com"}"#
        ));
        assert!(holds(r#"{"workload": "sharepoint"}"#));
        assert!(!holds(r#"{"workload": "teams"}"#));
        assert!(!holds(r#"{"service": "login"}"#));
        assert!(!holds(r#"{"service": "graph", "app": "other"}"#));
        assert!(!holds(
            r#"{"resource": "https://contoso.sharepoint.com/sites"}"#
        ));
        assert!(!holds(r#"{"host": "*.sharepoint.com"}"#));
    }
}
