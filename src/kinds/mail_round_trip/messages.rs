//! Messages as Graph lists them. Only the id decides anything; what else is odd
//! costs the figure that is made from it, or leaves a message where it is.

use serde::Deserialize;

use super::super::lenient::{Lenient, Moment};

#[derive(Deserialize)]
pub(super) struct Messages {
    pub(super) value: Vec<Message>,
}

/// Those of another shape are left alone.
#[derive(Deserialize)]
pub(super) struct Leftovers {
    pub(super) value: Vec<Lenient<Message>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    pub(super) id: String,
    #[serde(default)]
    pub(super) received_date_time: Moment,
    #[serde(default)]
    pub(super) sent_date_time: Moment,
    #[serde(default)]
    pub(super) subject: Lenient<String>,
    #[serde(default)]
    from: Lenient<Sender>,
}

/// Microsoft Graph, `recipient`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sender {
    email_address: SenderAddress,
}

#[derive(Deserialize)]
struct SenderAddress {
    address: String,
}

impl Message {
    /// Who sent it, where that is told.
    pub(super) fn sender(&self) -> Option<&str> {
        let from = self.from.0.as_ref()?;
        Some(&from.email_address.address)
    }
}
