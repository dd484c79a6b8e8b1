//! Closes every value that is a secret, or may be one by mistake, before anybody
//! sees the tree.

use super::{Node, Shape, Value};
use crate::config::schema;
use crate::kinds::key::Role;
use crate::model::Secret;

/// True for keys that are none of ours or whose value should be another mapping,
/// where it may be a secret by mistake.
fn sounds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let named = ["secret", "password", "passphrase", "token", "proxy"]
        .iter()
        .any(|word| key.contains(word));
    let plain = ["_file", "_env", "_interval"];
    named && !plain.iter().any(|end| key.ends_with(end))
}

/// Replaces every value that may be a secret, down from this node.
pub(super) fn seal(node: &mut Node) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(seal),
        Value::Mapping(entries) => {
            for entry in entries {
                let key = entry.key.as_deref().unwrap_or_default();
                match schema::role_of(key) {
                    Some(Role::Names) => {}
                    Some(Role::Secret) => close(&mut entry.value),
                    Some(Role::Mapping(_)) if entry.value.shape() == Shape::Mapping => {
                        seal(&mut entry.value);
                    }
                    _ if sounds_secret(key) => close(&mut entry.value),
                    _ => seal(&mut entry.value),
                }
            }
        }
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Sealed(..) => {}
    }
}

/// Makes a secret of a value.
pub(in crate::config) fn close(node: &mut Node) {
    let shape = node.shape();
    let secret = match std::mem::replace(&mut node.value, Value::Null) {
        Value::Text(text) => Some(Secret::new(text)),
        _ => None,
    };
    node.value = Value::Sealed(shape, secret);
}
