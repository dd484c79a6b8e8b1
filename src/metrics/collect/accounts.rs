//! `m365_account_*` and what belongs to tokens and limits.

use std::fmt;

use super::super::catalogue as c;
use super::super::family::Families;
use super::super::labels::LabelSet;
use super::super::scrape::Scrape;
use super::{buckets, outcomes, unix};
use crate::model::{CredentialKind, Right};

/// In the order of exposition.
const CREDENTIALS: [CredentialKind; 4] = [
    CredentialKind::RefreshToken,
    CredentialKind::Consent,
    CredentialKind::ClientSecret,
    CredentialKind::ClientCertificate,
];

/// All metrics of accounts.
pub(super) fn write(f: &mut Families<'_, '_>, scrape: &Scrape) -> fmt::Result {
    let all = || {
        let rows = scrape
            .table
            .accounts
            .iter()
            .map(|row| (LabelSet::new(&row.labels), row.slot.account()));
        rows.zip(&scrape.accounts)
            .map(|((set, account), known)| (set, account, known))
    };
    f.gauges(
        &c::ACCOUNT_UP,
        all().filter_map(|(set, _, known)| Some((set, u32::from(known.up()?)))),
    )?;
    let problems = all().filter_map(|(set, _, known)| {
        let reason = known.problem()?;
        Some((
            set.with("outcome", reason.outcome().as_str())
                .with("reason", reason.as_str()),
            1_u32,
        ))
    });
    f.gauges(&c::ACCOUNT_PROBLEM, problems)?;
    let infos = all().map(|(set, account, _)| {
        let set = set
            .with(
                "tenant",
                account.tenant.as_ref().map_or("", |tenant| tenant.as_str()),
            )
            .with("cloud", account.cloud.as_str())
            .with("credential", account.credential_label());
        (set, 1_u32)
    });
    f.gauges(&c::ACCOUNT_INFO, infos)?;
    let required = all().map(|(set, _, known)| {
        (
            set,
            u32::from(known.status.sign_in_required_since.is_some()),
        )
    });
    f.gauges(&c::ACCOUNT_SIGN_IN_REQUIRED, required)?;
    let count = |rights: &[Right]| u32::try_from(rights.len()).unwrap_or(u32::MAX);
    let excess = all().filter_map(|(set, _, known)| {
        let rights = known.status.excess_permissions.as_ref()?;
        Some((set, count(rights)))
    });
    f.gauges(&c::ACCOUNT_EXCESS_PERMISSIONS, excess)?;
    let wide = all().filter_map(|(set, _, known)| {
        let rights = known.status.tenant_wide_permissions.as_ref()?;
        Some((set, count(rights)))
    });
    f.gauges(&c::ACCOUNT_TENANT_WIDE_PERMISSIONS, wide)?;
    let tokens = all().flat_map(|(set, _, known)| {
        let tokens = known.status.access_tokens.iter();
        tokens.map(move |(audience, end)| (set.with("audience", audience.as_str()), unix(*end)))
    });
    f.gauges(&c::ACCESS_TOKEN_EXPIRY, tokens)?;
    let deadlines = all().flat_map(|(set, _, known)| {
        CREDENTIALS.iter().filter_map(move |kind| {
            // Of two ends of one credential the earlier one counts.
            let ends = known.status.deadlines.iter().filter(|(of, _)| of == kind);
            let end = ends.map(|(_, end)| *end).min()?;
            Some((set.with("credential", kind.as_str()), unix(end)))
        })
    });
    f.gauges(&c::CREDENTIAL_EXPIRY, deadlines)?;
    let requests = all().flat_map(|(set, _, known)| {
        outcomes(known.outcomes).map(|(outcome, count)| (set.with("outcome", outcome), count, None))
    });
    f.counters(&c::TOKEN_REQUESTS, requests)?;
    let codes: Vec<Vec<String>> = scrape
        .accounts
        .iter()
        .map(|known| {
            let codes = known.problems.iter().map(|p| p.code);
            codes
                .map(|code| code.map(|code| code.to_string()).unwrap_or_default())
                .collect()
        })
        .collect();
    let problems = all().zip(&codes).flat_map(|((set, _, known), codes)| {
        known
            .problems
            .iter()
            .zip(codes)
            .map(move |(problem, code)| {
                let set = set
                    .with("reason", problem.reason.as_str())
                    .with("code", code);
                (set, problem.count, None)
            })
    });
    f.counters(&c::TOKEN_REQUEST_PROBLEMS, problems)?;
    f.histograms(
        &c::TOKEN_REQUEST_DURATION,
        all().map(|(set, _, known)| (set, buckets(&known.durations))),
    )?;
    let throttled = all().flat_map(|(set, _, known)| {
        let services = known.throttled.iter();
        services.map(move |(service, count)| (set.with("gate", service.as_str()), *count, None))
    });
    f.counters(&c::THROTTLED_RESPONSES, throttled)?;
    let until = scrape
        .held
        .iter()
        .filter_map(|((account, service), until)| {
            let row = scrape.table.accounts.get(*account)?;
            Some((
                LabelSet::new(&row.labels).with("gate", service.as_str()),
                unix(*until),
            ))
        });
    f.gauges(&c::THROTTLED_UNTIL, until)?;
    let rates = all().flat_map(|(set, _, known)| {
        let fresh = known
            .rates
            .iter()
            .filter(|(_, rate)| rate.is_fresh(scrape.now));
        fresh.map(move |(service, rate)| (set.with("gate", service.as_str()), rate.remaining_ratio))
    });
    f.gauges(&c::RATE_LIMIT_REMAINING, rates)
}
