//! `sharepoint_site`: can the lists of a site be listed? One name of one list
//! is asked for; further pages are left alone.

use url::Url;

use super::collection::{self, BadBody, Envelope};
use crate::graph::Address;
use crate::model::{Cloud, SiteApi};

/// Microsoft Graph "Enumerate lists in a site" by path, or SharePoint's REST
/// "Working with lists".
pub(super) fn address(cloud: &Cloud, site: &Url, api: SiteApi) -> Option<Address> {
    match api {
        SiteApi::Graph => Address::of_site(cloud, site, "lists", "$select=displayName&$top=1"),
        SiteApi::SharePoint => Address::of_site_rest(site, "web/lists", "$select=Title&$top=1"),
    }
}

pub(super) fn judge(api: SiteApi, content_type: &str, body: &[u8]) -> Result<(), BadBody> {
    let envelope = match api {
        SiteApi::Graph => Envelope::Plain,
        SiteApi::SharePoint => Envelope::PlainOrVerbose,
    };
    collection::judge(envelope, content_type, body)
}
