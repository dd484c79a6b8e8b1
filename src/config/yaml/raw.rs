//! From the parser's events to nodes, each with its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Location, Spanned};

use super::{MappingEntry, Node, Value};
use crate::config::diagnostic::Position;

impl From<Location> for Position {
    fn from(location: Location) -> Self {
        Self {
            file: 0,
            line: u32::try_from(location.line()).unwrap_or(u32::MAX),
            column: u32::try_from(location.column()).unwrap_or(u32::MAX),
        }
    }
}

impl From<Spanned<Raw>> for Node {
    fn from(spanned: Spanned<Raw>) -> Self {
        let at = if spanned.defined == Location::UNKNOWN {
            spanned.referenced
        } else {
            spanned.defined
        };
        Self::new(at.into(), spanned.value.0)
    }
}

/// A value as the deserializer gives it, before it has a place.
pub(super) struct Raw(Value);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor).map(Self)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Spanned<Raw>>()? {
            items.push(item.into());
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<Raw>>()? {
            let key = Node::from(key);
            let text = match key.value {
                Value::Text(text) => Some(text),
                Value::Null => Some("null".to_owned()),
                Value::Boolean(value) => Some(value.to_string()),
                Value::Integer(value) => Some(value.to_string()),
                Value::Float(value) => Some(value.to_string()),
                Value::List(_) | Value::Mapping(_) | Value::Sealed(..) => None,
            };
            entries.push(MappingEntry {
                key: text,
                at: key.at,
                value: map.next_value::<Spanned<Raw>>()?.into(),
            });
        }
        Ok(Value::Mapping(entries))
    }
}
