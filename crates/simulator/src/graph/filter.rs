//! `$filter`: terms that are compared with each item, joined by `and`.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::entity::Entity;
use super::error::GraphError;

/// One term of a `$filter`.
#[derive(Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) property: &'static str,
    operator: Operator,
    literal: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Contains,
    StartsWith,
}

/// How two values stand to each other, whatever the case of text; `None` where they are
/// of two types.
pub(super) fn compare(a: Option<&Value>, b: Option<&Value>) -> Option<Ordering> {
    match (a?, b?) {
        (Value::String(a), Value::String(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        _ => None,
    }
}

impl Condition {
    pub(super) fn holds(&self, item: &Map<String, Value>) -> bool {
        let value = item.get(self.property);
        let order = compare(value, Some(&self.literal));
        let holds_text = |test: fn(&str, &str) -> bool| match (value, &self.literal) {
            (Some(Value::String(value)), Value::String(part)) => {
                test(&value.to_lowercase(), &part.to_lowercase())
            }
            _ => false,
        };
        match (self.operator, order) {
            (Operator::Contains, _) => holds_text(|value, part| value.contains(part)),
            (Operator::StartsWith, _) => holds_text(|value, part| value.starts_with(part)),
            (Operator::Ne, order) => order != Some(Ordering::Equal),
            (_, None) => false,
            (Operator::Eq, Some(order)) => order.is_eq(),
            (Operator::Gt, Some(order)) => order.is_gt(),
            (Operator::Ge, Some(order)) => order.is_ge(),
            (Operator::Lt, Some(order)) => order.is_lt(),
            (Operator::Le, Some(order)) => order.is_le(),
        }
    }
}

fn bad_filter(why: &str) -> GraphError {
    GraphError::bad_request(format!("Invalid filter clause: {why}"))
}

/// A property that may be filtered and sorted by.
pub(super) fn property(name: &str, entity: &Entity) -> Result<&'static str, GraphError> {
    entity.property(name).ok_or_else(|| {
        bad_filter(&format!(
            "Could not find a property named '{name}' on type 'microsoft.graph.{}'.",
            entity.name
        ))
    })
}

/// `{property} {operator} {literal}`, `contains({property},{literal})` and
/// `startswith({property},{literal})`, any number of them joined by `and`.
pub(super) fn filter(text: &str, entity: &Entity) -> Result<Vec<Condition>, GraphError> {
    let words = words(text)?;
    let mut conditions = Vec::new();
    for (at, part) in words.split(|word| word == "and").enumerate() {
        let (name, operator, literal, is_call) = match part {
            [call, literal, end] if end == ")" => {
                let (function, name) = call.split_once('(').unwrap_or((call, ""));
                (name.trim_end_matches(',').trim(), function, literal, true)
            }
            [name, operator, literal] => (name.as_str(), operator.as_str(), literal, false),
            _ => {
                return Err(bad_filter(&format!(
                    "Syntax error in term {} of '{text}'.",
                    at + 1
                )));
            }
        };
        conditions.push(Condition {
            property: property(name, entity)?,
            operator: match operator {
                "eq" => Operator::Eq,
                "ne" => Operator::Ne,
                "gt" => Operator::Gt,
                "ge" => Operator::Ge,
                "lt" => Operator::Lt,
                "le" => Operator::Le,
                "contains" if is_call => Operator::Contains,
                "startswith" if is_call => Operator::StartsWith,
                other => return Err(bad_filter(&format!("Unknown operator '{other}'."))),
            },
            literal: literal_of(literal),
        });
    }
    Ok(conditions)
}

fn literal_of(word: &str) -> Value {
    match word {
        "true" => true.into(),
        "false" => false.into(),
        "null" => Value::Null,
        _ => match word.strip_prefix('\'') {
            Some(quoted) => quoted.into(),
            // Dates stand without quotes.
            None => word
                .parse::<f64>()
                .map_or_else(|_| word.into(), Value::from),
        },
    }
}

/// Splits at spaces outside of quotes. A quoted word keeps its first quote, so
/// that `'5'` is no number, and has its doubled ones undone.
fn words(text: &str) -> Result<Vec<String>, GraphError> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if rest.starts_with('\'') {
            let mut word = String::from("'");
            let mut characters = rest.char_indices().skip(1).peekable();
            let end = loop {
                match characters.next() {
                    None => return Err(bad_filter("There is an unterminated string literal.")),
                    Some((at, '\'')) => {
                        if characters.next_if(|(_, c)| *c == '\'').is_none() {
                            break at + 1;
                        }
                        word.push('\'');
                    }
                    Some((_, c)) => word.push(c),
                }
            };
            words.push(word);
            rest = rest[end..].trim_start();
        } else {
            let end = rest.find([' ', '\'']).unwrap_or(rest.len());
            words.push(rest[..end].to_owned());
            rest = rest[end..].trim_start();
        }
    }
    Ok(words)
}
