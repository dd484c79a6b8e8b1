//! The one place that reads YAML: text to a tree in which every key and every
//! value knows its line and column. It promises that whatever may be a secret
//! is sealed before anyone sees the tree, that no message quotes the text, and
//! that work is bounded by the size of the file, not by what its aliases say.
//! `check` turns the tree into types.

mod raw;
mod seal;
mod syntax;

use serde_yaml::{NonFiniteFloatPolicy, Options, Spanned};

use super::diagnostic::Position;
use crate::model::Secret;
use raw::Raw;

pub(super) use seal::close;

/// Most scalars, lists and mappings in one file. A resource with everything
/// that can be said about it has about forty.
const MOST_NODES: usize = 2_000_000;
/// Most nodes that aliases may add.
const MOST_REPLAYED: usize = 500_000;
/// The configuration itself is six deep.
const MOST_DEPTH: usize = 16;

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    /// Of its first character; inside an alias, where it was written.
    pub(super) at: Position,
    /// What it is.
    pub(super) value: Value,
    /// It was `${NAME}`, and this is what the environment says: text, also
    /// where a number or a word without quotes is wanted.
    pub(super) is_variable: bool,
}

/// What a node holds.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<MappingEntry>),
    /// Under a key that holds a secret: never quoted, and only the text of a
    /// plain one can be had.
    Sealed(Shape, Option<Secret>),
}

/// One pair of a mapping.
#[derive(Debug)]
pub(super) struct MappingEntry {
    /// `None` for a list or mapping as a key.
    pub(super) key: Option<String>,
    /// Where the key stands.
    pub(super) at: Position,
    /// What it is set to.
    pub(super) value: Node,
}

/// The type of a value, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Null,
    Boolean,
    Number,
    Text,
    List,
    Mapping,
}

impl Shape {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Boolean => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Mapping => "a mapping",
        }
    }
}

impl Node {
    pub(super) const fn new(at: Position, value: Value) -> Self {
        Self {
            at,
            value,
            is_variable: false,
        }
    }

    pub(super) const fn shape(&self) -> Shape {
        match &self.value {
            Value::Null => Shape::Null,
            Value::Boolean(_) => Shape::Boolean,
            Value::Integer(_) | Value::Float(_) => Shape::Number,
            Value::Text(_) => Shape::Text,
            Value::List(_) => Shape::List,
            Value::Mapping(_) => Shape::Mapping,
            Value::Sealed(shape, _) => *shape,
        }
    }

    pub(super) const fn is_null(&self) -> bool {
        matches!(self.shape(), Shape::Null)
    }

    /// What was found, for a message: with its text unless it is sealed.
    pub(super) fn found(&self) -> String {
        match &self.value {
            Value::Boolean(value) => format!("{value}"),
            Value::Integer(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value}"),
            Value::Text(text) => super::diagnostic::quoted(text),
            Value::Sealed(shape, _) => format!("{} (not shown)", shape.as_str()),
            Value::Null | Value::List(_) | Value::Mapping(_) => self.shape().as_str().to_owned(),
        }
    }
}

/// Reads the document of this file, in the order in which files are read; an
/// empty one is an empty mapping.
///
/// # Errors
/// A syntax error, a doubled document or a bound, with its position. The
/// message never quotes the text.
pub(super) fn parse(text: &str, file: u16) -> Result<Node, (Position, String)> {
    let in_file = |at: Position| Position { file, ..at };
    let mut root =
        parse_sealing(text, seal::seal).map_err(|(at, message)| (in_file(at), message))?;
    if file > 0 {
        move_to(&mut root, file);
    }
    Ok(root)
}

/// Tells every node which file it stands in.
fn move_to(node: &mut Node, file: u16) {
    node.at.file = file;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| move_to(item, file)),
        Value::Mapping(entries) => {
            for entry in entries {
                entry.at.file = file;
                move_to(&mut entry.value, file);
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

/// The same for a single file whose secrets are elsewhere: `seal` closes them.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_sealing(text: &str, seal: fn(&mut Node)) -> Result<Node, (Position, String)> {
    let mut root = serde_yaml::from_str_with_options::<Option<Spanned<Raw>>>(text, options())
        .map_err(|error| syntax::complaint(&error, text))?
        .map_or_else(|| Node::new(START, Value::Null), Node::from);
    if root.is_null() {
        root.value = Value::Mapping(Vec::new());
    }
    seal(&mut root);
    Ok(root)
}

/// Where a file begins.
const START: Position = Position {
    file: 0,
    line: 1,
    column: 1,
};

fn options() -> Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_events: 3 * MOST_NODES,
            max_nodes: MOST_NODES,
            max_depth: MOST_DEPTH,
            flow_nesting_limit: MOST_DEPTH,
            max_documents: 1,
            max_aliases: 100_000,
            max_anchors: 10_000,
            max_merge_keys: 100_000,
            max_recorded_anchor_events: MOST_REPLAYED,
            // One anchor with the common part, used by every resource, is fine;
            // what aliases add in total is bounded below.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: MOST_REPLAYED,
            max_replay_stack_depth: 8,
        },
        // Doubled keys are found in the tree, where secrets are sealed already
        // and both places are known.
        duplicate_keys: serde_yaml::options::DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        // A snippet shows neighbouring lines, and with them secrets.
        with_snippet: false,
        crop_radius: 0,
    }
}
