//! What a person is asked for at a sign-in, and why: the permissions of all
//! resources of one account, each with the resources that need it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Resource;
use super::permission::{account_of, covering};
use crate::model::{Account, Audience};

/// One permission that a person is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What the token is for.
    pub audience: Audience,
    /// As `Mail.ReadBasic`.
    pub name: Cow<'static, str>,
    /// One sentence for people.
    pub reason: &'static str,
    /// Names of the resources that need it, in the order of the configuration.
    pub resources: Vec<String>,
}

/// What the resources of `account` need together, and nothing that another of
/// them stands in for: Graph first, which is asked for first, then by audience and
/// name.
#[must_use]
pub fn needs_of<'a>(
    account: &Account,
    resources: impl IntoIterator<Item = &'a Arc<Resource>>,
) -> Vec<Need> {
    let (mut all, mut of) = (Vec::new(), Vec::new());
    for resource in resources {
        for needed in resource.permissions() {
            if account_of(resource, &needed).name == account.name {
                all.push(needed);
                of.push(&resource.name);
            }
        }
    }
    let mut needs: BTreeMap<(Audience, Cow<'static, str>), Need> = BTreeMap::new();
    for (needed, resource) in all.iter().zip(of) {
        let mut asked = needed;
        for _ in 0..all.len() {
            asked = covering(asked, &all).unwrap_or(asked);
        }
        let named = needs
            .entry((asked.audience.clone(), asked.name.clone()))
            .or_insert_with(|| Need {
                audience: asked.audience.clone(),
                name: asked.name.clone(),
                reason: asked.reason,
                resources: Vec::new(),
            });
        let resource = resource.to_string();
        if !named.resources.contains(&resource) {
            named.resources.push(resource);
        }
    }
    let graph = Audience::graph(&account.cloud);
    let mut needs: Vec<_> = needs.into_values().collect();
    needs.sort_by_key(|need| need.audience != graph);
    needs
}

impl Need {
    /// The names of at most three resources, and how many more.
    #[must_use]
    pub fn because_of(&self) -> String {
        match self.resources.get(..3) {
            Some(first) if self.resources.len() > 3 => format!(
                "{} and {} more",
                first.join(", "),
                self.resources.len() - first.len()
            ),
            _ => self.resources.join(", "),
        }
    }
}

/// True if none of them lets anything be changed, by Microsoft's way to name
/// permissions. What an API of one's own calls its scopes says nothing.
#[must_use]
pub fn only_read(needs: &[Need]) -> bool {
    let mut names = needs.iter().map(|need| &need.name);
    names.all(|name| name.contains(".Read") && !name.contains("Write"))
}

/// The same as a sign-in takes it: names of permissions, by audience.
#[must_use]
pub fn wanted(needs: &[Need]) -> BTreeMap<Audience, Vec<String>> {
    let mut wanted: BTreeMap<Audience, Vec<String>> = BTreeMap::new();
    for need in needs {
        let names = wanted.entry(need.audience.clone()).or_default();
        names.push(need.name.to_string());
    }
    wanted
}
