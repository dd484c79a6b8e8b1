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
