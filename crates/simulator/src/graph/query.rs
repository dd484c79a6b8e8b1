//! OData query options: `$select`, `$top`, `$skip`, `$filter`, `$orderby`,
//! `$count`, with Microsoft's refusals for what a type does not have.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::entity::Entity;
use super::error::GraphError;
use super::filter::{Condition, compare, filter, property};

/// Options that are read, checked against a type.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) select: Option<Vec<&'static str>>,
    top: Option<usize>,
    skip: usize,
    filter: Vec<Condition>,
    order: Vec<(&'static str, bool)>,
    count: bool,
}

impl Query {
    /// Reads the options of a request. Other parameters are not OData's and
    /// are passed over.
    pub(super) fn parse(query: &[(String, String)], entity: &Entity) -> Result<Self, GraphError> {
        let mut read = Self::default();
        for (name, value) in query {
            match name.to_ascii_lowercase().as_str() {
                "$select" | "select" => read.select = select(value, entity)?,
                "$top" | "top" => read.top = Some(top(value, entity)?),
                "$skip" | "$skiptoken" => read.skip = number(value, name)?,
                "$filter" => read.filter = filter(value, entity)?,
                "$orderby" => read.order = order(value, entity)?,
                "$count" => read.count = value.eq_ignore_ascii_case("true"),
                "$format" => {}
                "$expand" => return Err(unknown(value, entity)),
                other if other.starts_with('$') => {
                    return Err(GraphError::bad_request(format!(
                        "The query parameter '{name}' is not supported."
                    )));
                }
                _ => {}
            }
        }
        read.check_order()?;
        Ok(read)
    }

    /// With `$orderby`, Exchange wants the same properties first in `$filter`.
    fn check_order(&self) -> Result<(), GraphError> {
        let fits =
            self.filter.is_empty()
                || self.order.iter().enumerate().all(|(at, (name, _))| {
                    self.filter.get(at).is_some_and(|c| c.property == *name)
                });
        if fits {
            Ok(())
        } else {
            Err(GraphError::new(
                400,
                "InefficientFilter",
                "The restriction or sort order is too complex for this operation.",
            ))
        }
    }

    /// With the page that a `Prefer: odata.maxpagesize=…` asks for, where
    /// `$top` does not.
    pub(super) fn sized(mut self, prefer: &str) -> Self {
        let size = prefer
            .split([',', ';'])
            .filter_map(|part| part.trim().strip_prefix("odata.maxpagesize="))
            .find_map(|size| size.parse().ok());
        self.top = self.top.or(size);
        self
    }

    /// True if the property was named by `$select`.
    pub(super) fn selects(&self, property: &str) -> bool {
        self.select
            .as_ref()
            .is_some_and(|selected| selected.contains(&property))
    }

    /// An entity with only what was selected.
    pub(super) fn narrow(&self, entity: &Entity, mut whole: Map<String, Value>) -> Value {
        let wanted: &[&str] = match &self.select {
            Some(selected) => selected,
            None if entity.usual.is_empty() => return Value::Object(whole),
            None => entity.usual,
        };
        whole.retain(|name, _| name.starts_with('@') || wanted.contains(&name.as_str()));
        Value::Object(whole)
    }

    /// A page of a collection. `items` come in their natural order; `url` is
    /// that of the request, without its query.
    pub(super) fn page(
        &self,
        entity: &Entity,
        items: impl Iterator<Item = Map<String, Value>>,
        context: String,
        url: &str,
        asked: &[(String, String)],
    ) -> Value {
        let size = self.top.unwrap_or(entity.page);
        let kept = items.filter(|item| self.filter.iter().all(|c| c.holds(item)));
        let (total, page) = if self.order.is_empty() && !self.count {
            // One more than asked for tells whether there is a next page.
            let page: Vec<_> = kept.skip(self.skip).take(size + 1).collect();
            (None, page)
        } else {
            let mut all: Vec<_> = kept.collect();
            all.sort_by(|a, b| self.compare(a, b));
            let total = all.len();
            (
                Some(total),
                all.into_iter().skip(self.skip).take(size + 1).collect(),
            )
        };
        let more = page.len() > size;
        let values: Vec<_> = page
            .into_iter()
            .take(size)
            .map(|item| self.narrow(entity, item))
            .collect();
        let mut body = Map::new();
        body.insert("@odata.context".into(), context.into());
        if let Some(total) = total.filter(|_| self.count) {
            body.insert("@odata.count".into(), total.into());
        }
        if more && size > 0 {
            body.insert("@odata.nextLink".into(), self.next(url, asked, size).into());
        }
        body.insert("value".into(), values.into());
        Value::Object(body)
    }

    fn next(&self, url: &str, asked: &[(String, String)], size: usize) -> String {
        let mut link = String::from(url);
        let mut sign = '?';
        let skip = ("$skip".to_owned(), (self.skip + size).to_string());
        let kept = asked.iter().filter(|(name, _)| !name.starts_with("$skip"));
        for (name, value) in kept.chain([&skip]) {
            link.push(sign);
            sign = '&';
            link.push_str(name);
            link.push('=');
            link.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        }
        link
    }

    fn compare(&self, a: &Map<String, Value>, b: &Map<String, Value>) -> Ordering {
        self.order
            .iter()
            .map(|(name, descending)| {
                let order = compare(a.get(*name), b.get(*name)).unwrap_or(Ordering::Equal);
                if *descending { order.reverse() } else { order }
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

fn unknown(name: &str, entity: &Entity) -> GraphError {
    GraphError::bad_request(format!(
        "Parsing OData Select and Expand failed: Could not find a property named '{name}' \
         on type 'microsoft.graph.{}'.",
        entity.name
    ))
}

fn select(value: &str, entity: &Entity) -> Result<Option<Vec<&'static str>>, GraphError> {
    if value.trim() == "*" {
        return Ok(None);
    }
    value
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| entity.property(name).ok_or_else(|| unknown(name, entity)))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn number(value: &str, name: &str) -> Result<usize, GraphError> {
    value.parse().map_err(|_| {
        GraphError::bad_request(format!(
            "Invalid value '{value}' for {name} query option found. \
             The {name} query option requires a non-negative integer value."
        ))
    })
}

fn top(value: &str, entity: &Entity) -> Result<usize, GraphError> {
    let top = number(value, "$top")?;
    if top > entity.most {
        return Err(GraphError::bad_request(format!(
            "The limit of '{}' for Top query has been exceeded. \
             The value from the incoming request is '{top}'.",
            entity.most
        )));
    }
    Ok(top)
}

fn order(value: &str, entity: &Entity) -> Result<Vec<(&'static str, bool)>, GraphError> {
    value
        .split(',')
        .map(|part| {
            let (name, direction) = part.trim().split_once(' ').unwrap_or((part.trim(), "asc"));
            Ok((property(name, entity)?, direction.trim() == "desc"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::entity::MESSAGE;
    use super::*;

    fn parse(query: &[(&str, &str)]) -> Result<Query, String> {
        let query: Vec<_> = query
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        Query::parse(&query, &MESSAGE).map_err(|error| error.message)
    }

    #[test]
    fn options_are_checked() {
        assert!(parse(&[("$select", "ID, subject"), ("$top", "1")]).is_ok());
        assert!(
            parse(&[("$select", "title")])
                .unwrap_err()
                .contains("'title'")
        );
        assert!(parse(&[("$top", "1001")]).unwrap_err().contains("'1000'"));
        assert!(parse(&[("$top", "-1")]).unwrap_err().contains("'-1'"));
        assert!(parse(&[("$apply", "x")]).is_err());
        assert!(parse(&[("other", "x")]).is_ok());
        let filter = ("$filter", "subject eq 'x'");
        assert!(parse(&[filter, ("$orderby", "receivedDateTime desc")]).is_err());
        assert!(parse(&[filter, ("$orderby", "subject")]).is_ok());
    }

    #[test]
    fn filters() {
        let item: Map<String, Value> = serde_json::from_value(serde_json::json!({
            "subject": "it's", "isRead": false, "receivedDateTime": "2026-01-02T00:00:00Z",
        }))
        .unwrap();
        let holds = |text: &str| {
            let query = parse(&[("$filter", text)]).unwrap();
            query.filter.iter().all(|c| c.holds(&item))
        };
        assert!(holds("subject eq 'it''s'"));
        assert!(holds(
            "isRead eq false and receivedDateTime ge 2026-01-01T00:00:00Z"
        ));
        assert!(!holds("subject ne 'IT''S'"));
        assert!(holds("contains(subject,'T''s') and isRead eq false"));
        assert!(holds("startswith(subject, 'it')"));
        assert!(!holds("startswith(subject,'s')"));
        for bad in [
            "subject",
            "subject eq",
            "subject like 'x'",
            "title eq 'x'",
            "subject eq 'x",
            "contains(title,'x')",
            "endsin(subject,'x')",
            "subject contains 'x'",
        ] {
            assert!(parse(&[("$filter", bad)]).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".{0,80}") {
            drop(parse(&[("$filter", &text), ("$select", &text), ("$top", &text)]));
        }
    }
}
