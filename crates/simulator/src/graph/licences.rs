//! Licences and when they end (PROTOCOL-KINDS section 7).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::entity::{SUBSCRIBED_SKU, SUBSCRIPTION};
use super::error::GraphError;
use super::query::Query;
use super::route::{Route, get};
use super::{Answer, Call, guard, varied};
use crate::chance::guid_of;
use crate::directory::Sku;

pub(super) const ROUTES: &[Route] = &[
    get("subscribedSkus", skus),
    get("directory/subscriptions", subscriptions),
];

const READ_SKUS: [&str; 4] = [
    "LicenseAssignment.Read.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
];
/// The least is not enough here.
const READ_SUBSCRIPTIONS: [&str; 3] = [
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
];

fn licences(call: &Call<'_>, permissions: &[&str]) -> Result<Vec<Sku>, GraphError> {
    guard::directory(&call.claims, permissions)?;
    let directory = call.tenant.directory.read();
    let organization = directory.organization(&call.claims.tid);
    Ok(organization.map(|o| o.licences.clone()).unwrap_or_default())
}

fn no_filter(call: &Call<'_>) -> Result<(), GraphError> {
    let filters = |(name, _): &(String, String)| name.eq_ignore_ascii_case("$filter");
    if call.incoming.query.iter().any(filters) {
        return Err(GraphError::new(
            400,
            "Request_UnsupportedQuery",
            "Unsupported Query.",
        ));
    }
    Ok(())
}

fn skus(call: &Call<'_>, _: &[&str]) -> Result<Answer, GraphError> {
    let licences = licences(call, &READ_SKUS)?;
    no_filter(call)?;
    let asked = &call.incoming.query;
    let query = Query::parse(asked, &SUBSCRIBED_SKU)?;
    let account = call.claims.tid.as_str();
    let items = licences.iter().map(|sku| {
        let mut whole = Map::new();
        let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
        put("accountName", "contoso".into());
        put("accountId", account.into());
        put("appliesTo", "User".into());
        put("capabilityStatus", sku.status.as_str().into());
        put("consumedUnits", sku.consumed.into());
        put("id", format!("{account}_{}", sku.id).into());
        put("skuId", sku.id.as_str().into());
        put("skuPartNumber", sku.part_number.as_str().into());
        put("subscriptionIds", json!([subscription_id(sku)]));
        let units = json!({
            "enabled": sku.enabled, "suspended": sku.suspended, "warning": sku.warning,
            "lockedOut": 0,
        });
        put("prepaidUnits", units);
        // `servicePlanType` is on the wire and in no description.
        let plan = json!({
            "servicePlanId": guid_of(&sku.part_number), "servicePlanName": "EXCHANGE_S_FOUNDATION",
            "provisioningStatus": "Success", "appliesTo": "Company", "servicePlanType": "Exchange",
        });
        put("servicePlans", json!([plan]));
        whole
    });
    let context = format!("{}/$metadata#subscribedSkus", call.root);
    Ok(query
        .page(&SUBSCRIBED_SKU, items, context, &call.url(), asked)
        .into())
}

fn subscription_id(sku: &Sku) -> String {
    guid_of(&format!("subscription {}", sku.id))
}

fn subscriptions(call: &Call<'_>, _: &[&str]) -> Result<Answer, GraphError> {
    let licences = licences(call, &READ_SUBSCRIPTIONS)?;
    let asked = &call.incoming.query;
    let query = Query::parse(asked, &SUBSCRIPTION)?;
    let now = call.tenant.clock.now();
    let items = licences.iter().map(|sku| {
        let ends = sku.ends_in_days.and_then(|days| u64::try_from(days).ok());
        let ends = ends.map(|days| Duration::from_secs(days * 86_400));
        let mut whole = Map::new();
        let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
        put("id", subscription_id(sku).into());
        put("skuId", sku.id.as_str().into());
        put("skuPartNumber", sku.part_number.as_str().into());
        put("status", sku.status.as_str().into());
        put("isTrial", false.into());
        put("totalLicenses", (sku.enabled + sku.suspended).into());
        let next = ends.map(|ends| varied(now.checked_add(ends).unwrap_or(now)));
        put("nextLifecycleDateTime", next.into());
        whole
    });
    let context = format!("{}/$metadata#directory/subscriptions", call.root);
    Ok(query
        .page(&SUBSCRIPTION, items, context, &call.url(), asked)
        .into())
}
