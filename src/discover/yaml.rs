//! What was found, as it stands in a configuration.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::kinds::{Discovered, Resource};
use crate::model::{Account, bounded_text};

/// The items of `resources:`, one a line, for this account; none that a resource
/// watches already, and none with a name that is taken. The second is how many
/// were left out.
#[must_use]
pub fn resources<'a>(
    account: &Account,
    found: impl IntoIterator<Item = &'a Discovered>,
    known: &[Arc<Resource>],
) -> (String, usize) {
    let mut names: HashSet<String> = known
        .iter()
        .map(|resource| resource.name.to_string())
        .collect();
    let mut seen: HashSet<(&str, &str)> = HashSet::new();
    let (mut text, mut watched) = (String::new(), 0);
    for one in found {
        if !seen.insert((one.kind, &one.value)) {
            continue;
        }
        if known
            .iter()
            .any(|resource| one.is_watched_by(resource, account))
        {
            watched += 1;
            continue;
        }
        let name = unique(&one.name, &mut names);
        // A person's own mailbox is asked for without naming it.
        let own = one.address.as_deref().is_some_and(|address| {
            let person = account.person();
            person.is_some_and(|person| person.username.eq_ignore_ascii_case(address))
        });
        let key = match own {
            true => String::new(),
            false => format!(", {}: {}", one.key, quoted(&one.value)),
        };
        let remark = one.address.as_ref().map_or_else(String::new, |address| {
            format!(" # {}", bounded_text(address, 256))
        });
        // Writing into a String does not fail.
        _ = writeln!(
            text,
            "  - {{name: {}, account: {}, kind: {}{key}}}{remark}",
            quoted(&name),
            quoted(&account.name),
            one.kind,
        );
    }
    (text, watched)
}

fn unique(name: &str, names: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number: u64| format!("{name}-{number}"));
    let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
    // There is always a next number.
    let free = candidates.find(|candidate| !names.contains(candidate));
    let free = free.unwrap_or_default();
    names.insert(free.clone());
    free
}

/// In double quotes; what JSON escapes so YAML reads so.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn found(kind: &'static str, key: &'static str, value: &str, name: &str) -> Discovered {
        Discovered {
            kind,
            key,
            value: value.to_owned(),
            address: (key == "user").then(|| format!("{name}@contoso.com")),
            name: name.to_owned(),
        }
    }

    #[test]
    fn names_are_unique_and_what_is_watched_is_left_out() {
        let account = Arc::new(fixtures::account("contoso"));
        let url = "https://contoso.sharepoint.com/sites/intranet";
        let known = [Arc::new(fixtures::resource(
            "hr",
            &account,
            fixtures::site_at(url),
        ))];
        let all = [
            found("sharepoint_site", "url", url, "intranet"),
            found(
                "sharepoint_site",
                "url",
                "https://contoso.sharepoint.com/sites/hr",
                "hr",
            ),
            found(
                "sharepoint_site",
                "url",
                "https://contoso.sharepoint.com/sites/hr",
                "hr",
            ),
            found(
                "sharepoint_site",
                "url",
                "https://contoso.sharepoint.com/teams/hr",
                "hr",
            ),
            found("exchange_mailbox", "user", "7c0e", "no"),
        ];
        let (text, watched) = resources(&account, &all, &known);
        assert_eq!(watched, 1);
        assert_eq!(
            text,
            "  - {name: \"hr-2\", account: \"contoso\", kind: sharepoint_site, url: \"https://contoso.sharepoint.com/sites/hr\"}\n  \
             - {name: \"hr-3\", account: \"contoso\", kind: sharepoint_site, url: \"https://contoso.sharepoint.com/teams/hr\"}\n  \
             - {name: \"no\", account: \"contoso\", kind: exchange_mailbox, user: \"7c0e\"} # no@contoso.com\n"
        );
    }

    #[test]
    fn the_persons_own_mailbox() {
        let account = fixtures::delegated("steve", "Steve@contoso.com");
        let mine = [found("exchange_mailbox", "user", "7c0e", "steve")];
        let (text, _) = resources(&account, &mine, &[]);
        assert_eq!(
            text,
            "  - {name: \"steve\", account: \"steve\", kind: exchange_mailbox} # steve@contoso.com\n"
        );
    }
}
