//! What of all resources somebody wants to see: the query of the overview.

use std::fmt::Write as _;

use super::super::appearance::Appearance;
use super::super::words;
use crate::kinds::Resource;
use crate::model::Reason;

/// Which resources are wanted, and how; what is empty wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::web) struct Filter {
    /// A part of the name, kind, account or a label's value.
    pub(super) words: String,
    /// The class of a [`Appearance`], or `unknown`: neither up nor down.
    pub(super) state: String,
    pub(super) reason: Option<Reason>,
    /// The label, or `kind` or `account`, by which they are grouped.
    pub(super) group: String,
    /// From 1.
    pub(super) page: usize,
}

impl Filter {
    /// `q=words&state=down&reason=dns&group=team&page=2`.
    pub(in crate::web) fn parse(query: &str) -> Self {
        let mut filter = Self {
            page: 1,
            ..Self::default()
        };
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let bounded = || value.trim().chars().take(128).collect();
            match &*key {
                "q" => filter.words = bounded(),
                "group" => filter.group = bounded(),
                "reason" => filter.reason = words::reason_of(&value),
                "page" => filter.page = value.parse().unwrap_or(1).clamp(1, 100_000),
                "state" if value == "unknown" => filter.state = value.into_owned(),
                "state" if Appearance::ALL.iter().any(|look| look.class() == value) => {
                    filter.state = value.into_owned();
                }
                _ => {}
            }
        }
        filter
    }

    /// Only some are wanted.
    pub(super) fn is_narrow(&self) -> bool {
        !self.words.is_empty() || !self.state.is_empty() || self.reason.is_some()
    }

    pub(super) fn wants(
        &self,
        look: Appearance,
        reason: Option<Reason>,
        resource: &Resource,
    ) -> bool {
        let state = match self.state.as_str() {
            "" => true,
            "unknown" => !matches!(look, Appearance::Up | Appearance::Down),
            class => class == look.class(),
        };
        state
            && (self.reason.is_none() || self.reason == reason)
            && (self.words.is_empty() || self.has_words(resource))
    }

    fn has_words(&self, resource: &Resource) -> bool {
        let words = self.words.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&words);
        let info = resource.kind.info();
        has(&resource.name)
            || has(info.name)
            || has(info.title)
            || has(&resource.account.name)
            || resource.labels.iter().any(|(_, value)| has(value))
    }

    /// The group that a resource belongs to; empty without a label of that name.
    pub(super) fn group_of<'a>(&self, resource: &'a Resource) -> &'a str {
        match self.group.as_str() {
            "" => "",
            "kind" => resource.kind.info().title,
            "account" => &resource.account.name,
            label => {
                let mut labels = resource.labels.iter();
                labels
                    .find(|(name, _)| **name == *label)
                    .map_or("", |(_, value)| value)
            }
        }
    }

    /// The query that asks for another page of the same, with its `?`.
    pub(super) fn query(&self, page: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let reason = self.reason.map_or("", Reason::as_str);
        for (key, value) in [
            ("q", self.words.as_str()),
            ("state", &self.state),
            ("reason", reason),
            ("group", &self.group),
        ] {
            if !value.is_empty() {
                query.append_pair(key, value);
            }
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        let query = query.finish();
        let mut text = String::new();
        _ = write!(text, "?{query}");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let all = Filter::parse("");
        assert_eq!(all.page, 1);
        assert!(!all.is_narrow());
        assert_eq!(Filter::parse("q=&state=&page=0&reason=&group="), all);
        assert_eq!(Filter::parse("state=odd&reason=odd&page=x"), all);
        let filter = Filter::parse("q=+Intra%20net+&state=down&x=y&reason=dns&page=3");
        assert_eq!(filter.words, "Intra net");
        assert_eq!(filter.state, "down");
        assert_eq!(filter.reason, Some(Reason::Dns));
        assert_eq!(filter.page, 3);
        assert!(filter.is_narrow());
        let again = filter.query(4);
        assert_eq!(again, "?q=Intra+net&state=down&reason=dns&page=4");
        let again = Filter::parse(again.trim_start_matches('?'));
        assert_eq!(again, Filter { page: 4, ..filter });
        assert_eq!(all.query(1), "?");
    }
}
