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
    let most = quota::at_once(configuration);
    for account in &configuration.accounts {
        let hanging = quota::hanging_at_once(configuration, &account.name).ceil();
        if hanging <= most as f64 {
            continue;
        }
        let at = accounts
            .find(&account.name)
            .map_or(root.at, |known| known.at);
        let resources = configuration.resources.iter();
        let resources = resources.filter(|resource| resource.account.name == account.name);
        context.diagnostics.warn(
            at,
            format!(
                "if none of the {} resources of {} answers, {hanging} probes of them would run at once (timeout divided by interval, added up), and {most} may (limits.per_account, and half of limits.probes_in_flight where there are several accounts): ticks would be missed then; probe less often, shorten timeouts or raise the limits",
                resources.count(),
                quoted(&account.name),
            ),
        );
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    fn warnings(resources: usize, rest: &str) -> Vec<String> {
        let mut text = format!(
            "{rest}accounts:\n  - {{name: contoso, tenant: contoso.onmicrosoft.com, client_id: 11111111-2222-3333-4444-555555555555, workload_identity: {{token_file: /token}}}}\nresources:\n"
        );
        for number in 0..resources {
            text.push_str(&format!(
                "  - {{name: s{number}, account: contoso, kind: exchange_mailbox, user: u{number}@contoso.com}}\n"
            ));
        }
        let environment: BTreeMap<String, String> = BTreeMap::new();
        let loaded = crate::config::parse(&text, Path::new("m365mon.yml"), &environment).unwrap();
        let messages = loaded.warnings.iter().map(|one| one.message.clone());
        messages.filter(|one| one.contains("at once")).collect()
    }

    #[test]
    fn what_hangs_together_must_fit() {
        assert!(warnings(384, "").is_empty());
        let thousand = warnings(1_000, "");
        assert!(
            thousand[0].starts_with("if none of the 1000 resources of \"contoso\" answers, 167 probes of them would run at once") && thousand[0].contains("and 64 may"),
            "{thousand:?}"
        );
        assert!(warnings(1_000, "limits: {per_account: 200}\n").is_empty());
        assert!(!warnings(1_000, "limits: {per_account: 200, probes_in_flight: 100}\n").is_empty());
        assert!(warnings(1_000, "defaults: {timeout: 3s}\n").is_empty());
    }
}
