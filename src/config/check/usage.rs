//! Warnings about the configuration as a whole.

use super::Context;
use super::accounts::CheckedAccounts;
use crate::config::diagnostic::quoted;
use crate::config::fields::Fields;
use crate::config::quota;
use crate::kinds::Configuration;

/// Warns about what works but is probably not meant.
pub(super) fn warn(
    configuration: &Configuration,
    accounts: &CheckedAccounts,
    root: &Fields<'_>,
    context: &Context<'_>,
) {
    if configuration.resources.is_empty() {
        context.diagnostics.warn(
            root.place("resources"),
            "no resources: nothing will be probed",
        );
    }
    crowded(configuration, accounts, root, context);
    for mails in quota::mails(configuration) {
        if mails.is_high() {
            let at = accounts
                .find(&mails.account)
                .map_or(root.at, |known| known.at);
            let message = format!(
                "{}; Exchange will refuse what is beyond, so probe less often or from another mailbox",
                mails.describe()
            );
            context.diagnostics.warn(at, message);
        }
    }
    for share in quota::shares(configuration) {
        if !share.is_high() {
            continue;
        }
        let at = share
            .accounts
            .first()
            .and_then(|name| accounts.find(name))
            .map_or(root.at, |known| known.at);
        let names: Vec<String> = share.accounts.iter().map(|name| quoted(name)).collect();
        context.diagnostics.warn(
            at,
            format!(
                "the SharePoint sites of {} take {}; Microsoft will throttle a tenant of the smallest size before long, so probe less often or use a registration of its own",
                names.join(", "),
                share.describe()
            ),
        );
    }
}

/// A sum of fractions, rounded up; sixths that add up to 64 are no more than 64.
fn whole(sum: f64) -> f64 {
    const ROUNDING: f64 = 1e-6;
    (sum - ROUNDING).ceil()
}

/// Warns where probes would wait for each other if nobody answered.
fn crowded(
    configuration: &Configuration,
    accounts: &CheckedAccounts,
    root: &Fields<'_>,
    context: &Context<'_>,
) {
    const MEANS: &str = "ticks would be missed then; probe less often, shorten timeouts or raise";
    let crowds = quota::crowds(configuration);
    let mut together = 0.0;
    for crowd in &crowds {
        let (hanging, most) = (whole(crowd.hanging), crowd.most as f64);
        together += crowd.hanging.min(most);
        if hanging <= most {
            continue;
        }
        let (at, whose) = match crowd.account {
            "" => (root.place("resources"), "without an account".to_owned()),
            name => (
                accounts.find(name).map_or(root.at, |known| known.at),
                format!("of {}", quoted(name)),
            ),
        };
        let message = format!(
            "if none of the {} resources {whose} answers, {hanging} probes of them would run at once (timeout divided by interval, added up), and {most} may ({}): {MEANS} the limit",
            crowd.resources, crowd.limit,
        );
        context.diagnostics.warn(at, message);
    }
    let (together, most) = (whole(together), configuration.limits.probes_in_flight);
    if together > most as f64 {
        let message = format!(
            "if nothing answers at all, {together} probes would run at once (timeout divided by interval, added up, within the limits of each account), and {most} may: {MEANS} limits.probes_in_flight"
        );
        context.diagnostics.warn(root.place("limits"), message);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use std::fmt::Write as _;

    const APP: &str = "tenant: contoso.onmicrosoft.com, client_id: 11111111-2222-3333-4444-555555555555, workload_identity: {token_file: /token}";

    /// What is said about that many resources of each of these accounts; those of
    /// the account without a name need none.
    fn warnings(resources: usize, accounts: &[&str], rest: &str) -> Vec<String> {
        let mut text = format!("{rest}accounts:\n  - {{name: idle, {APP}}}\n");
        for name in accounts.iter().filter(|name| !name.is_empty()) {
            _ = writeln!(text, "  - {{name: {name}, {APP}}}");
        }
        text.push_str("resources:\n");
        for (account, number) in accounts
            .iter()
            .flat_map(|account| (0..resources).map(move |number| (account, number)))
        {
            _ = match *account {
                "" => writeln!(
                    text,
                    "  - {{name: e{number}, kind: http_endpoint, url: \"https://contoso.com/{number}\"}}"
                ),
                name => writeln!(
                    text,
                    "  - {{name: {name}{number}, account: {name}, kind: exchange_mailbox, user: u{number}@contoso.com}}"
                ),
            };
        }
        let environment: BTreeMap<String, String> = BTreeMap::new();
        let loaded = crate::config::parse(&text, Path::new("m365mon.yml"), &environment).unwrap();
        let messages = loaded.warnings.iter().map(|one| one.message.clone());
        messages.filter(|one| one.contains("at once")).collect()
    }

    /// By default a probe takes 10 of 60 seconds.
    #[test]
    fn what_hangs_together_must_fit() {
        const ONE: &[&str] = &["contoso"];
        const FOUR: &[&str] = &["a", "b", "c", "d"];
        let high = "limits: {per_account: 500}\n";
        let low = "limits: {per_account: 200, probes_in_flight: 100}\n";
        let hasty = "defaults: {interval: 10s, timeout: 9s}\n";
        let raised = "defaults: {interval: 10s, timeout: 9s}\nlimits: {per_account: 900}\n";
        let fits = "defaults: {interval: 10s, timeout: 9s}\nlimits: {per_account: 900, probes_in_flight: 900}\n";
        for (resources, accounts, rest, wanted) in [
            (384, ONE, "", &[][..]),
            (
                385,
                ONE,
                "",
                &[
                    "65 probes of them would run at once (timeout divided by interval, added up), and 64 may (limits.per_account)",
                ],
            ),
            (
                1_000,
                ONE,
                "",
                &["if none of the 1000 resources of \"contoso\" answers, 167 probes"],
            ),
            (
                1_000,
                ONE,
                hasty,
                &[
                    "900 probes of them would run at once (timeout divided by interval, added up), and 64 may",
                ],
            ),
            (
                1_000,
                ONE,
                raised,
                &[
                    "900 probes of them would run at once (timeout divided by interval, added up), and 512 may (limits.probes_in_flight)",
                ],
            ),
            (1_000, ONE, fits, &[]),
            (1_000, ONE, high, &[]),
            (1_000, ONE, low, &["and 100 may (limits.probes_in_flight)"]),
            (1_000, ONE, "defaults: {timeout: 3s}\n", &[]),
            (
                1_000,
                &[""],
                "",
                &["if none of the 1000 resources without an account answers, 167 probes"],
            ),
            (
                1_000,
                &["", "contoso"],
                low,
                &[
                    "\"contoso\" answers, 167 probes",
                    "without an account answers, 167 probes of them would run at once (timeout divided by interval, added up), and 50 may (half of limits.probes_in_flight, since there are others)",
                ],
            ),
            (
                900,
                FOUR,
                high,
                &["if nothing answers at all, 600 probes would run at once"],
            ),
            (600, FOUR, high, &[]),
        ] {
            let told = warnings(resources, accounts, rest);
            let as_wanted = told
                .iter()
                .zip(wanted)
                .all(|(told, wanted)| told.contains(wanted));
            assert!(
                told.len() == wanted.len() && as_wanted,
                "{resources} {accounts:?} {rest}: {told:#?}"
            );
        }
    }
}
