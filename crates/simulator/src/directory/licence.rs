//! Licences that an organization bought.

/// One product, by its stock keeping unit.
#[derive(Debug, Clone)]
pub struct Sku {
    /// `SPE_E3`.
    pub part_number: String,
    /// Its GUID, the same in every tenant.
    pub id: String,
    /// `Enabled`, `Warning`, `Suspended`, `Deleted` or `LockedOut`.
    pub status: String,
    /// Paid for.
    pub enabled: i64,
    /// Expired, in the time of grace.
    pub warning: i64,
    /// No longer usable.
    pub suspended: i64,
    /// Given to people.
    pub consumed: i64,
    /// Days until the subscription changes its state; `None` where Microsoft
    /// names no date.
    pub ends_in_days: Option<i64>,
}

/// What Contoso has: one that runs, a free one with a pool of ten thousand, and
/// one that was not paid.
#[must_use]
pub fn usual() -> Vec<Sku> {
    let sku = |part_number: &str, id: &str, enabled: i64, consumed: i64| Sku {
        part_number: part_number.to_owned(),
        id: id.to_owned(),
        status: "Enabled".to_owned(),
        enabled,
        warning: 0,
        suspended: 0,
        consumed,
        ends_in_days: Some(200),
    };
    vec![
        sku("SPE_E3", "05e9a617-0261-4cee-bb44-138d3ef5d965", 425, 412),
        Sku {
            ends_in_days: None,
            ..sku(
                "FLOW_FREE",
                "f30db892-07e9-47e9-837c-80727f46fd3d",
                10_000,
                17,
            )
        },
        Sku {
            status: "Suspended".to_owned(),
            suspended: 20,
            ends_in_days: Some(30),
            ..sku("VISIOCLIENT", "c5928f49-12ba-48f7-ada3-0d743a3601d5", 0, 3)
        },
    ]
}
