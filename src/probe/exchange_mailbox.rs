//! `exchange_mailbox`: can messages of a mailbox be listed? One id of one
//! message is asked for; subjects, senders and bodies never are.

use super::collection::{self, BadBody, Envelope};
use crate::graph::Address;
use crate::model::Cloud;

/// Microsoft Graph "List messages".
pub(super) fn address(cloud: &Cloud, user: Option<&str>) -> Option<Address> {
    Address::of_user(cloud, user, "messages", "$select=id&$top=1")
}

pub(super) fn judge(content_type: &str, body: &[u8]) -> Result<(), BadBody> {
    collection::judge(Envelope::Plain, content_type, body)
}
