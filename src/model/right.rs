//! Rights: what a token lets its holder do, and what is needed of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::Audience;

/// One right that was granted: a delegated scope or an app role.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Right {
    /// Of which API.
    pub audience: Audience,
    /// As the API spells it, `Mail.ReadBasic`.
    pub name: Box<str>,
}

/// What is needed of one API: for each need the names that do, each on its
/// own, the one to ask for first.
type Alternatives = Vec<Vec<Cow<'static, str>>>;

/// What the resources of one account need, by audience, and which rights open a
/// whole tenant though something narrower does for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NeededRights {
    needs: BTreeMap<Audience, Alternatives>,
    wide: BTreeMap<Audience, BTreeSet<&'static str>>,
}

/// Scopes that count for nobody's need and nobody's excess. The first four are
/// OpenID Connect's: who signed in, and staying signed in. `User.Read` stands
/// in every registration that the portal makes, is granted along with the
/// first consent and opens the person's own profile only, which the id token
/// shows anyway: an alert for it in every tenant would teach people to look
/// away.
const UNCOUNTED: [&str; 5] = ["openid", "profile", "email", "offline_access", "User.Read"];

impl NeededRights {
    /// Adds a need: any one of `names` will do.
    pub fn add(&mut self, audience: &Audience, names: Vec<Cow<'static, str>>) {
        let needs = self.needs.entry(audience.clone()).or_default();
        if !needs.contains(&names) {
            needs.push(names);
        }
    }

    /// These open a whole tenant, and something narrower does.
    pub fn add_wide(&mut self, audience: &Audience, names: impl IntoIterator<Item = &'static str>) {
        let wide = self.wide.entry(audience.clone()).or_default();
        wide.extend(names);
    }

    /// What of `granted` opens a whole tenant though something narrower does.
    #[must_use]
    pub fn tenant_wide<'a>(&self, audience: &Audience, granted: &'a [Box<str>]) -> Vec<&'a str> {
        let wide = self.wide.get(audience);
        granted
            .iter()
            .map(|right| &**right)
            .filter(|right| wide.is_some_and(|wide| wide.contains(right)))
            .collect()
    }

    /// The APIs of which something is needed.
    pub fn audiences(&self) -> impl Iterator<Item = &Audience> {
        self.needs.keys()
    }

    /// What of `granted` nobody needs. Of several that serve the same need
    /// only the one to be asked for counts as needed.
    #[must_use]
    pub fn beyond<'a>(&self, audience: &Audience, granted: &'a [Box<str>]) -> Vec<&'a str> {
        let has = |name: &str| granted.iter().any(|right| &**right == name);
        let needed: Vec<&str> = self
            .needs
            .get(audience)
            .into_iter()
            .flatten()
            .filter_map(|names| names.iter().map(|name| &**name).find(|name| has(name)))
            .collect();
        granted
            .iter()
            .map(|right| &**right)
            .filter(|right| !needed.contains(right) && !UNCOUNTED.contains(right))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cloud;

    fn beyond(granted: &[&str]) -> Vec<String> {
        let graph = Audience::graph(&Cloud::Global);
        let mut needed = NeededRights::default();
        needed.add(
            &graph,
            vec!["Sites.Selected".into(), "Sites.Read.All".into()],
        );
        needed.add(&graph, vec!["Mail.ReadBasic".into()]);
        let granted: Vec<Box<str>> = granted.iter().map(|&name| name.into()).collect();
        let beyond = needed.beyond(&graph, &granted);
        beyond.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn what_nobody_needs() {
        assert!(beyond(&["Sites.Selected", "Mail.ReadBasic"]).is_empty());
        assert!(beyond(&["Sites.Read.All"]).is_empty());
        assert!(beyond(&["openid", "profile", "email", "User.Read"]).is_empty());
        assert_eq!(beyond(&["Mail.Read", "Mail.ReadBasic"]), ["Mail.Read"]);
        assert_eq!(
            beyond(&["Sites.Read.All", "Sites.Selected", "Files.Read"]),
            ["Sites.Read.All", "Files.Read"]
        );
    }

    #[test]
    fn what_opens_a_whole_tenant() {
        let graph = Audience::graph(&Cloud::Global);
        let sharepoint = Audience::sharepoint("contoso.sharepoint.com");
        let mut needed = NeededRights::default();
        needed.add(&graph, vec!["Sites.Selected".into()]);
        needed.add_wide(&graph, ["Sites.Read.All", "Sites.FullControl.All"]);
        let granted = ["Sites.Selected", "Sites.Read.All", "User.Read.All"].map(Box::from);
        assert_eq!(needed.tenant_wide(&graph, &granted), ["Sites.Read.All"]);
        assert!(needed.tenant_wide(&sharepoint, &granted).is_empty());
    }

    #[test]
    fn another_api_needs_nothing() {
        let sharepoint = Audience::sharepoint("contoso.sharepoint.com");
        let granted = ["AllSites.Read".into()];
        let beyond = NeededRights::default();
        assert_eq!(beyond.beyond(&sharepoint, &granted), ["AllSites.Read"]);
    }
}
